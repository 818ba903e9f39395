//! A client of plain HTTP: what it sends and gets is what is on the wire.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::postgres;
use crate::redshift::{Redshift, Setup};
use crate::s3::S3Server;

/// A stand-in with its database and its S3.
pub(crate) struct World {
    pub(crate) redshift: Redshift,
    pub(crate) s3: S3Server,
    pub(crate) database: String,
    http: reqwest::Client,
    runtime: tokio::runtime::Runtime,
}

/// An error answer: its type and message; both empty if no answer came.
pub(crate) type Refused = (String, String);

impl World {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut Setup)) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let database = format!("standin_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let server = postgres::server();
        server.database(&database);
        let s3 = S3Server::start();
        let mut setup = Setup::new(server.socket(), &database, &s3.endpoint());
        change(&mut setup);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { redshift: Redshift::start(setup), s3, database, http, runtime }
    }

    /// One call as user `key`.
    pub(crate) fn call_as(&self, key: &str, operation: &str, body: &Value) -> Result<Value, Refused> {
        let request = self
            .http
            .post(self.redshift.endpoint())
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", format!("RedshiftData.{operation}"))
            .header(
                "authorization",
                format!("AWS4-HMAC-SHA256 Credential={key}/20261122/us-east-1/redshift-data/aws4_request"),
            )
            .body(body.to_string());
        self.runtime.block_on(async {
            let Ok(answer) = request.send().await else { return Err(Refused::default()) };
            let status = answer.status().as_u16();
            let bytes = answer.bytes().await.map_err(|_| Refused::default())?;
            let value: Value = serde_json::from_slice(&bytes).unwrap();
            let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
            if status == 200 { Ok(value) } else { Err((text("__type"), text("Message"))) }
        })
    }

    pub(crate) fn call(&self, operation: &str, body: &Value) -> Result<Value, Refused> {
        self.call_as("AKIDTEST", operation, body)
    }

    /// A request's body with the warehouse filled in.
    pub(crate) fn body(&self, more: Value) -> Value {
        let mut body = json!({"WorkgroupName": "wg", "Database": self.database});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    }

    /// Runs one statement to its end and gives what DescribeStatement says.
    pub(crate) fn run(&self, sql: &str) -> Value {
        let answer = self.call("ExecuteStatement", &self.body(json!({"Sql": sql}))).unwrap();
        self.ended(answer["Id"].as_str().unwrap())
    }

    /// Runs a batch to its end.
    pub(crate) fn batch(&self, sqls: &[&str]) -> Value {
        let answer = self.call("BatchExecuteStatement", &self.body(json!({"Sqls": sqls}))).unwrap();
        self.ended(answer["Id"].as_str().unwrap())
    }

    pub(crate) fn ended(&self, id: &str) -> Value {
        loop {
            let said = self.call("DescribeStatement", &json!({"Id": id, "WaitTimeSeconds": 30})).unwrap();
            if ["FINISHED", "FAILED", "ABORTED"].contains(&said["Status"].as_str().unwrap()) {
                return said;
            }
        }
    }

    /// Runs what must succeed.
    pub(crate) fn must(&self, sql: &str) -> Value {
        let said = self.run(sql);
        assert_eq!(said["Status"], "FINISHED", "{sql}: {said}");
        said
    }

    /// Runs what must fail and gives the error.
    pub(crate) fn fails(&self, sql: &str) -> String {
        let said = self.run(sql);
        assert_eq!(said["Status"], "FAILED", "{sql}: {said}");
        said["Error"].as_str().unwrap().to_owned()
    }

    /// The rows of a query, fields joined by `|`, rows by a newline; NULL is `∅`.
    pub(crate) fn rows(&self, sql: &str) -> String {
        let id = self.must(sql)["Id"].as_str().unwrap().to_owned();
        let page = self.call("GetStatementResult", &json!({"Id": id})).unwrap();
        let field = |field: &Value| {
            let (kind, value) = field.as_object().unwrap().iter().next().unwrap();
            match (kind.as_str(), value) {
                ("isNull", _) => "∅".to_owned(),
                (_, Value::String(text)) => text.clone(),
                (_, other) => other.to_string(),
            }
        };
        let row = |row: &Value| row.as_array().unwrap().iter().map(field).collect::<Vec<_>>().join("|");
        page["Records"].as_array().unwrap().iter().map(row).collect::<Vec<_>>().join("\n")
    }
}
