//! Reads a remote object as one stream, by ranges that are fetched ahead; S3 and URLs share it.
//!
//! ```text
//!            ┌ part 3 ◄─ GET, resumed where it broke ┐
//! read() ◄── │ part 2 ◄─ GET                         │ at most `read_ahead` parts
//!  in order  │ part 1 ◄─ GET                         │
//!            └───────────────────────────────────────┘
//! ```
//!
//! A part is asked for only when the one before the window was taken, so memory is at most
//! `read_ahead + 1` parts however slow the reader is. Each answer must be of the version that was
//! opened; a body that breaks off is continued at its offset, never taken for an end.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes};
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::BoxStream;

use super::fault::{Doing, Fault};
use super::runtime::{Task, runtime};
use super::types::{ByteSource, ObjectInfo};
use crate::error::{Error, Result};

/// Size of one ranged GET.
pub const PART_BYTES: u64 = 8 << 20;
/// Parts that are fetched at once, ahead of the reader.
pub const READ_AHEAD_PARTS: usize = 4;
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

/// All bytes of `range`, with as many requests as it takes.
pub(super) async fn fetch_part(
    fetch: Arc<dyn Fetch>,
    range: Range<u64>,
    tuning: Tuning,
) -> Result<Vec<Bytes>, Fault> {
    let mut part = Part { pieces: Vec::new(), rest: range };
    let mut retry = Retry::new(tuning);
    while !part.rest.is_empty() {
        if let Err(fault) = part.extend(&*fetch, tuning.stall).await {
            retry.pause(fault).await?;
        }
    }
    Ok(part.pieces)
}

struct Part {
    pieces: Vec<Bytes>,
    rest: Range<u64>,
}

impl Part {
    async fn extend(&mut self, fetch: &dyn Fetch, stall: Duration) -> Result<(), Fault> {
        let mut body = within(stall, fetch.fetch(self.rest.clone())).await?;
        while !self.rest.is_empty() {
            let next = within(stall, async { body.next().await.transpose() }).await?;
            let Some(piece) = next else {
                return Err(Fault::Passing(format!("the answer ended at byte {}", self.rest.start)));
            };
            let end = self.rest.start + piece.len() as u64;
            if end > self.rest.end {
                return Err(Fault::Refused("the server sent more than was asked for".to_owned()));
            }
            self.rest.start = end;
            self.pieces.push(piece);
        }
        Ok(())
    }
}

/// A remote object as a [`ByteSource`].
pub(super) struct RangedSource {
    fetch: Arc<dyn Fetch>,
    info: ObjectInfo,
    tuning: Tuning,
    length: u64,
    /// Parts under way, in order; they end with the source.
    window: VecDeque<Task<Result<Vec<Bytes>, Fault>>>,
    /// What is left of the part that is read.
    pieces: VecDeque<Bytes>,
    at: u64,
    /// Where the next part to ask for starts.
    ask_at: u64,
}

impl RangedSource {
    pub(super) fn new(fetch: Arc<dyn Fetch>, info: ObjectInfo, length: u64, tuning: Tuning) -> Self {
        let (window, pieces) = (VecDeque::new(), VecDeque::new());
        Self { fetch, info, tuning, length, window, pieces, at: 0, ask_at: 0 }
    }

    fn ask_ahead(&mut self) -> Result<()> {
        while self.window.len() < self.tuning.read_ahead.max(1) && self.ask_at < self.length {
            let end = self.length.min(self.ask_at + self.tuning.part_bytes.max(1));
            let part = fetch_part(self.fetch.clone(), self.ask_at..end, self.tuning);
            self.window.push_back(Task::spawn(runtime()?, part));
            self.ask_at = end;
        }
        Ok(())
    }

    fn next_part(&mut self) -> Result<()> {
        self.ask_ahead()?;
        let Some(first) = self.window.pop_front() else { return Ok(()) };
        let part =
            runtime()?.block_on(first).map_err(|e| Error::machine("a reading task died").because(e))?;
        match part {
            Ok(pieces) => self.pieces = pieces.into(),
            Err(fault) => {
                // Whoever reads on after an error starts where it happened: no gap can come of it.
                self.window.clear();
                self.ask_at = self.at;
                return Err(fault.into_error(&self.info.uri, Doing::Reading));
            }
        }
        self.ask_ahead()
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
        while self.pieces.is_empty() && self.at < self.length {
            self.next_part()?;
        }
        let count = take_pieces(&mut self.pieces, buf);
        self.at += count as u64;
        Ok(count)
    }
}

/// Moves as much as fits from the pieces into `buf`.
fn take_pieces(pieces: &mut VecDeque<Bytes>, buf: &mut [u8]) -> usize {
    let mut filled = 0;
    while filled < buf.len() {
        let Some(piece) = pieces.front_mut() else { break };
        let count = piece.len().min(buf.len() - filled);
        buf[filled..filled + count].copy_from_slice(&piece[..count]);
        piece.advance(count);
        filled += count;
        if piece.is_empty() {
            pieces.pop_front();
        }
    }
    filled
}
