//! What all units of one export have in common: found out once, from its front.

use super::compression::Compression;
use super::cuts::unit_bytes;
use super::decompress::Decompressed;
use super::kernel::csv_kernel;
use super::options::ConvertOptions;
use super::split::{Header, RowGroups};
use super::watch::Watch;
use crate::error::{Error, Result};
use crate::pages::{Codec, EmptyStrings, Encoding, Overlong};
use crate::privacy::Transform;
use crate::schema::{Layout, Table};
use crate::store::{ByteSource, ObjectInfo};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A spec on its way to another process.
#[derive(Serialize, Deserialize)]
struct Wire {
    version: String,
    info: ObjectInfo,
    compression: Compression,
    header: Header,
    layout: Layout,
    options: Choices,
}

/// What every version of a spec says first.
#[derive(Deserialize)]
struct Version {
    version: String,
}

/// The options that shape a unit.
#[derive(Serialize, Deserialize)]
struct Choices {
    row_group_bytes: usize,
    segment_bytes: u64,
    codec: Codec,
    max_rejects: u64,
    overlong: Overlong,
    empty_strings: EmptyStrings,
    text_bytes_max: Option<u32>,
    allow_open_end: bool,
}

impl Choices {
    fn of(options: &ConvertOptions) -> Self {
        Self {
            row_group_bytes: options.row_group_bytes,
            segment_bytes: options.segment_bytes,
            codec: options.codec,
            max_rejects: options.max_rejects,
            overlong: options.overlong,
            empty_strings: options.empty_strings,
            text_bytes_max: options.text_bytes_max,
            allow_open_end: options.allow_open_end,
        }
    }

    fn options(self) -> ConvertOptions {
        let Self { row_group_bytes, segment_bytes, codec, max_rejects, .. } = self;
        let Self { overlong, empty_strings, text_bytes_max, allow_open_end, .. } = self;
        ConvertOptions {
            threads: 1,
            row_group_bytes,
            segment_bytes,
            codec,
            max_rejects,
            overlong,
            empty_strings,
            text_bytes_max,
            allow_open_end,
            ..ConvertOptions::default()
        }
    }
}

/// The release, and the commit where the build was told it.
fn version() -> String {
    format!("{} {}", env!("CARGO_PKG_VERSION"), option_env!("CSL_COMMIT").unwrap_or_default())
}

fn stays_here(what: &str) -> Error {
    Error::usage(what).help("leave --cluster out for this table: one machine converts it")
}

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

    /// What another process needs to run units.
    ///
    /// # Errors
    /// [`Error::Usage`] if that would be a secret: a key of hashes, or marks of who was erased.
    pub fn to_json(&self) -> Result<String> {
        let layout = self.encoding.layout();
        let hashes =
            layout.columns.iter().any(|column| column.transform.as_ref().is_some_and(Transform::hashes));
        if hashes || layout.masks.iter().flatten().any(Transform::hashes) {
            return Err(stays_here("columns of the table are hashed, and the key stays on this machine"));
        }
        if !layout.erased.is_empty() {
            return Err(stays_here(
                "people were erased from the table, and their marks stay on this machine",
            ));
        }
        let wire = Wire {
            version: version(),
            info: self.info.clone(),
            compression: self.compression,
            header: self.header.clone(),
            layout: layout.clone(),
            options: Choices::of(&self.options),
        };
        serde_json::to_string(&wire).map_err(|cause| Error::machine("cannot write JSON").because(cause))
    }

    /// What [`Spec::to_json`] made, in another process.
    ///
    /// # Errors
    /// [`Error::Usage`] if that one is of another version.
    pub fn from_json(json: &str) -> Result<Self> {
        let other = || {
            Error::usage("this work comes from another version of csl-stream")
                .help("run the same build on all machines of the cluster")
        };
        let Version { version: theirs } =
            serde_json::from_str(json).map_err(|cause| other().because(cause))?;
        if theirs != version() {
            return Err(other().because(format!("{theirs} there, {} here", version())));
        }
        let Wire { info, compression, header, layout, options, .. } =
            serde_json::from_str(json).map_err(|cause| other().because(cause))?;
        let options = options.options();
        let encoding = Encoding::new(layout, options.encode_options(header.line_end), csv_kernel())?;
        Ok(Self { info, compression, header, encoding, options })
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
