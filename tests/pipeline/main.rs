//! The path from bytes to Parquet, through the library, with sources and sinks in memory.

mod determinism;
mod faults;
mod footer;
mod forms;
mod oracle;
mod support;
