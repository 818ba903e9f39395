//! What is kept in `fixtures/`, held against a live PostgreSQL.

use crate::cells::{Kind, parquet_files, read_parquet};
use crate::postgres::{root, server};
use crate::readers::{Comparison, Readers};
use crate::run::{Convert, csl_stream, said};
use crate::truth::read_truth;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn fixtures_are_what_postgresql_writes() {
    let scratch = tempfile::tempdir().expect("a folder");
    let made = Command::new(root().join("fixtures/make")).arg(scratch.path()).output().expect("it starts");
    assert!(made.status.success(), "{}", said(&made));
    let (new, kept) = (scratch.path().join("postgres"), root().join("fixtures/postgres"));
    assert_eq!(file_names(&new), file_names(&kept));
    for name in file_names(&kept) {
        let read = |folder: &Path| std::fs::read(folder.join(&name)).expect("readable");
        assert!(read(&new) == read(&kept), "fixtures/postgres/{name:?} is out of date: run fixtures/make");
    }
}

fn file_names(folder: &Path) -> Vec<std::ffi::OsString> {
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .expect("readable")
        .map(|file| file.expect("readable").file_name())
        .collect();
    names.sort();
    names
}

#[test]
fn demo_full_export() {
    demo("demo_full", "full/signatures/20260301/signatures_20260301031500.csv");
}

#[test]
fn demo_incremental_export() {
    demo("demo_incremental", "incremental/signatures/20260301/signatures_20260301041500.csv.bz2");
}

/// Reads a kept export with PostgreSQL and with us; both must hold the same rows.
fn demo(name: &str, export: &str) {
    let exports = root().join("fixtures/exports");
    let input = exports.join("demo-org").join(export);
    let schema = exports.join("schema.json");
    let bytes = std::fs::read(&schema).expect("the schema is readable");
    let described: Value = serde_json::from_slice(&bytes).expect("the schema is JSON");
    let columns = described["tables"][0]["table"]["columns"].as_object().expect("columns");
    let sql_type = |column: &Value| column["sql_type"].as_str().expect("text").to_owned();
    let names: Vec<String> = columns.keys().cloned().collect();
    let sql_types: Vec<String> = columns.values().map(sql_type).collect();
    let kinds: Vec<Kind> = sql_types.iter().map(|sql_type| Kind::of_sql_type(sql_type)).collect();

    let database = server().database(name);
    let list: Vec<String> =
        names.iter().zip(&sql_types).map(|(name, kind)| format!("\"{name}\" {kind}")).collect();
    database.run(&format!("CREATE TABLE signatures ({})", list.join(", ")));
    let unpack = if export.ends_with(".bz2") { "bzcat" } else { "cat" };
    // Through a program, so that the file needs to be readable to psql alone and not to the server.
    database
        .run(&format!("\\copy signatures FROM PROGRAM '{unpack} {}' (FORMAT csv, HEADER)", input.display()));
    let scratch = tempfile::tempdir().expect("a folder");
    let truth = scratch.path().join("truth.tsv");
    database.truth_to("signatures", &truth);

    let (out, report) = (scratch.path().join("out"), scratch.path().join("report.json"));
    let convert = Convert {
        input: &input,
        schema: &schema,
        table: "signatures",
        out: &out,
        report: &report,
        more: vec![],
    };
    let (output, _) = convert.run();
    assert!(output.status.success(), "{}", said(&output));
    let files = parquet_files(&out);
    let (found_names, found) = read_parquet(&files, &kinds);
    assert_eq!(found_names, names);
    for ((name, found), expected) in names.iter().zip(&found).zip(&read_truth(&truth, &kinds)) {
        assert_eq!(found.first_difference(expected), None, "column {name} (row, found, PostgreSQL's)");
    }
    let readers = &["pyarrow", "duckdb", "polars"];
    let comparison =
        Comparison { files: &files, names: &names, sql_types: &sql_types, truth: &truth, readers };
    assert_eq!(Readers::start().compare(&comparison), Vec::<String>::new());
}

/// Every table of the published schemas, as DDL that PostgreSQL runs once the types that only Redshift has
/// are taken out.
#[test]
fn ddl_of_every_published_schema() {
    let mut schemas: Vec<PathBuf> = std::fs::read_dir(root().join("fixtures/schema"))
        .expect("readable")
        .map(|file| file.expect("readable").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    schemas.sort();
    assert!(schemas.len() >= 2, "{schemas:?}");
    for (index, path) in schemas.iter().enumerate() {
        let arguments = ["schema".as_ref(), "ddl".as_ref(), "--schema".as_ref(), path.as_os_str()];
        let output = csl_stream(arguments);
        assert!(output.status.success(), "{}", said(&output));
        let ddl = String::from_utf8(output.stdout).expect("SQL is UTF-8");
        let database = server().database(&format!("ddl_{index}"));
        database.run("CREATE DOMAIN geography AS text");
        let script = ddl.replace("(max)", "").replace("(MAX)", "");
        database.run(&script);
        let bytes = std::fs::read(path).expect("readable");
        let schema: Value = serde_json::from_slice(&bytes).expect("JSON");
        let tables = schema["tables"].as_array().expect("tables");
        // One table of 2020 has no columns, and cannot be loaded.
        let columns =
            tables.iter().map(|table| table["table"]["columns"].as_object().expect("columns").len());
        let columns: Vec<usize> = columns.filter(|columns| *columns > 0).collect();
        let counted = database.text(
            "SELECT count(DISTINCT table_name) || ' ' || count(*) FROM information_schema.columns
             WHERE table_schema = 'public'",
        );
        assert_eq!(
            counted,
            format!("{} {}", columns.len(), columns.iter().sum::<usize>()),
            "{}",
            path.display()
        );
        // What is there already is left alone.
        database.run(&script);
    }
}
