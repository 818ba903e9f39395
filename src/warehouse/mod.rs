//! Where tables live. One trait, one contract suite; the local warehouse is the embedded default.

mod contract;
mod local;
mod lock;
mod parts;
#[cfg(feature = "query")]
pub mod query;
#[cfg(feature = "aws")]
pub mod redshift;
mod shrink;
mod sweep;
mod version;

pub use contract::{
    Admission, Intent, LoadReceipt, LoadRequest, Staging, Stop, TargetPlan, Warehouse, WriteProbe,
};
pub use local::{KEEP_VERSIONS, LOCK_WAIT_MAX, LocalWarehouse, Snapshot};
pub use shrink::{SHRINK_PERCENT_MAX, ShrinkGuard};
