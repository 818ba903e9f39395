//! What a person types: completions in the real shells, and the questions of `init`, on a pseudo-terminal.

#![allow(clippy::unwrap_used)]

#[path = "../support/answer.rs"]
mod answer;

mod completions;
mod init;
mod man;

use answer::Answer;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The folder of the program.
fn bin() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_csl-stream")).parent().unwrap().to_owned()
}

/// A command in this folder, which is its home too, with the program in its path and nothing else of the caller's.
fn at_home(home: &Path, program: &str) -> Command {
    let mut command = Command::new(program);
    let path = format!("{}:{}", bin().display(), std::env::var("PATH").unwrap());
    command.env_clear().env("PATH", path).env("HOME", home).env("TERM", "xterm").env("LANG", "C.UTF-8");
    command.current_dir(home).stdin(Stdio::null());
    command
}

/// The program, not on a terminal.
fn run(home: &Path, words: &[&str]) -> Answer {
    Answer::of(at_home(home, "csl-stream").args(words).output().unwrap())
}

/// Plays a script of `see`, `type` and `end` with a command on a terminal of so many columns: what was shown, and the exit
/// code (`typist.py`).
fn play(home: &Path, columns: u16, words: &[&str], script: &[&str]) -> Answer {
    let typist = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/shells/typist.py");
    let mut command = at_home(home, "python3");
    command.arg(typist).args(words).env("COLUMNS", columns.to_string());
    let mut typist =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut input = typist.stdin.take().unwrap();
    script.iter().for_each(|line| writeln!(input, "{line}").unwrap());
    drop(input);
    Answer::of(typist.wait_with_output().unwrap())
}

#[test]
fn the_typist_says_what_it_did_not_see() {
    let home = tempfile::tempdir().unwrap();
    let program = &["sh", "-c", "echo one; read -r line; echo got $line; exit 7"];
    let answer = play(home.path(), 80, program, &["see one", r"type a b\r", "see got a b", "end"]);
    assert_eq!(answer.code, Some(7), "{}", answer.out);
    let answer = play(home.path(), 80, program, &["see one", r"type a b\r", "see got c", "end"]);
    assert_eq!(answer.code, Some(100), "{}", answer.out);
    assert!(answer.out.contains("never shown: 'got c'"), "{}", answer.out);
}

#[test]
fn help_is_as_wide_as_the_terminal_up_to_a_hundred_columns() {
    let home = tempfile::tempdir().unwrap();
    for (columns, widest) in [(60, 40..=60), (80, 70..=80), (200, 90..=100)] {
        // Without colours, whose controls would be counted.
        let words = ["sh", "-c", "NO_COLOR=1 csl-stream backfill --help"];
        let answer = play(home.path(), columns, &words, &["see Examples:", "end"]);
        assert_eq!(answer.code, Some(0), "{}", answer.out);
        let lines = answer.out.lines().map(|line| line.trim_end().trim_end_matches('\r'));
        let prose = lines.filter(|line| !line.contains("csl-stream ") && !line.contains("s3://"));
        let found = prose.map(|line| line.chars().count()).max().unwrap();
        assert!(widest.contains(&found), "{columns} columns: {found}\n{}", answer.out);
    }
}
