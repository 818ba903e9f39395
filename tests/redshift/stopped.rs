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

#[test]
fn staged_files_are_swept_when_they_are_long_over() {
    let world = World::before_the_night();
    let old = ["long-ago-1/part-00000.snappy.parquet", "long-ago-1/manifest.json", "long-ago-2/load.json"];
    for name in old {
        world.s3.put(&format!("stage/csl/t/{name}"), "old");
        world.s3.put(&format!("stage/csl/petitions/{name}"), "of another table");
    }
    world.s3.put("stage/csl/t/of-another-load/part-00000.snappy.parquet", "young");
    let id = world.loaded(&[])["load_id"].as_str().unwrap().to_owned();
    let mut left = world.objects("stage/csl/t/");
    left.retain(|name| !name.contains(&id));
    assert_eq!(left, ["stage/csl/t/of-another-load/part-00000.snappy.parquet"]);
    assert_eq!(world.objects("stage/csl/petitions/").len(), 3, "each table's load sweeps its own");
}
