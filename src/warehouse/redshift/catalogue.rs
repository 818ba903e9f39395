//! Which table bears a name, and what the ledger can keep, as the catalogue says. Read by statements of their
//! own: catalogue tables go together with others for some types alone (dg/c_join_PG).
//!
//! PG_CLASS.oid is the table's id, SVV_TABLE_INFO.table_id (dg/r_SVV_TABLE_INFO), which only superusers see
//! unless they are granted it. TRUNCATE, VACUUM and adding columns leave it; DROP and CREATE, a deep copy and a
//! restored table have another.

use super::data_api::{DataApi, Fault};
use super::ledger::{LEDGER, LIFE_COLUMNS, PRIVACY_COLUMNS};
use super::marks::ERASED;
use super::quote::quote_literal;

/// What the catalogue says of a table and of the ledger beside it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Catalogue {
    /// The table's own number; none if it is not there.
    pub(super) table_id: Option<u64>,
    /// Whether the ledger has the columns of [`super::ledger::Life`]: one of an earlier program has not.
    pub(super) keeps_lives: bool,
    /// Whether the ledger has the column of the policy of privacy, likewise.
    pub(super) keeps_privacy: bool,
    /// Whether there is a ledger.
    pub(super) has_ledger: bool,
    /// Whether anybody was ever erased from a table of the schema.
    pub(super) has_erased: bool,
}

impl Catalogue {
    pub(super) fn sql(schema: &str, table: &str) -> String {
        let within = format!(
            "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = {} AND c.relname =",
            quote_literal(schema)
        );
        let count = |columns: &[(&str, &str)]| {
            let names: Vec<_> = columns.iter().map(|(name, _)| quote_literal(name)).collect();
            format!(
                "(SELECT COUNT(*) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid {within} {} \
                 AND a.attname IN ({}) AND NOT a.attisdropped)",
                quote_literal(LEDGER),
                names.join(", ")
            )
        };
        format!(
            "SELECT (SELECT c.oid FROM pg_class c {within} {}), {}, (SELECT COUNT(*) FROM pg_class c {within} {}), {}, \
             (SELECT COUNT(*) FROM pg_class c {within} {})",
            quote_literal(table),
            count(LIFE_COLUMNS),
            quote_literal(LEDGER),
            count(PRIVACY_COLUMNS),
            quote_literal(ERASED),
        )
    }

    pub(super) fn read(rows: &[Vec<Option<String>>]) -> Self {
        let number = |at: usize| rows.first()?.get(at)?.as_ref()?.parse::<u64>().ok();
        Self {
            table_id: number(0),
            keeps_lives: number(1) == Some(LIFE_COLUMNS.len() as u64),
            has_ledger: number(2) == Some(1),
            keeps_privacy: number(3) == Some(PRIVACY_COLUMNS.len() as u64),
            has_erased: number(4) == Some(1),
        }
    }

    /// The columns that the ledger lacks, each with its type.
    pub(super) fn lacking(&self) -> impl Iterator<Item = &'static (&'static str, &'static str)> {
        let lives = if self.keeps_lives { &[] } else { LIFE_COLUMNS };
        let privacy = if self.keeps_privacy { &[] } else { PRIVACY_COLUMNS };
        lives.iter().chain(privacy)
    }

    /// Asks for it.
    pub(super) fn ask(api: &DataApi, schema: &str, table: &str) -> Result<Self, Fault> {
        api.query(&Self::sql(schema, table)).map(|rows| Self::read(&rows))
    }

    /// SQL about the rows of the ledger `of_table` that names a table's.
    pub(super) fn words(&self, of_table: &str) -> Words {
        let Some(table_id) = self.table_id.filter(|_| self.keeps_lives) else {
            let always = || "(1 = 1)".to_owned();
            return Words {
                is_alive: always(),
                is_own: always(),
                order: "finished".to_owned(),
                generation: "0".to_owned(),
                sequence: "0".to_owned(),
            };
        };
        let newest = |column: &str| format!("(SELECT COALESCE(MAX({column}), 0) {of_table})");
        Words {
            is_alive: format!("COALESCE(generation, 0) = {}", newest("generation")),
            is_own: format!("(COALESCE(table_id, {table_id}) = {table_id})"),
            order: "COALESCE(sequence, 0)".to_owned(),
            generation: newest("generation"),
            sequence: newest("sequence"),
        }
    }
}

/// SQL about rows of the ledger.
pub(super) struct Words {
    /// They are of the table's newest life.
    pub(super) is_alive: String,
    /// They went into this very table, or nobody knows into which.
    pub(super) is_own: String,
    /// What orders them.
    pub(super) order: String,
    /// The table's newest life.
    pub(super) generation: String,
    /// The number of its last load.
    pub(super) sequence: String,
}
