use super::*;
use crate::schema::TargetColumn;

fn target(columns: &[(&str, TargetType)]) -> TargetTable {
    let column = |(name, target_type): &(&str, TargetType)| TargetColumn {
        name: (*name).to_owned(),
        target_type: target_type.clone(),
        nullable: true,
        has_default: false,
        identity: Identity::None,
    };
    TargetTable { schema: "pub".into(), name: "t".into(), columns: columns.iter().map(column).collect() }
}

fn entry(kind: ExportKind, exported_at: Option<&str>) -> LedgerRow {
    LedgerRow {
        load_id: "01900000-0000-7000-8000-000000000001".into(),
        table: "t".into(),
        kind,
        source_uri: "s3://b/k".into(),
        source_etag: Some("e".into()),
        exported_at: exported_at.map(str::to_owned),
        rows_read: 3,
        rows_accepted: 2,
        rows_rejected: 1,
        values_truncated: 0,
        rows_carried_over: 0,
        rows_loaded: 0,
        files: 1,
        bytes: 9,
        started: "2026-03-01 03:15:00".into(),
        finished: None,
        version: "v".into(),
        privacy: None,
    }
}

fn seen(has_full: bool) -> Seen {
    let life = Some(Life { table_id: 7, generation: 2, sequence: 9 });
    Seen { claim: "before".into(), table_id: Some(7), is_empty: false, has_full, life, keeps_privacy: true }
}

fn steps(kind: ExportKind, at: Option<&str>, columns: &[(&str, TargetType)]) -> Vec<Step> {
    steps_of(kind, at, columns, &seen(false), Cover::default())
}

fn steps_of(
    kind: ExportKind,
    at: Option<&str>,
    columns: &[(&str, TargetType)],
    seen: &Seen,
    cover: Cover,
) -> Vec<Step> {
    let target = target(columns);
    let of_file = |column: &TargetColumn| LoadColumn {
        name: column.name.clone(),
        conversion: match column.target_type {
            TargetType::Super => Conversion::JsonParse,
            TargetType::Geography => Conversion::GeogFromWkb,
            _ => Conversion::None,
        },
    };
    let columns: Vec<_> = target.columns.iter().map(of_file).collect();
    let entry = entry(kind, at);
    let sql = LoadSql {
        target: &target,
        columns: &columns,
        iam_role: "default",
        manifest_uri: "s3://b/m",
        entry: &entry,
        seen,
        claim: "now",
        cover,
    };
    sql.steps()
}

fn roles(steps: &[Step]) -> String {
    steps.iter().map(|step| format!("{:?}", step.role)).collect::<Vec<_>>().join(" ")
}

const FULL: ExportKind = ExportKind::Full;
const INCREMENTAL: ExportKind = ExportKind::Incremental;

