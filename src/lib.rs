//! Streams ControlShift bulk exports into Parquet and a warehouse.
//!
//! ```text
//! discover → fetch → decompress → split → decode → encode → stage → load → record
//! ```
//!
//! The modules, from the outside in; `ARCHITECTURE.md` says what each may import:
//!
//! | module | what it is for |
//! |---|---|
//! | [`cli`], [`telemetry`] | words in, words out: arguments, printing, progress, signals, logs |
//! | [`ops`] | what each command does, without a terminal: start here to call csl-stream from a program |
//! | [`status`] | what is there and what is wrong, as pages, JSON and Markdown |
//! | [`config`] | typed settings: flag, environment, file, default |
//! | `cluster` | units of an export on several machines |
//! | [`pipeline`] | the path from bytes to staged Parquet and into a table |
//! | `lambda`, `webhook`, `work`, `queue` | webhooks in, messages of exports that are ready, and what becomes of them |
//! | `notify`, `glue`, [`metrics`] | who else hears of a load: SNS, DynamoDB, Slack, Teams, webhooks; the old Glue job and the Data Catalog; what is counted |
//! | [`warehouse`], [`ledger`], [`report`] | tables, the loads that happened and what they cover, what is said of a run |
//! | [`store`] | where bytes come from and go to |
//! | [`pages`], [`csv`], [`values`], [`schema`], [`privacy`], [`names`], [`features`] | pure: no I/O, no clock, no async |
//! | [`bzip2`] | parallel bzip2; could stand as a crate |
//! | [`error`] | what can go wrong, by what the operator can do |

pub mod bzip2;
pub mod cli;
#[cfg(feature = "cluster")]
pub mod cluster;
pub mod config;
pub mod csv;
pub mod error;
pub mod features;
#[cfg(feature = "aws")]
pub mod glue;
#[cfg(feature = "serve")]
pub mod lambda;
pub mod ledger;
pub mod metrics;
pub mod names;
#[cfg(feature = "aws")]
pub mod notify;
pub mod ops;
pub mod pages;
pub mod pipeline;
pub mod privacy;
#[cfg(feature = "serve")]
pub mod queue;
pub mod report;
pub mod schema;
pub mod status;
pub mod store;
pub mod telemetry;
pub mod values;
pub mod warehouse;
#[cfg(feature = "serve")]
pub mod webhook;
#[cfg(feature = "serve")]
pub mod work;

pub use error::{Error, Place, Result};
