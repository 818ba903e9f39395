//! `verify` and the drift of full loads, with the local warehouse.

#![allow(clippy::unwrap_used)]

#[path = "support/answer.rs"]
mod answer;
#[path = "support/types.rs"]
mod types;

use answer::Answer;
use serde_json::{Value, json};
use std::process::Command;
use tempfile::TempDir;
use types::{CHANGES, ROWS, SCHEMA, csv, csv_with, found};

struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        place.write("schema.json", SCHEMA);
        place
    }

    /// With the export of all rows in its table.
    fn loaded() -> Self {
        let place = Self::new();
        place.export("full", "20260301031500", &csv(ROWS));
        place.backfill(&[]);
        place
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn export(&self, kind: &str, at: &str, text: &str) {
        self.write(&format!("exports/{kind}/t/{}/t_{at}.csv", &at[..8]), text);
    }

    fn run(&self, words: &[&str]) -> Answer {
        let mut command = Command::new(env!("CARGO_BIN_EXE_csl-stream"));
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CSL_")) {
            command.env_remove(name);
        }
        command.env("CSL_SCHEMA_SOURCE", "schema.json").env("CSL_EXPORTS_ROOT", "exports");
        Answer::of(command.current_dir(self.0.path()).args(words).output().unwrap())
    }

    fn backfill(&self, more: &[&str]) -> Value {
        let answer = self.run(&[&["backfill", "--table", "t", "--json"], more].concat());
        assert_eq!(answer.code, Some(0), "{answer:#?}");
        answer.json()
    }

    fn verify(&self, more: &[&str]) -> (Option<i32>, Value) {
        let answer = self.run(&[&["verify", "--table", "t", "--json"], more].concat());
        assert!(matches!(answer.code, Some(0 | 6)), "{answer:#?}");
        (answer.code, answer.json())
    }
}

#[test]
fn a_table_is_what_its_export_and_its_load_say() {
    let place = Place::loaded();
    for more in
        [&[][..], &["--exports", "exports"], &["--export", "exports/full/t/20260301/t_20260301031500.csv"]]
    {
        let (code, verified) = place.verify(more);
        assert_eq!((code, found(&verified)), (Some(0), vec![]), "{more:?}");
        assert_eq!(verified["rows"], json!({"export": 4, "table": 4, "later": 0}));
        assert_eq!(verified["load_id"].is_string(), more.is_empty(), "{more:?}");
    }
    let shown = place.run(&["verify", "--table", "t"]);
    assert_eq!(shown.code, Some(0), "{shown:#?}");
    for line in [
        "16 columns, no difference",
        "note        2       1      9",
        "small       3                 -5",
        "price       3                 1.00",
    ] {
        let line = line.split_whitespace().collect::<Vec<_>>();
        let has = |text: &str| text.split_whitespace().collect::<Vec<_>>().starts_with(&line);
        assert!(shown.out.lines().any(has), "{line:?}: {}", shown.out);
    }
}

#[test]
fn a_changed_cell_of_each_type_is_found_and_named() {
    let place = Place::loaded();
    for &(column, value, measures) in CHANGES {
        place.write("changed.csv", &csv_with(column, value));
        let (code, verified) = place.verify(&["--export", "changed.csv"]);
        let wanted: Vec<_> =
            measures.iter().map(|&measure| (column.to_owned(), measure.to_owned())).collect();
        assert_eq!((code, found(&verified)), (Some(6), wanted), "{column} {value:?}");
    }
}

#[test]
fn a_row_more_and_a_row_less_are_found() {
    let place = Place::loaded();
    let more = [&ROWS[..], &ROWS[1..2]].concat();
    for (rows, numbers) in [(&ROWS[..3], [3, 4]), (&more[..], [5, 4]), (&[][..], [0, 4])] {
        place.write("changed.csv", &csv(rows.iter().copied()));
        let (code, verified) = place.verify(&["--export", "changed.csv"]);
        let first = &verified["differences"][0];
        assert_eq!((code, first["measure"].as_str()), (Some(6), Some("rows")), "{verified:#}");
        assert_eq!([first["export"].as_u64(), first["table"].as_u64()], numbers.map(Some));
    }
}

#[test]
fn differences_are_told_to_people_too() {
    let place = Place::loaded();
    place.write("changed.csv", &csv_with("whole", "19"));
    let answer = place.run(&["verify", "--table", "t", "--export", "changed.csv"]);
    assert_eq!(answer.code, Some(6), "{answer:#?}");
    let told = "whole: sum: 59 in the export, 60 in the table";
    assert!(answer.out.contains(&format!("differs    {told}\n")), "{answer:#?}");
    assert!(answer.err.contains(&format!("the table differs from the export: {told}")), "{answer:#?}");
}

