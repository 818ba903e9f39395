//! Going back to a version that was kept: what the table holds then, and what loads after it do.

use super::local::ids;
use super::segments::{full, incremental, load};
use csl_stream::ledger::{Entry, versions};
use csl_stream::warehouse::{Admission, Erasure, LoadRequest, LocalWarehouse, Rollback, Warehouse, WentBack};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const DIR_VARIABLE: &str = "CSL_TEST_ROLLBACK_DIR";
const ROUNDS: u64 = 25;
const LIFE_MS_MAX: u64 = 300;
const SWITCH_WAIT_MAX: Duration = Duration::from_secs(60);

fn request(load_id: Option<&str>) -> Rollback {
    Rollback {
        rollback_id: uuid::Uuid::now_v7().to_string(),
        table: "signatures".to_owned(),
        load_id: load_id.map(str::to_owned),
        dry_run: false,
    }
}

fn go_back(warehouse: &LocalWarehouse) -> WentBack {
    warehouse.rollback(&request(None)).unwrap()
}

fn admitted(warehouse: &LocalWarehouse, request: &LoadRequest) -> Admission {
    warehouse.admit(request).unwrap()
}

const MONDAY: &str = "20260302031500";
const TUESDAY: &str = "20260303031500";
const WEDNESDAY: &str = "20260304031500";

#[test]
fn a_rollback_stays_until_a_newer_full_export() {
    let dir = tempfile::tempdir().unwrap();
    let warehouse = LocalWarehouse::new(dir.path()).keep_versions(3);
    let (good, bad) = (full("good", Some(MONDAY)), full("bad", Some(TUESDAY)));
    load(&warehouse, &good, &[&[1], &[2]]);
    load(&warehouse, &bad, &[&[9]]);
    let dry = Rollback { dry_run: true, ..request(None) };
    let would = warehouse.rollback(&dry).unwrap();
    assert_eq!(ids(dir.path(), "signatures"), Some(vec![9]), "a dry run changes nothing");
    let done = go_back(&warehouse);
    assert_eq!(done, would);
    assert_eq!((&done.from, &done.to), (&bad.load_id, &good.load_id));
    assert_eq!((done.rows_before, done.rows, done.exported_at.as_deref()), (1, 2, Some(MONDAY)));
    assert_eq!(ids(dir.path(), "signatures"), Some(vec![1, 2]));
    warehouse.snapshot("signatures").unwrap();

    // The same export comes again, also under another load's id, and is not loaded; on purpose it is.
    let again = full("bad", Some(TUESDAY));
    let Admission::RolledBack { load_id, told } = admitted(&warehouse, &again) else {
        panic!("loaded again")
    };
    assert!(load_id == bad.load_id && told.contains("rolled back"), "{told}");
    assert_eq!(admitted(&warehouse, &LoadRequest { again: true, ..again.clone() }), Admission::Proceed);
    assert!(matches!(admitted(&warehouse, &full("good", Some(MONDAY))), Admission::AlreadyLoaded { .. }));

    // An incremental one adds to what the table went back to, says so once, and changes nothing about that.
    let first = load(&warehouse, &incremental("i", Some("20260303120000")), &[&[3]]);
    assert!(first.warnings.iter().any(|told| told.contains("adds to what it went back to")), "{first:?}");
    let second = load(&warehouse, &incremental("j", Some("20260303130000")), &[&[4]]);
    assert_eq!(second.warnings, [""; 0]);
    assert!(matches!(admitted(&warehouse, &again), Admission::RolledBack { .. }));
    assert_eq!(ids(dir.path(), "signatures"), Some(vec![1, 2, 3, 4]));

    // A newer full export takes its place, and says so.
    let newer = load(&warehouse, &full("newer", Some(WEDNESDAY)), &[&[5]]);
    assert!(newer.warnings.iter().any(|told| told.contains("takes the place")), "{newer:?}");
    assert_eq!(ids(dir.path(), "signatures"), Some(vec![5]));
    let entry = warehouse.current("signatures").unwrap().unwrap();
    assert_eq!((entry.rolled_back.as_ref(), entry.format), (None, 1));
}

