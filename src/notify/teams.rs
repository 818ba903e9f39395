//! Microsoft Teams, by a webhook of its Workflows: a message with an Adaptive Card. The connectors of Office 365
//! that came before are retired, and took another shape.
//!
//! The shape is that of learn.microsoft.com/connectors/teams, "Microsoft Teams Webhook": a `message` whose
//! attachments are cards. Text runs, and no text blocks: those would read Markdown into the names of columns.

use super::alert::Alert;
use super::listener::Listener;
use crate::store::{HttpUrl, post};
use serde_json::{Value, json};

/// A channel or chat, as its workflow names it.
#[derive(Debug, Clone)]
pub(super) struct Teams {
    pub(super) url: HttpUrl,
}

impl Listener<Alert> for Teams {
    fn name(&self) -> String {
        "teams".to_owned()
    }

    fn tell(&self, alert: &Alert) -> Result<(), String> {
        let headers = [("content-type", "application/json".to_owned())];
        post(&self.url, &headers, body(alert).to_string().as_bytes())
    }
}

fn body(alert: &Alert) -> Value {
    let lines = alert.text.iter().enumerate().map(|(at, line)| {
        let weight = if at == 0 { "Bolder" } else { "Default" };
        json!({ "type": "RichTextBlock", "inlines": [{ "type": "TextRun", "text": line, "weight": weight }] })
    });
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": lines.collect::<Vec<_>>(),
            },
        }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_has_the_four_lines() {
        let said = body(&Alert::test());
        let card = &said["attachments"][0]["content"];
        assert_eq!((&said["type"], &card["type"]), (&"message".into(), &"AdaptiveCard".into()));
        let lines: Vec<&str> =
            (0..4).map(|at| card["body"][at]["inlines"][0]["text"].as_str().unwrap()).collect();
        assert_eq!(lines, Alert::test().text);
    }
}
