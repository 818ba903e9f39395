//! The folder that the segments of one load are written to, before they become a version.

use crate::error::{Error, Result};
use crate::store::{SegmentSink, SegmentWriter, StoredObject};
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Bytes gathered before they go to the file system: page headers come in dozens of bytes.
const WRITE_BUFFER_BYTES: usize = 256 * 1024;

/// Takes segments as files of one folder, each named `<load id>-<name>`.
///
/// The load id in the name makes every file name of a table stand for one content for ever. A reader
/// that listed the old version through `current` and opens its files after the switch finds either the
/// same file (an incremental keeps it) or none (a full export replaced it), and never another's rows.
#[derive(Debug)]
pub(super) struct PartsSink {
    dir: PathBuf,
    load_id: String,
}

impl PartsSink {
    pub(super) fn new(dir: PathBuf, load_id: &str) -> Self {
        Self { dir, load_id: load_id.to_owned() }
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }
}

impl SegmentSink for PartsSink {
    fn create(&self, name: &str) -> Result<Box<dyn SegmentWriter>> {
        crate::ledger::check_name("segment name", name)?;
        let name = format!("{}-{name}", self.load_id);
        let path = self.dir.join(&name);
        let temporary = self.dir.join(format!(".{name}.tmp"));
        if path.exists() {
            return Err(Error::io(
                "cannot stage a segment twice",
                &path,
                io::ErrorKind::AlreadyExists.into(),
            ));
        }
        let file = File::create_new(&temporary)
            .map_err(|cause| Error::io("cannot stage the segment", &temporary, cause))?;
        let file = BufWriter::with_capacity(WRITE_BUFFER_BYTES, file);
        Ok(Box::new(PartWriter { file, name, path, temporary, bytes: 0, finished: false }))
    }

    fn read_tail(&self, object: &StoredObject, bytes: u64) -> Result<Vec<u8>> {
        let path = self.dir.join(&object.name);
        let read = || -> io::Result<Vec<u8>> {
            let mut file = File::open(&path)?;
            let start = file.metadata()?.len().saturating_sub(bytes);
            file.seek(SeekFrom::Start(start))?;
            let mut tail = Vec::new();
            file.take(bytes).read_to_end(&mut tail)?;
            Ok(tail)
        };
        read().map_err(|cause| Error::io("cannot read the segment back", &path, cause))
    }

    fn remove(&self, object: &StoredObject) -> Result<()> {
        let path = self.dir.join(&object.name);
        fs::remove_file(&path).map_err(|cause| Error::io("cannot remove the segment", &path, cause))
    }
}

/// One segment under a name that no reader takes for Parquet, until it is whole.
struct PartWriter {
    file: BufWriter<File>,
    name: String,
    path: PathBuf,
    temporary: PathBuf,
    bytes: u64,
    finished: bool,
}

impl Write for PartWriter {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let written = self.file.write(buf)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl SegmentWriter for PartWriter {
    fn finish(mut self: Box<Self>) -> Result<StoredObject> {
        let finished = self
            .file
            .flush()
            .and_then(|()| self.file.get_ref().sync_all())
            .and_then(|()| fs::rename(&self.temporary, &self.path));
        finished.map_err(|cause| Error::io("cannot finish the segment", &self.path, cause))?;
        self.finished = true;
        let uri = self.path.display().to_string();
        Ok(StoredObject { uri, name: self.name.clone(), bytes: self.bytes })
    }
}

impl Drop for PartWriter {
    fn drop(&mut self) {
        if !self.finished {
            // Best effort: what stays is swept with the dead load's staging folder.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}
