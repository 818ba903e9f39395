//! What a table of the warehouse needs before rows of a schema that has moved on go into it. Pure.
//!
//! ```text
//! TargetTable (as it is) + Table (the schema, as it is now) ─▶ Alteration … ─▶ TargetTable (as it will be)
//! ```
//!
//! Columns are added and texts widened; nothing is dropped, narrowed or renamed. A column that the schema has no more
//! stays, and is NULL in the rows that come.

use super::{
    ColumnType, Table, TargetColumn, TargetTable, TargetType, VARCHAR_BYTES_MAX, Width, quote_identifier,
};
use crate::error::Result;
use serde::{Deserialize, Serialize};

/// Characters of UTF-8 are at most this many bytes.
pub(super) const CHAR_BYTES_MAX: u32 = 4;

/// What a load may do to a table whose columns are not the schema's.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum, schemars::JsonSchema, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Evolve {
    /// Add columns that it lacks, and widen texts.
    #[default]
    Add,
    /// Nothing: what does not fit stops the load.
    Refuse,
}

/// What becomes of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is new: NULL in the rows that are there.
    Added,
    /// It takes longer texts than before.
    Widened,
}

/// One statement that brings a table nearer to the schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alteration {
    /// The column, as the schema has it or, where it is there already, as the table has it.
    pub column: String,
    /// What becomes of it.
    pub change: Change,
    /// Its type afterwards.
    pub to: TargetType,
    /// The statement, without a semicolon. Redshift takes one column a statement, and alters the size of a VARCHAR
    /// outside of transactions alone ([ALTER TABLE][alter]).
    ///
    /// [alter]: https://docs.aws.amazon.com/redshift/latest/dg/r_ALTER_TABLE.html
    pub sql: String,
}

impl TargetTable {
    /// What the table needs to take every column of the schema's, in the schema's order; none if it has them all.
    /// Types that cannot be altered in place are not among it: [`TargetTable::compare`] names them.
    ///
    /// # Errors
    /// [`crate::Error::Schema`] for a column without a type in Redshift.
    pub fn alterations(&self, table: &Table) -> Result<Vec<Alteration>> {
        let mut alterations = Vec::new();
        for (name, column) in &table.columns {
            let (column_type, _) = ColumnType::of(column)?;
            match self.column(name) {
                None => alterations.push(self.add(name, column_type)),
                Some(target) => alterations.extend(self.widen(target, column_type, column.width())),
            }
        }
        Ok(alterations)
    }

    /// The table once these alterations are done.
    #[must_use]
    pub fn altered(&self, alterations: &[Alteration]) -> Self {
        let mut table = self.clone();
        for Alteration { column: name, change, to, .. } in alterations {
            match change {
                Change::Added => table.columns.push(TargetColumn::plain(name, to.clone())),
                Change::Widened => {
                    let columns = table.columns.iter_mut().filter(|column| column.name == *name);
                    columns.for_each(|column| column.target_type = to.clone());
                }
            }
        }
        table
    }

    fn add(&self, name: &str, column_type: ColumnType) -> Alteration {
        Alteration {
            column: name.to_owned(),
            change: Change::Added,
            to: TargetType::of(column_type),
            sql: self.add_column(name, column_type),
        }
    }

    /// The statement that adds a column, NULL in the rows that are there.
    pub(super) fn add_column(&self, name: &str, column_type: ColumnType) -> String {
        let name = quote_identifier(name);
        format!("ALTER TABLE {} ADD COLUMN {name} {}", self.qualified(), column_type.redshift_ddl())
    }

    /// A VARCHAR that is narrower than the texts that the schema lets in. No other type can be altered in place.
    fn widen(
        &self,
        target: &TargetColumn,
        column_type: ColumnType,
        width: Option<Width>,
    ) -> Option<Alteration> {
        let TargetType::Varchar(bytes) = target.target_type else { return None };
        let needed = text_bytes(column_type, width)?;
        // Redshift widens no column that fills itself.
        if bytes >= needed || target.has_default {
            return None;
        }
        Some(Alteration {
            column: target.name.clone(),
            change: Change::Widened,
            to: TargetType::Varchar(needed),
            sql: self.set_varchar(&target.name, needed),
        })
    }

    /// The statement that makes a VARCHAR of so many bytes of one that is narrower.
    pub(super) fn set_varchar(&self, name: &str, bytes: u32) -> String {
        format!(
            "ALTER TABLE {} ALTER COLUMN {} TYPE VARCHAR({bytes})",
            self.qualified(),
            quote_identifier(name)
        )
    }

