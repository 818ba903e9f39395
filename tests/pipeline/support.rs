//! Sources and sinks in memory, and a table with a column of each type.

use bytes::Bytes;
use csl_stream::pipeline::{ConvertOptions, Job, Outcome, RejectsPlace, Watch, convert};
use csl_stream::report::RunReport;
use csl_stream::schema::{BulkSchema, Table};
use csl_stream::store::{ByteSource, ExportKind, ObjectInfo, SegmentSink, SegmentWriter, StoredObject};
use csl_stream::{Error, Result};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// Bytes that arrive in pieces of at most `read_bytes`.
pub(crate) struct MemorySource {
    bytes: Vec<u8>,
    at: usize,
    read_bytes: usize,
    info: ObjectInfo,
}

impl MemorySource {
    pub(crate) fn new(bytes: impl Into<Vec<u8>>, read_bytes: usize, uri: &str) -> Self {
        let info = ObjectInfo { uri: uri.into(), ..ObjectInfo::default() };
        Self { bytes: bytes.into(), at: 0, read_bytes, info }
    }

    /// The same, of an object whose length is known.
    pub(crate) fn of_length(mut self, bytes: u64) -> Self {
        self.info.bytes = Some(bytes);
        self
    }
}

impl ByteSource for MemorySource {
    fn info(&self) -> &ObjectInfo {
        &self.info
    }

    fn read(&mut self, buf: &mut [u8]) -> Result<usize> {
        let n = buf.len().min(self.read_bytes).min(self.bytes.len() - self.at);
        buf[..n].copy_from_slice(&self.bytes[self.at..self.at + n]);
        self.at += n;
        Ok(n)
    }
}

/// Files by name.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

#[derive(Default)]
pub(crate) struct MemorySink(Arc<Mutex<Files>>);

impl MemorySink {
    pub(crate) fn files(&self) -> Files {
        self.0.lock().unwrap().clone()
    }
}

struct MemoryWriter {
    name: String,
    bytes: Vec<u8>,
    files: Arc<Mutex<Files>>,
}

impl SegmentSink for MemorySink {
    fn create(&self, name: &str) -> Result<Box<dyn SegmentWriter>> {
        Ok(Box::new(MemoryWriter { name: name.into(), bytes: Vec::new(), files: self.0.clone() }))
    }

    fn read_tail(&self, object: &StoredObject, bytes: u64) -> Result<Vec<u8>> {
        let files = self.0.lock().unwrap();
        let file = &files[&object.name];
        Ok(file[file.len().saturating_sub(bytes as usize)..].to_vec())
    }

    fn remove(&self, object: &StoredObject) -> Result<()> {
        self.0.lock().unwrap().remove(&object.name).expect("what is removed was finished");
        Ok(())
    }
}

impl SegmentWriter for MemoryWriter {
    fn append(&mut self, bytes: Bytes) -> Result<()> {
        self.bytes.extend_from_slice(&bytes);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<StoredObject> {
        let stored =
            StoredObject { uri: self.name.clone(), name: self.name.clone(), bytes: self.bytes.len() as u64 };
        self.files.lock().unwrap().insert(self.name, self.bytes);
        Ok(stored)
    }
}

/// The table `t` with these columns: `(name, sql_type, nullable)`.
pub(crate) fn table(columns: &[(&str, &str, bool)]) -> Table {
    let columns: serde_json::Map<_, _> = columns
        .iter()
        .map(|(name, sql_type, nullable)| {
            let column = serde_json::json!({ "type": "any", "sql_type": sql_type, "nullable": nullable });
            ((*name).to_owned(), column)
        })
        .collect();
    let schema = serde_json::json!({ "tables": [{ "table": { "name": "t", "columns": columns } }] });
    BulkSchema::parse(schema.to_string().as_bytes(), "test").unwrap().table("t").unwrap().clone()
}

/// One run and what it left.
pub(crate) struct Run {
    pub outcome: std::result::Result<RunReport, (Box<RunReport>, Error)>,
    pub files: Files,
}

pub(crate) struct Given {
    pub csv: Vec<u8>,
    pub table: Table,
    pub options: ConvertOptions,
    pub read_bytes: usize,
    pub rejects: Option<PathBuf>,
    pub uri: String,
}

impl Given {
    pub(crate) fn new(csv: impl Into<Vec<u8>>, table: Table) -> Self {
        let options = ConvertOptions { threads: 2, ..ConvertOptions::default() };
        Self {
            csv: csv.into(),
            table,
            options,
            read_bytes: usize::MAX,
            rejects: None,
            uri: "memory.csv".into(),
        }
    }

    pub(crate) fn run(&self) -> Run {
        let sink = MemorySink::default();
        let outcome = self.run_into(&sink);
        Run { outcome, files: sink.files() }
    }

    /// Converts, and leaves the files to the sink.
    pub(crate) fn run_into(&self, sink: &dyn SegmentSink) -> Outcome {
        let source = Box::new(MemorySource::new(self.csv.clone(), self.read_bytes, &self.uri));
        let job = Job {
            rejects: self.rejects.clone().map(RejectsPlace::file),
            ..Job::new("test", self.table.clone(), ExportKind::Full, source)
        };
        convert(job, &self.options, sink, &Watch::default())
    }
}

impl Run {
    pub(crate) fn report(&self) -> &RunReport {
        match &self.outcome {
            Ok(report) => report,
            Err((_, error)) => panic!("failed: {error}"),
        }
    }

    pub(crate) fn error(&self) -> &Error {
        match &self.outcome {
            Ok(report) => panic!("succeeded: {report:?}"),
            Err((_, error)) => error,
        }
    }

    /// All rows of all files, as the parquet crate's own reader gives them.
    pub(crate) fn rows(&self) -> Vec<Vec<Field>> {
        let mut rows = Vec::new();
        for bytes in self.files.values() {
            let reader = SerializedFileReader::new(bytes::Bytes::from(bytes.clone())).unwrap();
            for row in reader.get_row_iter(None).unwrap() {
                rows.push(row.unwrap().into_columns().into_iter().map(|(_, field)| field).collect());
            }
        }
        rows
    }
}

/// Random numbers that `CSL_SEED` repeats.
pub(crate) fn rng() -> fastrand::Rng {
    fastrand::Rng::with_seed(crate::seed::seed())
}

/// Bytes packed by other programs' libraries.
pub(crate) mod packed {
    use std::io::Write;

    pub(crate) fn bzip2(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    pub(crate) fn zstd(bytes: &[u8]) -> Vec<u8> {
        zstd::encode_all(bytes, 1).unwrap()
    }

    type Packer = fn(&[u8]) -> Vec<u8>;
    pub(crate) const PACKERS: [(&str, Packer); 3] = [("bzip2", bzip2), ("gzip", gzip), ("zstd", zstd)];
}
