//! Buffers that go round between the network and the path.
//!
//! ```text
//! take() ─► fill ─► freeze() ─► Bytes, cloned and sliced at will ─► the last one dropped ─┐
//!   └◄──────────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! Large buffers that are freed go back to the kernel and come again page by page; these stay.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

/// A stock of buffers of one size.
#[derive(Debug)]
pub(super) struct Buffers {
    bytes: usize,
    kept_max: usize,
    /// The last one given back is the next to go out: it may still be in a cache.
    free: Mutex<Vec<Vec<u8>>>,
}

impl Buffers {
    /// Buffers of `bytes`, of which `kept_max` are kept while nobody has them.
    pub(super) fn new(bytes: usize, kept_max: usize) -> Arc<Self> {
        Arc::new(Self { bytes, kept_max, free: Mutex::default() })
    }

    /// An empty buffer.
    pub(super) fn take(self: &Arc<Self>) -> Buffer {
        let kept = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let bytes = kept.unwrap_or_else(|| Vec::with_capacity(self.bytes));
        Buffer { bytes, home: self.clone() }
    }

    fn give_back(&self, mut buffer: Vec<u8>) {
        buffer.clear();
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() < self.kept_max {
            free.push(buffer);
        }
    }
}

/// A buffer being filled.
#[derive(Debug)]
pub(super) struct Buffer {
    bytes: Vec<u8>,
    home: Arc<Buffers>,
}

impl Buffer {
    /// Takes as much as fits from the front of `bytes`, and says how much.
    pub(super) fn fill(&mut self, bytes: &[u8]) -> usize {
        let count = bytes.len().min(self.home.bytes - self.bytes.len());
        self.bytes.extend_from_slice(&bytes[..count]);
        count
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.bytes.len() == self.home.bytes
    }

    /// What was filled in; the buffer goes home when nobody holds any of it.
    pub(super) fn freeze(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.home.give_back(std::mem::take(&mut self.bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_come_back_and_only_so_many_are_kept() {
        let buffers = Buffers::new(4, 1);
        let (mut one, mut other) = (buffers.take(), buffers.take());
        assert_eq!((one.fill(b"abc"), one.is_full(), other.is_empty()), (3, false, true));
        assert_eq!((one.fill(b"def"), one.is_full(), other.fill(b"xy")), (1, true, 2));
        let (place, one, other) = (one.as_ref().as_ptr(), one.freeze(), other.freeze());
        let slice = one.slice(1..);
        drop(one);
        assert_eq!(buffers.free.lock().unwrap_or_else(PoisonError::into_inner).len(), 0);
        assert_eq!((&slice[..], &other[..]), (&b"bcd"[..], &b"xy"[..]));
        drop(slice);
        drop(other);
        assert_eq!(buffers.free.lock().unwrap_or_else(PoisonError::into_inner).len(), 1);
        let again = buffers.take();
        assert_eq!((again.as_ref().as_ptr(), again.is_empty()), (place, true));
    }
}
