//! Output buffers that come back when they are dropped.

use super::passed::Passed;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

/// Size of an output buffer: an ordinary block fits, expanded or not.
pub(super) const BUFFER_BYTES: usize = 1 << 20;

/// Buffers that wait to be used again.
#[derive(Debug)]
pub(super) struct Pool {
    free: Mutex<Vec<Vec<u8>>>,
    buffers_max: usize,
}

impl Pool {
    /// A pool that keeps at most so many buffers.
    pub(super) fn new(buffers_max: usize) -> Arc<Self> {
        Arc::new(Self { free: Mutex::new(Vec::new()), buffers_max })
    }

    /// A buffer of [`BUFFER_BYTES`], with anything in it.
    pub(super) fn get(&self) -> Vec<u8> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        free.unwrap_or_else(|| vec![0; BUFFER_BYTES])
    }

    /// Takes a buffer back.
    pub(super) fn put(&self, buffer: Vec<u8>) {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() < self.buffers_max {
            free.push(buffer);
        }
    }
}

/// Decoded bytes, at most 1 MiB. The memory goes back to the decoder when they are dropped.
pub struct Bytes {
    buffer: Vec<u8>,
    bytes: usize,
    origin: Origin,
    pool: Arc<Pool>,
}

/// Where decoded bytes come from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin {
    pub(super) bit: u64,
    pub(super) passed: Passed,
}

impl Bytes {
    pub(super) fn new(buffer: Vec<u8>, bytes: usize, origin: Origin, pool: &Arc<Pool>) -> Self {
        Self { buffer, bytes, origin, pool: Arc::clone(pool) }
    }

    /// The bit of the file at which their block begins.
    pub fn bit(&self) -> u64 {
        self.origin.bit
    }

    /// What was passed before their block.
    pub fn passed(&self) -> Passed {
        self.origin.passed
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.buffer[..self.bytes]
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bytes").field("len", &self.bytes).finish_non_exhaustive()
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        self.pool.put(std::mem::take(&mut self.buffer));
    }
}
