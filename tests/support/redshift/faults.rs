//! What goes wrong on demand: rules that say where, what and how often.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// An operation of the Data API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Call {
    ExecuteStatement,
    BatchExecuteStatement,
    DescribeStatement,
    GetStatementResult,
    DescribeTable,
    CancelStatement,
    ListStatements,
}

impl Call {
    pub const ALL: [Self; 7] = [
        Self::ExecuteStatement,
        Self::BatchExecuteStatement,
        Self::DescribeStatement,
        Self::GetStatementResult,
        Self::DescribeTable,
        Self::CancelStatement,
        Self::ListStatements,
    ];

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|call| format!("{call:?}") == name)
    }
}

/// A point on a statement's way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum At {
    /// A call came; nothing is done yet.
    Call(Call),
    /// The call is accepted, its work under way; the answer is not sent.
    Answer(Call),
    /// The call's work has ended; the answer is not sent.
    AnswerOfDone(Call),
    /// A call's statements are picked and have not started.
    Picked,
    /// Before a statement that holds this text.
    Statement(String),
    /// Before the commit of a transaction with a statement that holds this text.
    Commit(String),
    /// Committed; the status does not say so yet.
    Committed(String),
}

/// What happens there.
#[derive(Debug, Clone)]
pub enum Act {
    /// An error answer (calls and answers).
    Error { status: u16, kind: String, message: String },
    /// The connection closes without an answer (calls and answers).
    Close,
    /// Time passes.
    Sleep(Duration),
    /// The statement fails with this text (statements, commits).
    Fail(String),
    /// PostgreSQL ends the session (statements, commits).
    LoseSession,
    /// Somebody ends the call: its status is ABORTED, whatever was done (statements, commits).
    Abort,
    /// Nothing goes on until the gate opens.
    Hold(Gate),
}

impl Act {
    pub fn error(status: u16, kind: &str, message: &str) -> Self {
        Self::Error { status, kind: kind.to_owned(), message: message.to_owned() }
    }
}

/// A place where a test stops the stand-in to look, or to kill its client.
#[derive(Debug, Clone, Default)]
pub struct Gate(Arc<(Mutex<(bool, bool)>, Condvar)>);

impl Gate {
    /// Waits until somebody stands at the gate; false if nobody came in time.
    pub fn reached(&self, within: Duration) -> bool {
        let (state, changed) = &*self.0;
        let (state, _) =
            changed.wait_timeout_while(state.lock().unwrap(), within, |(reached, _)| !*reached).unwrap();
        state.0
    }

    /// Lets go whoever stands there.
    pub fn open(&self) {
        let (state, changed) = &*self.0;
        state.lock().unwrap().1 = true;
        changed.notify_all();
    }

    fn stand(&self) {
        let (state, changed) = &*self.0;
        let mut state = state.lock().unwrap();
        state.0 = true;
        changed.notify_all();
        drop(changed.wait_while(state, |(_, open)| !*open).unwrap());
    }
}

struct Rule {
    at: At,
    act: Act,
    times: usize,
}

#[derive(Default)]
pub(super) struct Faults(Mutex<Vec<Rule>>);

/// What a point asks of whoever passes it, once it has waited as it should.
#[derive(Debug, Default)]
pub(super) enum Passed {
    #[default]
    On,
    Error {
        status: u16,
        kind: String,
        message: String,
    },
    Close,
    Fail(String),
    Abort,
    LoseSession,
}

impl Faults {
    pub(super) fn add(&self, at: At, act: Act, times: usize) {
        self.0.lock().unwrap().push(Rule { at, act, times });
    }

    pub(super) fn clear(&self) {
        self.0.lock().unwrap().clear();
    }

    pub(super) fn left(&self) -> usize {
        self.0.lock().unwrap().iter().map(|rule| rule.times).sum()
    }

    fn take(&self, is_here: impl Fn(&At) -> bool) -> Option<Act> {
        let mut rules = self.0.lock().unwrap();
        let rule = rules.iter_mut().find(|rule| rule.times > 0 && is_here(&rule.at))?;
        rule.times -= 1;
        Some(rule.act.clone())
    }

    /// Whether a rule waits for this point.
    pub(super) fn waits_at(&self, at: &At) -> bool {
        self.0.lock().unwrap().iter().any(|rule| rule.times > 0 && rule.at == *at)
    }

    /// Passes one point; waiting rules are waited for, and then the next rule has its turn.
    pub(super) async fn pass(&self, at: &At) -> Passed {
        self.pass_where(|point| point == at).await
    }

    /// Passes a point whose rules name a part of one of the statements.
    pub(super) async fn pass_with(&self, point: fn(String) -> At, sqls: &[String]) -> Passed {
        self.pass_where(|at| {
            let (At::Statement(text) | At::Commit(text) | At::Committed(text)) = at else { return false };
            *at == point(text.clone()) && sqls.iter().any(|sql| sql.contains(text.as_str()))
        })
        .await
    }

    async fn pass_where(&self, is_here: impl Fn(&At) -> bool) -> Passed {
        while let Some(act) = self.take(&is_here) {
            match act {
                Act::Sleep(time) => tokio::time::sleep(time).await,
                Act::Hold(gate) => tokio::task::spawn_blocking(move || gate.stand()).await.unwrap(),
                Act::Error { status, kind, message } => return Passed::Error { status, kind, message },
                Act::Close => return Passed::Close,
                Act::Fail(text) => return Passed::Fail(text),
                Act::Abort => return Passed::Abort,
                Act::LoseSession => return Passed::LoseSession,
            }
        }
        Passed::On
    }
}
