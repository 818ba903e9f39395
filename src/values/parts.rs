//! What several text forms share: white space around, a sign before, infinity.

/// The bytes without the white space that C's `isspace` knows, which PostgreSQL skips around numbers
/// and booleans. The vertical tab is one, though not for Rust's `is_ascii_whitespace`.
pub(super) fn trim(bytes: &[u8]) -> &[u8] {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
    let start = bytes.iter().position(|byte| !is_space(byte)).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|byte| !is_space(byte)).map_or(start, |last| last + 1);
    &bytes[start..end]
}

/// Whether the bytes are `inf` or `infinity`, signed or not, in any case.
pub(super) fn is_infinity(bytes: &[u8]) -> bool {
    let (_, bare) = split_sign(bytes);
    bare.eq_ignore_ascii_case(b"infinity") || bare.eq_ignore_ascii_case(b"inf")
}

/// Takes one leading sign off; true means minus.
pub(super) fn split_sign(bytes: &[u8]) -> (bool, &[u8]) {
    match bytes {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, bytes),
    }
}
