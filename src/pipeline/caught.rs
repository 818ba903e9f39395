//! A panic is an error like any other: nobody waits for ever for what will not come.

use crate::error::{Error, Result};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Takes a step of a run; [`Error::Machine`] if it panics. What the step was at work on must not be used again.
pub(super) fn caught<T>(step: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(step)).unwrap_or_else(|_| {
        Err(Error::machine("a worker broke down; its place stands above")
            .help("please report this with the place"))
    })
}
