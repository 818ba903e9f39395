//! What a build with the aws feature does with S3 and URLs.

use super::https;
use super::location::Location;
use super::ranged::Tuning;
use super::s3::S3;
use super::types::{ByteSource, Listing, ObjectInfo, SegmentSink};
use super::unfinished_s3;
use crate::error::Result;

pub(super) fn open(location: &Location) -> Result<Box<dyn ByteSource>> {
    match location {
        Location::Https(url) => https::open(url, Tuning::default()),
        _ => S3::from_environment()?.open(location),
    }
}

pub(super) fn open_whole(location: &Location) -> Result<Box<dyn ByteSource>> {
    match location {
        Location::Https(url) => https::open_whole(url, Tuning::default()),
        _ => open(location),
    }
}

pub(super) fn open_range(
    location: &Location,
    pinned: &ObjectInfo,
    from: u64,
    bytes_hint: u64,
) -> Result<Box<dyn ByteSource>> {
    S3::from_environment()?.open_range(location, pinned, from, bytes_hint)
}

pub(super) fn sink(location: &Location) -> Result<Box<dyn SegmentSink>> {
    S3::from_environment()?.sink(location)
}

pub(super) fn list(location: &Location) -> Result<Listing> {
    S3::from_environment()?.list(location)
}

/// Removes from a prefix what conversions that were killed have left.
pub(super) fn clear(location: &Location) -> Result<()> {
    let (bucket, prefix) = S3::from_environment()?.place(location)?;
    unfinished_s3::clear(&bucket, &prefix)
}
