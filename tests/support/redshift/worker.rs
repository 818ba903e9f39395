//! A call's statements, one transaction in a PostgreSQL session of its own.
//!
//! ```text
//! SUBMITTED ──slot──▶ PICKED ──▶ STARTED ──each statement──▶ commit ──▶ FINISHED
//!                                   └─ the first that fails: rollback, the rest ABORTED ──▶ FAILED
//! ```

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use super::faults::{At, Passed};
use super::result::{Column, ResultSet};
use super::statements::Status;
use super::translate::{self, Work};
use super::{Setup, Shared, copy, sql};

/// What Redshift says when transactions cannot be put into an order.
pub const ERROR_1023: &str = "ERROR: 1023\n  Detail: Serializable isolation violation on table - 142443, \
    transactions forming the cycle are: 388224, 388226 (pid:32012)";
/// An IDENTITY takes no value but its own (dg/r_CREATE_TABLE_NEW).
pub(super) const IDENTITY_VALUE: &str = "ERROR: cannot set an identity column to a value";
const CANCELLED: &str = "ERROR: Query cancelled on user's request";
/// As in PostgreSQL 8 and Redshift, a backslash in a string escapes.
const SESSION: &str = "-c standard_conforming_strings=off -c escape_string_warning=off -c timezone=UTC \
    -c datestyle=ISO -c client_min_messages=error";

/// How long a session is tried for, and how often.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(20);
const CONNECT_PAUSE: Duration = Duration::from_millis(50);

/// How a call ended if not well.
enum End {
    Failed { at: Option<usize>, error: String },
    Cancelled,
}

pub(super) async fn connect(setup: &Setup) -> Result<Client, String> {
    let mut config = tokio_postgres::Config::new();
    config.host(&setup.socket).user("postgres").dbname(&setup.database).options(SESSION);
    let start = Instant::now();
    loop {
        match config.connect(NoTls).await {
            Ok((client, connection)) => {
                tokio::spawn(connection);
                return Ok(client);
            }
            // A busy machine: the queue of the socket is full, or sessions that ended are still there.
            Err(error) if is_busy(&error) && start.elapsed() < CONNECT_TIME_MAX => {
                tokio::time::sleep(CONNECT_PAUSE).await;
            }
            Err(error) => return Err(error_text(&error)),
        }
    }
}

fn is_busy(error: &tokio_postgres::Error) -> bool {
    error.as_db_error().is_none_or(|db| *db.code() == SqlState::TOO_MANY_CONNECTIONS)
}

/// Runs a call that was submitted, to its end.
pub(super) async fn run(shared: Arc<Shared>, id: String) {
    let task = tokio::spawn(run_in_slot(shared.clone(), id.clone()));
    let ended = match task.await {
        Ok(ended) => ended,
        Err(error) => Err(End::Failed { at: None, error: format!("the stand-in failed: {error}") }),
    };
    shared.statements.update(&id, |entry| {
        entry.cancel = None;
        entry.status = match &ended {
            Ok(()) => Status::Finished,
            Err(End::Cancelled) => Status::Aborted,
            Err(End::Failed { .. }) => Status::Failed,
        };
        let Err(end) = ended else { return };
        for sub in entry.subs.iter_mut().filter(|sub| !sub.status.has_ended()) {
            sub.status = Status::Aborted;
        }
        match end {
            End::Cancelled => entry.error = Some(CANCELLED.to_owned()),
            End::Failed { at: None, error } => entry.error = Some(error),
            End::Failed { at: Some(at), error } => {
                entry.subs[at].status = Status::Failed;
                entry.subs[at].error = Some(error.clone());
                let query = format!("Query #{} failed with {error}", at + 1);
                entry.error = Some(if entry.is_batch() { query } else { error });
            }
        }
    });
}

async fn run_in_slot(shared: Arc<Shared>, id: String) -> Result<(), End> {
    let _slot = shared.slots.acquire().await;
    shared.statements.update(&id, |entry| entry.status = Status::Picked);
    if let Passed::Fail(error) = shared.faults.pass(&At::Picked).await {
        return Err(End::Failed { at: None, error });
    }
    let client = connect(&shared.setup).await.map_err(|error| End::Failed { at: None, error })?;
    let job = Job::new(&shared, &id, client);
    let start = Instant::now();
    let ended = job.run().await;
    if ended.is_err() {
        // A status that says FAILED says that everything is taken back.
        job.execute("ROLLBACK").await.ok();
    }
    shared.statements.update(&id, |entry| entry.took = start.elapsed());
    match ended {
        // Whatever the error says then, it was the cancelling.
        Err(End::Failed { .. }) if job.is_cancelled() => Err(End::Cancelled),
        other => other,
    }
}

struct Job<'a> {
    shared: &'a Arc<Shared>,
    id: &'a str,
    sqls: Vec<String>,
    client: Client,
}

