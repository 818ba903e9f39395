//! The queue and the worker: real processes, a real S3, the local queue and SQS by moto's server.

#![cfg(feature = "serve")]
#![allow(clippy::unwrap_used)]

#[path = "../support/answer.rs"]
mod answer;
#[path = "../support/aws.rs"]
mod aws;
#[path = "../support/cells.rs"]
mod cells;
mod contract;
mod dead;
mod end_to_end;
#[cfg(feature = "serve")]
#[path = "../support/function.rs"]
#[allow(dead_code, reason = "what other tests need")]
mod function;
#[cfg(feature = "serve")]
#[path = "../support/listen.rs"]
mod listen;
mod local_file;
#[path = "../support/moto.rs"]
mod moto;
#[path = "../support/postgres.rs"]
#[allow(dead_code, reason = "what other tests need")]
mod postgres;
mod privacy;
mod proxy;
#[path = "../support/receiver.rs"]
mod receiver;
mod rules;
#[path = "../support/s3.rs"]
mod s3;
#[cfg(feature = "serve")]
#[path = "../webhook/aws.rs"]
#[allow(dead_code, unreachable_pub, reason = "what other tests need")]
mod sdk;
#[path = "../support/seed.rs"]
mod seed;
mod storm;
#[path = "../support/truth.rs"]
mod truth;
#[path = "../webhook/http.rs"]
#[allow(dead_code, unreachable_pub, reason = "what other tests need")]
mod webhook_http;
mod world;