#[test]
fn the_same_bytes_by_another_name_are_not_loaded_again_either() {
    let dir = tempfile::tempdir().unwrap();
    let warehouse = LocalWarehouse::new(dir.path());
    load(&warehouse, &full("good", Some(MONDAY)), &[&[1]]);
    let bad = full("bad", Some(TUESDAY));
    let mut staging = warehouse.stage(&bad).unwrap();
    assert_eq!(staging.admit_content("xxh3-1").unwrap(), Admission::Proceed);
    let file = super::segments::put(&*staging, "part-00000.parquet", &[9]);
    staging.load(&[file], &super::segments::accepted(1)).unwrap();
    go_back(&warehouse);
    for (again, expected) in [(false, false), (true, true)] {
        let renamed = LoadRequest { again, ..full("bad under another name", Some(TUESDAY)) };
        let mut staging = warehouse.stage(&renamed).unwrap();
        let is_loaded = staging.admit_content("xxh3-1").unwrap() == Admission::Proceed;
        assert_eq!(is_loaded, expected, "again: {again}");
        assert_eq!(staging.admit_content("xxh3-2").unwrap(), Admission::Proceed, "other bytes");
    }
}

#[test]
fn a_second_rollback_undoes_the_first_and_an_older_version_can_be_named() {
    let dir = tempfile::tempdir().unwrap();
    let warehouse = LocalWarehouse::new(dir.path()).keep_versions(5);
    let loads = [full("a", Some(MONDAY)), full("b", Some(TUESDAY)), full("c", Some(WEDNESDAY))];
    for (number, request) in loads.iter().enumerate() {
        load(&warehouse, request, &[&[number as i64]]);
    }
    assert_eq!(go_back(&warehouse).to, loads[1].load_id);
    assert_eq!(go_back(&warehouse).to, loads[2].load_id);
    assert_eq!(ids(dir.path(), "signatures"), Some(vec![2]));
    let done = warehouse.rollback(&request(Some(&loads[0].load_id))).unwrap();
    let gone: BTreeSet<&str> = done.loads.iter().map(|load| load.load_id.as_str()).collect();
    assert_eq!(gone, BTreeSet::from([loads[1].load_id.as_str(), loads[2].load_id.as_str()]));
    assert_eq!(ids(dir.path(), "signatures"), Some(vec![0]));
    for request in &loads[1..] {
        assert!(matches!(admitted(&warehouse, request), Admission::RolledBack { .. }));
    }
    assert_eq!(versions(&dir.path().join("signatures")).unwrap().len(), 5, "the rest is swept");
}

#[test]
fn what_cannot_be_gone_back_to_is_refused_with_what_can() {
    let dir = tempfile::tempdir().unwrap();
    let warehouse = LocalWarehouse::new(dir.path()).keep_versions(2);
    let error = warehouse.rollback(&request(None)).unwrap_err();
    assert!(error.exit_code() == 2 && error.to_string().contains("no table"), "{error}");
    let only = full("a", Some(MONDAY));
    load(&warehouse, &only, &[&[1]]);
    let error = warehouse.rollback(&request(None)).unwrap_err();
    assert!(error.to_string().contains("no earlier version"), "{error}");
    let bad = full("b", Some(TUESDAY));
    load(&warehouse, &bad, &[&[2]]);
    for (given, part) in [
        (bad.load_id.as_str(), "is current"),
        ("019371c2-0000-7000-8000-000000000000", "no version of load"),
        ("../../etc", "no version of load"),
    ] {
        let error = warehouse.rollback(&request(Some(given))).unwrap_err();
        assert!(error.exit_code() == 2 && error.to_string().contains(part), "{given}: {error}");
        assert!(error.detail().unwrap().help.contains(&only.load_id), "{error:?}");
    }
    // A damaged version is none to go back to, and the table stays.
    let table = dir.path().join("signatures");
    let file = Entry::read(&table.join(&only.load_id)).unwrap().files().remove(0).name;
    std::fs::write(table.join(&only.load_id).join(file), "PAR1").unwrap();
    assert_eq!(warehouse.rollback(&request(None)).unwrap_err().exit_code(), 1);
    assert_eq!(ids(dir.path(), "signatures"), Some(vec![2]));
    let left = std::fs::read_dir(&table)
        .unwrap()
        .filter(|item| item.as_ref().unwrap().file_name().to_string_lossy().starts_with(".staging-"));
    assert_eq!(left.count(), 0, "nothing half done is left");
}

