//! The message between the receiver of webhooks and whoever loads: one export that is ready.
//!
//! Its JSON is what ControlShift's own receiver puts on SQS and the loader before us reads:
//! ```json
//! {"downloadUrl": "https://…", "table": "signatures", "s3": {"bucket": "…", "key": "…"}, "kind": "full"}
//! ```

use crate::error::{Error, Result};
use crate::store::ExportKind;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// Longest message that is read: SQS's own limit (256 KiB) is far above it; a signed URL has about 2 KiB.
pub const MESSAGE_BYTES_MAX: usize = 16 << 10;

/// How long a taken message is nobody else's, unless it is renewed.
pub const VISIBILITY: Duration = Duration::from_secs(45);
/// How often a taken message is renewed: twice may fail before it is lost.
pub const RENEW_EVERY: Duration = Duration::from_secs(15);

/// An export that waits to be loaded.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadOrder {
    /// The signed URL: a password for six hours, never shown.
    #[serde(rename = "downloadUrl")]
    pub download_url: String,
    /// Table name.
    pub table: String,
    /// The object, if the webhook named it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3: Option<ObjectName>,
    /// Full or incremental.
    pub kind: ExportKind,
}

/// An object of S3.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectName {
    /// Bucket name.
    pub bucket: String,
    /// Key, without a leading slash.
    pub key: String,
}

impl LoadOrder {
    /// Reads a message.
    ///
    /// # Errors
    /// [`Error::Input`] for what is longer than [`MESSAGE_BYTES_MAX`] or of another shape.
    pub fn parse(body: &str) -> Result<Self> {
        let help = "look at who else writes to this queue; `csl-stream dead-letters` shows what was refused";
        if body.len() > MESSAGE_BYTES_MAX {
            return Err(
                Error::input(format!("a message of {} bytes is no load message", body.len())).help(help)
            );
        }
        // serde_json's own words could repeat what stands in the message.
        serde_json::from_str(body).map_err(|_| Error::input("this is no load message").help(help))
    }

    /// The message as it is sent.
    pub fn body(&self) -> String {
        serde_json::json!(self).to_string()
    }
}

impl fmt::Debug for LoadOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, s3, kind, .. } = self;
        f.debug_struct("LoadOrder")
            .field("table", table)
            .field("s3", s3)
            .field("kind", kind)
            .finish_non_exhaustive()
    }
}

/// A message that was taken.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// Its name in the queue.
    pub id: String,
    /// What was sent; [`LoadOrder::parse`] reads it.
    pub body: String,
    /// How often it was taken, this time included.
    pub tries: u32,
    /// Proof that it was taken by us.
    pub(super) receipt: String,
}

impl Message {
    /// A message that somebody else took for us: Lambda, which feeds its functions.
    pub fn fed(id: String, body: String, tries: u32, receipt: String) -> Self {
        Self { id, body, tries, receipt }
    }
}

#[cfg(test)]
impl Message {
    /// One that was taken once.
    pub(crate) fn for_tests(order: &LoadOrder) -> Self {
        Self { id: order.deduplication_id(), body: order.body(), tries: 1, receipt: String::new() }
    }
}

/// Without the body, which holds a signed URL.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, tries, .. } = self;
        f.debug_struct("Message").field("id", id).field("tries", tries).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shape_is_that_of_the_loader_before_us() {
        let body = r#"{"downloadUrl":"https://b/k?s=1","table":"petitions","s3":{"bucket":"b","key":"k"},"kind":"full"}"#;
        let order = LoadOrder::parse(body).unwrap();
        assert_eq!(order.body(), body);
        assert!(!format!("{order:?}").contains("s=1"));
        let without = r#"{"downloadUrl":"u","table":"petitions","kind":"incremental"}"#;
        assert_eq!(LoadOrder::parse(without).unwrap().body(), without);
        assert!(LoadOrder::parse("{}").is_err());
        assert!(LoadOrder::parse(&"x".repeat(MESSAGE_BYTES_MAX + 1)).is_err());
    }
}
