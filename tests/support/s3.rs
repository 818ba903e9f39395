//! An S3 of our own on a loopback port: real HTTP, kept in memory, with faults on demand.
//!
//! It speaks what this project uses (path-style GET, HEAD, PUT, DELETE, list v2, multipart, `Range`,
//! `If-Match`, `If-None-Match`) and counts each kind of request. It checks no signatures.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

#[path = "s3_faults.rs"]
mod faults;

pub use faults::Fault;
use faults::{change_after, cut_body, fault_of};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, Method, Response, header};
use bytes::Bytes;

/// The smallest part S3 takes, but for the last.
const PART_BYTES_MIN: usize = 5 << 20;
/// Names in one answer of a listing.
const LIST_KEYS_MAX: usize = 1000;

/// A kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Get,
    Head,
    Put,
    Delete,
    List,
    CreateUpload,
    UploadPart,
    CompleteUpload,
    AbortUpload,
}

#[derive(Debug, Clone)]
struct Object {
    bytes: Bytes,
    etag: String,
}

#[derive(Debug, Default)]
struct Upload {
    name: String,
    parts: BTreeMap<u32, Object>,
}

#[derive(Debug, Default)]
struct State {
    /// By `bucket/key`.
    objects: BTreeMap<String, Object>,
    /// Objects that were written years ago.
    old: BTreeSet<String>,
    uploads: HashMap<String, Upload>,
    versions: u64,
    faults: Vec<Fault>,
    latency: Duration,
    without_ranges: bool,
    /// GETs must carry this query; HEADs are refused.
    signed: Option<String>,
    counts: HashMap<Kind, usize>,
    in_flight: usize,
    in_flight_max: usize,
    access_keys: BTreeSet<String>,
    /// What begins an object must carry this encryption and key.
    encryption: Option<(String, Option<String>)>,
}

impl State {
    fn put(&mut self, name: &str, bytes: Bytes) -> String {
        self.versions += 1;
        let etag = format!("\"v{}\"", self.versions);
        self.old.remove(name);
        self.objects.insert(name.to_owned(), Object { bytes, etag: etag.clone() });
        etag
    }
}

/// The server; it ends with its owner.
pub struct S3Server {
    state: Arc<Mutex<State>>,
    address: SocketAddr,
    _runtime: tokio::runtime::Runtime,
}

impl S3Server {
    pub fn start() -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = state.clone();
        let app = axum::Router::new().fallback(move |request: Request| answer(shared.clone(), request));
        runtime.spawn(async move { axum::serve(listener, app).await });
        Self { state, address, _runtime: runtime }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// `name` is `bucket/key`.
    pub fn put(&self, name: &str, bytes: impl Into<Bytes>) {
        self.state().put(name, bytes.into());
    }

    /// The same, as if it had been written years ago; nothing else is ever old.
    pub fn put_old(&self, name: &str, bytes: impl Into<Bytes>) {
        self.put(name, bytes);
        self.state().old.insert(name.to_owned());
    }

    pub fn get(&self, name: &str) -> Option<Bytes> {
        self.state().objects.get(name).map(|object| object.bytes.clone())
    }

    pub fn names(&self) -> Vec<String> {
        self.state().objects.keys().cloned().collect()
    }

    pub fn uploads_open(&self) -> usize {
        self.state().uploads.len()
    }

    pub fn fault(&self, fault: Fault) {
        self.state().faults.push(fault);
    }

    /// Takes back every fault that is left.
    pub fn clear_faults(&self) {
        self.state().faults.clear();
    }

    pub fn set_latency(&self, latency: Duration) {
        self.state().latency = latency;
    }

    pub fn set_without_ranges(&self) {
        self.state().without_ranges = true;
    }

    pub fn set_signed(&self, query: &str) {
        self.state().signed = Some(query.to_owned());
    }

    /// As a bucket policy that demands it: without these headers a write answers 403.
    pub fn demand_encryption(&self, algorithm: &str, key: Option<&str>) {
        self.state().encryption = Some((algorithm.to_owned(), key.map(str::to_owned)));
    }

