//! What `loads list` says of runs that the ledger does not know: failed ones with their reason, killed ones, and what
//! loads changed of the table's columns; and what `rollback` says where no version is kept.

use crate::evolution::{INCREMENTAL, moved};
use crate::redshift::{At, Call};
use crate::world::{NIGHT, OLD, SECONDS_MAX, World};
use serde_json::Value;

const NEXT_NIGHT: &str = "20260302031500";

fn list(world: &World, more: &[&str]) -> Vec<Value> {
    let answer = world.run(&[&["loads", "list", "--json"], more].concat());
    assert_eq!(answer.code, Some(0), "{answer:#?}");
    answer.json().as_array().unwrap().clone()
}

fn of(run: &Value, key: &str) -> String {
    run[key].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_failed_load_is_listed_with_its_reason_until_it_has_succeeded() {
    let world = World::before_the_night();
    world.redshift.fail_serialization("COPY", 99);
    let failed = world.backfill(&[]);
    assert_eq!(failed.code, Some(7), "{failed:#?}");
    world.redshift.clear_script();
    let id = of(&failed.json(), "load_id");
    let runs = list(&world, &[]);
    assert_eq!(runs.len(), 1, "{runs:#?}");
    assert_eq!((of(&runs[0], "load_id"), of(&runs[0], "status")), (id.clone(), "failed".to_owned()));
    assert_eq!(runs[0]["error"], failed.json()["error"]);
    let text = world.run(&["loads", "list", "--status", "failed"]);
    let reason = failed.json()["error"].as_str().unwrap().lines().next().unwrap().trim_end().to_owned();
    assert!(text.out.contains(&format!("\n    {reason}")), "{text:#?}");
    for given in ["last", &id[..30], &id] {
        let shown = world.run(&["loads", "show", given, "--json"]);
        assert_eq!(
            (shown.code, of(&shown.json()["run"], "load_id")),
            (Some(0), id.clone()),
            "{given}: {shown:#?}"
        );
    }
    // By the beginning of its id it is retried; then it is a load that succeeded, and no failed one.
    let retried = world.run(&["loads", "retry", &id[..30]]);
    assert_eq!((retried.code, world.ids().as_str()), (Some(0), "1 2 3"), "{retried:#?}");
    let runs = list(&world, &[]);
    assert_eq!((runs.len(), of(&runs[0], "status")), (1, "succeeded".to_owned()), "{runs:#?}");
    assert!(list(&world, &["--status", "failed"]).is_empty());
}

#[test]
fn what_a_failed_load_says_of_values_is_not_kept() {
    let world = World::before_the_night();
    world.put(
        "full",
        NEXT_NIGHT,
        "email,created_at,score,params,active,petition_id,id\nhush,never,1,,t,7,1\n",
    );
    let answer = Value::from(world.backfill(&["--quiet"]).code);
    assert_eq!(answer, 5);
    let kept: Vec<String> = world.s3.names().into_iter().filter(|name| name.contains("/_runs/t/")).collect();
    assert_eq!(kept.len(), 1, "{kept:?}");
    let report: Value = serde_json::from_slice(&world.s3.get(&kept[0]).unwrap()).unwrap();
    assert_eq!(
        (&report["columns"], &report["rejects"]["first"][0]["value"]),
        (&serde_json::json!([]), &Value::Null)
    );
    assert_eq!(report["rejects"]["counts"][0]["rule"], "timestamp");
    let run = &list(&world, &[])[0];
    assert!(
        of(run, "error").contains("rejected") && of(run, "source").ends_with("t_20260302031500.csv"),
        "{run}"
    );
}

#[test]
fn a_killed_load_is_listed() {
    let world = World::before_the_night();
    // What was asked for would be done without whoever asked: it fails.
    world.redshift.fail_serialization("COPY", 1);
    let gate = world.redshift.hold(At::Call(Call::BatchExecuteStatement));
    let mut child = world.spawn(&["backfill", "--table", "t"]);
    assert!(gate.reached(SECONDS_MAX), "nobody came");
    child.kill().unwrap();
    child.wait().unwrap();
    gate.open();
    let runs = list(&world, &["--status", "killed"]);
    assert_eq!(runs.len(), 1, "{runs:#?}");
    assert_eq!((of(&runs[0], "table"), of(&runs[0], "status")), ("t".to_owned(), "failed".to_owned()));
    let text = world.run(&["loads", "list"]);
    assert!(text.out.contains("  killed  ") && text.out.contains("no end is known of it"), "{text:#?}");
    // The same load run again ends it.
    let id = of(&world.loaded(&[]), "load_id");
    assert_eq!(of(&runs[0], "load_id"), id);
    assert!(list(&world, &["--status", "killed"]).is_empty());
}

#[test]
fn what_a_load_changed_of_the_columns_is_listed() {
    let world = moved(true);
    world.loaded(INCREMENTAL);
    let runs = list(&world, &[]);
    assert_eq!(runs[0]["added_columns"], serde_json::json!(["size", "note"]), "{runs:#?}");
    let text = world.run(&["loads", "list"]);
    assert!(text.out.contains("current, +2 columns, 1 column wider"), "{text:#?}");
}

#[test]
fn redshift_keeps_no_version_and_says_how_to_come_back() {
    let world = World::before_the_night();
    let first = of(&world.loaded(&[]), "load_id");
    world.export("full", NEXT_NIGHT, OLD, &[4, 5, 6]);
    world.loaded(&[]);
    let answer = world.run(&["rollback", "--table", "t"]);
    assert_eq!(answer.code, Some(2), "{answer:#?}");
    for part in [
        "keeps no earlier version",
        "--export s3://exports/org/full/t/20260301/t_20260301031500.csv --again",
        &first,
        "restore-table-from-cluster-snapshot",
    ] {
        assert!(answer.err.contains(part), "{part}: {answer:#?}");
    }
    assert_eq!(world.ids(), "4 5 6");
    // The help is what helps.
    let export = format!("s3://exports/org/full/t/{}/t_{NIGHT}.csv", &NIGHT[..8]);
    world.loaded(&["--export", &export, "--again"]);
    assert_eq!(world.ids(), "1 2 3");
}
