//! The Data API's protocol: JSON 1.1 over HTTP, its operations, limits and errors.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, Response, header};
use serde_json::{Map, Value, json};

use super::faults::{At, Call, Passed};
use super::statements::{Entry, Status, Sub, description, seconds};
use super::translate::Parameter;
use super::{Sent, Shared, catalog, sql, worker};

/// A statement must be smaller than this.
pub(super) const STATEMENT_BYTES_MAX: usize = 100_000;
/// Statements in a batch.
pub(super) const BATCH_STATEMENTS_MAX: usize = 40;
/// Longest time that a call waits for a result.
pub(super) const WAIT_SECONDS_MAX: i64 = 30;
/// Longest ClientToken.
pub(super) const TOKEN_CHARS_MAX: usize = 64;
/// Parameters of every operation that the stand-in has no answer for.
const UNKNOWN_HERE: [&str; 3] = ["SessionId", "SessionKeepAliveSeconds", "WithEvent"];

/// An error answer.
pub(super) struct Refusal {
    status: u16,
    kind: String,
    message: String,
}

type Answer = Result<Value, Refusal>;

fn refusal(status: u16, kind: &str, message: impl Into<String>) -> Refusal {
    Refusal { status, kind: kind.to_owned(), message: message.into() }
}

pub(super) fn invalid(message: impl Into<String>) -> Refusal {
    refusal(400, "ValidationException", message)
}

fn unknown_id() -> Refusal {
    refusal(400, "ResourceNotFoundException", "Query does not exist.")
}

pub(super) fn router(shared: Arc<Shared>) -> axum::Router {
    axum::Router::new().fallback(move |request: Request| answer(shared.clone(), request))
}

async fn answer(shared: Arc<Shared>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    match answer_to(&shared, &parts.headers, &body).await {
        Ok(value) => response(200, &value),
        Err(refusal) => response(
            refusal.status,
            &json!({"__type": refusal.kind, "Message": refusal.message, "message": refusal.message}),
        ),
    }
}

fn response(status: u16, value: &Value) -> Response<Body> {
    let response = Response::builder()
        .status(status)
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amzn-requestid", uuid::Uuid::now_v7().to_string());
    response.body(Body::from(value.to_string())).unwrap()
}

async fn answer_to(shared: &Arc<Shared>, headers: &HeaderMap, body: &[u8]) -> Answer {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let target = text("x-amz-target").strip_prefix("RedshiftData.").and_then(Call::named);
    let Some(call) = target else {
        return Err(refusal(400, "UnknownOperationException", format!("no {}", text("x-amz-target"))));
    };
    shared.calls.lock().unwrap().push(call);
    passed(shared.faults.pass(&At::Call(call)).await)?;
    if text("content-type") != "application/x-amz-json-1.1" {
        return Err(refusal(400, "SerializationException", "the protocol is JSON 1.1"));
    }
    let Some(identity) = identity(headers) else {
        return Err(refusal(400, "MissingAuthenticationTokenException", "Missing Authentication Token"));
    };
    let Ok(Value::Object(request)) = serde_json::from_slice(body) else {
        return Err(refusal(400, "SerializationException", "the body is no JSON object"));
    };
    if let Some(name) = UNKNOWN_HERE.iter().find(|name| request.contains_key(**name)) {
        return Err(invalid(format!("the stand-in does not know {name}")));
    }
    let answer = match call {
        Call::ExecuteStatement | Call::BatchExecuteStatement => {
            submit(shared, call, &identity, request).await?
        }
        Call::DescribeStatement => describe(shared, &identity, &request).await?,
        Call::GetStatementResult => result(shared, &identity, &request).await?,
        Call::CancelStatement => cancel(shared, &identity, &request).await?,
        Call::ListStatements => list(shared, &identity, &request)?,
        Call::DescribeTable => {
            of_one_warehouse(shared, &request)?;
            catalog::describe_table(&shared.setup, &request).await?
        }
    };
    passed(shared.faults.pass(&At::Answer(call)).await)?;
    if shared.faults.waits_at(&At::AnswerOfDone(call)) {
        shared.statements.ended(answer["Id"].as_str().unwrap_or_default(), None).await;
        passed(shared.faults.pass(&At::AnswerOfDone(call)).await)?;
    }
    Ok(answer)
}

