//! Reads a remote object as one stream, by ranges that are fetched ahead; S3 and URLs share it.
//!
//! ```text
//!            ┌ part 3 ◄─ GET, resumed where it broke ┐
//! read() ◄── │ part 2 ◄─ pieces ◄─ GET               │ at most `read_ahead` parts
//!  in order  │ part 1 ◄─ pieces ◄─ GET               │
//!            └───────────────────────────────────────┘
//! ```
//!
//! The first part is read while it arrives, and another is asked for only when it was taken, so memory
//! is at most `read_ahead` parts however slow the reader is. Each answer must be of the version that
//! was opened; a body that breaks off is continued at its offset, never taken for an end.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Once, mpsc};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::BoxStream;

use super::buffers::{Buffer, Buffers};
use super::fault::{Doing, Fault};
use super::runtime::{Task, keep_freed_memory, runtime};
use super::types::{ByteSource, ObjectInfo, take};
use crate::error::{Error, Result};

/// Size of one ranged GET.
pub const PART_BYTES: u64 = 8 << 20;
/// Parts that are fetched at once, the one that is read among them.
pub const READ_AHEAD_PARTS: usize = 4;
/// Size of one ranged GET behind what was expected to be read.
const UNEXPECTED_BYTES: u64 = 1 << 20;
/// What is handed to the reader at a time: each time may wake a thread.
const PIECE_BYTES: usize = 256 << 10;
/// Tries of one request, the first included.
pub const ATTEMPTS_MAX: u32 = 9;
/// Longest pause before the second try; it doubles from there.
pub const BACKOFF_FIRST: Duration = Duration::from_millis(200);
/// Longest pause between two tries.
pub const BACKOFF_MAX: Duration = Duration::from_secs(20);
/// A request that brings not one byte for this long has failed; slow but steady ones have not.
pub const STALL: Duration = Duration::from_secs(30);

/// The limits of remote reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tuning {
    /// See [`PART_BYTES`].
    pub part_bytes: u64,
    /// See [`READ_AHEAD_PARTS`].
    pub read_ahead: usize,
    /// See [`ATTEMPTS_MAX`].
    pub attempts_max: u32,
    /// See [`BACKOFF_FIRST`].
    pub backoff_first: Duration,
    /// See [`BACKOFF_MAX`].
    pub backoff_max: Duration,
    /// See [`STALL`].
    pub stall: Duration,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            part_bytes: PART_BYTES,
            read_ahead: READ_AHEAD_PARTS,
            attempts_max: ATTEMPTS_MAX,
            backoff_first: BACKOFF_FIRST,
            backoff_max: BACKOFF_MAX,
            stall: STALL,
        }
    }
}

/// The bytes of one answer as they arrive.
pub(super) type Body = BoxStream<'static, Result<Bytes, Fault>>;

/// Asks for ranges of one pinned object.
pub(super) trait Fetch: Send + Sync + 'static {
    /// One request, not retried; answers only if the object is still the one that was opened.
    fn fetch(&self, range: Range<u64>) -> BoxFuture<'_, Result<Body, Fault>>;
}

/// The tries that one request has left.
pub(super) struct Retry {
    tuning: Tuning,
    attempt: u32,
}

impl Retry {
    pub(super) fn new(tuning: Tuning) -> Self {
        Self { tuning, attempt: 1 }
    }

    /// Waits before another try, or gives the fault back if another try cannot help.
    pub(super) async fn pause(&mut self, fault: Fault) -> Result<(), Fault> {
        if !fault.is_passing() || self.attempt >= self.tuning.attempts_max {
            return Err(fault);
        }
        let doubled = self.tuning.backoff_first.saturating_mul(1 << (self.attempt - 1).min(16));
        // All of the pause is random: readers that failed together do not come back together.
        let pause = doubled.min(self.tuning.backoff_max).mul_f64(fastrand::f64());
        tracing::debug!(
            attempt = self.attempt,
            pause_ms = pause.as_millis() as u64,
            ?fault,
            "request is tried again"
        );
        self.attempt += 1;
        tokio::time::sleep(pause).await;
        Ok(())
    }
}

