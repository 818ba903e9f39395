//! The pages over HTTP.
//!
//! ```text
//! request ─▶ gate ─┬─ no ──▶ /login, 401, 403
//!                  └─ yes ─▶ GET /, /tables/T, /loads/ID, /queue, /settings      pages
//!                            GET /api/…                                          the same as JSON
//!                            GET /events                                         how far loads are
//!                            POST /queue/redrive, /settings/check                with a token alone
//! ```

mod act;
mod answers;
mod api;
mod auth;
mod events;
mod listeners;
mod openapi;
mod pages;
mod shapes;
mod site;

use super::html::STYLE;
use super::sources::Sources;
use crate::config::Config;
use crate::error::{Error, Place, Result};
use crate::ops::Observer;
use crate::ops::receive::Server;
use auth::{Gate, Visitor};
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use listeners::Listeners;
use site::{Shared, Site};
use std::path::Path;
use std::sync::Arc;

/// Where `status` listens unless it is told.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:8081";
const SCRIPT: &str = include_str!("../assets/status.js");
const ICON: &str = include_str!("../assets/icon.svg");

/// Serves the pages of a configuration until `stop` is done. Async: on the caller's runtime.
///
/// # Errors
/// [`Error::Usage`] for an address that is not this machine's or taken, and for one that others reach where no
/// token is set.
pub async fn serve(
    config: &Config,
    listen: &str,
    observer: &dyn Observer,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<()> {
    let gate = Gate::open(config.status.token_file.as_deref().map(Path::new))?;
    let server = Server::bind(listen, "status.listen")?;
    if !gate.has_token() && !server.address().ip().is_loopback() {
        return Err(Error::usage("whoever reaches this address would see the status pages")
            .at(Place::uri(server.address().to_string()))
            .help("set status.token_file to a file with a token, or listen on 127.0.0.1"));
    }
    let site = Arc::new(Site { sources: Sources::new(config.clone()), gate, events: Listeners::default() });
    observer.note(&format!("status pages on http://{}", server.address()));
    // The first who looks must not wait for what can be read before.
    let warmed = Arc::clone(&site);
    tokio::spawn(async move { drop(warmed.sources.facts().await) });
    server.run(routes(site), Default::default(), stop).await;
    Ok(())
}

fn routes(site: Arc<Site>) -> Router {
    Router::new()
        .route("/", get(pages::overview))
        .route("/tables/{table}", get(pages::table))
        .route("/loads/{id}", get(pages::load))
        .route("/queue", get(pages::queue))
        .route("/settings", get(pages::settings))
        .route("/login", get(pages::login).post(act::login))
        .route("/logout", post(act::logout))
        .route("/queue/redrive", post(act::redrive))
        .route("/settings/check", post(act::check))
        .route("/events", get(events::events))
        .route("/api/overview", get(api::overview))
        .route("/api/tables/{table}", get(api::table))
        .route("/api/loads", get(api::loads))
        .route("/api/loads/{id}", get(api::load))
        .route("/api/loads/{id}/report", get(api::report))
        .route("/api/queue", get(api::queue))
        .route("/api/queue/redrive", post(api::redrive))
        .route("/api/settings", get(api::settings))
        .route("/api/openapi.json", get(api::openapi))
        .route("/assets/status.css", get(|| async { answers::asset("text/css; charset=utf-8", STYLE) }))
        .route(
            "/assets/status.js",
            get(|| async { answers::asset("text/javascript; charset=utf-8", SCRIPT) }),
        )
        .route("/assets/icon.svg", get(|| async { answers::asset("image/svg+xml", ICON) }))
        .route("/healthz", get(|| async { "ok\n" }))
        .fallback(pages::nothing)
        .layer(from_fn_with_state(Arc::clone(&site), guard))
        .with_state(site)
}

/// Lets in who may, and gives every answer its headers.
async fn guard(State(site): Shared, mut request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let (is_open, is_api) = (is_open(path), path.starts_with("/api/") || path == "/events");
    let visitor = site.gate.visitor(request.headers());
    let answer = match visitor {
        _ if request.method() == Method::POST && !may_post(&site, visitor.as_ref(), &request) => {
            pages::refused(StatusCode::FORBIDDEN, "this request did not come from a page of ours")
        }
        Some(visitor) => {
            request.extensions_mut().insert(visitor);
            next.run(request).await
        }
        None if is_open && site.gate.has_token() => next.run(request).await,
        None if !site.gate.has_token() => {
            let why = "ask for this machine by its own name: 127.0.0.1 or localhost";
            pages::refused(StatusCode::FORBIDDEN, why)
        }
        None if request.method() == Method::POST => pages::refused(StatusCode::FORBIDDEN, "log in first"),
        None if is_api => (StatusCode::UNAUTHORIZED, "a token is needed\n").into_response(),
        None => answers::to("/login"),
    };
    answers::guarded(answer)
}

/// What anybody may have: nothing in it is of this installation.
fn is_open(path: &str) -> bool {
    path == "/login" || path == "/healthz" || path.starts_with("/assets/")
}

/// A program with the token may come from anywhere; a browser from our own pages alone.
fn may_post(site: &Site, visitor: Option<&Visitor>, request: &Request) -> bool {
    site.gate.has_token() && (visitor == Some(&Visitor::Bearer) || auth::is_same_origin(request.headers()))
}