impl<'a> Job<'a> {
    fn new(shared: &'a Arc<Shared>, id: &'a str, client: Client) -> Self {
        let sqls = shared.statements.with(id, |entry| entry.subs.iter().map(|sub| sub.sql.clone()).collect());
        Self { shared, id, sqls: sqls.unwrap_or_default(), client }
    }

    fn is_cancelled(&self) -> bool {
        self.shared.statements.with(self.id, |entry| entry.is_cancelled) == Some(true)
    }

    /// What each statement asks for. A fault shows when the statement's turn comes.
    fn works(&self) -> Vec<Result<Work, String>> {
        let parameters = self.shared.statements.with(self.id, |entry| entry.parameters.clone());
        let parameters = parameters.unwrap_or_default();
        let work = |text: &String| {
            let parts = sql::statements(text)?;
            translate::translate(parts.first().map_or(&[], Vec::as_slice), &parameters)
        };
        self.sqls.iter().map(work).collect()
    }

    async fn run(&self) -> Result<(), End> {
        let outside = |error| End::Failed { at: None, error };
        self.begin_session().await.map_err(outside)?;
        let works = self.works();
        if let [Ok(Work::Vacuum(vacuum, table))] = works.as_slice() {
            let start = Instant::now();
            self.owned(table.as_deref()).await.map_err(outside)?;
            self.execute(vacuum).await.map_err(outside)?;
            self.finished(0, 0, None, start);
            return Ok(());
        }
        let reads_only = works.iter().all(|work| matches!(work, Ok(Work::Read(_))));
        let level = if reads_only { "REPEATABLE READ" } else { "SERIALIZABLE" };
        self.execute(&format!("BEGIN ISOLATION LEVEL {level}")).await.map_err(outside)?;
        self.statements(works).await?;
        self.check(self.shared.faults.pass_with(At::Commit, &self.sqls).await).await.map_err(outside)?;
        if self.is_cancelled() {
            return Err(End::Cancelled);
        }
        self.execute("COMMIT").await.map_err(outside)?;
        self.check(self.shared.faults.pass_with(At::Committed, &self.sqls).await).await.map_err(outside)
    }

    async fn statements(&self, works: Vec<Result<Work, String>>) -> Result<(), End> {
        for (at, work) in works.into_iter().enumerate() {
            if self.is_cancelled() {
                return Err(End::Cancelled);
            }
            let start = Instant::now();
            self.shared.statements.update(self.id, |entry| entry.subs[at].status = Status::Started);
            let failed = |error| End::Failed { at: Some(at), error };
            let one = std::slice::from_ref(&self.sqls[at]);
            self.check(self.shared.faults.pass_with(At::Statement, one).await).await.map_err(failed)?;
            let (rows, result) = self.statement(at, &work.map_err(failed)?).await.map_err(failed)?;
            self.finished(at, rows, result, start);
        }
        Ok(())
    }

    fn finished(&self, at: usize, rows: i64, result: Option<ResultSet>, start: Instant) {
        self.shared.statements.update(self.id, |entry| {
            let sub = &mut entry.subs[at];
            sub.status = Status::Finished;
            sub.rows = rows;
            sub.result = result;
            sub.updated = SystemTime::now();
            sub.took = start.elapsed();
        });
    }

    async fn begin_session(&self) -> Result<(), String> {
        let row = self.client.query_one("SELECT pg_backend_pid()", &[]).await;
        let pid: i32 = row.map_err(|error| error_text(&error))?.get(0);
        let role = self.shared.role.lock().unwrap().clone();
        if let Some(role) = role {
            self.execute(&format!("SET SESSION AUTHORIZATION \"{role}\"")).await?;
        }
        self.shared.statements.update(self.id, |entry| {
            entry.status = Status::Started;
            entry.pid = i64::from(pid);
            entry.cancel = Some(self.client.cancel_token());
        });
        Ok(())
    }

    async fn execute(&self, sql: &str) -> Result<(), String> {
        self.client.batch_execute(sql).await.map_err(|error| error_text(&error))
    }

    /// Does what the script wants at a point of the transaction.
    async fn check(&self, passed: Passed) -> Result<(), String> {
        match passed {
            Passed::On | Passed::Close => Ok(()),
            Passed::Fail(error) => Err(error),
            Passed::Error { message, .. } => Err(format!("ERROR: {message}")),
            Passed::Abort => {
                self.shared.statements.with(self.id, |entry| entry.is_cancelled = true);
                Err(CANCELLED.to_owned())
            }
            Passed::LoseSession => {
                let pid = self.shared.statements.with(self.id, |entry| entry.pid).unwrap_or(0);
                let other = connect(&self.shared.setup).await?;
                other.batch_execute(&format!("SELECT pg_terminate_backend({pid})")).await.ok();
                Ok(())
            }
        }
    }

