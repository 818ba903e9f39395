//! Warehouses: the contract that all of them pass, and what each promises besides.

// Helpers of tests are tests.
#![allow(clippy::unwrap_used)]

mod contract;
mod crash;
#[cfg(feature = "query")]
mod evolution;
mod foreign;
mod ledger;
mod local;
#[path = "../support/obedient.rs"]
mod obedient;
mod order;
#[cfg(feature = "query")]
mod query;
mod rollback;
#[path = "../support/seed.rs"]
mod seed;
mod segments;
mod shrink;
mod small;
mod types;
#[cfg(feature = "query")]
mod values;
#[cfg(feature = "query")]
#[path = "../support/walk.rs"]
mod walk;
mod whole;
