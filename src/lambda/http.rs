//! HTTP as API Gateway and function URLs pack it into events: to the router and back.
//!
//! | | version 1 | version 2, function URL |
//! |---|---|---|
//! | method | httpMethod | requestContext.http.method |
//! | path | path | rawPath, which begins with the stage unless that is $default |
//! | headers | multiValueHeaders, headers | headers, several values joined by commas |
//! | sender | requestContext.identity.sourceIp | requestContext.http.sourceIp |

use crate::error::{Error, Result};
use crate::webhook::Peer;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tower_service::Service;

/// Longest answer; metrics are the longest of ours.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// The stage that is not part of the path.
const DEFAULT_STAGE: &str = "$default";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HttpEvent {
    http_method: Option<String>,
    path: Option<String>,
    raw_path: Option<String>,
    headers: Option<BTreeMap<String, String>>,
    multi_value_headers: Option<BTreeMap<String, Vec<String>>>,
    #[serde(default)]
    request_context: Context,
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

#[derive(Default, Deserialize)]
struct Context {
    stage: Option<String>,
    http: Option<Http>,
    identity: Option<Identity>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Http {
    method: String,
    source_ip: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Identity {
    source_ip: Option<String>,
}

/// Whether an event is a request.
pub(super) fn is_http(event: &Value) -> bool {
    event.get("httpMethod").is_some() || event.pointer("/requestContext/http").is_some()
}

/// Answers a request as the router does.
///
/// # Errors
/// [`Error::Input`] for an event that is no request.
pub(super) async fn answer(routes: &Router, event: Value) -> Result<Value> {
    // serde_json's own words could repeat what stands in the event.
    let event: HttpEvent =
        serde_json::from_value(event).map_err(|_| Error::input("an HTTP event of another shape"))?;
    let request = match request(event) {
        Ok(request) => request,
        Err(status) => return Ok(packed(status, BTreeMap::new(), String::new())),
    };
    let response = match routes.clone().call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    unpacked(response).await
}

/// The request, or the status of what is none.
fn request(event: HttpEvent) -> Result<Request<Body>, StatusCode> {
    let HttpEvent { http_method, path, raw_path, headers, multi_value_headers, request_context, .. } = event;
    let Context { stage, http, identity } = request_context;
    let source = http.as_ref().and_then(|http| http.source_ip.clone());
    let source = source.or_else(|| identity.and_then(|identity| identity.source_ip));
    let method = http_method.or_else(|| http.map(|http| http.method)).unwrap_or_default();
    let path = raw_path.or(path).unwrap_or_default();
    let body = match (event.body.unwrap_or_default(), event.is_base64_encoded) {
        (packed, true) => STANDARD.decode(packed).map_err(|_| StatusCode::BAD_REQUEST)?,
        (plain, false) => plain.into_bytes(),
    };
    let mut request = Request::builder().method(method.as_str()).uri(without_stage(&path, stage.as_deref()));
    let several = multi_value_headers.filter(|headers| !headers.is_empty());
    let headers = match several {
        Some(several) => several
            .into_iter()
            .flat_map(|(name, values)| values.into_iter().map(move |value| (name.clone(), value)))
            .collect(),
        None => headers.unwrap_or_default().into_iter().collect::<Vec<_>>(),
    };
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| StatusCode::BAD_REQUEST)?;
        let value = HeaderValue::from_str(&value).map_err(|_| StatusCode::BAD_REQUEST)?;
        request = request.header(name, value);
    }
    if let Some(address) = source.and_then(|source| source.parse().ok()) {
        request = request.extension(Peer(address));
    }
    request.body(Body::from(body)).map_err(|_| StatusCode::BAD_REQUEST)
}

/// The path as the router knows it: `/prod/webhook` of the stage `prod` is `/webhook`.
fn without_stage<'a>(path: &'a str, stage: Option<&str>) -> &'a str {
    let stage = stage.filter(|stage| *stage != DEFAULT_STAGE && !stage.is_empty());
    let rest = stage.and_then(|stage| path.strip_prefix('/')?.strip_prefix(stage));
    match rest {
        Some("") => "/",
        Some(rest) if rest.starts_with('/') => rest,
        _ if path.is_empty() => "/",
        _ => path,
    }
}

async fn unpacked(response: Response<Body>) -> Result<Value> {
    let (head, body) = response.into_parts();
    let body = axum::body::to_bytes(body, ANSWER_BYTES_MAX).await;
    let body = body.map_err(|cause| Error::machine("the answer cannot be packed").because(cause))?;
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = head.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    Ok(packed(head.status, headers, String::from_utf8_lossy(&body).into_owned()))
}

fn packed(status: StatusCode, headers: BTreeMap<String, String>, body: String) -> Value {
    json!({ "statusCode": status.as_u16(), "headers": headers, "body": body, "isBase64Encoded": false })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_are_not_part_of_the_path() {
        for (path, stage, expected) in [
            ("/webhook", None, "/webhook"),
            ("/webhook", Some("$default"), "/webhook"),
            ("/prod/webhook", Some("prod"), "/webhook"),
            ("/prod", Some("prod"), "/"),
            ("/prod/", Some("prod"), "/"),
            ("/production/webhook", Some("prod"), "/production/webhook"),
            ("/webhook", Some("webhook"), "/"),
            ("/webhook", Some("prod"), "/webhook"),
            ("", Some("prod"), "/"),
        ] {
            assert_eq!(without_stage(path, stage), expected, "{path} {stage:?}");
        }
    }
}
