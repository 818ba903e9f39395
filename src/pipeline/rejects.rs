//! The records that are left out: written down with their reasons, so that nothing is lost.
//!
//! `FILE` holds the header and the raw records, ready to be fixed and loaded again; beside it, with
//! the ending `.jsonl`, stands one line of JSON for each fault.

use crate::error::{Error, Place, Result, cut};
use crate::pages::Reject;
use crate::report::{FIRST_FAULTS_MAX, FaultReport, RejectsReport};
use crate::schema::IDENTIFIER_BYTES_MAX;
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
}

impl RejectsWriter {
    /// # Errors
    /// [`Error::Usage`] if the files would overwrite each other or the export itself.
    pub(super) fn new(path: Option<PathBuf>, header: &super::split::Header, source: &str) -> Result<Self> {
        if let Some(path) = &path {
            check_path(path, source)?;
        }
        Ok(Self {
            path,
            files: None,
            header: header.raw.clone(),
            names: header.names.clone(),
            report: RejectsReport::default(),
        })
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
            value: fault.value.clone(),
        }
    }

    fn write_files(&mut self, path: &Path, reject: &Reject, faults: &[FaultReport]) -> std::io::Result<()> {
        let (records, reasons) = match &mut self.files {
            Some(files) => files,
            None => {
                let mut records = BufWriter::new(File::create(path)?);
                records.write_all(&self.header)?;
                let reasons = BufWriter::new(File::create(reasons_path(path))?);
                self.report.uri = Some(path.display().to_string());
                self.files.insert((records, reasons))
            }
        };
        records.write_all(&reject.raw)?;
        if reject.raw.last() != Some(&b'\n') {
            records.write_all(b"\n")?;
        }
        for fault in faults {
            serde_json::to_writer(&mut *reasons, fault)?;
            reasons.write_all(b"\n")?;
        }
        Ok(())
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

fn check_path(path: &Path, source: &str) -> Result<()> {
    let refused = |what: &str, help: &str| {
        Err(Error::usage(what).at(Place::uri(path.display().to_string())).help(help))
    };
    let reasons = reasons_path(path);
    if reasons == path {
        let help = "name it .csv: the reasons are written beside it, with the ending .jsonl";
        return refused("the rejects file must not end in .jsonl", help);
    }
    let source = std::fs::canonicalize(source);
    let is_source = |path: &Path| matches!((&source, std::fs::canonicalize(path)), (Ok(a), Ok(b)) if *a == b);
    if is_source(path) || is_source(&reasons) {
        return refused("the rejects would overwrite the export", "name another file");
    }
    Ok(())
}

fn cannot_write(path: &Path, cause: std::io::Error) -> Error {
    Error::io("cannot write the rejects", path, cause)
}
