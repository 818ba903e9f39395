//! Small objects of S3 and what is known of them: manifests, and the files that a staging place holds.

use super::fault::{Doing, Fault};
use super::location::Location;
use super::ranged::repeating;
use super::runtime::runtime;
use super::s3::{Encryption, S3};
use crate::error::{Error, Place, Result};
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use std::time::SystemTime;

/// Objects that one listing returns at most; a staging place holds a few thousand.
const LISTED_MAX: usize = 1_000_000;

/// An object below a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectBelow {
    /// Its key without the place's own, and without a slash before it.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// When it was written.
    pub modified: SystemTime,
}

/// Writes a small object, whole.
///
/// # Errors
/// [`Error::Access`] if that is not allowed, [`Error::Transient`] if S3 does not answer.
pub fn put(location: &Location, bytes: Vec<u8>) -> Result<()> {
    put_encrypted(location, bytes, Encryption::default())
}

/// The same, encrypted like this.
///
/// # Errors
/// As [`put`].
pub fn put_encrypted(location: &Location, bytes: Vec<u8>, encryption: Encryption) -> Result<()> {
    let (bucket, path) = S3::from_environment()?.encrypted(encryption).place(location)?;
    let payload = PutPayload::from(bytes);
    let put = repeating(bucket.tuning, || bucket.client.put(&path, payload.clone()));
    let put = runtime()?.block_on(put);
    put.map(drop).map_err(|fault| fault.into_error(&location.to_string(), Doing::Writing))
}

/// Removes an object; one that is not there is no error.
///
/// # Errors
/// As [`put`].
pub fn remove(location: &Location) -> Result<()> {
    let (bucket, path) = S3::from_environment()?.place(location)?;
    match runtime()?.block_on(repeating(bucket.tuning, || bucket.client.delete(&path))) {
        Err(Fault::Missing(_)) | Ok(()) => Ok(()),
        Err(fault) => Err(fault.into_error(&location.to_string(), Doing::Writing)),
    }
}

/// Every object below a prefix, however deep.
///
/// # Errors
/// [`Error::Access`] if it cannot be listed; [`Error::Machine`] for more than a million.
pub fn below(location: &Location) -> Result<Vec<ObjectBelow>> {
    let found = some_below(location, LISTED_MAX + 1)?;
    if found.len() > LISTED_MAX {
        return Err(Error::machine(format!("there are more than {LISTED_MAX} objects"))
            .at(Place::uri(location.to_string()))
            .help("name a staging place of its own"));
    }
    Ok(found)
}

/// Objects below a prefix, however deep, and no more than this.
///
/// # Errors
/// [`Error::Access`] if it cannot be listed.
pub fn some_below(location: &Location, objects_max: usize) -> Result<Vec<ObjectBelow>> {
    let (bucket, prefix) = S3::from_environment()?.place(location)?;
    // A listing that broke off is made anew.
    let listing = || bucket.client.list(Some(&prefix)).take(objects_max).try_collect::<Vec<_>>();
    let listed = runtime()?.block_on(repeating(bucket.tuning, listing));
    let listed = listed.map_err(|fault| fault.into_error(&location.to_string(), Doing::Listing))?;
    let name = |path: &Path| -> String {
        let parts = path.prefix_match(&prefix).into_iter().flatten();
        parts.map(|part| part.as_ref().to_owned()).collect::<Vec<_>>().join("/")
    };
    let below = listed.into_iter().map(|object| ObjectBelow {
        name: name(&object.location),
        bytes: object.size,
        modified: object.last_modified.into(),
    });
    Ok(below.collect())
}

/// The region of a bucket, as S3 says.
///
/// # Errors
/// [`Error::Usage`] for what is no bucket, or one whose region cannot be found out.
pub fn region(location: &Location) -> Result<String> {
    let Location::S3 { bucket, .. } = location else {
        return Err(Error::usage("this is not an s3:// location").at(Place::uri(location.to_string())));
    };
    S3::from_environment()?.region_of(bucket)
}
