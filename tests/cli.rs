//! The program as a process: what it prints where, and how it exits.

#![allow(clippy::unwrap_used)]

#[path = "support/answer.rs"]
mod answer;

use answer::Answer;
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// One call of the program in a folder of its own, without the caller's CSL_ variables.
struct Call {
    command: Command,
}

fn call(dir: &Path, words: &[&str]) -> Call {
    let mut command = Command::new(env!("CARGO_BIN_EXE_csl-stream"));
    command.current_dir(dir).args(words).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CSL_") {
            command.env_remove(name);
        }
    }
    Call { command }
}

impl Call {
    fn set(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    fn arg(mut self, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.arg(value);
        self
    }

    fn answer(mut self) -> Answer {
        Answer::of(self.command.output().unwrap())
    }
}

fn dir() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn run(words: &[&str]) -> Answer {
    call(dir().path(), words).answer()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

const SCHEMA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/demo/schema.json");

#[test]
fn help_and_version_are_results() {
    for (words, part) in [
        (&["--help"][..], "Exit codes: 0 done"),
        (&["-h"], "backfill"),
        (&["help", "convert"], "--out"),
        (&["backfill", "--help"], "--max-rejects"),
        (&["--version"], env!("CARGO_PKG_VERSION")),
    ] {
        let answer = run(words);
        assert_eq!((answer.code, answer.err.as_str()), (Some(0), ""), "{words:?}");
        assert!(answer.out.contains(part), "{words:?}: {}", answer.out);
    }
}

#[test]
fn wrong_usage_exits_with_2() {
    for (words, part) in [
        (&[][..], "Usage: csl-stream"),
        (&["nonsense"], "unrecognized subcommand"),
        (&["backfill"], "--table <TABLE>"),
        (&["backfill", "--table", "../etc"], "letters, digits and underscores"),
        (&["backfill", "--table", "t", "--kind", "half"], "full, incremental"),
        (&["backfill", "--table", "t", "--date", "20261301"], "YYYYMMDD"),
        (&["backfill", "--table", "t", "--export", "gs://b/k"], "scheme \"gs\""),
        (&["backfill", "--table", "t", "--export", "f.csv", "--date", "20260301"], "cannot be used with"),
        (&["backfill", "--table", "t", "--threads", "0"], "0 is not in 1..=1024"),
        (&["backfill", "--table", "t", "--segment-size", "1.5XB"], "a size is a number of bytes"),
        (&["backfill", "--table", "t", "--segment-size", "0"], "must not be 0"),
        (&["backfill", "--table", "t", "--row-group-size", "2GiB"], "at most 1GiB"),
        (&["backfill", "--table", "t", "--max-rejects", "many"], "invalid digit"),
        (&["backfill", "--table", "t", "--codec", "lzo"], "snappy, zstd, none"),
        (&["backfill", "--table", "t"], "no bulk schema was named"),
        (&["backfill", "--table", "signatures", "--schema", SCHEMA], "no exports were named"),
        (
            &["backfill", "--table", "signatures", "--schema", SCHEMA, "--to", "redshift"],
            if cfg!(feature = "aws") { "no Redshift was named" } else { "needs the aws feature" },
        ),
        (&["backfill", "--table", "signatures", "--schema", SCHEMA, "--to", "s3://b"], "cannot be at s3://b"),
        (&["convert", "--table", "t", "--out", "o"], "<INPUT>..."),
        (&["convert", "--table", "t", "a.csv"], "--out <DIR>"),
        (
            &["convert", "--table", "t", "--schema", SCHEMA, "--out", "o", "x/a.csv", "y/a.csv"],
            "would both go into",
        ),
        (
            &["convert", "--table", "t", "--out", "o", "--rejects", "r", "a.csv", "b.csv"],
            "--rejects names one file",
        ),
        (&["backfill", "--table", "t", "--read-bytes", "1"], "unexpected argument"),
        (&["plan", "--table", "t", "-q", "-v"], "cannot be used with"),
        (&["completions", "tcsh"], "possible values"),
        (&["config", "--config", "absent.toml"], "no such configuration file"),
    ] {
        let answer = run(words);
        assert_eq!((answer.code, answer.out.as_str()), (Some(2), ""), "{words:?}: {}", answer.err);
        assert!(answer.err.contains(part), "{words:?}: {}", answer.err);
    }
}

#[test]
fn what_cannot_be_reached_exits_with_3() {
    for (words, part) in [
        (&["backfill", "--table", "signatures", "--schema", "absent.json"][..], "absent.json"),
        (&["backfill", "--table", "signatures", "--schema", SCHEMA, "--exports", "absent"], "absent"),
        (&["backfill", "--table", "signatures", "--schema", SCHEMA, "--export", "absent.csv"], "absent.csv"),
        (&["convert", "--table", "signatures", "--schema", SCHEMA, "--out", "o", "absent.csv"], "absent.csv"),
        (&["backfill", "--table", "signatures", "--report", "absent/report.json"], "absent/report.json"),
        (&["schema", "show", "--schema", "absent.json"], "absent.json"),
    ] {
        let answer = run(words);
        assert_eq!((answer.code, answer.out.as_str()), (Some(3), ""), "{words:?}: {}", answer.err);
        assert!(answer.err.contains("error: ") && answer.err.contains(part), "{words:?}: {}", answer.err);
    }
}

#[test]
fn settings_come_from_flag_then_environment_then_file_then_default() {
    let dir = dir();
    let file = "[exports]\nroot = \"from-file\"\n[warehouse]\nto = \"from-file\"\n[schema]\nsource = \"from-file\"\n";
    std::fs::write(dir.path().join("csl-stream.toml"), file).unwrap();
    let answer = call(dir.path(), &["config", "--json", "--to", "from-flag"])
        .set("CSL_WAREHOUSE_TO", "from-environment")
        .set("CSL_EXPORTS_ROOT", "from-environment")
        .answer();
    assert_eq!(answer.code, Some(0), "{}", answer.err);
    let settings = json(&answer.out);
    let find = |key: &str| {
        let found = settings.as_array().unwrap().iter().find(|setting| setting["key"] == key).unwrap();
        (found["value"].clone(), found["origin"].as_str().unwrap().to_owned())
    };
    assert_eq!(find("warehouse.to"), ("from-flag".into(), "flag --to".into()));
    assert_eq!(find("exports.root"), ("from-environment".into(), "environment CSL_EXPORTS_ROOT".into()));
    assert_eq!(find("schema.source"), ("from-file".into(), "csl-stream.toml:6".into()));
    assert_eq!(find("load.max_rejects"), (0.into(), "default".into()));
    assert_eq!(find("queue.url"), (Value::Null, "not set".into()));
}

#[test]
fn a_named_file_replaces_the_one_that_is_found() {
    let dir = dir();
    std::fs::write(dir.path().join("csl-stream.toml"), "broken = =").unwrap();
    std::fs::write(dir.path().join("mine.toml"), "[load]\nmax_rejects = 9\n").unwrap();
    let answer = call(dir.path(), &["config", "--config", "mine.toml"]).answer();
    assert_eq!(answer.code, Some(0), "{}", answer.err);
    let shown: Vec<Vec<&str>> = answer.out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert!(shown.contains(&vec!["load.max_rejects", "9", "mine.toml:2"]), "{}", answer.out);
    assert_eq!(call(dir.path(), &["config"]).answer().code, Some(2));
    assert_eq!(call(dir.path(), &["completions", "bash"]).answer().code, Some(0), "needs no configuration");
}

#[test]
fn unknown_keys_are_errors_that_name_the_near_one() {
    let dir = dir();
    std::fs::write(dir.path().join("csl-stream.toml"), "[load]\nmax_reject = 1\n").unwrap();
    let answer = call(dir.path(), &["backfill", "--table", "signatures", "--schema", SCHEMA]).answer();
    assert_eq!(answer.code, Some(2));
    let expected =
        "error: unknown key load.max_reject (at csl-stream.toml:2)\n  help: did you mean max_rejects?\n";
    assert_eq!((answer.out.as_str(), answer.err.as_str()), ("", expected));
    let answer = call(dir.path().parent().unwrap(), &["config"]).set("CSL_LOAD_MAXREJECTS", "1").answer();
    assert_eq!(answer.code, Some(2));
    assert!(answer.err.contains("did you mean CSL_LOAD_MAX_REJECTS?"), "{}", answer.err);
}

#[test]
fn secrets_are_masked() {
    let dir = dir();
    let file = "[webhook]\nsecrets = [\"hush-one\", \"hush-two\"]\n[schema]\nsource = \"https://h/s?token=hush-three\"\n";
    std::fs::write(dir.path().join("csl-stream.toml"), file).unwrap();
    for words in [&["config"][..], &["config", "--json"], &["config", "-vv"]] {
        let answer = call(dir.path(), words).answer();
        assert_eq!(answer.code, Some(0));
        assert!(answer.out.contains("********") && answer.out.contains("https://h/s?…"), "{}", answer.out);
        assert!(!answer.out.contains("hush") && !answer.err.contains("hush"), "{}{}", answer.out, answer.err);
    }
}

#[test]
fn a_signed_url_is_never_shown() {
    let url = "https://127.0.0.1:1/signatures_20260301031500.csv?X-Amz-Signature=HUSH";
    let words = ["convert", "--table", "signatures", "--schema", SCHEMA, "--out", "o", "-vv", "--json", url];
    let answer = run(&words);
    assert_ne!(answer.code, Some(0));
    assert!(answer.out.contains("https://127.0.0.1:1/signatures_20260301031500.csv"), "{}", answer.out);
    assert!(!answer.out.contains("HUSH") && !answer.err.contains("HUSH"), "{}{}", answer.out, answer.err);
}

/// Clap repeats what it refuses, so it must be given nothing secret to refuse.
#[test]
fn a_signed_url_that_is_refused_is_never_shown() {
    let backfill = ["backfill", "--table", "signatures", "--schema", SCHEMA];
    let convert = ["convert", "--table", "signatures", "--schema", SCHEMA];
    for url in ["http://example.org/a.csv?X-Amz-Signature=HUSH", "https://host/a b.csv?X-Amz-Signature=HUSH"]
    {
        for words in [
            &[&backfill[..], &["--export", url]].concat()[..],
            &[&backfill[..], &["--exports", url]].concat(),
            &[&backfill[..], &["--export=f.csv", url]].concat(),
            &[&convert[..], &["--out", url, "a.csv"]].concat(),
            &[&convert[..], &["--out", "o", url]].concat(),
            &["schema", "diff", url, SCHEMA],
            &["schema", "diff", SCHEMA, url],
            &["schema", "show", "--schema", url],
            &["backfill", "--table", url],
            &["completions", &format!("--shell={url}")],
        ] {
            let answer = run(words);
            assert_eq!(answer.code, Some(2), "{words:?}: {}", answer.err);
            let said = answer.out + &answer.err;
            assert!(said.contains("error: ") && !said.contains("HUSH"), "{words:?}: {said}");
        }
    }
}

#[test]
fn completions_are_made_for_each_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let answer = run(&["completions", shell]);
        assert_eq!((answer.code, answer.err.as_str()), (Some(0), ""));
        assert!(answer.out.contains("backfill") && answer.out.contains("max-rejects"), "{shell}");
    }
}

