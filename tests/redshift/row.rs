//! Incremental exports of a night into Redshift: all that the table lacks, oldest first.

use crate::world::{NIGHT, OLD, World};

#[test]
fn all_that_the_table_lacks_are_loaded_oldest_first() {
    let world = World::new();
    world.export("full", NIGHT, OLD, &[1, 2]);
    world.loaded(&[]);
    for (at, id) in
        [("20260228120000", 3), ("20260301010000", 4), ("20260301040000", 5), ("20260301050000", 6)]
    {
        world.export("incremental", at, "2026-03-01 03:59:00", &[1, id]);
    }
    let answer = world.backfill(&["--kind", "incremental"]);
    assert_eq!((answer.code, answer.out.lines().count()), (Some(0), 3), "one report each: {answer:#?}");
    assert_eq!(world.ids(), "1 2 4 5 6", "the full export covers the first");
    let order = world.sql(
        "SELECT string_agg(exported_at, ' ' ORDER BY finished, load_id) FROM csl_stream_loads WHERE kind = 'incremental'",
    );
    assert_eq!(order, "20260301010000 20260301040000 20260301050000");
    // Nothing is left.
    assert_eq!(world.loaded(&["--kind", "incremental"])["status"], "skipped");
}
