//! Exports as they lie there, as tables of a query: the answers are those over what a conversion writes.

// Helpers of tests are tests.
#![allow(clippy::unwrap_used)]
#![cfg(feature = "query")]

mod broken;
mod command;
mod given;
mod made;
mod same;
#[path = "../support/seed.rs"]
mod seed;
#[cfg(all(unix, feature = "aws"))]
#[path = "../support/s3.rs"]
mod server;
mod workers;
