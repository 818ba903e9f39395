//! Makes a table what it was before its last load.

use super::load_ids::{LAST, resolved};
use super::observer::Observer;
use super::target;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::report::{RunReport, Status};
use crate::store::{ExportKind, ObjectInfo};
use crate::warehouse::{ROLLBACK_SOURCE, Rollback as Request, WentBack};
use serde::Serialize;
use std::sync::Arc;
use std::time::Instant;

/// What one call decides for itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rollback {
    /// Table.
    pub table: String,
    /// The kept version to go back to, by the load that made it (its id or the beginning of it); none: the one before
    /// the current one.
    pub load: Option<String>,
    /// Look, and change nothing.
    pub dry_run: bool,
}

/// What a rollback did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RolledBack {
    /// The run, and the version that it made.
    pub rollback_id: String,
    /// Table.
    pub table: String,
    /// Where the table is.
    pub warehouse: String,
    /// Whether nothing was changed.
    pub dry_run: bool,
    /// Which version it went back to, and what that leaves.
    #[serde(flatten)]
    pub went_back: WentBack,
}

/// Goes back. The exports of the loads that go out of the table are not loaded again by any later run, unless with
/// `again`; a newer full export ends that.
///
/// # Errors
/// [`Error::Usage`] if there is no version to go back to, and those of the warehouse.
pub fn rollback(config: &Config, request: &Rollback, observer: &dyn Observer) -> Result<RolledBack> {
    let started = Instant::now();
    let mut warehouse = target::open(config)?;
    let watch = observer.watch();
    warehouse.stop_when(Arc::new({
        let watch = Arc::clone(&watch);
        move || watch.stopped()
    }));
    warehouse.tell_waits(Arc::new({
        let watch = Arc::clone(&watch);
        move |what| watch.wait_for(what)
    }));
    let load_id = match request.load.as_deref() {
        Some(LAST) => {
            return Err(Error::usage("the last load is the one to go back from").help("leave --load out"));
        }
        Some(given) => Some(resolved(&*warehouse, Some(&request.table), given)?),
        None => None,
    };
    let asked = Request {
        rollback_id: uuid::Uuid::now_v7().to_string(),
        table: request.table.clone(),
        load_id,
        dry_run: request.dry_run,
    };
    // It says for whom the rollback waits.
    let progress = observer.converting(&request.table, &watch, None);
    let went_back = warehouse.rollback(&asked);
    drop(progress);
    let went_back = went_back?;
    let done = RolledBack {
        rollback_id: asked.rollback_id,
        table: asked.table,
        warehouse: warehouse.shown(),
        dry_run: request.dry_run,
        went_back,
    };
    if !request.dry_run
        && let Err(error) = warehouse.remember(&report(&done, started.elapsed().as_secs_f64()))
    {
        observer.note(&format!("the run could not be written into the ledger: {error}"));
    }
    Ok(done)
}

fn report(done: &RolledBack, seconds: f64) -> RunReport {
    let WentBack { from, to, .. } = &done.went_back;
    let source = ObjectInfo { uri: format!("{ROLLBACK_SOURCE} to {to}"), ..ObjectInfo::default() };
    let mut report = RunReport::begin(&done.rollback_id, &done.table, ExportKind::Incremental, &source);
    report.status = Status::Succeeded;
    report.rows.carried_over = done.went_back.rows;
    report.warnings.push(format!("went back from load {from} to load {to}"));
    report.seconds.total = seconds;
    report
}
