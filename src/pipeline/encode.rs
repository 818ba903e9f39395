//! A row group that was cut becomes one that is encoded.

use super::split::RowGroup;
use super::watch::Watch;
use crate::csv::Blocks;
use crate::error::{Error, Result};
use crate::pages::{EncodedRowGroup, RowGroupEncoder};

pub(super) fn encode(
    encoder: &mut RowGroupEncoder,
    blocks: &Blocks,
    group: &RowGroup,
    watch: &Watch,
) -> Result<EncodedRowGroup> {
    encoder.set_plan(&group.plan);
    for block in blocks.iter() {
        if watch.stopped() {
            return Err(Error::Interrupted);
        }
        if encoder.gave_up() {
            break;
        }
        encoder.add(block)?;
    }
    encoder.finish()
}
