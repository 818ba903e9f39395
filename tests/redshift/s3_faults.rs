//! Faults of S3: while the export is read, while segments are staged, and under the COPY.

use crate::redshift::At;
use crate::s3::{Fault, Kind};
use crate::world::{SECONDS_MAX, World};
use std::time::Duration;

fn answer(kind: Kind, status: u16, times: usize) -> Fault {
    Fault::Answer { kind, status, times }
}

#[test]
fn passing_faults_end_in_one_load() {
    let faults = [
        ("500 at a read", answer(Kind::Get, 500, 2)),
        ("503 at a read", answer(Kind::Get, 503, 2)),
        ("503 at the first question", answer(Kind::Head, 503, 2)),
        ("503 at a listing", answer(Kind::List, 503, 2)),
        ("500 at a write", answer(Kind::Put, 500, 2)),
        ("503 at a write", answer(Kind::Put, 503, 2)),
        ("a body that is reset before its first byte", Fault::Cut { bytes: 0, times: 2 }),
        ("a body that ends short", Fault::Cut { bytes: 100, times: 2 }),
    ];
    for (what, fault) in faults {
        let world = World::before_the_night();
        world.s3.fault(fault);
        let report = world.loaded(&[]);
        assert_eq!((report["status"].as_str(), world.ids().as_str()), (Some("succeeded"), "1 2 3"), "{what}");
    }
    let world = World::before_the_night();
    world.s3.set_latency(Duration::from_millis(500));
    assert_eq!(world.loaded(&[])["status"], "succeeded", "slow");
}

#[test]
fn refusals_leave_the_table_and_name_what_to_do() {
    for (what, kind) in [
        ("expired at a read", Kind::Get),
        ("expired at the first question", Kind::Head),
        ("expired at a listing", Kind::List),
        ("expired at a write", Kind::Put),
    ] {
        let world = World::before_the_night();
        world.s3.fault(answer(kind, 403, 999));
        let failed = world.backfill(&[]);
        assert_eq!(failed.code, Some(3), "{what}: {failed:#?}");
        assert!(failed.err.contains("help: "), "{what}: {failed:#?}");
        assert_eq!(world.ids(), "77", "{what}");
    }
}

#[test]
fn an_export_that_stays_unreadable_leaves_the_table() {
    let world = World::before_the_night();
    world.s3.fault(answer(Kind::Get, 503, 999));
    let failed = world.backfill(&[]);
    assert_eq!((failed.code, world.ids().as_str()), (Some(7), "77"), "{failed:#?}");
}

#[test]
fn faults_under_the_copy_leave_the_table_whole() {
    for (what, fault, code) in [
        ("refused", answer(Kind::Get, 403, 999), 3),
        ("broken", answer(Kind::Get, 500, 999), 7),
        ("short", Fault::Cut { bytes: 10, times: 999 }, 7),
    ] {
        let world = World::before_the_night();
        let gate = world.redshift.hold(At::Statement("COPY".to_owned()));
        let failed = std::thread::scope(|scope| {
            let run = scope.spawn(|| world.backfill(&[]));
            assert!(gate.reached(SECONDS_MAX), "{what}: nobody came");
            world.s3.fault(fault);
            gate.open();
            run.join().unwrap()
        });
        assert_eq!((failed.code, world.ids().as_str()), (Some(code), "77"), "{what}: {failed:#?}");
        assert!(failed.err.contains("help: "), "{what}: {failed:#?}");
    }
}

#[test]
fn a_staged_file_that_another_content_took_the_place_of_is_noticed() {
    for (what, content) in [("shorter", &b"PAR1"[..]), ("longer", &[7; 9_000])] {
        let world = World::before_the_night();
        world.redshift.fail_statement("COPY", "ERROR: no", 1);
        assert_eq!(world.backfill(&[]).code, Some(1), "{what}");
        let staged = world.objects("stage").into_iter().find(|name| name.ends_with(".parquet")).unwrap();
        world.s3.put(&staged, content.to_vec());
        let failed = world.backfill(&[]);
        assert_eq!((failed.code, world.ids().as_str()), (Some(6), "77"), "{what}: {failed:#?}");
    }
}

/// COPY of Parquet reads by URLs that live for an hour.
#[test]
fn urls_that_expire_under_the_copy_are_told() {
    let world = World::before_the_night();
    world.redshift.expire_urls(Duration::ZERO);
    let failed = world.backfill(&[]);
    assert_eq!((failed.code, world.ids().as_str()), (Some(1), "77"), "{failed:#?}");
    assert!(failed.err.contains("live for an hour"), "{failed:#?}");
}
