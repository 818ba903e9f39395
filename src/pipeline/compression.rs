//! How an object is compressed, by its first bytes.

use super::members::{begins_gzip, begins_zstd};

/// How an object is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Compression {
    /// Not at all.
    None,
    /// bzip2, one or more streams.
    Bzip2,
    /// gzip, one or more members.
    Gzip,
    /// Zstandard, one or more frames.
    Zstd,
}

impl Compression {
    /// By the first bytes; a file name may lie.
    pub fn detect(first: &[u8]) -> Self {
        match first {
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Self::Bzip2,
            [_, _, ..] if begins_gzip(first) => Self::Gzip,
            [_, _, _, _, ..] if begins_zstd(first) => Self::Zstd,
            _ => Self::None,
        }
    }

    /// The name that reports use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Bzip2 => "bzip2",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}
