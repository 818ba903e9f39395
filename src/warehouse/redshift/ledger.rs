//! The ledger in the warehouse: `csl_stream_loads`, one row for each load that is in its table.
//!
//! A row is written in the transaction that changes the table: so the ledger says exactly what the table
//! holds, whatever became of the process that loaded it. `admission` decides by it what is a duplicate and what is older.
//!
//! Beside it each table has a lock, `csl_stream_lock_<table>`, with one row that every load of the table
//! changes. Redshift locks whole tables from the first write until COMMIT (c_write_readwrite), so a lock that
//! tables shared would have them wait for each other's COPY. For the same reason a load reads the ledger
//! before its transaction (`admission.rs`) and only adds to it at the end: what two transactions both read and
//! write is ERROR 1023 for one of them (c_serial_isolation).

use super::quote::{literal_or_null, qualified, quote_literal};
use crate::error::{Error, Result};
use crate::ledger::timestamp;
use crate::privacy::PolicyId;
use crate::report::{FileReport, Rows};
use crate::store::ExportKind;
use crate::warehouse::LoadRequest;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::time::SystemTime;

/// Table of the loads.
pub const LEDGER: &str = "csl_stream_loads";
/// What the name of a table's lock begins with.
pub const LOCK_PREFIX: &str = "csl_stream_lock_";
/// Bytes of a name (r_names).
const NAME_BYTES_MAX: usize = 127;
/// Bytes of a hash that stands for the end of a long name, as hexadecimal digits.
const NAME_HASH_BYTES: usize = 8;
/// Bytes of a source's name that the ledger keeps.
const URI_BYTES_MAX: usize = 2048;

/// One load, as the ledger has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerRow {
    /// The load.
    pub load_id: String,
    /// Table name.
    pub table: String,
    /// Full or incremental.
    pub kind: ExportKind,
    /// The export.
    pub source_uri: String,
    /// Version of its content.
    pub source_etag: Option<String>,
    /// When it was made, `YYYYMMDDhhmmss`.
    pub exported_at: Option<String>,
    /// Data records in the export.
    pub rows_read: u64,
    /// Records that were written to Parquet, and copied.
    pub rows_accepted: u64,
    /// Records left out.
    pub rows_rejected: u64,
    /// Values cut to their column's width.
    pub values_truncated: u64,
    /// Rows kept from the old table.
    pub rows_carried_over: u64,
    /// Rows of the export that are in the table by this load; an incremental skips those that were there.
    pub rows_loaded: u64,
    /// Staged files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// When the load began, `YYYY-MM-DD hh:mm:ss` in UTC.
    pub started: String,
    /// When its transaction wrote the row, by Redshift's clock.
    pub finished: Option<String>,
    /// The program that loaded.
    pub version: String,
    /// The policy of privacy that its values were made by; none if nothing was hidden, and in a row that was read.
    #[serde(default)]
    pub privacy: Option<PolicyId>,
}

/// The columns in the order of [`LedgerRow`], with their types.
const COLUMNS: &[(&str, &str)] = &[
    ("load_id", "VARCHAR(36) NOT NULL"),
    ("table_name", "VARCHAR(127) NOT NULL"),
    ("kind", "VARCHAR(16) NOT NULL"),
    ("source_uri", "VARCHAR(2048) NOT NULL"),
    ("source_etag", "VARCHAR(256)"),
    ("exported_at", "VARCHAR(32)"),
    ("rows_read", "BIGINT NOT NULL"),
    ("rows_accepted", "BIGINT NOT NULL"),
    ("rows_rejected", "BIGINT NOT NULL"),
    ("values_truncated", "BIGINT NOT NULL"),
    ("rows_carried_over", "BIGINT NOT NULL"),
    ("rows_loaded", "BIGINT NOT NULL"),
    ("files", "BIGINT NOT NULL"),
    ("bytes", "BIGINT NOT NULL"),
    ("started", "TIMESTAMP NOT NULL"),
    ("finished", "TIMESTAMP NOT NULL"),
    ("version", "VARCHAR(64) NOT NULL"),
];

/// Columns that ledgers of earlier programs lack: which table it was, in which of its lives, and which of its
/// loads. NULL is the first life, of whichever table, before the first load.
pub(super) const LIFE_COLUMNS: &[(&str, &str)] =
    &[("table_id", "BIGINT"), ("generation", "BIGINT"), ("sequence", "BIGINT")];

/// The column that ledgers of earlier programs lack besides: the policy of privacy, digest and name. NULL is none.
pub(super) const PRIVACY_COLUMNS: &[(&str, &str)] = &[("privacy", "VARCHAR(256)")];
/// Bytes of that column.
const PRIVACY_BYTES_MAX: usize = 256;

/// Which table a load went into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life {
    /// The catalogue's number of the table.
    pub table_id: u64,
    /// How often the table had lost its rows before, as far as loads have seen it.
    pub generation: u64,
    /// The how-many-th load of the table it is: times are of whole seconds.
    pub sequence: u64,
}

