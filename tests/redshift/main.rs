//! Loads into Redshift, against the stand-in: the program as a process, SQL by a real PostgreSQL.

#![cfg(feature = "aws")]
#![allow(clippy::unwrap_used)]

#[path = "../support/answer.rs"]
mod answer;
#[path = "../support/aws.rs"]
mod aws;
mod check;
#[cfg(all(unix, feature = "cluster"))]
mod cluster;
#[path = "../warehouse/contract.rs"]
mod contract;
mod contract_run;
mod erase;
mod evolution;
mod faults;
#[cfg(feature = "serve")]
#[path = "../status/http.rs"]
#[allow(dead_code, reason = "what other tests need")]
mod http;
#[cfg(feature = "serve")]
#[path = "../support/listen.rs"]
mod listen;
#[cfg(feature = "serve")]
#[path = "../alerts/listener.rs"]
#[allow(dead_code, reason = "what other tests need")]
mod listener;
mod listing;
mod live;
mod lives;
mod load;
mod locks;
mod meanwhile;
mod million;
#[cfg(feature = "serve")]
mod mirror;
#[cfg(feature = "serve")]
mod old_loader;
mod once;
mod orders;
mod plan;
#[path = "../support/postgres.rs"]
#[allow(dead_code, reason = "what other tests need")]
mod postgres;
mod privacy;
#[cfg(feature = "serve")]
#[path = "../support/receiver.rs"]
mod receiver;
#[path = "../support/redshift/mod.rs"]
mod redshift;
mod rejects;
#[cfg(feature = "serve")]
mod retention;
mod row;
#[cfg(feature = "serve")]
#[path = "../support/run.rs"]
#[allow(dead_code, reason = "what other tests need")]
mod run;
#[path = "../support/s3.rs"]
mod s3;
mod s3_faults;
mod said;
#[path = "../support/seed.rs"]
mod seed;
#[path = "../warehouse/segments.rs"]
#[allow(dead_code, reason = "what other tests need")]
mod segments;
#[cfg(feature = "serve")]
#[path = "../status/server.rs"]
#[allow(dead_code, reason = "what other tests need")]
mod server;
#[path = "../../benches/support/signatures.rs"]
#[allow(dead_code, unreachable_pub, missing_docs, reason = "shared with the benches")]
mod signatures;
#[cfg(feature = "serve")]
mod source;
#[path = "../support/stages.rs"]
#[allow(dead_code, reason = "what other tests need")]
mod stages;
#[cfg(feature = "serve")]
mod status;
mod stopped;
mod tables;
#[cfg(feature = "serve")]
mod takeover;
#[cfg(feature = "serve")]
mod takeover_differences;
#[cfg(feature = "serve")]
mod told_once;
#[path = "../support/types.rs"]
mod types;
mod verify;
#[cfg(feature = "serve")]
#[path = "../support/walk.rs"]
#[allow(dead_code, reason = "what other tests need")]
mod walk;
#[cfg(feature = "serve")]
#[path = "../webhook/http.rs"]
#[allow(dead_code, unreachable_pub, reason = "what other tests need")]
mod webhook_http;
#[cfg(feature = "serve")]
mod worker;
mod world;
#[cfg(feature = "serve")]
mod years;