#[test]
fn what_incrementals_brought_is_left_out() {
    let place = Place::loaded();
    let mut new = ROWS[1];
    new[0] = "77";
    place.export("incremental", "20260302040000", &csv([new]));
    place.backfill(&["--kind", "incremental"]);
    for more in [&[][..], &["--exports", "exports"]] {
        let (code, verified) = place.verify(more);
        assert_eq!((code, found(&verified)), (Some(0), vec![]), "{more:?}");
        assert_eq!(verified["rows"], json!({"export": 4, "table": 4, "later": 1}), "{more:?}");
    }
    let answer = place.run(&["verify", "--table", "t", "--exports", "exports", "--kind", "incremental"]);
    assert_eq!(answer.code, Some(2), "{answer:#?}");
    assert!(answer.err.contains("a part of its table"), "{answer:#?}");
}

#[test]
fn an_export_is_read_as_a_load_reads_it() {
    let place = Place::new();
    place.export("full", "20260301031500", &csv(ROWS));
    place.backfill(&["--empty-strings", "null"]);
    let (code, verified) = place.verify(&["--exports", "exports"]);
    assert_eq!((code, found(&verified)), (Some(6), vec![("note".to_owned(), "empties".to_owned())]));
    assert!(verified["differences"][0]["hint"].as_str().unwrap().contains("empty_strings"), "{verified:#}");
    let (code, _) = place.verify(&["--exports", "exports", "--empty-strings", "null"]);
    assert_eq!(code, Some(0));
}

/// What an earlier program has written down says too little: the newest export speaks then.
#[test]
fn without_a_profile_of_the_load_the_export_is_read() {
    let place = Place::loaded();
    let runs = place.0.path().join("warehouse/t/.loads");
    for run in std::fs::read_dir(runs).unwrap() {
        let path = run.unwrap().path();
        let mut report: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        for column in report["columns"].as_array_mut().unwrap() {
            *column = json!({"name": column["name"], "truncated": 0});
        }
        report.as_object_mut().unwrap().remove("changes");
        std::fs::write(&path, serde_json::to_vec(&report).unwrap()).unwrap();
    }
    let (code, verified) = place.verify(&[]);
    assert_eq!((code, &verified["load_id"]), (Some(0), &Value::Null));
    // Nor is it taken for a table that was another.
    place.export("full", "20260302031500", &csv(ROWS));
    let report = place.backfill(&[]);
    assert_eq!(
        report["changes"],
        json!({"added_columns": [], "widened_columns": [], "rows_before": 4, "drift": []})
    );
    let nowhere = place.run(&["verify", "--table", "u"]);
    assert_eq!(nowhere.code, Some(2), "{nowhere:#?}");
}

/// When an export was made, what is in it, and which columns drift by what.
type Night = (&'static str, String, &'static [(&'static str, &'static str)]);

#[test]
fn a_full_load_that_drifted_says_so() {
    let place = Place::loaded();
    let nights: [Night; 4] = [
        ("20260302031500", csv(ROWS), &[]),
        (
            "20260303031500",
            csv(ROWS.map(|mut row| {
                row[12] = "";
                row
            })),
            &[("name", "nulls")],
        ),
        (
            "20260304031500",
            csv(ROWS.map(|mut row| {
                row[12] = "\"\"";
                row
            })),
            &[("name", "nulls"), ("name", "empties")],
        ),
        ("20260305031500", csv(ROWS[..2].iter().copied()), &[("", "rows"), ("name", "empties")]),
    ];
    for (at, text, drifted) in nights {
        place.export("full", at, &text);
        let report = place.backfill(&[]);
        let drift = report["changes"]["drift"].as_array().unwrap();
        let found: Vec<_> = drift
            .iter()
            .map(|drift| (drift["column"].as_str().unwrap_or_default(), drift["measure"].as_str().unwrap()))
            .collect();
        for wanted in drifted {
            assert!(found.contains(wanted), "{at} {wanted:?}: {report:#}");
        }
        assert_eq!(found.is_empty(), drifted.is_empty(), "{at}: {report:#}");
        let warnings = report["warnings"].as_array().map_or(0, Vec::len);
        assert_eq!((warnings, report["changes"]["rows_before"].as_u64()), (found.len(), Some(4)), "{at}");
    }
    let converted = place.run(&[
        "convert",
        "--table",
        "t",
        "--out",
        "out",
        "--json",
        "exports/full/t/20260301/t_20260301031500.csv",
    ]);
    assert_eq!(converted.json()["changes"]["rows_before"], 0);
}
