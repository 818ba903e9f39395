//! What an executor is given, and what it answers.

use crate::error::{Error, Result, Told};
use crate::pipeline::{Receipt, Spec, Unit, Watch, run_unit};
use crate::store::{Location, Outpost, open_range, sink_at};
use serde::{Deserialize, Serialize};

/// Bytes of a unit's rejects that go through the scheduler's machines at most; the driver converts units with more itself.
const REJECT_BYTES_MAX: usize = 256 << 10;

/// What all units of a job have in common. It travels in clear: nothing in it is secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Work {
    /// [`Spec::to_json`].
    pub(super) spec: String,
    /// The export, as each machine reaches it.
    pub(super) source: String,
    pub(super) outpost: Outpost,
}

/// What came of a task.
#[derive(Serialize, Deserialize)]
pub(super) enum Answer {
    Receipt(Box<Receipt>),
    /// Its rejects are too much to be sent.
    TooManyRejects(Unit),
    /// The job was given up meanwhile.
    GivenUp,
    /// This machine cannot do any unit of it.
    Refused(Told),
}

impl Work {
    pub(super) fn to_json(&self) -> Result<String> {
        serde_json::to_string(self).map_err(not_json)
    }

    /// Runs a unit of the job that `work` says, both as JSON.
    ///
    /// # Errors
    /// [`Error::Transient`] alone: it can be run again.
    pub(super) fn run(work: &str, unit: &str) -> Result<String> {
        let answer = match run(work, unit) {
            Ok(answer) => answer,
            Err(error @ Error::Transient(_)) => return Err(error),
            Err(Error::Interrupted) => Answer::GivenUp,
            Err(error) => Answer::Refused(Told::from(&error)),
        };
        serde_json::to_string(&answer).map_err(not_json)
    }
}

fn run(work: &str, unit: &str) -> Result<Answer> {
    let Work { spec, source, outpost } = serde_json::from_str(work).map_err(not_json)?;
    let (spec, source) = (Spec::from_json(&spec)?, Location::parse(&source)?);
    let unit: Unit = serde_json::from_str(unit).map_err(not_json)?;
    tracing::info!(unit = unit.number, place = outpost.shown, "unit begins");
    let ranges = |from, hint| open_range(&source, spec.info(), from, hint);
    let receipt = run_unit(&spec, unit, &ranges, &*sink_at(&outpost)?, &Watch::default())?;
    tracing::info!(unit = unit.number, "unit is done");
    Ok(match receipt.reject_bytes() {
        0..=REJECT_BYTES_MAX => Answer::Receipt(Box::new(receipt)),
        _ => Answer::TooManyRejects(unit),
    })
}

pub(super) fn not_json(cause: serde_json::Error) -> Error {
    Error::machine("what machines of the cluster told each other is not understood")
        .help("run the same build on all machines of the cluster")
        .because(cause)
}
