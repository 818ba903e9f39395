//! The webhook receiver: the real program behind real sockets, and somebody who means no good.

#![cfg(feature = "serve")]
#![allow(clippy::unwrap_used, unreachable_pub)]

mod answers;
mod aws;
mod fetch;
#[cfg(feature = "serve")]
#[path = "../support/function.rs"]
mod function;
mod hostile;
mod http;
#[cfg(feature = "serve")]
mod lambda;
#[path = "../support/listen.rs"]
mod listen;
mod processed;
mod rotation;
#[path = "../support/s3.rs"]
mod s3;
mod signature;
mod slow;
mod speed;
mod world;
