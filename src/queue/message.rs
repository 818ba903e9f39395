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
use std::time::UNIX_EPOCH;

/// Longest message that is read: SQS's own limit (256 KiB) is far above it; a signed URL has about 2 KiB.
pub const MESSAGE_BYTES_MAX: usize = 16 << 10;

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
