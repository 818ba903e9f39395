//! Nothing is removed or written over that this program did not put there: a warehouse and a place of
//! conversions, salted with other people's files, through a storm of loads, failures, kills and sweeps.

use super::local::ids;
use super::segments::{full, incremental, load, put};
use csl_stream::ledger::{self, versions};
use csl_stream::report::RunReport;
use csl_stream::store::{ExportKind, LocalSink, Location, ObjectInfo, SegmentSink, prepare_out};
use csl_stream::warehouse::{LocalWarehouse, Warehouse};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const OPERATIONS: usize = 200;

/// Everything that is not ours, with its bytes.
#[derive(Default)]
struct Salt(BTreeMap<PathBuf, String>);

impl Salt {
    fn file(&mut self, path: PathBuf) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        if path.exists() {
            return;
        }
        let text = format!("not ours {}", self.0.len());
        fs::write(&path, &text).unwrap();
        self.0.insert(path, text);
    }

    /// Names at every level that look like ours, or are nobody's.
    fn strew(&mut self, dir: &Path) {
        let id = "019371c2-0000-7000-8000-00000000000f";
        let table = dir.join("signatures");
        for name in [
            "README",
            "load.json",
            "part-00000.snappy.parquet",
            "notes/load.json",
            "notes/part.parquet",
            "signatures/README",
            "signatures/notes.json",
            "signatures/.hidden",
            "signatures/.tmp",
            "signatures/.x.y.tmp",
            "signatures/notes/_load.json",
            "signatures/.staging-mine/part.parquet",
            "signatures/.swept-mine/load.json",
            "signatures/.current-mine",
            "signatures/.loads/notes.json",
            "signatures/.loads/0.json",
            "signatures/.loads/.notes.x.tmp",
        ] {
            self.file(dir.join(name));
        }
        for prefix in ["", ".staging-", ".swept-"] {
            self.file(table.join(format!("{prefix}{id}")).join("notes.txt"));
            self.file(table.join(format!("{prefix}{id}")).join("part-00000.snappy.parquet"));
        }
        self.file(table.join(format!(".current-{id}")));
        for version in versions(&table).unwrap() {
            // A version with something else in it is not ours to remove; half of them.
            if version.bytes().last().unwrap() % 2 == 0 {
                self.file(table.join(&version).join("notes.txt"));
            }
        }
    }

    fn check(&self, after: &str) {
        for (path, text) in &self.0 {
            let found = fs::read_to_string(path)
                .unwrap_or_else(|error| panic!("{after}: {}: {error}", path.display()));
            assert_eq!(found, *text, "{after}: {}", path.display());
        }
    }
}

fn record(dir: &Path, load_id: &str) {
    let source = ObjectInfo::default();
    ledger::record(dir, &RunReport::begin(load_id, "signatures", ExportKind::Full, &source)).unwrap();
}

/// What a killed load leaves: half a staging folder, or a version that was never switched to.
fn kill(dir: &Path, random: &mut fastrand::Rng) {
    let (table, dead) = (dir.join("signatures"), full("dead", None));
    let id = &dead.load_id;
    let staging = table.join(format!(".staging-{id}"));
    fs::create_dir_all(&staging).unwrap();
    fs::write(staging.join(format!(".{id}-part-00000.snappy.parquet.AbC123.tmp")), "half").unwrap();
    if random.bool() {
        std::os::unix::fs::symlink(id, table.join(format!(".current-{id}"))).unwrap();
    }
}

