//! The file of the local queue: its tables, and how it is opened, made and brought up to date.

use super::writer::BUSY_MAX;
use crate::error::{Error, Result};
use crate::store::private;
use rusqlite::{Connection, ErrorCode};
use std::path::Path;
use std::time::{Duration, Instant};

/// The shape of the file; a higher number is a later program's.
pub(super) const FORMAT: i64 = 2;
/// Largest file that takes more messages: about a million.
pub(super) const FILE_BYTES_MAX: i64 = 1 << 30;
/// What a full queue may grow by while messages are taken out of it: a receipt takes room too.
const RESERVE_BYTES: i64 = 64 << 20;
pub(super) const PAGE_BYTES: i64 = 4096;
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
        -- Loads that began, but for those that were given back.
        tries INTEGER NOT NULL DEFAULT 0,
        -- Who has it, until waits_until_ms.
        receipt TEXT);
    CREATE TABLE IF NOT EXISTS dead (
        id INTEGER PRIMARY KEY,
        body TEXT NOT NULL,
        reason TEXT NOT NULL,
        exit_code INTEGER NOT NULL,
        tries INTEGER NOT NULL,
        died_ms INTEGER NOT NULL);";

/// From format 1, in which every taking was a try.
const TO_FORMAT_2: &str = "
    -- Tries whose failure was told; those between it and tries took their worker along.
    ALTER TABLE message ADD COLUMN ended INTEGER NOT NULL DEFAULT 0;
    -- Whether the load of this taking has begun.
    ALTER TABLE message ADD COLUMN begun INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE message ADD COLUMN sent_ms INTEGER NOT NULL DEFAULT 0;
    -- Until when the URL lives, in seconds since 1970; 0: it does not say.
    ALTER TABLE message ADD COLUMN url_expires INTEGER NOT NULL DEFAULT 0;
    UPDATE message SET ended = tries;
    DROP INDEX IF EXISTS message_lane;
    CREATE INDEX message_due ON message (lane, waits_until_ms);
    CREATE INDEX message_held ON message (lane, waits_until_ms) WHERE receipt IS NOT NULL;
    CREATE INDEX message_order ON message (lane, kind, exported_at, id);
    -- The lane that was served last, so that the others come before it again.
    CREATE TABLE turn (lane TEXT NOT NULL);
    INSERT INTO turn VALUES ('');";

/// SQLite gives the files that it makes beside it the rights of the first; those that are there keep theirs.
pub(super) fn make_private(path: &Path) -> Result<()> {
    private::open(std::fs::OpenOptions::new().create(true).append(true), path)
        .map_err(|cause| Error::io("cannot open the queue", path, cause))?;
    for end in super::writer::BESIDE {
        private::tighten(&super::writer::beside(path, end));
    }
    Ok(())
}

/// SQLite waits for others, but not where two make one file: there it tells one that the file is busy.
pub(super) fn connect_in_time(path: &Path) -> rusqlite::Result<Connection> {
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

pub(super) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_MAX)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "secure_delete", "FAST")?;
    connection.pragma_update(None, "max_page_count", (FILE_BYTES_MAX + RESERVE_BYTES) / PAGE_BYTES)?;
    if format_of(&connection)? < FORMAT {
        make(&connection)?;
    }
    Ok(connection)
}

pub(super) fn format_of(db: &Connection) -> rusqlite::Result<i64> {
    db.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Makes the tables, or brings those of an older program up to date. Another process may have done so
/// since we looked.
fn make(db: &Connection) -> rusqlite::Result<()> {
    db.execute_batch("BEGIN IMMEDIATE")?;
    let made = match format_of(db)? {
        0 => db.execute_batch(&format!("{SCHEMA} {TO_FORMAT_2} PRAGMA user_version = {FORMAT}")),
        1 => db.execute_batch(&format!("{TO_FORMAT_2} PRAGMA user_version = {FORMAT}")),
        _ => Ok(()),
    };
    db.execute_batch(if made.is_ok() { "COMMIT" } else { "ROLLBACK" }).and(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_of_format_1_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("queue.db");
        let old = Connection::open(&path).unwrap();
        old.execute_batch(SCHEMA).unwrap();
        old.execute_batch(
            "CREATE INDEX message_lane ON message (lane, waits_until_ms);
             INSERT INTO message (body, lane, kind, waits_until_ms, tries) VALUES ('x', 'table t', 'full', 0, 4);
             PRAGMA user_version = 1",
        )
        .unwrap();
        drop(old);
        let db = connect(&path).unwrap();
        let kept = db.query_row("SELECT tries, ended, begun FROM message", [], |row| {
            Ok((row.get::<_, u32>(0)?, row.get::<_, u32>(1)?, row.get::<_, u32>(2)?))
        });
        assert_eq!(kept.unwrap(), (4, 4, 0), "takings of old are nobody's death");
        assert_eq!((format_of(&db).unwrap(), format_of(&connect(&path).unwrap()).unwrap()), (FORMAT, FORMAT));
    }
}
