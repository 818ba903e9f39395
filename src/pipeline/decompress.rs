//! Finds the compression by the first bytes and undoes it.

use super::watch::Watch;
use crate::error::{Error, Place, Result};
use crate::store::ByteSource;
use std::io::{self, Read};

/// Bytes by which a compression is told.
const MAGIC_BYTES: usize = 4;

/// How an object is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
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

/// The uncompressed bytes of an object.
pub(super) struct Decompressed<'a> {
    reader: Box<dyn Read + Send + 'a>,
    uri: String,
    compression: Compression,
}

impl<'a> Decompressed<'a> {
    /// Looks at the first bytes of a source.
    pub(super) fn open(mut source: Box<dyn ByteSource + 'a>, watch: &'a Watch) -> Result<Self> {
        let uri = source.info().uri.clone();
        let mut head = Vec::with_capacity(MAGIC_BYTES);
        while head.len() < MAGIC_BYTES {
            let mut byte = [0; MAGIC_BYTES];
            let n = source.read(&mut byte[head.len()..])?;
            if n == 0 {
                break;
            }
            head.extend_from_slice(&byte[head.len()..][..n]);
        }
        let compression = Compression::detect(&head);
        let raw = io::Cursor::new(head).chain(SourceReader { source, watch });
        let reader: Box<dyn Read + Send + 'a> = match compression {
            Compression::None => Box::new(raw),
            Compression::Bzip2 => Box::new(bzip2::read::MultiBzDecoder::new(raw)),
            Compression::Gzip => Box::new(flate2::read::MultiGzDecoder::new(raw)),
            Compression::Zstd => Box::new(zstd::stream::read::Decoder::new(raw).map_err(|e| damaged(e, &uri, "zstd"))?),
        };
        Ok(Self { reader, uri, compression })
    }

    pub(super) fn compression(&self) -> Compression {
        self.compression
    }

    pub(super) fn uri(&self) -> &str {
        &self.uri
    }

    /// Fills from the front of `buf`; 0 only at the verified end.
    pub(super) fn read(&mut self, buf: &mut [u8]) -> Result<usize> {
        loop {
            match self.reader.read(buf) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result.map_err(|error| damaged(error, &self.uri, self.compression.as_str())),
            }
        }
    }
}

/// An error of the source comes back as it was; anything else is the decoder's.
fn damaged(error: io::Error, uri: &str, format: &str) -> Error {
    match error.downcast::<Error>() {
        Ok(error) => error.in_object(uri),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            Error::input(format!("the {format} data is cut off"))
                .at(Place::uri(uri))
                .mend("the export is not complete: fetch it again, or request a new one")
                .because(error)
        }
        Err(error) => Error::input(format!("the {format} data is damaged"))
            .at(Place::uri(uri))
            .mend("fetch the export again, or request a new one")
            .because(error),
    }
}

/// A source as the decoders want it; counts what is read.
struct SourceReader<'a> {
    source: Box<dyn ByteSource + 'a>,
    watch: &'a Watch,
}

impl Read for SourceReader<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.watch.stopped() {
            return Err(io::Error::other(Error::Interrupted));
        }
        let n = self.source.read(buf).map_err(io::Error::other)?;
        Watch::add(&self.watch.source_bytes, n as u64);
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_tell() {
        let cases: &[(&[u8], Compression)] = &[
            (b"BZh91AY", Compression::Bzip2),
            (b"BZh0", Compression::None),
            (b"\x1f\x8b\x08", Compression::Gzip),
            (b"\x28\xb5\x2f\xfd", Compression::Zstd),
            (b"id,na", Compression::None),
            (b"", Compression::None),
        ];
        for (bytes, want) in cases {
            assert_eq!(Compression::detect(bytes), *want, "{bytes:?}");
        }
    }
}
