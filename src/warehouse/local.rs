//! The embedded warehouse: a folder of Parquet files that any tool reads, switched in one rename.
//!
//! ```text
//! <dir>/<table>/current ──▶ <version>                 what readers open
//!              /<version>/<load id>-part-00000.snappy.parquet …  _load.json
//!              /.staging-<load id>/                    a load on its way
//!              /.loads/<load id>.json                  what became of each run
//!              /.erased.json                           who was erased, as salted hashes
//!              /.lock                                  one load at a time
//! ```
//!
//! A version is never changed after it was switched to; its name is the load's id, which sorts by time.
//! `docs/reference/local-warehouse.md` has the layout, `docs/explanation/redshift.md` the invariants.

use super::erasure::{Erased, Erasure};
use super::evolving::Columns;
use super::folder::{make_durable_dir, writable};
use super::kept::Kept;
use super::lock::TableLock;
use super::merge::{Brought, Folders};
use super::parts::PartsSink;
use super::present::has_ids;
use super::snapshot::{LastRead, Snapshot};
use super::version::Admitting;
use super::{
    Admission, Admissions, Holding, LoadReceipt, LoadRequest, Rollback, Staging, Waits, Warehouse, WentBack,
    WriteProbe, local_erase, local_kept, local_rollback, merge, sweep, version, whole,
};
use crate::error::{Error, Place, Result};
use crate::ledger::{self, Cover, Entry, Part, PartFile, Run, Shown, Source, Standing};
use crate::privacy::Marks;
use crate::report::{Checklist, Commit, FileReport, Rows, RunReport, Status};
use crate::schema::{Evolve, Layout, MissingColumns, Table};
use crate::store::{ExportKind, SegmentSink, private};
use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// Versions kept of each table, the current one among them.
pub const KEEP_VERSIONS: usize = 2;
/// How long a load waits for another load of the same table.
pub const LOCK_WAIT_MAX: Duration = Duration::from_secs(60);
/// How often a reader looks again when the version it was about to hold is swept under its hands.
const HOLD_ATTEMPTS_MAX: usize = 5;

/// A warehouse in a folder.
#[derive(Clone)]
pub struct LocalWarehouse {
    dir: PathBuf,
    keep_versions: usize,
    lock_wait: Duration,
    cover: Cover,
    evolve: Evolve,
    report_days: u32,
    waits: Waits,
    last_read: LastRead,
}

impl fmt::Debug for LocalWarehouse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LocalWarehouse").field(&self.dir).finish()
    }
}

