//! `GET /metrics`, of the receiver and of a worker.

use crate::metrics::{Exposition, Metrics};
use crate::queue::Queue;
use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::sync::Arc;
use std::time::Duration;

/// A queue that does not say by then what it holds is left out.
const QUEUE_LOOK_TIMEOUT: Duration = Duration::from_secs(3);

/// The routes of a process that is only watched.
pub fn watched(metrics: Arc<Metrics>, queue: Arc<Queue>) -> Router {
    let scraped = move |headers: HeaderMap| {
        let (metrics, queue) = (Arc::clone(&metrics), Arc::clone(&queue));
        async move { scrape(&metrics, &queue, &headers).await }
    };
    Router::new().route("/healthz", get(|| async { "ok\n" })).route("/metrics", get(scraped))
}

/// What was counted, and what the queue holds now.
pub(super) async fn scrape(metrics: &Metrics, queue: &Queue, headers: &HeaderMap) -> Response {
    let state = tokio::time::timeout(QUEUE_LOOK_TIMEOUT, queue.state()).await;
    let state = state.ok().and_then(|looked| {
        looked.inspect_err(|error| tracing::debug!(%error, "the queue does not say what it holds")).ok()
    });
    metrics.queue(state);
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let exposition = Exposition::of(accept);
    match metrics.text(exposition) {
        Ok(text) => ([(header::CONTENT_TYPE, exposition.content_type())], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