/// Goes on, or ends the call as the script says.
fn passed(passed: Passed) -> Result<(), Refusal> {
    match passed {
        Passed::On => Ok(()),
        Passed::Error { status, kind, message } => Err(Refusal { status, kind, message }),
        Passed::Fail(text) => Err(invalid(text)),
        Passed::Abort => Err(invalid("aborted by the script")),
        // The task of the connection ends with it, and nothing is sent: not even a status line.
        Passed::Close | Passed::LoseSession => std::panic::resume_unwind(Box::new("closed by the script")),
    }
}

fn identity(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    Some(text.split_once("Credential=")?.1.split('/').next()?.to_owned())
}

fn text_of<'a>(request: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    request.get(name).and_then(Value::as_str)
}

/// Exactly one of cluster and workgroup, a database, and who asks.
fn of_one_warehouse(shared: &Shared, request: &Map<String, Value>) -> Result<(), Refusal> {
    let has = |name: &str| request.contains_key(name);
    match (has("ClusterIdentifier"), has("WorkgroupName")) {
        (true, true) => return Err(invalid("ClusterIdentifier and WorkgroupName cannot be used together.")),
        (false, false) => return Err(invalid("Please provide ClusterIdentifier or WorkgroupName.")),
        (false, true) if has("DbUser") => {
            return Err(invalid("DbUser is not supported with WorkgroupName."));
        }
        _ if has("DbUser") && has("SecretArn") => {
            return Err(invalid("DbUser and SecretArn cannot be used together."));
        }
        _ => {}
    }
    match text_of(request, "Database") {
        None | Some("") => Err(invalid("Database name must be provided.")),
        Some(name) if name != shared.setup.database => {
            Err(invalid(format!("FATAL: database \"{name}\" does not exist")))
        }
        Some(_) => Ok(()),
    }
}

fn wait_of(request: &Map<String, Value>) -> Result<Option<Duration>, Refusal> {
    let Some(value) = request.get("WaitTimeSeconds") else { return Ok(None) };
    match value.as_i64() {
        Some(seconds @ 0..=WAIT_SECONDS_MAX) => Ok(Some(Duration::from_secs(seconds as u64))),
        _ => Err(invalid(format!(
            "Value '{value}' at 'waitTimeSeconds' failed to satisfy constraint: at most {WAIT_SECONDS_MAX}"
        ))),
    }
}

fn statements_of(call: Call, request: &Map<String, Value>) -> Result<Vec<String>, Refusal> {
    let sqls = match call {
        Call::ExecuteStatement => text_of(request, "Sql").map(|sql| vec![sql.to_owned()]),
        _ => request
            .get("Sqls")
            .and_then(Value::as_array)
            .map(|sqls| sqls.iter().filter_map(Value::as_str).map(str::to_owned).collect()),
    };
    let sqls = sqls.unwrap_or_default();
    if sqls.is_empty() || sqls.len() > BATCH_STATEMENTS_MAX {
        return Err(invalid(format!("Please provide between 1 and {BATCH_STATEMENTS_MAX} SQL statements.")));
    }
    for sql in &sqls {
        if sql.len() >= STATEMENT_BYTES_MAX {
            return Err(invalid("Query statement must be smaller than 100 KB."));
        }
        if sql.trim().is_empty() || matches!(sql::statements(sql), Ok(parts) if parts.is_empty()) {
            return Err(invalid("The SQL statement is empty."));
        }
        if matches!(sql::statements(sql), Ok(parts) if parts.len() > 1) {
            return Err(invalid("Multiple SQL statements are not allowed in one string."));
        }
    }
    Ok(sqls)
}

