//! A stand-in for Redshift: the Data API over HTTP, SQL executed by a real PostgreSQL, COPY by Redshift's rules.
//!
//! ```text
//! client ──HTTP, JSON 1.1──▶ server ──▶ statements ──▶ worker ──▶ sql ──▶ PostgreSQL, a connection a batch
//!                              ▲  (ids, tokens, status)  │   └──▶ copy ──▶ manifest, Parquet ◀── S3 server
//!                              └────────── faults ───────┘
//! ```
//!
//! It was written from AWS's documents and from what others measured, not from the client that it tests.
//! Where Redshift's behaviour is not proven, it refuses. What it cannot prove is in CONTRIBUTING.md.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

mod catalog;
mod copy;
mod copy_sql;
mod ddl;
mod faults;
mod footer;
mod parquet_rows;
mod parquet_types;
mod result;
mod s3_client;
mod server;
mod sql;
mod statements;
mod translate;
mod wire;
mod worker;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub use faults::{Act, At, Call, Gate};
use statements::Statements;
pub use worker::ERROR_1023;

/// Statements of one stand-in that run at once; more wait in SUBMITTED, as in a queue of Redshift.
const RUNNING_MAX: usize = 40;
/// Views and functions that Redshift has and PostgreSQL lacks.
const PRELUDE: &str = include_str!("prelude.sql");

/// How a stand-in is set up.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Folder of PostgreSQL's socket.
    pub socket: String,
    /// A database of that server, for this stand-in alone; clients name it so as well.
    pub database: String,
    /// Where S3 answers.
    pub s3: String,
    /// Redshift's own region.
    pub region: String,
    /// The region of each bucket that is elsewhere.
    pub bucket_regions: HashMap<String, String>,
    /// The only role that COPY may assume; none: any.
    pub iam_role: Option<String>,
    /// Statements that may be active at once.
    pub active_max: usize,
    /// Rows in one answer of GetStatementResult.
    pub page_rows: usize,
}

impl Setup {
    /// `database` must exist on the server whose socket is in `socket`.
    pub fn new(socket: &str, database: &str, s3: &str) -> Self {
        Self {
            socket: socket.to_owned(),
            database: database.to_owned(),
            s3: s3.to_owned(),
            region: "us-east-1".to_owned(),
            bucket_regions: HashMap::new(),
            iam_role: None,
            active_max: 500,
            page_rows: 1000,
        }
    }
}

/// A statement as a client sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The id of the call; all statements of a batch share it.
    pub id: String,
    pub call: Call,
    pub sql: String,
    pub client_token: Option<String>,
}

struct Shared {
    setup: Setup,
    statements: Statements,
    faults: faults::Faults,
    /// Calls as they came, also those that were refused.
    calls: Mutex<Vec<Call>>,
    sent: Mutex<Vec<Sent>>,
    /// The database user that statements run as.
    role: Mutex<Option<String>>,
    slots: tokio::sync::Semaphore,
    copy_seconds: Mutex<Duration>,
    /// How long the URLs live that COPY reads by; none: longer than any test.
    urls_live: Mutex<Option<Duration>>,
    http: reqwest::Client,
}

/// The stand-in; it ends with its owner.
pub struct Redshift {
    shared: Arc<Shared>,
    address: SocketAddr,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Redshift {
    /// Prepares the database and listens on a free port, in threads of its own.
    pub fn start(setup: Setup) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let shared = Arc::new(Shared {
            setup,
            statements: Statements::default(),
            faults: faults::Faults::default(),
            calls: Mutex::default(),
            sent: Mutex::default(),
            role: Mutex::default(),
            slots: tokio::sync::Semaphore::new(RUNNING_MAX),
            copy_seconds: Mutex::default(),
            urls_live: Mutex::default(),
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
        });
        let listener = runtime.block_on(async {
            let client = worker::connect(&shared.setup).await.unwrap();
            client.batch_execute(PRELUDE).await.unwrap();
            tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap()
        });
        let address = listener.local_addr().unwrap();
        let app = server::router(shared.clone());
        runtime.spawn(async move { axum::serve(listener, app).await });
        Self { shared, address, runtime: Some(runtime) }
    }

    /// What goes into `AWS_ENDPOINT_URL_REDSHIFT_DATA`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Adds a rule: the next `times` times that `at` is reached, `act` happens.
    pub fn script(&self, at: At, act: Act, times: usize) {
        self.shared.faults.add(at, act, times);
    }

