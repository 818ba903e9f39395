//! Segments on their way into the staging folder of a load.

use crate::error::{Error, Place, Result};
use crate::store::{SegmentWriter, StoredObject};
use bytes::Bytes;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

/// A segment that is sent, and remembered once it is whole.
pub(super) struct Sent {
    inner: Box<dyn SegmentWriter>,
    sent: Arc<Mutex<HashSet<String>>>,
}

impl Sent {
    pub(super) fn new(inner: Box<dyn SegmentWriter>, sent: &Arc<Mutex<HashSet<String>>>) -> Self {
        Self { inner, sent: Arc::clone(sent) }
    }
}

impl SegmentWriter for Sent {
    fn append(&mut self, bytes: Bytes) -> Result<()> {
        self.inner.append(bytes)
    }

    fn finish(self: Box<Self>) -> Result<StoredObject> {
        let object = self.inner.finish()?;
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).insert(object.name.clone());
        Ok(object)
    }
}

/// A segment that is not sent, because it lies there.
pub(super) struct Kept {
    object: StoredObject,
    written: u64,
}

impl Kept {
    pub(super) fn new(object: StoredObject) -> Self {
        Self { object, written: 0 }
    }
}

impl SegmentWriter for Kept {
    fn append(&mut self, bytes: Bytes) -> Result<()> {
        self.written += bytes.len() as u64;
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<StoredObject> {
        if self.written != self.object.bytes {
            return Err(Error::counts(format!(
                "the staged file has {} bytes, and the same segment now has {}",
                self.object.bytes, self.written
            ))
            .at(Place::uri(&self.object.uri))
            .help("remove the load's staged files and run it again; please report this"));
        }
        Ok(self.object)
    }
}
