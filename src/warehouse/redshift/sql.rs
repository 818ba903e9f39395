//! The SQL of a load: text in, text out. Pure.
//!
//! ```text
//! full         claim ─ first ─ same ─ save recent rows ─ DELETE ─ COPY ─ count ─ put back ─ ledger
//! incremental  claim ─ first ─ same ─ stage ─ COPY ─ count ─ drop known ids ─ INSERT ─ ledger
//! full, types that need SQL   … stage ─ COPY ─ count ─ save ─ DELETE ─ INSERT … SELECT ─ put back ─ ledger
//! ```
//!
//! All statements of a load run as one transaction, so a guard is a `SELECT` that fails: its cast meets
//! a text that is no number. Redshift and PostgreSQL both understand every statement but COPY.

use super::ledger::{LEDGER, LedgerRow, Life, lock_name};
use super::load_id::unix_millis;
use super::quote::{qualified, quote_literal};
use crate::ledger::Cover;
use crate::schema::{Conversion, Identity, TargetTable, TargetType, VARCHAR_BYTES_MAX, quote_identifier};
use crate::store::ExportKind;
use serde::{Deserialize, Serialize};

/// Rows that say they were made later than so many hours from now have a wrong clock, and are not kept.
const AHEAD_HOURS: u32 = 1;
/// The column that says when a row was made.
pub(super) const CREATED_AT: &str = "created_at";
/// The column that tells rows apart.
pub(super) const ID: &str = "id";
/// What the guard says that finds another load in front of this one.
pub(super) const FIRST_WORDS: &str = "csl-stream: another load was first (this export is loaded already, or a newer full export is loaded), claims left:";

/// What the guards say that find another table than was looked at, or rows where there were none, or none
/// where there were some.
pub(super) const SAME_WORDS: &str = "csl-stream: the table has changed since it was looked at, found:";

/// What the guard says that finds another number of rows.
pub(super) fn count_words(rows: u64) -> String {
    format!("csl-stream: {rows} rows were accepted, copied were")
}

/// What a statement of the batch is for; says what it means when it fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Serialises the loads of a table.
    Claim,
    /// Fails if another load changed the table since the ledger was read.
    First,
    /// Fails if the table is another one by now, or lost its rows, or has got its first.
    Same,
    /// Makes a temporary table.
    Prepare,
    /// The COPY.
    Copy,
    /// Fails if the copy brought another number of rows than were accepted.
    Count,
    /// Changes the table.
    Change,
    /// Writes the ledger.
    Record,
}

/// One statement of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What it is for.
    pub role: Role,
    /// Its text.
    pub sql: String,
}

/// A column that the files hold, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadColumn {
    /// Its name in the target.
    pub name: String,
    /// What SQL does to it.
    pub conversion: Conversion,
}

/// What was found when the table was looked at, which the transaction takes for given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// What the table's lock said.
    pub claim: String,
    /// The catalogue's number of the table, if it was asked for.
    pub table_id: Option<u64>,
    /// Whether the table had no rows.
    pub is_empty: bool,
    /// Whether a full export is in the table.
    pub has_full: bool,
    /// What the ledger is to keep of the table; none if it is one of an earlier program.
    pub life: Option<Life>,
    /// Whether the ledger can keep the policy of privacy.
    pub keeps_privacy: bool,
}

/// Everything that shapes the SQL of a load.
#[derive(Debug, Clone, Copy)]
pub struct LoadSql<'a> {
    /// The table.
    pub target: &'a TargetTable,
    /// The files' columns, in their order.
    pub columns: &'a [LoadColumn],
    /// The role that COPY reads with: an ARN, or `default`.
    pub iam_role: &'a str,
    /// The manifest of the files.
    pub manifest_uri: &'a str,
    /// What the ledger is to say; its counts are those that the guards compare with.
    pub entry: &'a LedgerRow,
    /// What was found when the ledger was read.
    pub seen: &'a Seen,
    /// What it says from now on: of this attempt alone.
    pub claim: &'a str,
    /// How far back a full export may lack rows.
    pub cover: Cover,
}

/// `YYYYMMDDhhmmss…` as `YYYY-MM-DD hh:mm:ss`; what is missing is zero. `None` for anything else.
pub(super) fn timestamp_text(digits: &str) -> Option<String> {
    unix_millis(digits)?;
    let padded = format!("{digits:0<14}");
    let part = |at: usize, len: usize| &padded[at..at + len];
    Some(format!(
        "{}-{}-{} {}:{}:{}",
        part(0, 4),
        part(4, 2),
        part(6, 2),
        part(8, 2),
        part(10, 2),
        part(12, 2)
    ))
}

