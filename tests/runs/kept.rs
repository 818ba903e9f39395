//! What a run must not lose: most of a table, what others have written, and that files are not all there.

use super::{Answer, BACKFILL, BAD, END_WAIT, GOOD, Place, SCHEMA, backfill};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[test]
fn a_full_export_that_leaves_little_of_the_table_is_stopped() {
    let place = Place::new();
    assert_eq!(place.run(BACKFILL).code, Some(0));
    let header = GOOD.lines().next().unwrap().to_owned() + "\n";
    let cases = [
        ("a header alone", header.clone(), &[][..]),
        ("one row of four", header.clone() + "1,a\n", &[]),
        ("all rejected", header + "x,a\ny,b\n", &["--max-rejects", "5"]),
    ];
    for (what, text, more) in cases {
        place.write("t_20260302031500.csv", &text);
        let answer = place.run(&backfill(&[&["--export", "t_20260302031500.csv", "--json"], more].concat()));
        assert_eq!(answer.code, Some(5), "{what}: {answer:?}");
        assert!(answer.err.contains("--allow-shrink"), "{what}: {answer:?}");
        assert_eq!(answer.json()["status"], "failed", "{what}");
        let loads = place.run(&["loads", "list", "--json"]).json();
        assert_eq!(
            (&loads[0]["status"], &loads[0]["standing"]),
            (&"failed".into(), &"gone".into()),
            "{what}"
        );
        let n = place.run(&["query", "select count(*) as n from t", "--format", "csv"]);
        assert_eq!(n.out, "n\n4\n", "{what}");
    }
    // There is nothing to lose in a table that is not there.
    let answer =
        place.run(&backfill(&["--export", "t_20260302031500.csv", "--to", "new", "--max-rejects", "5"]));
    assert_eq!(answer.code, Some(0), "{answer:?}");
}

#[test]
fn a_plan_foretells_what_the_guard_will_say() {
    let place = Place::new();
    let rows = |count: u32| (0..count).fold("id,name\n".to_owned(), |text, id| text + &format!("{id},n\n"));
    place.write("t_20260301040000.csv", &rows(1_000));
    assert_eq!(place.run(&backfill(&["--export", "t_20260301040000.csv"])).code, Some(0));
    for (count, flag, foretold) in
        [(900, "-v", false), (400, "-v", true), (0, "-v", true), (400, "--allow-shrink", false)]
    {
        place.write("t_20260302040000.csv", &rows(count));
        let plan = ["plan", "--table", "t", "--export", "t_20260302040000.csv", "--json", flag];
        let plan = place.run(&plan).json();
        let told = plan["warnings"].to_string().contains("load.shrink_max_percent (50) stops that");
        assert_eq!((told, &plan["action"]), (foretold, &"load".into()), "{count} {flag}: {plan}");
        if !foretold {
            continue;
        }
        assert_eq!(place.run(&backfill(&["--export", "t_20260302040000.csv"])).code, Some(5), "{count}");
    }
}

#[test]
fn a_touched_or_copied_export_is_not_added_again() {
    let place = Place::new();
    place.write("t_20260302031500.csv", GOOD);
    let load = |export: &str| {
        place.run(&["backfill", "--table", "t", "--kind", "incremental", "--export", export, "--json"])
    };
    assert_eq!(load("t_20260302031500.csv").json()["status"], "succeeded");
    let touched = std::fs::File::options().write(true).open(place.path("t_20260302031500.csv")).unwrap();
    touched.set_modified(std::time::SystemTime::now() + Duration::from_secs(60)).unwrap();
    place.write("t_20260302031600.csv", GOOD);
    for export in ["t_20260302031500.csv", "t_20260302031600.csv"] {
        let answer = load(export);
        assert_eq!(
            (answer.code, &answer.json()["status"]),
            (Some(0), &"skipped".into()),
            "{export}: {answer:?}"
        );
        assert!(answer.json()["error"].as_str().unwrap().contains("--again"), "{export}: {answer:?}");
    }
    let mut piped =
        place.command(&["backfill", "--table", "t", "--kind", "incremental", "--export", "-", "--json"]);
    piped.stdin(std::fs::File::open(place.path("t_20260302031600.csv")).unwrap());
    assert_eq!(Answer::of(piped.output().unwrap()).json()["status"], "skipped");
    place.write("t_20260302031700.csv", "id,name\n5,e\n");
    assert_eq!(load("t_20260302031700.csv").json()["status"], "succeeded");
    let n = place.run(&["query", "select count(*) as n from t", "--format", "csv"]);
    assert_eq!(n.out, "n\n5\n");
}

