//! The queue without SQS: a SQLite file that many processes share.
//!
//! Write-ahead log and full synchronisation: what `send` said is there after a power cut. The file holds
//! signed URLs, so it is made for its owner alone.

use super::dead::{DeadLetter, Known, LISTED_MAX, Reason, Redrive};
use super::format::{FILE_BYTES_MAX, FORMAT, PAGE_BYTES, connect_in_time, format_of, make_private};
use super::message::{LoadOrder, Message, VISIBILITY};
use super::writer::{Writer, fault};
use crate::error::{Error, Place, Result};
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How often an empty queue is looked at.
const POLL: Duration = Duration::from_millis(200);
/// The next lane after ?2 of which a message is due and nobody has one: a few look-ups for each lane,
/// however many messages there are.
const NEXT_LANE: &str = "
    WITH RECURSIVE lanes (lane) AS (
        SELECT (SELECT min(lane) FROM message WHERE lane > ?2)
        UNION ALL
        SELECT (SELECT min(lane) FROM message WHERE lane > lanes.lane) FROM lanes WHERE lanes.lane IS NOT NULL)
    SELECT lane FROM lanes WHERE lane IS NOT NULL
        AND EXISTS (SELECT 1 FROM message AS due WHERE due.lane = lanes.lane AND due.waits_until_ms <= ?1)
        AND NOT EXISTS (SELECT 1 FROM message AS held WHERE held.lane = lanes.lane
                        AND held.receipt IS NOT NULL AND held.waits_until_ms > ?1)
    LIMIT 1";

/// The newest full export first: it makes the others obsolete. Then incremental ones in their order. What has no
/// time comes before what has one: last, it would wait behind all that comes in, and replace what is known to
/// be newer.
const TAKE: &str = "
    UPDATE message SET receipt = ?3, waits_until_ms = ?4, begun = 0 WHERE id IN
        (SELECT id FROM
            (SELECT id, 0 AS class, row_number() OVER () AS place FROM
                (SELECT id FROM message WHERE lane = ?2 AND kind = 'full' AND waits_until_ms <= ?1
                 ORDER BY exported_at DESC NULLS FIRST, id DESC LIMIT ?5)
             UNION ALL
             SELECT id, 1, row_number() OVER () FROM
                (SELECT id FROM message WHERE lane = ?2 AND kind = 'incremental' AND waits_until_ms <= ?1
                 ORDER BY exported_at, id LIMIT ?5)
             UNION ALL
             SELECT id, 2, row_number() OVER () FROM
                (SELECT id FROM message WHERE lane = ?2 AND kind = '' AND waits_until_ms <= ?1
                 ORDER BY exported_at, id LIMIT ?5))
         ORDER BY class, place LIMIT ?5)
    RETURNING id, body, tries, ended, sent_ms, receipt";

/// A webhook that comes again has a fresher URL than the message that waits, unless it was held up: the one
/// that lives longer stays.
const SENT_AGAIN: &str = "DO UPDATE SET body = excluded.body, url_expires = excluded.url_expires
                          WHERE excluded.url_expires >= message.url_expires";
/// A dead letter has an older one, if neither says.
const REDRIVEN: &str = "DO UPDATE SET body = excluded.body, url_expires = excluded.url_expires
                        WHERE excluded.url_expires > message.url_expires";

#[derive(Debug)]
pub(super) struct LocalQueue {
    writer: Writer,
    path: PathBuf,
}

impl LocalQueue {
    pub(super) fn open(path: &Path) -> Result<Self> {
        make_private(path)?;
        let connection = connect_in_time(path).map_err(|error| fault(path, &error))?;
        let format = format_of(&connection).map_err(|error| fault(path, &error))?;
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
        self.count("SELECT count(*) FROM message WHERE receipt IS NOT NULL AND waits_until_ms > ?1").await
    }

    pub(super) async fn put_off(&self) -> Result<u64> {
        self.count("SELECT count(*) FROM message WHERE receipt IS NULL AND ended > 0 AND waits_until_ms > ?1")
            .await
    }

