//! The edges between the path and the outside.

use crate::error::Result;
use bytes::Bytes;

/// What the digest of a content begins with, where it stands in the place of an etag.
pub const DIGEST_PREFIX: &str = "xxh3-";

/// What is known of an object when it is opened, and stays true while it is read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObjectInfo {
    /// Name for people and ledgers; a signed URL without its query.
    pub uri: String,
    /// Version of the content: S3's etag; for a local file its inode, length and modification time.
    pub etag: Option<String>,
    /// Length in bytes as stored (compressed), if known.
    pub bytes: Option<u64>,
}

/// The bytes of one pinned object, in order.
pub trait ByteSource: Send {
    /// The object that is read.
    fn info(&self) -> &ObjectInfo;

    /// Reads up to `buf.len()` bytes into `buf` and returns how many; 0 only at the end.
    ///
    /// # Errors
    /// [`crate::Error::Input`] if the object is no longer the one that was opened or ends early,
    /// [`crate::Error::Transient`] when retries are used up.
    fn read(&mut self, buf: &mut [u8]) -> Result<usize>;
}

impl<S: ByteSource + ?Sized> ByteSource for &mut S {
    fn info(&self) -> &ObjectInfo {
        (**self).info()
    }

    fn read(&mut self, buf: &mut [u8]) -> Result<usize> {
        (**self).read(buf)
    }
}

/// Moves what fits from the front of a piece into `buf`, and says how many bytes those are.
#[cfg(feature = "aws")]
pub(super) fn take(piece: &mut Bytes, buf: &mut [u8]) -> usize {
    let count = piece.len().min(buf.len());
    bytes::Buf::copy_to_slice(piece, &mut buf[..count]);
    count
}

/// Whether an export holds the whole table or rows to add.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    clap::ValueEnum,
    schemars::JsonSchema,
    serde::Serialize,
    serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum ExportKind {
    /// Replaces the table.
    Full,
    /// Adds to the table.
    Incremental,
}

impl ExportKind {
    /// Its word in flags, keys, ledgers and the folders of an export.
    pub fn word(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Incremental => "incremental",
        }
    }

    /// The kind of this word.
    pub fn of_word(word: &str) -> Option<Self> {
        [Self::Full, Self::Incremental].into_iter().find(|kind| kind.word() == word)
    }
}

/// A finished output object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredObject {
    /// Where it is.
    pub uri: String,
    /// File name inside the staging place, `part-00000.snappy.parquet`.
    pub name: String,
    /// Its length.
    pub bytes: u64,
}

/// A place that takes finished segments under names of our choice.
pub trait SegmentSink: Send + Sync {
    /// Starts the object `name`. Nothing is visible under that name before [`SegmentWriter::finish`].
    fn create(&self, name: &str) -> Result<Box<dyn SegmentWriter>>;

    /// The last `bytes` bytes (or all, if shorter) of a finished object, read back from where it is.
    fn read_tail(&self, object: &StoredObject, bytes: u64) -> Result<Vec<u8>>;

    /// Takes a finished object away again, because its run failed.
    fn remove(&self, object: &StoredObject) -> Result<()>;

    /// Marks the place as that of a set of objects, which are not all there until [`SegmentSink::end`].
    ///
    /// # Errors
    /// [`crate::Error::Usage`] if another set lies there.
    fn begin(&self, load_id: &str) -> Result<()> {
        let _ = load_id;
        Ok(())
    }

    /// Takes the mark away: the set is whole, or it was removed.
    ///
    /// # Errors
    /// Those of the place.
    fn end(&self, whole: bool) -> Result<()> {
        let _ = whole;
        Ok(())
    }
}

/// One object being written. Dropped without `finish`, it leaves nothing behind.
pub trait SegmentWriter: Send {
    /// Appends to the object. After an error nothing is left but to drop it.
    ///
    /// # Errors
    /// Those of the place, with its name.
    fn append(&mut self, bytes: Bytes) -> Result<()>;

    /// Makes the object visible under its name, whole.
    fn finish(self: Box<Self>) -> Result<StoredObject>;
}

/// One level of names below a place.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Names of folders or common prefixes, without slashes.
    pub folders: Vec<String>,
    /// Files or objects.
    pub files: Vec<Listed>,
}

/// A file or object, as a listing tells of it.
#[derive(Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Listed {
    /// Its name, without what is before it.
    pub name: String,
    /// Its length.
    pub bytes: Option<u64>,
    /// Its version, as whoever opens it finds it.
    pub etag: Option<String>,
    /// Whether the name stands for something else: a link.
    pub is_link: bool,
}
