//! A file that is written to while it is read.

use crate::bench::{Bench, Expected, signal, wait_for, wait_until};
use crate::exports::{HEADER, after_header, rows};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Child;

/// Bytes of the first try; a machine so fast that it has read them before it is stopped gets more.
const BYTES: usize = 32 << 20;
const TRIES_MAX: usize = 4;

/// The offset up to which the process has read the file; none if it has not opened it.
fn offset(child: &Child, path: &Path) -> Option<u64> {
    let proc = format!("/proc/{}", child.id());
    for entry in fs::read_dir(format!("{proc}/fd")).ok()? {
        let entry = entry.ok()?;
        if fs::read_link(entry.path()).is_ok_and(|target| target == path) {
            let info = fs::read_to_string(format!("{proc}/fdinfo/{}", entry.file_name().display())).ok()?;
            return info.lines().find_map(|line| line.strip_prefix("pos:"))?.trim().parse().ok();
        }
    }
    None
}

/// A process that was stopped in the middle of the file.
fn stopped_in_the_middle(bench: &Bench, path: &Path) -> Child {
    let unit = rows(1..20_000, "some text that is read");
    for attempt in 0..TRIES_MAX {
        // One header: another in between would be a reject, if the reader came so far.
        let content = after_header(unit[HEADER.len()..].repeat((BYTES << attempt) / unit.len()));
        fs::write(path, &content).unwrap();
        let mut child = bench.spawn(&["--threads", "1"]);
        wait_until("it reads", || {
            offset(&child, path).is_some_and(|at| at > 0) || child.try_wait().unwrap().is_some()
        });
        signal(&child, "STOP");
        wait_until("it stands still", || stands_still(&child));
        if offset(&child, path).is_some_and(|at| at < content.len() as u64) {
            return child;
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    panic!("it has read {} bytes before it can be stopped", BYTES << (TRIES_MAX - 1));
}

fn stands_still(child: &Child) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap_or_default();
    stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with(['T', 'Z']))
}

#[test]
fn a_file_that_changes_while_it_is_read() {
    type Change = (&'static str, fn(&Path));
    let cases: &[Change] = &[
        ("appended to", |path| {
            fs::File::options().append(true).open(path).unwrap().write_all(b"7,,,,\n").unwrap();
        }),
        ("cut short", |path| fs::File::options().write(true).open(path).unwrap().set_len(100).unwrap()),
        ("written over", |path| fs::write(path, "id,n,flag,at,note\n").unwrap()),
    ];
    for (case, change) in cases {
        let bench = Bench::new();
        let path = bench.bad_export();
        let child = stopped_in_the_middle(&bench, &path);
        change(&path);
        signal(&child, "CONT");
        let answer = wait_for(child, case);
        let told = &["the file changed while it was read", "EXPORT, byte "];
        let help = "wait until nothing writes to it any more";
        bench.check_failure(case, &answer, &Expected { code: 1, told, help });
        bench.check_recovery(case);
    }
}
