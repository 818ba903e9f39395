//! Signals in the middle of a load.
//!
//! The export is a named pipe that never ends, so that the process is in the middle for as long as the
//! test wants.

use crate::bench::{Bench, Expected, names, signal, wait_for, wait_until};
use crate::exports::rows;
use std::fs::File;
use std::io::Write;
use std::process::{Child, Command};

/// Small files, so that finished ones lie in the staging folder soon.
const SIZES: &[&str] = &["--segment-size", "100kB", "--row-group-size", "50kB", "--threads", "2"];

/// Whether a finished segment lies in a staging folder.
fn has_staged(bench: &Bench) -> bool {
    let table = bench.table_dir();
    let staging = names(&table).into_iter().find(|name| name.starts_with(".staging-"));
    staging.is_some_and(|name| names(&table.join(name)).iter().any(|name| name.ends_with(".parquet")))
}

/// A load that has staged something and wants more; whoever holds the pipe feeds it.
fn in_the_middle(bench: &Bench) -> (Child, File) {
    let pipe = bench.bad_export();
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let child = bench.spawn(SIZES);
    let mut pipe = File::options().write(true).open(pipe).unwrap();
    pipe.write_all(&rows(0..0, "")).unwrap();
    wait_until("it stages", || {
        feed(&mut pipe).unwrap();
        has_staged(bench)
    });
    (child, pipe)
}

fn feed(pipe: &mut File) -> std::io::Result<()> {
    // Less than a pipe holds, and whole records.
    pipe.write_all(&"8,1,t,2026-03-01 00:00:00,\"some text\"\n".repeat(500).into_bytes())
}

#[test]
fn interrupted() {
    for name in ["INT", "TERM"] {
        let bench = Bench::new();
        let (mut child, mut pipe) = in_the_middle(&bench);
        signal(&child, name);
        // The process ends in its own time; until then the export goes on.
        wait_until("it ends", || {
            let _ = feed(&mut pipe);
            child.try_wait().unwrap().is_some()
        });
        let answer = wait_for(child, name);
        assert!(answer.err.contains("stopping; what is under way will not be loaded"), "{name}: {answer:?}");
        let expected = Expected {
            code: 130,
            told: &["interrupted: what was under way changed nothing"],
            help: "run it again",
        };
        bench.check_failure(name, &answer, &expected);
        bench.check_recovery(name);
    }
}

#[test]
fn killed() {
    let bench = Bench::new();
    let (mut child, _pipe) = in_the_middle(&bench);
    child.kill().unwrap();
    let answer = wait_for(child, "SIGKILL");
    assert_eq!((answer.code, answer.out.as_str()), (None, ""));
    assert!(has_staged(&bench), "what it staged is there, and hidden");
    bench.check_old_table("SIGKILL");
    bench.check_recovery("SIGKILL");
}
