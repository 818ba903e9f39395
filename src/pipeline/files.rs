//! Row groups into the files of their segments, and what was written read back.

use super::counts::counts_disagree;
use super::cuts::file_name;
use crate::csv::Segment;
use crate::error::{Error, Place, Result};
use crate::pages::{EncodedColumns, Encoding, FOOTER_BYTES_GUESS, SegmentFile, footer_rows};
use crate::report::FileReport;
use crate::store::{SegmentSink, SegmentWriter, StoredObject};
use std::sync::Arc;

/// The files of a run, one of them open.
pub(super) struct Files<'a> {
    encoding: Arc<Encoding>,
    sink: &'a dyn SegmentSink,
    suffix: &'static str,
    open: Option<OpenFile>,
    whole: Vec<WholeFile>,
}

/// The file that row groups are being appended to.
struct OpenFile {
    segment: Segment,
    name: String,
    file: SegmentFile,
    output: Box<dyn SegmentWriter>,
}

/// A file that stands in the sink.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct WholeFile {
    pub(super) object: StoredObject,
    /// Its rows, read back; none until that is done.
    pub(super) rows: Option<u64>,
}

impl WholeFile {
    /// What a report says of it.
    pub(super) fn report(&self) -> FileReport {
        let StoredObject { uri, bytes, .. } = &self.object;
        FileReport { uri: uri.clone(), rows: self.rows.unwrap_or(0), bytes: *bytes }
    }
}

impl<'a> Files<'a> {
    pub(super) fn new(encoding: Arc<Encoding>, sink: &'a dyn SegmentSink, suffix: &'static str) -> Self {
        Self { encoding, sink, suffix, open: None, whole: Vec::new() }
    }

    /// Appends a row group to the file of its segment, the one that is open or the next.
    pub(super) fn append(&mut self, segment: Segment, rows: u64, columns: EncodedColumns) -> Result<()> {
        if self.open.as_ref().is_some_and(|open| open.segment != segment) {
            self.close()?;
        }
        if rows == 0 {
            return Ok(());
        }
        if self.open.is_none() {
            self.open(segment)?;
        }
        if let Some(OpenFile { name, file, output, .. }) = &mut self.open {
            file.append(columns, |bytes| output.append(bytes)).map_err(|error| error.in_object(name))?;
        }
        Ok(())
    }

    fn open(&mut self, segment: Segment) -> Result<()> {
        let name = file_name(segment, self.suffix);
        let mut output = self.sink.create(&name)?;
        let file = SegmentFile::new(&self.encoding, |bytes| output.append(bytes))?;
        self.open = Some(OpenFile { segment, name, file, output });
        Ok(())
    }

    /// Drops the file that is open: unfinished, it leaves nothing behind.
    pub(super) fn drop_open(&mut self) {
        self.open = None;
    }

    /// Closes the file that is open.
    pub(super) fn close(&mut self) -> Result<()> {
        let Some(OpenFile { name, file, mut output, .. }) = self.open.take() else { return Ok(()) };
        let rows = file.rows();
        file.finish(|bytes| output.append(bytes)).map_err(|error| error.in_object(&name))?;
        let object = output.finish()?;
        self.whole.push(WholeFile { object: object.clone(), rows: None });
        let read_back = self.read_back(&object)?;
        if read_back != rows {
            return Err(counts_disagree("rows encoded", rows, "rows in the staged file", read_back)
                .at(Place::uri(&object.uri)));
        }
        if let Some(last) = self.whole.last_mut() {
            last.rows = Some(rows);
        }
        Ok(())
    }

    /// The rows of a staged file, from its footer as it lies there.
    fn read_back(&self, object: &StoredObject) -> Result<u64> {
        let mut wanted = FOOTER_BYTES_GUESS;
        for _ in 0..2 {
            let tail = self.sink.read_tail(object, wanted)?;
            match footer_rows(&tail).map_err(|error| error.in_object(&object.uri))? {
                Ok(rows) => return Ok(rows),
                Err(longer) => wanted = longer,
            }
        }
        Err(Error::machine("the footer of a staged file cannot be read back").at(Place::uri(&object.uri)))
    }

    /// Closes the last file; a table without rows still gets one, so that its columns are known.
    pub(super) fn close_all(&mut self) -> Result<()> {
        if self.open.is_none() && self.whole.is_empty() {
            self.open(Segment::default())?;
        }
        self.close()
    }

    /// The files that stand in the sink.
    pub(super) fn whole(&self) -> &[WholeFile] {
        &self.whole
    }

    /// The same, without the one that is open.
    pub(super) fn into_whole(self) -> Vec<WholeFile> {
        self.whole
    }

    /// Counts files that others have written.
    pub(super) fn extend(&mut self, written: impl IntoIterator<Item = WholeFile>) {
        self.whole.extend(written);
    }
}

/// Best effort, up to the first that cannot be removed: a store that does not answer is not asked again.
pub(super) fn remove(sink: &dyn SegmentSink, objects: &[&StoredObject]) {
    for (done, object) in objects.iter().enumerate() {
        if let Err(error) = sink.remove(object) {
            let (uri, left) = (&object.uri, objects.len() - done);
            tracing::warn!(%uri, %error, left, "files of a failed run could not be removed");
            return;
        }
    }
}
