//! A URL, signed or not, as a source.
//!
//! ```text
//! GET bytes=0-0 ─┬ 206: version and length are pinned ─► ranges ahead, as with S3
//!                ├ 416 of 0 bytes: empty
//!                └ 200: the server knows no ranges ────► this one answer, read as it comes
//! ```
//!
//! The first request is a GET, not a HEAD: a URL signed for GET answers a HEAD with 403.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use reqwest::header::{
    ACCEPT_ENCODING, CONTENT_RANGE, ETAG, HeaderMap, HeaderName, IF_MATCH, LAST_MODIFIED, LOCATION, RANGE,
    TRANSFER_ENCODING,
};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode, Url};

use super::fault::{Doing, Fault, in_full, s3_message};
use super::guard;
use super::location::HttpUrl;
use super::naming::name_of_url;
use super::outbound;
use super::ranged::{Body, Fetch, RangedSource, Tuning, retrying, within};
use super::runtime::runtime;
use super::types::{ByteSource, ObjectInfo, take};
use crate::error::{Error, Place, Result};

/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Redirects that are followed, all on one host.
const REDIRECTS_MAX: usize = 3;
/// How much of an error page is read for its message.
const ERROR_PAGE_BYTES_MAX: usize = 4 << 10;

/// Opens `url` and pins its version and length; ranges are fetched ahead if the server knows them.
///
/// # Errors
/// [`Error::Access`] if it is not there or the signature has run out, [`Error::Transient`] if the server
/// does not answer.
pub fn open(url: &HttpUrl, tuning: Tuning) -> Result<Box<dyn ByteSource>> {
    let link = Link::new(url)?;
    let answer = runtime()?
        .block_on(retrying(tuning, || link.ask(Some(0..1), None)))
        .map_err(|fault| fault.into_error(&url.to_string(), Doing::Reading))?;
    if answer.status() == StatusCode::OK {
        return Ok(Box::new(StreamSource::new(url, answer, tuning)?));
    }
    let version = Version::of(answer.headers());
    let length = version.length.ok_or_else(|| {
        Error::access("the server does not say how long the object is").at(Place::uri(url.to_string()))
    })?;
    let info = ObjectInfo { uri: name_of(url), etag: version.name(), bytes: Some(length) };
    let fetch = Arc::new(UrlFetch { link, version });
    Ok(Box::new(RangedSource::new(fetch, info, length, tuning, 0)))
}

/// Opens `url` with one plain GET: for small answers that a server makes on the spot.
///
/// # Errors
/// As [`open`].
pub fn open_whole(url: &HttpUrl, tuning: Tuning) -> Result<Box<dyn ByteSource>> {
    let link = Link::new(url)?;
    let answer = runtime()?
        .block_on(retrying(tuning, || link.ask(None, None)))
        .map_err(|fault| fault.into_error(&url.to_string(), Doing::Reading))?;
    Ok(Box::new(StreamSource::new(url, answer, tuning)?))
}

/// The object's one name, if it is one of S3; otherwise the URL without its query.
fn name_of(url: &HttpUrl) -> String {
    name_of_url(url.secret()).unwrap_or_else(|| url.to_string())
}

/// A client for one URL.
struct Link {
    client: Client,
    url: HttpUrl,
    parsed: Url,
}

impl Link {
    fn new(url: &HttpUrl) -> Result<Self> {
        let place = || Place::uri(url.to_string());
        let parsed =
            Url::parse(url.secret()).map_err(|e| Error::usage("not a URL").at(place()).because(e))?;
        let mut builder = outbound::web(url.is_loopback()).connect_timeout(CONNECT_TIMEOUT).redirect(
            Policy::custom(|attempt| {
                let stays =
                    attempt.previous().first().is_some_and(|first| first.origin() == attempt.url().origin());
                if stays && attempt.previous().len() <= REDIRECTS_MAX {
                    attempt.follow()
                } else {
                    attempt.stop()
                }
            }),
        );
        if url.is_foreign() {
            builder = builder.dns_resolver(guard::resolver(url)?).redirect(Policy::none());
        }
        let client = builder
            .build()
            .map_err(|error| Error::machine("cannot set up the HTTP client").because(error.without_url()))?;
        Ok(Self { client, url: url.clone(), parsed })
    }

    /// One GET; answers 200, 206, or the 416 of an empty object, and makes a fault of everything else.
    async fn ask(&self, range: Option<Range<u64>>, if_match: Option<&str>) -> Result<Response, Fault> {
        // A body packed on the way would have another length than the object.
        let mut request = self.client.get(self.parsed.clone()).header(ACCEPT_ENCODING, "identity");
        if let Some(range) = &range {
            request = request.header(RANGE, format!("bytes={}-{}", range.start, range.end - 1));
        }
        if let Some(etag) = if_match {
            request = request.header(IF_MATCH, etag);
        }
        let answer = request.send().await.map_err(broken)?;
        let empty = || text(answer.headers(), CONTENT_RANGE).is_some_and(|range| range.trim() == "bytes */0");
        match answer.status() {
            StatusCode::OK | StatusCode::PARTIAL_CONTENT => Ok(answer),
            StatusCode::RANGE_NOT_SATISFIABLE if empty() => Ok(answer),
            status if status.is_redirection() => Err(Fault::Refused(self.redirected(&answer))),
            status => Err(Fault::of_status(status.as_u16(), said(answer).await)),
        }
    }