#[test]
fn a_failed_run_still_reports() {
    let dir = dir();
    let words = ["backfill", "--table", "signatures", "--schema", SCHEMA, "--exports", "absent", "--json"];
    let answer = call(dir.path(), &words).arg("--report").arg("report.json").answer();
    assert_eq!(answer.code, Some(3));
    assert_eq!(answer.out.lines().count(), 1, "{}", answer.out);
    let report = json(&answer.out);
    assert_eq!((&report["status"], &report["table"]), (&"failed".into(), &"signatures".into()));
    assert!(report["error"].as_str().unwrap().contains("absent"), "{report}");
    assert_eq!(report["source"]["compression"], "unknown");
    assert!(answer.err.starts_with("error: ") && answer.err.contains("\n  help: "), "{}", answer.err);
    assert_eq!(json(&std::fs::read_to_string(dir.path().join("report.json")).unwrap()), report);
    // The ledger remembers it.
    let loads = json(&call(dir.path(), &["loads", "list", "--json"]).answer().out);
    assert_eq!((&loads[0]["status"], &loads[0]["load_id"]), (&"failed".into(), &report["load_id"]));
    let id = report["load_id"].as_str().unwrap();
    let shown = json(&call(dir.path(), &["loads", "show", id, "--json"]).answer().out);
    assert_eq!(shown["report"], report);
    let text = call(dir.path(), &["loads", "show", id]).answer().out;
    assert!(text.starts_with("signatures: failed: "), "{text}");
}

