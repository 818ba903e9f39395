//! Bytes of this machine: files, standard input, and finished segments in a folder.
//!
//! ```text
//! file ── read ──► caller's buffer          segment ── write ──► durable: whole, or not there
//!   └── fstat after each read: still the file that was opened?
//! ```

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::UNIX_EPOCH;

use bytes::Bytes;

use super::durable::{Survives, Taken, WholeFile};
use super::private;
use super::segment_name::check_segment;
use super::types::{ByteSource, Listed, Listing, ObjectInfo, SegmentSink, SegmentWriter, StoredObject};
use super::unfinished::Unfinished;
use crate::error::{Error, Place, Result};

/// A local file, which stays the file that was opened until its last byte is read.
///
/// A file that is *replaced* (another one renamed over it) is read to its end as it was: the handle
/// still holds the old content. A file that is *written to* is an error.
#[derive(Debug)]
pub struct LocalSource {
    file: File,
    path: PathBuf,
    info: ObjectInfo,
    /// What the file was when it was opened; a pipe is none.
    pin: Option<Pin>,
    at: u64,
}

/// The version of a file's content, as far as the file system tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pin {
    device: u64,
    inode: u64,
    bytes: u64,
    modified_ns: i128,
}

impl Pin {
    fn of(metadata: &Metadata) -> Self {
        let modified_ns = match metadata.modified().map(|time| time.duration_since(UNIX_EPOCH)) {
            Ok(Ok(since)) => since.as_nanos() as i128,
            Ok(Err(before)) => -(before.duration().as_nanos() as i128),
            Err(_) => 0,
        };
        let (device, inode) = device_and_inode(metadata);
        Self { device, inode, bytes: metadata.len(), modified_ns }
    }

    fn etag(&self) -> String {
        format!("{:x}-{:x}-{:x}-{:x}", self.device, self.inode, self.bytes, self.modified_ns)
    }
}

#[cfg(unix)]
fn device_and_inode(metadata: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
fn device_and_inode(_metadata: &Metadata) -> (u64, u64) {
    (0, 0)
}

impl LocalSource {
    /// Opens `path` and pins its content. A pipe (`<(zcat …)`) is taken as it comes, without a pin.
    ///
    /// # Errors
    /// [`Error::Access`] if it is not there or not readable, [`Error::Usage`] if it is a folder.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|e| Error::io("cannot open the file", path, e))?;
        let metadata = file.metadata().map_err(|e| Error::io("cannot look at the file", path, e))?;
        let uri = path.display().to_string();
        if metadata.is_dir() {
            return Err(Error::usage("this is a folder, not a file")
                .at(Place::uri(uri))
                .help("name a file; a folder of exports goes with --exports"));
        }
        let pin = metadata.is_file().then(|| Pin::of(&metadata));
        let info = ObjectInfo { uri, etag: pin.map(|pin| pin.etag()), bytes: pin.map(|pin| pin.bytes) };
        Ok(Self { file, path: path.to_owned(), info, pin, at: 0 })
    }

    /// Opens what was opened before, maybe elsewhere, at byte `from`.
    ///
    /// # Errors
    /// As [`LocalSource::open`]; [`Error::Input`] if it is not of that length and time.
    pub(super) fn open_at(path: &Path, pinned: &ObjectInfo, from: u64) -> Result<Self> {
        let mut source = Self::open(path)?;
        let same = source.info.bytes == pinned.bytes && version(&source.info) == version(pinned);
        if !same {
            return Err(changed(
                &source.info.uri,
                pinned.bytes.unwrap_or(0),
                source.info.bytes.unwrap_or(0),
                from,
            ));
        }
        let failed = |cause| Error::io("cannot read the file", path, cause);
        source.at = source.file.seek(SeekFrom::Start(from)).map_err(failed)?;
        Ok(source)
    }

    fn check(&self, at_end: bool) -> Result<()> {
        let Some(pin) = self.pin else { return Ok(()) };
        let metadata =
            self.file.metadata().map_err(|e| Error::io("cannot look at the file", &self.path, e))?;
        let short = at_end && self.at != pin.bytes;
        if Pin::of(&metadata) == pin && !short && self.at <= pin.bytes {
            return Ok(());
        }
        Err(changed(&self.info.uri, pin.bytes, metadata.len(), self.at))
    }
}

/// What of a file's version is the same on every machine that sees it: length and time.
fn version(info: &ObjectInfo) -> Option<(&str, &str)> {
    let mut parts = info.etag.as_deref()?.rsplit('-');
    let modified = parts.next()?;
    Some((parts.next()?, modified))
}

fn changed(uri: &str, bytes: u64, bytes_now: u64, at: u64) -> Error {
    Error::input(format!("the file changed while it was read ({bytes} bytes, now {bytes_now})"))
        .at(Place { byte: Some(at), ..Place::uri(uri) })
        .help("wait until nothing writes to it any more, or read a copy; then run again")
}

impl ByteSource for LocalSource {
    fn info(&self) -> &ObjectInfo {
        &self.info
    }

    fn read(&mut self, buf: &mut [u8]) -> Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        let count =
            read_some(&mut self.file, buf).map_err(|e| Error::io("cannot read the file", &self.path, e))?;
        self.at += count as u64;
        self.check(count == 0)?;
        Ok(count)
    }
}

/// Standard input, which nothing can pin.
#[derive(Debug)]
pub struct StdinSource {
    input: io::Stdin,
    info: ObjectInfo,
}

impl StdinSource {
    /// The process's standard input.
    pub fn new() -> Self {
        Self { input: io::stdin(), info: ObjectInfo { uri: "-".to_owned(), ..ObjectInfo::default() } }
    }
}