#[test]
fn every_foreign_byte_is_there_after_a_storm() {
    let mut random = fastrand::Rng::with_seed(super::seed::seed());
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let warehouse = LocalWarehouse::new(dir.path());
    let mut salt = Salt::default();
    salt.strew(dir.path());
    for name in ["notes.txt", ".part-00000.snappy.parquet.x.tmp", "_INCOMPLETE-notes.txt", "sub/part.parquet"]
    {
        salt.file(out.join(name));
    }
    let mut loaded = 0;
    for number in 0..OPERATIONS {
        let export = format!("e{number}");
        let operation = random.u8(0..7);
        match operation {
            0 => drop(load(&warehouse, &full(&export, None), &[&[1, 2], &[3]])),
            1 => drop(load(&warehouse, &incremental(&export, None), &[&[number as i64 + 10]])),
            2 => {
                let staging = warehouse.stage(&full(&export, None)).unwrap();
                put(&*staging, "part-00000.snappy.parquet", &[9]);
            }
            3 => kill(dir.path(), &mut random),
            4 => record(dir.path(), &uuid::Uuid::now_v7().to_string()),
            5 => salt.strew(dir.path()),
            _ => convert(&out, &export, random.u8(0..3)),
        }
        loaded += usize::from(operation < 2);
        salt.check(&format!("operation {number} ({operation})"));
    }
    assert!(loaded > 20 && ids(dir.path(), "signatures").is_some());
    // What is ours was swept all the same.
    load(&warehouse, &full("last", None), &[&[1]]);
    let salted = |version: &String| dir.path().join("signatures").join(version).join("notes.txt").exists();
    let unsalted =
        versions(&dir.path().join("signatures")).unwrap().iter().filter(|name| !salted(name)).count();
    assert!(unsalted <= 2, "{unsalted}");
    assert_eq!(ids(dir.path(), "signatures"), Some(vec![1]));
}

/// A conversion that ends well, fails, or is killed; then its files are taken away as a user would.
fn convert(out: &Path, load_id: &str, end: u8) {
    let sink = LocalSink::new(out).unwrap();
    sink.begin(load_id).unwrap();
    let names = ["part-00000.snappy.parquet", "part-00001.snappy.parquet"];
    let write = |name: &str| {
        let mut writer = sink.create(name).unwrap();
        writer.append(bytes::Bytes::from_static(b"PAR1")).unwrap();
        writer
    };
    let stored = write(names[0]).finish().unwrap();
    let mark = out.join(format!("_INCOMPLETE-{load_id}.json"));
    assert!(mark.exists());
    match end {
        0 => {
            sink.end(true).unwrap();
            fs::remove_file(out.join(names[0])).unwrap();
        }
        1 => {
            sink.remove(&stored).unwrap();
            sink.end(false).unwrap();
        }
        _ => {
            // Killed with a file on its way: its temporary name stays.
            std::mem::forget(write(names[1]));
            drop(sink);
            let place = Location::Local(out.to_owned());
            let error = prepare_out(&place, false).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{error}");
            assert!(error.detail().unwrap().help.contains("--replace"), "{error}");
            prepare_out(&place, true).unwrap();
            assert!(!out.join(names[0]).exists());
        }
    }
    assert!(!mark.exists());
}

#[test]
fn a_table_that_lost_its_pointer_is_damaged_and_loses_nothing_more() {
    for name in ["_load.json", "load.json"] {
        let dir = tempfile::tempdir().unwrap();
        let table = dir.path().join("signatures");
        let warehouse = LocalWarehouse::new(dir.path());
        load(&warehouse, &full("a", None), &[&[1]]);
        load(&warehouse, &full("b", None), &[&[1], &[2]]);
        let all = versions(&table).unwrap();
        for version in &all {
            fs::rename(table.join(version).join("_load.json"), table.join(version).join("x")).unwrap();
            fs::rename(table.join(version).join("x"), table.join(version).join(name)).unwrap();
        }
        fs::remove_file(table.join("current")).unwrap();
        for _ in 0..2 {
            let next = full("c", None);
            let errors = [
                warehouse.admit(&next).err().unwrap(),
                warehouse.stage(&next).err().unwrap(),
                warehouse.snapshot("signatures").err().unwrap(),
                ledger::list(dir.path(), None).err().unwrap(),
            ];
            for error in errors {
                assert_eq!(error.exit_code(), 1, "{error}");
                assert!(error.detail().unwrap().help.contains("ln -sfn VERSION current"), "{error}");
            }
            assert_eq!(versions(&table).unwrap(), all);
        }
        assert_eq!(warehouse.tables().unwrap(), ["signatures"], "it is listed, so that it is told of");
        std::os::unix::fs::symlink(&all[1], table.join("current")).unwrap();
        load(&warehouse, &incremental("i", None), &[&[3]]);
        assert_eq!(ids(dir.path(), "signatures"), Some(vec![1, 2, 3]));
    }
}

