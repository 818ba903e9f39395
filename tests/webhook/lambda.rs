//! The program as a Lambda function: fed by a runtime interface that is played here.

use crate::aws::Aws;
use crate::function::{Function, record, v2};
use crate::listen::serve;
use crate::s3::S3Server;
use crate::world::{SECRET, export, program};
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::Response;
use csl_stream::webhook::signature::header_of;
use serde_json::{Value, json};
use std::ops::Deref;
use std::time::Duration;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// The init of a function on a machine that builds something else meanwhile.
const INIT_MAX: Duration = Duration::from_secs(5);

const OURS: &str = "https://sqs.us-east-1.amazonaws.com/123456789012/load";
const DEAD: &str = "https://sqs.us-east-1.amazonaws.com/123456789012/dead";
const OTHERS: &str = "https://sqs.us-east-1.amazonaws.com/123456789012/others";
const TASKS: &str = "https://sqs.us-east-1.amazonaws.com/123456789012/tasks";

/// A function in a folder of its own.
struct Ours {
    function: Function,
    dir: TempDir,
}

impl Deref for Ours {
    type Target = Function;

    fn deref(&self) -> &Function {
        &self.function
    }
}

fn start(aws: &Aws, environment: &[(&str, &str)]) -> Ours {
    let dir = tempfile::tempdir().unwrap();
    let mut command = program(&dir, &aws.environment());
    command.stderr(std::process::Stdio::inherit()).envs(environment.iter().copied());
    command.envs([("CSL_QUEUE_URL", OURS), ("CSL_QUEUE_DEAD_LETTER_URL", DEAD), ("CSL_LOG", "off")]);
    Ours { function: Function::start(&mut command), dir }
}

fn v1(body: &str, header: &str) -> Value {
    json!({
        "resource": "/webhook", "path": "/webhook", "httpMethod": "POST",
        "headers": { "X-ControlShift-Webhook-Signature": header },
        "multiValueHeaders": { "X-ControlShift-Webhook-Signature": [header] },
        "queryStringParameters": null, "pathParameters": null, "stageVariables": null,
        "requestContext": { "stage": "prod", "httpMethod": "POST", "identity": { "sourceIp": "192.0.2.7" } },
        "body": body, "isBase64Encoded": false
    })
}

#[test]
fn every_shape_of_http() {
    let aws = Aws::start();
    let settings = [
        ("CSL_WEBHOOK_SECRETS", SECRET),
        ("CSL_WEBHOOK_ALLOW_FROM", "192.0.2.0/24"),
        ("CSL_QUEUE_OTHERS_URL", OTHERS),
    ];
    let function = start(&aws, &settings);
    println!("init {:?}", function.init);
    assert!(function.init < INIT_MAX, "{:?}", function.init);
    let body = export("signatures", "full", 1);
    let header = header_of(SECRET.as_bytes(), body.as_bytes());
    let changed = |mut event: Value, at: &str, to: Value| {
        *event.pointer_mut(at).unwrap() = to;
        event
    };
    let named = changed(v2(&body, &header), "/rawPath", json!("/prod/webhook"));
    let named = changed(named, "/requestContext/stage", json!("prod"));
    let get = changed(v1("", ""), "/httpMethod", json!("GET"));
    let twice = json!({ "X-ControlShift-Webhook-Signature": [header, header] });
    for (what, event, status, part) in [
        ("version 1", v1(&body, &header), 200, "processed"),
        ("version 2", v2(&body, &header), 200, "processed"),
        ("a named stage", named, 200, "processed"),
        ("the root", changed(v1(&body, &header), "/path", json!("/")), 200, "processed"),
        ("other type", v1("{}", &header_of(SECRET.as_bytes(), b"{}")), 200, "skipped"),
        ("forged 1", v1(&body, &header_of(b"guess", body.as_bytes())), 401, "signature"),
        ("forged 2", v2(&body, "sha256:00"), 401, "signature"),
        ("signed twice", changed(v1(&body, &header), "/multiValueHeaders", twice), 401, "signature"),
        ("no base64", changed(v2(&body, &header), "/body", json!("%%%")), 400, ""),
        ("no body", changed(v1(&body, &header), "/body", json!(null)), 401, "signature"),
        (
            "a header that is none",
            changed(v1(&body, &header), "/multiValueHeaders", json!({ "a b": ["c"] })),
            400,
            "",
        ),
        (
            "another address",
            changed(v1(&body, &header), "/requestContext/identity/sourceIp", json!("198.51.100.1")),
            403,
            "address",
        ),
        ("no such path", changed(v1(&body, &header), "/path", json!("/no")), 404, ""),
        ("a health check", changed(get, "/path", json!("/healthz")), 200, "ok"),
    ] {
        let (answered, answer) = function.ask(event);
        assert!(answered, "{what}: {answer}");
        assert_eq!(answer["statusCode"], status, "{what}: {answer}");
        assert!(answer["body"].as_str().unwrap().contains(part), "{what}: {answer}");
        assert_eq!(answer["isBase64Encoded"], false);
        let processed = status == 200 && part != "ok";
        assert_eq!(answer["headers"]["x-controlshift-processed"] == "1", processed, "{what}");
    }
    let sent = aws.calls("SendMessage");
    assert_eq!(sent.len(), 4);
    let message: Value = serde_json::from_str(sent[0]["MessageBody"].as_str().unwrap()).unwrap();
    assert_eq!((sent[0]["QueueUrl"].as_str(), message["kind"].as_str()), (Some(OURS), Some("full")));
    assert!(message["downloadUrl"].as_str().unwrap().ends_with("Signature=TOPSECRET%3D"));
    // What the worker does not load goes to the loader that came before.
    let other = export("petitions", "full", 1);
    function.ask(v1(&other, &header_of(SECRET.as_bytes(), other.as_bytes())));
    assert_eq!(aws.calls("SendMessage")[4]["QueueUrl"], OTHERS);
}

