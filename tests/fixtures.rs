//! Each file that PostgreSQL wrote becomes exactly the rows that PostgreSQL says, and each value without
//! a place in the target is named where it stands. `fixtures/make` writes them all.

#[path = "support/cells.rs"]
mod cells;
#[path = "support/expected.rs"]
mod expected;
#[path = "support/run.rs"]
mod run;

use cells::{Kind, parquet_files, read_parquet};
use expected::read_expected;
use run::{Convert, said};
use serde_json::Value;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/postgres")
}

/// Column names and kinds of a fixture, in the order of its schema, which is also the file's.
fn described(schema: &Path, table: &str) -> (Vec<String>, Vec<Kind>) {
    let bytes = std::fs::read(schema).expect("the schema is readable");
    let schema: Value = serde_json::from_slice(&bytes).expect("the schema is JSON");
    let entry = &schema["tables"][0]["table"];
    assert_eq!(entry["name"], table);
    let columns = entry["columns"].as_object().expect("columns");
    let kind = |column: &Value| Kind::of_sql_type(column["sql_type"].as_str().expect("a sql_type"));
    (columns.keys().cloned().collect(), columns.values().map(kind).collect())
}

fn check(name: &str) {
    let path = |suffix: &str| folder().join(format!("{name}.{suffix}"));
    let scratch = tempfile::tempdir().expect("a folder");
    let faults = std::fs::read_to_string(path("faults.jsonl")).unwrap_or_default();
    let (input, schema) = (path("csv"), path("schema.json"));
    let config = scratch.path().join("values.toml");
    std::fs::write(&config, "[load]\nreport_values = true\n").expect("writable");
    let convert = Convert {
        input: &input,
        schema: &schema,
        table: name,
        out: &scratch.path().join("out"),
        report: &scratch.path().join("report.json"),
        more: vec![
            format!("--config={}", config.display()),
            format!("--max-rejects={}", faults.lines().count()),
            format!("--rejects={}", scratch.path().join("rejects.csv").display()),
        ],
    };
    let (output, report) = convert.run();
    assert!(output.status.success(), "{name}: {}", said(&output));
    let report = report.expect("a report");

    let (names, kinds) = described(&schema, name);
    let expected = read_expected(&path("expected.jsonl"), &kinds);
    let files = parquet_files(convert.out);
    // Without a row there may be no file either.
    if expected[0].len() > 0 || !files.is_empty() {
        let (found_names, found) = read_parquet(&files, &kinds);
        assert_eq!(found_names, names, "{name}");
        for ((column, found), expected) in names.iter().zip(&found).zip(&expected) {
            let difference = found.first_difference(expected);
            assert_eq!(difference, None, "{name}: column {column:?} (row, found, PostgreSQL's)");
        }
    }
    assert_eq!(report["rows"]["accepted"], expected[0].len(), "{name}");
    check_faults(name, &faults, &report, &std::fs::read(&input).expect("readable"));
}

fn check_faults(name: &str, expected: &str, report: &Value, csv: &[u8]) {
    let found = report["rejects"]["first"].as_array().expect("a list of faults");
    let expected: Vec<Value> =
        expected.lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
    assert_eq!(found.len(), expected.len(), "{name}: {found:#?}");
    for (found, expected) in found.iter().zip(&expected) {
        for key in ["record", "line", "column", "value"] {
            assert_eq!(found[key], expected[key], "{name}: {key} of {found}");
        }
        let byte = usize::try_from(found["byte"].as_u64().expect("an offset")).expect("an offset");
        let value = expected["value"].as_str().expect("text").as_bytes();
        assert_eq!(found["value_bytes"], value.len(), "{name}: length of {found}");
        assert!(csv[byte..].starts_with(value), "{name}: byte of {found}");
        assert!(found["rule"].as_str().is_some_and(|rule| !rule.is_empty()), "{name}: rule of {found}");
    }
}

macro_rules! fixtures {
    ($($name:ident),* $(,)?) => {
        $( #[test] fn $name() { check(stringify!($name)); } )*

        #[test]
        fn every_fixture_has_a_test() {
            let mut kept: Vec<String> = std::fs::read_dir(folder())
                .expect("readable")
                .map(|file| file.expect("readable").file_name().into_string().expect("UTF-8"))
                .filter_map(|name| Some(name.strip_suffix(".csv")?.to_owned()))
                .collect();
            kept.sort();
            assert_eq!(kept, [$(stringify!($name)),*]);
        }
    };
}

fixtures!(columns, empty, moments, numbers, one_column, rejects, text, types, zoned);
