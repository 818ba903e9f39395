//! Readers for the texts that PostgreSQL writes, eight bytes at a time; [`Simd`] may read a time of day at once.
//!
//! Each knows one form and says `None` to everything else, right or wrong; the exact readers of
//! [`crate::values`] have the last word. Where one says `Some`, the exact reader says the same.

use super::bytes::{Text, word};
use super::simd::Simd;
use crate::values;

const ZEROS: u64 = 0x3030_3030_3030_3030;

/// The number of eight digits, the first in the lowest byte.
#[inline(always)]
fn eight_digits(word: u64) -> Option<u64> {
    const HIGH: u64 = 0xf0f0_f0f0_f0f0_f0f0;
    let is_digits = (word & HIGH) | ((word.wrapping_add(0x0606_0606_0606_0606) & HIGH) >> 4);
    let digits = word.wrapping_sub(ZEROS);
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
    const PAIR: u64 = 0x0000_00ff_0000_00ff;
    let high = (pairs & PAIR).wrapping_mul(0x000f_4240_0000_0064);
    let low = (pairs >> 16 & PAIR).wrapping_mul(0x0000_2710_0000_0001);
    let number = high.wrapping_add(low) >> 32;
    (is_digits == 0x3333_3333_3333_3333).then_some(number)
}

/// The number of the `count` digits (1 to 18) that end before `end`.
#[inline(always)]
fn digits(buffer: &[u8], end: usize, count: usize) -> Option<u64> {
    let last = |end: usize, count: usize| {
        let shift = 8 * (8 - count);
        let kept = word(buffer, end - 8) >> shift << shift;
        eight_digits(kept | ZEROS & ((1 << shift) - 1))
    };
    match count {
        1..=8 => last(end, count),
        9..=16 => Some(last(end - 8, count - 8)? * 100_000_000 + last(end, 8)?),
        17..=18 => {
            let high = last(end - 16, count - 16)? * 100_000_000 + last(end - 8, 8)?;
            Some(high * 100_000_000 + last(end, 8)?)
        }
        _ => None,
    }
}

/// `[-]digits`, at most 18 of them.
#[inline(always)]
pub(super) fn integer(text: Text<'_>) -> Option<i64> {
    let minus = text.byte(0) == b'-';
    let number = digits(text.buffer, text.start + text.len, text.len - usize::from(minus))? as i64;
    Some(if minus { -number } else { number })
}

/// `[-]digits.decimals` with exactly `scale` decimals, at most 18 digits in all; unscaled.
#[inline(always)]
pub(super) fn decimal(text: Text<'_>, precision: u8, scale: u8) -> Option<i64> {
    let scale = usize::from(scale);
    if scale == 0 {
        return integer(text).filter(|number| number.unsigned_abs() < power_of_ten(precision));
    }
    let minus = usize::from(text.byte(0) == b'-');
    let whole_len = text.len.checked_sub(minus + 1 + scale)?;
    if whole_len == 0 || whole_len + scale > 18 || text.byte(minus + whole_len) != b'.' {
        return None;
    }
    let end = text.start + text.len;
    let whole = digits(text.buffer, end - scale - 1, whole_len)?;
    let number = whole * power_of_ten(scale as u8) + digits(text.buffer, end, scale)?;
    if number >= power_of_ten(precision) {
        return None;
    }
    Some(if minus == 1 { -(number as i64) } else { number as i64 })
}

/// 10ⁿ for n ≤ 18.
fn power_of_ten(n: u8) -> u64 {
    10u64.pow(u32::from(n.min(18)))
}

/// The day that was read last: neighbouring rows often share it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct DayCache {
    text: (u64, u16),
    midnight_us: i64,
}

const DAY_US: i64 = 86_400_000_000;

/// `YYYY-MM-DD HH:MM:SS[.f{1,6}]`; microseconds since 1970.
#[inline(always)]
pub(super) fn timestamp(simd: impl Simd, text: Text<'_>, day: &mut DayCache) -> Option<i64> {
    if !matches!(text.len, 19 | 21..=26) || text.byte(10) != b' ' {
        return None;
    }
    let date = (text.word(0), text.word(8) as u16);
    if date != day.text {
        *day = DayCache { text: date, midnight_us: days(date)? * DAY_US };
    }
    Some(day.midnight_us + simd.time_of_day(text)?)
}

/// `HH:MM:SS[.f{1,6}]` at place 11 of a text of 19 or of 21 to 26 bytes; microseconds.
#[inline(always)]
pub(super) fn time_of_day(text: Text<'_>) -> Option<i64> {
    let fraction = match text.len {
        19 => 0,
        _ if text.byte(19) == b'.' => fraction(text)?,
        _ => return None,
    };
    Some(time(text)? + fraction)
}

/// `YYYY-MM-DD`, its first eight bytes and its last two; days since 1970.
#[inline(always)]
fn days((start, end): (u64, u16)) -> Option<i64> {
    const DASHES: u64 = 0xff00_00ff_0000_0000;
    if start & DASHES != 0x2d00_002d_0000_0000 {
        return None;
    }
    // `YYYY0MM0`, and `000000DD`.
    let year_and_month = eight_digits(start & !DASHES | ZEROS & DASHES)? as u32 / 10;
    let day = eight_digits(ZEROS >> 16 | u64::from(end) << 48)? as u32;
    let (year, month) = ((year_and_month / 1_000) as i32, year_and_month % 1_000);
    let is_real = year > 0 && day > 0 && day <= values::days_in_month(year, month);
    is_real.then(|| values::days_from_civil(year, month, day))
}

