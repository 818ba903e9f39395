//! Messages that could not be loaded: looked at, and put back.

use super::queues::queue_that_is_there;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::queue::Redrive;
use crate::store::runtime;

pub use crate::queue::DeadLetter;

/// All of them, oldest first.
///
/// # Errors
/// [`Error::Usage`] if there is no queue; whatever keeps it from answering.
pub fn list(config: &Config) -> Result<Vec<DeadLetter>> {
    let queue = queue_that_is_there(config)?;
    runtime()?.block_on(queue.dead_letters())
}

/// One of them.
///
/// # Errors
/// [`Error::Usage`] if there is none of this id.
pub fn show(config: &Config, id: &str) -> Result<DeadLetter> {
    list(config)?.into_iter().find(|letter| letter.id == id).ok_or_else(|| no_such(id))
}

/// Puts those of these ids back into the queue, or all if none is named; says which went, and the error of one
/// that is not there.
///
/// # Errors
/// [`Error::Usage`] if there is no queue; whatever keeps it from answering.
pub fn redrive(config: &Config, ids: &[String]) -> Result<(Vec<String>, Option<Error>)> {
    let which = if ids.is_empty() { Redrive::All } else { Redrive::Ids(ids.to_vec()) };
    let queue = queue_that_is_there(config)?;
    let gone = runtime()?.block_on(queue.redrive(&which))?;
    let missing = ids.iter().find(|id| !gone.contains(id)).map(|id| no_such(id));
    Ok((gone, missing))
}

fn no_such(id: &str) -> Error {
    Error::usage(format!("there is no dead letter {id:?}"))
        .help("`csl-stream dead-letters list` shows those there are")
}
