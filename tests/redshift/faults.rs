//! What goes wrong, and that the table is as it was, or loaded once. What Redshift says is in `said.rs`.

use crate::redshift::{Act, At, Call};
use crate::s3::Kind;
use crate::world::{NIGHT, OLD, World};
use std::time::Duration;

/// The table holds the export, once, and so does the ledger.
fn loaded_once(world: &World, what: &str) {
    assert_eq!(world.ids(), "1 2 3", "{what}");
    assert_eq!(world.sql("SELECT count(*), sum(rows_loaded) FROM csl_stream_loads"), "1|3", "{what}");
}

#[test]
fn passing_faults_end_in_one_load() {
    type Fault = fn(&World);
    let cases: &[(&str, Fault)] = &[
        ("a batch is throttled", |world| world.redshift.throttle(Call::BatchExecuteStatement, 2)),
        ("a describe is throttled", |world| world.redshift.throttle(Call::DescribeStatement, 2)),
        ("a statement is throttled", |world| world.redshift.throttle(Call::ExecuteStatement, 2)),
        ("a result is throttled", |world| world.redshift.throttle(Call::GetStatementResult, 2)),
        ("the answer of a statement is lost", |world| world.redshift.drop_answer(Call::ExecuteStatement, 1)),
        ("the answer of a describe is lost", |world| world.redshift.drop_answer(Call::DescribeStatement, 1)),
        ("the answer of a result is a 500", |world| world.redshift.fail_answer(Call::GetStatementResult, 1)),
        ("the answer of the batch is lost", |world| {
            world.redshift.drop_answer(Call::BatchExecuteStatement, 1)
        }),
        ("the answer of the batch is a 500", |world| {
            world.redshift.fail_answer(Call::BatchExecuteStatement, 1)
        }),
        ("ERROR 1023 at the commit", |world| world.redshift.fail_serialization("COPY", 2)),
        ("the session is lost at the copy", |world| world.redshift.lose_session("COPY", 1)),
        ("the session is lost at the ledger", |world| world.redshift.lose_session("GETDATE", 1)),
        ("a second in PICKED", |world| world.redshift.stay_picked(Duration::from_secs(1), 1)),
        ("too many statements", |world| {
            let act = Act::error(400, "ActiveStatementsExceededException", "too many");
            world.redshift.script(At::Call(Call::BatchExecuteStatement), act, 2);
        }),
    ];
    for (what, fault) in cases {
        let world = World::before_the_night();
        fault(&world);
        let answer = world.backfill(&[]);
        assert_eq!(answer.code, Some(0), "{what}: {answer:#?}");
        loaded_once(&world, what);
    }
}

#[test]
fn lasting_faults_leave_the_table_and_say_how_to_go_on() {
    type Fault = fn(&World);
    let cases: &[(&str, Fault, i32)] = &[
        ("the copy fails", |world| world.redshift.fail_statement("COPY", "ERROR: Spectrum Scan Error", 9), 1),
        ("the calls are denied", |world| world.redshift.deny(Call::BatchExecuteStatement, 99), 3),
        (
            "the credentials are old",
            |world| world.redshift.expire_credentials(Call::BatchExecuteStatement, 99),
            3,
        ),
        ("always ERROR 1023", |world| world.redshift.fail_serialization("COPY", 99), 7),
    ];
    for (what, fault, code) in cases {
        let world = World::before_the_night();
        fault(&world);
        let answer = world.backfill(&[]);
        assert_eq!(answer.code, Some(*code), "{what}: {answer:#?}");
        assert!(answer.err.contains("help: "), "{what}: {answer:#?}");
        assert_eq!(world.ids(), "77", "{what}");
        assert!(
            world.objects("manifests").iter().all(|name| name.starts_with("manifests/failed/t/")),
            "{what}"
        );
        world.redshift.clear_script();
        let id = answer.json()["load_id"].as_str().unwrap().to_owned();
        let puts = world.s3.count(Kind::Put);
        let retried = world.run(&["loads", "retry", &id]);
        assert_eq!(retried.code, Some(0), "{what}: {retried:#?}");
        assert_eq!(world.s3.count(Kind::Put) - puts, 1, "{what}: only the manifest's copy is written");
        loaded_once(&world, what);
    }
}

#[test]
fn refusals_before_anything_is_staged_leave_the_table() {
    type Fault = fn(&World);
    let cases: &[(&str, Fault)] = &[
        ("denied", |world| world.redshift.deny(Call::ExecuteStatement, 99)),
        ("old credentials", |world| world.redshift.expire_credentials(Call::DescribeStatement, 99)),
        ("results denied", |world| world.redshift.deny(Call::GetStatementResult, 99)),
    ];
    for (what, fault) in cases {
        let world = World::before_the_night();
        fault(&world);
        let answer = world.backfill(&[]);
        assert_eq!(answer.code, Some(3), "{what}: {answer:#?}");
        assert!(answer.err.contains("help: "), "{what}: {answer:#?}");
        assert_eq!((world.ids(), world.objects("stage").len()), ("77".into(), 0), "{what}");
    }
}

#[test]
fn another_number_of_rows_is_rolled_back_with_exit_6() {
    let world = World::before_the_night();
    world.sql(
        "CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         IF NEW.id = 2 THEN RETURN NULL; END IF; RETURN NEW; END $$; \
         CREATE TRIGGER lose BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION lose()",
    );
    let answer = world.backfill(&[]);
    assert_eq!(answer.code, Some(6), "{answer:#?}");
    assert_eq!((world.ids(), world.sql("SELECT count(*) FROM csl_stream_loads")), ("77".into(), "0".into()));
}

#[test]
fn a_rerun_sends_only_what_is_missing() {
    let world = World::before_the_night();
    let ids: Vec<i64> = (1..=5000).collect();
    world.export("full", NIGHT, OLD, &ids);
    let small = ["--segment-size", "64KiB", "--row-group-size", "32KiB"];
    world.redshift.fail_statement("COPY", "ERROR: no", 1);
    assert_eq!(world.backfill(&small).code, Some(1));
    let parts: Vec<_> =
        world.objects("stage").into_iter().filter(|name| name.ends_with(".parquet")).collect();
    assert!(parts.len() > 2, "{parts:?}");
    let puts = world.s3.count(Kind::Put);
    assert_eq!(world.loaded(&small)["status"], "succeeded");
    assert_eq!(
        world.s3.count(Kind::Put) - puts,
        4,
        "the manifest, the record, the manifest's copy, the report"
    );
    assert_eq!(world.sql("SELECT count(*) FROM t"), "5000");
}

#[test]
fn half_a_minute_in_picked_is_waited_for() {
    let world = World::before_the_night();
    world.redshift.stay_picked(Duration::from_secs(30), 1);
    assert_eq!(world.loaded(&[])["status"], "succeeded");
    loaded_once(&world, "30 s in PICKED");
}

#[test]
fn two_runs_of_one_export_at_once_load_it_once() {
    let world = World::before_the_night();
    let answers: Vec<_> = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..3).map(|_| scope.spawn(|| world.backfill(&[]))).collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    for answer in &answers {
        assert!(matches!(answer.code, Some(0 | 7)), "{answer:#?}");
    }
    loaded_once(&world, "three at once");
}
