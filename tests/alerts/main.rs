//! Who is told when somebody should look, and what is counted: the program as a process, listeners on loopback.

#![cfg(feature = "serve")]
#![allow(clippy::unwrap_used)]

#[path = "../support/answer.rs"]
mod answer;
#[path = "../support/aws.rs"]
mod aws;
#[path = "../support/cells.rs"]
#[allow(dead_code, reason = "what other tests need")]
mod cells;
mod emf;
#[path = "../support/listen.rs"]
mod listen;
mod listener;
#[path = "../support/postgres.rs"]
#[allow(dead_code, reason = "what other tests need")]
mod postgres;
mod prometheus;
#[path = "../support/s3.rs"]
mod s3;
mod told;
mod worker;
#[path = "../work/world.rs"]
#[allow(dead_code, reason = "what other tests need")]
mod world;
