//! S3, read by ranges and listed by names; writing is in `upload`.
//!
//! ```text
//! AWS's chain ─► S3 ─► Bucket ─┬ HEAD and ranged GET, retried where the bytes are counted
//!                              └ list, put, multipart, retried by the same rules
//! ```
//!
//! All buckets share one set of connections.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey, AwsCredential, AwsCredentialProvider};
use object_store::path::Path;
use object_store::{
    ClientOptions, GetOptions, ObjectMeta, ObjectStore, RetryConfig, StaticCredentialProvider, aws,
};

use super::bucket::{Bucket, S3Fetch};
use super::connections::{CONNECT_TIMEOUT, Connections};
use super::credentials::{Chain, endpoint_of, load};
use super::fault::{Doing, Fault, cut};
use super::location::Location;
use super::ranged::{RangedSource, Tuning, repeating, retrying};
use super::runtime::runtime;
use super::types::{ByteSource, Listed, Listing, ObjectInfo, SegmentSink};
use super::upload::S3Sink;
use crate::error::{Error, Place, Result};

/// Buckets whose clients are kept; a run has an export's, a staging place's and a manifest's.
const BUCKETS_KEPT_MAX: usize = 16;
/// Says that uploads are not hashed for their signature, or that they are.
const UNSIGNED_PAYLOAD: &str = "AWS_UNSIGNED_PAYLOAD";
/// What signs requests to an endpoint that is not AWS's and for which no region is set.
const REGION_OF_OTHER_ENDPOINTS: &str = "us-east-1";

/// What AWS's own chain would say, said explicitly.
#[derive(Debug, Clone)]
pub struct S3Options {
    /// Endpoint that stands in for AWS's own.
    pub endpoint: Option<String>,
    /// Region, where the bucket does not say.
    pub region: Option<String>,
    /// Access key id and secret.
    pub access_key: (String, String),
    /// Limits of reading.
    pub tuning: Tuning,
}

/// How S3 encrypts what is written: the headers that a bucket's policy can demand
/// ([server-side encryption][sse]).
///
/// [sse]: https://docs.aws.amazon.com/AmazonS3/latest/userguide/serv-side-encryption.html
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub enum Encryption {
    /// As the bucket has it: no header.
    #[default]
    OfBucket,
    /// `AES256`: keys of S3.
    S3,
    /// `aws:kms`: a key of KMS, AWS's own if none is named.
    Kms(Option<String>),
    /// `aws:kms:dsse`: the same, twice.
    KmsTwice(Option<String>),
}

impl Encryption {
    /// Reads `staging.sse` and `staging.kms_key`.
    ///
    /// # Errors
    /// [`Error::Usage`] for another word, and for a key that nothing uses.
    pub fn of_words(sse: Option<&str>, kms_key: Option<&str>) -> Result<Self> {
        let key = kms_key.map(str::to_owned);
        match (sse, &key) {
            (None, None) => Ok(Self::OfBucket),
            (Some("AES256"), None) => Ok(Self::S3),
            (Some("aws:kms") | None, _) => Ok(Self::Kms(key)),
            (Some("aws:kms:dsse"), _) => Ok(Self::KmsTwice(key)),
            (Some("AES256"), Some(_)) => {
                Err(Error::usage("staging.kms_key is set, and staging.sse is AES256")
                    .help("AES256 is encryption by keys of S3: write aws:kms, or leave the key out"))
            }
            (Some(other), _) => Err(Error::usage(format!("staging.sse: \"{other}\" is not known"))
                .help("write AES256, aws:kms or aws:kms:dsse")),
        }
    }

    /// The builder with these headers; names and words are object_store's.
    fn on(&self, builder: AmazonS3Builder) -> Result<AmazonS3Builder> {
        let (word, kms_key) = match self {
            Self::OfBucket => return Ok(builder),
            Self::S3 => ("AES256", &None),
            Self::Kms(key) => ("aws:kms", key),
            Self::KmsTwice(key) => ("aws:kms:dsse", key),
        };
        let named = |name: &str| {
            name.parse::<AmazonS3ConfigKey>()
                .map_err(|error| Error::machine("no such setting of object_store").because(error))
        };
        let builder = builder.with_config(named("aws_server_side_encryption")?, word);
        Ok(match kms_key {
            Some(key) => builder.with_config(named("aws_sse_kms_key_id")?, key),
            None => builder,
        })
    }
}

