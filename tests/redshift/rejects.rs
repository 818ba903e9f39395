//! Rejects of loads into Redshift lie beside what is staged, and outlive the process.

use crate::answer::Answer;
use crate::redshift::At;
use crate::world::{NIGHT, OLD, SECONDS_MAX, World};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const HEAD: &str = "email,created_at,score,params,active,petition_id,id\n";
const TOLERANT: &[&str] = &["backfill", "--table", "t", "--json", "--max-rejects", "9"];

fn row(score: &str, id: i64) -> String {
    format!("\"Ä, {id}\",{OLD},{score},\"{{\"\"n\"\": {id}}}\",t,7,{id}\n")
}

/// The program, as a bucket with a policy wants it.
fn encrypted(world: &World, words: &[&str]) -> Command {
    let mut command = world.command(words);
    command.env_remove("CSL_MANIFEST_URL");
    command.env("CSL_STAGING_SSE", "aws:kms").env("CSL_STAGING_KMS_KEY", "key-1");
    command
}

fn rejects(world: &World) -> Vec<String> {
    world.objects("stage/csl/rejects/")
}

#[test]
fn they_are_read_mended_and_loaded_after_the_process_is_gone() {
    let world = World::new();
    world.put("full", NIGHT, &[HEAD, &row("0.25", 1), &row("x", 2), &row("0.25", 3)].concat());
    world.s3.demand_encryption("aws:kms", Some("key-1"));
    let report = Answer::of(encrypted(&world, TOLERANT).output().unwrap()).json();
    assert_eq!((report["status"].as_str(), world.ids().as_str()), (Some("succeeded"), "1 3"), "{report}");
    let id = report["load_id"].as_str().unwrap();
    let name = format!("stage/csl/rejects/t-{id}.rejects.csv");
    assert_eq!(report["rejects"]["uri"], format!("s3://{name}"));
    assert_eq!(rejects(&world), [name.clone(), format!("stage/csl/rejects/t-{id}.rejects.jsonl")]);
    let shown = world.run(&["loads", "show", id]);
    assert!(shown.out.contains(&format!("s3://{name}")), "{shown:#?}");
    // The checks know the folder as ours.
    let check = world.run(&["check", "--table", "t"]);
    assert!(!check.out.contains("not csl-stream's alone"), "{check:#?}");

    let text = String::from_utf8(world.s3.get(&name).unwrap().to_vec()).unwrap();
    assert_eq!(text, [HEAD, &row("x", 2)].concat());
    world.s3.put(&name, text.replace(",x,", ",0.5,"));
    let mended = format!("s3://{name}");
    let full = world.backfill(&["--export", &mended, "--kind", "full"]);
    assert_eq!(full.code, Some(2), "{full:#?}");
    let load = || {
        Answer::of(
            encrypted(&world, &["backfill", "--table", "t", "--json", "--export", &mended]).output().unwrap(),
        )
    };
    let report = load().json();
    assert_eq!(
        (report["status"].as_str(), report["kind"].as_str()),
        (Some("succeeded"), Some("incremental")),
        "{report}"
    );
    assert_eq!(world.ids(), "1 2 3");
    assert_eq!(load().json()["status"], "skipped");
    assert_eq!(world.ids(), "1 2 3");
}

#[test]
fn a_newer_full_export_makes_them_needless() {
    let world = World::new();
    world.put("full", NIGHT, &[HEAD, &row("0.25", 1), &row("x", 2)].concat());
    let report = Answer::of(world.command(TOLERANT).output().unwrap()).json();
    let uri = report["rejects"]["uri"].as_str().unwrap().to_owned();
    // Within the hours in which an incremental export would be added still.
    world.export("full", "20260301051500", OLD, &[1, 2]);
    world.loaded(&[]);
    let name = uri.strip_prefix("s3://").unwrap();
    let text = String::from_utf8(world.s3.get(name).unwrap().to_vec()).unwrap();
    world.s3.put(name, text.replace(",x,", ",0.5,"));
    assert_eq!(world.loaded(&["--export", &uri])["status"], "skipped");
    assert_eq!(world.ids(), "1 2");
}

fn killed(mut child: std::process::Child) {
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-9", &pid]).status().unwrap().success());
    child.wait().unwrap();
}

/// Before the table is touched they are whole; in the middle of the export there is nothing that could pass for it.
#[test]
fn a_load_that_is_killed_leaves_all_of_them_or_none() {
    let world = World::before_the_night();
    let rows: String = (1..=12_000).map(|id| row(if id % 1_000 == 1 { "x" } else { "0.25" }, id)).collect();
    world.put("full", NIGHT, &(HEAD.to_owned() + &rows));
    let words = [
        &["backfill", "--table", "t", "--max-rejects", "99", "--threads", "1"][..],
        &["--segment-size", "100kB", "--row-group-size", "50kB"],
    ]
    .concat();
    let spawn = || world.command(&words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    world.s3.set_latency(Duration::from_millis(100));
    let child = spawn();
    let started = Instant::now();
    while !world.objects("stage/csl/t/").iter().any(|name| name.ends_with(".parquet")) {
        assert!(started.elapsed() < SECONDS_MAX, "nothing is staged");
        std::thread::sleep(Duration::from_millis(10));
    }
    killed(child);
    assert_eq!((rejects(&world), world.ids().as_str()), (Vec::new(), "77"));

    world.s3.set_latency(Duration::ZERO);
    let gate = world.redshift.hold(At::Statement("COPY".to_owned()));
    let child = spawn();
    assert!(gate.reached(SECONDS_MAX), "nobody came");
    let whole = rejects(&world);
    assert_eq!(whole.len(), 2, "{whole:?}");
    let records = world.s3.get(&whole[0]).unwrap();
    assert_eq!(records.iter().filter(|byte| **byte == b'\n').count(), 13, "a header and twelve records");
    killed(child);
    gate.open();
    // The same load again writes the same pair.
    let answer = world.run(&words);
    assert_eq!(answer.code, Some(0), "{answer:#?}");
    assert_eq!((rejects(&world), world.s3.get(&whole[0]).unwrap()), (whole, records));
    assert_eq!(world.sql("SELECT count(*) FROM t"), "11988");
}
