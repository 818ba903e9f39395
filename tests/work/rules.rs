//! What becomes of messages: one worker, one case at a time.

use crate::contract::make_queue;
use crate::moto::moto;
use crate::s3::{Fault, Kind};
use crate::world::{Answer, LONG, World, csv, ended, schema_of, signal, until};
use csl_stream::queue::LoadOrder;
use csl_stream::store::ExportKind::{Full, Incremental};
use serde_json::json;
use std::process::Stdio;
use std::time::{Duration, Instant};

const NIGHT: &str = "20260301031500";
const ONCE: &[&str] = &["work", "--once"];

fn world() -> World {
    World::new(&schema_of(&["t", "u"]))
}

fn full(world: &World, at: &str, ids: std::ops::Range<i64>) -> LoadOrder {
    world.export(Full, "t", at, csv(ids).as_bytes(), false)
}

fn incremental(world: &World, at: &str, ids: std::ops::Range<i64>) -> LoadOrder {
    world.export(Incremental, "t", at, csv(ids).as_bytes(), false)
}

fn done(answer: &Answer, words: &str) {
    assert_eq!(answer.code, Some(0), "{answer:#?}");
    assert!(answer.err.contains(words), "{words}: {answer:#?}");
}

#[test]
fn a_message_is_loaded_once_and_deleted() {
    let world = World::unsigned(&schema_of(&["t"]));
    let order = full(&world, NIGHT, 0..5);
    world.send(&order);
    let answer = world.run(ONCE);
    done(&answer, "1 done (0 obsolete), 0 retried, 0 dead letters, 0 returned");
    assert!(answer.out.contains("t: 5 rows loaded"), "{answer:#?}");
    assert_eq!((world.ids("t"), world.messages()), ((0..5).collect(), 0));
    // The same again, by its URL alone: the ledger knows the export by its name, however it was read.
    world.send(&order);
    done(&world.run(ONCE), "1 done");
    let by_hand = world.run(&["backfill", "--table", "t", "--export", &order.name(), "--json"]);
    assert_eq!((by_hand.code, &by_hand.json()["status"]), (Some(0), &json!("skipped")), "{by_hand:#?}");
    assert_eq!(world.ids("t").len(), 5);
}

#[test]
fn a_newer_full_export_makes_older_ones_obsolete() {
    let world = world();
    for order in [
        full(&world, "20260301010000", 0..3),
        incremental(&world, "20260301013000", 3..4),
        full(&world, "20260301020000", 0..4),
        incremental(&world, "20260301023000", 5..6),
        incremental(&world, "20260301022000", 4..5),
    ] {
        world.send(&order);
    }
    // The first incremental may hold rows that the newer full export lacks: it is loaded, and adds none.
    done(&world.run(ONCE), "5 done (1 obsolete)");
    assert_eq!((world.ids("t"), world.loads().len()), ((0..6).collect(), 4));
}

#[test]
fn if_the_newest_is_damaged_the_one_before_is_loaded() {
    let world = world();
    world.send(&full(&world, "20260301010000", 0..3));
    world.send(&world.export(Full, "t", "20260301020000", b"id,name\nx,y\n", false));
    let answer = world.run(ONCE);
    assert_eq!(answer.code, Some(1), "{answer:#?}");
    assert_eq!((world.ids("t"), world.messages()), ((0..3).collect(), 0));
    let dead = world.dead();
    assert_eq!((dead.len(), dead[0].exit_code, dead[0].tries), (1, Some(5), Some(1)), "{dead:#?}");
}

#[test]
fn a_batch_waits_for_more() {
    let world = world();
    world.send(&incremental(&world, "20260301010000", 0..1));
    let mut command = world.command(ONCE);
    let command = command.env("CSL_WORK_BATCH_SECONDS", "4").stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    std::thread::sleep(Duration::from_secs(2));
    world.send(&incremental(&world, "20260301005900", 1..2));
    done(&ended(child, LONG), "2 done");
    assert_eq!(world.ids("t"), [1, 0], "in the order of their time");
}

