//! What is documented is what the program does: help texts and configuration keys.
//!
//! `CSL_BLESS=1 cargo test --test docs` writes the documents anew.

#![allow(clippy::unwrap_used)]

use clap::CommandFactory;
use csl_stream::cli::args::Cli;
use csl_stream::config::{Key, keys};
use std::path::{Path, PathBuf};
use std::process::Command;

const TABLE_START: &str = "<!-- configuration keys: written by `CSL_BLESS=1 cargo test --test docs` -->\n";
const TABLE_END: &str = "<!-- end of configuration keys -->\n";

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Compares, or writes if blessed.
fn compare(name: &str, expected: &str) {
    let path = path(name);
    if std::env::var_os("CSL_BLESS").is_some() {
        // Another test may read it at this moment.
        let new = path.with_extension("new");
        std::fs::write(&new, expected).unwrap();
        std::fs::rename(&new, &path).unwrap();
        return;
    }
    let found = std::fs::read_to_string(&path).unwrap();
    let line = found.lines().zip(expected.lines()).position(|(a, b)| a != b);
    assert!(
        found == expected,
        "{name} is not what the program says (line {line:?}): CSL_BLESS=1 writes it anew"
    );
}

fn paths(command: &clap::Command, above: &[String], found: &mut Vec<Vec<String>>) {
    found.push(above.to_vec());
    for below in command.get_subcommands().filter(|command| command.get_name() != "help") {
        let path: Vec<String> = above.iter().cloned().chain([below.get_name().to_owned()]).collect();
        paths(below, &path, found);
    }
}

fn help(words: &[String]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_csl-stream")).args(words).arg("--help").output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{words:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

#[test]
fn the_help_texts_are_in_cli_md() {
    let mut commands = Vec::new();
    paths(&Cli::command(), &[], &mut commands);
    let mut text =
        "# The command line\n\nThese are the `--help` texts; `tests/docs.rs` compares them.\n".to_owned();
    for words in &commands {
        let title = [&["csl-stream".to_owned()], &words[..]].concat().join(" ");
        text += &format!("\n## `{title}`\n\n```text\n{}```\n", help(words));
    }
    compare("docs/cli.md", &text);
}

fn row(key: &Key) -> String {
    let default = key.default_text().map_or(String::new(), |default| format!("`{default}`"));
    format!("| `{}` | `{}` | {default} | {} |\n", key.path(), key.variable(), key.about)
}

#[test]
fn the_configuration_keys_are_in_the_readme() {
    let readme = std::fs::read_to_string(path("README.md")).unwrap();
    let (before, rest) = readme.split_once(TABLE_START).expect("the README marks where the table starts");
    let (_, after) = rest.split_once(TABLE_END).expect("the README marks where the table ends");
    let rows: String = keys().iter().map(row).collect();
    let table = format!("| key | environment | default | what it is |\n|---|---|---|---|\n{rows}");
    compare("README.md", &format!("{before}{TABLE_START}{table}{TABLE_END}{after}"));
}

#[test]
fn every_command_is_in_the_readme() {
    let readme = std::fs::read_to_string(path("README.md")).unwrap();
    for command in Cli::command().get_subcommands() {
        let name = format!("csl-stream {}", command.get_name());
        assert!(readme.contains(&name), "{name}");
    }
}
