//! The status pages: the program as a process, over HTTP, beside the ledger and the reports that it shows.

#![allow(clippy::unwrap_used)]

#[cfg(feature = "serve")]
mod api;
#[path = "../support/aws.rs"]
#[cfg(feature = "serve")]
mod aws;
#[cfg(feature = "serve")]
mod hostile;
#[cfg(feature = "serve")]
mod http;
#[cfg(feature = "serve")]
mod large;
#[cfg(feature = "serve")]
mod live;
// A night is played for the pages; one-page reports, which every build has, take the rest.
#[cfg_attr(not(feature = "serve"), allow(dead_code))]
mod night;
#[cfg(feature = "serve")]
mod numbers;
mod one_page;
#[path = "../support/run.rs"]
#[allow(dead_code, reason = "what other tests need")]
mod run;
#[cfg(feature = "serve")]
mod safety;
#[cfg(feature = "serve")]
mod server;
#[path = "../support/stages.rs"]
#[allow(dead_code, reason = "what other tests need")]
mod stages;
mod waterfall;
