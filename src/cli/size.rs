//! Sizes as people write them: `64MiB`, `1GB`, `4096`.

/// Parses a size that is not zero.
///
/// # Errors
/// A sentence that says what a size looks like.
pub(super) fn parse_some(text: &str) -> Result<u64, String> {
    match parse(text) {
        Some(0) => Err("must not be 0".to_owned()),
        Some(bytes) => Ok(bytes),
        None => Err("a size is a whole number of bytes, or one with kB, MB, GB, KiB, MiB, GiB".to_owned()),
    }
}

fn parse(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor: u64 = match unit.trim_start().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "kib" | "k" => 1 << 10,
        "mib" | "m" => 1 << 20,
        "gib" | "g" => 1 << 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

/// A size as it is shown: `1.5 GB`, three digits at most.
pub(super) fn show(bytes: u64) -> String {
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
pub(super) fn count(number: u64) -> String {
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
pub(super) fn plural(number: u64, one: &str) -> String {
    format!("{} {one}{}", count(number), if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read() {
        for (text, bytes) in [
            ("4096", Some(4096)),
            ("1B", Some(1)),
            ("64MiB", Some(64 << 20)),
            ("64 mib", Some(64 << 20)),
            ("1GB", Some(1_000_000_000)),
            ("10k", Some(10_240)),
            ("1.5GB", None),
            ("-1", None),
            ("", None),
            ("MiB", None),
            ("1TB2", None),
            ("99999999999GiB", None),
        ] {
            assert_eq!(parse(text), bytes, "{text}");
        }
        assert!(parse_some("0").is_err());
    }

    #[test]
    fn sizes_and_counts_are_shown() {
        for (bytes, text) in
            [(0, "0 B"), (999, "999 B"), (1_000, "1.0 kB"), (529_000_000, "529 MB"), (999_600, "1.0 MB")]
        {
            assert_eq!(show(bytes), text);
        }
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(count(number), text);
        }
        assert_eq!((plural(1, "file"), plural(2, "file")), ("1 file".into(), "2 files".into()));
    }
}
