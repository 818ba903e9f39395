//! What the benches share: data, a table for it, sources and sinks in memory, settings.

#![allow(dead_code, missing_docs, unreachable_pub, reason = "each bench uses a part")]

pub mod cpu_time;
pub mod memory;
pub mod signatures;

use std::time::Duration;

use cpu_time::CpuTime;
use criterion::Criterion;
use csl_stream::csv::{Blocks, Splitter};
use csl_stream::schema::{BulkSchema, Layout, MissingColumns, Table, UnknownColumns};

use signatures::{SCHEMA, Signatures};

/// As large as the program's own.
pub const BLOCK_BYTES: usize = 128 << 10;

/// For what runs on one thread: measures its own time alone.
pub fn one_core() -> Criterion<CpuTime> {
    criterion().with_measurement(CpuTime)
}

/// Short by default: `--measurement-time` and `--sample-size` make it longer.
pub fn criterion() -> Criterion {
    Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2))
}

/// The records of at least `bytes` bytes of `signatures`, without the header.
pub fn records(bytes: usize) -> Vec<u8> {
    let mut signatures = Signatures::new(1);
    let mut records = Vec::with_capacity(bytes + (64 << 10));
    while records.len() < bytes {
        signatures.row(&mut records);
    }
    records
}

/// The same as a whole file.
pub fn export(bytes: usize) -> Vec<u8> {
    [Signatures::header().into_bytes(), records(bytes)].concat()
}

pub fn table() -> Table {
    let schema = BulkSchema::parse(SCHEMA.as_bytes(), "bench").expect("the fixture is sound");
    schema.table("signatures").expect("the fixture has it").clone()
}

/// Columns and fields in the header's order.
pub fn layout() -> Layout {
    let header: Vec<String> = Signatures::header().trim_end().split(',').map(str::to_owned).collect();
    Layout::bind(&header, &table(), UnknownColumns::Fail, MissingColumns::Fail).expect("they fit")
}

/// Cut as the program cuts.
pub fn blocks(mut bytes: &[u8]) -> Blocks {
    let mut splitter = Splitter::new(BLOCK_BYTES);
    let mut blocks = Blocks::with_capacity(bytes.len() + 2 * BLOCK_BYTES);
    while let Ok(Some(_)) = splitter.next_block(&mut blocks, |buffer| std::io::Read::read(&mut bytes, buffer))
    {
    }
    blocks
}
