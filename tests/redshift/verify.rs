//! `verify` and drift: what an export says beside what a table in Redshift holds.

use crate::types::{CHANGES, ROWS, SCHEMA, TABLE, csv, csv_with, found};
use crate::world::{NIGHT, World};
use serde_json::{Value, json};

const NEXT_NIGHT: &str = "20260302031500";

/// With the table, and the export that brings its rows.
fn world() -> World {
    let world = World::with(TABLE);
    std::fs::write(world.dir.path().join("schema.json"), SCHEMA).unwrap();
    world.put("full", NIGHT, &csv(ROWS));
    world
}

fn verify(world: &World, more: &[&str]) -> (Option<i32>, Value) {
    let answer = world.run(&[&["verify", "--table", "t", "--json"], more].concat());
    assert!(matches!(answer.code, Some(0 | 6)), "{answer:#?}");
    (answer.code, answer.json())
}

#[test]
fn a_changed_cell_of_each_type_is_found_and_named() {
    let world = world();
    world.loaded(&[]);
    for more in [&[][..], &["--exports", "s3://exports/org"]] {
        let (code, verified) = verify(&world, more);
        assert_eq!((code, found(&verified)), (Some(0), vec![]), "{more:?}: {verified:#}");
        assert_eq!(verified["rows"], json!({"export": 4, "table": 4, "later": 0}));
        assert_eq!(verified["load_id"].is_string(), more.is_empty(), "{more:?}");
    }
    for &(column, value, measures) in CHANGES {
        std::fs::write(world.dir.path().join("changed.csv"), csv_with(column, value)).unwrap();
        let (code, verified) = verify(&world, &["--export", "changed.csv"]);
        let wanted: Vec<_> =
            measures.iter().map(|&measure| (column.to_owned(), measure.to_owned())).collect();
        assert_eq!((code, found(&verified)), (Some(6), wanted), "{column} {value:?}: {verified:#}");
    }
}

#[test]
fn a_cell_that_was_changed_in_the_table_differs_from_its_load() {
    let world = world();
    world.loaded(&[]);
    for (set, back, wanted) in [
        ("price = 2.01", "price = 2.00", &[("price", "sum")][..]),
        ("yes = NULL", "yes = false", &[("yes", "non_null")]),
        ("made = made + interval '1 microsecond'", "made = '2024-01-02 10:00:00.5'", &[("made", "sum")]),
        ("name = 'bo'", "name = 'bo, jr'", &[("name", "bytes")]),
        ("share = 'NaN'", "share = 0.25", &[("share", "max")]),
        (
            "day = '2024-02-29', note = ''",
            "day = '2024-01-02', note = E'two\\nlines'",
            &[("day", "max"), ("day", "sum"), ("note", "empties"), ("note", "bytes")],
        ),
    ] {
        world.sql(&format!("UPDATE t SET {set} WHERE id = 2"));
        let (code, verified) = verify(&world, &[]);
        let wanted: Vec<_> =
            wanted.iter().map(|(column, measure)| ((*column).to_owned(), (*measure).to_owned())).collect();
        let found: Vec<_> =
            found(&verified).into_iter().filter(|found| set != "share = 'NaN'" || found.1 != "sum").collect();
        assert_eq!((code, found), (Some(6), wanted), "{set}: {verified:#}");
        world.sql(&format!("UPDATE t SET {back} WHERE id = 2"));
        assert_eq!(verify(&world, &[]).0, Some(0), "{back}");
    }
    for (sql, rows) in
        [("INSERT INTO t SELECT * FROM t WHERE id = 2", [4, 5]), ("DELETE FROM t WHERE id = 2", [4, 3])]
    {
        world.sql(sql);
        let (code, verified) = verify(&world, &[]);
        assert_eq!((code, &verified["differences"][0]["measure"]), (Some(6), &json!("rows")), "{sql}");
        assert_eq!(
            [verified["rows"]["export"].as_u64(), verified["rows"]["table"].as_u64()],
            rows.map(Some),
            "{sql}"
        );
    }
}

/// One SELECT looks at the table, and nothing is written to it.
#[test]
fn one_select_is_enough_and_a_reader_may_do_it() {
    let world = world();
    world.loaded(&[]);
    world.redshift.forget();
    assert_eq!(verify(&world, &["--exports", "s3://exports/org"]).0, Some(0));
    let sent = world.redshift.sent();
    let over: Vec<_> = sent.iter().filter(|sent| sent.sql.contains("FROM \"public\".\"t\"")).collect();
    assert_eq!(over.len(), 1, "{sent:#?}");
    assert!(sent.iter().all(|sent| sent.sql.starts_with("SELECT ")), "{sent:#?}");
    // Without the ledger too: it is another's table then.
    let loader = world.loader();
    world.sql(&format!(
        "REVOKE ALL ON csl_stream_loads FROM {loader}; REVOKE INSERT, DELETE, UPDATE ON t FROM {loader}"
    ));
    assert_eq!(verify(&world, &["--exports", "s3://exports/org"]).0, Some(0));
}