/// What is named for output and is there already, unless an earlier run wrote it.
#[test]
fn an_output_never_replaces_what_is_not_of_an_earlier_run() {
    let place = Place::new();
    place.write("bad.csv", BAD);
    place.write("csl-stream.toml", "");
    for (name, text) in [("schema.json", SCHEMA), ("notes.csv", "mine"), ("other.jsonl", "{\"mine\": 1}\n")] {
        place.write(name, text);
    }
    assert_eq!(place.run(BACKFILL).code, Some(0));
    let parquet = place.path("warehouse/t/current").read_dir().unwrap().flatten();
    let parquet =
        parquet.map(|item| item.path()).find(|path| path.extension().is_some_and(|end| end == "parquet"));
    let parquet = parquet.unwrap();
    let run = |rejects: &str, more: &[&str]| {
        let words =
            ["convert", "--table", "t", "--out", "o", "--max-rejects", "9", "--rejects", rejects, "bad.csv"];
        let answer = place.run(&[&words[..], more].concat());
        std::fs::remove_dir_all(place.path("o")).ok();
        answer
    };
    let before: Vec<_> = ["schema.json", "notes.csv", "other.jsonl", "bad.csv"]
        .map(|name| std::fs::read(place.path(name)).unwrap())
        .to_vec();
    let parquet_before = std::fs::read(&parquet).unwrap();
    for rejects in
        ["schema.json", "notes.csv", "other.csv", "bad.csv", "./bad.csv", parquet.to_str().unwrap()]
    {
        let answer = run(rejects, &[]);
        assert_eq!(answer.code, Some(2), "{rejects}: {answer:?}");
    }
    for (rejects, report) in [
        ("x.csv", "x.csv"),
        ("x.csv", "./x.csv"),
        ("x.csv", "x.jsonl"),
        ("new.csv", "notes.csv"),
        ("new.csv", "schema.json"),
    ] {
        let answer = run(rejects, &["--report", report]);
        assert_eq!(answer.code, Some(2), "{rejects} {report}: {answer:?}");
    }
    let after: Vec<_> = ["schema.json", "notes.csv", "other.jsonl", "bad.csv"]
        .map(|name| std::fs::read(place.path(name)).unwrap())
        .to_vec();
    assert!(after == before && std::fs::read(&parquet).unwrap() == parquet_before);
    // Those of an earlier run are made anew, night for night.
    for _ in 0..2 {
        let answer = run("r.csv", &["--report", "r.json"]);
        assert_eq!(answer.code, Some(0), "{answer:?}");
        assert!(std::fs::read_to_string(place.path("r.csv")).unwrap().contains("x,b"));
    }
}

