//! Loads into Redshift, against the stand-in: the program as a process, SQL by a real PostgreSQL.

#![cfg(feature = "redshift")]
#![allow(clippy::unwrap_used)]

mod check;
mod faults;
mod load;
mod plan;
#[path = "../support/postgres.rs"]
#[allow(dead_code, reason = "what other tests need")]
mod postgres;
#[path = "../support/redshift/mod.rs"]
mod redshift;
#[path = "../support/s3.rs"]
mod s3;
mod world;
