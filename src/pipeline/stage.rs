//! Puts finished row groups in order, into files, and reads back what was written.

use super::caught::caught;
use super::rejects::RejectsWriter;
use super::watch::Watch;
use crate::error::{Error, Place, Result};
use crate::pages::{EncodedRowGroup, Encoding, FOOTER_BYTES_GUESS, SegmentFile, footer_rows};
use crate::report::words::{count, plural};
use crate::report::{ColumnReport, FileReport, RejectsReport, Rows};
use crate::schema::OutputColumn;
use crate::store::{SegmentSink, SegmentWriter, StoredObject};
use crate::values::{Form, Measure};
use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// A row group as a worker hands it in.
pub(super) struct FinishedRowGroup {
    pub(super) segment: u64,
    pub(super) encoded: EncodedRowGroup,
}

/// What the stage needs to know.
pub(super) struct StageOptions<'a> {
    pub(super) encoding: Arc<Encoding>,
    pub(super) sink: &'a dyn SegmentSink,
    pub(super) watch: &'a Watch,
    pub(super) file_suffix: &'static str,
    pub(super) max_rejects: u64,
    /// Row groups that may wait for an earlier one; workers beyond that wait themselves.
    pub(super) waiting_max: u64,
    /// Newlines of the header.
    pub(super) header_lines: u64,
    pub(super) uri: String,
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
    options: StageOptions<'a>,
    state: Mutex<State>,
    turn: Condvar,
}

struct State {
    next: u64,
    waiting: BTreeMap<u64, Result<FinishedRowGroup>>,
    open: Option<OpenSegment>,
    rejects: RejectsWriter,
    lines: u64,
    staged: Staged,
    /// What the columns hold so far.
    measures: Vec<Measure>,
    /// What stands in the sink, to be taken away if the run fails.
    finished: Vec<StoredObject>,
    error: Option<Error>,
}

/// The segment that row groups are being appended to.
struct OpenSegment {
    segment: u64,
    name: String,
    file: SegmentFile,
    output: Box<dyn SegmentWriter>,
}

