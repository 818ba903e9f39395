//! Whole runs of the program: an export goes in, a table and a report come out.

#![allow(clippy::unwrap_used)]

#[path = "runs/all.rs"]
mod all;
#[path = "support/answer.rs"]
mod answer;
#[cfg(feature = "query")]
#[path = "runs/answers.rs"]
mod answers;
#[cfg(unix)]
#[path = "runs/day.rs"]
mod day;
#[cfg(all(unix, feature = "query"))]
#[path = "runs/erase.rs"]
mod erase;
#[path = "runs/kept.rs"]
mod kept;
#[path = "runs/privacy.rs"]
mod privacy;
#[cfg(unix)]
#[path = "runs/private.rs"]
mod private;
#[path = "runs/rejects.rs"]
mod rejects;
#[cfg(feature = "serve")]
#[path = "runs/retention.rs"]
mod retention;
#[path = "runs/row.rs"]
mod row;
#[cfg(feature = "aws")]
#[path = "support/s3.rs"]
mod server;

#[cfg(unix)]
#[path = "runs/terminal.rs"]
mod terminal;

use answer::Answer;
use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const SCHEMA: &str = r#"{"tables": [{"table": {"name": "t", "columns": {
    "id": {"type": "integer", "sql_type": "bigint"},
    "name": {"type": "string", "sql_type": "character varying(5)"}}}}]}"#;
const GOOD: &str = "id,name\n1,a\n2,\"\"\n3,\n4,longer than five\n";
const BAD: &str = "id,name\n1,a\nx,b\n3,c\n";
/// How long a process may take to end after a signal, on a busy machine.
const END_WAIT: Duration = Duration::from_secs(20);

struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        place.write("schema.json", SCHEMA);
        place.write("exports/full/t/20260301/t_20260301031500.csv", GOOD);
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_csl-stream"));
        command.current_dir(self.0.path()).args(words).stdin(Stdio::null());
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CSL_")) {
            command.env_remove(name);
        }
        command.env("CSL_SCHEMA_SOURCE", "schema.json").env("CSL_EXPORTS_ROOT", "exports");
        command
    }

    fn run(&self, words: &[&str]) -> Answer {
        Answer::of(self.command(words).output().unwrap())
    }

    /// Names of everything in the folder that is no input of ours.
    fn left(&self) -> Vec<String> {
        let names = std::fs::read_dir(self.0.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let names = names.map(|name| name.into_string().unwrap());
        let mut left: Vec<String> = names.filter(|name| name != "schema.json" && name != "exports").collect();
        left.sort();
        left
    }
}

const BACKFILL: &[&str] = &["backfill", "--table", "t"];

fn backfill(more: &[&'static str]) -> Vec<&'static str> {
    [BACKFILL, more].concat()
}

fn parquet_of(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap()))
        .collect();
    files.sort();
    files
}

#[test]
fn results_go_to_stdout_and_progress_to_stderr() {
    let place = Place::new();
    let answer = place.run(BACKFILL);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    assert!(answer.out.starts_with("t: 4 rows loaded in "), "{answer:?}");
    assert!(answer.out.contains("read 4 = accepted 4 + rejected 0\n  1 value cut"), "{answer:?}");
    let export = place.path("exports/full/t/20260301/t_20260301031500.csv");
    assert_eq!(answer.err, format!("t: loading {}\n", export.display()));
    assert_eq!(place.left(), ["warehouse"], "no rejects, no rejects file");
    let again = Place::new().run(&backfill(&["--quiet"]));
    assert_eq!((again.code, again.err.as_str()), (Some(0), ""));
}

#[test]
fn json_is_the_report_alone() {
    let place = Place::new();
    let answer = place.run(&backfill(&["--json", "--report", "report.json"]));
    let report = answer.json();
    assert_eq!((&report["status"], &report["rows"]["loaded"]), (&"succeeded".into(), &4.into()));
    assert_eq!(report["rows"]["truncated_values"], 1);
    let columns = serde_json::json!([
        {"name": "id", "nulls": 0, "empties": 0, "bytes": 0, "min": 1, "max": 4, "sum": 10, "truncated": 0, "privacy": "keep"},
        {"name": "name", "nulls": 1, "empties": 1, "bytes": 6, "min": null, "max": null, "sum": null, "truncated": 1, "privacy": "keep"},
    ]);
    assert_eq!(report["columns"], columns);
    let written: Value = serde_json::from_slice(&std::fs::read(place.path("report.json")).unwrap()).unwrap();
    assert_eq!(written, report);
}