fn parameters_of(request: &Map<String, Value>) -> Result<Vec<Parameter>, Refusal> {
    let Some(listed) = request.get("Parameters").and_then(Value::as_array) else { return Ok(Vec::new()) };
    let text = |value: &Value, name: &str| value[name].as_str().map(str::to_owned);
    let parameter = |value| Some(Parameter { name: text(value, "name")?, value: text(value, "value")? });
    let parameters: Option<Vec<Parameter>> = listed.iter().map(parameter).collect();
    // The service has no parameter without a value, and none that is empty.
    parameters
        .filter(|all| all.iter().all(|parameter| !parameter.value.is_empty()))
        .ok_or_else(|| invalid("Parameters list contains a parameter without a value."))
}

async fn submit(
    shared: &Arc<Shared>,
    call: Call,
    identity: &str,
    request: Map<String, Value>,
) -> Result<Value, Refusal> {
    of_one_warehouse(shared, &request)?;
    let wait = wait_of(&request)?;
    let sqls = statements_of(call, &request)?;
    let parameters = parameters_of(&request)?;
    if !matches!(text_of(&request, "ExecutionMode"), None | Some("TRANSACTION")) {
        return Err(invalid("the stand-in runs batches as one TRANSACTION only"));
    }
    let token = text_of(&request, "ClientToken").map(str::to_owned);
    if token.as_ref().is_some_and(|token| !(1..=TOKEN_CHARS_MAX).contains(&token.chars().count())) {
        return Err(invalid(format!("ClientToken must have between 1 and {TOKEN_CHARS_MAX} characters")));
    }
    if shared.statements.active() >= shared.setup.active_max {
        let text = "Active statements exceeded the allowed quota";
        return Err(refusal(400, "ActiveStatementsExceededException", text));
    }
    let entry = entry(call, identity, request, parameters, &sqls);
    let (id, is_new) = shared.statements.submit(entry, token.as_deref());
    if is_new {
        let sent =
            |sql: &String| Sent { id: id.clone(), call, sql: sql.clone(), client_token: token.clone() };
        shared.sent.lock().unwrap().extend(sqls.iter().map(sent));
        tokio::spawn(worker::run(shared.clone(), id.clone()));
    } else if shared.statements.with(&id, |first| first.subs.iter().map(|sub| sub.sql.clone()).collect())
        != Some(sqls)
    {
        return Err(invalid("ClientToken was used for another request."));
    }
    if let Some(time) = wait {
        shared.statements.ended(&id, Some(time)).await;
    }
    let answer = shared.statements.with(&id, |entry| {
        let mut answer = json!({"Id": entry.id, "CreatedAt": seconds(entry.created)});
        for name in ["ClusterIdentifier", "WorkgroupName", "Database", "DbUser", "SecretArn"] {
            if let Some(value) = entry.request.get(name) {
                answer[name] = value.clone();
            }
        }
        if wait.is_some() {
            answer["Status"] = json!(entry.status.text());
        }
        answer
    });
    answer.ok_or_else(unknown_id)
}

fn entry(
    call: Call,
    identity: &str,
    request: Map<String, Value>,
    parameters: Vec<Parameter>,
    sqls: &[String],
) -> Entry {
    let now = SystemTime::now();
    let sub = |sql: &String| Sub {
        sql: sql.clone(),
        status: Status::Submitted,
        error: None,
        rows: -1,
        result: None,
        query_id: 0,
        updated: now,
        took: Duration::ZERO,
    };
    Entry {
        id: uuid::Uuid::now_v7().to_string(),
        call,
        identity: identity.to_owned(),
        request,
        parameters,
        subs: sqls.iter().map(sub).collect(),
        status: Status::Submitted,
        error: None,
        created: now,
        updated: now,
        took: Duration::ZERO,
        pid: 0,
        is_cancelled: false,
        cancel: None,
    }
}