impl<'a> Stage<'a> {
    pub(super) fn new(options: StageOptions<'a>, rejects: RejectsWriter) -> Self {
        let measures = vec![Measure::default(); options.encoding.layout().columns.len()];
        let state = State {
            next: 0,
            waiting: BTreeMap::new(),
            open: None,
            rejects,
            lines: options.header_lines,
            staged: Staged::default(),
            measures,
            finished: Vec::new(),
            error: None,
        };
        Self { options, state: Mutex::new(state), turn: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the row group `index`, or the reason why there is none. False once the run has failed.
    pub(super) fn accept(&self, index: u64, group: Result<FinishedRowGroup>) -> bool {
        let mut state = self.lock();
        while state.error.is_none() && index >= state.next + self.options.waiting_max {
            state = self.turn.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.waiting.insert(index, group);
        while state.error.is_none() {
            let next = state.next;
            let Some(group) = state.waiting.remove(&next) else { break };
            state.next += 1;
            if let Err(error) = group.and_then(|group| caught(|| self.append(&mut state, group))) {
                state.error = Some(error);
                state.waiting.clear();
                // Dropped unfinished, the file leaves nothing behind.
                state.open = None;
            }
        }
        self.turn.notify_all();
        state.error.is_none()
    }

    fn append(&self, state: &mut State, group: FinishedRowGroup) -> Result<()> {
        let FinishedRowGroup { segment, encoded } = group;
        self.count(state, &encoded)?;
        if state.open.as_ref().is_some_and(|open| open.segment != segment) {
            self.close_file(state)?;
        }
        if encoded.rows == 0 {
            return Ok(());
        }
        if state.open.is_none() {
            self.open_file(state, segment)?;
        }
        if let Some(OpenSegment { name, file, output, .. }) = &mut state.open {
            file.append(encoded, |bytes| output.append(bytes)).map_err(|error| error.in_object(name))?;
        }
        Ok(())
    }

    fn count(&self, state: &mut State, encoded: &EncodedRowGroup) -> Result<()> {
        let rejected = encoded.rejects.len() as u64;
        let told = encoded.rows + rejected + encoded.erased;
        if encoded.records != told {
            return Err(counts_disagree(
                "records read",
                encoded.records,
                "accepted, rejected and erased",
                told,
            ));
        }
        let mut unwritten = Ok(());
        for reject in encoded.rejects.iter() {
            let mut reject = self.options.encoding.explain(reject);
            reject.records_before += state.staged.rows.read;
            reject.lines_before += state.lines;
            unwritten = unwritten.and(state.rejects.write(&reject));
        }
        unwritten = unwritten.and(state.rejects.flush());
        let rows = &mut state.staged.rows;
        rows.read += encoded.records;
        rows.accepted += encoded.rows;
        rows.rejected += rejected;
        rows.erased += encoded.erased;
        for (column, measure) in state.measures.iter_mut().zip(&encoded.measures) {
            column.add(measure);
            rows.truncated_values += measure.truncated;
        }
        state.lines += encoded.lines;
        Watch::add(&self.options.watch.records, encoded.records);
        Watch::add(&self.options.watch.rejected, rejected);
        if rows.rejected > self.options.max_rejects || encoded.gave_up {
            return Err(self.too_many_rejects(state, unwritten));
        }
        unwritten
    }

    /// Names the first fault, even if the rejects could not be written.
    fn too_many_rejects(&self, state: &mut State, unwritten: Result<()>) -> Error {
        let flushed = state.rejects.finish();
        let (rejected, allowed) = (state.staged.rows.rejected, self.options.max_rejects);
        let error = too_many(rejected, allowed, &state.rejects.report(), &self.options.uri);
        match unwritten.and(flushed) {
            Ok(()) => error,
            Err(cause) => error.because(cause),
        }
    }

    fn open_file(&self, state: &mut State, segment: u64) -> Result<()> {
        let name = format!("part-{segment:05}.{}", self.options.file_suffix);
        let mut output = self.options.sink.create(&name)?;
        let file = SegmentFile::new(&self.options.encoding, |bytes| output.append(bytes))?;
        state.open = Some(OpenSegment { segment, name, file, output });
        Ok(())
    }

    fn close_file(&self, state: &mut State) -> Result<()> {
        let Some(OpenSegment { name, file, mut output, .. }) = state.open.take() else { return Ok(()) };
        let rows = file.rows();
        file.finish(|bytes| output.append(bytes)).map_err(|error| error.in_object(&name))?;
        let object = output.finish()?;
        state.finished.push(object.clone());
        let read_back = self.read_back(&object)?;
        if read_back != rows {
            return Err(counts_disagree("rows encoded", rows, "rows in the staged file", read_back)
                .at(Place::uri(&object.uri)));
        }
        state.staged.files.push(FileReport { uri: object.uri, rows, bytes: object.bytes });
        Ok(())
    }

    /// The rows of a staged file, from its footer as it lies there.
    fn read_back(&self, object: &StoredObject) -> Result<u64> {
        let mut wanted = FOOTER_BYTES_GUESS;
        for _ in 0..2 {
            let tail = self.options.sink.read_tail(object, wanted)?;
            match footer_rows(&tail).map_err(|error| error.in_object(&object.uri))? {
                Ok(rows) => return Ok(rows),
                Err(longer) => wanted = longer,
            }
        }
        Err(Error::machine("the footer of a staged file cannot be read back").at(Place::uri(&object.uri)))
    }

    /// Closes the last file; a table without rows still gets one, so that its columns are known. After
    /// a failure no file of the run is left: they would be read as a table, and stop the next run.
    pub(super) fn finish(self) -> (Staged, Result<()>) {
        let result = self.finish_files();
        let (sink, encoding) = (self.options.sink, &self.options.encoding);
        let mut state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        let columns = encoding.layout().columns.iter().zip(&state.measures);
        state.staged.columns = columns.map(|(column, measure)| column_report(column, measure)).collect();
        let result = after_rejects(result, state.rejects.finish());
        state.staged.rejects = state.rejects.report();
        if result.is_err() {
            state.staged.files.clear();
            remove(sink, &state.finished);
        }
        (state.staged, result)
    }

    fn finish_files(&self) -> Result<()> {
        let mut state = self.lock();
        if let Some(error) = state.error.take() {
            return Err(error);
        }
        if let Some(index) = state.waiting.keys().next() {
            return Err(Error::machine(format!("row group {index} waits for one that never came")));
        }
        if state.open.is_none() && state.staged.files.is_empty() {
            self.open_file(&mut state, 0)?;
        }
        self.close_file(&mut state)?;
        let staged = state.staged.files.iter().map(|file| file.rows).sum();
        let rows = state.staged.rows;
        if rows.read != rows.accepted + rows.rejected + rows.erased || rows.accepted != staged {
            return Err(counts_disagree("rows accepted", rows.accepted, "rows staged", staged));
        }
        Ok(())
    }
}

/// The error of more rejects than are allowed, with the first of them.
pub(super) fn too_many(rejected: u64, allowed: u64, report: &RejectsReport, uri: &str) -> Error {
    let (first, place) = first_fault(report, uri, if allowed == 0 { "it" } else { "the first" });
    let what = match allowed {
        0 => format!("stopped at the first rejected record (--max-rejects 0){first}"),
        _ => format!("{} rejected so far, {} allowed{first}", plural(rejected, "record"), count(allowed)),
    };
    let see = report.uri.as_ref().map(|uri| format!("see {uri} and its .jsonl; ")).unwrap_or_default();
    let help = format!("{see}fix the source, or allow more with --max-rejects");
    Error::rejects(what).at(place).help(help)
}

/// What the first reject breaks, in words that follow others and call it `it`, and where it is.
pub(super) fn first_fault(report: &RejectsReport, uri: &str, it: &str) -> (String, Place) {
    let Some(first) = report.first.first() else { return (String::new(), Place::uri(uri)) };
    let bytes = plural(first.value_bytes, "byte");
    let place = Place {
        uri: Some(uri.to_owned()),
        record: Some(first.record),
        line: Some(first.line),
        byte: Some(first.byte),
        column: first.column.clone(),
    };
    (format!("; {it} breaks the rule {} with {bytes}", first.rule), place)
}

/// Rejects that are lost stop a run that was sound; of one that failed, that is told first.
fn after_rejects(result: Result<()>, kept: Result<()>) -> Result<()> {
    match (result, kept) {
        (Err(error), Err(lost)) => {
            tracing::warn!(%lost, "the rejects of a failed run are lost too");
            Err(error)
        }
        (result, kept) => result.and(kept),
    }
}

fn column_report(column: &OutputColumn, measure: &Measure) -> ColumnReport {
    let report = ColumnReport::of(&column.name, Form::of(column.column_type), measure);
    ColumnReport { privacy: column.privacy, ..report }
}

/// Best effort, up to the first that cannot be removed: a store that does not answer is not asked again.
fn remove(sink: &dyn SegmentSink, objects: &[StoredObject]) {
    for (done, object) in objects.iter().enumerate() {
        if let Err(error) = sink.remove(object) {
            let (uri, left) = (&object.uri, objects.len() - done);
            tracing::warn!(%uri, %error, left, "files of a failed run could not be removed");
            return;
        }
    }
}

fn counts_disagree(one: &str, count: u64, other: &str, other_count: u64) -> Error {
    Error::counts(format!("{count} {one}, but {other_count} {other}"))
        .help("nothing was loaded; please report this with the run report")
}
