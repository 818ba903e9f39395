//! A schema that moves on, in a folder: new columns come with the new version, what is gone stays as NULL.

use crate::seed::seed;
use crate::walk::{NIGHTS, Walk, walks};
use csl_stream::pipeline::{ConvertOptions, Job, Outcome, Watch, backfill};
use csl_stream::schema::{BulkSchema, Evolve};
use csl_stream::store::{ByteSource, ExportKind, ObjectInfo};
use csl_stream::warehouse::{LocalWarehouse, ShrinkGuard};
use csl_stream::{Error, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

struct Text(ObjectInfo, std::io::Cursor<Vec<u8>>);

impl ByteSource for Text {
    fn info(&self) -> &ObjectInfo {
        &self.0
    }

    fn read(&mut self, buf: &mut [u8]) -> Result<usize> {
        std::io::Read::read(&mut self.1, buf).map_err(|cause| Error::machine("memory").because(cause))
    }
}

/// Loads an export of a table of this schema.
fn load(
    warehouse: &LocalWarehouse,
    kind: ExportKind,
    at: &str,
    schema: &str,
    table: &str,
    csv: &str,
) -> Outcome {
    let table = BulkSchema::parse(schema.as_bytes(), "schema").unwrap().table(table).unwrap().clone();
    let info = ObjectInfo { uri: format!("s3://b/{at}.csv"), etag: Some(at.to_owned()), bytes: None };
    let source = Box::new(Text(info, std::io::Cursor::new(csv.to_owned().into_bytes())));
    let mut job = Job::new(&uuid::Uuid::now_v7().to_string(), table, kind, source);
    job.request.exported_at = Some(at.to_owned());
    // Of the rows nothing is asked here.
    job.request.shrink = ShrinkGuard { max_percent: None };
    let options = ConvertOptions { threads: 1, ..ConvertOptions::default() };
    backfill(job, &options, warehouse, &Watch::default())
}

/// Columns of `t` as a schema.
fn schema(columns: &[(&str, &str)]) -> String {
    let columns: serde_json::Map<String, serde_json::Value> = columns
        .iter()
        .map(|(name, sql_type)| ((*name).to_owned(), serde_json::json!({"type": "x", "sql_type": sql_type})))
        .collect();
    serde_json::json!({"tables": [{"table": {"name": "t", "columns": columns}}]}).to_string()
}

/// Every cell of these columns, NULL as ∅, as `query` reads them.
fn cells(dir: &Path, table: &str, columns: &[&str]) -> Vec<String> {
    use csl_stream::warehouse::query::{Format, Query, run};
    let cells: Vec<String> =
        columns.iter().map(|name| format!("coalesce(cast(\"{name}\" as varchar), '∅')")).collect();
    let sql = format!("select concat_ws('|', {}) as row from {table} order by id", cells.join(", "));
    let mut out = Vec::new();
    run(&Query { sql: &sql, warehouse: Some(dir), files: &[], given: &[] }, Format::Json, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    let row = |line: &str| {
        serde_json::from_str::<serde_json::Value>(line).unwrap()["row"].as_str().unwrap().to_owned()
    };
    text.lines().map(row).collect()
}

const OLD: &[(&str, &str)] = &[("id", "bigint"), ("n", "integer"), ("gone", "numeric(5,2)")];
const NEW: &[(&str, &str)] = &[("note", "text"), ("n", "bigint"), ("id", "bigint")];
const COLUMNS: &[&str] = &["id", "n", "gone", "note"];

#[test]
fn columns_come_and_stay_in_full_and_incremental_loads() {
    for kind in [ExportKind::Full, ExportKind::Incremental] {
        let dir = tempfile::tempdir().unwrap();
        let warehouse = LocalWarehouse::new(dir.path());
        let first =
            load(&warehouse, ExportKind::Full, "20260301031500", &schema(OLD), "t", "id,n,gone\n1,1,1.50\n");
        assert!(first.unwrap().changes.added_columns.is_empty(), "the first load makes the table");
        let report =
            load(&warehouse, kind, "20260302031500", &schema(NEW), "t", "note,n,id\nx,5000000000,2\n")
                .unwrap();
        assert_eq!(report.changes.added_columns, ["note"]);
        assert_eq!(report.changes.widened_columns, ["n"]);
        let all = ["1|1|1.50|∅", "2|5000000000|∅|x"];
        let rows = if kind == ExportKind::Full { &all[1..] } else { &all[..] };
        assert_eq!(cells(dir.path(), "t", COLUMNS), rows);
        // Once it is there, nothing changes any more.
        let report =
            load(&warehouse, kind, "20260303031500", &schema(NEW), "t", "note,n,id\ny,6,3\n").unwrap();
        assert!(report.changes.added_columns.is_empty() && report.changes.widened_columns.is_empty());
        assert_eq!(cells(dir.path(), "t", COLUMNS).last().unwrap(), "3|6|∅|y");
    }
}

#[test]
fn a_table_that_is_to_stay_refuses_other_columns() {
    let dir = tempfile::tempdir().unwrap();
    let warehouse = LocalWarehouse::new(dir.path()).evolve(Evolve::Refuse);
    load(&warehouse, ExportKind::Full, "20260301031500", &schema(OLD), "t", "id,n,gone\n1,1,1.50\n").unwrap();
    let refused =
        load(&warehouse, ExportKind::Full, "20260302031500", &schema(NEW), "t", "note,n,id\nx,5,2\n");
    let (_, error) = refused.unwrap_err();
    assert_eq!(error.exit_code(), 4, "{error}");
    for part in ["column \"note\" is not in the table", "column \"gone\" of the table"] {
        assert!(error.to_string().contains(part), "{error}");
    }
    assert_eq!(cells(dir.path(), "t", &["id", "n", "gone"]), ["1|1|1.50"]);
}

/// Every night is loaded, or refused for types that do not go together; then a full export helps, as is said.
#[test]
fn whichever_way_a_schema_walks_each_night_is_loaded() {
    let seed = seed();
    for at in 0..walks() * 10 {
        let mut walk = Walk::new(seed.wrapping_add(at));
        let dir = tempfile::tempdir().unwrap();
        let warehouse = LocalWarehouse::new(dir.path());
        let mut rows: BTreeMap<i64, BTreeMap<String, &'static str>> = BTreeMap::new();
        let mut ever = BTreeSet::new();
        for night in 0..NIGHTS {
            let new = walk.rows(1 + 10 * night as i64);
            let (csv, schema) = (walk.csv(&new), walk.schema());
            let mut kind = if night == 0 || walk.coin() { ExportKind::Full } else { ExportKind::Incremental };
            let mut done =
                load(&warehouse, kind, &format!("202603{:02}031500", night + 1), &schema, "t", &csv);
            if let Err((_, error)) = &done {
                let told = error.to_string();
                let is_advised =
                    kind == ExportKind::Incremental && told.contains("do not go with those of the table");
                assert!(error.exit_code() == 4 && is_advised, "{:#?}: {told}", walk.told);
                kind = ExportKind::Full;
                done = load(&warehouse, kind, &format!("202603{:02}041500", night + 1), &schema, "t", &csv);
            }
            done.unwrap_or_else(|(_, error)| panic!("{:#?}: {error}", walk.told));
            if kind == ExportKind::Full {
                rows.clear();
            }
            ever.extend(walk.columns.iter().map(|(name, _)| name.clone()));
            for (id, cells) in new {
                let named = walk.columns.iter().zip(cells);
                let row = named.filter_map(|((name, _), cell)| Some((name.clone(), cell?))).collect();
                rows.insert(id, row);
            }
            let names: Vec<&str> = std::iter::once("id").chain(ever.iter().map(String::as_str)).collect();
            let expected: Vec<String> = rows
                .iter()
                .map(|(id, row)| {
                    let cells = ever.iter().map(|name| row.get(name).copied().unwrap_or("∅"));
                    std::iter::once(id.to_string().as_str()).chain(cells).collect::<Vec<_>>().join("|")
                })
                .collect();
            assert_eq!(cells(dir.path(), "t", &names), expected, "{:#?}", walk.told);
            walk.step();
        }
    }
}

/// A value that fits a published type; none of those that few tables have.
fn value(sql_type: &str) -> &'static str {
    match sql_type.split('(').next().unwrap().trim() {
        "smallint" | "integer" | "bigint" | "numeric" => "7",
        "real" | "double precision" => "0.5",
        "boolean" => "t",
        "date" => "2026-01-05",
        name if name.starts_with("timestamp") => "2026-01-05 12:34:56",
        "text" | "citext" | "character varying" | "character" => "x",
        "json" | "jsonb" => "{}",
        _ => "",
    }
}

/// The published versions, a night each: all tables are loaded, and no column ever goes.
#[test]
fn the_published_schemas_in_turn_load_every_table() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/schema");
    let mut versions: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|item| item.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .collect();
    versions.sort();
    assert!(versions.len() >= 3, "{versions:?}");
    let dir = tempfile::tempdir().unwrap();
    let warehouse = LocalWarehouse::new(dir.path());
    let mut ever: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut added = 0;
    for (night, path) in versions.iter().enumerate() {
        let text = std::fs::read_to_string(path).unwrap();
        let schema = BulkSchema::parse(text.as_bytes(), "schema").unwrap();
        for table in schema.loadable() {
            let names: Vec<&str> = table.columns.keys().map(String::as_str).collect();
            let values: Vec<&str> = table.columns.values().map(|column| value(&column.sql_type)).collect();
            let csv = format!("{}\n{}\n", names.join(","), values.join(","));
            let at = format!("202603{:02}031500", night + 1);
            let report = load(&warehouse, ExportKind::Full, &at, &text, &table.name, &csv);
            let report = report.unwrap_or_else(|(_, error)| panic!("{} of {path:?}: {error}", table.name));
            added += report.changes.added_columns.len();
            let ever = ever.entry(table.name.clone()).or_default();
            ever.extend(names.iter().map(|name| (*name).to_owned()));
            let snapshot = warehouse.snapshot(&table.name).unwrap();
            let file = std::fs::File::open(&snapshot.files[0]).unwrap();
            let reader = parquet::file::reader::SerializedFileReader::new(file).unwrap();
            use parquet::file::reader::FileReader;
            let columns = reader.metadata().file_metadata().schema_descr().columns();
            let has: BTreeSet<String> = columns.iter().map(|column| column.name().to_owned()).collect();
            assert_eq!(&has, ever, "{} of {path:?}", table.name);
        }
    }
    assert!(added > 10, "{added} columns were added");
}
