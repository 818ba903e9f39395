//! What rejected records are called: `<table>-<load id>.rejects.csv`, their reasons `….rejects.jsonl`.

use super::location::Location;
use crate::names;

/// What the name of the records ends with, and that of any file that is said to hold rejected records.
const RECORDS: &str = ".rejects.csv";
/// What the name of their reasons ends with.
const REASONS: &str = ".rejects.jsonl";
/// Endings of compression.
const PACKED: [&str; 3] = [".bz2", ".gz", ".zst"];
/// Length of a load id with its hyphens.
const LOAD_ID_BYTES: usize = 36;

/// The load whose rejects a pair of files holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectsName {
    /// Its table.
    pub table: String,
    /// Its id.
    pub load_id: String,
}

impl RejectsName {
    /// The name of the records.
    pub fn records(&self) -> String {
        format!("{}-{}{RECORDS}", self.table, self.load_id)
    }

    /// The name of their reasons.
    pub fn reasons(&self) -> String {
        format!("{}-{}{REASONS}", self.table, self.load_id)
    }

    /// Reads the name of reasons, as a load gives it.
    pub fn of_reasons(name: &str) -> Option<Self> {
        Self::of_stem(name.strip_suffix(REASONS)?)
    }

    /// Reads the name of records, compressed or not.
    pub fn of_records(location: &Location) -> Option<Self> {
        Self::of_stem(stem_of(location)?)
    }

    fn of_stem(stem: &str) -> Option<Self> {
        let at = stem.len().checked_sub(LOAD_ID_BYTES)?;
        let (table, load_id) = (stem.get(..at)?.strip_suffix('-')?, stem.get(at..)?);
        let is_load_id = uuid::Uuid::try_parse(load_id)
            .is_ok_and(|id| id.get_version_num() == 7 && id.to_string() == load_id);
        (is_load_id && names::check("table name", table).is_ok())
            .then(|| Self { table: table.to_owned(), load_id: load_id.to_owned() })
    }
}

/// Whether a file's name says that it holds rejected records: a handful of a table's rows, never all of them.
pub(super) fn holds_rejects(location: &Location) -> bool {
    stem_of(location).is_some()
}

fn stem_of(location: &Location) -> Option<&str> {
    let name = location.file_name()?;
    PACKED.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name).strip_suffix(RECORDS)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const ID: &str = "018df74f-8400-7abc-8def-0123456789ab";

    #[test]
    fn names_of_pairs() {
        for (stem, table) in [
            (format!("t-{ID}"), Some("t")),
            (format!("blast_emails-{ID}"), Some("blast_emails")),
            (format!("a-b-{ID}"), Some("a-b")),
            (format!("-{ID}"), None),
            (ID.to_owned(), None),
            (format!("t_{ID}"), None),
            (format!("t-{}", ID.to_uppercase()), None),
            ("t-018df74f-8400-4abc-8def-0123456789ab".to_owned(), None),
            (format!(".t-{ID}"), None),
            (format!("ü-{ID}"), None),
            ("t".to_owned(), None),
            (String::new(), None),
        ] {
            for ending in ["", ".bz2", ".gz", ".zst"] {
                let records = Location::parse(&format!("s3://b/r/{stem}.rejects.csv{ending}")).unwrap();
                let found = RejectsName::of_records(&records);
                assert_eq!(found.as_ref().map(|name| name.table.as_str()), table, "{stem}");
                assert!(holds_rejects(&records));
            }
            let found = RejectsName::of_reasons(&format!("{stem}.rejects.jsonl"));
            assert_eq!(found.as_ref().map(|name| name.table.as_str()), table, "{stem}");
            assert!(found.is_none_or(|name| name.records() == format!("{stem}.rejects.csv")));
            for other in [".rejects.csv", ".jsonl", ".rejects.jsonl.gz", ".rejects.jsonl~"] {
                assert_eq!(RejectsName::of_reasons(&format!("{stem}{other}")), None);
            }
        }
        assert!(!holds_rejects(&Location::parse("rejects.csv").unwrap()));
        assert!(!holds_rejects(&Location::Stdin));
    }
}