#[test]
fn a_report_never_replaces_an_input() {
    const EXPORT: &str = "exports/full/t/20260301/t_20260301031500.csv";
    let place = Place::new();
    place.write("a.csv", GOOD);
    place.write("b.csv", GOOD);
    std::fs::hard_link(place.path("a.csv"), place.path("linked")).unwrap();
    for (words, report) in [
        (&["convert", "--table", "t", "--out", "o", "b.csv", "a.csv"][..], "a.csv"),
        (&["convert", "--table", "t", "--out", "o", "a.csv"], "./a.csv"),
        (&["convert", "--table", "t", "--out", "o", "a.csv"], "linked"),
        (&["convert", "--table", "t", "--out", "o", "b.csv"], "schema.json"),
        (&["convert", "--table", "t", "--out", "o", "--schema", "a.csv", "b.csv"], "a.csv"),
        (&["backfill", "--table", "t", "--export", "a.csv"], "a.csv"),
        (&["backfill", "--table", "no", "--export", "a.csv", "--config", "absent"], "a.csv"),
        (&["backfill", "--table", "t"], EXPORT),
        (&["backfill", "--table", "t"], "schema.json"),
    ] {
        let answer = place.run(&[words, &["--report", report]].concat());
        assert_eq!(answer.code, Some(2), "{words:?} {report}: {answer:?}");
        assert!(answer.err.contains("the report would replace "), "{words:?}: {answer:?}");
        for input in ["a.csv", "b.csv", EXPORT] {
            assert_eq!(std::fs::read_to_string(place.path(input)).unwrap(), GOOD, "{words:?}");
        }
        assert_eq!(std::fs::read_to_string(place.path("schema.json")).unwrap(), SCHEMA, "{words:?}");
        assert!(!place.path("o").exists() && !place.path("warehouse/t").exists(), "{words:?}");
    }
    let mut command = place.command(&["convert", "--table", "t", "--out", "o", "-", "--report", "a.csv"]);
    command.stdin(std::fs::File::open(place.path("a.csv")).unwrap());
    let answer = Answer::of(command.output().unwrap());
    assert_eq!(answer.code, Some(2), "{answer:?}");
    // An old report is replaced, also by a shorter one.
    assert_eq!(place.run(&backfill(&["--to", "w", "--report", "report.json"])).code, Some(0));
    let old = std::fs::read_to_string(place.path("report.json")).unwrap();
    place.write("report.json", &old.repeat(100));
    assert_eq!(place.run(&backfill(&["--report", "report.json"])).code, Some(0));
    let report: Value = serde_json::from_slice(&std::fs::read(place.path("report.json")).unwrap()).unwrap();
    assert_eq!(report["status"], "succeeded");
}

#[test]
fn the_same_export_is_not_loaded_twice() {
    let place = Place::new();
    assert_eq!(place.run(BACKFILL).code, Some(0));
    let answer = place.run(&backfill(&["--json"]));
    assert_eq!((answer.code, &answer.json()["status"]), (Some(0), &"skipped".into()), "{answer:?}");
    assert_eq!(answer.json()["source"]["compression"], "unknown", "it was not read");
    let mut elsewhere = place.command(&backfill(&["--json", "--exports", ".", "--to", "../warehouse"]));
    elsewhere.current_dir(place.path("exports")).env("CSL_SCHEMA_SOURCE", "../schema.json");
    let answer = Answer::of(elsewhere.output().unwrap());
    assert_eq!(answer.json()["status"], "skipped", "known by another path too: {answer:?}");
    let loads = place.run(&["loads", "list", "--json"]).json();
    let states: Vec<_> =
        loads.as_array().unwrap().iter().map(|load| load["status"].as_str().unwrap()).collect();
    assert_eq!(states, ["skipped", "skipped", "succeeded"]);
}

