//! Finds the newest export of a table, or all of them, by names alone.
//!
//! ```text
//! root ─ full/ ─ signatures/ ─ 20261121/ ─ signatures_20261121034512.csv.bz2
//!      │                     └ 20261122/ ─ signatures_20261122034410.csv.bz2  ◄ newest date, newest time
//!      └ incremental/ …
//! ```
//!
//! Two listings find it, however much else the bucket holds: the table's dates, then one date.

use super::exported_at::{possible, stem_of};
use super::location::Location;
use super::open::list;
use super::types::{ExportKind, Listed, Listing};
use crate::error::{Error, Place, Result};
use crate::names;
use std::time::SystemTime;

/// Dates that are looked into, newest first, until one holds an export.
pub const DATES_TRIED_MAX: usize = 8;

/// Exports of one table that are looked at together: two months of one a minute.
pub const EXPORTS_MAX: usize = 100_000;

/// Names that an error lists.
const NAMES_SHOWN_MAX: usize = 8;

/// An export that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// The file or object.
    pub location: Location,
    /// Its key in the bucket; for a folder its path below the root.
    pub key: String,
    /// The timestamp in its name, digits alone: `20150803180434`.
    pub exported_at: String,
    /// Its length as stored, if the listing says so.
    pub bytes: Option<u64>,
    /// Its version, as [`super::open`] finds it, if the listing says so.
    pub etag: Option<String>,
    /// Whether it lies elsewhere, and this is a link to it.
    pub is_link: bool,
}

/// The newest export of `table` below `root`, a folder or `s3://bucket/slug`; with `date` (YYYYMMDD), the
/// newest of that date.
///
/// # Errors
/// [`Error::Usage`] for a root or date that cannot be one; [`Error::Access`] if there is no such export,
/// naming what there is instead.
pub fn discover(root: &Location, kind: ExportKind, table: &str, date: Option<&str>) -> Result<Export> {
    let days = Days::of(root, kind, table, date)?;
    for date in days.dates.iter().take(DATES_TRIED_MAX) {
        if let Some(newest) = days.exports(date)?.pop() {
            return Ok(newest);
        }
    }
    Err(no_file(&days.folder, table, &days.dates))
}

/// All exports of `table` below `root`, oldest first; with `date` those of that date. Of several files of one
/// time the one that [`discover`] would choose.
///
/// # Errors
/// As [`discover`]; [`Error::Usage`] if there are more than [`EXPORTS_MAX`].
pub fn discover_all(
    root: &Location,
    kind: ExportKind,
    table: &str,
    date: Option<&str>,
) -> Result<Vec<Export>> {
    let days = Days::of(root, kind, table, date)?;
    let mut found = Vec::new();
    for date in days.dates.iter().rev() {
        found.extend(days.exports(date)?);
        if found.len() > EXPORTS_MAX {
            let what =
                format!("there are more than {EXPORTS_MAX} {} exports of table \"{table}\"", kind.word());
            return Err(Error::usage(what)
                .at(Place::uri(days.folder.to_string()))
                .help("load them day by day, with --date; or remove those that are loaded"));
        }
    }
    if found.is_empty() {
        return Err(no_file(&days.folder, table, &days.dates));
    }
    // A day's folder may hold what was made after midnight.
    found.sort_by(|a, b| a.exported_at.cmp(&b.exported_at));
    Ok(found)
}

/// Tables that have a folder of exports below `root`, by name: one listing.
///
/// # Errors
/// If it cannot be listed.
pub fn exported_tables(root: &Location, kind: ExportKind) -> Result<Vec<String>> {
    let mut tables = list(&root.child(kind.word())?)?.folders;
    tables.sort_unstable();
    Ok(tables)
}

/// Whether the table's folder has a day of exports, or this one: one listing.
///
/// # Errors
/// If it cannot be listed; [`Error::Usage`] for what can be no date.
pub fn has_exports(root: &Location, kind: ExportKind, table: &str, date: Option<&str>) -> Result<bool> {
    check_request(table, date)?;
    let dates = dates_of(list(&root.child(kind.word())?.child(table)?)?);
    Ok(date.map_or(!dates.is_empty(), |date| dates.iter().any(|found| found == date)))
}

/// The days of a table's exports.
struct Days<'a> {
    kind: ExportKind,
    table: &'a str,
    folder: Location,
    /// Newest first.
    dates: Vec<String>,
}

impl<'a> Days<'a> {
    fn of(root: &Location, kind: ExportKind, table: &'a str, date: Option<&str>) -> Result<Self> {
        check_request(table, date)?;
        let folder = root.child(kind.word())?.child(table)?;
        let mut dates = dates_of(list(&folder)?);
        if dates.is_empty() {
            return Err(no_table(root, kind, table));
        }
        if let Some(date) = date {
            if dates.iter().all(|found| found != date) {
                return Err(no_date(&folder, table, date, &dates));
            }
            dates = vec![date.to_owned()];
        }
        Ok(Self { kind, table, folder, dates })
    }

