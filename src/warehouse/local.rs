//! The embedded warehouse: a folder of Parquet files that any tool reads, switched in one rename.
//!
//! ```text
//! <dir>/<table>/current ──▶ <version>                 what readers open
//!              /<version>/<load id>-part-00000.snappy.parquet …  load.json
//!              /.staging-<load id>/                    a load on its way
//!              /.loads/<load id>.json                  what became of each run
//!              /.lock                                  one load at a time
//! ```
//!
//! A version is never changed after it was switched to; its name is the load's id, which sorts by time.
//! `docs/reference/local-warehouse.md` has the layout, `docs/explanation/redshift.md` the invariants.

use super::lock::TableLock;
use super::parts::PartsSink;
use super::{Admission, LoadReceipt, LoadRequest, Staging, Warehouse, WriteProbe, sweep, version};
use crate::error::{Error, Place, Result};
use crate::ledger::{self, ENTRY_FORMAT, ENTRY_NAME, Entry, Part, PartFile, Run, Shown, Source};
use crate::report::{Checklist, FileReport, Rows, RunReport, Status};
use crate::schema::Table;
use crate::store::{ExportKind, SegmentSink, sync_dir};
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Versions kept of each table, the current one among them.
pub const KEEP_VERSIONS: usize = 2;
/// How long a load waits for another load of the same table.
pub const LOCK_WAIT_MAX: Duration = Duration::from_secs(60);
/// How often a reader looks again when the version it was about to hold is swept under its hands.
const HOLD_ATTEMPTS_MAX: usize = 5;

/// A warehouse in a folder.
#[derive(Debug, Clone)]
pub struct LocalWarehouse {
    dir: PathBuf,
    keep_versions: usize,
    lock_wait: Duration,
}

/// One version of a table, held: its files stay until this is dropped, whatever is loaded meanwhile.
#[derive(Debug)]
pub struct Snapshot {
    /// What the version holds.
    pub entry: Entry,
    /// Its files, in load order.
    pub files: Vec<PathBuf>,
    /// Shared lock on the ledger entry; the sweep passes over a version that is locked.
    _hold: File,
}

impl LocalWarehouse {
    /// The warehouse in `dir`, which need not exist before the first load.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into(), keep_versions: KEEP_VERSIONS, lock_wait: LOCK_WAIT_MAX }
    }

    /// Keeps so many versions of each table, at least the current one.
    #[must_use]
    pub fn keep_versions(mut self, versions: usize) -> Self {
        self.keep_versions = versions.max(1);
        self
    }

    /// Waits so long for another load of the same table.
    #[must_use]
    pub fn lock_wait(mut self, wait: Duration) -> Self {
        self.lock_wait = wait;
        self
    }

    /// Where it is.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Every table that has been loaded, by name.
    ///
    /// # Errors
    /// If the folder is there and cannot be read.
    pub fn tables(&self) -> Result<Vec<String>> {
        ledger::tables(&self.dir)
    }

    /// What a table holds, or none before its first load.
    ///
    /// # Errors
    /// [`Error::Input`] if the table is damaged.
    pub fn current(&self, table: &str) -> Result<Option<Entry>> {
        Entry::current(&ledger::table_dir(&self.dir, table)?)
    }

    /// Holds the current version of a table for as long as it is read.
    ///
    /// # Errors
    /// [`Error::Usage`] naming the tables there are, if this is none of them.
    pub fn snapshot(&self, table: &str) -> Result<Snapshot> {
        let table_dir = ledger::table_dir(&self.dir, table)?;
        let mut attempt = 1;
        loop {
            let Some(version) = ledger::current_version(&table_dir)? else {
                return Err(self.no_table(table));
            };
            match hold(&table_dir.join(version)) {
                Err(Error::Access(_)) if attempt < HOLD_ATTEMPTS_MAX => attempt += 1,
                held => return held,
            }
        }
    }

    fn no_table(&self, table: &str) -> Error {
        let place = Place::uri(self.dir.display().to_string());
        let error = Error::usage(format!("there is no table {table:?} in the warehouse")).at(place);
        match self.tables() {
            Ok(tables) if !tables.is_empty() => error.help(format!("tables: {}", tables.join(", "))),
            _ => error.help("no table has been loaded yet: csl-stream backfill --table T"),
        }
    }
}

