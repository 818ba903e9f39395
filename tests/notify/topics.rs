//! SNS: read back through queues that are subscribed to the topics.

use super::{NIGHT, OLD, backfill};
use crate::moto::moto;
use crate::world::World;
use serde_json::Value;

/// A topic with a queue that hears it.
struct Topic {
    name: String,
    arn: String,
}

impl Topic {
    fn new(name: &str) -> Self {
        let arn = moto().ask(&format!(
            "arn = sns.create_topic(Name='{name}')['TopicArn']\n\
             queue = sqs.create_queue(QueueName='{name}')['QueueUrl']\n\
             sns.subscribe(TopicArn=arn, Protocol='sqs', Endpoint=f'arn:aws:sqs:us-east-1:123456789012:{name}')\n\
             print(arn)"
        ));
        Self { name: name.to_owned(), arn }
    }

    /// Everything that was said since the last time: each message as SNS wraps it.
    fn heard(&self) -> Vec<Value> {
        let heard = moto().ask(&format!(
            "queue = sqs.get_queue_url(QueueName='{}')['QueueUrl']\n\
             found = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get('Messages', [])\n\
             [sqs.delete_message(QueueUrl=queue, ReceiptHandle=m['ReceiptHandle']) for m in found]\n\
             print(json.dumps([json.loads(m['Body']) for m in found]))",
            self.name
        ));
        serde_json::from_str(&heard).unwrap()
    }
}

fn message(wrapped: &Value) -> Value {
    serde_json::from_str(wrapped["Message"].as_str().unwrap()).unwrap()
}

#[test]
fn success_and_failure_are_told_to_their_topics() {
    let (good, bad) = (Topic::new("told-success"), Topic::new("told-failure"));
    let world = World::new();
    let topics = [("CSL_NOTIFY_SUCCESS_TOPIC_ARN", &*good.arn), ("CSL_NOTIFY_FAILURE_TOPIC_ARN", &*bad.arn)];
    world.export("full", NIGHT, OLD, &[1, 2, 3]);
    let answer = backfill(&world, &topics, &[]);
    assert_eq!(answer.code, Some(0), "{answer:#?}");
    let id = answer.json()["load_id"].as_str().unwrap().to_owned();
    assert!(crate::warnings(&answer).is_empty(), "{answer:#?}");
    let heard = good.heard();
    assert_eq!((heard.len(), bad.heard().len()), (1, 0), "{heard:#?}");
    assert_eq!(heard[0]["Subject"], "csl-stream: t full loaded");
    let said = message(&heard[0]);
    for (field, value) in [
        ("status", "ok"),
        ("batchId", &*id),
        ("s3Prefix", "exports/org/full/t"),
        ("key", "org/full/t/20260301/t_20260301031500.csv"),
        ("originalManifest", &format!("stage/csl/t/{id}/manifest.json")),
        ("table", "t"),
        ("kind", "full"),
    ] {
        assert_eq!(said[field], value, "{field}: {said:#}");
    }
    assert!(said["error"].is_null() && said["nextStep"].is_null(), "{said:#}");
    assert_eq!((said["rows"]["read"].as_u64(), said["rows"]["loaded"].as_u64()), (Some(3), Some(3)));
    assert!(said["seconds"].as_f64().unwrap() > 0.0 && said["bytes"].as_u64().unwrap() > 0, "{said:#}");

    // What is skipped is no news.
    assert_eq!(backfill(&world, &topics, &[]).json()["status"], "skipped");
    assert_eq!((good.heard().len(), bad.heard().len()), (0, 0));

    world.export("full", "20260302031500", OLD, &[4, 5]);
    let fault = "ERROR: S3ServiceException:Access Denied,Status 403,Error AccessDenied,https://h/x?X-Amz-Signature=HUSH password=HUSH";
    world.redshift.fail_statement("COPY", fault, 99);
    let answer = backfill(&world, &topics, &[]);
    let heard = bad.heard();
    assert_eq!((answer.code, heard.len(), good.heard().len()), (Some(3), 1, 0), "{answer:#?}");
    assert_eq!(heard[0]["Subject"], "csl-stream: t full FAILED");
    let said = message(&heard[0]);
    let id = answer.json()["load_id"].as_str().unwrap().to_owned();
    assert_eq!(
        (&said["status"], &said["batchId"], &said["exitCode"]),
        (&"error".into(), &id.clone().into(), &3.into())
    );
    assert!(said["error"].as_str().unwrap().contains("Access Denied"), "{said:#}");
    assert!(said["nextStep"].as_str().unwrap().contains("COPY role"), "{said:#}");
    let kept = said["failedManifest"].as_str().unwrap();
    assert_eq!(kept, format!("manifests/failed/t/{id}.json"));
    assert!(world.objects("manifests").contains(&kept.to_owned()));
    let everything = serde_json::to_string(&heard).unwrap();
    for secret in ["HUSH", "AKIDTEST"] {
        assert!(!everything.contains(secret), "{everything}");
    }

    // A retry is a run like any other.
    let retry = |code: i32| {
        let mut command = world.command(&["loads", "retry", &id]);
        let output = command.envs(super::moto_endpoints()).envs(topics).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{output:?}");
    };
    retry(3);
    assert_eq!((bad.heard().len(), good.heard().len()), (1, 0));
    world.redshift.clear_script();
    retry(0);
    assert_eq!((bad.heard().len(), good.heard().len()), (0, 1));
    retry(0);
    assert_eq!((bad.heard().len(), good.heard().len()), (0, 0), "it is in the table: no news");
}

