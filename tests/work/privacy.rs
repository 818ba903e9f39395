//! Rules of privacy in the worker: the queue, dead letters, what SNS hears and what is logged hold no value.

use crate::moto::moto;
use crate::world::{World, schema_of};
use csl_stream::store::ExportKind::Full;
use std::path::Path;

const MARKER: &str = "MARKER";

/// Files below a folder that hold a marker.
fn leaks(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_symlink() {
            continue;
        }
        if entry.is_dir() {
            found.extend(leaks(&entry));
        } else if std::fs::read(&entry)
            .unwrap()
            .windows(MARKER.len())
            .any(|window| window == MARKER.as_bytes())
        {
            found.push(entry.display().to_string());
        }
    }
    found
}

#[test]
fn the_worker_keeps_to_the_rules_and_tells_no_value() {
    let (world, server) = (World::unsigned(&schema_of(&["t"])), moto());
    let arn = server.ask(
        "arn = sns.create_topic(Name='privacy')['TopicArn']\n\
         sqs.create_queue(QueueName='privacy')\n\
         sns.subscribe(TopicArn=arn, Protocol='sqs', Endpoint='arn:aws:sqs:us-east-1:123456789012:privacy')\n\
         print(arn)",
    );
    let settings = [
        ("AWS_ENDPOINT_URL_SNS", server.endpoint()),
        ("AWS_ENDPOINT_URL_SQS", server.endpoint()),
        ("CSL_PRIVACY_COLUMNS", "t.name=prefix:1"),
        ("CSL_NOTIFY_SUCCESS_TOPIC_ARN", arn.trim()),
        ("CSL_NOTIFY_FAILURE_TOPIC_ARN", arn.trim()),
        ("CSL_LOG", "trace"),
    ];
    // A value without a rule is in the records that were rejected, and nowhere else.
    let bad = format!("id,name\n1,{MARKER} one\n{MARKER}-id,two\n");
    world.send(&world.export(Full, "t", "20260303031500", bad.as_bytes(), false));
    world.send(&world.export(
        Full,
        "t",
        "20260302031500",
        format!("id,name\n1,{MARKER} one\n").as_bytes(),
        true,
    ));
    let answer = world.run_with(&["work", "--once"], &settings);
    assert!(!answer.out.contains(MARKER) && !answer.err.contains(MARKER), "{answer:#?}");
    assert_eq!((world.ids("t"), world.dead().len()), (vec![1], 1), "{answer:#?}");
    let dead = world.run(&["dead-letters", "list", "--json"]);
    assert!(!dead.out.contains(MARKER) && dead.out.contains("reject"), "{dead:#?}");
    let left = leaks(&world.path("."));
    assert!(left.iter().all(|file| file.contains(".rejects.")) && left.len() == 2, "{left:?}");
    let records = std::fs::read_to_string(left.iter().find(|file| file.ends_with(".csv")).unwrap()).unwrap();
    assert_eq!(records, format!("\"id\",\"name:prefix:1\"\n{MARKER}-id,\"t\"\n"));
    let heard = server.ask(
        "queue = sqs.get_queue_url(QueueName='privacy')['QueueUrl']\n\
         print(json.dumps([m['Body'] for _ in range(4) for m in sqs.receive_message(QueueUrl=queue, \
         MaxNumberOfMessages=10).get('Messages', [])]))",
    );
    assert!(heard.contains("stopped at the first rejected record") && !heard.contains(MARKER), "{heard}");
}
