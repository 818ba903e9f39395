//! What all units of one export have in common: found out once, from its front.

use super::compression::Compression;
use super::cuts::unit_bytes;
use super::decompress::Decompressed;
use super::options::ConvertOptions;
use super::split::{Header, RowGroups};
use super::watch::Watch;
use crate::error::Result;
use crate::pages::Encoding;
use crate::schema::{Layout, Table};
use crate::store::{ByteSource, ObjectInfo};
use std::sync::Arc;

/// An export that is taken apart: its version, its header, and how its records become files.
pub struct Spec {
    pub(super) info: ObjectInfo,
    pub(super) compression: Compression,
    pub(super) header: Header,
    pub(super) encoding: Arc<Encoding>,
    pub(super) options: ConvertOptions,
}

impl Spec {
    /// Reads the header of an export and binds it to the table; `fit` is what the target makes of the layout.
    ///
    /// # Errors
    /// Those that a conversion of the export begins with.
    pub(super) fn open(
        source: Box<dyn ByteSource + '_>,
        table: &Table,
        options: &ConvertOptions,
        fit: &dyn Fn(Layout) -> Result<Layout>,
        compression: &mut Option<Compression>,
    ) -> Result<Self> {
        let (watch, info) = (Watch::default(), source.info().clone());
        let input = Decompressed::open(source, &watch, 1, options.segment_bytes)?;
        let found = *compression.insert(input.compression());
        let (groups, header) = RowGroups::open(input, table, options, fit, &watch, false)?;
        let encoding = groups.encoding().clone();
        Ok(Self { info, compression: found, header, encoding, options: options.clone() })
    }

    /// The export's version.
    pub fn info(&self) -> &ObjectInfo {
        &self.info
    }

    /// Stored bytes of a unit. None if the export is one unit as a whole: it can be read from its front alone, or nobody
    /// knows how long it is.
    pub fn unit_bytes(&self) -> Option<u64> {
        let can_begin_anywhere = matches!(self.compression, Compression::None | Compression::Bzip2);
        (can_begin_anywhere && self.info.bytes.is_some())
            .then(|| unit_bytes(self.compression, self.options.segment_bytes))
    }

    /// How many units there are.
    pub fn units(&self) -> u64 {
        let bytes = self.info.bytes.unwrap_or(0);
        self.unit_bytes().map_or(1, |unit_bytes| bytes.div_ceil(unit_bytes).max(1))
    }
}
