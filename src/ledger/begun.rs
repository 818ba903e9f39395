//! Runs that have begun: what tells of one that was killed, which leaves no report.
//!
//! `<table>/.loads/<load id>.begun` is there while the run goes on, and locked by its process. The kernel drops the
//! lock with the process, so one that is there and not locked is of a run that was killed. No clock is asked: a process
//! that is paused holds its lock, and one on a machine whose time jumps does too.

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
/// What stands in its place until it is locked and whole.
pub(super) const NEW_EXTENSION: &str = "new";
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
    let path = begun_path(&runs, &report.load_id);
    // It is locked before anybody can see it: who looked in between would hold the lock in its place.
    let new = path.with_extension(NEW_EXTENSION);
    let failed = |cause| Error::io("cannot write down that the run begins", &path, cause);
    let mut file =
        private::open(OpenOptions::new().create(true).truncate(true).write(true), &new).map_err(failed)?;
    file.lock().map_err(failed)?;
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
    file.write_all(&bytes).map_err(failed)?;
    fs::rename(&new, &path).map_err(failed)?;
    Ok(Going { path, made, _locked: file })
}

/// What this machine is called, where that is known.
pub fn host() -> Option<String> {
    let name = fs::read_to_string(HOST_NAME).ok()?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

fn begun_path(runs: &Path, load_id: &str) -> PathBuf {
    runs.join(format!("{load_id}{BEGUN_ENDING}"))
}

/// Whether the process of what has begun here holds its lock; none if there is nothing.
fn is_held(path: &Path) -> Option<bool> {
    match File::open(path).ok()?.try_lock_shared() {
        Ok(()) => Some(false),
        Err(TryLockError::WouldBlock) => Some(true),
        // Nothing can be locked here: nobody knows.
        Err(TryLockError::Error(_)) => None,
    }
}

/// Whether a run goes on: the one rule by which loads are under way or were killed.
pub fn is_going(dir: &Path, table: &str, load_id: &str) -> bool {
    let is_named = check_name("load id", load_id).is_ok();
    let runs = table_dir(dir, table).ok().filter(|_| is_named).map(|dir| dir.join(RUNS_DIR));
    runs.is_some_and(|runs| is_held(&begun_path(&runs, load_id)) == Some(true))
}

/// The runs of a table that were killed, by their files' names.
pub(super) fn killed(runs: &Path, names: impl Iterator<Item = String>) -> Vec<Begun> {
    let read = |name: String| {
        let path = runs.join(name);
        if is_held(&path)? {
            return None;
        }
        serde_json::from_slice(&fs::read(&path).ok()?).ok()
    };
    names.filter(|name| name.ends_with(BEGUN_ENDING)).filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_run_goes_on_until_its_process_is_gone_whatever_the_clock_says() {
        let dir = tempfile::tempdir().unwrap();
        let id = uuid::Uuid::now_v7().to_string();
        let report = RunReport::begin(&id, "t", ExportKind::Full, &Default::default());
        let runs = dir.path().join("t").join(RUNS_DIR);
        let killed_ones = || killed(&runs, std::iter::once(format!("{id}{BEGUN_ENDING}"))).len();
        assert!(!is_going(dir.path(), "t", &id) && !is_going(dir.path(), "..", "../x"));
        let going = begin(dir.path(), &report).unwrap();
        let now = SystemTime::now();
        let hour = Duration::from_secs(3600);
        for at in [now, now - hour, now + hour, now - 10_000 * hour] {
            File::options().write(true).open(&going.path).unwrap().set_modified(at).unwrap();
            assert!(is_going(dir.path(), "t", &id), "{at:?}");
            assert_eq!(killed_ones(), 0, "{at:?}");
        }
        // What the kernel does when a process is gone: the file stays, the lock does not.
        let left = fs::read(&going.path).unwrap();
        drop(going);
        assert!(!runs.exists(), "an ended run leaves nothing");
        fs::create_dir_all(&runs).unwrap();
        fs::write(begun_path(&runs, &id), left).unwrap();
        assert!(!is_going(dir.path(), "t", &id));
        assert_eq!(killed_ones(), 1);
    }

    #[test]
    fn whoever_looks_while_a_run_begins_does_not_make_it_a_killed_one() {
        let dir = tempfile::tempdir().unwrap();
        let is_over = std::sync::atomic::AtomicBool::new(false);
        let runs = dir.path().join("t").join(RUNS_DIR);
        // Others are there too, so that the folder stays.
        fs::create_dir_all(&runs).unwrap();
        fs::write(runs.join("x"), "").unwrap();
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
                        let names = fs::read_dir(&runs).unwrap().flatten();
                        let names = names.filter_map(|item| item.file_name().into_string().ok());
                        let killed = killed(&runs, names);
                        assert!(killed.is_empty(), "{killed:?}");
                    }
                });
            }
            for _ in 0..300 {
                let id = uuid::Uuid::now_v7().to_string();
                let report = RunReport::begin(&id, "t", ExportKind::Full, &Default::default());
                let going = begin(dir.path(), &report).unwrap();
                assert!(is_going(dir.path(), "t", &id));
                drop(going);
            }
            is_over.store(true, std::sync::atomic::Ordering::Relaxed);
        });
    }
}
