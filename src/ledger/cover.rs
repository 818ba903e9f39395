//! Which exports a full export makes needless, in one place for every warehouse and for the worker. Pure.
//!
//! A full export of a large table takes hours from its snapshot to the time in its name:
//!
//! ```text
//!        rows are in the full export │ may be in it or not            │ cannot be in it
//! ───────────────────────────────────┼────────────────────────────────┼──────────────────▶ time
//!                      full's time − hours (its earliest snapshot)    full's time (its name)
//! incremental:         obsolete      │ loaded; rows that are there are passed over
//! ```
//!
//! Where a time is unknown nothing can be said, and the export is loaded.

use crate::store::ExportKind;

/// Hours that lie at most between the snapshot of a full export and its name, unless a setting says
/// otherwise: an export can be fetched for six.
pub const RECENT_HOURS: u32 = 6;

/// The rule, with its hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cover {
    /// Hours from a full export's snapshot to its name, at most. Zero takes the name for the snapshot.
    pub hours: u32,
}

impl Default for Cover {
    fn default() -> Self {
        Self { hours: RECENT_HOURS }
    }
}

impl Cover {
    /// Whether a full export of the time `full` holds every row of this other export. Times are digits,
    /// `YYYYMMDD` and up to `hhmmss`.
    pub fn covers(self, full: Option<&str>, kind: ExportKind, exported_at: Option<&str>) -> bool {
        let Some((full, own)) = full.and_then(seconds).zip(exported_at.and_then(seconds)) else {
            return false;
        };
        match kind {
            ExportKind::Full => own < full,
            ExportKind::Incremental => own < full - i64::from(self.hours) * 3_600,
        }
    }

    /// Whether an incremental export may have rows that a full export of the time `full` lacks. Of exports
    /// of unknown time a full one is taken to have them all.
    pub fn may_lack(self, full: Option<&str>, incremental: Option<&str>) -> bool {
        let known = full.and_then(seconds).zip(incremental.and_then(seconds)).is_some();
        known && !self.covers(full, ExportKind::Incremental, incremental)
    }
}

/// Seconds since 1970 of digits; what is missing of the time of day is zero.
fn seconds(digits: &str) -> Option<i64> {
    if !(8..=14).contains(&digits.len()) || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let padded = format!("{digits:0<14}");
    let part = |at: usize, len: usize| padded[at..at + len].parse::<i64>().ok();
    let (month, day) = (part(4, 2)?, part(6, 2)?);
    let (hour, minute, second) = (part(8, 2)?, part(10, 2)?, part(12, 2)?);
    let is_time =
        (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second < 60;
    // Days of a civil date, in years that begin in March so that the leap day ends them.
    let year = part(0, 4)? - i64::from(month < 3);
    let days =
        year * 365 + year / 4 - year / 100 + year / 400 + (153 * ((month + 9) % 12) + 2) / 5 + day - 719_469;
    is_time.then_some(((days * 24 + hour) * 60 + minute) * 60 + second)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use ExportKind::{Full, Incremental};

    #[test]
    fn a_full_export_covers_what_is_older_than_its_snapshot_can_be() {
        let full = Some("20260302031500");
        let cases = [
            (Incremental, Some("20260301211459"), true),
            (Incremental, Some("20260301211500"), false),
            (Incremental, Some("20260302031459"), false),
            (Incremental, Some("20260302031500"), false),
            (Incremental, Some("20260303"), false),
            (Incremental, Some("20260301"), true),
            (Incremental, Some("2026"), false),
            (Incremental, Some("20261301000000"), false),
            (Incremental, None, false),
            (Full, Some("20260302031459"), true),
            (Full, Some("20260302031500"), false),
            (Full, None, false),
        ];
        for (kind, own, covered) in cases {
            assert_eq!(Cover::default().covers(full, kind, own), covered, "{kind:?} {own:?}");
            assert!(!Cover::default().covers(None, kind, own), "{kind:?} {own:?}");
            assert!(!Cover::default().may_lack(None, own), "{kind:?} {own:?}");
            let known = own.and_then(seconds).is_some();
            if kind == Incremental {
                assert_eq!(Cover::default().may_lack(full, own), known && !covered, "{own:?}");
            }
        }
        let at_once = Cover { hours: 0 };
        assert!(at_once.covers(full, Incremental, Some("20260302031459")));
        assert!(!at_once.covers(full, Incremental, full));
    }

    #[test]
    fn counts_seconds_as_the_calendar_does() {
        let cases = [
            ("19700101", 0),
            ("20000228235959", 951_782_399),
            ("20000229", 951_782_400),
            ("20240301000000", 1_709_251_200),
            ("20241231235959", 1_735_689_599),
            ("21000301", 4_107_542_400),
        ];
        for (digits, expected) in cases {
            assert_eq!(seconds(digits), Some(expected), "{digits}");
        }
    }
}
