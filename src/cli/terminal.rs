//! The observer of a person at a terminal, or of whoever reads its output.

use super::printer::Printer;
use super::progress::Progress;
use super::reports::Reports;
use super::signals::Stopper;
use super::summary::{line, summary};
use crate::error::{Error, Result};
use crate::ops::{Location, Observer, Outcome, Watch};
use crate::report::{RejectsReport, RunReport};
use indicatif::MultiProgress;
use std::any::Any;
use std::sync::Arc;

/// Shows notes and progress on stderr, ends in summaries and reports, and stops at signals.
pub(super) struct Terminal {
    pub(super) printer: Printer,
    pub(super) stopper: Stopper,
    pub(super) reports: Reports,
    /// What is done with rows: loaded, converted.
    pub(super) verb: &'static str,
    /// Whether a failed run is one of many, and its error is shown here.
    pub(super) shows_errors: bool,
    /// Whether runs of several tables go on beside each other: each is a line that begins with its table.
    pub(super) names_tables: bool,
    /// Whether somebody looks on who may see a value: a log, and what a service writes, may be anybody's.
    pub(super) shows_values: bool,
    /// The lines that move.
    pub(super) bars: MultiProgress,
}

impl Terminal {
    /// One of a single run, whose error the caller shows.
    pub(super) fn of_run(printer: Printer, stopper: Stopper, reports: Reports, verb: &'static str) -> Self {
        let bars = MultiProgress::new();
        let shows_values = printer.speaks_to_a_person();
        Self { printer, stopper, reports, verb, shows_errors: false, names_tables: false, shows_values, bars }
    }

    /// One that stops at signals and writes no report file.
    pub(super) fn plain(printer: Printer) -> Result<Self> {
        let stopper = Stopper::of_signals(printer)?;
        Ok(Self::of_run(printer, stopper, Reports::open(printer, None, [])?, "loaded"))
    }

    /// One of a process that hears signals in its own way, and shows the error of each run.
    #[cfg(feature = "serve")]
    pub(super) fn of_service(printer: Printer) -> Result<Self> {
        let (reports, stopper) = (Reports::open(printer, None, [])?, Stopper::default());
        Ok(Self {
            shows_errors: true,
            shows_values: false,
            ..Self::of_run(printer, stopper, reports, "loaded")
        })
    }

    /// Writes the outcome down and shows it; the error goes on to the caller, who prints it.
    pub(super) fn conclude(&self, outcome: Outcome) -> Result<RunReport> {
        let written = self.written(&outcome);
        let report = outcome.map_err(|(_, error)| error)?;
        // Whoever runs it again for this would find nothing to do.
        if let Err(refused) = written {
            self.printer.note(&format!(
                "all is {}, but what is said of it could not be written: {refused}",
                self.verb
            ));
        }
        Ok(report)
    }

    fn written(&self, outcome: &Outcome) -> Result<()> {
        self.bars.suspend(|| match outcome {
            Ok(report) => {
                self.reports.write(report)?;
                let text =
                    if self.names_tables { line(report, self.verb) } else { summary(report, self.verb) };
                self.printer.result(&text)
            }
            Err((report, error)) => {
                self.failed(report, error);
                Ok(())
            }
        })
    }

    fn failed(&self, report: &RunReport, error: &Error) {
        let written = self.reports.write(report);
        let table = if self.names_tables { format!("{}: ", report.table) } else { String::new() };
        let written = written.and_then(|()| match &*table {
            "" => Ok(()),
            table => self.printer.result(&format!("{table}failed, exit code {}", error.exit_code())),
        });
        if let Some(uri) = &report.rejects.uri {
            self.printer.note(&format!("{table}rejected records: {uri}"));
        }
        if let Some(value) = first_value(&report.rejects).filter(|_| self.shows_values) {
            self.printer.note(&format!("{table}{value}"));
        }
        let warnings = report.warnings.iter();
        warnings.for_each(|warning| self.printer.note(&format!("{table}warning: {warning}")));
        if let Err(second) = written {
            self.printer.error(&second);
        }
        if self.shows_errors {
            self.printer.error_of(&table, error);
        }
    }
}

/// The first value that was rejected, for whoever sits there; none where a rule of privacy hides its column.
fn first_value(rejects: &RejectsReport) -> Option<String> {
    let first = rejects.first.first()?;
    let column =
        first.column.as_deref().map_or_else(|| "record".to_owned(), |name| format!("column {name:?}"));
    Some(format!(
        "the first rejected value, of record {}, {column}: {:?}",
        first.record,
        first.shown.as_ref()?
    ))
}

impl Observer for Terminal {
    fn note(&self, text: &str) {
        self.bars.suspend(|| self.printer.note(text));
    }

    fn about_to_read(&self, inputs: &[Location]) -> Result<()> {
        self.reports.spare(inputs)?;
        self.reports.begin()
    }

    fn watch(&self) -> Arc<Watch> {
        self.stopper.watch()
    }

    fn converting(&self, table: &str, watch: &Arc<Watch>, bytes: Option<u64>) -> Box<dyn Any> {
        let name = self.names_tables.then_some(table);
        Box::new(Progress::start(self.printer, &self.bars, name, Arc::clone(watch), bytes))
    }

    fn ended(&self, outcome: &Outcome) -> Result<()> {
        self.written(outcome)
    }

    fn measured(&self, line: &str) {
        self.bars.suspend(|| self.printer.line(line));
    }

    fn is_stopping(&self) -> bool {
        self.stopper.heard()
    }
}