    /// Takes back every rule that is left.
    pub fn clear_script(&self) {
        self.shared.faults.clear();
    }

    /// Rules that have turns left: zero says that everything scripted came to pass.
    pub fn scripted(&self) -> usize {
        self.shared.faults.left()
    }

    /// Holds whoever reaches `at` next, until the gate is opened.
    pub fn hold(&self, at: At) -> Gate {
        let gate = Gate::default();
        self.script(at, Act::Hold(gate.clone()), 1);
        gate
    }

    /// The next `times` calls are answered with ThrottlingException.
    pub fn throttle(&self, call: Call, times: usize) {
        self.script(At::Call(call), Act::error(400, "ThrottlingException", "Rate exceeded"), times);
    }

    /// Calls are refused as by a policy that lacks the action.
    pub fn deny(&self, call: Call, times: usize) {
        let text = format!(
            "User: arn:aws:sts::123456789012:assumed-role/loader/run is not authorized to perform: redshift-data:{call:?}"
        );
        self.script(At::Call(call), Act::error(400, "AccessDeniedException", &text), times);
    }

    /// Calls are refused as with credentials past their time.
    pub fn expire_credentials(&self, call: Call, times: usize) {
        let text = "The security token included in the request is expired";
        self.script(At::Call(call), Act::error(400, "ExpiredTokenException", text), times);
    }

    /// The work is accepted and done to its end; the connection closes without an answer.
    pub fn drop_answer(&self, call: Call, times: usize) {
        self.script(At::AnswerOfDone(call), Act::Close, times);
    }

    /// The work is accepted and done to its end; the answer is a 500.
    pub fn fail_answer(&self, call: Call, times: usize) {
        let act = Act::error(500, "InternalServerException", "Internal Server Error");
        self.script(At::AnswerOfDone(call), act, times);
    }

    /// The first statement that holds `text` fails with `error`; its batch is rolled back.
    pub fn fail_statement(&self, text: &str, error: &str, times: usize) {
        self.script(At::Statement(text.to_owned()), Act::Fail(error.to_owned()), times);
    }

    /// Transactions that hold a statement with `text` end in ERROR 1023 when they commit.
    pub fn fail_serialization(&self, text: &str, times: usize) {
        self.script(At::Commit(text.to_owned()), Act::Fail(ERROR_1023.to_owned()), times);
    }

    /// The session ends under the first statement that holds `text`.
    pub fn lose_session(&self, text: &str, times: usize) {
        self.script(At::Statement(text.to_owned()), Act::LoseSession, times);
    }

    /// Statements stay in PICKED for so long before they start.
    pub fn stay_picked(&self, time: Duration, times: usize) {
        self.script(At::Picked, Act::Sleep(time), times);
    }

    /// From now on the URLs that COPY reads by live so long.
    pub fn expire_urls(&self, after: Duration) {
        *self.shared.urls_live.lock().unwrap() = Some(after);
    }

    /// The database user that later statements run as; it must exist. None: a superuser.
    pub fn run_as(&self, role: Option<&str>) {
        *self.shared.role.lock().unwrap() = role.map(str::to_owned);
    }

    /// Every statement that was accepted, in order.
    pub fn sent(&self) -> Vec<Sent> {
        self.shared.sent.lock().unwrap().clone()
    }

    /// Forgets what was sent and called.
    pub fn forget(&self) {
        self.shared.sent.lock().unwrap().clear();
        self.shared.calls.lock().unwrap().clear();
    }

    /// How often a call came, refused ones too.
    pub fn count(&self, call: Call) -> usize {
        self.shared.calls.lock().unwrap().iter().filter(|&&seen| seen == call).count()
    }

    /// The status of each accepted call, in order: `(id, status)`.
    pub fn statuses(&self) -> Vec<(String, &'static str)> {
        self.shared.statements.statuses()
    }

    /// Statements that have not ended.
    pub fn active(&self) -> usize {
        self.shared.statements.active()
    }

    /// Time spent in COPY, in all.
    pub fn copy_time(&self) -> Duration {
        *self.shared.copy_seconds.lock().unwrap()
    }
}

impl Drop for Redshift {
    fn drop(&mut self) {
        // A test that fails may leave a gate closed; whoever stands there is not waited for.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
