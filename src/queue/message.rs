//! The message between the receiver of webhooks and whoever loads: one export that is ready.
//!
//! Its JSON is what ControlShift's own receiver puts on SQS and the loader before us reads:
//! ```json
//! {"downloadUrl": "https://…", "table": "signatures", "s3": {"bucket": "…", "key": "…"}, "kind": "full"}
//! ```

use crate::error::{Error, Result};
use crate::store::{ExportKind, time_of};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

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

    /// Until when the signed URL can be read, in seconds since 1970, if it says so.
    pub fn expires(&self) -> Option<u64> {
        expires(&self.download_url)
    }

    /// The message as it is sent.
    pub fn body(&self) -> String {
        serde_json::json!(self).to_string()
    }
}

/// `Expires` of [signature version 2][v2]; `X-Amz-Date` and `X-Amz-Expires` of [version 4][v4].
///
/// [v2]: https://docs.aws.amazon.com/AmazonS3/latest/userguide/RESTAuthentication.html#RESTAuthenticationQueryStringAuth
/// [v4]: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
fn expires(url: &str) -> Option<u64> {
    let query = url.split('#').next()?.split_once('?')?.1;
    let field = |name: &str| {
        query.split('&').find_map(|pair| pair.split_once('=').filter(|(key, _)| *key == name)).map(|(_, v)| v)
    };
    if let Some(at) = field("Expires") {
        return at.parse().ok();
    }
    let signed: String = field("X-Amz-Date")?.chars().filter(char::is_ascii_digit).collect();
    let signed = time_of(&signed)?.duration_since(UNIX_EPOCH).ok()?.as_secs();
    signed.checked_add(field("X-Amz-Expires")?.parse().ok()?)
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
    /// Which try the load is that comes next, or is under way: 1 for the first. SQS counts takings, which
    /// are more.
    pub tries: u32,
    /// Loads that began and of which nobody said how they ended: each has taken its worker along. SQS cannot
    /// tell them from messages that were only taken beside others.
    pub deaths: Option<u32>,
    /// When it came into the queue, if that is known: its export was made before.
    pub sent: Option<SystemTime>,
    /// Proof that it was taken by us.
    pub(super) receipt: String,
}

impl Message {
    /// A message that somebody else took for us: Lambda, which feeds its functions.
    pub fn fed(id: String, body: String, tries: u32, sent: Option<SystemTime>, receipt: String) -> Self {
        Self { id, body, tries, deaths: None, sent, receipt }
    }
}

#[cfg(test)]
impl Message {
    /// One that was taken once.
    pub(crate) fn for_tests(order: &LoadOrder) -> Self {
        Self {
            id: order.deduplication_id(),
            body: order.body(),
            tries: 1,
            deaths: Some(0),
            sent: None,
            receipt: String::new(),
        }
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

    #[test]
    fn urls_say_how_long_they_live() {
        for (query, expected) in [
            ("?AWSAccessKeyId=A&Expires=1438711490&Signature=B%3D", Some(1_438_711_490)),
            ("?X-Amz-Date=20261128T120000Z&X-Amz-Expires=21600&X-Amz-Signature=B", Some(1_795_888_800)),
            ("?X-Amz-Expires=21600&X-Amz-Date=20261128T120000Z#Expires=7", Some(1_795_888_800)),
            ("?X-Amz-Expires=21600&X-Amz-Signature=B", None),
            ("?X-Amz-Date=20261328T120000Z&X-Amz-Expires=21600", None),
            ("?X-Amz-Date=20261128T120000Z&X-Amz-Expires=18446744073709551615", None),
            ("?Expires=soon", None),
            ("?NotExpires=7", None),
            ("", None),
        ] {
            assert_eq!(expires(&format!("https://h/k{query}")), expected, "{query}");
        }
    }
}
