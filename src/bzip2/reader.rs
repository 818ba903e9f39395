//! The decoder as a plain reader, on one thread.

use std::io::{self, Read};

use super::block::Scratch;
use super::limits::Limits;
use super::parallel::{ParallelDecoder, Taken};
use super::pool::Bytes;

/// Decodes while it is read from. An [`io::Error`] of the input comes through as it is; other errors
/// carry a [`super::Error`].
#[derive(Debug)]
pub struct Reader<R> {
    decoder: ParallelDecoder<R>,
    scratch: Scratch,
    bytes: Option<Bytes>,
    at: usize,
}

impl<R: Read + Send> Reader<R> {
    /// A reader with the fastest kernel.
    pub fn new(input: R) -> Self {
        Self::with(input, Limits::for_workers(1), Scratch::new())
    }

    /// A reader with limits and workspace of the caller's choice.
    pub fn with(input: R, limits: Limits, scratch: Scratch) -> Self {
        Self { decoder: ParallelDecoder::new(input, limits), scratch, bytes: None, at: 0 }
    }
}

impl<R: Read + Send> Read for Reader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        loop {
            if let Some(rest) = self.bytes.as_deref().map(|bytes| &bytes[self.at..])
                && !rest.is_empty()
            {
                let count = rest.len().min(out.len());
                out[..count].copy_from_slice(&rest[..count]);
                self.at += count;
                return Ok(count);
            }
            (self.bytes, self.at) = (None, 0);
            match self.decoder.take()? {
                Taken::Bytes(bytes) => self.bytes = Some(bytes),
                Taken::Pending => drop(self.decoder.work(&mut self.scratch)),
                Taken::End => return Ok(0),
            }
        }
    }
}