/// Runs `request` until it succeeds or its tries are used up.
pub(super) async fn retrying<T, F>(tuning: Tuning, mut request: impl FnMut() -> F) -> Result<T, Fault>
where
    F: Future<Output = Result<T, Fault>>,
{
    let mut retry = Retry::new(tuning);
    loop {
        match within(tuning.stall, request()).await {
            Ok(answer) => return Ok(answer),
            Err(fault) => retry.pause(fault).await?,
        }
    }
}

/// The same for requests that carry bodies, whose time is the line's: the connection's own limits end them.
pub(super) async fn repeating<T, F>(tuning: Tuning, mut request: impl FnMut() -> F) -> Result<T, Fault>
where
    F: Future<Output = object_store::Result<T>>,
{
    let mut retry = Retry::new(tuning);
    loop {
        match request().await {
            Ok(answer) => return Ok(answer),
            Err(error) => retry.pause(Fault::of_store(&error)).await?,
        }
    }
}

/// `future`, or a passing fault if it takes longer than `limit`.
pub(super) async fn within<T>(
    limit: Duration,
    future: impl Future<Output = Result<T, Fault>>,
) -> Result<T, Fault> {
    match tokio::time::timeout(limit, future).await {
        Ok(result) => result,
        Err(_) => Err(Fault::Passing(format!("nothing came for {} s", limit.as_secs_f32()))),
    }
}

/// Gives `take` all bytes of `range` in order, with as many requests as it takes.
pub(super) async fn fetch_part(
    fetch: Arc<dyn Fetch>,
    range: Range<u64>,
    tuning: Tuning,
    mut take: impl FnMut(Bytes),
) -> Result<(), Fault> {
    let mut rest = range;
    let mut retry = Retry::new(tuning);
    while !rest.is_empty() {
        if let Err(fault) = fetch_on(&*fetch, &mut rest, tuning.stall, &mut take).await {
            retry.pause(fault).await?;
        }
    }
    Ok(())
}

/// One request for what is left; `rest` shrinks by what `take` got.
async fn fetch_on(
    fetch: &dyn Fetch,
    rest: &mut Range<u64>,
    stall: Duration,
    take: &mut impl FnMut(Bytes),
) -> Result<(), Fault> {
    let mut body = within(stall, fetch.fetch(rest.clone())).await?;
    while !rest.is_empty() {
        let next = within(stall, async { body.next().await.transpose() }).await?;
        let Some(piece) = next else {
            return Err(Fault::Passing(format!("the answer ended at byte {}", rest.start)));
        };
        let end = rest.start + piece.len() as u64;
        if end > rest.end {
            return Err(Fault::Refused("the server sent more than was asked for".to_owned()));
        }
        rest.start = end;
        take(piece);
    }
    Ok(())
}

/// A part that is fetched; it ends with this.
struct Part {
    _task: Task<()>,
    /// Never more than the part, so there is no need to hold its task back.
    pieces: mpsc::Receiver<Result<Bytes, Fault>>,
    /// Bytes that were not taken from `pieces` yet.
    left: u64,
}

/// Collects what arrives into pieces of one size, so that the network's own buffers, which may be far
/// larger than what came in them, are free at once.
struct Pieces {
    buffers: Arc<Buffers>,
    filling: Buffer,
    to: mpsc::Sender<Result<Bytes, Fault>>,
}

impl Pieces {
    fn add(&mut self, arrived: &[u8]) {
        let mut rest = arrived;
        while !rest.is_empty() {
            rest = &rest[self.filling.fill(rest)..];
            if self.filling.is_full() {
                self.pass_on();
            }
        }
    }

    fn pass_on(&mut self) {
        let piece = std::mem::replace(&mut self.filling, self.buffers.take());
        // A reader that is gone needs nothing.
        let _ = self.to.send(Ok(piece.freeze()));
    }

    fn end(mut self, fetched: Result<(), Fault>) {
        if !self.filling.is_empty() {
            self.pass_on();
        }
        if let Err(fault) = fetched {
            let _ = self.to.send(Err(fault));
        }
    }
}

static KEEP_FREED: Once = Once::new();

