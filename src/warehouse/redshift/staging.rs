//! The staging place of a load: `<staging>/<table>/<load id>/`, beside Redshift.
//!
//! ```text
//! begun.json                    whose the folder is, before anything else lies there
//! part-00000.snappy.parquet …   the segments; those that lie there are not sent again
//! manifest.json                 what COPY reads
//! load.json                     what a retry needs: the target, the columns, the counts
//! ```
//!
//! The load id stands for everything that shapes the files, so a name stands for one content: a file
//! that lies there already is the one that would be written.
//!
//! Only what this program wrote is ever removed: a folder must be named by a load id and hold one of the two
//! records of that very load, and in it only the names above count. What a load leaves that was broken off, the
//! same load run again finds.

use super::ledger::LedgerRow;
use super::sql::LoadColumn;
use super::staged::{Kept, Sent};
use crate::error::{Error, Place, Result};
use crate::ledger::{ALERTS_DIR, REJECTS_DIR, REPORTS_DIR, is_load_id};
use crate::report::FileReport;
use crate::schema::TargetTable;
use crate::store::objects::ObjectBelow;
use crate::store::s3::{Encryption, S3};
use crate::store::{self, Location, Outpost, SegmentSink, SegmentWriter, StoredObject, objects};
use crate::warehouse::{Done, Touched};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// Name of the manifest.
pub(super) const MANIFEST_NAME: &str = "manifest.json";
/// Name of the record that a retry reads.
pub(super) const RECORD_NAME: &str = "load.json";
/// Name of the record that is written first.
pub(super) const BEGUN_NAME: &str = "begun.json";
/// The records that say whose a folder is.
const RECORD_NAMES: [&str; 2] = [RECORD_NAME, BEGUN_NAME];
/// Endings of segments, by their codecs.
const ENDINGS: [&str; 3] = ["snappy.parquet", "zstd.parquet", "parquet"];
/// Folders beside the tables': of checks, of the Data Catalog, of rejects, of reports, of alerts.
const OWN_FOLDERS: [&str; 6] = [PROBES, "_catalog", REJECTS_DIR, PROFILES, REPORTS_DIR, ALERTS_DIR];
/// Folder of the reports of last full loads, beside the tables'.
const PROFILES: &str = "_profiles";
/// Objects that a check looks at.
const LOOKED_AT_MAX: usize = 10_000;
/// Folder of the probes of a check, beside the tables'.
pub(super) const PROBES: &str = ".check";
/// Bytes of such a record at most.
const RECORD_BYTES_MAX: usize = 32 << 20;
/// Files of one load: the record of a retry has a limit, COPY's manifest none (dg/loading-data-files-using-manifest).
const FILES_MAX: usize = 50_000;
/// Times that a file is read back which another process is writing too.
const READ_ATTEMPTS_MAX: usize = 5;

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
    /// Whether it is loaded though the export is in the table.
    #[serde(default)]
    pub again: bool,
    /// Digest of the marks of who was erased when the files were written.
    #[serde(default)]
    pub erased: String,
}

/// Whose a folder is.
#[derive(Debug, Serialize, Deserialize)]
struct Begun {
    load_id: String,
    table: String,
    program: String,
    /// As [`StagedLoad::erased`].
    #[serde(default)]
    erased: String,
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

    /// Where the report of a table's last full load is kept.
    pub(super) fn profile(&self, table: &str) -> Result<Location> {
        self.0.child(PROFILES)?.child(&format!("{table}.json"))
    }

