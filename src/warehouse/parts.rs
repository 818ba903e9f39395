//! The folder that the segments of one load are written to, before they become a version.

use crate::error::Result;
use crate::store::{LocalSink, Outpost, SegmentSink, SegmentWriter, StoredObject};
use std::path::Path;

/// Takes segments as files of one folder, each named `<load id>-<name>`, each once.
///
/// The load id in the name makes every file name of a table stand for one content for ever. A reader
/// that listed the old version through `current` and opens its files after the switch finds either the
/// same file (an incremental keeps it) or none (a full export replaced it), and never another's rows.
#[derive(Debug)]
pub(super) struct PartsSink {
    files: LocalSink,
    load_id: String,
}

impl PartsSink {
    pub(super) fn new(dir: &Path, load_id: &str) -> Result<Self> {
        Ok(Self { files: LocalSink::new(dir)?.once().durable(), load_id: load_id.to_owned() })
    }

    pub(super) fn dir(&self) -> &Path {
        self.files.folder()
    }
}

impl SegmentSink for PartsSink {
    fn create(&self, name: &str) -> Result<Box<dyn SegmentWriter>> {
        crate::ledger::check_name("segment name", name)?;
        self.files.create(&format!("{}-{name}", self.load_id))
    }

    fn read_tail(&self, object: &StoredObject, bytes: u64) -> Result<Vec<u8>> {
        self.files.read_tail(object, bytes)
    }

    fn remove(&self, object: &StoredObject) -> Result<()> {
        self.files.remove(object)
    }

    /// The folder is this load's, and goes with it.
    fn outpost(&self) -> Result<Option<Outpost>> {
        let outpost = self.files.outpost()?;
        Ok(outpost.map(|outpost| Outpost { prefix: format!("{}-", self.load_id), ..outpost }))
    }
}
