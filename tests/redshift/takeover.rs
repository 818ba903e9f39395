//! csl-stream in place of the Lambda loader: all tables of the newest schema, a full export and a day of incremental
//! ones, from the webhook to the table, beside the SQL that the old loader would have run; and where the two differ.
//!
//! ```text
//! source ─▶ COPY … TO (csv) ─┬─▶ S3, webhook ─▶ serve ─▶ queue ─▶ work ─▶ the stand-in ─┐
//!   │                        └─▶ old_loader: TRUNCATE, COPY … FROM ─▶ PostgreSQL ───────┼─▶ cell by cell
//!   └───────────────────────────────────────────────────────────────────────────────────┘
//! ```

use crate::old_loader::{OldLoader, rows};
use crate::receiver::{PROCESSED, Receiver, webhook};
use crate::source::{NEWEST, Source};
use crate::world::World;
use csl_stream::queue::{LoadOrder, ObjectName};
use csl_stream::schema::{BulkSchema, Table};
use csl_stream::store::ExportKind::{self, Full, Incremental};
use csl_stream::warehouse::redshift::ledger_ddl;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Minutes of the day, each with an incremental export of every table, unless the variable says otherwise.
const MINUTES: i64 = 2;
/// From the first night to six hours before the second.
const MINUTES_MAX: i64 = 18 * 60;
const MINUTES_VARIABLE: &str = "CSL_TEST_TAKEOVER_MINUTES";
/// Rows of a table in the first night.
const ROWS: i64 = 8;
/// Rows of an incremental export.
const NEW_ROWS: i64 = 2;
const NIGHTS: [&str; 2] = ["20260301031500", "20260302031500"];
/// Workers at once.
const WORKERS: usize = 3;
/// How long all loads of a night may take on a busy machine, for each.
const LOAD_MAX: Duration = Duration::from_secs(5);

/// Our half: a receiver, workers, a queue and the tables of a schema in Redshift.
pub(crate) struct Ours {
    pub(crate) world: World,
    receiver: Receiver,
    workers: Vec<Child>,
    sent: u32,
}

impl Ours {
    /// With every table of the schema, as `schema ddl` makes them and `schema ddl --ledger` grants them.
    pub(crate) fn new(schema: &BulkSchema, text: &str, settings: &[(&str, &str)]) -> Self {
        let world = World::with("");
        std::fs::write(world.dir.path().join("schema.json"), text).unwrap();
        let ddl = world.run(&["schema", "ddl"]);
        assert_eq!(ddl.code, Some(0), "{ddl:#?}");
        world.sql(&ddl.out.replace("(max)", "(65535)"));
        let names: Vec<String> = schema.loadable().map(|table| table.name.clone()).collect();
        world.sql(&ledger_ddl(world.name(), "public", &names, &world.loader()));
        let with = |mut command: Command| {
            command.env("CSL_EXPORTS_BUCKETS", "exports").env("CSL_EXPORTS_SLUG", "org");
            command.env("CSL_WORK_TABLES", "all").env("CSL_WORK_KINDS", "full,incremental");
            command.envs(settings.iter().copied());
            command
        };
        let receiver = Receiver::start(with(world.command(&["serve", "--listen", "127.0.0.1:0"])));
        let worker = |_| {
            let mut command = with(world.command(&["work", "--threads", "1"]));
            let path = world.dir.path().join("log");
            let log = std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
            command.stdout(Stdio::null()).stderr(log).spawn().unwrap()
        };
        let workers = (0..WORKERS).map(worker).collect();
        Self { world, receiver, workers, sent: 0 }
    }

