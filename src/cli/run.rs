//! One run as the command line sees it: its report, its progress, its end.

use super::printer::Printer;
use super::progress::Progress;
use super::settings;
use super::signals::Stopper;
use super::size::{count, plural, show};
use crate::error::{Error, Place, Result};
use crate::pipeline::{Outcome, Watch};
use crate::report::{RunReport, Status};
use crate::store::outputs::Outputs;
use crate::store::{ExportKind, Location, ObjectInfo};
use std::cell::Cell;
use std::ffi::OsStr;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// Where run reports go: the file of `--report`, and stdout with `--json`.
pub(super) struct Reports {
    printer: Printer,
    file: Option<(PathBuf, File)>,
    begun: Cell<bool>,
}

impl Reports {
    /// Opens the report file before the run, so that a path that cannot be written fails at once. What
    /// is in the file stays until the inputs are known: one of them may be it. `named` are those that
    /// the command line names.
    pub(super) fn open<'a>(
        printer: Printer,
        path: Option<&Path>,
        named: impl IntoIterator<Item = &'a OsStr>,
    ) -> Result<Self> {
        let file = match path {
            Some(path) => {
                Outputs::default().claim("the report", path, || RunReport::is_first_in(path))?;
                let file = File::options().write(true).create(true).truncate(false).open(path);
                Some((path.to_owned(), file.map_err(|e| Error::io("cannot write the report", path, e))?))
            }
            None => None,
        };
        let mut reports = Self { printer, file, begun: Cell::new(false) };
        // What is no location is refused with its reason later.
        let inputs: Vec<Location> = named.into_iter().flat_map(settings::location).collect();
        reports.spare(&inputs)?;
        Ok(reports)
    }

    /// Refuses a report file that is one of these inputs; it is not written to then.
    pub(super) fn spare<'a>(&mut self, inputs: impl IntoIterator<Item = &'a Location>) -> Result<()> {
        let Some((path, file)) = &self.file else { return Ok(()) };
        let is_report = |input: &Location| match input {
            Location::Local(input) => is_same_file(file, path, input),
            Location::Stdin => is_same_file(file, path, Path::new("/dev/stdin")),
            Location::S3 { .. } | Location::Https(_) => false,
        };
        if !inputs.into_iter().any(is_report) {
            return Ok(());
        }
        let place = Place::uri(path.display().to_string());
        self.file = None;
        Err(Error::usage("the report would replace an input")
            .at(place)
            .help("name another file for --report"))
    }

    /// Empties the report file, now that the run begins: a killed run must not leave the report of
    /// another.
    pub(super) fn begin(&self) -> Result<()> {
        let Some((path, file)) = &self.file else { return Ok(()) };
        if self.begun.replace(true) {
            return Ok(());
        }
        // A pipe or a terminal has nothing to empty.
        if file.metadata().is_ok_and(|metadata| metadata.is_file()) {
            file.set_len(0).map_err(|cause| Error::io("cannot write the report", path, cause))?;
        }
        Ok(())
    }

    /// Writes a finished run down, one line each.
    pub(super) fn write(&self, report: &RunReport) -> Result<()> {
        let printed = self.printer.json(report);
        if let Some((path, file)) = &self.file {
            let mut line = serde_json::to_vec(report)
                .map_err(|cause| Error::machine("cannot write the report as JSON").because(cause))?;
            line.push(b'\n');
            self.begin()?;
            let mut file: &File = file;
            file.write_all(&line).map_err(|e| Error::io("cannot write the report", path, e))?;
        }
        printed
    }
}

/// Whether the open report and an input are one file, whatever the two are called.
#[cfg(unix)]
fn is_same_file(report: &File, _path: &Path, input: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let (Ok(report), Ok(input)) = (report.metadata(), std::fs::metadata(input)) else { return false };
    report.is_file() && (report.dev(), report.ino()) == (input.dev(), input.ino())
}

#[cfg(not(unix))]
fn is_same_file(_report: &File, path: &Path, input: &Path) -> bool {
    match (path.canonicalize(), input.canonicalize()) {
        (Ok(report), Ok(input)) => report == input,
        _ => false,
    }
}

/// A run that has begun, known by its id before anything else is known.
pub(super) struct Run {
    pub(super) printer: Printer,
    pub(super) load_id: String,
    pub(super) table: String,
    pub(super) kind: ExportKind,
    pub(super) watch: Arc<Watch>,
    started: Instant,
}

impl Run {
    /// Begins a run that `stopper` stops, with an id that sorts by time.
    pub(super) fn begin(printer: Printer, table: &str, kind: ExportKind, stopper: &Stopper) -> Self {
        let load_id = uuid::Uuid::now_v7().to_string();
        let watch = stopper.watch();
        Self { printer, load_id, table: table.to_owned(), kind, watch, started: Instant::now() }
    }

    /// Shows progress until the returned value is dropped.
    pub(super) fn progress(&self, bytes: Option<u64>) -> Progress {
        Progress::start(self.printer, Arc::clone(&self.watch), bytes)
    }

    /// Where the run's rejects go unless told otherwise: the name of the run makes it unique.
    pub(super) fn rejects_path(&self, asked: Option<&Path>) -> PathBuf {
        let own = || PathBuf::from(format!("{}-{}.rejects.csv", self.table, self.load_id));
        asked.map_or_else(own, Path::to_owned)
    }

