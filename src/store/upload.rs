//! Writes segments to S3: one PUT if small, else a multipart upload whose parts go out while the next
//! one fills.
//!
//! ```text
//! append() ─► one part ─► at most UPLOADS_IN_FLIGHT parts under way ─► finish: complete
//!               └─ full and no slot free: append() waits              └ drop: abort
//! ```
//!
//! Each request is tried again while its fault may pass. A completion whose answer was lost finds no upload
//! when it is tried again: then the object is looked at ([CompleteMultipartUpload][complete]).
//!
//! [complete]: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
//!
//! A part is a list of what was appended: nothing is copied.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

use bytes::Bytes;
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::{MultipartId, ObjectStoreExt, PutPayload};
use tokio::task::JoinSet;

use super::bucket::{Bucket, S3Fetch};
use super::fault::{Doing, Fault};
use super::local::check_length;
use super::location::Location;
use super::outpost::Outpost;
use super::ranged::{Fetch, fetch_part, repeating};
use super::runtime::runtime;
use super::segment_name::check_segment;
use super::types::{SegmentSink, SegmentWriter, StoredObject};
use super::unfinished_s3::UnfinishedObjects;
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
    set: Set,
}

/// The set that is being written, if it bears a mark.
type Set = Arc<Mutex<Option<UnfinishedObjects>>>;

fn lock(set: &Set) -> MutexGuard<'_, Option<UnfinishedObjects>> {
    set.lock().unwrap_or_else(PoisonError::into_inner)
}

impl S3Sink {
    pub(super) fn new(bucket: Arc<Bucket>, prefix: Path) -> Self {
        Self { bucket, prefix, set: Set::default() }
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
            set: self.set.clone(),
            part: Vec::new(),
            part_bytes: 0,
            upload: None,
            parts: JoinSet::new(),
            done: Vec::new(),
            bytes: 0,
            failed: false,
        }))
    }

    fn read_tail(&self, object: &StoredObject, bytes: u64) -> Result<Vec<u8>> {
        let path = self.path(&object.name)?;
        let told = |fault: Fault| fault.into_error(&object.uri, Doing::Writing);
        let head = runtime()?
            .block_on(repeating(self.bucket.tuning, || self.bucket.client.head(&path)))
            .map_err(told)?;
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
        if let Some(set) = &mut *lock(&self.set) {
            set.take_back(&object.name)?;
        }
        match runtime()?.block_on(repeating(self.bucket.tuning, || self.bucket.client.delete(&path))) {
            // The answer to an earlier try was lost, if it was not gone before.
            Ok(()) | Err(Fault::Missing(_)) => Ok(()),
            Err(fault) => Err(fault.into_error(&object.uri, Doing::Writing)),
        }
    }

    fn begin(&self, load_id: &str) -> Result<()> {
        let begun = UnfinishedObjects::begin(self.bucket.clone(), self.prefix.clone(), load_id)?;
        *lock(&self.set) = Some(begun);
        Ok(())
    }

    fn end(&self, whole: bool) -> Result<()> {
        let set = lock(&self.set).take();
        set.map_or(Ok(()), |set| set.end(whole))
    }

    fn outpost(&self) -> Result<Option<Outpost>> {
        let mark = lock(&self.set).as_mut().map(UnfinishedObjects::of_others).transpose()?;
        let (bucket, key) = (self.bucket.name.clone(), self.prefix.to_string());
        Ok(Outpost::new(&Location::S3 { bucket, key }, mark))
    }

    fn adopt(&self, objects: &[&StoredObject]) -> Result<()> {
        if let Some(set) = &mut *lock(&self.set) {
            set.adopt(objects);
        }
        Ok(())
    }
}

struct S3Writer {
    bucket: Arc<Bucket>,
    path: Path,
    uri: String,
    name: String,
    set: Set,
    /// The part that fills, and its length.
    part: Vec<Bytes>,
    part_bytes: usize,
    upload: Option<MultipartId>,
    /// Parts under way, by their place.
    parts: JoinSet<(usize, Result<PartId, Fault>)>,
    /// Parts that are there; the places of those under way are empty.
    done: Vec<Option<PartId>>,
    bytes: u64,
    failed: bool,
}

impl S3Writer {
    fn told(&self, fault: Fault) -> Error {
        fault.into_error(&self.uri, Doing::Writing)
    }

