//! `init`: with questions on a terminal, without them elsewhere.

use super::{Answer, play, run};
use std::path::Path;
use tempfile::TempDir;

/// A folder with the demo's exports and schema.
fn demo() -> TempDir {
    let home = tempfile::tempdir().unwrap();
    assert_eq!(run(home.path(), &["demo", "--dir", "."]).code, Some(0));
    home
}

fn file(home: &Path) -> String {
    std::fs::read_to_string(home.join("csl-stream.toml")).unwrap()
}

fn settings(home: &Path) -> Vec<(String, String)> {
    let lines = file(home);
    let lines = lines.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(" = "));
    lines.map(|(key, value)| (key.to_owned(), value.trim_matches('"').to_owned())).collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn the_questions_lead_to_a_file_that_check_is_content_with() {
    let home = demo();
    let script = [
        "see slug",
        r"type ./exports/demo-org\r",
        "see bulk schema",
        r"type -\r",
        // An answer that cannot be is asked again.
        "see cannot be configured",
        "see bulk schema",
        r"type schema.json\r",
        "see [./warehouse]",
        r"type \r",
        "see wrote csl-stream.toml",
        "see ✔ configuration: valid (csl-stream.toml)",
        "end",
    ];
    let answer = play(home.path(), 120, &["csl-stream", "init"], &script);
    assert_eq!(answer.code, Some(0), "{}", answer.out);
    let wanted = [("root", "./exports/demo-org"), ("source", "schema.json"), ("to", "./warehouse")];
    assert_eq!(settings(home.path()), pairs(&wanted));
    let loaded = run(home.path(), &["backfill", "--table", "signatures"]);
    assert_eq!(loaded.code, Some(0), "{}", loaded.err);
    // A second time there is a file, and nothing is asked.
    let before = file(home.path());
    let answer = play(home.path(), 120, &["csl-stream", "init"], &["see is not replaced", "end"]);
    assert_eq!((answer.code, file(home.path())), (Some(2), before), "{}", answer.out);
}

#[test]
fn every_question_of_redshift_is_asked() {
    let home = tempfile::tempdir().unwrap();
    let script = [
        "see slug",
        r"type my org\r",
        "see a slug is letters",
        "see slug",
        r"type my-org\r",
        "see [us-east-1]",
        r"type mars\r",
        "see no bucket of exports",
        r"type eu-central-1\r",
        "see bulk schema",
        r"type schema.json\r",
        "see [./warehouse]",
        r"type redshift\r",
        "see workgroup",
        r"type cluster:old\r",
        "see [dev]",
        r"type mirror\r",
        "see staged",
        r"type /tmp\r",
        "see reads from S3 alone",
        r"type s3://mine/staging\r",
        "see wrote csl-stream.toml",
        "see ✔ configuration: valid",
        "end",
    ];
    let answer = play(home.path(), 120, &["csl-stream", "init"], &script);
    // The schema is not there: that is check's cross.
    assert_ne!(answer.code, Some(0), "{}", answer.out);
    let wanted = [
        ("root", "s3://agra-data-exports-production-eu-central-1/my-org"),
        ("slug", "my-org"),
        ("source", "schema.json"),
        ("to", "redshift"),
        ("cluster", "old"),
        ("database", "mirror"),
        ("url", "s3://mine/staging"),
    ];
    assert_eq!(settings(home.path()), pairs(&wanted), "{}", file(home.path()));
}

#[test]
fn somebody_who_leaves_leaves_no_file() {
    // Ctrl-D and Ctrl-C.
    for (key, code) in [(r"type \x04", 2), (r"type \x03", 256 - 2)] {
        let home = tempfile::tempdir().unwrap();
        let answer = play(home.path(), 80, &["csl-stream", "init"], &["see slug", key, "end"]);
        assert_eq!(answer.code, Some(code), "{}", answer.out);
        assert!(!home.path().join("csl-stream.toml").exists());
    }
}

fn init(home: &Path, words: &[&str]) -> Answer {
    run(home, &[&["init"], words].concat())
}

#[test]
fn without_a_terminal_flags_and_defaults_answer() {
    let places = ["--exports", "exports/demo-org", "--schema", "schema.json"];
    for more in [&[][..], &["--yes"], &["--to", "w"], &["--json"]] {
        let home = demo();
        let answer = init(home.path(), &[&places[..], more].concat());
        assert_eq!(answer.code, Some(0), "{more:?}: {} {}", answer.out, answer.err);
        let to = if more.contains(&"w") { "w" } else { "./warehouse" };
        let wanted = [("root", "exports/demo-org"), ("source", "schema.json"), ("to", to)];
        assert_eq!(settings(home.path()), pairs(&wanted));
    }
    for (words, part) in [
        (&["--schema", "s.json"][..], "give --slug or --exports"),
        (&["--exports", "e"], "give --schema"),
        (&["--slug", "a/b/", "--schema", "s"], "a slug is letters"),
        (&["--slug", "../x", "--schema", "s"], "a slug is letters"),
        (&["--slug", "a", "--region", "mars", "--schema", "s"], "no bucket of exports"),
        (&["--exports", "e", "--schema", "-"], "cannot be configured"),
        (&["--exports", "e", "--schema", "s", "--to", "redshift"], "give --workgroup or --cluster"),
        (
            &["--exports", "e", "--schema", "s", "--to", "redshift", "--workgroup", "w", "--staging", "/tmp"],
            "reads from S3 alone",
        ),
        (&["--exports", "e", "--schema", "s", "--workgroup", "w"], "a flag of Redshift is given"),
        (&["--exports", "e", "--slug", "s"], "cannot be used with"),
    ] {
        let home = tempfile::tempdir().unwrap();
        let answer = init(home.path(), words);
        assert_eq!(answer.code, Some(2), "{words:?}: {}", answer.err);
        assert!(answer.err.contains(part), "{words:?}: {}", answer.err);
        assert!(!home.path().join("csl-stream.toml").exists(), "{words:?}");
    }
}

#[test]
fn a_file_elsewhere_finds_what_was_named_from_here() {
    let home = demo();
    std::fs::create_dir(home.path().join("etc")).unwrap();
    let words = ["--config", "etc/mine.toml", "--exports", "exports/demo-org", "--schema", "schema.json"];
    let answer = init(home.path(), &words);
    assert_eq!(answer.code, Some(0), "{} {}", answer.out, answer.err);
    let words = ["plan", "--table", "signatures", "--config", "etc/mine.toml"];
    let loaded = run(home.path(), &words);
    assert_eq!(loaded.code, Some(0), "{}", loaded.err);
    assert!(!home.path().join("etc/exports").exists());
}
