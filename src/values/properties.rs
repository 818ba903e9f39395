//! Round trips of random values through their text. A failure prints the seed; `CSL_SEED` sets it.

use super::*;

const ROUNDS: usize = if cfg!(miri) { 100 } else { 20_000 };

fn seeded() -> fastrand::Rng {
    let given = std::env::var("CSL_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(|| fastrand::u64(..));
    println!("CSL_SEED={seed}");
    fastrand::Rng::with_seed(seed)
}

/// Small and large numbers alike: a random count of random bits.
fn any_i64(random: &mut fastrand::Rng) -> i64 {
    random.i64(..) >> random.u32(0..64)
}

/// Prints days from 1970 as a day and an era, by searching the year instead of inverting the formula.
fn print_day(days: i64) -> (String, &'static str) {
    // Not before the right year: the shortest year counts forwards, the longest backwards.
    let mut year = (days.div_euclid(if days < 0 { 366 } else { 365 }) + 1971) as i32;
    while days_from_civil(year, 1, 1) > days {
        year -= ((days_from_civil(year, 1, 1) - days) / 366).max(1) as i32;
    }
    let mut rest = (days - days_from_civil(year, 1, 1)) as u32;
    let mut month = 1;
    while rest >= days_in_month(year, month) {
        rest -= days_in_month(year, month);
        month += 1;
    }
    let (printed, era) = if year > 0 { (year, "") } else { (1 - year, " BC") };
    (format!("{printed:04}-{month:02}-{:02}", rest + 1), era)
}

/// As PostgreSQL prints a clock: trailing zeros of the fraction trimmed.
fn print_clock(micros: i64) -> String {
    let (seconds, fraction) = (micros / 1_000_000, micros % 1_000_000);
    let clock = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    match fraction {
        0 => clock,
        _ => format!("{clock}.{fraction:06}").trim_end_matches('0').to_owned(),
    }
}

const MICROS_PER_DAY: i64 = 86_400_000_000;

#[test]
fn timestamps_come_back() {
    let mut random = seeded();
    let first = days_from_civil(-4713, 11, 24);
    for _ in 0..ROUNDS {
        let near = random.bool();
        let micros = if near { any_i64(&mut random) >> 8 } else { random.i64(first * MICROS_PER_DAY..) };
        let micros = micros.max(first * MICROS_PER_DAY);
        let (day, era) = print_day(micros.div_euclid(MICROS_PER_DAY));
        let clock = print_clock(micros.rem_euclid(MICROS_PER_DAY));
        let zone = ["", " UTC", "Z", "+00", "+00:00", " +0000", "-00"][random.usize(..7)];
        let text = format!("{day}{}{clock}{zone}{era}", [' ', 'T'][random.usize(..2)]);
        assert_eq!(timestamp(text.as_bytes()), Ok(micros), "{text}");
        assert_eq!(timestamp_tz(text.as_bytes()), Ok(micros), "{text}");
    }
}

#[test]
fn zones_move_the_clock() {
    let mut random = seeded();
    for _ in 0..ROUNDS {
        let local = random.i64(-200_000_000_000_000_000..=200_000_000_000_000_000);
        let (hours, minutes, seconds) = (random.i64(0..16), random.i64(0..60), random.i64(0..60));
        let (sign, factor) = [('+', -1_000_000), ('-', 1_000_000)][random.usize(..2)];
        let (day, era) = print_day(local.div_euclid(MICROS_PER_DAY));
        let clock = print_clock(local.rem_euclid(MICROS_PER_DAY));
        let text = format!("{day} {clock}{sign}{hours:02}:{minutes:02}:{seconds:02}{era}");
        let expected = local + (hours * 3600 + minutes * 60 + seconds) * factor;
        assert_eq!(timestamp_tz(text.as_bytes()), Ok(expected), "{text}");
    }
}

#[test]
fn dates_come_back() {
    let mut random = seeded();
    for _ in 0..ROUNDS {
        let days = random.i64(days_from_civil(-4713, 11, 24)..=days_from_civil(294_276, 12, 31));
        let (day, era) = print_day(days);
        assert_eq!(date(format!("{day}{era}").as_bytes()).map(i64::from), Ok(days), "{day}{era}");
    }
}

#[test]
fn integers_come_back() {
    let mut random = seeded();
    for _ in 0..ROUNDS {
        let value = any_i64(&mut random);
        let text = value.to_string();
        assert_eq!(big_int(text.as_bytes()), Ok(value), "{text}");
        assert_eq!(integer(text.as_bytes()), i32::try_from(value).map_err(|_| Rule::Range), "{text}");
        assert_eq!(small_int(text.as_bytes()), i16::try_from(value).map_err(|_| Rule::Range), "{text}");
    }
}

#[test]
fn decimals_come_back() {
    let mut random = seeded();
    for _ in 0..ROUNDS {
        let precision = random.u8(1..=DECIMAL_PRECISION_MAX);
        let scale = random.u8(0..=precision);
        let limit = 10_i128.pow(u32::from(precision));
        let value = random.i128(1 - limit..limit) / 10_i128.pow(random.u32(0..u32::from(precision)));
        let one = 10_u128.pow(u32::from(scale));
        let (whole, fraction) = (value.unsigned_abs() / one, value.unsigned_abs() % one);
        let sign = if value < 0 { "-" } else { "" };
        let decimals = format!("{fraction:0width$}", width = usize::from(scale));
        let text = if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{decimals}") };
        assert_eq!(decimal(text.as_bytes(), precision, scale), Ok(value), "{text} ({precision},{scale})");
    }
}

#[test]
fn floats_come_back() {
    let mut random = seeded();
    for _ in 0..ROUNDS {
        let (wide, narrow) = (f64::from_bits(random.u64(..)), f32::from_bits(random.u32(..)));
        if wide.is_finite() {
            assert_eq!(double(format!("{wide:e}").as_bytes()), Ok(wide), "{wide:e}");
        }
        if narrow.is_finite() {
            assert_eq!(real(format!("{narrow:e}").as_bytes()), Ok(narrow), "{narrow:e}");
        }
    }
}

/// Whatever the bytes, a reader answers; none panics.
#[test]
fn noise_is_answered() {
    let mut random = seeded();
    const ALPHABET: &[u8] = b"0123456789999-+.: TtZefnaINB\xff\x00";
    for _ in 0..ROUNDS {
        let noise: Vec<u8> =
            (0..random.usize(..40)).map(|_| ALPHABET[random.usize(..ALPHABET.len())]).collect();
        let _ = (boolean(&noise), integer(&noise), decimal(&noise, 38, 10), double(&noise), real(&noise));
        let _ = (timestamp(&noise), timestamp_tz(&noise), date(&noise), uuid(&noise), geography(&noise));
    }
}
