//! The guard before a switch that would empty a table or leave little of it.

use crate::error::{Error, Place, Result};

/// How much smaller a full export may leave a table unless told otherwise, in percent.
pub const SHRINK_PERCENT_MAX: u8 = 50;

/// How much smaller than what it takes the place of a full export may be: measured against the rows that are in the
/// table, whoever brought them, as far as the warehouse can count them; else against the last full load. What stays
/// beside the export counts on neither side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShrinkGuard {
    /// In percent of the rows that are replaced. An export without any row passes at none of these;
    /// `None` lets everything pass.
    pub max_percent: Option<u8>,
}

impl Default for ShrinkGuard {
    fn default() -> Self {
        Self { max_percent: Some(SHRINK_PERCENT_MAX) }
    }
}

impl ShrinkGuard {
    /// Compares the rows of a full export, `now`, with those that it replaces, `before`. Where there are none, every export
    /// passes: nothing can be lost.
    ///
    /// # Errors
    /// [`Error::Rejects`] if too few are left.
    pub fn check(self, table: &str, before: u64, now: u64) -> Result<()> {
        let Some(percent) = self.stopped_by(before, now) else { return Ok(()) };
        let what = match now {
            0 => format!(
                "the full export has no rows to load, and would replace {before}: the table would be empty"
            ),
            _ => format!(
                "the full export has {now} rows to load, and would replace {before}: the table would be more than \
                 {percent} % smaller"
            ),
        };
        Err(Error::rejects(what)
            .at(Place::uri(table))
            .help("see whether the export is whole; if so many rows are really gone, run it once with --allow-shrink"))
    }

    /// What is said beforehand of an export of about so many rows; none if it would pass.
    pub fn foretold(self, before: u64, about: u64) -> Option<String> {
        let percent = self.stopped_by(before, about)?;
        let left = u128::from(about) * 100 / u128::from(before.max(1));
        Some(format!(
            "the full export would leave about {left} % of the rows of the last one: load.shrink_max_percent \
             ({percent}) stops that; if so many are really gone, --allow-shrink lets it pass"
        ))
    }

    /// The percentage that an export of `now` rows in the place of `before` fails by.
    fn stopped_by(self, before: u64, now: u64) -> Option<u8> {
        let percent = self.max_percent.filter(|_| before > 0)?;
        let least = u128::from(before) * u128::from(100_u8.saturating_sub(percent));
        (now == 0 || u128::from(now) * 100 < least).then_some(percent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stops_what_is_too_small() {
        let default = Some(SHRINK_PERCENT_MAX);
        for (percent, before, now, passes) in [
            (default, 1_000, 500, true),
            (default, 1_000, 499, false),
            (default, 1_000, 0, false),
            (default, 1, 0, false),
            (default, 3, 1, false),
            (default, 0, 0, true),
            (default, 10, 1_000, true),
            (Some(0), 10, 9, false),
            (Some(0), 10, 10, true),
            (Some(100), 10, 1, true),
            (Some(100), 10, 0, false),
            (Some(255), 10, 1, true),
            (None, 10, 0, true),
            (default, u64::MAX, u64::MAX / 2, false),
            (default, u64::MAX, u64::MAX / 2 + 1, true),
        ] {
            let checked = ShrinkGuard { max_percent: percent }.check("t", before, now);
            assert_eq!(checked.is_ok(), passes, "{percent:?} {before} {now}");
            let foretold = ShrinkGuard { max_percent: percent }.foretold(before, now);
            assert_eq!(foretold.is_none(), passes, "{percent:?} {before} {now}");
            assert!(checked.err().is_none_or(|error| error.exit_code() == 5));
        }
    }
}
