//! The observer of a person at a terminal, or of whoever reads its output.

use super::printer::Printer;
use super::progress::Progress;
use super::reports::Reports;
use super::signals::Stopper;
use super::summary::summary;
use crate::error::Result;
use crate::ops::{Location, Observer, Outcome, Watch};
use crate::report::RunReport;
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
}

impl Terminal {
    /// One that stops at signals and writes no report file.
    pub(super) fn plain(printer: Printer) -> Result<Self> {
        let stopper = Stopper::of_signals(printer)?;
        Ok(Self { stopper, shows_errors: false, ..Self::of_service(printer)? })
    }

    /// One of a process that hears signals in its own way, and shows the error of each run.
    pub(super) fn of_service(printer: Printer) -> Result<Self> {
        let (reports, stopper) = (Reports::open(printer, None, [])?, Stopper::default());
        Ok(Self { printer, stopper, reports, verb: "loaded", shows_errors: true })
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
        match outcome {
            Ok(report) => {
                self.reports.write(report)?;
                self.printer.result(&summary(report, self.verb))
            }
            Err((report, error)) => {
                let written = self.reports.write(report);
                if let Some(uri) = &report.rejects.uri {
                    self.printer.note(&format!("rejected records: {uri}"));
                }
                report.warnings.iter().for_each(|warning| self.printer.note(&format!("warning: {warning}")));
                if let Err(second) = written {
                    self.printer.error(&second);
                }
                if self.shows_errors {
                    self.printer.error(error);
                }
                Ok(())
            }
        }
    }
}

impl Observer for Terminal {
    fn note(&self, text: &str) {
        self.printer.note(text);
    }

    fn about_to_read(&self, inputs: &[Location]) -> Result<()> {
        self.reports.spare(inputs)?;
        self.reports.begin()
    }

    fn watch(&self) -> Arc<Watch> {
        self.stopper.watch()
    }

    fn converting(&self, watch: &Arc<Watch>, bytes: Option<u64>) -> Box<dyn Any> {
        Box::new(Progress::start(self.printer, Arc::clone(watch), bytes))
    }

    fn ended(&self, outcome: &Outcome) -> Result<()> {
        self.written(outcome)
    }

    fn measured(&self, line: &str) {
        self.printer.line(line);
    }

    fn is_stopping(&self) -> bool {
        self.stopper.heard()
    }
}
