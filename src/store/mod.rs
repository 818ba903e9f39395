//! Where bytes come from and go to: local files, standard input, S3, signed URLs.
//!
//! ```text
//!            ┌ local ┐                          ┌ local: temp name, fsync, rename
//! Location ──┼ s3    ┼──► ByteSource    SegmentSink
//!            └ https ┘    pinned, in order      └ s3: multipart, complete or abort
//! ```
//!
//! Everything here is called from ordinary threads and blocks them; what is asynchronous underneath
//! stays in here. Inside an async program, call it from a blocking task.

mod discover;
mod durable;
mod local;
mod location;
pub mod outputs;
mod types;
mod unfinished;

#[cfg(feature = "cloud")]
pub mod objects;

#[cfg(feature = "cloud")]
mod buffers;
#[cfg(feature = "cloud")]
mod connections;
#[cfg(feature = "cloud")]
mod credentials;
#[cfg(feature = "cloud")]
mod fault;
#[cfg(feature = "cloud")]
mod guard;
#[cfg(feature = "cloud")]
pub mod https;
#[cfg(feature = "cloud")]
mod ranged;
#[cfg_attr(not(feature = "cloud"), path = "absent.rs")]
mod remote;
#[cfg(feature = "cloud")]
mod runtime;
#[cfg(feature = "cloud")]
pub mod s3;
#[cfg(feature = "cloud")]
mod upload;

pub use discover::{DATES_TRIED_MAX, Export, discover, exported_at_of};
pub use durable::{sync_dir, temporary_of, write_atomically};
#[cfg(feature = "cloud")]
pub use guard::{S3_ENDPOINT, foreign};
pub use local::{LocalSink, LocalSource, StdinSource};
pub use location::{HttpUrl, LOCATION_BYTES_MAX, Location};
#[cfg(feature = "cloud")]
pub use ranged::{ATTEMPTS_MAX, BACKOFF_FIRST, BACKOFF_MAX, PART_BYTES, READ_AHEAD_PARTS, STALL, Tuning};
#[cfg(any(feature = "redshift", feature = "notify", feature = "glue", feature = "serve"))]
pub(crate) use runtime::runtime;
pub use types::{ByteSource, ExportKind, ObjectInfo, SegmentSink, SegmentWriter, StoredObject};
#[cfg(feature = "cloud")]
pub use upload::{UPLOAD_PART_BYTES, UPLOADS_IN_FLIGHT};

use crate::error::{Error, Place, Result};

/// What AWS's own chain says of credentials, region and endpoints, for the clients of other services.
///
/// # Errors
/// [`Error::Machine`] if the network threads cannot be started.
#[cfg(any(feature = "redshift", feature = "notify", feature = "glue", feature = "serve"))]
pub(crate) fn aws_config() -> Result<aws_config::SdkConfig> {
    static FOUND: std::sync::OnceLock<aws_config::SdkConfig> = std::sync::OnceLock::new();
    if let Some(found) = FOUND.get() {
        return Ok(found.clone());
    }
    let found = runtime()?.block_on(credentials::load());
    Ok(FOUND.get_or_init(|| found).clone())
}

/// Opens `location` and pins what is there.
///
/// # Errors
/// [`Error::Access`] if it is not there or not readable, [`Error::Transient`] if it does not answer,
/// [`Error::Usage`] if it is nothing to read from.
pub fn open(location: &Location) -> Result<Box<dyn ByteSource>> {
    match location {
        Location::Stdin => Ok(Box::new(StdinSource::new())),
        Location::Local(path) => Ok(Box::new(LocalSource::open(path)?)),
        Location::S3 { .. } | Location::Https(_) => remote::open(location),
    }
}

/// A place for segments: a folder, or a prefix in a bucket.
///
/// # Errors
/// [`Error::Usage`] for standard input and URLs; [`Error::Access`] if the folder cannot be made or no
/// credentials are found.
pub fn sink(location: &Location) -> Result<Box<dyn SegmentSink>> {
    match location {
        Location::Local(path) => Ok(Box::new(LocalSink::new(path)?)),
        Location::S3 { .. } => remote::sink(location),
        Location::Stdin | Location::Https(_) => Err(Error::usage("segments cannot be written there")
            .at(Place::uri(location.to_string()))
            .help("name a folder or s3://bucket/prefix")),
    }
}

/// Looks at the place of a conversion: it must not hold Parquet already. With `replace`, what a conversion
/// that was killed has left in a folder is removed first, and nothing else.
///
/// # Errors
/// [`Error::Usage`] if it holds Parquet, or the files of a conversion that has not ended; [`Error::Transient`]
/// if that one is still running.
pub fn prepare_out(out: &Location, replace: bool) -> Result<()> {
    match out {
        Location::Local(folder) if replace && folder.is_dir() => unfinished::clear(folder)?,
        _ => {}
    }
    unfinished::refuse_taken(&out.to_string(), &file_names(out)?)
}

/// All of something small, such as a schema: at most `bytes_max` bytes.
///
/// # Errors
/// As [`open`]; [`Error::Input`] if it is larger.
pub fn fetch_small(location: &Location, bytes_max: usize) -> Result<Vec<u8>> {
    let mut source = match location {
        Location::Https(_) => remote::open_whole(location)?,
        _ => open(location)?,
    };
    let mut fetched = Vec::new();
    let mut chunk = vec![0; bytes_max.saturating_add(1).min(64 << 10)];
    loop {
        let count = source.read(&mut chunk)?;
        if count == 0 {
            return Ok(fetched);
        }
        if fetched.len() + count > bytes_max {
            return Err(Error::input(format!("this is larger than {bytes_max} bytes"))
                .at(Place::uri(location.to_string()))
                .help("check that the location names the right file"));
        }
        fetched.extend_from_slice(&chunk[..count]);
    }
}

/// Names of the files or objects in a folder or right below a prefix; nothing there is no error.
///
/// # Errors
/// [`Error::Access`] if it cannot be listed, [`Error::Usage`] for standard input and URLs.
pub fn file_names(location: &Location) -> Result<Vec<String>> {
    match location {
        Location::Local(_) | Location::S3 { .. } => {
            Ok(list(location)?.files.into_iter().map(|(name, _)| name).collect())
        }
        Location::Stdin | Location::Https(_) => {
            Err(Error::usage("this is neither a folder nor a prefix").at(Place::uri(location.to_string())))
        }
    }
}

/// One level of names below `location`; nothing there is an empty listing.
fn list(location: &Location) -> Result<discover::Listing> {
    match location {
        Location::Local(path) => local::list(path),
        _ => remote::list(location),
    }
}