#[test]
fn a_run_that_finds_no_export_is_told_too() {
    let bad = Topic::new("no-export");
    let world = World::new();
    let answer = backfill(&world, &[("CSL_NOTIFY_FAILURE_TOPIC_ARN", &*bad.arn)], &[]);
    let heard = bad.heard();
    assert_eq!((answer.code, heard.len()), (Some(3), 1), "{answer:#?}");
    let said = message(&heard[0]);
    assert!(said.get("failedManifest").is_none() && said["table"] == "t", "{said:#}");
}

#[test]
fn a_rejected_value_stays_at_home() {
    let bad = Topic::new("rejected");
    let world = World::new();
    let csv = "email,created_at,score,params,active,petition_id,id\n,,,,,,jo@example.org\n";
    world.put("full", NIGHT, csv);
    let answer = backfill(&world, &[("CSL_NOTIFY_FAILURE_TOPIC_ARN", &*bad.arn)], &[]);
    assert!(answer.code == Some(5) && answer.err.contains("with 14 bytes"), "{answer:#?}");
    assert!(!answer.err.contains("jo@example.org"), "{answer:#?}");
    let heard = bad.heard();
    let said = message(&heard[0]);
    assert!(said["error"].as_str().unwrap().contains("breaks the rule"), "{said:#}");
    assert_eq!((&said["rows"]["rejected"], &said["exitCode"]), (&1.into(), &5.into()));
    assert!(!serde_json::to_string(&heard).unwrap().contains("jo@example.org"), "{heard:#?}");
}

#[test]
fn a_topic_that_cannot_be_told_fails_no_load() {
    let world = World::new();
    for (at, topic, endpoint) in [
        ("20260301031500", "arn:aws:sns:us-east-1:123456789012:absent", moto().endpoint()),
        ("20260302031500", "no arn", moto().endpoint()),
        ("20260303031500", "arn:aws:sns:us-east-1:123456789012:x", "http://127.0.0.1:1"),
    ] {
        world.export("full", at, OLD, &[1]);
        let variables = [("CSL_NOTIFY_SUCCESS_TOPIC_ARN", topic), ("AWS_ENDPOINT_URL_SNS", endpoint)];
        let answer = backfill(&world, &variables, &[]);
        assert_eq!((answer.code, &answer.json()["status"]), (Some(0), &"succeeded".into()), "{answer:#?}");
        let warnings = answer.json()["warnings"].to_string();
        assert!(warnings.contains(topic) && warnings.contains("not told"), "{warnings}");
        assert!(answer.err.contains("a listener could not be told"), "{answer:#?}");
    }
    assert_eq!(world.ids(), "1");
}

#[test]
fn a_load_into_a_folder_is_told_as_well() {
    let good = Topic::new("folder");
    let world = World::new();
    world.export("incremental", "20260301040000", OLD, &[1, 2]);
    let variables = [("CSL_NOTIFY_SUCCESS_TOPIC_ARN", &*good.arn), ("CSL_WAREHOUSE_TO", "./warehouse")];
    let answer = backfill(&world, &variables, &["--kind", "incremental"]);
    assert_eq!(answer.code, Some(0), "{answer:#?}");
    let said = message(&good.heard()[0]);
    assert_eq!(
        (&said["kind"], &said["s3Prefix"]),
        (&"incremental".into(), &"exports/org/incremental/t".into())
    );
    assert!(said.get("originalManifest").is_none(), "{said:#}");
}
