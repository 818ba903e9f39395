//! The HTTP face: one webhook in, one answer out, whoever carries it (a socket, API Gateway).
//!
//! ```text
//! POST /webhook ─▶ address ─▶ signature's form ─▶ body ─▶ signature ─▶ event ─▶ policy ─▶ table ─▶ queue
//!                    403          401          408, 413      401     200, 400   200       200    200, 503
//! ```
//! ControlShift tries again after every answer but 2xx, nine times, and then switches the endpoint off. So
//! what can never be processed is answered 200, counted and logged; 503 is for faults that pass.

use super::addresses::Addresses;
use super::event::{self, Event, Export, Malformed};
use super::fetch::{Policy, Refusal};
use super::limits::{BODIES_BYTES_MAX, BODY_BYTES_MAX, BODY_TIMEOUT, QUEUE_TIMEOUT, TABLE_CHARS_SHOWN};
use super::room::{Room, Seat};
use super::routes::Routes;
use super::scrape::scrape;
use super::secrets::Secrets;
use super::signature::{Claim, HEADER};
use super::tables::Tables;
use crate::metrics::Metrics;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures::StreamExt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Today's receivers of ControlShift say so in every 200.
const PROCESSED: HeaderName = HeaderName::from_static("x-controlshift-processed");
const FORWARDED: &str = "x-forwarded-for";

/// Wrong signatures are told no more often than this.
const TELL_AGAIN: Duration = Duration::from_secs(60);

/// The address that a request came from; whoever carries it puts it into the request's extensions.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub IpAddr);

/// How senders prove themselves.
pub enum Check {
    /// By a signature with one of these secrets.
    Signed(Box<Secrets>),
    /// Not at all: `webhook.signature = "unchecked"`.
    Unchecked,
}

/// All that answering a webhook takes.
pub struct Receiver {
    /// How senders prove themselves.
    pub check: Check,
    /// Where they may sit.
    pub addresses: Addresses,
    /// What may be fetched.
    pub policy: Policy,
    /// Which tables there are.
    pub tables: Tables,
    /// Where orders go.
    pub routes: Routes,
    /// What was counted.
    pub metrics: Metrics,
    /// When somebody was told of a wrong signature.
    pub told_unsigned: Mutex<Option<Instant>>,
}

/// How a webhook ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Processed,
    Skipped,
    Refused(Refusal),
    NotJson(Malformed),
    Unsigned,
    Forbidden,
    TooLarge,
    TooSlow,
    CutOff,
    Unavailable,
}

/// The routes of a receiver.
pub fn router(receiver: Arc<Receiver>) -> Router {
    Router::new()
        .route("/", post(webhook))
        .route("/webhook", post(webhook))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(receiver)
}

async fn webhook(State(receiver): State<Arc<Receiver>>, request: Request) -> Response {
    let began = Instant::now();
    let answer = receiver.answer(request, began).await.unwrap_or_else(|refused| refused);
    receiver.metrics.answered(answer.word(), began.elapsed());
    answer.into_response()
}

async fn ready(State(receiver): State<Arc<Receiver>>) -> Response {
    if let Check::Signed(secrets) = &receiver.check
        && secrets.keys().await.is_empty()
    {
        return (StatusCode::SERVICE_UNAVAILABLE, "there is no signing secret yet\n").into_response();
    }
    if let Err(why) = receiver.tables.ready().await {
        let text = format!("the bulk schema cannot be read: {why}\n");
        return (StatusCode::SERVICE_UNAVAILABLE, text).into_response();
    }
    match tokio::time::timeout(QUEUE_TIMEOUT, receiver.routes.ready()).await {
        Ok(Ok(())) => "ready\n".into_response(),
        Ok(Err(error)) => {
            tracing::warn!(%error, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "the queue cannot take messages\n").into_response()
        }
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the queue does not answer\n").into_response(),
    }
}

async fn metrics(State(receiver): State<Arc<Receiver>>, headers: HeaderMap) -> Response {
    scrape(&receiver.metrics, &receiver.routes.own, &headers).await
}

