//! The documents do what they say: their commands are run, and print what stands below them.
//!
//! ```text
//! README.md, docs/**/*.md ─▶ blocks ─▶ bash, page by page, in an empty folder ─▶ exit codes, outputs
//! ```
//! `page.rs` says how a block is marked. `CSL_BLESS=1 cargo test --test docs_run` writes outputs anew.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod compare;
mod page;
mod shell;

use std::path::{Path, PathBuf};

/// Blocks that are run in all pages together, at least: fewer, and the pages were not found.
const RUNS_MIN: usize = 45;

fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut found, mut folders) = (vec![root.join("README.md")], vec![root.join("docs")]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn bless(path: &Path, text: &str, outcome: &shell::Outcome) {
    let mut text = text.to_owned();
    // From the last on: the places of those before stay.
    for (range, new) in outcome.news.iter().rev() {
        text.replace_range(range.clone(), new);
    }
    std::fs::write(path, text).unwrap();
}

#[test]
fn every_page_does_what_it_says() {
    let run = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        let outcome = shell::run(&text);
        if std::env::var_os("CSL_BLESS").is_some() && !outcome.news.is_empty() {
            bless(&path, &text, &outcome);
        }
        let faults: Vec<_> =
            outcome.faults.iter().map(|fault| format!("{}: {fault}", path.display())).collect();
        (outcome.runs, faults)
    };
    // Most of a page's time is waiting.
    let results: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = pages().into_iter().map(|path| scope.spawn(move || run(path))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let runs: usize = results.iter().map(|(runs, _)| runs).sum();
    let faults: Vec<_> = results.into_iter().flat_map(|(_, faults)| faults).collect();
    assert!(faults.is_empty(), "CSL_BLESS=1 writes outputs anew:\n\n{}", faults.join("\n\n"));
    assert!(runs >= RUNS_MIN, "{runs} blocks were run");
}

#[test]
fn what_is_wrong_with_a_page_is_found() {
    for (page, expected) in [
        ("```sh\necho a\n```\n\n```text,output\na\n```\n", ""),
        ("```sh\necho a\n```\n\n```text,output\nb\n```\n", "line 1: the page says:\nb\n"),
        ("```sh\nfalse | cat\necho on\n```\n", "line 1: exit code Some(1) in place of 0"),
        ("```sh,exit=5\nexit 5\n```\n", ""),
        ("```sh,exit=5\ntrue\n```\n", "line 1: exit code Some(0) in place of 5"),
        (
            "```sh\nexport A=1; mkdir b; cd b\n```\n```sh\ntouch $A; cd ..; ls b/1\n```\n```text,output\nb/1\n```\n",
            "",
        ),
        ("```sh\npwd\n```\n```text,output\n/home/me\n```\n", ""),
        ("```sh,needs-aws\naws s3 ls\n```\n", ""),
        ("```sh,later\ntrue\n```\n", "line 1: later is none of"),
        ("```sh,needs-aws\nfalse\n```\n```text,output\na\n```\n", "line 4: this output belongs to no block"),
        ("```console\n$ true\n```\n", "line 1: a block of \"console\""),
        ("```\ntrue\n```\n", "line 1: a block of \"\""),
        ("- in a list:\n  ```sh\n  exit 3\n  ```\n", "line 2: exit code Some(3)"),
        ("```toml\n[load]\nmax_rejects = 10\n```\n", ""),
        ("```toml\n[load]\nmax_reject = 10\n```\n", "line 1: "),
        ("```json\n{\"a\": …}\n```\n", "line 1: "),
        ("```sh,background\necho on; exec sleep 60\n```\n```text,output\non\n```\n```sh\ntrue\n```\n", ""),
        ("```sh\ncsl-stream convert\n```\n", "line 1: exit code Some(2)"),
        ("```hcl\nanything\n```\n", ""),
    ] {
        let faults = shell::run(page).faults.join("\n");
        assert!(faults.starts_with(expected) && faults.is_empty() == expected.is_empty(), "{page}\n{faults}");
    }
}
