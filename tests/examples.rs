//! The examples of the library do what they say.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Cargo builds the examples beside the tests.
fn example(name: &str) -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let folder = tests.parent().unwrap().parent().unwrap().join("examples");
    let path = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(path.exists(), "cargo test builds {}; so does cargo build --examples", path.display());
    path
}

fn demo(dir: &Path) {
    let program = env!("CARGO_BIN_EXE_csl-stream");
    let output = Command::new(program).args(["demo", "--dir"]).arg(dir).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn an_export_is_loaded_into_a_folder() {
    let dir = tempfile::tempdir().unwrap();
    demo(dir.path());
    let run = || {
        let mut command = Command::new(example("load_folder"));
        command.args(["signatures", "exports/demo-org", "schema.json", "own"]);
        command.current_dir(dir.path()).output().unwrap()
    };
    let output = run();
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && out.ends_with(" rows of signatures are loaded\n"), "{out}");
    assert!(dir.path().join("own/signatures/current").exists());
    std::fs::write(dir.path().join("schema.json"), "{}").unwrap();
    assert!(!run().status.success());
}

#[test]
fn a_stream_is_converted() {
    let dir = tempfile::tempdir().unwrap();
    demo(dir.path());
    let export = "exports/demo-org/full/signatures/20260301/signatures_20260301031500.csv";
    let input = std::fs::File::open(dir.path().join(export)).unwrap();
    let mut command = Command::new(example("convert_stream"));
    command.args(["signatures", "schema.json", "parquet"]).current_dir(dir.path());
    let output = command.stdin(Stdio::from(input)).output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && out.ends_with(" rows in 1 files\n"), "{out} {:?}", output.stderr);
    assert_eq!(std::fs::read_dir(dir.path().join("parquet")).unwrap().count(), 1);
}
