//! What the name of an export says of it: `…/incremental/signatures/20261122/signatures_20261122034410.csv.bz2`.

use super::exported_at::{exported_at_of, stem_of};
use super::location::Location;
use super::naming::name_of;
use super::rejects_name::{RejectsName, holds_rejects};
use super::types::ExportKind;

/// Kind and table that an export's name tells; none where it is no export's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Named {
    /// The folder that it lies in, if its table and its day follow.
    pub kind: Option<ExportKind>,
    /// What stands before the time in the file's name.
    pub table: Option<String>,
    /// It holds records that a load has rejected: rows to add, whatever export they are of.
    pub is_of_rejects: bool,
}

impl Named {
    /// Reads the name of one export.
    pub fn of(location: &Location) -> Self {
        if holds_rejects(location) {
            let table = RejectsName::of_records(location).map(|name| name.table);
            return Self { kind: Some(ExportKind::Incremental), table, is_of_rejects: true };
        }
        let name = name_of(location);
        let parts: Vec<&str> = name.rsplit('/').collect();
        let table = exported_at_of(location)
            .and_then(|_| stem_of(parts.first()?)?.rsplit_once('_'))
            .map(|(table, _)| table.to_owned());
        let kind = match parts[..] {
            [_, day, folder, kind, ..]
                if day.len() == 8
                    && day.bytes().all(|digit| digit.is_ascii_digit())
                    && table.as_deref() == Some(folder) =>
            {
                ExportKind::of_word(kind)
            }
            _ => None,
        };
        Self { kind, table, is_of_rejects: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ExportKind::{Full, Incremental};

    #[test]
    fn names_say_kind_and_table() {
        for (name, kind, table) in [
            ("x/full/t/20260301/t_20260301031500.csv", Some(Full), Some("t")),
            (
                "s3://b/org/incremental/a_b/20260301/a_b_20260301031500.csv.bz2",
                Some(Incremental),
                Some("a_b"),
            ),
            ("/incremental/t/20260301/t_20260301031500.csv.zst", Some(Incremental), Some("t")),
            ("full/t/2026030/t_20260301031500.csv", None, Some("t")),
            ("full/u/20260301/t_20260301031500.csv", None, Some("t")),
            ("daily/t/20260301/t_20260301031500.csv", None, Some("t")),
            ("petitions_20260301031500.csv", None, Some("petitions")),
            ("t_99999999.csv", None, None),
            ("signatures.csv", None, None),
            ("-", None, None),
            ("r/a_b-018df74f-8400-7abc-8def-0123456789ab.rejects.csv", Some(Incremental), Some("a_b")),
            ("s3://b/r/t-018df74f-8400-7abc-8def-0123456789ab.rejects.csv.gz", Some(Incremental), Some("t")),
            ("mended.rejects.csv", Some(Incremental), None),
            ("full/t/20260301/t_20260301031500.rejects.csv", Some(Incremental), None),
        ] {
            let named = Named::of(&Location::parse(name).unwrap());
            assert_eq!((named.kind, named.table.as_deref()), (kind, table), "{name}");
        }
    }
}
