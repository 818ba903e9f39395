//! An export converted by real processes on loopback: the same files as by one machine, whatever happens to them.
//!
//! `CSL_TEST_KILLS` executors are killed at random moments; a failure names its `CSL_SEED`.

#![cfg(all(unix, feature = "cluster"))]
#![allow(clippy::unwrap_used)]

mod faults;
mod security;
#[path = "../support/seed.rs"]
mod seed;
#[path = "../support/s3.rs"]
mod server;
mod world;

use server::S3Server;
use std::path::Path;
use world::{Cluster, World, ended, files, said, spawned};

/// What two runs must agree in: the report without what tells them apart.
fn report(path: &Path) -> serde_json::Value {
    let mut report: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    for field in ["load_id", "started_at", "seconds", "stages", "rejects", "files"] {
        report.as_object_mut().unwrap().remove(field);
    }
    report
}

#[test]
fn the_files_are_those_of_one_machine() {
    let world = World::new(40_000, true);
    world.bzip2();
    for executors in [2, 4] {
        let cluster = Cluster::start(&world, executors, &[]);
        for input in ["signatures.csv", "signatures.csv.bz2"] {
            let (one, many) = (format!("one-{input}"), format!("many-{executors}-{input}"));
            let rejects = |of: &str| format!("{of}.rejects.csv");
            if !world.path(&one).exists() {
                let more = ["--rejects", &rejects(&one), "--report", &format!("{one}.json")];
                let output = world.convert(input, &one, &more).output().unwrap();
                assert!(output.status.success(), "{}", said(&output));
            }
            let before = cluster.begun().values().sum::<usize>();
            let mut driver = cluster.driver(input, &many);
            driver.args(["--rejects", &rejects(&many), "--report", &format!("{many}.json")]);
            let output = ended(spawned(driver));
            assert!(output.status.success(), "{executors} {input}: {}", said(&output));
            let (want, got) = (world.files(&one), world.files(&many));
            assert!(want.len() > 8, "{} files", want.len());
            assert_eq!(got.keys().collect::<Vec<_>>(), want.keys().collect::<Vec<_>>(), "{input}");
            assert!(got == want, "{executors} {input}: other files");
            for end in ["rejects.csv", "rejects.jsonl"] {
                let read = |of: &str| std::fs::read(world.path(&format!("{of}.{end}"))).unwrap();
                assert!(read(&one) == read(&many), "{executors} {input}: other {end}");
            }
            let reports = [&one, &many].map(|of| report(&world.path(&format!("{of}.json"))));
            assert_eq!(reports[0], reports[1]);
            // A leaf that every task runs whole would run each unit as often as there are units.
            let ran = cluster.begun().values().sum::<usize>() - before;
            assert!(ran <= want.len() + 4, "{ran} units ran for {} files", want.len());
        }
    }
}

#[test]
fn objects_of_s3_are_read_and_written() {
    let server = S3Server::start();
    let world = World::new(40_000, false).on_s3(server.endpoint());
    server.put("lake/in/signatures.csv", std::fs::read(world.path("signatures.csv")).unwrap());
    let output = world.convert("signatures.csv", "one", &[]).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let cluster = Cluster::start(&world, 2, &[]);
    let output = ended(spawned(cluster.driver("s3://lake/in/signatures.csv", "s3://lake/out")));
    assert!(output.status.success(), "{}", said(&output));
    let names: Vec<_> = server
        .names()
        .into_iter()
        .filter_map(|name| name.strip_prefix("lake/out/").map(str::to_owned))
        .collect();
    let want = world.files("one");
    assert_eq!(names, want.keys().cloned().collect::<Vec<_>>(), "and no mark");
    for (name, bytes) in &want {
        assert!(server.get(&format!("lake/out/{name}")).as_deref() == Some(&bytes[..]), "{name}");
    }
    let logs = cluster.logs() + &said(&output);
    assert!(logs.contains("unit begins"));
    for secret in [world::SECRET, world::KEY_ID, "X-Amz-Signature"] {
        assert!(!logs.contains(secret), "{secret} is in the logs");
    }
}

/// Who has another machine's folder in mind, or rights that an executor lacks, has pressed no Ctrl-C.
#[test]
fn executors_that_do_not_see_the_place_say_so() {
    let [here, there] = [S3Server::start(), S3Server::start()];
    let world = World::new(40_000, false).on_s3(there.endpoint());
    let csv = std::fs::read(world.path("signatures.csv")).unwrap();
    [&here, &there].iter().for_each(|server| server.put("lake/in/signatures.csv", csv.clone()));
    let cluster = Cluster::start(&world, 2, &[]);
    let mut driver = cluster.driver("s3://lake/in/signatures.csv", "s3://lake/out");
    driver.env("AWS_ENDPOINT_URL", here.endpoint());
    let output = ended(spawned(driver));
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(said(&output).contains("s3://lake/out"), "{}", said(&output));
    let left = |server: &S3Server| server.names().into_iter().filter(|name| name.contains("out")).count();
    assert_eq!((left(&here), left(&there)), (0, 0));
}

#[test]
fn a_table_of_the_local_warehouse_is_loaded() {
    let world = World::new(40_000, false);
    let cluster = Cluster::start(&world, 2, &[]);
    let load = |to: &str, more: &[&str]| {
        let mut command = world.command(&["backfill", "--table", "signatures", "--schema", "schema.json"]);
        command
            .args(["--segment-size", "128KiB", "--any-name", "--export", "signatures.csv", "--to", to])
            .args(more);
        let output = ended(spawned(command));
        assert!(output.status.success(), "{}", said(&output));
    };
    load("one", &[]);
    load("many", &["--cluster", &cluster.address]);
    assert!(cluster.begun().len() > 8, "{:?}", cluster.begun());
    let parquet = |to: &str| {
        let version = std::fs::canonicalize(world.path(to).join("signatures/current")).unwrap();
        let files = files(&version).into_iter();
        // Each name begins with the load's id.
        files
            .filter(|(name, _)| name.ends_with(".parquet"))
            .map(|(name, bytes)| (name.split_once("-part-").unwrap().1.to_owned(), bytes))
            .collect::<Vec<_>>()
    };
    assert!(parquet("one").len() > 8);
    assert!(parquet("one") == parquet("many"));
}
