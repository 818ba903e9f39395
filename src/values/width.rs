//! Whether text fits a column, and where to cut it if it does not.

use super::json::is_nested_within;
use crate::schema::{SUPER_LEVELS_MAX, VARCHAR_BYTES_MAX, Width};

/// How many bytes of `text`, which is UTF-8, fit into `width`: all of them, or as many as end at the
/// last character boundary within it. Half a JSON is none, so of one that SUPER does not take nothing fits.
pub fn truncate(text: &[u8], width: Width) -> usize {
    match width {
        Width::Bytes(max) => floor_boundary(text, max as usize),
        Width::Chars(max) => prefix_of_chars(text, max as usize),
        Width::Super
            if text.len() <= VARCHAR_BYTES_MAX as usize && is_nested_within(text, SUPER_LEVELS_MAX) =>
        {
            text.len()
        }
        Width::Super => 0,
    }
}

/// Bytes of the longest text that fits whatever is in it: a character takes at least one byte, a level of JSON too.
pub fn surely_fits(width: Width) -> usize {
    match width {
        Width::Chars(max) | Width::Bytes(max) => max as usize,
        Width::Super => SUPER_LEVELS_MAX,
    }
}

/// Whether all of `text`, which is UTF-8, fits into `width`.
pub fn fits(text: &[u8], width: Width) -> bool {
    truncate(text, width) == text.len()
}

fn floor_boundary(text: &[u8], bytes_max: usize) -> usize {
    if text.len() <= bytes_max {
        return text.len();
    }
    (0..=bytes_max).rev().find(|&at| starts_char(text[at])).unwrap_or(0)
}

fn prefix_of_chars(text: &[u8], chars_max: usize) -> usize {
    // A character has at least one byte, so short text fits without counting.
    if text.len() <= chars_max {
        return text.len();
    }
    let starts = text.iter().enumerate().filter(|&(_, &byte)| starts_char(byte));
    starts.map(|(at, _)| at).nth(chars_max).unwrap_or(text.len())
}

fn starts_char(byte: u8) -> bool {
    byte & 0b1100_0000 != 0b1000_0000
}

#[cfg(test)]
mod tests {
    use super::*;
    use Width::{Bytes, Chars};

    #[test]
    fn cuts() {
        let cases: &[(&str, Width, &str)] = &[
            ("", Chars(0), ""),
            ("", Bytes(0), ""),
            ("abc", Chars(0), ""),
            ("abc", Bytes(0), ""),
            ("abc", Chars(2), "ab"),
            ("abc", Chars(3), "abc"),
            ("abc", Chars(4), "abc"),
            ("abc", Bytes(2), "ab"),
            ("abc", Bytes(3), "abc"),
            ("héé", Chars(3), "héé"),
            ("héé", Chars(2), "hé"),
            ("héé", Bytes(2), "h"),
            ("héé", Bytes(3), "hé"),
            ("héé", Bytes(4), "hé"),
            ("héé", Bytes(5), "héé"),
            ("€", Bytes(1), ""),
            ("€", Bytes(2), ""),
            ("😀😀", Chars(1), "😀"),
            ("😀😀", Bytes(7), "😀"),
            ("e\u{301}", Chars(1), "e"),
            ("日本語", Chars(u32::MAX), "日本語"),
            ("日本語", Bytes(u32::MAX), "日本語"),
        ];
        for (text, width, expected) in cases {
            assert_eq!(&text[..truncate(text.as_bytes(), *width)], *expected, "{text:?} {width:?}");
            assert_eq!(fits(text.as_bytes(), *width), text == expected, "{text:?} {width:?}");
        }
    }

    #[test]
    fn super_takes_so_much_and_so_deep() {
        let levels = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        let bytes = |n: usize| format!("\"{}\"", "x".repeat(n - 2));
        let cases = [
            (levels(1_000), true),
            (levels(1_001), false),
            (bytes(65_535), true),
            (bytes(65_536), false),
            (format!("\"{}\"", "[".repeat(5_000)), true),
        ];
        for (text, expected) in cases {
            assert_eq!(fits(text.as_bytes(), Width::Super), expected, "{} bytes", text.len());
            assert!(expected || text.len() > surely_fits(Width::Super));
        }
    }

    #[test]
    fn cuts_are_where_the_standard_library_would_cut() {
        let text = "aé€😀\u{301}zß語";
        for max in 0..=text.len() + 1 {
            let boundary = (0..=max.min(text.len())).rev().find(|&at| text.is_char_boundary(at));
            assert_eq!(Some(truncate(text.as_bytes(), Bytes(max as u32))), boundary, "{max} bytes");
            let chars: String = text.chars().take(max).collect();
            assert_eq!(truncate(text.as_bytes(), Chars(max as u32)), chars.len(), "{max} characters");
        }
    }
}
