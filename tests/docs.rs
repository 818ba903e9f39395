//! What is documented is what the program says and needs: help texts, configuration keys, policies, tables; and
//! every link leads somewhere. `tests/docs_run` runs the commands of the documents.
//!
//! `CSL_BLESS=1 cargo test --test docs` writes help texts and keys anew.

#![allow(clippy::unwrap_used)]

use clap::CommandFactory;
use csl_stream::cli::args::Cli;
use regex::Regex;
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const TABLE_START: &str = "<!-- configuration keys: written by `CSL_BLESS=1 cargo test --test docs` -->\n";
const TABLE_END: &str = "<!-- end of configuration keys -->\n";
/// Who reads it, decides whether to go on: everything else stands in docs/.
const README_LINES_MAX: usize = 150;
/// Links that are looked at in all documents together, at least: fewer, and the documents were not found.
const LINKS_MIN: usize = 100;

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
    let mut command = Command::new(env!("CARGO_BIN_EXE_csl-stream"));
    // Not as wide as the terminal that the test happens to run in.
    command.args(words).arg("--help").env("COLUMNS", "80").stdin(Stdio::null());
    let output = command.output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{words:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

#[test]
fn the_help_texts_are_in_the_reference() {
    let mut commands = Vec::new();
    paths(&Cli::command(), &[], &mut commands);
    let mut text = "# Commands\n\nThese are the `--help` texts; `tests/docs.rs` compares them.\n".to_owned();
    for words in &commands {
        let title = [&["csl-stream".to_owned()], &words[..]].concat().join(" ");
        text += &format!("\n## `{title}`\n\n```text\n{}```\n", help(words));
    }
    compare("docs/reference/commands.md", &text);
}

/// The table's rows: nothing else here knows how the program keeps its keys.
fn rows() -> String {
    let row = |key: &csl_stream::config::Key| {
        let default = key.default_text().map_or(String::new(), |default| format!("`{default}`"));
        format!("| `{}` | `{}` | {default} | {} |\n", key.path(), key.variable(), key.about)
    };
    csl_stream::config::keys().iter().map(row).collect()
}

#[test]
fn the_configuration_keys_are_in_the_reference() {
    let name = "docs/reference/configuration.md";
    let page = std::fs::read_to_string(path(name)).unwrap();
    let (before, rest) = page.split_once(TABLE_START).expect("the page marks where the table starts");
    let (_, after) = rest.split_once(TABLE_END).expect("the page marks where the table ends");
    let table = format!("| key | environment | default | what it is |\n|---|---|---|---|\n{}", rows());
    compare(name, &format!("{before}{TABLE_START}{table}{TABLE_END}{after}"));
}

#[test]
fn the_readme_is_short_and_names_every_command() {
    let readme = std::fs::read_to_string(path("README.md")).unwrap();
    let lines = readme.lines().count();
    assert!(
        lines <= README_LINES_MAX,
        "README.md has {lines} lines, {README_LINES_MAX} at most: docs/ has room"
    );
    for command in Cli::command().get_subcommands() {
        let name = format!("csl-stream {}", command.get_name());
        assert!(readme.contains(&name), "{name}");
    }
}

/// The block of this language behind a comment that says what it is compared with.
fn block(page: &str, with: &str, language: &str) -> String {
    let page = std::fs::read_to_string(path(page)).unwrap();
    let (_, rest) =
        page.split_once(&format!("<!-- compared with {with} by tests/docs.rs -->\n```{language}\n")).unwrap();
    rest.split_once("\n```\n").unwrap().0.to_owned()
}

#[test]
fn the_policy_allows_what_a_load_into_redshift_calls_and_no_more() {
    let policy = block("docs/how-to/prepare-redshift.md", "docs/aws-calls.toml", "json");
    let policy: serde_json::Value = serde_json::from_str(&policy).unwrap();
    let mut allowed = BTreeSet::new();
    for statement in policy["Statement"].as_array().unwrap() {
        let actions = &statement["Action"];
        let actions = actions.as_array().cloned().unwrap_or_else(|| vec![actions.clone()]);
        allowed.extend(actions.iter().map(|action| action.as_str().unwrap().to_owned()));
    }
    let calls: toml::Table =
        toml::from_str(&std::fs::read_to_string(path("docs/aws-calls.toml")).unwrap()).unwrap();
    let mut called: BTreeSet<String> =
        ["redshift-serverless:GetCredentials", "redshift:GetClusterCredentials"].map(str::to_owned).into();
    for sdk in
        calls["sdk"].as_array().unwrap().iter().filter(|sdk| sdk["service"].as_str() == Some("redshift-data"))
    {
        let operations = sdk["operations"].as_table().unwrap();
        called.extend(operations.values().map(|call| call["action"].as_str().unwrap().to_owned()));
    }
    for store in calls["store"].as_array().unwrap() {
        called.extend(
            store["actions"].as_array().unwrap().iter().map(|action| action.as_str().unwrap().to_owned()),
        );
    }
    assert_eq!(allowed, called);
}

/// Documents of the repository: those that git has, or would have.
fn documents() -> Vec<String> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "*.md"])
        .current_dir(path(""))
        .output()
        .unwrap();
    let names = String::from_utf8(output.stdout).unwrap();
    names.lines().filter(|name| path(name).exists()).map(str::to_owned).collect()
}

