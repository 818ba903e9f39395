//! `smallint`, `integer`, `bigint`.

use super::Rule;
use super::parts::{split_sign, trim};

/// Digits that always fit a `u64`.
const DIGITS_MAX: usize = 19;

/// Reads a `smallint`.
///
/// # Errors
/// [`Rule::Integer`] if it is not a whole number, [`Rule::Range`] if it does not fit.
pub fn small_int(bytes: &[u8]) -> Result<i16, Rule> {
    whole(bytes)?.try_into().map_err(|_| Rule::Range)
}

/// Reads an `integer`.
///
/// # Errors
/// As [`small_int`].
pub fn integer(bytes: &[u8]) -> Result<i32, Rule> {
    whole(bytes)?.try_into().map_err(|_| Rule::Range)
}

/// Reads a `bigint`.
///
/// # Errors
/// As [`small_int`].
pub fn big_int(bytes: &[u8]) -> Result<i64, Rule> {
    whole(bytes)?.try_into().map_err(|_| Rule::Range)
}

/// White space, a sign, digits, white space. Wider than any of the types, so that each checks its own range.
fn whole(bytes: &[u8]) -> Result<i128, Rule> {
    let (negative, digits) = split_sign(trim(bytes));
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Rule::Integer);
    }
    let zeros = digits.iter().take_while(|&&digit| digit == b'0').count();
    let digits = &digits[zeros..];
    if digits.len() > DIGITS_MAX {
        return Err(Rule::Range);
    }
    let magnitude = digits.iter().fold(0_u64, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    Ok(if negative { -i128::from(magnitude) } else { i128::from(magnitude) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use Rule::{Integer, Range};

    #[test]
    fn integers() {
        let cases: &[(&str, Result<i32, Rule>)] = &[
            ("0", Ok(0)),
            ("-0", Ok(0)),
            ("+7", Ok(7)),
            ("007", Ok(7)),
            (" 42\t", Ok(42)),
            ("\x0b-42\r\n", Ok(-42)),
            ("2147483647", Ok(i32::MAX)),
            ("-2147483648", Ok(i32::MIN)),
            ("00000000000000000000000000000000000001", Ok(1)),
            ("2147483648", Err(Range)),
            ("-2147483649", Err(Range)),
            ("99999999999999999999999999999999999999999", Err(Range)),
            ("99999999999999999999999999999999999999999x", Err(Integer)),
            ("", Err(Integer)),
            (" ", Err(Integer)),
            ("-", Err(Integer)),
            ("--1", Err(Integer)),
            ("- 1", Err(Integer)),
            ("1 2", Err(Integer)),
            ("1.0", Err(Integer)),
            ("1e3", Err(Integer)),
            ("0x1F", Err(Integer)),
            ("1_000", Err(Integer)),
            ("٣", Err(Integer)),
            ("NaN", Err(Integer)),
        ];
        for (text, expected) in cases {
            assert_eq!(integer(text.as_bytes()), *expected, "{text:?}");
        }
    }

    #[test]
    fn limits_of_the_other_sizes() {
        assert_eq!(small_int(b"32767"), Ok(i16::MAX));
        assert_eq!(small_int(b"-32768"), Ok(i16::MIN));
        assert_eq!(small_int(b"32768"), Err(Range));
        assert_eq!(small_int(b"-32769"), Err(Range));
        assert_eq!(small_int(b"x"), Err(Integer));
        assert_eq!(big_int(b"9223372036854775807"), Ok(i64::MAX));
        assert_eq!(big_int(b"-9223372036854775808"), Ok(i64::MIN));
        assert_eq!(big_int(b"9223372036854775808"), Err(Range));
        assert_eq!(big_int(b"-9223372036854775809"), Err(Range));
        assert_eq!(big_int(b"9999999999999999999"), Err(Range));
        assert_eq!(big_int(b"18446744073709551616"), Err(Range));
        assert_eq!(big_int(b""), Err(Integer));
    }
}
