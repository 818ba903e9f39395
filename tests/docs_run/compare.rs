//! What a page says is printed, beside what is printed: times, sizes, ids and rates of a run are its own.

use regex::Regex;
use std::sync::LazyLock;

/// A line that stands for any number of lines.
const ELLIPSIS: &str = "…";

/// What differs from run to run, and the word that it is compared by.
static PATTERNS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [
        (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "<id>"),
        (r"\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "<time>"),
        (r"\b\d[\d,]*(\.\d+)? ?(B|kB|MB|GB|KiB|MiB|GiB)/s\b", "<rate>"),
        (r"\b\d[\d,]*(\.\d+)? ?(bytes|B|kB|MB|GB|KiB|MiB|GiB)\b", "<size>"),
        (r"\b\d[\d,]*(\.\d+)? ?(ms|µs|s|seconds?|minutes?|min|h)\b", "<duration>"),
        (r#""(total|convert|load|began|ended)": ?[0-9.e-]+"#, "\"$1\":<duration>"),
        (r#""bytes": ?\d+"#, "\"bytes\":<size>"),
        (r#""etag": ?"[^"]*""#, "\"etag\":\"<etag>\""),
        (r"\$\d+\.\d+ on (Fargate|Lambda)", "<price> on $1"),
        // What stands in columns is as wide as what differs.
        (r"  +", "  "),
    ]
    .map(|(pattern, word)| (Regex::new(pattern).expect("the pattern is one"), word))
    .into()
});

/// What is printed while something takes longer than a reader's machine would.
static PROGRESS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?m)^.*B/s, [\d,]+ records(, [\d,]+ rejected)?\n").expect("the pattern is one")
});

/// What was printed, but for its progress.
pub(crate) fn without_progress(printed: &str) -> String {
    PROGRESS.replace_all(printed, "").into_owned()
}

fn general(line: &str) -> String {
    PATTERNS.iter().fold(line.trim_end().to_owned(), |line, (pattern, word)| {
        pattern.replace_all(&line, *word).into_owned()
    })
}

fn lines(text: &str) -> Vec<String> {
    text.trim_end().lines().map(general).collect()
}

/// Whether `printed` is what `page` says.
pub(crate) fn same(page: &str, printed: &str) -> bool {
    let (page, printed) = (lines(page), lines(printed));
    let parts: Vec<&[String]> = page.split(|line| line == ELLIPSIS).collect();
    let [first, middle @ .., last] = &parts[..] else {
        return page == printed;
    };
    let Some(mut rest) = printed.strip_prefix(*first) else { return false };
    for part in middle {
        let Some(at) = (0..=rest.len()).find(|at| rest[*at..].starts_with(part)) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// What the page should say: what was printed, left out where the page leaves something out.
pub(crate) fn blessed(page: &str, printed: &str) -> String {
    let page: Vec<&str> = page.lines().collect();
    let printed: Vec<&str> = printed.trim_end().lines().map(str::trim_end).collect();
    let kept = match page.iter().position(|line| *line == ELLIPSIS) {
        Some(head) if page.len() <= printed.len() => {
            let tail = page.len() - head - 1;
            [&printed[..head], &[ELLIPSIS], &printed[printed.len() - tail..]].concat()
        }
        _ => printed,
    };
    kept.iter().map(|line| format!("{line}\n")).collect()
}

#[test]
fn what_may_differ_and_what_may_not() {
    for (page, printed, expected) in [
        ("loaded in 0.1 s", "loaded in 12 ms", true),
        ("20,000 rows", "20,001 rows", false),
        ("(3.8 MB, uncompressed)", "(590 kB, uncompressed)", true),
        ("(3.8 MB, uncompressed)", "(3.8 MB, bzip2)", false),
        ("load 01a20456-04f7-758b-8f8c-566ba0fb953a", "load 01a30456-04f7-758b-8f8c-566ba0fb953b", true),
        ("first 2026-02-01 00:01:10.100", "first 2026-02-01 00:01:10.101", false),
        ("a  b", "a    b", true),
        ("a\n…\nd", "a\nb\nc\nd", true),
        ("a\n…\nd", "a\nb\nc", false),
        ("a\n…", "b\na", false),
        ("a\n…\nc\n…\ne", "a\nb\nc\nd\ne", true),
        ("a\n…\nx\n…\ne", "a\nb\nc\nd\ne", false),
        ("", "something", false),
    ] {
        assert_eq!(same(page, printed), expected, "{page:?} {printed:?}");
    }
}

#[test]
fn progress_is_no_output() {
    let printed =
        "signatures: 1.2 MB of 3.8 MB (31 %), 240 kB/s, 6,000 records, 2 rejected\n20,000 records\n";
    assert_eq!(without_progress(printed), "20,000 records\n");
}

#[test]
fn a_blessed_output_leaves_out_what_it_left_out() {
    assert_eq!(blessed("a\n…\nd", "A\nb\nc\nD\n"), "A\n…\nD\n");
    assert_eq!(blessed("a\n", "A\nb\n"), "A\nb\n");
}
