//! Inputs that stand for several: folders, and patterns with `*`.

use crate::error::{Error, Place, Result};
use crate::store::Location;
use std::path::{Path, PathBuf};

/// Inputs of one call at most.
const INPUTS_MAX: usize = 10_000;
/// How deep folders are looked into: `full/TABLE/YYYYMMDD/` is three.
const DEPTH_MAX: usize = 8;
/// Endings of exports.
const ENDINGS: [&str; 4] = [".csv", ".csv.bz2", ".csv.gz", ".csv.zst"];
/// How the names of rejected records end, which lie beside exports.
const REJECTS_ENDING: &str = ".rejects.csv";

/// Whether an input stands for several: a folder, or a pattern that is no file's name.
pub(super) fn is_many(input: &Location) -> bool {
    match input {
        Location::Local(path) => path.is_dir() || is_pattern(path),
        _ => false,
    }
}

fn is_pattern(path: &Path) -> bool {
    path.to_str().is_some_and(|text| text.contains(['*', '?', '['])) && !path.exists()
}

/// The inputs, and in place of folders and patterns what is in them, by name.
///
/// # Errors
/// [`Error::Access`] for a folder or pattern without an export, or one that cannot be read.
pub(super) fn expanded(inputs: &[Location]) -> Result<Vec<Location>> {
    let mut all = Vec::new();
    for input in inputs {
        let found = match input {
            Location::Local(path) if path.is_dir() => in_folder(path)?,
            Location::Local(path) if is_pattern(path) => fitting(path)?,
            _ => {
                all.push(input.clone());
                continue;
            }
        };
        if found.is_empty() {
            return Err(Error::access("there is no export")
                .at(Place::uri(input.to_string()))
                .help("names of exports end in .csv, .csv.bz2, .csv.gz or .csv.zst"));
        }
        all.extend(found.into_iter().map(Location::Local));
    }
    if all.len() > INPUTS_MAX {
        return Err(Error::usage(format!(
            "there are {} inputs, and {INPUTS_MAX} at most are taken",
            all.len()
        ))
        .help("convert them with several commands"));
    }
    Ok(all)
}

/// Exports in a folder, and in those below it.
fn in_folder(dir: &Path) -> Result<Vec<PathBuf>> {
    let (mut found, mut open) = (Vec::new(), vec![(dir.to_owned(), 0)]);
    while let Some((dir, depth)) = open.pop() {
        let failed = |cause| Error::io("cannot list the folder", &dir, cause);
        for item in std::fs::read_dir(&dir).map_err(failed)? {
            let item = item.map_err(failed)?;
            let name = item.file_name().to_string_lossy().into_owned();
            let kind = item.file_type().map_err(failed)?;
            if name.starts_with('.') {
                continue;
            }
            if kind.is_dir() && depth < DEPTH_MAX {
                open.push((item.path(), depth + 1));
            } else if !kind.is_dir() && is_export(&name) {
                found.push(item.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

fn is_export(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ENDINGS.iter().any(|ending| name.ends_with(ending)) && !name.ends_with(REJECTS_ENDING)
}

fn fitting(pattern: &Path) -> Result<Vec<PathBuf>> {
    let text = pattern.to_string_lossy();
    let wrong = |cause: glob::PatternError| {
        Error::usage("this is no pattern").at(Place::uri(text.clone())).because(cause)
    };
    let mut found = Vec::new();
    for path in glob::glob(&text).map_err(wrong)? {
        let path = path.map_err(|cause| {
            let at = cause.path().to_owned();
            Error::io("cannot list the folder", &at, cause.into())
        })?;
        if path.is_file() {
            found.push(path);
        }
    }
    Ok(found)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_patterns_stand_for_what_is_in_them() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::create_dir_all(at("full/t")).unwrap();
        std::fs::create_dir_all(at("empty")).unwrap();
        for name in [
            "full/t/b.csv.bz2",
            "a.csv",
            "c.CSV.gz",
            "t-1.rejects.csv",
            "t-1.rejects.jsonl",
            ".h.csv",
            "x.txt",
        ] {
            std::fs::write(at(name), "").unwrap();
        }
        for (inputs, found) in [
            (&[""][..], Ok(&["a.csv", "c.CSV.gz", "full/t/b.csv.bz2"][..])),
            (&["*.csv"], Ok(&[".h.csv", "a.csv", "t-1.rejects.csv"])),
            (&["x.txt", "full"], Ok(&["x.txt", "full/t/b.csv.bz2"])),
            (&["missing.csv"], Ok(&["missing.csv"])),
            (&["empty"], Err(3)),
            (&["*.parquet"], Err(3)),
            (&["a***b"], Err(2)),
        ] {
            let inputs: Vec<Location> = inputs.iter().map(|name| Location::Local(at(name))).collect();
            match (expanded(&inputs), found) {
                (Ok(all), Ok(names)) => {
                    let names: Vec<Location> = names.iter().map(|name| Location::Local(at(name))).collect();
                    assert_eq!(all, names, "{inputs:?}");
                }
                (Err(error), Err(code)) => assert_eq!(error.exit_code(), code, "{inputs:?}"),
                (all, found) => panic!("{inputs:?}: {all:?}, {found:?}"),
            }
        }
    }
}
