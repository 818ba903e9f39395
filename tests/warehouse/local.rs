//! The local warehouse: versions, links, the switch, the lock, the sweep.

use super::contract::{Bench, contract};
use super::obedient::obedient;
use super::segments::{accepted, full, ids_of, incremental, load, put, read_ids};
use csl_stream::Error;
use csl_stream::ledger::{Entry, current_version, versions};
use csl_stream::warehouse::{Admission, LocalWarehouse, Warehouse};
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

const NO_PERMISSION_VARIABLE: &str = "CSL_TEST_NO_PERMISSION_DIR";

/// Ids that a reader of `current/*.parquet` sees; none if there is no such table.
pub(crate) fn ids(dir: &Path, table: &str) -> Option<Vec<i64>> {
    let current = dir.join(table).join("current");
    let mut ids: Vec<i64> = parquet_files(&current)?.iter().flat_map(|path| ids_of(path)).collect();
    ids.sort_unstable();
    Some(ids)
}

fn parquet_files(dir: &Path) -> Option<Vec<PathBuf>> {
    let names = fs::read_dir(dir).ok()?.map(|item| item.unwrap().path());
    let mut files: Vec<_> = names.filter(|path| path.extension().is_some_and(|e| e == "parquet")).collect();
    files.sort();
    Some(files)
}

