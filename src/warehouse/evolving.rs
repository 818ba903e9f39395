//! The columns of a table in a folder, beside those of an export: what is gone stays, as NULL; what is new comes with
//! the new version.
//!
//! ```text
//! current version ─ footers ─▶ Columns ─ fit ─▶ Layout: the export's columns, then those that only the table has
//!                                      └ altered ─▶ added, widened: told once the load is done
//! ```

use super::contract::Altered;
use super::parquet_file::footer;
use super::types::Type;
use crate::error::{Error, Result, shown};
use crate::ledger::{Entry, PartFile};
use crate::schema::{ColumnType, Evolve, Layout, MissingColumns, OutputColumn};
use std::path::Path;

/// Columns of a version, in the order in which its files have them, each with the type of its latest file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Columns(Vec<(String, Type)>);

impl Columns {
    /// Those of a table's current version. A file that cannot be read is passed over: who must read it says so, and
    /// a full export takes its place.
    pub(super) fn of(table_dir: &Path, current: Option<&Entry>) -> Self {
        let mut columns = Self::default();
        if let Some(entry) = current {
            let dir = table_dir.join(&entry.load_id);
            // All files of a part have the same columns; several parts may share one.
            let mut names: Vec<&str> = entry
                .parts
                .iter()
                .filter_map(|part| part.files.first())
                .map(|file| file.name.as_str())
                .collect();
            names.dedup();
            for name in names {
                match footer(&dir.join(name)) {
                    Ok(footer) => columns.add(footer.columns),
                    Err(error) => tracing::warn!(%error, "its columns are not looked at"),
                }
            }
        }
        columns
    }