    /// `name_old`, or `name_old2` and so on where an earlier one is kept.
    fn free_name(&self, name: &str, word: &str) -> String {
        let numbers = std::iter::once(String::new()).chain((2_u32..).map(|number| number.to_string()));
        let mut names = numbers.map(|number| format!("{name}_{word}{number}"));
        names.find(|name| self.column(name).is_none()).unwrap_or_else(|| format!("{name}_{word}"))
    }

    /// The statements that give a column another type: in place where every value of the old one is kept, else
    /// beside the old one, which keeps its values under another name.
    pub(super) fn retype(&self, target: &TargetColumn, to: ColumnType) -> String {
        let table = self.qualified();
        let old = quote_identifier(&target.name);
        if !holds(to, &target.target_type) {
            let aside = quote_identifier(&self.free_name(&target.name, "old"));
            return format!(
                "ALTER TABLE {table} RENAME COLUMN {old} TO {aside}; {}",
                self.add_column(&target.name, to)
            );
        }
        let new = quote_identifier(&self.free_name(&target.name, "new"));
        format!(
            "ALTER TABLE {table} ADD COLUMN {new} {}; UPDATE {table} SET {new} = {old}; \
             ALTER TABLE {table} DROP COLUMN {old}; ALTER TABLE {table} RENAME COLUMN {new} TO {old}",
            to.redshift_ddl()
        )
    }
}

/// The bytes of the longest text that a column of the source may bring, as far as Redshift takes them; none of what
/// is no text, or has a form that is never longer.
pub(super) fn text_bytes(column_type: ColumnType, width: Option<Width>) -> Option<u32> {
    let most = match width {
        Some(Width::Chars(chars)) => chars.saturating_mul(CHAR_BYTES_MAX),
        Some(Width::Bytes(bytes)) => bytes,
        Some(Width::Super) | None => VARCHAR_BYTES_MAX,
    };
    matches!(column_type, ColumnType::Text | ColumnType::Structured | ColumnType::Geography)
        .then_some(most.min(VARCHAR_BYTES_MAX))
}

/// Whether a column of this type takes every value of that one.
fn holds(to: ColumnType, from: &TargetType) -> bool {
    match (to, from) {
        (ColumnType::Integer, TargetType::SmallInt)
        | (ColumnType::BigInt, TargetType::SmallInt | TargetType::Integer)
        | (ColumnType::Double, TargetType::Real) => true,
        (ColumnType::Decimal { precision, scale }, TargetType::Decimal { precision: p, scale: s }) => {
            scale >= *s && precision.saturating_sub(scale) >= p.saturating_sub(*s)
        }
        (ColumnType::Text | ColumnType::Structured, TargetType::Char(_) | TargetType::Varchar(_)) => true,
        _ => false,
    }
}

impl TargetColumn {
    /// A column that takes NULL and does nothing by itself.
    #[must_use]
    pub fn plain(name: &str, target_type: TargetType) -> Self {
        let identity = super::Identity::None;
        Self { name: name.to_owned(), target_type, nullable: true, has_default: false, identity }
    }
}

impl TargetType {
    /// The type that [`ColumnType::redshift_ddl`] makes.
    pub fn of(column_type: ColumnType) -> Self {
        match column_type {
            ColumnType::SmallInt => Self::SmallInt,
            ColumnType::Integer => Self::Integer,
            ColumnType::BigInt => Self::BigInt,
            ColumnType::Boolean => Self::Boolean,
            ColumnType::Decimal { precision, scale } => Self::Decimal { precision, scale },
            ColumnType::Real => Self::Real,
            ColumnType::Double => Self::Double,
            ColumnType::Timestamp => Self::Timestamp,
            ColumnType::TimestampTz => Self::TimestampTz,
            ColumnType::Date => Self::Date,
            ColumnType::Uuid => Self::Char(UUID_BYTES),
            ColumnType::Geography => Self::Geography,
            ColumnType::Structured | ColumnType::Text => Self::Varchar(VARCHAR_BYTES_MAX),
        }
    }
}

