//! Whether a load may go ahead: what the ledger and the table's lock say, read at once, before the
//! transaction. The transaction itself fails unless the lock is as it was read, so what is decided here still
//! holds there.
//!
//! ```text
//! claim ── as it was read, or another load was first: read again
//! rows ─── none, though the ledger says that some were loaded   ──▶ a new life: what it says counts no more
//! same ─── this export, or this load, is in the ledger          ──▶ already loaded
//! newest ─ a newer full export covers what this one brings      ──▶ older
//! ```
//!
//! The ledger is believed only while the table is the one that it speaks of. A table that is empty though rows
//! were loaded (TRUNCATE, DROP and CREATE, DELETE) begins a new life, and loads count from there on. One that
//! has rows but is another than an export was loaded into (a deep copy, dg/performing-a-deep-copy; a table
//! renamed into its place) holds nobody knows what: the export is loaded again when it is asked for, because
//! that repeats at worst; an older full export still does not replace it.

use super::catalogue::{Catalogue, Words};
use super::ledger::{LEDGER, LedgerRow, Life, cut_uri, lock_name};
use super::quote::{qualified, quote_literal};
use super::sql::{ID, Seen};
use crate::ledger::{Cover, timestamp};
use crate::privacy::PolicyId;
use crate::schema::TargetTable;
use crate::store::{AHEAD_MAX, DIGEST_PREFIX, ExportKind};
use crate::warehouse::contract::another_policy;
use crate::warehouse::{Admission, ERASE_SOURCE, LoadRequest};
use std::time::SystemTime;

/// Whether an etag is the digest of an export's content, as `pipeline::digest` writes it.
fn is_digest(etag: &str) -> bool {
    etag.starts_with(DIGEST_PREFIX)
}

/// What is asked about a load.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    load_id: &'a str,
    table: &'a str,
    kind: ExportKind,
    uri: &'a str,
    etag: Option<&'a str>,
    exported_at: Option<&'a str>,
    /// Kind of the export that the rows are of.
    rows_of: ExportKind,
    /// Only this very load counts: the export is to be loaded once more.
    again: bool,
    /// The digest of the policy of privacy; empty: none.
    policy: &'a str,
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
            rows_of: request.rows_of(),
            again: request.again,
            policy: PolicyId::digest_of(request.privacy.as_ref()),
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
            rows_of: row.kind,
            again: false,
            policy: PolicyId::digest_of(row.privacy.as_ref()),
        }
    }
}

/// Which loads of an export are the same.
#[derive(Debug, Clone, Copy)]
enum Under {
    /// Those under the same policy of privacy.
    Same { keeps_privacy: bool },
    /// All.
    Any,
}

impl<'a> Asked<'a> {
    /// The same, to be loaded once more or not.
    pub(super) fn again(self, again: bool) -> Self {
        Self { again, ..self }
    }

    /// The table that is asked for.
    pub(super) fn table(&self) -> &'a str {
        self.table
    }

    /// SQL that is true of a load of this very export, or of this very load. A ledger that cannot keep the policy
    /// of privacy speaks of loads without one.
    fn is_same(&self, under: Under) -> String {
        let mut same = format!("load_id = {}", quote_literal(self.load_id));
        if let Some(etag) = self.etag.filter(|_| !self.again) {
            same += &format!(
                " OR (source_etag = {} AND kind = {}",
                quote_literal(etag),
                quote_literal(self.kind.word())
            );
            // The bytes alone say what an incremental without an etag is: a copy of it is the same. A full one of
            // the same rows may be of a later night.
            if self.kind == ExportKind::Full || !is_digest(etag) {
                same += &format!(" AND source_uri = {}", quote_literal(self.uri));
            }
            if let Under::Same { keeps_privacy } = under {
                same += &format!(" AND NOT ({})", self.is_under_another_policy(keeps_privacy));
            }
            same += ")";
        }
        same
    }
}

impl Asked<'_> {
    fn is_under_another_policy(&self, keeps_privacy: bool) -> String {
        let (chars, policy) = (PolicyId::DIGEST_CHARS, quote_literal(self.policy));
        match keeps_privacy {
            true => format!("COALESCE(SUBSTRING(privacy, 1, {chars}), '') <> {policy}"),
            false => format!("{policy} <> ''"),
        }
    }

    /// SQL that is true of a load under another policy of privacy whose rows stay in the table.
    fn is_under_another(&self, keeps_privacy: bool) -> String {
        // An erasure makes no rows.
        let erasure = quote_literal(ERASE_SOURCE);
        let another = format!("{} AND source_uri <> {erasure}", self.is_under_another_policy(keeps_privacy));
        match self.kind {
            ExportKind::Full => format!("{another} AND kind <> 'full'"),
            ExportKind::Incremental => another,
        }
    }
}

