//! How far a load is, for other processes: a small file beside the tables that is written anew every second.
//!
//! It is gone when the load has ended. Whether one that is there goes on the ledger says, whatever the file's age; what a
//! killed load has left the next load of the table that comes to its end takes away.

use super::target;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::ledger::{PROGRESS_DIR, is_going, is_load_id, timestamp};
use crate::pipeline::Watch;
use crate::store::private;
use serde::{Deserialize, Serialize};
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

/// How often it is written; a load that is over sooner writes none.
const EVERY: Duration = Duration::from_secs(1);
/// Files that are looked at, at most.
const LOADS_MAX: usize = 1000;
/// Bytes of one that are read, at most.
const FILE_BYTES_MAX: u64 = 64 << 10;

/// A load that is under way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// The load.
    pub load_id: String,
    /// Table name.
    pub table: String,
    /// The export.
    pub source: String,
    /// When its bytes began to flow, RFC 3339 in UTC.
    pub began: String,
    /// Seconds since then.
    pub seconds: f64,
    /// Length of the export as stored, if it is known.
    pub bytes: Option<u64>,
    /// Bytes of it that were read.
    pub bytes_read: u64,
    /// Records of finished row groups.
    pub records: u64,
    /// Rejected records of them.
    pub rejected: u64,
    /// What it waits for.
    pub waits_for: Option<String>,
    /// The process.
    pub process: u32,
}

/// Says how far a load is, until it is dropped.
pub(super) struct Beacon {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Beacon {
    /// Begins. Where it cannot be written nothing is said: the load is what matters.
    pub(super) fn begin(config: &Config, load: Progress, watch: &Arc<Watch>) -> Self {
        let folder = target::folder(config).ok();
        let (stop, stopped) = mpsc::channel();
        let watch = Arc::clone(watch);
        let thread = folder.and_then(|folder| {
            let say = move || say(&folder, load, &watch, &stopped);
            std::thread::Builder::new().name("csl-progress".to_owned()).spawn(say).ok()
        });
        Self { stop: Some(stop), thread }
    }
}

impl Drop for Beacon {
    fn drop(&mut self) {
        drop(self.stop.take());
        // It panics nowhere, and if it did the load would be as good.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn say(dir: &Path, mut load: Progress, watch: &Watch, stopped: &mpsc::Receiver<()>) {
    let folder = &dir.join(PROGRESS_DIR);
    let (started, path) = (Instant::now(), folder.join(format!("{}.json", load.load_id)));
    while stopped.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
        load.seconds = started.elapsed().as_secs_f64();
        load.bytes_read = watch.source_bytes.load(Relaxed);
        load.records = watch.records.load(Relaxed);
        load.rejected = watch.rejected.load(Relaxed);
        load.waits_for = watch.waits_for();
        if let Err(cause) = write(folder, &path, &load) {
            tracing::debug!(%cause, "nobody hears how far the load is");
        }
    }
    if started.elapsed() < EVERY && !folder.exists() {
        return;
    }
    let _ = fs::remove_file(&path);
    clean(dir, &load.table);
}

/// Not durable, and not meant to be: a power cut ends the load too.
fn write(folder: &Path, path: &Path, load: &Progress) -> io::Result<()> {
    private::make_dirs(folder)?;
    let new = path.with_extension("new");
    let mut file = private::open(OpenOptions::new().write(true).create(true).truncate(true), &new)?;
    file.write_all(&serde_json::to_vec(load)?)?;
    fs::rename(new, path)
}

/// Takes away what killed loads of a table have left, and the folder if it is empty.
fn clean(dir: &Path, table: &str) {
    let folder = dir.join(PROGRESS_DIR);
    for (path, left) in read_all(&folder).unwrap_or_default() {
        if left.table == table && !is_going(dir, &left.table, &left.load_id) {
            let _ = fs::remove_file(path);
        }
    }
    // Full of others', it stays.
    let _ = fs::remove_dir(folder);
}

/// The loads that are under way and say how far they are, oldest first; none of Redshift, whose loads may run anywhere.
///
/// # Errors
/// If the folder is there and cannot be read.
pub fn under_way(config: &Config) -> Result<Vec<Progress>> {
    if config.warehouse.to.is_redshift() {
        return Ok(Vec::new());
    }
    let dir = target::folder(config)?;
    let folder = dir.join(PROGRESS_DIR);
    let found =
        read_all(&folder).map_err(|cause| Error::io("cannot look at loads under way", &folder, cause))?;
    let going = |load: &Progress| is_going(&dir, &load.table, &load.load_id);
    let mut found: Vec<Progress> = found.into_iter().map(|(_, load)| load).filter(going).collect();
    found.sort_by(|a, b| a.load_id.cmp(&b.load_id));
    Ok(found)
}

fn read_all(folder: &Path) -> io::Result<Vec<(PathBuf, Progress)>> {
    let listing = match fs::read_dir(folder) {
        Ok(listing) => listing,
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(cause) => return Err(cause),
    };
    let ours = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.and_then(|name| name.strip_suffix(".json")).is_some_and(is_load_id)
    };
    let paths = listing.flatten().map(|item| item.path()).filter(ours).take(LOADS_MAX);
    Ok(paths.filter_map(|path| read(&path).map(|load| (path, load))).collect())
}

