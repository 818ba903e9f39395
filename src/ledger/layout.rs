//! Where things lie in a local warehouse. Reading only.

use crate::error::{Error, Place, Result};
use crate::names;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The symbolic link to the version that readers see.
pub const CURRENT: &str = "current";
/// The ledger entry inside each version. With an underscore, because PyArrow, and so pandas, take every
/// other file of a folder for Parquet.
pub const ENTRY_NAME: &str = "_load.json";
/// Its name in versions of earlier programs.
const ENTRY_NAME_BEFORE: &str = "load.json";
/// `<table>/.current-<version>`: the next pointer, before it takes its name. While it is there, its version
/// was never switched to.
pub const NEXT_POINTER: &str = ".current-";
/// The folder of run reports inside each table.
pub const RUNS_DIR: &str = ".loads";
/// Folder of what alerts have told, beside the tables: no table has such a name.
pub const ALERTS_DIR: &str = ".alerts";
/// Folder of the reports of failed loads beside what is staged for Redshift.
pub const REPORTS_DIR: &str = "_runs";
/// Folder of what loads under way say of themselves, beside the tables.
pub const PROGRESS_DIR: &str = ".progress";
/// Folder of rejected records beside what is staged for Redshift.
pub const REJECTS_DIR: &str = "rejects";

/// Refuses what must not become a file name.
///
/// # Errors
/// [`Error::Usage`] naming `what`.
pub fn check_name(what: &str, name: &str) -> Result<()> {
    if name == CURRENT {
        return Err(Error::usage(format!("{name:?} cannot be a {what}")).help("it is the pointer's name"));
    }
    names::check(what, name)
}

/// The folder of one table.
///
/// # Errors
/// [`Error::Usage`] if the name cannot be a folder's.
pub fn table_dir(dir: &Path, table: &str) -> Result<PathBuf> {
    check_name("table name", table)?;
    Ok(dir.join(table))
}

/// The version that readers of a table see, or none before the first load.
///
/// # Errors
/// [`Error::Input`] if the table is damaged: `current` is not a link to a version beside it, or it is gone
/// and the versions are not.
pub fn current_version(table_dir: &Path) -> Result<Option<String>> {
    let link = table_dir.join(CURRENT);
    let mut seen = None;
    loop {
        let target = match fs::read_link(&link) {
            Ok(target) => target,
            Err(cause) if cause.kind() == ErrorKind::NotADirectory => return Ok(None),
            Err(cause) if cause.kind() == ErrorKind::NotFound => {
                return never_loaded(table_dir).map(|()| None);
            }
            Err(cause) if cause.kind() == ErrorKind::InvalidInput => return Err(not_a_version(&link)),
            Err(cause) => return Err(Error::io("cannot read the table's pointer", &link, cause)),
        };
        let Some(name) = target.to_str().filter(|name| check_name("version", name).is_ok()) else {
            return Err(not_a_version(&link));
        };
        if has_entry(&table_dir.join(name)) {
            return Ok(Some(name.to_owned()));
        }
        // A load may have switched between the two looks; the same pointer twice leads nowhere.
        if seen.replace(name.to_owned()).as_deref() == Some(name) {
            let what = format!("the table's pointer leads to {name}, which is no version");
            return Err(Error::input(what).at(place(&link)).help(POINT_IT));
        }
    }
}

/// What mends a pointer.
const POINT_IT: &str = "point it to one of the version folders beside it: ln -sfn VERSION current";

/// Says no if a table without a pointer has versions: they were loaded once, and what of them is the table
/// nobody can tell. A load that died before its first switch has left its next pointer beside its version.
fn never_loaded(table_dir: &Path) -> Result<()> {
    let lost = lost_versions(table_dir)?;
    let Some(newest) = lost.last() else { return Ok(()) };
    let what =
        format!("the table is damaged: its pointer is missing, and there are versions (newest: {newest})");
    Err(Error::input(what).at(place(&table_dir.join(CURRENT))).help(POINT_IT))
}

