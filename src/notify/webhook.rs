//! Any other program, by a webhook of its own: the alert as JSON, signed.
//!
//! ```text
//! x-csl-stream-signature: t=<seconds since 1970>,v1=<64 hex digits>
//!                         HMAC-SHA-256 of "<t>.<body>" under alerts.webhook_secret
//! ```
//! The time is signed too, so that who keeps it within some minutes takes no message that was recorded.

use super::alert::Alert;
use super::listener::Listener;
use crate::store::{HttpUrl, post};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt::Write;
use std::time::{SystemTime, UNIX_EPOCH};

/// Header of the signature.
pub const SIGNATURE_HEADER: &str = "x-csl-stream-signature";

/// A program.
#[derive(Clone)]
pub(super) struct Webhook {
    pub(super) url: HttpUrl,
    pub(super) secret: String,
}

impl Listener<Alert> for Webhook {
    fn name(&self) -> String {
        "webhook".to_owned()
    }

    fn tell(&self, alert: &Alert) -> Result<(), String> {
        let body = serde_json::to_vec(alert).map_err(|cause| cause.to_string())?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let headers = [
            ("content-type", "application/json".to_owned()),
            (SIGNATURE_HEADER, signature(&self.secret, now, &body)),
        ];
        post(&self.url, &headers, &body)
    }
}

fn signature(secret: &str, seconds: u64, body: &[u8]) -> String {
    // HMAC takes keys of every length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    mac.update(format!("{seconds}.").as_bytes());
    mac.update(body);
    let digits = mac.finalize().into_bytes().iter().fold(String::new(), |mut digits, byte| {
        // Text into memory is never refused.
        let _ = write!(digits, "{byte:02x}");
        digits
    });
    format!("t={seconds},v1={digits}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `printf '%s' '1700000000.{"a":1}' | openssl dgst -sha256 -hmac hush`
    #[test]
    fn the_signature_is_that_of_openssl() {
        let expected = "7cfd1df542c33ab7251748ffdc6e7fed278c63b83d4ece95a4534b0ad465571b";
        assert_eq!(signature("hush", 1_700_000_000, br#"{"a":1}"#), format!("t=1700000000,v1={expected}"));
    }
}
