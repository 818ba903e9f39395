//! What only one run decides about its conversion, on top of the configuration.

use super::privacy;
use crate::config::Config;
use crate::error::Result;
use crate::pipeline::{Codec, ConvertOptions};
use crate::schema::BulkSchema;

/// Choices that have no key. [`Default`] is what the documentation says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Conversion {
    /// Worker threads; none: all cores.
    pub threads: Option<usize>,
    /// Uncompressed CSV bytes of one Parquet file; none: [`crate::pipeline::SEGMENT_BYTES`].
    pub segment_bytes: Option<u64>,
    /// Uncompressed CSV bytes of one row group; none: [`crate::pipeline::ROW_GROUP_BYTES`].
    pub row_group_bytes: Option<usize>,
    /// Compression of pages.
    pub codec: Codec,
    /// Take a last record without a line end for whole: a file made by hand. Of an export it is a cut.
    pub allow_open_end: bool,
    /// Widest text in bytes where the schema names no width; none: any.
    pub text_bytes_max: Option<u32>,
}

impl Conversion {
    /// All options of the path: these, those of `[load]` and the policy of privacy; the schema's tables are for hints.
    ///
    /// # Errors
    /// Those of [`privacy::policy`].
    pub(super) fn options(&self, config: &Config, schema: &BulkSchema) -> Result<ConvertOptions> {
        let preset = ConvertOptions::default();
        Ok(ConvertOptions {
            threads: self.threads.unwrap_or(preset.threads),
            row_group_bytes: self.row_group_bytes.unwrap_or(preset.row_group_bytes),
            segment_bytes: self.segment_bytes.unwrap_or(preset.segment_bytes),
            codec: self.codec,
            max_rejects: config.load.max_rejects,
            overlong: config.load.overlong,
            empty_strings: config.load.empty_strings,
            unknown_columns: config.load.unknown_columns,
            missing_columns: config.load.missing_columns,
            text_bytes_max: self.text_bytes_max,
            allow_open_end: self.allow_open_end,
            other_tables: schema.tables.clone().into(),
            policy: privacy::policy(config)?,
            erased: preset.erased,
            report_values: config.load.report_values,
        })
    }
}