/// One that is gone or half written is none.
fn read(path: &Path) -> Option<Progress> {
    fs::metadata(path).ok().filter(|metadata| metadata.len() <= FILE_BYTES_MAX)?;
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

impl Progress {
    /// A load of which nothing was read yet.
    pub(super) fn begun(load_id: &str, table: &str, source: &str, bytes: Option<u64>) -> Self {
        Self {
            load_id: load_id.to_owned(),
            table: table.to_owned(),
            source: source.to_owned(),
            began: timestamp(SystemTime::now()),
            seconds: 0.0,
            bytes,
            bytes_read: 0,
            records: 0,
            rejected: 0,
            waits_for: None,
            process: std::process::id(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Destination;
    use crate::ledger;
    use crate::report::RunReport;
    use crate::store::ExportKind;

    #[test]
    fn a_load_says_how_far_it_is_and_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.warehouse.to = Destination(dir.path().display().to_string());
        let id = uuid::Uuid::now_v7().to_string();
        let watch = Arc::new(Watch::default());
        Watch::add(&watch.records, 7);
        // What killed loads have left, of this table and of another, and one of a load that goes on and was paused.
        let folder = dir.path().join(PROGRESS_DIR);
        let left = |table: &str| {
            let left = Progress::begun(&uuid::Uuid::now_v7().to_string(), table, "f", None);
            let path = folder.join(format!("{}.json", left.load_id));
            write(&folder, &path, &left).unwrap();
            (left, path)
        };
        left("t");
        left("u");
        let (paused, path) = left("u");
        let hour_ago = SystemTime::now() - Duration::from_secs(3600);
        fs::File::options().write(true).open(path).unwrap().set_modified(hour_ago).unwrap();
        let begin = |id: &str, table: &str| {
            let report = RunReport::begin(id, table, ExportKind::Full, &Default::default());
            ledger::begin(dir.path(), &report).unwrap()
        };
        let _going = begin(&paused.load_id, "u");
        let going = begin(&id, "t");
        let beacon = Beacon::begin(&config, Progress::begun(&id, "t", "f", Some(100)), &watch);
        let began = Instant::now();
        let found = loop {
            let found = under_way(&config).unwrap();
            assert!(found.iter().any(|load| load.load_id == paused.load_id), "a paused load is under way");
            if let Some(found) = found.iter().find(|load| load.load_id == id) {
                break found.clone();
            }
            assert!(began.elapsed() < Duration::from_secs(60));
            std::thread::sleep(Duration::from_millis(20));
        };
        assert!(found.records == 7 && found.bytes == Some(100), "{found:?}");
        drop((beacon, going));
        let found = under_way(&config).unwrap();
        assert_eq!(found.iter().map(|load| &load.load_id).collect::<Vec<_>>(), [&paused.load_id]);
        let left = read_all(&folder).unwrap().len();
        assert_eq!(left, 2, "the table's own are gone, another's stay");
    }
}
