//! What one version of a table holds: its `_load.json`.

use super::layout::{ENTRY_NAME, current_version, entry_path, owns};
use crate::error::{Error, Place, Result};
use crate::privacy::PolicyId;
use crate::report::Rows;
use crate::store::{ExportKind, ObjectInfo, write_atomically};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs;
use std::ops::Range;
use std::path::Path;

/// The latest shape of the entry; a higher number is a later program's, which this one must not extend.
pub const ENTRY_FORMAT: u32 = 3;
/// The shape in which files are of several loads: earlier programs know no rollback, and would undo one.
const ENTRY_FORMAT_MERGED: u32 = 2;
/// The shape in which each file is of one load alone, as earlier programs know it.
const ENTRY_FORMAT_UNMERGED: u32 = 1;
/// Most loads that one version is made of: about a week of one incremental export a minute. Each load reads and
/// writes the list of them, 500 bytes for each.
pub const PARTS_MAX: usize = 10_000;

/// One version of a table: the load that made it, and every load whose rows it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// [`ENTRY_FORMAT`], or an earlier one that says the same.
    pub format: u32,
    /// The load that made this version, and the version's name.
    pub load_id: String,
    /// Table name.
    pub table: String,
    /// Full or incremental.
    pub kind: ExportKind,
    /// The export that was loaded.
    pub source: Source,
    /// When the export was made, `YYYYMMDDhhmmss`.
    pub exported_at: Option<String>,
    /// Counts of this load.
    pub rows: Rows,
    /// When the load began, RFC 3339 in UTC.
    pub started: String,
    /// When the version was complete, RFC 3339 in UTC; the switch follows at once.
    pub finished: String,
    /// The program that wrote it.
    pub program: String,
    /// The version that was current before.
    pub previous: Option<String>,
    /// What a rollback has taken out of the table, until a full export that is loaded later takes its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolled_back: Option<RolledBack>,
    /// What the version holds, load by load: the full export first, then the incrementals.
    pub parts: Vec<Part>,
}

/// A rollback: which loads the table has no more, so that the next run does not bring them back by surprise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolledBack {
    /// The run that went back.
    pub rollback_id: String,
    /// When, RFC 3339 in UTC.
    pub at: String,
    /// The version that was current before.
    pub from: String,
    /// The version whose rows the table has instead.
    pub to: String,
    /// The loads that went out of the table, without their files.
    pub loads: Vec<Part>,
}

impl RolledBack {
    /// What is said of it beside a load.
    pub fn shown(&self) -> String {
        let Self { rollback_id, at, from, to, .. } = self;
        format!("the table was rolled back at {at} from load {from} to load {to} (rollback {rollback_id})")
    }

    /// What is said of it where this load was named.
    pub fn shown_beside(&self, load_id: &str) -> String {
        let Self { rollback_id, at, from, .. } = self;
        let from = if load_id == from { String::new() } else { format!(" from load {from}") };
        format!("the table was rolled back at {at}{from} (rollback {rollback_id})")
    }
}

/// An export, known by its name and the version of its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Object or file; a signed URL without its query.
    pub uri: String,
    /// Version of the content.
    pub etag: Option<String>,
}

/// What one load brought into the version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The load.
    pub load_id: String,
    /// Full or incremental.
    pub kind: ExportKind,
    /// The export.
    pub source: Source,
    /// When the export was made.
    pub exported_at: Option<String>,
    /// Digest of the export's bytes as they were stored, where nothing else says what they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The policy of privacy that its values were made by; none if nothing of the table was hidden.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub privacy: Option<PolicyId>,
    /// Its files, in segment order, each with the rows that are this load's; none if all its rows were there before.
    /// A file in which small ones were merged stands at each load of which it has rows, in the order of its rows.
    pub files: Vec<PartFile>,
}

/// One Parquet file of a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartFile {
    /// File name in the version's folder.
    pub name: String,
    /// Its rows; at a load, those of them that are the load's.
    pub rows: u64,
    /// Its length.
    pub bytes: u64,
}

/// The rows of one load in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slice {
    /// Which of the entry's parts.
    pub part: usize,
    /// Which of [`Entry::files`].
    pub file: usize,
    /// Which rows of the file.
    pub rows: Range<u64>,
}

/// What of an entry says whose the files beside it are.
#[derive(Deserialize)]
struct Named<'a> {
    format: u32,
    #[serde(borrow)]
    program: Cow<'a, str>,
    #[serde(borrow)]
    load_id: Cow<'a, str>,
    #[serde(borrow)]
    table: Cow<'a, str>,
    #[serde(borrow)]
    parts: Vec<NamedPart<'a>>,
}

