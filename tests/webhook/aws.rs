//! AWS's JSON protocol as far as the program speaks it here: writes down what was asked, answers by the name
//! of the call. It checks no signature and keeps no state.

use crate::listen::serve;
use axum::Router;
use axum::body::to_bytes;
use axum::extract::Request;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::runtime::Runtime;

/// Threads of a server in a test, and the runtime that they end with.
pub struct Aws {
    pub endpoint: String,
    calls: Arc<Mutex<Vec<(String, Value)>>>,
    answers: Arc<Mutex<Vec<(String, Value)>>>,
    _runtime: Runtime,
}

impl Aws {
    pub fn start() -> Self {
        let calls = Arc::new(Mutex::new(Vec::new()));
        let answers = Arc::new(Mutex::new(Vec::new()));
        let (kept, given) = (Arc::clone(&calls), Arc::clone(&answers));
        let handler = move |request: Request| {
            let (kept, given) = (Arc::clone(&kept), Arc::clone(&given));
            async move {
                let target =
                    request.headers().get("x-amz-target").map(|name| name.to_str().unwrap().to_owned());
                let name = target.unwrap_or_default().rsplit('.').next().unwrap().to_owned();
                let body = to_bytes(request.into_body(), 1 << 20).await.unwrap();
                let asked = serde_json::from_slice(&body).unwrap_or(Value::Null);
                kept.lock().unwrap().push((name.clone(), asked));
                let set = given.lock().unwrap().iter().rev().find(|(of, _)| *of == name).cloned();
                let answer = set.map_or_else(|| preset(&name), |(_, answer)| answer);
                ([("content-type", "application/x-amz-json-1.1")], answer.to_string())
            }
        };
        let (address, runtime) = serve(Router::new().fallback(handler));
        Self { endpoint: format!("http://{address}"), calls, answers, _runtime: runtime }
    }

    /// What a call is answered with from now on.
    pub fn answer(&self, call: &str, answer: Value) {
        self.answers.lock().unwrap().push((call.to_owned(), answer));
    }

    /// The bodies of the calls of this name so far.
    pub fn calls(&self, call: &str) -> Vec<Value> {
        let calls = self.calls.lock().unwrap();
        calls.iter().filter(|(name, _)| name == call).map(|(_, asked)| asked.clone()).collect()
    }

    /// The environment of a program that talks to it.
    pub fn environment(&self) -> Vec<(&str, &str)> {
        vec![
            ("AWS_ENDPOINT_URL", &self.endpoint),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "AKIDTEST"),
            ("AWS_SECRET_ACCESS_KEY", "x"),
        ]
    }
}

fn preset(call: &str) -> Value {
    match call {
        "SendMessage" => json!({ "MessageId": "1", "MD5OfMessageBody": "x" }),
        "RunTask" => json!({ "tasks": [{}], "failures": [] }),
        _ => json!({}),
    }
}
