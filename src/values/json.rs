//! How deep a JSON value is nested.

/// Whether arrays and objects of a JSON text, which is sound, stand at most `levels` deep in each other.
pub(super) fn is_nested_within(text: &[u8], levels: usize) -> bool {
    let (mut depth, mut in_string) = (0_usize, false);
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => in_string = !in_string,
            // What is escaped ends no string.
            b'\\' if in_string => drop(bytes.next()),
            _ if in_string => {}
            b'[' | b'{' => {
                depth += 1;
                if depth > levels {
                    return false;
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_counted() {
        let cases = [
            ("1", 0),
            ("[]", 1),
            (r#"{"a": [1, {"b": 2}], "c": [[]]}"#, 3),
            (r#"["[[[", "\"[[", "\\"]"#, 1),
            ("[[],[],[]]", 2),
        ];
        for (text, levels) in cases {
            assert!(is_nested_within(text.as_bytes(), levels), "{text}");
            assert!(levels == 0 || !is_nested_within(text.as_bytes(), levels - 1), "{text}");
        }
    }
}
