//! One bucket of S3, and one of its objects, read by ranges.

use std::ops::Range;
use std::sync::Arc;

use futures::StreamExt;
use futures::future::BoxFuture;
use object_store::aws::AmazonS3;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectStore};

use super::fault::Fault;
use super::ranged::{Body, Fetch, Tuning};

/// One bucket, ready to be asked.
#[derive(Debug)]
pub(super) struct Bucket {
    pub(super) name: String,
    /// Not retried inside: [`super::ranged`] retries, and continues where a body broke off.
    pub(super) reads: AmazonS3,
    /// Retried inside.
    pub(super) calls: AmazonS3,
    pub(super) tuning: Tuning,
}

/// One object at one version.
pub(super) struct S3Fetch {
    pub(super) bucket: Arc<Bucket>,
    pub(super) path: Path,
    /// As S3 gave it, quotes and all; without one only the length is compared.
    pub(super) etag: Option<String>,
    pub(super) length: u64,
}

impl Fetch for S3Fetch {
    fn fetch(&self, range: Range<u64>) -> BoxFuture<'_, Result<Body, Fault>> {
        Box::pin(async move {
            let options = GetOptions {
                range: Some(GetRange::Bounded(range)),
                if_match: self.etag.clone(),
                ..GetOptions::default()
            };
            let answer = self.bucket.reads.get_opts(&self.path, options).await;
            let answer = answer.map_err(|error| Fault::of_store(&error))?;
            let etag_differs = self.etag.is_some() && answer.meta.e_tag != self.etag;
            if etag_differs || answer.meta.size != self.length {
                return Err(Fault::Changed(format!(
                    "it was {} bytes long, now it is {}; etag {:?}, now {:?}",
                    self.length, answer.meta.size, self.etag, answer.meta.e_tag
                )));
            }
            Ok(answer.into_stream().map(|piece| piece.map_err(|error| Fault::of_store(&error))).boxed())
        })
    }
}
