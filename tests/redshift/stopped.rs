//! Shutdown, and what is swept.

use crate::redshift::{Act, At, Call};
use crate::world::{SECONDS_MAX, World};
use std::process::Command;
use std::time::{Duration, Instant};

fn wait_for(what: &str, done: impl Fn() -> bool) {
    let started = Instant::now();
    while !done() {
        assert!(started.elapsed() < SECONDS_MAX, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Stops a backfill by a signal when it is at this point, and gives its exit code.
fn interrupted(world: &World, signal: &str, at: At) -> Option<i32> {
    let gate = world.redshift.hold(at);
    let mut child = world.spawn(&["backfill", "--table", "t"]);
    assert!(gate.reached(SECONDS_MAX), "nobody came");
    let pid = child.id().to_string();
    assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    wait_for("the statement is not cancelled", || world.redshift.count(Call::CancelStatement) > 0);
    gate.open();
    child.wait().unwrap().code()
}

#[test]
fn a_signal_cancels_the_statement_and_the_table_is_as_it_was() {
    for signal in ["-INT", "-TERM"] {
        let world = World::before_the_night();
        assert_eq!(interrupted(&world, signal, At::Statement("COPY".to_owned())), Some(130), "{signal}");
        assert_eq!((world.redshift.active(), world.ids().as_str()), (0, "77"), "{signal}");
        assert_eq!(world.sql("SELECT count(*) FROM csl_stream_loads"), "0", "{signal}");
        assert_eq!(world.loaded(&[])["status"], "succeeded", "{signal}");
        assert_eq!(world.ids(), "1 2 3", "{signal}");
    }
}

#[test]
fn a_signal_that_comes_after_the_commit_does_not_hide_the_load() {
    let world = World::before_the_night();
    // The ledger's answer takes longer than a stop is waited for.
    let slow = At::Statement("ORDER BY finished DESC".to_owned());
    world.redshift.script(slow, Act::Sleep(Duration::from_secs(1)), 1);
    assert_eq!(interrupted(&world, "-INT", At::Committed("COPY".to_owned())), Some(0));
    assert_eq!(world.ids(), "1 2 3");
}

/// Ids of loads, as they are written.
const OURS: &str = "018df74f-8400-7abc-8def-0123456789ab";
const OTHER: &str = "018df74f-8400-7abc-8def-0123456789ac";

/// The record of a load of this table, as a load leaves it: one of `world`'s own, under another id.
fn record(world: &World, load: &str, table: &str) -> String {
    let id = world.loaded(&[])["load_id"].as_str().unwrap().to_owned();
    let text = world.s3.get(&format!("stage/csl/t/{id}/load.json")).unwrap();
    let mut record: serde_json::Value = serde_json::from_slice(&text).unwrap();
    record["entry"]["load_id"] = load.into();
    record["entry"]["table"] = table.into();
    record.to_string()
}

/// Everything else below the staging place is somebody else's, however old it is.
#[test]
fn only_loads_of_our_own_are_swept() {
    let world = World::before_the_night();
    let sound = record(&world, OURS, "t");
    let of_petitions = record_as(&sound, OURS, "petitions");
    let swept = ["load.json", "manifest.json", "part-00000.snappy.parquet", "part-00001.zstd.parquet"];
    for name in swept {
        let content = if name == "load.json" { sound.clone() } else { "old".to_owned() };
        world.s3.put_old(&format!("stage/csl/t/{OURS}/{name}"), content);
    }
    // Broken off before its record.
    const BEGUN: &str = "018df74f-8400-7abc-8def-0123456789ad";
    let begun = |load: &str, table: &str| {
        serde_json::json!({"load_id": load, "table": table, "program": "csl-stream"}).to_string()
    };
    for (name, content) in [("begun.json", begun(BEGUN, "t")), ("part-00000.snappy.parquet", String::new())] {
        world.s3.put_old(&format!("stage/csl/t/{BEGUN}/{name}"), content);
    }
    let (of_another, of_petitions_begun) = (begun(BEGUN, "t"), begun(OTHER, "petitions"));
    let foreign = [
        ("stage/csl/t/018df74f-8400-7abc-8def-000000000004/begun.json", of_another.as_str()),
        ("stage/csl/t/018df74f-8400-7abc-8def-000000000004/part-00000.snappy.parquet", ""),
        ("stage/csl/t/018df74f-8400-7abc-8def-000000000005/begun.json", "{}"),
        ("stage/csl/t/begun.json", of_another.as_str()),
        ("stage/csl/t/018df74f-8400-7abc-8def-0123456789ac/begun.json", of_petitions_begun.as_str()),
        // In the place, in the table's folder, in folders of other names.
        ("stage/csl/readme.txt", ""),
        ("stage/csl/t/notes.txt", ""),
        ("stage/csl/t/load.json", sound.as_str()),
        ("stage/csl/t/2026-03-01/part-00000.snappy.parquet", ""),
        ("stage/csl/t/2026-03-01/load.json", sound.as_str()),
        ("stage/csl/petitions/x/load.json", sound.as_str()),
        ("stage/lake/t/x.parquet", ""),
        // Folders named as ours whose record is missing, damaged, of another load, of another table.
        ("stage/csl/t/018df74f-8400-7abc-8def-000000000001/part-00000.snappy.parquet", ""),
        ("stage/csl/t/018df74f-8400-7abc-8def-000000000002/load.json", "{}"),
        ("stage/csl/t/018df74f-8400-7abc-8def-000000000003/load.json", sound.as_str()),
        ("stage/csl/t/018df74f-8400-7abc-8def-000000000003/part-00000.snappy.parquet", ""),
        ("stage/csl/t/018DF74F-8400-7ABC-8DEF-0123456789AB/load.json", sound.as_str()),
        ("stage/csl/t/018df74f84007abc8def0123456789ab/load.json", sound.as_str()),
    ];
    for (name, content) in foreign {
        world.s3.put_old(name, content.to_owned());
    }
    world.s3.put_old(&format!("stage/csl/t/{OTHER}/load.json"), record_as(&of_petitions, OTHER, "petitions"));
    // In our own folder, names that we do not give.
    let beside = ["notes.txt", "part-00000.snappy.parquet.bak", "part-0.snappy.parquet", "deep/load.json"];
    for name in beside {
        world.s3.put_old(&format!("stage/csl/t/{OURS}/{name}"), "kept".to_owned());
    }
    world.export("full", "20260302031500", crate::world::OLD, &[1, 2, 3]);
    let answer = world.backfill(&[]);
    assert_eq!(answer.code, Some(0), "{answer:#?}");
    let left = world.s3.names();
    for name in swept {
        assert!(!left.contains(&format!("stage/csl/t/{OURS}/{name}")), "{name} is swept: {left:#?}");
    }
    assert!(!left.iter().any(|name| name.contains(BEGUN)), "{left:#?}");
    let kept = foreign.iter().map(|(name, _)| (*name).to_owned());
    let kept = kept.chain(beside.iter().map(|name| format!("stage/csl/t/{OURS}/{name}")));
    for name in kept.chain([format!("stage/csl/t/{OTHER}/load.json")]) {
        assert!(left.contains(&name), "{name} stays: {left:#?}");
    }
    assert!(answer.err.contains("staging place holds what no finished load"), "{answer:#?}");
    let check = world.run(&["check", "--table", "t"]);
    assert!(check.out.contains("not csl-stream's alone"), "{check:#?}");
}

fn record_as(record: &str, load: &str, table: &str) -> String {
    let mut record: serde_json::Value = serde_json::from_str(record).unwrap();
    record["entry"]["load_id"] = load.into();
    record["entry"]["table"] = table.into();
    record.to_string()
}

#[test]
fn young_loads_and_those_of_other_tables_are_not_swept() {
    let world = World::before_the_night();
    let sound = record(&world, OURS, "t");
    world.s3.put(&format!("stage/csl/t/{OURS}/load.json"), sound.clone());
    world.s3.put_old(&format!("stage/csl/petitions/{OURS}/load.json"), record_as(&sound, OURS, "petitions"));
    world.export("full", "20260302031500", crate::world::OLD, &[1, 2, 3]);
    world.loaded(&[]);
    let left = world.s3.names();
    assert!(left.contains(&format!("stage/csl/t/{OURS}/load.json")), "{left:#?}");
    assert!(left.contains(&format!("stage/csl/petitions/{OURS}/load.json")), "{left:#?}");
}
