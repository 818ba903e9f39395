//! Reads sources as the path does.

use csl_stream::Error;
use csl_stream::store::ByteSource;

/// All bytes of a source, `buffer_bytes` at most at a time.
pub(crate) fn read_all(source: &mut dyn ByteSource, buffer_bytes: usize) -> Result<Vec<u8>, Error> {
    let (mut all, mut buf) = (Vec::new(), vec![0; buffer_bytes]);
    loop {
        match source.read(&mut buf)? {
            0 => return Ok(all),
            count => all.extend_from_slice(&buf[..count]),
        }
    }
}
