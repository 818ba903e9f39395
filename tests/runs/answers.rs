//! SQL from files and standard input, answers into files, and how columns and NULL are shown.

use super::{Answer, BACKFILL, Place};
use serde_json::Value;
use std::io::Write;
use std::process::Stdio;

#[test]
fn sql_comes_from_files_and_answers_go_into_files() {
    let place = Place::new();
    assert_eq!(place.run(BACKFILL).code, Some(0));
    place.write("q.sql", "\u{feff}select id, name\nfrom t order by id");
    let expected = "id,name\n1,a\n2,\"\"\n3,\n4,longe\n";
    for (words, stdin) in [
        (&["query", "-f", "q.sql", "--format", "csv"][..], ""),
        (&["query", "--format", "csv"], "select * from t order by id;"),
        (&["query", "-", "--format", "csv"], "select * from t order by id"),
    ] {
        let mut child = place
            .command(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
        let answer = Answer::of(child.wait_with_output().unwrap());
        assert_eq!((answer.code, answer.out.as_str()), (Some(0), expected), "{words:?}: {answer:?}");
    }
    for (words, code) in [
        (&["query", "-f", "absent.sql"][..], 3),
        (&["query", "--files", "s=absent.parquet", "select 1"], 3),
        (&["query"], 2),
        (&["query", "select 1", "-f", "q.sql"], 2),
        (&["query", "select 1", "--out", "a.txt"], 2),
        (&["query", "select 1", "--out", "a.csv", "--format", "csv"], 2),
        (&["query", "select 1", "--replace"], 2),
        (&["query", "select nothing from t", "--out", "a.csv"], 2),
        (&["query", "select 1", "--out", "absent/a.csv"], 3),
    ] {
        let answer = place.run(words);
        assert_eq!(answer.code, Some(code), "{words:?}: {answer:?}");
    }
    assert_eq!(place.left(), ["q.sql", "warehouse"], "nothing half written is left");
    let sql = "select id, name, count(*) over () from t order by id";
    for (name, text) in [
        ("a.csv", "id,name,count(*) OVER ()\n1,a,4\n"),
        ("a.json", "{\"id\":1,\"name\":\"a\",\"count(*) OVER ()\":4}\n"),
    ] {
        let answer = place.run(&["query", sql, "--out", name]);
        assert_eq!(
            (answer.code, answer.out),
            (Some(0), format!("wrote {name} (4 rows)\n")),
            "{}",
            answer.err
        );
        assert!(std::fs::read_to_string(place.path(name)).unwrap().starts_with(text), "{name}");
    }
    assert_eq!(place.run(&["query", sql, "--out", "a.parquet", "--json"]).json()["rows"], 4);
    let read = ["query", "--files", "a=a.parquet", "select id, name from a order by id", "--format", "csv"];
    assert_eq!(place.run(&read).out, expected);
    let answer = place.run(&["query", "select 7 as id", "--out", "a.csv"]);
    assert!(answer.code == Some(2) && answer.err.contains("is there already"), "{answer:?}");
    assert_eq!(place.run(&["query", "select 7 as id", "--out", "a.csv", "--replace"]).code, Some(0));
    assert_eq!(std::fs::read_to_string(place.path("a.csv")).unwrap(), "id\n7\n");
}

#[test]
fn columns_are_named_as_they_are_asked_for_and_null_is_no_text() {
    let place = Place::new();
    let sql = "select count(*) filter (where 1 = 1), lower('A'), null as a, 'NULL' as b, '''NULL''' as c";
    let header = "count(*) FILTER (WHERE 1 = 1)";
    let out = place.run(&["query", sql]).out;
    assert!(out.contains(header) && out.contains("| lower('A') |"), "{out}");
    let row = out.lines().nth(3).unwrap().replace(' ', "");
    assert_eq!(row, "|1|a|NULL|'NULL'|''NULL''|");
    let json = place.run(&["query", "--json", sql]).json();
    assert_eq!((&json[header], &json["a"], &json["b"]), (&1.into(), &Value::Null, &"NULL".into()));
}
