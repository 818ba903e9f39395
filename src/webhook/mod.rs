//! Receives ControlShift's webhooks and puts an order on the queue for each export that may be loaded.
//!
//! ```text
//! ControlShift ─▶ server ─┐           ┌ addresses: who may call      ┌ fetch, url: what may be fetched
//! API Gateway ─▶ (lambda) ┴─▶ router ─┼ secrets, signature: who is it ┼ tables: is it a table
//!                                     └ event: what is it             └ routes: which queue ─▶ queue
//! ```
//!
//! | limit | what it bounds |
//! |---|---|
//! | [`BODY_BYTES_MAX`], [`BODY_TIMEOUT`] | a body; longer or slower ones are cut off |
//! | [`BODIES_BYTES_MAX`] | all bodies together; the one that has been coming for the longest gives way |
//! | [`HEAD_BYTES_MAX`], [`HEADERS_MAX`], [`HEAD_TIMEOUT`] | a request's head |
//! | [`IDLE_TIMEOUT`], [`WRITE_TIMEOUT`], [`CONNECTIONS_MAX`] | connections |
//! | [`event::DEPTH_MAX`] | lists and objects inside each other |
//! | [`fetch::URL_BYTES_MAX`] | a signed URL |
//! | [`QUEUE_TIMEOUT`] | the queue's answer |

pub mod addresses;
pub mod event;
pub mod fetch;
mod metrics;
mod patience;
mod places;
mod room;
mod router;
pub mod routes;
pub mod secrets;
mod server;
pub mod signature;
mod tables;
mod url;

pub use metrics::Metrics;
pub use router::{Check, Peer, Receiver, router};
pub use server::{Server, raise_open_files};
pub use tables::Tables;

use std::time::Duration;

/// Longest body; ControlShift's are below 10 KiB.
pub const BODY_BYTES_MAX: usize = 256 << 10;
/// Bodies that are held at once: slow senders must not fill the memory. Those of 6,000 webhooks fit.
pub const BODIES_BYTES_MAX: usize = 64 << 20;
/// A body is there by then.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest head of a request.
pub const HEAD_BYTES_MAX: usize = 32 << 10;
/// Headers of a request.
pub const HEADERS_MAX: usize = 64;
/// A request's head is there this long after its first byte.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// A connection may be silent for this long; longer than the 60 s after which a load balancer lets go of it.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(75);
/// A client takes its answer within this time.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// Connections at once; for one more the oldest silent one is closed.
pub const CONNECTIONS_MAX: usize = 16_384;
/// The queue takes an order within this time, or the sender must try again.
pub const QUEUE_TIMEOUT: Duration = Duration::from_secs(10);
/// Characters of a table's name that a log repeats when it is refused.
const TABLE_CHARS_SHOWN: usize = 64;