#[test]
fn a_pointer_into_nothing_is_damage_too() {
    let dir = tempfile::tempdir().unwrap();
    let table = dir.path().join("signatures");
    let warehouse = LocalWarehouse::new(dir.path());
    load(&warehouse, &full("a", None), &[&[1]]);
    let version = versions(&table).unwrap().remove(0);
    fs::rename(table.join(&version), dir.path().join("elsewhere")).unwrap();
    let error = warehouse.stage(&full("b", None)).err().unwrap();
    assert_eq!(error.exit_code(), 1, "{error}");
    assert!(error.to_string().contains(&version), "{error}");
    fs::rename(dir.path().join("elsewhere"), table.join(&version)).unwrap();
    load(&warehouse, &full("b", None), &[&[1]]);
}

#[test]
fn copies_of_versions_survive() {
    let dir = tempfile::tempdir().unwrap();
    let table = dir.path().join("signatures");
    let warehouse = LocalWarehouse::new(dir.path());
    let first = full("a", None);
    load(&warehouse, &first, &[&[1]]);
    // As the documents recommend, and as people do; under the name of a load of another table too.
    let copies = [
        table.join("copy"),
        table.join("copy.of.2026"),
        table.join("019371c2-0000-7000-8000-000000000000"),
        dir.path().join("petitions").join(&first.load_id),
    ];
    for copy in &copies {
        fs::create_dir_all(copy).unwrap();
        for item in fs::read_dir(table.join(&first.load_id)).unwrap() {
            let item = item.unwrap();
            fs::hard_link(item.path(), copy.join(item.file_name())).unwrap();
        }
    }
    for export in ["b", "c", "d"] {
        load(&warehouse, &full(export, None), &[&[2]]);
        load(&warehouse, &super::segments::request("petitions", ExportKind::Full, export, None), &[&[3]]);
    }
    assert!(!table.join(&first.load_id).exists(), "the version itself is swept");
    for copy in &copies {
        let file = copy.join(format!("{}-part-00000.snappy.parquet", first.load_id));
        assert_eq!(super::segments::ids_of(&file), [1], "{}", copy.display());
    }
}

#[test]
fn a_foreign_lock_file_is_not_written_over() {
    let dir = tempfile::tempdir().unwrap();
    let lock = dir.path().join("signatures/.lock");
    fs::create_dir_all(lock.parent().unwrap()).unwrap();
    fs::write(&lock, "mine").unwrap();
    let error = LocalWarehouse::new(dir.path()).stage(&full("a", None)).err().unwrap();
    assert_eq!(error.exit_code(), 2, "{error}");
    assert_eq!(fs::read_to_string(&lock).unwrap(), "mine");
}

#[test]
fn two_conversions_into_one_place_never_meet() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let (one, two) = (LocalSink::new(&out).unwrap(), LocalSink::new(&out).unwrap());
    one.begin("one").unwrap();
    let refused = two.begin("two").err().unwrap();
    assert_eq!(refused.exit_code(), 2, "{refused}");
    let place = Location::Local(out.clone());
    let running = prepare_out(&place, true).err().unwrap();
    assert_eq!(running.exit_code(), 7, "the other still runs: {running}");
    // Somebody else's file under a name of ours is never replaced, nor removed afterwards.
    fs::write(out.join("part-00000.snappy.parquet"), "theirs").unwrap();
    assert!(one.create("part-00000.snappy.parquet").is_err());
    let mut late = one.create("part-00001.snappy.parquet").unwrap();
    fs::write(out.join("part-00001.snappy.parquet"), "theirs").unwrap();
    late.append(bytes::Bytes::from_static(b"ours")).unwrap();
    assert!(late.finish().is_err());
    one.end(false).unwrap();
    drop(one);
    for name in ["part-00000.snappy.parquet", "part-00001.snappy.parquet"] {
        assert_eq!(fs::read_to_string(out.join(name)).unwrap(), "theirs");
    }
    assert_eq!(fs::read_dir(&out).unwrap().count(), 2);
    assert_eq!(prepare_out(&place, true).err().unwrap().exit_code(), 2, "Parquet of others stays");
}