/// The latest time that the name of an export can have, as digits.
fn latest(now: SystemTime) -> String {
    timestamp(now + AHEAD_MAX).chars().filter(char::is_ascii_digit).collect()
}

/// By which rule an export is needless.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) cover: Cover,
    /// Whether rows can be told apart, so that what is there already is passed over.
    pub(super) has_ids: bool,
}

impl Rule {
    /// The rule for a table.
    pub(super) fn of(cover: Cover, target: &TargetTable) -> Self {
        Self::by(cover, target.column(ID).is_some())
    }

    /// The rule for a table with ids, or without.
    pub(super) fn by(cover: Cover, has_ids: bool) -> Self {
        Self { cover: cover.of_table(has_ids), has_ids }
    }
}

/// What is known before a load.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) catalogue: Catalogue,
    /// What the table's lock says; none without a lock, or without its row.
    pub(super) claim: Option<String>,
    /// Rows in the table.
    rows: u64,
    /// Rows that the loads of the table's life left in it.
    expected: u64,
    /// The newest life of the table.
    generation: u64,
    /// Loads of the table so far.
    sequence: u64,
    /// The load of this very export, into this very table.
    same: Option<String>,
    /// The load of this very export into a table of this name that is gone.
    same_before: Option<String>,
    /// The load of this very export into a table of this name, under whatever policy of privacy.
    same_under_any: Option<String>,
    /// When the newest full export in the table was made.
    newest_full: Option<String>,
    /// Whether a full export is in the table.
    has_full: bool,
    /// Loads in the table that another policy of privacy has made; of a full export those that it may keep.
    pub(super) other_policy: u64,
}

impl Known {
    /// What is known of a table before its first load.
    pub(super) fn nothing(catalogue: Catalogue) -> Self {
        Self { catalogue, ..Self::default() }
    }

    /// The query for it, one statement so that all of it is of one moment; without the lock before a table
    /// has one.
    pub(super) fn sql(schema: &str, asked: &Asked<'_>, with_lock: bool, catalogue: &Catalogue) -> String {
        let (ledger, table) = (qualified(schema, LEDGER), quote_literal(asked.table));
        let target = qualified(schema, asked.table);
        let loads = format!("FROM {ledger} WHERE table_name = {table}");
        let Words { is_alive, is_own, order, generation, sequence } = catalogue.words(&loads);
        let of_table = format!("{loads} AND {is_alive}");
        // A full load takes the place of those before it, by whichever time they are named.
        let last = format!("(SELECT MAX({order}) {of_table} AND kind = 'full')");
        let in_table = format!("(kind <> 'full' OR {order} = {last})");
        let same = asked.is_same(Under::Same { keeps_privacy: catalogue.keeps_privacy });
        let same_under_any = asked.is_same(Under::Any);
        let another = asked.is_under_another(catalogue.keeps_privacy);
        // A time that is still to come is none: every later export would be older, for ever.
        let latest = quote_literal(&latest(SystemTime::now()));
        // Rows that were erased are not lost.
        let erase = quote_literal(ERASE_SOURCE);
        let claim = match with_lock {
            true => format!("(SELECT MAX(claim) FROM {})", qualified(schema, &lock_name(asked.table))),
            false => "CAST(NULL AS VARCHAR(64))".to_owned(),
        };
        format!(
            "SELECT {claim}, (SELECT COUNT(*) FROM {target}), \
             (SELECT CAST(COALESCE(SUM(CASE WHEN source_uri = {erase} THEN -rows_read \
             ELSE rows_loaded + rows_carried_over END), 0) AS BIGINT) {of_table} \
             AND ({last} IS NULL OR {order} >= {last})), \
             {generation}, {sequence}, \
             (SELECT MIN(load_id) {of_table} AND ({same}) AND {in_table} AND {is_own}), \
             (SELECT MIN(load_id) {of_table} AND ({same}) AND {in_table} AND NOT {is_own}), \
             (SELECT MAX(exported_at) {of_table} AND kind = 'full' AND {in_table} AND exported_at <= {latest}), \
             (SELECT COUNT(*) {of_table} AND kind = 'full'), \
             (SELECT COUNT(*) {of_table} AND ({last} IS NULL OR {order} >= {last}) AND ({another})), \
             (SELECT MIN(load_id) {of_table} AND ({same_under_any}) AND {in_table})"
        )
    }

