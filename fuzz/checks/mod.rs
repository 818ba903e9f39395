//! What must hold of any bytes. Each function panics if it does not.
//!
//! ```text
//! fuzz/fuzz_targets/*   libFuzzer finds the bytes ──┐
//!                                                   ├──▶ csv · values · bzip2 · schema · header
//! tests/fuzz_short      seeds, changed at random  ──┘
//! ```

#![allow(dead_code, unused_imports, missing_docs, unreachable_pub, reason = "each target uses one of them")]
#![allow(clippy::unwrap_used, reason = "a check may fail")]

mod bzip2;
mod exact;
#[path = "../../benches/support/memory.rs"]
mod memory;
mod rows;
mod schema;

pub use bzip2::bzip2;
pub use rows::{csv, values};
pub use schema::{header, schema};
