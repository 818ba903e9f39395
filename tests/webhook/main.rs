//! The webhook receiver: the real program behind real sockets, and somebody who means no good.

#![cfg(feature = "serve")]
#![allow(clippy::unwrap_used, unreachable_pub)]

mod aws;
mod fetch;
mod hostile;
mod http;
#[cfg(feature = "lambda")]
mod lambda;
mod processed;
mod rotation;
mod signature;
mod slow;
mod speed;
mod world;
