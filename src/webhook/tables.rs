//! Which tables there are: the bulk schema's, asked for when a table is not known yet.
//!
//! ```text
//! known? ── yes ─▶ go on
//!   └ no ─ asked a minute ago? ── no ─▶ read the schema ─▶ known?
//!                └ yes ─▶ refuse
//! ```
//! While the schema cannot be read, every table goes on: the load reads the schema too, and fails with a
//! reason. A host that does not answer must not make the receiver drop exports.

use crate::error::Result;
use crate::schema::{BulkSchema, SCHEMA_BYTES_MAX};
use crate::store::{Location, fetch_small};
use std::collections::HashSet;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};

/// The schema is not read more often than this.
const ASK_AGAIN: Duration = Duration::from_secs(60);
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
    names: HashSet<String>,
    asked: Option<Instant>,
    /// The last asking failed: what is not in `names` may be in the schema.
    failed: bool,
}

impl Tables {
    /// Tables of the schema that lies there; without one every table is taken.
    pub fn new(source: Option<Location>) -> Self {
        Self { source, held: RwLock::default(), asking: tokio::sync::Mutex::new(()) }
    }

    /// Whether the schema has the table, or there is no schema to ask.
    pub async fn know(&self, table: &str) -> bool {
        let Some(source) = &self.source else { return true };
        if self.held().names.contains(table) {
            return true;
        }
        let asking = self.asking.lock().await;
        let asked = self.held().asked;
        if asked.is_none_or(|asked| asked.elapsed() >= ASK_AGAIN) {
            self.ask(source.clone()).await;
        }
        drop(asking);
        let held = self.held();
        held.failed || held.names.contains(table)
    }

    /// Reads the schema before the first webhook needs it.
    pub async fn prepare(&self) {
        self.know("").await;
    }

    fn held(&self) -> RwLockReadGuard<'_, Held> {
        self.held.read().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask(&self, source: Location) {
        let shown = source.to_string();
        let answer = tokio::time::timeout(ASK_TIMEOUT, tokio::task::spawn_blocking(move || names(&source)));
        let answer = answer.await;
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        held.asked = Some(Instant::now());
        held.failed = !matches!(answer, Ok(Ok(Ok(_))));
        match answer {
            Ok(Ok(Ok(names))) => {
                tracing::info!(tables = names.len(), from = shown, "the bulk schema was read");
                held.names = names;
            }
            Ok(Ok(Err(error))) => tracing::warn!(%error, from = shown, "the bulk schema could not be read"),
            Ok(Err(_)) | Err(_) => tracing::warn!(from = shown, "the bulk schema did not come in time"),
        }
    }
}

fn names(source: &Location) -> Result<HashSet<String>> {
    let origin = source.to_string();
    let bytes = fetch_small(source, SCHEMA_BYTES_MAX)?;
    Ok(BulkSchema::parse(&bytes, &origin)?.tables.into_iter().map(|table| table.name).collect())
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
        let text =
            format!(r#"{{"tables":[{{"table":{{"name":"petitions","columns":{{"id":{column}}}}}}}]}}"#);
        std::fs::write(&path, text).unwrap();
        let tables = Tables::new(Some(Location::Local(path.clone())));
        assert!(tables.know("petitions").await);
        assert!(!tables.know("petition").await);
        // A minute later the host is gone: a table that is new since then must not be dropped.
        std::fs::remove_file(path).unwrap();
        tables.held.write().unwrap().asked = None;
        assert!(tables.know("petition").await && tables.know("petitions").await);
        let lost = Tables::new(Some(Location::Local(dir.path().join("no"))));
        assert!(lost.know("anything").await);
        assert!(Tables::new(None).know("anything").await);
    }
}
