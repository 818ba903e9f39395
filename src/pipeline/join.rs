//! Receipts of units, in whichever order they come, put together to what one run from front to end leaves.
//!
//! ```text
//! unit 0 ─▶ ends at a record of unit 1 ═ unit 1 began there ─▶ … ─▶ the file's end
//!                                      ╳ it did not: it is run again, with the place told
//! ```
//! Unit 0 begins at the front, and each other one is taken only if it began exactly where the one before has ended. So
//! every record is read once, under the right parity of quotes, whatever the units have guessed. What a row group came
//! to is counted in the file's order, as one run counts; an error is believed of a unit that knew all that is before.

use super::files::{Files, WholeFile, remove};
use super::spec::Spec;
use super::stage::{Staged, close, finish};
use super::tally::Tally;
use super::unit::{End, Known, Receipt, Seam, Start, Unit};
use crate::bzip2::{Passed, Stream};
use crate::error::{Error, Result};
use crate::store::{SegmentSink, StoredObject};
use std::collections::{BTreeMap, BTreeSet};

/// See the module's description.
pub(super) struct Join<'a> {
    is_bzip2: bool,
    tally: Tally<'a>,
    files: Files<'a>,
    /// The next record, and so the next unit; none behind the last.
    next: Option<Known>,
    /// Those that were not looked at yet, by their numbers.
    receipts: BTreeMap<u64, Receipt>,
    /// What units have written that were not taken.
    left: Vec<StoredObject>,
}

impl<'a> Join<'a> {
    /// No unit is there yet.
    pub(super) fn new(spec: &Spec, tally: Tally<'a>, files: Files<'a>) -> Self {
        let is_bzip2 = spec.compression == super::compression::Compression::Bzip2;
        let (receipts, left) = (BTreeMap::new(), Vec::new());
        Self { is_bzip2, tally, files, next: Some(Known::FRONT), receipts, left }
    }

    /// Takes a receipt; the last one of a unit counts.
    pub(super) fn add(&mut self, receipt: Receipt) {
        if let Some(old) = self.receipts.insert(receipt.unit.number, receipt) {
            self.leave(&old.files);
        }
    }

    fn leave(&mut self, files: &[WholeFile]) {
        self.left.extend(files.iter().map(|file| file.object.clone()));
    }

    /// Goes on as far as receipts fit; gives the unit that must be run, or none at the end.
    ///
    /// # Errors
    /// The first one in the file's order.
    pub(super) fn go_on(&mut self) -> Result<Option<Unit>> {
        while let Some(known) = self.next {
            let unit = Unit { number: known.seam.unit, start: Start::Known(known) };
            let Some(receipt) = self.receipts.remove(&unit.number) else { return Ok(Some(unit)) };
            if let Some(next) = self.take(known, receipt)? {
                self.next = next;
            } else {
                return Ok(Some(unit));
            }
        }
        Ok(None)
    }

    /// The unit that must be run, and those behind it that most likely must be too: where receipts do not meet. Of bzip2
    /// nobody knows what to tell those. What lies before it was taken, or lies inside of a record that was: run again, it
    /// would write over files that stay.
    pub(super) fn round(&self, first: Unit) -> Vec<Unit> {
        let mut round = BTreeMap::from([(first.number, first)]);
        for receipt in self.receipts.range(first.number + 1..).map(|(_, receipt)| receipt) {
            let End::Next { seam, .. } = &receipt.end else { continue };
            let meets = |next: &Receipt| next.began == Some(*seam);
            let is_run_again = round.contains_key(&receipt.unit.number);
            if self.is_bzip2 || is_run_again || self.receipts.get(&seam.unit).is_some_and(meets) {
                continue;
            }
            let known = Known { seam: *seam, csv: seam.mark, stream: None };
            round.entry(seam.unit).or_insert(Unit { number: seam.unit, start: Start::Known(known) });
        }
        round.into_values().collect()
    }

    /// Takes the unit that begins at `known`, and gives what follows it; none if it must be run again.
    fn take(&mut self, known: Known, receipt: Receipt) -> Result<Option<Option<Known>>> {
        let Receipt { unit, began, csv, groups, files, end } = receipt;
        let was_told = unit.start == Start::Known(known);
        let begins = began == Some(known.seam) && csv <= known.csv;
        let next = match begins.then_some(&end) {
            None | Some(End::NotBegun) => None,
            Some(End::GaveUp) => Some(None),
            Some(End::Failed(_)) => was_told.then_some(None),
            Some(End::Last { passed }) => self.after(known, passed).map(|_| None),
            Some(End::Next { seam, csv: at, passed }) => {
                let after = |stream| next_of(known, *seam, *at - csv, stream);
                self.after(known, passed).map(|stream| Some(after(stream)))
            }
        };
        let Some(next) = next else {
            self.leave(&files);
            if was_told {
                return Err(Error::machine(format!("unit {} did not begin where it was told", unit.number))
                    .help("please report this"));
            }
            return Ok(None);
        };
        self.files.extend(files);
        for counted in &groups {
            self.tally.count(counted, known.csv - csv)?;
        }
        match end {
            End::Failed(error) => Err(error),
            _ => Ok(Some(next)),
        }
    }

    /// How far the stream has come behind a unit; none if something is wrong with it.
    fn after(&self, known: Known, passed: &Passed) -> Option<Option<Stream>> {
        match self.is_bzip2 {
            false => Some(None),
            true => passed.after(known.stream.unwrap_or(Stream::new(0))).map(Some),
        }
    }

    /// What is left of a run that came to its end, or failed: the files of the units that were taken, or none.
    pub(super) fn finish(mut self, sink: &dyn SegmentSink, result: Result<()>) -> (Staged, Result<()>) {
        let result = result.and_then(|()| close(&self.tally, &mut self.files));
        let kept: BTreeSet<&str> = self.files.whole().iter().map(|file| file.object.name.as_str()).collect();
        let unseen = self.receipts.values().flat_map(|receipt| &receipt.files).map(|file| &file.object);
        let left = self.left.iter().chain(unseen).map(|object| (object.name.as_str(), object));
        let left: BTreeMap<&str, &StoredObject> = left.filter(|(name, _)| !kept.contains(name)).collect();
        remove(sink, &left.into_values().collect::<Vec<_>>());
        let written: Vec<_> = self.files.whole().iter().map(|file| &file.object).collect();
        let result = result.and_then(|()| sink.adopt(&written));
        finish(self.tally, self.files, sink, result)
    }
}

/// The place behind a unit that began at `known`, whose next unit's mark is so many bytes of CSV behind its own.
fn next_of(known: Known, seam: Seam, csv: u64, stream: Option<Stream>) -> Known {
    Known { seam, csv: known.csv + csv, stream }
}
