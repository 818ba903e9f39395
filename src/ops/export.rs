//! Which export it is: the one that is named, or the newest below the root.

use super::rejects;
use crate::config::Config;
use crate::error::{Error, Place, Result};
use crate::store::{self, ExportKind, Location, Named};
use std::collections::HashMap;
use std::path::PathBuf;

/// Which export is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExportChoice {
    /// Full replaces the table, incremental adds to it; none: what the export's name says, else full.
    pub kind: Option<ExportKind>,
    /// This one; none: below `exports.root` the newest full one, or all incremental ones.
    pub named: Option<Location>,
    /// Those of this day alone, `YYYYMMDD`.
    pub date: Option<String>,
    /// Take it though its name is that of another table.
    pub any_name: bool,
}

/// An export that was named or found.
#[derive(Debug, Clone)]
pub(super) struct FoundExport {
    pub(super) location: Location,
    /// `YYYYMMDDhhmmss`, if its name says so.
    pub(super) exported_at: Option<String>,
    /// Of mended rejects, the kind of the export that they were rejected from.
    pub(super) rejected_from: Option<ExportKind>,
    /// Its length as stored, if a listing says so.
    pub(super) bytes: Option<u64>,
    /// Its version, if a listing says so.
    pub(super) etag: Option<String>,
}

/// Folders by the name that was given, and their canonical one, if they have one.
type Folders = HashMap<PathBuf, Option<PathBuf>>;

/// What was found, under the name by which the ledger knows it.
fn found(folders: &mut Folders, export: store::Export) -> FoundExport {
    let location = match export.is_link {
        true => absolute(export.location),
        false => absolute_in(folders, export.location),
    };
    FoundExport {
        location,
        exported_at: Some(export.exported_at),
        rejected_from: None,
        bytes: export.bytes,
        etag: export.etag,
    }
}

impl ExportChoice {
    /// What it does to its table.
    pub fn kind(&self) -> ExportKind {
        let named = || Named::of(self.named.as_ref()?).kind;
        self.kind.or_else(named).unwrap_or(ExportKind::Full)
    }

    /// Looks for all that are meant, oldest first: the one that is named, the newest full one, or every
    /// incremental one, each of which has rows that the others lack.
    pub(super) fn find_all(&self, config: &Config, table: &str) -> Result<Vec<FoundExport>> {
        if self.named.is_some() || self.kind() == ExportKind::Full {
            return Ok(vec![self.find(config, table)?]);
        }
        let all = store::discover_all(&root(config)?, self.kind(), table, self.date.as_deref())?;
        let mut folders = Folders::new();
        Ok(all.into_iter().map(|export| found(&mut folders, export)).collect())
    }

    /// Looks for the one that is named, or the newest.
    pub(super) fn find(&self, config: &Config, table: &str) -> Result<FoundExport> {
        if let Some(location) = &self.named {
            self.agree(location, table)?;
            let origin = rejects::origin(config, location)?;
            let rejected_from = origin.as_ref().map(|origin| origin.kind);
            // Rejects belong to their export: what makes that one needless makes them needless too.
            let exported_at = store::exported_at_of(location).or_else(|| origin?.exported_at);
            let location = absolute(location.clone());
            return Ok(FoundExport { location, exported_at, rejected_from, bytes: None, etag: None });
        }
        let newest = store::discover(&root(config)?, self.kind(), table, self.date.as_deref())?;
        Ok(found(&mut Folders::new(), newest))
    }

    /// Refuses an export whose name says something else than what was asked for: one kind taken for the other
    /// replaces a table by a minute's rows, or doubles it.
    fn agree(&self, location: &Location, table: &str) -> Result<()> {
        let named = Named::of(location);
        let place = || Place::uri(store::name_of(location));
        if let (Some(asked), Some(kind)) = (self.kind, named.kind)
            && asked != kind
        {
            if named.is_of_rejects {
                return Err(Error::usage(
                    "these are rejected records: loaded as a full export they would replace the table",
                )
                .at(place())
                .help("leave --kind out: they are added to the table"));
            }
            let what = format!("--kind {} was given for an export that is {}", asked.word(), kind.word());
            return Err(Error::usage(what).at(place()).help("leave --kind out: the export's name says it"));
        }
        match named.table {
            Some(other) if other != table && !self.any_name => {
                Err(Error::usage(format!("this is an export of {other}, not of {table}"))
                    .at(place())
                    .help("correct --table or --export; --any-name takes it all the same"))
            }
            _ => Ok(()),
        }
    }
}

/// `exports.root`.
pub(super) fn root(config: &Config) -> Result<Location> {
    let root = config.exports.root.as_deref().ok_or_else(|| {
        Error::usage("no exports were named").help(
            "give --exports FOLDER|s3://bucket/slug, or --export FILE for one export, or set exports.root in \
             csl-stream.toml",
        )
    })?;
    Location::parse(root)
}

/// The ledger knows an export by its name: the same file must have the same name from every folder.
/// A pipe's link (`/dev/fd/63`) leads nowhere that could be opened, so it is left as it is.
fn absolute(location: Location) -> Location {
    match location {
        Location::Local(path) if path.is_file() => Location::Local(path.canonicalize().unwrap_or(path)),
        Location::Local(path) => Location::Local(std::path::absolute(&path).unwrap_or(path)),
        other => other,
    }
}

/// The same of what is no link: the way to its folder is looked at once.
fn absolute_in(folders: &mut Folders, location: Location) -> Location {
    let Location::Local(path) = &location else { return location };
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return absolute(location) };
    if !folders.contains_key(folder) {
        folders.insert(folder.to_owned(), folder.canonicalize().ok());
    }
    match folders.get(folder) {
        Some(Some(known)) => Location::Local(known.join(name)),
        _ => absolute(location),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ExportKind::{Full, Incremental};

    #[test]
    fn the_name_decides_and_a_flag_that_disagrees_is_refused() {
        let incremental = "e/incremental/t/20260301/t_20260301031500.csv";
        let full = "e/full/t/20260301/t_20260301031500.csv";
        for (name, asked, any_name, expected) in [
            (incremental, None, false, Ok(Incremental)),
            (full, None, false, Ok(Full)),
            ("t.csv", None, false, Ok(Full)),
            ("t.csv", Some(Incremental), false, Ok(Incremental)),
            (incremental, Some(Incremental), false, Ok(Incremental)),
            (incremental, Some(Full), false, Err("--kind full was given for an export that is incremental")),
            (full, Some(Incremental), true, Err("--kind incremental was given for an export that is full")),
            ("u_20260301031500.csv", None, false, Err("this is an export of u, not of t")),
            ("u_20260301031500.csv", None, true, Ok(Full)),
            ("-", None, false, Ok(Full)),
        ] {
            let named = Some(Location::parse(name).unwrap());
            let choice = ExportChoice { kind: asked, named, date: None, any_name };
            let found = choice.find(&Config::default(), "t").map(|_| choice.kind());
            match (found, expected) {
                (Ok(kind), Ok(expected)) => assert_eq!(kind, expected, "{name}"),
                (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{name}: {error}"),
                (found, expected) => panic!("{name}: {found:?}, expected {expected:?}"),
            }
        }
    }
}
