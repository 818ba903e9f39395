//! Redshift as a [`Warehouse`].

use super::admission::{Asked, Known, Rule};
use super::connection::Connection;
use super::data_api::{DataApi, Fault, Stop};
use super::decision::known;
use super::ledger::{self, LedgerRow};
use super::manifest::Manifest;
use super::run::{Allowed, Loaded};
use super::sql::LoadColumn;
use super::staging::{MANIFEST_NAME, RECORD_NAME, StagedLoad, StagingPlace, StagingSink};
use super::{history, marks, run, target};
use crate::error::{Error, Place, Result};
use crate::ledger::{Cover, REPORTS_DIR, Run, Shown, Standing, check_name};
use crate::privacy::Marks;
use crate::report::{Checklist, Clock, FileReport, Rows, RunReport, Status};
use crate::schema::{Conversion, Evolve, Fitted, Layout, MissingColumns, Table, TargetTable};
use crate::store::s3::Encryption;
use crate::store::{ExportKind, Location, SegmentSink, objects};
use crate::warehouse::{
    Admission, Altered, DAY_SECONDS, Erased, Erasure, Holding, Intent, Kept, LoadReceipt, LoadRequest,
    STAGED_DAYS, STAGED_DAYS_MIN, ShrinkGuard, Staging, TargetPlan, Warehouse, WriteProbe,
};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// Kinds of what is kept.
const STAGED_FILES: &str = "staged files";
const RUN_REPORTS: &str = "reports of failed runs";

/// What a load into Redshift needs besides the connection.
#[derive(Debug, Clone)]
pub struct RedshiftSettings {
    /// Schema of the mirror's tables and of the ledger.
    pub schema: String,
    /// The role that COPY reads with: an ARN, or `default`.
    pub iam_role: String,
    /// Where Parquet is staged: `s3://bucket/prefix`.
    pub staging: Location,
    /// Where copies of manifests are kept, if anywhere.
    pub manifests: Option<ManifestPlace>,
    /// How S3 encrypts what is written there.
    pub encryption: Encryption,
}

/// Where copies of manifests are kept.
#[derive(Debug, Clone)]
pub struct ManifestPlace {
    /// The bucket, or a prefix in it.
    pub url: Location,
    /// Prefix of manifests that were loaded.
    pub prefix: String,
    /// Prefix of manifests that failed.
    pub failed_prefix: String,
}

/// A database of Redshift.
#[derive(Debug, Clone)]
pub struct RedshiftWarehouse {
    api: DataApi,
    settings: RedshiftSettings,
    staging: StagingPlace,
    cover: Cover,
    evolve: Evolve,
    staged_days: u32,
    report_days: u32,
}

impl RedshiftWarehouse {
    /// A warehouse; nothing is asked yet.
    ///
    /// # Errors
    /// [`Error::Usage`] if the staging place is not in S3.
    pub fn new(api: DataApi, settings: RedshiftSettings) -> Result<Self> {
        let staging = StagingPlace::new(settings.staging.clone())?;
        let (cover, evolve) = (Cover::default(), Evolve::default());
        Ok(Self { api, settings, staging, cover, evolve, staged_days: STAGED_DAYS, report_days: 0 })
    }

    /// Takes so many hours to lie at most between the snapshot of a full export and its name.
    #[must_use]
    pub fn recent_hours(mut self, hours: u32) -> Self {
        self.cover = Cover { hours };
        self
    }

    /// May do so much to a table whose columns are not the schema's.
    #[must_use]
    pub fn evolve(mut self, evolve: Evolve) -> Self {
        self.evolve = evolve;
        self
    }

    /// Keeps staged files for so many days, two at least.
    #[must_use]
    pub fn staged_days(self, days: u32) -> Self {
        Self { staged_days: days.max(STAGED_DAYS_MIN), ..self }
    }

    /// Keeps the reports of failed runs for so many days; 0: for ever.
    #[must_use]
    pub fn report_days(self, days: u32) -> Self {
        Self { report_days: days, ..self }
    }

    /// How long staged files stay.
    pub(super) fn staged_for(&self) -> Duration {
        Duration::from_secs(u64::from(self.staged_days) * DAY_SECONDS)
    }

    /// The rule of which exports are needless.
    pub(super) fn covers(&self) -> Cover {
        self.cover
    }

    /// What it may do to a table whose columns are not the schema's.
    pub(super) fn evolves(&self) -> Evolve {
        self.evolve
    }

    /// Its client.
    pub fn api(&self) -> &DataApi {
        &self.api
    }

    /// Its settings.
    pub fn settings(&self) -> &RedshiftSettings {
        &self.settings
    }

