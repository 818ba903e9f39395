//! What Redshift says under a load, and what is made of it: how often it is run, and how it ends.

use crate::redshift::{Act, At, Call};
use crate::world::{SECONDS_MAX, World};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// The statement that fails, what is said, how often; exit codes that are right, and how often the
/// transaction may be run.
type Said = (&'static str, &'static str, usize, &'static [i32], Option<RangeInclusive<usize>>);

#[rustfmt::skip]
const SAID: &[Said] = &[
    ("COPY", "ERROR: S3ServiceException:User: arn:aws:sts::123456789012:assumed-role/CopyRole/RedshiftIamRoleSession is not authorized to perform: s3:GetObject on resource: \"arn:aws:s3:::stage/csl/t/x\",Status 403,Error AccessDenied", 99, &[3], Some(1..=1)),
    ("COPY", "ERROR: Spectrum Scan Error DETAIL: code: 15001 context: Unmatched number of columns between table and file. query: 41023567 process: worker [pid=10231]", 99, &[1, 4], Some(1..=1)),
    ("INSERT INTO", "ERROR: Value too long for character type DETAIL: Value too long for type character varying(1023)", 99, &[1, 4], Some(1..=1)),
    ("COPY", "ERROR: S3 Query Exception (Fetch) DETAIL: code: 15001 context: a worker of the scan layer had no resources left query: 7770001", 1, &[0], Some(2..=2)),
    ("COPY", "ERROR: Spectrum Scan Error DETAIL: code: 15007 context: S3 answered 503 SlowDown for part-00000 query: 5550", 1, &[0], Some(2..=2)),
    ("COPY", "ERROR: S3ServiceException: internal error of S3,Status 500,Error InternalError", 99, &[7], Some(2..=10)),
    ("DELETE FROM", "ERROR: could not open relation with OID 4455667", 1, &[0], Some(2..=2)),
    ("COPY", "ERROR: Load into table 't' failed: Problem reading manifest file - S3ServiceException:The specified bucket does not exist,Status 404,Error NoSuchBucket", 99, &[1, 2, 3], Some(1..=1)),
    ("rows were accepted", "ERROR: terminating connection due to administrator command", 1, &[0], None),
    ("loaded already", "ERROR: permission denied for relation csl_stream_loads", 99, &[3], Some(1..=1)),
    ("DELETE FROM", "ERROR: relation \"public.t\" does not exist", 1, &[0], Some(2..=2)),
    ("DELETE FROM", "ERROR: must be owner of table connections", 99, &[3], Some(1..=1)),
    ("COPY", "ERROR: column \"session_id\" of relation does not exist", 99, &[4], Some(1..=1)),
    ("COPY", "ERROR: Disk Full DETAIL: node 0, query 1102389", 99, &[1], Some(1..=1)),
    // A guard's statement can fail like any other.
    ("loaded already", "ERROR: terminating connection due to administrator command", 1, &[0], Some(2..=2)),
    ("loaded already", "ERROR: 1023 DETAIL: Serializable isolation violation on table - 5", 1, &[0], Some(2..=2)),
    ("rows were accepted", "ERROR: Query (9) cancelled by WLM abort action of Query Monitoring Rule \"session\".", 99, &[7], Some(1..=1)),
    ("rows were accepted", "ERROR: permission denied for relation t", 99, &[3], Some(1..=1)),
    ("loaded already", "ERROR: Query (9) cancelled by WLM abort action of Query Monitoring Rule \"q\".", 99, &[7], Some(1..=1)),
    ("UPDATE", "ERROR: permission denied for relation csl_stream_lock_t", 99, &[3], Some(1..=1)),
    ("UPDATE", "ERROR: 1023 DETAIL: Serializable isolation violation on table - 5", 2, &[0], Some(3..=3)),
    ("GETDATE", "ERROR: 1023 DETAIL: Serializable isolation violation on table - 5", 1, &[0], Some(2..=2)),
    ("DELETE FROM", "ERROR: relation \"public.t\" does not exist", 99, &[4], Some(2..=2)),
    ("DELETE FROM", "ERROR: table 4455667 dropped by concurrent transaction", 1, &[0], Some(2..=2)),
    ("COPY", "ERROR: could not open relation with OID 7", 99, &[7, 4], Some(2..=10)),
    ("COPY", "ERROR: S3ServiceException:Please reduce your request rate.,Status 503,Error SlowDown", 2, &[0], Some(3..=3)),
    ("COPY", "ERROR: Query cancelled on user's request", 99, &[7], Some(1..=1)),
];

/// How often the transaction of a load was submitted.
fn attempts(world: &World) -> usize {
    let sent = world.redshift.sent();
    let batches = sent.iter().filter(|sent| sent.call == Call::BatchExecuteStatement);
    batches.map(|sent| sent.id.as_str()).collect::<BTreeSet<_>>().len()
}

#[test]
fn each_message_ends_as_it_should() {
    for (statement, message, times, codes, expected) in SAID {
        let what = format!("{statement}: {message}");
        let world = World::before_the_night();
        world.redshift.fail_statement(statement, message, *times);
        let answer = world.backfill(&[]);
        assert!(answer.code.is_some_and(|code| codes.contains(&code)), "{what}: {answer:#?}");
        if let Some(expected) = expected {
            assert!(expected.contains(&attempts(&world)), "{what}: {} attempts", attempts(&world));
        }
        let ids = if answer.code == Some(0) { "1 2 3" } else { "77" };
        assert_eq!(world.ids(), ids, "{what}");
        assert!(answer.code == Some(0) || answer.err.contains("help: "), "{what}: {answer:#?}");
        for verdict in ["please report this", "a newer full export", "was there first"] {
            assert!(!answer.err.contains(verdict), "{what}: a guard that did not speak: {answer:#?}");
        }
    }
}

#[test]
fn the_advice_fits_the_message() {
    let bucket = "ERROR: Load into table 't' failed: Problem reading manifest file - S3ServiceException:The specified \
        bucket does not exist,Status 404,Error NoSuchBucket";
    for (message, words, not) in [
        (bucket, "staging.url", "create the table"),
        ("ERROR: Disk Full DETAIL: node 0, query 1102389", "disks are full", "COPY role"),
        ("ERROR: S3ServiceException:x,Status 301,Error PermanentRedirect", "own region", "create the table"),
        ("ERROR: Query cancelled on user's request", "somebody cancelled", "nothing was changed"),
    ] {
        let world = World::before_the_night();
        world.redshift.fail_statement("COPY", message, 99);
        let answer = world.backfill(&[]);
        assert!(answer.err.contains(words) && !answer.err.contains(not), "{message}: {answer:#?}");
    }
}

#[test]
fn what_a_statement_says_first_is_run_again_where_it_passes() {
    for statement in [
        "svv_columns",
        "rows_loaded",
        "CREATE TABLE IF NOT EXISTS",
        "INSERT INTO \"public\".\"csl_stream_lock_t\"",
    ] {
        let world = World::without_ledger();
        world.export("full", crate::world::NIGHT, crate::world::OLD, &[1]);
        world.redshift.fail_statement(
            statement,
            "ERROR: 1023 DETAIL: Serializable isolation violation on table - 5",
            2,
        );
        let answer = world.backfill(&[]);
        assert_eq!((answer.code, world.redshift.scripted()), (Some(0), 0), "{statement}: {answer:#?}");
    }
}

#[test]
fn the_ledger_is_asked_before_anything_is_said_of_the_end() {
    for act in [Act::Abort, Act::Fail("ERROR: Connection to the cluster was lost".to_owned())] {
        let world = World::before_the_night();
        world.redshift.script(At::Committed("COPY".to_owned()), act.clone(), 1);
        assert_eq!(world.loaded(&[])["status"], "succeeded", "{act:?}: it had committed");
        assert_eq!((world.ids().as_str(), attempts(&world)), ("1 2 3", 1), "{act:?}");
    }
    let world = World::before_the_night();
    world.redshift.script(At::Commit("COPY".to_owned()), Act::Abort, 1);
    let ended = world.backfill(&[]);
    assert_eq!((ended.code, world.ids().as_str(), attempts(&world)), (Some(7), "77", 1), "{ended:#?}");
}

#[test]
fn an_end_that_nobody_may_ask_for_is_not_told_as_none() {
    for commits in [true, false] {
        let world = World::before_the_night();
        let at = if commits { At::Committed("COPY".to_owned()) } else { At::Statement("COPY".to_owned()) };
        let gate = world.redshift.hold(at);
        let denied = std::thread::scope(|scope| {
            let run = scope.spawn(|| world.backfill(&[]));
            assert!(gate.reached(SECONDS_MAX), "nobody came");
            world.redshift.deny(Call::DescribeStatement, 99);
            let denied = run.join().unwrap();
            gate.open();
            denied
        });
        assert_eq!(denied.code, Some(3), "{denied:#?}");
        assert!(denied.err.contains("how the load ended is not known"), "{denied:#?}");
        assert!(!denied.err.contains("nothing was"), "{denied:#?}");
        world.redshift.clear_script();
        let again = world.loaded(&[]);
        assert!(["skipped", "succeeded"].contains(&again["status"].as_str().unwrap()), "{again}");
        assert_eq!(world.sql("SELECT count(*) FROM csl_stream_loads"), "1");
        assert_eq!(world.ids(), "1 2 3");
    }
}

/// A message that nobody knows, about no statement, and a ledger that cannot be asked: the end is not known.
#[test]
fn what_nobody_knows_is_not_told_as_nothing() {
    let world = World::before_the_night();
    let gate = world.redshift.hold(At::Committed("COPY".to_owned()));
    let odd = Act::Fail("ERROR: something that nobody has ever seen".to_owned());
    let ended = std::thread::scope(|scope| {
        let run = scope.spawn(|| world.backfill(&[]));
        assert!(gate.reached(SECONDS_MAX), "nobody came");
        world.redshift.script(At::Committed("COPY".to_owned()), odd, 1);
        world.redshift.deny(Call::ExecuteStatement, 99);
        gate.open();
        run.join().unwrap()
    });
    assert_eq!(world.ids(), "1 2 3", "it had committed");
    assert!(ended.code != Some(0) && !ended.err.contains("nothing was"), "{ended:#?}");
    assert!(ended.err.contains("how the load ended is not known"), "{ended:#?}");
}

#[test]
fn a_paused_cluster_is_to_be_resumed() {
    let world = World::before_the_night();
    let act = Act::error(400, "ValidationException", "Cluster mirror is paused.");
    world.redshift.script(At::Call(Call::ExecuteStatement), act, 99);
    let answer = world.backfill(&[]);
    assert!(answer.code == Some(7) && answer.err.contains("resume it"), "{answer:#?}");
}