impl Default for StdinSource {
    fn default() -> Self {
        Self::new()
    }
}

impl ByteSource for StdinSource {
    fn info(&self) -> &ObjectInfo {
        &self.info
    }

    fn read(&mut self, buf: &mut [u8]) -> Result<usize> {
        read_some(&mut self.input, buf)
            .map_err(|e| Error::io("cannot read standard input", Path::new("-"), e))
    }
}

/// The names in a folder; hidden ones are unfinished work of some program.
pub(super) fn list(folder: &Path) -> Result<Listing> {
    let failed = |e| Error::io("cannot list the folder", folder, e);
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Listing::default()),
        entries => entries.map_err(failed)?,
    };
    let mut listing = Listing::default();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if name.starts_with('.') {
            continue;
        }
        // Follows links, so that a folder of links works; a broken link is as good as nothing.
        let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
        let metadata = if is_link { std::fs::metadata(entry.path()) } else { entry.metadata() };
        let Ok(metadata) = metadata else { continue };
        if metadata.is_dir() {
            listing.folders.push(name);
        } else {
            let etag = metadata.is_file().then(|| Pin::of(&metadata).etag());
            listing.files.push(Listed { name, bytes: Some(metadata.len()), etag, is_link });
        }
    }
    Ok(listing)
}

fn read_some(from: &mut impl Read, buf: &mut [u8]) -> io::Result<usize> {
    loop {
        match from.read(buf) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// A folder that takes finished segments.
#[derive(Debug)]
pub struct LocalSink {
    folder: PathBuf,
    taken: Taken,
    survives: Survives,
    /// The set that is being written.
    set: Mutex<Option<Unfinished>>,
}

impl LocalSink {
    /// Takes segments into `folder`, which is made if it is not there.
    ///
    /// # Errors
    /// [`Error::Access`] or [`Error::Machine`] if the folder cannot be made.
    pub fn new(folder: &Path) -> Result<Self> {
        private::make_dirs(folder).map_err(|e| Error::io("cannot make the folder", folder, e))?;
        Ok(Self {
            folder: folder.to_owned(),
            taken: Taken::Replace,
            survives: Survives::Exit,
            set: Mutex::new(None),
        })
    }

    /// Segments that survive a power cut, from [`SegmentWriter::finish`] on. Waiting for the disk took
    /// a tenth of the time of a conversion, so that it is left out where it can be run again.
    #[must_use]
    pub fn durable(mut self) -> Self {
        self.survives = Survives::PowerCut;
        self
    }

    /// Refuses a segment whose name is taken, instead of replacing it.
    #[must_use]
    pub fn once(mut self) -> Self {
        self.taken = Taken::Refuse;
        self
    }

    fn set(&self) -> MutexGuard<'_, Option<Unfinished>> {
        self.set.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl SegmentSink for LocalSink {
    fn create(&self, name: &str) -> Result<Box<dyn SegmentWriter>> {
        check_segment(name)?;
        let path = self.folder.join(name);
        let mut set = self.set();
        let taken = if set.is_some() { Taken::Refuse } else { self.taken };
        if taken == Taken::Refuse && path.exists() {
            let cause = io::ErrorKind::AlreadyExists.into();
            return Err(Error::io("cannot write a segment twice", &path, cause));
        }
        let file = WholeFile::create(path)?;
        if let Some(set) = &mut *set {
            set.add(name, file.file())?;
        }
        let survives = self.survives;
        Ok(Box::new(LocalWriter { file, name: name.to_owned(), taken, survives }))
    }

    fn read_tail(&self, object: &StoredObject, bytes: u64) -> Result<Vec<u8>> {
        check_segment(&object.name)?;
        let path = self.folder.join(&object.name);
        let failed = |e| Error::io("cannot read the finished file back", &path, e);
        let mut file = File::open(&path).map_err(failed)?;
        let found = file.metadata().map_err(failed)?.len();
        check_length(object, found)?;
        file.seek(SeekFrom::Start(found.saturating_sub(bytes))).map_err(failed)?;
        let mut tail = Vec::new();
        file.take(bytes).read_to_end(&mut tail).map_err(failed)?;
        Ok(tail)
    }

    fn remove(&self, object: &StoredObject) -> Result<()> {
        check_segment(&object.name)?;
        let path = self.folder.join(&object.name);
        std::fs::remove_file(&path).map_err(|e| Error::io("cannot remove the file", &path, e))
    }

    fn begin(&self, load_id: &str) -> Result<()> {
        *self.set() = Some(Unfinished::begin(&self.folder, load_id)?);
        Ok(())
    }

    fn end(&self, whole: bool) -> Result<()> {
        let set = self.set().take();
        set.map_or(Ok(()), |set| set.end(whole))
    }
}

/// Says no if a finished object is not as long as what was written.
pub(super) fn check_length(object: &StoredObject, found: u64) -> Result<()> {
    if found == object.bytes {
        return Ok(());
    }
    Err(Error::counts(format!("{} bytes were written, but {found} are stored", object.bytes))
        .at(Place::uri(&object.uri))
        .help("something else writes to this place: give each run a place of its own"))
}

struct LocalWriter {
    file: WholeFile,
    name: String,
    taken: Taken,
    survives: Survives,
}

impl SegmentWriter for LocalWriter {
    fn append(&mut self, bytes: Bytes) -> Result<()> {
        let written = self.file.write_all(&bytes);
        written.map_err(|cause| Error::io("cannot write the file", self.file.path(), cause))
    }

    fn finish(self: Box<Self>) -> Result<StoredObject> {
        let Self { file, name, taken, survives } = *self;
        let uri = file.path().display().to_string();
        let bytes = file.finish(taken, survives)?;
        Ok(StoredObject { uri, name, bytes })
    }
}
