//! A connection that runs out of patience: with a silent client, a slow one, one that takes no answers.
//!
//! ```text
//!            first byte              head complete             answered
//! ─▶ Idle ───────────────▶ Head ──────────────────▶ Busy ──────────────────▶ Idle …
//!    IDLE_TIMEOUT          HEAD_TIMEOUT             the handler's own limits
//! ```
//! The time of a phase does not begin anew with each byte: who sends one a second is slow, not alive.

use super::limits::{HEAD_TIMEOUT, IDLE_TIMEOUT, WRITE_TIMEOUT};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// How long the rest of a request is thrown away, so that the sender can read why it was refused.
const LINGER: Duration = Duration::from_secs(1);
/// And how much of it.
const LINGER_BYTES_MAX: usize = 16 << 20;

const IDLE: u64 = 0;
const HEAD: u64 = 1;
const BUSY: u64 = 2;
/// The phase is in the low bits, above them how many there were: each has a deadline of its own.
const STEP: u64 = 4;

/// What a connection is doing; the handler says when it begins and ends.
#[derive(Debug, Default)]
pub(super) struct Phase(AtomicU64);

impl Phase {
    /// A request is being answered.
    pub(super) fn busy(&self) {
        self.enter(BUSY);
    }

    /// The answer is ready; the next request may come.
    pub(super) fn idle(&self) {
        self.enter(IDLE);
    }

    fn enter(&self, phase: u64) {
        let step = |now: u64| Some((now / STEP + 1) * STEP + phase);
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, step);
    }

    fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A stream whose reads and writes fail when they take too long.
pub(super) struct Patient<S> {
    stream: S,
    phase: Arc<Phase>,
    /// The phase that `deadline` is of.
    armed: Option<u64>,
    deadline: Option<Pin<Box<Sleep>>>,
    writing: Option<Pin<Box<Sleep>>>,
    lingering: Option<Pin<Box<Sleep>>>,
    discarded: usize,
}

impl<S> Patient<S> {
    pub(super) fn new(stream: S, phase: Arc<Phase>) -> Self {
        Self { stream, phase, armed: None, deadline: None, writing: None, lingering: None, discarded: 0 }
    }

    /// Whether the time of this phase is over.
    fn is_over(&mut self, context: &mut Context<'_>) -> bool {
        let now = self.phase.now();
        let limit = match now % STEP {
            IDLE => IDLE_TIMEOUT,
            HEAD => HEAD_TIMEOUT,
            _ => return false,
        };
        let end = Instant::now() + limit;
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(sleep_until(end)));
        if self.armed != Some(now) {
            deadline.as_mut().reset(end);
            self.armed = Some(now);
        }
        deadline.as_mut().poll(context).is_ready()
    }

    /// A write's result, or its end if nobody takes what is written.
    fn in_time<T>(&mut self, context: &mut Context<'_>, result: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if result.is_ready() {
            self.writing = None;
            return result;
        }
        let end = Instant::now() + WRITE_TIMEOUT;
        let writing = self.writing.get_or_insert_with(|| Box::pin(sleep_until(end)));
        writing.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, into);
        if read.is_pending() {
            return match self.is_over(context) {
                true => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
                false => Poll::Pending,
            };
        }
        if into.filled().len() > before && self.phase.now() % STEP == IDLE {
            self.phase.enter(HEAD);
        }
        read
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.in_time(context, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.in_time(context, flushed)
    }

    /// Closes our side, then waits for the other's: closing while bytes come in would send a reset, which
    /// takes the answer away from a client that has not read it yet.
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.lingering.is_none() {
            std::task::ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
            self.lingering = Some(Box::pin(sleep_until(Instant::now() + LINGER)));
        }
        let mut scratch = [0; 16 << 10];
        loop {
            let over = self.lingering.as_mut().is_none_or(|end| end.as_mut().poll(context).is_ready());
            if over || self.discarded > LINGER_BYTES_MAX {
                return Poll::Ready(Ok(()));
            }
            let mut into = ReadBuf::new(&mut scratch);
            match Pin::new(&mut self.stream).poll_read(context, &mut into) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(())) if !into.filled().is_empty() => self.discarded += into.filled().len(),
                Poll::Ready(_) => return Poll::Ready(Ok(())),
            }
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.in_time(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    /// The kind of error and how long it took, in seconds.
    async fn fails(mut stream: Patient<tokio::io::DuplexStream>, bytes: usize) -> u64 {
        let began = Instant::now();
        let mut into = vec![0; bytes];
        let error = stream.read_exact(&mut into).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        began.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_client_is_left() {
        let (_client, server) = duplex(64);
        assert_eq!(fails(Patient::new(server, Arc::default()), 1).await, IDLE_TIMEOUT.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn a_byte_a_second_does_not_help() {
        let (mut client, server) = duplex(64);
        tokio::spawn(async move {
            while client.write_all(b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
        assert_eq!(fails(Patient::new(server, Arc::default()), 1000).await, HEAD_TIMEOUT.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn each_request_has_its_own_time() {
        let (mut client, server) = duplex(64);
        let phase = Arc::new(Phase::default());
        let mut stream = Patient::new(server, Arc::clone(&phase));
        for _ in 0..20 {
            client.write_all(b"x").await.unwrap();
            assert_eq!(stream.read_u8().await.unwrap(), b'x');
            phase.busy();
            let waits = tokio::time::timeout(10 * IDLE_TIMEOUT, stream.read_u8()).await;
            assert!(waits.is_err(), "the handler has its own limits");
            phase.idle();
            let waits = tokio::time::timeout(IDLE_TIMEOUT / 2, stream.read_u8()).await;
            assert!(waits.is_err(), "a silence that is allowed");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_nobody_takes() {
        let (_client, server) = duplex(64);
        let mut stream = Patient::new(server, Arc::default());
        let began = Instant::now();
        assert_eq!(stream.write_all(&[0; 65]).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(began.elapsed(), WRITE_TIMEOUT);
    }
}