/// Buckets that were asked for, by name and by how what is written there is encrypted.
type Buckets = HashMap<(String, Encryption), Arc<Bucket>>;

/// S3 as one set of credentials sees it.
#[derive(Debug, Clone)]
pub struct S3 {
    endpoint: Option<String>,
    region: Option<String>,
    credentials: AwsCredentialProvider,
    hash_uploads: bool,
    tuning: Tuning,
    encryption: Encryption,
    buckets: Arc<Mutex<Buckets>>,
    connections: Connections,
}

impl S3 {
    /// S3 by AWS's own chain: environment, profiles, SSO, processes, container and instance roles.
    ///
    /// # Errors
    /// [`Error::Machine`] if the network threads cannot be started.
    pub fn from_environment() -> Result<Self> {
        static FOUND: OnceLock<S3> = OnceLock::new();
        if let Some(found) = FOUND.get() {
            return Ok(found.clone());
        }
        let config = runtime()?.block_on(load());
        let endpoint = endpoint_of(&config);
        let found = Self {
            hash_uploads: hash_uploads(std::env::var(UNSIGNED_PAYLOAD).ok().as_deref(), endpoint.as_deref())?,
            endpoint,
            region: config.region().map(|region| region.to_string()),
            credentials: Arc::new(Chain::new(&config)),
            tuning: Tuning::default(),
            encryption: Encryption::default(),
            buckets: Arc::default(),
            connections: Connections::default(),
        };
        Ok(FOUND.get_or_init(|| found).clone())
    }

    /// S3 by explicit options, for tests and tools.
    pub fn with(options: S3Options) -> Self {
        let (key_id, secret_key) = options.access_key;
        let credential = AwsCredential { key_id, secret_key, token: None };
        Self {
            hash_uploads: is_plain(options.endpoint.as_deref()),
            endpoint: options.endpoint,
            region: options.region,
            credentials: Arc::new(StaticCredentialProvider::new(credential)),
            tuning: options.tuning,
            encryption: Encryption::default(),
            buckets: Arc::default(),
            connections: Connections::default(),
        }
    }

    /// The same, but what it writes is encrypted like this.
    #[must_use]
    pub fn encrypted(self, encryption: Encryption) -> Self {
        Self { encryption, ..self }
    }

    /// Opens one object and pins its version and length.
    ///
    /// # Errors
    /// [`Error::Access`] if it is not there or not readable, [`Error::Transient`] if S3 does not answer.
    pub fn open(&self, location: &Location) -> Result<Box<dyn ByteSource>> {
        self.open_at(location, 0, |_| true)
    }

    /// The same from byte `at` on, if the object is still the one that was `known`.
    ///
    /// # Errors
    /// As [`S3::open`]; [`Error::Input`] if it is another by now.
    pub(super) fn open_on(
        &self,
        location: &Location,
        known: &ObjectInfo,
        at: u64,
    ) -> Result<Box<dyn ByteSource>> {
        self.open_at(location, at, |found| found.etag == known.etag && found.bytes == known.bytes)
    }

    /// The object that `pinned` says, from byte `from` on, of which `bytes_hint` will most likely be read. It is not asked
    /// for before it is read: each answer must be of that version ([`If-Match`][get]) and length.
    ///
    /// # Errors
    /// [`Error::Usage`] if its length is not known.
    ///
    /// [get]: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
    pub fn open_range(
        &self,
        location: &Location,
        pinned: &ObjectInfo,
        from: u64,
        bytes_hint: u64,
    ) -> Result<Box<dyn ByteSource>> {
        let (bucket, path) = self.place(location)?;
        let Some(length) = pinned.bytes else {
            return Err(Error::usage("the length of the object is not known").at(Place::uri(&pinned.uri)));
        };
        let etag = pinned.etag.as_ref().map(|etag| format!("\"{etag}\""));
        let fetch = Arc::new(S3Fetch { bucket, path, etag, length });
        let source = RangedSource::new(fetch, pinned.clone(), length, self.tuning, from);
        Ok(Box::new(source.expecting(bytes_hint)))
    }