/// The name of a table's lock. Redshift folds names to lower case, so it is that.
pub(super) fn lock_name(table: &str) -> String {
    let name = format!("{LOCK_PREFIX}{}", table.to_ascii_lowercase());
    if name.len() <= NAME_BYTES_MAX {
        return name;
    }
    let digest = Sha256::digest(name.as_bytes());
    let hash: String = digest[..NAME_HASH_BYTES].iter().map(|byte| format!("{byte:02x}")).collect();
    let kept = name.floor_char_boundary(NAME_BYTES_MAX - hash.len() - 1);
    format!("{}_{hash}", &name[..kept])
}

/// The statement that makes the ledger, harmless where it is there already.
pub(super) fn create_ledger(schema: &str) -> String {
    let columns =
        COLUMNS.iter().chain(LIFE_COLUMNS).chain(PRIVACY_COLUMNS).map(|(name, sql)| format!("{name} {sql}"));
    let columns: Vec<_> = columns.collect();
    format!("CREATE TABLE IF NOT EXISTS {} ({})", qualified(schema, LEDGER), columns.join(", "))
}

/// The statements that give a ledger of an earlier program the columns it lacks. ALTER TABLE knows no IF NOT
/// EXISTS, and adds one column at a time (dg/r_ALTER_TABLE).
pub(super) fn alter_ledger<'a>(
    schema: &str,
    columns: impl Iterator<Item = &'a (&'a str, &'a str)>,
) -> Vec<String> {
    let ledger = qualified(schema, LEDGER);
    columns.map(|(name, sql)| format!("ALTER TABLE {ledger} ADD COLUMN {name} {sql}")).collect()
}

/// The statement that makes a table's lock, harmless where it is there already.
pub(super) fn create_lock(schema: &str, table: &str) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS {} (claim VARCHAR(64) NOT NULL)",
        qualified(schema, &lock_name(table))
    )
}

/// The statement that gives a lock its row. Two processes may both do so: a load changes all rows of it.
pub(super) fn enter(schema: &str, table: &str) -> String {
    let lock = qualified(schema, &lock_name(table));
    format!("INSERT INTO {lock} (claim) SELECT '' WHERE NOT EXISTS (SELECT 1 FROM {lock})")
}

/// Reads loads, newest first; all tables' if none is named.
pub(super) fn select(
    schema: &str,
    table: Option<&str>,
    load_id: Option<&str>,
    limit: Option<usize>,
) -> String {
    let names: Vec<_> = COLUMNS.iter().map(|(name, _)| *name).collect();
    let mut conditions = Vec::new();
    conditions.extend(table.map(|table| format!("table_name = {}", quote_literal(table))));
    conditions.extend(load_id.map(|id| format!("load_id = {}", quote_literal(id))));
    let mut sql = format!("SELECT {} FROM {}", names.join(", "), qualified(schema, LEDGER));
    if !conditions.is_empty() {
        sql += &format!(" WHERE {}", conditions.join(" AND "));
    }
    sql += " ORDER BY finished DESC, load_id DESC";
    if let Some(limit) = limit {
        sql += &format!(" LIMIT {limit}");
    }
    sql
}

/// The part of a source's name that the ledger keeps.
pub(super) fn cut_uri(uri: &str) -> &str {
    &uri[..uri.floor_char_boundary(URI_BYTES_MAX)]
}

impl LedgerRow {
    /// A row of no load, to try with whether one can be written.
    pub(super) fn none() -> Self {
        Self {
            load_id: String::new(),
            table: String::new(),
            kind: ExportKind::Full,
            source_uri: String::new(),
            source_etag: None,
            exported_at: None,
            rows_read: 0,
            rows_accepted: 0,
            rows_rejected: 0,
            values_truncated: 0,
            rows_carried_over: 0,
            rows_loaded: 0,
            files: 0,
            bytes: 0,
            started: "1970-01-01 00:00:00".to_owned(),
            finished: None,
            version: String::new(),
            privacy: None,
        }
    }

    /// The row of a load that is about to be committed; what it carries over is counted then.
    pub(super) fn of_load(
        request: &LoadRequest,
        files: &[FileReport],
        rows: &Rows,
        started: SystemTime,
    ) -> Self {
        Self {
            load_id: request.load_id.clone(),
            table: request.table.clone(),
            kind: request.kind,
            source_uri: cut_uri(&request.source.uri).to_owned(),
            source_etag: request.source.etag.clone(),
            exported_at: request.exported_at.clone(),
            rows_read: rows.read,
            rows_accepted: rows.accepted,
            rows_rejected: rows.rejected,
            values_truncated: rows.truncated_values,
            rows_carried_over: 0,
            rows_loaded: 0,
            files: files.len() as u64,
            bytes: files.iter().map(|file| file.bytes).sum(),
            started: timestamp(started).replace('T', " ").replace('Z', ""),
            finished: None,
            version: concat!("csl-stream ", env!("CARGO_PKG_VERSION")).to_owned(),
            privacy: request.privacy.clone(),
        }
    }

