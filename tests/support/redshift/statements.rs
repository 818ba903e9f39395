//! What is known about every call: ids, statuses, results, and the tokens that make calls idempotent.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};
use tokio::sync::watch;

use super::faults::Call;
use super::result::ResultSet;
use super::translate::Parameter;

/// Where a statement stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Submitted,
    Picked,
    Started,
    Finished,
    Failed,
    Aborted,
}

impl Status {
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Submitted => "SUBMITTED",
            Self::Picked => "PICKED",
            Self::Started => "STARTED",
            Self::Finished => "FINISHED",
            Self::Failed => "FAILED",
            Self::Aborted => "ABORTED",
        }
    }

    pub(super) fn has_ended(self) -> bool {
        matches!(self, Self::Finished | Self::Failed | Self::Aborted)
    }
}

/// One statement of a call.
#[derive(Debug)]
pub(super) struct Sub {
    pub(super) sql: String,
    pub(super) status: Status,
    pub(super) error: Option<String>,
    pub(super) rows: i64,
    pub(super) result: Option<ResultSet>,
    pub(super) query_id: i64,
    pub(super) updated: SystemTime,
    pub(super) took: Duration,
}

/// A call that was accepted.
pub(super) struct Entry {
    pub(super) id: String,
    pub(super) call: Call,
    /// The caller's access key: only it may ask for the statement later.
    pub(super) identity: String,
    pub(super) request: Map<String, Value>,
    pub(super) parameters: Vec<Parameter>,
    pub(super) subs: Vec<Sub>,
    pub(super) status: Status,
    pub(super) error: Option<String>,
    pub(super) created: SystemTime,
    pub(super) updated: SystemTime,
    pub(super) took: Duration,
    pub(super) pid: i64,
    pub(super) is_cancelled: bool,
    pub(super) cancel: Option<tokio_postgres::CancelToken>,
}

impl Entry {
    pub(super) fn is_batch(&self) -> bool {
        self.call == Call::BatchExecuteStatement
    }

    pub(super) fn database(&self) -> &str {
        self.request.get("Database").and_then(Value::as_str).unwrap_or_default()
    }
}

#[derive(Default)]
struct Inner {
    entries: HashMap<String, Entry>,
    order: Vec<String>,
    /// By identity and token.
    tokens: HashMap<(String, String), String>,
    query_ids: i64,
}

pub(super) struct Statements {
    inner: Mutex<Inner>,
    changes: watch::Sender<u64>,
}

impl Default for Statements {
    fn default() -> Self {
        Self { inner: Mutex::default(), changes: watch::Sender::new(0) }
    }
}

pub(super) fn seconds(time: SystemTime) -> Value {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    // Milliseconds, as the service gives them.
    json!(since.as_millis() as f64 / 1000.0)
}

impl Statements {
    /// Takes a call in; its id, and whether it is new: a token that was seen gives the first call's id.
    pub(super) fn submit(&self, mut entry: Entry, token: Option<&str>) -> (String, bool) {
        let mut inner = self.inner.lock().unwrap();
        if let Some(token) = token {
            let key = (entry.identity.clone(), token.to_owned());
            if let Some(id) = inner.tokens.get(&key) {
                return (id.clone(), false);
            }
            inner.tokens.insert(key, entry.id.clone());
        }
        for sub in &mut entry.subs {
            inner.query_ids += 1;
            sub.query_id = inner.query_ids;
        }
        let id = entry.id.clone();
        inner.order.push(id.clone());
        inner.entries.insert(id.clone(), entry);
        (id, true)
    }

    pub(super) fn with<T>(&self, id: &str, look: impl FnOnce(&mut Entry) -> T) -> Option<T> {
        self.inner.lock().unwrap().entries.get_mut(id).map(look)
    }

    /// Changes an entry and tells those who wait for it.
    pub(super) fn update(&self, id: &str, change: impl FnOnce(&mut Entry)) {
        self.with(id, |entry| {
            change(entry);
            entry.updated = SystemTime::now();
        });
        self.changes.send_modify(|count| *count += 1);
    }

