//! COPY … FORMAT AS PARQUET by Redshift's rules.
//!
//! ```text
//! manifest or prefix ──▶ files ──▶ schema against the table ──▶ rows, batch by batch ──▶ COPY … BINARY
//!                                      └───────── the first fault ends it all ─────────▶ sys_load_error_detail
//! ```

use std::collections::HashMap;
use std::time::Instant;

use bytes::Bytes;
use futures::SinkExt;
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio_postgres::Client;

use super::catalog::{self, Table};
use super::copy_sql::CopyCommand;
use super::parquet_rows::{self, Rules};
use super::s3_client::{Place, S3};
use super::{Shared, s3_client, worker};

/// Finished pieces of rows between the reader and PostgreSQL.
const PIECES_MAX: usize = 4;
/// Names by which COPY would take the whole file for a compressed one.
const COMPRESSED_ENDINGS: [&str; 3] = [".gz", ".bz2", ".snappy"];
/// What a client gets to see of an error's context.
const CONTEXT_BYTES_MAX: usize = 256;

/// A fault of a file: whole in sys_load_error_detail, cut off for the client.
#[derive(Debug)]
pub(super) struct ScanError {
    pub(super) code: i32,
    pub(super) context: String,
    pub(super) column: Option<String>,
}

impl ScanError {
    pub(super) fn new(context: String) -> Self {
        Self { code: 15007, context, column: None }
    }

    fn text(&self, query_id: i64) -> String {
        let mut end = self.context.len().min(CONTEXT_BYTES_MAX);
        while !self.context.is_char_boundary(end) {
            end -= 1;
        }
        let line = "-----------------------------------------------";
        format!(
            "ERROR: Spectrum Scan Error\n  Detail: \n  {line}\n  error:  Spectrum Scan Error\n  code:      {}\n  \
             context:   {}\n  query:     {query_id}\n  location:  dory_util.cpp:1615\n  process:   worker_thread \
             [pid=7841]\n  {line}\n",
            self.code,
            &self.context[..end]
        )
    }
}

#[derive(Debug, Deserialize)]
struct Manifest {
    entries: Vec<ManifestEntry>,
}

#[derive(Debug, Deserialize)]
struct ManifestEntry {
    url: String,
    #[serde(default)]
    mandatory: bool,
    meta: Option<Meta>,
}

#[derive(Debug, Deserialize)]
struct Meta {
    content_length: Option<u64>,
}

/// A file to load, and the length that it must have.
struct Listed {
    place: Place,
    is_mandatory: bool,
    length: Option<u64>,
}

/// Loads what the command names; gives the rows.
pub(super) async fn run(
    shared: &Shared,
    client: &Client,
    command: &CopyCommand,
    query_id: i64,
) -> Result<i64, String> {
    if let Some(role) = &shared.setup.iam_role
        && *role != command.iam_role
    {
        return Err(format!("ERROR: User is not authorized to assume IAM Role {}", command.iam_role));
    }
    let table = catalog::table(client, command.schema.as_deref(), &command.table).await?;
    let table =
        table.ok_or_else(|| format!("ERROR: Cannot COPY into nonexistent table {}", command.table))?;
    let table = with_columns(table, command.columns.as_deref())?;
    // dg/copy-parameters-data-conversion, EXPLICIT_IDS: without it an IDENTITY is not loaded.
    if !command.explicit_ids && table.columns.iter().any(|column| column.is_identity) {
        return Err(worker::IDENTITY_VALUE.to_owned());
    }
    let begun = Instant::now();
    let s3 = S3 { setup: &shared.setup, http: &shared.http };
    let files = files(&s3, command).await?;
    let mut rows = 0;
    for file in &files {
        // dg/copy-usage_notes-copy-from-columnar: the URLs are made at the beginning and live for an hour.
        let urls_live = *shared.urls_live.lock().unwrap();
        if urls_live.is_some_and(|time| begun.elapsed() >= time) {
            return Err(s3_client::exception("Request has expired", 403, "AccessDenied"));
        }
        rows += one_file(shared, client, &table, command, &s3, file, query_id).await?;
    }
    let done = format!(
        "SELECT set_config('csl.copy_count', '{rows}', false), set_config('csl.copy_id', '{query_id}', false)"
    );
    client.batch_execute(&done).await.map_err(|error| worker::error_text(&error))?;
    Ok(rows)
}

/// The table with the columns of the command's list, in its order.
fn with_columns(table: Table, names: Option<&[String]>) -> Result<Table, String> {
    let Some(names) = names else { return Ok(table) };
    let mut columns = Vec::new();
    for (at, name) in names.iter().enumerate() {
        if names[..at].contains(name) {
            return Err(format!("ERROR: column \"{name}\" specified more than once"));
        }
        let column = table.columns.iter().find(|column| column.name == *name);
        columns.push(
            column.ok_or_else(|| format!("ERROR: column \"{name}\" of relation does not exist"))?.clone(),
        );
    }
    Ok(Table { columns, ..table })
}

