//! What a run comes to, row group by row group in the order of the file: counts, columns, rejects, and when it must stop.

use super::counts::counts_disagree;
use super::rejects::RejectsWriter;
use super::watch::Watch;
use crate::error::{Error, Place, Result};
use crate::pages::{Counted, Encoding};
use crate::report::words::{count, plural};
use crate::report::{ColumnReport, RejectsReport, Rows};
use crate::schema::OutputColumn;
use crate::values::{Form, Measure};
use std::sync::Arc;

/// What a tally needs to know.
pub(super) struct TallyOptions<'a> {
    pub(super) encoding: Arc<Encoding>,
    pub(super) watch: &'a Watch,
    pub(super) max_rejects: u64,
    /// Newlines of the header.
    pub(super) header_lines: u64,
    pub(super) uri: String,
}

/// See the module's description.
pub(super) struct Tally<'a> {
    options: TallyOptions<'a>,
    rejects: RejectsWriter,
    lines: u64,
    rows: Rows,
    /// What the columns hold so far.
    measures: Vec<Measure>,
}

/// What a run came to.
#[derive(Default)]
pub(super) struct Tallied {
    pub(super) rows: Rows,
    pub(super) columns: Vec<ColumnReport>,
    pub(super) rejects: RejectsReport,
}

impl<'a> Tally<'a> {
    /// Nothing is counted yet.
    pub(super) fn new(options: TallyOptions<'a>, rejects: RejectsWriter) -> Self {
        let measures = vec![Measure::default(); options.encoding.layout().columns.len()];
        Self { rejects, lines: options.header_lines, rows: Rows::default(), measures, options }
    }

    /// Counts the next row group, whose offsets in the CSV lack `byte`.
    ///
    /// # Errors
    /// [`Error::Rejects`] once there are more than allowed; those of the place of the rejects.
    pub(super) fn count(&mut self, counted: &Counted, byte: u64) -> Result<()> {
        let Counted { counts, measures, gave_up } = counted;
        let rejected = counts.rejects.len() as u64;
        let told = counts.rows + rejected + counts.erased;
        if counts.records != told {
            return Err(counts_disagree(
                "records read",
                counts.records,
                "accepted, rejected and erased",
                told,
            ));
        }
        let mut unwritten = Ok(());
        for reject in counts.rejects.iter() {
            let mut reject = self.options.encoding.explain(reject);
            reject.records_before += self.rows.read;
            reject.lines_before += self.lines;
            reject.byte += byte;
            reject.faults.iter_mut().for_each(|fault| fault.byte += byte);
            unwritten = unwritten.and(self.rejects.write(&reject));
        }
        unwritten = unwritten.and(self.rejects.flush());
        let rows = &mut self.rows;
        rows.read += counts.records;
        rows.accepted += counts.rows;
        rows.rejected += rejected;
        rows.erased += counts.erased;
        for (column, measure) in self.measures.iter_mut().zip(measures) {
            column.add(measure);
            rows.truncated_values += measure.truncated;
        }
        self.lines += counts.lines;
        Watch::add(&self.options.watch.records, counts.records);
        Watch::add(&self.options.watch.rejected, rejected);
        if rows.rejected > self.options.max_rejects || *gave_up {
            return Err(self.too_many_rejects(unwritten));
        }
        unwritten
    }

    /// Names the first fault, even if the rejects could not be written.
    fn too_many_rejects(&mut self, unwritten: Result<()>) -> Error {
        let flushed = self.rejects.finish();
        let (rejected, allowed) = (self.rows.rejected, self.options.max_rejects);
        let error = too_many(rejected, allowed, &self.rejects.report(), &self.options.uri);
        match unwritten.and(flushed) {
            Ok(()) => error,
            Err(cause) => error.because(cause),
        }
    }

    /// Compares the counts with the rows of the staged files.
    pub(super) fn agrees(&self, staged: u64) -> Result<()> {
        let rows = self.rows;
        if rows.read != rows.accepted + rows.rejected + rows.erased || rows.accepted != staged {
            return Err(counts_disagree("rows accepted", rows.accepted, "rows staged", staged));
        }
        Ok(())
    }

    /// Makes the rejects whole. Those that are lost stop a run that was sound; of one that failed, that is told first.
    pub(super) fn finish(mut self, result: Result<()>) -> (Tallied, Result<()>) {
        let columns = self.options.encoding.layout().columns.iter().zip(&self.measures);
        let columns = columns.map(|(column, measure)| column_report(column, measure)).collect();
        let result = match (result, self.rejects.finish()) {
            (Err(error), Err(lost)) => {
                tracing::warn!(%lost, "the rejects of a failed run are lost too");
                Err(error)
            }
            (result, kept) => result.and(kept),
        };
        (Tallied { rows: self.rows, columns, rejects: self.rejects.report() }, result)
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

fn column_report(column: &OutputColumn, measure: &Measure) -> ColumnReport {
    let report = ColumnReport::of(&column.name, Form::of(column.column_type), measure);
    ColumnReport { privacy: column.privacy, ..report }
}
