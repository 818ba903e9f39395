//! What is there now, for somebody who looks at it all the time: runs, tables, loads under way, the queue.

use super::loads::{Run, Shown, Standing};
use super::{loads, target};
use crate::config::Config;
use crate::error::Result;
use crate::ledger::{self, Entry};
use crate::report::{RunReport, Status};
use crate::store::ExportKind;
use std::sync::{Mutex, PoisonError};

pub use super::progress::{Progress, under_way};
pub use crate::ledger::{Brief, Held, timestamp};
#[cfg(feature = "serve")]
pub use crate::queue::{LaneState, QueueState};

/// Runs of Redshift's ledger that are looked at, the newest; of a folder all that are kept.
pub const RUNS_MAX: usize = 5_000;

/// The ledger, which remembers what it has read of a folder.
#[derive(Debug, Default)]
pub struct Ledger(Mutex<ledger::Briefs>);

/// What the ledger says.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Where the warehouse is, for people.
    pub warehouse: String,
    /// Runs, newest first.
    pub runs: Vec<Brief>,
    /// Tables.
    pub tables: Vec<Held>,
    /// Whether it is known which loads go on: of a folder, by the locks of their processes.
    pub ends_are_known: bool,
}

impl Ledger {
    /// What it says now. Blocks, and asks Redshift if that is the warehouse.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn look(&self, config: &Config) -> Result<Known> {
        let warehouse = target::open(config)?;
        let shown = warehouse.shown();
        if !config.warehouse.to.is_redshift() {
            let dir = target::folder(config)?;
            let runs = self.0.lock().unwrap_or_else(PoisonError::into_inner).all(&dir)?;
            return Ok(Known { warehouse: shown, runs, tables: ledger::held(&dir)?, ends_are_known: true });
        }
        // Failed ones too, and those that were killed.
        let runs = warehouse.runs(None, RUNS_MAX)?;
        let newest = warehouse.newest()?;
        let mut tables: Vec<String> = runs.iter().map(|run| run.table.clone()).collect();
        tables.sort_unstable();
        tables.dedup();
        let held = |table: String| Held {
            rows: rows_by_loads(runs.iter().filter(|run| run.table == table)),
            exported_at: newest.get(&table).cloned(),
            table,
        };
        let tables = tables.into_iter().map(held).collect();
        let runs = runs.into_iter().map(Brief::of_run).collect();
        Ok(Known { warehouse: shown, tables, runs, ends_are_known: false })
    }
}

/// A version of a table that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Its name: the load that made it.
    pub load_id: String,
    /// When it was complete, RFC 3339 in UTC.
    pub finished: String,
    /// Its rows.
    pub rows: u64,
    /// Whether readers see it.
    pub is_current: bool,
}

/// Versions of a table that are kept, newest first; none of Redshift, which has the current one alone.
///
/// # Errors
/// If the table is damaged.
pub fn versions(config: &Config, table: &str) -> Result<Vec<Version>> {
    if config.warehouse.to.is_redshift() {
        return Ok(Vec::new());
    }
    let dir = ledger::table_dir(&target::folder(config)?, table)?;
    let names = Entry::lineage(&dir, usize::MAX)?;
    let version = |(at, name): (usize, &String)| {
        let entry = Entry::read(&dir.join(name)).ok()?;
        let rows = entry.rows_in_table();
        Some(Version { load_id: entry.load_id, finished: entry.finished, rows, is_current: at == 0 })
    };
    Ok(names.iter().enumerate().filter_map(version).collect())
}

/// All that is known of one load of a table that is known.
///
/// # Errors
/// As [`loads::show`].
pub fn shown(config: &Config, table: &str, id: &str) -> Result<Shown> {
    if !config.warehouse.to.is_redshift()
        && let Some(shown) = ledger::shown(&target::folder(config)?, table, id)?
    {
        return Ok(shown);
    }
    loads::show(config, id)
}

/// The report of the last full load of a table that was kept beside Redshift, which keeps no others.
///
/// # Errors
/// If the warehouse cannot be opened.
pub fn last_report(config: &Config, table: &str) -> Result<Option<RunReport>> {
    Ok(target::open(config)?.last_report(table, ExportKind::Full))
}

/// Rows of a table as its loads count them, newest first: of the last full one with what it kept, and those that
/// later ones added. None without a full one.
fn rows_by_loads<'a>(runs: impl Iterator<Item = &'a Run>) -> Option<u64> {
    let mut rows = 0u64;
    let loaded = |run: &&Run| run.status == Status::Succeeded && run.standing != Standing::Gone;
    for run in runs.filter(loaded) {
        rows = rows.saturating_add(run.rows.loaded);
        if run.kind == ExportKind::Full {
            return Some(rows.saturating_add(run.rows.carried_over));
        }
    }
    None
}

/// What the queue holds.
#[cfg(feature = "serve")]
#[derive(Debug, Clone)]
pub struct Queued {
    /// Where it is.
    pub queue: String,
    /// All of it.
    pub state: QueueState,
    /// By table; none of SQS, which does not say it.
    pub lanes: Option<Vec<LaneState>>,
    /// Those that were given up, oldest first, or why they cannot be listed.
    pub dead: std::result::Result<Vec<crate::queue::DeadLetter>, String>,
}

/// What the queue holds now; none if a local queue was never made.
///
/// # Errors
/// Whatever keeps it from answering.
#[cfg(feature = "serve")]
pub fn queued(config: &Config) -> Result<Option<Queued>> {
    let own = &config.queue;
    if own.url.is_none() && !std::path::Path::new(&own.path).exists() {
        return Ok(None);
    }
    let queue = super::queues::queue(config)?;
    crate::store::runtime()?.block_on(async {
        let (state, lanes, dead) = (queue.state().await?, queue.lanes().await?, queue.dead_letters().await);
        let dead = dead.map_err(|error| error.to_string());
        Ok(Some(Queued { queue: queue.to_string(), state, lanes, dead }))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Rows;

    #[test]
    fn rows_are_those_since_the_last_full_load() {
        let run = |kind, loaded, carried_over, standing| Run {
            load_id: String::new(),
            table: "t".to_owned(),
            kind,
            status: Status::Succeeded,
            killed: false,
            started: None,
            source: String::new(),
            rows: Rows { loaded, carried_over, ..Rows::default() },
            standing,
            error: None,
            added_columns: Vec::new(),
            widened_columns: Vec::new(),
        };
        use ExportKind::{Full, Incremental};
        use Standing::{Current, Gone};
        for (runs, rows) in [
            (vec![], None),
            (vec![run(Incremental, 5, 0, Current)], None),
            (vec![run(Full, 10, 3, Current)], Some(13)),
            (
                vec![run(Incremental, 2, 0, Current), run(Full, 10, 3, Current), run(Full, 99, 0, Gone)],
                Some(15),
            ),
        ] {
            assert_eq!(rows_by_loads(runs.iter()), rows);
        }
    }
}
