//! An export, converted, and asked as it lies there.

use csl_stream::pipeline::rows::{ExportTable, Opening};
use csl_stream::pipeline::{ConvertOptions, Job, Outcome, Watch, convert};
use csl_stream::schema::{BulkSchema, Table};
use csl_stream::store::{self, ByteSource, ExportKind, Location, ObjectInfo};
use csl_stream::warehouse::query::{FilesTable, Format, GivenTable, Query, run};
use csl_stream::{Error, Result};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tempfile::TempDir;

/// Bytes that arrive in pieces, and may end in an error; how many have come is counted.
struct Pieces {
    bytes: Arc<Vec<u8>>,
    at: usize,
    read_bytes: usize,
    fails_at: Option<usize>,
    info: ObjectInfo,
    read: Arc<AtomicU64>,
}

impl ByteSource for Pieces {
    fn info(&self) -> &ObjectInfo {
        &self.info
    }

    fn read(&mut self, buf: &mut [u8]) -> Result<usize> {
        if self.fails_at.is_some_and(|at| self.at >= at) {
            return Err(Error::input("the object has changed while it was read").help("run again"));
        }
        let n = buf.len().min(self.read_bytes).min(self.bytes.len() - self.at);
        buf[..n].copy_from_slice(&self.bytes[self.at..self.at + n]);
        self.at += n;
        self.read.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

pub(crate) struct Given {
    pub(crate) bytes: Arc<Vec<u8>>,
    pub(crate) table: Table,
    pub(crate) options: ConvertOptions,
    pub(crate) read_bytes: usize,
    pub(crate) fails_at: Option<usize>,
    /// Bytes that were read of it.
    pub(crate) read: Arc<AtomicU64>,
    folder: TempDir,
}

/// The table `t` with these columns: `(name, sql_type, nullable)`.
pub(crate) fn table(columns: &[(&str, &str, bool)]) -> Table {
    let column = |sql_type: &str, nullable: bool| serde_json::json!({ "type": "any", "sql_type": sql_type, "nullable": nullable });
    let columns: serde_json::Map<_, _> = columns
        .iter()
        .map(|(name, sql_type, nullable)| ((*name).to_owned(), column(sql_type, *nullable)))
        .collect();
    let schema = serde_json::json!({ "tables": [{ "table": { "name": "t", "columns": columns } }] });
    BulkSchema::parse(schema.to_string().as_bytes(), "test").unwrap().table("t").unwrap().clone()
}

impl Given {
    pub(crate) fn new(bytes: impl Into<Vec<u8>>, table: Table) -> Self {
        Self {
            bytes: Arc::new(bytes.into()),
            table,
            options: ConvertOptions { threads: 2, ..ConvertOptions::default() },
            read_bytes: usize::MAX,
            fails_at: None,
            read: Arc::default(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn opening(&self) -> Opening {
        let (bytes, read, read_bytes, fails_at) =
            (Arc::clone(&self.bytes), Arc::clone(&self.read), self.read_bytes, self.fails_at);
        Arc::new(move || {
            let info = ObjectInfo { uri: "given.csv".into(), ..ObjectInfo::default() };
            let (bytes, read) = (Arc::clone(&bytes), Arc::clone(&read));
            Ok(Box::new(Pieces { bytes, at: 0, read_bytes, fails_at, info, read }))
        })
    }

    pub(crate) fn parquet(&self) -> PathBuf {
        self.folder.path().join("parquet")
    }

    /// Converts it.
    pub(crate) fn converted(&self) -> Outcome {
        let sink = store::sink(&Location::Local(self.parquet())).unwrap();
        let job = Job::new("test", self.table.clone(), ExportKind::Full, (self.opening())().unwrap());
        convert(job, &self.options, &*sink, &Watch::default())
    }

    /// Opens it as it lies there.
    pub(crate) fn open(&self) -> Result<ExportTable> {
        ExportTable::open(self.opening(), &self.table, &self.options)
    }

    /// Asks it as the table `t`.
    pub(crate) fn ask(&self, sql: &str) -> Result<String> {
        self.open().and_then(|opened| ask(&opened, sql))
    }

    /// Asks what was converted as the table `t`.
    pub(crate) fn ask_converted(&self, sql: &str) -> Result<String> {
        let files = [FilesTable { name: "t".into(), path: self.parquet().display().to_string() }];
        let mut out = Vec::new();
        run(&Query { sql, warehouse: None, files: &files, given: &[] }, Format::Csv, &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }
}

/// Asks an export that was opened, as the table `t`.
pub(crate) fn ask(opened: &ExportTable, sql: &str) -> Result<String> {
    let mut out = Vec::new();
    let given: [GivenTable; 1] = [("t".into(), Arc::new(opened.clone()))];
    run(&Query { sql, warehouse: None, files: &[], given: &given }, Format::Csv, &mut out)?;
    Ok(String::from_utf8(out).unwrap())
}

/// All that an error says.
pub(crate) fn said(error: &Error) -> (u8, String, String) {
    let help = error.detail().map(|detail| detail.help.clone()).unwrap_or_default();
    (error.exit_code(), error.to_string(), help)
}
