//! Raw text fields: undone of their quotes, cut to a width, summed up as bounds.

use super::bytes::{Text, append};
use super::portable::Portable;
use super::simd::Simd;
use crate::schema::Width;
use crate::values;

/// Appends a raw field's value as PLAIN encodes it: length, then bytes. The field is well-formed.
#[inline(always)]
pub(super) fn append_value(simd: impl Simd, raw: Text<'_>, out: &mut Vec<u8>) {
    let at = out.len();
    out.extend_from_slice(&[0; 4]);
    if raw.bytes().first() == Some(&b'"') {
        let inner = Text { start: raw.start + 1, len: raw.len.saturating_sub(2), ..raw };
        simd.append_undoubled(inner, out);
    } else {
        append(raw, out);
    }
    let len = (out.len() - at - 4) as u32;
    out[at..at + 4].copy_from_slice(&len.to_le_bytes());
}

/// Whether the value of a raw field fits.
pub(super) fn fits(raw: Text<'_>, width: Width) -> bool {
    let mut value = Vec::with_capacity(raw.len + 4);
    append_value(Portable, raw, &mut value);
    values::fits(&value[4..], width)
}

/// The raw field cut so that its value fits, quoted anew; `None` if it fits as it is.
pub(super) fn cut_to_width(raw: Text<'_>, width: Width) -> Option<Vec<u8>> {
    let mut value = Vec::with_capacity(raw.len + 4);
    append_value(Portable, raw, &mut value);
    let value = &value[4..];
    let kept = values::truncate(value, width);
    if kept == value.len() {
        return None;
    }
    let mut cut = vec![b'"'];
    for &byte in &value[..kept] {
        cut.push(byte);
        if byte == b'"' {
            cut.push(byte);
        }
    }
    cut.push(b'"');
    Some(cut)
}

/// Whether a raw field of this length may be wider than `width`: its bytes are at least its characters.
#[inline]
pub(super) fn may_be_wider(raw_len: usize, width: Width) -> bool {
    raw_len > values::surely_fits(width)
}

/// Longest bound of a text that statistics keep; a longer one is cut, and said to be inexact.
const BOUND_BYTES_MAX: usize = 64;

/// A lower bound, and whether it is the value itself.
pub(super) fn lower_bound(value: &[u8]) -> (Vec<u8>, bool) {
    let kept = values::truncate(value, Width::Bytes(BOUND_BYTES_MAX as u32));
    (value[..kept].to_vec(), kept == value.len())
}

/// An upper bound, and whether it is the value itself; `None` if no short text is greater.
pub(super) fn upper_bound(value: &[u8]) -> Option<(Vec<u8>, bool)> {
    let (bound, exact) = lower_bound(value);
    if exact {
        return Some((bound, true));
    }
    let mut chars: Vec<char> = String::from_utf8(bound).ok()?.chars().collect();
    while let Some(last) = chars.pop() {
        let next = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32);
        if let Some(next) = next {
            chars.push(next);
            return Some((chars.into_iter().collect::<String>().into_bytes(), false));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(raw: &str) -> Text<'_> {
        Text { buffer: raw.as_bytes(), start: 0, len: raw.len() }
    }

    fn value(raw: &str) -> String {
        let mut out = Vec::new();
        append_value(Portable, text(raw), &mut out);
        assert_eq!(out.len() - 4, u32::from_le_bytes([out[0], out[1], out[2], out[3]]) as usize);
        String::from_utf8(out[4..].to_vec()).unwrap()
    }

    #[test]
    fn quotes_are_undone() {
        let cases = [
            ("a", "a"),
            ("\"\"", ""),
            ("\"a\"", "a"),
            ("\"\"\"\"", "\""),
            ("\"\"\"a\"\",\"\"\"", "\"a\",\""),
            ("\"a\"\"\"\"b\n\"", "a\"\"b\n"),
        ];
        for (raw, want) in cases {
            assert_eq!(value(raw), want, "{raw}");
        }
    }

    #[test]
    fn overlong_text_is_cut_at_a_character() {
        let cut =
            |raw: &str, width| cut_to_width(text(raw), width).map(|raw| String::from_utf8(raw).unwrap());
        assert_eq!(cut("abc", Width::Chars(3)), None);
        assert_eq!(cut("\"abc\"", Width::Chars(3)), None);
        assert_eq!(cut("äöü", Width::Chars(2)), Some("\"äö\"".into()));
        assert_eq!(cut("äöü", Width::Bytes(3)), Some("\"ä\"".into()));
        assert_eq!(cut("\"a\"\"bc\"", Width::Chars(2)), Some("\"a\"\"\"".into()));
    }

    #[test]
    fn bounds_of_long_texts_stay_bounds() {
        let long = "é".repeat(100);
        let (low, exact) = lower_bound(long.as_bytes());
        assert!(!exact && low.as_slice() < long.as_bytes() && low.len() == 64);
        let (high, exact) = upper_bound(long.as_bytes()).unwrap();
        assert!(!exact && high.as_slice() > long.as_bytes() && high.len() <= 66);
        assert_eq!(upper_bound("\u{10ffff}".repeat(30).as_bytes()), None);
        assert_eq!(upper_bound(b"ab"), Some((b"ab".to_vec(), true)));
    }
}
