//! `scripts/corpora` on files that are made here, with the program and with one that is not true.

use crate::postgres::{root, server};
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_csl-stream");

fn packed(with: &str, bytes: &[u8]) -> Vec<u8> {
    let mut child =
        Command::new(with).arg("-c").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
    child.stdin.take().expect("piped").write_all(bytes).expect("it reads");
    child.wait_with_output().expect("it ends").stdout
}

/// A file for each line of the summary.
fn corpus(folder: &Path) {
    let put = |name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes).expect("written");
    let plain = "id,name\n1,\"Ä, ä\"\n2,\n3,\"\"\n,\"a\"\"b\nc\"\n".as_bytes();
    put("good.csv", plain);
    put("crlf.csv", b"a,b\r\n1,2\r\n");
    put("open.csv", b"a,b\n1,2");
    put("bom.csv", b"\xef\xbb\xbfa,b\n1,2\n");
    put("ragged.csv", b"a,b\n1,2,3\n");
    put("latin.csv", b"a\n\xe4\n");
    put("nul.csv", b"a\nx\0y\n");
    put("middle.csv", b"a,b\n1,x\"y\"\n");
    put("returns.csv", b"a,b\r1,2\r");
    put("other.txt", b"neither");
    let bzip2 = packed("bzip2", plain);
    put("good.csv.bz2", &bzip2);
    put("cut.bz2", &bzip2[..bzip2.len() - 9]);
    put("good.csv.gz", &packed("gzip", plain));
    put("binary.gz", &packed("gzip", &(0..=255).cycle().take(5000).collect::<Vec<u8>>()));
    put("good.zst", &packed("zstd", plain));
}

fn compare(program: &Path, folder: &Path) -> Output {
    let python = Command::new(root().join("scripts/venv")).output().expect("it starts");
    let python = String::from_utf8(python.stdout).expect("a path");
    let mut command = Command::new(python.trim());
    command.arg(root().join("tests/python/corpora.py")).arg(program).arg(server().bin());
    command.arg(server().socket()).arg(folder).output().expect("it starts")
}

#[test]
fn other_peoples_files_are_read_as_postgresql_and_the_decoders_read_them() {
    let dir = tempfile::tempdir().expect("a folder");
    corpus(dir.path());
    let output = compare(Path::new(PROGRAM), dir.path());
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    let lines: Vec<&str> = said.lines().map(str::trim).collect();
    for line in [
        "15 files",
        "4 CSV files compared",
        "22 cells compared with PostgreSQL",
        "3 CSV files that both refuse",
        "1 CSV files refused here alone, on purpose: a quote in the middle of a field",
        "1 CSV files refused here alone, on purpose: lines that end in carriage returns alone",
        "4 compressed files compared",
        "1 compressed files that both refuse",
        "1 other files",
        "0 disagreements",
    ] {
        assert!(lines.contains(&line), "{line}: {said}");
    }
}

/// A comparison that cannot fail says nothing.
#[test]
fn what_a_program_gets_wrong_is_named() {
    let dir = tempfile::tempdir().expect("a folder");
    let files = dir.path().join("files");
    fs::create_dir(&files).expect("made");
    corpus(&files);
    let untrue = dir.path().join("untrue");
    for (what, change, named) in [
        ("a cell", "sed 's/^3,/4,/'", "good.csv: c0, row 4: b'4' here, b'3' in PostgreSQL"),
        ("a row", "sed '/^2,/d'", "good.csv: 4 rows here, 5 in PostgreSQL"),
        ("a refusal", "sed '2s/$/,9/'", "good.csv: PostgreSQL reads it, and here:"),
        ("a record too long", "sed 's/^1,2,3$/1,2/'", "ragged.csv: read here, and PostgreSQL says:"),
    ] {
        // The input is the last word of the command.
        let script = format!(
            "#!/bin/bash\nlast=\"${{@: -1}}\"\ncase $last in *.csv) {change} \"$last\" >\"$last.untrue\" ;; *) cp \"$last\" \"$last.untrue\" ;; esac\n\
             exec '{PROGRAM}' \"${{@:1:$#-1}}\" \"$last.untrue\"\n"
        );
        fs::write(&untrue, script).expect("written");
        fs::set_permissions(&untrue, fs::Permissions::from_mode(0o755)).expect("it may be run");
        let output = compare(&untrue, &files);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(1), "{what}: {said}");
        let line = said.lines().find(|line| line.starts_with("DISAGREE") && line.contains(named));
        assert!(line.is_some(), "{what}: {said}");
    }
}
