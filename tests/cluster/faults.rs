//! Processes that are killed, stopped, or gone.

use crate::seed;
use crate::world::{Cluster, PATIENCE, TIMEOUT, WAIT, World, ended, said, signal, spawned};
use std::process::Output;
use std::time::{Duration, Instant};

const INPUT: &str = "signatures.csv";
/// Large enough for some seconds of work, so that a process is killed in the middle of it.
const RECORDS: u64 = 100_000;

fn world() -> World {
    let world = World::new(RECORDS, false);
    let output = world.convert(INPUT, "one", &[]).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    world
}

fn is_whole(world: &World, out: &str, output: &Output) {
    assert!(output.status.success(), "{out}: {}", said(output));
    let (want, got) = (world.files("one"), world.files(out));
    assert_eq!(got.keys().collect::<Vec<_>>(), want.keys().collect::<Vec<_>>(), "{out}");
    assert!(got == want, "{out}: other files");
}

#[test]
fn executors_are_killed_at_random_moments() {
    let kills = std::env::var("CSL_TEST_KILLS").map_or(3, |kills| kills.parse().unwrap());
    let mut rng = fastrand::Rng::with_seed(seed::seed());
    let world = world();
    let mut cluster = Cluster::start(&world, 3, &[]);
    for kill in 0..kills {
        let out = format!("out-{kill}");
        let driver = spawned(cluster.driver(INPUT, &out));
        std::thread::sleep(Duration::from_millis(rng.u64(..4_000)));
        cluster.kill_executor(rng.usize(..cluster.executors.len()));
        is_whole(&world, &out, &ended(driver));
        cluster.add_executor();
    }
}

#[test]
fn an_executor_sleeps_and_comes_back() {
    let world = world();
    let cluster = Cluster::start(&world, 2, &[]);
    let driver = spawned(cluster.driver(INPUT, "out"));
    cluster.staged("out", 3);
    signal(&cluster.executors[0], "STOP");
    std::thread::sleep(2 * TIMEOUT);
    signal(&cluster.executors[0], "CONT");
    is_whole(&world, "out", &ended(driver));
    let twice = cluster.begun();
    assert!(twice.values().all(|&times| times <= 2), "{twice:?}");
    is_whole(&world, "again", &ended(spawned(cluster.driver(INPUT, "again"))));
}

#[test]
fn a_scheduler_is_killed_and_started_again() {
    let world = world();
    let mut cluster = Cluster::start(&world, 2, &[]);
    let driver = spawned(cluster.driver(INPUT, "out"));
    cluster.staged("out", 3);
    cluster.kill_scheduler();
    std::thread::sleep(Duration::from_secs(1));
    cluster.start_scheduler();
    is_whole(&world, "out", &ended(driver));
}

#[test]
fn a_driver_that_was_killed_leaves_what_the_next_one_takes_away() {
    let world = world();
    let cluster = Cluster::start(&world, 2, &[]);
    let mut driver = spawned(cluster.driver(INPUT, "out"));
    cluster.staged("out", 3);
    driver.kill().unwrap();
    driver.wait().unwrap();
    let refused = ended(spawned(cluster.driver(INPUT, "out")));
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    let mut again = cluster.driver(INPUT, "out");
    again.arg("--replace");
    is_whole(&world, "out", &ended(spawned(again)));
}

#[test]
fn ctrl_c_leaves_nothing() {
    let world = world();
    let cluster = Cluster::start(&world, 2, &[]);
    let driver = spawned(cluster.driver(INPUT, "out"));
    cluster.staged("out", 3);
    signal(&driver, "INT");
    let began = Instant::now();
    let output = ended(driver);
    assert_eq!(output.status.code(), Some(130), "{}", said(&output));
    assert!(began.elapsed() < Duration::from_secs(20));
    assert_eq!(world.files("out").keys().collect::<Vec<_>>(), Vec::<&String>::new());
    // What was running ends by itself, and names no file.
    is_whole(&world, "again", &ended(spawned(cluster.driver(INPUT, "again"))));
    assert!(world.files("out").is_empty());
}

#[test]
fn all_executors_are_gone() {
    let world = world();
    let mut cluster = Cluster::start(&world, 2, &[]);
    let driver = spawned(cluster.driver(INPUT, "out"));
    cluster.staged("out", 3);
    cluster.kill_executor(1);
    cluster.kill_executor(0);
    let began = Instant::now();
    let output = ended(driver);
    assert_eq!(output.status.code(), Some(7), "{}", said(&output));
    // Until they are missed, and then as long again.
    assert!(began.elapsed() < 2 * TIMEOUT + Duration::from_secs(15), "{:?}", began.elapsed());
    assert!(said(&output).contains("executors"), "{}", said(&output));
    assert!(world.files("out").is_empty(), "{:?}", world.files("out").keys());
}

#[test]
fn no_executor_ever_joins() {
    let world = World::new(40_000, false);
    let cluster = Cluster::start(&world, 0, &[]);
    let began = Instant::now();
    let output = ended(spawned(cluster.driver(INPUT, "out")));
    assert_eq!(output.status.code(), Some(7), "{}", said(&output));
    assert!(began.elapsed() < PATIENCE + Duration::from_secs(15), "{:?}", began.elapsed());
    assert!(said(&output).contains("executors"), "{}", said(&output));
    assert!(world.files("out").is_empty(), "{:?}", world.files("out").keys());
}

#[test]
fn no_scheduler_is_there() {
    let world = World::new(40_000, false);
    let mut command = world.convert(INPUT, "out", &["--cluster", "127.0.0.1:1"]);
    command.env("CSL_CLUSTER_WAIT_SECONDS", "1");
    let began = Instant::now();
    let output = ended(spawned(command));
    assert_eq!(output.status.code(), Some(7), "{}", said(&output));
    assert!(began.elapsed() < WAIT / 2 && world.files("out").is_empty());
}
