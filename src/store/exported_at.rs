//! When an export was made, by the time in its name: `signatures_20261122034410.csv.bz2`.
//!
//! Digits that are no time of the calendar, or one that is still to come, are no export's time: every later
//! export would be older than such a one, for ever.

use super::location::Location;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How far a name's time may be ahead of the clock: names may be in another zone's time, and clocks differ.
pub const AHEAD_MAX: Duration = Duration::from_secs(24 * 3600);

/// How the name of an export can end.
const SUFFIXES: [&str; 4] = [".csv", ".csv.bz2", ".csv.gz", ".csv.zst"];
/// Digits of a date, an hour, a minute, a second; whatever follows is a fraction of it.
const WHOLE_DIGITS: [usize; 4] = [8, 10, 12, 14];
/// Digits of a time to the nanosecond.
const DIGITS_MAX: usize = 23;

/// The timestamp in the name of one export, or none if its name is not that of an export, or the time none
/// that an export can have now.
pub fn exported_at_of(location: &Location) -> Option<String> {
    exported_at_by(location.file_name()?, SystemTime::now())
}

/// The moment that an export's timestamp stands for, in UTC.
pub fn time_of(exported_at: &str) -> Option<SystemTime> {
    UNIX_EPOCH.checked_add(Duration::from_secs(seconds_of(exported_at)?))
}

/// The same, of a time that an export can have now; none for one that is still to come.
pub fn possible_time(exported_at: &str) -> Option<SystemTime> {
    time_of(exported_at)
        .filter(|time| SystemTime::now().checked_add(AHEAD_MAX).is_some_and(|latest| *time <= latest))
}

/// The same of a file's name, by another clock.
fn exported_at_by(name: &str, now: SystemTime) -> Option<String> {
    possible(stem_of(name)?.rsplit_once('_')?.1, now)
}

/// The name without what an export's name ends with.
pub(super) fn stem_of(name: &str) -> Option<&str> {
    SUFFIXES.iter().find_map(|suffix| name.strip_suffix(suffix))
}

/// The digits, if they are a time that an export can have.
pub(super) fn possible(digits: &str, now: SystemTime) -> Option<String> {
    let latest = now.checked_add(AHEAD_MAX)?.duration_since(UNIX_EPOCH).ok()?;
    (seconds_of(digits)? <= latest.as_secs()).then(|| digits.to_owned())
}

/// Seconds since 1970 of `YYYYMMDD[hh[mm[ss[fraction]]]]`; none for what no calendar and no clock shows.
fn seconds_of(digits: &str) -> Option<u64> {
    let whole = WHOLE_DIGITS.contains(&digits.len()) || (14..=DIGITS_MAX).contains(&digits.len());
    if !whole || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part = |at: std::ops::Range<usize>| digits.get(at).map_or(Some(0), |text| text.parse::<i8>().ok());
    let year = digits.get(..4)?.parse::<i16>().ok()?;
    let (month, day) = (part(4..6)?, part(6..8)?);
    let (hour, minute, second) = (part(8..10)?, part(10..12)?, part(12..14)?);
    let time = jiff::civil::DateTime::new(year, month, day, hour, minute, second, 0).ok()?;
    let since_1970 = jiff::tz::TimeZone::UTC.to_timestamp(time).ok()?.as_second();
    u64::try_from(since_1970).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// 2026-11-28 12:00 UTC.
    const NOW_SECONDS: u64 = 1_795_867_200;

    fn now() -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(NOW_SECONDS)
    }

    #[test]
    fn timestamps_in_names() {
        for (typed, expected) in [
            ("petitions_20150803180434.csv", Some("20150803180434")),
            ("s3://b/default/petitions_20150803180434.csv", Some("20150803180434")),
            (
                "s3://b/o/full/blast_emails/20261122/blast_emails_20261122034410.csv.bz2",
                Some("20261122034410"),
            ),
            ("https://h/p/t_20261122034410.csv.gz?Expires=1438711490", Some("20261122034410")),
            ("t_20261122034410.csv.zst", Some("20261122034410")),
            ("t_20261122.csv", Some("20261122")),
            ("t_20240229.csv", Some("20240229")),
            ("t_20261122034410123456789.csv", Some("20261122034410123456789")),
            ("t_20261129115959.csv", Some("20261129115959")),
            ("t_20261129120000.csv", Some("20261129120000")),
            ("t_20261129120001.csv", None),
            ("t_20261130.csv", None),
            ("t_99999999.csv", None),
            ("t_99991231235959.csv", None),
            ("t_20261322034410.csv", None),
            ("t_20260022034410.csv", None),
            ("t_20261100.csv", None),
            ("t_20260431.csv", None),
            ("t_20250229.csv", None),
            ("t_21000229.csv", None),
            ("t_20261122244410.csv", None),
            ("t_20261122036010.csv", None),
            ("t_20261122034460.csv", None),
            ("t_202611220.csv", None),
            ("t_20261122034.csv", None),
            ("t_2026112203441.csv", None),
            ("t_202611220344101234567890.csv", None),
            ("t_00000000.csv", None),
            ("t_20261122034410.parquet", None),
            ("t_2026.csv", None),
            ("t_2026112203441x.csv", None),
            ("t_+2026112203441.csv", None),
            ("20261122034410.csv", None),
            ("petitions.csv", None),
        ] {
            let location = Location::parse(typed).unwrap();
            let found = exported_at_by(location.file_name().unwrap(), now());
            assert_eq!(found.as_deref(), expected, "{typed}");
        }
        assert_eq!(exported_at_of(&Location::Stdin), None);
    }

    #[test]
    fn moments() {
        for (at, seconds) in [
            ("20261128120000", Some(NOW_SECONDS)),
            ("20261128115959", Some(NOW_SECONDS - 1)),
            ("202611280600", Some(NOW_SECONDS - 6 * 3600)),
            ("20261128", Some(NOW_SECONDS - 12 * 3600)),
            ("20261128130000", Some(NOW_SECONDS + 3600)),
            ("20261128120000999", Some(NOW_SECONDS)),
            ("19700101", Some(0)),
            ("20000301", Some(951_868_800)),
            ("99999999", None),
            ("", None),
        ] {
            let found = time_of(at).map(|time| time.duration_since(UNIX_EPOCH).unwrap().as_secs());
            assert_eq!(found, seconds, "{at}");
        }
    }
}
