//! Streams ControlShift bulk exports into Parquet and a warehouse.
//!
//! ```text
//! discover → fetch → decompress → split → decode → encode → stage → load → record
//! ```
//!
//! The modules, from the outside in; imports run only downwards:
//!
//! | module | what it is for |
//! |---|---|
//! | [`cli`], [`telemetry`] | words in, words out: arguments, printing, progress, signals, logs |
//! | [`ops`] | what each command does, without a terminal: start here to call csl-stream from a program |
//! | [`config`] | typed settings: flag, environment, file, default |
//! | [`pipeline`] | the path above, a file for each stage |
//! | [`warehouse`], [`store`], [`ledger`], [`report`] | where data comes from, goes to, and what is written down about it |
//! | `webhook`, `lambda` | webhooks in, orders out: as a server, as a Lambda function |
//! | `work`, `queue` | messages of exports that are ready, and what becomes of them |
//! | `notify`, `glue` | who else hears of a load: SNS, DynamoDB, the Glue Data Catalog |
//! | [`pages`] | typed columns to Parquet page bytes |
//! | [`schema`], [`csv`], [`values`], [`names`] | pure: no I/O, no clock, no async |
//! | [`bzip2`] | parallel bzip2; could stand as a crate |
//! | [`features`] | parts that a build may lack |
//! | [`error`] | what can go wrong, by what the operator can do |

pub mod bzip2;
pub mod cli;
pub mod config;
pub mod csv;
pub mod error;
pub mod features;
#[cfg(feature = "aws")]
pub mod glue;
#[cfg(feature = "serve")]
pub mod lambda;
pub mod ledger;
pub mod names;
#[cfg(feature = "aws")]
pub mod notify;
pub mod ops;
pub mod pages;
pub mod pipeline;
#[cfg(feature = "serve")]
pub mod queue;
pub mod report;
pub mod schema;
pub mod store;
pub mod telemetry;
pub mod values;
pub mod warehouse;
#[cfg(feature = "serve")]
pub mod webhook;
#[cfg(feature = "serve")]
pub mod work;

pub use error::{Error, Place, Result};
