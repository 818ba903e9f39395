//! What is kept for a while.

use std::time::{Duration, SystemTime};

/// Days that staged files stay unless told otherwise.
pub const STAGED_DAYS: u32 = 7;
/// The fewest. A statement of Redshift runs for 24 hours at most, and a load writes its manifest right before it: so
/// what is older cannot be under way.
pub const STAGED_DAYS_MIN: u32 = 2;
/// Seconds of a day.
pub const DAY_SECONDS: u64 = 24 * 3_600;

/// A kind of copy that is kept for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// What it is, in the plural.
    pub what: &'static str,
    /// Where it lies.
    pub place: String,
    /// How long it stays, in words.
    pub how_long: String,
}

impl Kept {
    /// What stays for so many days; 0: for ever.
    pub fn days(what: &'static str, place: String, days: u32) -> Self {
        let how_long = match days {
            0 => "for ever".to_owned(),
            1 => "1 day".to_owned(),
            days => format!("{days} days"),
        };
        Self { what, place, how_long }
    }
}

/// What was written before this is over; none where things stay for ever.
pub fn over(days: u32) -> Option<SystemTime> {
    SystemTime::now().checked_sub(Duration::from_secs(u64::from(days) * DAY_SECONDS)).filter(|_| days > 0)
}