impl LocalWarehouse {
    /// The warehouse in `dir`, which need not exist before the first load.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            keep_versions: KEEP_VERSIONS,
            lock_wait: LOCK_WAIT_MAX,
            cover: Cover::default(),
            evolve: Evolve::default(),
            report_days: 0,
            waits: Arc::new(drop),
            last_read: LastRead::default(),
        }
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

    /// Takes this for the rule of which exports a full one makes needless.
    #[must_use]
    pub fn cover(mut self, cover: Cover) -> Self {
        self.cover = cover;
        self
    }

    /// May do so much to a table whose columns are not the schema's.
    #[must_use]
    pub fn evolve(mut self, evolve: Evolve) -> Self {
        self.evolve = evolve;
        self
    }

    /// Keeps run reports for so many days; 0: for ever.
    #[must_use]
    pub fn report_days(self, days: u32) -> Self {
        Self { report_days: days, ..self }
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
    pub fn current(&self, table: &str) -> Result<Option<Arc<Entry>>> {
        let table_dir = ledger::table_dir(&self.dir, table)?;
        let version = ledger::current_version(&table_dir)?;
        version.map(|version| self.last_read.entry(&table_dir.join(version))).transpose()
    }

    /// Holds the current version of a table for as long as it is read.
    ///
    /// # Errors
    /// [`Error::Usage`] naming the tables there are, if this is none of them; [`Error::Input`] if its files
    /// are not what was loaded.
    pub fn snapshot(&self, table: &str) -> Result<Snapshot> {
        let snapshot = self.hold(table)?;
        snapshot.check()?;
        Ok(snapshot)
    }

    /// The same, whose files nobody has looked at yet.
    pub(super) fn hold(&self, table: &str) -> Result<Snapshot> {
        let table_dir = ledger::table_dir(&self.dir, table)?;
        let mut attempt = 1;
        loop {
            let Some(version) = ledger::current_version(&table_dir)? else {
                return Err(self.no_table(table));
            };
            match self.last_read.hold(&table_dir.join(version)) {
                Err(Error::Access(_)) if attempt < HOLD_ATTEMPTS_MAX => attempt += 1,
                held => return held,
            }
        }
    }

    /// The rule of which exports are needless, for the table as it is.
    fn cover_of(&self, table_dir: &Path, current: Option<&Entry>, kind: ExportKind) -> Result<Cover> {
        let full = current.and_then(|entry| Some((entry, entry.full()?)));
        let Some((entry, full)) = full.filter(|_| kind == ExportKind::Incremental) else {
            return Ok(self.cover);
        };
        let Some(first) = full.files.first() else { return Ok(self.cover) };
        let footer = whole::check_file(&table_dir.join(&entry.load_id), first)?;
        Ok(self.cover.of_table(has_ids(&footer.columns)))
    }

    fn admitting(&self, table: &str, kind: ExportKind, current: Option<Arc<Entry>>) -> Result<Admitting> {
        let cover = self.cover_of(&ledger::table_dir(&self.dir, table)?, current.as_deref(), kind)?;
        Ok(Admitting::new(current, cover))
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

impl Warehouse for LocalWarehouse {
    fn shown(&self) -> String {
        self.dir.display().to_string()
    }

    fn loads(&self, table: Option<&str>, limit: usize) -> Result<Vec<Run>> {
        let mut runs = ledger::list(&self.dir, table)?;
        runs.truncate(limit);
        Ok(runs)
    }

    fn begin(&self, report: &RunReport) -> Result<Box<dyn Any>> {
        Ok(Box::new(ledger::begin(&self.dir, report)?))
    }

    fn load(&self, id: &str) -> Result<Shown> {
        ledger::show(&self.dir, id)
    }

    fn remember(&self, report: &RunReport) -> Result<()> {
        ledger::record(&self.dir, report)
    }

    fn newest(&self) -> Result<BTreeMap<String, String>> {
        let mut newest = BTreeMap::new();
        for table in ledger::tables(&self.dir)? {
            // A damaged table is told of where it is read.
            let Ok(Some(entry)) = Entry::current(&ledger::table_dir(&self.dir, &table)?) else { continue };
            let at = entry.parts.into_iter().filter_map(|part| part.exported_at).max();
            newest.extend(at.map(|at| (table, at)));
        }
        Ok(newest)
    }

    fn last_report(&self, table: &str, kind: ExportKind) -> Option<RunReport> {
        // What the table was rolled back from is not what it holds.
        let is_meant = |shown: &Shown| {
            let run = &shown.run;
            run.status == Status::Succeeded && run.kind == kind && run.standing == Standing::Current
        };
        ledger::of_table(&self.dir, table).ok()?.into_iter().find(is_meant)?.report
    }

    fn holding(&self, table: &str) -> Result<Box<dyn Holding>> {
        Ok(Box::new(self.snapshot(table)?))
    }

    fn kept(&self) -> Vec<Kept> {
        local_kept::kept(&self.dir, self.keep_versions, self.report_days)
    }

    fn sweep(&self, what: &str, loaded: Option<&str>) -> Result<u64> {
        local_kept::sweep(&self.dir, what, loaded, (self.keep_versions, self.report_days))
    }

    fn marks(&self, table: &str) -> Result<Marks> {
        local_erase::marks(&ledger::table_dir(&self.dir, table)?)
    }

    fn erase(&self, erasure: &Erasure) -> Result<Erased> {
        let table_dir = ledger::table_dir(&self.dir, &erasure.table)?;
        if ledger::current_version(&table_dir)?.is_none() {
            return Err(self.no_table(&erasure.table));
        }
        let _lock = TableLock::take(&table_dir, &erasure.erase_id, self.lock_wait, &self.waits)?;
        local_erase::erase(&table_dir, erasure)
    }

    fn rollback(&self, request: &Rollback) -> Result<WentBack> {
        let table_dir = ledger::table_dir(&self.dir, &request.table)?;
        if ledger::current_version(&table_dir)?.is_none() {
            return Err(self.no_table(&request.table));
        }
        let _lock = TableLock::take(&table_dir, &request.rollback_id, self.lock_wait, &self.waits)?;
        local_rollback::rollback(&table_dir, request, self.keep_versions)
    }

    fn check(&self, _: &[(String, Option<Table>)], _: &WriteProbe<'_>, list: &mut Checklist<'_>) {
        let written = writable(&self.dir).map(|()| format!("{} can be written to", self.dir.display()));
        list.says("warehouse folder", written);
    }

    fn tell_waits(&mut self, waits: Waits) {
        self.waits = waits;
    }

    fn admit(&self, request: &LoadRequest) -> Result<Admission> {
        self.admissions(&request.table, request.kind)?(request)
    }

    fn admissions(&self, table: &str, kind: ExportKind) -> Result<Admissions<'_>> {
        let is_there = ledger::current_version(&ledger::table_dir(&self.dir, table)?)?.is_some();
        // Held, so that no load sweeps what is looked at.
        let held = is_there.then(|| self.hold(table)).transpose()?;
        let admitting = self.admitting(table, kind, held.as_ref().map(|held| Arc::clone(&held.entry)))?;
        Ok(Box::new(move |request| Ok(admitting.admit(request))))
    }

    fn stage(&self, request: &LoadRequest) -> Result<Box<dyn Staging>> {
        ledger::check_name("load id", &request.load_id)?;
        let table_dir = ledger::table_dir(&self.dir, &request.table)?;
        make_durable_dir(&table_dir)?;
        let lock = TableLock::take(&table_dir, &request.load_id, self.lock_wait, &self.waits)?;
        sweep::sweep_dead(&table_dir)?;
        let current = self.current(&request.table)?;
        let admitting = self.admitting(&request.table, request.kind, current.clone())?;
        if admitting.admit(request) != Admission::Proceed {
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
        private::make_dir(&staging)
            .map_err(|cause| Error::io("cannot make the staging folder", &staging, cause))?;
        Ok(Box::new(LocalStaging {
            columns: Columns::of(&table_dir, current.as_deref()),
            erased: Arc::new(local_erase::marks(&table_dir)?),
            evolve: self.evolve,
            table_dir,
            request: request.clone(),
            current,
            started: SystemTime::now(),
            keep_versions: self.keep_versions,
            cover: self.cover,
            digest: None,
            sink: PartsSink::new(&staging, &request.load_id)?,
            _lock: lock,
        }))
    }
}

/// A load on its way into a table; holds the table's lock from beginning to end.
struct LocalStaging {
    table_dir: PathBuf,
    request: LoadRequest,
    current: Option<Arc<Entry>>,
    /// Those of the current version.
    columns: Columns,
    erased: Arc<Marks>,
    evolve: Evolve,
    started: SystemTime,
    keep_versions: usize,
    cover: Cover,
    /// The export's, once it is known.
    digest: Option<String>,
    sink: PartsSink,
    _lock: TableLock,
}

impl Staging for LocalStaging {
    fn sink(&self) -> &dyn SegmentSink {
        &self.sink
    }

    fn erased(&self) -> Arc<Marks> {
        Arc::clone(&self.erased)
    }

    fn fit(&self, layout: Layout, _: &Table, missing: MissingColumns) -> Result<Layout> {
        let fitted = self.columns.fit(layout, missing, self.evolve, self.request.kind == ExportKind::Full);
        fitted.map_err(|error| error.at(Place::uri(self.table_dir.display().to_string())))
    }

    fn admit_content(&mut self, digest: &str) -> Result<Admission> {
        self.digest = Some(digest.to_owned());
        let request = &self.request;
        let same =
            |part: &&Part| part.digest.as_deref() == Some(digest) && part.is_under(request.privacy.as_ref());
        let gone = self.current.as_ref().and_then(|entry| entry.rolled_back.as_ref());
        if let Some(gone) = version::went_back(gone, same).filter(|_| !request.again) {
            return Ok(gone);
        }
        // A full export replaces: nothing doubles, and one of the same rows may be of a later night.
        if request.again || request.kind == ExportKind::Full {
            return Ok(Admission::Proceed);
        }
        let known = self.current.as_ref().and_then(|entry| entry.parts.iter().find(same));
        Ok(known
            .map_or(Admission::Proceed, |part| Admission::AlreadyLoaded { load_id: part.load_id.clone() }))
    }

    fn load(self: Box<Self>, files: &[FileReport], rows: &Rows) -> Result<LoadReceipt> {
        let staging = self.sink.dir();
        let new = version::verify(staging, files, rows.accepted)?;
        let cover = self.cover.of_table(merge::are_keyed(staging, &new)?);
        let kept = version::kept_parts(self.current.as_deref(), &self.request, cover);
        if self.request.kind == ExportKind::Full {
            self.request.shrink.check(&self.request.table, self.rows_replaced(&kept), rows.accepted)?;
        }
        let old = self.current.as_deref().map(|current| (self.table_dir.join(&current.load_id), current));
        let folders = Folders { old: old.as_ref().map(|(dir, entry)| (dir.as_path(), *entry)), staging };
        let of_another_policy = version::of_another_policy(&kept, &self.request);
        let Brought { new, kept, mut warnings } = merge::bring(&folders, &self.request, kept, new)?;
        warnings.extend(of_another_policy);
        let (rolled_back, told) = version::after_rollback(self.current.as_deref(), &self.request);
        warnings.extend(told);
        let altered = self.columns.altered(staging, &new)?;
        let loaded: u64 = new.iter().map(|file| file.rows).sum();
        let carried_over = self.carried_over(&kept);
        let rows = Rows { carried_over, loaded, ..*rows };
        let entry = Entry { rolled_back, ..self.entry(new.clone(), kept, rows)? };
        let entry = Entry { format: Entry::format_of(&entry.parts, entry.rolled_back.as_ref()), ..entry };
        version::seal(staging, &entry)?;
        let began = Instant::now();
        version::place_version(&self.table_dir, staging, &entry.load_id)?;
        let is_durable = version::switch(&self.table_dir, &entry.load_id)?;
        let commit = Some(Commit { began, ended: Instant::now() });
        // Until the switch is durable, a power cut can bring the old version back: it must be there.
        if is_durable {
            self.tidy(&entry);
        }
        let version_dir = self.table_dir.join(&entry.load_id);
        let files = new.iter().map(|file| placed(&version_dir, file)).collect();
        Ok(LoadReceipt { loaded, carried_over, files, warnings, altered, commit })
    }
}

impl LocalStaging {
    /// Rows that a full export takes the place of: all that the table holds, but for the incrementals that
    /// are kept. Those may be of later, and say nothing of it.
    fn rows_replaced(&self, kept: &[Part]) -> u64 {
        let all = self.current.as_ref().map_or(0, |entry| entry.rows_in_table());
        all.saturating_sub(kept.iter().map(Part::rows).sum())
    }

    /// Rows that a full load keeps because it may lack them. An incremental load adds; what it adds to is
    /// not carried over.
    fn carried_over(&self, kept: &[Part]) -> u64 {
        match self.request.kind {
            ExportKind::Full => kept.iter().map(Part::rows).sum(),
            ExportKind::Incremental => 0,
        }
    }

    fn entry(&self, files: Vec<PartFile>, kept: Vec<Part>, rows: Rows) -> Result<Entry> {
        let request = &self.request;
        let new = Part {
            load_id: request.load_id.clone(),
            kind: request.kind,
            source: Source::from(&request.source),
            exported_at: request.exported_at.clone(),
            digest: self.digest.clone(),
            privacy: request.privacy.clone(),
            files,
        };
        let parts = version::assemble(kept, new)?;
        Ok(Entry {
            format: Entry::format_of(&parts, None),
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
            rolled_back: None,
            parts,
        })
    }

    /// The load is done whatever becomes of this: what stays is swept with the next one.
    fn tidy(&self, current: &Entry) {
        if let Err(error) = sweep::sweep(&self.table_dir, current, self.keep_versions) {
            tracing::warn!(%error, table = self.request.table, "old versions were not swept");
        }
    }
}

impl Drop for LocalStaging {
    /// Removes what a failed load staged; after a load there is nothing left under that name.
    fn drop(&mut self) {
        let staging = self.sink.dir();
        if staging.exists()
            && let Err(error) = sweep::remove_written(staging)
        {
            tracing::warn!(%error, "the staging folder stays until the next load");
        }
    }
}

fn placed(version_dir: &Path, file: &PartFile) -> FileReport {
    let uri = version_dir.join(&file.name).display().to_string();
    FileReport { uri, rows: file.rows, bytes: file.bytes }
}
