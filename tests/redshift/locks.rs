//! Redshift locks whole tables until COMMIT: what loads of several tables, and of one, make of that.

use crate::redshift::{At, Call};
use crate::world::{Answer, NIGHT, OLD, SCHEMA, SECONDS_MAX, TABLE, World};
use csl_stream::warehouse::redshift::ledger_ddl;
use std::collections::BTreeSet;

/// A world with the tables `t` and `u`, and an export of each.
fn two_tables() -> World {
    let world = World::new();
    world.sql(&TABLE.replace("TABLE t", "TABLE u"));
    world.sql(&ledger_ddl(world.name(), "public", &["u".to_owned()], &world.loader()));
    let both =
        SCHEMA.replace("]}", &format!(",{}", SCHEMA.split_once('[').unwrap().1.replace("\"t\"", "\"u\"")));
    std::fs::write(world.dir.path().join("schema.json"), both).unwrap();
    world.export("full", NIGHT, OLD, &[1, 2, 3]);
    let export = world.s3.get(&format!("exports/org/full/t/20260301/t_{NIGHT}.csv")).unwrap();
    world.s3.put(&format!("exports/org/full/u/20260301/u_{NIGHT}.csv"), export);
    world
}

fn load(world: &World, table: &str) -> Answer {
    world.run(&["backfill", "--table", table, "--json"])
}

fn batches(world: &World) -> usize {
    let sent = world.redshift.sent();
    let ids: BTreeSet<_> =
        sent.iter().filter(|sent| sent.call == Call::BatchExecuteStatement).map(|sent| &sent.id).collect();
    ids.len()
}

/// While one table copies, another loads from beginning to end; and neither has to copy again.
#[test]
fn two_tables_at_once_do_not_wait_for_each_others_copy() {
    let world = two_tables();
    for at in [
        At::Statement("COPY \"public\".\"t\"".to_owned()),
        At::Statement("rows were accepted".to_owned()),
        At::Statement("loaded already".to_owned()),
    ] {
        let gate = world.redshift.hold(at.clone());
        let (held, other) = std::thread::scope(|scope| {
            let held = scope.spawn(|| load(&world, "t"));
            assert!(gate.reached(SECONDS_MAX), "{at:?}: nobody came");
            let other = load(&world, "u");
            gate.open();
            (held.join().unwrap(), other)
        });
        assert_eq!((held.code, other.code), (Some(0), Some(0)), "{at:?}: {held:#?} {other:#?}");
        assert_eq!(batches(&world), 2, "{at:?}: each was run once");
        assert_eq!(
            world.sql("SELECT string_agg(table_name, ' ' ORDER BY table_name) FROM csl_stream_loads"),
            "t u"
        );
        assert_eq!(world.sql("SELECT (SELECT count(*) FROM t) + (SELECT count(*) FROM u)"), "6", "{at:?}");
        world.sql("DELETE FROM csl_stream_loads");
        world.redshift.forget();
    }
}

/// Two exports of one table: the second waits for the first, and then sees what it did.
#[test]
fn two_loads_of_one_table_are_one_after_the_other() {
    let world = World::new();
    world.export("full", NIGHT, OLD, &[1, 2, 3]);
    world.export("full", "20260302031500", OLD, &[1, 2, 3, 4]);
    let gate = world.redshift.hold(At::Statement("COPY".to_owned()));
    let (first, second) = std::thread::scope(|scope| {
        let newer = scope.spawn(|| world.backfill(&[]));
        assert!(gate.reached(SECONDS_MAX), "nobody came");
        let older = scope.spawn(|| world.backfill(&["--date", "20260301"]));
        std::thread::sleep(std::time::Duration::from_millis(1_500));
        gate.open();
        (newer.join().unwrap(), older.join().unwrap())
    });
    assert_eq!((first.code, second.code), (Some(0), Some(7)), "{first:#?} {second:#?}");
    assert!(second.err.contains("a newer full export was loaded meanwhile"), "{second:#?}");
    assert_eq!(
        (world.ids(), world.sql("SELECT count(*) FROM csl_stream_loads")),
        ("1 2 3 4".into(), "1".into())
    );
}

/// What a load reads before it writes keeps nobody waiting: the second load of a table writes nothing outside
/// of its transaction.
#[test]
fn the_ledger_is_read_first() {
    let world = World::before_the_night();
    world.loaded(&[]);
    world.redshift.forget();
    world.export("incremental", "20260301040000", "2026-03-01 03:59:00", &[4]);
    world.loaded(&["--kind", "incremental"]);
    for sent in world.redshift.sent().iter().filter(|sent| sent.call == Call::ExecuteStatement) {
        assert!(sent.sql.starts_with("SELECT"), "{}", sent.sql);
    }
}
