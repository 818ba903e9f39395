//! A source and a sink in memory, so that a conversion can be measured without a disk.

use bytes::Bytes;
use csl_stream::Result;
use csl_stream::store::{ByteSource, ObjectInfo, SegmentSink, SegmentWriter, StoredObject};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// Bytes that are there.
pub struct MemorySource {
    bytes: Arc<[u8]>,
    at: usize,
    info: ObjectInfo,
}

impl MemorySource {
    pub fn new(bytes: Arc<[u8]>) -> Self {
        let info = ObjectInfo { uri: "memory.csv".to_owned(), ..ObjectInfo::default() };
        Self { bytes, at: 0, info }
    }
}

impl ByteSource for MemorySource {
    fn info(&self) -> &ObjectInfo {
        &self.info
    }

    fn read(&mut self, buf: &mut [u8]) -> Result<usize> {
        let count = buf.len().min(self.bytes.len() - self.at);
        buf[..count].copy_from_slice(&self.bytes[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

/// Keeps files until it goes; they are read back, as always.
#[derive(Default)]
pub struct MemorySink(Arc<Mutex<BTreeMap<String, Vec<u8>>>>);

impl SegmentSink for MemorySink {
    fn create(&self, name: &str) -> Result<Box<dyn SegmentWriter>> {
        Ok(Box::new(MemoryWriter { name: name.to_owned(), bytes: Vec::new(), files: self.0.clone() }))
    }

    fn read_tail(&self, object: &StoredObject, bytes: u64) -> Result<Vec<u8>> {
        let files = self.0.lock().expect("nobody panics with it");
        let file = &files[&object.name];
        Ok(file[file.len().saturating_sub(bytes as usize)..].to_vec())
    }

    fn remove(&self, object: &StoredObject) -> Result<()> {
        self.0.lock().expect("nobody panics with it").remove(&object.name);
        Ok(())
    }
}

struct MemoryWriter {
    name: String,
    bytes: Vec<u8>,
    files: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
}

impl SegmentWriter for MemoryWriter {
    fn append(&mut self, bytes: Bytes) -> Result<()> {
        self.bytes.extend_from_slice(&bytes);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<StoredObject> {
        let (uri, bytes) = (self.name.clone(), self.bytes.len() as u64);
        let stored = StoredObject { uri, name: self.name.clone(), bytes };
        self.files.lock().expect("nobody panics with it").insert(self.name, self.bytes);
        Ok(stored)
    }
}
