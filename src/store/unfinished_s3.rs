//! The mark on a prefix of S3 whose objects are not all there, as [`super::unfinished`] has it for folders.
//!
//! ```text
//! {"load_id":"…","program":"…"}                       who writes here
//! {"name":"part-00000.snappy.parquet","bytes":…}      each object, before it has its name
//! {"removed":"part-00000.snappy.parquet"}             each that is taken back, before it goes
//! {"ended":"whole"}                                   nobody takes the objects away any more; or "replaced": nobody adds
//! ```
//!
//! S3 has no locks and appends nothing: the mark is written anew with each line, if it is still what was written last
//! ([conditional writes][conditional]); so whoever replaces a set and whoever writes it know of each other. What S3
//! answers to a listing is what was written before ([consistency]): of two that begin at once one at least sees the
//! other's mark.
//!
//! [conditional]: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
//! [consistency]: https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html#ConsistencyModel

use super::bucket::Bucket;
use super::fault::{Doing, Fault};
use super::ranged::repeating;
use super::runtime::runtime;
use super::segment_name::check_segment;
use super::types::StoredObject;
use super::unfinished::{OTHERS, head, is_mark, is_of_others, mark_name, refuse_taken};
use crate::error::{Error, Place, Result};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutPayload, UpdateVersion};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One object of the set.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    name: String,
    bytes: u64,
}

impl Line {
    fn is(&self, object: &ObjectMeta) -> bool {
        object.location.filename() == Some(&self.name) && object.size == self.bytes
    }
}

/// An object that is taken back.
#[derive(Debug, Serialize)]
struct Removed<'a> {
    removed: &'a str,
}

/// The last line of a mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "ended")]
enum Ended {
    Whole,
    Replaced,
}

/// A set of objects on its way below a prefix.
pub(super) struct UnfinishedObjects {
    mark: Mark,
    prefix: Path,
    objects: Vec<Line>,
}

impl UnfinishedObjects {
    /// Marks a prefix.
    ///
    /// # Errors
    /// [`Error::Usage`] if another set lies there, whole or not.
    pub(super) fn begin(bucket: Arc<Bucket>, prefix: Path, load_id: &str) -> Result<Self> {
        let place = uri(&bucket, &prefix);
        refuse_taken(&place, &names(&list(&bucket, &prefix)?))?;
        let mark = Mark::put(bucket, prefix.clone().join(mark_name(load_id)), head(load_id).into_bytes())?;
        let mut others = list(&mark.bucket, &prefix)?;
        others.retain(|object| object.location != mark.path);
        if let Err(error) = refuse_taken(&place, &names(&others)) {
            mark.remove()?;
            return Err(error);
        }
        Ok(Self { mark, prefix, objects: Vec::new() })
    }

    /// Writes down that an object will be this set's.
    pub(super) fn add(&mut self, name: &str, bytes: u64) -> Result<()> {
        let line = Line { name: name.to_owned(), bytes };
        self.write(&line)?;
        self.objects.push(line);
        Ok(())
    }

    /// Writes down that an object goes, which may be another's by now: then it stays.
    pub(super) fn take_back(&mut self, name: &str) -> Result<()> {
        self.write(&Removed { removed: name })
    }

    /// Writes down that others write objects of this set, and gives the mark's name, by which they see that it lasts.
    pub(super) fn of_others(&mut self) -> Result<String> {
        if !self.mark.append_text(OTHERS.as_bytes())? {
            return Err(self.displaced());
        }
        Ok(self.mark.path.filename().unwrap_or_default().to_owned())
    }

    /// Takes over what others have written: these objects, and no others.
    pub(super) fn adopt(&mut self, objects: &[&StoredObject]) {
        self.objects =
            objects.iter().map(|object| Line { name: object.name.clone(), bytes: object.bytes }).collect();
    }

    /// Takes the mark away if the set is whole, or if nothing of it is left.
    pub(super) fn end(mut self, whole: bool) -> Result<()> {
        let lying = list(&self.mark.bucket, &self.prefix)?;
        let is_there = |line: &Line| lying.iter().any(|object| line.is(object));
        if whole {
            // An object of a set that was replaced may have been on its way.
            let lies = lying.iter().filter(|object| is_parquet(object)).count();
            if lies != self.objects.len() || !self.objects.iter().all(is_there) {
                return Err(self.displaced());
            }
            self.write(&Ended::Whole)?;
        } else if self.objects.iter().any(is_there) {
            return Ok(());
        }
        self.mark.remove()
    }

    fn write(&mut self, line: &impl Serialize) -> Result<()> {
        if self.mark.append(line)? { Ok(()) } else { Err(self.displaced()) }
    }

    fn displaced(&self) -> Error {
        Error::usage("the mark or files of this conversion were taken away or replaced while it ran")
            .at(Place::uri(uri(&self.mark.bucket, &self.mark.path)))
            .help("another conversion was started into this place with --replace: name another one for each")
    }
}