#[cfg(unix)]
#[test]
fn an_export_is_the_same_from_wherever_it_is_named() {
    let place = Place::new();
    let file = "exports/full/t/20260301/t_20260301031500.csv";
    place.write("sub/x", "");
    std::os::unix::fs::symlink(place.path(file), place.path("linked.csv")).unwrap();
    std::os::unix::fs::symlink(place.path("exports"), place.path("linked")).unwrap();
    let names =
        [file, &format!("sub/../{file}"), &format!("linked/{}", &file["exports/".len()..]), "linked.csv"];
    for (number, name) in names.iter().enumerate() {
        let answer = place.run(&["backfill", "--table", "t", "--export", name, "--json"]);
        let status = if number == 0 { "succeeded" } else { "skipped" };
        assert_eq!(answer.json()["status"], status, "{name}: {answer:?}");
    }
}

#[test]
fn a_dry_run_and_a_plan_change_nothing() {
    let place = Place::new();
    for words in [&["plan", "--table", "t", "--json"][..], &backfill(&["--dry-run", "--json"])] {
        let plan = place.run(words).json();
        assert_eq!((&plan["action"], &plan["why"]), (&"load".into(), &"replaces the table".into()));
        assert_eq!(plan["columns"][1]["width"], "5 characters");
        assert_eq!(place.left(), [""; 0]);
    }
    assert_eq!(place.run(BACKFILL).code, Some(0));
    let plan = place.run(&["plan", "--table", "t", "--json"]).json();
    assert_eq!((&plan["action"], &plan["estimate"]["rows"]), (&"skip".into(), &4.into()));
    // Why it would be skipped is what the run says when it is.
    place.write("old/t_20260201031500.csv", GOOD);
    for export in ["exports/full/t/20260301/t_20260301031500.csv", "old/t_20260201031500.csv"] {
        let plan = place.run(&["plan", "--table", "t", "--json", "--export", export]).json();
        let report = place.run(&["backfill", "--table", "t", "--json", "--export", export]).json();
        assert_eq!((&plan["action"], &report["status"]), (&"skip".into(), &"skipped".into()), "{export}");
        assert_eq!(plan["why"], report["error"], "{export}");
    }
}

#[test]
fn too_many_rejects_leave_the_old_table() {
    let place = Place::new();
    assert_eq!(place.run(BACKFILL).code, Some(0));
    place.write("exports/full/t/20260302/t_20260302031500.csv", BAD);
    let answer = place.run(&backfill(&["--json", "--rejects", "bad.csv"]));
    assert_eq!(answer.code, Some(5), "{answer:?}");
    let report = answer.json();
    assert_eq!(report["status"], "failed");
    let fault = &report["rejects"]["first"][0];
    assert_eq!((&fault["record"], &fault["line"], &fault["byte"]), (&2.into(), &3.into(), &12.into()));
    assert_eq!((&fault["column"], &fault["value"]), (&"id".into(), &Value::Null));
    assert_eq!(fault["value_bytes"], 1);
    assert_eq!(report["rejects"]["uri"], "bad.csv");
    let rejects = std::fs::read_to_string(place.path("bad.csv")).unwrap();
    assert!(rejects.contains("x,b"), "{rejects}");
    let loads = place.run(&["loads", "list", "--json"]).json();
    let first = |key: &str| loads[0][key].clone();
    assert_eq!((first("status"), first("standing")), ("failed".into(), "gone".into()));
    assert_eq!(loads[1]["standing"], "current");

    let answer = place.run(&backfill(&["--max-rejects", "1"]));
    assert_eq!(answer.code, Some(0), "{answer:?}");
    assert!(answer.out.contains("read 3 = accepted 2 + rejected 1"), "{answer:?}");
    assert!(answer.out.contains(".rejects.csv"), "named after the run: {answer:?}");
}

#[test]
fn a_header_that_does_not_fit_exits_with_4() {
    let place = Place::new();
    for (header, more, code) in [
        ("id,nom", &[][..], 4),
        ("id,name,extra", &[], 4),
        ("id,name,extra", &["--unknown-columns", "drop"], 0),
        ("id", &["--missing-columns", "null"], 0),
    ] {
        place.write("f.csv", &format!("{header}\n"));
        let words = backfill(&[&["--to", "w", "--export", "f.csv"], more].concat());
        let answer = place.run(&words);
        assert_eq!(answer.code, Some(code), "{header}: {answer:?}");
    }
}