    /// Waits until the call has ended, or the time is over.
    pub(super) async fn ended(&self, id: &str, within: Option<Duration>) {
        let mut changes = self.changes.subscribe();
        let wait = async {
            while self.with(id, |entry| !entry.status.has_ended()) == Some(true) {
                if changes.changed().await.is_err() {
                    return;
                }
            }
        };
        match within {
            Some(time) => drop(tokio::time::timeout(time, wait).await),
            None => wait.await,
        }
    }

    pub(super) fn active(&self) -> usize {
        self.inner.lock().unwrap().entries.values().filter(|entry| !entry.status.has_ended()).count()
    }

    pub(super) fn statuses(&self) -> Vec<(String, &'static str)> {
        let inner = self.inner.lock().unwrap();
        inner.order.iter().map(|id| (id.clone(), inner.entries[id].status.text())).collect()
    }

    /// ListStatements: newest first.
    pub(super) fn listed(&self, identity: &str, is_asked_for: impl Fn(&Entry) -> bool) -> Vec<Value> {
        let inner = self.inner.lock().unwrap();
        let entries = inner.order.iter().rev().map(|id| &inner.entries[id]);
        entries.filter(|entry| entry.identity == identity && is_asked_for(entry)).map(list_item).collect()
    }
}

fn list_item(entry: &Entry) -> Value {
    let sqls: Vec<&str> = entry.subs.iter().map(|sub| sub.sql.as_str()).collect();
    let mut item = json!({
        "Id": entry.id, "Status": entry.status.text(), "IsBatchStatement": entry.is_batch(),
        "CreatedAt": seconds(entry.created), "UpdatedAt": seconds(entry.updated), "ResultFormat": "JSON",
    });
    match entry.is_batch() {
        true => item["QueryStrings"] = json!(sqls),
        false => item["QueryString"] = json!(sqls[0]),
    }
    for name in ["StatementName", "SecretArn"] {
        if let Some(value) = entry.request.get(name) {
            item[name] = value.clone();
        }
    }
    item
}

fn result_size(sub: &Sub) -> i64 {
    match (&sub.result, sub.status) {
        (Some(result), _) => result.bytes() as i64,
        (None, Status::Finished) => 0,
        _ => -1,
    }
}

/// What DescribeStatement says about a call.
pub(super) fn description(entry: &Entry) -> Value {
    let first = &entry.subs[0];
    let mut said = json!({
        "Id": entry.id, "Status": entry.status.text(), "CreatedAt": seconds(entry.created),
        "UpdatedAt": seconds(entry.updated), "Duration": entry.took.as_nanos() as i64, "RedshiftPid": entry.pid,
        "HasResultSet": entry.subs.iter().any(|sub| sub.result.is_some()), "ResultFormat": "JSON",
        "RedshiftQueryId": if entry.is_batch() { 0 } else { first.query_id },
        "ResultRows": if entry.is_batch() { -1 } else { first.rows },
        "ResultSize": if entry.is_batch() { -1 } else { result_size(first) },
    });
    for name in ["ClusterIdentifier", "WorkgroupName", "Database", "DbUser", "SecretArn"] {
        if let Some(value) = entry.request.get(name) {
            said[name] = value.clone();
        }
    }
    if let Some(error) = &entry.error {
        said["Error"] = json!(error);
    }
    if !entry.parameters.is_empty() {
        let parameters = entry.parameters.iter().map(|p| json!({"name": p.name, "value": p.value}));
        said["QueryParameters"] = parameters.collect();
    }
    match entry.is_batch() {
        false => said["QueryString"] = json!(first.sql),
        true => {
            said["ExecutionMode"] = json!("TRANSACTION");
            let subs = entry.subs.iter().enumerate();
            said["SubStatements"] = subs.map(|(at, sub)| sub_description(entry, at, sub)).collect();
        }
    }
    said
}

fn sub_description(entry: &Entry, at: usize, sub: &Sub) -> Value {
    let mut said = json!({
        "Id": format!("{}:{}", entry.id, at + 1), "Status": sub.status.text(), "QueryString": sub.sql,
        "CreatedAt": seconds(entry.created), "UpdatedAt": seconds(sub.updated),
        "Duration": sub.took.as_nanos() as i64, "ResultRows": sub.rows, "ResultSize": result_size(sub),
        "RedshiftQueryId": sub.query_id, "HasResultSet": sub.result.is_some(),
    });
    if let Some(error) = &sub.error {
        said["Error"] = json!(error);
    }
    said
}
