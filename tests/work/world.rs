//! ControlShift and a machine of ours: exports in an S3, a schema, a queue, and the program.

pub(crate) use crate::answer::Answer;
use crate::aws;
use crate::cells::{Cells, Kind, parquet_files, read_parquet};
use crate::s3::S3Server;
use csl_stream::queue::{DeadLetter, LoadOrder, Message, ObjectName, Queue, QueueSettings};
use csl_stream::store::ExportKind;
use serde_json::Value;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The query of every signed URL: who has it may read.
pub(crate) const SIGNED: &str = "X-Amz-Expires=21600&X-Amz-Signature=SECRETSECRET";
/// How long something may take on a busy machine.
pub(crate) const LONG: Duration = Duration::from_secs(300);

pub(crate) struct World {
    pub(crate) s3: S3Server,
    pub(crate) dir: TempDir,
    pub(crate) queue: Queue,
    runtime: tokio::runtime::Runtime,
}

/// A schema of tables with an id and a name.
pub(crate) fn schema_of(tables: &[&str]) -> String {
    let table = |name: &&str| {
        serde_json::json!({ "table": { "name": name, "columns": {
            "id": { "type": "integer", "sql_type": "bigint" },
            "name": { "type": "string", "sql_type": "character varying(50)" } } } })
    };
    serde_json::json!({ "tables": tables.iter().map(table).collect::<Vec<_>>() }).to_string()
}

/// An export of these ids.
pub(crate) fn csv(ids: impl IntoIterator<Item = i64>) -> String {
    let rows = ids.into_iter().map(|id| format!("{id},\"Ä, {id}\"\n"));
    "id,name\n".to_owned() + &rows.collect::<String>()
}

/// How a run ended that must not have shown a signature.
pub(crate) fn answer_of(output: Output) -> Answer {
    let answer = Answer::of(output);
    assert!(!format!("{answer:?}").contains("SECRETSECRET"), "{answer:#?}");
    answer
}

impl World {
    /// S3 answers signed URLs alone, as it does for accounts that ControlShift does not know.
    pub(crate) fn new(schema: &str) -> Self {
        let world = Self::unsigned(schema);
        world.s3.set_signed(SIGNED);
        world
    }

    /// S3 answers to names too.
    pub(crate) fn unsigned(schema: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("schema.json"), schema).unwrap();
        let s3 = S3Server::start();
        let settings = QueueSettings { url: None, dead_letter_url: None, path: dir.path().join("queue.db") };
        let queue = Queue::open(&settings).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { s3, dir, queue, runtime }
    }

    /// Puts an export, and gives the order that the receiver would make of its webhook.
    pub(crate) fn export(
        &self,
        kind: ExportKind,
        table: &str,
        at: &str,
        csv: &[u8],
        bzip2: bool,
    ) -> LoadOrder {
        let kind_word = if kind == ExportKind::Full { "full" } else { "incremental" };
        let ending = if bzip2 { ".bz2" } else { "" };
        let key = format!("org/{kind_word}/{table}/{}/{table}_{at}.csv{ending}", &at[..8]);
        let bytes = if bzip2 { packed(csv) } else { csv.to_vec() };
        self.s3.put(&format!("exports/{key}"), bytes);
        LoadOrder {
            download_url: format!("{}/exports/{key}?{SIGNED}", self.s3.endpoint()),
            table: table.to_owned(),
            s3: Some(ObjectName { bucket: "exports".to_owned(), key }),
            kind,
        }
    }

    pub(crate) fn send(&self, order: &LoadOrder) {
        self.runtime.block_on(self.queue.send(order)).unwrap();
    }

    /// Every message that can be taken now.
    pub(crate) fn waiting(&self) -> Vec<Message> {
        let mut all = Vec::new();
        loop {
            let taken = self.runtime.block_on(self.queue.receive(1000, Duration::ZERO)).unwrap();
            if taken.is_empty() {
                return all;
            }
            all.extend(taken);
        }
    }

    /// Every message, also those that wait or are taken.
    pub(crate) fn messages(&self) -> i64 {
        let db = rusqlite::Connection::open(self.path("queue.db")).unwrap();
        db.busy_timeout(Duration::from_secs(20)).unwrap();
        db.query_row("SELECT count(*) FROM message", [], |row| row.get(0)).unwrap()
    }

    pub(crate) fn dead(&self) -> Vec<DeadLetter> {
        self.runtime.block_on(self.queue.dead_letters()).unwrap()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let program = Command::new(env!("CARGO_BIN_EXE_csl-stream"));
        let mut command = aws::beside(&self.s3.endpoint(), program);
        command.current_dir(self.dir.path()).args(words).envs([
            ("CSL_SCHEMA_SOURCE", "schema.json"),
            ("CSL_EXPORTS_BUCKETS", "exports"),
            ("CSL_WORK_TABLES", "all"),
            ("CSL_WORK_KINDS", "full,incremental"),
            ("CSL_LOG", "csl_stream=debug"),
        ]);
        command
    }

    pub(crate) fn run(&self, words: &[&str]) -> Answer {
        self.run_with(words, &[])
    }

    pub(crate) fn run_with(&self, words: &[&str], variables: &[(&str, &str)]) -> Answer {
        answer_of(self.command(words).envs(variables.iter().copied()).output().unwrap())
    }

    pub(crate) fn spawn(&self, words: &[&str]) -> Child {
        self.command(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// The files of a table as readers see it.
    pub(crate) fn files(&self, table: &str) -> Vec<PathBuf> {
        parquet_files(&self.path(&format!("warehouse/{table}/current")))
    }

    /// The ids of a table, in the order of its files; none if it was never loaded.
    pub(crate) fn ids(&self, table: &str) -> Vec<i64> {
        if !self.path(&format!("warehouse/{table}/current")).exists() {
            return Vec::new();
        }
        let (_, columns) = read_parquet(&self.files(table), &[Kind::Int, Kind::Text]);
        match &columns[0] {
            Cells::Int(ids) => ids.iter().map(|id| id.unwrap()).collect(),
            other => panic!("{other:?}"),
        }
    }

    /// The ledger.
    pub(crate) fn loads(&self) -> Vec<Value> {
        let answer = self.run(&["loads", "list", "--json", "--limit", "100000"]);
        answer.json().as_array().unwrap().clone()
    }
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Looks until it is so.
pub(crate) fn until(what: &str, limit: Duration, mut so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !so() {
        assert!(started.elapsed() < limit, "{what}: not after {limit:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

pub(crate) fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

/// Waits for a child to end by itself.
pub(crate) fn ended(child: Child, limit: Duration) -> Answer {
    let mut child = child;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let reader = |pipe: Option<Box<dyn std::io::Read + Send>>| {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            pipe.map(|mut pipe| pipe.read_to_end(&mut bytes));
            bytes
        })
    };
    let out = reader(out.map(|pipe| Box::new(pipe) as _));
    let err = reader(err.map(|pipe| Box::new(pipe) as _));
    let mut status = None;
    until("the program ends", limit, || {
        status = child.try_wait().unwrap();
        status.is_some()
    });
    let (stdout, stderr) = (out.join().unwrap(), err.join().unwrap());
    answer_of(Output { status: status.unwrap(), stdout, stderr })
}