/// `HH:MM:SS` at place 11; microseconds.
#[inline(always)]
fn time(text: Text<'_>) -> Option<i64> {
    const COLONS: u64 = 0x0000_ff00_00ff_0000;
    let word = text.word(11);
    if word & COLONS != 0x0000_3a00_003a_0000 {
        return None;
    }
    let word = word & !COLONS | ZEROS & COLONS;
    const HIGH: u64 = 0xf0f0_f0f0_f0f0_f0f0;
    let is_digits = (word & HIGH) | ((word.wrapping_add(0x0606_0606_0606_0606) & HIGH) >> 4);
    let digits = word.wrapping_sub(ZEROS);
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
    let (hours, minutes, seconds) = (pairs & 0xff, pairs >> 24 & 0xff, pairs >> 48 & 0xff);
    let fits = is_digits == 0x3333_3333_3333_3333 && hours < 24 && minutes < 60 && seconds < 60;
    fits.then_some(((hours * 60 + minutes) * 60 + seconds) as i64 * 1_000_000)
}

/// One to six digits at place 20, as microseconds.
#[inline(always)]
fn fraction(text: Text<'_>) -> Option<i64> {
    let kept = 8 * (text.len - 20) as u32;
    let mask = (1u64 << kept) - 1;
    Some(eight_digits(text.word(20) & mask | ZEROS & !mask)? as i64 / 100)
}

/// Up to 64 times `t` or `f`, as bits. Which of the two it is must not be a branch: nobody could guess it.
#[inline(always)]
pub(super) fn booleans<'a>(texts: impl Iterator<Item = Text<'a>>) -> Option<u64> {
    let (mut bits, mut known) = (0, true);
    for (i, text) in texts.enumerate() {
        let (is_true, is_false) = (text.byte(0) == b't', text.byte(0) == b'f');
        known &= (text.len == 1) & (is_true | is_false);
        bits |= u64::from(is_true) << i;
    }
    known.then_some(bits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::for_tests::{rounds, seed, with_text};
    use crate::pages::portable::Portable;

    /// What a mutation makes of a text is either unknown here or read as the exact reader reads it.
    #[test]
    fn agrees_with_the_exact_readers() {
        let mut rng = fastrand::Rng::with_seed(seed());
        let mut known = 0;
        for _ in 0..rounds(200_000) {
            let mut text = sample(&mut rng);
            if rng.bool() {
                let at = rng.usize(..text.len());
                text.replace_range(at..=at, ["0", "9", "-", ".", ":", " ", "/", "x", ""][rng.usize(..9)]);
            }
            if text.is_empty() {
                continue;
            }
            known += with_text(text.as_bytes(), |t| check(t, &text));
        }
        assert!(known as usize > rounds(100_000), "only {known} texts were read fast");
    }

    fn sample(rng: &mut fastrand::Rng) -> String {
        let sign = if rng.usize(..4) == 0 { "-" } else { "" };
        match rng.usize(..3) {
            0 => format!("{sign}{}", rng.u64(..) >> rng.u32(..64)),
            1 => format!("{sign}{}.{:02}", rng.u64(..) >> rng.u32(8..64), rng.u32(..100)),
            _ => {
                let fraction = ["", ".1", ".12", ".123", ".1234", ".12345", ".123456"][rng.usize(..7)];
                format!(
                    "{:04}-{:02}-{:02} {:02}:{:02}:{:02}{fraction}",
                    rng.u32(1..2100),
                    rng.u32(1..14),
                    rng.u32(1..33),
                    rng.u32(..25),
                    rng.u32(..61),
                    rng.u32(..61)
                )
            }
        }
    }

    fn check(text: Text<'_>, shown: &str) -> u32 {
        let bytes = shown.as_bytes();
        let mut known = 0;
        if let Some(value) = integer(text) {
            assert_eq!(values::big_int(bytes), Ok(value), "{shown}");
            known = 1;
        }
        for (precision, scale) in [(3, 2), (18, 2), (13, 10), (5, 0)] {
            if let Some(value) = decimal(text, precision, scale) {
                assert_eq!(values::decimal(bytes, precision, scale), Ok(i128::from(value)), "{shown}");
                known = 1;
            }
        }
        if let Some(value) = timestamp(Portable, text, &mut DayCache::default()) {
            assert_eq!(values::timestamp(bytes), Ok(value), "{shown}");
            known = 1;
        }
        known
    }

    #[test]
    fn knows_what_postgresql_writes() {
        assert_eq!(
            with_text(b"2024-03-01 12:34:56.78", |t| timestamp(Portable, t, &mut DayCache::default())),
            Some(1_709_296_496_780_000)
        );
        assert_eq!(with_text(b"0.70", |t| decimal(t, 3, 2)), Some(70));
        assert_eq!(with_text(b"-123456789012345678", integer), Some(-123_456_789_012_345_678));
        let bits = |texts: &str| {
            with_text(texts.as_bytes(), |all| {
                booleans((0..all.len).map(|i| Text { start: all.start + i, len: 1, ..all }))
            })
        };
        assert_eq!((bits("tft"), bits("tx"), bits("")), (Some(0b101), None, Some(0)));
        assert_eq!(with_text(b"true", |text| booleans(std::iter::once(text))), None);
    }
}
