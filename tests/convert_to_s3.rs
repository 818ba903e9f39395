//! Conversions into S3: they never add to what lies there, and those that broke off are known as such.

#![cfg(all(unix, feature = "aws"))]
#![allow(clippy::unwrap_used)]

#[path = "support/s3.rs"]
mod server;

use server::{Fault, Kind, S3Server};
use std::io::Write;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const SCHEMA: &str = r#"{"tables":[{"table":{"name":"t","columns":{
    "id":{"type":"integer","sql_type":"bigint"},"name":{"type":"string","sql_type":"text"}}}}]}"#;
const WAIT: Duration = Duration::from_secs(60);
/// Small row groups and files, so that one is there early.
const SMALL: [&str; 6] = ["--segment-size", "100kB", "--row-group-size", "50kB", "--threads", "1"];

struct Place {
    folder: tempfile::TempDir,
    server: S3Server,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("schema.json"), SCHEMA).unwrap();
        std::fs::write(folder.path().join("a.csv"), "id,name\n1,a\n2,b\n").unwrap();
        Self { folder, server: S3Server::start() }
    }

    fn command(&self, input: &str, more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_csl-stream"));
        command
            .args(["convert", "--schema", "schema.json", "--table", "t", "--out", "s3://lake/t", input])
            .args(more)
            .current_dir(self.folder.path())
            .env("AWS_ENDPOINT_URL", self.server.endpoint())
            .env("AWS_ACCESS_KEY_ID", "AKIDTEST")
            .env("AWS_SECRET_ACCESS_KEY", "secret")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_EC2_METADATA_DISABLED", "true");
        command
    }

    fn run(&self, more: &[&str]) -> Output {
        self.command("a.csv", more).output().unwrap()
    }

    /// A conversion of which a file is there, and which waits for more.
    fn under_way(&self) -> Child {
        let mut command = self.command("-", &SMALL);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let input = child.stdin.as_mut().unwrap();
        input.write_all(b"id,name\n").unwrap();
        let started = Instant::now();
        while !self.names().iter().any(|name| name.starts_with("part-") && name.ends_with(".parquet")) {
            assert!(started.elapsed() < WAIT, "it writes nothing");
            input.write_all("5,some\n".repeat(1_000).as_bytes()).unwrap();
        }
        child
    }

    fn names(&self) -> Vec<String> {
        let names = self.server.names();
        names.iter().filter_map(|name| name.strip_prefix("lake/t/")).map(str::to_owned).collect()
    }

    fn marks(&self) -> usize {
        self.names().iter().filter(|name| name.starts_with("_INCOMPLETE-")).count()
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_whole_set_has_no_mark() {
    let place = Place::new();
    assert_eq!(place.run(&[]).status.code(), Some(0));
    assert_eq!(place.names(), ["part-00000.snappy.parquet"]);
    let again = place.run(&["--replace"]);
    assert_eq!(again.status.code(), Some(2), "{}", said(&again));
    assert_eq!(place.names(), ["part-00000.snappy.parquet"]);
}

#[test]
fn what_was_killed_is_told_and_replaced_and_nothing_else() {
    let place = Place::new();
    let foreign = ["part-00000.snappy.parquet.bak", "notes.txt", "deep/part-00000.snappy.parquet"];
    for name in foreign {
        place.server.put(&format!("lake/t/{name}"), "foreign");
    }
    let mut child = place.under_way();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(place.marks(), 1, "{:?}", place.names());
    let next = place.run(&[]);
    assert_eq!(next.status.code(), Some(2));
    assert!(said(&next).contains("--replace") && said(&next).contains("some of the rows"), "{}", said(&next));

    let replaced = place.run(&["--replace"]);
    assert_eq!(replaced.status.code(), Some(0), "{}", said(&replaced));
    let mut expected: Vec<_> = foreign.iter().map(ToString::to_string).collect();
    expected.push("part-00000.snappy.parquet".to_owned());
    expected.sort();
    assert_eq!(place.names(), expected);
    for name in foreign {
        assert_eq!(place.server.get(&format!("lake/t/{name}")).unwrap(), "foreign", "{name}");
    }
}

#[test]
fn what_took_the_name_of_a_written_file_stays() {
    let place = Place::new();
    let mut child = place.under_way();
    child.kill().unwrap();
    child.wait().unwrap();
    place.server.put("lake/t/part-00000.snappy.parquet", "of somebody else");
    let refused = place.run(&["--replace"]);
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    assert_eq!(place.names(), ["part-00000.snappy.parquet"]);
    assert_eq!(place.server.get("lake/t/part-00000.snappy.parquet").unwrap(), "of somebody else");
}

#[test]
fn who_lost_its_mark_does_not_say_done() {
    let place = Place::new();
    let mut child = place.under_way();
    assert_eq!(place.run(&["--replace"]).status.code(), Some(0));
    let name = "lake/t/part-00000.snappy.parquet";
    let others = place.server.get(name).unwrap();
    drop(child.stdin.take());
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(2), "{}", said(&ended));
    assert!(said(&ended).contains("mark"), "{}", said(&ended));
    // What it takes back of its own has the name of what is there now.
    assert_eq!(place.server.get(name), Some(others), "{:?}", place.names());
    assert_eq!(place.names(), ["part-00000.snappy.parquet"]);
}

#[test]
fn answers_that_are_lost_are_no_loss() {
    for fault in [
        || Fault::Lost { kind: Kind::Put, times: 1 },
        || Fault::Lost { kind: Kind::Put, times: 3 },
        || Fault::Timeout { kind: Kind::Delete, times: 1 },
    ] {
        let place = Place::new();
        place.server.fault(fault());
        let ended = place.run(&[]);
        assert_eq!(ended.status.code(), Some(0), "{}", said(&ended));
        assert_eq!(place.names(), ["part-00000.snappy.parquet"]);
    }
}

/// An object of a set that was replaced lands late.
#[test]
fn a_stray_file_is_not_called_whole() {
    let place = Place::new();
    let mut child = place.under_way();
    place.server.put("lake/t/part-00099.snappy.parquet", "of somebody else");
    drop(child.stdin.take());
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(2), "{}", said(&ended));
    assert_eq!(place.server.get("lake/t/part-00099.snappy.parquet").unwrap(), "of somebody else");
}

#[test]
fn of_two_at_once_one_at_most_ends() {
    let place = Place::new();
    place.server.set_latency(Duration::from_millis(20));
    for _ in 0..10 {
        let start = || place.command("a.csv", &[]).stderr(Stdio::piped()).spawn().unwrap();
        let pair = [start(), start()].map(|child| child.wait_with_output().unwrap());
        let whole = pair.iter().filter(|output| output.status.success()).count();
        assert!(whole <= 1, "{}{}", said(&pair[0]), said(&pair[1]));
        let names = place.names();
        assert_eq!(names.len(), whole, "{names:?}");
        names.iter().for_each(|name| place.server.remove(&format!("lake/t/{name}")));
    }
}

#[test]
fn a_failure_leaves_nothing() {
    let place = Place::new();
    std::fs::write(place.folder.path().join("a.csv"), "id,name\nx,a\n").unwrap();
    assert_eq!(place.run(&[]).status.code(), Some(5));
    assert_eq!(place.names(), [""; 0]);
    std::fs::write(place.folder.path().join("a.csv"), "id,name\n1,a\n").unwrap();
    place.server.fault(Fault::Timeout { kind: Kind::Put, times: 1 });
    assert_eq!(place.run(&[]).status.code(), Some(0));
}
