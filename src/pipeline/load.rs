//! A whole job: converts an export, loads it, and accounts for it.

use super::convert::{Conversion, Converted, run};
use super::decompress::Decompressed;
use super::digest::{Digest, digest_of};
use super::options::ConvertOptions;
use super::rejects::RejectsPlace;
use super::split::layout_of;
use super::units::{Units, run_in_units};
use super::watch::Watch;
use crate::error::{Error, Result};
use crate::report::{Clock, RunReport, Status};
use crate::schema::{Layout, Table};
use crate::store::outputs::{Outputs, local_input};
use crate::store::{ByteSource, ExportKind, SegmentSink};
use crate::warehouse::{LoadReceipt, LoadRequest, Staging, Warehouse};
use std::sync::atomic::Ordering;
use std::time::Instant;

/// One export of one table, opened and named.
pub struct Job {
    /// The load, as a warehouse is asked for it.
    pub request: LoadRequest,
    /// The table as the schema knows it.
    pub table: Table,
    /// The export's bytes.
    pub source: Box<dyn ByteSource>,
    /// Where rejected records are written (CSV; the reasons go beside it, as JSON lines). `None`: nowhere.
    pub rejects: Option<RejectsPlace>,
    /// When the run began, which its times are counted from.
    pub began: Instant,
}

impl Job {
    /// An export of this table by itself, as of now: nothing is known of its time, and no guard is lifted.
    pub fn new(load_id: &str, table: Table, kind: ExportKind, source: Box<dyn ByteSource>) -> Self {
        let request = LoadRequest::new(load_id, &table.name, kind, source.info());
        Self { request, table, source, rejects: None, began: Instant::now() }
    }
}

/// How a run ended: the report is there either way, the error if it failed.
pub type Outcome = std::result::Result<RunReport, (Box<RunReport>, Error)>;

/// Converts an export to Parquet in `sink`; loads nothing.
pub fn convert(job: Job, options: &ConvertOptions, sink: &dyn SegmentSink, watch: &Watch) -> Outcome {
    convert_by(&run, job, options, sink, watch)
}

/// The same, unit by unit ([`Units`]): the same files, rejects, counts and words, wherever and in whichever order the
/// units are run. What cannot begin anywhere is one unit. The sink must take a file twice.
pub fn convert_in_units(
    job: Job,
    options: &ConvertOptions,
    sink: &dyn SegmentSink,
    units: &dyn Units,
    watch: &Watch,
) -> Outcome {
    convert_by(&|conversion| run_in_units(conversion, units), job, options, sink, watch)
}

/// What runs a conversion.
type Run<'a> = dyn Fn(Conversion<'_>) -> Converted + 'a;

fn convert_by(
    run: &Run<'_>,
    job: Job,
    options: &ConvertOptions,
    sink: &dyn SegmentSink,
    watch: &Watch,
) -> Outcome {
    let clock = &Clock::since(job.began);
    let mut report = begin(&job);
    let result = claim_rejects(&mut Outputs::default(), &job)
        .and_then(|()| sink.begin(&job.request.load_id))
        .and_then(|()| {
            let converted = convert_into(run, job, (options, sink), &Ok, (watch, clock), &mut report);
            // What went wrong first is told.
            let ended = sink.end(converted.is_ok());
            converted.and_then(|status| ended.map(|()| status))
        });
    end(report, result, clock)
}

/// The whole job: converts the export and puts it into the warehouse's table, all or nothing.
pub fn backfill(job: Job, options: &ConvertOptions, warehouse: &dyn Warehouse, watch: &Watch) -> Outcome {
    backfill_by((&run, false), job, options, warehouse, watch)
}

/// The same, unit by unit as [`convert_in_units`] does it.
pub fn backfill_in_units(
    job: Job,
    options: &ConvertOptions,
    warehouse: &dyn Warehouse,
    units: &dyn Units,
    watch: &Watch,
) -> Outcome {
    backfill_by((&|conversion| run_in_units(conversion, units), true), job, options, warehouse, watch)
}