    /// The outcome of a run that ended before the path had begun.
    pub(super) fn failed(&self, uri: Option<String>, error: Error) -> (Box<RunReport>, Error) {
        let source = ObjectInfo { uri: uri.unwrap_or_default(), ..ObjectInfo::default() };
        let mut report = RunReport::begin(&self.load_id, &self.table, self.kind, &source);
        report.seconds.total = self.started.elapsed().as_secs_f64();
        report.error = Some(error.to_string());
        (Box::new(report), error)
    }
}

/// Writes the outcome down and shows it; the error goes on to the caller, who prints it.
pub(super) fn conclude(
    printer: Printer,
    reports: &Reports,
    verb: &str,
    outcome: Outcome,
) -> Result<RunReport> {
    match outcome {
        Ok(report) => {
            reports.write(&report)?;
            printer.result(&summary(&report, verb))?;
            Ok(report)
        }
        Err((report, error)) => {
            let written = reports.write(&report);
            if let Some(uri) = &report.rejects.uri {
                printer.note(&format!("rejected records: {uri}"));
            }
            report.warnings.iter().for_each(|warning| printer.note(&format!("warning: {warning}")));
            if let Err(second) = written {
                printer.error(&second);
            }
            Err(error)
        }
    }
}

/// A run in a few lines for people; `verb` is what was done with the rows: loaded, converted.
pub(super) fn summary(report: &RunReport, verb: &str) -> String {
    let RunReport { table, source, rows, files, rejects, seconds, load_id, .. } = report;
    if report.status != Status::Succeeded {
        let why = report.error.as_deref().unwrap_or("nothing to do");
        return format!(
            "{table}: {}: {why}\n  from {}\n  load {load_id}",
            status_word(report.status),
            source.uri
        );
    }
    let bytes: u64 = files.iter().map(|file| file.bytes).sum();
    let mut lines = vec![
        format!("{table}: {} {verb} in {:.1} s", plural(rows.accepted, "row"), seconds.total),
        format!("  from {} ({}, {})", source.uri, show(source.bytes), source.compression),
        format!("  into {}, {}", plural(files.len() as u64, "file"), show(bytes)),
        format!(
            "  read {} = accepted {} + rejected {}",
            count(rows.read),
            count(rows.accepted),
            count(rows.rejected)
        ),
    ];
    if rows.carried_over > 0 {
        lines.push(format!("  {} kept from the old table", plural(rows.carried_over, "row")));
    }
    if rows.truncated_values > 0 {
        lines.push(format!("  {} cut to their column's width", plural(rows.truncated_values, "value")));
    }
    if let Some(uri) = &rejects.uri {
        lines.push(format!("  rejected records: {uri}"));
    }
    lines.extend(report.warnings.iter().map(|warning| format!("  warning: {warning}")));
    lines.push(format!("  load {load_id}"));
    lines.join("\n")
}

/// The word for a status, as in the report.
pub(super) fn status_word(status: Status) -> &'static str {
    match status {
        Status::Succeeded => "succeeded",
        Status::Failed => "failed",
        Status::Skipped => "skipped",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Rows;

    fn run() -> Run {
        Run::begin(Printer::new(false, true), "signatures", ExportKind::Full, &Stopper::default())
    }

    #[test]
    fn a_failed_run_has_a_report() {
        let (report, error) = run().failed(Some("s3://b/k".into()), Error::access("no such export"));
        assert_eq!((report.status, report.error.as_deref()), (Status::Failed, Some("no such export")));
        assert_eq!((report.source.uri.as_str(), error.exit_code()), ("s3://b/k", 3));
    }

    #[test]
    fn a_summary_says_what_happened() {
        let run = run();
        let (mut report, _) = run.failed(None, Error::input("x"));
        report.status = Status::Succeeded;
        report.rows =
            Rows { read: 3, accepted: 2, rejected: 1, truncated_values: 1, carried_over: 4, loaded: 2 };
        let text = summary(&report, "loaded");
        for line in [
            "signatures: 2 rows loaded in ",
            "read 3 = accepted 2 + rejected 1",
            "4 rows kept",
            "1 value cut",
            "into 0 files",
        ] {
            assert!(text.contains(line), "{text}");
        }
        report.status = Status::Skipped;
        report.error = Some("this export is in the table already".into());
        assert!(
            summary(&report, "loaded").starts_with("signatures: skipped: this export"),
            "{}",
            summary(&report, "loaded")
        );
    }

    #[test]
    fn rejects_are_named_after_the_run() {
        let run = run();
        let path = run.rejects_path(None).display().to_string();
        assert_eq!(path, format!("signatures-{}.rejects.csv", run.load_id));
        assert_eq!(run.rejects_path(Some(Path::new("x"))), Path::new("x"));
    }

    #[test]
    fn a_report_file_is_opened_first() {
        let dir = tempfile::tempdir().unwrap();
        let printer = Printer::new(false, true);
        let error = Reports::open(printer, Some(&dir.path().join("no/such")), []).err().unwrap();
        assert_eq!(error.exit_code(), 3);
        let path = dir.path().join("report.json");
        let reports = Reports::open(printer, Some(&path), []).unwrap();
        let (report, _) = run().failed(None, Error::input("x"));
        reports.write(&report).unwrap();
        let read: RunReport = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        assert_eq!(read, *report);
    }
}
