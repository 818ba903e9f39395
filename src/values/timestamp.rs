//! `timestamp`, `timestamp with time zone` and `date`, as PostgreSQL prints them in ISO style.
//!
//! ```text
//! 2024-03-01 12:34:56.78 +05:30 BC
//! └─ day ──┘T└─ clock ─┘└zone ┘└era┘   zone and era can be missing; a date has no clock and no zone
//! ```

use super::Rule;
use super::calendar::{days_from_civil, days_in_month};
use super::parts::is_infinity;

const MICROS_PER_SECOND: i64 = 1_000_000;
const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;

/// Where PostgreSQL's and Redshift's timestamps end.
const YEAR_MAX: i32 = 294_276;
/// PostgreSQL's calendar begins on Julian day 0, 24 November 4714 BC.
const DAYS_MIN: i64 = days_from_civil(-4713, 11, 24);
/// Enough to tell a year out of range from something that is no year.
const YEAR_DIGITS_MAX: usize = 7;
const FRACTION_DIGITS_MAX: usize = 6;
/// PostgreSQL's zones are less than 16 hours from UTC.
const ZONE_HOURS_MAX: u32 = 15;

/// Reads a `timestamp` as microseconds from 1970. A zone may be there if it is UTC.
///
/// # Errors
/// [`Rule::Timestamp`] if it is malformed, not in the calendar, or in another zone; [`Rule::Range`] if
/// the type or an `i64` does not reach so far; [`Rule::Infinity`].
pub fn timestamp(bytes: &[u8]) -> Result<i64, Rule> {
    match moment(bytes)? {
        Moment { zone_seconds: 0, day, clock_micros } => micros(day, clock_micros),
        _ => Err(Rule::Timestamp),
    }
}

/// Reads a `timestamp with time zone` as microseconds from 1970 in UTC. A missing zone means UTC.
///
/// # Errors
/// As [`timestamp`], but any zone is allowed.
pub fn timestamp_tz(bytes: &[u8]) -> Result<i64, Rule> {
    let Moment { zone_seconds, day, clock_micros } = moment(bytes)?;
    micros(day, clock_micros - zone_seconds * MICROS_PER_SECOND)
}

/// Reads a `date` as days from 1970.
///
/// # Errors
/// [`Rule::Date`] if it is malformed or not in the calendar, [`Rule::Range`], [`Rule::Infinity`].
pub fn date(bytes: &[u8]) -> Result<i32, Rule> {
    let mut text = Text(bytes);
    let day = text.day().ok_or_else(|| malformed(bytes, Rule::Date))?;
    let is_bc = text.era();
    if !text.0.is_empty() {
        return Err(Rule::Date);
    }
    let days = day.days(is_bc).map_err(|fault| fault.rule(Rule::Date))?;
    if days < DAYS_MIN {
        return Err(Rule::Range);
    }
    i32::try_from(days).map_err(|_| Rule::Range)
}

/// A day, and a clock that its zone can move across midnight.
struct Moment {
    day: i64,
    clock_micros: i64,
    zone_seconds: i64,
}

fn moment(bytes: &[u8]) -> Result<Moment, Rule> {
    let mut text = Text(bytes);
    let (day, clock_micros) = text.day_and_clock().ok_or_else(|| malformed(bytes, Rule::Timestamp))?;
    let zone_seconds = text.zone().ok_or(Rule::Timestamp)?;
    let is_bc = text.era();
    if !text.0.is_empty() {
        return Err(Rule::Timestamp);
    }
    let day = day.days(is_bc).map_err(|fault| fault.rule(Rule::Timestamp))?;
    Ok(Moment { day, clock_micros, zone_seconds })
}

fn micros(day: i64, clock_micros: i64) -> Result<i64, Rule> {
    let micros = day.checked_mul(MICROS_PER_DAY).and_then(|midnight| midnight.checked_add(clock_micros));
    micros.filter(|&micros| micros >= DAYS_MIN * MICROS_PER_DAY).ok_or(Rule::Range)
}

#[cold]
fn malformed(bytes: &[u8], rule: Rule) -> Rule {
    if is_infinity(bytes) { Rule::Infinity } else { rule }
}

/// A day as printed: the year is never 0 and counts backwards before Christ.
struct PrintedDay {
    year: i32,
    month: u32,
    day: u32,
}

/// Why a printed day is none.
enum DayFault {
    NotInCalendar,
    Range,
}

impl DayFault {
    fn rule(self, not_in_calendar: Rule) -> Rule {
        match self {
            Self::NotInCalendar => not_in_calendar,
            Self::Range => Rule::Range,
        }
    }
}