fn backfill_by(
    run: (&Run<'_>, bool),
    job: Job,
    options: &ConvertOptions,
    warehouse: &dyn Warehouse,
    watch: &Watch,
) -> Outcome {
    let clock = &Clock::since(job.began);
    let mut report = begin(&job);
    let claimed = claim_rejects(&mut Outputs::default(), &job);
    let result = claimed.and_then(|()| load_into(run, job, options, warehouse, (watch, clock), &mut report));
    end(report, result, clock)
}

/// Reads the header of an export and binds it to the table, without reading further.
///
/// # Errors
/// [`Error::Schema`] naming every column that does not fit.
pub fn read_layout(job: &mut Job, options: &ConvertOptions) -> Result<Layout> {
    let watch = Watch::default();
    let mut input = Decompressed::open(Box::new(&mut *job.source), &watch, 1, options.segment_bytes)?;
    layout_of(&mut input, &job.table, options)
}

/// Says no before the run if the rejects would replace the export, or what is not of an earlier run.
fn claim_rejects(outputs: &mut Outputs, job: &Job) -> Result<()> {
    let Some(rejects) = &job.rejects else { return Ok(()) };
    if let Some(export) = local_input(&job.source.info().uri) {
        outputs.reads("the export", &export);
    }
    rejects.claim(outputs)
}

fn begin(job: &Job) -> RunReport {
    let LoadRequest { load_id, table, kind, source, .. } = &job.request;
    RunReport::begin(load_id, table, *kind, source)
}

fn end(mut report: RunReport, result: Result<Status>, clock: &Clock) -> Outcome {
    report.timed(clock);
    match result {
        Ok(status) => {
            report.status = status;
            Ok(report)
        }
        Err(error) => Err((Box::new(report.failed(&error)), error)),
    }
}

fn convert_into(
    run: &Run<'_>,
    job: Job,
    (options, sink): (&ConvertOptions, &dyn SegmentSink),
    fit: &dyn Fn(Layout) -> Result<Layout>,
    (watch, clock): (&Watch, &Clock),
    report: &mut RunReport,
) -> Result<Status> {
    clock.found();
    let started = Instant::now();
    let conversion = Conversion {
        source: job.source,
        table: &job.table,
        options,
        sink,
        fit,
        rejects: job.rejects,
        watch,
        clock,
        text_hashes: false,
    };
    let converted = run(conversion);
    report.seconds.convert = started.elapsed().as_secs_f64();
    // Units read some bytes twice: where the length is known, it is that.
    if report.source.bytes == 0 {
        report.source.bytes = watch.source_bytes.load(Ordering::Relaxed);
    }
    if let Some(found) = converted.compression {
        report.source.compression = found.as_str().to_owned();
    }
    report.rows = converted.staged.rows;
    report.columns = converted.staged.columns;
    report.rejects = converted.staged.rejects;
    converted.result?;
    report.files = converted.staged.files;
    Ok(Status::Succeeded)
}

fn load_into(
    (run, in_units): (&Run<'_>, bool),
    mut job: Job,
    options: &ConvertOptions,
    warehouse: &dyn Warehouse,
    (watch, clock): (&Watch, &Clock),
    report: &mut RunReport,
) -> Result<Status> {
    let request = job.request.clone();
    if let Some(reason) = warehouse.admit(&request)?.reason() {
        report.error = Some(reason);
        return Ok(Status::Skipped);
    }
    // Asked now: once the load is done, it is itself the last one.
    let before =
        (request.kind == ExportKind::Full).then(|| warehouse.last_report(&request.table, request.kind));
    let mut staging = warehouse.stage(&request)?;
    let digest = Digest::default();
    if !in_units {
        job.source = digest.of(job.source);
    }
    let table = job.table.under(options.policy.rules())?;
    let fit = |layout| staging.fit(layout, &table, options.missing_columns);
    let options = &ConvertOptions { erased: staging.erased(), ..options.clone() };
    convert_into(run, job, (options, staging.sink()), &fit, (watch, clock), report)?;
    if watch.stopped() {
        return Err(Error::Interrupted);
    }
    // Exports without rows are all the same, and have nothing that could double.
    let digest = if in_units { digest_of(&request.source)? } else { digest.finish() };
    if let Some(digest) = digest.filter(|_| report.rows.accepted > 0)
        && let Some(reason) = staging.admit_content(&digest)?.reason()
    {
        report.error = Some(reason);
        report.files.clear();
        return Ok(Status::Skipped);
    }
    let LoadReceipt { loaded, carried_over, files, warnings, altered, commit: _ } =
        put_into_table(staging, report, clock)?;
    altered.note_in(report);
    report.rows.loaded = loaded;
    report.rows.carried_over = carried_over;
    report.files = files;
    report.warnings.extend(warnings);
    if request.kind == ExportKind::Full && report.rows.read == 0 {
        report
            .warnings
            .push("the export has no rows, and the table has none of the old ones any more".to_owned());
    }
    if let Some(before) = before.flatten() {
        report.note_drift(&before);
    }
    let accepted = report.rows.accepted;
    // Of an incremental export rows may be there already.
    if loaded > accepted || (request.kind == ExportKind::Full && loaded != accepted) {
        return Err(Error::counts(format!("{accepted} rows accepted, but {loaded} loaded")));
    }
    Ok(Status::Succeeded)
}

fn put_into_table(staging: Box<dyn Staging>, report: &mut RunReport, clock: &Clock) -> Result<LoadReceipt> {
    let started = Instant::now();
    let loaded = staging.load(&report.files, &report.rows);
    clock.loaded(started, loaded.as_ref().ok().and_then(|receipt| receipt.commit));
    let receipt = loaded?;
    report.seconds.load = started.elapsed().as_secs_f64();
    Ok(receipt)
}
