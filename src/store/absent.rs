//! What stands in for S3 and URLs in a build without the cloud feature: advice.

use super::location::Location;
use super::types::{ByteSource, Listing, SegmentSink};
use crate::error::{Error, Place, Result};

fn absent(location: &Location) -> Error {
    Error::usage("this csl-stream was built without the cloud feature: it knows neither S3 nor URLs")
        .at(Place::uri(location.to_string()))
        .help("use a local path, or a build with the cloud feature")
}

pub(super) fn open(location: &Location) -> Result<Box<dyn ByteSource>> {
    Err(absent(location))
}

pub(super) fn open_whole(location: &Location) -> Result<Box<dyn ByteSource>> {
    Err(absent(location))
}

pub(super) fn sink(location: &Location) -> Result<Box<dyn SegmentSink>> {
    Err(absent(location))
}

pub(super) fn list(location: &Location) -> Result<Listing> {
    Err(absent(location))
}