/// The call's id and the number of a sub-statement, from 1.
fn id_of(
    shared: &Shared,
    identity: &str,
    request: &Map<String, Value>,
) -> Result<(String, Option<usize>), Refusal> {
    let id = text_of(request, "Id").unwrap_or_default();
    let (call, number) = id.split_once(':').map_or((id, None), |(call, number)| (call, number.parse().ok()));
    if call.len() != 36 || (id.contains(':') && number.is_none()) {
        return Err(invalid(format!("id must satisfy regex pattern, and {id:?} does not")));
    }
    let belongs = |entry: &mut Entry| {
        entry.identity == identity && number.is_none_or(|number| (1..=entry.subs.len()).contains(&number))
    };
    match shared.statements.with(call, belongs) {
        Some(true) => Ok((call.to_owned(), number)),
        _ => Err(unknown_id()),
    }
}

async fn describe(shared: &Shared, identity: &str, request: &Map<String, Value>) -> Answer {
    let wait = wait_of(request)?;
    let (id, number) = id_of(shared, identity, request)?;
    if let Some(time) = wait {
        shared.statements.ended(&id, Some(time)).await;
    }
    let said = shared.statements.with(&id, |entry| description(entry)).ok_or_else(unknown_id)?;
    Ok(match number {
        Some(number) => said["SubStatements"][number - 1].clone(),
        None => said,
    })
}

async fn result(shared: &Shared, identity: &str, request: &Map<String, Value>) -> Answer {
    let wait = wait_of(request)?;
    let (id, number) = id_of(shared, identity, request)?;
    if let Some(time) = wait {
        shared.statements.ended(&id, Some(time)).await;
    }
    let token = text_of(request, "NextToken").unwrap_or("0");
    let from: usize = token.parse().map_err(|_| invalid("NextToken is not valid"))?;
    let page = shared.statements.with(&id, |entry| {
        if entry.is_batch() && number.is_none() {
            return Err(invalid("Please provide the id of a sub-statement of the batch."));
        }
        let sub = &entry.subs[number.unwrap_or(1) - 1];
        // A result counts when its transaction is committed.
        let ended = entry.status == Status::Finished;
        sub.result.as_ref().filter(|_| ended).map(|set| set.page(from, shared.setup.page_rows)).ok_or_else(
            || {
                let text = "Query does not have result. Please check query status with DescribeStatement.";
                refusal(400, "ResourceNotFoundException", text)
            },
        )
    });
    page.ok_or_else(unknown_id)?
}

async fn cancel(shared: &Shared, identity: &str, request: &Map<String, Value>) -> Answer {
    let (id, _) = id_of(shared, identity, request)?;
    let token = shared.statements.with(&id, |entry| {
        if entry.status.has_ended() {
            return Err(invalid(format!(
                "Could not cancel a query that is already in {} state with ID: {}",
                entry.status.text(),
                entry.id
            )));
        }
        entry.is_cancelled = true;
        Ok(entry.cancel.clone())
    });
    if let Some(token) = token.ok_or_else(unknown_id)?? {
        token.cancel_query(tokio_postgres::NoTls).await.ok();
    }
    Ok(json!({"Status": true}))
}

fn list(shared: &Shared, identity: &str, request: &Map<String, Value>) -> Answer {
    let status = text_of(request, "Status").filter(|status| *status != "ALL");
    let name = text_of(request, "StatementName");
    let is_asked_for = |entry: &Entry| {
        status.is_none_or(|status| entry.status.text() == status)
            && name.is_none_or(|prefix| {
                text_of(&entry.request, "StatementName").is_some_and(|name| name.starts_with(prefix))
            })
    };
    let all = shared.statements.listed(identity, is_asked_for);
    let from: usize = text_of(request, "NextToken").and_then(|token| token.parse().ok()).unwrap_or(0);
    let size =
        request.get("MaxResults").and_then(Value::as_u64).filter(|&size| size > 0).unwrap_or(100) as usize;
    let end = all.len().min(from + size);
    let mut answer = json!({"Statements": all.get(from..end).unwrap_or_default()});
    if end < all.len() {
        answer["NextToken"] = json!(end.to_string());
    }
    Ok(answer)
}
