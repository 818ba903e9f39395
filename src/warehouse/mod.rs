//! Where tables live. One trait, one contract suite; the local warehouse is the embedded default.

mod contract;
mod local;
mod lock;
mod parts;
#[cfg(feature = "query")]
pub mod query;
#[cfg(feature = "redshift")]
pub mod redshift;
mod sweep;
mod version;

pub use contract::{Admission, LoadReceipt, LoadRequest, Staging, Warehouse};
pub use local::{KEEP_VERSIONS, LOCK_WAIT_MAX, LocalWarehouse, Snapshot};
