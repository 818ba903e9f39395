//! What can be wrong with bzip2 data, and where.

use std::fmt;
use std::io;

/// Why decoding stopped. Positions are in the compressed input, across all its streams.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The input does not begin with `BZh1` … `BZh9`.
    NotBzip2,
    /// The input ends inside a stream.
    CutOff {
        /// Length of the input in bytes.
        byte: u64,
    },
    /// Bits that no bzip2 encoder writes.
    Corrupt {
        /// What is wrong, lower case.
        what: &'static str,
        /// The bit at which it showed.
        bit: u64,
    },
    /// A block decodes to other bytes than were encoded.
    BlockChecksum {
        /// First bit of the block.
        bit: u64,
        /// The checksum in the input.
        stored: u32,
        /// The checksum of the decoded bytes.
        computed: u32,
    },
    /// All blocks are sound, but together they are not the stream that was encoded.
    StreamChecksum {
        /// First bit of the end-of-stream mark.
        bit: u64,
        /// The checksum in the input.
        stored: u32,
        /// The checksum combined from the blocks.
        computed: u32,
    },
    /// A block that bzip2 0.9.0 or older wrote with its "randomised" flag, which is not supported.
    Randomised {
        /// First bit of the block.
        bit: u64,
    },
    /// Something other than another stream or zero bytes follows the last stream.
    TrailingData {
        /// First byte after the last stream.
        byte: u64,
    },
    /// The input could not be read; the error is the one that the input gave.
    Io(io::Error),
    /// A worker panicked while it held a part of the input.
    WorkerLost,
}

impl Error {
    /// The byte of the compressed input at which the fault lies, where that is known.
    pub fn byte(&self) -> Option<u64> {
        match self {
            Self::NotBzip2 => Some(0),
            Self::CutOff { byte } | Self::TrailingData { byte } => Some(*byte),
            Self::Corrupt { bit, .. }
            | Self::BlockChecksum { bit, .. }
            | Self::StreamChecksum { bit, .. }
            | Self::Randomised { bit } => Some(bit / 8),
            Self::Io(_) | Self::WorkerLost => None,
        }
    }

    /// The same error once more, for whoever asks again: an I/O error keeps its kind and its words.
    pub(super) fn again(&self) -> Self {
        match self {
            Self::NotBzip2 => Self::NotBzip2,
            Self::CutOff { byte } => Self::CutOff { byte: *byte },
            Self::Corrupt { what, bit } => Self::Corrupt { what, bit: *bit },
            Self::BlockChecksum { bit, stored, computed } => {
                Self::BlockChecksum { bit: *bit, stored: *stored, computed: *computed }
            }
            Self::StreamChecksum { bit, stored, computed } => {
                Self::StreamChecksum { bit: *bit, stored: *stored, computed: *computed }
            }
            Self::Randomised { bit } => Self::Randomised { bit: *bit },
            Self::TrailingData { byte } => Self::TrailingData { byte: *byte },
            Self::Io(error) => Self::Io(io::Error::new(error.kind(), error.to_string())),
            Self::WorkerLost => Self::WorkerLost,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotBzip2 => f.write_str("not bzip2 data: it does not begin with BZh1 to BZh9"),
            Self::CutOff { byte } => write!(f, "bzip2 data is cut off at byte {byte}"),
            Self::Corrupt { what, bit } => {
                write!(f, "bzip2 data is damaged at byte {}, bit {}: {what}", bit / 8, bit % 8)
            }
            Self::BlockChecksum { bit, stored, computed } => write!(
                f,
                "the bzip2 block at byte {} is damaged: checksum {computed:08x}, stored {stored:08x}",
                bit / 8
            ),
            Self::StreamChecksum { bit, stored, computed } => write!(
                f,
                "the bzip2 stream that ends at byte {} is damaged: checksum {computed:08x}, stored {stored:08x}",
                bit / 8
            ),
            Self::Randomised { bit } => {
                write!(
                    f,
                    "the bzip2 block at byte {} is in the randomised form of bzip2 0.9, not supported",
                    bit / 8
                )
            }
            Self::TrailingData { byte } => {
                write!(
                    f,
                    "data that is neither bzip2 nor zero padding follows the bzip2 stream at byte {byte}"
                )
            }
            Self::Io(error) => write!(f, "reading bzip2 data: {error}"),
            Self::WorkerLost => f.write_str("a bzip2 worker stopped before its block was decoded"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl From<Error> for io::Error {
    /// An I/O error comes back as the very error that the input gave.
    fn from(error: Error) -> Self {
        match error {
            Error::Io(error) => error,
            Error::CutOff { .. } => Self::new(io::ErrorKind::UnexpectedEof, error),
            Error::WorkerLost => Self::other(error),
            other => Self::new(io::ErrorKind::InvalidData, other),
        }
    }
}

/// What is wrong inside one span of bits, before it is known whether a block begins there at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The block goes on behind the span: the span was cut at a false mark, or the input ends.
    Overrun,
    /// See [`Error::Corrupt`]; `bit` counts from the start of the span's bytes.
    Corrupt { what: &'static str, bit: u64 },
    /// See [`Error::BlockChecksum`].
    Checksum { stored: u32, computed: u32 },
    /// See [`Error::Randomised`].
    Randomised,
}
