//! Where run reports go: the file of `--report`, and stdout with `--json`.

use super::flags;
use super::printer::Printer;
use crate::error::{Error, Place, Result};
use crate::ops::{Location, ReportForm, open_report};
use crate::report::RunReport;
use crate::status::{LoadPage, markdown, one_page};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Standard output as `--report` names it.
pub(super) const STDOUT: &str = "-";

/// Where run reports go: the file of `--report`, and stdout with `--json`.
pub(super) struct Reports {
    printer: Printer,
    file: Mutex<Option<(PathBuf, File)>>,
    begun: AtomicBool,
    /// Runs of which a page was written: with each more it is written anew.
    pages: Mutex<Vec<LoadPage>>,
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
            // The printer prints it: `super::wants_json`.
            Some(path) if path == Path::new(STDOUT) => None,
            Some(path) => Some((path.to_owned(), open_report(path)?)),
            None => None,
        };
        let reports =
            Self { printer, file: Mutex::new(file), begun: AtomicBool::new(false), pages: Mutex::default() };
        // What is no location is refused with its reason later.
        let inputs: Vec<Location> = named.into_iter().flat_map(flags::location).collect();
        reports.spare(&inputs)?;
        Ok(reports)
    }

    /// Refuses a report file that is one of these inputs; it is not written to then.
    pub(super) fn spare<'a>(&self, inputs: impl IntoIterator<Item = &'a Location>) -> Result<()> {
        let mut open = self.file();
        let Some((path, file)) = &*open else { return Ok(()) };
        let is_report = |input: &Location| match input {
            Location::Local(input) => is_same_file(file, path, input),
            Location::Stdin => is_same_file(file, path, Path::new("/dev/stdin")),
            Location::S3 { .. } | Location::Https(_) => false,
        };
        if !inputs.into_iter().any(is_report) {
            return Ok(());
        }
        let place = Place::uri(path.display().to_string());
        *open = None;
        Err(Error::usage("the report would replace an input")
            .at(place)
            .help("name another file for --report"))
    }

    /// Empties the report file, now that the run begins: a killed run must not leave the report of
    /// another.
    pub(super) fn begin(&self) -> Result<()> {
        self.file().as_ref().map_or(Ok(()), |(path, file)| self.begin_file(path, file))
    }

    fn begin_file(&self, path: &Path, file: &File) -> Result<()> {
        if self.begun.swap(true, Relaxed) {
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
        if let Some((path, file)) = &*self.file() {
            if ReportForm::of(path) != ReportForm::Json {
                let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
                pages.push(LoadPage::of_report(report, None));
                self.begin_file(path, file)?;
                write_pages(path, file, &pages)?;
                return printed;
            }
            let mut line = serde_json::to_vec(report)
                .map_err(|cause| Error::machine("cannot write the report as JSON").because(cause))?;
            line.push(b'\n');
            self.begin_file(path, file)?;
            let mut file: &File = file;
            file.write_all(&line).map_err(|e| Error::io("cannot write the report", path, e))?;
        }
        printed
    }

    fn file(&self) -> MutexGuard<'_, Option<(PathBuf, File)>> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes the page of one load, into a file that is not there yet or is such a page.
pub(super) fn write_page(path: &Path, page: &LoadPage) -> Result<()> {
    let named = match ReportForm::of(path) {
        ReportForm::Json => {
            return Err(Error::usage("a page is a file that ends in .html or .md")
                .at(Place::uri(path.display().to_string()))
                .help("--json prints the load as JSON"));
        }
        ReportForm::Html | ReportForm::Markdown => open_report(path)?,
    };
    write_pages(path, &named, std::slice::from_ref(page))
}

/// Writes pages in place of what is in the file.
fn write_pages(path: &Path, file: &File, pages: &[LoadPage]) -> Result<()> {
    let text = match ReportForm::of(path) {
        ReportForm::Markdown => markdown(pages),
        ReportForm::Html | ReportForm::Json => one_page(pages)?,
    };
    let mut file: &File = file;
    let anew = |file: &mut &File| {
        // A pipe or a terminal has nothing to replace.
        if file.metadata()?.is_file() {
            file.set_len(0)?;
            file.rewind()?;
        }
        file.write_all(text.as_bytes())
    };
    anew(&mut file).map_err(|cause| Error::io("cannot write the report", path, cause))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::{ExportKind, not_begun};

    #[test]
    fn a_report_file_is_opened_first() {
        let dir = tempfile::tempdir().unwrap();
        let printer = Printer::new(false, true);
        let error = Reports::open(printer, Some(&dir.path().join("no/such")), []).err().unwrap();
        assert_eq!(error.exit_code(), 3);
        let path = dir.path().join("report.json");
        let reports = Reports::open(printer, Some(&path), []).unwrap();
        let (report, _) = not_begun("t", ExportKind::Full, Error::input("x")).unwrap_err();
        reports.write(&report).unwrap();
        let read: RunReport = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        assert_eq!(read, *report);
    }
}
