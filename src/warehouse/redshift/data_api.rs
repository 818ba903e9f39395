//! Redshift's Data API: statements over HTTPS, waited for by long polls.
//!
//! ```text
//! execute, batch ──▶ id ──▶ describe, 10 s a poll ──▶ FINISHED ──▶ results, page by page
//!      │  same token at each try       │ deadline, stop ──▶ cancel      FAILED, ABORTED ──▶ StatementFault
//!      │                               └ still running after a while ──▶ cancel again, and no longer waited for
//!      └─ throttled, 5xx, no answer: again after a while that grows, with jitter
//! ```

use super::answer::{CallFault, StatementFault};
use super::connection::{Connection, Parts};
use super::sdk::{Done, cell, fault_in, fault_of};
use crate::error::{Error, Place, Result};
use crate::store::{aws_config, runtime};
use aws_sdk_redshiftdata::Client;
use aws_sdk_redshiftdata::config::retry::RetryConfig;
use aws_sdk_redshiftdata::config::timeout::TimeoutConfig;
use aws_sdk_redshiftdata::operation::describe_statement::DescribeStatementOutput;
use aws_sdk_redshiftdata::types::{ExecutionMode, StatusString};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Bytes that one statement may have: the service takes less than 100 kB.
pub const STATEMENT_BYTES_MAX: usize = 100_000;
/// Statements that one batch may have.
pub const BATCH_STATEMENTS_MAX: usize = 40;
/// Tries of one call.
const CALL_ATTEMPTS_MAX: u32 = 8;
/// First wait between tries; it doubles, and a random part of it is waited.
const BACKOFF_FIRST: Duration = Duration::from_millis(500);
/// Longest wait between tries.
const BACKOFF_MAX: Duration = Duration::from_secs(20);
/// How long one describe waits for a change; the service takes 1 to 30 s.
const POLL_SECONDS: i32 = 10;
/// Longest time for one HTTP call: a poll and some.
const CALL_TIMEOUT: Duration = Duration::from_secs(45);
/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How often a waiting call looks whether it shall stop.
const STOP_POLL: Duration = Duration::from_millis(200);
/// Shortest time between polls, for a service that answers at once.
const POLL_MIN: Duration = Duration::from_millis(100);
/// How long a statement that was cancelled is waited for: a COPY that is taken back has to be undone.
const CANCEL_PATIENCE: Duration = Duration::from_secs(120);
/// How long one describe waits once a statement is cancelled; it is cancelled again after each.
const CANCEL_POLL_SECONDS: i32 = 5;
/// Times that a small statement is run.
const SMALL_ATTEMPTS_MAX: u32 = 4;
/// Longest time for a small statement.
const SMALL_DEADLINE: Duration = Duration::from_secs(15 * 60);
/// Longest time for a load; the service ends a statement after 24 h.
pub const LOAD_DEADLINE: Duration = Duration::from_secs(6 * 3600);
/// Pages of a result that are fetched.
const PAGES_MAX: usize = 10_000;

pub use crate::warehouse::Stop;

/// One row of a result: texts, whatever the type, or NULL.
pub(super) type Row = Vec<Option<String>>;

/// Why a statement did not come to its end.
#[derive(Debug)]
pub(super) enum Fault {
    /// Redshift refused or broke it off: nothing of the transaction is there.
    Statement(StatementFault),
    /// Nobody knows how it ended, or only that it was to be ended: the ledger has to be asked.
    Unknown(Error),
    /// It was never run.
    Error(Error),
}

/// A client of one database.
#[derive(Clone)]
pub struct DataApi {
    client: Client,
    connection: Connection,
    region: Option<String>,
    stop: Stop,
    load_deadline: Duration,
    cancel_patience: Duration,
}

impl fmt::Debug for DataApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataApi").field("connection", &self.connection).finish_non_exhaustive()
    }
}

