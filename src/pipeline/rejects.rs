//! The records that are left out: written down with their reasons, so that nothing is lost.
//!
//! `FILE` holds the header and the raw records, ready to be fixed and loaded again; beside it, with
//! the ending `.jsonl`, stands one line of JSON for each fault.

use super::split::Header;
use crate::error::{Error, Place, Result, cut};
use crate::pages::Reject;
use crate::privacy::Transform;
use crate::report::{FIRST_FAULTS_MAX, FaultReport, RejectsReport};
use crate::schema::IDENTIFIER_BYTES_MAX;
use crate::store::outputs::{Outputs, first_line, make_anew};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// Where rejects go. The files are made when the first reject comes.
pub(super) struct RejectsWriter {
    path: Option<PathBuf>,
    files: Option<(BufWriter<File>, BufWriter<File>)>,
    header: Vec<u8>,
    names: Vec<String>,
    report: RejectsReport,
    report_values: bool,
}

impl RejectsWriter {
    /// What goes to `path` has been [claimed](claim).
    /// `masks` are the layout's; `report_values` puts values into the report too.
    pub(super) fn new(
        path: Option<PathBuf>,
        header: &Header,
        masks: &[Option<Transform>],
        report_values: bool,
    ) -> Self {
        Self {
            path,
            files: None,
            header: header.masked(masks),
            names: header.names.clone(),
            report: RejectsReport::default(),
            report_values,
        }
    }

    /// Writes one reject whose positions are the file's.
    pub(super) fn write(&mut self, reject: &Reject) -> Result<()> {
        let faults: Vec<_> = reject.faults.iter().map(|fault| self.fault(reject, fault)).collect();
        let room = FIRST_FAULTS_MAX.saturating_sub(self.report.first.len());
        self.report.first.extend(faults.iter().take(room).cloned());
        let Some(path) = self.path.clone() else { return Ok(()) };
        self.write_files(&path, reject, &faults).map_err(|cause| cannot_write(&path, cause))
    }

    fn fault(&self, reject: &Reject, fault: &crate::pages::Fault) -> FaultReport {
        FaultReport {
            record: reject.records_before + 1,
            line: reject.lines_before + 1,
            byte: fault.byte,
            column: fault
                .field
                .and_then(|field| self.names.get(field))
                .map(|name| cut(name, IDENTIFIER_BYTES_MAX)),
            rule: fault.rule.as_str().to_owned(),
            value: fault.value.clone().filter(|_| self.report_values),
            value_bytes: fault.value_bytes,
            shown: fault.value.clone(),
        }
    }

    fn write_files(&mut self, path: &Path, reject: &Reject, faults: &[FaultReport]) -> std::io::Result<()> {
        let is_first = self.files.is_none();
        let (records, reasons) = match &mut self.files {
            Some(files) => files,
            None => {
                let reasons = BufWriter::new(make_anew(&reasons_path(path))?);
                let mut records = BufWriter::new(make_anew(path)?);
                records.write_all(&self.header)?;
                self.report.uri = Some(path.display().to_string());
                self.files.insert((records, reasons))
            }
        };
        records.write_all(&reject.raw)?;
        if reject.raw.last().is_some_and(|&last| last != b'\n') {
            records.write_all(b"\n")?;
        }
        for fault in faults {
            // The value stands in the record beside it anyway, where no rule hides it.
            let fault = FaultReport { value: fault.shown.clone(), ..fault.clone() };
            serde_json::to_writer(&mut *reasons, &fault)?;
            reasons.write_all(b"\n")?;
        }
        // By its first line a later run knows the pair as ours, however this one ends.
        if is_first { reasons.flush() } else { Ok(()) }
    }

    /// What was rejected so far.
    pub(super) fn report(&self) -> &RejectsReport {
        &self.report
    }

    /// Closes the files.
    pub(super) fn finish(&mut self) -> Result<RejectsReport> {
        if let (Some((mut records, mut reasons)), Some(path)) = (self.files.take(), &self.path) {
            let flushed = records.flush().and_then(|()| reasons.flush());
            flushed.map_err(|cause| cannot_write(path, cause))?;
        }
        Ok(self.report.clone())
    }
}

/// The file of the reasons beside the file of the records.
pub(super) fn reasons_path(path: &Path) -> PathBuf {
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
pub fn claim(outputs: &mut Outputs, path: &Path) -> Result<()> {
    let reasons = reasons_path(path);
    if reasons == path {
        return Err(Error::usage("the rejects file must not end in .jsonl")
            .at(Place::uri(path.display().to_string()))
            .help("name it .csv: the reasons are written beside it, with the ending .jsonl"));
    }
    // Records alone say nothing of who wrote them; their reasons do.
    let are_ours = || {
        let first = first_line(&reasons);
        path.exists() && first.is_some_and(|line| serde_json::from_slice::<FaultReport>(&line).is_ok())
    };
    outputs.claim("the rejects", path, are_ours)?;
    outputs.claim("the reasons of the rejects", &reasons, are_ours)
}

fn cannot_write(path: &Path, cause: std::io::Error) -> Error {
    Error::io("cannot write the rejects", path, cause)
}
