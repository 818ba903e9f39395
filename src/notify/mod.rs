//! Who else hears of a load.
//!
//! ```text
//!               ┌─▶ listeners ─▶ sns: topics, dynamodb: tables        every load's end, as it was asked for
//! load ─ News ──┤
//!               └─▶ alerts ─ cause: is it new, is it over? ─ alert: four lines ─▶ slack, teams, webhook
//!                              └ memory: what was told already
//! ```
//! A new one is a file that implements [`Listener`] of [`News`] or of [`Alert`], and a line in
//! `listeners.rs` or `alerts.rs`.
//!
//! The load has ended by then. Whatever fails here is a warning: it changes nothing about the load.

mod alert;
mod alerts;
mod calls;
mod cause;
mod dynamodb;
mod event;
mod listener;
mod listeners;
mod mark;
mod memory;
mod message;
mod news;
mod slack;
mod sns;
mod teams;
mod webhook;

pub use alert::{Alert, State};
pub use alerts::{AlertSettings, Alerts, FINISH_TIME_MAX};
pub use cause::{PATIENCE, UNKNOWN_AGAIN};
pub use listener::Listener;
pub use listeners::Listeners;
pub use mark::Subject;
pub use news::News;
pub use webhook::SIGNATURE_HEADER;
