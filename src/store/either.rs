//! An export that can be read in two ways: by its signed URL, and by its name and AWS's own credentials.
//!
//! ```text
//! URL ── refused at the start ──▶ name
//!     └─ refused in the middle ─▶ name, at the same etag and byte
//! ```
//! The signed URL comes first: it needs no grant and no credentials. It can run out while a large export is
//! read.

use super::location::Location;
use super::s3::S3;
use super::types::{ByteSource, ObjectInfo};
use crate::error::{Error, Result};

/// Opens `url`; where that is refused, now or later, what `name` names is read, if it is the same object.
///
/// # Errors
/// As [`super::open`]. If both refuse, the URL's: without credentials the second way has nothing to add.
pub fn open_either(url: &Location, name: Option<&Location>) -> Result<Box<dyn ByteSource>> {
    let source = match (super::open(url), name) {
        (Err(refused @ Error::Access(_)), Some(name)) => return super::open(name).map_err(|_| refused),
        (opened, _) => opened?,
    };
    Ok(match name {
        Some(name) => Box::new(Either { source, name: Some(name.clone()), at: 0 }),
        None => source,
    })
}

struct Either {
    source: Box<dyn ByteSource>,
    /// The second way, until it is taken.
    name: Option<Location>,
    at: u64,
}

impl Either {
    fn change_over(&mut self, refused: Error) -> Result<()> {
        let Some(name) = self.name.take() else { return Err(refused) };
        match S3::from_environment()?.open_on(&name, self.source.info(), self.at) {
            Ok(source) => {
                tracing::warn!(%name, byte = self.at, %refused, "the URL is refused, reading on by the name");
                self.source = source;
                Ok(())
            }
            Err(Error::Access(_) | Error::Usage(_)) => Err(refused),
            Err(error) => Err(error),
        }
    }
}

impl ByteSource for Either {
    fn info(&self) -> &ObjectInfo {
        self.source.info()
    }

    fn read(&mut self, buf: &mut [u8]) -> Result<usize> {
        let count = match self.source.read(buf) {
            Err(refused @ Error::Access(_)) => {
                self.change_over(refused)?;
                self.source.read(buf)?
            }
            read => read?,
        };
        self.at += count as u64;
        Ok(count)
    }
}
