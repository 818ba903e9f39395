//! Where things lie in a local warehouse. Reading only.

use crate::error::{Error, Place, Result};
use crate::names;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The symbolic link to the version that readers see.
pub const CURRENT: &str = "current";
/// The ledger entry inside each version.
pub const ENTRY_NAME: &str = "load.json";
/// The folder of run reports inside each table.
pub const RUNS_DIR: &str = ".loads";
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
/// [`Error::Input`] if `current` is not a link to a version beside it.
pub fn current_version(table_dir: &Path) -> Result<Option<String>> {
    let link = table_dir.join(CURRENT);
    let target = match fs::read_link(&link) {
        Ok(target) => target,
        Err(cause) if matches!(cause.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(cause) if cause.kind() == ErrorKind::InvalidInput => return Err(not_a_version(&link)),
        Err(cause) => return Err(Error::io("cannot read the table's pointer", &link, cause)),
    };
    match target.to_str() {
        Some(name) if check_name("version", name).is_ok() => Ok(Some(name.to_owned())),
        _ => Err(not_a_version(&link)),
    }
}

fn not_a_version(link: &Path) -> Error {
    Error::input("the table's pointer is not a link to a version in the same folder")
        .at(Place::uri(link.display().to_string()))
        .help("point it to one of the version folders beside it: ln -sfn VERSION current")
}

/// Every table that has been loaded, by name.
///
/// # Errors
/// If the folder is there and cannot be read.
pub fn tables(dir: &Path) -> Result<Vec<String>> {
    let loaded = |name: &String| dir.join(name).join(CURRENT).is_symlink();
    Ok(folders(dir)?.into_iter().filter(loaded).collect())
}

/// Every version of a table, by name and so by time; one that was never switched to among them.
///
/// # Errors
/// If the folder is there and cannot be read.
pub fn versions(table_dir: &Path) -> Result<Vec<String>> {
    let entered = |name: &String| table_dir.join(name).join(ENTRY_NAME).is_file();
    Ok(folders(table_dir)?.into_iter().filter(entered).collect())
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
