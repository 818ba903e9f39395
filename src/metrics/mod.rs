//! What is counted and timed: one set of names, for Prometheus and for CloudWatch.
//!
//! ```text
//!                    ┌─▶ registry: counters of one process ─▶ text: /metrics of `serve` and `work`
//! load ─ RunReport ──┤     ▲ webhooks, queue
//!                    └─▶ emf: one line a load ─▶ stderr ─▶ CloudWatch Logs ─▶ CloudWatch
//! ```

pub mod emf;
#[cfg(feature = "serve")]
mod registry;
#[cfg(feature = "serve")]
mod text;

#[cfg(feature = "serve")]
pub use registry::{Metrics, TABLES_MAX};
#[cfg(feature = "serve")]
pub use text::Exposition;
