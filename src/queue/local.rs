//! The queue without SQS: a SQLite file that many processes share.
//!
//! Write-ahead log and full synchronisation: what `send` said is there after a power cut. The file holds
//! signed URLs, so it is made for its owner alone.

use super::dead::{DeadLetter, Known, LISTED_MAX, Reason, Redrive};
use super::message::{LoadOrder, Message, VISIBILITY};
use super::writer::{BUSY_MAX, Writer, fault};
use crate::error::{Error, Place, Result};
use rusqlite::{Connection, ErrorCode, OptionalExtension, Row, params};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The shape of the file; a higher number is a later program's.
const FORMAT: i64 = 1;
/// Largest file: about a million messages.
const FILE_BYTES_MAX: i64 = 1 << 30;
const PAGE_BYTES: i64 = 4096;
/// How often an empty queue is looked at.
const POLL: Duration = Duration::from_millis(200);
/// Pause of a process that opens a queue while another one makes it.
const MAKE_AGAIN: Duration = Duration::from_millis(20);

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS message (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        body TEXT NOT NULL,
        -- Of one lane one worker has messages: the table, or the message itself if it names none.
        lane TEXT NOT NULL,
        kind TEXT NOT NULL,
        exported_at TEXT,
        deduplication_id TEXT UNIQUE,
        waits_until_ms INTEGER NOT NULL,
        tries INTEGER NOT NULL DEFAULT 0,
        -- Who has it, until waits_until_ms.
        receipt TEXT);
    CREATE INDEX IF NOT EXISTS message_lane ON message (lane, waits_until_ms);
    CREATE TABLE IF NOT EXISTS dead (
        id INTEGER PRIMARY KEY,
        body TEXT NOT NULL,
        reason TEXT NOT NULL,
        exit_code INTEGER NOT NULL,
        tries INTEGER NOT NULL,
        died_ms INTEGER NOT NULL);";

/// The lane of the oldest message that waits, if nobody has one of that lane.
const NEXT_LANE: &str = "
    SELECT lane FROM message AS m WHERE waits_until_ms <= ?1 AND NOT EXISTS
        (SELECT 1 FROM message AS h WHERE h.lane = m.lane AND h.receipt IS NOT NULL AND h.waits_until_ms > ?1)
    ORDER BY id LIMIT 1";

/// The newest full export first: it makes the others obsolete. Then incremental ones in their order.
const TAKE: &str = "
    UPDATE message SET receipt = ?3, waits_until_ms = ?4, tries = tries + 1 WHERE id IN
        (SELECT id FROM message WHERE lane = ?2 AND waits_until_ms <= ?1
         ORDER BY kind = 'full' DESC, CASE kind WHEN 'full' THEN exported_at END DESC, exported_at, id LIMIT ?5)
    RETURNING id, body, tries, receipt";

/// A webhook that comes again has a fresher URL than the message that waits.
const SENT_AGAIN: &str = "DO UPDATE SET body = excluded.body";
/// A dead letter has an older one.
const REDRIVEN: &str = "DO NOTHING";

#[derive(Debug)]
pub(super) struct LocalQueue {
    writer: Writer,
    path: PathBuf,
}

impl LocalQueue {
    pub(super) fn open(path: &Path) -> Result<Self> {
        make_private(path)?;
        let connection = connect_in_time(path).map_err(|error| fault(path, &error))?;
        let format: i64 = connection
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .map_err(|error| fault(path, &error))?;
        if format > FORMAT {
            return Err(Error::input(format!("the queue has format {format}"))
                .at(Place::uri(path.display().to_string()))
                .help("it was written by a later csl-stream: use that one"));
        }
        Ok(Self { writer: Writer::start(connection, path)?, path: path.to_owned() })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) async fn send(&self, order: LoadOrder) -> Result<()> {
        self.writer.call(move |db| insert(db, &order.body(), SENT_AGAIN)).await
    }

    /// Writes what is there already: a full disk must not be called ready.
    pub(super) async fn ready(&self) -> Result<()> {
        self.writer.call(|db| db.pragma_update(None, "user_version", FORMAT)).await
    }

