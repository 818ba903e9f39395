//! `real` and `double precision`.

use super::Rule;
use super::parts::{is_infinity, split_sign, trim};
use std::str::FromStr;

/// Reads a `real`, rounded correctly to the nearest value.
///
/// # Errors
/// [`Rule::Float`] if it is not a number, [`Rule::Range`] if it overflows, or is not zero and becomes
/// zero, [`Rule::Nan`], [`Rule::Infinity`].
pub fn real(bytes: &[u8]) -> Result<f32, Rule> {
    let (value, is_zero): (f32, bool) = number(bytes)?;
    in_range(value.is_finite(), value == 0.0, is_zero)?;
    Ok(value)
}

/// Reads a `double precision`, rounded correctly to the nearest value.
///
/// # Errors
/// As [`real`].
pub fn double(bytes: &[u8]) -> Result<f64, Rule> {
    let (value, is_zero): (f64, bool) = number(bytes)?;
    in_range(value.is_finite(), value == 0.0, is_zero)?;
    Ok(value)
}

fn in_range(is_finite: bool, became_zero: bool, is_zero: bool) -> Result<(), Rule> {
    if is_finite && became_zero == is_zero { Ok(()) } else { Err(Rule::Range) }
}

/// The parsed number, and whether its text says zero.
fn number<F: FromStr>(bytes: &[u8]) -> Result<(F, bool), Rule> {
    let text = trim(bytes);
    let of_a_number = |&byte: &u8| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E');
    if !text.iter().all(of_a_number) {
        return Err(not_a_number(text));
    }
    let text = std::str::from_utf8(text).map_err(|_| Rule::Float)?;
    let value = text.parse().map_err(|_| Rule::Float)?;
    let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
    Ok((value, !mantissa.bytes().any(|byte| matches!(byte, b'1'..=b'9'))))
}

#[cold]
fn not_a_number(text: &[u8]) -> Rule {
    match text {
        _ if split_sign(text).1.eq_ignore_ascii_case(b"nan") => Rule::Nan,
        _ if is_infinity(text) => Rule::Infinity,
        _ => Rule::Float,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Rule::{Float, Infinity, Nan, Range};

    #[test]
    fn doubles() {
        let cases: &[(&str, Result<f64, Rule>)] = &[
            ("0", Ok(0.0)),
            ("1.5", Ok(1.5)),
            ("-1.5e-7", Ok(-1.5e-7)),
            ("1e+22", Ok(1e22)),
            ("1E5", Ok(1e5)),
            ("+3", Ok(3.0)),
            ("5.", Ok(5.0)),
            (".5", Ok(0.5)),
            (" 2.5 ", Ok(2.5)),
            ("0.1", Ok(0.1)),
            ("1.7976931348623157e+308", Ok(f64::MAX)),
            ("2.2250738585072014e-308", Ok(f64::MIN_POSITIVE)),
            ("5e-324", Ok(5e-324)),
            ("0e999", Ok(0.0)),
            ("1e309", Err(Range)),
            ("-1e309", Err(Range)),
            ("1e-400", Err(Range)),
            ("", Err(Float)),
            (".", Err(Float)),
            ("e5", Err(Float)),
            ("1e", Err(Float)),
            ("1e5.0", Err(Float)),
            ("--1", Err(Float)),
            ("1-1", Err(Float)),
            ("0x10", Err(Float)),
            ("1,5", Err(Float)),
            ("1 5", Err(Float)),
            ("NaN", Err(Nan)),
            ("Infinity", Err(Infinity)),
            ("-Infinity", Err(Infinity)),
            ("inf", Err(Infinity)),
            ("é", Err(Float)),
        ];
        for (text, expected) in cases {
            assert_eq!(double(text.as_bytes()), *expected, "{text:?}");
        }
        assert!(double(b"-0").is_ok_and(|value| value == 0.0 && value.is_sign_negative()));
    }

    #[test]
    fn reals() {
        assert_eq!(real(b"1.1"), Ok(1.1_f32));
        assert_eq!(real(b"3.4028235e+38"), Ok(f32::MAX));
        assert_eq!(real(b"1e-45"), Ok(1e-45_f32));
        assert_eq!(real(b"3.5e+38"), Err(Range));
        assert_eq!(real(b"1e-46"), Err(Range));
        assert_eq!(real(b"NaN"), Err(Nan));
        assert_eq!(real(b"x"), Err(Float));
    }
}
