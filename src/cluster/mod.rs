//! The units of an export on several machines, run by [Ballista](https://datafusion.apache.org/ballista/).
//!
//! ```text
//! driver (convert, backfill) ─▶ scheduler ◀─ asks for work ─ executor × N: one unit = one task = one thread
//!    ▲       Coalesce(Convert(units))                           │ reads the export, writes Parquet: by `store`
//!    └────────────────────────── receipts ──────────────────────┘
//! ```
//! Executors ask (pull mode): in the other mode there is no TLS, and an executor that was slow for a while ends. What went
//! wrong with a unit is in its receipt; a task fails only of what passes by itself, and of that alone Ballista runs it
//! again. No plan, setting or log holds a credential or a signed URL: each machine has its own credentials.

mod driver;
mod executor;
mod plan;
mod scheduler;
mod session;
mod tls;
mod work;

pub use driver::Cluster;
pub use executor::{Executor, run_executor};
pub use scheduler::{Scheduler, run_scheduler};
pub use tls::{Peer, Security};
