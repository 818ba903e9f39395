//! How numbers are written for people: one way, wherever they are shown.

/// A size as it is shown: `1.5 GB`, three digits at most.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    let decimals = if unit == 0 || value >= 99.95 { 0 } else { 1 };
    format!("{value:.decimals$} {}", UNITS[unit])
}

/// A count with a thin separator: `1,234,567`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// `1 file`, `2 files`.
pub fn plural(number: u64, one: &str) -> String {
    format!("{} {one}{}", count(number), if number == 1 { "" } else { "s" })
}

/// An estimate: two digits and zeros, so that nobody takes it for a count: `270,000`.
pub fn round(number: u64) -> String {
    let power = 10u64.saturating_pow(number.checked_ilog10().unwrap_or(0).saturating_sub(1));
    count(
        (number / power).saturating_add(u64::from(number % power >= power.div_ceil(2) && power > 1)) * power,
    )
}

/// How long something took: `12 ms`, `1.3 s`, `2 min 5 s`, `50 h`.
pub fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    let two = |high: u64, unit: &str, low: u64, below: &str| match low {
        0 => format!("{} {unit}", count(high)),
        low => format!("{} {unit} {low} {below}", count(high)),
    };
    match seconds {
        _ if seconds < 0.9995 => format!("{:.0} ms", seconds * 1000.0),
        _ if seconds < 9.95 => format!("{seconds:.1} s"),
        _ if seconds < 59.5 => format!("{seconds:.0} s"),
        _ if whole < 3600 => two(whole / 60, "min", whole % 60, "s"),
        _ => two(whole / 3600, "h", whole % 3600 / 60, "min"),
    }
}

/// US dollars: `$3,703.85`, and four decimals below ten cents.
pub fn usd(dollars: f64) -> String {
    if dollars < 0.1 {
        return format!("${dollars:.4}");
    }
    let cents = (dollars * 100.0).round() as u64;
    format!("${}.{:02}", count(cents / 100), cents % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_counts_are_shown() {
        for (bytes, text) in
            [(0, "0 B"), (999, "999 B"), (1_000, "1.0 kB"), (529_000_000, "529 MB"), (999_600, "1.0 MB")]
        {
            assert_eq!(size(bytes), text);
        }
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(count(number), text);
        }
        assert_eq!((plural(1, "file"), plural(2, "file")), ("1 file".into(), "2 files".into()));
    }

    #[test]
    fn estimates_have_two_digits() {
        for (number, text) in
            [(0, "0"), (7, "7"), (99, "99"), (268_635, "270,000"), (999, "1,000"), (1_249, "1,200")]
        {
            assert_eq!(round(number), text);
        }
    }

    #[test]
    fn times_and_prices_are_shown() {
        for (seconds, text) in [
            (0.0, "0 ms"),
            (0.0124, "12 ms"),
            (0.9996, "1.0 s"),
            (59.4, "59 s"),
            (60.0, "1 min"),
            (125.2, "2 min 5 s"),
            (3_600.0, "1 h"),
            (178_572.0, "49 h 36 min"),
        ] {
            assert_eq!(duration(seconds), text);
        }
        for (dollars, text) in
            [(0.0002, "$0.0002"), (0.22, "$0.22"), (3_703.846, "$3,703.85"), (1.0, "$1.00")]
        {
            assert_eq!(usd(dollars), text);
        }
    }
}
