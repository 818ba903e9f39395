//! Several tables in one call: each by itself, and the worst end is that of all.

use super::{Answer, Place, SCHEMA};
use serde_json::Value;

const TABLES: [&str; 4] = ["a", "b", "c", "unexported"];

/// Tables of two columns; `rows` of those that have an export.
fn place(rows: &[(&str, &str)]) -> Place {
    let place = Place::new();
    std::fs::remove_dir_all(place.path("exports")).unwrap();
    let one: Value = serde_json::from_str(SCHEMA).unwrap();
    let tables = TABLES.map(|name| {
        let mut table = one["tables"][0].clone();
        table["table"]["name"] = name.into();
        table
    });
    place.write("schema.json", &serde_json::json!({ "tables": tables }).to_string());
    rows.iter().for_each(|(table, rows)| put(&place, table, rows));
    place
}

fn put(place: &Place, table: &str, rows: &str) {
    place.write(&format!("exports/full/{table}/20260301/{table}_20260301031500.csv"), &csv(rows));
}

fn csv(rows: &str) -> String {
    format!("id,name\n{rows}")
}

const GOOD: &[(&str, &str)] = &[("a", "1,x\n"), ("b", "1,x\n2,y\n"), ("c", "1,x\n")];

fn reports(text: &str) -> Vec<Value> {
    let mut reports: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    reports.sort_by_key(|report| report["table"].as_str().unwrap().to_owned());
    reports
}

fn statuses(text: &str) -> String {
    let status = |report: &Value| {
        format!("{} {}", report["table"].as_str().unwrap(), report["status"].as_str().unwrap())
    };
    reports(text).iter().map(status).collect::<Vec<_>>().join(", ")
}

fn rows(place: &Place, table: &str) -> String {
    let answer = place.run(&["query", &format!("select count(*) from {table}"), "--format", "csv"]);
    answer.out.lines().last().unwrap_or_default().to_owned()
}

#[test]
fn all_tables_that_have_an_export_are_loaded_a_line_each() {
    let place = place(GOOD);
    let answer = place.run(&["backfill", "--all", "--report", "report.jsonl"]);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    let lines: Vec<&str> = answer.out.lines().collect();
    assert_eq!(lines.len(), 4, "{answer:?}");
    for line in ["a: 1 row loaded in ", "b: 2 rows loaded in ", "c: 1 row loaded in "] {
        assert!(lines.iter().any(|told| told.starts_with(line)), "{line}: {answer:?}");
    }
    assert_eq!(lines[3], "3 tables loaded, 1 without an export");
    let written = std::fs::read_to_string(place.path("report.jsonl")).unwrap();
    assert_eq!(statuses(&written), "a succeeded, b succeeded, c succeeded");
    assert_eq!(["a", "b"].map(|table| rows(&place, table)), ["1", "2"]);
    // Again: there is nothing to do, and JSON is a report a line.
    let again = place.run(&["backfill", "--all", "--json"]);
    assert_eq!((again.code, &*statuses(&again.out)), (Some(0), "a skipped, b skipped, c skipped"));
    assert_eq!(
        place.run(&["backfill", "--all", "--quiet"]).out.lines().last(),
        Some("0 tables loaded, 3 skipped, 1 without an export")
    );
}

#[test]
fn a_table_that_fails_stops_no_other_and_the_worst_end_is_that_of_all() {
    const BAD_ROW: &str = "x,1\n";
    for (broken, named, code) in [
        (&[("b", BAD_ROW)][..], &["--all"][..], 5),
        (&[("b", BAD_ROW)], &["--table", "a,b", "--table", "c"], 5),
        // No export of it, no such table, and both beside a bad row.
        (&[], &["--table", "a,b,c,unexported"], 3),
        (&[], &["--table", "a,b,c,nowhere"], 4),
        (&[("b", BAD_ROW)], &["--table", "a,b,c,unexported,nowhere"], 3),
    ] {
        let place = place(GOOD);
        broken.iter().for_each(|(table, rows)| put(&place, table, rows));
        let answer = place.run(&[&["backfill", "--json"], named].concat());
        assert_eq!(answer.code, Some(code), "{named:?}: {answer:?}");
        let ended = reports(&answer.out);
        for report in &ended {
            let table = report["table"].as_str().unwrap();
            let fails = broken.iter().any(|(broken, _)| *broken == table)
                || table.ends_with("ed")
                || table == "nowhere";
            assert_eq!(
                report["status"],
                if fails { "failed" } else { "succeeded" },
                "{named:?} {table}: {answer:?}"
            );
            assert_eq!(
                answer.err.contains(&format!("error: {table}: ")),
                fails,
                "{named:?} {table}: {answer:?}"
            );
        }
        let failed = ended.iter().filter(|report| report["status"] == "failed").count();
        let told = format!("error: {failed} of {} tables failed: ", ended.len());
        assert!(answer.err.contains(&told), "{named:?}: {answer:?}");
        assert_eq!(rows(&place, "a"), "1", "{named:?}");
    }
    let place = place(&[("a", "1,x\n"), ("b", BAD_ROW)]);
    let answer = place.run(&["backfill", "--all"]);
    assert!(answer.out.contains("b: failed, exit code 5\n"), "{answer:?}");
    assert!(answer.out.ends_with("1 table loaded, 1 failed, 2 without an export\n"), "{answer:?}");
}

