//! What the stand-in does when it is told to fail, and under concurrency.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::World;
use crate::redshift::{Act, At, Call};

const SOON: Duration = Duration::from_secs(20);

fn insert(world: &World) -> Value {
    world.body(json!({"Sql": "INSERT INTO t VALUES (1)", "ClientToken": "token", "WaitTimeSeconds": 30}))
}

fn world() -> World {
    let world = World::new();
    world.must("CREATE TABLE t (a INTEGER)");
    world
}

#[test]
fn calls_are_refused_before_anything_is_done() {
    let world = world();
    let call = Call::ExecuteStatement;
    let refuse: [(&dyn Fn(), &str); 4] = [
        (&|| world.redshift.throttle(call, 1), "ThrottlingException"),
        (&|| world.redshift.deny(call, 1), "AccessDeniedException"),
        (&|| world.redshift.expire_credentials(call, 1), "ExpiredTokenException"),
        (
            &|| world.redshift.script(At::Call(call), Act::error(500, "InternalServerException", "x"), 1),
            "InternalServerException",
        ),
    ];
    for (script, kind) in refuse {
        script();
        assert_eq!(world.call("ExecuteStatement", &insert(&world)).unwrap_err().0, kind);
        assert_eq!(world.redshift.scripted(), 0);
    }
    world.redshift.script(At::Call(call), Act::Close, 1);
    assert_eq!(world.call("ExecuteStatement", &insert(&world)).unwrap_err().0, "", "no answer at all");
    assert_eq!(world.rows("SELECT count(*) FROM t"), "0");
}

#[test]
fn a_lost_answer_leaves_the_work_done() {
    for lose in [0, 1, 2] {
        let world = world();
        match lose {
            0 => world.redshift.drop_answer(Call::ExecuteStatement, 1),
            1 => world.redshift.fail_answer(Call::ExecuteStatement, 1),
            _ => world.redshift.script(At::Answer(Call::ExecuteStatement), Act::Close, 1),
        }
        world.call("ExecuteStatement", &insert(&world)).unwrap_err();
        let again = world.call("ExecuteStatement", &insert(&world)).unwrap();
        assert_eq!(world.ended(again["Id"].as_str().unwrap())["Status"], "FINISHED");
        assert_eq!(world.rows("SELECT count(*) FROM t"), "1", "{lose}: once, by the token");
    }
}

#[test]
fn statements_fail_on_demand() {
    let world = world();
    let batch = ["INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (2)"];
    world.redshift.fail_statement("VALUES (2)", "ERROR: disk full", 1);
    assert_eq!(world.batch(&batch)["Error"], "Query #2 failed with ERROR: disk full");
    world.redshift.fail_serialization("INSERT INTO t", 1);
    assert!(world.batch(&batch)["Error"].as_str().unwrap().contains("1023"));
    world.redshift.lose_session("VALUES (2)", 1);
    let said = world.batch(&batch);
    assert_eq!(said["Status"], "FAILED", "{said}");
    assert_eq!(world.rows("SELECT count(*) FROM t"), "0");
    assert_eq!(world.batch(&batch)["Status"], "FINISHED", "all faults have had their turn");
}

#[test]
fn waiting_cancelling_and_gates() {
    let world = world();
    world.redshift.stay_picked(Duration::from_millis(1500), 1);
    let start = Instant::now();
    let answer = world
        .call("ExecuteStatement", &world.body(json!({"Sql": "SELECT 1", "WaitTimeSeconds": 1})))
        .unwrap();
    assert_eq!(answer["Status"], "PICKED");
    assert!(start.elapsed() >= Duration::from_secs(1), "it waited");
    assert_eq!(world.ended(answer["Id"].as_str().unwrap())["Status"], "FINISHED");

    let submit = |sql: &str| {
        let answer = world.call("ExecuteStatement", &world.body(json!({ "Sql": sql }))).unwrap();
        answer["Id"].as_str().unwrap().to_owned()
    };
    let gate = world.redshift.hold(At::Commit("VALUES (1)".to_owned()));
    let id = submit("INSERT INTO t VALUES (1)");
    assert!(gate.reached(SOON));
    assert_eq!(world.rows("SELECT count(*) FROM t"), "0", "not committed");
    assert_eq!(world.call("CancelStatement", &json!({ "Id": id })).unwrap(), json!({"Status": true}));
    gate.open();
    assert_eq!(world.ended(&id)["Status"], "ABORTED");
    assert_eq!(world.rows("SELECT count(*) FROM t"), "0");
    let (kind, text) = world.call("CancelStatement", &json!({ "Id": id })).unwrap_err();
    assert!(kind == "ValidationException" && text.contains("ABORTED"), "{text}");

    let gate = world.redshift.hold(At::Committed("VALUES (2)".to_owned()));
    let id = submit("INSERT INTO t VALUES (2)");
    assert!(gate.reached(SOON));
    assert_eq!(world.rows("SELECT count(*) FROM t"), "1", "committed");
    assert_eq!(world.call("DescribeStatement", &json!({ "Id": id })).unwrap()["Status"], "STARTED");
    gate.open();
    world.ended(&id);

    let id = submit("SELECT pg_sleep(60)");
    while world.call("DescribeStatement", &json!({ "Id": id })).unwrap()["Status"] != "STARTED" {
        std::thread::sleep(Duration::from_millis(20));
    }
    world.call("CancelStatement", &json!({ "Id": id })).unwrap();
    assert_eq!(world.ended(&id)["Status"], "ABORTED", "a running one is stopped");
}