    pub fn count(&self, kind: Kind) -> usize {
        self.state().counts.get(&kind).copied().unwrap_or(0)
    }

    pub fn count_all(&self) -> usize {
        self.state().counts.values().sum()
    }

    pub fn in_flight_max(&self) -> usize {
        self.state().in_flight_max
    }

    pub fn access_keys(&self) -> Vec<String> {
        self.state().access_keys.iter().cloned().collect()
    }
}

/// One request, taken apart.
struct Asked {
    kind: Kind,
    name: String,
    query: HashMap<String, String>,
    query_text: String,
    headers: HeaderMap,
    body: Bytes,
}

async fn answer(state: Arc<Mutex<State>>, request: Request) -> Result<Response<Body>, Infallible> {
    let asked = take_apart(request).await;
    let latency = {
        let mut state = state.lock().unwrap();
        *state.counts.entry(asked.kind).or_default() += 1;
        state.in_flight += 1;
        state.in_flight_max = state.in_flight_max.max(state.in_flight);
        if let Some(key) = access_key(&asked.headers) {
            state.access_keys.insert(key);
        }
        state.latency
    };
    tokio::time::sleep(latency).await;
    let mut state = state.lock().unwrap();
    state.in_flight -= 1;
    Ok(match fault_of(&mut state, &asked) {
        Some(response) => response,
        None => respond(&mut state, &asked),
    })
}

async fn take_apart(request: Request) -> Asked {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let query_text = parts.uri.query().unwrap_or_default().to_owned();
    let query: HashMap<String, String> = query_text
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect();
    let has = |name: &str| query.contains_key(name);
    let kind = match parts.method {
        Method::GET if has("list-type") => Kind::List,
        Method::GET => Kind::Get,
        Method::HEAD => Kind::Head,
        Method::PUT if has("uploadId") => Kind::UploadPart,
        Method::PUT => Kind::Put,
        Method::DELETE if has("uploadId") => Kind::AbortUpload,
        Method::DELETE => Kind::Delete,
        _ if has("delete") => Kind::Delete,
        _ if has("uploads") => Kind::CreateUpload,
        _ => Kind::CompleteUpload,
    };
    let name = decoded(parts.uri.path().trim_start_matches('/'));
    Asked { kind, name, query, query_text, headers: parts.headers, body }
}

fn access_key(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    Some(text.split_once("Credential=")?.1.split('/').next()?.to_owned())
}

/// Parts of an upload carry no encryption of their own, as S3 has it.
fn is_encrypted(state: &State, asked: &Asked) -> bool {
    let header = |name: &str| header_of(asked, &format!("x-amz-server-side-encryption{name}"));
    state.encryption.as_ref().is_none_or(|(algorithm, key)| {
        header("").as_ref() == Some(algorithm) && header("-aws-kms-key-id") == *key
    })
}

fn respond(state: &mut State, asked: &Asked) -> Response<Body> {
    if matches!(asked.kind, Kind::Put | Kind::CreateUpload) && !is_encrypted(state, asked) {
        return error(403, "AccessDenied");
    }
    match asked.kind {
        Kind::Get | Kind::Head => read(state, asked),
        Kind::List => list(state, asked),
        Kind::Put => put(state, asked),
        Kind::Delete => {
            state.objects.remove(&asked.name);
            let body = String::from_utf8_lossy(&asked.body);
            let deleted = body.split("<Key>").filter_map(|rest| rest.split_once("</Key>")).map(|(key, _)| {
                state.objects.remove(&format!("{}/{key}", asked.name.trim_end_matches('/')));
                tag("Deleted", &[tag("Key", &[key.to_owned()])])
            });
            xml(200, &tag("DeleteResult", &deleted.collect::<Vec<_>>()))
        }
        Kind::CreateUpload => {
            state.versions += 1;
            let id = format!("upload-{}", state.versions);
            state.uploads.insert(id.clone(), Upload { name: asked.name.clone(), ..Upload::default() });
            xml(200, &tag("InitiateMultipartUploadResult", &[tag("UploadId", &[id])]))
        }
        Kind::UploadPart => upload_part(state, asked),
        Kind::CompleteUpload => complete_upload(state, asked),
        Kind::AbortUpload => match state.uploads.remove(&asked.query["uploadId"]) {
            Some(_) => xml(204, ""),
            None => error(404, "NoSuchUpload"),
        },
    }
}

