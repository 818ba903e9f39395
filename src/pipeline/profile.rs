//! An export read for what it holds alone: nothing is kept of it but counts and sums.

use super::convert::{Conversion, run};
use super::nowhere::Nowhere;
use super::options::ConvertOptions;
use super::watch::Watch;
use crate::error::Result;
use crate::pages::Codec;
use crate::report::{Clock, ColumnReport, Rows};
use crate::schema::{Layout, Table};
use crate::store::ByteSource;

/// What an export would bring into its table.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// Its counts.
    pub rows: Rows,
    /// Its columns, with sums of the hashes of texts.
    pub columns: Vec<ColumnReport>,
}

/// Reads an export as a load would, and writes nothing. `fit` is what the table makes of the export's columns.
///
/// # Errors
/// As those of a conversion.
pub fn profile(
    source: Box<dyn ByteSource>,
    table: &Table,
    options: &ConvertOptions,
    fit: &dyn Fn(Layout) -> Result<Layout>,
    watch: &Watch,
) -> Result<Profile> {
    // What is thrown away need not be small.
    let options = &ConvertOptions { codec: Codec::None, ..options.clone() };
    let (sink, clock) = (&Nowhere::default(), &Clock::default());
    let conversion =
        Conversion { source, table, options, sink, fit, rejects: None, watch, clock, text_hashes: true };
    let converted = run(conversion);
    converted.result?;
    Ok(Profile { rows: converted.staged.rows, columns: converted.staged.columns })
}
