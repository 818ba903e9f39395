//! The records that are left out: written down with their reasons, so that nothing is lost.
//!
//! `FILE` holds the header and the raw records, ready to be fixed and loaded again; beside it, with
//! the ending `.jsonl`, stands one line of JSON for each fault.
//!
//! They are whole before the table is touched: a load whose rejects cannot be kept fails. Of a load that is killed
//! a folder keeps what the finished row groups had, and S3 nothing: the load is run again, and rejects them again.

use super::split::Header;
use crate::error::{Error, Place, Result, cut};
use crate::pages::Reject;
use crate::privacy::Transform;
use crate::report::{FAULT_COUNTS_MAX, FIRST_FAULTS_MAX, FaultCount, FaultReport, RejectsReport};
use crate::schema::IDENTIFIER_BYTES_MAX;
use crate::store::outputs::{Outputs, first_line};
use crate::store::{KeptFiles, LocalFiles, Location, SegmentWriter};
use crate::values::Rule;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes of records, and of reasons, that are collected before they are handed on.
const BUFFER_BYTES: usize = 64 << 10;

/// Where the rejects of a run go: a place, and the name of the records in it.
#[derive(Clone)]
pub struct RejectsPlace {
    files: Arc<dyn KeptFiles>,
    records: Location,
}

impl RejectsPlace {
    /// Records named like this, written by what can write there.
    pub fn new(files: Arc<dyn KeptFiles>, records: Location) -> Self {
        Self { files, records }
    }

    /// A file that was named, in a folder that is there.
    pub fn file(path: PathBuf) -> Self {
        Self::new(Arc::new(LocalFiles::default()), Location::Local(path))
    }

    fn reasons(&self) -> Location {
        match &self.records {
            Location::S3 { bucket, key } => {
                let key = format!("{}.jsonl", key.strip_suffix(".csv").unwrap_or(key));
                Location::S3 { bucket: bucket.clone(), key }
            }
            Location::Local(path) => Location::Local(reasons_path(path)),
            other => other.clone(),
        }
    }

    /// Takes the two files for output, before the run. Objects of S3 bear the id of this very load, and what bears
    /// it was written by an earlier try.
    ///
    /// # Errors
    /// Those of [`claim`].
    pub(super) fn claim(&self, outputs: &mut Outputs) -> Result<()> {
        match &self.records {
            Location::Local(path) => claim(outputs, path),
            _ => Ok(()),
        }
    }

    /// Begins the pair. The reasons, by whose first line a later run knows the pair as ours, come first.
    fn open(&self) -> Result<Pair> {
        let reasons = self.reasons();
        Ok(Pair {
            reasons: Buffered::new(self.files.create(&reasons)?),
            records: Buffered::new(self.files.create(&self.records)?),
        })
    }
}

/// Whether a first line is one of reasons that this program wrote.
pub fn are_reasons(first_line: &[u8]) -> bool {
    serde_json::from_slice::<FaultReport>(first_line).is_ok()
}

/// The two files while they are written.
struct Pair {
    reasons: Buffered,
    records: Buffered,
}

impl Pair {
    fn flush(&mut self) -> Result<()> {
        self.reasons.flush().and_then(|()| self.records.flush())
    }

    /// Reasons first: where there are records, there is what is said of them.
    fn finish(self) -> Result<()> {
        self.reasons.finish().and_then(|()| self.records.finish())
    }
}

/// Hands on what it is given in pieces that are worth it.
struct Buffered {
    output: Box<dyn SegmentWriter>,
    bytes: Vec<u8>,
}

impl Buffered {
    fn new(output: Box<dyn SegmentWriter>) -> Self {
        Self { output, bytes: Vec::new() }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.bytes.extend_from_slice(bytes);
        if self.bytes.len() >= BUFFER_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        if self.bytes.is_empty() {
            return Ok(());
        }
        self.output.append(Bytes::from(std::mem::take(&mut self.bytes)))
    }

    fn finish(mut self) -> Result<()> {
        self.flush()?;
        self.output.finish().map(drop)
    }
}

/// What became of the pair so far.
enum Kept {
    /// No reject came yet.
    Nothing,
    Open(Pair),
    /// It cannot be written any more, or it is whole.
    Closed,
}

/// Writes rejects. The files are made when the first reject comes.
pub(super) struct RejectsWriter {
    place: Option<RejectsPlace>,
    kept: Kept,
    header: Vec<u8>,
    names: Vec<String>,
    report: RejectsReport,
    report_values: bool,
    /// By rule and field: how many, and the first record. No more than the header's fields times the rules.
    tally: BTreeMap<(Rule, Option<usize>), (u64, u64)>,
}

impl RejectsWriter {
    /// What goes to `place` has been [claimed](RejectsPlace::claim). `masks` are the layout's; `report_values` puts
    /// values into the report too.
    pub(super) fn new(
        place: Option<RejectsPlace>,
        header: &Header,
        masks: &[Option<Transform>],
        report_values: bool,
    ) -> Self {
        Self {
            place,
            kept: Kept::Nothing,
            header: header.masked(masks),
            names: header.names.clone(),
            report: RejectsReport::default(),
            report_values,
            tally: BTreeMap::new(),
        }
    }

    /// Writes one reject whose positions are the file's.
    pub(super) fn write(&mut self, reject: &Reject) -> Result<()> {
        let faults: Vec<_> = reject.faults.iter().map(|fault| self.fault(reject, fault)).collect();
        for fault in &reject.faults {
            let first = reject.records_before + 1;
            self.tally.entry((fault.rule, fault.field)).or_insert((0, first)).0 += 1;
        }
        let room = FIRST_FAULTS_MAX.saturating_sub(self.report.first.len());
        self.report.first.extend(faults.iter().take(room).cloned());
        self.closing_if_failed(|writer| writer.keep(reject, &faults))
    }

