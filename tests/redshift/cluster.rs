//! A load whose units executors convert: they stage, the driver copies and commits.

use crate::world::{NIGHT, OLD, SECONDS_MAX, World};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// So many ids become a dozen units.
const IDS: i64 = 20_000;
const SMALL: [&str; 2] = ["--segment-size", "128KiB"];

/// Processes that end with the test.
struct Cluster {
    address: String,
    processes: Vec<Child>,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.processes.iter_mut().for_each(ended);
    }
}

fn ended(process: &mut Child) {
    let _ = process.kill();
    let _ = process.wait();
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn reached(address: &str) {
    let began = Instant::now();
    while TcpStream::connect(address).is_err() {
        assert!(began.elapsed() < SECONDS_MAX, "nobody listens on {address}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

impl Cluster {
    fn start(world: &World, executors: usize) -> Self {
        let address = format!("127.0.0.1:{}", free_port());
        let spawn = |words: &[&str]| {
            let mut command = world.command(words);
            command
                .env("CSL_CLUSTER_EXECUTOR_TIMEOUT_SECONDS", "6")
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            command.spawn().unwrap()
        };
        let mut processes = vec![spawn(&["cluster", "scheduler", "--listen", &address])];
        reached(&address);
        for _ in 0..executors {
            let port = free_port().to_string();
            let words = ["cluster", "executor", "--scheduler", &address, "--port", &port, "--cores", "1"];
            processes.push(spawn(&words));
            reached(&format!("127.0.0.1:{port}"));
        }
        Self { address, processes }
    }
}

/// All cells of the table.
fn cells(world: &World) -> String {
    world.sql("SELECT md5(string_agg(t::text, E'\\n' ORDER BY id)) FROM t")
}

#[test]
fn executors_stage_what_one_machine_stages() {
    let world = World::new();
    let ids: Vec<i64> = (1..=IDS).collect();
    world.export("full", NIGHT, OLD, &ids);
    let alone = world.loaded(&SMALL);
    let want = cells(&world);
    world.sql("DELETE FROM t");
    let mut cluster = Cluster::start(&world, 2);
    let by_cluster = [&SMALL[..], &["--again", "--cluster", &cluster.address]].concat();
    let many = world.loaded(&by_cluster);
    assert_eq!(cells(&world), want);
    assert_eq!(many["rows"], alone["rows"]);
    let files = |report: &serde_json::Value| {
        let files = report["files"].as_array().unwrap();
        files.iter().map(|file| (file["rows"].clone(), file["bytes"].clone())).collect::<Vec<_>>()
    };
    assert!(files(&alone).len() > 8, "{alone:#}");
    assert_eq!(files(&many), files(&alone));
    // Nobody converts, so nothing is loaded, and the table is as it was.
    cluster.processes.drain(1..).for_each(|mut process| ended(&mut process));
    let answer = world.backfill(&by_cluster);
    assert_eq!(answer.code, Some(7), "{answer:#?}");
    assert_eq!(cells(&world), want);
    assert_eq!(world.sql("SELECT count(*) FROM csl_stream_loads"), "2");
}