    /// Puts these exports, and sends their webhooks; every other one is packed.
    pub(crate) fn send(&mut self, kind: ExportKind, at: &str, exports: &[(String, String)]) {
        for (table, csv) in exports {
            let is_packed = self.sent.is_multiple_of(2);
            let (word, ending) = (kind.word(), if is_packed { ".bz2" } else { "" });
            let key = format!("org/{word}/{table}/{}/{table}_{at}.csv{ending}", &at[..8]);
            let bytes = if is_packed { packed(csv) } else { csv.clone().into_bytes() };
            self.world.s3.put(&format!("exports/{key}"), bytes);
            let order = self.order(kind, table, key);
            assert_eq!(self.receiver.post(&webhook(&order)), PROCESSED, "{table}");
            self.sent += 1;
        }
    }

    /// Messages that wait or are taken, by SQLite's own word.
    fn messages(&self) -> i64 {
        self.queue().query_row("SELECT count(*) FROM message", [], |row| row.get(0)).unwrap()
    }

    /// What the workers said.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.world.dir.path().join("log")).unwrap()
    }

    /// Waits until each message is done, or has been tried and put back; gives the tables of those.
    pub(crate) fn waiting(&self) -> BTreeSet<String> {
        let start = Instant::now();
        loop {
            let db = self.queue();
            let sql = "SELECT lane, receipt IS NULL AND ended > 0 FROM message";
            let mut asked = db.prepare(sql).unwrap();
            let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, bool>(1)?));
            let left: Vec<(String, bool)> = asked.query_map([], row).unwrap().map(Result::unwrap).collect();
            if left.iter().all(|(_, is_back)| *is_back) {
                let table = |lane: String| lane.strip_prefix("table ").unwrap().to_owned();
                return left.into_iter().map(|(lane, _)| table(lane)).collect();
            }
            assert!(start.elapsed() < LOAD_MAX * self.sent.max(12), "{left:?}: {}", self.log());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Waits until the only message was tried so often, and put back.
    pub(crate) fn tried(&self, times: u32) {
        let start = Instant::now();
        let sql = "SELECT count(*) FROM message WHERE receipt IS NULL AND ended >= ?1";
        while self.queue().query_row(sql, [times], |row| row.get::<_, i64>(0)).unwrap() == 0 {
            assert!(start.elapsed() < LOAD_MAX * 12, "{}", self.log());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Tells the workers to end, and waits for it.
    pub(crate) fn stop(&mut self) {
        for mut worker in std::mem::take(&mut self.workers) {
            let told = Command::new("kill").args(["-TERM", &worker.id().to_string()]).status().unwrap();
            assert!(told.success());
            assert_eq!(worker.wait().unwrap().code(), Some(0), "{}", self.log());
        }
    }

    /// What the receiver says to the webhook of a full export of this table.
    pub(crate) fn post_for(&self, table: &str, at: &str) -> String {
        let key = format!("org/full/{table}/{}/{table}_{at}.csv", &at[..8]);
        self.receiver.post(&webhook(&self.order(Full, table, key)))
    }

    fn order(&self, kind: ExportKind, table: &str, key: String) -> LoadOrder {
        let url = format!("{}/exports/{key}?X-Amz-Signature=SECRET", self.world.s3.endpoint());
        let s3 = Some(ObjectName { bucket: "exports".to_owned(), key });
        LoadOrder { download_url: url, table: table.to_owned(), s3, kind }
    }

    /// Lets the time pass that messages wait for their next try.
    pub(crate) fn pass_time(&self) {
        let sql = "UPDATE message SET waits_until_ms = 0 WHERE receipt IS NULL";
        self.queue().execute(sql, []).unwrap();
    }

    fn queue(&self) -> rusqlite::Connection {
        let db = rusqlite::Connection::open(self.world.dir.path().join("queue.db")).unwrap();
        db.busy_timeout(Duration::from_secs(20)).unwrap();
        db
    }

    /// Waits until every message is done.
    pub(crate) fn settle(&self) {
        let start = Instant::now();
        while self.messages() > 0 {
            assert!(
                start.elapsed() < LOAD_MAX * self.sent.max(12),
                "{} left: {}",
                self.messages(),
                self.log()
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Dead letters, as the program lists them.
    pub(crate) fn dead(&self) -> String {
        self.world.run(&["dead-letters", "list", "--json"]).out.trim().to_owned()
    }

    fn rows(&self, schema: &BulkSchema, is_folded: bool) -> BTreeMap<String, Vec<String>> {
        let lists = lists(schema);
        let cell = |table: &str, name: &str| {
            let sql_type = &schema.find(table).unwrap().columns[name].sql_type;
            match sql_type.split('(').next().unwrap().trim() {
                "geography" => format!("st_asewkb(\"{name}\")"),
                "character varying" | "text" | "hstore" if is_folded => format!("nullif(\"{name}\", '')"),
                _ => format!("\"{name}\""),
            }
        };
        rows(self.world.database(), &lists, &cell)
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        for worker in &mut self.workers {
            let _ = worker.kill();
            let _ = worker.wait();
        }
    }
}

fn lists(schema: &BulkSchema) -> BTreeMap<String, Vec<String>> {
    let list = |table: &Table| (table.name.clone(), table.columns.keys().cloned().collect());
    schema.loadable().map(list).collect()
}

fn packed(csv: &str) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(csv.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// Three readings of every cell: ControlShift's own tables, ours, and the old loader's; the old one has NULL for every
/// empty text (`EMPTYASNULL`), and that is all.
fn compare(source: &Source, ours: &Ours, old: &OldLoader) -> usize {
    let truth = rows(source.database(), &lists(&source.schema), &|_, name| format!("\"{name}\""));
    let (exact, folded) = (ours.rows(&source.schema, false), ours.rows(&source.schema, true));
    let before = old.rows();
    assert_eq!(truth.len(), 63);
    let mut cells = 0;
    for (table, rows) in &truth {
        assert!(!rows.is_empty(), "{table}");
        assert_eq!(&exact[table], rows, "{table}: ours beside the source");
        assert_eq!(folded[table], before[table], "{table}: ours beside the old loader's");
        cells += rows.len() * source.schema.find(table).unwrap().columns.len();
    }
    cells
}

#[test]
fn all_tables_and_a_day_of_incrementals_are_as_the_old_loader_had_them() {
    let minutes = std::env::var(MINUTES_VARIABLE).map_or(MINUTES, |text| text.parse().unwrap());
    // What is deleted within the six hours before a full export is back for a night, as documented.
    assert!(minutes <= MINUTES_MAX, "{MINUTES_VARIABLE} is at most {MINUTES_MAX}");
    let source = Source::new("takeover_source", NEWEST);
    let old = OldLoader::new("takeover_old", &source.schema);
    let mut ours = Ours::new(&source.schema, NEWEST, &[]);
    let started = Instant::now();
    let mut last = ROWS;
    source.add(&(1..=last), None);
    let mut both = |kind, at: &str, exports: &[(String, String)]| {
        ours.send(kind, at, exports);
        old.load(kind == Full, exports);
    };
    both(Full, NIGHTS[0], &source.exports(&(1..=last)));
    for minute in 1..=minutes {
        let new = last + 1..=last + NEW_ROWS;
        last = *new.end();
        let (hour, minute) = (3 + (15 + minute) / 60, (15 + minute) % 60);
        source.add(&new, Some(&format!("2026-03-01 {hour:02}:{minute:02}:00")));
        both(Incremental, &format!("20260301{hour:02}{minute:02}30"), &source.exports(&new));
    }
    ours.settle();
    let day = compare(&source, &ours, &old);
    println!("{minutes} minutes: {day} cells after {:?}", started.elapsed());
    // The next night has other values, and rows less.
    source.change();
    let exports = source.exports(&(1..=last));
    ours.send(Full, NIGHTS[1], &exports);
    old.load(true, &exports);
    ours.settle();
    let night = compare(&source, &ours, &old);
    println!("{} loads: {} cells after {:?}", ours.sent, day + night, started.elapsed());
    assert_eq!(ours.dead(), "[]");
}