async fn files(s3: &S3<'_>, command: &CopyCommand) -> Result<Vec<Listed>, String> {
    let from = Place::parse(&command.from)?;
    if !command.has_manifest {
        let listed = |place| Listed { place, is_mandatory: true, length: None };
        return Ok(s3.list(&from).await?.into_iter().map(listed).collect());
    }
    let body = s3.need(&from).await.map_err(|error| format!("{error} (Problem reading manifest file)"))?;
    let manifest: Manifest = serde_json::from_slice(&body)
        .map_err(|error| format!("ERROR: Manifest file is not in correct json format: {error}"))?;
    let mut files = Vec::new();
    for entry in manifest.entries {
        let length = entry.meta.and_then(|meta| meta.content_length);
        let missing = || format!("ERROR: File {} in the manifest lacks meta.content_length", entry.url);
        files.push(Listed {
            place: Place::parse(&entry.url)?,
            is_mandatory: entry.mandatory,
            length: Some(length.ok_or_else(missing)?),
        });
    }
    if files.is_empty() {
        return Err("ERROR: The manifest lists no file".to_owned());
    }
    let mut found = HashMap::new();
    for file in &files {
        let is_there = s3.exists(&file.place).await?;
        found.insert(file.place.url(), is_there);
        if !is_there && file.is_mandatory {
            s3.need(&file.place).await?;
        }
    }
    files.retain(|file| found[&file.place.url()]);
    if files.is_empty() {
        return Err("ERROR: No file of the manifest was found".to_owned());
    }
    Ok(files)
}

async fn one_file(
    shared: &Shared,
    client: &Client,
    table: &Table,
    command: &CopyCommand,
    s3: &S3<'_>,
    file: &Listed,
    query_id: i64,
) -> Result<i64, String> {
    let url = file.place.url();
    let body = s3.need(&file.place).await?;
    let checked = check_file(&url, file, &body);
    let copied = match checked {
        Ok(()) => send_rows(client, table, command, &url, body).await?,
        Err(error) => Err(error),
    };
    match copied {
        Ok(rows) => Ok(rows),
        Err(error) => {
            record(shared, table, &url, query_id, &error).await?;
            Err(error.text(query_id))
        }
    }
}

fn check_file(url: &str, file: &Listed, body: &Bytes) -> Result<(), ScanError> {
    if let Some(ending) = COMPRESSED_ENDINGS.into_iter().find(|ending| url.ends_with(ending)) {
        return Err(ScanError::new(format!(
            "File '{url}' ends in {ending} and cannot be decompressed as a whole"
        )));
    }
    match file.length {
        Some(length) if length != body.len() as u64 => Err(ScanError::new(format!(
            "File '{url}' has {} bytes, and content_length in the manifest says {length}",
            body.len()
        ))),
        _ => Ok(()),
    }
}

/// Reads a file on a thread of its own and feeds PostgreSQL. The outer error is PostgreSQL's.
async fn send_rows(
    client: &Client,
    table: &Table,
    command: &CopyCommand,
    url: &str,
    body: Bytes,
) -> Result<Result<i64, ScanError>, String> {
    let rules = Rules {
        url: url.to_owned(),
        columns: table.columns.clone(),
        fills_record: command.fills_record,
        takes_invalid_chars: command.takes_invalid_chars,
    };
    let names: Vec<String> =
        table.columns.iter().map(|column| format!("\"{}\"", column.name.replace('"', "\"\""))).collect();
    let sql = format!("COPY {} ({}) FROM STDIN BINARY", table.name, names.join(","));
    let sink = client.copy_in::<_, Bytes>(&sql).await.map_err(|error| worker::error_text(&error))?;
    let mut sink = std::pin::pin!(sink);
    let (pieces, mut ready) = mpsc::channel(PIECES_MAX);
    let reader = tokio::task::spawn_blocking(move || parquet_rows::read(&rules, body, &pieces));
    while let Some(piece) = ready.recv().await {
        if let Err(error) = sink.send(piece).await {
            ready.close();
            return Err(worker::error_text(&error));
        }
    }
    match reader.await.map_err(|error| format!("the stand-in failed: {error}"))? {
        // Dropped, the sink tells PostgreSQL that the COPY failed.
        Err(error) => Ok(Err(error)),
        Ok(_) => {
            let rows = sink.as_mut().finish().await.map_err(|error| worker::error_text(&error))?;
            Ok(Ok(rows as i64))
        }
    }
}

/// Writes the whole error down, outside of the transaction that it ends.
async fn record(
    shared: &Shared,
    table: &Table,
    url: &str,
    query_id: i64,
    error: &ScanError,
) -> Result<(), String> {
    let client = worker::connect(&shared.setup).await?;
    let sql = "INSERT INTO pg_catalog.sys_load_error_detail SELECT 100, $1, 0, 0, current_database(), $2, \
        now() AT TIME ZONE 'UTC', $3, 0, $4, '', '', 0, $5, $6";
    let column = error.column.as_deref().unwrap_or_default();
    client
        .execute(sql, &[&query_id, &table.oid, &url, &column, &error.code, &error.context])
        .await
        .map_err(|error| worker::error_text(&error))?;
    Ok(())
}
