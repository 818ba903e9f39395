//! What is said before anything is done: the plan, and a target that does not fit.

use crate::redshift::Call;
use crate::world::{NIGHT, OLD, TABLE, World};

#[test]
fn a_target_that_does_not_fit_exits_with_4_before_anything_is_staged() {
    let cases: &[(&str, String, &[&str], &[&str])] = &[
        ("no table", String::new(), &[], &["no table \"t\"", "--create-table"]),
        (
            "a missing column",
            TABLE.replace("score DECIMAL(5,2), ", ""),
            &[],
            &["\"score\" is not in the table", "ADD COLUMN \"score\" DECIMAL(3,2)"],
        ),
        (
            "an extra column that must be filled",
            TABLE.replace("active", "more INTEGER NOT NULL, active"),
            &["--missing-columns", "null"],
            &["column \"more\" of the table", "it takes no NULL"],
        ),
        (
            "a narrower type",
            TABLE.replace("id BIGINT NOT", "id INTEGER NOT"),
            &[],
            &["\"id\" is INTEGER", "BIGINT"],
        ),
        (
            "too few digits",
            TABLE.replace("(5,2)", "(3,1)"),
            &[],
            &["\"score\" is DECIMAL(3,1)", "DECIMAL(3,2)"],
        ),
    ];
    for (what, table, more, parts) in cases {
        let world = World::with(table);
        world.export("full", NIGHT, OLD, &[1]);
        let answer = world.backfill(more);
        assert_eq!(answer.code, Some(4), "{what}: {answer:#?}");
        assert!(parts.iter().all(|part| answer.err.contains(part)), "{what}: {}", answer.err);
        assert_eq!((world.objects("stage").len(), world.redshift.count(Call::BatchExecuteStatement)), (0, 0));
    }
}

#[test]
fn what_is_allowed_is_loaded() {
    let world = World::with(&TABLE.replace("active", "more INTEGER DEFAULT 5, active"));
    world.export("full", NIGHT, OLD, &[1]);
    world.loaded(&["--missing-columns", "null"]);
    assert_eq!(world.sql("SELECT id, more FROM t"), "1|5");
    let world = World::with("");
    world.export("full", NIGHT, OLD, &[1]);
    world.loaded(&["--create-table"]);
    assert_eq!(world.ids(), "1");
}

#[test]
fn a_plan_shows_the_sql_and_changes_nothing() {
    let world = World::without_ledger();
    world.export("full", NIGHT, OLD, &[1]);
    let plan = world.run(&["plan", "--table", "t"]);
    assert_eq!(plan.code, Some(0), "{plan:#?}");
    for part in [
        "action     load: replaces the table",
        "DELETE FROM \"public\".\"t\";",
        "FORMAT AS PARQUET MANIFEST",
        "cost       about $",
        "another order",
    ] {
        assert!(plan.out.contains(part), "{part}: {}", plan.out);
    }
    assert_eq!((world.objects("stage").len(), world.redshift.count(Call::BatchExecuteStatement)), (0, 0));
    assert_eq!(world.sql("SELECT count(*) FROM pg_tables WHERE tablename LIKE 'csl_stream%'"), "0");
    let json = world.run(&["plan", "--table", "t", "--json"]).json();
    assert_eq!(json["action"], "load");
    let planned: Vec<String> = serde_json::from_value(json["target"]["sql"].clone()).unwrap();
    world.loaded(&[]);
    let sent = world.redshift.sent();
    let done: Vec<_> = sent
        .iter()
        .filter(|sent| sent.call == Call::BatchExecuteStatement)
        .map(|sent| sent.sql.clone())
        .collect();
    let copy = |sqls: &[String]| sqls.iter().find(|sql| sql.starts_with("COPY")).cloned();
    assert_eq!((planned.len(), copy(&planned)), (done.len(), copy(&done)), "the plan is what is done");
    let skip = world.run(&["plan", "--table", "t"]);
    assert!(skip.out.contains("action     skip"), "{}", skip.out);
}

#[test]
fn a_plan_names_every_difference_and_exits_as_the_run_would() {
    let world =
        World::with(&TABLE.replace("id BIGINT NOT", "id INTEGER NOT").replace("email VARCHAR(255), ", ""));
    world.export("full", NIGHT, OLD, &[1]);
    let plan = world.run(&["plan", "--table", "t"]);
    assert_eq!(plan.code, Some(4), "{plan:#?}");
    for part in ["action     refuse", "misfit     column \"id\"", "ADD COLUMN \"email\""] {
        assert!(plan.out.contains(part), "{part}: {}", plan.out);
    }
}