    /// The target as it is, or none.
    ///
    /// # Errors
    /// If the catalogue cannot be read.
    pub fn find_target(&self, table: &str) -> Result<Option<TargetTable>> {
        check_name("table name", table)?;
        target::read(&self.api, &self.settings.schema, table)
    }

    /// The target as it is.
    ///
    /// # Errors
    /// [`Error::Schema`] if it is not there, or this user may not see it.
    pub fn target(&self, table: &str) -> Result<TargetTable> {
        self.find_target(table)?.ok_or_else(|| {
            Error::schema(format!("there is no table {table:?} in schema {:?}", self.settings.schema))
                .at(Place::uri(self.connection().to_string()))
                .help("create it with --create-table, or by what `csl-stream schema ddl` prints; if it is there, grant this user SELECT, INSERT and DELETE on it")
        })
    }

    /// Where loads are staged.
    pub(super) fn staging(&self) -> &StagingPlace {
        &self.staging
    }

    /// What lies in the staging place under names that this program does not give: how many objects, and
    /// the first.
    ///
    /// # Errors
    /// If the place cannot be listed.
    pub(super) fn foreign_staged(&self) -> Result<Option<(usize, String)>> {
        self.staging.foreign()
    }

    /// The table is looked at only where it decides: for an incremental of the hours before a full export.
    fn admission(&self, known: &Known, asked: &Asked<'_>, table: &str) -> Result<Admission> {
        let of = |has_ids| Rule::by(self.cover, has_ids);
        let (wide, narrow) = (known.admission(asked, of(true)), known.admission(asked, of(false)));
        if wide == narrow {
            return Ok(wide);
        }
        let rule = self.find_target(table)?.map_or(of(true), |target| Rule::of(self.cover, &target));
        Ok(known.admission(asked, rule))
    }

    fn rows(&self, table: Option<&str>, limit: usize) -> Result<Vec<LedgerRow>> {
        run::rows(&self.api, &ledger::select(&self.settings.schema, table, None, Some(limit)))
    }

    /// Loads as the ledger has them.
    pub(super) fn ledger_runs(&self, table: Option<&str>, limit: usize) -> Result<Vec<Run>> {
        Ok(history::runs(&self.rows(table, limit)?))
    }

    fn row(&self, load_id: &str) -> Result<Option<LedgerRow>> {
        run::one(&self.api, &self.settings.schema, load_id)
    }

    /// Runs a load again from what is staged of it.
    ///
    /// # Errors
    /// [`Error::Usage`] if nothing is staged; [`Error::Schema`] if the table has changed since.
    fn retry_staged(&self, load_id: &str, shrink: ShrinkGuard, clock: &Clock) -> Result<RunReport> {
        check_name("load id", load_id)?;
        let staged = self.staging.find(load_id)?;
        let mut staged = staged;
        if let Some(row) = self.row(load_id)? {
            let asked = Asked::from(&staged.entry).again(staged.again);
            let report = history::report(&row, staged.files.clone());
            match self.admit_asked(&asked)? {
                Admission::Proceed => {}
                Admission::AlreadyLoaded { .. } => return Ok(report),
                older => {
                    return Ok(RunReport { status: Status::Skipped, error: older.reason(), ..report });
                }
            }
            // The table has lost what this load brought: it is another load of the same files.
            staged.entry.load_id = uuid::Uuid::now_v7().to_string();
        }
        if self.target(&staged.entry.table)? != staged.target {
            return Err(Error::schema("the table has changed since the files were written")
                .at(Place::uri(self.connection().to_string()))
                .help("run backfill again: it writes them in the table's new types"));
        }
        self.ensure_ledger(&Asked::from(&staged.entry).again(staged.again), &staged.entry.table)?;
        let place = self.staging.of_load(&staged.entry.table, load_id)?;
        clock.found();
        let began = Instant::now();
        let loaded = self.run(&staged, &place, self.allowed(shrink, staged.again));
        clock.loaded(began, loaded.as_ref().ok().and_then(|loaded| loaded.commit));
        let Loaded { row, warnings, .. } = loaded?;
        Ok(RunReport { warnings, ..history::report(&row, staged.files) })
    }

    fn allowed(&self, shrink: ShrinkGuard, again: bool) -> Allowed {
        Allowed { shrink, again, cover: self.cover }
    }

    /// Whether the ledger has a load of this id, whatever that says of the table.
    pub(super) fn is_listed(&self, load_id: &str) -> Result<bool> {
        Ok(self.row(load_id)?.is_some())
    }

    fn admit_asked(&self, asked: &Asked<'_>) -> Result<Admission> {
        match known(&self.api, &self.settings.schema, asked, false) {
            Ok(known) => self.admission(&known, asked, asked.table()),
            Err(Fault::Statement(fault)) if fault.is_missing() => Ok(Admission::Proceed),
            Err(fault) => Err(fault.into_error("reading the ledger", self.connection())),
        }
    }

