//! What bounds the receiver.

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
/// Connections at once; more wait in the system's queue.
pub const CONNECTIONS_MAX: usize = 16_384;
/// The queue takes an order within this time, or the sender must try again.
pub const QUEUE_TIMEOUT: Duration = Duration::from_secs(10);
/// Characters of a table's name that a log repeats when it is refused.
pub(super) const TABLE_CHARS_SHOWN: usize = 64;