impl DataApi {
    /// A client by AWS's own chain. Nothing is asked yet.
    ///
    /// # Errors
    /// [`Error::Usage`] without a region; [`Error::Machine`] if the network threads cannot be started.
    pub fn new(connection: Connection) -> Result<Self> {
        let shared = aws_config()?;
        let region = shared.region().map(ToString::to_string);
        if region.is_none() {
            return Err(Error::usage("no AWS region is set").help("set AWS_REGION to the region of Redshift"));
        }
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(CALL_TIMEOUT)
            .build();
        let config = aws_sdk_redshiftdata::config::Builder::from(&shared)
            // Tries are counted here, where it is known what may be tried again.
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts)
            .build();
        Ok(Self {
            client: Client::from_conf(config),
            connection,
            region,
            stop: Arc::new(|| false),
            load_deadline: LOAD_DEADLINE,
            cancel_patience: CANCEL_PATIENCE,
        })
    }

    /// Ends waits as soon as `stop` says so, and cancels what runs.
    pub fn stop_when(&mut self, stop: Stop) {
        self.stop = stop;
    }

    /// Cancels a load's transaction after so long, instead of [`LOAD_DEADLINE`].
    pub fn load_within(&mut self, deadline: Duration) {
        self.load_deadline = deadline;
    }

    /// Waits so long for a statement that was cancelled, instead of two minutes.
    pub fn cancel_within(&mut self, patience: Duration) {
        self.cancel_patience = patience;
    }

    /// The same client for what must be known even while the program stops.
    pub(super) fn heedless(&self) -> Self {
        Self { stop: Arc::new(|| false), ..self.clone() }
    }

    /// Where it is connected to.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The region that the calls go to.
    pub fn region(&self) -> Option<&str> {
        self.region.as_deref()
    }

    /// Runs one statement and gives its rows. It must be one that may run twice: a passing fault (ERROR
    /// 1023, a lost session) has it run again.
    pub(super) fn query(&self, sql: &str) -> Result<Vec<Row>, Fault> {
        self.query_within(sql, SMALL_DEADLINE)
    }

    /// The same, cancelled after so long.
    pub(super) fn query_within(&self, sql: &str, deadline: Duration) -> Result<Vec<Row>, Fault> {
        let (id, ended) = self.small(sql, deadline)?;
        if ended.has_result_set == Some(true) { self.rows(&id).map_err(Fault::Error) } else { Ok(Vec::new()) }
    }

    /// Runs one statement whose rows nobody needs; it, too, may run twice.
    pub(super) fn execute(&self, sql: &str) -> Result<(), Fault> {
        self.small(sql, SMALL_DEADLINE).map(drop)
    }

    fn small(&self, sql: &str, deadline: Duration) -> Result<(String, DescribeStatementOutput), Fault> {
        let deadline = Instant::now() + deadline;
        for attempt in 1.. {
            let id = self.submit(sql)?;
            match self.wait(&id, deadline) {
                Err(Fault::Statement(fault)) if fault.is_passing() && attempt < SMALL_ATTEMPTS_MAX => {
                    tracing::info!(attempt, message = fault.message, "statement is run again");
                    std::thread::sleep(jittered(attempt));
                }
                ended => return ended.map(|ended| (id, ended)),
            }
        }
        unreachable!("the loop ends at its last attempt")
    }

    /// Hands a statement in, looks at it once, and says what came of it: `None` while it runs.
    pub(super) fn glance(&self, sql: &str, seconds: i32) -> Result<Option<StatementFault>, Fault> {
        let id = self.submit(sql)?;
        let call = || async {
            let call = self.client.describe_statement().id(&id).wait_time_seconds(seconds);
            call.send().await.map_err(|error| fault_of(&error))
        };
        let now = self.call("looking at a statement", call).map_err(|(error, _)| Fault::Error(error))?;
        Ok(match now.status {
            Some(StatusString::Failed) => Some(fault_in(&now, false)),
            Some(StatusString::Aborted) => Some(fault_in(&now, true)),
            _ => None,
        })
    }

    /// Runs statements as one transaction, to its end. The same token never runs it twice.
    pub(super) fn transaction(&self, name: &str, sqls: &[String], token: &str) -> Result<Done, Fault> {
        check_batch(sqls).map_err(Fault::Error)?;
        let call = || async {
            let Parts { cluster, workgroup, database, secret, user } = self.connection.parts();
            self.client
                .batch_execute_statement()
                .set_cluster_identifier(cluster)
                .set_workgroup_name(workgroup)
                .set_database(database)
                .set_secret_arn(secret)
                .set_db_user(user)
                .set_sqls(Some(sqls.to_vec()))
                .statement_name(name)
                .client_token(token)
                .execution_mode(ExecutionMode::Transaction)
                .send()
                .await
                .map_err(|error| fault_of(&error))
        };
        let id = self.call("submitting the load", call).map_err(|(error, unknown)| match unknown {
            true => Fault::Unknown(error),
            false => Fault::Error(error),
        })?;
        let id =
            id.id.ok_or_else(|| Fault::Unknown(Error::transient("the Data API gave no statement id")))?;
        tracing::info!(id, name, "load submitted");
        let submitted = Instant::now();
        let ended = self.wait(&id, submitted + self.load_deadline)?;
        Ok(Done::of(submitted, &ended))
    }

    fn submit(&self, sql: &str) -> Result<String, Fault> {
        check_statement(sql).map_err(Fault::Error)?;
        let token = uuid::Uuid::now_v7().to_string();
        let call = || async {
            let Parts { cluster, workgroup, database, secret, user } = self.connection.parts();
            self.client
                .execute_statement()
                .set_cluster_identifier(cluster)
                .set_workgroup_name(workgroup)
                .set_database(database)
                .set_secret_arn(secret)
                .set_db_user(user)
                .sql(sql)
                .client_token(&token)
                .send()
                .await
                .map_err(|error| fault_of(&error))
        };
        let answer = self.call("submitting a statement", call).map_err(|(error, _)| Fault::Error(error))?;
        answer.id.ok_or_else(|| Fault::Error(Error::transient("the Data API gave no statement id")))
    }

    /// Polls until the statement has ended; past its deadline, or when it shall stop, it is cancelled, again
    /// and again until it has ended or patience has.
    fn wait(&self, id: &str, deadline: Instant) -> Result<DescribeStatementOutput, Fault> {
        let mut cancelled: Option<Instant> = None;
        loop {
            let asked = Instant::now();
            let poll = poll_seconds(deadline.saturating_duration_since(asked), cancelled.is_some());
            let call =
                || async { self.client.describe_statement().id(id).wait_time_seconds(poll).send().await };
            let answer = self.call_until_stop("waiting for a statement", cancelled.is_some(), || async {
                call().await.map_err(|error| fault_of(&error))
            });
            let now = match answer {
                Ok(Some(now)) => now,
                // Asked to stop: cancelled, and then waited for, because it may have committed.
                Ok(None) => {
                    self.cancel(id);
                    cancelled = Some(Instant::now());
                    continue;
                }
                Err((error, _)) => return Err(Fault::Unknown(error)),
            };
            match now.status {
                Some(StatusString::Finished) => return Ok(now),
                Some(StatusString::Failed) => return Err(Fault::Statement(fault_in(&now, false))),
                // The commit may have come before the cancelling.
                Some(StatusString::Aborted) if cancelled.is_some() && (self.stop)() => {
                    return Err(Fault::Unknown(Error::Interrupted));
                }
                Some(StatusString::Aborted) => return Err(Fault::Statement(fault_in(&now, true))),
                _ => {}
            }
            match cancelled {
                None if Instant::now() <= deadline => {}
                None => {
                    tracing::warn!(id, "statement has passed its deadline and is cancelled");
                    self.cancel(id);
                    cancelled = Some(Instant::now());
                }
                Some(since) if since.elapsed() < self.cancel_patience => self.cancel(id),
                Some(_) => return Err(Fault::Unknown(self.still_running(id))),
            }
            std::thread::sleep(POLL_MIN.saturating_sub(asked.elapsed()));
        }
    }

    fn still_running(&self, id: &str) -> Error {
        Error::transient("a statement was to be cancelled and is still running").at(place(&self.connection)).help(
            format!(
                "allow redshift-data:CancelStatement, or end statement {id} in Redshift; run it again then: what was \
                 loaded is not loaded twice"
            ),
        )
    }

    /// Best effort: its guards make a statement harmless that ends by itself.
    fn cancel(&self, id: &str) {
        let call =
            || async { self.client.cancel_statement().id(id).send().await.map_err(|error| fault_of(&error)) };
        if let Err((error, _)) = self.call("cancelling a statement", call) {
            tracing::warn!(id, %error, "statement could not be cancelled");
        }
    }

    fn rows(&self, id: &str) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        let mut next = None;
        for _ in 0..PAGES_MAX {
            let token: Option<String> = next.take();
            let call = || async {
                let page = self.client.get_statement_result().id(id).set_next_token(token.clone());
                page.send().await.map_err(|error| fault_of(&error))
            };
            let page = self.call("fetching a result", call).map_err(|(error, _)| error)?;
            rows.extend(page.records.into_iter().map(|record| record.into_iter().map(cell).collect()));
            next = page.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                return Ok(rows);
            }
        }
        Err(Error::machine(format!("a result has more than {PAGES_MAX} pages")))
    }

    fn call<T, F>(&self, doing: &str, call: impl Fn() -> F) -> Result<T, (Error, bool)>
    where
        F: Future<Output = Result<T, CallFault>>,
    {
        let answer = self.call_until_stop(doing, true, call)?;
        answer.ok_or((Error::Interrupted, false))
    }

    /// Tries a call until it is answered; `None` if it shall stop first, unless `ignore_stop`. The flag
    /// beside an error says that nobody knows whether the work was accepted.
    fn call_until_stop<T, F>(
        &self,
        doing: &str,
        ignore_stop: bool,
        call: impl Fn() -> F,
    ) -> Result<Option<T>, (Error, bool)>
    where
        F: Future<Output = Result<T, CallFault>>,
    {
        let on = runtime().map_err(|error| (error, false))?;
        let mut unanswered = false;
        for attempt in 1.. {
            let answer = on.block_on(async {
                let mut call = std::pin::pin!(call());
                loop {
                    tokio::select! {
                        answer = &mut call => return Some(answer),
                        () = tokio::time::sleep(STOP_POLL) => {
                            if !ignore_stop && (self.stop)() {
                                return None;
                            }
                        }
                    }
                }
            });
            let fault = match answer {
                None => return Ok(None),
                Some(Ok(answer)) => return Ok(Some(answer)),
                Some(Err(fault)) => fault,
            };
            unanswered |= fault.status.is_none_or(|status| status >= 500);
            if !fault.is_passing() || attempt >= CALL_ATTEMPTS_MAX {
                let unknown = unanswered && fault.is_passing();
                return Err((fault.into_error(doing, &self.connection.to_string()), unknown));
            }
            let wait = jittered(attempt);
            tracing::info!(
                doing,
                attempt,
                ?wait,
                fault = fault.message,
                code = fault.code,
                "call is tried again"
            );
            std::thread::sleep(wait);
        }
        unreachable!("the loop ends at its last attempt")
    }
}

