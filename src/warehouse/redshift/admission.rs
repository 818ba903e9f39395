//! Whether a load may go ahead: what the ledger and the table's lock say, read at once, before the
//! transaction. The transaction itself fails unless the lock is as it was read, so what is decided here still
//! holds there.
//!
//! ```text
//! claim ── as it was read, or another load was first: read again
//! same ─── this export, or this load, is in the ledger          ──▶ already loaded
//! newest ─ a newer full export covers what this one brings      ──▶ older
//! rows ─── the last full load had many more rows than this one  ──▶ the table would shrink
//! ```

use super::ledger::{LEDGER, LedgerRow, cut_uri, lock_name};
use super::quote::{qualified, quote_literal};
use crate::ledger::{Cover, timestamp};
use crate::store::{AHEAD_MAX, ExportKind};
use crate::warehouse::{Admission, LoadRequest};
use std::time::SystemTime;

/// Rows that say they were made later than so many hours from now have a wrong clock, and are not kept.
pub(super) const AHEAD_HOURS: u32 = 1;

/// What is asked about a load.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    load_id: &'a str,
    table: &'a str,
    kind: ExportKind,
    uri: &'a str,
    etag: Option<&'a str>,
    exported_at: Option<&'a str>,
    /// Only this very load counts: the export is to be loaded once more.
    again: bool,
}

impl<'a> From<&'a LoadRequest> for Asked<'a> {
    fn from(request: &'a LoadRequest) -> Self {
        Self {
            load_id: &request.load_id,
            table: &request.table,
            kind: request.kind,
            uri: cut_uri(&request.source.uri),
            etag: request.source.etag.as_deref(),
            exported_at: request.exported_at.as_deref(),
            again: request.again,
        }
    }
}

impl<'a> From<&'a LedgerRow> for Asked<'a> {
    fn from(row: &'a LedgerRow) -> Self {
        Self {
            load_id: &row.load_id,
            table: &row.table,
            kind: row.kind,
            uri: &row.source_uri,
            etag: row.source_etag.as_deref(),
            exported_at: row.exported_at.as_deref(),
            again: false,
        }
    }
}

impl Asked<'_> {
    /// The same, to be loaded once more or not.
    pub(super) fn again(self, again: bool) -> Self {
        Self { again, ..self }
    }
}

/// The latest time that the name of an export can have, as digits.
fn latest(now: SystemTime) -> String {
    timestamp(now + AHEAD_MAX).chars().filter(char::is_ascii_digit).collect()
}

/// What is known before a load.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Known {
    /// What the table's lock says; none without a lock, or without its row.
    pub(super) claim: Option<String>,
    /// The load of this very export.
    same: Option<String>,
    /// When the newest full export in the table was made.
    newest_full: Option<String>,
    /// Rows that the last full load brought.
    pub(super) last_full_rows: Option<u64>,
}

impl Known {
    /// The query for it, one statement so that all of it is of one moment; without the lock before a table
    /// has one.
    pub(super) fn sql(schema: &str, asked: &Asked<'_>, with_lock: bool) -> String {
        let (ledger, table) = (qualified(schema, LEDGER), quote_literal(asked.table));
        let mut same = format!("load_id = {}", quote_literal(asked.load_id));
        if let Some(etag) = asked.etag.filter(|_| !asked.again) {
            same += &format!(
                " OR (source_uri = {} AND source_etag = {} AND kind = {})",
                quote_literal(asked.uri),
                quote_literal(etag),
                quote_literal(asked.kind.word())
            );
        }
        let full = format!("table_name = {table} AND kind = 'full'");
        // A time that is still to come is none: every later export would be older, for ever.
        let latest = quote_literal(&latest(SystemTime::now()));
        let claim = match with_lock {
            true => format!("(SELECT MAX(claim) FROM {})", qualified(schema, &lock_name(asked.table))),
            false => "CAST(NULL AS VARCHAR(64))".to_owned(),
        };
        format!(
            "SELECT {claim}, \
             (SELECT MIN(load_id) FROM {ledger} WHERE table_name = {table} AND ({same})), \
             (SELECT MAX(exported_at) FROM {ledger} WHERE {full} AND exported_at <= {latest}), \
             (SELECT rows_loaded FROM {ledger} WHERE {full} ORDER BY finished DESC, load_id DESC LIMIT 1)"
        )
    }

