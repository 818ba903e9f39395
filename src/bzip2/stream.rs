//! What may follow what: stream header, blocks, end mark with checksum, the next stream, padding.
//!
//! A mark can stand in compressed data by chance. So a block counts only if it begins exactly where
//! the one before ended; the chain of these places starts at the first byte of the input, or where the
//! caller says.

use super::error::Error;
use super::passed::{Passed, Stream};
use super::scan::{BLOCK_MARK, END_MARK, MARK_BITS};
use super::source::Span;

/// Bytes of `BZh` and the level.
const HEADER_BYTES: u64 = 4;
/// Bits of the end mark and the stream's checksum.
const END_BITS: u64 = MARK_BITS + 32;
/// Where decoding begins. Bits are counted from the first one of the file, whatever of it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// At the first byte of the file, with a stream's header.
    Front,
    /// At the first mark of a block at this bit or behind. The input begins with the byte of that bit. Whether it is a
    /// block's, and what its stream's level and checksum are, is not known.
    Behind {
        /// The bit.
        bit: u64,
    },
    /// At this mark of a block. The input begins with the byte of that bit.
    At {
        /// The bit.
        bit: u64,
        /// How far the stream has come there.
        stream: Stream,
    },
}

impl Start {
    /// The first bit, unless it is the file's.
    pub(super) fn bit(self) -> Option<u64> {
        match self {
            Self::Front => None,
            Self::Behind { bit } | Self::At { bit, .. } => Some(bit),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// At the first byte of the input.
    Header,
    /// Before the first block of an input that began anywhere.
    Anywhere,
    /// Inside a stream: a block or its end must follow.
    Blocks,
    /// After a stream, among zero bytes.
    Padding {
        /// First byte after the stream.
        byte: u64,
    },
}

/// How far the input has been accepted.
#[derive(Debug)]
pub(super) struct Chain {
    /// The bit at which the next span must begin.
    pub(super) at: u64,
    phase: Phase,
    passed: Passed,
}

impl Chain {
    /// Nothing is accepted yet.
    pub(super) fn new(start: Start) -> Self {
        let (at, phase, passed) = match start {
            Start::Front => (0, Phase::Header, Passed::default()),
            Start::Behind { bit } => (bit, Phase::Anywhere, Passed::default()),
            Start::At { bit, stream } => (bit, Phase::Blocks, Passed::from(stream)),
        };
        Self { at, phase, passed }
    }

    /// What has been accepted of streams.
    pub(super) fn passed(&self) -> Passed {
        self.passed
    }

    /// Says that the mark of a block stands at this bit: that of the first one is taken for one.
    pub(super) fn see_block(&mut self, bit: u64) {
        if self.phase == Phase::Anywhere {
            (self.at, self.phase) = (bit, Phase::Blocks);
        }
    }

    /// Accepts a block that was decoded from the place where one is expected.
    pub(super) fn block(&mut self, end: u64, rows: usize, crc: u32) -> Result<(), Error> {
        self.in_stream()?;
        if !self.passed.block(rows, crc) {
            return Err(Error::Corrupt {
                what: "a block larger than the stream's level allows",
                bit: self.at,
            });
        }
        self.at = end;
        Ok(())
    }

    /// Accepts an end mark and what stands up to the next mark. True if the input is complete.
    pub(super) fn end(&mut self, span: &Span) -> Result<bool, Error> {
        if self.phase == Phase::Anywhere {
            self.at = span.end;
            return Ok(span.last);
        }
        self.in_stream()?;
        if span.end - span.start < END_BITS {
            return Err(self.too_short(span));
        }
        let from = span.start - span.base() + MARK_BITS;
        let stored = bits_at(span.bytes(), from);
        if let Err(computed) = self.passed.end(stored) {
            return Err(Error::StreamChecksum { bit: span.start, stored, computed });
        }
        let next = (span.start + END_BITS).div_ceil(8);
        let rest = &span.bytes()[(next - span.base() / 8) as usize..];
        match level(rest) {
            Some(level) if span.end == (next + HEADER_BYTES) * 8 && !span.last => {
                self.phase = Phase::Blocks;
                self.passed.header(level);
            }
            Some(_) if span.last && is_cut_mark(&rest[HEADER_BYTES as usize..]) => {
                return Err(Error::CutOff { byte: span.end / 8 });
            }
            _ if is_zero(rest, span.end) => self.phase = Phase::Padding { byte: next },
            _ if span.last && !rest.is_empty() && b"BZh".starts_with(rest) => {
                return Err(Error::CutOff { byte: span.end / 8 });
            }
            _ => return Err(Error::TrailingData { byte: next }),
        }
        self.at = span.end;
        Ok(span.last)
    }

    /// Accepts a span that begins with no mark. True if the input is complete.
    pub(super) fn other(&mut self, span: &Span) -> Result<bool, Error> {
        match self.phase {
            Phase::Header => self.header(span)?,
            Phase::Padding { byte } if !is_zero(span.bytes(), span.end) => {
                return Err(Error::TrailingData { byte });
            }
            Phase::Padding { .. } | Phase::Anywhere => {}
            Phase::Blocks => return Err(self.no_mark()),
        }
        self.at = span.end;
        Ok(span.last)
    }

    fn header(&mut self, span: &Span) -> Result<(), Error> {
        let bytes = span.bytes();
        let known = bytes.len().min(HEADER_BYTES as usize - 1);
        if bytes[..known] != b"BZh"[..known] {
            return Err(Error::NotBzip2);
        }
        if span.last && bytes.len() as u64 <= HEADER_BYTES && (bytes.len() < 4 || level(bytes).is_some()) {
            return Err(Error::CutOff { byte: bytes.len() as u64 });
        }
        self.passed.header(level(bytes).ok_or(Error::NotBzip2)?);
        self.at = HEADER_BYTES * 8;
        self.phase = Phase::Blocks;
        if span.end == self.at {
            return Ok(());
        }
        Err(if span.last { self.too_short(span) } else { self.no_mark() })
    }

    fn in_stream(&self) -> Result<(), Error> {
        match self.phase {
            Phase::Blocks | Phase::Anywhere => Ok(()),
            Phase::Header => Err(Error::NotBzip2),
            Phase::Padding { byte } => Err(Error::TrailingData { byte }),
        }
    }

    /// The fault of a span that ends too soon for what must stand at `at`: the input ends, or it does not.
    pub(super) fn too_short(&self, span: &Span) -> Error {
        if span.last && span.end - self.at < END_BITS {
            return Error::CutOff { byte: span.end.div_ceil(8) };
        }
        self.no_mark()
    }

    /// The fault of anything else than a mark where one must stand.
    pub(super) fn no_mark(&self) -> Error {
        Error::Corrupt { what: "neither a block nor the end of the stream where one must be", bit: self.at }
    }
}

/// The level of a stream whose header these bytes begin with.
pub fn level(bytes: &[u8]) -> Option<u8> {
    match bytes {
        [b'B', b'Z', b'h', level @ b'1'..=b'9', ..] => Some(level - b'0'),
        _ => None,
    }
}

/// Whether these bytes, the last of the input, are the beginning of a mark.
fn is_cut_mark(bytes: &[u8]) -> bool {
    [BLOCK_MARK, END_MARK].iter().any(|mark| (mark << 16).to_be_bytes()[..6].starts_with(bytes))
}

/// The 32 bits from a bit on, which are all there.
fn bits_at(bytes: &[u8], bit: u64) -> u32 {
    let mut word = [0u8; 8];
    let rest = &bytes[(bit / 8) as usize..];
    let known = rest.len().min(8);
    word[..known].copy_from_slice(&rest[..known]);
    (u64::from_be_bytes(word) << (bit % 8) >> 32) as u32
}

/// Whether these bytes, which end at a bit of the input, are zero up to there.
fn is_zero(bytes: &[u8], end: u64) -> bool {
    let Some((last, whole)) = bytes.split_last() else { return true };
    let mask = match end % 8 {
        0 => 0xff,
        bits => !(0xff >> bits),
    };
    whole.iter().all(|byte| *byte == 0) && last & mask == 0
}