#[test]
fn another_policy_of_privacy_is_not_gone_back_to() {
    let dir = tempfile::tempdir().unwrap();
    let warehouse = LocalWarehouse::new(dir.path());
    load(&warehouse, &full("open", Some(MONDAY)), &[&[1]]);
    let policy =
        csl_stream::privacy::PolicyId { digest: "0123456789abcdef".to_owned(), name: "x".to_owned() };
    let hidden = LoadRequest { privacy: Some(policy), ..full("hidden", Some(TUESDAY)) };
    load(&warehouse, &hidden, &[&[2]]);
    let error = warehouse.rollback(&request(None)).unwrap_err();
    assert!(error.exit_code() == 2 && error.to_string().contains("policy"), "{error}");
    assert_eq!(ids(dir.path(), "signatures"), Some(vec![2]));
}

#[test]
fn who_was_erased_stays_out() {
    let dir = tempfile::tempdir().unwrap();
    let warehouse = LocalWarehouse::new(dir.path());
    load(&warehouse, &full("a", Some(MONDAY)), &[&[1, 9], &[2]]);
    // A reader keeps the old version from being erased.
    let reader = warehouse.snapshot("signatures").unwrap();
    load(&warehouse, &full("b", Some(TUESDAY)), &[&[1]]);
    let erasure = Erasure {
        erase_id: uuid::Uuid::now_v7().to_string(),
        table: "signatures".to_owned(),
        column: "id".to_owned(),
        values: vec!["9".to_owned()],
        hidden: BTreeSet::new(),
        privacy: None,
        dry_run: false,
    };
    warehouse.erase(&erasure).unwrap();
    drop(reader);
    let done = go_back(&warehouse);
    assert_eq!((done.rows, done.erased), (2, 1));
    assert_eq!(ids(dir.path(), "signatures"), Some(vec![1, 2]));
    warehouse.snapshot("signatures").unwrap();
}

/// Not a test of its own: what the killed process does. It runs until the test beside it kills it.
#[test]
fn child_goes_back_without_end() {
    let Ok(dir) = std::env::var(DIR_VARIABLE) else { return };
    let warehouse = LocalWarehouse::new(dir);
    loop {
        go_back(&warehouse);
    }
}

fn spawn(dir: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "rollback::child_goes_back_without_end", "--nocapture"]);
    command.env(DIR_VARIABLE, dir).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

#[test]
fn a_killed_rollback_leaves_the_table_before_or_after() {
    let mut random = fastrand::Rng::with_seed(super::seed::seed());
    let dir = tempfile::tempdir().unwrap();
    let warehouse = LocalWarehouse::new(dir.path()).lock_wait(Duration::from_secs(5));
    load(&warehouse, &full("a", Some(MONDAY)), &[&[1], &[2]]);
    load(&warehouse, &full("b", Some(TUESDAY)), &[&[3]]);
    let current = dir.path().join("signatures/current");
    let mut switched = 0;
    for round in 0..ROUNDS {
        let before = std::fs::read_link(&current).unwrap();
        let mut child = spawn(dir.path());
        if round % 2 == 0 {
            let started = Instant::now();
            while std::fs::read_link(&current).unwrap() == before {
                assert!(started.elapsed() < SWITCH_WAIT_MAX, "the process does not go back");
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        std::thread::sleep(Duration::from_millis(random.u64(1..LIFE_MS_MAX)));
        child.kill().unwrap();
        child.wait().unwrap();
        switched += u64::from(std::fs::read_link(&current).unwrap() != before);
        let rows = ids(dir.path(), "signatures").unwrap();
        assert!(rows == [1, 2] || rows == [3], "round {round}: {rows:?}");
        warehouse.snapshot("signatures").unwrap();
        // The next one goes to the other of the two, and cleans up.
        go_back(&warehouse);
        let other = ids(dir.path(), "signatures").unwrap();
        assert!(other != rows && (other == [1, 2] || other == [3]), "round {round}: {rows:?} {other:?}");
        let hidden = std::fs::read_dir(dir.path().join("signatures")).unwrap();
        let hidden =
            hidden.filter(|item| item.as_ref().unwrap().file_name().to_string_lossy().starts_with('.'));
        assert_eq!(hidden.count(), 1, "only the lock, round {round}");
    }
    assert!(switched >= ROUNDS / 2, "each second process has gone back");
}
