//! Each dead letter is told, once, whichever way it became one.

use crate::function::{Function, record};
use crate::moto::moto;
use crate::world::{LONG, World, csv, schema_of, until};
use csl_stream::store::ExportKind::{Full, Incremental};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const NIGHT: &str = "20260301031500";

/// A topic with a queue that hears it.
fn topic(name: &str) -> String {
    moto().ask(&format!(
        "arn = sns.create_topic(Name='{name}')['TopicArn']\n\
         sqs.create_queue(QueueName='{name}')\n\
         sns.subscribe(TopicArn=arn, Protocol='sqs', Endpoint=f'arn:aws:sqs:us-east-1:123456789012:{name}')\n\
         print(arn)"
    ))
}

/// The errors that a topic was told since the last time.
fn heard(name: &str) -> Vec<String> {
    let heard = moto().ask(&format!(
        "queue = sqs.get_queue_url(QueueName='{name}')['QueueUrl']\n\
         all = []\n\
         while True:\n\
         \x20   found = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get('Messages', [])\n\
         \x20   if not found: break\n\
         \x20   [sqs.delete_message(QueueUrl=queue, ReceiptHandle=m['ReceiptHandle']) for m in found]\n\
         \x20   all += [json.loads(json.loads(m['Body'])['Message']) for m in found]\n\
         print(json.dumps(all))"
    ));
    let heard: Vec<Value> = serde_json::from_str(&heard).unwrap();
    heard.iter().map(Value::to_string).collect()
}

/// How a message of the local queue becomes a dead letter, and what is said of it.
struct Way {
    name: &'static str,
    /// Makes it so; the program gets these variables.
    set_up: fn(&World) -> Vec<(&'static str, String)>,
    said: &'static str,
}

fn change(world: &World, sql: &str) {
    let db = rusqlite::Connection::open(world.path("queue.db")).unwrap();
    assert_eq!(db.execute(sql, []).unwrap(), 1, "{sql}");
}

const WAYS: &[Way] = &[
    Way {
        name: "failed-for-good",
        set_up: |world| {
            world.send(&world.export(Full, "t", NIGHT, b"id,name\nx,y\n", false));
            Vec::new()
        },
        said: "reject",
    },
    Way {
        name: "not-fetched",
        set_up: |world| {
            let mut order = world.export(Full, "t", NIGHT, csv(0..5).as_bytes(), false);
            order.download_url = "file:///etc/passwd".to_owned();
            order.s3 = None;
            world.send(&order);
            Vec::new()
        },
        said: "may not be fetched",
    },
    Way {
        name: "no-such-table",
        set_up: |world| {
            world.send(&world.export(Full, "absent", NIGHT, csv(0..5).as_bytes(), false));
            Vec::new()
        },
        said: "absent",
    },
    Way {
        name: "begun-too-often",
        set_up: |world| {
            world.send(&world.export(Full, "t", NIGHT, csv(0..5).as_bytes(), false));
            change(world, "UPDATE message SET tries = 5");
            Vec::new()
        },
        said: "never came to an end",
    },
    Way {
        name: "unreadable",
        set_up: |world| {
            change(world, "INSERT INTO message (body, lane, kind, waits_until_ms) VALUES ('x', 'x', '', 0)");
            Vec::new()
        },
        said: "no load message",
    },
    Way {
        name: "too-old",
        set_up: |world| {
            world.send(&world.export(Full, "t", NIGHT, csv(0..5).as_bytes(), false));
            world.s3.set_signed("another=signature");
            Vec::new()
        },
        said: "request a test ingest",
    },
    Way {
        name: "tried-too-often",
        set_up: |world| {
            world.send(&world.export(Full, "t", NIGHT, csv(0..5).as_bytes(), false));
            change(world, "UPDATE message SET tries = 5, ended = 5");
            std::fs::create_dir_all(world.path("warehouse")).unwrap();
            std::fs::write(world.path("warehouse/t"), "in the way").unwrap();
            Vec::new()
        },
        said: "cannot make the table's folder",
    },
    Way {
        name: "unwanted",
        set_up: |world| {
            world.send(&world.export(Incremental, "t", NIGHT, csv(0..5).as_bytes(), false));
            vec![("CSL_WORK_KINDS", "full".to_owned())]
        },
        said: "no worker",
    },
    Way {
        name: "not-forwarded",
        set_up: |world| {
            world.send(&world.export(Incremental, "t", NIGHT, csv(0..5).as_bytes(), false));
            change(world, "UPDATE message SET tries = 5, ended = 5");
            let others = format!("{}/123456789012/no-such-queue", moto().endpoint());
            vec![("CSL_WORK_KINDS", "full".to_owned()), ("CSL_QUEUE_OTHERS_URL", others)]
        },
        said: "not forwarded to",
    },
];

fn with_topic<'a>(command: &'a mut Command, arn: &str) -> &'a mut Command {
    command.envs([
        ("CSL_NOTIFY_FAILURE_TOPIC_ARN", arn),
        ("AWS_ENDPOINT_URL_SNS", moto().endpoint()),
        ("AWS_ENDPOINT_URL_SQS", moto().endpoint()),
    ])
}

