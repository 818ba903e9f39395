//! One thread that writes, many that wait: what comes while a commit is under way is committed together.
//!
//! ```text
//! callers ──▶ channel (WAITING_MAX) ──▶ writer thread: BEGIN, up to GROUP_MAX of them, COMMIT (one fsync)
//!     ◀──────────────── each is answered after the commit ────────────────┘
//! ```

use crate::error::{Error, Place, Result};
use rusqlite::{Connection, ErrorCode};
use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Calls that wait for the writer; more of them wait for a place here.
const WAITING_MAX: usize = 1024;
/// Calls of one commit.
const GROUP_MAX: usize = 512;
/// How long a commit waits for other processes.
pub(super) const BUSY_MAX: Duration = Duration::from_secs(20);

/// A call on its way to the writer.
trait Work: Send {
    fn run(&mut self, connection: &Connection);
    fn answer(self: Box<Self>, committed: Result<(), Failure>);
}

struct Task<F, T> {
    work: Option<F>,
    result: Option<rusqlite::Result<T>>,
    reply: oneshot::Sender<Result<T, Failure>>,
}

/// What SQLite had against it; many calls of one commit share it.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    code: Option<ErrorCode>,
    text: String,
}

impl<F, T> Work for Task<F, T>
where
    F: FnOnce(&Connection) -> rusqlite::Result<T> + Send,
    T: Send,
{
    /// Inside the commit of all, each stands or falls alone.
    fn run(&mut self, connection: &Connection) {
        let Some(work) = self.work.take() else { return };
        let result = connection.execute_batch("SAVEPOINT call").and_then(|()| work(connection));
        let end = if result.is_ok() { "RELEASE call" } else { "ROLLBACK TO call; RELEASE call" };
        self.result = Some(connection.execute_batch(end).and(result));
    }

    fn answer(self: Box<Self>, committed: Result<(), Failure>) {
        let result = match (committed, self.result) {
            (Ok(()), Some(result)) => result.map_err(|error| Failure::of(&error)),
            (Ok(()), None) => Err(Failure { code: None, text: "it was not run".to_owned() }),
            (Err(failure), _) => Err(failure),
        };
        // Who no longer waits does not hear of it.
        let _ = self.reply.send(result);
    }
}

impl Failure {
    fn of(error: &rusqlite::Error) -> Self {
        Self { code: error.sqlite_error_code(), text: error.to_string() }
    }
}

/// The way to the writer thread, which ends with it.
#[derive(Debug)]
pub(super) struct Writer {
    calls: mpsc::Sender<Box<dyn Work>>,
    path: PathBuf,
}

impl std::fmt::Debug for dyn Work {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Work")
    }
}

impl Writer {
    pub(super) fn start(connection: Connection, path: &Path) -> Result<Self> {
        let (calls, waiting) = mpsc::channel(WAITING_MAX);
        let open = Open { connection, files: files_of(path) };
        std::thread::Builder::new()
            .name("csl-queue".to_owned())
            .spawn(move || write_all(&open, waiting))
            .map_err(|cause| Error::machine("cannot start the queue's thread").because(cause))?;
        Ok(Self { calls, path: path.to_owned() })
    }

    /// Runs `work` in a transaction that is durable when this returns.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        let ended = || Error::machine("the queue's thread has ended").at(place(&self.path));
        let task = Box::new(Task { work: Some(work), result: None, reply });
        self.calls.send(task).await.map_err(|_| ended())?;
        let answer = answer.await.map_err(|_| ended())?;
        answer.map_err(|failure| failure.into_error(&self.path))
    }
}

/// What SQLite puts behind the name of a file whose log is apart, and behind that of the log's index.
pub(super) const BESIDE: [&str; 3] = ["", "-wal", "-shm"];

/// A file that is written to, and which one it was when it was first seen.
type Watched = (PathBuf, Cell<Option<(u64, u64)>>);

/// The files that are written to: SQLite holds all three open until the last process lets go of them.
struct Open {
    connection: Connection,
    files: Vec<Watched>,
}

/// One of these files.
pub(super) fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

fn files_of(path: &Path) -> Vec<Watched> {
    BESIDE
        .iter()
        .map(|end| beside(path, end))
        .map(|path| (path.clone(), Cell::new(identity(&path))))
        .collect()
}

impl Open {
    /// What is written to a file that was deleted or replaced would be read by nobody, and SQLite does not
    /// notice. A file that was not there at the start is known from its first sight on.
    fn check(&self) -> Result<(), Failure> {
        for (path, known) in &self.files {
            let found = identity(path);
            if known.get().is_some() && found != known.get() {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                let text = format!("{name} was deleted or replaced: start this process anew");
                return Err(Failure { code: Some(ErrorCode::CannotOpen), text });
            }
            known.set(found);
        }
        Ok(())
    }

    /// Checked before and after: what was committed into a log without a name is told to nobody as safe.
    fn write(&self, group: &mut [Box<dyn Work>]) -> Result<(), Failure> {
        self.check()?;
        write_group(&self.connection, group).map_err(|error| Failure::of(&error))?;
        self.check()
    }
}

/// What tells a file from another of the same name.
#[cfg(unix)]
fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    path.metadata().ok().map(|file| (file.dev(), file.ino()))
}

#[cfg(not(unix))]
fn identity(_path: &Path) -> Option<(u64, u64)> {
    None
}

fn write_all(open: &Open, mut waiting: mpsc::Receiver<Box<dyn Work>>) {
    while let Some(first) = waiting.blocking_recv() {
        let mut group = vec![first];
        while group.len() < GROUP_MAX
            && let Ok(next) = waiting.try_recv()
        {
            group.push(next);
        }
        let committed = open.write(&mut group);
        group.into_iter().for_each(|task| task.answer(committed.clone()));
    }
}

fn write_group(connection: &Connection, group: &mut [Box<dyn Work>]) -> rusqlite::Result<()> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    group.iter_mut().for_each(|task| task.run(connection));
    let committed = connection.execute_batch("COMMIT");
    if committed.is_err() {
        // Of the two errors the first is the one that says why.
        let _ = connection.execute_batch("ROLLBACK");
    }
    committed
}

impl Failure {
    fn into_error(self, path: &Path) -> Error {
        let error = match self.code {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Error::transient("the queue is busy").help("look which process holds the file")
            }
            Some(ErrorCode::DiskFull) => {
                Error::machine("the queue is full").help("free some space, and look why nobody takes from it")
            }
            Some(ErrorCode::PermissionDenied | ErrorCode::ReadOnly | ErrorCode::CannotOpen) => {
                Error::access("the queue cannot be written")
                    .help("grant this user access to the file and its folder")
            }
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                Error::input("this is no queue, or it is damaged").help("name another file in queue.path")
            }
            _ => Error::machine("the queue refuses"),
        };
        error.at(place(path)).because(self.text)
    }
}

/// What SQLite had against `path`.
pub(super) fn fault(path: &Path, error: &rusqlite::Error) -> Error {
    Failure::of(error).into_error(path)
}

fn place(path: &Path) -> Place {
    Place::uri(path.display().to_string())
}
