//! Which tables there are: the bulk schema's, asked for when a table is not known yet.
//!
//! ```text
//! known? ── yes ─▶ go on
//!   └ no ─ asked since the webhook came? ─ no ─▶ read the schema ─▶ known? ─ no ─▶ refuse
//!                                                   └ cannot be read, or names no table ─▶ 503
//! ```
//! An answer that is older than the webhook says nothing of a table that is younger than the answer. An
//! address that answers with a page of HTML, half a JSON, or nothing, is as one that does not answer: the
//! sender tries again.

use crate::error::{Error, Result};
use crate::schema::{BulkSchema, SCHEMA_BYTES_MAX};
use crate::store::{Location, fetch_small};
use std::collections::HashSet;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};

/// Webhooks do not have the schema read more often than this.
const ASK_AGAIN: Duration = Duration::from_secs(1);
/// Longest wait of a webhook for the schema.
const ASK_TIMEOUT: Duration = Duration::from_secs(3);

/// The tables of the bulk schema.
#[derive(Debug)]
pub struct Tables {
    source: Option<Location>,
    held: RwLock<Held>,
    asking: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Held {
    /// Of the last good answer.
    names: HashSet<String>,
    /// When the last question was asked, and why it got no answer.
    asked: Option<(Instant, Option<String>)>,
}

impl Held {
    /// What came of a question that was asked at `since` or later.
    fn since(&self, since: Instant) -> Option<Result<(), String>> {
        let (_, failed) = self.asked.as_ref().filter(|(asked, _)| *asked >= since)?;
        Some(failed.clone().map_or(Ok(()), Err))
    }
}

impl Tables {
    /// Tables of the schema that lies there; without one every table is taken.
    pub fn new(source: Option<Location>) -> Self {
        Self { source, held: RwLock::default(), asking: tokio::sync::Mutex::new(()) }
    }

    /// Whether the schema has the table of a webhook that came at `came`, or there is no schema to ask.
    ///
    /// # Errors
    /// Why nobody can say now, in words without secrets.
    pub async fn know(&self, table: &str, came: Instant) -> Result<bool, String> {
        let Some(source) = &self.source else { return Ok(true) };
        if self.held().names.contains(table) {
            return Ok(true);
        }
        self.asked_since(source, came).await?;
        Ok(self.held().names.contains(table))
    }

    /// Whether the tables are known; one that failed is asked again.
    ///
    /// # Errors
    /// Why they are not.
    pub async fn ready(&self) -> Result<(), String> {
        let Some(source) = &self.source else { return Ok(()) };
        if matches!(self.held().asked, Some((_, None))) {
            return Ok(());
        }
        self.asked_since(source, Instant::now()).await
    }

    /// Reads the schema before the first webhook needs it.
    pub async fn prepare(&self) {
        drop(self.ready().await);
    }

    fn held(&self) -> RwLockReadGuard<'_, Held> {
        self.held.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks, unless somebody else has since then: all who wait for one question get its answer.
    async fn asked_since(&self, source: &Location, since: Instant) -> Result<(), String> {
        let asking = self.asking.lock().await;
        if let Some(answer) = self.held().since(since) {
            return answer;
        }
        let last = self.held().asked.as_ref().map(|(asked, _)| *asked);
        if let Some(last) = last {
            tokio::time::sleep_until((last + ASK_AGAIN).into()).await;
        }
        let answer = self.ask(source.clone()).await;
        drop(asking);
        answer
    }

    async fn ask(&self, source: Location) -> Result<(), String> {
        let (shown, asked) = (source.to_string(), Instant::now());
        let answer = tokio::time::timeout(ASK_TIMEOUT, tokio::task::spawn_blocking(move || names(&source)));
        let answer = match answer.await {
            Ok(Ok(answer)) => answer.map_err(|error| error.to_string()),
            Ok(Err(_)) | Err(_) => Err("the bulk schema did not come in time".to_owned()),
        };
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        match answer {
            Ok(names) => {
                tracing::info!(tables = names.len(), from = shown, "the bulk schema was read");
                *held = Held { names, asked: Some((asked, None)) };
                Ok(())
            }
            Err(why) => {
                tracing::warn!(why, from = shown, "the bulk schema could not be read");
                held.asked = Some((asked, Some(why.clone())));
                Err(why)
            }
        }
    }
}

fn names(source: &Location) -> Result<HashSet<String>> {
    let origin = source.to_string();
    let bytes = fetch_small(source, SCHEMA_BYTES_MAX)?;
    let schema = BulkSchema::parse(&bytes, &origin)?;
    let names: HashSet<String> = schema.loadable().map(|table| table.name.clone()).collect();
    if names.is_empty() {
        return Err(Error::schema("the schema names no table that can be loaded"));
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn tables_of_a_schema() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("schema.json");
        let column =
            r#"{"type":"integer","sql_type":"integer","limit":null,"nullable":true,"default_value":null}"#;
        let text = |name: &str| {
            format!(r#"{{"tables":[{{"table":{{"name":"{name}","columns":{{"id":{column}}}}}}}]}}"#)
        };
        std::fs::write(&path, text("petitions")).unwrap();
        let tables = Tables::new(Some(Location::Local(path.clone())));
        let now = Instant::now;
        assert_eq!(tables.know("petitions", now()).await, Ok(true));
        assert_eq!(tables.know("petition", now()).await, Ok(false));
        // A table that is younger than the last answer.
        std::fs::write(&path, text("petition")).unwrap();
        assert_eq!(tables.know("petition", now()).await, Ok(true));
        // One without columns is never loaded: its message could only become a dead letter.
        let empty = r#"{"table":{"name":"empty","columns":{}}}"#;
        std::fs::write(&path, text("petition").replace("[{", &format!("[{empty},{{"))).unwrap();
        assert_eq!((tables.ready().await, tables.know("empty", now()).await), (Ok(()), Ok(false)));
        for answer in ["<!DOCTYPE html>", "{\"tables\": [", "{\"tables\": []}", "{}", "[]", "null", ""] {
            std::fs::write(&path, answer).unwrap();
            assert!(tables.know("another", now()).await.is_err(), "{answer}");
            assert_eq!(tables.know("petition", now()).await, Ok(true), "{answer}");
            assert!(tables.ready().await.is_err(), "{answer}");
        }
        std::fs::write(&path, format!("\u{feff}{}", text("another"))).unwrap();
        assert_eq!((tables.ready().await, tables.know("another", now()).await), (Ok(()), Ok(true)));
        std::fs::remove_file(path).unwrap();
        assert!(tables.know("petition", now()).await.is_err());
        assert_eq!(Tables::new(None).know("anything", now()).await, Ok(true));
    }

    /// A thousand webhooks of a table that nobody knows are one question.
    #[tokio::test]
    async fn those_who_wait_share_an_answer() {
        let lost = Tables::new(Some(Location::Local("/no/such/schema.json".into())));
        let came = Instant::now();
        let all = (0..1000).map(|_| lost.know("t", came));
        assert!(futures::future::join_all(all).await.iter().all(Result::is_err));
        assert!(came.elapsed() < ASK_AGAIN);
    }
}
