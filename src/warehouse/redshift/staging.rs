//! The staging place of a load: `<staging>/<table>/<load id>/`, beside Redshift.
//!
//! ```text
//! part-00000.snappy.parquet …   the segments; those that lie there are not sent again
//! manifest.json                 what COPY reads
//! load.json                     what a retry needs: the target, the columns, the counts
//! ```
//!
//! The load id stands for everything that shapes the files, so a name stands for one content: a file
//! that lies there already is the one that would be written.

use super::ledger::LedgerRow;
use super::sql::LoadColumn;
use crate::error::{Error, Place, Result};
use crate::report::FileReport;
use crate::schema::TargetTable;
use crate::store::{self, Location, SegmentSink, SegmentWriter, StoredObject, objects};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// Name of the manifest.
pub(super) const MANIFEST_NAME: &str = "manifest.json";
/// Name of the record that a retry reads.
pub(super) const RECORD_NAME: &str = "load.json";
/// Bytes of such a record at most.
const RECORD_BYTES_MAX: usize = 16 << 20;
/// Times that a file is read back which another process is writing too.
const READ_ATTEMPTS_MAX: usize = 5;
/// Staged loads older than this are swept. A statement runs for 24 hours at most, and a load writes its
/// manifest right before it: so what is older cannot be under way.
pub const STAGED_AGE_MAX: Duration = Duration::from_secs(7 * 24 * 3600);

/// A load that is staged and may be put into its table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StagedLoad {
    /// What the ledger will say.
    pub entry: LedgerRow,
    /// The table as it was when the files were written in its types.
    pub target: TargetTable,
    /// The files' columns.
    pub columns: Vec<LoadColumn>,
    /// The files.
    pub files: Vec<FileReport>,
}

/// Where the loads of all tables are staged.
#[derive(Debug, Clone)]
pub(super) struct StagingPlace(Location);

impl StagingPlace {
    /// A prefix in a bucket.
    ///
    /// # Errors
    /// [`Error::Usage`] for anything else.
    pub(super) fn new(location: Location) -> Result<Self> {
        match location {
            Location::S3 { .. } => Ok(Self(location)),
            other => Err(Error::usage("files for Redshift are staged in S3")
                .at(Place::uri(other.to_string()))
                .help("set staging.url to s3://bucket/prefix, in Redshift's region")),
        }
    }

    pub(super) fn of_load(&self, table: &str, load_id: &str) -> Result<Location> {
        self.0.child(table)?.child(load_id)
    }

    /// Removes the staged files of loads that are long over.
    pub(super) fn sweep(&self, table: &str, keep: &str) -> Result<()> {
        let place = self.0.child(table)?;
        let mut loads: BTreeMap<String, (SystemTime, Vec<String>)> = BTreeMap::new();
        for object in objects::below(&place)? {
            let Some((load, _)) = object.name.split_once('/') else { continue };
            let (newest, names) =
                loads.entry(load.to_owned()).or_insert((SystemTime::UNIX_EPOCH, Vec::new()));
            *newest = (*newest).max(object.modified);
            names.push(object.name);
        }
        for (load, (newest, names)) in loads {
            if load == keep || !is_over(newest, SystemTime::now()) {
                continue;
            }
            tracing::info!(table, load, files = names.len(), "staged load swept");
            names.iter().try_for_each(|name| objects::remove(&place.child(name)?))?;
        }
        Ok(())
    }

    /// The staged load of this id, of whichever table.
    ///
    /// # Errors
    /// [`Error::Usage`] if there is none.
    pub(super) fn find(&self, load_id: &str) -> Result<StagedLoad> {
        let ending = format!("/{load_id}/{RECORD_NAME}");
        let found = objects::below(&self.0)?.into_iter().find(|object| object.name.ends_with(&ending));
        let Some(found) = found else {
            return Err(Error::usage(format!("nothing is staged of a load {load_id:?}"))
                .at(Place::uri(self.0.to_string()))
                .help("run backfill again; a retry needs the load's staged files and manifest"));
        };
        let place = self.0.child(&found.name)?;
        let bytes = store::fetch_small(&place, RECORD_BYTES_MAX)?;
        serde_json::from_slice(&bytes).map_err(|cause| {
            Error::input("the record of the staged load is damaged")
                .at(Place::uri(place.to_string()))
                .help("run backfill again")
                .because(cause)
        })
    }
}

fn is_over(newest: SystemTime, now: SystemTime) -> bool {
    now.duration_since(newest).is_ok_and(|age| age > STAGED_AGE_MAX)
}

/// Takes the segments of one load, and keeps those that lie there.
pub(super) struct StagingSink {
    inner: Box<dyn SegmentSink>,
    place: Location,
    present: HashMap<String, u64>,
    /// Names of the segments that this process has sent whole.
    sent: Arc<Mutex<HashSet<String>>>,
}

impl StagingSink {
    pub(super) fn open(place: Location) -> Result<Self> {
        let present = objects::below(&place)?.into_iter().map(|object| (object.name, object.bytes)).collect();
        Ok(Self { inner: store::sink(&place)?, place, present, sent: Arc::default() })
    }

