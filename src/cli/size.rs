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
}