#[derive(Deserialize)]
struct NamedPart<'a> {
    #[serde(borrow)]
    files: Vec<NamedFile<'a>>,
}

#[derive(Deserialize)]
struct NamedFile<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
}

/// An entry, or what of it is asked for; `written` says in which shape, and by which program.
fn parsed<'a, T: Deserialize<'a>>(
    path: &Path,
    bytes: &'a [u8],
    written: impl Fn(&T) -> (u32, &str),
) -> Result<T> {
    let place = || Place::uri(path.display().to_string());
    let found: T = serde_json::from_slice(bytes).map_err(|cause| {
        Error::input("the ledger entry is damaged")
            .at(place())
            .help("point `current` to an older version, or remove the table's folder and load a full export")
            .because(cause)
    })?;
    match written(&found) {
        (format, program) if format > ENTRY_FORMAT => {
            Err(Error::input(format!("the ledger entry has format {format}"))
                .at(place())
                .help(format!("it was written by {program}: use that or a later program")))
        }
        _ => Ok(found),
    }
}

impl Source {
    /// Whether both are the same export. Without an etag (standard input) nobody can tell: they are not.
    pub fn same_as(&self, object: &ObjectInfo) -> bool {
        self.etag.is_some() && self.etag == object.etag && self.uri == object.uri
    }
}

impl From<&ObjectInfo> for Source {
    fn from(object: &ObjectInfo) -> Self {
        Self { uri: object.uri.clone(), etag: object.etag.clone() }
    }
}

impl Part {
    /// Whether this is the load of an export under a policy. What was loaded as the wrong kind, or with other values, must
    /// not keep it from being loaded as the right one.
    pub fn is_of(&self, kind: ExportKind, object: &ObjectInfo, privacy: Option<&PolicyId>) -> bool {
        self.kind == kind && self.is_under(privacy) && self.source.same_as(object)
    }

    /// Whether its values were made by this policy.
    pub fn is_under(&self, privacy: Option<&PolicyId>) -> bool {
        PolicyId::digest_of(self.privacy.as_ref()) == PolicyId::digest_of(privacy)
    }

    /// What is known of the load, without what it left.
    pub fn without_files(&self) -> Self {
        Self {
            load_id: self.load_id.clone(),
            kind: self.kind,
            source: self.source.clone(),
            exported_at: self.exported_at.clone(),
            digest: self.digest.clone(),
            privacy: self.privacy.clone(),
            files: Vec::new(),
        }
    }

    /// Rows of all its files.
    pub fn rows(&self) -> u64 {
        self.files.iter().map(|file| file.rows).sum()
    }
}

impl Entry {
    /// Files of the version, each once and with all its rows, in load order and then segment order.
    pub fn files(&self) -> Vec<PartFile> {
        self.content().0
    }

    /// Which rows of which file are whose, in load order and then segment order.
    pub fn slices(&self) -> Vec<Slice> {
        self.content().1
    }

    fn content(&self) -> (Vec<PartFile>, Vec<Slice>) {
        let (mut files, mut slices) = (Vec::<PartFile>::new(), Vec::new());
        let mut known = HashMap::new();
        for (part, file) in
            self.parts.iter().enumerate().flat_map(|(at, part)| part.files.iter().map(move |file| (at, file)))
        {
            let at = *known.entry(file.name.as_str()).or_insert(files.len());
            if at == files.len() {
                files.push(PartFile { rows: 0, ..file.clone() });
            }
            let first = files[at].rows;
            files[at].rows += file.rows;
            slices.push(Slice { part, file: at, rows: first..files[at].rows });
        }
        (files, slices)
    }

    /// Rows of the whole version.
    pub fn rows_in_table(&self) -> u64 {
        self.parts.iter().map(Part::rows).sum()
    }

    /// The full export in the version, if there is one.
    pub fn full(&self) -> Option<&Part> {
        self.parts.iter().find(|part| part.kind == ExportKind::Full)
    }

    /// The entry of the version that readers of a table see, or none before the first load.
    ///
    /// # Errors
    /// [`Error::Input`] if the table's pointer or the version is damaged.
    pub fn current(table_dir: &Path) -> Result<Option<Self>> {
        let Some(version) = current_version(table_dir)? else { return Ok(None) };
        Self::read(&table_dir.join(version)).map(Some)
    }

