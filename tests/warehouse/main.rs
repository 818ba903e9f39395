//! Warehouses: the contract that all of them pass, and what each promises besides.

// Helpers of tests are tests.
#![allow(clippy::unwrap_used)]

mod contract;
mod crash;
mod foreign;
mod ledger;
mod local;
#[path = "../support/obedient.rs"]
mod obedient;
mod order;
#[cfg(feature = "query")]
mod query;
#[path = "../support/seed.rs"]
mod seed;
mod segments;
mod shrink;
mod types;
#[cfg(feature = "query")]
mod values;
mod whole;
