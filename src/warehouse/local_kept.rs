//! What a warehouse in a folder keeps for a while: old versions, reports of runs.

use super::kept::{Kept, over};
use super::lock::TableLock;
use super::sweep;
use crate::error::{Error, Result};
use crate::ledger::{self, Entry, RUNS_DIR, forget_older, table_dir};
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

/// Sweeps every table. One that is being loaded sweeps itself.
pub(super) fn sweep(dir: &Path, what: &str, keep_versions: usize, report_days: u32) -> Result<u64> {
    let mut gone = 0;
    for table in ledger::tables(dir)? {
        let table_dir = table_dir(dir, &table)?;
        gone += match what {
            VERSIONS => old_versions(&table_dir, keep_versions)?,
            REPORTS => over(report_days).map_or(Ok(0), |before| forget_older(&table_dir, before))?,
            _ => 0,
        };
    }
    Ok(gone)
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
        sweep::sweep(table_dir, &current, keep)?;
    }
    Ok(before.saturating_sub(ledger::versions(table_dir)?.len()) as u64)
}