#[test]
fn a_plan_shows_what_does_not_fit_before_it_exits_with_4() {
    let place = Place::new();
    place.write("f.csv", "id,extra\n");
    let plan = ["plan", "--table", "t", "--export", "f.csv"];
    let answer = place.run(&plan);
    assert_eq!(answer.code, Some(4), "{answer:?}");
    for line in [
        "action     refuse: the columns of the export do not fit the schema",
        "schema     \"extra\" is in the export, not in the schema",
        "schema     \"name\" is in the schema, not in the export",
        "the table in Redshift would be",
    ] {
        assert!(answer.out.contains(line), "{line}: {answer:?}");
    }
    assert!(answer.err.starts_with("error: the header does not fit the schema"), "{answer:?}");
    let answer = place.run(&[&plan[..], &["--json"]].concat());
    let differences = serde_json::json!({ "not_in_schema": ["extra"], "not_in_file": ["name"] });
    assert_eq!((answer.code, &answer.json()["differences"]), (Some(4), &differences));
    let allowed = ["--unknown-columns", "drop", "--missing-columns", "null", "--json"];
    let answer = place.run(&[&plan[..], &allowed].concat());
    assert_eq!((answer.code, &answer.json()["differences"]), (Some(0), &differences));
    assert_eq!(answer.json()["action"], "load");
    place.write("f.csv", "id,id\n");
    let answer = place.run(&plan);
    assert_eq!((answer.code, answer.out.as_str()), (Some(4), ""), "no plan for a broken header");
}

#[test]
fn where_reads_are_cut_changes_nothing() {
    let place = Place::new();
    let convert = |out: &str, more: &[&str]| {
        let words = [&["convert", "--table", "t", "f.csv", "--out", out], more].concat();
        assert_eq!(place.run(&words).code, Some(0));
        parquet_of(&place.path(out))
    };
    place.write("f.csv", &(GOOD.to_owned() + &"5,\"a\nb\"\n".repeat(50_000)));
    let whole = convert("whole", &[]);
    assert_eq!(convert("cut", &["--read-bytes", "1", "--threads", "1"]), whole);
    assert_eq!(convert("odd", &["--read-bytes", "7", "--threads", "3"]), whole);
    assert!(convert("more", &["--segment-size", "100kB", "--row-group-size", "50kB"]).len() > 1);
}

#[test]
fn several_inputs_go_into_folders_of_their_own() {
    let place = Place::new();
    place.write("a.csv", GOOD);
    place.write("b.csv", BAD);
    let words = ["convert", "--table", "t", "--out", "o", "--json", "--max-rejects", "1", "a.csv", "b.csv"];
    let answer = place.run(&words);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    let rows: Vec<Value> = answer.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let accepted: Vec<&Value> = rows.iter().map(|report| &report["rows"]["accepted"]).collect();
    assert_eq!(accepted, [4, 2]);
    let bytes: Vec<&Value> = rows.iter().map(|report| &report["source"]["bytes"]).collect();
    assert_eq!(bytes, [GOOD.len(), BAD.len()], "each counts its own");
    assert!(place.path("o/a/part-00000.snappy.parquet").exists() && place.path("o/b").is_dir());
    let again = place.run(&["convert", "--table", "t", "--out", "o/a", "a.csv"]);
    assert_eq!(again.code, Some(2), "the folder holds Parquet already: {again:?}");
}

#[test]
fn a_failed_conversion_leaves_nothing_in_the_way_of_the_next() {
    let place = Place::new();
    let good = GOOD.to_owned() + &"5,some\n".repeat(50_000);
    place.write("bad.csv", &(good.clone() + "x,y\n"));
    place.write("good.csv", &good);
    let sizes = ["--segment-size", "100kB", "--row-group-size", "50kB"];
    let convert =
        |input| place.run(&[&["convert", "--table", "t", "--out", "o", input], &sizes[..]].concat());
    let failed = convert("bad.csv");
    assert_eq!((failed.code, parquet_of(&place.path("o"))), (Some(5), vec![]), "{failed:?}");
    let done = convert("good.csv");
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(parquet_of(&place.path("o")).len() > 2);
}

