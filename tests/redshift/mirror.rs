//! The same tables in a PostgreSQL, altered and filled by SQL of its own: none of our code takes part. What a table
//! of a warehouse must hold after nights of other schemas is what stands there.

use crate::postgres::{self, Database};
use csl_stream::store::ExportKind::{self, Full};
use std::collections::{BTreeMap, BTreeSet};

/// What the tables are copies of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// A folder: types of an incremental export must go with those of the table, a full one brings its own.
    #[cfg(feature = "query")]
    Folder,
    /// Redshift: no type but a text's is altered in place, so a wider one is copied over, and another goes beside.
    Redshift,
}

/// A column by name and type.
type Column = (String, String);

/// What becomes of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Nothing,
    Added,
    /// All values are kept.
    Widened,
    /// Values of the old type are none of the new one.
    Another,
}

/// The copies.
pub(crate) struct Mirror {
    database: Database<'static>,
    target: Target,
    tables: BTreeMap<String, Vec<Column>>,
}

/// What the warehouse must say of a night.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Night {
    /// It is loaded.
    Loads,
    /// Its owner has to alter the table.
    NeedsOwner,
    /// The next full export brings other types.
    NeedsFull,
}

impl Mirror {
    pub(crate) fn new(name: &str, target: Target) -> Self {
        Self { database: postgres::server().database(name), target, tables: BTreeMap::new() }
    }

    /// What must become of an export of these columns.
    pub(crate) fn expects(&self, table: &str, kind: ExportKind, schema: &[Column], is_owner: bool) -> Night {
        if !self.tables.contains_key(table) {
            return Night::Loads;
        }
        let changes: BTreeSet<u8> = schema.iter().map(|column| self.change(table, column) as u8).collect();
        let has = |change: Change| changes.contains(&(change as u8));
        match self.target {
            Target::Redshift if has(Change::Widened) || has(Change::Another) => Night::NeedsOwner,
            Target::Redshift if has(Change::Added) && !is_owner => Night::NeedsOwner,
            #[cfg(feature = "query")]
            Target::Folder if has(Change::Another) && kind != Full => Night::NeedsFull,
            _ => Night::Loads,
        }
    }

    fn change(&self, table: &str, (name, wanted): &Column) -> Change {
        let found = self.tables[table].iter().find(|(own, _)| own == name);
        found.map_or(Change::Added, |(_, has)| self.retyped(has, wanted))
    }

    /// By docs/reference/types.md: which values a type holds.
    fn retyped(&self, has: &str, wanted: &str) -> Change {
        let whole = ["smallint", "integer", "bigint"];
        let rank = |name: &str| whole.iter().position(|known| *known == name);
        let digits = |name: &str| {
            let (precision, scale) = name.strip_prefix("numeric(")?.strip_suffix(')')?.split_once(',')?;
            let scale: i32 = scale.parse().ok()?;
            Some((precision.parse::<i32>().ok()? - scale, scale))
        };
        match (rank(has), rank(wanted), digits(has), digits(wanted)) {
            (Some(has), Some(wanted), ..) if wanted > has => Change::Widened,
            (Some(_), Some(_), ..) => Change::Nothing,
            (_, _, Some((a, b)), Some((c, d))) if a >= c && b >= d => Change::Nothing,
            (_, _, Some((a, b)), Some((c, d))) if a <= c && b <= d => Change::Widened,
            // A DECIMAL of Redshift takes whole numbers of no more digits.
            (_, Some(0), Some((before, _)), _) if self.target == Target::Redshift && before >= 5 => {
                Change::Nothing
            }
            _ if kept(has) == kept(wanted) => Change::Nothing,
            _ => Change::Another,
        }
    }

    /// Alters the table, and loads the export into it.
    pub(crate) fn load(&mut self, table: &str, kind: ExportKind, schema: &[Column], csv: &str) {
        let mut sql = String::from("BEGIN;\n");
        let quoted = |name: &str| format!("\"{name}\"");
        if !self.tables.contains_key(table) {
            sql += &format!("CREATE TABLE \"{table}\" ();\n");
            self.tables.insert(table.to_owned(), Vec::new());
        }
        if kind == Full {
            sql += &format!("DELETE FROM \"{table}\";\n");
        }
        for column in schema {
            let (name, sql_type) = column;
            let alter = format!("ALTER TABLE \"{table}\"");
            let add = format!("{alter} ADD COLUMN \"{name}\" {};\n", kept(sql_type));
            let change = self.change(table, column);
            let columns = self.tables.get_mut(table).unwrap();
            let at = columns.iter().position(|(own, _)| own == name);
            match (change, at) {
                (Change::Widened, Some(at)) => {
                    sql += &format!("{alter} ALTER COLUMN \"{name}\" TYPE {};\n", kept(sql_type));
                    columns[at].1.clone_from(sql_type);
                }
                (Change::Another, Some(at)) if self.target == Target::Redshift => {
                    let aside = free(columns, name);
                    sql += &format!("{alter} RENAME COLUMN \"{name}\" TO \"{aside}\";\n{add}");
                    columns[at].0 = aside;
                    columns.push(column.clone());
                }
                (Change::Another, Some(at)) => {
                    sql += &format!("{alter} DROP COLUMN \"{name}\";\n{add}");
                    columns[at].1.clone_from(sql_type);
                }
                (Change::Added, _) => {
                    sql += &add;
                    columns.push(column.clone());
                }
                _ => {}
            }
        }
        let list = schema.iter().map(|(name, _)| quoted(name)).collect::<Vec<_>>().join(", ");
        sql += &format!("COPY \"{table}\" ({list}) FROM STDIN (FORMAT csv, HEADER);\n{csv}\\.\nCOMMIT;\n");
        self.database.run(&sql);
    }

    pub(crate) fn database(&self) -> &Database<'static> {
        &self.database
    }

    /// The columns of each table.
    pub(crate) fn lists(&self) -> BTreeMap<String, Vec<String>> {
        let names = |columns: &[Column]| columns.iter().map(|(name, _)| name.clone()).collect();
        self.tables.iter().map(|(table, columns)| (table.clone(), names(columns))).collect()
    }
}

/// `name_old`, or `name_old2` and so on.
fn free(columns: &[Column], name: &str) -> String {
    let numbers = std::iter::once(String::new()).chain((2..).map(|number: u32| number.to_string()));
    let mut names = numbers.map(|number| format!("{name}_old{number}"));
    names.find(|name| columns.iter().all(|(own, _)| own != name)).unwrap()
}

/// What a mirror keeps a type as: texts as they were exported.
fn kept(sql_type: &str) -> &str {
    match sql_type.split('(').next().unwrap().trim() {
        "character varying" | "text" | "json" | "jsonb" | "hstore" | "uuid" | "geography" => "text",
        "timestamp" | "timestamp without time zone" => "timestamp without time zone",
        _ => sql_type,
    }
}
