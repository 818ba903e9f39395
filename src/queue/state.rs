//! What a queue holds, for whoever watches it.

use super::local::LocalQueue;
use super::sqs::{SqsQueue, fault};
use crate::error::Result;
use aws_sdk_sqs::types::QueueAttributeName as Name;
use rusqlite::params;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Tables of which a queue says what waits, at most: messages may name any.
pub const LANES_MAX: usize = 1000;

/// How much there is of what, about: others send and take meanwhile.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QueueState {
    /// Messages that wait, those that were put off among them.
    pub waiting: u64,
    /// Messages that somebody has taken. SQS counts those that wait after a try here.
    pub taken: u64,
    /// Dead letters, where they can be counted.
    pub dead: Option<u64>,
    /// How long ago the oldest message was sent; SQS tells that to CloudWatch alone.
    pub oldest: Option<Duration>,
}

/// What of one table a queue holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneState {
    /// The table; none of messages that are no load messages.
    pub table: Option<String>,
    /// Messages that wait, those that were put off among them.
    pub waiting: u64,
    /// Messages that somebody has taken.
    pub taken: u64,
    /// How long ago the oldest was sent.
    pub oldest: Option<Duration>,
}

impl LocalQueue {
    pub(super) async fn lanes(&self) -> Result<Vec<LaneState>> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
        let sql = "SELECT CASE WHEN lane LIKE 'table %' THEN substr(lane, 7) END AS of_table, count(*),
                   count(CASE WHEN receipt IS NOT NULL AND waits_until_ms > ?1 THEN 1 END),
                   min(CASE WHEN sent_ms > 0 THEN sent_ms END) FROM message GROUP BY 1 ORDER BY 1 LIMIT ?2";
        let count = |number: i64| u64::try_from(number).unwrap_or(0);
        let lane = move |row: &rusqlite::Row<'_>| {
            let (all, taken): (i64, i64) = (row.get(1)?, row.get(2)?);
            let oldest: Option<i64> = row.get(3)?;
            Ok(LaneState {
                table: row.get(0)?,
                waiting: count(all - taken),
                taken: count(taken),
                oldest: oldest.map(|sent| Duration::from_millis(count(now - sent))),
            })
        };
        let most = i64::try_from(LANES_MAX).unwrap_or(i64::MAX);
        self.ask(move |db| db.prepare(sql)?.query_map(params![now, most], lane)?.collect()).await
    }

    pub(super) async fn state(&self) -> Result<QueueState> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
        let sql = "SELECT count(*), count(CASE WHEN receipt IS NOT NULL AND waits_until_ms > ?1 THEN 1 END),
                   min(CASE WHEN sent_ms > 0 THEN sent_ms END), (SELECT count(*) FROM dead) FROM message";
        let (all, taken, oldest, dead): (i64, i64, Option<i64>, i64) = self
            .ask(move |db| {
                db.query_row(sql, [now], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
            })
            .await?;
        let count = |number: i64| u64::try_from(number).unwrap_or(0);
        Ok(QueueState {
            waiting: count(all - taken),
            taken: count(taken),
            dead: Some(count(dead)),
            oldest: oldest.map(|sent| Duration::from_millis(count(now - sent))),
        })
    }
}

impl SqsQueue {
    pub(super) async fn state(&self) -> Result<QueueState> {
        let [waiting, delayed, taken] = self.counts(self.url()).await?;
        let dead = match self.dead_letter_url() {
            // Who may not look there knows the rest all the same.
            Ok(url) => self.counts(url).await.ok().map(|counts| counts.iter().sum()),
            Err(_) => None,
        };
        Ok(QueueState { waiting: waiting + delayed, taken, dead, oldest: None })
    }

    /// Messages that can be had, that are delayed, that somebody has.
    async fn counts(&self, url: &str) -> Result<[u64; 3]> {
        let names = [
            Name::ApproximateNumberOfMessages,
            Name::ApproximateNumberOfMessagesDelayed,
            Name::ApproximateNumberOfMessagesNotVisible,
        ];
        let asked = self.client.get_queue_attributes().queue_url(url);
        let asked = asked.set_attribute_names(Some(names.to_vec()));
        let answer = asked.send().await.map_err(|error| fault(url, error))?;
        let count = |name: &Name| answer.attributes.as_ref().and_then(|all| all.get(name)?.parse().ok());
        Ok(names.map(|name| count(&name).unwrap_or(0)))
    }
}