#[cfg(feature = "aws")]
#[test]
fn a_prefix_that_holds_parquet_is_refused_like_a_folder() {
    let (place, server) = (Place::new(), server::S3Server::start());
    place.write("a.csv", GOOD);
    let convert = |out: &str| {
        let mut command = place.command(&["convert", "--table", "t", "--out", out, "a.csv"]);
        command.env("AWS_ENDPOINT_URL", server.endpoint()).env("AWS_REGION", "us-east-1");
        command.env("AWS_ACCESS_KEY_ID", "AKIDTEST").env("AWS_SECRET_ACCESS_KEY", "secret");
        command.env("AWS_EC2_METADATA_DISABLED", "true");
        Answer::of(command.output().unwrap())
    };
    let first = convert("s3://b/one");
    assert_eq!(first.code, Some(0), "{first:?}");
    let again = convert("s3://b/one");
    assert_eq!(again.code, Some(2), "{again:?}");
    assert!(
        again.err.contains("holds Parquet already") && again.err.contains("(at s3://b/one)"),
        "{again:?}"
    );
    assert_eq!(convert("s3://b/two").code, Some(0));
    assert_eq!(server.names(), ["b/one/part-00000.snappy.parquet", "b/two/part-00000.snappy.parquet"]);
    // What a failed run wrote goes away again.
    place.write("a.csv", &(GOOD.to_owned() + "x,y\n"));
    assert_eq!(convert("s3://b/three").code, Some(5));
    assert_eq!(server.names().len(), 2);
}

#[test]
fn standard_input_is_an_input() {
    let place = Place::new();
    let mut command = place.command(&["convert", "--table", "t", "--out", "o", "-"]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(GOOD.as_bytes()).unwrap();
    let answer = Answer::of(child.wait_with_output().unwrap());
    assert_eq!(answer.code, Some(0), "{answer:?}");
    assert!(answer.out.starts_with("t: 4 rows converted"), "{answer:?}");
}

#[cfg(unix)]
fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

#[cfg(unix)]
fn ended(child: &mut Child) -> Option<i32> {
    let started = Instant::now();
    while started.elapsed() < END_WAIT {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    panic!("it did not end");
}

#[cfg(unix)]
#[test]
fn a_signal_ends_a_run_and_leaves_nothing_half_done() {
    for name in ["INT", "TERM"] {
        let place = Place::new();
        let mut command = place.command(&backfill(&["--export", "-"]));
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        input.write_all(GOOD.as_bytes()).unwrap();
        std::thread::sleep(Duration::from_millis(500));
        signal(&child, name);
        // The next bytes wake the run, which finds that it was stopped.
        std::thread::sleep(Duration::from_millis(200));
        let _ = input.write_all(b"5,e\n");
        let code = ended(&mut child);
        drop(input);
        let mut err = String::new();
        std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut err).unwrap();
        assert_eq!(code, Some(130), "{name}: {err}");
        assert!(err.contains("stopping") && err.contains("error: interrupted"), "{name}: {err}");
        let loads = place.run(&["loads", "list", "--json"]).json();
        assert_eq!((&loads[0]["status"], loads.as_array().unwrap().len()), (&"failed".into(), 1));
        assert!(!place.path("warehouse/t/current").exists());
    }
}

#[cfg(unix)]
#[test]
fn a_signal_ends_a_run_that_waits() {
    for words in [&["--export", "-"][..], &["--export", "pipe"], &["--schema", "-"]] {
        let place = Place::new();
        let made = Command::new("mkfifo").arg(place.path("pipe")).status().unwrap();
        assert!(made.success());
        let mut command = place.command(&backfill(words));
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(500));
        signal(&child, "TERM");
        let code = ended(&mut child);
        let mut err = String::new();
        std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut err).unwrap();
        assert_eq!(code, Some(130), "{words:?}: {err}");
        assert!(err.contains("error: interrupted"), "{words:?}: {err}");
        assert!(!place.path("warehouse/t/current").exists());
        // What it left does not stand in the way of the next.
        assert_eq!(place.run(BACKFILL).code, Some(0));
    }
}

#[cfg(unix)]
#[test]
fn a_second_signal_ends_the_process_at_once() {
    let place = Place::new();
    let mut command = place.command(&backfill(&["--export", "-"]));
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(500));
    signal(&child, "INT");
    std::thread::sleep(Duration::from_millis(200));
    signal(&child, "INT");
    assert_eq!(ended(&mut child), Some(130));
}

#[test]
fn the_demo_works_and_can_be_repeated() {
    let place = Place::new();
    let first = place.run(&["demo"]);
    assert_eq!(first.code, Some(0), "{first:?}");
    assert!(first.out.starts_with("signatures: 20,000 rows loaded in "), "{first:?}");
    let second = place.run(&["demo", "--quiet"]);
    assert_eq!((second.code, second.err.as_str()), (Some(0), ""));
    assert!(second.out.starts_with("signatures: skipped: "), "{second:?}");
}
