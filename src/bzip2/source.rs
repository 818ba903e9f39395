//! Reads the compressed input and cuts it into spans at every mark.

use std::io::{self, Read};
use std::sync::Arc;

use super::bits::PADDING_BYTES;
use super::kernel::Kernel;
use super::scan::{LOOK_AHEAD_BYTES, Mark, scan};

/// No block is longer: 900,001 symbols of 20 bits, 32,767 selectors of 6 bits, and six tables.
pub(super) const SPAN_BYTES_MAX: usize = 3 << 20;
/// Bytes scanned before the number of spans is looked at.
const SLAB_BYTES: usize = 64 << 10;
/// Spans after which a turn ends, though there is more to scan.
const SPANS_PER_TURN: usize = 64;

/// What a span begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The mark of a block, or bits that look like one.
    Block,
    /// The mark that ends a stream, or bits that look like one.
    End,
    /// No mark: the start of the input, or what follows a span of the greatest length.
    Other,
}

/// The input from one mark to the next.
#[derive(Debug, Clone)]
pub(super) struct Span {
    pub(super) kind: Kind,
    /// First bit, from the start of the input.
    pub(super) start: u64,
    /// First bit of the next span.
    pub(super) end: u64,
    /// Whether the input ends here.
    pub(super) last: bool,
    /// The bytes from the one that holds the first bit, and padding.
    pub(super) data: Arc<Vec<u8>>,
}

impl Span {
    /// Where the data begins in the input, in bits.
    pub(super) fn base(&self) -> u64 {
        self.start / 8 * 8
    }

    /// The bytes of the span without padding; the first and the last may belong to it in part.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.data[..self.data.len() - PADDING_BYTES]
    }
}

/// Adds the padding that decoding wants.
pub(super) fn padded(bytes: &[u8]) -> Vec<u8> {
    let mut data = Vec::with_capacity(bytes.len() + PADDING_BYTES);
    data.extend_from_slice(bytes);
    data.resize(bytes.len() + PADDING_BYTES, 0);
    data
}

/// The input and what of it is not in a span yet.
#[derive(Debug)]
pub(super) struct Source<R> {
    input: R,
    read_bytes: usize,
    /// Input from byte `base` on.
    buffer: Vec<u8>,
    base: u64,
    /// All marks that begin in the buffer before this index are known.
    scanned: usize,
    /// The span that is still open.
    kind: Kind,
    start: u64,
    /// Whether the first mark may stand where the input begins.
    is_part: bool,
    ended: bool,
    /// What ended it, if that was no end; comes after all that was read before.
    error: Option<io::Error>,
    marks: Vec<(u64, Mark)>,
}

impl<R: Read> Source<R> {
    /// Nothing is read yet. `read_bytes` is how much is read at a time; the input begins with the byte of bit `from`,
    /// or is all of the file.
    pub(super) fn new(input: R, read_bytes: usize, from: Option<u64>) -> Self {
        let start = from.unwrap_or(0);
        Self {
            input,
            read_bytes: read_bytes.max(1),
            buffer: Vec::new(),
            base: start / 8,
            scanned: 0,
            kind: Kind::Other,
            start,
            is_part: from.is_some(),
            ended: false,
            error: None,
            marks: Vec::new(),
        }
    }

    /// Reads unless there is something to scan, scans, and appends the spans that are complete. True
    /// when the input has ended and all of it is in spans.
    pub(super) fn advance(&mut self, kernel: Kernel, spans: &mut Vec<Span>) -> io::Result<bool> {
        if self.scannable() <= self.scanned && !self.ended {
            self.read();
        }
        let before = spans.len();
        while self.scanned < self.scannable() && spans.len() - before < SPANS_PER_TURN {
            self.scan_slab(kernel, spans);
        }
        if self.ended && self.scanned == self.buffer.len() {
            if let Some(error) = self.error.take() {
                return Err(error);
            }
            let end = (self.base + self.buffer.len() as u64) * 8;
            self.close(end, Kind::Other, true, spans);
            return Ok(true);
        }
        Ok(false)
    }

    /// Up to where marks can be told from the bytes at hand.
    fn scannable(&self) -> usize {
        self.buffer.len().saturating_sub(if self.ended { 0 } else { LOOK_AHEAD_BYTES })
    }

    fn read(&mut self) {
        let done = (self.start / 8 - self.base) as usize;
        self.buffer.drain(..done);
        self.base += done as u64;
        self.scanned -= done;
        let wanted = self.read_bytes;
        match self.input.by_ref().take(wanted as u64).read_to_end(&mut self.buffer) {
            Ok(read) => self.ended = read < wanted,
            Err(error) => (self.ended, self.error) = (true, Some(error)),
        }
    }

    fn scan_slab(&mut self, kernel: Kernel, spans: &mut Vec<Span>) {
        let to = self.scannable().min(self.scanned + SLAB_BYTES);
        let mut marks = std::mem::take(&mut self.marks);
        scan(kernel, &self.buffer, self.scanned, to, &mut marks);
        for (bit, mark) in marks.drain(..) {
            let kind = match mark {
                Mark::Block => Kind::Block,
                Mark::End => Kind::End,
            };
            let bit = self.base * 8 + bit;
            if self.is_part && bit <= self.start {
                // In the first byte: before the first bit, or at it.
                self.kind = if bit == self.start { kind } else { self.kind };
                continue;
            }
            self.close(bit, kind, false, spans);
        }
        self.marks = marks;
        self.scanned = to;
        let open = self.base + to as u64 - self.start / 8;
        if open >= SPAN_BYTES_MAX as u64 {
            self.close((self.base + to as u64) * 8, Kind::Other, false, spans);
        }
    }

    /// Ends the open span and opens one of this kind.
    fn close(&mut self, end: u64, next: Kind, last: bool, spans: &mut Vec<Span>) {
        let from = (self.start / 8 - self.base) as usize;
        let to = (end.div_ceil(8) - self.base) as usize;
        let data = Arc::new(padded(&self.buffer[from..to]));
        spans.push(Span { kind: self.kind, start: self.start, end, last, data });
        (self.kind, self.start) = (next, end);
    }
}