/// A remote object as a [`ByteSource`].
pub(super) struct RangedSource {
    fetch: Arc<dyn Fetch>,
    info: ObjectInfo,
    tuning: Tuning,
    length: u64,
    buffers: Arc<Buffers>,
    /// Parts under way, in order; they end with the source.
    window: VecDeque<Part>,
    /// What is left of the piece that is read.
    piece: Bytes,
    at: u64,
    /// Where the next part to ask for starts.
    ask_at: u64,
    /// What is behind is asked for when it is read.
    expected: u64,
}

impl RangedSource {
    /// From byte `at` on.
    pub(super) fn new(fetch: Arc<dyn Fetch>, info: ObjectInfo, length: u64, tuning: Tuning, at: u64) -> Self {
        // For large reads alone: a receiver of webhooks gives its memory back.
        KEEP_FREED.call_once(keep_freed_memory);
        let ahead = tuning.part_bytes.saturating_mul(tuning.read_ahead as u64).min(length);
        let buffers = Buffers::new(PIECE_BYTES, ahead as usize / PIECE_BYTES + 1);
        let (window, piece) = (VecDeque::new(), Bytes::new());
        Self { fetch, info, tuning, length, buffers, window, piece, at, ask_at: at, expected: length }
    }

    /// The same, if so many bytes will most likely be read.
    #[must_use]
    pub(super) fn expecting(self, bytes: u64) -> Self {
        let expected = self.at.saturating_add(bytes).min(self.length);
        Self { expected, ..self }
    }

    fn ask_ahead(&mut self) -> Result<()> {
        while self.window.len() < self.tuning.read_ahead.max(1) && self.ask_at < self.length {
            let (end, part_bytes) = match self.ask_at < self.expected {
                true => (self.expected, self.tuning.part_bytes),
                false if self.window.is_empty() => {
                    (self.length, self.tuning.part_bytes.min(UNEXPECTED_BYTES))
                }
                false => return Ok(()),
            };
            let end = end.min(self.ask_at + part_bytes.max(1));
            let part = self.ask(self.ask_at..end)?;
            self.window.push_back(part);
            self.ask_at = end;
        }
        Ok(())
    }

    fn ask(&self, range: Range<u64>) -> Result<Part> {
        let (to, pieces) = mpsc::channel();
        let (fetch, tuning, left) = (self.fetch.clone(), self.tuning, range.end - range.start);
        let (buffers, filling) = (self.buffers.clone(), self.buffers.take());
        let task = async move {
            let mut pieces = Pieces { buffers, filling, to };
            let fetched = fetch_part(fetch, range, tuning, |arrived| pieces.add(&arrived)).await;
            pieces.end(fetched);
        };
        Ok(Part { _task: Task::spawn(runtime()?, task), pieces, left })
    }

    /// Waits for the next piece; at the end it stays empty.
    fn next_piece(&mut self) -> Result<()> {
        if self.window.front().is_some_and(|part| part.left == 0) {
            self.window.pop_front();
        }
        self.ask_ahead()?;
        let Some(part) = self.window.front_mut() else { return Ok(()) };
        match part.pieces.recv() {
            Ok(Ok(piece)) => {
                part.left = part.left.saturating_sub(piece.len() as u64);
                self.piece = piece;
                Ok(())
            }
            Ok(Err(fault)) => Err(self.start_over(fault.into_error(&self.info.uri, Doing::Reading))),
            Err(_) => Err(self.start_over(Error::machine("a reading task died").in_object(&self.info.uri))),
        }
    }

    /// Whoever reads on after an error starts where it happened: no gap can come of it.
    fn start_over(&mut self, error: Error) -> Error {
        self.window.clear();
        self.ask_at = self.at;
        error
    }
}

impl ByteSource for RangedSource {
    fn info(&self) -> &ObjectInfo {
        &self.info
    }

    fn read(&mut self, buf: &mut [u8]) -> Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        if self.piece.is_empty() && self.at < self.length {
            self.next_piece()?;
        }
        let count = take(&mut self.piece, buf);
        self.at += count as u64;
        Ok(count)
    }
}
