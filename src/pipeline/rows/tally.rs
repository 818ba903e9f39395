//! What became of an export's records, put in the order of the file.

use crate::error::{Error, Result};
use crate::pages::{Counts, Encoding};
use crate::pipeline::rejects::RejectsWriter;
use crate::pipeline::tally::{first_fault, too_many};
use crate::report::words::plural;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Takes the counts of all workers' turns, in whichever order they end.
pub(super) struct Tally {
    encoding: Arc<Encoding>,
    rejects_max: u64,
    uri: String,
    next: u64,
    /// Those of turns whose predecessors are under way: a few numbers each.
    waiting: BTreeMap<u64, Result<Counts>>,
    records: u64,
    lines: u64,
    rejected: u64,
    rejects: RejectsWriter,
    failed: Option<Error>,
}

impl Tally {
    /// Nothing so far, behind a header of so many lines; `rejects` keeps none.
    pub(super) fn new(
        encoding: Arc<Encoding>,
        rejects_max: u64,
        uri: &str,
        header_lines: u64,
        rejects: RejectsWriter,
    ) -> Self {
        Self {
            encoding,
            rejects_max,
            uri: uri.to_owned(),
            next: 0,
            waiting: BTreeMap::new(),
            records: 0,
            lines: header_lines,
            rejected: 0,
            rejects,
            failed: None,
        }
    }

    /// Takes the counts of a turn, or why there are none.
    ///
    /// # Errors
    /// See [`Tally::verdict`].
    pub(super) fn accept(&mut self, turn: u64, counts: Result<Counts>) -> Result<()> {
        self.waiting.insert(turn, counts);
        while self.failed.is_none()
            && let Some(counts) = self.waiting.remove(&self.next)
        {
            self.next += 1;
            self.failed = counts.and_then(|counts| self.count(&counts)).err();
        }
        self.verdict()
    }

    /// Whether all is well so far.
    ///
    /// # Errors
    /// The first in the order of the file, of turns whose predecessors are all known.
    pub(super) fn verdict(&self) -> Result<()> {
        self.failed.as_ref().map_or(Ok(()), |error| Err(error.copied()))
    }

    fn count(&mut self, counts: &Counts) -> Result<()> {
        for reject in counts.rejects.iter() {
            let mut reject = self.encoding.explain(reject);
            reject.records_before += self.records;
            reject.lines_before += self.lines;
            self.rejects.write(&reject)?;
        }
        self.rejected += counts.rejects.len() as u64;
        if self.rejected > self.rejects_max {
            return Err(too_many(self.rejected, self.rejects_max, &self.rejects.report(), &self.uri));
        }
        let told = counts.rows + counts.rejects.len() as u64 + counts.erased;
        if counts.records != told {
            return Err(Error::counts(format!(
                "{} records read, but {told} accepted, rejected and erased",
                counts.records
            )));
        }
        self.records += counts.records;
        self.lines += counts.lines;
        Ok(())
    }

    /// What is to be said of records that were left out, if any were.
    pub(super) fn left_out(&self) -> Option<String> {
        if self.rejected == 0 || self.failed.is_some() {
            return None;
        }
        let (first, place) = first_fault(&self.rejects.report(), &self.uri, "the first");
        let are = if self.rejected == 1 { "is" } else { "are" };
        Some(format!("{} {are} left out as rejects{first} (at {place})", plural(self.rejected, "record")))
    }
}
