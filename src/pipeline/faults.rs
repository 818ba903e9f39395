//! An export read for its faults alone: all of them are counted, and nothing is kept.

use super::compression::Compression;
use super::convert::{Conversion, run};
use super::nowhere::Nowhere;
use super::options::ConvertOptions;
use super::watch::Watch;
use crate::error::Result;
use crate::pages::Codec;
use crate::report::{Clock, RejectsReport, Rows};
use crate::schema::Table;
use crate::store::ByteSource;

/// What is wrong with an export, as far as it was read.
#[derive(Debug)]
pub struct Faults {
    /// Its counts.
    pub rows: Rows,
    /// Its faults: how many of each kind, and the first of them.
    pub rejects: RejectsReport,
    /// How it is compressed, once its first bytes were read.
    pub compression: Option<Compression>,
    /// Why it could not be read to its end.
    pub result: Result<()>,
}

/// Reads an export as a load would, to its end, however much of it is rejected.
pub fn faults(source: Box<dyn ByteSource>, table: &Table, options: &ConvertOptions, watch: &Watch) -> Faults {
    // What is thrown away need not be small.
    let options = &ConvertOptions { codec: Codec::None, max_rejects: u64::MAX, ..options.clone() };
    let (sink, clock) = (&Nowhere::default(), &Clock::default());
    let conversion = Conversion {
        source,
        table,
        options,
        sink,
        fit: &Ok,
        rejects: None,
        watch,
        clock,
        text_hashes: false,
    };
    let converted = run(conversion);
    Faults {
        rows: converted.staged.rows,
        rejects: converted.staged.rejects,
        compression: converted.compression,
        result: converted.result,
    }
}
