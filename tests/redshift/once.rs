//! Killed before and after every step, and run again: as if nothing had happened.
//!
//! ```text
//! look at the table ─ ledger ─ segments ─ manifest ─ record ─ batch ─┬ claim ─ guard ─ save ─ DELETE ─ COPY
//!    ledger's answer ─ manifest's copy ◀─ status ◀─ commit ◀─────────┴ count ─ put back ─ ledger's row
//! ```

use crate::redshift::{At, Call};
use crate::s3::Kind;
use crate::world::{NIGHT, OLD, SECONDS_MAX, World};
use std::time::{Duration, Instant};

/// Long enough to be killed while a request is on its way.
const LATENCY: Duration = Duration::from_millis(150);

/// Where the process is killed.
enum Point {
    /// Whoever comes here next waits, also after the death of the process.
    Gate(At),
    /// The PUT of this number has been sent; nothing is stored yet.
    Sending(usize),
    /// An object whose name ends so is stored.
    Stored(&'static str),
}
use Point::{Gate, Sending, Stored};

fn statement(text: &str) -> Point {
    Gate(At::Statement(text.to_owned()))
}

#[test]
fn killed_outside_of_the_transaction() {
    let batch = Call::BatchExecuteStatement;
    kill_at(&[
        ("before the table is looked at", Gate(At::Call(Call::ExecuteStatement))),
        ("when the table is looked at", Gate(At::AnswerOfDone(Call::ExecuteStatement))),
        (
            "before the ledger is made",
            statement("CREATE TABLE IF NOT EXISTS \"public\".\"csl_stream_loads\""),
        ),
        (
            "after the ledger was made",
            statement("CREATE TABLE IF NOT EXISTS \"public\".\"csl_stream_lock_t\""),
        ),
        ("before the lock has its row", statement("INSERT INTO \"public\".\"csl_stream_lock_t\"")),
        ("before the first record is stored", Sending(1)),
        ("after the first record was stored", Stored("begun.json")),
        ("before a segment is stored", Sending(2)),
        ("after a segment was stored", Stored("part-00000.snappy.parquet")),
        ("before the manifest is stored", Sending(3)),
        ("after the manifest was stored", Stored("manifest.json")),
        ("before the record is stored", Sending(4)),
        ("after the record was stored", Stored("load.json")),
        ("before the batch", Gate(At::Call(batch))),
        ("when the batch is accepted", Gate(At::Answer(batch))),
        ("when the batch is done, before its answer", Gate(At::AnswerOfDone(batch))),
        ("while it waits", Gate(At::Call(Call::DescribeStatement))),
        ("before the ledger's answer", statement("ORDER BY finished DESC")),
        ("before the manifest's copy is stored", Sending(5)),
        ("after the manifest's copy was stored", Stored("manifests/t/")),
    ]);
}

#[test]
fn killed_inside_of_the_transaction() {
    kill_at(&[
        ("picked", Gate(At::Picked)),
        ("before the claim", statement("UPDATE")),
        ("after the claim, before the guard", statement("loaded already")),
        ("after the guard, before recent rows are saved", statement("CREATE TEMP TABLE")),
        ("after that, before the old rows go", statement("DELETE FROM")),
        ("after that, before the copy", statement("COPY")),
        ("after the copy, before the count", statement("rows were accepted")),
        ("after that, before rows are put back", statement("NOT EXISTS (SELECT 1 FROM \"public\".\"t\"")),
        ("after that, before the ledger's row", statement("GETDATE")),
        ("after that, before the commit", Gate(At::Commit("COPY".to_owned()))),
        ("after the commit", Gate(At::Committed("COPY".to_owned()))),
    ]);
}

fn kill_at(points: &[(&str, Point)]) {
    for (what, point) in points {
        let world = World::without_ledger();
        world.sql("INSERT INTO t (id, created_at) VALUES (77, '2020-01-01')");
        world.export("full", NIGHT, OLD, &[1, 2, 3]);
        let gate = match point {
            Gate(at) => Some(world.redshift.hold(at.clone())),
            Sending(_) | Stored(_) => {
                world.s3.set_latency(LATENCY);
                None
            }
        };
        let mut child = world.spawn(&["backfill", "--table", "t"]);
        match (point, &gate) {
            (Sending(count), _) => wait_for(what, || world.s3.count(Kind::Put) >= *count),
            (Stored(part), _) => wait_for(what, || world.s3.names().iter().any(|name| name.contains(part))),
            (_, gate) => assert!(gate.as_ref().unwrap().reached(SECONDS_MAX), "{what}: nobody came"),
        }
        child.kill().unwrap();
        let ended = child.wait().unwrap();
        assert_eq!(ended.code(), None, "{what}: it was not killed, it had ended");
        world.s3.set_latency(Duration::ZERO);
        // The earlier statement goes on while the next process is under way.
        let rerun = std::thread::scope(|scope| {
            let rerun = scope.spawn(|| world.backfill(&[]));
            std::thread::sleep(Duration::from_millis(300));
            gate.inspect(|gate| gate.open());
            rerun.join().unwrap()
        });
        assert_eq!(rerun.code, Some(0), "{what}: {rerun:#?}");
        assert_eq!(world.ids(), "1 2 3", "{what}");
        let ledger =
            "SELECT count(*), sum(rows_read), sum(rows_loaded), sum(rows_carried_over) FROM csl_stream_loads";
        assert_eq!(world.sql(ledger), "1|3|3|0", "{what}");
    }
}

fn wait_for(what: &str, done: impl Fn() -> bool) {
    let started = Instant::now();
    while !done() {
        assert!(started.elapsed() < SECONDS_MAX, "{what}: it did not come to that");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn the_answer_is_lost_after_the_commit_and_nothing_is_loaded_twice() {
    for lost in [1, 3] {
        let world = World::new();
        world.export("full", NIGHT, OLD, &[1, 2, 3]);
        world.redshift.drop_answer(Call::BatchExecuteStatement, lost);
        assert_eq!(world.loaded(&[])["rows"]["loaded"], 3, "{lost}");
        assert_eq!((world.redshift.scripted(), world.ids().as_str()), (0, "1 2 3"), "{lost}");
        let batches: std::collections::BTreeSet<_> = (world.redshift.sent().into_iter())
            .filter(|sent| sent.call == Call::BatchExecuteStatement)
            .map(|sent| sent.id)
            .collect();
        assert_eq!(batches.len(), 1, "{lost}: the same token, the same statement");
        assert_eq!(world.loaded(&[])["status"], "skipped", "{lost}");
    }
}