    /// Removes the staged files of loads that are longer over than this, and tells what lies there besides. Says how
    /// many loads went.
    pub(super) fn sweep(&self, table: &str, keep: &str, age_max: Duration) -> Result<u64> {
        let mut gone = 0;
        let place = self.0.child(table)?;
        let Folders { loads, strange } = folders(objects::below(&place)?);
        let mut left = strange;
        for (load, folder) in loads {
            if load == keep || !is_over(folder.newest, SystemTime::now(), age_max) {
                continue;
            }
            let records = RECORD_NAMES.into_iter().filter(|name| folder.names.contains(*name));
            if !self.is_own(&place, table, &load, records)? {
                left.extend(folder.names.iter().map(|name| format!("{load}/{name}")));
                continue;
            }
            tracing::info!(table, load, files = folder.names.len(), "staged load swept");
            remove_folder(&place.child(&load)?, &folder)?;
            gone += 1;
        }
        if let Some(first) = left.first() {
            tracing::warn!(
                place = %place,
                objects = left.len(),
                first,
                help = "they stay: remove them by hand or by a lifecycle rule, or stage in a place of its own",
                "the staging place holds what no finished load of this program left there"
            );
        }
        Ok(gone)
    }

    /// Removes every staged load of a table: which of them hold rows of somebody, nobody can say without reading all
    /// of them. One that is under way fails, and is run again.
    pub(super) fn erase(&self, table: &str, dry_run: bool) -> Result<Vec<Touched>> {
        let place = self.0.child(table)?;
        let Folders { loads, strange } = folders(objects::below(&place)?);
        let mut touched = Vec::new();
        for (load, folder) in loads {
            let inside = place.child(&load)?;
            let records = RECORD_NAMES.into_iter().filter(|name| folder.names.contains(*name));
            if !self.is_own(&place, table, &load, records)? {
                let why = "no load of this program has begun there: look at it";
                touched.push(Touched::left(inside.to_string(), "staged files", why));
                continue;
            }
            if !dry_run {
                remove_folder(&inside, &folder)?;
            }
            touched.push(Touched::new(inside.to_string(), "staged files", None, Done::Removed));
        }
        for name in strange {
            let why = "it is not of this program: look at it";
            touched.push(Touched::left(place.child(&name)?.to_string(), "object", why));
        }
        Ok(touched)
    }

    /// Tables that something is staged of.
    pub(super) fn tables(&self) -> Result<BTreeSet<String>> {
        let names = objects::below(&self.0)?.into_iter().map(|object| object.name);
        let staged = names.filter(|name| is_ours(name)).collect::<Vec<_>>();
        let table = |name: &String| name.split_once('/').map(|(table, _)| table.to_owned());
        let is_table = |name: &String| !OWN_FOLDERS.contains(&name.as_str());
        Ok(staged.iter().filter_map(table).filter(is_table).collect())
    }

    /// Whether one of the folder's records is of this very load.
    fn is_own(
        &self,
        place: &Location,
        table: &str,
        load: &str,
        mut records: impl Iterator<Item = &'static str>,
    ) -> Result<bool> {
        let says = |bytes: &[u8], name: &str| {
            let begun =
                || serde_json::from_slice::<Begun>(bytes).ok().map(|begun| (begun.load_id, begun.table));
            let whole = || serde_json::from_slice::<StagedLoad>(bytes).ok().map(|staged| staged.entry);
            let of =
                if name == BEGUN_NAME { begun() } else { whole().map(|entry| (entry.load_id, entry.table)) };
            of.is_some_and(|(id, of)| id == load && of == table)
        };
        records.try_fold(false, |own, name| {
            let bytes = match store::fetch_small(&place.child(load)?.child(name)?, RECORD_BYTES_MAX) {
                // Too long for a record, or gone by now.
                Err(Error::Input(_) | Error::Access(_) | Error::Usage(_)) => return Ok(own),
                bytes => bytes?,
            };
            Ok(own || says(&bytes, name))
        })
    }