/// A document without its blocks of code, where a heading or a link is none.
fn prose(text: &str) -> String {
    let mut inside = false;
    let lines = text.lines().filter(|line| {
        let fence = line.trim_start().starts_with("```");
        inside ^= fence;
        !inside && !fence
    });
    lines.map(|line| format!("{line}\n")).collect()
}

/// The anchors of headings, as mdBook and code hosts make them: `## Try it` is `#try-it`, and the second one `#try-it-1`.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let link = Regex::new(r"\[([^\]]*)\]\([^)]*\)").unwrap();
    let headings = prose(text);
    let headings =
        headings.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    headings
        .map(|heading| {
            let heading = link.replace_all(heading, "$1").to_lowercase();
            let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
            let anchor: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
            let count = seen.entry(anchor.clone()).or_default();
            *count += 1;
            if *count == 1 { anchor } else { format!("{anchor}-{}", *count - 1) }
        })
        .collect()
}

/// What is wrong with a link of a document, if anything.
fn fault(document: &str, target: &str) -> Option<String> {
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let folder = Path::new(document).parent().unwrap();
    let found = if file.is_empty() { path(document) } else { path("").join(folder).join(file) };
    let Ok(found) = found.canonicalize() else { return Some("leads nowhere".to_owned()) };
    let site = path("docs").canonicalize().unwrap();
    if path(document).canonicalize().unwrap().starts_with(&site) && !found.starts_with(&site) {
        return Some("leaves the site: name the file as code in place of a link".to_owned());
    }
    let missing =
        !anchor.is_empty() && !anchors(&std::fs::read_to_string(&found).unwrap_or_default()).contains(anchor);
    missing.then(|| format!("has no heading #{anchor}"))
}

/// Links of a text that are no addresses.
fn links(text: &str) -> Vec<String> {
    let link = Regex::new(r"\]\(([^)\s]+)\)").unwrap();
    let code = Regex::new(r"`[^`]*`").unwrap();
    let text = prose(text);
    let text = code.replace_all(&text, "");
    link.captures_iter(&text)
        .map(|found| found[1].to_owned())
        .filter(|target| !target.contains("://"))
        .collect()
}

#[test]
fn every_link_leads_somewhere() {
    let (mut count, mut faults) = (0, Vec::new());
    for document in documents() {
        for target in links(&std::fs::read_to_string(path(&document)).unwrap()) {
            count += 1;
            faults.extend(fault(&document, &target).map(|fault| format!("{document}: {target} {fault}")));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(count >= LINKS_MIN, "{count} links");
}

#[test]
fn every_page_is_in_the_contents() {
    let contents: BTreeSet<_> =
        links(&std::fs::read_to_string(path("docs/SUMMARY.md")).unwrap()).into_iter().collect();
    let pages = documents().into_iter().filter_map(|name| name.strip_prefix("docs/").map(str::to_owned));
    let pages: BTreeSet<_> = pages.filter(|name| name != "SUMMARY.md").collect();
    assert_eq!(contents, pages);
}

#[test]
fn broken_links_are_found() {
    for (document, target, expected) in [
        ("README.md", "docs/index.md", None),
        ("README.md", "docs/nothing.md", Some("leads nowhere")),
        ("README.md", "#try-it", None),
        ("README.md", "#try-that", Some("has no heading")),
        ("docs/how-to/query.md", "../reference/webhooks.md#limits", None),
        ("docs/how-to/query.md", "../reference/webhooks.md#limit", Some("has no heading")),
        ("docs/how-to/query.md", "../../README.md", Some("leaves the site")),
    ] {
        let found = fault(document, target);
        let as_expected = match (&found, expected) {
            (Some(found), Some(expected)) => found.starts_with(expected),
            (found, expected) => found.is_none() && expected.is_none(),
        };
        assert!(as_expected, "{document} {target}: {found:?}");
    }
    assert_eq!(links("[a](b.md) `[c](d.md)`\n```text\n[e](f.md)\n```\n[g](https://h)"), ["b.md"]);
    let anchors = anchors("# A & `b`: c_d\n## Twice\n## [Twice](x.md)\n```sh\n# no\n```\n");
    assert_eq!(anchors.into_iter().collect::<Vec<_>>(), ["a--b-c_d", "twice", "twice-1"]);
}