    pub(super) async fn receive(&self, most: usize, wait: Duration) -> Result<Vec<Message>> {
        let until = Instant::now() + wait;
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        loop {
            let taken = self.writer.call(move |db| take(db, most)).await?;
            let left = until.saturating_duration_since(Instant::now());
            if !taken.is_empty() || left.is_zero() {
                return Ok(taken);
            }
            tokio::time::sleep(POLL.min(left)).await;
        }
    }

    /// More of the lane that we have: under our own receipt.
    pub(super) async fn receive_more(&self, first: &Message, most: usize) -> Result<Vec<Message>> {
        let (id, receipt) = (first.id.clone(), first.receipt.clone());
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let sql = "SELECT lane FROM message WHERE id = ?1 AND receipt = ?2 AND waits_until_ms > ?3";
        self.writer
            .call(move |db| {
                let now = now_ms();
                let lane = db.query_row(sql, params![id, receipt, now], |row| row.get(0)).optional()?;
                lane.map_or(Ok(Vec::new()), |lane: String| take_of(db, &lane, &receipt, most, now))
            })
            .await
    }

    pub(super) async fn taken(&self) -> Result<u64> {
        let sql = "SELECT count(*) FROM message WHERE receipt IS NOT NULL AND waits_until_ms > ?1";
        let count: i64 = self.writer.call(move |db| db.query_row(sql, [now_ms()], |row| row.get(0))).await?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    pub(super) async fn renew(&self, message: &Message) -> Result<bool> {
        let receipt = message.receipt.clone();
        let id = message.id.clone();
        let sql = "UPDATE message SET waits_until_ms = ?3 WHERE id = ?1 AND receipt = ?2";
        let until = ms(now_ms(), VISIBILITY);
        self.writer.call(move |db| Ok(db.execute(sql, params![id, receipt, until])? == 1)).await
    }

    /// A message that is somebody else's by now is left alone.
    pub(super) async fn put_back(&self, message: &Message, delay: Duration, untried: u32) -> Result<()> {
        let sql = "UPDATE message SET waits_until_ms = ?3, receipt = NULL, tries = tries - ?4
                   WHERE id = ?1 AND receipt = ?2";
        let (id, receipt, until) = (message.id.clone(), message.receipt.clone(), ms(now_ms(), delay));
        self.writer.call(move |db| db.execute(sql, params![id, receipt, until, untried]).map(drop)).await
    }

    pub(super) async fn delete(&self, message: &Message) -> Result<()> {
        let (id, receipt) = (message.id.clone(), message.receipt.clone());
        let sql = "DELETE FROM message WHERE id = ?1 AND receipt = ?2";
        self.writer.call(move |db| db.execute(sql, params![id, receipt]).map(drop)).await
    }

    pub(super) async fn bury(&self, message: &Message, reason: &Reason) -> Result<()> {
        let (message, reason) = (message.clone(), reason.clone());
        let move_it = "INSERT INTO dead (id, body, reason, exit_code, tries, died_ms)
                       SELECT id, body, ?3, ?4, tries, ?5 FROM message WHERE id = ?1 AND receipt = ?2";
        self.writer
            .call(move |db| {
                let Message { id, receipt, .. } = &message;
                db.execute(move_it, params![id, receipt, reason.text, reason.exit_code, now_ms()])?;
                db.execute("DELETE FROM message WHERE id = ?1 AND receipt = ?2", params![id, receipt])
                    .map(drop)
            })
            .await
    }

    pub(super) async fn dead_letters(&self) -> Result<Vec<DeadLetter>> {
        let most = i64::try_from(LISTED_MAX).unwrap_or(i64::MAX);
        let sql =
            "SELECT id, body, reason, exit_code, tries, died_ms FROM dead ORDER BY died_ms, id LIMIT ?1";
        self.writer.call(move |db| db.prepare(sql)?.query_map([most], dead_letter)?.collect()).await
    }

    pub(super) async fn redrive(&self, which: &Redrive) -> Result<Vec<String>> {
        let which = which.clone();
        self.writer.call(move |db| redrive(db, &which)).await
    }
}

/// SQLite gives its other files the rights of the first.
fn make_private(path: &Path) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop).map_err(|cause| Error::io("cannot open the queue", path, cause))
}