fn names(dir: &Path) -> Vec<String> {
    let names = fs::read_dir(dir).unwrap().map(|item| item.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

/// A warehouse in a folder of its own, and the folder of the table `signatures`.
fn warehouse() -> (TempDir, LocalWarehouse, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let table_dir = dir.path().join("signatures");
    let warehouse = LocalWarehouse::new(dir.path());
    (dir, warehouse, table_dir)
}

#[test]
fn keeps_the_contract() {
    contract(|| {
        let dir = tempfile::tempdir().unwrap();
        let warehouse = Box::new(LocalWarehouse::new(dir.path().join("not/there/yet")));
        let ids = move |table: &str| ids(&dir.path().join("not/there/yet"), table);
        Bench { warehouse, ids: Box::new(ids), before: None }
    });
}

#[test]
fn nothing_is_older_than_a_full_export_of_unknown_time() {
    let (_dir, warehouse, _) = warehouse();
    load(&warehouse, &full("a", Some("20240301120000")), &[&[1]]);
    load(&warehouse, &full("c", None), &[&[2]]);
    assert_eq!(warehouse.admit(&full("d", Some("20240101000000"))).unwrap(), Admission::Proceed);
}

#[test]
fn lays_out_versions_as_documented() {
    let (dir, warehouse, table_dir) = warehouse();
    let (first, second) = (full("a", None), full("b", None));
    load(&warehouse, &first, &[&[1], &[2]]);
    load(&warehouse, &second, &[&[3]]);
    assert_eq!(names(&table_dir), [".lock", &first.load_id, &second.load_id, "current"]);
    let part = |number| format!("{}-part-0000{number}.snappy.parquet", first.load_id);
    assert_eq!(names(&table_dir.join(&first.load_id)), [part(0), part(1), "_load.json".to_owned()]);
    assert_eq!(fs::read_link(table_dir.join("current")).unwrap(), Path::new(&second.load_id));
    assert_eq!(warehouse.tables().unwrap(), ["signatures"]);
    assert_eq!(warehouse.snapshot("signatures").unwrap().files.len(), 1);
    let moved = dir.path().with_extension("moved");
    fs::rename(dir.path(), &moved).unwrap();
    assert_eq!(ids(&moved, "signatures"), Some(vec![3]), "the pointer is relative");
    fs::rename(&moved, dir.path()).unwrap();
}

#[test]
fn an_incremental_links_the_old_files_in_load_order() {
    let (_dir, warehouse, table_dir) = warehouse();
    let loads = [full("a", None), incremental("i", None), incremental("j", None)];
    for (number, request) in loads.iter().enumerate() {
        load(&warehouse, request, &[&[number as i64]]);
    }
    let files = warehouse.snapshot("signatures").unwrap().files;
    let order: Vec<_> = files.iter().map(|path| ids_of(path)[0]).collect();
    assert_eq!(order, [0, 1, 2]);
    assert!(files.is_sorted(), "names sort in load order");
    let old = table_dir.join(&loads[1].load_id).join(files[0].file_name().unwrap());
    assert_eq!(fs::metadata(&old).unwrap().ino(), fs::metadata(&files[0]).unwrap().ino());
}

#[test]
fn a_reader_of_the_old_version_finishes_on_it() {
    let (_dir, warehouse, table_dir) = warehouse();
    load(&warehouse, &full("a", None), &[&[1, 2]]);
    let listed = parquet_files(&table_dir.join("current")).unwrap();
    let opened = File::open(&listed[0]).unwrap();
    load(&warehouse, &incremental("i", None), &[&[3]]);
    assert_eq!(ids_of(&listed[0]), [1, 2], "what was listed before an incremental is there after it");
    for export in ["b", "c", "d"] {
        load(&warehouse, &full(export, None), &[&[9]]);
    }
    assert!(!listed[0].exists(), "a name never stands for another export's rows");
    assert_eq!(read_ids(opened), [1, 2], "what is open stays readable, swept or not");
}

#[test]
fn a_snapshot_holds_its_version_against_the_sweep() {
    let (_dir, warehouse, table_dir) = warehouse();
    let first = full("a", None);
    load(&warehouse, &first, &[&[1]]);
    let snapshot = warehouse.snapshot("signatures").unwrap();
    for export in ["b", "c", "d"] {
        load(&warehouse, &full(export, None), &[&[2]]);
    }
    assert_eq!(ids_of(&snapshot.files[0]), [1]);
    assert_eq!(versions(&table_dir).unwrap().len(), 3, "two kept and one held");
    drop(snapshot);
    load(&warehouse, &full("e", None), &[&[2]]);
    assert!(!table_dir.join(&first.load_id).exists());
}

#[test]
fn keeps_as_many_versions_as_told() {
    for (keep, kept) in [(0, 1), (1, 1), (2, 2), (4, 4), (9, 5)] {
        let (_dir, warehouse, table_dir) = warehouse();
        let warehouse = warehouse.keep_versions(keep);
        for export in ["a", "b", "c", "d", "e"] {
            load(&warehouse, &full(export, None), &[&[1]]);
        }
        assert_eq!(versions(&table_dir).unwrap().len(), kept, "keep {keep}");
    }
}

#[test]
fn sweeps_what_dead_loads_left_and_nothing_else() {
    let (_dir, warehouse, table_dir) = warehouse();
    let first = full("a", None);
    load(&warehouse, &first, &[&[1]]);
    let id = || uuid::Uuid::now_v7().to_string();
    for (dead, load) in [(".staging-", id()), (".swept-", id())] {
        let dead = table_dir.join(format!("{dead}{load}"));
        fs::create_dir_all(&dead).unwrap();
        fs::write(dead.join(format!("{load}-part-0.parquet")), "half").unwrap();
        fs::write(dead.join(format!(".{load}-part-1.parquet.AbC123.tmp")), "half").unwrap();
    }
    let dead = id();
    std::os::unix::fs::symlink(&dead, table_dir.join(format!(".current-{dead}"))).unwrap();
    copy_version(&table_dir, &first.load_id, &dead);
    own(&table_dir, &dead);
    fs::create_dir(table_dir.join("notes")).unwrap();
    fs::write(table_dir.join("README"), "someone's own").unwrap();
    load(&warehouse, &full("b", None), &[&[2]]);
    let left: Vec<_> = names(&table_dir).into_iter().filter(|name| name.len() < 36).collect();
    assert_eq!(left, [".lock", "README", "current", "notes"]);
    assert_eq!(versions(&table_dir).unwrap().len(), 2);
    assert_eq!(names(&table_dir).len(), 6, "{:?}", names(&table_dir));
}

/// Has the entry of a copied version tell of itself.
fn own(table_dir: &Path, version: &str) {
    let path = table_dir.join(version).join("_load.json");
    let mut entry: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    entry["load_id"] = version.into();
    fs::write(path, entry.to_string()).unwrap();
}

fn copy_version(table_dir: &Path, from: &str, to: &str) {
    fs::create_dir(table_dir.join(to)).unwrap();
    for name in names(&table_dir.join(from)) {
        fs::copy(table_dir.join(from).join(&name), table_dir.join(to).join(&name)).unwrap();
    }
}

#[test]
fn a_second_load_waits_and_then_names_the_holder() {
    let (_dir, warehouse, _) = warehouse();
    let holder = full("a", None);
    let staging = warehouse.stage(&holder).unwrap();
    let hasty = warehouse.clone().lock_wait(Duration::from_millis(120));
    let error = hasty.stage(&full("b", None)).err().unwrap();
    assert!(matches!(error, Error::Transient(_)) && error.to_string().contains(&holder.load_id), "{error}");
    hasty.stage(&super::segments::request("petitions", holder.kind, "a", None)).unwrap();
    std::thread::scope(|scope| {
        let second = scope.spawn(|| load(&warehouse, &full("b", None), &[&[2]]));
        std::thread::sleep(Duration::from_millis(100));
        assert!(!second.is_finished());
        let file = put(&*staging, "part-0.parquet", &[1]);
        staging.load(&[file], &accepted(1)).unwrap();
        second.join().unwrap();
    });
    assert_eq!(warehouse.current("signatures").unwrap().unwrap().rows_in_table(), 1);
}

#[test]
fn many_loads_at_once_lose_nothing() {
    let (dir, warehouse, _) = warehouse();
    std::thread::scope(|scope| {
        for worker in 0..4i64 {
            let warehouse = &warehouse;
            scope.spawn(move || {
                for turn in 0..5 {
                    let id = worker * 10 + turn;
                    load(warehouse, &incremental(&format!("i{id}"), None), &[&[id]]);
                }
            });
        }
    });
    let expected: Vec<i64> = (0..4).flat_map(|worker| (0..5).map(move |turn| worker * 10 + turn)).collect();
    assert_eq!(ids(dir.path(), "signatures"), Some(expected));
}

#[test]
fn damage_is_named_and_nothing_is_removed() {
    let (_dir, warehouse, table_dir) = warehouse();
    load(&warehouse, &full("a", None), &[&[1]]);
    let version = current_version(&table_dir).unwrap().unwrap();
    let entry_path = table_dir.join(&version).join("_load.json");
    let entry = fs::read_to_string(&entry_path).unwrap();
    for (text, told) in
        [("{", "damaged"), (&entry.replacen("\"format\": 1", "\"format\": 99", 1), "format 99")]
    {
        fs::write(&entry_path, text).unwrap();
        let error = warehouse.stage(&full("b", None)).err().unwrap();
        assert!(matches!(error, Error::Input(_)) && error.to_string().contains(told), "{error}");
    }
    fs::write(&entry_path, entry).unwrap();
    fs::remove_file(table_dir.join("current")).unwrap();
    fs::create_dir(table_dir.join("current")).unwrap();
    let error = warehouse.admit(&full("b", None)).err().unwrap();
    assert!(error.to_string().contains("not a link"), "{error}");
    assert!(Entry::read(&table_dir.join(version)).is_ok());
}

#[test]
fn a_folder_without_permission_is_an_access_error() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o555)).unwrap();
    let mut child = obedient(&std::env::current_exe().unwrap());
    child.args(["--exact", "local::child_stages_without_permission", "--nocapture"]);
    let output = child.env(NO_PERMISSION_VARIABLE, dir.path()).output().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&output.stderr));
}

/// Not a test of its own: what the test beside it runs without the superuser's rights.
#[test]
fn child_stages_without_permission() {
    let Some(dir) = std::env::var_os(NO_PERMISSION_VARIABLE) else { return };
    let staged = LocalWarehouse::new(dir).stage(&full("a", None));
    assert!(matches!(staged, Err(Error::Access(_))), "{:?}", staged.err());
}

#[test]
fn a_missing_table_lists_the_tables_there_are() {
    let (_dir, warehouse, _) = warehouse();
    load(&warehouse, &full("a", None), &[&[1]]);
    let error = warehouse.snapshot("petitions").err().unwrap();
    assert!(matches!(error, Error::Usage(_)));
    assert_eq!(error.detail().unwrap().help, "tables: signatures");
}
