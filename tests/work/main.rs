//! The queue and the worker: real processes, a real S3, the local queue and SQS by moto's server.

#![cfg(feature = "serve")]
#![allow(clippy::unwrap_used)]

mod contract;
#[path = "../support/moto.rs"]
mod moto;
#[path = "../support/postgres.rs"]
#[allow(dead_code, reason = "what other tests need")]
mod postgres;