impl Receiver {
    /// What becomes of a request; both sides are answers, the left one ends early.
    async fn answer(&self, request: Request, came: Instant) -> Result<Answer, Answer> {
        let (head, body) = request.into_parts();
        let peer = head.extensions.get::<Peer>().map(|peer| peer.0);
        let forwarded = head.headers.get_all(FORWARDED).iter().map(HeaderValue::as_bytes);
        if !self.addresses.allow(peer, forwarded) {
            tracing::warn!(?peer, "a webhook from an address that webhook.allow_from does not name");
            return Err(Answer::Forbidden);
        }
        let claim = self.claim(&head.headers)?;
        let body = read(&head.headers, body).await?;
        if let Some(claim) = claim {
            self.confirm(&claim, &body.bytes).await?;
        }
        match event::parse(&body.bytes).map_err(Answer::NotJson)? {
            Event::Other => Ok(Answer::Skipped),
            Event::Export(export) => self.take(&export, came).await,
        }
    }

    /// The signature that the headers claim, before a byte of the body is read; none if nobody asks for one.
    fn claim(&self, headers: &HeaderMap) -> Result<Option<Claim>, Answer> {
        if matches!(self.check, Check::Unchecked) {
            return Ok(None);
        }
        let mut claims = headers.get_all(HEADER).iter();
        match (claims.next(), claims.next()) {
            (Some(claim), None) => Claim::parse(claim.as_bytes()).map(Some).ok_or(Answer::Unsigned),
            _ => Err(Answer::Unsigned),
        }
    }

    async fn confirm(&self, claim: &Claim, body: &[u8]) -> Result<(), Answer> {
        let Check::Signed(secrets) = &self.check else { return Ok(()) };
        let keys = secrets.keys().await;
        if keys.confirm(claim, body) {
            return Ok(());
        }
        // The secret may have been changed a moment ago.
        match secrets.newer(&keys).await {
            Some(newer) if newer.confirm(claim, body) => Ok(()),
            // Without a secret nobody can say whether it is forged.
            None if keys.is_empty() => Err(Answer::Unavailable),
            _ => {
                self.tell_unsigned();
                Err(Answer::Unsigned)
            }
        }
    }

    /// Once in a while: anybody can send what is not signed, and a wrong secret refuses all webhooks.
    fn tell_unsigned(&self) {
        let mut told = self.told_unsigned.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_none_or(|told| told.elapsed() >= TELL_AGAIN) {
            *told = Some(Instant::now());
            tracing::warn!(
                "a webhook was refused: its signature agrees with no secret; if all are, compare webhook.secrets, \
                 webhook.secret_file or webhook.secret_arn with the endpoint's secret in ControlShift"
            );
        }
    }

    async fn take(&self, export: &Export, came: Instant) -> Result<Answer, Answer> {
        let order = match self.policy.order(export) {
            Ok(order) => order,
            Err(refusal) => return Ok(self.refuse(export, refusal)),
        };
        let jid = export.jid.as_deref().unwrap_or_default();
        let (table, kind) = (&order.table, order.kind);
        match self.tables.know(table, came).await {
            Ok(true) => {}
            Ok(false) => return Ok(self.refuse(export, Refusal::Table)),
            Err(why) => {
                tracing::error!(why, table, ?kind, jid, "nobody can say whether there is such a table");
                return Err(Answer::Unavailable);
            }
        }
        match tokio::time::timeout(QUEUE_TIMEOUT, self.routes.send(&order)).await {
            Ok(Ok(())) => {
                tracing::debug!(table, ?kind, jid, "an export waits to be loaded");
                Ok(Answer::Processed)
            }
            Ok(Err(error)) => {
                tracing::error!(%error, table, ?kind, jid, "the queue did not take an export");
                Err(Answer::Unavailable)
            }
            Err(_) => {
                tracing::error!(table, ?kind, jid, "the queue did not answer in time");
                Err(Answer::Unavailable)
            }
        }
    }