/// SQLite waits for others, but not where two make one file: there it tells one that the file is busy.
fn connect_in_time(path: &Path) -> rusqlite::Result<Connection> {
    let until = Instant::now() + BUSY_MAX;
    loop {
        match connect(path) {
            Err(error) if is_busy(&error) && Instant::now() < until => std::thread::sleep(MAKE_AGAIN),
            ended => return ended,
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_MAX)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "secure_delete", "FAST")?;
    connection.pragma_update(None, "max_page_count", FILE_BYTES_MAX / PAGE_BYTES)?;
    let format: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if format == 0 {
        let make = format!("BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {FORMAT}; COMMIT");
        connection.execute_batch(&make)?;
    }
    Ok(connection)
}

/// Puts a message in, due at once whatever the clock says later. The same export joins the message that
/// waits, as `on_conflict` says.
fn insert(db: &Connection, body: &str, on_conflict: &str) -> rusqlite::Result<()> {
    let order = LoadOrder::parse(body).ok();
    let id = uuid::Uuid::now_v7();
    let lane =
        order.as_ref().map_or_else(|| format!("message {id}"), |order| format!("table {}", order.table));
    let kind = order.as_ref().map_or("", |order| order.kind.word());
    let exported_at = order.as_ref().and_then(LoadOrder::exported_at);
    let deduplication_id = order.as_ref().map(LoadOrder::deduplication_id);
    let sql = format!(
        "INSERT INTO message (body, lane, kind, exported_at, deduplication_id, waits_until_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, 0) ON CONFLICT (deduplication_id) {on_conflict}"
    );
    db.prepare_cached(&sql)?.execute(params![body, lane, kind, exported_at, deduplication_id]).map(drop)
}

fn take(db: &Connection, most: i64) -> rusqlite::Result<Vec<Message>> {
    let now = now_ms();
    let lane: Option<String> = db.prepare_cached(NEXT_LANE)?.query_row([now], |row| row.get(0)).optional()?;
    let Some(lane) = lane else { return Ok(Vec::new()) };
    take_of(db, &lane, &uuid::Uuid::now_v7().to_string(), most, now)
}

fn take_of(
    db: &Connection,
    lane: &str,
    receipt: &str,
    most: i64,
    now: i64,
) -> rusqlite::Result<Vec<Message>> {
    let until = ms(now, VISIBILITY);
    let message = |row: &Row<'_>| {
        let id = row.get::<_, i64>(0)?.to_string();
        Ok(Message { id, body: row.get(1)?, tries: row.get(2)?, receipt: row.get(3)? })
    };
    db.prepare_cached(TAKE)?.query_map(params![now, lane, receipt, until, most], message)?.collect()
}

fn dead_letter(row: &Row<'_>) -> rusqlite::Result<DeadLetter> {
    let body: String = row.get(1)?;
    let died = UNIX_EPOCH + Duration::from_millis(u64::try_from(row.get::<_, i64>(5)?).unwrap_or(0));
    let known = Known {
        reason: row.get(2)?,
        exit_code: row.get(3)?,
        tries: row.get(4)?,
        died_at: Some(crate::ledger::timestamp(died)),
    };
    Ok(DeadLetter::of(row.get::<_, i64>(0)?.to_string(), &body, known))
}

fn redrive(db: &Connection, which: &Redrive) -> rusqlite::Result<Vec<String>> {
    let mut letters = db.prepare_cached("SELECT id, body FROM dead ORDER BY id")?;
    let letters: Vec<(i64, String)> =
        letters.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<_>>()?;
    let mut gone = Vec::new();
    for (id, body) in letters.into_iter().filter(|(id, _)| which.is_meant(&id.to_string())) {
        insert(db, &body, REDRIVEN)?;
        db.execute("DELETE FROM dead WHERE id = ?1", [id])?;
        gone.push(id.to_string());
    }
    Ok(gone)
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

fn ms(now: i64, later: Duration) -> i64 {
    now.saturating_add(i64::try_from(later.as_millis()).unwrap_or(i64::MAX))
}
