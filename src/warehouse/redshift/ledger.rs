//! The ledger in the warehouse: `csl_stream_loads`, one row for each load that is in its table.
//!
//! A row is written in the transaction that changes the table: so the ledger says exactly what the table
//! holds, whatever became of the process that loaded it. It decides what is a duplicate and what is older.
//! Beside it `csl_stream_locks` has one row for each table, which every load changes.

use super::quote::{literal_or_null, qualified, quote_literal};
use crate::error::{Error, Result};
use crate::store::ExportKind;
use crate::warehouse::{Admission, LoadRequest};
use serde::{Deserialize, Serialize};

/// Table of the loads.
pub const LEDGER: &str = "csl_stream_loads";
/// Table with a row for each table, to serialise loads.
pub const LOCKS: &str = "csl_stream_locks";
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

/// The statements that make the ledger, each harmless where it is there already.
pub(super) fn create(schema: &str) -> Vec<String> {
    let columns: Vec<_> = COLUMNS.iter().map(|(name, sql)| format!("{name} {sql}")).collect();
    vec![
        format!("CREATE TABLE IF NOT EXISTS {} ({})", qualified(schema, LEDGER), columns.join(", ")),
        format!(
            "CREATE TABLE IF NOT EXISTS {} (table_name VARCHAR(127) NOT NULL, load_id VARCHAR(36))",
            qualified(schema, LOCKS)
        ),
    ]
}

/// The statement that gives a table its row in [`LOCKS`], once.
pub(super) fn enter(schema: &str, table: &str) -> String {
    let (locks, table) = (qualified(schema, LOCKS), quote_literal(table));
    format!(
        "INSERT INTO {locks} (table_name) SELECT {table} WHERE NOT EXISTS (SELECT 1 FROM {locks} WHERE table_name = {table})"
    )
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

/// Finds the load of this very export, and the newest full export of the table.
pub(super) fn select_admission(schema: &str, request: &LoadRequest) -> Vec<String> {
    let (ledger, table) = (qualified(schema, LEDGER), quote_literal(&request.table));
    let mut same = format!("load_id = {}", quote_literal(&request.load_id));
    if let Some(etag) = &request.source.etag {
        let uri = quote_literal(cut_uri(&request.source.uri));
        same += &format!(" OR (source_uri = {uri} AND source_etag = {})", quote_literal(etag));
    }
    vec![
        format!(
            "SELECT load_id FROM {ledger} WHERE table_name = {table} AND ({same}) ORDER BY finished LIMIT 1"
        ),
        format!("SELECT MAX(exported_at) FROM {ledger} WHERE table_name = {table} AND kind = 'full'"),
    ]
}

/// Whether a load may go ahead, given the answers to [`select_admission`].
pub(super) fn admission(
    request: &LoadRequest,
    same: Option<String>,
    newest_full: Option<String>,
) -> Admission {
    if let Some(load_id) = same {
        return Admission::AlreadyLoaded { load_id };
    }
    match (newest_full, request.exported_at.as_deref()) {
        (Some(full), Some(asked)) if asked < full.as_str() => Admission::Older { than: full },
        _ => Admission::Proceed,
    }
}

/// The part of a source's name that the ledger keeps.
pub(super) fn cut_uri(uri: &str) -> &str {
    &uri[..uri.floor_char_boundary(URI_BYTES_MAX)]
}

impl LedgerRow {
    /// Writes the row; `carried_over` and `loaded` are SQL that counts.
    pub(super) fn insert(&self, ledger: &str, carried_over: &str, loaded: &str) -> String {
        let names: Vec<_> = COLUMNS.iter().map(|(name, _)| *name).collect();
        let values = [
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
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::ObjectInfo;

    fn request(etag: Option<&str>, exported_at: Option<&str>) -> LoadRequest {
        let source = ObjectInfo { uri: "s3://b/it's".into(), etag: etag.map(str::to_owned), bytes: None };
        LoadRequest {
            load_id: "L".into(),
            table: "t".into(),
            kind: ExportKind::Full,
            source,
            exported_at: exported_at.map(str::to_owned),
            shrink: Default::default(),
            again: false,
        }
    }

    #[test]
    fn duplicates_and_older_exports() {
        let some = |text: &str| Some(text.to_owned());
        let older = || Admission::Older { than: "20260302".into() };
        let loaded = || Admission::AlreadyLoaded { load_id: "K".into() };
        for (same, full, asked, expected) in [
            (None, None, Some("20260301"), Admission::Proceed),
            (None, some("20260302"), Some("20260301"), older()),
            (None, some("20260302"), Some("20260302"), Admission::Proceed),
            (None, some("20260302"), None, Admission::Proceed),
            (some("K"), some("20260302"), Some("20260301"), loaded()),
        ] {
            assert_eq!(
                admission(&request(None, asked), same.clone(), full.clone()),
                expected,
                "{same:?} {full:?}"
            );
        }
    }

    #[test]
    fn an_export_without_an_etag_is_known_by_its_load_alone() {
        let sql = select_admission("public", &request(None, None)).remove(0);
        assert!(!sql.contains("source_uri"), "{sql}");
        let sql = select_admission("public", &request(Some("e"), None)).remove(0);
        assert!(sql.contains("source_uri = 's3://b/it''s' AND source_etag = 'e'"), "{sql}");
    }

    #[test]
    fn rows_are_read_as_they_were_written() {
        let cells: Vec<_> = "L t full u e 20260301 1 2 3 4 5 6 7 8 2026-03-01 2026-03-02 v"
            .split(' ')
            .map(|cell| Some(cell.to_owned()))
            .collect();
        let row = LedgerRow::read(&cells).unwrap();
        assert_eq!((row.rows_read, row.rows_loaded, row.bytes, row.version.as_str()), (1, 6, 8, "v"));
        let insert = row.insert("l", "0", "6");
        assert_eq!(insert.split(" SELECT ").nth(1).unwrap().split(", ").count(), COLUMNS.len());
        assert_eq!(LedgerRow::read(&cells[..5]).unwrap_err().exit_code(), 1);
    }
}