fn read(state: &mut State, asked: &Asked) -> Response<Body> {
    if let Some(signed) = &state.signed
        && (asked.kind == Kind::Head || asked.query_text != *signed)
    {
        return error(403, "AccessDenied");
    }
    let Some(object) = state.objects.get(&asked.name).cloned() else {
        return error(404, "NoSuchKey");
    };
    if header_of(asked, "if-match").is_some_and(|etag| etag != object.etag) {
        return error(412, "PreconditionFailed");
    }
    let length = object.bytes.len();
    let range =
        header_of(asked, "range").filter(|_| !state.without_ranges).map(|text| range_of(&text, length));
    let mut response = Response::builder()
        .header("etag", &object.etag)
        .header("last-modified", "Sun, 22 Nov 2026 03:44:10 GMT")
        .header("accept-ranges", "bytes");
    let range = match range {
        Some(None) => return with_header(416, "content-range", &format!("bytes */{length}")),
        Some(Some(range)) => {
            response = response
                .status(206)
                .header("content-range", format!("bytes {}-{}/{length}", range.start, range.end - 1));
            range
        }
        None => 0..length,
    };
    response = response.header("content-length", range.len());
    if asked.kind == Kind::Head {
        return response.body(Body::empty()).unwrap();
    }
    change_after(state);
    response.body(cut_body(state, object.bytes.slice(range))).unwrap()
}

fn range_of(text: &str, length: usize) -> Option<std::ops::Range<usize>> {
    let (start, end) = text.strip_prefix("bytes=")?.split_once('-')?;
    let range = match (start.parse::<usize>(), end.parse::<usize>()) {
        (Ok(start), Ok(end)) => start..length.min(end + 1),
        (Ok(start), Err(_)) => start..length,
        (Err(_), Ok(last)) => length.saturating_sub(last)..length,
        _ => return None,
    };
    (range.start < range.end).then_some(range)
}

fn put(state: &mut State, asked: &Asked) -> Response<Body> {
    let exists = state.objects.get(&asked.name);
    let refused = header_of(asked, "if-none-match").is_some_and(|etag| etag == "*" && exists.is_some())
        || header_of(asked, "if-match").is_some_and(|etag| exists.is_none_or(|object| object.etag != etag));
    if refused {
        return error(412, "PreconditionFailed");
    }
    let etag = state.put(&asked.name, asked.body.clone());
    with_header(200, "etag", &etag)
}

fn upload_part(state: &mut State, asked: &Asked) -> Response<Body> {
    state.versions += 1;
    let etag = format!("\"part-{}\"", state.versions);
    let Some(upload) = state.uploads.get_mut(&asked.query["uploadId"]) else {
        return error(404, "NoSuchUpload");
    };
    let part = Object { bytes: asked.body.clone(), etag: etag.clone() };
    upload.parts.insert(asked.query["partNumber"].parse().unwrap(), part);
    with_header(200, "etag", &etag)
}