    /// The answer to [`Known::sql`].
    pub(super) fn read(rows: &[Vec<Option<String>>], catalogue: Catalogue) -> Self {
        let cell = |at: usize| rows.first().and_then(|row| row.get(at)).cloned().flatten();
        let number = |at: usize| cell(at).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
        Self {
            catalogue,
            claim: cell(0),
            rows: number(1),
            expected: number(2),
            generation: number(3),
            sequence: number(4),
            same: cell(5),
            same_before: cell(6),
            newest_full: cell(7),
            has_full: number(8) > 0,
            other_policy: number(9),
            same_under_any: cell(10),
        }
    }

    /// Whether the table is empty though the ledger says that rows are in it: nothing it says of the table
    /// counts then.
    fn is_lost(&self) -> bool {
        self.rows == 0 && self.expected > 0
    }

    /// Whether the load may go ahead.
    pub(super) fn admission(&self, asked: &Asked<'_>, rule: Rule) -> Admission {
        if self.is_lost() {
            return Admission::Proceed;
        }
        // Without ids the rows of this export cannot be told from those of a copy under the table's name, nor from
        // what another policy of privacy has made of them.
        let before = self.same_before.as_ref().or(self.same_under_any.as_ref());
        let before = before.filter(|_| self.doubles(asked, rule));
        if let Some(load_id) = self.same.as_ref().or(before) {
            return Admission::AlreadyLoaded { load_id: load_id.clone() };
        }
        match (&self.newest_full, asked.exported_at) {
            (Some(full), at) if !asked.again && rule.cover.covers(Some(full), asked.rows_of, at) => {
                Admission::Older { than: full.clone() }
            }
            _ => Admission::Proceed,
        }
    }

    fn doubles(&self, asked: &Asked<'_>, rule: Rule) -> bool {
        asked.kind == ExportKind::Incremental && !rule.has_ids && self.rows > 0
    }

    /// What a load has to be told that goes ahead though the ledger has its export, or others that are gone.
    pub(super) fn warning(&self, table: &str) -> Option<String> {
        if self.is_lost() {
            return Some(format!(
                "the table {table} was empty, though {} rows had been loaded into it: what was loaded before counts no \
                 more, and is loaded again when it is asked for; the newest full export brings the table back: csl-stream \
                 backfill --table {table}",
                self.expected
            ));
        }
        let before = self.same_before.as_ref().filter(|_| self.same.is_none());
        let moved = before.map(|load_id| {
            format!(
                "the export is loaded again: load {load_id} went into another table of this name, which is gone"
            )
        });
        moved.or_else(|| (self.other_policy > 0).then(|| another_policy(self.other_policy)))
    }