    pub(super) fn connection(&self) -> &Connection {
        self.api.connection()
    }

    /// Puts what is staged into the table, and keeps a copy of the manifest by how it ended. The warnings are
    /// of what went wrong beside the load.
    fn run(&self, staged: &StagedLoad, place: &Location, allowed: Allowed) -> Result<Loaded> {
        let loaded = run::run(&self.api, staged, place, &self.settings.iam_role, allowed);
        let kept = self.keep_manifest(staged, loaded.is_ok());
        let Loaded { row, warnings, commit } = loaded?;
        for told in &warnings {
            tracing::warn!(table = staged.entry.table, "{told}");
        }
        let warnings = kept.into_iter().chain(warnings).chain(self.tidy(staged)).collect();
        Ok(Loaded { row, warnings, commit })
    }
}

impl Warehouse for RedshiftWarehouse {
    fn shown(&self) -> String {
        format!("{}/{}", self.connection(), self.settings.schema)
    }

    fn stop_when(&mut self, stop: Stop) {
        self.api.stop_when(stop);
    }

    fn prepare(&self, intent: &Intent<'_>, id: &str, altered: &mut Altered) -> Result<String> {
        self.prepare_load(intent, id, altered)
    }

    fn plan(&self, intent: &Intent<'_>, layout: &Layout, rows: u64) -> Result<Option<TargetPlan>> {
        self.plan_load(intent, layout, rows).map(Some)
    }

    fn loads(&self, table: Option<&str>, limit: usize) -> Result<Vec<Run>> {
        self.ledger_runs(table, limit)
    }

    fn runs(&self, table: Option<&str>, limit: usize) -> Result<Vec<Run>> {
        self.all_runs(table, limit)
    }

    fn load(&self, id: &str) -> Result<Shown> {
        let Some(row) = self.row(id)? else { return self.failed_run(id) };
        let standing = match self.admit_asked(&Asked::from(&row))? {
            Admission::AlreadyLoaded { .. } => Standing::Current,
            _ => Standing::Gone,
        };
        let mut shown = history::shown(&row, standing);
        shown.report.iter_mut().for_each(|report| self.add_times(report));
        Ok(shown)
    }

    fn remember(&self, report: &RunReport) -> Result<()> {
        let kept = self.keep_run(report);
        self.keep_profile(report).and(kept)
    }

    fn last_report(&self, table: &str, kind: ExportKind) -> Option<RunReport> {
        self.kept_profile(table, kind)
    }

    fn holding(&self, table: &str) -> Result<Box<dyn Holding>> {
        Ok(Box::new(self.table_holding(table)?))
    }

    fn staged(&self, id: &str) -> Result<RunReport> {
        check_name("load id", id)?;
        Ok(history::report(&self.staging.find(id)?.entry, Vec::new()))
    }

    fn retry(&self, id: &str, shrink: ShrinkGuard, clock: &Clock) -> Result<RunReport> {
        self.retry_staged(id, shrink, clock)
    }

    fn kept(&self) -> Vec<Kept> {
        let staging = self.settings.staging.to_string();
        let reports = format!("{staging}/{REPORTS_DIR}");
        vec![
            Kept::days(STAGED_FILES, staging, self.staged_days),
            Kept::days(RUN_REPORTS, reports, self.report_days),
        ]
    }

    fn sweep(&self, what: &str, loaded: Option<&str>) -> Result<u64> {
        match what {
            RUN_REPORTS => self.sweep_runs(loaded, self.report_days),
            // A load has swept its table when it began.
            _ if loaded.is_some() => Ok(0),
            _ => self.sweep_staged(),
        }
    }

    fn marks(&self, table: &str) -> Result<Marks> {
        check_name("table name", table)?;
        self.marks_of(table)
    }

    fn erase(&self, erasure: &Erasure) -> Result<Erased> {
        check_name("table name", &erasure.table)?;
        self.erase_rows(erasure)
    }

    fn check(&self, tables: &[(String, Option<Table>)], probe: &WriteProbe<'_>, list: &mut Checklist<'_>) {
        self.inspect(tables, probe, list);
    }

    fn staging_place(&self) -> Option<&Location> {
        Some(&self.settings.staging)
    }

    fn admit(&self, request: &LoadRequest) -> Result<Admission> {
        check_name("table name", &request.table)?;
        self.admit_asked(&Asked::from(request))
    }

