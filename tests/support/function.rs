//! The program as a Lambda function: fed by a runtime interface that is played here.

use crate::listen::serve;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::Response;
use csl_stream::webhook::signature::HEADER;
use serde_json::{Value, json};
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant, SystemTime};
use tokio::runtime::Runtime;

const PATIENCE: Duration = Duration::from_secs(60);

/// A function that waits for events.
pub(crate) struct Function {
    child: Child,
    events: Sender<(Value, Duration)>,
    answers: Receiver<(bool, Value)>,
    /// From the start of the process until it asked for an event.
    pub(crate) init: Duration,
    _runtime: Runtime,
}

struct Api {
    events: tokio::sync::Mutex<Receiver<(Value, Duration)>>,
    asked: Sender<()>,
    answers: Sender<(bool, Value)>,
}

async fn interface(State(api): State<Arc<Api>>, request: Request) -> Response<Body> {
    let path = request.uri().path().to_owned();
    if path.ends_with("/invocation/next") {
        let _ = api.asked.send(());
        let events = api.events.lock().await;
        let next = tokio::task::block_in_place(|| events.recv());
        let Ok((event, left)) = next else { return Response::new(Body::empty()) };
        let end = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap() + left;
        return Response::builder()
            .header("lambda-runtime-aws-request-id", "1")
            .header("lambda-runtime-deadline-ms", end.as_millis().to_string())
            .header("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:1:function:f")
            .body(Body::from(event.to_string()))
            .unwrap();
    }
    let body = to_bytes(request.into_body(), 1 << 24).await.unwrap();
    let answer = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let _ = api.answers.send((path.ends_with("/response"), answer));
    Response::builder().status(202).body(Body::empty()).unwrap()
}

impl Function {
    /// Starts the program as Lambda does: without a command, so that it finds out where it runs.
    pub(crate) fn start(command: &mut Command) -> Self {
        let (events, fed) = channel();
        let (asked, first) = channel();
        let (given, answers) = channel();
        let api = Api { events: tokio::sync::Mutex::new(fed), asked, answers: given };
        let (address, runtime) = serve(Router::new().fallback(interface).with_state(Arc::new(api)));
        let address = address.to_string();
        command.envs([
            ("AWS_LAMBDA_RUNTIME_API", address.as_str()),
            ("AWS_LAMBDA_FUNCTION_NAME", "f"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
        ]);
        let began = Instant::now();
        let child = command.spawn().unwrap();
        first.recv_timeout(PATIENCE).expect("the function asks for an event");
        let init = began.elapsed();
        Self { child, events, answers, init, _runtime: runtime }
    }

    pub(crate) fn ask(&self, event: Value) -> (bool, Value) {
        self.ask_within(event, Duration::from_secs(300))
    }

    fn ask_within(&self, event: Value, left: Duration) -> (bool, Value) {
        self.events.send((event, left)).unwrap();
        self.answers.recv_timeout(PATIENCE).expect("an answer")
    }

    /// The ids of the messages of a batch that are not done.
    pub(crate) fn failed(&self, event: Value, left: Duration) -> Vec<String> {
        let (answered, answer) = self.ask_within(event, left);
        assert!(answered, "{answer}");
        let failures = answer["batchItemFailures"].as_array().unwrap().clone();
        failures.iter().map(|failure| failure["itemIdentifier"].as_str().unwrap().to_owned()).collect()
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The base64 that API Gateway packs bodies into.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digit = |bits: usize| char::from(DIGITS[bits & 63]);
    let three = |piece: &[u8]| {
        let at = |index: usize| usize::from(*piece.get(index).unwrap_or(&0));
        let bits = (at(0) << 16) | (at(1) << 8) | at(2);
        let four = [digit(bits >> 18), digit(bits >> 12), digit(bits >> 6), digit(bits)];
        let text: String = four.iter().take(piece.len() + 1).collect();
        text + &"=".repeat(3 - piece.len())
    };
    bytes.chunks(3).map(three).collect()
}

/// A webhook as API Gateway v2 and function URLs send it.
pub(crate) fn v2(body: &str, header: &str) -> Value {
    json!({
        "version": "2.0", "routeKey": "$default", "rawPath": "/webhook", "rawQueryString": "",
        "headers": { HEADER: header, "content-length": body.len().to_string() },
        "requestContext": { "stage": "$default",
            "http": { "method": "POST", "path": "/webhook", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.7" } },
        "body": base64(body.as_bytes()), "isBase64Encoded": true
    })
}

/// One message as SQS feeds it.
pub(crate) fn record(id: &str, body: &str, tries: u32) -> Value {
    json!({ "messageId": id, "receiptHandle": format!("receipt-{id}"), "body": body, "eventSource": "aws:sqs",
        "attributes": { "ApproximateReceiveCount": tries.to_string() } })
}