/// How long a poll waits: not beyond the deadline, but for a statement that is cancelled already.
fn poll_seconds(left: Duration, cancelled: bool) -> i32 {
    if cancelled { CANCEL_POLL_SECONDS } else { left.as_secs().clamp(1, POLL_SECONDS as u64) as i32 }
}

/// A random part, at least half, of a wait that doubles with each attempt.
pub(super) fn jittered(attempt: u32) -> Duration {
    let whole = BACKOFF_FIRST.saturating_mul(1 << attempt.saturating_sub(1).min(10)).min(BACKOFF_MAX);
    whole.mul_f64(0.5 + fastrand::f64() / 2.0)
}

fn check_statement(sql: &str) -> Result<()> {
    if sql.len() >= STATEMENT_BYTES_MAX {
        return Err(Error::usage(format!(
            "a statement has {} bytes, and the Data API takes less than {STATEMENT_BYTES_MAX}",
            sql.len()
        ))
        .help("shorten the names of columns, or have fewer of them"));
    }
    Ok(())
}

fn check_batch(sqls: &[String]) -> Result<()> {
    if sqls.is_empty() || sqls.len() > BATCH_STATEMENTS_MAX {
        return Err(Error::machine(format!(
            "a batch of {} statements; the Data API takes 1 to {BATCH_STATEMENTS_MAX}",
            sqls.len()
        )));
    }
    sqls.iter().try_for_each(|sql| check_statement(sql))
}

