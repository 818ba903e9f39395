//! What a warehouse in a folder keeps for a while: old versions, reports of runs.

use super::kept::{Kept, over};
use super::lock::TableLock;
use super::sweep;
use crate::error::{Error, Result};
use crate::ledger::{self, Entry, RUNS_DIR, forget_older, table_dir};
use crate::store::sync_dir;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Old versions.
const VERSIONS: &str = "versions";
/// Reports of runs.
const REPORTS: &str = "run reports";
/// Who holds the lock while versions are swept.
const SWEEPER: &str = "sweep";

pub(super) fn kept(dir: &Path, keep_versions: usize, report_days: u32) -> Vec<Kept> {
    let place = dir.display().to_string();
    let how_long = format!("{keep_versions} of each table, the current one among them");
    let reports = format!("{place}/<table>/{RUNS_DIR}");
    vec![Kept { what: VERSIONS, place, how_long }, Kept::days(REPORTS, reports, report_days)]
}

/// Sweeps every table, or after a load that table alone: others have loads of their own, and its versions are swept by
/// the load itself. A table that cannot be swept keeps the others from nothing; the first fault is told.
pub(super) fn sweep(
    dir: &Path,
    what: &str,
    loaded: Option<&str>,
    (keep_versions, report_days): (usize, u32),
) -> Result<u64> {
    let tables = match loaded {
        Some(_) if what == VERSIONS => return Ok(0),
        Some(table) => vec![table.to_owned()],
        None => ledger::tables(dir)?,
    };
    let (mut gone, mut fault) = (0, None);
    for table in tables {
        let swept = table_dir(dir, &table).and_then(|table_dir| match what {
            VERSIONS => old_versions(&table_dir, keep_versions),
            REPORTS => over(report_days).map_or(Ok(0), |before| forget_older(&table_dir, before)),
            _ => Ok(0),
        });
        match swept {
            Ok(count) => gone += count,
            Err(error) => fault = fault.or(Some(error)),
        }
    }
    fault.map_or(Ok(gone), Err)
}

fn old_versions(table_dir: &Path, keep: usize) -> Result<u64> {
    let before = ledger::versions(table_dir)?.len();
    if before <= keep {
        return Ok(0);
    }
    let _lock = match TableLock::take(table_dir, SWEEPER, Duration::ZERO, &(Arc::new(drop) as _)) {
        Err(Error::Transient(_)) => return Ok(0),
        lock => lock?,
    };
    if let Some(current) = Entry::current(table_dir)? {
        // A switch that may not outlast a power cut needs the version before it.
        sync_dir(table_dir)?;
        sweep::sweep(table_dir, &current, keep)?;
    }
    Ok(before.saturating_sub(ledger::versions(table_dir)?.len()) as u64)
}