    /// Objects that lie in the staging place and have no name that this program gives: how many, and the
    /// first. No more than [`LOOKED_AT_MAX`] are looked at.
    ///
    /// # Errors
    /// If the place cannot be listed.
    pub(super) fn foreign(&self) -> Result<Option<(usize, String)>> {
        let found = objects::some_below(&self.0, LOOKED_AT_MAX)?;
        let mut foreign = found.into_iter().map(|object| object.name).filter(|name| !is_ours(name));
        Ok(foreign.next().map(|first| (1 + foreign.count(), first)))
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

/// The records go last: a removal that is broken off is gone on with.
fn remove_folder(inside: &Location, folder: &Folder) -> Result<()> {
    let (records, files): (Vec<_>, Vec<_>) =
        folder.names.iter().partition(|name| RECORD_NAMES.contains(&name.as_str()));
    files.iter().chain(&records).try_for_each(|name| objects::remove(&inside.child(name)?))
}

/// What lies in a table's folder: loads by their ids, and everything else by name.
#[derive(Debug, Default)]
struct Folders {
    loads: BTreeMap<String, Folder>,
    strange: Vec<String>,
}

/// What a load's folder holds under names that this program gives.
#[derive(Debug)]
struct Folder {
    newest: SystemTime,
    names: BTreeSet<String>,
}

fn folders(objects: Vec<ObjectBelow>) -> Folders {
    let mut found = Folders::default();
    for ObjectBelow { name, modified, .. } in objects {
        match name.split_once('/') {
            Some((load, file)) if is_load_id(load) && is_staged_name(file) => {
                let folder = found
                    .loads
                    .entry(load.to_owned())
                    .or_insert_with(|| Folder { newest: SystemTime::UNIX_EPOCH, names: BTreeSet::new() });
                folder.newest = folder.newest.max(modified);
                folder.names.insert(file.to_owned());
            }
            _ => found.strange.push(name),
        }
    }
    found
}

/// A name that a load gives in its folder: a segment's, the manifest's, a record's.
fn is_staged_name(name: &str) -> bool {
    let is_segment = || {
        let (number, ending) = name.strip_prefix("part-")?.split_once('.')?;
        let (unit, part) = number.split_once('_').unwrap_or((number, "1"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        Some(unit.len() >= 5 && digits(unit) && digits(part) && ENDINGS.contains(&ending))
    };
    name == MANIFEST_NAME || RECORD_NAMES.contains(&name) || is_segment() == Some(true)
}

/// The number in a segment's name.
fn number_of(name: &str) -> Option<usize> {
    name.strip_prefix("part-")?.split(['_', '.']).next()?.parse().ok()
}

/// Whether a name below the staging place is one that this program gives: of a load, a check, the catalogue.
fn is_ours(name: &str) -> bool {
    let parts: Vec<&str> = name.split('/').collect();
    match parts[..] {
        [first, ..] if OWN_FOLDERS.contains(&first) => true,
        [file] => file.starts_with(".check-"),
        [_, load, file] => is_load_id(load) && is_staged_name(file),
        _ => false,
    }
}

fn is_over(newest: SystemTime, now: SystemTime, age_max: Duration) -> bool {
    now.duration_since(newest).is_ok_and(|age| age > age_max)
}

/// Under which marks the files of a folder were written.
fn begun_under(place: &Location) -> Result<String> {
    let bytes = store::fetch_small(&place.child(BEGUN_NAME)?, RECORD_BYTES_MAX)?;
    Ok(serde_json::from_slice::<Begun>(&bytes).map(|begun| begun.erased).unwrap_or_default())
}

/// Removes what a load has put into its folder, of these names in it.
fn remove_staged<'a>(place: &Location, names: impl Iterator<Item = &'a String>) -> Result<()> {
    let mut staged = names.filter(|name| is_staged_name(name));
    staged.try_for_each(|name| objects::remove(&place.child(name)?))
}

/// Takes the segments of one load, and keeps those that lie there.
pub(super) struct StagingSink {
    inner: Box<dyn SegmentSink>,
    place: Location,
    present: HashMap<String, u64>,
    /// Names of the segments that this process has sent whole.
    sent: Arc<Mutex<HashSet<String>>>,
    encryption: Encryption,
    /// The first record, until it lies there.
    begun: Mutex<Option<Begun>>,
}

impl StagingSink {
    /// Whatever lies there of a try before people were erased is removed: it may hold rows of theirs. Files without the
    /// first record are what such a try went on with after the rest of it was removed.
    pub(super) fn open(
        place: Location,
        table: &str,
        load_id: &str,
        erased: &str,
        encryption: Encryption,
    ) -> Result<Self> {
        let mut present: HashMap<_, _> =
            objects::below(&place)?.into_iter().map(|object| (object.name, object.bytes)).collect();
        let under = match present.contains_key(BEGUN_NAME) {
            true => begun_under(&place)?,
            false => String::new(),
        };
        if under != erased {
            remove_staged(&place, present.keys())?;
            present.clear();
        }
        let inner = S3::from_environment()?.encrypted(encryption.clone()).sink(&place)?;
        let begun = Begun {
            load_id: load_id.to_owned(),
            table: table.to_owned(),
            program: concat!("csl-stream ", env!("CARGO_PKG_VERSION")).to_owned(),
            erased: erased.to_owned(),
        };
        let begun = Mutex::new((!present.contains_key(BEGUN_NAME)).then_some(begun));
        Ok(Self { inner, place, present, sent: Arc::default(), encryption, begun })
    }

    /// Says whose the folder is, before the first segment lies there.
    fn begin(&self) -> Result<()> {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(record) = &*begun {
            let text = serde_json::to_vec(record).map_err(|cause| {
                Error::machine("cannot write the load's first record as JSON").because(cause)
            })?;
            objects::put_encrypted(&self.place.child(BEGUN_NAME)?, text, self.encryption.clone())?;
        }
        *begun = None;
        Ok(())
    }

    /// Removes what lies there of the load.
    pub(super) fn clear(&self) -> Result<()> {
        let names: Vec<_> = objects::below(&self.place)?.into_iter().map(|object| object.name).collect();
        remove_staged(&self.place, names.iter())
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

    fn too_many(&self) -> Error {
        Error::usage(format!("the export becomes more than {FILES_MAX} files"))
            .at(Place::uri(self.place.to_string()))
            .help("nothing was loaded; make the files larger: --segment-size 128MiB")
    }
}

impl SegmentSink for StagingSink {
    fn adopt(&self, objects: &[&StoredObject]) -> Result<()> {
        if objects.len() > FILES_MAX { Err(self.too_many()) } else { Ok(()) }
    }

    fn create(&self, name: &str) -> Result<Box<dyn SegmentWriter>> {
        if number_of(name).is_some_and(|number| number >= FILES_MAX) {
            return Err(self.too_many());
        }
        self.begin()?;
        if self.sent.lock().unwrap_or_else(PoisonError::into_inner).contains(name) {
            return Err(Error::machine(format!("the segment {name} is written twice"))
                .at(Place::uri(self.place.to_string()))
                .help("nothing was loaded; please report this"));
        }
        match self.present.get(name) {
            None => Ok(Box::new(Sent::new(self.inner.create(name)?, &self.sent))),
            Some(&bytes) => {
                let uri = self.place.child(name)?.to_string();
                tracing::info!(uri, bytes, "segment is staged already");
                Ok(Box::new(Kept::new(StoredObject { uri, name: name.to_owned(), bytes })))
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

    fn outpost(&self) -> Result<Option<Outpost>> {
        self.begin()?;
        let outpost = Outpost::new(&self.place, Some(BEGUN_NAME.to_owned()));
        Ok(outpost.map(|outpost| Outpost { encryption: self.encryption.words(), ..outpost }))
    }

    /// What is staged stays for the next try, until it is swept: nobody reads it without a manifest.
    fn remove(&self, _object: &StoredObject) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
#[path = "staging_tests.rs"]
mod tests;
