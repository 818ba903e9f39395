//! Writes segments to S3: one PUT if small, else a multipart upload whose parts go out while the next
//! one fills.
//!
//! ```text
//! append() ─► one part ─► at most UPLOADS_IN_FLIGHT parts under way ─► finish: complete
//!               └─ full and no slot free: append() waits              └ drop: abort
//! ```
//!
//! A part is a list of what was appended: nothing is copied.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStoreExt, PutPayload};
use tokio::task::JoinSet;

use super::bucket::{Bucket, S3Fetch};
use super::fault::{Doing, Fault};
use super::local::{check_length, check_segment};
use super::ranged::{Fetch, fetch_part};
use super::runtime::runtime;
use super::types::{SegmentSink, SegmentWriter, StoredObject};
use crate::error::{Error, Result};

/// Size of one part of an upload; S3 takes 5 MiB to 5 GiB and at most 10,000 parts.
pub const UPLOAD_PART_BYTES: usize = 8 << 20;
/// Parts of one object under way at once.
pub const UPLOADS_IN_FLIGHT: usize = 2;
/// Longest wait for an abandoned upload to be aborted; a bucket's lifecycle rule cleans up after that.
const ABORT_WAIT: Duration = Duration::from_secs(10);

/// A prefix in a bucket that takes finished segments.
pub(super) struct S3Sink {
    bucket: Arc<Bucket>,
    prefix: Path,
}

impl S3Sink {
    pub(super) fn new(bucket: Arc<Bucket>, prefix: Path) -> Self {
        Self { bucket, prefix }
    }

    fn path(&self, name: &str) -> Result<Path> {
        check_segment(name)?;
        let path = self.prefix.clone().join(name);
        Path::parse(path.as_ref())
            .map_err(|e| Error::usage(format!("\"{name}\" is not a name for S3")).because(e))
    }
}

impl SegmentSink for S3Sink {
    fn create(&self, name: &str) -> Result<Box<dyn SegmentWriter>> {
        let path = self.path(name)?;
        Ok(Box::new(S3Writer {
            uri: format!("s3://{}/{path}", self.bucket.name),
            bucket: self.bucket.clone(),
            path,
            name: name.to_owned(),
            part: Vec::new(),
            part_bytes: 0,
            upload: None,
            parts: JoinSet::new(),
            bytes: 0,
            failed: false,
        }))
    }

    fn read_tail(&self, object: &StoredObject, bytes: u64) -> Result<Vec<u8>> {
        let path = self.path(&object.name)?;
        let told = |fault: Fault| fault.into_error(&object.uri, Doing::Writing);
        let head =
            runtime()?.block_on(self.bucket.calls.head(&path)).map_err(|e| told(Fault::of_store(&e)))?;
        check_length(object, head.size)?;
        let range = object.bytes.saturating_sub(bytes)..object.bytes;
        let bucket = self.bucket.clone();
        let fetch: Arc<dyn Fetch> = Arc::new(S3Fetch { bucket, path, etag: head.e_tag, length: head.size });
        let mut tail = Vec::new();
        let fetched = fetch_part(fetch, range, self.bucket.tuning, |piece| tail.extend_from_slice(&piece));
        runtime()?.block_on(fetched).map_err(told)?;
        Ok(tail)
    }

    fn remove(&self, object: &StoredObject) -> Result<()> {
        let path = self.path(&object.name)?;
        let removed = runtime()?.block_on(self.bucket.calls.delete(&path));
        removed.map_err(|error| Fault::of_store(&error).into_error(&object.uri, Doing::Writing))
    }
}

struct S3Writer {
    bucket: Arc<Bucket>,
    path: Path,
    uri: String,
    name: String,
    /// The part that fills, and its length.
    part: Vec<Bytes>,
    part_bytes: usize,
    upload: Option<Box<dyn MultipartUpload>>,
    parts: JoinSet<object_store::Result<()>>,
    bytes: u64,
    failed: bool,
}

impl S3Writer {
    fn told(&self, error: &object_store::Error) -> Error {
        Fault::of_store(error).into_error(&self.uri, Doing::Writing)
    }

    /// Sends the part, as soon as fewer than the most are under way.
    fn send_part(&mut self) -> Result<()> {
        self.wait_for_parts(UPLOADS_IN_FLIGHT - 1)?;
        let payload = self.take_part();
        if self.upload.is_none() {
            let started = runtime()?.block_on(self.bucket.calls.put_multipart(&self.path));
            self.upload = Some(started.map_err(|error| self.told(&error))?);
        }
        if let Some(upload) = &mut self.upload {
            self.parts.spawn_on(upload.put_part(payload), runtime()?.handle());
        }
        Ok(())
    }

    fn take_part(&mut self) -> PutPayload {
        self.part_bytes = 0;
        self.part.drain(..).collect()
    }

    fn wait_for_parts(&mut self, left_max: usize) -> Result<()> {
        while self.parts.len() > left_max {
            let Some(ended) = runtime()?.block_on(self.parts.join_next()) else { break };
            ended
                .map_err(|error| Error::machine("an upload task died").because(error))?
                .map_err(|error| self.told(&error))?;
        }
        Ok(())
    }

    fn put_small(&mut self) -> Result<()> {
        let payload = self.take_part();
        let put = runtime()?.block_on(self.bucket.calls.put(&self.path, payload));
        put.map(|_| ()).map_err(|error| self.told(&error))
    }

    fn complete(&mut self) -> Result<()> {
        if self.part_bytes > 0 {
            self.send_part()?;
        }
        self.wait_for_parts(0)?;
        let Some(upload) = &mut self.upload else { return Ok(()) };
        let completed = runtime()?.block_on(upload.complete());
        completed.map_err(|error| self.told(&error))?;
        // What is complete cannot be aborted any more.
        self.upload = None;
        Ok(())
    }
}

impl SegmentWriter for S3Writer {
    fn append(&mut self, mut bytes: Bytes) -> Result<()> {
        self.bytes += bytes.len() as u64;
        while !bytes.is_empty() {
            if self.part_bytes == UPLOAD_PART_BYTES {
                self.send_part().inspect_err(|_| self.failed = true)?;
            }
            let piece = bytes.split_to(bytes.len().min(UPLOAD_PART_BYTES - self.part_bytes));
            self.part_bytes += piece.len();
            self.part.push(piece);
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<StoredObject> {
        if self.failed {
            return Err(Error::transient("an upload that failed cannot be finished").in_object(&self.uri));
        }
        if self.upload.is_none() {
            self.put_small()?
        } else {
            self.complete()?
        }
        let (uri, name) = (std::mem::take(&mut self.uri), std::mem::take(&mut self.name));
        Ok(StoredObject { uri, name, bytes: self.bytes })
    }
}

impl Drop for S3Writer {
    fn drop(&mut self) {
        let Some(mut upload) = self.upload.take() else { return };
        let Ok(runtime) = runtime() else { return };
        let (mut parts, uri) = (std::mem::take(&mut self.parts), std::mem::take(&mut self.uri));
        let (done, wait) = mpsc::channel::<()>();
        // A task, not block_on: a drop can come from anywhere, and must not panic.
        runtime.spawn(async move {
            parts.shutdown().await;
            if let Err(error) = upload.abort().await {
                tracing::warn!(%uri, %error, "abandoned upload could not be aborted");
            }
            drop(done);
        });
        let _ = wait.recv_timeout(ABORT_WAIT);
    }
}
