//! Dates, times and floating-point numbers as PostgreSQL writes them (datestyle ISO), over its whole range: 4713 BC to 294276. Parquet holds
//! times to 294247.

use super::calendar::civil_from_days;
use std::fmt::{self, Display, Formatter};

const SECONDS_PER_DAY: i64 = 86_400;

/// A date, in days from 1970-01-01.
#[derive(Debug, Clone, Copy)]
pub struct WrittenDate(pub i64);

/// A time.
#[derive(Debug, Clone, Copy)]
pub struct WrittenTimestamp {
    /// Seconds from 1970-01-01 00:00:00, as the clock of `offset` shows them.
    pub seconds: i64,
    /// Nanoseconds after that.
    pub nanos: u32,
    /// Seconds that the clock is ahead of UTC; none for a time without time zone.
    pub offset: Option<i32>,
    /// As `to_json` writes it, `2026-03-01T03:15:00+00:00`, and not as text, `2026-03-01 03:15:00+00`.
    pub as_json: bool,
}

impl Display for WrittenDate {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let is_bc = write_date(f, self.0)?;
        f.write_str(if is_bc { " BC" } else { "" })
    }
}

impl Display for WrittenTimestamp {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (days, second) =
            (self.seconds.div_euclid(SECONDS_PER_DAY), self.seconds.rem_euclid(SECONDS_PER_DAY));
        let is_bc = write_date(f, days)?;
        let between = if self.as_json { 'T' } else { ' ' };
        write!(f, "{between}{:02}:{:02}:{:02}", second / 3_600, second / 60 % 60, second % 60)?;
        if self.nanos > 0 {
            let digits = format!("{:09}", self.nanos);
            write!(f, ".{}", digits.trim_end_matches('0'))?;
        }
        if let Some(offset) = self.offset {
            write_offset(f, offset, self.as_json)?;
        }
        f.write_str(if is_bc { " BC" } else { "" })
    }
}

/// A floating-point number by its shortest digits, with the exponent from which PostgreSQL writes one: 15 for
/// `double precision`, 6 for `real` (chapter 8.1.3, and float8out and float4out for the ends).
#[derive(Debug, Clone, Copy)]
pub enum WrittenFloat {
    /// `double precision`.
    Double(f64),
    /// `real`.
    Real(f32),
}

/// Numbers below this power of ten have an exponent too.
const PLAIN_EXPONENT_MIN: i32 = -4;

impl Display for WrittenFloat {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (wide, shortest, end) = match self {
            Self::Double(value) => (*value, format!("{value:e}"), 15),
            Self::Real(value) => (f64::from(*value), format!("{value:e}"), 6),
        };
        let Some((digits, exponent)) = shortest.split_once('e').filter(|_| wide.is_finite()) else {
            let sign = if wide == f64::NEG_INFINITY { "-" } else { "" };
            return if wide.is_nan() { f.write_str("NaN") } else { write!(f, "{sign}Infinity") };
        };
        let exponent: i32 = exponent.parse().unwrap_or_default();
        if (PLAIN_EXPONENT_MIN..end).contains(&exponent) {
            return match self {
                Self::Double(value) => write!(f, "{value}"),
                Self::Real(value) => write!(f, "{value}"),
            };
        }
        let sign = if exponent < 0 { '-' } else { '+' };
        write!(f, "{digits}e{sign}{:02}", exponent.unsigned_abs())
    }
}

/// Says whether the year is one before Christ: PostgreSQL writes that behind everything else.
fn write_date(f: &mut Formatter<'_>, days: i64) -> Result<bool, fmt::Error> {
    let (year, month, day) = civil_from_days(days);
    let is_bc = year < 1;
    let shown = if is_bc { 1 - year } else { year };
    write!(f, "{shown:04}-{month:02}-{day:02}")?;
    Ok(is_bc)
}

fn write_offset(f: &mut Formatter<'_>, offset: i32, in_full: bool) -> fmt::Result {
    let (sign, ahead) = (if offset < 0 { '-' } else { '+' }, offset.unsigned_abs());
    write!(f, "{sign}{:02}", ahead / 3_600)?;
    if in_full || ahead % 3_600 != 0 { write!(f, ":{:02}", ahead / 60 % 60) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::super::{date, timestamp, timestamp_tz};
    use super::*;

    fn of_micros(micros: i64, offset: Option<i32>) -> WrittenTimestamp {
        WrittenTimestamp {
            seconds: micros.div_euclid(1_000_000),
            nanos: u32::try_from(micros.rem_euclid(1_000_000)).unwrap() * 1_000,
            offset,
            as_json: false,
        }
    }

    /// What is read and written again is what PostgreSQL wrote.
    #[test]
    fn what_was_read_is_written() {
        for text in [
            "2026-03-01 03:15:00",
            "2026-03-01 03:15:00.5",
            "1969-12-31 23:59:59.999999",
            "0001-01-01 00:00:00",
            "0001-12-31 23:59:59.000001 BC",
            "4713-11-24 00:00:00 BC",
            "9999-12-31 23:59:59",
            "10000-01-01 00:00:00",
            "262142-12-31 23:59:59",
            "262143-06-01 00:00:00",
            "294247-01-10 04:00:54.775807",
        ] {
            assert_eq!(of_micros(timestamp(text.as_bytes()).unwrap(), None).to_string(), text);
            let (moment, era) = text.split_once(" BC").map_or((text, ""), |(moment, _)| (moment, " BC"));
            let zoned = format!("{moment}+00{era}");
            assert_eq!(of_micros(timestamp_tz(zoned.as_bytes()).unwrap(), Some(0)).to_string(), zoned);
            let day = format!("{}{era}", moment.split_once(' ').unwrap().0);
            assert_eq!(WrittenDate(i64::from(date(day.as_bytes()).unwrap())).to_string(), day);
        }
        for far in ["294276-12-31", "4714-11-24 BC"] {
            assert_eq!(WrittenDate(i64::from(date(far.as_bytes()).unwrap())).to_string(), far);
        }
        let json = WrittenTimestamp { as_json: true, ..of_micros(-1, Some(-19_800)) };
        assert_eq!(json.to_string(), "1969-12-31T23:59:59.999999-05:30");
        assert_eq!(of_micros(0, Some(-19_800)).to_string(), "1970-01-01 00:00:00-05:30");
    }
}
