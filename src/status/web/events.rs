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
    /// Another text than a page was made from: it is not what it was.
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
    let said = stream::unfold((0, seat), move |(number, seat)| {
        let site = Arc::clone(&site);
        async move {
            if number >= EVENTS_MAX {
                return None;
            }
            if number > 0 {
                tokio::time::sleep(EVERY).await;
            }
            if number % LEDGER_EVERY == 0 {
                site.sources.known().await;
            }
            Some((Ok::<_, Infallible>(event(&site).await), (number + 1, seat)))
        }
    });
    let headers = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
    (headers, axum::body::Body::from_stream(said)).into_response()
}

/// One event. JSON has no line breaks but escaped ones, so it is one line.
async fn event(site: &Site) -> String {
    let loads = running(&site.sources.progress().await).iter().map(Line::of).collect();
    let data = serde_json::to_string(&Said { loads, state: site.sources.state() }).unwrap_or_default();
    format!("retry: 1000\nevent: progress\ndata: {data}\n\n")
}

impl Line {
    fn of(load: &Running) -> Self {
        Self { load_id: load.load_id.clone(), percent: load.percent, text: load.text() }
    }
}