#[test]
fn a_mistyped_command_makes_no_warehouse() {
    let dir = dir();
    let answer = call(dir.path(), &["backfill", "--table", "nonsense", "--schema", SCHEMA]).answer();
    assert_ne!(answer.code, Some(0));
    assert!(std::fs::read_dir(dir.path()).unwrap().next().is_none());
    let answer = call(dir.path(), &["loads", "list"]).answer();
    assert_eq!((answer.code, answer.out.as_str()), (Some(0), "no loads in ./warehouse yet\n"));
    let answer = call(dir.path(), &["loads", "show", "x"]).answer();
    assert_eq!((answer.code, answer.out.as_str()), (Some(2), ""));
}

#[test]
fn logs_go_to_stderr_and_their_settings_are_checked() {
    let answer = call(dir().path(), &["config"]).set("CSL_LOG_FORMAT", "xml").answer();
    assert_eq!((answer.code, answer.out.as_str()), (Some(2), ""));
    assert!(answer.err.contains("set it to text or json"), "{}", answer.err);
    let answer = call(dir().path(), &["config"]).set("CSL_LOG", "a=b=c").answer();
    assert_eq!(answer.code, Some(2), "{}", answer.err);
    let dir = dir();
    std::fs::write(dir.path().join("f.csv"), "").unwrap();
    let words = ["plan", "--table", "signatures", "--schema", SCHEMA, "--export", "absent.csv"];
    assert_eq!(call(dir.path(), &words).set("CSL_LOG", "trace").answer().out, "");
}

