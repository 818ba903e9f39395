//! A load in the shape of the loader before us, so that what reads its tables goes on reading.
//!
//! Of a batch: `s3Prefix` and `batchId` (its key), `status` (`complete`, `error`), `lastUpdate` (seconds,
//! which the index by status sorts by), `entries`, `writeDates`, `size`, `manifestFile`,
//! `clusterLoadStatus`, `errorMessage`. Of a file: `loadFile` (its key), `receiveDateTime`,
//! `timesReceived`, and `batchId` once it is loaded: by that alone the loader knew a file as done.

use super::calls::{timeouts, wait};
use super::listener::Listener;
use super::message::{Source, error_of};
use super::news::News;
use crate::report::Status;
use crate::store::aws_config;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

/// The table of batches: a load written twice is the later one.
pub(super) struct Batches<'a> {
    pub(super) table: &'a str,
}

/// The table of processed files: each is counted, and says of which batch it was if it is loaded.
pub(super) struct Files<'a> {
    pub(super) table: &'a str,
}

impl Listener<News<'_>> for Batches<'_> {
    fn name(&self) -> String {
        self.table.to_owned()
    }

    fn tell(&self, news: &News<'_>) -> Result<(), String> {
        let item = batch(news, now());
        client()
            .and_then(|client| wait(client.put_item().table_name(self.table).set_item(Some(item)).send()))
            .map_err(|cause| format!("no batch was written into {}: {cause}", self.table))
    }

    fn reach(&self) -> Result<(), String> {
        is_table(self.table)
    }
}

impl Listener<News<'_>> for Files<'_> {
    fn name(&self) -> String {
        self.table.to_owned()
    }

    fn tell(&self, news: &News<'_>) -> Result<(), String> {
        // A run that found no export has processed none.
        if news.report.source.uri.is_empty() {
            return Ok(());
        }
        put_file(self.table, news)
            .map_err(|cause| format!("no file was written into {}: {cause}", self.table))
    }

    fn reach(&self) -> Result<(), String> {
        is_table(self.table)
    }
}

fn put_file(table: &str, news: &News<'_>) -> Result<(), String> {
    let loaded = news.report.status == Status::Succeeded;
    let set = if loaded { "SET #when = :when, #batch = :batch" } else { "SET #when = :when" };
    let mut call = client()?
        .update_item()
        .table_name(table)
        .key("loadFile", text(&Source::of(news.report).file))
        .update_expression(format!("{set} ADD #times :one"))
        .expression_attribute_names("#when", "receiveDateTime")
        .expression_attribute_names("#times", "timesReceived")
        .expression_attribute_values(":when", text(&readable(now())))
        .expression_attribute_values(":one", number(1));
    if loaded {
        call = call
            .expression_attribute_names("#batch", "batchId")
            .expression_attribute_values(":batch", text(&news.report.load_id));
    }
    wait(call.send())
}

/// Whether there is such a table.
fn is_table(table: &str) -> Result<(), String> {
    wait(client()?.describe_table().table_name(table).send())
}

fn client() -> Result<Client, String> {
    let shared = aws_config().map_err(|error| error.to_string())?;
    let config = aws_sdk_dynamodb::config::Builder::from(&shared).timeout_config(timeouts()).build();
    Ok(Client::from_conf(config))
}

fn batch(news: &News<'_>, now: u64) -> HashMap<String, AttributeValue> {
    let report = news.report;
    let source = Source::of(report);
    let (error, failed) = (error_of(report), report.status != Status::Succeeded);
    let cluster = serde_json::json!({ news.cluster: { "status": -i8::from(failed), "error": error } });
    let mut item = HashMap::from([
        ("batchId", text(&report.load_id)),
        // A key must not be empty, as it is of a run that found no export.
        ("s3Prefix", text(if source.prefix.is_empty() { &report.table } else { &source.prefix })),
        ("status", text(if failed { "error" } else { "complete" })),
        ("lastUpdate", number(now)),
        ("writeDates", AttributeValue::Ns(vec![now.to_string()])),
        ("size", number(report.source.bytes)),
        ("clusterLoadStatus", text(&cluster.to_string())),
    ]);
    if !source.file.is_empty() {
        item.insert("entries", AttributeValue::Ss(vec![source.file]));
    }
    if let Some(manifest) = news.failed_manifest.as_ref().or(news.manifest.as_ref()) {
        item.insert("manifestFile", text(manifest));
    }
    if let Some(error) = &error {
        item.insert("errorMessage", text(error));
    }
    item.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn number(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// `YYYY-MM-DD hh:mm:ss` in UTC.
fn readable(seconds: u64) -> String {
    let at = UNIX_EPOCH + std::time::Duration::from_secs(seconds);
    crate::ledger::timestamp(at).replace('T', " ").replace('Z', "")
}