    fn stage(&self, request: &LoadRequest) -> Result<Box<dyn Staging>> {
        check_name("load id", &request.load_id)?;
        let target = self.target(&request.table)?;
        let known = self.ensure_ledger(&Asked::from(request), &request.table)?;
        let erased = Arc::new(self.known_marks(&request.table, &known)?);
        if let Err(error) = self.staging.sweep(&request.table, &request.load_id, self.staged_for()) {
            tracing::warn!(%error, "old staged files stay until the next load");
        }
        let place = self.staging.of_load(&request.table, &request.load_id)?;
        Ok(Box::new(RedshiftStaging {
            warehouse: self.clone(),
            request: request.clone(),
            target,
            columns: Mutex::new(None),
            started: SystemTime::now(),
            sink: StagingSink::open(
                place,
                &request.table,
                &request.load_id,
                &erased.digest(),
                self.settings.encryption.clone(),
            )?,
            erased,
        }))
    }
}

/// A load on its way into a table.
struct RedshiftStaging {
    warehouse: RedshiftWarehouse,
    request: LoadRequest,
    target: TargetTable,
    /// The files' columns, once the header was read.
    columns: Mutex<Option<Vec<LoadColumn>>>,
    started: SystemTime,
    sink: StagingSink,
    erased: Arc<Marks>,
}

impl Staging for RedshiftStaging {
    fn sink(&self) -> &dyn SegmentSink {
        &self.sink
    }

    fn erased(&self) -> Arc<Marks> {
        Arc::clone(&self.erased)
    }

    fn fit(&self, layout: Layout, table: &Table, missing: MissingColumns) -> Result<Layout> {
        let fitted = self.target.fit(layout, table, missing, self.warehouse.evolve)?;
        for difference in &fitted.differences {
            tracing::info!(
                what = difference.what,
                help = difference.help,
                "the table differs from the export"
            );
        }
        *self.columns.lock().unwrap_or_else(PoisonError::into_inner) = Some(columns_of(&fitted));
        Ok(fitted.layout)
    }

    /// The content is what the export is known by from here on.
    fn admit_content(&mut self, digest: &str) -> Result<Admission> {
        self.request.source.etag = Some(digest.to_owned());
        self.warehouse.admit(&self.request)
    }

    fn load(self: Box<Self>, files: &[FileReport], rows: &Rows) -> Result<LoadReceipt> {
        let staged: u64 = files.iter().map(|file| file.rows).sum();
        if staged != rows.accepted {
            let accepted = rows.accepted;
            return Err(Error::counts(format!(
                "the staged files hold {staged} rows, accepted were {accepted}"
            ))
            .at(Place::uri(self.sink.place().to_string()))
            .help("nothing was loaded; keep the report and tell the maintainers"));
        }
        if let Err(error) = self.sink.check(files) {
            let (schema, digest) = (&self.target.schema, self.erased.digest());
            // Whoever erased people meanwhile has removed what lay there; the rest may be theirs.
            if let Err(moved) = marks::guard(self.warehouse.api(), schema, &self.request.table, &digest) {
                self.sink.clear()?;
                return Err(moved);
            }
            return Err(error);
        }
        let load = self.staged(files, rows);
        let record = serde_json::to_vec_pretty(&load)
            .map_err(|cause| Error::machine("cannot write the load's record as JSON").because(cause))?;
        let encrypted = &self.warehouse.settings.encryption;
        for (name, bytes) in [(MANIFEST_NAME, Manifest::of(files).json()), (RECORD_NAME, record)] {
            objects::put_encrypted(&self.sink.place().child(name)?, bytes, encrypted.clone())?;
        }
        let allowed = self.warehouse.allowed(self.request.shrink, self.request.again);
        let Loaded { row, warnings, commit } = self.warehouse.run(&load, self.sink.place(), allowed)?;
        Ok(LoadReceipt {
            loaded: row.rows_loaded,
            carried_over: row.rows_carried_over,
            files: files.to_vec(),
            warnings,
            altered: Altered::default(),
            commit,
        })
    }
}

impl RedshiftStaging {
    fn staged(&self, files: &[FileReport], rows: &Rows) -> StagedLoad {
        let columns = self.columns.lock().unwrap_or_else(PoisonError::into_inner).clone();
        StagedLoad {
            columns: columns.unwrap_or_else(|| all_columns(&self.target)),
            target: self.target.clone(),
            files: files.to_vec(),
            entry: LedgerRow::of_load(&self.request, files, rows, self.started),
            again: self.request.again,
            erased: self.erased.digest(),
        }
    }
}

/// The table's own columns, for files that were not made from an export.
fn all_columns(target: &TargetTable) -> Vec<LoadColumn> {
    let column = |name: &String| LoadColumn { name: name.clone(), conversion: Conversion::None };
    target.columns.iter().map(|found| column(&found.name)).collect()
}

pub(super) fn columns_of(fitted: &Fitted) -> Vec<LoadColumn> {
    let named = fitted.layout.columns.iter().zip(&fitted.conversions);
    named.map(|(column, &conversion)| LoadColumn { name: column.name.clone(), conversion }).collect()
}