#[test]
fn a_function_without_a_secret_says_so() {
    let aws = Aws::start();
    let function = start(&aws, &[]);
    for event in [v1("{}", ""), json!({}), json!({ "Records": [] }), json!({ "source": "aws.events" })] {
        let (answered, answer) = function.ask(event.clone());
        assert!(!answered, "{event} {answer}");
    }
}

fn order(table: &str, url: &str) -> String {
    json!({ "downloadUrl": url, "table": table, "kind": "full" }).to_string()
}

const CSV: &str = "id\n1\n2\n3\n";

/// A server of one export, whose name is `NAME`.
fn exports() -> (String, Runtime) {
    let (address, runtime) = serve(Router::new().fallback(|request: Request| async move {
        let (status, body) = match request.uri().path() {
            path if path.contains("/gone/") => (403, ""),
            path if path.contains("/bad/") => (200, "id\nnone\n"),
            _ => (200, CSV),
        };
        Response::builder().status(status).body(Body::from(body)).unwrap()
    }));
    (format!("http://{address}"), runtime)
}

fn schema() -> String {
    let column =
        r#"{"type":"integer","sql_type":"integer","limit":null,"nullable":true,"default_value":null}"#;
    format!(r#"{{"tables":[{{"table":{{"name":"signatures","columns":{{"id":{column}}}}}}}]}}"#)
}

fn loading(aws: &Aws, exports: &str, more: &[(&str, &str)]) -> Ours {
    let settings = [
        ("CSL_SCHEMA_SOURCE", "schema.json"),
        ("CSL_WAREHOUSE_TO", "warehouse"),
        ("CSL_QUEUE_OTHERS_URL", OTHERS),
        ("AWS_ENDPOINT_URL_S3", exports),
        ("CSL_EXPORTS_BUCKETS", "exports"),
    ];
    let function = start(aws, &[&settings, more].concat());
    std::fs::write(function.dir.path().join("schema.json"), schema()).unwrap();
    function
}

#[test]
fn messages_are_loaded_buried_forwarded_or_left() {
    let (aws, (exports, _runtime)) = (Aws::start(), exports());
    let function = loading(&aws, &exports, &[]);
    let good = order(
        "signatures",
        &format!("{exports}/exports/my-org/full/signatures/20260301/signatures_20260301000001.csv"),
    );
    let gone = order(
        "signatures",
        &format!("{exports}/exports/gone/full/signatures/20260301/signatures_20260301000001.csv"),
    );
    let long = Duration::from_secs(300);
    assert!(function.failed(json!({ "Records": [record("1", &good, 1)] }), long).is_empty());
    assert!(function.dir.path().join("warehouse/signatures/current").exists());
    assert!(function.failed(json!({ "Records": [record("2", &good, 2)] }), long).is_empty(), "skipped");
    let batch = json!({ "Records": [
        record("3", "no message", 1),
        record("4", &gone, 1),
        record("5", &order("petitions", &format!("{exports}/x.csv")), 1),
        record("6", &good, 99),
    ]});
    assert!(function.failed(batch, long).is_empty());
    let to = |url: &str| aws.calls("SendMessage").iter().filter(|call| call["QueueUrl"] == url).count();
    assert_eq!((to(DEAD), to(OTHERS)), (3, 1));
    // Too little time: nothing is begun, the message is there again at once.
    let short = Duration::from_secs(20);
    assert_eq!(function.failed(json!({ "Records": [record("7", &good, 1)] }), short), ["7"]);
    let changed = aws.calls("ChangeMessageVisibility");
    assert_eq!(changed.last().unwrap()["ReceiptHandle"], "receipt-7");
    // A fault that passes leaves it, and those of its table after it.
    std::fs::remove_file(function.dir.path().join("schema.json")).unwrap();
    let batch = json!({ "Records": [record("8", &good, 1), record("9", &good, 1)] });
    assert_eq!(function.failed(batch, long), ["8", "9"]);
    let changed = aws.calls("ChangeMessageVisibility");
    let waits = |of: &str| {
        let call = changed.iter().rfind(|call| call["ReceiptHandle"] == of).unwrap();
        call["VisibilityTimeout"].as_i64().unwrap()
    };
    assert_eq!((waits("receipt-8"), waits("receipt-9")), (5, 5), "the second is not there before the first");
    // Of a young export takings say nothing: it may have come along with a large one each time.
    let now = csl_stream::ledger::timestamp(std::time::SystemTime::now());
    let now: String = now.chars().filter(char::is_ascii_digit).take(14).collect();
    let young = format!("{exports}/exports/my-org/full/signatures/{}/signatures_{now}.csv", &now[..8]);
    let buried = to(DEAD);
    let batch = json!({ "Records": [record("11", &order("signatures", &young), 99)] });
    assert_eq!((function.failed(batch, long), to(DEAD)), (vec!["11".to_owned()], buried));
    // Nobody but the operator names a private address.
    let inside = "http://127.0.0.1:1/exports/my-org/full/signatures/20260301/signatures_20260301000001.csv";
    std::fs::write(function.dir.path().join("schema.json"), schema()).unwrap();
    let batch = json!({ "Records": [record("10", &order("signatures", inside), 1)] });
    assert!(function.failed(batch, long).is_empty());
    let buried = aws.calls("SendMessage").last().unwrap().to_string();
    assert!(buried.contains("does not lead to S3") && buried.contains(DEAD), "{buried}");
}

/// SQS counts every taking, also those of a function whose messages these are not.
#[test]
fn what_is_nobodys_is_no_poison() {
    let aws = Aws::start();
    let function = start(&aws, &[("CSL_SCHEMA_SOURCE", "schema.json"), ("CSL_WAREHOUSE_TO", "warehouse")]);
    let key = "my-org/full/petitions/29990301/petitions_29990301000001.csv";
    let order = order("petitions", &format!("https://exports.s3.amazonaws.com/{key}"));
    let batch = json!({ "Records": [record("1", &order, 99)] });
    assert_eq!(function.failed(batch, Duration::from_secs(300)), ["1"]);
    assert_eq!(aws.calls("ChangeMessageVisibility")[0]["VisibilityTimeout"], 300);
    assert!(aws.calls("SendMessage").is_empty());
}

#[test]
fn what_may_not_be_fetched_is_not_looked_at_either() {
    let aws = Aws::start();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let exports = format!("http://{}", listener.local_addr().unwrap());
    let fargate = [
        ("CSL_FARGATE_CLUSTER", "c"),
        ("CSL_FARGATE_TASK_DEFINITION", "t:1"),
        ("CSL_FARGATE_QUEUE_URL", TASKS),
        ("CSL_FARGATE_OVER_BYTES", "5"),
    ];
    let function = loading(&aws, &exports, &fargate);
    let key = "my-org/full/signatures/20260301/signatures_20260301000001.csv";
    let batch =
        json!({ "Records": [record("1", &order("signatures", &format!("{exports}/elsewhere/{key}")), 1)] });
    assert!(function.failed(batch, Duration::from_secs(300)).is_empty());
    assert!(aws.calls("SendMessage").last().unwrap().to_string().contains("may not be fetched"));
    assert!(listener.accept().is_err(), "nobody called");
}

#[test]
fn rejects_are_written_where_a_function_may_write() {
    let (aws, (exports, _runtime)) = (Aws::start(), exports());
    let folder = tempfile::tempdir().unwrap();
    let function = loading(&aws, &exports, &[("TMPDIR", folder.path().to_str().unwrap())]);
    let url = format!("{exports}/exports/bad/full/signatures/20260301/signatures_20260301000001.csv");
    let batch = json!({ "Records": [record("1", &order("signatures", &url), 1)] });
    assert!(function.failed(batch, Duration::from_secs(300)).is_empty());
    let buried = aws.calls("SendMessage").last().unwrap().to_string();
    assert!(buried.contains("reject"), "{buried}");
    let names = |place: &std::path::Path| -> Vec<String> {
        let entries = std::fs::read_dir(place).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    assert!(names(folder.path()).iter().any(|name| name.ends_with(".rejects.csv")));
    assert!(!names(function.dir.path()).iter().any(|name| name.ends_with(".rejects.csv")));
}

/// What a function writes to its disk is gone with it.
#[test]
fn rejects_are_in_s3_after_the_answer() {
    let (aws, s3) = (Aws::start(), S3Server::start());
    let exports = s3.endpoint();
    s3.put("exports/my-org/full/signatures/20260301/signatures_20260301000001.csv", "id\n1\nnone\n3\n");
    let settings = [("CSL_LOAD_REJECTS", "s3://kept/rejects"), ("CSL_LOAD_MAX_REJECTS", "1")];
    let function = loading(&aws, &exports, &settings);
    let url = format!("{exports}/exports/my-org/full/signatures/20260301/signatures_20260301000001.csv");
    let batch = json!({ "Records": [record("1", &order("signatures", &url), 1)] });
    assert!(function.failed(batch, Duration::from_secs(300)).is_empty());
    assert!(function.dir.path().join("warehouse/signatures/current").exists());
    let kept: Vec<_> = s3.names().into_iter().filter(|name| name.starts_with("kept/")).collect();
    let [records, reasons] = &kept[..] else { panic!("{kept:?}") };
    assert!(
        records.starts_with("kept/rejects/signatures-") && records.ends_with(".rejects.csv"),
        "{records}"
    );
    assert_eq!(s3.get(records).unwrap(), "id\nnone\n");
    assert!(s3.get(reasons).unwrap().starts_with(b"{\"record\":2,"));
}

#[test]
fn large_exports_are_handed_to_fargate() {
    let (aws, (exports, _runtime)) = (Aws::start(), exports());
    let good = order(
        "signatures",
        &format!("{exports}/exports/my-org/full/signatures/20260301/signatures_20260301000001.csv"),
    );
    let batch = || json!({ "Records": [record("1", &good, 1)] });
    let fargate = |over: &'static str| {
        [
            ("CSL_FARGATE_CLUSTER", "c"),
            ("CSL_FARGATE_TASK_DEFINITION", "t:1"),
            ("CSL_FARGATE_SUBNETS", "subnet-1,subnet-2"),
            ("CSL_FARGATE_SECURITY_GROUPS", "sg-1"),
            ("CSL_FARGATE_QUEUE_URL", TASKS),
            ("CSL_FARGATE_OVER_BYTES", over),
        ]
    };
    let long = Duration::from_secs(300);
    let function = loading(&aws, &exports, &fargate("1000"));
    assert!(function.failed(batch(), long).is_empty());
    assert!(aws.calls("RunTask").is_empty(), "small enough to be loaded here");
    assert!(function.dir.path().join("warehouse/signatures/current").exists());

    let function = loading(&aws, &exports, &fargate("5"));
    assert!(function.failed(batch(), long).is_empty());
    assert!(!function.dir.path().join("warehouse/signatures/current").exists());
    assert_eq!(aws.calls("SendMessage").last().unwrap()["QueueUrl"], TASKS);
    let task = &aws.calls("RunTask")[0];
    assert_eq!((&task["cluster"], &task["taskDefinition"]), (&json!("c"), &json!("t:1")));
    let container = &task["overrides"]["containerOverrides"][0];
    assert_eq!(container["command"], json!(["work", "--once"]));
    let variables = json!([
        { "name": "CSL_QUEUE_URL", "value": TASKS },
        { "name": "CSL_QUEUE_TRIES", "value": "30" },
    ]);
    assert_eq!(container["environment"], variables);
    let network = &task["networkConfiguration"]["awsvpcConfiguration"];
    assert_eq!(network["subnets"], json!(["subnet-1", "subnet-2"]));

    aws.answer("RunTask", json!({ "tasks": [], "failures": [{ "reason": "RESOURCE:MEMORY" }] }));
    assert_eq!(function.failed(batch(), long), ["1"], "tried again: the task did not start");
}

/// After its answer the function may stand still for hours: what is to be told is told before.
#[test]
fn a_dead_letter_is_told_before_the_answer() {
    let heard = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let shared = std::sync::Arc::clone(&heard);
    let hear = move |body: String| {
        let shared = std::sync::Arc::clone(&shared);
        async move {
            tokio::time::sleep(Duration::from_millis(500)).await;
            shared.lock().unwrap().push(body);
        }
    };
    let (address, _runtime) = serve(Router::new().route("/", axum::routing::post(hear)));
    let aws = Aws::start();
    let url = format!("http://{address}/");
    let function = start(&aws, &[("CSL_ALERTS_SLACK_URL", &url)]);
    for told in [1, 0] {
        let event = json!({ "Records": [record("1", "jo@example.org", 1)] });
        assert!(function.failed(event, Duration::from_secs(60)).is_empty());
        let heard = std::mem::take(&mut *heard.lock().unwrap());
        assert_eq!(heard.len(), told, "{heard:?}");
        assert!(heard.iter().all(|body| body.contains("dead letter") && !body.contains("jo@example.org")));
    }
}
