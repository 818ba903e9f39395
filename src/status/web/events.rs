//! How far loads are, as server-sent events: <https://html.spec.whatwg.org/multipage/server-sent-events.html>.

use super::site::{Shared, Site};
use crate::status::overview::{Running, running};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::stream;
use serde::Serialize;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

/// How often it is said.
const EVERY: Duration = Duration::from_secs(1);
/// How often it is looked whether something else has changed: that costs a look at the ledger.
const LEDGER_EVERY: u32 = 5;
/// After so many the listener comes anew: the server can end, and who is gone takes no place.
const EVENTS_MAX: u32 = 15;

/// What is said.
#[derive(Debug, Serialize)]
struct Said {
    /// Loads under way.
    loads: Vec<Line>,
    /// Another text: the pages are not what they were.
    state: String,
}

/// A load under way.
#[derive(Debug, Serialize)]
struct Line {
    load_id: String,
    percent: Option<u64>,
    text: String,
}

pub(super) async fn events(State(site): Shared) -> Response {
    let Some(seat) = site.events.seat() else { return StatusCode::SERVICE_UNAVAILABLE.into_response() };
    let said = stream::unfold((0, String::new(), seat), move |(number, ledger, seat)| {
        let site = Arc::clone(&site);
        async move {
            if number >= EVENTS_MAX {
                return None;
            }
            if number > 0 {
                tokio::time::sleep(EVERY).await;
            }
            let ledger = if number % LEDGER_EVERY == 0 { ledger_state(&site).await } else { ledger };
            let text = event(&site, &ledger).await;
            Some((Ok::<_, Infallible>(text), (number + 1, ledger, seat)))
        }
    });
    let headers = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
    (headers, axum::body::Body::from_stream(said)).into_response()
}

/// One event. JSON has no line breaks but escaped ones, so it is one line.
async fn event(site: &Site, ledger: &str) -> String {
    let loads = running(&site.sources.progress().await);
    let ids: Vec<&str> = loads.iter().map(|load| load.load_id.as_str()).collect();
    let state = format!("{ledger} {}", ids.join(" "));
    let loads = loads.iter().map(Line::of).collect();
    let data = serde_json::to_string(&Said { loads, state }).unwrap_or_default();
    format!("retry: 1000\nevent: progress\ndata: {data}\n\n")
}

async fn ledger_state(site: &Site) -> String {
    let known = site.sources.known().await;
    let runs = known.value.as_deref().map_or(&[][..], |known| &known.runs);
    let newest = runs.first().map_or("", |brief| brief.run.load_id.as_str());
    let checks = site.sources.checks();
    // Checks may begin and end between two looks: when they ended tells that.
    format!("{} {newest} {} {:?}", runs.len(), checks.is_under_way, checks.at)
}

impl Line {
    fn of(load: &Running) -> Self {
        Self { load_id: load.load_id.clone(), percent: load.percent, text: load.text() }
    }
}
