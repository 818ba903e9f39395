//! Exports, good and bad.

use std::io::Write;
use std::ops::Range;

pub(crate) const SCHEMA: &str = r#"{"tables": [{"table": {"name": "t", "columns": {
    "id": {"type": "integer", "sql_type": "bigint", "nullable": false},
    "n": {"type": "integer", "sql_type": "integer"},
    "flag": {"type": "boolean", "sql_type": "boolean"},
    "at": {"type": "datetime", "sql_type": "timestamp without time zone"},
    "note": {"type": "string", "sql_type": "text"}}}}]}"#;
/// 18 bytes with its newline.
pub(crate) const HEADER: &str = "id,n,flag,at,note\n";
/// Rows of the old table.
pub(crate) const OLD_IDS: Range<i64> = 1..4;

/// An export with these ids.
pub(crate) fn good(ids: Range<i64>) -> Vec<u8> {
    rows(ids, "a \"\"good\"\" row")
}

/// An export with these ids and this text, quoted, in each row.
pub(crate) fn rows(ids: Range<i64>, note: &str) -> Vec<u8> {
    let mut csv = HEADER.as_bytes().to_vec();
    for id in ids {
        writeln!(csv, "{id},{},t,2026-03-01 00:00:00,\"{note}\"", id % 7).unwrap();
    }
    csv
}

/// A header and whatever follows it.
pub(crate) fn after_header(records: impl AsRef<[u8]>) -> Vec<u8> {
    [HEADER.as_bytes(), records.as_ref()].concat()
}

pub(crate) fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// With a checksum, as the program `zstd` writes it; the format has no other guard against damage.
pub(crate) fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The first half: what a broken transfer leaves.
pub(crate) fn half(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.truncate(bytes.len() / 2);
    bytes
}