    fn open_at(
        &self,
        location: &Location,
        at: u64,
        is_it: impl FnOnce(&ObjectInfo) -> bool,
    ) -> Result<Box<dyn ByteSource>> {
        let (bucket, path) = self.place(location)?;
        let uri = location.to_string();
        let meta = self.head(&bucket, &path).map_err(|fault| fault.into_error(&uri, Doing::Reading))?;
        let info = ObjectInfo { uri, etag: etag_of(&meta), bytes: Some(meta.size) };
        if !is_it(&info) {
            let what = "another object is under this name than the one that was read so far".to_owned();
            return Err(Fault::Changed(what).into_error(&info.uri, Doing::Reading));
        }
        let tuning = self.tuning;
        let fetch = S3Fetch { bucket, path, etag: meta.e_tag, length: meta.size };
        Ok(Box::new(RangedSource::new(Arc::new(fetch), info, meta.size, tuning, at)))
    }

    fn head(&self, bucket: &Bucket, path: &Path) -> Result<ObjectMeta, Fault> {
        let head = || async {
            let options = GetOptions { head: true, ..GetOptions::default() };
            let answer = bucket.client.get_opts(path, options).await;
            answer.map(|answer| answer.meta).map_err(|error| Fault::of_store(&error))
        };
        let runtime = runtime().map_err(|error| Fault::Passing(error.to_string()))?;
        runtime.block_on(retrying(self.tuning, head))
    }

    /// A place for segments below a prefix.
    ///
    /// # Errors
    /// [`Error::Usage`] if it is no bucket.
    pub fn sink(&self, location: &Location) -> Result<Box<dyn SegmentSink>> {
        let (bucket, prefix) = self.place(location)?;
        Ok(Box::new(S3Sink::new(bucket, prefix)))
    }

    pub(super) fn list(&self, location: &Location) -> Result<Listing> {
        let (bucket, prefix) = self.place(location)?;
        let prefix = (!prefix.as_ref().is_empty()).then_some(&prefix);
        let listed = runtime()?
            .block_on(repeating(self.tuning, || bucket.client.list_with_delimiter(prefix)))
            .map_err(|fault| fault.into_error(&location.to_string(), Doing::Listing))?;
        let name = |path: &Path| path.filename().map(str::to_owned);
        let file = |meta: &ObjectMeta| {
            let (name, bytes, etag) = (name(&meta.location)?, Some(meta.size), etag_of(meta));
            Some(Listed { name, bytes, etag, is_link: false })
        };
        Ok(Listing {
            folders: listed.common_prefixes.iter().filter_map(name).collect(),
            files: listed.objects.iter().filter_map(file).collect(),
        })
    }

    pub(super) fn place(&self, location: &Location) -> Result<(Arc<Bucket>, Path)> {
        let Location::S3 { bucket, key } = location else {
            return Err(Error::usage("this is not an s3:// location").at(Place::uri(location.to_string())));
        };
        let path = Path::parse(key).map_err(|error| {
            Error::usage("this key cannot be asked for").at(Place::uri(location.to_string())).because(error)
        })?;
        Ok((self.bucket(bucket)?, path))
    }

    /// Clients are kept: each looks up its bucket's region and warms up its own connections.
    fn bucket(&self, name: &str) -> Result<Arc<Bucket>> {
        let mut kept = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let known = (name.to_owned(), self.encryption.clone());
        if let Some(bucket) = kept.get(&known) {
            return Ok(bucket.clone());
        }
        let region = self.region_of(name)?;
        let bucket = Arc::new(Bucket {
            name: name.to_owned(),
            client: self.client(name, &region)?,
            tuning: self.tuning,
        });
        if kept.len() >= BUCKETS_KEPT_MAX {
            kept.clear();
        }
        kept.insert(known, bucket.clone());
        Ok(bucket)
    }

