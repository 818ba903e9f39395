//! How a call to AWS is made here: within limits, its error for people.

use crate::error;
use crate::store::runtime;
use crate::store::unsigned::unsigned;
use aws_config::timeout::TimeoutConfig;
use std::time::Duration;

/// All tries of one call together; a load must not seem to hang after its end.
const CALL_DEADLINE: Duration = Duration::from_secs(30);
/// One try.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);
/// Characters of a cause that a warning repeats.
const CAUSE_CHARS_MAX: usize = 300;

pub(super) fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .operation_timeout(CALL_DEADLINE)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .build()
}

/// Runs a call to its end; its error is for people.
pub(super) fn wait<T, E: std::error::Error>(call: impl Future<Output = Result<T, E>>) -> Result<(), String> {
    let runtime = runtime().map_err(|error| error.to_string())?;
    runtime
        .block_on(call)
        .map(drop)
        .map_err(|error| error::cut(&unsigned(&error::in_full(&error)), CAUSE_CHARS_MAX))
}