    /// Writes the row; `carried_over` and `loaded` are SQL that counts. Without a life the ledger is one of an
    /// earlier program, and so it is where it cannot keep the policy of privacy.
    pub(super) fn insert(
        &self,
        ledger: &str,
        carried_over: &str,
        loaded: &str,
        life: Option<Life>,
        keeps_privacy: bool,
    ) -> String {
        let mut names: Vec<_> = COLUMNS.iter().map(|(name, _)| *name).collect();
        let mut values = vec![
            quote_literal(&self.load_id),
            quote_literal(&self.table),
            quote_literal(self.kind.word()),
            quote_literal(&self.source_uri),
            literal_or_null(self.source_etag.as_deref()),
            literal_or_null(self.exported_at.as_deref()),
            self.rows_read.to_string(),
            self.rows_accepted.to_string(),
            self.rows_rejected.to_string(),
            self.values_truncated.to_string(),
            carried_over.to_owned(),
            loaded.to_owned(),
            self.files.to_string(),
            self.bytes.to_string(),
            format!("CAST({} AS TIMESTAMP)", quote_literal(&self.started)),
            "GETDATE()".to_owned(),
            quote_literal(&self.version),
        ];
        if let Some(life) = life {
            names.extend(LIFE_COLUMNS.iter().map(|(name, _)| *name));
            values.extend([life.table_id, life.generation, life.sequence].map(|number| number.to_string()));
        }
        if let Some(id) = self.privacy.as_ref().filter(|_| keeps_privacy) {
            let text = id.to_string();
            names.extend(PRIVACY_COLUMNS.iter().map(|(name, _)| *name));
            values.push(quote_literal(&text[..text.floor_char_boundary(PRIVACY_BYTES_MAX)]));
        }
        format!("INSERT INTO {ledger} ({}) SELECT {}", names.join(", "), values.join(", "))
    }

    /// A row as [`select`] asks for it.
    ///
    /// # Errors
    /// [`Error::Input`] if the ledger's columns are not those.
    pub(super) fn read(cells: &[Option<String>]) -> Result<Self> {
        let text = |at: usize| cells.get(at).cloned().flatten();
        let damaged = |at: usize| {
            Error::input(format!("{LEDGER}.{} is not what this program wrote", COLUMNS[at].0))
                .help("a later version may have written it: use that one")
        };
        let needed = |at: usize| text(at).ok_or_else(|| damaged(at));
        let number = |at: usize| needed(at)?.parse::<u64>().map_err(|_| damaged(at));
        let kind = ExportKind::of_word(&needed(2)?).ok_or_else(|| damaged(2))?;
        Ok(Self {
            load_id: needed(0)?,
            table: needed(1)?,
            kind,
            source_uri: needed(3)?,
            source_etag: text(4),
            exported_at: text(5),
            rows_read: number(6)?,
            rows_accepted: number(7)?,
            rows_rejected: number(8)?,
            values_truncated: number(9)?,
            rows_carried_over: number(10)?,
            rows_loaded: number(11)?,
            files: number(12)?,
            bytes: number(13)?,
            started: needed(14)?,
            finished: text(15),
            version: needed(16)?,
            privacy: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_table_has_a_lock_of_its_own() {
        assert_eq!(lock_name("Signatures"), "csl_stream_lock_signatures");
        let long = |end: &str| lock_name(&format!("{}{end}", "t".repeat(120)));
        assert_eq!((long("a").len(), long("a") == long("b")), (NAME_BYTES_MAX, false));
        assert_ne!(lock_name(&"t".repeat(111)), lock_name(&"t".repeat(112)));
    }

    #[test]
    fn rows_are_read_as_they_were_written() {
        let cells: Vec<_> = "L t full u e 20260301 1 2 3 4 5 6 7 8 2026-03-01 2026-03-02 v"
            .split(' ')
            .map(|cell| Some(cell.to_owned()))
            .collect();
        let row = LedgerRow::read(&cells).unwrap();
        assert_eq!((row.rows_read, row.rows_loaded, row.bytes, row.version.as_str()), (1, 6, 8, "v"));
        let life = Life { table_id: 7, generation: 0, sequence: 1 };
        let id = PolicyId { digest: "0123456789abcdef".to_owned(), name: "ä".repeat(200) };
        let row = LedgerRow { privacy: Some(id), ..row };
        for (life, keeps_privacy, more) in [
            (None, false, 0),
            (Some(life), false, LIFE_COLUMNS.len()),
            (Some(life), true, LIFE_COLUMNS.len() + 1),
        ] {
            let columns = COLUMNS.len() + more;
            let insert = row.insert("l", "0", "6", life, keeps_privacy);
            assert!(insert.len() < 1_000, "{insert}");
            let (names, values) = insert.split_once(" SELECT ").unwrap();
            assert_eq!((names.split(", ").count(), values.split(", ").count()), (columns, columns));
        }
        assert_eq!(LedgerRow::read(&cells[..5]).unwrap_err().exit_code(), 1);
    }
}