/// Versions that were switched to once, as far as can be told without the pointer, by name.
fn lost_versions(table_dir: &Path) -> Result<Vec<String>> {
    let mut versions = folders(table_dir)?;
    versions.retain(|name| {
        let dir = table_dir.join(name);
        let own = || Owner::of(&dir).is_none_or(|owner| owner.owns(table_dir, name));
        is_load_id(name)
            && has_entry(&dir)
            && own()
            && !table_dir.join(format!("{NEXT_POINTER}{name}")).is_symlink()
    });
    Ok(versions)
}

fn place(path: &Path) -> Place {
    Place::uri(path.display().to_string())
}

fn not_a_version(link: &Path) -> Error {
    Error::input("the table's pointer is not a link to a version in the same folder")
        .at(place(link))
        .help(POINT_IT)
}

/// Every table that has been loaded, by name; damaged ones too.
///
/// # Errors
/// If the folder is there and cannot be read.
pub fn tables(dir: &Path) -> Result<Vec<String>> {
    let mut tables = folders(dir)?;
    tables.retain(|name| {
        let table_dir = dir.join(name);
        table_dir.join(CURRENT).is_symlink() || lost_versions(&table_dir).is_ok_and(|lost| !lost.is_empty())
    });
    Ok(tables)
}

/// Every version of a table, by name and so by time; one that was never switched to among them. A folder
/// is a version if its entry says so, naming this load and this table: copies of versions are none.
///
/// # Errors
/// If the folder is there and cannot be read.
pub fn versions(table_dir: &Path) -> Result<Vec<String>> {
    let mut versions = folders(table_dir)?;
    versions.retain(|name| is_version(table_dir, name));
    Ok(versions)
}

/// Whether a name in a table's folder is that of a version.
pub fn is_version(table_dir: &Path, name: &str) -> bool {
    Owner::of(&table_dir.join(name)).is_some_and(|owner| owner.owns(table_dir, name))
}

/// Whether a name is a load's, and so none that a person would think of: a UUID of version 7 in small letters.
pub fn is_load_id(name: &str) -> bool {
    uuid::Uuid::try_parse(name).is_ok_and(|id| id.get_version_num() == 7 && id.to_string() == name)
}

/// Length of a UUID with its hyphens.
pub const LOAD_ID_BYTES: usize = 36;

/// Where a version's entry is, or will be.
pub fn entry_path(version_dir: &Path) -> PathBuf {
    let before = version_dir.join(ENTRY_NAME_BEFORE);
    let path = version_dir.join(ENTRY_NAME);
    if !path.exists() && before.is_file() { before } else { path }
}

/// Whether a file in a version's folder is its entry.
pub fn is_entry(name: &str) -> bool {
    name == ENTRY_NAME || name == ENTRY_NAME_BEFORE
}

fn has_entry(version_dir: &Path) -> bool {
    entry_path(version_dir).is_file()
}

/// Whose version a folder is, as its entry says.
#[derive(serde::Deserialize)]
struct Owner {
    load_id: String,
    table: String,
}

impl Owner {
    fn of(version_dir: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(entry_path(version_dir)).ok()?).ok()
    }

    fn owns(&self, table_dir: &Path, name: &str) -> bool {
        owns(&self.load_id, &self.table, table_dir, name)
    }
}

/// Whether what a load has made of a table is this folder in this table's folder, and no copy.
pub(super) fn owns(load_id: &str, table: &str, table_dir: &Path, name: &str) -> bool {
    load_id == name && table_dir.file_name().is_some_and(|folder| folder == table)
}

/// Folders in `dir` that bear a plain name, sorted; links are not folders.
fn folders(dir: &Path) -> Result<Vec<String>> {
    let failed = |cause| Error::io("cannot list the folder", dir, cause);
    let listing = match fs::read_dir(dir) {
        Ok(listing) => listing,
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(cause) => return Err(failed(cause)),
    };
    let mut names = Vec::new();
    for item in listing {
        let item = item.map_err(failed)?;
        let Ok(name) = item.file_name().into_string() else { continue };
        if check_name("folder", &name).is_ok() && item.file_type().map_err(failed)?.is_dir() {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}
