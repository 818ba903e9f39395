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
mod limits;
mod patience;
mod places;
mod refusal;
mod room;
mod router;
pub mod routes;
mod scrape;
pub mod secrets;
mod server;
pub mod signature;
mod tables;
mod url;

pub use limits::{
    BODIES_BYTES_MAX, BODY_BYTES_MAX, BODY_TIMEOUT, CONNECTIONS_MAX, HEAD_BYTES_MAX, HEAD_TIMEOUT,
    HEADERS_MAX, IDLE_TIMEOUT, QUEUE_TIMEOUT, WRITE_TIMEOUT,
};
pub use router::{Check, Peer, Receiver, router};
pub use scrape::watched;
pub use server::{Server, raise_open_files};
pub use tables::Tables;