    fn add(&mut self, columns: Vec<(String, Type)>) {
        for (name, own) in columns {
            match self.0.iter_mut().find(|(known, _)| *known == name) {
                Some((_, known)) => *known = known.widest(&own).unwrap_or(own),
                None => self.0.push((name, own)),
            }
        }
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    /// The layout with the columns that the table alone has, NULL in every row; where the table is made `anew`, without
    /// those that a rule of privacy drops.
    ///
    /// # Errors
    /// [`Error::Schema`] naming each column that only one of them has, where the table is to stay as it is.
    pub(super) fn fit(
        &self,
        mut layout: Layout,
        missing: MissingColumns,
        evolve: Evolve,
        anew: bool,
    ) -> Result<Layout> {
        if self.0.is_empty() {
            return Ok(layout);
        }
        let gone: Vec<&(String, Type)> = self
            .0
            .iter()
            .filter(|(name, _)| layout.columns.iter().all(|column| column.name != *name))
            .filter(|(name, _)| !(anew && layout.hidden.contains(name)))
            .collect();
        if evolve == Evolve::Refuse {
            let new = layout.columns.iter().filter(|column| !self.has(&column.name));
            let new = new.map(|column| format!("column {} is not in the table", shown(&column.name)));
            let old = gone.iter().filter(|_| missing == MissingColumns::Fail);
            let old =
                old.map(|(name, _)| format!("column {} of the table is not in the export", shown(name)));
            let told: Vec<String> = new.chain(old).collect();
            if !told.is_empty() {
                return Err(Error::schema(format!("the export does not fit the table: {}", told.join("; "))).help(
                    "with load.evolve = \"add\" new columns are added, and those that are gone are NULL from then on",
                ));
            }
        }
        for (name, known) in gone {
            let column_type = column_type(known).ok_or_else(|| {
                Error::schema(format!("column {} of the table is {known}, which is not written", shown(name)))
                    .help("move the table's folder aside, and load a full export")
            })?;
            layout.columns.push(OutputColumn {
                name: name.clone(),
                column_type,
                nullable: true,
                width: None,
                field: None,
                transform: None,
                privacy: crate::privacy::Rule::Keep,
            });
        }
        Ok(layout)
    }

    /// What a load whose files are these has made of the table's columns. The first load of a table alters nothing.
    ///
    /// # Errors
    /// If a footer cannot be read.
    pub(super) fn altered(&self, folder: &Path, new: &[PartFile]) -> Result<Altered> {
        let mut altered = Altered::default();
        let Some(first) = new.first().filter(|_| !self.0.is_empty()) else { return Ok(altered) };
        for (name, own) in footer(&folder.join(&first.name))?.columns {
            match self.0.iter().find(|(known, _)| *known == name) {
                None => altered.added.push(name),
                Some((_, known)) if known != &own && known.widest(&own).as_ref() == Some(&own) => {
                    altered.widened.push(name);
                }
                Some(_) => {}
            }
        }
        Ok(altered)
    }
}

/// The type that is written as this one; none for what this program does not write.
fn column_type(known: &Type) -> Option<ColumnType> {
    Some(match known {
        Type::Boolean => ColumnType::Boolean,
        Type::Smallint => ColumnType::SmallInt,
        Type::Integer => ColumnType::Integer,
        Type::Bigint => ColumnType::BigInt,
        Type::Real => ColumnType::Real,
        Type::Double => ColumnType::Double,
        Type::Decimal { precision, scale } => ColumnType::Decimal {
            precision: u8::try_from(*precision).ok()?,
            scale: u8::try_from(*scale).ok()?,
        },
        Type::Date => ColumnType::Date,
        Type::Timestamp => ColumnType::Timestamp,
        Type::TimestampUtc => ColumnType::TimestampTz,
        Type::Text => ColumnType::Text,
        Type::Other(_) => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(names: &[&str]) -> Layout {
        let column = |(at, name): (usize, &&str)| OutputColumn {
            name: (*name).to_owned(),
            column_type: ColumnType::Text,
            nullable: true,
            width: None,
            field: Some(at),
            transform: None,
            privacy: crate::privacy::Rule::Keep,
        };
        let columns = names.iter().enumerate().map(column).collect();
        Layout {
            fields: names.len(),
            columns,
            masks: Vec::new(),
            hidden: Vec::new(),
            dropped: Vec::new(),
            erased: Vec::new(),
            warnings: Vec::new(),
        }
    }

    fn table(columns: &[(&str, Type)]) -> Columns {
        Columns(columns.iter().map(|(name, known)| ((*name).to_owned(), known.clone())).collect())
    }

    #[test]
    fn what_is_gone_stays_as_null() {
        let has =
            table(&[("a", Type::Text), ("b", Type::Decimal { precision: 9, scale: 2 }), ("c", Type::Date)]);
        let fitted = has.fit(layout(&["c", "new"]), MissingColumns::Fail, Evolve::Add, true).unwrap();
        let columns: Vec<_> = fitted
            .columns
            .iter()
            .map(|column| (column.name.as_str(), column.column_type, column.field))
            .collect();
        let decimal = ColumnType::Decimal { precision: 9, scale: 2 };
        let text = ColumnType::Text;
        assert_eq!(
            columns,
            [("c", text, Some(0)), ("new", text, Some(1)), ("a", text, None), ("b", decimal, None)]
        );
    }

    #[test]
    fn what_a_rule_drops_goes_with_the_rows_that_had_it() {
        let has = table(&[("a", Type::Text), ("token", Type::Text)]);
        for evolve in [Evolve::Add, Evolve::Refuse] {
            for (anew, names) in [(true, &["a"][..]), (false, &["a", "token"])] {
                let layout = Layout { hidden: vec!["token".to_owned()], ..layout(&["a"]) };
                let fitted = has.fit(layout, MissingColumns::Null, evolve, anew).unwrap();
                let columns: Vec<_> = fitted.columns.iter().map(|column| column.name.as_str()).collect();
                assert_eq!(columns, names, "{anew} {evolve:?}");
            }
        }
    }

    #[test]
    fn a_table_that_is_to_stay_takes_its_own_columns_alone() {
        use MissingColumns::{Fail, Null};
        let has = table(&[("a", Type::Text), ("b", Type::Text)]);
        for (names, missing, told) in [
            (&["a", "b"][..], Fail, ""),
            (&["b", "a"], Fail, ""),
            (&["a"], Fail, "column \"b\" of the table is not in the export"),
            (&["a"], Null, ""),
            (&["a", "b", "c"], Null, "column \"c\" is not in the table"),
            (&["c"], Fail, "column \"c\" is not in the table; column \"a\" of"),
        ] {
            match has.fit(layout(names), missing, Evolve::Refuse, true) {
                Ok(_) => assert_eq!(told, "", "{names:?}"),
                Err(error) => {
                    assert!(!told.is_empty() && error.to_string().contains(told), "{names:?}: {error}");
                    assert_eq!(error.exit_code(), 4);
                }
            }
        }
        // Before the first load there is nothing that could stay.
        Columns::default().fit(layout(&["a"]), Fail, Evolve::Refuse, true).unwrap();
    }

    #[test]
    fn the_type_of_each_file_that_is_there_can_be_written_again() {
        for known in [
            Type::Boolean,
            Type::Smallint,
            Type::Integer,
            Type::Bigint,
            Type::Real,
            Type::Double,
            Type::Decimal { precision: 38, scale: 0 },
            Type::Date,
            Type::Timestamp,
            Type::TimestampUtc,
            Type::Text,
        ] {
            assert!(column_type(&known).is_some(), "{known}");
        }
        assert_eq!(column_type(&Type::Other("INT96 NONE".to_owned())), None);
    }
}