#[test]
fn a_table_named_twice_is_loaded_once() {
    let place = place(GOOD);
    let answer = place.run(&["backfill", "--table", "a,b", "--table", "a", "--json"]);
    assert_eq!((answer.code, &*statuses(&answer.out)), (Some(0), "a succeeded, b succeeded"), "{answer:?}");
}

#[test]
fn what_cannot_begin_is_told_once() {
    let place = place(&[]);
    place.write("exports/full/unknown/20260301/unknown_20260301031500.csv", &csv(""));
    for (words, code, told) in [
        (&["--all"][..], 3, "no table of the schema has full exports"),
        (&["--all", "--kind", "incremental"], 3, "no table of the schema has incremental exports"),
        (&["--all", "--exports", "nowhere"], 3, "no table of the schema has full exports"),
        (&["--all", "--schema", "nowhere.json"], 3, "nowhere.json"),
        (&["--table", "a", "--all"], 2, "cannot be used with"),
        (&["--all", "--export", "e.csv"], 2, "cannot be used with"),
        (&["--table", "a,b", "--export", "e.csv"], 2, "--export names one export"),
        (&["--all", "--rejects", "r.csv"], 2, "--rejects names one file"),
        (&["--table", "a,b", "--rejects", "r.csv"], 2, "--rejects names one file"),
        (&["--all", "--dry-run"], 2, "a plan is of one table"),
        (&[], 2, "--table"),
    ] {
        let answer = place.run(&[&["backfill"], words].concat());
        assert_eq!(answer.code, Some(code), "{words:?}: {answer:?}");
        assert!(answer.err.contains(told) && answer.err.contains("help"), "{words:?}: {answer:?}");
        assert!(!place.path("warehouse/a").exists());
    }
}

#[test]
fn exports_of_other_days_and_of_unknown_tables() {
    let place = place(GOOD);
    put(&place, "unknown", "1,x\n");
    place.write("exports/full/a/20260302/a_20260302031500.csv", &csv("1,x\n2,y\n3,z\n"));
    std::fs::create_dir_all(place.path("exports/full/unexported")).unwrap();
    let answer = place.run(&["backfill", "--all", "--date", "20260302"]);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    assert!(answer.out.ends_with("1 table loaded, 3 without an export\n"), "{answer:?}");
    assert!(answer.err.contains("exports of a table that the schema lacks: unknown"), "{answer:?}");
    assert_eq!(rows(&place, "a"), "3");
}

#[test]
fn incremental_exports_of_all_tables_each_in_its_order() {
    let place = place(GOOD);
    assert_eq!(place.run(&["backfill", "--all"]).code, Some(0));
    for table in ["a", "b"] {
        for (minute, id) in [("40", 12), ("41", 11)] {
            let name = format!("exports/incremental/{table}/20260301/{table}_202603010{minute}000.csv");
            place.write(&name, &csv(&format!("{id},n\n")));
        }
    }
    let answer = place.run(&["backfill", "--all", "--kind", "incremental", "--json"]);
    assert_eq!((answer.code, reports(&answer.out).len()), (Some(0), 4), "{answer:?}");
    assert_eq!(["a", "b"].map(|table| rows(&place, table)), ["3", "4"]);
}

#[test]
fn the_report_replaces_none_of_the_exports() {
    let place = place(GOOD);
    let export = "exports/full/b/20260301/b_20260301031500.csv";
    let answer = place.run(&["backfill", "--all", "--report", export]);
    assert_eq!(answer.code, Some(2), "{answer:?}");
    assert_eq!(std::fs::read_to_string(place.path(export)).unwrap(), csv("1,x\n2,y\n"));
}