    /// What the load's transaction takes for given, and what it writes down.
    pub(super) fn seen(&self) -> Seen {
        let generation = self.generation + u64::from(self.is_lost());
        let life = |table_id| Life { table_id, generation, sequence: self.sequence + 1 };
        Seen {
            claim: self.claim.clone().unwrap_or_default(),
            table_id: self.catalogue.table_id,
            is_empty: self.rows == 0,
            has_full: self.has_full && !self.is_lost(),
            life: self.catalogue.table_id.filter(|_| self.catalogue.keeps_lives).map(life),
            keeps_privacy: self.catalogue.keeps_privacy,
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

    const KEYED: Rule = Rule { cover: Cover { hours: 6 }, has_ids: true };
    const NAMELESS: Rule = Rule { cover: Cover { hours: 0 }, has_ids: false };

    #[test]
    fn the_ledger_is_believed_while_the_table_is_the_one_it_speaks_of() {
        let (same, before) = (Some("K"), Some("B"));
        let night = "20260302030000";
        // Rows in the table and in the ledger, the load of the export into this table and into one that is gone.
        for (rows, expected, same, before, rule, kind, admitted, told) in [
            (5, 5, same, None, KEYED, FULL, false, None),
            (0, 5, same, None, KEYED, FULL, true, Some("was empty")),
            (0, 0, same, None, KEYED, FULL, false, None),
            (0, 5, same, before, NAMELESS, INCREMENTAL, true, Some("was empty")),
            (5, 5, None, before, KEYED, FULL, true, Some("which is gone")),
            (5, 5, None, before, KEYED, INCREMENTAL, true, Some("which is gone")),
            (5, 5, None, before, NAMELESS, FULL, true, Some("which is gone")),
            (5, 5, None, before, NAMELESS, INCREMENTAL, false, None),
            (5, 5, same, before, KEYED, FULL, false, None),
        ] {
            let known = Known {
                rows,
                expected,
                same: same.map(str::to_owned),
                same_before: before.map(str::to_owned),
                newest_full: Some(night.to_owned()),
                has_full: true,
                ..Known::default()
            };
            let what = format!("{rows} {expected} {same:?} {before:?} {rule:?} {kind:?}");
            let asked = request(kind, Some("e"), Some(night));
            let found = known.admission(&Asked::from(&asked), rule);
            assert_eq!(found == Admission::Proceed, admitted, "{what}: {found:?}");
            if admitted {
                assert!(known.warning("t").is_some_and(|warning| warning.contains(told.unwrap())), "{what}");
            }
            assert_eq!(known.seen().has_full, rows > 0 || expected == 0, "{what}");
            // Older full exports replace nothing but an empty table.
            let older = request(FULL, Some("o"), Some("20260301030000"));
            let known = Known { same: None, same_before: None, ..known };
            let found = known.admission(&Asked::from(&older), rule);
            assert_eq!(found == Admission::Proceed, rows == 0 && expected > 0, "{what}: {found:?}");
        }
    }

    #[test]
    fn a_table_that_lost_its_rows_begins_a_new_life() {
        let catalogue = Catalogue {
            table_id: Some(7),
            keeps_lives: true,
            keeps_privacy: true,
            has_ledger: true,
            has_erased: false,
        };
        for (rows, expected, generation) in [(0, 0, 3), (0, 1, 4), (1, 1, 3), (1, 0, 3)] {
            let known = Known { rows, expected, generation: 3, sequence: 5, catalogue, ..Known::default() };
            assert_eq!(
                known.seen().life,
                Some(Life { table_id: 7, generation, sequence: 6 }),
                "{rows} {expected}"
            );
        }
        let before = Catalogue { keeps_lives: false, ..catalogue };
        assert_eq!(Known { catalogue: before, ..Known::default() }.seen().life, None);
    }

    fn request(kind: ExportKind, etag: Option<&str>, exported_at: Option<&str>) -> LoadRequest {
        let source = ObjectInfo { uri: "s3://b/it's".into(), etag: etag.map(str::to_owned), bytes: None };
        LoadRequest {
            load_id: "L".into(),
            table: "t".into(),
            kind,
            source,
            exported_at: exported_at.map(str::to_owned),
            again: false,
            rejected_from: None,
            shrink: ShrinkGuard::default(),
            privacy: None,
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
                rows: 1,
                same: same.map(str::to_owned),
                newest_full: full.map(str::to_owned),
                ..Known::default()
            };
            let request = request(kind, None, asked);
            assert_eq!(
                known.admission(&Asked::from(&request), KEYED),
                *expected,
                "{kind:?} {same:?} {full:?} {asked:?}"
            );
        }
    }

    #[test]
    fn an_export_without_an_etag_is_known_by_its_load_alone() {
        let of = |kind, etag| {
            Known::sql("public", &Asked::from(&request(kind, etag, None)), true, &Catalogue::default())
        };
        let sql = |etag| of(FULL, etag);
        let uri = "source_uri = 's3://b/it''s'";
        assert!(!sql(None).contains(uri), "{}", sql(None));
        assert!(
            sql(Some("e")).contains("source_etag = 'e' AND kind = 'full' AND source_uri = 's3://b/it''s'"),
            "{}",
            sql(Some("e"))
        );
        let digest = Some("xxh3-0-1");
        assert!(sql(digest).contains(uri) && !of(INCREMENTAL, digest).contains(uri));
        assert!(of(INCREMENTAL, Some("e")).contains(uri));
        assert!(sql(None).contains("FROM \"public\".\"csl_stream_lock_t\""), "{}", sql(None));
    }
}
