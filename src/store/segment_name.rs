//! Names of segments inside a sink.

use crate::error::Result;
use crate::names;

/// A name inside a sink can leave neither the folder nor the prefix. The warehouse puts a load's id
/// before the name, so a segment's may be as long as two.
pub(super) fn check_segment(name: &str) -> Result<()> {
    names::check_within("segment name", name, names::FILE_BYTES_MAX)
}
