//! What may be done: log in and out, put dead letters back, check. Each a form that works without scripts.

use super::answers::{is_behind_tls, to};
use super::auth::{COOKIE, Gate, SESSION_SECONDS, Visitor};
use super::pages::{login_page, pairs, refused};
use super::site::Shared;
use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use std::time::Duration;

/// Longest form; the ids of some dead letters.
pub(super) const BODY_BYTES_MAX: usize = 64 << 10;
/// A body is there by then.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// Who guesses waits.
const WRONG_PAUSE: Duration = Duration::from_secs(1);

pub(super) async fn login(State(site): Shared, headers: HeaderMap, body: Body) -> Response {
    let Some(form) = form(body).await else { return login_page(StatusCode::BAD_REQUEST, false) };
    let guess = form.iter().find(|(name, _)| name == "token").map_or("", |(_, value)| value.trim());
    let session = if site.gate.is_token(guess) { site.gate.session() } else { None };
    let Some(session) = session else {
        tracing::warn!("a wrong token was tried on the status pages");
        tokio::time::sleep(WRONG_PAUSE).await;
        return login_page(StatusCode::FORBIDDEN, true);
    };
    with_cookie(to("/"), &session, SESSION_SECONDS, is_behind_tls(&headers))
}

pub(super) async fn logout(
    State(site): Shared,
    visitor: Option<Extension<Visitor>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    match form_of(&site.gate, visitor.as_deref(), body).await {
        Ok(_) => with_cookie(to("/login"), "", 0, is_behind_tls(&headers)),
        Err(answer) => answer,
    }
}

pub(super) async fn redrive(
    State(site): Shared,
    visitor: Option<Extension<Visitor>>,
    body: Body,
) -> Response {
    let form = match form_of(&site.gate, visitor.as_deref(), body).await {
        Ok(form) => form,
        Err(answer) => return answer,
    };
    let ids: Vec<String> = form.iter().filter(|(name, _)| name == "id").map(|(_, id)| id.clone()).collect();
    // All are meant only by who says so: a form without an id is a mistake.
    if ids.is_empty() && !form.iter().any(|(name, value)| name == "all" && value == "yes") {
        return refused(StatusCode::BAD_REQUEST, "no dead letter was named");
    }
    match site.sources.redrive(ids).await {
        Ok(gone) => {
            tracing::info!(gone = gone.len(), "dead letters were put back by the status pages");
            to("/queue")
        }
        Err(error) => refused(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()),
    }
}

pub(super) async fn check(State(site): Shared, visitor: Option<Extension<Visitor>>, body: Body) -> Response {
    match form_of(&site.gate, visitor.as_deref(), body).await {
        Ok(_) => {
            site.sources.check();
            to("/settings")
        }
        Err(answer) => answer,
    }
}

type Form = Vec<(String, String)>;

/// The fields of a form that this session's own page has sent.
async fn form_of(gate: &Gate, visitor: Option<&Visitor>, body: Body) -> Result<Form, Response> {
    let fields =
        form(body).await.ok_or_else(|| refused(StatusCode::BAD_REQUEST, "the form is too long or broken"))?;
    let sent = fields.iter().find(|(name, _)| name == "csrf").map_or("", |(_, value)| value);
    if !visitor.is_some_and(|visitor| gate.is_form_of(visitor, sent)) {
        return Err(refused(StatusCode::FORBIDDEN, "the form is not of this session; load the page again"));
    }
    Ok(fields)
}

async fn form(body: Body) -> Option<Form> {
    let bytes = bytes(body).await?;
    Some(pairs(std::str::from_utf8(&bytes).ok()?))
}

pub(super) async fn bytes(body: Body) -> Option<bytes::Bytes> {
    let read = tokio::time::timeout(BODY_TIMEOUT, axum::body::to_bytes(body, BODY_BYTES_MAX)).await;
    read.ok()?.ok()
}

fn with_cookie(mut answer: Response, value: &str, seconds: u64, is_tls: bool) -> Response {
    let secure = if is_tls { "; Secure" } else { "" };
    let cookie = format!("{COOKIE}={value}; HttpOnly; SameSite=Strict; Path=/; Max-Age={seconds}{secure}");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        answer.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    answer
}
