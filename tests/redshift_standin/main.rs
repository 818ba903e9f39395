//! The stand-in for Redshift keeps Redshift's rules: each is a line of a table here.

#![cfg(feature = "aws")]
#![allow(clippy::unwrap_used)]

mod client;
mod copy;
mod faults;
mod files;
#[path = "../support/postgres.rs"]
#[allow(dead_code, reason = "what other tests need")]
mod postgres;
mod program;
mod protocol;
#[path = "../support/redshift/mod.rs"]
mod redshift;
#[path = "../support/run.rs"]
mod run;
#[path = "../support/s3.rs"]
mod s3;
mod sdk;
mod sql;