/// Bytes of a UUID as text.
const UUID_BYTES: u32 = 36;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::for_tests::{table, target};
    use crate::schema::{Layout, MissingColumns, UnknownColumns};

    #[test]
    fn columns_that_a_table_lacks_are_added_and_texts_widened() {
        // (the schema, the table, the statements)
        type Columns = [(&'static str, &'static str)];
        let cases: &[(&Columns, &Columns, &[&str])] = &[
            (&[("a", "integer")], &[("a", "integer")], &[]),
            (&[("a", "integer"), ("b", "bigint")], &[("a", "integer")], &["ADD COLUMN \"b\" BIGINT"]),
            (
                &[("z", "uuid"), ("a", "integer"), ("y\"", "text")],
                &[("a", "integer")],
                &["ADD COLUMN \"z\" CHAR(36)", "ADD COLUMN \"y\"\"\" CHARACTER VARYING(max)"],
            ),
            // Names that differ in capitals alone are one column in Redshift.
            (&[("Email", "text")], &[("email", "varchar(65535)")], &[]),
            (&[("a", "text")], &[("a", "varchar(100)")], &["ALTER COLUMN \"a\" TYPE VARCHAR(65535)"]),
            (
                &[("a", "character varying(255)")],
                &[("A", "varchar(255)")],
                &["ALTER COLUMN \"A\" TYPE VARCHAR(1020)"],
            ),
            (&[("a", "character varying(25)")], &[("a", "varchar(100)")], &[]),
            (&[("a", "character varying(25)")], &[("a", "varchar(65535)")], &[]),
            (&[("a", "jsonb")], &[("a", "varchar(9)")], &["ALTER COLUMN \"a\" TYPE VARCHAR(65535)"]),
            (&[("a", "jsonb")], &[("a", "super")], &[]),
            // What cannot be altered in place is left to the comparison.
            (&[("a", "bigint")], &[("a", "integer")], &[]),
            (&[("a", "text")], &[("a", "integer")], &[]),
            (&[("a", "text")], &[("a", "char(9)")], &[]),
            (&[("a", "uuid")], &[("a", "varchar(9)")], &[]),
            // Nothing is dropped.
            (&[("a", "integer")], &[("a", "integer"), ("old", "text")], &[]),
        ];
        for (schema, has, statements) in cases {
            let alterations = target(has).alterations(&table(schema)).unwrap();
            let expected: Vec<_> =
                statements.iter().map(|rest| format!("ALTER TABLE \"public\".\"t\" {rest}")).collect();
            let sql: Vec<_> = alterations.iter().map(|alteration| alteration.sql.clone()).collect();
            assert_eq!(sql, expected, "{schema:?} into {has:?}");
        }
    }

    #[test]
    fn an_altered_table_takes_every_column_of_the_schema() {
        let schema =
            [("id", "bigint"), ("mail", "character varying(99)"), ("at", "date"), ("geo", "geography")];
        let (schema, has) =
            (table(&schema), target(&[("mail", "varchar(10)"), ("old", "text"), ("id", "int8")]));
        let alterations = has.alterations(&schema).unwrap();
        let altered = has.altered(&alterations);
        let names: Vec<_> = altered.columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, ["mail", "old", "id", "at", "geo"]);
        assert_eq!(altered.column("mail").unwrap().target_type, TargetType::Varchar(396));
        assert!(altered.alterations(&schema).unwrap().is_empty());
        let header: Vec<String> = schema.columns.keys().cloned().collect();
        let layout = Layout::bind(&header, &schema, UnknownColumns::Fail, MissingColumns::Fail).unwrap();
        altered.fit(layout, &schema, MissingColumns::Fail, Evolve::Add).unwrap();
    }

    #[test]
    fn another_type_keeps_the_values_where_it_holds_them() {
        let has = target(&[("n", "integer")]);
        let column = &has.columns[0];
        assert_eq!(
            has.retype(column, ColumnType::BigInt),
            "ALTER TABLE \"public\".\"t\" ADD COLUMN \"n_new\" BIGINT; \
             UPDATE \"public\".\"t\" SET \"n_new\" = \"n\"; ALTER TABLE \"public\".\"t\" DROP COLUMN \"n\"; \
             ALTER TABLE \"public\".\"t\" RENAME COLUMN \"n_new\" TO \"n\""
        );
        assert_eq!(
            has.retype(column, ColumnType::Date),
            "ALTER TABLE \"public\".\"t\" RENAME COLUMN \"n\" TO \"n_old\"; \
             ALTER TABLE \"public\".\"t\" ADD COLUMN \"n\" DATE"
        );
        let has = target(&[("n", "integer"), ("N_old", "date"), ("n_old2", "date")]);
        let again = has.retype(&has.columns[0], ColumnType::Date);
        assert!(again.contains("TO \"n_old3\""), "{again}");
    }
}
