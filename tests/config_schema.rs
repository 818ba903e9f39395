//! `csl-stream config schema` is a JSON Schema that validators understand, and says what the program takes.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

fn validator() -> jsonschema::Validator {
    let output = Command::new(env!("CARGO_BIN_EXE_csl-stream")).args(["config", "schema"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let schema: Value = serde_json::from_slice(&output.stdout).unwrap();
    jsonschema::meta::validate(&schema).unwrap();
    jsonschema::validator_for(&schema).unwrap()
}

/// Every `toml` block of the documents.
fn examples() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.join("docs")];
    let mut pages = vec![root.join("README.md")];
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            match path.extension() {
                Some(ending) if ending == "md" => pages.push(path),
                _ if path.is_dir() => folders.push(path),
                _ => {}
            }
        }
    }
    let mut found = Vec::new();
    for page in pages {
        let text = std::fs::read_to_string(&page).unwrap();
        for block in text.split("```toml").skip(1) {
            let (_, block) = block.split_once('\n').unwrap();
            found.push((page.display().to_string(), block.split("```").next().unwrap().to_owned()));
        }
    }
    found
}

#[test]
fn it_accepts_every_example_of_the_documents() {
    let validator = validator();
    let examples = examples();
    assert!(examples.len() >= 3, "the documents show configurations: {examples:?}");
    for (page, example) in examples {
        let value: Value = toml::from_str(&example).unwrap();
        let faults: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(faults.is_empty(), "{page}: {faults:?}\n{example}");
    }
}

#[test]
fn it_refuses_what_the_program_refuses() {
    let validator = validator();
    for sound in [
        json!({}),
        json!({ "load": { "max_rejects": 0, "overlong": "reject" } }),
        json!({ "load": { "shrink_max_percent": 100 } }),
        json!({ "work": { "tables": "all", "kinds": ["full", "incremental"] } }),
        json!({ "work": { "tables": ["a"] }, "warehouse": { "keep_versions": 1 } }),
    ] {
        assert!(validator.is_valid(&sound), "{sound}");
    }
    for wrong in [
        json!({ "load": { "max_reject": 1 } }),
        json!({ "laod": {} }),
        json!({ "load": { "max_rejects": -1 } }),
        json!({ "load": { "shrink_max_percent": 101 } }),
        json!({ "load": { "max_rejects": "1" } }),
        json!({ "load": { "overlong": "cut" } }),
        json!({ "warehouse": { "keep_versions": 0 } }),
        json!({ "work": { "tables": "some" } }),
        json!({ "work": { "kinds": ["ful"] } }),
        json!({ "exports": { "root": "" } }),
        json!({ "exports": { "root": null } }),
    ] {
        assert!(!validator.is_valid(&wrong), "{wrong}");
    }
}