#[test]
fn large_exports_come_first_and_one_at_a_time() {
    let row = |id: usize| format!("{id},{}\n", "x".repeat(200));
    let large: String = (0..90_000).map(row).collect();
    let larger = large.clone() + &row(90_000);
    let place = place(&[("a", "1,x\n"), ("b", &large), ("c", &larger)]);
    let answer = place.run(&["backfill", "--all", "--threads", "2"]);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    let began: Vec<&str> =
        answer.err.lines().filter_map(|line| line.split_once(": loading ")).map(|(table, _)| table).collect();
    let ended: Vec<&str> =
        answer.out.lines().filter_map(|line| line.split_once(':')).map(|(table, _)| table).collect();
    assert_eq!((began, ended), (vec!["c", "b", "a"], vec!["c", "b", "a"]), "{answer:?}");
}

#[test]
fn check_looks_at_all_that_have_an_export() {
    let place = place(GOOD);
    for (words, looked) in [(&["--all"][..], vec!["a", "b", "c"]), (&["--table", "a,c"], vec!["a", "c"])] {
        let answer = place.run(&[&["check"], words].concat());
        assert_eq!(answer.code, Some(0), "{words:?}: {answer:?}");
        let tables: Vec<&str> = answer
            .out
            .lines()
            .filter_map(|line| line.strip_prefix("✔ exports of ")?.split(':').next())
            .collect();
        assert_eq!(tables, looked, "{answer:?}");
    }
    let answer = place.run(&["check", "--all"]);
    assert!(answer.out.contains("✔ exports: 3 tables with one, 1 without"), "{answer:?}");
    let ddl = place.run(&["schema", "ddl", "--table", "a,c"]);
    assert_eq!(ddl.out.matches("CREATE TABLE").count(), 2, "{ddl:?}");
}

#[cfg(unix)]
#[test]
fn a_signal_stops_every_table_and_those_that_are_left() {
    use std::io::{BufRead, BufReader, Read};
    use std::process::{Command, Stdio};
    let place = place(GOOD);
    assert_eq!(place.run(&["backfill", "--table", "a,b"]).code, Some(0));
    let big: String = (0..4_000_000).map(|id| format!("{id},x\n")).collect();
    for table in ["a", "b", "c"] {
        place.write(&format!("exports/full/{table}/20260302/{table}_20260302031500.csv"), &csv(&big));
    }
    let mut command = place.command(&["backfill", "--all", "--threads", "1"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap());
    let mut first = String::new();
    said.read_line(&mut first).unwrap();
    assert!(first.contains(": loading "), "{first}");
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let mut err = String::new();
    said.read_to_string(&mut err).unwrap();
    let answer = Answer { err, ..Answer::of(child.wait_with_output().unwrap()) };
    assert_eq!(answer.code, Some(130), "{answer:?}");
    assert!(answer.out.contains(" not begun"), "{answer:?}");
    assert!(answer.err.contains("error: interrupted: what was under way changed nothing"), "{answer:?}");
    assert_eq!(["a", "b"].map(|table| rows(&place, table)), ["1", "2"], "the old tables stay");
}

/// As `export_download_logs` in March 2020: the others are loaded, and who asks for it is told.
#[test]
fn a_table_without_columns_is_refused_alone() {
    let place = place(GOOD);
    let mut schema: Value =
        serde_json::from_str(&std::fs::read_to_string(place.path("schema.json")).unwrap()).unwrap();
    schema["tables"][1]["table"]["columns"] = serde_json::json!({});
    place.write("schema.json", &schema.to_string());
    let answer = place.run(&["backfill", "--all", "--json"]);
    assert_eq!((answer.code, &*statuses(&answer.out)), (Some(0), "a succeeded, c succeeded"), "{answer:?}");
    assert!(answer.err.contains("exports of a table that the schema has without columns: b"), "{answer:?}");
    let answer = place.run(&["backfill", "--table", "b"]);
    assert_eq!(answer.code, Some(4), "{answer:?}");
    assert!(answer.err.contains("table \"b\" has no columns in the schema"), "{answer:?}");
    for (words, shown) in [(&["schema", "ddl"][..], "TABLE IF NOT EXISTS"), (&["schema", "show"], "a")] {
        let answer = place.run(words);
        assert!(answer.code == Some(0) && answer.out.contains(shown), "{words:?}: {answer:?}");
        assert!(answer.err.contains("b: it has no columns, and is left out"), "{words:?}: {answer:?}");
        assert!(!answer.out.contains("\"b\""), "{words:?}: {answer:?}");
    }
}
