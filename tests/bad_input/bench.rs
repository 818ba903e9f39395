//! A folder with an old table in a warehouse, and the whole check of a run that must fail.

pub(crate) use crate::answer::Answer;
use crate::exports::{OLD_IDS, SCHEMA, good};
use crate::run::{program, without_settings};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::RowAccessor;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Where exports lie; the name gives the date.
const EXPORTS: &str = "exports/full/t";
/// Dates of the old export, the bad one, and the good one after it.
const DATES: [&str; 3] = ["20260301", "20260302", "20260303"];
/// Longest message that a person reads.
const MESSAGE_BYTES_MAX: usize = 2_000;
/// How long a process may take to get somewhere or to end, on a busy machine.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// The old table.
pub(crate) struct Bench {
    dir: TempDir,
    warehouse: PathBuf,
    before: Snapshot,
}

/// What readers of a table see: where `current` leads, and each file there with its bytes.
#[derive(PartialEq, Eq)]
struct Snapshot {
    version: PathBuf,
    files: Vec<(String, Vec<u8>)>,
    ids: Vec<i64>,
}

/// What must be said of a failure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expected<'a> {
    pub(crate) code: i32,
    /// Parts of the message: the fault and its place. `EXPORT` stands for the export's path.
    pub(crate) told: &'a [&'a str],
    /// A part of the help line.
    pub(crate) help: &'a str,
}

impl Bench {
    /// A folder of its own with an old table.
    pub(crate) fn new() -> Self {
        Self::with_warehouse(None)
    }

    /// The same with the warehouse elsewhere.
    pub(crate) fn with_warehouse(elsewhere: Option<&Path>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("schema.json"), SCHEMA).unwrap();
        let warehouse = elsewhere.map_or_else(|| dir.path().join("warehouse"), Path::to_owned);
        let mut bench =
            Self { dir, warehouse, before: Snapshot { version: PathBuf::new(), files: vec![], ids: vec![] } };
        fs::create_dir_all(bench.export(0).parent().unwrap()).unwrap();
        fs::write(bench.export(0), good(OLD_IDS)).unwrap();
        let answer = bench.backfill(&[]);
        assert_eq!(answer.code, Some(0), "the old table: {answer:?}");
        bench.before = bench.snapshot();
        assert_eq!(bench.before.ids, OLD_IDS.collect::<Vec<_>>());
        bench
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn table_dir(&self) -> PathBuf {
        self.warehouse.join("t")
    }

    fn export(&self, number: usize) -> PathBuf {
        let date = DATES[number];
        self.dir.path().join(format!("{EXPORTS}/{date}/t_{date}031500.csv"))
    }

    /// Where the bad export goes; its folder is there. The name says nothing about compression, as it
    /// need not.
    pub(crate) fn bad_export(&self) -> PathBuf {
        let path = self.export(1);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    }

    /// `backfill --json` of the newest export, run by `command`.
    pub(crate) fn backfill_by(&self, command: Command, more: &[&str]) -> Command {
        let mut command = without_settings(command);
        command.current_dir(self.dir.path()).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.args(["backfill", "--table", "t", "--exports", "exports", "--schema", "schema.json"]);
        command.args(["--json", "--rejects", "rejects.csv", "--to"]).arg(&self.warehouse).args(more);
        command
    }

    pub(crate) fn backfill(&self, more: &[&str]) -> Answer {
        Answer::of(self.backfill_by(Command::new(program()), more).output().unwrap())
    }

    /// The same, left running.
    pub(crate) fn spawn(&self, more: &[&str]) -> Child {
        self.backfill_by(Command::new(program()), more).spawn().unwrap()
    }

    fn loads(&self) -> Vec<Value> {
        let mut command = without_settings(Command::new(program()));
        command.args(["loads", "list", "--json"]).current_dir(self.dir.path());
        command.env("CSL_WAREHOUSE_TO", &self.warehouse);
        let answer = Answer::of(command.output().unwrap());
        assert_eq!(answer.code, Some(0), "{answer:?}");
        serde_json::from_str(&answer.out).unwrap()
    }

    fn snapshot(&self) -> Snapshot {
        let current = self.table_dir().join("current");
        let mut files: Vec<_> = names(&current)
            .into_iter()
            .map(|name| (fs::read(current.join(&name)).unwrap(), name))
            .map(|(bytes, name)| (name, bytes))
            .collect();
        files.sort();
        let parquet = files.iter().filter(|(name, _)| name.ends_with(".parquet"));
        let ids = parquet.flat_map(|(_, bytes)| ids_of(bytes)).collect();
        Snapshot { version: fs::read_link(current).unwrap(), files, ids }
    }

