//! What is said if counts do not agree.

use crate::error::Error;

pub(super) fn counts_disagree(one: &str, count: u64, other: &str, other_count: u64) -> Error {
    Error::counts(format!("{count} {one}, but {other_count} {other}"))
        .help("nothing was loaded; please report this with the run report")
}