#[test]
fn two_writers_of_one_table_conflict() {
    let world = world();
    world.must("INSERT INTO t VALUES (1)");
    let gate = world.redshift.hold(At::Statement("VALUES (2)".to_owned()));
    let body =
        world.body(json!({"Sqls": ["SELECT count(*) FROM t", "DELETE FROM t", "INSERT INTO t VALUES (2)"]}));
    let first = world.call("BatchExecuteStatement", &body).unwrap()["Id"].as_str().unwrap().to_owned();
    assert!(gate.reached(SOON));
    let second = world.call(
        "BatchExecuteStatement",
        &world.body(json!({"Sqls": ["DELETE FROM t", "INSERT INTO t VALUES (3)"]})),
    );
    std::thread::sleep(Duration::from_millis(300));
    gate.open();
    assert_eq!(world.ended(&first)["Status"], "FINISHED");
    let said = world.ended(second.unwrap()["Id"].as_str().unwrap());
    assert!(said["Error"].as_str().unwrap_or_default().contains("1023"), "{said}");
    assert_eq!(world.rows("SELECT a FROM t"), "2");
}

#[test]
fn readers_see_whole_tables_while_they_are_replaced() {
    const READERS: usize = 20;
    let world = world();
    let fifty = |round: i32| vec![format!("SELECT {round}"); 50].join(" UNION ALL ");
    world.must(&format!("INSERT INTO t {}", fifty(0)));
    let ids: Vec<String> = (1..=10)
        .flat_map(|round| {
            let insert = format!("INSERT INTO t {}", fifty(round));
            let replace =
                world.call("BatchExecuteStatement", &world.body(json!({"Sqls": ["DELETE FROM t", insert]})));
            let read = || {
                world.call(
                    "ExecuteStatement",
                    &world.body(json!({"Sql": "SELECT count(*), min(a) = max(a) FROM t"})),
                )
            };
            let reads: Vec<String> =
                (0..READERS).map(|_| read().unwrap()["Id"].as_str().unwrap().to_owned()).collect();
            assert_eq!(
                world.ended(replace.unwrap()["Id"].as_str().unwrap())["Status"],
                "FINISHED",
                "{round}"
            );
            reads
        })
        .collect();
    for id in ids {
        assert_eq!(world.ended(&id)["Status"], "FINISHED");
        let page = world.call("GetStatementResult", &json!({ "Id": id })).unwrap();
        assert_eq!(page["Records"][0], json!([{"longValue": 50}, {"booleanValue": true}]));
    }
}

#[test]
fn a_closed_gate_does_not_outlive_its_test() {
    let world = world();
    let gate = world.redshift.hold(At::Picked);
    world.call("ExecuteStatement", &world.body(json!({"Sql": "SELECT 1"}))).unwrap();
    assert!(gate.reached(SOON));
    assert_eq!(world.redshift.active(), 1);
    drop(world);
}

/// A table is locked from the first write until the transaction's end: other rows of it, too, and not for readers.
#[test]
fn a_write_locks_the_whole_table_until_the_commit() {
    let world = world();
    world.must("CREATE TABLE u (a INTEGER)");
    world.must("INSERT INTO t VALUES (1), (2)");
    let gate = world.redshift.hold(At::Commit("VALUES (3)".to_owned()));
    let submit = |sql: &str| {
        let answer = world.call("ExecuteStatement", &world.body(json!({ "Sql": sql }))).unwrap();
        answer["Id"].as_str().unwrap().to_owned()
    };
    let first = submit("INSERT INTO t VALUES (3)");
    assert!(gate.reached(SOON));
    let writers = [
        "INSERT INTO t VALUES (4)",
        "UPDATE t SET a = 9 WHERE a = 8",
        "DELETE FROM \"public\".\"t\" WHERE a = 8",
    ];
    let waiting: Vec<String> = writers.iter().map(|sql| submit(sql)).collect();
    assert_eq!(world.rows("SELECT count(*) FROM t"), "2", "readers do not wait");
    world.must("INSERT INTO u VALUES (1)");
    std::thread::sleep(Duration::from_millis(500));
    let statuses = world.redshift.statuses();
    for id in &waiting {
        assert!(statuses.contains(&(id.clone(), "STARTED")), "{statuses:?}");
    }
    gate.open();
    assert_eq!(world.ended(&first)["Status"], "FINISHED");
    for id in &waiting {
        world.ended(id);
    }
    assert_eq!(world.rows("SELECT count(*) FROM t"), "4");
}
