//! Where tables live. One trait, one contract suite; the local warehouse is the embedded default.

mod contract;
mod erasure;
mod evolving;
mod folder;
mod holding;
mod kept;
mod local;
mod local_erase;
mod local_kept;
mod local_rollback;
mod lock;
mod matching;
mod measure;
mod merge;
mod parquet_file;
mod parts;
mod present;
#[cfg(feature = "query")]
pub mod query;
#[cfg(feature = "aws")]
pub mod redshift;
mod rewrite;
mod rewritten;
mod rollback;
mod shrink;
mod small;
mod snapshot;
mod sweep;
mod types;
mod version;
mod whole;

pub use contract::{
    Admission, Admissions, Altered, Intent, LoadReceipt, LoadRequest, Staging, Stop, TargetPlan, Waits,
    Warehouse, WriteProbe,
};
pub use erasure::{Done, ERASE_SOURCE, Erased, Erasure, ID, Touched, VALUES_MAX, Wanted};
pub use holding::{Held, Holding, Scope};
pub use kept::{DAY_SECONDS, Kept, STAGED_DAYS, STAGED_DAYS_MIN, over};
pub use local::{KEEP_VERSIONS, LOCK_WAIT_MAX, LocalWarehouse};
pub use rollback::{ROLLBACK_SOURCE, Rollback, WentBack};
pub use shrink::{SHRINK_PERCENT_MAX, ShrinkGuard};
pub use snapshot::Snapshot;