/// Locks a version against the sweep, then reads what it holds.
fn hold(version_dir: &Path) -> Result<Snapshot> {
    let path = version_dir.join(ENTRY_NAME);
    let failed = |cause| Error::io("cannot hold the version", &path, cause);
    let hold = File::open(&path).map_err(failed)?;
    match hold.lock_shared() {
        // Where nothing can be locked, nothing loads either: the version stays as it is.
        Err(cause) if cause.kind() == ErrorKind::Unsupported => {}
        locked => locked.map_err(failed)?,
    }
    let entry = Entry::read(version_dir)?;
    let files = entry.files().map(|file| version_dir.join(&file.name)).collect();
    Ok(Snapshot { entry, files, _hold: hold })
}

impl Warehouse for LocalWarehouse {
    fn shown(&self) -> String {
        self.dir.display().to_string()
    }

    fn loads(&self, table: Option<&str>, limit: usize) -> Result<Vec<Run>> {
        let mut runs = ledger::list(&self.dir, table)?;
        runs.truncate(limit);
        Ok(runs)
    }

    fn load(&self, id: &str) -> Result<Shown> {
        ledger::show(&self.dir, id)
    }

    fn remember(&self, report: &RunReport) -> Result<()> {
        ledger::record(&self.dir, report)
    }

    fn last_report(&self, table: &str, kind: ExportKind) -> Option<RunReport> {
        let runs = ledger::list(&self.dir, Some(table)).ok()?;
        let last = runs.iter().find(|run| run.status == Status::Succeeded && run.kind == kind)?;
        ledger::show(&self.dir, &last.load_id).ok()?.report
    }

    fn check(&self, _: &[(String, Option<Table>)], _: &WriteProbe<'_>, list: &mut Checklist<'_>) {
        let written = writable(&self.dir).map(|()| format!("{} can be written to", self.dir.display()));
        list.says("warehouse folder", written);
    }

    fn admit(&self, request: &LoadRequest) -> Result<Admission> {
        Ok(version::admission(self.current(&request.table)?.as_ref(), request))
    }

    fn stage(&self, request: &LoadRequest) -> Result<Box<dyn Staging>> {
        ledger::check_name("load id", &request.load_id)?;
        let table_dir = ledger::table_dir(&self.dir, &request.table)?;
        make_durable_dir(&table_dir)?;
        let lock = TableLock::take(&table_dir, &request.load_id, self.lock_wait)?;
        sweep::sweep_dead(&table_dir)?;
        let current = Entry::current(&table_dir)?;
        if version::admission(current.as_ref(), request) != Admission::Proceed {
            // Two processes were admitted at once, and the other was first.
            return Err(Error::transient("another load changed the table while this one waited for it")
                .at(Place::uri(table_dir.display().to_string()))
                .help("run it again: it will see that there is nothing to do"));
        }
        if table_dir.join(&request.load_id).exists() {
            return Err(Error::usage(format!("load id {} was used before", request.load_id))
                .help("give every run a new id"));
        }
        let staging = table_dir.join(format!("{}{}", sweep::STAGING, request.load_id));
        fs::create_dir(&staging)
            .map_err(|cause| Error::io("cannot make the staging folder", &staging, cause))?;
        Ok(Box::new(LocalStaging {
            table_dir,
            request: request.clone(),
            current,
            started: SystemTime::now(),
            keep_versions: self.keep_versions,
            sink: PartsSink::new(&staging, &request.load_id)?,
            _lock: lock,
        }))
    }
}

/// A load on its way into a table; holds the table's lock from beginning to end.
struct LocalStaging {
    table_dir: PathBuf,
    request: LoadRequest,
    current: Option<Entry>,
    started: SystemTime,
    keep_versions: usize,
    sink: PartsSink,
    _lock: TableLock,
}

impl Staging for LocalStaging {
    fn sink(&self) -> &dyn SegmentSink {
        &self.sink
    }

