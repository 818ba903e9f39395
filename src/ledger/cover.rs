//! Which exports a full export makes needless, in one place for every warehouse and for the worker.
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

use crate::store::{ExportKind, possible_time};
use std::time::UNIX_EPOCH;

/// Hours that lie at most between the snapshot of a full export and its name: an export can be
/// fetched for six.
pub const RECENT_HOURS: u32 = 6;

/// Most hours that may be set, a week: rows of so long ago are looked at with every full export.
pub const RECENT_HOURS_MAX: u32 = 168;

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
    /// The rule for a table whose rows can be told apart by ids, or cannot: then a full export's name is taken for its
    /// snapshot, so that no row doubles.
    #[must_use]
    pub fn of_table(self, has_ids: bool) -> Self {
        if has_ids { self } else { Self { hours: 0 } }
    }

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

/// Seconds since 1970 of an export's time; none for what no export can have.
fn seconds(digits: &str) -> Option<i64> {
    let since = possible_time(digits)?.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs()).ok()
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
    fn a_fraction_of_a_second_is_a_time_and_the_far_future_is_none() {
        let full = Some("20260302031500123");
        assert!(Cover::default().covers(full, Full, Some("20260302031459")));
        assert!(Cover::default().may_lack(full, Some("20260302031501")));
        for never in ["99991231235959", "99999999", "20260431000000"] {
            assert!(!Cover::default().covers(Some(never), Full, Some("20260301")), "{never}");
        }
    }
}