impl Fault {
    /// The fault as an error, for work that has no better words.
    pub(super) fn into_error(self, doing: &str, connection: &Connection) -> Error {
        match self {
            Self::Statement(fault) => fault.into_error(doing, &connection.to_string()),
            Self::Unknown(error) | Self::Error(error) => match error {
                Error::Interrupted => Error::Interrupted,
                error => error.in_object(&connection.to_string()),
            },
        }
    }
}

/// The place of an error: the database.
pub(super) fn place(connection: &Connection) -> Place {
    Place::uri(connection.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_limit_and_are_never_the_same() {
        for (attempt, whole) in [(1, 0.5), (2, 1.0), (4, 4.0), (7, 20.0), (60, 20.0)] {
            let wait = jittered(attempt).as_secs_f64();
            assert!((whole / 2.0..=whole).contains(&wait), "{attempt}: {wait}");
        }
    }

    #[test]
    fn a_poll_ends_with_the_deadline() {
        for (left, cancelled, seconds) in [(0, false, 1), (3, false, 3), (99, false, 10), (0, true, 5)] {
            assert_eq!(poll_seconds(Duration::from_secs(left), cancelled), seconds, "{left}");
        }
    }

    #[test]
    fn the_services_limits_are_kept() {
        let sql = |bytes: usize| "x".repeat(bytes);
        assert!(check_batch(&vec![sql(1); BATCH_STATEMENTS_MAX]).is_ok());
        assert!(check_batch(&vec![sql(1); BATCH_STATEMENTS_MAX + 1]).is_err());
        assert!(check_batch(&[]).is_err());
        assert!(check_batch(&[sql(STATEMENT_BYTES_MAX - 1)]).is_ok());
        assert_eq!(check_batch(&[sql(STATEMENT_BYTES_MAX)]).unwrap_err().exit_code(), 2);
    }
}