    /// Names of the current version and those before it, newest first, at most `most` of them.
    ///
    /// As the entries say, each naming the one before: a version that was placed but never switched to
    /// is none of them, and names alone would trust the clocks. The last may be gone or damaged.
    ///
    /// # Errors
    /// As [`Entry::current`].
    pub fn lineage(table_dir: &Path, most: usize) -> Result<Vec<String>> {
        let Some(current) = Self::current(table_dir)? else { return Ok(Vec::new()) };
        Ok(current.lineage_in(table_dir, most))
    }

    /// The same, of a version that is known to be current.
    pub fn lineage_in(&self, table_dir: &Path, most: usize) -> Vec<String> {
        let (mut lineage, mut next) = (vec![self.load_id.clone()], self.previous.clone());
        while let Some(version) = next.take().filter(|_| lineage.len() < most) {
            // A circle can only be made by hand.
            if !lineage.contains(&version) {
                if lineage.len() + 1 < most {
                    next = Self::read(&table_dir.join(&version)).ok().and_then(|entry| entry.previous);
                }
                lineage.push(version);
            }
        }
        lineage
    }

    /// Reads the entry of a version's folder.
    ///
    /// # Errors
    /// [`Error::Access`] if it is not there, [`Error::Input`] if it is damaged or of a later program.
    pub fn read(version_dir: &Path) -> Result<Self> {
        let path = entry_path(version_dir);
        let bytes = fs::read(&path).map_err(|e| Error::io("cannot read the ledger entry", &path, e))?;
        parsed(&path, &bytes, |entry: &Self| (entry.format, &entry.program))
    }

    /// Names of the files of a version's folder, if it is that version, and no copy: the entry without the rest, which
    /// is long where loads are many.
    ///
    /// # Errors
    /// [`Error::Input`] if it is damaged or of a later program.
    pub fn file_names(table_dir: &Path, version: &str) -> Result<Option<BTreeSet<String>>> {
        let path = entry_path(&table_dir.join(version));
        let bytes = fs::read(&path).map_err(|e| Error::io("cannot read the ledger entry", &path, e))?;
        let named = parsed(&path, &bytes, |named: &Named<'_>| (named.format, &named.program))?;
        let is_it = owns(&named.load_id, &named.table, table_dir, version);
        let names: BTreeSet<&str> =
            named.parts.iter().flat_map(|part| &part.files).map(|file| file.name.as_ref()).collect();
        Ok(is_it.then(|| names.into_iter().map(str::to_owned).collect()))
    }

    /// The least shape that says which files these are, and what was rolled back.
    pub fn format_of(parts: &[Part], rolled_back: Option<&RolledBack>) -> u32 {
        let mut names = HashSet::new();
        let each_once = parts.iter().flat_map(|part| &part.files).all(|file| names.insert(&file.name));
        match (rolled_back, each_once) {
            (Some(_), _) => ENTRY_FORMAT,
            (None, false) => ENTRY_FORMAT_MERGED,
            (None, true) => ENTRY_FORMAT_UNMERGED,
        }
    }

    /// Writes the entry into a version's folder, each load in a line.
    ///
    /// # Errors
    /// Whatever the file system refuses.
    pub fn write(&self, version_dir: &Path) -> Result<()> {
        let bytes = self
            .to_json()
            .map_err(|cause| Error::machine("cannot write the ledger entry as JSON").because(cause))?;
        write_atomically(&version_dir.join(ENTRY_NAME), &bytes)
    }

    /// The entry without its parts, which are many.
    fn head(&self) -> Self {
        Self {
            format: self.format,
            load_id: self.load_id.clone(),
            table: self.table.clone(),
            kind: self.kind,
            source: self.source.clone(),
            exported_at: self.exported_at.clone(),
            rows: self.rows,
            started: self.started.clone(),
            finished: self.finished.clone(),
            program: self.program.clone(),
            previous: self.previous.clone(),
            rolled_back: self.rolled_back.clone(),
            parts: Vec::new(),
        }
    }

    fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        // The parts are the last field.
        let head = serde_json::to_vec_pretty(&self.head())?;
        let end = b"[]\n}";
        let mut bytes = head.strip_suffix(end).unwrap_or(&head).to_vec();
        for (at, part) in self.parts.iter().enumerate() {
            bytes.extend_from_slice(if at == 0 { b"[\n    " } else { b",\n    " });
            serde_json::to_writer(&mut bytes, part)?;
        }
        bytes.extend_from_slice(if self.parts.is_empty() { end } else { b"\n  ]\n}" });
        bytes.push(b'\n');
        Ok(bytes)
    }
}
