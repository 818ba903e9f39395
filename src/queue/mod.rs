//! The queue between the webhook receiver and the worker: SQS, or a durable file.

mod message;

pub use message::{LoadOrder, MESSAGE_BYTES_MAX, ObjectName};
