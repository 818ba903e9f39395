//! What others see and do while a table is replaced.

use crate::postgres;
use crate::redshift::{At, Call};
use crate::world::{NIGHT, OLD, SECONDS_MAX, World};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

const READERS: usize = 20;
const ROWS: i64 = 2_000;
/// How often the table is replaced, unless this variable says otherwise.
const REPLACES: i64 = 50;
const REPLACES_VARIABLE: &str = "CSL_TEST_REPLACES";

/// What all readers share: which replaces are done, which have begun, and how often was read.
#[derive(Default)]
struct Rounds {
    done: AtomicI64,
    begun: AtomicI64,
    over: AtomicBool,
    reads: AtomicU64,
}

/// An export whose rows all say in which round they were made.
fn export(world: &World, round: i64) {
    let mut csv = "email,created_at,score,params,active,petition_id,id\n".to_owned();
    for id in 1..=ROWS {
        csv += &format!("a{id}@example.org,{OLD},0.25,,t,{round},{id}\n");
    }
    world.put("full", &format!("20260301{:02}{:02}00", round / 60, round % 60), &csv);
}

/// Counts and sums until all is over; the first answer that is neither the old table nor the new one.
fn read(name: &str, rounds: &Rounds) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut config = tokio_postgres::Config::new();
        config.host(postgres::server().socket()).user("postgres").dbname(name);
        let (client, connection) = config.connect(tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        let sql = "SELECT count(*), sum(id)::bigint, min(petition_id), max(petition_id) FROM t";
        let mut last = 0;
        while !rounds.over.load(Ordering::SeqCst) {
            let done = rounds.done.load(Ordering::SeqCst);
            let row = client.query_one(sql, &[]).await.map_err(|error| error.to_string())?;
            let begun = rounds.begun.load(Ordering::SeqCst);
            let (count, ids): (i64, i64) = (row.get(0), row.get(1));
            let (low, high): (i64, i64) = (row.get(2), row.get(3));
            let whole = count == ROWS && ids == ROWS * (ROWS + 1) / 2 && low == high;
            if !whole || low < done.max(last) || low > begun {
                return Err(format!(
                    "{count} rows, ids {ids}, rounds {low} to {high}; {done} done, {begun} begun"
                ));
            }
            last = low;
            rounds.reads.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    })
}

#[test]
fn readers_see_the_old_table_or_the_new_one() {
    let replaces = std::env::var(REPLACES_VARIABLE).map_or(REPLACES, |text| text.parse().unwrap());
    let (world, rounds) = (World::new(), Rounds::default());
    export(&world, 0);
    world.loaded(&[]);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..READERS).map(|_| scope.spawn(|| read(world.name(), &rounds))).collect();
        for round in 1..=replaces {
            export(&world, round);
            rounds.begun.store(round, Ordering::SeqCst);
            let answer = world.backfill(&[]);
            if answer.code != Some(0) || readers.iter().any(|reader| reader.is_finished()) {
                rounds.over.store(true, Ordering::SeqCst);
            }
            assert_eq!(answer.code, Some(0), "{answer:#?}");
            rounds.done.store(round, Ordering::SeqCst);
        }
        rounds.over.store(true, Ordering::SeqCst);
        for reader in readers {
            reader.join().unwrap().unwrap();
        }
    });
    println!(
        "{replaces} replaces, {} reads by {READERS} readers, none torn",
        rounds.reads.load(Ordering::SeqCst)
    );
    assert_eq!(world.sql("SELECT count(*) FROM csl_stream_loads"), (replaces + 1).to_string());
}

#[test]
fn rows_appended_while_a_full_export_is_under_way_are_there_once() {
    let statement = |text: &str| At::Statement(text.to_owned());
    let points = [
        ("before the transaction", At::Call(Call::BatchExecuteStatement)),
        ("before it takes the table", statement("UPDATE")),
        ("when recent rows are saved", statement("DELETE FROM")),
        ("before the copy", statement("COPY")),
        ("before rows are put back", statement("NOT EXISTS (SELECT 1 FROM \"public\".\"t\"")),
        ("before the commit", At::Commit("COPY".to_owned())),
        ("after the commit", At::Committed("COPY".to_owned())),
    ];
    for (what, at) in points {
        let world = World::new();
        world.sql("INSERT INTO t (id, created_at) VALUES (77, '2020-01-01'), (40, '2026-03-01 03:10')");
        world.export("full", NIGHT, OLD, &[1, 2, 3]);
        // Row 3 is in both, as is what changed while the full export was made.
        world.export("incremental", "20260301040000", "2026-03-01 03:50:00", &[3, 50, 51]);
        let gate = world.redshift.hold(at);
        let (full, added) = std::thread::scope(|scope| {
            let full = scope.spawn(|| world.backfill(&[]));
            assert!(gate.reached(SECONDS_MAX), "{what}: nobody came");
            let added = scope.spawn(|| world.backfill(&["--kind", "incremental"]));
            // What another loader adds without asking anybody; it waits while the table is locked.
            let other =
                scope.spawn(|| world.sql("INSERT INTO t (id, created_at) VALUES (60, '2026-03-01 03:55')"));
            std::thread::sleep(Duration::from_millis(1_000));
            gate.open();
            other.join().unwrap();
            (full.join().unwrap(), added.join().unwrap())
        });
        assert_eq!((full.code, added.code), (Some(0), Some(0)), "{what}: {full:#?} {added:#?}");
        assert_eq!(world.ids(), "1 2 3 40 50 51 60", "{what}");
        let ledger = "SELECT string_agg(kind, ' ' ORDER BY kind) FROM csl_stream_loads";
        assert_eq!(world.sql(ledger), "full incremental", "{what}");
    }
}
