//! From a location to what reads, writes and lists there.

use super::local::{self, LocalSink, LocalSource, StdinSource};
use super::location::Location;
#[cfg(feature = "aws")]
use super::remote;
use super::types::{ByteSource, Listing, ObjectInfo, SegmentSink};
use super::unfinished;
use crate::error::{Error, Place, Result};

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

/// Reads on in an object that was opened before, maybe elsewhere: from byte `from` on, of which `bytes_hint` will most
/// likely be read. What is behind them is read when it is asked for. The object must be of the version and length that
/// `pinned` says; a local file of the length and time, as its number differs from one machine to another.
///
/// # Errors
/// [`Error::Input`] if it is another by now; [`Error::Usage`] for what cannot be read from its middle: standard input,
/// URLs, an object whose length is not known, a byte behind its end.
pub fn open_range(
    location: &Location,
    pinned: &ObjectInfo,
    from: u64,
    bytes_hint: u64,
) -> Result<Box<dyn ByteSource>> {
    let refused = |what: &str| {
        Err(Error::usage(what)
            .at(Place { byte: Some(from), ..Place::uri(pinned.uri.clone()) })
            .help("name a file or an object of S3"))
    };
    match (location, pinned.bytes) {
        (_, Some(bytes)) if from > bytes => refused("there is nothing to read behind the end"),
        (Location::Local(path), Some(_)) => Ok(Box::new(LocalSource::open_at(path, pinned, from)?)),
        (Location::S3 { .. }, Some(_)) => remote::open_range(location, pinned, from, bytes_hint),
        _ => refused("this cannot be read from its middle"),
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
/// that was killed has left there is removed first, and nothing else.
///
/// # Errors
/// [`Error::Usage`] if it holds Parquet, or the files of a conversion that has not ended; [`Error::Transient`]
/// if that one is still running.
pub fn prepare_out(out: &Location, replace: bool) -> Result<()> {
    match out {
        Location::Local(folder) if replace && folder.is_dir() => unfinished::clear(folder)?,
        Location::S3 { .. } if replace => remote::clear(out)?,
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
            Ok(list(location)?.files.into_iter().map(|listed| listed.name).collect())
        }
        Location::Stdin | Location::Https(_) => {
            Err(Error::usage("this is neither a folder nor a prefix").at(Place::uri(location.to_string())))
        }
    }
}

/// One level of names below `location`; nothing there is an empty listing.
pub(super) fn list(location: &Location) -> Result<Listing> {
    match location {
        Location::Local(path) => local::list(path),
        _ => remote::list(location),
    }
}

/// What a build without the aws feature says of S3 and URLs.
#[cfg(not(feature = "aws"))]
mod remote {
    use crate::error::{Error, Place, Result};
    use crate::features::Feature;
    use crate::store::location::Location;
    use crate::store::types::{ByteSource, Listing, ObjectInfo, SegmentSink};

    fn missing(location: &Location) -> Error {
        Feature::Aws.missing("S3 or a URL").at(Place::uri(location.to_string()))
    }

    pub(super) fn open(location: &Location) -> Result<Box<dyn ByteSource>> {
        Err(missing(location))
    }

    pub(super) fn open_whole(location: &Location) -> Result<Box<dyn ByteSource>> {
        Err(missing(location))
    }

    pub(super) fn open_range(
        location: &Location,
        _: &ObjectInfo,
        _: u64,
        _: u64,
    ) -> Result<Box<dyn ByteSource>> {
        Err(missing(location))
    }

    pub(super) fn sink(location: &Location) -> Result<Box<dyn SegmentSink>> {
        Err(missing(location))
    }

    pub(super) fn clear(location: &Location) -> Result<()> {
        Err(missing(location))
    }

    pub(super) fn list(location: &Location) -> Result<Listing> {
        Err(missing(location))
    }
}
