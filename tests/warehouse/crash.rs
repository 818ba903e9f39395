//! A load killed at any moment leaves the old table whole, and the next load cleans up.
//!
//! A real process loads without end and is killed with SIGKILL at random times. Whatever it leaves on
//! disk must be a table of which every row is accounted for.

use super::local::ids;
use super::segments::{full, incremental, load};
use csl_stream::ledger::Entry;
use csl_stream::warehouse::LocalWarehouse;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

type Step = (&'static str, fn(&Path));

/// A load that dies.
const DEAD: &str = "019371c2-0000-7000-8000-000000000000";

const DIR_VARIABLE: &str = "CSL_TEST_CRASH_DIR";
const ROUNDS: u64 = 25;
const LIFE_MS_MAX: u64 = 400;
/// Loads from one full export to the next: enough for small files to be merged twice.
const TURNS: i64 = 20;
/// How long a process may take to its first switch, on a busy machine.
const SWITCH_WAIT_MAX: Duration = Duration::from_secs(60);

/// Not a test of its own: what the killed process does. It runs until the test beside it kills it.
#[test]
fn child_loads_without_end() {
    let Ok(dir) = std::env::var(DIR_VARIABLE) else { return };
    let warehouse = LocalWarehouse::new(dir);
    for turn in 0i64.. {
        // A full export of two files with the rows 0 and 1, then incrementals with one more row each.
        let export = uuid::Uuid::now_v7().to_string();
        match turn % TURNS {
            0 => load(&warehouse, &full(&export, None), &[&[0], &[1]]),
            more => load(&warehouse, &incremental(&export, None), &[&[more + 1]]),
        };
    }
}

fn spawn(dir: &Path) -> Child {
    let program = std::env::current_exe().unwrap();
    let mut command = Command::new(program);
    command.args(["--exact", "crash::child_loads_without_end", "--nocapture"]);
    command.env(DIR_VARIABLE, dir).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

fn wait_until(done: impl Fn() -> bool) {
    let started = Instant::now();
    while !done() {
        assert!(started.elapsed() < SWITCH_WAIT_MAX, "the process does not load");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Whether a file holds rows of several loads.
fn is_merged(entry: &Entry) -> bool {
    entry.slices().len() > entry.files().len()
}

#[test]
fn a_killed_load_leaves_the_old_table() {
    let mut random = fastrand::Rng::with_seed(super::seed::seed());
    let dir = tempfile::tempdir().unwrap();
    let warehouse = LocalWarehouse::new(dir.path()).lock_wait(Duration::from_secs(5));
    let current = dir.path().join("signatures/current");
    let (mut switched, mut merged) = (0, 0);
    for round in 0..ROUNDS {
        let before = std::fs::read_link(&current).ok();
        let mut child = spawn(dir.path());
        // Every other process is killed in its first load or before it, every fifth as soon as it has merged files.
        if round % 2 == 0 {
            wait_until(|| std::fs::read_link(&current).ok() != before);
        }
        if round % 5 == 0 {
            wait_until(|| {
                warehouse
                    .current("signatures")
                    .is_ok_and(|entry| entry.is_some_and(|entry| is_merged(&entry)))
            });
        } else {
            std::thread::sleep(Duration::from_millis(random.u64(1..LIFE_MS_MAX)));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let Some(rows) = ids(dir.path(), "signatures") else { continue };
        // 0 1, or 0 1 2, and so on; 7 if the process died before its first switch.
        let loaded = (0..rows.len() as i64).eq(rows.iter().copied());
        assert!(
            loaded && rows.len() as i64 <= TURNS + 1 && rows.len() > 1 || rows == [7],
            "round {round}: {rows:?}"
        );
        switched += u64::from(rows != [7]);
        let entry = warehouse.current("signatures").unwrap().unwrap();
        assert_eq!(entry.rows_in_table(), rows.len() as u64, "round {round}");
        warehouse.snapshot("signatures").unwrap();
        merged += usize::from(is_merged(&entry));
        // The dead process's lock is gone with it, and its leftovers go with the next load.
        load(&warehouse, &full(&format!("after {round}"), None), &[&[7]]);
        assert_eq!(ids(dir.path(), "signatures"), Some(vec![7]));
        let left = std::fs::read_dir(dir.path().join("signatures")).unwrap();
        let hidden =
            left.filter(|item| item.as_ref().unwrap().file_name().to_string_lossy().starts_with('.'));
        assert_eq!(hidden.count(), 1, "only the lock, round {round}");
    }
    println!("the table was switched in {switched} of {ROUNDS} rounds, {merged} left with merged files");
    assert!(merged > 0, "no process was killed that had merged files");
    assert!(switched >= ROUNDS / 2, "each second process has loaded");
}

/// The steps of a load one by one: whatever prefix of them has happened, readers see the old rows.
#[test]
fn every_prefix_of_the_steps_leaves_the_old_table() {
    let steps: &[Step] = &[
        ("staging folder", |table| std::fs::create_dir(table.join(format!(".staging-{DEAD}"))).unwrap()),
        ("half a segment", |table| {
            std::fs::write(table.join(format!(".staging-{DEAD}/.{DEAD}-part.parquet.AbC123.tmp")), "PAR1")
                .unwrap()
        }),
        ("a segment", |table| {
            std::fs::rename(
                table.join(format!(".staging-{DEAD}/.{DEAD}-part.parquet.AbC123.tmp")),
                table.join(format!(".staging-{DEAD}/{DEAD}-part.parquet")),
            )
            .unwrap();
        }),
        ("the entry", |table| {
            let entry = std::fs::read(table.join("current/_load.json")).unwrap();
            let mut entry: serde_json::Value = serde_json::from_slice(&entry).unwrap();
            entry["load_id"] = DEAD.into();
            entry["parts"][0]["files"][0]["name"] = format!("{DEAD}-part.parquet").into();
            std::fs::write(table.join(format!(".staging-{DEAD}/_load.json")), entry.to_string()).unwrap();
        }),
        ("the next pointer", |table| {
            std::os::unix::fs::symlink(DEAD, table.join(format!(".current-{DEAD}"))).unwrap();
        }),
        ("the version", |table| {
            std::fs::rename(table.join(format!(".staging-{DEAD}")), table.join(DEAD)).unwrap();
        }),
    ];
    for prefix in 0..=steps.len() {
        let dir = tempfile::tempdir().unwrap();
        let warehouse = LocalWarehouse::new(dir.path());
        load(&warehouse, &full("a", None), &[&[1]]);
        for (_, step) in &steps[..prefix] {
            step(&dir.path().join("signatures"));
        }
        let after = steps[..prefix].last().map_or("nothing", |(what, _)| what);
        assert_eq!(ids(dir.path(), "signatures"), Some(vec![1]), "after {after}");
        load(&warehouse, &incremental("i", None), &[&[2]]);
        assert_eq!(ids(dir.path(), "signatures"), Some(vec![1, 2]), "after {after}");
        let left = std::fs::read_dir(dir.path().join("signatures")).unwrap().count();
        assert_eq!(left, 4, "two versions, the pointer and the lock, after {after}");
    }
}
