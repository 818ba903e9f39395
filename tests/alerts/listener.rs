//! Slack, Teams and another program, all on one loopback port: what each was told, in order.
//!
//! Stricter than they are: a message that is not as their documentation has it is refused with 400.

use crate::listen;
use axum::Router;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::Value;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::runtime::Runtime;

pub(crate) const SECRET: &str = "the secret of alerts";

/// One message.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    /// The four lines.
    pub(crate) lines: Vec<String>,
    pub(crate) body: String,
    pub(crate) signature: String,
}

#[derive(Debug, Default)]
struct State {
    said: HashMap<String, Vec<Said>>,
    /// Answers to come, by listener; then 200.
    answers: HashMap<String, Vec<u16>>,
    /// How many requests came.
    asked: HashMap<String, usize>,
    /// Listeners that take a request and never answer.
    silent: Vec<String>,
}

pub(crate) struct Listeners {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    _runtime: Runtime,
}

impl Listeners {
    pub(crate) fn start() -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        let hear = move |Path(name): Path<String>, headers: HeaderMap, body: Bytes| {
            let state = Arc::clone(&shared);
            async move {
                let silent = state.lock().unwrap().silent.contains(&name);
                *state.lock().unwrap().asked.entry(name.clone()).or_default() += 1;
                if silent {
                    tokio::time::sleep(Duration::from_secs(3600)).await;
                }
                heard(&mut state.lock().unwrap(), &name, &headers, &body)
            }
        };
        let (address, runtime) = listen::serve(Router::new().route("/{name}/hush", post(hear)));
        Self { address, state, _runtime: runtime }
    }

    /// The variables that name them.
    pub(crate) fn variables(&self) -> Vec<(String, String)> {
        let url = |name: &str| format!("http://{}/{name}/hush?token=HUSH", self.address);
        [
            ("CSL_ALERTS_SLACK_URL", url("slack")),
            ("CSL_ALERTS_TEAMS_URL", url("teams")),
            ("CSL_ALERTS_WEBHOOK_URL", url("webhook")),
            ("CSL_ALERTS_WEBHOOK_SECRET", SECRET.to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    pub(crate) fn answers(&self, name: &str, statuses: &[u16]) {
        self.state.lock().unwrap().answers.insert(name.to_owned(), statuses.to_vec());
    }

    pub(crate) fn is_silent(&self, name: &str) {
        self.state.lock().unwrap().silent.push(name.to_owned());
    }

    pub(crate) fn asked(&self, name: &str) -> usize {
        self.state.lock().unwrap().asked.get(name).copied().unwrap_or(0)
    }

    /// What one was told since the last time.
    pub(crate) fn said(&self, name: &str) -> Vec<Said> {
        self.state.lock().unwrap().said.remove(name).unwrap_or_default()
    }

    /// The first lines of what all three were told, which must be the same, since the last time.
    pub(crate) fn all(&self) -> Vec<Said> {
        let said = ["slack", "teams", "webhook"].map(|name| self.said(name));
        let lines = |said: &[Said]| said.iter().map(|said| said.lines.clone()).collect::<Vec<_>>();
        assert_eq!(lines(&said[0]), lines(&said[2]), "slack and webhook");
        assert_eq!(lines(&said[1]), lines(&said[2]), "teams and webhook");
        for said in said.iter().flatten() {
            assert_eq!(said.lines.len(), 4, "{said:#?}");
            for hush in ["HUSH", "jo@example.org", "SECRETSECRET", SECRET] {
                assert!(!said.body.contains(hush), "{said:#?}");
            }
        }
        let [_, _, webhook] = said;
        webhook
    }
}

fn heard(state: &mut State, name: &str, headers: &HeaderMap, body: &Bytes) -> StatusCode {
    if let Some(answers) = state.answers.get_mut(name).filter(|answers| !answers.is_empty()) {
        return StatusCode::from_u16(answers.remove(0)).unwrap();
    }
    let header = |name: &str| headers.get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
    let Ok(json) = serde_json::from_slice::<Value>(body) else { return StatusCode::BAD_REQUEST };
    let lines = match name {
        "slack" => slack(&json),
        "teams" => teams(&json, body.len()),
        "webhook" => json["text"].as_array().map(|lines| texts(lines.iter())),
        _ => None,
    };
    let Some(lines) = lines.filter(|_| header("content-type") == "application/json") else {
        return StatusCode::BAD_REQUEST;
    };
    let body = String::from_utf8(body.to_vec()).unwrap();
    let said = Said { lines, body, signature: header("x-csl-stream-signature") };
    state.said.entry(name.to_owned()).or_default().push(said);
    StatusCode::OK
}

fn texts<'a>(values: impl Iterator<Item = &'a Value>) -> Vec<String> {
    values.map(|value| value.as_str().unwrap_or("no text").to_owned()).collect()
}

/// A `text` of at most 4,000 characters in which `&`, `<` and `>` are escaped (docs.slack.dev, "Formatting message
/// text").
fn slack(json: &Value) -> Option<Vec<String>> {
    let text = json["text"].as_str().filter(|text| (1..=4_000).contains(&text.chars().count()))?;
    let plain = text.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "");
    if plain.contains(['&', '<', '>']) {
        return None;
    }
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    Some(text.split('\n').map(str::to_owned).collect())
}

/// A message with one Adaptive Card, 28 kB at most (learn.microsoft.com, "Create incoming webhooks with Workflows").
fn teams(json: &Value, bytes: usize) -> Option<Vec<String>> {
    let attachments = json["attachments"].as_array()?;
    let card = &attachments.first()?["content"];
    let sound = json["type"] == "message"
        && bytes <= 28 << 10
        && attachments.len() == 1
        && attachments[0]["contentType"] == "application/vnd.microsoft.card.adaptive"
        && card["type"] == "AdaptiveCard"
        && card["version"].is_string();
    let body = card["body"].as_array().filter(|_| sound)?;
    Some(texts(body.iter().map(|block| &block["inlines"][0]["text"])))
}
