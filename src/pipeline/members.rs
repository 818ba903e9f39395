//! gzip's members and zstd's frames, one behind the other, up to the end of the object.
//!
//! What follows a member is another, zero bytes up to the end (which tapes and `dd` leave, and GNU gzip ignores), or
//! a fault: the beginning of a member is a cut, anything else does not belong there.

use flate2::bufread::GzDecoder;
use std::fmt;
use std::io::{self, BufRead, Read};
use zstd::stream::raw::{Decoder, Operation};

/// Compressed bytes that are read at a time.
const READ_BYTES: usize = 128 << 10;
/// Bytes by which a member is told.
const MAGIC_BYTES: usize = 4;

/// [RFC 1952](https://www.rfc-editor.org/rfc/rfc1952), 2.3.1.
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// [RFC 8878](https://www.rfc-editor.org/rfc/rfc8878), 3.1.1.
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Whether gzip data begins so, or, if there is not more, might have.
pub(super) fn begins_gzip(first: &[u8]) -> bool {
    begins(first, &GZIP)
}

/// Whether zstd data begins so, or, if there is not more, might have: with a frame or with a skippable one (RFC 8878,
/// 3.1.2), as `pzstd` writes.
pub(super) fn begins_zstd(first: &[u8]) -> bool {
    let skippable = |kind| begins(first, &[kind, 0x2a, 0x4d, 0x18]);
    begins(first, &ZSTD) || (0x50..=0x5f).any(skippable)
}

fn begins(first: &[u8], magic: &[u8]) -> bool {
    let len = first.len().min(magic.len());
    len > 0 && first[..len] == magic[..len]
}

/// Something else than another member stands behind the last one.
#[derive(Debug)]
pub(super) struct Trailing {
    /// First byte behind the last member, in the compressed object.
    pub(super) byte: u64,
}

impl fmt::Display for Trailing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "neither compressed data nor zero padding at byte {}", self.byte)
    }
}

impl std::error::Error for Trailing {}

/// The compressed bytes, with a look ahead.
pub(super) struct Input<R> {
    inner: R,
    buffer: Box<[u8]>,
    at: usize,
    end: usize,
    /// Bytes that were taken.
    taken: u64,
}

impl<R: Read> Input<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, buffer: vec![0; READ_BYTES].into(), at: 0, end: 0, taken: 0 }
    }

    /// At least `wanted`, at most [`READ_BYTES`], of the bytes that come next; fewer at the end.
    fn peek(&mut self, wanted: usize) -> io::Result<&[u8]> {
        if self.end - self.at < wanted {
            self.buffer.copy_within(self.at..self.end, 0);
            (self.at, self.end) = (0, self.end - self.at);
        }
        while self.end < self.at + wanted {
            match self.inner.read(&mut self.buffer[self.end..]) {
                Ok(0) => break,
                Ok(n) => self.end += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(&self.buffer[self.at..self.end])
    }

    /// Whether another member follows; padding is read to its end.
    fn has_member(&mut self, begins: fn(&[u8]) -> bool) -> io::Result<bool> {
        let byte = self.taken;
        let next = self.peek(MAGIC_BYTES)?;
        if begins(next) {
            return Ok(true);
        }
        loop {
            let next = self.peek(1)?;
            if next.iter().any(|&byte| byte != 0) {
                return Err(io::Error::new(io::ErrorKind::InvalidData, Trailing { byte }));
            }
            let zeros = next.len();
            if zeros == 0 {
                return Ok(false);
            }
            self.consume(zeros);
        }
    }
}

impl<R: Read> BufRead for Input<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.peek(1)
    }

    fn consume(&mut self, amount: usize) {
        self.at += amount;
        self.taken += amount as u64;
    }
}

impl<R: Read> Read for Input<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let next = self.peek(1)?;
        let n = next.len().min(buf.len());
        buf[..n].copy_from_slice(&next[..n]);
        self.consume(n);
        Ok(n)
    }
}

/// All members of a gzip object.
pub(super) enum Gzip<R> {
    Between(Input<R>),
    In(Box<GzDecoder<Input<R>>>),
    /// At the end, or after an error.
    Done,
}

impl<R: Read> Gzip<R> {
    pub(super) fn new(inner: R) -> Self {
        Self::Between(Input::new(inner))
    }
}

impl<R: Read> Read for Gzip<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            *self = match std::mem::replace(self, Self::Done) {
                Self::Done => return Ok(0),
                Self::Between(mut input) => match input.has_member(begins_gzip)? {
                    true => Self::In(Box::new(GzDecoder::new(input))),
                    false => return Ok(0),
                },
                Self::In(mut member) => match member.read(buf)? {
                    0 => Self::Between(member.into_inner()),
                    n => {
                        *self = Self::In(member);
                        return Ok(n);
                    }
                },
            };
        }
    }
}

/// All frames of a zstd object.
pub(super) struct Zstd<R> {
    input: Input<R>,
    decoder: Decoder<'static>,
    in_frame: bool,
}

impl<R: Read> Zstd<R> {
    pub(super) fn new(inner: R) -> io::Result<Self> {
        Ok(Self { input: Input::new(inner), decoder: Decoder::new()?, in_frame: false })
    }
}

impl<R: Read> Read for Zstd<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.in_frame && !self.input.has_member(begins_zstd)? {
                return Ok(0);
            }
            self.in_frame = true;
            let input = self.input.fill_buf()?;
            let ended = input.is_empty();
            let status = self.decoder.run_on_buffers(input, buf)?;
            self.input.consume(status.bytes_read);
            self.in_frame = status.remaining != 0;
            if status.bytes_written > 0 {
                return Ok(status.bytes_written);
            }
            if ended && self.in_frame {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

/// Which of zstd's faults this is, if it says that the data is sound and wants something that we do not have.
pub(super) fn unsupported_zstd(error: &io::Error) -> Option<&'static str> {
    use zstd::zstd_safe::{get_error_name, zstd_sys::ZSTD_ErrorCode};
    let said = error.to_string();
    // The library gives no code; each code has words of its own.
    let is = |code: ZSTD_ErrorCode| said == get_error_name((code as usize).wrapping_neg());
    if is(ZSTD_ErrorCode::ZSTD_error_frameParameter_windowTooLarge) {
        Some("with a window of more than 128 MiB")
    } else if is(ZSTD_ErrorCode::ZSTD_error_dictionary_wrong) {
        Some("with a dictionary")
    } else {
        None
    }
}
