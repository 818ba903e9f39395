//! Whether a version is what its ledger entry says: names, lengths, rows.

use super::parquet_file::{Footer, footer};
use crate::error::{Error, Place, Result};
use crate::ledger::{Entry, PartFile};
use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

/// Compares every file of a version with its entry, before it is read.
///
/// # Errors
/// [`Error::Input`] naming the file that is missing, too much, or not what was loaded.
pub(super) fn check(version_dir: &Path, entry: &Entry) -> Result<()> {
    let mut known = BTreeSet::new();
    for file in entry.files() {
        check_file(version_dir, &file)?;
        known.insert(file.name);
    }
    let failed = |cause| Error::io("cannot list the version", version_dir, cause);
    for item in fs::read_dir(version_dir).map_err(failed)? {
        let name = item.map_err(failed)?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".parquet") && !name.starts_with('.') && !known.contains(&name) {
            let what = "a Parquet file lies in the version that no load has put there";
            return Err(
                damaged(what.to_owned(), &version_dir.join(name)).help("move it out of the warehouse")
            );
        }
    }
    Ok(())
}

/// Compares a file with its entry, and says what its footer tells.
///
/// # Errors
/// As [`check`].
pub(super) fn check_file(version_dir: &Path, file: &PartFile) -> Result<Footer> {
    let path = version_dir.join(&file.name);
    let length = match fs::metadata(&path) {
        Ok(found) => found.len(),
        Err(cause) if cause.kind() == ErrorKind::NotFound => {
            return Err(damaged("a file of the table is missing".to_owned(), &path));
        }
        Err(cause) => return Err(Error::io("cannot look at a file of the table", &path, cause)),
    };
    if length != file.bytes {
        return Err(damaged(
            format!("a file of the table has {length} bytes, loaded were {}", file.bytes),
            &path,
        ));
    }
    let footer = footer(&path).map_err(|error| error.help(HELP))?;
    if footer.rows != file.rows {
        let (rows, loaded) = (footer.rows, file.rows);
        return Err(damaged(format!("a file of the table has {rows} rows, loaded were {loaded}"), &path));
    }
    Ok(footer)
}

const HELP: &str =
    "bring the file back from a copy, point `current` to an older version, or load a full export";

fn damaged(what: String, path: &Path) -> Error {
    Error::input(what).at(Place::uri(path.display().to_string())).help(HELP)
}
