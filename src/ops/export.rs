//! Which export it is: the one that is named, or the newest below the root.

use crate::config::Config;
use crate::error::{Error, Result};
use crate::store::{self, ExportKind, Location};

/// Which export is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportChoice {
    /// Full replaces the table, incremental adds to it.
    pub kind: ExportKind,
    /// This one; none: the newest below `exports.root`.
    pub named: Option<Location>,
    /// The newest of this day, `YYYYMMDD`, instead of the newest of all.
    pub date: Option<String>,
}

impl Default for ExportChoice {
    /// The newest full export.
    fn default() -> Self {
        Self { kind: ExportKind::Full, named: None, date: None }
    }
}

/// An export that was named or found.
#[derive(Debug, Clone)]
pub(super) struct FoundExport {
    pub(super) location: Location,
    /// `YYYYMMDDhhmmss`, if its name says so.
    pub(super) exported_at: Option<String>,
}

impl ExportChoice {
    /// Looks for it.
    pub(super) fn find(&self, config: &Config, table: &str) -> Result<FoundExport> {
        if let Some(location) = &self.named {
            let exported_at = store::exported_at_of(location);
            return Ok(FoundExport { location: absolute(location.clone()), exported_at });
        }
        let found = store::discover(&root(config)?, self.kind, table, self.date.as_deref())?;
        Ok(FoundExport { location: absolute(found.location), exported_at: Some(found.exported_at) })
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