impl LoadSql<'_> {
    /// The statements, in order; run as one transaction.
    pub fn steps(&self) -> Vec<Step> {
        let mut steps = vec![self.claim(), self.first()];
        steps.extend(self.same_table());
        steps.push(self.same_rows());
        match self.entry.kind {
            ExportKind::Full => self.replace(&mut steps),
            ExportKind::Incremental => self.append(&mut steps),
        }
        steps.push(self.record());
        steps
    }

    /// Whether the rows pass a temporary table, because SQL has to convert them.
    pub fn needs_stage(&self) -> bool {
        self.columns.iter().any(|column| column.conversion != Conversion::None)
    }

    /// Counts the rows that a full export takes away.
    pub(super) fn replaced(&self) -> String {
        let lost = match self.recent() {
            Some(recent) => format!(" WHERE CASE WHEN {recent} THEN 0 ELSE 1 END = 1"),
            None => String::new(),
        };
        format!("SELECT COUNT(*) FROM {}{lost}", self.target.qualified())
    }

    fn replace(&self, steps: &mut Vec<Step>) {
        let table = self.target.qualified();
        let stage = self.needs_stage().then(|| self.fill_stage(steps));
        steps.extend(self.save_recent());
        steps.push(step(Role::Change, format!("DELETE FROM {table}")));
        steps.push(stage.map_or_else(|| self.copy(&table), |stage| self.insert_from(&stage)));
        steps.push(self.count(&table));
        steps.extend(self.put_back());
    }

    fn append(&self, steps: &mut Vec<Step>) {
        let stage = self.fill_stage(steps);
        if self.has_id() {
            let (table, id) = (self.target.qualified(), quote_identifier(ID));
            let sql =
                format!("DELETE FROM {stage} USING {table} AS present WHERE present.{id} = {stage}.{id}");
            steps.push(step(Role::Prepare, sql));
            // A row without an id cannot be known again, so that it comes by full exports alone: it would double.
            if self.seen.has_full {
                steps.push(step(Role::Prepare, format!("DELETE FROM {stage} WHERE {id} IS NULL")));
            }
        }
        steps.push(self.insert_from(&stage));
    }

    /// Copies into a temporary table, and gives its name.
    fn fill_stage(&self, steps: &mut Vec<Step>) -> String {
        let stage = self.temporary("stage");
        steps.push(step(Role::Prepare, self.create_stage(&stage)));
        steps.push(self.copy(&stage));
        steps.push(self.count(&stage));
        stage
    }

    /// A second load of the table waits here until the first has ended: the lock is the table's own, so no
    /// other table's load does. What it finds then is not what it saw, or its change of the same row is ERROR
    /// 1023, under serializable as under snapshot isolation.
    fn claim(&self) -> Step {
        let sql = claim(&self.target.schema, &self.entry.table, &self.seen.claim, self.claim);
        step(Role::Claim, sql)
    }

    fn first(&self) -> Step {
        step(Role::First, first(&self.target.schema, &self.entry.table, self.claim))
    }

    /// The name stands for the table that was looked at. What is made anew after the transaction's snapshot
    /// cannot be read in it: ERROR 1018 (c_serial_isolation-serializable-isolation-troubleshooting).
    fn same_table(&self) -> Option<Step> {
        let check = counted("COUNT(*) > 0", SAME_WORDS);
        let sql = format!(
            "SELECT {check} FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = {} \
             AND n.nspname = {} AND c.relname = {}",
            self.seen.table_id?,
            quote_literal(&self.target.schema),
            quote_literal(&self.target.name)
        );
        Some(step(Role::Same, sql))
    }

    fn same_rows(&self) -> Step {
        let check = counted(if self.seen.is_empty { "COUNT(*) = 0" } else { "COUNT(*) > 0" }, SAME_WORDS);
        let table = self.target.qualified();
        step(Role::Same, format!("SELECT {check} FROM (SELECT 1 AS one FROM {table} LIMIT 1) AS found"))
    }

    /// Which rows of the old table stay though the export lacks them: made about the export's time or later,
    /// but not in the future, and known by an id.
    fn recent(&self) -> Option<String> {
        let exported_at = timestamp_text(self.entry.exported_at.as_deref()?)?;
        let created = self.target.column(CREATED_AT)?;
        let timed = matches!(created.target_type, TargetType::Timestamp | TargetType::TimestampTz);
        let hours = self.cover.hours;
        let condition = || {
            let (name, id) = (quote_identifier(&created.name), quote_identifier(ID));
            format!(
                "{name} >= CAST('{exported_at}' AS TIMESTAMP) - INTERVAL '{hours} hours' \
                 AND {name} <= SYSDATE + INTERVAL '{AHEAD_HOURS} hours' AND {id} IS NOT NULL"
            )
        };
        (timed && self.has_id()).then(condition)
    }

    fn save_recent(&self) -> Option<Step> {
        let condition = self.recent()?;
        let (recent, table) = (self.temporary("recent"), self.target.qualified());
        let sql = format!("CREATE TEMP TABLE {recent} AS SELECT * FROM {table} WHERE {condition}");
        Some(step(Role::Prepare, sql))
    }

    fn put_back(&self) -> Option<Step> {
        self.recent()?;
        let (recent, table, id) = (self.temporary("recent"), self.target.qualified(), quote_identifier(ID));
        // An IDENTITY takes no value: it numbers these rows as it does the export's.
        let columns = self.target.columns.iter().filter(|column| column.identity != Identity::Always);
        let names = list(columns.map(|column| quote_identifier(&column.name)));
        let sql = format!(
            "INSERT INTO {table} ({names}) SELECT {names} FROM {recent} AS saved \
             WHERE NOT EXISTS (SELECT 1 FROM {table} AS present WHERE present.{id} = saved.{id})"
        );
        Some(step(Role::Change, sql))
    }

    fn copy(&self, into: &str) -> Step {
        let role = match self.iam_role {
            "default" => "default".to_owned(),
            arn => quote_literal(arn),
        };
        let sql = format!(
            "COPY {into} ({}) FROM {} IAM_ROLE {role} FORMAT AS PARQUET MANIFEST",
            self.column_names(),
            quote_literal(self.manifest_uri),
        );
        step(Role::Copy, sql)
    }

    fn count(&self, table: &str) -> Step {
        let rows = self.entry.rows_accepted;
        let check = counted(&format!("COUNT(*) = {rows}"), &count_words(rows));
        step(Role::Count, format!("SELECT {check} FROM {table}"))
    }

    fn create_stage(&self, stage: &str) -> String {
        let columns = self.columns.iter().map(|column| {
            let sql_type = match (column.conversion, self.target.column(&column.name)) {
                (Conversion::None, Some(target)) => target.target_type.ddl(),
                _ => format!("VARCHAR({VARCHAR_BYTES_MAX})"),
            };
            format!("{} {sql_type}", quote_identifier(&column.name))
        });
        format!("CREATE TEMP TABLE {stage} ({})", list(columns))
    }

    fn insert_from(&self, stage: &str) -> Step {
        let values = self.columns.iter().map(|column| {
            let name = quote_identifier(&column.name);
            match column.conversion {
                Conversion::None => name,
                Conversion::JsonParse => format!("JSON_PARSE({name})"),
                Conversion::GeogFromWkb => format!("ST_GeogFromWKB({name})"),
            }
        });
        let (table, names) = (self.target.qualified(), self.column_names());
        step(Role::Change, format!("INSERT INTO {table} ({names}) SELECT {} FROM {stage}", list(values)))
    }

    /// What came in and what was kept is counted where the data is, in the transaction itself.
    fn record(&self) -> Step {
        let accepted = self.entry.rows_accepted;
        let (carried_over, loaded) = match self.entry.kind {
            ExportKind::Full => (
                format!("(SELECT COUNT(*) FROM {}) - {accepted}", self.target.qualified()),
                accepted.to_string(),
            ),
            ExportKind::Incremental => {
                ("0".to_owned(), format!("(SELECT COUNT(*) FROM {})", self.temporary("stage")))
            }
        };
        step(
            Role::Record,
            self.entry.insert(
                &self.beside(LEDGER),
                &carried_over,
                &loaded,
                self.seen.life,
                self.seen.keeps_privacy,
            ),
        )
    }

    fn has_id(&self) -> bool {
        let in_file = self.columns.iter().any(|column| column.name == ID);
        in_file && self.target.column(ID).is_some_and(|column| column.name == ID)
    }

    fn column_names(&self) -> String {
        list(self.columns.iter().map(|column| quote_identifier(&column.name)))
    }

    fn beside(&self, table: &str) -> String {
        qualified(&self.target.schema, table)
    }

    /// A session may be used again, so a temporary table's name is the load's own.
    fn temporary(&self, what: &str) -> String {
        quote_identifier(&format!("csl_{what}_{}", self.entry.load_id.replace('-', "")))
    }
}

/// Takes a table's lock from whoever was seen to have it.
pub(super) fn claim(schema: &str, table: &str, seen: &str, claim: &str) -> String {
    let lock = qualified(schema, &lock_name(table));
    format!("UPDATE {lock} SET claim = {} WHERE claim = {}", quote_literal(claim), quote_literal(seen))
}

/// Fails unless the lock was taken.
pub(super) fn first(schema: &str, table: &str, claim: &str) -> String {
    let check = counted("COUNT(*) > 0", FIRST_WORDS);
    let lock = qualified(schema, &lock_name(table));
    format!("SELECT {check} FROM {lock} WHERE claim = {}", quote_literal(claim))
}

/// Fails with these words and the count unless the count is right. The failing text hangs on the count: a
/// constant would be evaluated beforehand, and fail always.
fn counted(right: &str, words: &str) -> String {
    format!(
        "CAST(CASE WHEN {right} THEN '1' ELSE '{words} ' || CAST(COUNT(*) AS VARCHAR(20)) END AS INTEGER)"
    )
}

fn step(role: Role, sql: String) -> Step {
    Step { role, sql }
}

fn list(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
#[path = "sql_tests.rs"]
mod tests;
