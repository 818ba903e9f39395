//! `numeric(precision, scale)` as an unscaled whole number: `12.5` at scale 2 is 1250.

use super::Rule;
use super::parts::{is_infinity, split_sign, trim};
use crate::schema::DECIMAL_PRECISION_MAX;

/// Reads a decimal for a column of `precision` digits, `scale` of them after the point. Fewer decimals
/// are filled with zeros; surplus decimals must be zeros, because rounding would change the value.
///
/// # Errors
/// [`Rule::Decimal`] for anything but sign, digits and one point (an exponent among it), [`Rule::Scale`],
/// [`Rule::Range`] for too many digits before the point, [`Rule::Nan`], [`Rule::Infinity`].
pub fn decimal(bytes: &[u8], precision: u8, scale: u8) -> Result<i128, Rule> {
    debug_assert!((1..=DECIMAL_PRECISION_MAX).contains(&precision) && scale <= precision);
    let text = trim(bytes);
    let (negative, number) = split_sign(text);
    let point = number.iter().position(|&byte| byte == b'.');
    let (integral, fraction) = match point {
        Some(at) => (&number[..at], &number[at + 1..]),
        None => (number, &number[number.len()..]),
    };
    let all_digits = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
    if integral.len() + fraction.len() == 0 || !all_digits(integral) || !all_digits(fraction) {
        return Err(not_digits(text));
    }

    let kept = fraction.len().min(usize::from(scale));
    if fraction[kept..].iter().any(|&digit| digit != b'0') {
        return Err(Rule::Scale);
    }
    let zeros = integral.iter().take_while(|&&digit| digit == b'0').count();
    if integral.len() - zeros > usize::from(precision - scale) {
        return Err(Rule::Range);
    }

    let digits = integral[zeros..].iter().chain(&fraction[..kept]);
    let missing = usize::from(scale) - kept;
    let padded = digits.chain(std::iter::repeat_n(&b'0', missing));
    let magnitude = padded.fold(0_i128, |sum, digit| sum * 10 + i128::from(digit - b'0'));
    Ok(if negative { -magnitude } else { magnitude })
}

#[cold]
fn not_digits(text: &[u8]) -> Rule {
    match text {
        _ if text.eq_ignore_ascii_case(b"nan") => Rule::Nan,
        _ if is_infinity(text) => Rule::Infinity,
        _ => Rule::Decimal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Rule::{Decimal, Infinity, Nan, Range, Scale};

    #[test]
    fn decimals() {
        let nines = "9".repeat(38);
        let minus_nines = format!("-{nines}");
        let too_many = format!("1{}", "0".repeat(38));
        let fraction = format!(".{nines}");
        let whole_max = 10_i128.pow(38) - 1;
        let cases: &[(&str, u8, u8, Result<i128, Rule>)] = &[
            ("0", 3, 2, Ok(0)),
            ("-0.00", 3, 2, Ok(0)),
            ("1.25", 3, 2, Ok(125)),
            ("-1.25", 3, 2, Ok(-125)),
            ("+1.2", 3, 2, Ok(120)),
            ("1", 3, 2, Ok(100)),
            ("1.", 3, 2, Ok(100)),
            (".5", 3, 2, Ok(50)),
            (" 9.99\n", 3, 2, Ok(999)),
            ("0009.99", 3, 2, Ok(999)),
            ("1.2500000", 3, 2, Ok(125)),
            ("1.251", 3, 2, Err(Scale)),
            ("1.2500001", 3, 2, Err(Scale)),
            ("10", 3, 2, Err(Range)),
            ("-10.00", 3, 2, Err(Range)),
            ("0.5", 2, 2, Ok(50)),
            ("1.0", 2, 2, Err(Range)),
            ("-122.4194155000", 13, 10, Ok(-1_224_194_155_000)),
            ("1000", 13, 10, Err(Range)),
            (&nines, 38, 0, Ok(whole_max)),
            (&minus_nines, 38, 0, Ok(-whole_max)),
            (&too_many, 38, 0, Err(Range)),
            (&fraction, 38, 38, Ok(whole_max)),
            ("1.0", 38, 0, Ok(1)),
            ("1.5", 38, 0, Err(Scale)),
            ("", 3, 2, Err(Decimal)),
            ("-", 3, 2, Err(Decimal)),
            (".", 3, 2, Err(Decimal)),
            ("-.", 3, 2, Err(Decimal)),
            ("1.2.3", 3, 2, Err(Decimal)),
            ("1,5", 3, 2, Err(Decimal)),
            ("1e2", 3, 2, Err(Decimal)),
            ("--1", 3, 2, Err(Decimal)),
            ("1 0", 3, 2, Err(Decimal)),
            ("NaN", 3, 2, Err(Nan)),
            (" nan ", 3, 2, Err(Nan)),
            ("Infinity", 3, 2, Err(Infinity)),
            ("-inf", 3, 2, Err(Infinity)),
            ("infinit", 3, 2, Err(Decimal)),
        ];
        for (text, precision, scale, expected) in cases {
            assert_eq!(
                decimal(text.as_bytes(), *precision, *scale),
                *expected,
                "{text:?} ({precision},{scale})"
            );
        }
    }
}
