//! `uuid`, kept as text.

use super::Rule;

const UUID_BYTES: usize = 36;

/// Checks 36 characters: hexadecimal digits in either case, dashes after 8, 4, 4 and 4 of them.
///
/// # Errors
/// [`Rule::Uuid`] for anything else, braces and missing dashes among it: the text is loaded as it stands.
pub fn uuid(bytes: &[u8]) -> Result<(), Rule> {
    let fits = |(at, byte): (usize, &u8)| match at {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    if bytes.len() == UUID_BYTES && bytes.iter().enumerate().all(fits) { Ok(()) } else { Err(Rule::Uuid) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids() {
        for good in ["01234567-89ab-cdef-0123-456789abcdef", "01234567-89AB-CDEF-0123-456789ABCDEF"] {
            assert_eq!(uuid(good.as_bytes()), Ok(()), "{good}");
        }
        for bad in [
            "",
            "0123456789abcdef0123456789abcdef",
            "{01234567-89ab-cdef-0123-456789abcdef}",
            "01234567-89ab-cdef-0123-456789abcdeg",
            "01234567-89ab-cdef-0123-456789abcde",
            "01234567-89ab-cdef-0123-456789abcdef0",
            "0123456-789ab-cdef-0123-456789abcdef",
            "01234567_89ab_cdef_0123_456789abcdef",
            "01234567-89ab-cdef-0123-4567-9abcdef",
            " 1234567-89ab-cdef-0123-456789abcdef",
        ] {
            assert_eq!(uuid(bad.as_bytes()), Err(Rule::Uuid), "{bad}");
        }
    }
}
