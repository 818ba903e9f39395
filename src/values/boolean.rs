//! `boolean`, in every form that PostgreSQL's own input takes.

use super::Rule;
use super::parts::trim;

const FIELD_BYTES_MAX: usize = "false".len();

/// Reads unique prefixes of `true`, `false`, `yes`, `no`, `on`, `off` in any case, `1` and `0`, with
/// white space around them.
///
/// # Errors
/// [`Rule::Boolean`] for anything else, a lone `o` among it.
pub fn boolean(bytes: &[u8]) -> Result<bool, Rule> {
    match bytes {
        b"t" => return Ok(true),
        b"f" => return Ok(false),
        _ => {}
    }
    let word = trim(bytes);
    if word.is_empty() || word.len() > FIELD_BYTES_MAX {
        return Err(Rule::Boolean);
    }
    let begins = |whole: &[u8]| whole.len() >= word.len() && whole[..word.len()].eq_ignore_ascii_case(word);
    if begins(b"true") || begins(b"yes") || word == b"1" {
        return Ok(true);
    }
    if begins(b"false") || begins(b"no") || word == b"0" {
        return Ok(false);
    }
    // `o` begins both words.
    match word.len() {
        2.. if begins(b"on") => Ok(true),
        2.. if begins(b"off") => Ok(false),
        _ => Err(Rule::Boolean),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        for text in
            ["t", "T", "tr", "tru", "true", "TRUE", "y", "ye", "Yes", "on", "ON", "1", " t ", "\x0bt\t\r\n"]
        {
            assert_eq!(boolean(text.as_bytes()), Ok(true), "{text:?}");
        }
        for text in ["f", "F", "fa", "fal", "fals", "false", "n", "No", "of", "off", "oFF", "0", "\tfalse\n"]
        {
            assert_eq!(boolean(text.as_bytes()), Ok(false), "{text:?}");
        }
        for text in [
            "", " ", "o", "O", "2", "10", "01", "truee", "tt", "yess", "onn", "offf", "nope", "null", "t f",
            "\u{a0}t",
        ] {
            assert_eq!(boolean(text.as_bytes()), Err(Rule::Boolean), "{text:?}");
        }
    }
}
