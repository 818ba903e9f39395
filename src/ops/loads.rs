//! The loads that happened, and the failed ones that can be loaded from what is staged of them.

use super::glue_job::{registered, wait};
use super::listeners::{End, Listeners};
use super::load::{shrink_guard, warned};
use super::load_ids::resolved;
use super::measure::measured;
use super::observer::Observer;
use super::rejects;
use super::target;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::pipeline::Outcome;
use crate::report::{Clock, Status};
use std::sync::Arc;

pub use crate::ledger::{Run, Shown, Standing};

/// Runs that are looked through for those that ended as was asked.
const LOOKED_AT_MAX: usize = 10_000;

/// Loads of one table or of all, newest first.
#[derive(Debug)]
pub struct Loads {
    /// At most as many as were asked for.
    pub runs: Vec<Run>,
    /// Whether there are older ones.
    pub more: bool,
    /// Where the warehouse is, for people.
    pub warehouse: String,
}

/// How a run ended, as it can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Ended {
    /// Its rows came into the table
    Succeeded,
    /// It failed, or was killed
    Failed,
    /// There was nothing to do
    Skipped,
    /// Its process was killed, or its machine stopped
    Killed,
}

impl Ended {
    fn is_of(self, run: &Run) -> bool {
        match self {
            Self::Succeeded => run.status == Status::Succeeded,
            Self::Failed => run.status == Status::Failed,
            Self::Skipped => run.status == Status::Skipped,
            Self::Killed => run.killed,
        }
    }
}

/// Lists runs; with `ended` those alone that ended so.
///
/// # Errors
/// If the ledger cannot be read.
pub fn list(config: &Config, table: Option<&str>, ended: Option<Ended>, limit: usize) -> Result<Loads> {
    let warehouse = target::open(config)?;
    // Those that are left out do not count.
    let looked_at = ended.map_or(limit.saturating_add(1), |_| LOOKED_AT_MAX);
    let mut runs = warehouse.runs(table, looked_at)?;
    runs.retain(|run| ended.is_none_or(|ended| ended.is_of(run)));
    let more = runs.len() > limit;
    runs.truncate(limit);
    Ok(Loads { runs, more, warehouse: warehouse.shown() })
}

/// All that is known of one load; `id` may be the beginning of its id, or `last`.
///
/// # Errors
/// [`Error::Usage`] if there is none of this id, or several that begin so.
pub fn show(config: &Config, id: &str) -> Result<Shown> {
    let warehouse = target::open(config)?;
    let mut shown = warehouse.load(&resolved(&*warehouse, None, id)?)?;
    // The ledger of Redshift counts rejects, and keeps no place.
    if let Some(report) = &mut shown.report
        && report.rows.rejected > 0
        && report.rejects.uri.is_none()
    {
        report.rejects.uri = rejects::found(config, &report.table, &report.load_id);
    }
    Ok(shown)
}

/// What became of a retry.
#[derive(Debug)]
pub enum Retried {
    /// There was nothing to do: it is in the table.
    Before(Box<Shown>),
    /// It was loaded now, or failed again.
    Now(Box<Outcome>),
}

/// Loads a failed load from what is staged of it: a run like any other, with its guard and its listeners.
/// `allow_shrink` lets a full export leave as few rows as it brings.
///
/// # Errors
/// If there is nothing to retry.
pub fn retry(config: &Config, id: &str, allow_shrink: bool, observer: &dyn Observer) -> Result<Retried> {
    let mut warehouse = target::open(config)?;
    let id = &*resolved(&*warehouse, None, id)?;
    match warehouse.load(id) {
        Ok(shown) if shown.run.status == Status::Succeeded && shown.run.standing != Standing::Gone => {
            return Ok(Retried::Before(Box::new(shown)));
        }
        Ok(_) | Err(Error::Usage(_)) => {}
        Err(error) => return Err(error),
    }
    let staged = warehouse.staged(id)?;
    let watch = observer.watch();
    let stopped = move || watch.stopped();
    warehouse.stop_when(Arc::new(stopped.clone()));
    let (clock, shrink) = (Clock::default(), shrink_guard(config, allow_shrink));
    let mut warning = None;
    let retried = wait(config, observer, &stopped).and_then(|told| {
        warning = told;
        warehouse.retry(id, shrink, &clock)
    });
    let outcome = retried.map_err(|error| (Box::new(staged.failed(&error)), error));
    let outcome = warned(timed(outcome, &clock), warning);
    let listeners = Listeners::of(config);
    let outcome = listeners.told(registered(config, &*warehouse, outcome), End::Done);
    let report = match &outcome {
        Ok(report) => report,
        Err((report, _)) => &**report,
    };
    if let Err(error) = warehouse.remember(report) {
        observer.note(&format!("the run could not be written into the ledger: {error}"));
    }
    measured(config, observer, &outcome, false);
    listeners.finish(None);
    Ok(Retried::Now(Box::new(outcome)))
}

fn timed(mut outcome: Outcome, clock: &Clock) -> Outcome {
    let report = match &mut outcome {
        Ok(report) => report,
        Err((report, _)) => &mut **report,
    };
    report.timed(clock);
    report.seconds.load = report.seconds.total;
    outcome
}
