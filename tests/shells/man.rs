//! The manual pages: one of each command, sound, readable, with every flag.

use super::{at_home, run};
use std::collections::BTreeSet;

#[test]
fn every_command_has_a_page_with_its_flags() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("man1");
    let answer = run(home.path(), &["man", "man1"]);
    assert_eq!(answer.code, Some(0), "{}", answer.err);
    let pages: BTreeSet<String> = std::fs::read_dir(&dir)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(answer.out.starts_with(&format!("{} pages in ", pages.len())), "{}", answer.out);
    let reference = include_str!("../../docs/reference/commands.md");
    let commands: Vec<_> =
        reference.split("\n## `").skip(1).filter_map(|part| part.split_once('`')).collect();
    assert!(commands.len() > 20, "{} commands", commands.len());
    let bold = regex::Regex::new(".\u{8}").unwrap();
    let flags = regex::Regex::new(r"(?m)^ +(?:-\w, )?(--[a-z-]+)").unwrap();
    for (command, help) in &commands {
        let page = format!("{}.1", command.replace(' ', "-"));
        assert!(pages.contains(&page), "{command}: {pages:?}");
        let lint = at_home(&dir, "mandoc").args(["-T", "lint", "-W", "error", &page]).output().unwrap();
        assert!(lint.status.success(), "{page}: {}", String::from_utf8_lossy(&lint.stdout));
        let shown = at_home(&dir, "mandoc").args(["-T", "utf8", "-O", "width=1000", &page]).output().unwrap();
        // Bold is a letter, a backspace, and the letter again.
        let shown = String::from_utf8(shown.stdout).unwrap();
        let shown = bold.replace_all(&shown, "").into_owned();
        for flag in flags.captures_iter(help).map(|found| found[1].to_owned()) {
            assert!(shown.contains(&flag), "{page} lacks {flag}:\n{shown}");
        }
        for line in help.lines().filter(|line| line.starts_with("  csl-stream ")) {
            let line = line.trim().trim_end_matches('\\').trim();
            assert!(
                shown.lines().any(|shown| shown.trim().starts_with(line)),
                "{page} lacks the line {line}:\n{shown}"
            );
        }
    }
    assert_eq!(pages.len(), commands.len(), "{pages:?}");
    let again = home.path().join("again");
    assert_eq!(run(home.path(), &["man", "again"]).code, Some(0));
    for page in &pages {
        assert_eq!(
            std::fs::read(dir.join(page)).unwrap(),
            std::fs::read(again.join(page)).unwrap(),
            "{page}"
        );
    }
}
