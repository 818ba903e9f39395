//! Where every setting comes from: flag, then environment, then `csl-stream.toml`, then default.
//!
//! ```text
//! --max-rejects 5          flag          ┐
//! CSL_LOAD_MAX_REJECTS=3   environment   ├─▶ Config: a typed value + where it came from
//! [load] max_rejects = 1   file:line     │
//! 0                        default       ┘
//! ```
//! `sections` says what there is; all else is read off it.

mod keys;
mod layers;
mod origin;
mod sections;
mod settings;

pub use keys::{Key, Kind, json_schema, keys};
pub use origin::Origin;
pub use sections::{
    Address, AlertSubject, Alerts, All, Cluster, Destination, DynamoDb, Exports, Fargate, Glue, Load,
    Manifest, Metrics, Notify, Privacy, Queue, REDSHIFT, Redshift, SchemaSource, Sections,
    ServerSideEncryption, Signature, Staging, Status, Tables, Warehouse, Webhook, Work,
};
pub(crate) use settings::flag;
pub use settings::{Config, FILE_NAME, mask_url};