#[test]
fn each_way_has_its_steps() {
    let id = || ("id", TargetType::BigInt);
    let made = || ("created_at", TargetType::Timestamp);
    let json = || ("j", TargetType::Super);
    let at = Some("20260301031500");
    type Columns = Vec<(&'static str, TargetType)>;
    let cases: &[(ExportKind, Option<&str>, Columns, &str)] = &[
        (FULL, at, vec![id(), made()], "Claim First Same Same Prepare Change Copy Count Change Record"),
        (FULL, at, vec![id()], "Claim First Same Same Change Copy Count Record"),
        (FULL, None, vec![id(), made()], "Claim First Same Same Change Copy Count Record"),
        (FULL, at, vec![made()], "Claim First Same Same Change Copy Count Record"),
        (
            FULL,
            at,
            vec![id(), made(), json()],
            "Claim First Same Same Prepare Copy Count Prepare Change Change Count Change Record",
        ),
        (
            INCREMENTAL,
            at,
            vec![id(), made()],
            "Claim First Same Same Prepare Copy Count Prepare Change Record",
        ),
        (INCREMENTAL, at, vec![made()], "Claim First Same Same Prepare Copy Count Change Record"),
    ];
    for (kind, at, columns, expected) in cases {
        assert_eq!(roles(&steps(*kind, *at, columns)), *expected, "{kind:?} {at:?} {columns:?}");
    }
}

#[test]
fn the_copy_names_its_columns_and_has_no_option_that_parquet_forbids() {
    let steps = steps(FULL, None, &[("id", TargetType::BigInt), ("na\"me", TargetType::Varchar(9))]);
    let copy = steps.iter().find(|step| step.role == Role::Copy).unwrap();
    let expected = "COPY \"pub\".\"t\" (\"id\", \"na\"\"me\") FROM 's3://b/m' IAM_ROLE default FORMAT AS PARQUET MANIFEST";
    assert_eq!(copy.sql, expected);
}

#[test]
fn nothing_commits_by_itself_and_nothing_locks() {
    let columns =
        [("id", TargetType::BigInt), ("created_at", TargetType::Timestamp), ("g", TargetType::Geography)];
    for kind in [FULL, INCREMENTAL] {
        for step in steps(kind, Some("20260301"), &columns) {
            let sql = step.sql.to_uppercase();
            for word in ["TRUNCATE ", "COMMIT", "RENAME", "APPEND", "VACUUM", "LOCK TABLE", ";"] {
                assert!(!sql.contains(word), "{word}: {sql}");
            }
        }
    }
}

#[test]
fn recent_rows_are_those_made_about_the_export_or_later() {
    let columns = [("id", TargetType::BigInt), ("created_at", TargetType::Timestamp)];
    let other = steps_of(FULL, Some("20260301031500"), &columns, &seen(false), Cover { hours: 9 });
    assert!(other.iter().any(|step| step.sql.contains("INTERVAL '9 hours'")));
    let steps = steps(FULL, Some("20260301031500"), &columns);
    let save = "WHERE \"created_at\" >= CAST('2026-03-01 03:15:00' AS TIMESTAMP) - INTERVAL '6 hours' \
        AND \"created_at\" <= SYSDATE + INTERVAL '1 hours' AND \"id\" IS NOT NULL";
    assert!(steps.iter().any(|step| step.role == Role::Prepare && step.sql.contains(save)));
}

#[test]
fn what_comes_from_outside_is_quoted() {
    for (text, quoted) in
        [("a", "'a'"), ("it's", "'it''s'"), ("\\' or 1=1 --", "'\\\\'' or 1=1 --'"), ("", "''")]
    {
        assert_eq!(quote_literal(text), quoted);
    }
    for (digits, text) in [
        ("20150803180434", Some("2015-08-03 18:04:34")),
        ("20150803180434123", Some("2015-08-03 18:04:34")),
        ("20150803", Some("2015-08-03 00:00:00")),
        ("2015", None),
        ("2015-08-03", None),
        ("20159903000000", None),
    ] {
        assert_eq!(timestamp_text(digits).as_deref(), text, "{digits}");
    }
}

#[test]
fn conversions_happen_between_the_stage_and_the_table() {
    let columns = [("id", TargetType::BigInt), ("j", TargetType::Super), ("g", TargetType::Geography)];
    let steps = steps(FULL, None, &columns);
    let sql: String = steps.iter().map(|step| format!("{}\n", step.sql)).collect();
    for part in [
        "\"j\" VARCHAR(65535), \"g\" VARCHAR(65535))",
        "SELECT \"id\", JSON_PARSE(\"j\"), ST_GeogFromWKB(\"g\") FROM \"csl_stage_",
    ] {
        assert!(sql.contains(part), "{part} is not in\n{sql}");
    }
}

/// Each transaction reads and writes its own table and its own lock; to the ledger it only adds.
#[test]
fn tables_share_nothing_but_a_last_insert() {
    let columns = [("id", TargetType::BigInt), ("created_at", TargetType::Timestamp)];
    for kind in [FULL, INCREMENTAL] {
        let steps = steps(kind, Some("20260301031500"), &columns);
        let shared: Vec<_> = steps.iter().filter(|step| step.sql.contains(LEDGER)).collect();
        assert!(matches!(shared[..], [last] if last.role == Role::Record), "{shared:#?}");
        assert_eq!(shared[0].sql.matches(LEDGER).count(), 1, "{}", shared[0].sql);
        assert_eq!(steps.last(), Some(shared[0]));
    }
}

#[test]
fn rows_are_put_back_without_an_identity() {
    let mut target = target(&[
        ("row_key", TargetType::BigInt),
        ("given", TargetType::BigInt),
        ("id", TargetType::BigInt),
        ("created_at", TargetType::Timestamp),
    ]);
    target.columns[0].identity = Identity::Always;
    target.columns[1].identity = Identity::ByDefault;
    let columns = [LoadColumn { name: "id".into(), conversion: Conversion::None }];
    let entry = entry(FULL, Some("20260301031500"));
    let sql = LoadSql {
        target: &target,
        columns: &columns,
        iam_role: "default",
        manifest_uri: "s3://b/m",
        entry: &entry,
        seen: &seen(true),
        claim: "c",
        cover: Cover::default(),
    };
    let steps = sql.steps();
    let back = steps.iter().rfind(|step| step.role == Role::Change).unwrap();
    assert!(
        back.sql.contains("(\"given\", \"id\", \"created_at\") SELECT \"given\", \"id\""),
        "{}",
        back.sql
    );
}

#[test]
fn rows_without_an_id_come_by_full_exports_alone() {
    let columns = [("id", TargetType::BigInt)];
    for (has_full, expected) in [(true, 1), (false, 0)] {
        let steps = steps_of(INCREMENTAL, None, &columns, &seen(has_full), Cover::default());
        let dropped = steps.iter().filter(|step| step.sql.ends_with("WHERE \"id\" IS NULL")).count();
        assert_eq!(dropped, expected, "{has_full}");
    }
}

#[test]
fn the_transaction_looks_whether_the_table_is_the_one_that_was_looked_at() {
    let columns = [("id", TargetType::BigInt)];
    for (seen, guards, right) in [
        (seen(false), 2, "COUNT(*) > 0"),
        (Seen { is_empty: true, ..seen(false) }, 2, "COUNT(*) = 0"),
        (Seen { table_id: None, ..seen(false) }, 1, "COUNT(*) > 0"),
    ] {
        let steps = steps_of(FULL, None, &columns, &seen, Cover::default());
        let same: Vec<_> = steps.iter().filter(|step| step.role == Role::Same).collect();
        assert_eq!(same.len(), guards, "{seen:?}");
        assert!(
            same[guards - 1].sql.contains(right) && same.iter().all(|step| step.sql.contains(SAME_WORDS))
        );
        assert!(guards == 1 || same[0].sql.contains("c.oid = 7 AND n.nspname = 'pub' AND c.relname = 't'"));
    }
}