    /// The answer to [`Known::sql`].
    pub(super) fn read(rows: &[Vec<Option<String>>]) -> Self {
        let cell = |at: usize| rows.first().and_then(|row| row.get(at)).cloned().flatten();
        Self {
            claim: cell(0),
            same: cell(1),
            newest_full: cell(2),
            last_full_rows: cell(3).and_then(|text| text.parse().ok()),
        }
    }

    /// Whether the load may go ahead.
    pub(super) fn admission(&self, asked: &Asked<'_>, cover: Cover) -> Admission {
        if let Some(load_id) = &self.same {
            return Admission::AlreadyLoaded { load_id: load_id.clone() };
        }
        match (&self.newest_full, asked.exported_at) {
            (Some(full), at) if !asked.again && cover.covers(Some(full), asked.kind, at) => {
                Admission::Older { than: full.clone() }
            }
            _ => Admission::Proceed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::ObjectInfo;
    use crate::warehouse::ShrinkGuard;

    const FULL: ExportKind = ExportKind::Full;
    const INCREMENTAL: ExportKind = ExportKind::Incremental;

    fn request(kind: ExportKind, etag: Option<&str>, exported_at: Option<&str>) -> LoadRequest {
        let source = ObjectInfo { uri: "s3://b/it's".into(), etag: etag.map(str::to_owned), bytes: None };
        LoadRequest {
            load_id: "L".into(),
            table: "t".into(),
            kind,
            source,
            exported_at: exported_at.map(str::to_owned),
            again: false,
            shrink: ShrinkGuard::default(),
        }
    }

    #[test]
    fn duplicates_and_older_exports() {
        let night = Some("20260302030000");
        let (proceed, older) = (Admission::Proceed, Admission::Older { than: "20260302030000".into() });
        let loaded = Admission::AlreadyLoaded { load_id: "K".into() };
        for (kind, same, full, asked, expected) in [
            (FULL, None, None, Some("20260301000000"), &proceed),
            (FULL, None, night, Some("20260302025959"), &older),
            (FULL, None, night, night, &proceed),
            (FULL, None, night, None, &proceed),
            (FULL, Some("K"), night, Some("20260301"), &loaded),
            // An incremental of the hours before a full export's name may bring what that one lacks.
            (INCREMENTAL, None, night, Some("20260302025959"), &proceed),
            (INCREMENTAL, None, night, Some("20260301210000"), &proceed),
            (INCREMENTAL, None, night, Some("20260301205959"), &older),
            (INCREMENTAL, None, Some("what is this"), Some("20260301"), &proceed),
            (FULL, None, Some("99991231235959"), Some("20260301"), &proceed),
            (INCREMENTAL, Some("K"), night, Some("20260302025959"), &loaded),
        ] {
            let known = Known {
                same: same.map(str::to_owned),
                newest_full: full.map(str::to_owned),
                ..Known::default()
            };
            let request = request(kind, None, asked);
            assert_eq!(
                known.admission(&Asked::from(&request), Cover::default()),
                *expected,
                "{kind:?} {same:?} {full:?} {asked:?}"
            );
        }
    }

    #[test]
    fn an_export_without_an_etag_is_known_by_its_load_alone() {
        let sql = |etag| Known::sql("public", &Asked::from(&request(FULL, etag, None)), true);
        assert!(!sql(None).contains("source_uri"), "{}", sql(None));
        assert!(
            sql(Some("e")).contains("source_uri = 's3://b/it''s' AND source_etag = 'e' AND kind = 'full'"),
            "{}",
            sql(Some("e"))
        );
        assert!(sql(None).contains("FROM \"public\".\"csl_stream_lock_t\""), "{}", sql(None));
    }
}