    /// Compares the files that are about to be copied with what lies there: each one there, as long as
    /// it was written, and named once, because COPY loads a file as often as a manifest names it.
    ///
    /// # Errors
    /// [`Error::Counts`] naming the first file that differs.
    pub(super) fn check(&self, files: &[FileReport]) -> Result<()> {
        let mut lying = HashMap::new();
        for object in objects::below(&self.place)? {
            lying.insert(self.place.child(&object.name)?.to_string(), object.bytes);
        }
        for file in files {
            let what = match lying.remove(&file.uri) {
                Some(bytes) if bytes == file.bytes => continue,
                Some(bytes) => format!("a staged file has {bytes} bytes, and {} were written", file.bytes),
                None => "a file is not staged, or reported twice".to_owned(),
            };
            return Err(Error::counts(what)
                .at(Place::uri(&file.uri))
                .help("nothing was loaded; keep the report and tell the maintainers"));
        }
        Ok(())
    }

    pub(super) fn place(&self) -> &Location {
        &self.place
    }
}

impl SegmentSink for StagingSink {
    fn create(&self, name: &str) -> Result<Box<dyn SegmentWriter>> {
        if self.sent.lock().unwrap_or_else(PoisonError::into_inner).contains(name) {
            return Err(Error::machine(format!("the segment {name} is written twice"))
                .at(Place::uri(self.place.to_string()))
                .help("nothing was loaded; please report this"));
        }
        match self.present.get(name) {
            None => Ok(Box::new(Sent { inner: self.inner.create(name)?, sent: Arc::clone(&self.sent) })),
            Some(&bytes) => {
                let uri = self.place.child(name)?.to_string();
                tracing::info!(uri, bytes, "segment is staged already");
                Ok(Box::new(Kept { object: StoredObject { uri, name: name.to_owned(), bytes }, written: 0 }))
            }
        }
    }

    /// Two processes with the same work write the same file: while the other one does, it changes under
    /// our hands, and is what it was.
    fn read_tail(&self, object: &StoredObject, bytes: u64) -> Result<Vec<u8>> {
        let mut attempt = 1;
        loop {
            match self.inner.read_tail(object, bytes) {
                Err(Error::Input(_)) if attempt < READ_ATTEMPTS_MAX => attempt += 1,
                read => return read,
            }
        }
    }

    /// What is staged stays for the next try, until it is swept: nobody reads it without a manifest.
    fn remove(&self, _object: &StoredObject) -> Result<()> {
        Ok(())
    }
}

/// A segment that is sent, and remembered once it is whole.
struct Sent {
    inner: Box<dyn SegmentWriter>,
    sent: Arc<Mutex<HashSet<String>>>,
}

impl SegmentWriter for Sent {
    fn append(&mut self, bytes: Bytes) -> Result<()> {
        self.inner.append(bytes)
    }

    fn finish(self: Box<Self>) -> Result<StoredObject> {
        let object = self.inner.finish()?;
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).insert(object.name.clone());
        Ok(object)
    }
}

/// A segment that is not sent, because it lies there.
struct Kept {
    object: StoredObject,
    written: u64,
}

impl SegmentWriter for Kept {
    fn append(&mut self, bytes: Bytes) -> Result<()> {
        self.written += bytes.len() as u64;
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<StoredObject> {
        if self.written != self.object.bytes {
            return Err(Error::counts(format!(
                "the staged file has {} bytes, and the same segment now has {}",
                self.object.bytes, self.written
            ))
            .at(Place::uri(&self.object.uri))
            .help("remove the load's staged files and run it again; please report this"));
        }
        Ok(self.object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loads_that_are_long_over_are_swept() {
        let now = SystemTime::UNIX_EPOCH + 3 * STAGED_AGE_MAX;
        for (age, over) in [
            (Duration::ZERO, false),
            (Duration::from_secs(24 * 3600), false),
            (STAGED_AGE_MAX, false),
            (STAGED_AGE_MAX + Duration::from_secs(1), true),
        ] {
            assert_eq!(is_over(now - age, now), over, "{age:?}");
        }
        assert!(!is_over(now + Duration::from_secs(60), now), "a clock that is behind sweeps nothing");
    }

    #[test]
    fn a_kept_segment_must_be_as_long_as_the_one_that_would_be_written() {
        for (written, fits) in [(3, true), (2, false), (4, false)] {
            let object = StoredObject { uri: "s3://b/k".into(), name: "k".into(), bytes: 3 };
            let mut kept = Kept { object, written: 0 };
            kept.append(vec![0; written].into()).unwrap();
            assert_eq!(Box::new(kept).finish().is_ok(), fits, "{written}");
        }
    }

    #[test]
    fn files_for_redshift_are_staged_in_s3_alone() {
        for (typed, fits) in [("s3://b/p", true), ("s3://b", true), ("./x", false), ("https://h/x", false)] {
            assert_eq!(StagingPlace::new(Location::parse(typed).unwrap()).is_ok(), fits, "{typed}");
        }
    }
}
