//! The loads that happened, and the failed ones that can be loaded from what is staged of them.

use super::glue_job::{registered, wait};
use super::listeners::{End, Listeners};
use super::load::{shrink_guard, warned};
use super::measure::measured;
use super::observer::Observer;
use super::rejects;
use super::target;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::pipeline::Outcome;
use crate::report::{RunReport, Status};
use std::sync::Arc;
use std::time::Instant;

pub use crate::ledger::{Run, Shown, Standing};

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

/// Lists loads.
///
/// # Errors
/// If the ledger cannot be read.
pub fn list(config: &Config, table: Option<&str>, limit: usize) -> Result<Loads> {
    let warehouse = target::open(config)?;
    let mut runs = warehouse.loads(table, limit.saturating_add(1))?;
    let more = runs.len() > limit;
    runs.truncate(limit);
    Ok(Loads { runs, more, warehouse: warehouse.shown() })
}

/// All that is known of one load.
///
/// # Errors
/// [`Error::Usage`] if there is none of this id.
pub fn show(config: &Config, id: &str) -> Result<Shown> {
    let mut shown = target::open(config)?.load(id)?;
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
    let (started, shrink) = (Instant::now(), shrink_guard(config, allow_shrink));
    let mut warning = None;
    let retried = wait(config, observer, &stopped).and_then(|told| {
        warning = told;
        warehouse.retry(id, shrink)
    });
    let outcome = retried.map_err(|error| {
        let report = RunReport { status: Status::Failed, error: Some(error.to_string()), ..staged };
        (Box::new(report), error)
    });
    let outcome = warned(timed(outcome, started.elapsed().as_secs_f64()), warning);
    let listeners = Listeners::of(config);
    let outcome = listeners.told(registered(config, &*warehouse, outcome), End::Done);
    measured(config, observer, &outcome, false);
    listeners.finish(None);
    Ok(Retried::Now(Box::new(outcome)))
}

fn timed(mut outcome: Outcome, seconds: f64) -> Outcome {
    let report = match &mut outcome {
        Ok(report) => report,
        Err((report, _)) => &mut **report,
    };
    (report.seconds.total, report.seconds.load) = (seconds, seconds);
    outcome
}
