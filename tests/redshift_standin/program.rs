//! What the program writes is what the stand-in takes: files, types and DDL, for every fixture.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::client::World;
use crate::run::{Convert, csl_stream, said};

fn parquet_files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut dirs = vec![dir.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
            } else if path.extension().is_some_and(|ending| ending == "parquet") {
                files.push(path);
            }
        }
    }
    files
}

#[test]
fn files_of_the_program_load() {
    let world = World::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/postgres");
    for name in ["types", "numbers", "moments", "zoned", "text", "one_column", "empty"] {
        let (input, schema) =
            (folder.join(format!("{name}.csv")), folder.join(format!("{name}.schema.json")));
        let scratch = tempfile::tempdir().unwrap();
        let out = scratch.path().join("out");
        let report = scratch.path().join("report.json");
        let convert =
            Convert { input: &input, schema: &schema, table: name, out: &out, report: &report, more: vec![] };
        let (output, report) = convert.run();
        assert!(output.status.success(), "{name}: {}", said(&output));

        let ddl = csl_stream([Path::new("schema"), Path::new("ddl"), Path::new("--schema"), &schema]);
        assert!(ddl.status.success(), "{name}: {}", said(&ddl));
        // GEOGRAPHY does not load straight from Parquet.
        let ddl = String::from_utf8(ddl.stdout).unwrap().replace(" GEOGRAPHY", " CHARACTER VARYING(max)");
        world.must(&ddl);

        let mut entries = Vec::new();
        for file in parquet_files(&out) {
            let key = format!("stage/{name}/{}", file.file_name().unwrap().to_str().unwrap());
            let bytes = std::fs::read(file).unwrap();
            let meta = json!({"content_length": bytes.len()});
            entries.push(json!({"url": format!("s3://{key}"), "mandatory": true, "meta": meta}));
            world.s3.put(&key, bytes);
        }
        let accepted = report.unwrap()["rows"]["accepted"].clone();
        if entries.is_empty() {
            assert_eq!(accepted, 0, "{name}");
            continue;
        }
        world.s3.put("stage/x.manifest", json!({ "entries": entries }).to_string());
        let copy =
            format!("COPY {name} FROM 's3://stage/x.manifest' IAM_ROLE default FORMAT AS PARQUET MANIFEST");
        assert_eq!(world.must(&copy)["ResultRows"], accepted, "{name}");
        assert_eq!(world.rows(&format!("SELECT count(*) FROM {name}")), accepted.to_string(), "{name}");
    }
}

#[test]
fn names_that_differ_in_case_only_are_one_name() {
    let world = World::new();
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/postgres/columns.schema.json");
    let ddl = csl_stream([Path::new("schema"), Path::new("ddl"), Path::new("--schema"), &schema]);
    let error = world.fails(&String::from_utf8(ddl.stdout).unwrap());
    assert!(error.contains("column \"id\" specified more than once"), "{error}");
}
