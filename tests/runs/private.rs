//! What others may see: nothing of what a run makes, of what it logs, of what it waits for on a terminal.

use super::{Answer, BACKFILL, BAD, GOOD, Place, backfill};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The command in a shell that takes no rights away from what it makes.
fn open_to_all(command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", "umask 000; exec \"$0\" \"$@\""]).arg(command.get_program()).args(command.get_args());
    shell.current_dir(command.get_current_dir().unwrap()).stdin(Stdio::null());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell
}

/// Everything below a folder that is not its owner's alone.
fn open_below(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let metadata = std::fs::symlink_metadata(&path).unwrap();
        let mode = metadata.permissions().mode() & 0o777;
        if !metadata.is_symlink() && mode & 0o077 != 0 {
            found.push(format!("{} {mode:o}", path.display()));
        }
        if metadata.is_dir() {
            found.extend(open_below(&path));
        }
    }
    found
}

const LATEST: &str = "exports/full/t/20260302/t_20260302031500.csv";

#[test]
fn all_that_is_made_is_its_owners_alone() {
    let place = Place::new();
    place.write("exports/full/t/20260302/t_20260302031500.csv", BAD);
    place.write("exports/incremental/t/20260302/t_20260302040000.csv", "id,name\n1,a\n9,z\n");
    let runs: &[&[&str]] = &[
        &backfill(&["--date", "20260301", "--report", "made/report.json", "--to", "made/w"]),
        &backfill(&["--kind", "incremental", "--to", "made/w"]),
        &backfill(&["--max-rejects", "5", "--to", "made/w", "--rejects", "made/r.csv"]),
        &[
            "convert",
            "--table",
            "t",
            "--out",
            "made/out/deep",
            "exports/full/t/20260301/t_20260301031500.csv",
        ],
        &["query", "select * from t order by name", "--to", "made/w"],
        &["erase", "--table", "t", "--id", "1", "--to", "made/w"],
        &backfill(&["--again", "--max-rejects", "5", "--to", "made/w", "--export", LATEST]),
        &["schema", "pull", "--out", "made/schema.json"],
        &["demo", "--dir", "made/demo"],
    ];
    let made = place.path("made");
    std::fs::create_dir(&made).unwrap();
    for words in runs {
        let answer = Answer::of(open_to_all(&place.command(words)).output().unwrap());
        assert_eq!(answer.code, Some(0), "{words:?}: {answer:?}");
        assert_eq!(open_below(&made), [""; 0], "{words:?}");
    }
    assert!(made.join("r.csv").exists() && made.join("r.jsonl").exists());
    assert!(
        made.join("w/t/.erased.json").exists()
            && place.left().iter().any(|name| name.ends_with(".rejects.csv"))
    );
    for name in place.left().iter().filter(|name| name.contains(".rejects.")) {
        let mode = std::fs::metadata(place.path(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{name}");
    }
    #[cfg(feature = "serve")]
    {
        let mut work = open_to_all(&place.command(&["work", "--once", "--to", "made/w"]));
        work.env("CSL_QUEUE_PATH", "made/queue.db");
        assert_eq!(Answer::of(work.output().unwrap()).code, Some(0));
        assert_eq!(open_below(&made), [""; 0]);
        let mut serve = open_to_all(&place.command(&["serve", "--listen", "127.0.0.1:0"]));
        serve.env("CSL_QUEUE_PATH", "made/queue.db").env("CSL_WEBHOOK_SIGNATURE", "unchecked");
        let mut child = serve.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut told = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        assert!(told.any(|line| line.starts_with("listening on ")));
        assert!(made.join("queue.db-wal").exists() && made.join("queue.db-shm").exists());
        assert_eq!(open_below(&made), [""; 0]);
        let limits = std::fs::read_to_string(format!("/proc/{}/limits", child.id())).unwrap();
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"], "{core}");
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

#[test]
fn what_an_older_program_left_open_is_closed_and_folders_stay_as_they_were_opened() {
    let place = Place::new();
    let report = ["--report", "report.json"];
    assert_eq!(place.run(&backfill(&report)).code, Some(0));
    let set = |name: &str, mode: u32| {
        std::fs::set_permissions(place.path(name), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let mode = |name: &str| std::fs::metadata(place.path(name)).unwrap().permissions().mode() & 0o7777;
    let version = std::fs::canonicalize(place.path("warehouse/t/current")).unwrap();
    let part = std::fs::read_dir(&version).unwrap().flatten().map(|entry| entry.path());
    let part = part.into_iter().find(|path| path.extension().is_some_and(|end| end == "parquet")).unwrap();
    std::fs::set_permissions(&part, std::fs::Permissions::from_mode(0o644)).unwrap();
    set("report.json", 0o644);
    set("warehouse/t/.lock", 0o666);
    set("warehouse", 0o2755);
    set("warehouse/t", 0o755);
    place.write("exports/incremental/t/20260301/t_20260301040000.csv", "id,name\n9,z\n");
    let answer = place.run(&[&backfill(&report)[..], &["--kind", "incremental", "-v"]].concat());
    assert_eq!(answer.code, Some(0), "{answer:?}");
    assert!(answer.err.contains("was open to others (mode 644)"), "{answer:?}");
    assert_eq!((mode("report.json"), mode("warehouse/t/.lock")), (0o600, 0o600));
    assert_eq!((mode("warehouse") & 0o777, mode("warehouse/t")), (0o755, 0o755), "opened on purpose");
    let kept = place.path("warehouse/t/current").join(part.file_name().unwrap());
    assert_eq!(std::fs::metadata(kept).unwrap().permissions().mode() & 0o777, 0o600);
    #[cfg(feature = "serve")]
    {
        assert_eq!(place.run(&["work", "--once"]).code, Some(0));
        set("queue.db", 0o644);
        assert_eq!(place.run(&["work", "--once"]).code, Some(0));
        assert_eq!(mode("queue.db"), 0o600);
    }
}

#[cfg(feature = "serve")]
#[test]
fn a_secret_that_everybody_can_read_is_refused() {
    let place = Place::new();
    place.write("secrets", "the-secret\n");
    let mut command = place.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("CSL_WEBHOOK_SECRET_FILE", "secrets");
    std::fs::set_permissions(place.path("secrets"), std::fs::Permissions::from_mode(0o644)).unwrap();
    let answer = Answer::of(command.output().unwrap());
    assert_eq!(answer.code, Some(2), "{answer:?}");
    assert!(answer.err.contains("help: chmod 600 secrets"), "{answer:?}");
    // A configuration is other people's too; with secrets in it, it says so.
    for (text, told) in [("[webhook]\nsecrets = [\"s\"]\n", true), ("[load]\nmax_rejects = 1\n", false)] {
        place.write("c.toml", text);
        let answer = place.run(&["config", "--config", "c.toml", "-v"]);
        assert_eq!((answer.code, answer.err.contains("chmod 600 c.toml")), (Some(0), told), "{answer:?}");
    }
}

#[test]
fn an_export_is_named_by_a_file_so_that_its_url_is_in_no_list_of_processes() {
    let place = Place::new();
    place.write("a.csv", GOOD);
    place.write("url", "\u{feff}\n  a.csv \r\nanother line\n");
    let answer = place.run(&backfill(&["--export", "@url"]));
    assert!(answer.out.starts_with("t: 4 rows loaded"), "{answer:?}");
    let answer = place.run(&["convert", "--table", "t", "--out", "o", "@url"]);
    assert!(answer.out.starts_with("t: 4 rows converted"), "{answer:?}");
    place.write("empty", "\n\n");
    place.write("signed", "gs://b/t_20260301031500.csv?X-Amz-Signature=HUSH\n");
    for (file, code, part) in
        [("@empty", 2, "names no export"), ("@absent", 3, "absent"), ("@signed", 2, "gs")]
    {
        let answer = place.run(&["plan", "--table", "t", "--export", file]);
        assert_eq!(answer.code, Some(code), "{file}: {answer:?}");
        assert!(answer.err.contains(part) && !answer.err.contains("HUSH"), "{file}: {answer:?}");
    }
}

/// HTTP clients and AWS's SDK write whole requests down when they are asked to.
#[cfg(feature = "aws")]
#[test]
fn no_filter_makes_the_logs_tell_a_secret() {
    let (place, server) = (Place::new(), super::server::S3Server::start());
    server.put("b/org/full/t/20260301/t_20260301031500.csv", GOOD.as_bytes());
    let url = format!(
        "{}/b/org/full/t/20260301/t_20260301031500.csv?X-Amz-Signature=HUSHSIGNED",
        server.endpoint()
    );
    for filter in
        ["trace", "debug", "csl_stream=trace,hyper=trace,aws_config=trace,object_store=trace,reqwest=trace"]
    {
        for export in ["s3://b/org/full/t/20260301/t_20260301031500.csv", url.as_str()] {
            for format in ["text", "json"] {
                let words = ["backfill", "--table", "t", "--again", "--export", export];
                let mut command = place.command(&words);
                command.env("CSL_LOG", filter).env("CSL_LOG_FORMAT", format);
                command.env("AWS_ENDPOINT_URL", server.endpoint()).env("AWS_REGION", "us-east-1");
                command.env("AWS_ACCESS_KEY_ID", "AKIDHUSHKEY").env("AWS_SECRET_ACCESS_KEY", "HUSHSECRET");
                command.env("AWS_SESSION_TOKEN", "HUSHTOKEN").env("AWS_EC2_METADATA_DISABLED", "true");
                let answer = Answer::of(command.output().unwrap());
                assert_eq!(answer.code, Some(0), "{filter} {export}: {answer:?}");
                let told = format!("{}{}", answer.out, answer.err);
                assert!(!told.contains("HUSH"), "{filter} {export}: {told}");
                assert!(told.contains("export found"), "our own events are there: {told}");
            }
        }
    }
}

#[test]
fn a_load_that_waits_says_for_whom() {
    let place = Place::new();
    assert_eq!(place.run(BACKFILL).code, Some(0));
    let mut lock =
        std::fs::File::options().read(true).write(true).open(place.path("warehouse/t/.lock")).unwrap();
    lock.lock().unwrap();
    lock.set_len(0).unwrap();
    lock.write_all(b"load 0193 in process 7 since 2026-03-01T00:00:00Z\x1b[2J\n").unwrap();
    let mut command = place.command(&backfill(&["--again"]));
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let began = Instant::now();
    let mut told = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    let line = told.find(|line| line.starts_with("waiting for ")).unwrap();
    let expected = "waiting for the table: load 0193 in process 7 since 2026-03-01T00:00:00Z\\u001b[2J";
    assert_eq!(line, expected);
    assert!(began.elapsed() < Duration::from_secs(4), "at once");
    drop(lock);
    assert!(child.wait().unwrap().success());
}

/// What anybody signs a petition with is printed on somebody's terminal.
#[cfg(feature = "query")]
#[test]
fn a_value_does_not_command_the_terminal() {
    let place = Place::new();
    place.write("t.csv", "id,name\n1,\u{1b}[31m\n2,\u{9b}2J\n3,a\u{202e}b\n4,\u{7}\n");
    assert_eq!(place.run(&backfill(&["--export", "t.csv"])).code, Some(0));
    for format in ["table", "csv", "json"] {
        let query = ["query", "--format", format, "select name from t order by id"];
        let piped = place.run(&query);
        let raw = if format == "json" { "\u{9b}2J" } else { "\u{1b}[31m" };
        assert!(piped.out.contains(raw), "{format}: a pipe gets the bytes: {piped:?}");
        let command = place.command(&query);
        let words = [command.get_program()].into_iter().chain(command.get_args());
        let quoted: Vec<String> = words.map(|word| format!("'{}'", word.to_str().unwrap())).collect();
        let mut terminal = Command::new("script");
        terminal
            .args(["-qec", &quoted.join(" "), "/dev/null"])
            .current_dir(command.get_current_dir().unwrap());
        let shown = Answer::of(terminal.stdin(Stdio::null()).output().unwrap());
        assert_eq!(shown.code, Some(0), "{format}: {shown:?}");
        let commands = |letter: char| letter.is_control() && !"\r\n".contains(letter) || letter == '\u{202e}';
        assert!(!shown.out.contains(commands), "{format}: {shown:?}");
        for part in ["\\u001b[31m", "\\u009b2J", "a\\u202eb", "\\u0007"] {
            assert!(shown.out.contains(part), "{format}: {part} in {shown:?}");
        }
    }
}