    /// Nobody will send it again, so this is where the operator hears of it.
    fn refuse(&self, export: &Export, refusal: Refusal) -> Answer {
        self.metrics.refused(refusal.word());
        let table = export.data.as_ref().and_then(|data| data.table.as_deref()).unwrap_or_default();
        let table: String = table.chars().take(TABLE_CHARS_SHOWN).collect();
        let (kind, jid) = (export.kind, export.jid.as_deref().unwrap_or_default());
        // With `?`: what was sent cannot end the line or colour it.
        tracing::warn!(?table, ?kind, jid, reason = refusal.reason(), "an export can never be loaded");
        Answer::Refused(refusal)
    }
}

/// The memory of this process that bodies may take.
static ROOM: Room = Room::new(BODIES_BYTES_MAX);

/// A body, and the room that it takes until it is dropped.
struct Whole {
    bytes: Vec<u8>,
    seat: Seat<'static>,
}

impl Whole {
    fn add(&mut self, piece: &[u8]) -> Result<(), Answer> {
        let (needed, held) = (self.bytes.len() + piece.len(), self.bytes.capacity());
        if needed > BODY_BYTES_MAX {
            return Err(Answer::TooLarge);
        }
        // What is taken counts, and not what is filled: a vector that grows by itself takes up to twice as much.
        if needed > held {
            let capacity = needed.max(2 * held).min(BODY_BYTES_MAX);
            if !self.seat.add(capacity - held) {
                return Err(Answer::Unavailable);
            }
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
        self.bytes.extend_from_slice(piece);
        Ok(())
    }
}

/// All of a body that is short enough and comes soon enough.
async fn read(headers: &HeaderMap, body: Body) -> Result<Whole, Answer> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let announced: usize = announced.unwrap_or(0);
    if announced > BODY_BYTES_MAX {
        return Err(Answer::TooLarge);
    }
    let mut whole = Whole { bytes: Vec::new(), seat: ROOM.enter() };
    let given_way = whole.seat.given_way();
    let mut pieces = body.into_data_stream();
    let all = async {
        while let Some(piece) = pieces.next().await {
            whole.add(&piece.map_err(|_| Answer::CutOff)?)?;
        }
        Ok(())
    };
    let read = async { tokio::time::timeout(BODY_TIMEOUT, all).await.unwrap_or(Err(Answer::TooSlow)) };
    tokio::select! {
        read = read => read?,
        () = given_way => return Err(Answer::Unavailable),
    }
    whole.seat.complete().then_some(whole).ok_or(Answer::Unavailable)
}

impl Answer {
    /// The word in metrics.
    fn word(self) -> &'static str {
        match self {
            Self::Processed => "processed",
            Self::Skipped => "skipped",
            Self::Refused(_) => "refused",
            Self::NotJson(_) => "not_json",
            Self::Unsigned => "unsigned",
            Self::Forbidden => "forbidden",
            Self::TooLarge => "too_large",
            Self::TooSlow => "too_slow",
            Self::CutOff => "cut_off",
            Self::Unavailable => "unavailable",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::Processed | Self::Skipped | Self::Refused(_) => StatusCode::OK,
            Self::NotJson(_) | Self::CutOff => StatusCode::BAD_REQUEST,
            Self::Unsigned => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The answer's text; nothing of what was sent is in it.
    fn body(self) -> String {
        let said = |status: &str, reason: &str| format!(r#"{{"status":"{status}","reason":"{reason}"}}"#);
        match self {
            Self::Processed => r#"{"status":"processed"}"#.to_owned(),
            Self::Skipped => said("skipped", "this type is not loaded"),
            Self::Refused(refusal) => said("skipped", refusal.reason()),
            Self::NotJson(Malformed::NotJson) => said("refused", "the body is not JSON"),
            Self::NotJson(Malformed::TooDeep) => said("refused", "the JSON is too deep"),
            Self::Unsigned => said("refused", "the signature is missing or wrong"),
            Self::Forbidden => said("refused", "the address is not allowed"),
            Self::TooLarge => said("refused", "the body is too large"),
            Self::TooSlow => said("refused", "the body came too slowly"),
            Self::CutOff => said("refused", "the body broke off"),
            Self::Unavailable => said("unavailable", "try again later"),
        }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let json = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let mut response = (self.status(), [json], self.body()).into_response();
        if self.status() == StatusCode::OK {
            response.headers_mut().insert(PROCESSED, HeaderValue::from_static("1"));
        }
        response
    }
}