    async fn statement(&self, at: usize, work: &Work) -> Result<(i64, Option<ResultSet>), String> {
        match work {
            Work::Copy(command) => {
                self.lock(&command.target()).await?;
                let query_id = self.shared.statements.with(self.id, |entry| entry.subs[at].query_id);
                let start = Instant::now();
                let copied = copy::run(self.shared, &self.client, command, query_id.unwrap_or(0)).await;
                *self.shared.copy_seconds.lock().unwrap() += start.elapsed();
                Ok((copied?, None))
            }
            Work::Truncate(sql) => {
                self.execute(sql).await?;
                self.execute("COMMIT").await?;
                self.execute("BEGIN ISOLATION LEVEL SERIALIZABLE").await?;
                Ok((0, None))
            }
            Work::Resize(_) if self.sqls.len() > 1 => {
                Err("ERROR: ALTER TABLE ALTER COLUMN cannot run inside a transaction block".to_owned())
            }
            Work::Resize(sql) => self.query(sql).await,
            Work::Vacuum(..) => Err("ERROR: VACUUM cannot run inside a transaction block".to_owned()),
            Work::Analyze(sql, table) => {
                self.owned(table.as_deref()).await?;
                self.query(sql).await
            }
            Work::Write(sql, table) => {
                if let Some(table) = table {
                    self.lock(table).await?;
                }
                self.query(sql).await
            }
            Work::Read(sql) => self.query(sql).await,
        }
    }

    /// Takes the table's lock, which Redshift takes at a transaction's first write and keeps until its end
    /// (dg/c_write_readwrite). The transaction's snapshot may be older than the wait: nothing is known that
    /// promises better.
    async fn lock(&self, table: &str) -> Result<(), String> {
        let name = table.replace('\\', "\\\\").replace('\'', "''");
        self.execute(&format!("SELECT pg_catalog.csl_lock('{name}')")).await
    }

    /// VACUUM and ANALYZE are for a table's owner and superusers (dg/r_VACUUM_command, dg/r_ANALYZE);
    /// PostgreSQL skips the table and says that all is well.
    async fn owned(&self, table: Option<&str>) -> Result<(), String> {
        let Some(table) = table else { return Ok(()) };
        let sql =
            "SELECT pg_has_role(current_user, relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass($1)";
        let row = self.client.query_opt(sql, &[&table]).await.map_err(|error| error_text(&error))?;
        match row.map(|row| row.get(0)) {
            Some(false) => Err(format!("ERROR: must be owner of table {}", table.replace('"', ""))),
            _ => Ok(()),
        }
    }

    async fn query(&self, sql: &str) -> Result<(i64, Option<ResultSet>), String> {
        let prepared = self.client.prepare(sql).await.map_err(|error| error_text(&error))?;
        let columns: Vec<Column> = prepared
            .columns()
            .iter()
            .map(|column| Column { name: column.name().to_owned(), kind: column.type_().clone() })
            .collect();
        let messages = self.client.simple_query(sql).await.map_err(|error| error_text(&error))?;
        if columns.is_empty() {
            let rows = messages.iter().find_map(|message| match message {
                SimpleQueryMessage::CommandComplete(rows) => Some(*rows as i64),
                _ => None,
            });
            return Ok((rows.unwrap_or(0), None));
        }
        let set = ResultSet::of(columns, &messages)?;
        Ok((set.row_count() as i64, Some(set)))
    }
}

/// An error of PostgreSQL in the words of Redshift.
pub(super) fn error_text(error: &tokio_postgres::Error) -> String {
    let Some(db) = error.as_db_error() else {
        return format!("ERROR: Connection to the cluster was lost: {error}");
    };
    match *db.code() {
        SqlState::T_R_SERIALIZATION_FAILURE => return ERROR_1023.to_owned(),
        SqlState::QUERY_CANCELED => return CANCELLED.to_owned(),
        SqlState::GENERATED_ALWAYS => return IDENTITY_VALUE.to_owned(),
        SqlState::CHECK_VIOLATION => {
            let name = db.constraint().unwrap_or_default();
            if let Some(rest) = name.strip_prefix("csl_varchar_") {
                let bytes = rest.split('_').next().unwrap_or_default();
                return format!("ERROR: value too long for type character varying({bytes})");
            }
            if name.starts_with("csl_char_") {
                return "ERROR: Multibyte character not supported for CHAR (Hint: try using VARCHAR)"
                    .to_owned();
            }
        }
        _ => {}
    }
    let message = db.message().replace("permission denied for table", "permission denied for relation");
    match db.detail() {
        Some(detail) => format!("ERROR: {message}\n  Detail: {detail}"),
        None => format!("ERROR: {message}"),
    }
}