#[cfg(unix)]
#[test]
fn arguments_that_are_not_utf_8() {
    use std::os::unix::ffi::OsStrExt;
    let odd = std::ffi::OsStr::from_bytes(b"caf\xe9.csv");
    let words = ["convert", "--table", "signatures", "--schema", SCHEMA, "--out", "o"];
    let answer = call(dir().path(), &words).arg(odd).answer();
    assert_eq!(answer.code, Some(3), "a path that is not there: {}", answer.err);
    let answer = call(dir().path(), &["backfill", "--table"]).arg(odd).answer();
    assert_eq!(answer.code, Some(2), "{}", answer.err);
    let answer = call(dir().path(), &["config"]).set("CSL_LOG", "").arg("--config").arg(odd).answer();
    assert_eq!(answer.code, Some(2), "{}", answer.err);
}

#[cfg(unix)]
#[test]
fn a_reader_that_went_away_is_no_error() {
    let dir = dir();
    let mut command = call(dir.path(), &["completions", "bash"]).command;
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[cfg(not(feature = "query"))]
#[test]
fn a_build_without_query_says_so() {
    let answer = run(&["query", "select 1"]);
    assert_eq!((answer.code, answer.out.as_str()), (Some(2), ""));
    assert!(answer.err.contains("needs the query feature"), "{}", answer.err);
}

#[cfg(feature = "query")]
#[test]
fn a_query_needs_no_table() {
    for (words, out) in [
        (
            &["query", "--format", "csv", "select 1 as one, '' as empty, null as nothing"][..],
            "one,empty,nothing\n1,\"\",\n",
        ),
        (&["query", "--json", "select 1 as one"], "{\"one\":1}\n"),
    ] {
        let answer = run(words);
        assert_eq!((answer.code, answer.out.as_str()), (Some(0), out), "{}", answer.err);
    }
    let answer = run(&["query", "select * from absent"]);
    assert_eq!((answer.code, answer.out.as_str()), (Some(2), ""), "{}", answer.err);
}

#[test]
fn a_schema_is_shown_written_as_ddl_and_pulled() {
    let dir = dir();
    let answer = call(dir.path(), &["schema", "show", "--schema", SCHEMA]).answer();
    assert_eq!((answer.code, answer.err.as_str()), (Some(0), ""));
    assert!(answer.out.starts_with("signatures (20 columns)\n"), "{}", answer.out);
    let shown = json(&call(dir.path(), &["schema", "show", "--schema", SCHEMA, "--json"]).answer().out);
    assert_eq!(shown[0]["columns"][1]["width"], "255 characters");
    assert_eq!(shown[0]["columns"][6]["redshift"], "TIMESTAMP WITHOUT TIME ZONE");

    let ddl = |words: &[&str]| {
        let answer = call(dir.path(), &[&["schema", "ddl", "--schema", SCHEMA], words].concat()).answer();
        assert_eq!((answer.code, answer.err.as_str()), (Some(0), ""));
        answer.out
    };
    assert!(ddl(&[]).starts_with("CREATE TABLE IF NOT EXISTS \"public\".\"signatures\" (\n"));
    let replaced = ddl(&["--replace", "--in-schema", "mirror", "--table", "signatures"]);
    assert!(
        replaced.starts_with("DROP TABLE IF EXISTS \"mirror\".\"signatures\";\nCREATE TABLE "),
        "{replaced}"
    );
    let answer = call(dir.path(), &["schema", "ddl", "--schema", SCHEMA, "--table", "absent"]).answer();
    assert_eq!((answer.code, answer.out.as_str()), (Some(4), ""), "{}", answer.err);

    let answer = call(dir.path(), &["schema", "pull", "--schema", SCHEMA]).answer();
    assert_eq!(answer.out, std::fs::read_to_string(SCHEMA).unwrap());
    let answer = call(dir.path(), &["schema", "pull", "--schema", SCHEMA, "--out", "s.json"]).answer();
    assert_eq!((answer.code, answer.out.as_str()), (Some(0), "wrote s.json (1 table)\n"), "{}", answer.err);
    assert_eq!(std::fs::read(dir.path().join("s.json")).unwrap(), std::fs::read(SCHEMA).unwrap());
    std::fs::write(dir.path().join("bad.json"), "<html>").unwrap();
    let answer = call(dir.path(), &["schema", "pull", "--schema", "bad.json", "--out", "s.json"]).answer();
    assert_ne!(answer.code, Some(0));
    assert_eq!(std::fs::read(dir.path().join("s.json")).unwrap(), std::fs::read(SCHEMA).unwrap(), "kept");
}

#[test]
fn schemas_are_compared() {
    let dir = dir();
    let changed = std::fs::read_to_string(SCHEMA).unwrap().replace("\"user_ip\"", "\"address\"");
    std::fs::write(dir.path().join("new.json"), changed).unwrap();
    let answer = call(dir.path(), &["schema", "diff", SCHEMA, SCHEMA]).answer();
    assert_eq!((answer.code, answer.out.as_str()), (Some(0), "no differences\n"), "{}", answer.err);
    let answer = call(dir.path(), &["schema", "diff", SCHEMA, "new.json"]).answer();
    assert!(answer.out.contains("user_ip") && answer.out.contains("address"), "{}", answer.out);
    let diff = json(&call(dir.path(), &["schema", "diff", SCHEMA, "new.json", "--json"]).answer().out);
    assert_eq!(diff["tables_changed"][0]["table"], "signatures");
}
