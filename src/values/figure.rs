//! One number of a report: as JSON has it where JSON holds it exactly, else as text.

use super::written::{WrittenDate, WrittenTimestamp};
use serde::{Deserialize, Serialize};
use std::fmt;

const MICROS: i128 = 1_000_000;
/// Sizes of floats that are shown without an exponent.
const PLAIN: std::ops::Range<f64> = 1e-5..1e15;

/// A number, a decimal or a time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Figure {
    /// An integer of 64 bits.
    Integer(i64),
    /// A float.
    Float(f64),
    /// A decimal, a time, or an integer of more bits: as PostgreSQL writes it.
    Text(String),
}

impl Figure {
    /// An integer of any size.
    pub fn integer(number: i128) -> Self {
        i64::try_from(number).map_or_else(|_| Self::Text(number.to_string()), Self::Integer)
    }

    /// A float; what JSON has no number for is text. There is one zero.
    pub fn float(number: f64) -> Self {
        if number.is_finite() { Self::Float(number + 0.0) } else { Self::Text(number.to_string()) }
    }

    /// A decimal of `scale` digits after its point.
    pub fn decimal(unscaled: i128, scale: u32) -> Self {
        if scale == 0 {
            return Self::Text(unscaled.to_string());
        }
        let (sign, digits) = (if unscaled < 0 { "-" } else { "" }, unscaled.unsigned_abs().to_string());
        let scale = scale as usize;
        let digits = format!("{digits:0>width$}", width = scale + 1);
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        Self::Text(format!("{sign}{whole}.{fraction}"))
    }

    /// Days since 1970 as a date.
    pub fn date(days: i128) -> Self {
        Self::Text(WrittenDate(narrow(days)).to_string())
    }

    /// Microseconds since 1970 as a time, in UTC's zone or in none.
    pub fn timestamp(us: i128, in_utc: bool) -> Self {
        let offset = in_utc.then_some(0);
        // Less than a second: it fits.
        let nanos = (us.rem_euclid(MICROS) * 1_000) as u32;
        let seconds = narrow(us.div_euclid(MICROS));
        Self::Text(WrittenTimestamp { seconds, nanos, offset, as_json: false }.to_string())
    }

    /// Whether both are the same number, however many zeros stand behind the point; a decimal is a float's if it
    /// is read as that float.
    pub fn same(&self, other: &Self) -> bool {
        if self == other {
            return true;
        }
        match (self.exact(), other.exact()) {
            (Some(one), Some(other)) => one == other,
            _ => self.as_float().zip(other.as_float()).is_some_and(|(one, other)| one == other),
        }
    }

    /// As a float, if it is a number.
    pub fn as_float(&self) -> Option<f64> {
        match self {
            Self::Integer(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            Self::Text(text) => text.parse().ok(),
        }
    }

    /// The digits without the zeros at the end, and how many of them stand behind the point.
    fn exact(&self) -> Option<(i128, usize)> {
        match self {
            Self::Integer(number) => Some((i128::from(*number), 0)),
            Self::Float(_) => None,
            Self::Text(text) => {
                let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
                let fraction = fraction.trim_end_matches('0');
                if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
                    return None;
                }
                Some((format!("{whole}{fraction}").parse().ok()?, fraction.len()))
            }
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(number) => number.fmt(f),
            Self::Float(number) if PLAIN.contains(&number.abs()) || *number == 0.0 => number.fmt(f),
            Self::Float(number) => write!(f, "{number:e}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// Sums of columns are wider than any time; what is beyond all calendars is shown as their end.
fn narrow(number: i128) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX / 4)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::values;

    #[test]
    fn decimals_have_their_point() {
        for (unscaled, scale, text) in [
            (0, 2, "0.00"),
            (5, 2, "0.05"),
            (-5, 2, "-0.05"),
            (-12_345, 2, "-123.45"),
            (7, 0, "7"),
            (i128::from(u64::MAX), 10, "1844674407.3709551615"),
        ] {
            assert_eq!(Figure::decimal(unscaled, scale), Figure::Text(text.into()));
        }
    }

    /// What is written is what the exact readers read.
    #[test]
    fn times_are_written_as_they_are_read() {
        for text in [
            "1970-01-01 00:00:00",
            "1969-12-31 23:59:59.999999",
            "2026-01-05 12:34:56.5",
            "0001-01-01 00:00:00",
            "0044-03-15 12:00:00.25 BC",
            "4714-11-24 00:00:00 BC",
            "294246-12-30 23:59:59.999999",
        ] {
            let us = values::timestamp(text.as_bytes()).unwrap();
            assert_eq!(Figure::timestamp(us.into(), false), Figure::Text(text.into()));
        }
        let us = values::timestamp_tz(b"2026-01-05 12:34:56+00").unwrap();
        assert_eq!(Figure::timestamp(us.into(), true), Figure::Text("2026-01-05 12:34:56+00".into()));
        for text in ["2024-02-29", "0001-12-31 BC", "10000-01-01"] {
            let days = values::date(text.as_bytes()).unwrap();
            assert_eq!(Figure::date(days.into()), Figure::Text(text.into()));
        }
    }

    #[test]
    fn the_same_number_is_the_same_in_every_form() {
        let text = |text: &str| Figure::Text(text.to_owned());
        for (one, other, same) in [
            (Figure::Integer(5), text("5.00"), true),
            (text("0.70"), text("0.7"), true),
            (text("0.70"), text("0.71"), false),
            (text("-0.5"), text("0.5"), false),
            (text("100"), text("1.00"), false),
            (Figure::Float(0.7), text("0.70"), true),
            (Figure::Float(5.0), Figure::Integer(5), true),
            (text("2026-01-05"), text("2026-01-05"), true),
            (text("2026-01-05"), text("2026-01-06"), false),
            (text("9223372036854775808"), text("9223372036854775809"), false),
        ] {
            assert_eq!((one.same(&other), other.same(&one)), (same, same), "{one} {other}");
        }
    }

    #[test]
    fn floats_are_shown_short() {
        for (number, text) in
            [(0.0, "0"), (-0.5, "-0.5"), (1e15, "1e15"), (-1e300, "-1e300"), (5e-324, "5e-324")]
        {
            assert_eq!(Figure::Float(number).to_string(), text);
        }
    }

    #[test]
    fn json_reads_what_it_wrote() {
        for (figure, json) in [
            (Figure::Integer(i64::MAX), "9223372036854775807"),
            (Figure::float(-0.0), "0.0"),
            (Figure::float(0.1), "0.1"),
            (Figure::float(f64::NAN), "\"NaN\""),
            (Figure::integer(1 << 70), "\"1180591620717411303424\""),
        ] {
            assert_eq!(serde_json::to_string(&figure).unwrap(), json);
            assert_eq!(serde_json::from_str::<Figure>(json).unwrap(), figure);
        }
    }
}