    /// Hands on what was written, so that whoever kills this run leaves whole records where files are seen while
    /// they are written.
    pub(super) fn flush(&mut self) -> Result<()> {
        self.closing_if_failed(|writer| match &mut writer.kept {
            Kept::Open(pair) => pair.flush(),
            _ => Ok(()),
        })
    }

    /// After an error nothing is left but to drop a file: what could be written is where it is.
    fn closing_if_failed(&mut self, write: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        write(self).map_err(|cause| {
            self.kept = Kept::Closed;
            not_kept(cause)
        })
    }

    fn fault(&self, reject: &Reject, fault: &crate::pages::Fault) -> FaultReport {
        FaultReport {
            record: reject.records_before + 1,
            line: reject.lines_before + 1,
            byte: fault.byte,
            column: fault.field.and_then(|field| self.column(field)),
            rule: fault.rule.as_str().to_owned(),
            value: fault.value.clone().filter(|_| self.report_values),
            value_bytes: fault.value_bytes,
            shown: fault.value.clone(),
        }
    }

    fn column(&self, field: usize) -> Option<String> {
        self.names.get(field).map(|name| cut(name, IDENTIFIER_BYTES_MAX))
    }

    fn counts(&self) -> Vec<FaultCount> {
        let count =
            |(&(rule, field), &(faults, first_record)): (&(Rule, Option<usize>), &(u64, u64))| FaultCount {
                column: field.and_then(|field| self.column(field)),
                rule: rule.as_str().to_owned(),
                faults,
                first_record,
            };
        let mut counts: Vec<_> = self.tally.iter().map(count).collect();
        counts.sort_by_key(|count| (std::cmp::Reverse(count.faults), count.first_record));
        counts.truncate(FAULT_COUNTS_MAX);
        counts
    }

    fn keep(&mut self, reject: &Reject, faults: &[FaultReport]) -> Result<()> {
        let Some(place) = &self.place else { return Ok(()) };
        match &mut self.kept {
            Kept::Open(pair) => write_record(pair, reject, faults),
            Kept::Closed => Ok(()),
            Kept::Nothing => {
                let mut pair = place.open()?;
                pair.records.write(&self.header)?;
                write_record(&mut pair, reject, faults)?;
                // By its first line a later run knows the pair as ours, however this one ends.
                pair.flush()?;
                self.kept = Kept::Open(pair);
                Ok(())
            }
        }
    }

    /// What was rejected so far, and once it is [finished](RejectsWriter::finish) where it is.
    pub(super) fn report(&self) -> RejectsReport {
        RejectsReport { counts: self.counts(), ..self.report.clone() }
    }

    /// Makes the files whole.
    pub(super) fn finish(&mut self) -> Result<()> {
        if let (Kept::Open(pair), Some(place)) =
            (std::mem::replace(&mut self.kept, Kept::Closed), &self.place)
        {
            pair.finish().map_err(not_kept)?;
            self.report.uri = Some(place.records.to_string());
        }
        Ok(())
    }
}

/// Writes one record, and a line for each of its faults.
fn write_record(pair: &mut Pair, reject: &Reject, faults: &[FaultReport]) -> Result<()> {
    for fault in faults {
        // The value stands in the record beside it anyway, where no rule hides it.
        let fault = FaultReport { value: fault.shown.clone(), ..fault.clone() };
        let line = serde_json::to_vec(&fault)
            .map_err(|cause| Error::machine("cannot write a reason as JSON").because(cause))?;
        pair.reasons.write(&line)?;
        pair.reasons.write(b"\n")?;
    }
    pair.records.write(&reject.raw)?;
    if reject.raw.last() == Some(&b'\n') { Ok(()) } else { pair.records.write(b"\n") }
}

/// The file of the reasons beside the file of the records.
fn reasons_path(path: &Path) -> PathBuf {
    path.with_extension("jsonl")
}

/// The files that rejects named `path` go to: the records, and their reasons.
pub fn files(path: &Path) -> [PathBuf; 2] {
    [path.to_owned(), reasons_path(path)]
}

/// Takes the two files of rejects for output, before the run.
///
/// # Errors
/// [`Error::Usage`] if they would overwrite each other, what the run reads or writes besides, or what is
/// not of an earlier run.
fn claim(outputs: &mut Outputs, path: &Path) -> Result<()> {
    let reasons = reasons_path(path);
    if reasons == path {
        return Err(Error::usage("the rejects file must not end in .jsonl")
            .at(Place::uri(path.display().to_string()))
            .help("name it .csv: the reasons are written beside it, with the ending .jsonl"));
    }
    // Records alone say nothing of who wrote them; their reasons do.
    let are_ours = || {
        let first = first_line(&reasons);
        path.exists() && first.is_some_and(|line| are_reasons(&line))
    };
    outputs.claim("the rejects", path, are_ours)?;
    outputs.claim("the reasons of the rejects", &reasons, are_ours)
}

/// The same class of error, with what it means for the load.
fn not_kept(cause: Error) -> Error {
    let place = cause.detail().map(|detail| detail.place.clone()).unwrap_or_default();
    let help = cause.detail().map(|detail| detail.help.clone()).unwrap_or_default();
    let what = "cannot write the rejects";
    let told = match &cause {
        Error::Interrupted => return cause,
        Error::Usage(_) => Error::usage(what),
        Error::Access(_) => Error::access(what),
        Error::Transient(_) => Error::transient(what),
        _ => Error::machine(what),
    };
    told.at(place).help(help).because(cause)
}