/// The Glue job makes `""` NULL, and the Lambda loader adds rows all day.
#[test]
fn a_table_that_another_pipeline_loaded_is_compared_too() {
    let world = world();
    let row = |id: u64, note: &str, created_at: &str| {
        world.sql(&format!("INSERT INTO t (id, note, created_at) VALUES ({id}, {note}, {created_at})"));
    };
    world.put(
        "full",
        NIGHT,
        "id,note,created_at\n1,\"\",2026-02-28 10:00:00\n2,b,2026-03-01 01:00:00\n3,,\n",
    );
    row(1, "NULL", "'2026-02-28 10:00:00'");
    row(2, "'b'", "'2026-03-01 01:00:00'");
    row(3, "NULL", "NULL");
    let read: &[&str] = &["--missing-columns", "null"];
    let (code, verified) = verify(&world, read);
    assert_eq!((code, found(&verified)), (Some(6), vec![("note".to_owned(), "empties".to_owned())]));
    assert!(
        verified["differences"][0]["hint"].as_str().unwrap().contains("NULL in the table"),
        "{verified:#}"
    );
    let alike = [read, &["--empty-strings", "null"]].concat();
    assert_eq!(verify(&world, &alike).0, Some(0));
    // Made after the newest row of the export, in the hours before its name or after it: it came later.
    for (id, created_at) in [(4, "2026-03-01 01:00:01"), (5, "2026-03-05 00:00:00")] {
        row(id, "'later'", &format!("'{created_at}'"));
        let (code, verified) = verify(&world, &alike);
        assert_eq!((code, &verified["rows"]["later"]), (Some(0), &json!(id - 3)), "{verified:#}");
    }
    // Older than that, the export would have it.
    row(6, "'stray'", "'2026-02-27 00:00:00'");
    let (code, verified) = verify(&world, &alike);
    assert_eq!((code, &verified["differences"][0]["measure"]), (Some(6), &json!("rows")), "{verified:#}");
}

#[test]
fn rows_of_later_incrementals_are_left_out() {
    let world = world();
    world.loaded(&[]);
    let mut new = ROWS[1];
    (new[0], new[15]) = ("77", "2026-03-01 04:00:00");
    world.put("incremental", "20260301041500", &csv([new]));
    world.loaded(&["--kind", "incremental"]);
    for more in [&[][..], &["--exports", "s3://exports/org"]] {
        let (code, verified) = verify(&world, more);
        assert_eq!((code, found(&verified)), (Some(0), vec![]), "{more:?}: {verified:#}");
        assert_eq!(verified["rows"], json!({"export": 4, "table": 4, "later": 1}), "{more:?}");
    }
}

/// A retry, say, is a full load of which no report is kept.
#[test]
fn the_export_is_read_where_the_last_load_is_another() {
    let world = world();
    world.loaded(&[]);
    world.sql("UPDATE csl_stream_loads SET load_id = '019ca764-6320-7154-8074-000000000000'");
    let (code, verified) = verify(&world, &[]);
    assert_eq!((code, &verified["load_id"]), (Some(0), &Value::Null), "{verified:#}");
}

#[test]
fn a_full_load_that_drifted_says_so() {
    let world = world();
    let first = world.loaded(&[]);
    assert_eq!(
        first["changes"],
        json!({"added_columns": [], "widened_columns": [], "rows_before": 0, "drift": []})
    );
    world.put(
        "full",
        NEXT_NIGHT,
        &csv(ROWS.map(|mut row| {
            row[12] = "";
            row
        })),
    );
    let report = world.loaded(&[]);
    assert_eq!(
        report["changes"]["drift"],
        json!([{"measure": "nulls", "column": "name", "before": 25.0, "now": 100.0}]),
        "{report:#}"
    );
    let warned = report["warnings"].to_string();
    assert!(warned.contains("is NULL in every row, before in 25.0 % of them"), "{warned}");
    // What is kept for it is no stranger in the staging place.
    assert!(world.objects("stage/csl/_profiles/").contains(&"stage/csl/_profiles/t.json".to_owned()));
    let checked = world.run(&["check", "--table", "t"]);
    assert!(checked.out.contains("holds nothing but staged loads"), "{checked:#?}");
}
