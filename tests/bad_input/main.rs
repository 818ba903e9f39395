//! Bad input, end to end: the real program, an old table, an export that is no good.
//!
//! ```text
//! good export ──▶ backfill ──▶ the old table
//! bad export  ──▶ backfill ──▶ exit code, message with place and help, report, ledger; the old table
//! good export ──▶ backfill ──▶ the new table, and nothing left of the failed run
//! ```

#![allow(clippy::unwrap_used)]

#[path = "../support/answer.rs"]
mod answer;
mod bench;
mod changed;
mod damaged;
mod exports;
mod killed;
#[path = "../support/obedient.rs"]
mod obedient;
mod permissions;
#[path = "../support/run.rs"]
#[allow(dead_code, reason = "only the program is needed here, not its conversions")]
mod run;
#[path = "../support/small_disk.rs"]
mod small_disk;
mod space;