    fn redirected(&self, answer: &Response) -> String {
        let target = text(answer.headers(), LOCATION).and_then(|to| self.parsed.join(&to).ok());
        let host = target.as_ref().and_then(Url::host_str).unwrap_or("nowhere");
        format!("{} redirects to {host}: name the final address", self.url.host())
    }
}

/// Never with the URL, whose query is a password.
fn broken(error: reqwest::Error) -> Fault {
    Fault::Passing(in_full(&error.without_url()))
}

/// The status, and what an error page says, if it is one of S3's.
async fn said(mut answer: Response) -> String {
    let status = answer.status();
    let mut page = Vec::new();
    while let Ok(Some(piece)) = answer.chunk().await {
        page.extend_from_slice(&piece[..piece.len().min(ERROR_PAGE_BYTES_MAX - page.len())]);
        if page.len() == ERROR_PAGE_BYTES_MAX {
            break;
        }
    }
    match s3_message(&String::from_utf8_lossy(&page)) {
        Some(message) => format!("{status}, {message}"),
        None => status.to_string(),
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// What an answer says about the object's version.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Version {
    etag: Option<String>,
    modified: Option<String>,
    length: Option<u64>,
}

impl Version {
    /// From an answer to a ranged GET, whose length is that of the object, not of the answer.
    fn of(headers: &HeaderMap) -> Self {
        let length =
            text(headers, CONTENT_RANGE).and_then(|range| range.rsplit_once('/')?.1.trim().parse().ok());
        Self { etag: text(headers, ETAG), modified: text(headers, LAST_MODIFIED), length }
    }

    /// A weak etag never matches in `If-Match`; it is compared here instead.
    fn if_match(&self) -> Option<&str> {
        self.etag.as_deref().filter(|etag| !etag.starts_with("W/"))
    }

    fn name(&self) -> Option<String> {
        self.etag.as_ref().or(self.modified.as_ref()).map(|name| name.trim_matches('"').to_owned())
    }
}

/// One object behind a URL at one version.
struct UrlFetch {
    link: Link,
    version: Version,
}

impl UrlFetch {
    async fn part(&self, range: Range<u64>) -> Result<Body, Fault> {
        let answer = self.link.ask(Some(range.clone()), self.version.if_match()).await?;
        if answer.status() != StatusCode::PARTIAL_CONTENT {
            return Err(Fault::Passing(format!("a range was answered with {}", answer.status())));
        }
        let version = Version::of(answer.headers());
        if version != self.version {
            return Err(Fault::Changed(format!("it was {:?}, now it is {version:?}", self.version)));
        }
        let starts = text(answer.headers(), CONTENT_RANGE)
            .is_some_and(|found| found.trim().starts_with(&format!("bytes {}-", range.start)));
        if !starts {
            return Err(Fault::Refused(
                "the server answered with another range than was asked for".to_owned(),
            ));
        }
        Ok(Box::pin(futures::stream::unfold(answer, |mut answer| async move {
            let piece = answer.chunk().await.map_err(broken).transpose()?;
            Some((piece, answer))
        })))
    }
}

impl Fetch for UrlFetch {
    fn fetch(&self, range: Range<u64>) -> BoxFuture<'_, Result<Body, Fault>> {
        Box::pin(self.part(range))
    }
}

/// One answer, read to its end; a server without ranges cannot continue it.
struct StreamSource {
    answer: Response,
    info: ObjectInfo,
    piece: Bytes,
    at: u64,
    stall: Duration,
    /// After a break nothing more comes, which must not look like the end.
    broken: bool,
}

impl StreamSource {
    fn new(url: &HttpUrl, answer: Response, tuning: Tuning) -> Result<Self> {
        let bytes = answer.content_length();
        let framed = bytes.is_some()
            || answer.headers().contains_key(TRANSFER_ENCODING)
            || answer.version() >= reqwest::Version::HTTP_2;
        if !framed {
            return Err(Error::access("the server says neither how long the object is nor where it ends")
                .at(Place::uri(url.to_string()))
                .help("download the file by other means and name the local copy"));
        }
        let etag = Version::of(answer.headers()).name();
        let info = ObjectInfo { uri: name_of(url), etag, bytes };
        Ok(Self { answer, info, piece: Bytes::new(), at: 0, stall: tuning.stall, broken: false })
    }

    fn next_piece(&mut self) -> Result<Option<Bytes>> {
        let (answer, stall, broken_before) = (&mut self.answer, self.stall, self.broken);
        // Taken back below, if this piece comes whole.
        self.broken = true;
        let next = match broken_before {
            true => Err(Fault::Passing("the answer broke off before".to_owned())),
            false => runtime()?.block_on(within(stall, async { answer.chunk().await.map_err(broken) })),
        };
        let whole = next.and_then(|piece| match (piece, self.info.bytes) {
            (None, Some(length)) if self.at < length => {
                Err(Fault::Passing(format!("the answer ended at byte {} of {length}", self.at)))
            }
            (piece, _) => Ok(piece),
        });
        let piece = whole.map_err(|fault| fault.into_error(&self.info.uri, Doing::Reading))?;
        self.broken = false;
        Ok(piece)
    }
}

impl ByteSource for StreamSource {
    fn info(&self) -> &ObjectInfo {
        &self.info
    }

    fn read(&mut self, buf: &mut [u8]) -> Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        while self.piece.is_empty() {
            let Some(piece) = self.next_piece()? else { return Ok(0) };
            self.piece = piece;
        }
        let count = take(&mut self.piece, buf);
        self.at += count as u64;
        Ok(count)
    }
}