    pub(super) async fn ask<T: Send + 'static>(
        &self,
        asked: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        self.writer.call(asked).await
    }

    async fn count(&self, sql: &'static str) -> Result<u64> {
        let count: i64 = self.writer.call(move |db| db.query_row(sql, [now_ms()], |row| row.get(0))).await?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    pub(super) async fn begin(&self, message: &Message) -> Result<bool> {
        let sql = "UPDATE message SET tries = tries + 1 - begun, begun = 1 WHERE id = ?1 AND receipt = ?2";
        let (id, receipt) = (message.id.clone(), message.receipt.clone());
        self.writer.call(move |db| Ok(db.execute(sql, params![id, receipt])? == 1)).await
    }

    /// Its load was counted when it began; whoever has the message now is counted besides.
    pub(super) async fn outlived(&self, message: &Message) -> Result<()> {
        let sql = "UPDATE message SET ended = min(ended + 1, tries) WHERE id = ?1";
        let id = message.id.clone();
        self.writer.call(move |db| db.execute(sql, [id]).map(drop)).await
    }

    pub(super) async fn renew(&self, message: &Message, hidden: Duration) -> Result<bool> {
        let receipt = message.receipt.clone();
        let id = message.id.clone();
        let sql = "UPDATE message SET waits_until_ms = ?3 WHERE id = ?1 AND receipt = ?2";
        let until = ms(now_ms(), hidden);
        self.writer.call(move |db| Ok(db.execute(sql, params![id, receipt, until])? == 1)).await
    }

    /// A try that was given back is none.
    pub(super) async fn give_back(&self, message: &Message, delay: Duration) -> Result<bool> {
        self.put_back(message, delay, "tries = tries - begun").await
    }

    pub(super) async fn retry(&self, message: &Message, delay: Duration) -> Result<bool> {
        self.put_back(message, delay, "ended = ended + begun").await
    }

    /// A message that is somebody else's by now is left alone.
    async fn put_back(&self, message: &Message, delay: Duration, counted: &str) -> Result<bool> {
        let sql = format!(
            "UPDATE message SET waits_until_ms = ?3, receipt = NULL, begun = 0, {counted}
             WHERE id = ?1 AND receipt = ?2"
        );
        let (id, receipt, until) = (message.id.clone(), message.receipt.clone(), ms(now_ms(), delay));
        self.writer.call(move |db| Ok(db.execute(&sql, params![id, receipt, until])? == 1)).await
    }

    pub(super) async fn delete(&self, message: &Message) -> Result<()> {
        let (id, receipt) = (message.id.clone(), message.receipt.clone());
        let sql = "DELETE FROM message WHERE id = ?1 AND receipt = ?2";
        self.writer.call(move |db| db.execute(sql, params![id, receipt]).map(drop)).await
    }

    pub(super) async fn bury(&self, message: &Message, reason: &Reason) -> Result<()> {
        let (message, reason) = (message.clone(), reason.clone());
        let move_it = "INSERT INTO dead (id, body, reason, exit_code, tries, died_ms)
                       SELECT id, body, ?3, ?4, max(tries, 1), ?5 FROM message WHERE id = ?1 AND receipt = ?2";
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

    pub(super) async fn forget_dead(&self, before: SystemTime) -> Result<u64> {
        let before = before.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        let before = i64::try_from(before).unwrap_or(i64::MAX);
        let forget = "DELETE FROM dead WHERE died_ms < ?1";
        self.writer.call(move |db| db.execute(forget, [before]).map(|gone| gone as u64)).await
    }

    pub(super) async fn redrive(&self, which: &Redrive) -> Result<Vec<String>> {
        let which = which.clone();
        self.writer.call(move |db| redrive(db, &which)).await
    }
}

/// Puts a message in, due at once whatever the clock says later. The same export joins the message that
/// waits, as `on_conflict` says.
fn insert(db: &Connection, body: &str, on_conflict: &str) -> rusqlite::Result<()> {
    check_room(db, FILE_BYTES_MAX)?;
    let order = LoadOrder::parse(body).ok();
    let id = uuid::Uuid::now_v7();
    let lane =
        order.as_ref().map_or_else(|| format!("message {id}"), |order| format!("table {}", order.table));
    let kind = order.as_ref().map_or("", |order| order.kind.word());
    let exported_at = order.as_ref().and_then(LoadOrder::exported_at);
    let deduplication_id = order.as_ref().map(LoadOrder::deduplication_id);
    let sql = format!(
        "INSERT INTO message (body, lane, kind, exported_at, deduplication_id, waits_until_ms, sent_ms, url_expires)
         VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6, ?7) ON CONFLICT (deduplication_id) {on_conflict}"
    );
    let expires = order.as_ref().and_then(LoadOrder::expires).and_then(|at| i64::try_from(at).ok());
    let values = params![body, lane, kind, exported_at, deduplication_id, now_ms(), expires.unwrap_or(0)];
    db.prepare_cached(&sql)?.execute(values).map(drop)
}

/// Refuses to fill more than this: what is left is for those who empty the queue.
fn check_room(db: &Connection, bytes_max: i64) -> rusqlite::Result<()> {
    let pragma = |name: &str| db.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    if (pragma("page_count")? - pragma("freelist_count")?) * PAGE_BYTES < bytes_max {
        return Ok(());
    }
    let full = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL);
    Err(rusqlite::Error::SqliteFailure(full, Some(format!("it holds {bytes_max} bytes"))))
}

fn take(db: &Connection, most: i64) -> rusqlite::Result<Vec<Message>> {
    let now = now_ms();
    let last: String = db.prepare_cached("SELECT lane FROM turn")?.query_row([], |row| row.get(0))?;
    let next = |after: &str| -> rusqlite::Result<Option<String>> {
        db.prepare_cached(NEXT_LANE)?.query_row(params![now, after], |row| row.get(0)).optional()
    };
    let lane = match next(&last)? {
        Some(lane) => Some(lane),
        None => next("")?,
    };
    let Some(lane) = lane else { return Ok(Vec::new()) };
    db.prepare_cached("UPDATE turn SET lane = ?1")?.execute([&lane])?;
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
        let (tries, ended): (u32, u32) = (row.get(2)?, row.get(3)?);
        Ok(Message {
            id: row.get::<_, i64>(0)?.to_string(),
            body: row.get(1)?,
            tries: tries.saturating_add(1),
            deaths: Some(tries.saturating_sub(ended)),
            sent: row.get::<_, i64>(4).map(|ms| (ms > 0).then(|| time(ms)))?,
            receipt: row.get(5)?,
        })
    };
    db.prepare_cached(TAKE)?.query_map(params![now, lane, receipt, until, most], message)?.collect()
}