#[test]
fn every_way_to_become_a_dead_letter_is_told_once() {
    for way in WAYS {
        let name = format!("dead-{}", way.name);
        let arn = topic(&name);
        let world = World::new(&schema_of(&["t"]));
        let variables = (way.set_up)(&world);
        let mut command = world.command(&["work", "--once"]);
        let output = with_topic(command.envs(variables), &arn).output().unwrap();
        let answer = crate::world::answer_of(output);
        let (dead, told) = (world.dead(), heard(&name));
        assert_eq!((answer.code, dead.len(), told.len()), (Some(1), 1, 1), "{name}: {told:#?} {answer:#?}");
        assert!(told[0].contains(way.said), "{name}: {told:#?}");
        assert!(dead[0].reason.contains(way.said), "{name}: {dead:#?}");
    }
}

/// Ends with the test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Where dead letters cannot be kept, the message comes again, later each time: it is not loaded again, and
/// nobody hears of it twice.
#[test]
fn what_cannot_be_buried_is_told_once_and_held_back() {
    let arn = topic("dead-unburied");
    let world = World::new(&schema_of(&["t"]));
    world.send(&world.export(Full, "t", NIGHT, b"id,name\nx,y\n", false));
    let db = rusqlite::Connection::open(world.path("queue.db")).unwrap();
    db.execute_batch("CREATE TRIGGER no BEFORE INSERT ON dead BEGIN SELECT RAISE(ABORT, 'no'); END").unwrap();
    let log = world.path("log");
    let mut command = world.command(&["work"]);
    let command = with_topic(&mut command, &arn).stdout(Stdio::null());
    let child = Ended(command.stderr(std::fs::File::create(&log).unwrap()).spawn().unwrap());
    let tries = || {
        let log = std::fs::read_to_string(&log).unwrap();
        log.lines().filter(|line| line.contains("the queue was not told what became of it")).count()
    };
    until("it is buried in vain", LONG, || tries() == 1);
    let waits = "SELECT waits_until_ms - 1000 * unixepoch() FROM message WHERE receipt IS NULL";
    let waits: i64 = db.query_row(waits, [], |row| row.get(0)).unwrap();
    assert!((1_000..=6_000).contains(&waits), "{waits}");
    until("and again", LONG, || tries() == 2);
    let status = |run: &Value| run["status"] == "failed";
    assert_eq!(world.loads().iter().filter(|run| status(run)).count(), 1, "it was loaded once");
    db.execute_batch("DROP TRIGGER no; UPDATE message SET waits_until_ms = 0").unwrap();
    until("it is dead", LONG, || world.dead().len() == 1);
    assert_eq!(world.dead()[0].exit_code, Some(5), "for the reason it had");
    drop(child);
    assert_eq!(heard("dead-unburied").len(), 1);
}

/// As a Lambda function: SQS feeds the messages, and knows their takings alone.
#[test]
fn a_functions_dead_letters_are_told_once() {
    let name = "dead-function";
    let arn = topic(name);
    let queue = crate::contract::make_queue("dead-function-own", false);
    let dead = crate::contract::make_queue("dead-function-dead", false);
    let world = World::new(&schema_of(&["t"]));
    let order = |kind, table: &str, at: &str, csv: &[u8]| world.export(kind, table, at, csv, false).body();
    let good = csv(0..5);
    let bodies = [
        ("failed for good", order(Full, "t", NIGHT, b"id,name\nx,y\n"), 1, "reject"),
        ("unreadable", "x".to_owned(), 1, "no load message"),
        ("begun too often", order(Full, "t", "20260301041500", good.as_bytes()), 6, "never came to an end"),
        ("unwanted", order(Incremental, "t", NIGHT, good.as_bytes()), 1, "no worker"),
        ("no such table", order(Full, "absent", NIGHT, good.as_bytes()), 1, "absent"),
    ];
    let mut command = world.command(&[]);
    command.envs([
        ("CSL_WORK_KINDS", "full"),
        ("CSL_QUEUE_URL", &queue),
        ("CSL_QUEUE_DEAD_LETTER_URL", &dead),
        ("CSL_WAREHOUSE_TO", "warehouse"),
    ]);
    let function =
        Function::start(with_topic(&mut command, &arn).stdout(Stdio::null()).stderr(Stdio::null()));
    for (what, body, tries, said) in &bodies {
        let mut fed = record(what, body, *tries);
        fed["receiptHandle"] = moto()
            .ask(&format!(
                "sqs.send_message(QueueUrl='{queue}', MessageBody='x')\n\
                 print(sqs.receive_message(QueueUrl='{queue}')['Messages'][0]['ReceiptHandle'])"
            ))
            .into();
        let batch = json!({ "Records": [fed] });
        let failed = function.failed(batch, Duration::from_secs(300));
        let told = heard(name);
        assert_eq!((failed.as_slice(), told.len()), ([].as_slice(), 1), "{what}: {told:#?}");
        assert!(told[0].contains(said), "{what}: {told:#?}");
    }
    let letters = world.run_with(
        &["dead-letters", "list", "--json"],
        &[
            ("CSL_QUEUE_URL", queue.as_str()),
            ("CSL_QUEUE_DEAD_LETTER_URL", dead.as_str()),
            ("AWS_ENDPOINT_URL_SQS", moto().endpoint()),
        ],
    );
    let reasons: BTreeSet<String> =
        letters.json().as_array().unwrap().iter().map(|letter| letter["reason"].to_string()).collect();
    for (what, .., said) in &bodies {
        assert!(reasons.iter().any(|reason| reason.contains(said)), "{what}: {reasons:#?}");
    }
}