    /// Sends the part, as soon as fewer than the most are under way.
    fn send_part(&mut self) -> Result<()> {
        self.wait_for_parts(UPLOADS_IN_FLIGHT - 1)?;
        let payload = self.take_part();
        let upload = match self.upload.take() {
            Some(upload) => upload,
            None => self.start()?,
        };
        self.upload = Some(upload.clone());
        let (bucket, path, at) = (self.bucket.clone(), self.path.clone(), self.done.len());
        self.done.push(None);
        let send = async move {
            let put = || bucket.client.put_part(&path, &upload, at, payload.clone());
            (at, repeating(bucket.tuning, put).await)
        };
        self.parts.spawn_on(send, runtime()?.handle());
        Ok(())
    }

    fn start(&self) -> Result<MultipartId> {
        let start = || self.bucket.client.create_multipart(&self.path);
        runtime()?.block_on(repeating(self.bucket.tuning, start)).map_err(|fault| self.told(fault))
    }

    fn take_part(&mut self) -> PutPayload {
        self.part_bytes = 0;
        self.part.drain(..).collect()
    }

    fn wait_for_parts(&mut self, left_max: usize) -> Result<()> {
        while self.parts.len() > left_max {
            let Some(ended) = runtime()?.block_on(self.parts.join_next()) else { break };
            let (at, part) = ended.map_err(|error| Error::machine("an upload task died").because(error))?;
            let part = part.map_err(|fault| self.told(fault))?;
            if let Some(place) = self.done.get_mut(at) {
                *place = Some(part);
            }
        }
        Ok(())
    }

    fn put_small(&mut self) -> Result<()> {
        let payload = self.take_part();
        let put = || self.bucket.client.put(&self.path, payload.clone());
        let put = runtime()?.block_on(repeating(self.bucket.tuning, put));
        put.map(|_| ()).map_err(|fault| self.told(fault))
    }

    fn complete(&mut self) -> Result<()> {
        if self.part_bytes > 0 {
            self.send_part()?;
        }
        self.wait_for_parts(0)?;
        let Some(upload) = &self.upload else { return Ok(()) };
        let parts: Option<Vec<PartId>> = self.done.iter().cloned().collect();
        let parts = parts.ok_or_else(|| Error::machine("a part of an upload is missing"))?;
        let complete = || self.bucket.client.complete_multipart(&self.path, upload, parts.clone());
        match runtime()?.block_on(repeating(self.bucket.tuning, complete)) {
            Ok(_) => {}
            Err(Fault::Missing(cause)) => self.look(cause)?,
            Err(fault) => return Err(self.told(fault)),
        }
        // What is complete cannot be aborted any more.
        self.upload = None;
        Ok(())
    }

    /// There is no upload: the answer to an earlier completion was lost, if the object is there. What is in it
    /// is read back before it is loaded.
    fn look(&self, cause: String) -> Result<()> {
        let head = || self.bucket.client.head(&self.path);
        match runtime()?.block_on(repeating(self.bucket.tuning, head)) {
            Ok(found) if found.size == self.bytes => Ok(()),
            Ok(_) | Err(Fault::Missing(_)) => Err(Error::transient("the upload was ended by somebody else")
                .in_object(&self.uri)
                .help("look for a lifecycle rule that aborts uploads of less than a day")
                .because(cause)),
            Err(fault) => Err(self.told(fault)),
        }
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
        if let Some(set) = &mut *lock(&self.set) {
            set.add(&self.name, self.bytes)?;
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
        let Some(upload) = self.upload.take() else { return };
        let Ok(runtime) = runtime() else { return };
        let (mut parts, uri) = (std::mem::take(&mut self.parts), std::mem::take(&mut self.uri));
        let (bucket, path) = (self.bucket.clone(), self.path.clone());
        let (done, wait) = mpsc::channel::<()>();
        // A task, not block_on: a drop can come from anywhere, and must not panic.
        runtime.spawn(async move {
            parts.shutdown().await;
            match repeating(bucket.tuning, || bucket.client.abort_multipart(&path, &upload)).await {
                Ok(()) | Err(Fault::Missing(_)) => {}
                Err(fault) => tracing::warn!(%uri, ?fault, "abandoned upload could not be aborted"),
            }
            drop(done);
        });
        let _ = wait.recv_timeout(ABORT_WAIT);
    }
}