impl PrintedDay {
    fn days(&self, is_bc: bool) -> Result<i64, DayFault> {
        let year = if is_bc { 1 - self.year } else { self.year };
        if self.year == 0 || !(1..=days_in_month(year, self.month)).contains(&self.day) {
            return Err(DayFault::NotInCalendar);
        }
        if year > YEAR_MAX {
            return Err(DayFault::Range);
        }
        Ok(days_from_civil(year, self.month, self.day))
    }
}

/// What is left to read. Each reader takes its part off the front.
#[derive(Clone, Copy)]
struct Text<'a>(&'a [u8]);

impl Text<'_> {
    fn day_and_clock(&mut self) -> Option<(PrintedDay, i64)> {
        let day = self.day()?;
        self.one_of(b" Tt").then_some(())?;
        Some((day, self.clock()?))
    }

    /// `YYYY-MM-DD`, the year with up to seven digits but without leading zeros beyond four.
    fn day(&mut self) -> Option<PrintedDay> {
        let digits = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let is_year = digits == 4 || ((5..=YEAR_DIGITS_MAX).contains(&digits) && self.0[0] != b'0');
        is_year.then_some(())?;
        let year = self.digits(digits)? as i32;
        self.one_of(b"-").then_some(())?;
        let month = self.digits(2)?;
        self.one_of(b"-").then_some(())?;
        Some(PrintedDay { year, month, day: self.digits(2)? })
    }

    /// `HH:MM:SS[.f…]` as microseconds.
    fn clock(&mut self) -> Option<i64> {
        let hour = self.digits(2).filter(|&hour| hour <= 23)?;
        self.one_of(b":").then_some(())?;
        let minute = self.digits(2).filter(|&minute| minute <= 59)?;
        self.one_of(b":").then_some(())?;
        let second = self.digits(2).filter(|&second| second <= 59)?;
        let seconds = i64::from(hour * 3600 + minute * 60 + second);
        Some(seconds * MICROS_PER_SECOND + self.fraction()?)
    }

    fn fraction(&mut self) -> Option<i64> {
        if !self.one_of(b".") {
            return Some(0);
        }
        let digits = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        (1..=FRACTION_DIGITS_MAX).contains(&digits).then_some(())?;
        let value = self.digits(digits)?;
        Some(i64::from(value) * 10_i64.pow((FRACTION_DIGITS_MAX - digits) as u32))
    }

    /// `UTC`, `Z`, `±HH`, `±HHMM`, `±HH:MM`, `±HH:MM:SS` as seconds east of UTC; nothing is UTC too.
    /// None if it begins like a zone and is none.
    fn zone(&mut self) -> Option<i64> {
        let before = *self;
        self.one_of(b" ");
        if self.word(b"UTC") || self.word(b"Z") {
            return Some(0);
        }
        let west = self.0.first() == Some(&b'-');
        if !self.one_of(b"+-") {
            // The space was the era's.
            *self = before;
            return Some(0);
        }
        let hours = self.digits(2).filter(|&hours| hours <= ZONE_HOURS_MAX)?;
        let has_colon = self.one_of(b":");
        let has_minutes = has_colon || self.0.first().is_some_and(u8::is_ascii_digit);
        let minutes = if has_minutes { self.sixtieths()? } else { 0 };
        let seconds = if has_colon && self.one_of(b":") { self.sixtieths()? } else { 0 };
        let east = i64::from(hours * 3600 + minutes * 60 + seconds);
        Some(if west { -east } else { east })
    }

    /// ` BC` at the end.
    fn era(&mut self) -> bool {
        self.word(b" BC")
    }

    fn sixtieths(&mut self) -> Option<u32> {
        self.digits(2).filter(|&value| value <= 59)
    }

    /// Exactly `count` digits, at most nine of them.
    fn digits(&mut self, count: usize) -> Option<u32> {
        let (digits, rest) = self.0.split_at_checked(count)?;
        digits.iter().all(u8::is_ascii_digit).then_some(())?;
        self.0 = rest;
        Some(digits.iter().fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0')))
    }

    fn one_of(&mut self, allowed: &[u8]) -> bool {
        match self.0 {
            [first, rest @ ..] if allowed.contains(first) => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }

    fn word(&mut self, word: &[u8]) -> bool {
        match self.0.split_at_checked(word.len()) {
            Some((front, rest)) if front.eq_ignore_ascii_case(word) => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
#[path = "timestamp_tests.rs"]
mod tests;
