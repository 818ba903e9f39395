//! One run: known by its id before anything else is known.

use super::observer::Observer;
use crate::error::Error;
use crate::pipeline::{Outcome, Watch};
use crate::report::{Clock, RunReport};
use crate::store::{ExportKind, ObjectInfo};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A run that has begun.
pub(super) struct Run<'a> {
    pub(super) observer: &'a dyn Observer,
    pub(super) load_id: String,
    pub(super) table: String,
    pub(super) kind: ExportKind,
    pub(super) watch: Arc<Watch>,
    pub(super) began: Instant,
}

impl<'a> Run<'a> {
    /// Begins a run with an id that sorts by time.
    pub(super) fn begin(observer: &'a dyn Observer, table: &str, kind: ExportKind) -> Self {
        let load_id = uuid::Uuid::now_v7().to_string();
        Self {
            observer,
            load_id,
            table: table.to_owned(),
            kind,
            watch: observer.watch(),
            began: Instant::now(),
        }
    }

    /// The same run, which has looked so long for its export before it had an id.
    pub(super) fn after(self, looking: Duration) -> Self {
        Self { began: self.began.checked_sub(looking).unwrap_or(self.began), ..self }
    }

    /// The outcome of a run that ended before the path had begun.
    pub(super) fn failed(&self, uri: Option<String>, error: Error) -> (Box<RunReport>, Error) {
        let source = ObjectInfo { uri: uri.unwrap_or_default(), ..ObjectInfo::default() };
        let mut report = RunReport::begin(&self.load_id, &self.table, self.kind, &source);
        report.timed(&Clock::since(self.began));
        (Box::new(report.failed(&error)), error)
    }
}

/// The outcome of a run that could not begin, so that it has a report too: its configuration is wrong, say.
pub fn not_begun(table: &str, kind: ExportKind, error: Error) -> Outcome {
    Err(Run::begin(&super::Silent, table, kind).failed(None, error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::Silent;
    use crate::report::Status;

    #[test]
    fn a_failed_run_has_a_report() {
        let run = Run::begin(&Silent, "signatures", ExportKind::Full);
        let (report, error) = run.failed(Some("s3://b/k".into()), Error::access("no such export"));
        assert_eq!((report.status, report.error.as_deref()), (Status::Failed, Some("no such export")));
        assert_eq!((report.source.uri.as_str(), error.exit_code()), ("s3://b/k", 3));
    }
}
