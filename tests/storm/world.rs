//! One round's exports, queue, and the place where the rows must be.

use crate::aws;
use crate::cells::{Cells, Kind, parquet_files, read_parquet};
use crate::postgres::{self, Database};
use crate::redshift::{Redshift, Setup};
use crate::s3::S3Server;
use csl_stream::queue::{DeadLetter, LoadOrder, ObjectName, Queue, QueueSettings};
use csl_stream::store::ExportKind;
use csl_stream::warehouse::redshift::ledger_ddl;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

/// Where the schema's API is, for the program.
const SCHEMA: &str = "api/schema.json";

pub(crate) struct World {
    pub(crate) s3: S3Server,
    /// On the small disk.
    pub(crate) dir: PathBuf,
    /// What workers say; never full.
    logs: PathBuf,
    pub(crate) mirror: Option<Mirror>,
    queue: Queue,
    runtime: tokio::runtime::Runtime,
    schema: String,
    salted: RefCell<BTreeSet<PathBuf>>,
    failed: bool,
}

/// Redshift, with its database.
pub(crate) struct Mirror {
    pub(crate) redshift: Redshift,
    database: Database<'static>,
    name: String,
}

impl Mirror {
    fn new(name: &str, s3: &S3Server, tables: &[String]) -> Self {
        let server = postgres::server();
        let database = server.database(name);
        let redshift = Redshift::start(Setup::new(server.socket(), name, &s3.endpoint()));
        let loader = format!("{name}_loader");
        for table in tables {
            database
                .run(&format!("CREATE TABLE {table} (id BIGINT, name VARCHAR(50), created_at TIMESTAMP)"));
        }
        database.run("CREATE TABLE foreigner (id BIGINT); INSERT INTO foreigner VALUES (7)");
        database.run(&format!(
            "DROP ROLE IF EXISTS {loader}; CREATE ROLE {loader}; REVOKE ALL ON DATABASE {name} FROM PUBLIC; \
             REVOKE ALL ON SCHEMA public FROM PUBLIC"
        ));
        database.run(&ledger_ddl(name, "public", tables, &loader));
        redshift.run_as(Some(&loader));
        Self { redshift, database, name: name.to_owned() }
    }
}

fn schema_of(tables: &[String]) -> String {
    let table = |name: &String| {
        serde_json::json!({ "table": { "name": name, "columns": {
            "id": { "type": "integer", "sql_type": "bigint" },
            "name": { "type": "string", "sql_type": "character varying(50)" },
            "created_at": { "type": "datetime", "sql_type": "timestamp without time zone" } } } })
    };
    serde_json::json!({ "tables": tables.iter().map(table).collect::<Vec<_>>() }).to_string()
}

/// Digits of a moment, as exports are named.
pub(crate) fn digits(at: SystemTime) -> String {
    csl_stream::ledger::timestamp(at).chars().filter(char::is_ascii_digit).take(14).collect()
}

/// An export of these ids, made at `at`.
pub(crate) fn csv(ids: &[i64], at: SystemTime) -> String {
    let at = csl_stream::ledger::timestamp(at)[..19].replace('T', " ");
    let rows = ids.iter().map(|id| format!("{id},\"Ä, {id}\",{at}\n"));
    "id,name,created_at\n".to_owned() + &rows.collect::<String>()
}

impl World {
    pub(crate) fn new(disk: &Path, seed: u64, tables: &[String], into_redshift: bool) -> Self {
        let dir = disk.join(format!("round-{seed}"));
        let logs = std::env::temp_dir().join(format!("csl-storm-{}-{seed}", std::process::id()));
        for folder in [&dir, &logs] {
            std::fs::create_dir_all(folder).unwrap();
        }
        let s3 = S3Server::start();
        let mirror = into_redshift.then(|| Mirror::new(&format!("storm_{seed}"), &s3, tables));
        let settings = QueueSettings { url: None, dead_letter_url: None, path: dir.join("queue.db") };
        let queue = Queue::open(&settings).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (schema, salted) = (schema_of(tables), RefCell::default());
        let world = Self { s3, dir, logs, mirror, queue, runtime, schema, salted, failed: true };
        world.set_schema(None);
        FOREIGN_OBJECTS.iter().for_each(|name| world.s3.put(name, FOREIGN_BYTES));
        world
    }

    /// Puts another answer in the place of the schema, or the schema itself.
    pub(crate) fn set_schema(&self, answer: Option<&str>) {
        self.s3.put(SCHEMA, answer.unwrap_or(&self.schema).to_owned());
    }

    /// Puts an export, and gives its order.
    pub(crate) fn export(&self, kind: ExportKind, table: &str, at: &str, csv: &str) -> LoadOrder {
        let kind_word = kind.word();
        let key = format!("org/{kind_word}/{table}/{}/{table}_{at}.csv", &at[..8]);
        self.s3.put(&format!("exports/{key}"), csv.to_owned());
        LoadOrder {
            download_url: format!("{}/exports/{key}?X-Amz-Signature=SECRET", self.s3.endpoint()),
            table: table.to_owned(),
            s3: Some(ObjectName { bucket: "exports".to_owned(), key }),
            kind,
        }
    }

    /// As a webhook that is sent again until it is taken; false if it was not.
    pub(crate) fn send(&self, order: &LoadOrder) -> bool {
        self.runtime.block_on(self.queue.send(order)).is_ok()
    }

    pub(crate) fn dead(&self) -> Vec<DeadLetter> {
        self.runtime.block_on(self.queue.dead_letters()).unwrap()
    }

    /// Changes the queue behind everybody's back; a full disk or a busy file refuses.
    pub(crate) fn queue_sql(&self, sql: &str) -> rusqlite::Result<usize> {
        let db = rusqlite::Connection::open(self.dir.join("queue.db"))?;
        db.busy_timeout(Duration::from_secs(20))?;
        db.execute(sql, [])
    }