    fn load(self: Box<Self>, files: &[FileReport], rows: &Rows) -> Result<LoadReceipt> {
        let staging = self.sink.dir();
        let new = version::verify(staging, files, rows.accepted)?;
        let kept = version::kept_parts(self.current.as_ref(), &self.request);
        let carried_over = self.carried_over(&kept);
        if let Some(current) = &self.current {
            version::inherit(&self.table_dir.join(&current.load_id), staging, &kept)?;
        }
        let rows = Rows { carried_over, loaded: rows.accepted, ..*rows };
        let entry = self.entry(new.clone(), kept, rows)?;
        version::seal(staging, &entry)?;
        version::place_version(&self.table_dir, staging, &entry.load_id)?;
        // Until the switch is durable, a power cut can bring the old version back: it must be there.
        if version::switch(&self.table_dir, &entry.load_id)? {
            self.tidy();
        }
        let version_dir = self.table_dir.join(&entry.load_id);
        let files = new.iter().map(|file| placed(&version_dir, file)).collect();
        Ok(LoadReceipt { loaded: rows.accepted, present: 0, carried_over, files, warnings: Vec::new() })
    }
}

impl LocalStaging {
    /// Rows that a full load keeps because the export was made before them. An incremental load adds;
    /// what it adds to is not carried over.
    fn carried_over(&self, kept: &[&Part]) -> u64 {
        match self.request.kind {
            ExportKind::Full => kept.iter().map(|part| part.rows()).sum(),
            ExportKind::Incremental => 0,
        }
    }

    fn entry(&self, files: Vec<PartFile>, kept: Vec<&Part>, rows: Rows) -> Result<Entry> {
        let request = &self.request;
        let new = Part {
            load_id: request.load_id.clone(),
            kind: request.kind,
            source: Source::from(&request.source),
            exported_at: request.exported_at.clone(),
            files,
        };
        Ok(Entry {
            format: ENTRY_FORMAT,
            load_id: request.load_id.clone(),
            table: request.table.clone(),
            kind: request.kind,
            source: Source::from(&request.source),
            exported_at: request.exported_at.clone(),
            rows,
            started: ledger::timestamp(self.started),
            finished: ledger::timestamp(SystemTime::now()),
            program: concat!("csl-stream ", env!("CARGO_PKG_VERSION")).to_owned(),
            previous: self.current.as_ref().map(|entry| entry.load_id.clone()),
            parts: version::assemble(kept, new)?,
        })
    }

    /// The load is done whatever becomes of this: what stays is swept with the next one.
    fn tidy(&self) {
        if let Err(error) = sweep::sweep(&self.table_dir, self.keep_versions) {
            tracing::warn!(%error, table = self.request.table, "old versions were not swept");
        }
    }
}

impl Drop for LocalStaging {
    /// Removes what a failed load staged; after a load there is nothing left under that name.
    fn drop(&mut self) {
        let staging = self.sink.dir();
        if staging.exists()
            && let Err(error) = sweep::remove(staging)
        {
            tracing::warn!(%error, "the staging folder stays until the next load");
        }
    }
}

/// A folder that is not there yet is made by the first load, if the one above it can be written to.
fn writable(dir: &Path) -> Result<()> {
    let existing = dir.ancestors().find(|place| place.exists());
    let existing = existing.filter(|place| !place.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    tempfile::NamedTempFile::new_in(existing)
        .map(drop)
        .map_err(|cause| Error::io("the warehouse's folder cannot be written to", dir, cause))
}

/// Makes a folder and those above it, so that they outlive a power cut too.
fn make_durable_dir(dir: &Path) -> Result<()> {
    let made = fs::create_dir_all(dir).and_then(|()| dir.canonicalize());
    let made = made.map_err(|cause| Error::io("cannot make the table's folder", dir, cause))?;
    // The table's folder is a name in the warehouse's, and that one in its parent's.
    made.ancestors().skip(1).take(2).try_for_each(sync_dir)
}

fn placed(version_dir: &Path, file: &PartFile) -> FileReport {
    let uri = version_dir.join(&file.name).display().to_string();
    FileReport { uri, rows: file.rows, bytes: file.bytes }
}