#[cfg(unix)]
#[test]
fn a_killed_conversion_leaves_its_mark() {
    let place = Place::new();
    let sizes = ["--segment-size", "100kB", "--row-group-size", "50kB", "--threads", "1"];
    let mut command = place.command(&[&["convert", "--table", "t", "--out", "o", "-"], &sizes[..]].concat());
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(GOOD.as_bytes()).unwrap();
    let names = || -> Vec<String> {
        let listing = std::fs::read_dir(place.path("o")).into_iter().flatten().flatten();
        listing.map(|item| item.file_name().into_string().unwrap()).collect()
    };
    let started = Instant::now();
    while !names().iter().any(|name| name.starts_with("part-")) {
        assert!(started.elapsed() < END_WAIT, "it writes nothing");
        input.write_all("5,some\n".repeat(1_000).as_bytes()).unwrap();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(names().iter().any(|name| name.starts_with("_INCOMPLETE-")), "{:?}", names());
    let next =
        place.run(&["convert", "--table", "t", "--out", "o", "exports/full/t/20260301/t_20260301031500.csv"]);
    assert_eq!(next.code, Some(2), "{next:?}");
    assert!(next.err.contains("--replace") && next.err.contains("some of the rows"), "{next:?}");
}

/// Looking makes nothing, wherever it is done.
#[test]
fn who_looks_leaves_nothing() {
    let place = Place::new();
    let id = "01a22268-2297-7228-84fa-c600a6fc4b44";
    let looks: &[&[&str]] = &[
        &["dead-letters", "list"],
        &["dead-letters", "show", "1"],
        &["dead-letters", "redrive", "1"],
        &["loads", "list"],
        &["loads", "show", id],
        &["loads", "retry", id],
        &["plan", "--table", "t"],
        &["plan", "--table", "t", "--kind", "incremental"],
        &["backfill", "--table", "t", "--dry-run"],
        &["check", "--table", "t"],
        &["check", "--all"],
        &["check", "--table", "t", "--export", "exports/full/t/20260301/t_20260301031500.csv"],
        &["rollback", "--table", "t"],
        &["verify", "--table", "t"],
        &["query", "select 1"],
        &["query", "select * from t"],
        &["schema", "show"],
        &["schema", "ddl"],
        &["schema", "diff", "schema.json"],
        &["config"],
        &["config", "schema"],
        &["cost"],
    ];
    for words in looks {
        let answer = place.run(words);
        assert_eq!(place.left(), [""; 0], "{words:?}: {answer:?}");
        if words[0] == "dead-letters" {
            assert_eq!(answer.code, Some(2), "{words:?}: {answer:?}");
            assert!(answer.err.contains("there is no queue"), "{answer:?}");
        }
    }
}

#[test]
fn a_demo_takes_no_folder_that_holds_other_things() {
    let place = Place::new();
    let export = "made/exports/demo-org/full/signatures/20260301/signatures_20260301031500.csv";
    for mine in ["made/schema.json", export] {
        place.write(mine, "mine");
        let answer = place.run(&["demo", "--dir", "made"]);
        assert_eq!(answer.code, Some(2), "{mine}: {answer:?}");
        assert_eq!(std::fs::read_to_string(place.path(mine)).unwrap(), "mine");
        let files = walk(&place.path("made"));
        assert_eq!(files.len(), 1, "{mine}: {files:?}");
        std::fs::remove_dir_all(place.path("made")).unwrap();
    }
    for _ in 0..2 {
        assert_eq!(place.run(&["demo", "--dir", "made"]).code, Some(0));
    }
}

/// Every file below a folder.
fn walk(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

#[test]
fn a_file_that_may_not_grow_is_an_error_and_no_silent_end() {
    let place = Place::new();
    assert_eq!(place.run(BACKFILL).code, Some(0));
    let rows = (0..9_000).fold("id,name\n".to_owned(), |text, id| text + &format!("{id},{}\n", id % 7_919));
    place.write("t_20260302031500.csv", &rows);
    let convert = ["convert", "--table", "t", "t_20260302031500.csv", "--out", "out"];
    for words in [&backfill(&["--export", "t_20260302031500.csv"])[..], &convert] {
        let built = place.command(words);
        let mut limited = Command::new("sh");
        limited.args(["-c", "ulimit -f 8; exec \"$0\" \"$@\""]).arg(built.get_program()).args(words);
        limited.current_dir(&place.0).stdin(Stdio::null());
        limited.envs(built.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let answer = Answer::of(limited.output().unwrap());
        assert_eq!(answer.code, Some(1), "{words:?}: {answer:?}");
        assert!(answer.err.contains("ulimit -f"), "{words:?}: {answer:?}");
    }
    let left: Vec<PathBuf> = walk(&place.0.path().join("warehouse/t"));
    let left: Vec<_> = left.iter().filter(|path| path.extension().is_some_and(|end| end == "tmp")).collect();
    assert!(left.is_empty() && walk(&place.path("out")).is_empty(), "{left:?}");
    let n = place.run(&["query", "select count(*) as n from t", "--format", "csv"]);
    assert_eq!(n.out, "n\n4\n");
}
