//! Slack, by an incoming webhook (docs.slack.dev/messaging/sending-messages-using-incoming-webhooks).

use super::alert::Alert;
use super::listener::Listener;
use crate::store::{HttpUrl, post};
use serde_json::json;

/// A channel, as its webhook names it.
#[derive(Debug, Clone)]
pub(super) struct Slack {
    pub(super) url: HttpUrl,
}

impl Listener<Alert> for Slack {
    fn name(&self) -> String {
        "slack".to_owned()
    }

    fn tell(&self, alert: &Alert) -> Result<(), String> {
        let headers = [("content-type", "application/json".to_owned())];
        post(&self.url, &headers, body(alert).as_bytes())
    }
}

/// Without markup: an underscore in a column's name is no slant.
fn body(alert: &Alert) -> String {
    json!({ "text": escaped(&alert.text.join("\n")), "mrkdwn": false }).to_string()
}

/// The three characters by which Slack knows links and mentions.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_a_mention() {
        let mut alert = Alert::test();
        alert.text[0] = "<!channel> a & b".to_owned();
        let said: serde_json::Value = serde_json::from_str(&body(&alert)).unwrap();
        let text = said["text"].as_str().unwrap();
        assert!(text.starts_with("&lt;!channel&gt; a &amp; b\nNo table"), "{text}");
        assert_eq!((text.lines().count(), &said["mrkdwn"]), (4, &false.into()));
    }
}
