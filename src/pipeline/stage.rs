//! Puts finished row groups in order: counts them, and writes them into files.

use super::caught::caught;
use super::files::{Files, WholeFile, remove};
use super::tally::{Tallied, Tally};
use crate::csv::Segment;
use crate::error::{Error, Result};
use crate::pages::EncodedRowGroup;
use crate::report::{self, Clock, ColumnReport, FileReport, RejectsReport, Rows};
use crate::store::SegmentSink;
use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// A row group as a worker hands it in.
pub(super) struct FinishedRowGroup {
    pub(super) segment: Segment,
    pub(super) encoded: EncodedRowGroup,
}

/// What came of a run.
#[derive(Default)]
pub(super) struct Staged {
    pub(super) rows: Rows,
    pub(super) files: Vec<FileReport>,
    pub(super) columns: Vec<ColumnReport>,
    pub(super) rejects: RejectsReport,
}

/// Takes row groups from all workers and writes them in order.
pub(super) struct Stage<'a> {
    sink: &'a dyn SegmentSink,
    clock: &'a Clock,
    /// Row groups that may wait for an earlier one; workers beyond that wait themselves.
    waiting_max: u64,
    state: Mutex<State<'a>>,
    turn: Condvar,
}

struct State<'a> {
    next: u64,
    waiting: BTreeMap<u64, Result<FinishedRowGroup>>,
    tally: Tally<'a>,
    files: Files<'a>,
    error: Option<Error>,
}

impl<'a> Stage<'a> {
    /// `files` go to `sink`; `waiting_max` row groups may wait for an earlier one, and workers beyond that wait.
    pub(super) fn new(
        tally: Tally<'a>,
        files: Files<'a>,
        sink: &'a dyn SegmentSink,
        clock: &'a Clock,
        waiting_max: u64,
    ) -> Self {
        let state = State { next: 0, waiting: BTreeMap::new(), tally, files, error: None };
        Self { sink, clock, waiting_max, state: Mutex::new(state), turn: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State<'a>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the row group `index`, or the reason why there is none. False once the run has failed.
    pub(super) fn accept(&self, index: u64, group: Result<FinishedRowGroup>) -> bool {
        let mut state = self.lock();
        while state.error.is_none() && index >= state.next + self.waiting_max {
            state = self.turn.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.waiting.insert(index, group);
        while state.error.is_none() {
            let next = state.next;
            let Some(group) = state.waiting.remove(&next) else { break };
            state.next += 1;
            let append = |group| self.clock.during(report::Stage::Stage, || caught(|| state.append(group)));
            if let Err(error) = group.and_then(append) {
                state.error = Some(error);
                state.waiting.clear();
                state.files.drop_open();
            }
        }
        self.turn.notify_all();
        state.error.is_none()
    }

    /// Closes the last file. After a failure no file of the run is left: they would be read as a table, and stop the
    /// next run.
    pub(super) fn finish(self) -> (Staged, Result<()>) {
        let mut state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.clock.during(report::Stage::Stage, || {
            let result = state.close();
            finish(state.tally, state.files, self.sink, result)
        })
    }
}

impl State<'_> {
    fn append(&mut self, FinishedRowGroup { segment, encoded }: FinishedRowGroup) -> Result<()> {
        let (counted, columns) = encoded.split();
        self.tally.count(&counted, 0)?;
        self.files.append(segment, counted.counts.rows, columns)
    }

    fn close(&mut self) -> Result<()> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        if let Some(index) = self.waiting.keys().next() {
            return Err(Error::machine(format!("row group {index} waits for one that never came")));
        }
        close(&self.tally, &mut self.files)
    }
}

/// Closes the last file of a run that was sound so far, and compares the counts.
pub(super) fn close(tally: &Tally<'_>, files: &mut Files<'_>) -> Result<()> {
    files.close_all()?;
    tally.agrees(files.whole().iter().filter_map(|file| file.rows).sum())
}

/// Makes the rejects whole, and takes the files away if the run failed.
pub(super) fn finish(
    tally: Tally<'_>,
    files: Files<'_>,
    sink: &dyn SegmentSink,
    result: Result<()>,
) -> (Staged, Result<()>) {
    let (Tallied { rows, columns, rejects }, result) = tally.finish(result);
    let reports = match result {
        Ok(()) => files.whole().iter().map(WholeFile::report).collect(),
        Err(_) => {
            remove(sink, &files.whole().iter().map(|file| &file.object).collect::<Vec<_>>());
            Vec::new()
        }
    };
    (Staged { rows, files: reports, columns, rejects }, result)
}