/// Removes from a prefix what conversions that were killed have left, and nothing else.
///
/// # Errors
/// [`Error::Transient`] if one of them is still running; whatever S3 refuses.
pub(super) fn clear(bucket: &Arc<Bucket>, prefix: &Path) -> Result<()> {
    for object in
        list(bucket, prefix)?.iter().filter(|object| object.location.filename().is_some_and(is_mark))
    {
        let Some(mut mark) = Mark::read(bucket.clone(), object.location.clone())? else { continue };
        if mark.lines::<Ended>().next_back() != Some(Ended::Whole) {
            if !mark.append(&Ended::Replaced)? {
                return Err(Error::transient("another conversion is writing into this place now")
                    .at(Place::uri(uri(bucket, &mark.path)))
                    .help("wait until it has ended, or name another place"));
            }
            // What was written until then.
            let lying = list(bucket, prefix)?;
            for line in mark.lines::<Line>() {
                check_segment(&line.name)?;
                for object in lying.iter().filter(|object| line.is(object)) {
                    remove(bucket, &object.location)?;
                }
            }
            // No Parquet lay here when the mark was made.
            let of_others = mark.text.split(|&byte| byte == b'\n').any(|line| line == OTHERS.as_bytes());
            let written = |object: &&ObjectMeta| object.location.filename().is_some_and(is_of_others);
            for object in lying.iter().filter(|_| of_others).filter(written) {
                remove(bucket, &object.location)?;
            }
        }
        mark.remove()?;
    }
    Ok(())
}

/// A mark as it was written, or read, last.
struct Mark {
    bucket: Arc<Bucket>,
    path: Path,
    text: Vec<u8>,
    etag: Option<String>,
}

impl Mark {
    fn put(bucket: Arc<Bucket>, path: Path, text: Vec<u8>) -> Result<Self> {
        let payload = PutPayload::from(text.clone());
        let put = || bucket.client.put(&path, payload.clone());
        let put = runtime()?.block_on(repeating(bucket.tuning, put));
        let etag = put.map_err(|fault| fault.into_error(&uri(&bucket, &path), Doing::Writing))?.e_tag;
        Ok(Self { bucket, path, text, etag })
    }

    /// None if it is gone.
    fn read(bucket: Arc<Bucket>, path: Path) -> Result<Option<Self>> {
        let get = || async {
            let answer = bucket.client.get(&path).await?;
            let etag = answer.meta.e_tag.clone();
            Ok((answer.bytes().await?.to_vec(), etag))
        };
        match runtime()?.block_on(repeating(bucket.tuning, get)) {
            Ok((text, etag)) => Ok(Some(Self { bucket, path, text, etag })),
            Err(Fault::Missing(_)) => Ok(None),
            Err(fault) => Err(fault.into_error(&uri(&bucket, &path), Doing::Reading)),
        }
    }

    /// Adds a line, and says whether it could: not if somebody else has written, or the mark is gone.
    fn append(&mut self, line: &impl Serialize) -> Result<bool> {
        let line =
            serde_json::to_vec(line).map_err(|cause| Error::machine("cannot write JSON").because(cause))?;
        self.append_text(&line)
    }

    fn append_text(&mut self, line: &[u8]) -> Result<bool> {
        let mut text = self.text.clone();
        text.extend_from_slice(line);
        text.push(b'\n');
        let payload = PutPayload::from(text.clone());
        let last = UpdateVersion { e_tag: self.etag.clone(), version: None };
        let put = || {
            let mode = PutMode::Update(last.clone());
            self.bucket.client.put_opts(&self.path, payload.clone(), mode.into())
        };
        self.etag = match runtime()?.block_on(repeating(self.bucket.tuning, put)) {
            Ok(put) => put.e_tag,
            // The answer to an earlier try was lost, if the text is there.
            Err(Fault::Changed(_) | Fault::Missing(_)) => {
                match Self::read(self.bucket.clone(), self.path.clone())? {
                    Some(found) if found.text == text => found.etag,
                    _ => return Ok(false),
                }
            }
            Err(fault) => return Err(fault.into_error(&uri(&self.bucket, &self.path), Doing::Writing)),
        };
        self.text = text;
        Ok(true)
    }

    /// The lines of one kind; a line of another is none.
    fn lines<L: DeserializeOwned>(&self) -> impl DoubleEndedIterator<Item = L> {
        self.text.split(|&byte| byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok())
    }

    fn remove(&self) -> Result<()> {
        remove(&self.bucket, &self.path)
    }
}

/// What lies right below a prefix.
fn list(bucket: &Bucket, prefix: &Path) -> Result<Vec<ObjectMeta>> {
    let listing = || bucket.client.list_with_delimiter(Some(prefix));
    let listed = runtime()?.block_on(repeating(bucket.tuning, listing));
    listed.map(|found| found.objects).map_err(|fault| fault.into_error(&uri(bucket, prefix), Doing::Listing))
}

fn is_parquet(object: &ObjectMeta) -> bool {
    object.location.filename().is_some_and(|name| name.ends_with(".parquet"))
}

fn names(objects: &[ObjectMeta]) -> Vec<String> {
    objects.iter().filter_map(|object| object.location.filename()).map(str::to_owned).collect()
}

fn remove(bucket: &Bucket, path: &Path) -> Result<()> {
    match runtime()?.block_on(repeating(bucket.tuning, || bucket.client.delete(path))) {
        Ok(()) | Err(Fault::Missing(_)) => Ok(()),
        Err(fault) => Err(fault.into_error(&uri(bucket, path), Doing::Writing)),
    }
}

fn uri(bucket: &Bucket, path: &Path) -> String {
    format!("s3://{}/{path}", bucket.name)
}