#[test]
fn what_is_no_load_message_is_a_dead_letter_with_its_reason() {
    let world = world();
    let db = rusqlite::Connection::open(world.path("queue.db")).unwrap();
    let sql = "INSERT INTO message (body, lane, kind, waits_until_ms) VALUES (?1, 'x', '', 0)";
    db.execute(sql, [r#"{"downloadUrl":"https://h/k?SECRETSECRET"}"#]).unwrap();
    assert_eq!(world.run(ONCE).code, Some(1));
    let list = world.run(&["dead-letters", "list"]);
    assert!(list.out.contains("this is no load message"), "{list:#?}");
    assert_eq!(world.messages(), 0);
}

/// Poison: a fault that stays until it is fixed, and that another try could have got round.
#[test]
fn what_always_fails_is_a_dead_letter_after_its_tries_and_redrives() {
    let world = world();
    world.send(&full(&world, NIGHT, 0..5));
    std::fs::create_dir_all(world.path("warehouse")).unwrap();
    std::fs::write(world.path("warehouse/t"), "in the way").unwrap();
    let started = Instant::now();
    let answer = world.run_with(ONCE, &[("CSL_QUEUE_TRIES", "2")]);
    assert_eq!(answer.code, Some(1), "{answer:#?}");
    assert!(answer.err.contains("tried again in 5 s") && started.elapsed() > Duration::from_secs(5));
    assert!(answer.err.contains("1 retried, 1 dead letters"), "{answer:#?}");
    assert_eq!(world.messages(), 0);

    let list = world.run(&["dead-letters", "list", "--json"]).json();
    let letter = &list[0];
    assert_eq!(
        (&letter["tries"], &letter["exit_code"], &letter["table"]),
        (&json!(2), &json!(1), &json!("t"))
    );
    assert!(letter["reason"].as_str().unwrap().contains("cannot make the table's folder"), "{list:#}");
    let id = letter["id"].as_str().unwrap();
    let shown = world.run(&["dead-letters", "show", id]);
    assert!(shown.out.contains(&format!("s3://exports/org/full/t/20260301/t_{NIGHT}.csv")), "{shown:#?}");
    assert_eq!(world.run(&["dead-letters", "show", "77"]).code, Some(2));
    assert_eq!(world.run(&["dead-letters", "redrive", "77"]).code, Some(2));
    assert_eq!(world.run(&["dead-letters", "redrive"]).code, Some(2));

    std::fs::remove_file(world.path("warehouse/t")).unwrap();
    let redriven = world.run(&["dead-letters", "redrive", id]);
    assert_eq!((redriven.code, redriven.out.as_str()), (Some(0), "1 message put back into the queue\n"));
    done(&world.run(ONCE), "1 done");
    assert_eq!((world.ids("t").len(), world.dead().len()), (5, 0));
    assert_eq!(world.run(&["dead-letters", "list"]).out, "no dead letters\n");
}

/// Six hours after an export was made S3 answers 403, to the signed URL and to the name.
#[test]
fn an_expired_export_is_a_dead_letter_with_advice() {
    let world = world();
    world.send(&full(&world, NIGHT, 0..5));
    world.s3.set_signed("another=signature");
    let answer = world.run(ONCE);
    assert_eq!(answer.code, Some(1), "{answer:#?}");
    let dead = world.dead();
    assert_eq!((dead.len(), dead[0].exit_code, dead[0].tries), (1, Some(3), Some(1)), "{dead:#?}");
    assert!(dead[0].reason.contains("request a test ingest"), "{dead:#?}");
}

#[test]
fn where_the_signed_url_is_refused_the_name_is_asked() {
    let world = World::unsigned(&schema_of(&["t"]));
    world.send(&full(&world, NIGHT, 0..5));
    world.s3.fault(Fault::Answer { kind: Kind::Get, status: 403, times: 1 });
    done(&world.run(ONCE), "1 done");
    assert_eq!((world.ids("t").len(), world.s3.count(Kind::Head)), (5, 1));
}

/// Others than our receiver may write to the queue.
#[test]
fn what_may_not_be_fetched_is_a_dead_letter() {
    let world = world();
    let good = full(&world, NIGHT, 0..5);
    for url in ["http://127.0.0.1:1/exports/x.csv", "https://169.254.169.254/latest", "file:///etc/passwd"] {
        world.send(&LoadOrder { download_url: url.to_owned(), s3: None, ..good.clone() });
    }
    let elsewhere = good.download_url.replace("/exports/", "/elsewhere/");
    world.send(&LoadOrder { download_url: elsewhere, s3: None, ..good });
    assert_eq!(world.run(ONCE).code, Some(1));
    let dead = world.dead();
    assert_eq!((dead.len(), world.s3.count_all()), (4, 0), "{dead:#?}");
    assert!(dead.iter().all(|letter| letter.reason.contains("may not be fetched")), "{dead:#?}");
}

#[test]
fn what_is_not_selected_is_given_back_or_forwarded() {
    let world = world();
    let order = full(&world, &just_now(), 0..5);
    world.send(&order);
    world.send(&full(&world, NIGHT, 0..5));
    let only = [("CSL_WORK_TABLES", "signatures"), ("CSL_WORK_KINDS", "full")];
    let answer = world.run_with(ONCE, &only);
    assert_eq!(answer.code, Some(1), "{answer:#?}");
    assert!(answer.err.contains("0 done (0 obsolete), 0 retried, 1 dead letters, 1 returned"), "{answer:#?}");
    assert_eq!(
        (world.waiting().len(), world.messages(), world.dead().len()),
        (0, 1, 1),
        "it waits; what nobody can read any more is dead"
    );

    let others = make_queue("work-others", false);
    let sqs = [("CSL_QUEUE_OTHERS_URL", others.as_str()), ("AWS_ENDPOINT_URL_SQS", moto().endpoint())];
    let order = world.export(Full, "u", NIGHT, csv(0..1).as_bytes(), false);
    world.send(&order);
    done(&world.run_with(ONCE, &[only, sqs].concat()), "1 done");
    let seen = moto().ask(&format!(
        "print(sqs.receive_message(QueueUrl='{others}', MaxNumberOfMessages=10)['Messages'][0]['Body'])"
    ));
    assert_eq!(seen, order.body(), "in the shape that the existing loader reads");
    assert!(world.ids("u").is_empty());
}

#[test]
fn work_takes_from_sqs_too() {
    let world = world();
    let (queue, dead) = (make_queue("work-own", false), make_queue("work-own-dead", false));
    let good = full(&world, NIGHT, 0..5);
    let bad = world.export(Full, "u", NIGHT, b"id,name\nx,y\n", false);
    for order in [&good, &bad] {
        moto().ask(&format!("sqs.send_message(QueueUrl='{queue}', MessageBody='''{}''')", order.body()));
    }
    let sqs = [
        ("CSL_QUEUE_URL", queue.as_str()),
        ("CSL_QUEUE_DEAD_LETTER_URL", dead.as_str()),
        ("AWS_ENDPOINT_URL_SQS", moto().endpoint()),
    ];
    assert_eq!(world.run_with(ONCE, &sqs[..1]).code, Some(2), "a place for dead letters is needed");
    let answer = world.run_with(ONCE, &sqs);
    assert!(answer.code == Some(1) && answer.err.contains("1 done"), "{answer:#?}");
    assert_eq!(world.ids("t").len(), 5);
    let list = world.run_with(&["dead-letters", "list", "--json"], &sqs).json();
    assert_eq!((&list[0]["table"], &list[0]["exit_code"]), (&json!("u"), &json!(5)), "{list:#}");
    let attributes = moto().ask(&format!(
        "m = sqs.receive_message(QueueUrl='{dead}', MessageAttributeNames=['All'])['Messages'][0]\n\
         print(sorted(m['MessageAttributes']))"
    ));
    assert_eq!(
        attributes,
        "['deduplication_id', 'died_at', 'exit_code', 'exported_at', 'kind', 'reason', 'table', 'tries']"
    );
}

#[test]
fn check_asks_the_queues() {
    let world = world();
    let (queue, dead) = (make_queue("work-check", false), make_queue("work-check-dead", false));
    let absent = queue.replace("work-check", "absent");
    let check = |queue: &str, dead: &[(&str, &str)]| {
        let sqs = [("CSL_QUEUE_URL", queue), ("AWS_ENDPOINT_URL_SQS", moto().endpoint())];
        world.run_with(&["check", "--table", "t"], &[&sqs, dead].concat()).out
    };
    let dead = [("CSL_QUEUE_DEAD_LETTER_URL", dead.as_str())];
    let good = check(&queue, &dead);
    assert!(good.contains("✔ queue: ") && good.contains("✔ dead letters: "), "{good}");
    assert!(check(&queue, &[]).contains("✖ dead letters: there is no queue for dead letters"));
    assert!(check(&absent, &dead).contains("✖ queue: SQS refuses"));
}

#[test]
fn broken_settings_make_no_dead_letters() {
    let world = world();
    world.send(&full(&world, NIGHT, 0..5));
    assert_eq!(world.run_with(ONCE, &[("CSL_SCHEMA_SOURCE", "absent.json")]).code, Some(3));
    assert_eq!(world.run(&["work", "--once", "--rejects", "x"]).code, Some(2));
    assert_eq!((world.waiting().len(), world.dead().len()), (1, 0));
}

#[test]
fn a_signal_lets_a_slow_load_end() {
    let world = world();
    world.send(&full(&world, NIGHT, 0..5));
    world.send(&world.export(Full, "u", NIGHT, csv(0..1).as_bytes(), false));
    world.s3.set_latency(Duration::from_secs(3));
    let child = world.spawn(&["work"]);
    until("the load begins", LONG, || world.s3.count(Kind::Get) > 0);
    let asked = Instant::now();
    signal(&child, "TERM");
    let answer = ended(child, LONG);
    assert!(answer.code == Some(0) && asked.elapsed() < Duration::from_secs(30), "{answer:#?}");
    assert_eq!((world.ids("t").len(), world.ids("u").len()), (5, 0), "{answer:#?}");
    assert_eq!(world.waiting().len(), 1, "the other message was not begun");
}

#[test]
fn a_load_that_does_not_end_goes_back_within_30_s_of_a_signal() {
    let world = world();
    world.send(&full(&world, NIGHT, 0..5));
    world.s3.set_latency(Duration::from_secs(600));
    let child = world.spawn(&["work"]);
    until("the load begins", LONG, || world.s3.count(Kind::Get) > 0);
    let asked = Instant::now();
    signal(&child, "TERM");
    let answer = ended(child, LONG);
    assert!(answer.code == Some(130) && asked.elapsed() < Duration::from_secs(30), "{answer:#?}");
    let back = world.waiting();
    assert_eq!((back.len(), back[0].tries, world.ids("t").len()), (1, 1, 0), "given back, and not counted");
}

#[test]
fn what_a_dead_worker_had_is_loaded_by_the_next_also_with_once() {
    let world = world();
    world.send(&full(&world, NIGHT, 0..5));
    world.s3.set_latency(Duration::from_secs(600));
    let mut child = world.spawn(&["work"]);
    until("the load begins", LONG, || world.s3.count(Kind::Get) > 0);
    child.kill().unwrap();
    child.wait().unwrap();
    world.s3.set_latency(Duration::ZERO);
    done(&world.run(ONCE), "1 done");
    assert_eq!((world.ids("t").len(), world.messages()), (5, 0));
}

#[test]
fn a_passing_fault_is_tried_again() {
    let world = world();
    world.send(&full(&world, NIGHT, 0..5));
    // More than the nine tries of one load, with their pauses of about a minute in all.
    world.s3.fault(Fault::Answer { kind: Kind::Get, status: 503, times: 9 });
    let answer = world.run(ONCE);
    done(&answer, "1 done (0 obsolete), 1 retried");
    assert_eq!(world.ids("t").len(), 5);
}

/// The time of an export that was made just now: it can still be read.
fn just_now() -> String {
    let now = csl_stream::ledger::timestamp(std::time::SystemTime::now() - Duration::from_secs(60));
    now.chars().filter(char::is_ascii_digit).take(14).collect()
}

/// As if every message that waits were due.
fn make_due(world: &World) {
    let db = rusqlite::Connection::open(world.path("queue.db")).unwrap();
    db.execute("UPDATE message SET waits_until_ms = 0, receipt = NULL", []).unwrap();
}

/// A fault that passes, of each kind, more often than a message has tries: none is dead while its export can
/// be read, `--once` says what waits, and in the end it is loaded once.
#[test]
fn what_passes_by_itself_never_becomes_a_dead_letter() {
    let schema = schema_of(&["t", "u"]);
    let html = "<!DOCTYPE html><html><body>Back soon.</body></html>";
    for (what, answer) in [
        ("a page of HTML", html),
        ("half a JSON", &schema[..schema.len() / 2]),
        ("no tables", r#"{"tables": [], "settings": {}}"#),
        ("another JSON", "{}"),
        ("a list", "[]"),
        ("nothing", ""),
    ] {
        let world = world();
        world.send(&full(&world, &just_now(), 0..5));
        // Good when the worker starts, and broken when it loads.
        let pipe = std::process::Command::new("mkfifo").arg(world.path("schema.fifo")).status().unwrap();
        assert!(pipe.success());
        for _ in 0..3 {
            let path = world.path("schema.fifo");
            let (good, broken) = (schema.clone(), answer.to_owned());
            let feeder = std::thread::spawn(move || {
                std::fs::write(&path, good).unwrap();
                std::thread::sleep(Duration::from_millis(200));
                std::fs::write(&path, broken).unwrap();
            });
            let variables = [("CSL_SCHEMA_SOURCE", "schema.fifo"), ("CSL_QUEUE_TRIES", "1")];
            let answer = world.run_with(ONCE, &variables);
            feeder.join().unwrap();
            assert_eq!(answer.code, Some(7), "{what}: {answer:#?}");
            assert!(answer.err.contains("1 message left to be tried again"), "{what}: {answer:#?}");
            make_due(&world);
        }
        assert_eq!(world.dead(), [], "{what}");
        done(&world.run(ONCE), "1 done");
        assert_eq!(
            (world.ids("t").len(), world.loads().iter().filter(|l| l["status"] == "succeeded").count()),
            (5, 1)
        );
    }
}

#[test]
fn a_young_export_that_is_refused_or_missing_is_tried_again() {
    for status in [403, 404] {
        let world = World::unsigned(&schema_of(&["t"]));
        world.send(&full(&world, &just_now(), 0..5));
        for kind in [Kind::Get, Kind::Head] {
            world.s3.fault(Fault::Answer { kind, status, times: 1 });
        }
        let answer = world.run(ONCE);
        done(&answer, "1 done (0 obsolete), 1 retried");
        assert_eq!(world.ids("t").len(), 5, "{status}");
    }
}

/// What waits for its next try since an earlier run is no empty queue.
#[test]
fn once_says_what_waits() {
    let world = world();
    world.send(&full(&world, &just_now(), 0..5));
    let db = rusqlite::Connection::open(world.path("queue.db")).unwrap();
    db.execute("UPDATE message SET waits_until_ms = 99999999999999, tries = 1, ended = 1", []).unwrap();
    let answer = world.run(ONCE);
    assert_eq!(answer.code, Some(7), "{answer:#?}");
    assert!(answer.err.contains("1 message left to be tried again"), "{answer:#?}");
}

/// A load that kills its worker is buried alone, not with the messages that were taken with it.
#[test]
fn what_kills_its_worker_is_buried_alone() {
    let world = world();
    for at in 0..3 {
        world.send(&incremental(&world, &format!("2026030103150{at}"), at * 10..at * 10 + 5));
    }
    world.s3.set_latency(Duration::from_secs(600));
    for _ in 0..2 {
        let asked = world.s3.count(Kind::Get);
        let mut child = world.spawn(&["work"]);
        until("the load begins", LONG, || world.s3.count(Kind::Get) > asked);
        child.kill().unwrap();
        child.wait().unwrap();
        make_due(&world);
    }
    world.s3.set_latency(Duration::ZERO);
    let answer = world.run_with(ONCE, &[("CSL_QUEUE_TRIES", "2")]);
    assert_eq!(answer.code, Some(1), "{answer:#?}");
    assert!(answer.err.contains("2 done") && answer.err.contains("1 dead"), "{answer:#?}");
    let dead = world.dead();
    assert!(dead.len() == 1 && dead[0].reason.contains("taken 2 times"), "{dead:#?}");
    assert_eq!(world.ids("t").len(), 10);
}

/// Day-old messages that no worker wanted are dead letters, and that is said without `-v`.
#[test]
fn what_nobody_wanted_is_said() {
    let world = world();
    world.send(&full(&world, NIGHT, 0..5));
    let answer = world.run_with(ONCE, &[("CSL_WORK_TABLES", "signatures"), ("CSL_LOG", "off")]);
    assert_eq!(answer.code, Some(1), "{answer:#?}");
    let said = "a dead letter now: for a day no worker's work.tables and work.kinds have named this export";
    assert!(answer.err.contains(&format!("t_{NIGHT}.csv: {said}")), "{answer:#?}");
}

/// A worker that sleeps for longer than its messages are its own has not died: when it wakes it says so.
#[test]
fn a_worker_that_slept_is_no_death() {
    let world = world();
    world.send(&full(&world, &just_now(), 0..5));
    // The first request lasts until its worker has slept, and found out.
    world.s3.set_latency(Duration::from_secs(25));
    let begun = |tries: i64| {
        until("the load begins", LONG, || counted(&world).is_some_and(|(begun, _)| begun == tries));
    };
    let sleeper = world.spawn(&["work"]);
    begun(1);
    until("it asks", LONG, || world.s3.count(Kind::Get) > 0);
    signal(&sleeper, "STOP");
    make_due(&world);
    let other = world.spawn(&["work"]);
    begun(2);
    assert_eq!(counted(&world), Some((2, 0)), "as far as anybody knows, the first is dead");
    signal(&other, "STOP");
    world.s3.set_latency(Duration::ZERO);
    signal(&sleeper, "CONT");
    until("it wakes and says so", LONG, || counted(&world) == Some((2, 1)));
    for mut child in [sleeper, other] {
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

/// Loads of the only message that began, and of them those that came to an end.
fn counted(world: &World) -> Option<(i64, i64)> {
    let db = rusqlite::Connection::open(world.path("queue.db")).unwrap();
    db.busy_timeout(LONG).unwrap();
    db.query_row("SELECT tries, ended FROM message", [], |row| Ok((row.get(0)?, row.get(1)?))).ok()
}
