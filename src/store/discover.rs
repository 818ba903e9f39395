//! Finds the newest export of a table by names alone.
//!
//! ```text
//! root ─ full/ ─ signatures/ ─ 20261121/ ─ signatures_20261121034512.csv.bz2
//!      │                     └ 20261122/ ─ signatures_20261122034410.csv.bz2  ◄ newest date, newest time
//!      └ incremental/ …
//! ```
//!
//! Two listings find it, however much else the bucket holds: the table's dates, then one date.

use super::location::Location;
use super::open::list;
use super::types::{ExportKind, Listing};
use crate::error::{Error, Place, Result};
use crate::names;

/// Dates that are looked into, newest first, until one holds an export.
pub const DATES_TRIED_MAX: usize = 8;

/// Names that an error lists.
const NAMES_SHOWN_MAX: usize = 8;

/// Digits of an export's timestamp, from a date to nanoseconds.
const TIMESTAMP_DIGITS: std::ops::RangeInclusive<usize> = 8..=23;

/// How the name of an export can end.
const SUFFIXES: [&str; 4] = [".csv", ".csv.bz2", ".csv.gz", ".csv.zst"];

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
}

/// The newest export of `table` below `root`, a folder or `s3://bucket/slug`; with `date` (YYYYMMDD), the
/// newest of that date.
///
/// # Errors
/// [`Error::Usage`] for a root or date that cannot be one; [`Error::Access`] if there is no such export,
/// naming what there is instead.
pub fn discover(root: &Location, kind: ExportKind, table: &str, date: Option<&str>) -> Result<Export> {
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
    for date in dates.iter().take(DATES_TRIED_MAX) {
        let place = folder.child(date)?;
        if let Some((exported_at, name, bytes)) = newest_of(table, list(&place)?) {
            let location = place.child(&name)?;
            let key = match &location {
                Location::S3 { key, .. } => key.clone(),
                _ => format!("{}/{table}/{date}/{name}", kind.word()),
            };
            return Ok(Export { location, key, exported_at, bytes });
        }
    }
    Err(no_file(&folder, table, &dates))
}

/// The timestamp in the name of one export, or none if its name is not that of an export.
pub fn exported_at_of(location: &Location) -> Option<String> {
    let stem = stem_of(location.file_name()?)?;
    timestamp_of(stem.rsplit_once('_')?.1)
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

/// Newest first.
fn dates_of(listing: Listing) -> Vec<String> {
    let mut dates: Vec<String> = listing.folders.into_iter().filter(|name| is_date(name)).collect();
    dates.sort_unstable_by(|a, b| b.cmp(a));
    dates
}

/// Digits compare as text: within a date they start alike, and more digits are a finer time.
fn newest_of(table: &str, listing: Listing) -> Option<(String, String, Option<u64>)> {
    let candidates = listing.files.into_iter().filter_map(|(name, bytes)| {
        let digits = stem_of(&name)?.strip_prefix(table)?.strip_prefix('_')?;
        Some((timestamp_of(digits)?, name, bytes))
    });
    candidates.max()
}

fn stem_of(name: &str) -> Option<&str> {
    SUFFIXES.iter().find_map(|suffix| name.strip_suffix(suffix))
}

fn timestamp_of(digits: &str) -> Option<String> {
    let valid = TIMESTAMP_DIGITS.contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    valid.then(|| digits.to_owned())
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
    fn timestamps_in_names() {
        for (typed, expected) in [
            ("petitions_20150803180434.csv", Some("20150803180434")),
            ("s3://b/default/petitions_20150803180434.csv", Some("20150803180434")),
            (
                "s3://b/o/full/blast_emails/20261122/blast_emails_20261122034410.csv.bz2",
                Some("20261122034410"),
            ),
            ("https://h/p/t_20261122034410.csv.gz?Expires=1438711490", Some("20261122034410")),
            ("t_20261122034410.csv.zst", Some("20261122034410")),
            ("t_20261122034410.parquet", None),
            ("t_2026.csv", None),
            ("t_2026112203441x.csv", None),
            ("20261122034410.csv", None),
            ("petitions.csv", None),
            ("-", None),
        ] {
            let found = exported_at_of(&Location::parse(typed).unwrap());
            assert_eq!(found.as_deref(), expected, "{typed}");
        }
    }

    #[test]
    fn the_newest_file_that_is_an_export() {
        for (names, expected) in [
            (&["t_20261122010000.csv", "t_20261122020000.csv"][..], Some("t_20261122020000.csv")),
            (&["t_20261122020000.csv.bz2", "t_20261122010000.csv"], Some("t_20261122020000.csv.bz2")),
            (&["t_20261122010000.csv", "t_20261122010000123.csv"], Some("t_20261122010000123.csv")),
            (&["t_old_20261122030000.csv", "t_20261122010000.csv"], Some("t_20261122010000.csv")),
            (&["t_20261122010000.csv.tmp", "_SUCCESS", "t_.csv", "u_20261122010000.csv"], None),
            (&[], None),
        ] {
            let files = names.iter().map(|name| ((*name).to_owned(), None)).collect();
            let found = newest_of("t", Listing { files, ..Listing::default() });
            assert_eq!(found.map(|(_, name, _)| name).as_deref(), expected, "{names:?}");
        }
    }
}
