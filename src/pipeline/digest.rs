//! What an export is, where neither its name nor an etag says so: a digest of its bytes as they are stored,
//! reckoned while they are read.

use crate::error::{Error, Place, Result};
use crate::store::outputs::local_input;
use crate::store::{ByteSource, DIGEST_PREFIX, LocalSource, ObjectInfo};
use std::sync::{Arc, Mutex, PoisonError};
use xxhash_rust::xxh3::Xxh3;

/// Bytes that are read at once where nothing else is done with them.
const PIECE_BYTES: usize = 1 << 20;

/// The digest of a source that is read elsewhere.
#[derive(Clone, Default)]
pub(super) struct Digest(Arc<Mutex<Progress>>);

#[derive(Default)]
struct Progress {
    hasher: Xxh3,
    bytes: u64,
    /// Whether all was read.
    ended: bool,
}

impl Digest {
    /// Reckons with what is read from here on; a source that S3 or a server names by an etag is left alone.
    pub(super) fn of(&self, source: Box<dyn ByteSource>) -> Box<dyn ByteSource> {
        let info = source.info();
        // The etag of a file is of its inode and time: a copy has another.
        if info.etag.is_some() && local_input(&info.uri).is_none() {
            return source;
        }
        Box::new(Digested { source, digest: self.clone() })
    }

    /// The digest, if the source was read to its end.
    pub(super) fn finish(&self) -> Option<String> {
        let progress = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        progress
            .ended
            .then(|| format!("{DIGEST_PREFIX}{:032x}-{:x}", progress.hasher.digest128(), progress.bytes))
    }
}

/// The digest of an export that others have read: here it is read once more. None for one that S3 names by an etag.
pub(super) fn digest_of(info: &ObjectInfo) -> Result<Option<String>> {
    let Some(path) = local_input(&info.uri) else { return Ok(None) };
    let digest = Digest::default();
    let mut source = digest.of(Box::new(LocalSource::open(&path)?));
    if source.info() != info {
        return Err(Error::input("the file changed while it was converted").at(Place::uri(&info.uri)));
    }
    let mut buf = vec![0; PIECE_BYTES];
    while source.read(&mut buf)? > 0 {}
    Ok(digest.finish())
}

struct Digested {
    source: Box<dyn ByteSource>,
    digest: Digest,
}

impl ByteSource for Digested {
    fn info(&self) -> &ObjectInfo {
        self.source.info()
    }

    fn read(&mut self, buf: &mut [u8]) -> Result<usize> {
        let count = self.source.read(buf)?;
        let mut progress = self.digest.0.lock().unwrap_or_else(PoisonError::into_inner);
        progress.hasher.update(&buf[..count]);
        progress.bytes += count as u64;
        // A decoder may know the end by itself, and not ask for it.
        let all = self.source.info().bytes.is_some_and(|bytes| bytes == progress.bytes);
        progress.ended |= all || (count == 0 && !buf.is_empty());
        Ok(count)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn digest(bytes: &[u8], at_once: usize, up_to: usize) -> Option<String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("export");
        std::fs::write(&path, bytes).unwrap();
        let digest = Digest::default();
        let mut source = digest.of(Box::new(LocalSource::open(&path).unwrap()));
        let mut buf = vec![0; at_once];
        let mut read = 0;
        while read < up_to {
            read += source.read(&mut buf).unwrap();
        }
        digest.finish()
    }

    #[test]
    fn the_bytes_alone_decide() {
        let bytes: Vec<u8> = (0..100_000_u32).map(|n| (n * 7 % 251) as u8).collect();
        let whole = digest(&bytes, 1 << 20, bytes.len());
        assert!(whole.is_some());
        assert_eq!(digest(&bytes, 17, bytes.len()), whole);
        assert_ne!(digest(&bytes[1..], 1 << 20, bytes.len() - 1), whole);
        assert_eq!(digest(&bytes, 17, 1_000), None, "what was not read to its end has none");
    }
}