fn dead_letter(row: &Row<'_>) -> rusqlite::Result<DeadLetter> {
    let body: String = row.get(1)?;
    let died = time(row.get(5)?);
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

fn time(ms: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}

fn ms(now: i64, later: Duration) -> i64 {
    now.saturating_add(i64::try_from(later.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::super::format::connect;
    use super::*;
    use rusqlite::ErrorCode;

    fn sent(db: &Connection, table: &str, at: usize) {
        let key = format!("o/incremental/{table}/20260301/{table}_20260301{at:06}.csv");
        let body = format!(
            r#"{{"downloadUrl":"https://b.s3.amazonaws.com/{key}","table":"{table}","kind":"incremental"}}"#
        );
        insert(db, &body, SENT_AGAIN).unwrap();
    }

    #[test]
    fn a_full_queue_can_be_emptied() {
        let dir = tempfile::tempdir().unwrap();
        let db = connect(&dir.path().join("queue.db")).unwrap();
        let pages = || -> i64 { db.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap() };
        for at in 0..100 {
            sent(&db, "t", at);
        }
        let full = pages() * PAGE_BYTES;
        let error = check_room(&db, full).unwrap_err();
        assert_eq!(error.sqlite_error_code(), Some(ErrorCode::DiskFull));
        assert_eq!(take(&db, 1000).unwrap().len(), 100, "receipts have room");
        db.execute("DELETE FROM message", []).unwrap();
        check_room(&db, full).unwrap();
    }

    /// 900 messages of one table and one of each of ten others: nobody waits for the 900.
    #[test]
    fn lanes_are_served_in_turn() {
        let dir = tempfile::tempdir().unwrap();
        let db = connect(&dir.path().join("queue.db")).unwrap();
        (0..900).for_each(|at| sent(&db, "m", at));
        let others: Vec<String> =
            (0..10).map(|at| format!("{}{at}", if at < 5 { "a" } else { "z" })).collect();
        others.iter().for_each(|table| sent(&db, table, 0));
        let mut served = Vec::new();
        for _ in 0..12 {
            let taken = take(&db, 20).unwrap();
            let table = LoadOrder::parse(&taken[0].body).unwrap().table;
            for message in &taken {
                db.execute("DELETE FROM message WHERE id = ?1", [&message.id]).unwrap();
            }
            served.push(table);
        }
        for table in &others {
            assert_eq!(served.iter().filter(|other| *other == table).count(), 1, "{served:?}");
        }
    }

    /// Last, it would wait behind all that comes in, and replace what is known to be newer.
    #[test]
    fn what_has_no_time_is_taken_first() {
        for kind in ["full", "incremental"] {
            let dir = tempfile::tempdir().unwrap();
            let db = connect(&dir.path().join("queue.db")).unwrap();
            for name in ["t_20260301000001", "t_20260301000003", "t_by_hand", "t_20260301000002"] {
                let url = format!("https://b.s3.amazonaws.com/o/{name}.csv");
                let body = format!(r#"{{"downloadUrl":"{url}","table":"t","kind":"{kind}"}}"#);
                insert(&db, &body, SENT_AGAIN).unwrap();
            }
            assert!(take(&db, 1).unwrap()[0].body.contains("t_by_hand"), "{kind}");
        }
    }

    /// What a look costs must not depend on how many wait in another lane.
    #[test]
    fn a_look_is_by_index() {
        let dir = tempfile::tempdir().unwrap();
        let db = connect(&dir.path().join("queue.db")).unwrap();
        for sql in [NEXT_LANE, TAKE] {
            let mut plan = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let nulls = vec![rusqlite::types::Null; plan.parameter_count()];
            let lines: Vec<String> = plan
                .query_map(rusqlite::params_from_iter(nulls), |row| row.get(3))
                .unwrap()
                .map(Result::unwrap)
                .collect();
            let scans: Vec<_> = lines.iter().filter(|line| line.starts_with("SCAN message")).collect();
            assert!(scans.is_empty(), "{lines:#?}");
            assert!(lines.iter().any(|line| line.contains("USING") && line.contains("INDEX message_")));
        }
        db.execute_batch(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 110000)
             INSERT INTO message (body, lane, kind, waits_until_ms) SELECT '', 'table m', 'incremental', 0 FROM n",
        )
        .unwrap();
        assert_eq!(take(&db, 1).unwrap().len(), 1, "the lane is held now");
        let began = Instant::now();
        let looks = 50;
        for _ in 0..looks {
            assert!(take(&db, 20).unwrap().is_empty());
        }
        let each = began.elapsed() / looks;
        assert!(each < Duration::from_millis(20), "{each:?} a look");
    }
}
