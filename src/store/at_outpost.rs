//! Writes into a place that another process has begun, for as long as that one has not given it up.

use super::durable::temporary_of;
use super::local::LocalSink;
use super::location::Location;
use super::open::{open, sink};
use super::outpost::Outpost;
#[cfg(feature = "aws")]
use super::s3::{Encryption, S3};
use super::types::{SegmentSink, SegmentWriter, StoredObject};
use super::unfinished::is_of_others;
use crate::error::{Error, Result};
use bytes::Bytes;

/// The place as a sink. It takes a file twice, whoever wrote it first, as both are the same.
///
/// # Errors
/// [`Error::Interrupted`] if it was given up; those of [`sink`].
pub fn sink_at(outpost: &Outpost) -> Result<Box<dyn SegmentSink>> {
    let location = Location::parse(&outpost.location)?;
    let lasts = Lasts::of(&location, outpost)?;
    lasts.check()?;
    let inner: Box<dyn SegmentSink> = match &location {
        Location::Local(folder) => Box::new(LocalSink::new(folder)?.durable()),
        _ => encrypted(&location, outpost)?,
    };
    let (prefix, shown) = (outpost.prefix.clone(), Location::parse(&outpost.shown)?);
    Ok(Box::new(AtOutpost { inner, prefix, shown, lasts }))
}

/// Removes what processes that were killed have left unfinished in a folder; one that is still at it fails.
///
/// # Errors
/// If the folder cannot be listed.
pub fn clear_unfinished(outpost: &Outpost) -> Result<()> {
    let Location::Local(folder) = Location::parse(&outpost.location)? else { return Ok(()) };
    let failed = |cause| Error::io("cannot list the folder", &folder, cause);
    for file in std::fs::read_dir(&folder).map_err(failed)? {
        let file = file.map_err(failed)?;
        let name = file.file_name().to_string_lossy().into_owned();
        let whole = temporary_of(&name).and_then(|whole| whole.strip_prefix(&outpost.prefix));
        if whole.is_some_and(is_of_others)
            && let Err(error) = std::fs::remove_file(file.path())
        {
            tracing::debug!(%error, name, "an unfinished file stays");
        }
    }
    Ok(())
}

#[cfg(feature = "aws")]
fn encrypted(location: &Location, outpost: &Outpost) -> Result<Box<dyn SegmentSink>> {
    match &outpost.encryption {
        None => sink(location),
        Some((sse, key)) => {
            S3::from_environment()?.encrypted(Encryption::of_words(Some(sse), key.as_deref())?).sink(location)
        }
    }
}

#[cfg(not(feature = "aws"))]
fn encrypted(location: &Location, _: &Outpost) -> Result<Box<dyn SegmentSink>> {
    sink(location)
}

/// What lies there for as long as files may come.
#[derive(Debug, Clone)]
struct Lasts(Location);

impl Lasts {
    fn of(location: &Location, outpost: &Outpost) -> Result<Self> {
        Ok(Self(match &outpost.while_there {
            Some(name) => location.child(name)?,
            None => location.clone(),
        }))
    }

    fn check(&self) -> Result<()> {
        let is_there = match &self.0 {
            Location::Local(path) => path.exists(),
            other => match open(other) {
                Ok(_) => true,
                Err(Error::Access(_)) => false,
                Err(error) => return Err(error),
            },
        };
        if is_there { Ok(()) } else { Err(Error::Interrupted) }
    }
}

struct AtOutpost {
    inner: Box<dyn SegmentSink>,
    prefix: String,
    shown: Location,
    lasts: Lasts,
}

impl SegmentSink for AtOutpost {
    fn create(&self, name: &str) -> Result<Box<dyn SegmentWriter>> {
        let inner = self.inner.create(&format!("{}{name}", self.prefix))?;
        Ok(Box::new(Writer { inner, shown: self.shown.clone(), lasts: self.lasts.clone() }))
    }

    fn read_tail(&self, object: &StoredObject, bytes: u64) -> Result<Vec<u8>> {
        self.inner.read_tail(object, bytes)
    }

    fn remove(&self, object: &StoredObject) -> Result<()> {
        self.inner.remove(object)
    }
}

struct Writer {
    inner: Box<dyn SegmentWriter>,
    shown: Location,
    lasts: Lasts,
}

impl SegmentWriter for Writer {
    fn append(&mut self, bytes: Bytes) -> Result<()> {
        self.inner.append(bytes)
    }

    /// A place that was given up gets no file any more.
    fn finish(self: Box<Self>) -> Result<StoredObject> {
        self.lasts.check()?;
        let object = self.inner.finish()?;
        Ok(StoredObject { uri: self.shown.child(&object.name)?.to_string(), ..object })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_was_given_up_gets_no_file() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("out");
        let own = LocalSink::new(&folder).unwrap();
        own.begin("load").unwrap();
        let outpost = own.outpost().unwrap().unwrap();
        let sink = sink_at(&outpost).unwrap();
        for _ in 0..2 {
            let mut writer = sink.create("part-00000.parquet").unwrap();
            writer.append(Bytes::from_static(b"twice")).unwrap();
            assert_eq!(writer.finish().unwrap().name, "part-00000.parquet");
        }
        let late = sink.create("part-00001.parquet").unwrap();
        own.end(true).unwrap();
        assert!(matches!(late.finish(), Err(Error::Interrupted)));
        assert!(matches!(sink_at(&outpost), Err(Error::Interrupted)));
        let names: Vec<_> =
            std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().file_name()).collect();
        assert_eq!(names, ["part-00000.parquet"]);
        std::fs::remove_dir_all(&folder).unwrap();
        let gone = Outpost { while_there: None, ..outpost };
        assert!(matches!(sink_at(&gone), Err(Error::Interrupted)), "and it is not made again");
        assert!(!folder.exists());
    }
}