    /// Every message, also those that wait or are taken.
    pub(crate) fn messages(&self) -> i64 {
        let db = rusqlite::Connection::open(self.dir.join("queue.db")).unwrap();
        db.busy_timeout(Duration::from_secs(20)).unwrap();
        db.query_row("SELECT count(*) FROM message", [], |row| row.get(0)).unwrap()
    }

    pub(crate) fn worker(&self, number: usize, tries_max: u32) -> Command {
        let program = Command::new(env!("CARGO_BIN_EXE_csl-stream"));
        let mut command = aws::beside(&self.s3.endpoint(), program);
        command.current_dir(&self.dir).args(["work", "--threads", "1", "--quiet"]).envs([
            ("CSL_SCHEMA_SOURCE", "s3://api/schema.json"),
            ("CSL_EXPORTS_BUCKETS", "exports"),
            ("CSL_WORK_TABLES", "all"),
            ("CSL_WORK_KINDS", "full,incremental"),
            ("CSL_WORK_BATCH_FILES", "5"),
            ("CSL_LOG", "csl_stream=info"),
        ]);
        command.env("CSL_QUEUE_TRIES", tries_max.to_string());
        if let Some(mirror) = &self.mirror {
            command.envs([
                ("AWS_ENDPOINT_URL_REDSHIFT_DATA", mirror.redshift.endpoint().as_str()),
                ("CSL_WAREHOUSE_TO", "redshift"),
                ("CSL_REDSHIFT_WORKGROUP", "wg"),
                ("CSL_REDSHIFT_DATABASE", &mirror.name),
                ("CSL_STAGING_URL", "s3://stage/csl"),
            ]);
        }
        let log = std::fs::File::create(self.logs.join(format!("worker-{number}.log"))).unwrap();
        command.stdout(Stdio::null()).stderr(log);
        command
    }

    /// What all workers said.
    pub(crate) fn said(&self) -> String {
        let files = std::fs::read_dir(&self.logs).unwrap().map(|file| file.unwrap().path());
        files.map(|path| String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned()).collect()
    }

    /// The ids of a table in their order, as often as they are there.
    pub(crate) fn ids(&self, table: &str) -> Vec<i64> {
        let mut ids = match &self.mirror {
            Some(mirror) => {
                let ids = format!("SELECT coalesce(string_agg(id::text, ' '), '') FROM {table}");
                let ids = mirror.database.text(&ids);
                ids.split_whitespace().map(|id| id.parse().unwrap()).collect()
            }
            None => self.folder_ids(table),
        };
        ids.sort_unstable();
        ids
    }

    fn folder_ids(&self, table: &str) -> Vec<i64> {
        let current = self.dir.join(format!("warehouse/{table}/current"));
        if !current.exists() {
            return Vec::new();
        }
        let (_, columns) = read_parquet(&parquet_files(&current), &[Kind::Int, Kind::Text, Kind::Int]);
        match &columns[0] {
            Cells::Int(ids) => ids.iter().map(|id| id.unwrap()).collect(),
            other => panic!("{other:?}"),
        }
    }

    /// Puts files of others beside and below what the program writes: each once, as soon as its folder is there.
    pub(crate) fn salt(&self, table: &str) {
        let mut salted = self.salted.borrow_mut();
        for name in FOREIGN {
            let path = self.dir.join("warehouse").join(name.replace("TABLE", table));
            let folder = path.parent().unwrap();
            if salted.contains(&path) || (name.contains("TABLE") && !folder.exists()) {
                continue;
            }
            // On a full disk it comes later.
            if std::fs::create_dir_all(folder).is_ok() && std::fs::write(&path, FOREIGN_BYTES).is_ok() {
                salted.insert(path);
            } else {
                std::fs::remove_file(&path).ok();
            }
        }
    }

    /// The foreign files that are not as they were.
    pub(crate) fn unsalted(&self) -> Vec<String> {
        let salted = self.salted.borrow();
        let is_gone = |path: &&PathBuf| std::fs::read(path).ok().as_deref() != Some(FOREIGN_BYTES);
        let mut gone: Vec<String> =
            salted.iter().filter(is_gone).map(|path| path.display().to_string()).collect();
        let objects =
            FOREIGN_OBJECTS.iter().filter(|name| self.s3.get(name).as_deref() != Some(FOREIGN_BYTES));
        gone.extend(objects.map(|name| (*name).to_owned()));
        if let Some(mirror) = &self.mirror
            && mirror.database.text("SELECT string_agg(id::text, ' ') FROM foreigner") != "7"
        {
            gone.push("the table foreigner".to_owned());
        }
        gone
    }

    /// The round is over and nothing was wrong: its folders may go.
    pub(crate) fn succeeded(mut self) {
        self.failed = false;
    }
}

/// Written before and during a storm, and looked at in the end.
const FOREIGN: &[&str] = &["README", "lake/part-0.parquet", "TABLE/notes.txt"];
const FOREIGN_BYTES: &[u8] = b"somebody else's";
const FOREIGN_OBJECTS: &[&str] =
    &["stage/csl/notes.txt", "stage/csl/lake/part-0.parquet", "stage/elsewhere/x"];

impl Drop for World {
    /// The small disk goes with its process: what a failed round left is copied beside the logs.
    fn drop(&mut self) {
        if self.failed {
            let copied = Command::new("cp").arg("-a").arg(&self.dir).arg(&self.logs).status();
            println!("storm: kept in {} ({copied:?})", self.logs.display());
        } else {
            std::fs::remove_dir_all(&self.logs).ok();
        }
        std::fs::remove_dir_all(&self.dir).ok();
    }
}
