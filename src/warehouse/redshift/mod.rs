//! Redshift, provisioned or serverless, through the Data API.
//!
//! ```text
//! segments ─▶ staging (S3) ─▶ manifest ─▶ sql: one batch, one transaction ─▶ table + ledger row
//!     ▲                                        ▲          │
//!     └ the target's types (target) ───────────┘          └ data_api: submit, wait, again, cancel
//! ```

mod admission;
mod alter;
mod answer;
mod catalogue;
mod connection;
mod data_api;
mod decision;
mod erase;
mod grants;
mod history;
mod hush;
mod inspect;
mod ledger;
mod load_id;
mod manifest;
mod marks;
mod measure;
mod messages;
mod prepare;
mod probe;
mod profiles;
mod quote;
mod run;
mod runs;
mod sdk;
mod sql;
mod staged;
mod staging;
mod target;
mod upkeep;
mod warehouse;

pub use connection::{Connection, Login, Place};
pub use data_api::{BATCH_STATEMENTS_MAX, DataApi, LOAD_DEADLINE, STATEMENT_BYTES_MAX, Stop};
pub use decision::Decision;
pub use grants::ledger_ddl;
pub use ledger::{LEDGER, LOCK_PREFIX, LedgerRow, Life};
pub use manifest::Manifest;
pub use marks::ERASED;
pub use sql::{LoadColumn, LoadSql, Role, Seen, Step};
pub use staging::StagedLoad;
pub use warehouse::{ManifestPlace, RedshiftSettings, RedshiftWarehouse};
