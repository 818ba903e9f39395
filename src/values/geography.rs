//! `geography`, kept as text: PostGIS prints EWKB in hexadecimal.

use super::Rule;

/// Checks an even number of hexadecimal digits, the first two being the byte order, `00` or `01`.
///
/// # Errors
/// [`Rule::Geography`] for anything else, the empty string among it.
pub fn geography(bytes: &[u8]) -> Result<(), Rule> {
    let has_byte_order = matches!(bytes, [b'0', b'0' | b'1', ..]);
    let is_hex = bytes.len().is_multiple_of(2) && bytes.iter().all(u8::is_ascii_hexdigit);
    if has_byte_order && is_hex { Ok(()) } else { Err(Rule::Geography) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn geographies() {
        for good in ["0101000020E6100000000000000000F03F0000000000000040", "0020000001000010e6", "01", "00"] {
            assert_eq!(geography(good.as_bytes()), Ok(()), "{good}");
        }
        for bad in ["", "0", "010", "02000000", "11", "0101zz", "POINT(1 2)", "\\x0101", " 0101", "0101 "] {
            assert_eq!(geography(bad.as_bytes()), Err(Rule::Geography), "{bad}");
        }
    }
}