    /// The exports of one day, oldest first.
    fn exports(&self, date: &str) -> Result<Vec<Export>> {
        let place = self.folder.child(date)?;
        let named = exports_of(self.table, list(&place)?);
        let export = |(exported_at, listed): (String, Listed)| {
            let Listed { name, bytes, etag, is_link } = listed;
            let location = place.child(&name)?;
            let key = match &location {
                Location::S3 { key, .. } => key.clone(),
                _ => format!("{}/{}/{date}/{name}", self.kind.word(), self.table),
            };
            Ok(Export { location, key, exported_at, bytes, etag, is_link })
        };
        named.into_iter().map(export).collect()
    }
}

fn check_request(table: &str, date: Option<&str>) -> Result<()> {
    names::check("table name", table)?;
    match date {
        Some(date) if !is_date(date) => Err(Error::usage(format!("\"{date}\" is not a date"))
            .help("write it as YYYYMMDD, as the export's folders are named")),
        _ => Ok(()),
    }
}

fn is_date(name: &str) -> bool {
    name.len() == 8 && name.bytes().all(|byte| byte.is_ascii_digit())
}

/// Newest first. A date that no export can have yet would hide those that there are.
fn dates_of(listing: Listing) -> Vec<String> {
    let now = SystemTime::now();
    let is_possible = |name: &String| is_date(name) && possible(name, now).is_some();
    let mut dates: Vec<String> = listing.folders.into_iter().filter(is_possible).collect();
    dates.sort_unstable_by(|a, b| b.cmp(a));
    dates
}

/// Digits compare as text: within a date they start alike, and more digits are a finer time.
fn exports_of(table: &str, listing: Listing) -> Vec<(String, Listed)> {
    let now = SystemTime::now();
    let candidates = listing.files.into_iter().filter_map(|listed| {
        let digits = stem_of(&listed.name)?.strip_prefix(table)?.strip_prefix('_')?;
        Some((possible(digits, now)?, listed))
    });
    let mut exports: Vec<_> = candidates.collect();
    // One export may lie there compressed and plain: it is one.
    exports.sort_unstable_by(|a, b| b.cmp(a));
    exports.dedup_by(|next, kept| next.0 == kept.0);
    exports.reverse();
    exports
}

fn no_table(root: &Location, kind: ExportKind, table: &str) -> Error {
    let kind = kind.word();
    let error = Error::access(format!("there are no {kind} exports of table \"{table}\""))
        .at(Place::uri(root.to_string()));
    // What else is there is advice: a listing that fails must not hide the fault itself.
    let tables = root.child(kind).and_then(|place| list(&place)).unwrap_or_default().folders;
    if tables.is_empty() {
        return error.help(format!(
            "no {kind}/ was found there: the root must be the folder, or s3://bucket/slug, that holds {kind}/"
        ));
    }
    error.help(format!(
        "check the name; tables there: {}",
        shown(&names::likeliest_first(table, tables.iter().map(String::as_str)))
    ))
}

fn no_date(folder: &Location, table: &str, date: &str, dates: &[String]) -> Error {
    Error::access(format!("there is no export of table \"{table}\" of {date}"))
        .at(Place::uri(folder.to_string()))
        .help(format!("dates there: {}", shown(dates)))
}

fn no_file(folder: &Location, table: &str, dates: &[String]) -> Error {
    let tried = &dates[..dates.len().min(DATES_TRIED_MAX)];
    Error::access(format!("no file is named like an export of table \"{table}\""))
        .at(Place::uri(folder.to_string()))
        .help(format!("looked for {table}_<timestamp>.csv[.bz2|.gz|.zst] in {}", shown(tried)))
}

fn shown<S: AsRef<str>>(names: &[S]) -> String {
    let mut text = names.iter().take(NAMES_SHOWN_MAX).map(AsRef::as_ref).collect::<Vec<_>>().join(", ");
    if names.len() > NAMES_SHOWN_MAX {
        text += &format!(" and {} more", names.len() - NAMES_SHOWN_MAX);
    }
    text
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_file_that_is_an_export() {
        for (names, expected) in [
            (&["t_20261122010000.csv", "t_20261122020000.csv"][..], Some("t_20261122020000.csv")),
            (&["t_20261122020000.csv.bz2", "t_20261122010000.csv"], Some("t_20261122020000.csv.bz2")),
            (&["t_20261122010000.csv", "t_20261122010000123.csv"], Some("t_20261122010000123.csv")),
            (&["t_old_20261122030000.csv", "t_20261122010000.csv"], Some("t_20261122010000.csv")),
            (
                &["t_20261122010000.csv", "t_99991231235959.csv", "t_99999999.csv"],
                Some("t_20261122010000.csv"),
            ),
            (&["t_20261122010000.csv.tmp", "_SUCCESS", "t_.csv", "u_20261122010000.csv"], None),
            (&[], None),
        ] {
            let listed = |name: &&str| Listed { name: (*name).to_owned(), ..Listed::default() };
            let files = names.iter().map(listed).collect();
            let found = exports_of("t", Listing { files, ..Listing::default() }).pop();
            assert_eq!(found.map(|(_, listed)| listed.name).as_deref(), expected, "{names:?}");
        }
    }
}