fn complete_upload(state: &mut State, asked: &Asked) -> Response<Body> {
    let id = &asked.query["uploadId"];
    let Some(upload) = state.uploads.get(id) else {
        return error(404, "NoSuchUpload");
    };
    let body = String::from_utf8_lossy(&asked.body).replace("&quot;", "\"");
    let listed: Vec<(u32, String)> = body
        .split("<Part>")
        .skip(1)
        .map(|part| (inside(part, "PartNumber").parse().unwrap(), inside(part, "ETag").to_owned()))
        .collect();
    let mut whole = Vec::new();
    for (at, (number, etag)) in listed.iter().enumerate() {
        let Some(part) = upload.parts.get(number).filter(|part| part.etag == *etag) else {
            return error(400, "InvalidPart");
        };
        if at + 1 < listed.len() && part.bytes.len() < PART_BYTES_MIN {
            return error(400, "EntityTooSmall");
        }
        whole.extend_from_slice(&part.bytes);
    }
    let name = upload.name.clone();
    state.uploads.remove(id);
    let etag = state.put(&name, whole.into());
    xml(200, &tag("CompleteMultipartUploadResult", &[tag("ETag", &[escaped(&etag)])]))
}

fn list(state: &State, asked: &Asked) -> Response<Body> {
    let asked_for = |name: &str| asked.query.get(name).map_or("", String::as_str);
    let bucket = format!("{}/", asked.name.trim_end_matches('/'));
    let (prefix, delimiter) = (asked_for("prefix"), asked_for("delimiter"));
    let after = asked_for("continuation-token").max(asked_for("start-after"));
    let (mut contents, mut common, mut last, mut more) =
        (String::new(), BTreeSet::new(), String::new(), false);
    let mut count = 0;
    for (name, object) in state.objects.range(bucket.clone()..) {
        let Some(key) = name.strip_prefix(&bucket) else { break };
        let Some(rest) = key.strip_prefix(prefix) else { continue };
        let group = rest.split_once(delimiter).filter(|_| !delimiter.is_empty());
        let shown = group.map_or(key.to_owned(), |(folder, _)| format!("{prefix}{folder}{delimiter}"));
        if shown.as_str() <= after || common.contains(&shown) {
            continue;
        }
        if count == LIST_KEYS_MAX {
            more = true;
            break;
        }
        count += 1;
        last.clone_from(&shown);
        if group.is_some() {
            common.insert(shown);
            continue;
        }
        let year = if state.old.contains(name) { 2020 } else { 2100 };
        let written = format!("{year}-11-22T03:44:10.000Z");
        let (etag, size) = (escaped(&object.etag), object.bytes.len().to_string());
        let facts = [("Key", escaped(key)), ("LastModified", written), ("ETag", etag), ("Size", size)];
        contents += &tag("Contents", &facts.map(|(name, text)| tag(name, &[text])));
    }
    let folders: String =
        common.iter().map(|folder| tag("CommonPrefixes", &[tag("Prefix", &[escaped(folder)])])).collect();
    let token = if more { tag("NextContinuationToken", &[escaped(&last)]) } else { String::new() };
    xml(200, &tag("ListBucketResult", &[tag("IsTruncated", &[more.to_string()]), token, contents, folders]))
}

fn header_of(asked: &Asked, name: &str) -> Option<String> {
    asked.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

fn inside<'a>(text: &'a str, tag: &str) -> &'a str {
    let rest = text.split_once(&format!("<{tag}>")).map_or("", |(_, rest)| rest);
    rest.split('<').next().unwrap_or_default()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = || u8::from_str_radix(std::str::from_utf8(tail.get(..2)?).ok()?, 16).ok();
        let escape = (*first == b'%').then(hex).flatten();
        bytes.push(escape.unwrap_or(*first));
        rest = if escape.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn tag(name: &str, inside: &[String]) -> String {
    format!("<{name}>{}</{name}>", inside.concat())
}

fn with_header(status: u16, name: &str, value: &str) -> Response<Body> {
    Response::builder().status(status).header(name, value).body(Body::empty()).unwrap()
}

fn xml(status: u16, text: &str) -> Response<Body> {
    let response = Response::builder().status(status).header("content-type", "application/xml");
    response.body(Body::from(text.to_owned())).unwrap()
}

fn error(status: u16, code: &str) -> Response<Body> {
    xml(status, &tag("Error", &[tag("Code", &[code.to_owned()]), tag("Message", &["as it is".to_owned()])]))
}
