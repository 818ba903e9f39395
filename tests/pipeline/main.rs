//! The path from bytes to Parquet, through the library, with sources and sinks in memory.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod cut;
mod determinism;
mod erased;
mod faults;
mod footer;
mod foreign;
mod forms;
mod oracle;
mod overlong;
mod privacy;
mod profile;
#[path = "../support/seed.rs"]
mod seed;
mod support;
mod units;
