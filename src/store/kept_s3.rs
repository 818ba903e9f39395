//! Files that are kept in S3, each there when it is whole.

use super::fault::{Doing, Fault};
use super::kept::{KeptFile, KeptFiles};
use super::location::Location;
use super::objects::{self, ObjectBelow};
use super::ranged::repeating;
use super::runtime::runtime;
use super::s3::{Encryption, S3};
use super::types::SegmentWriter;
use crate::error::{Error, Place, Result};
use object_store::ObjectStoreExt;

/// Longest first line that is asked for; those of ours have one value, cut to a readable length.
const LINE_BYTES_MAX: u64 = 64 << 10;

/// Files below prefixes of buckets.
#[derive(Debug, Clone)]
pub struct S3Files {
    encryption: Encryption,
}

impl S3Files {
    /// Files that are encrypted like this.
    pub fn new(encryption: Encryption) -> Self {
        Self { encryption }
    }
}

impl KeptFiles for S3Files {
    fn create(&self, at: &Location) -> Result<Box<dyn SegmentWriter>> {
        let (place, name) = split(at)?;
        S3::from_environment()?.encrypted(self.encryption.clone()).sink(&place)?.create(name)
    }

    fn first_line(&self, at: &Location) -> Result<Option<Vec<u8>>> {
        let (bucket, path) = S3::from_environment()?.place(at)?;
        let told = |fault: Fault| fault.into_error(&at.to_string(), Doing::Reading);
        let head = runtime()?.block_on(repeating(bucket.tuning, || bucket.client.head(&path)));
        let bytes = match head {
            Err(Fault::Missing(_)) => return Ok(None),
            head => head.map_err(told)?.size.min(LINE_BYTES_MAX),
        };
        // S3 has no range of nothing.
        if bytes == 0 {
            return Ok(Some(Vec::new()));
        }
        let read = || bucket.client.get_range(&path, 0..bytes);
        let mut line = runtime()?.block_on(repeating(bucket.tuning, read)).map_err(told)?.to_vec();
        if let Some(end) = line.iter().position(|byte| *byte == b'\n') {
            line.truncate(end + 1);
        }
        Ok(Some(line))
    }

    fn list(&self, place: &Location, looked_at_max: usize) -> Result<Vec<KeptFile>> {
        let found = objects::some_below(place, looked_at_max)?;
        let right_inside = found.into_iter().filter(|object| !object.name.contains('/'));
        Ok(right_inside.map(|ObjectBelow { name, modified, .. }| KeptFile { name, modified }).collect())
    }

    fn remove(&self, at: &Location) -> Result<()> {
        objects::remove(at)
    }
}

/// The prefix and the name that make a key.
fn split(at: &Location) -> Result<(Location, &str)> {
    let Location::S3 { bucket, key } = at else {
        return Err(Error::usage("this is not an s3:// location").at(Place::uri(at.to_string())));
    };
    let (prefix, name) = key.rsplit_once('/').unwrap_or(("", key));
    Ok((Location::S3 { bucket: bucket.clone(), key: prefix.to_owned() }, name))
}
