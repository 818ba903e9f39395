//! Staged files of every table go with the worker that begins, when their time is over.

use crate::world::World;

/// Loads that are long over, of two tables; of a third nobody knows whose they are.
const OLD: &str = "018df74f-8400-7abc-8def-0123456789ab";

#[test]
fn the_worker_sweeps_what_is_staged_of_every_table() {
    let world = World::before_the_night();
    let begun = |table: &str| {
        serde_json::json!({"load_id": OLD, "table": table, "program": "csl-stream"}).to_string()
    };
    for table in ["t", "petitions"] {
        world.s3.put_old(&format!("stage/csl/{table}/{OLD}/begun.json"), begun(table));
        world.s3.put_old(&format!("stage/csl/{table}/{OLD}/part-00000.snappy.parquet"), "old");
    }
    let foreign = format!("stage/csl/other/{OLD}/part-00000.snappy.parquet");
    world.s3.put_old(&foreign, "whose?");
    world.s3.put_old("stage/csl/_profiles/x.json", "{}");
    let young = format!("stage/csl/t/{}/begun.json", OLD.replace("89ab", "89ac"));
    world.s3.put(&young, begun("t"));
    let answer = world.run(&["work", "--once"]);
    assert_eq!(answer.code, Some(0), "{answer:#?}");
    let left: Vec<_> = world.objects("stage/csl/").into_iter().collect();
    for (name, stays) in [
        (format!("stage/csl/t/{OLD}/begun.json"), false),
        (format!("stage/csl/petitions/{OLD}/part-00000.snappy.parquet"), false),
        (foreign, true),
        ("stage/csl/_profiles/x.json".to_owned(), true),
        (young, true),
    ] {
        assert_eq!(left.contains(&name), stays, "{name}: {left:?}");
    }
    let answer = world.run(&["check", "--table", "t"]);
    assert!(answer.out.contains("✔ staged files are kept: 7 days, in s3://stage/csl"), "{answer:#?}");
}
