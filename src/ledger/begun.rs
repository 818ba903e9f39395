//! Runs that have begun: what tells of one that was killed, which leaves no report.
//!
//! `<table>/.loads/<load id>.begun` is there while the run goes on, and locked by its process. The kernel drops the
//! lock with the process, so one that is there and not locked is of a run that was killed.

use super::layout::{RUNS_DIR, check_name, table_dir};
use super::time::timestamp;
use crate::error::{Error, Result};
use crate::report::RunReport;
use crate::store::{ExportKind, private};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Ending of such a file.
pub(super) const BEGUN_ENDING: &str = ".begun";
/// Where Linux says what the machine is called.
const HOST_NAME: &str = "/proc/sys/kernel/hostname";

/// What is known of a run when it begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Begun {
    pub(super) load_id: String,
    pub(super) table: String,
    pub(super) kind: ExportKind,
    pub(super) source: String,
    /// RFC 3339 in UTC.
    pub(super) started: String,
    pub(super) process: u32,
    pub(super) host: Option<String>,
}

impl Begun {
    /// What is said of it, once it is known that it was killed.
    pub(super) fn shown(&self) -> String {
        let host = self.host.as_ref().map_or(String::new(), |host| format!(" on {host}"));
        format!(
            "process {}{host} was killed, or its machine stopped, before the load had ended; nothing of it is in the table",
            self.process
        )
    }
}

/// A run that goes on, until this is dropped.
#[derive(Debug)]
pub struct Going {
    path: PathBuf,
    /// Folders that were made for it, the innermost first: they go if nothing else came into them.
    made: Vec<PathBuf>,
    _locked: File,
}

impl Drop for Going {
    fn drop(&mut self) {
        // One that stays is told of as killed, unless a report or an entry says more.
        let _ = fs::remove_file(&self.path);
        for dir in &self.made {
            let _ = fs::remove_dir(dir);
        }
    }
}

/// Remembers that a run begins. Not durable: what a power cut takes is one line less in a list.
///
/// # Errors
/// Whatever the file system refuses; names that cannot be file names.
pub fn begin(dir: &Path, report: &RunReport) -> Result<Going> {
    check_name("load id", &report.load_id)?;
    let table_dir = table_dir(dir, &report.table)?;
    let runs = table_dir.join(RUNS_DIR);
    let made = [runs.clone(), table_dir].into_iter().filter(|dir| !dir.exists()).collect();
    private::make_dirs(&runs).map_err(|cause| Error::io("cannot make the folder of runs", &runs, cause))?;
    let path = runs.join(format!("{}{BEGUN_ENDING}", report.load_id));
    let failed = |cause| Error::io("cannot write down that the run begins", &path, cause);
    let mut file =
        private::open(OpenOptions::new().create(true).truncate(true).write(true), &path).map_err(failed)?;
    match file.try_lock() {
        // Where nothing can be locked, nothing loads either.
        Ok(()) | Err(TryLockError::WouldBlock) => {}
        Err(TryLockError::Error(cause)) => return Err(failed(cause)),
    }
    let begun = Begun {
        load_id: report.load_id.clone(),
        table: report.table.clone(),
        kind: report.kind,
        source: report.source.uri.clone(),
        started: timestamp(SystemTime::now()),
        process: std::process::id(),
        host: host(),
    };
    let bytes = serde_json::to_vec(&begun)
        .map_err(|cause| Error::machine("cannot write a beginning as JSON").because(cause))?;
    let going = Going { path: path.clone(), made, _locked: file.try_clone().map_err(failed)? };
    file.write_all(&bytes).map_err(failed)?;
    Ok(going)
}

/// What this machine is called, where that is known.
pub fn host() -> Option<String> {
    let name = fs::read_to_string(HOST_NAME).ok()?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

/// The runs of a table that were killed, by their files' names.
pub(super) fn killed(runs: &Path, names: impl Iterator<Item = String>) -> Vec<Begun> {
    let read = |name: String| {
        let path = runs.join(name);
        let file = File::open(&path).ok()?;
        // Whoever runs holds it.
        file.try_lock_shared().ok()?;
        serde_json::from_slice(&fs::read(&path).ok()?).ok()
    };
    names.filter(|name| name.ends_with(BEGUN_ENDING)).filter_map(read).collect()
}