    /// Everything about a run that failed: what it said, what it wrote down, what it left.
    pub(crate) fn check_failure(&self, case: &str, answer: &Answer, expected: &Expected<'_>) {
        let export = self.export(1).display().to_string();
        let help = self.check_message(case, answer, expected, &export);
        assert!(!help.is_empty(), "{case}: no help: {answer:?}");
        let report: Value = serde_json::from_str(&answer.out).unwrap();
        assert_eq!(report["status"], "failed", "{case}: {report}");
        assert_eq!(report["source"]["uri"], export.as_str(), "{case}: {report}");
        assert_eq!((&report["rows"]["loaded"], &report["files"]), (&0.into(), &Value::Array(vec![])));
        let error = report["error"].as_str().unwrap();
        assert!(answer.err.contains(error), "{case}: {error}");
        self.check_old_table(case);
        let loads = self.loads();
        let of = |number: usize, key: &str| loads[number][key].clone();
        assert_eq!(of(0, "load_id"), report["load_id"], "{case}");
        assert_eq!((of(0, "status"), of(0, "standing")), ("failed".into(), "gone".into()), "{case}");
        assert_eq!(of(0, "error"), error, "{case}");
        assert_eq!((of(1, "status"), of(1, "standing")), ("succeeded".into(), "current".into()), "{case}");
        assert_eq!(names(&self.table_dir()), self.names_of_a_sound_table(1), "{case}");
        let mut left = vec!["exports", "schema.json"];
        if expected.code == 5 {
            left.splice(1..1, ["rejects.csv", "rejects.jsonl"]);
        }
        let ours: Vec<_> = names(self.dir.path()).into_iter().filter(|name| name != "warehouse").collect();
        assert_eq!(ours, left, "{case}");
    }

    fn check_message(&self, case: &str, answer: &Answer, expected: &Expected<'_>, export: &str) -> String {
        assert_eq!(answer.code, Some(expected.code), "{case}: {answer:?}");
        let error = answer.err.find("error: ").unwrap_or_else(|| panic!("{case}: no error: {answer:?}"));
        let (message, help) = answer.err[error..].split_once("\n  help: ").unwrap_or_default();
        println!("{case} | {} | {message} | {}", expected.code, help.trim_end());
        assert!(message.len() + help.len() < MESSAGE_BYTES_MAX, "{case}: {} bytes", message.len());
        for part in expected.told.iter().map(|part| part.replace("EXPORT", export)) {
            assert!(message.contains(&part), "{case}: {part:?} is missing in {message:?}");
        }
        assert!(help.contains(expected.help), "{case}: {:?} is missing in {help:?}", expected.help);
        help.trim().to_owned()
    }

    /// The old table is where it was, byte for byte.
    pub(crate) fn check_old_table(&self, case: &str) {
        assert!(self.snapshot() == self.before, "{case}: the old table has changed");
    }

    fn names_of_a_sound_table(&self, versions: usize) -> Vec<String> {
        let mut names: Vec<_> =
            names(&self.table_dir()).into_iter().filter(|name| !name.contains('.')).collect();
        assert_eq!(names.len(), versions + 1, "{names:?}");
        names.extend([".loads".to_owned(), ".lock".to_owned()]);
        names.sort();
        names
    }

    /// A good export after the bad one loads, and nothing is left of the failed run.
    pub(crate) fn check_recovery(&self, case: &str) {
        let path = self.export(2);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, good(10..14)).unwrap();
        let answer = self.backfill(&[]);
        assert_eq!(answer.code, Some(0), "{case}, then a good export: {answer:?}");
        assert_eq!(self.snapshot().ids, [10, 11, 12, 13], "{case}, then a good export");
        assert_eq!(names(&self.table_dir()), self.names_of_a_sound_table(2), "{case}, then a good export");
        let kept = self.table_dir().join(&self.before.version);
        assert!(kept.join("_load.json").exists(), "{case}: the old table is kept as a version");
    }
}

/// What a process says in the end, which must come.
pub(crate) fn wait_for(mut child: Child, case: &str) -> Answer {
    wait_until(case, || child.try_wait().unwrap().is_some());
    Answer::of(child.wait_with_output().unwrap())
}

/// Sends a signal by its short name.
pub(crate) fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap();
    assert!(sent.success(), "kill -{name}");
}

/// Looks again and again until it is so; fails if it never is.
pub(crate) fn wait_until(what: &str, mut so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !so() {
        assert!(started.elapsed() < WAIT_MAX, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Names in a folder, sorted.
pub(crate) fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn ids_of(parquet: &[u8]) -> Vec<i64> {
    let reader = SerializedFileReader::new(bytes::Bytes::copy_from_slice(parquet)).unwrap();
    let rows = reader.get_row_iter(None).unwrap();
    rows.map(|row| row.unwrap().get_long(0).unwrap()).collect()
}