    /// An export's bucket is ControlShift's, often in another region than the customer's own: so S3 is
    /// asked first, and what is configured is for places where that question gets no answer.
    pub(super) fn region_of(&self, bucket: &str) -> Result<String> {
        if self.endpoint.is_some() {
            return Ok(self.region.clone().unwrap_or_else(|| REGION_OF_OTHER_ENDPOINTS.to_owned()));
        }
        let options =
            ClientOptions::new().with_connect_timeout(CONNECT_TIMEOUT).with_timeout(CONNECT_TIMEOUT);
        match runtime()?.block_on(aws::resolve_bucket_region(bucket, &options)) {
            Ok(region) => Ok(region),
            Err(error) => self.region.clone().ok_or_else(|| {
                Error::usage(format!("the region of bucket \"{bucket}\" cannot be found out"))
                    .help("check the bucket's name, or set AWS_REGION to its region")
                    .because(cut(&error.to_string()))
            }),
        }
    }

    fn client(&self, bucket: &str, region: &str) -> Result<AmazonS3> {
        let plain = is_plain(self.endpoint.as_deref());
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(bucket)
            .with_region(region)
            .with_credentials(self.credentials.clone())
            .with_retry(RetryConfig { max_retries: 0, ..RetryConfig::default() })
            .with_unsigned_payload(!self.hash_uploads)
            .with_allow_http(plain)
            .with_http_connector(self.connections.open(plain)?);
        if let Some(endpoint) = &self.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        self.encryption.on(builder)?.build().map_err(|error| {
            Error::usage(format!("bucket \"{bucket}\" cannot be set up"))
                .help("check the bucket's name and AWS_ENDPOINT_URL")
                .because(cut(&error.to_string()))
        })
    }
}

fn is_plain(endpoint: Option<&str>) -> bool {
    endpoint.is_some_and(|url| url.to_ascii_lowercase().starts_with("http://"))
}

/// Whether the hash of each upload is part of its signature. TLS guards what it carries, so the hash is
/// for `http://` alone, unless the variable says otherwise.
fn hash_uploads(unsigned: Option<&str>, endpoint: Option<&str>) -> Result<bool> {
    match unsigned.map(str::to_ascii_lowercase).as_deref() {
        None | Some("") => Ok(is_plain(endpoint)),
        Some("true" | "1") => Ok(false),
        Some("false" | "0") => Ok(true),
        Some(other) => {
            Err(Error::usage(format!("{UNSIGNED_PAYLOAD} is \"{other}\", neither true nor false")))
        }
    }
}

/// The version of an object, without the quotes of HTTP: a listing has it as an answer does.
fn etag_of(meta: &ObjectMeta) -> Option<String> {
    meta.e_tag.as_deref().map(|etag| etag.trim_matches('"').to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn uploads_are_hashed_where_no_tls_guards_them() {
        let (plain, tls) = (Some("HTTP://127.0.0.1:9000"), Some("https://minio.example.org"));
        for (unsigned, endpoint, hashed) in [
            (None, None, Some(false)),
            (None, tls, Some(false)),
            (None, plain, Some(true)),
            (Some(""), plain, Some(true)),
            (Some("True"), plain, Some(false)),
            (Some("1"), plain, Some(false)),
            (Some("false"), None, Some(true)),
            (Some("0"), tls, Some(true)),
            (Some("perhaps"), None, None),
        ] {
            assert_eq!(hash_uploads(unsigned, endpoint).ok(), hashed, "{unsigned:?} {endpoint:?}");
        }
    }

    #[test]
    fn words_of_encryption() {
        let key = Some("arn:aws:kms:us-east-1:1:key/k");
        for (sse, kms_key, expected) in [
            (None, None, Some(Encryption::OfBucket)),
            (Some("AES256"), None, Some(Encryption::S3)),
            (Some("aws:kms"), None, Some(Encryption::Kms(None))),
            (Some("aws:kms"), key, Some(Encryption::Kms(key.map(str::to_owned)))),
            (None, key, Some(Encryption::Kms(key.map(str::to_owned)))),
            (Some("aws:kms:dsse"), key, Some(Encryption::KmsTwice(key.map(str::to_owned)))),
            (Some("AES256"), key, None),
            (Some("sse-c"), None, None),
            (Some("aes256"), None, None),
        ] {
            assert_eq!(Encryption::of_words(sse, kms_key).ok(), expected, "{sse:?} {kms_key:?}");
        }
    }
}
