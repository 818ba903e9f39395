//! `csl-stream query --export` as people call it.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const SCHEMA: &str = r#"{"tables":[
    {"table":{"name":"t","columns":{
        "id":{"type":"integer","sql_type":"bigint"},"name":{"type":"string","sql_type":"text"}}}},
    {"table":{"name":"u","columns":{"id":{"type":"integer","sql_type":"bigint"}}}}]}"#;

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("schema.json", SCHEMA);
    write("a.csv", "id,name\n1,a\n2,\n3,\"\"\n");
    write("bad.csv", "id,name\n1,a\nx,b\n");
    write("more.csv", "id,name,age\n1,a,9\n");
    write("open.csv", "id,name\n1,a");
    write("t_20260301031500.csv", "id,name\n7,old\n");
    write("t_20260302031500.csv", "id,name\n7,new\n8,new\n");
    write("root/full/t/20260301/t_20260301031500.csv", "id,name\n1,older\n");
    write("root/full/t/20260302/t_20260302031500.csv", "id,name\n1,newest\n");
    folder
}

fn query(folder: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_csl-stream"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CSL_")) {
        command.env_remove(name);
    }
    command.args(["query", "--schema", "schema.json", "--format", "csv"]).args(words);
    command.current_dir(folder).output().unwrap()
}

fn said(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

/// What is asked; what is answered, or the exit code and a part of what is said.
type Case<'a> = (&'a [&'a str], Result<&'a str, (i32, &'a str)>);

#[test]
fn exports_are_tables() {
    let folder = folder();
    let cases: &[Case] = &[
        (
            &["--export", "a.csv", "--table", "t", "select * from t order by id"],
            Ok("id,name\n1,a\n2,\n3,\"\"\n"),
        ),
        (&["--export", "t=a.csv", "select count(*) as n from T"], Ok("n\n3\n")),
        (&["--export", "Rows=a.csv", "--table", "t", "select count(name) as n from rows"], Ok("n\n2\n")),
        (&["--export", "t_20260301031500.csv", "select name from t"], Ok("name\nold\n")),
        (&["--export", "root", "--table", "t", "select name from t"], Ok("name\nnewest\n")),
        (
            &[
                "--export",
                "old=t_20260301031500.csv",
                "--export",
                "new=t_20260302031500.csv",
                "select new.id from new left join old on new.id = old.id where old.id is null",
            ],
            Ok("id\n8\n"),
        ),
        (
            &["--export", "more.csv", "--table", "t", "--unknown-columns", "drop", "select * from t"],
            Ok("id,name\n1,a\n"),
        ),
        (&["--export", "more.csv", "--table", "t", "select * from t"], Err((4, "age"))),
        (&["--export", "open.csv", "--table", "t", "select * from t"], Err((1, "is cut off at byte 11"))),
        (
            &["--export", "open.csv", "--table", "t", "--allow-open-end", "select * from t"],
            Ok("id,name\n1,a\n"),
        ),
        (&["--export", "a.csv", "select 1"], Err((2, "does not say of which table it is"))),
        (&["--export", "absent.csv", "--table", "t", "select 1"], Err((3, "absent.csv"))),
        (&["--export", "a.csv", "--table", "v", "select 1"], Err((4, "v"))),
        (
            &["--export", "a.csv", "--export", "a.csv", "--table", "t", "select 1"],
            Err((2, "two exports are the table t")),
        ),
        (
            &["--export", "bad.csv", "--table", "t", "select id from t"],
            Err((5, "bad.csv, record 2, line 3, byte 12, column \"id\"")),
        ),
        (&["--max-rejects", "1", "select 1"], Err((2, "--export"))),
    ];
    for (words, want) in cases {
        let (code, out, err) = said(&query(folder.path(), words));
        match want {
            Ok(want) => assert_eq!((code, out.as_str()), (0, *want), "{words:?}: {err}"),
            Err((want, part)) => assert!(code == *want && err.contains(part), "{words:?}: {code} {err}"),
        }
    }
}

#[test]
fn standard_input_is_read_once_and_no_further_than_needed() {
    let folder = folder();
    let asked = |sql: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_csl-stream"));
        command.args([
            "query",
            "--schema",
            "schema.json",
            "--format",
            "csv",
            "--table",
            "t",
            "--export",
            "-",
            sql,
        ]);
        command
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        // More than a turn, and then nothing for as long as the program lives.
        let rows: String = (0..400_000).map(|id| format!("{id},name\n")).collect();
        let writer = std::thread::spawn(move || {
            let _ = input.write_all(format!("id,name\n{rows}").as_bytes());
            input
        });
        let answer = child.wait_with_output().unwrap();
        drop(writer.join().unwrap());
        said(&answer)
    };
    let (code, out, err) = asked("select id from t limit 2");
    assert_eq!((code, out.as_str()), (0, "id\n0\n1\n"), "{err}");
    let (code, out, err) = asked("select id from t where id > 3 limit 1");
    assert_eq!((code, out.lines().count()), (0, 2), "{err}");
    let (code, _, err) =
        asked("select id from (select * from t limit 1) a cross join (select id as other from t limit 1) b");
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("standard input can be read once"), "{err}");
}

#[test]
fn what_is_left_out_is_told() {
    let folder = folder();
    let words = ["--export", "bad.csv", "--table", "t", "--max-rejects", "1", "select count(*) as n from t"];
    let (code, out, err) = said(&query(folder.path(), &words));
    assert_eq!((code, out.as_str()), (0, "n\n1\n"), "{err}");
    assert!(err.contains("t: 1 record is left out as rejects; the first breaks the rule integer"), "{err}");
    assert!(err.contains("record 2, line 3, byte 12"), "{err}");
    let words = ["--export", "more.csv", "--table", "t", "--unknown-columns", "drop", "select * from t"];
    let (_, _, err) = said(&query(folder.path(), &words));
    assert!(err.contains("\"age\"") && err.contains("dropped"), "{err}");
}

#[cfg(all(unix, feature = "aws"))]
#[test]
fn an_export_in_s3() {
    let folder = folder();
    let server = super::server::S3Server::start();
    let rows: String = (0..30_000).map(|id| format!("{id},name of {id}\n")).collect();
    server.put("exports/org/full/t/20260301/t_20260301031500.csv", format!("id,name\n{rows}").into_bytes());
    let asked = |uri: &str, sql: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_csl-stream"));
        command
            .args([
                "query",
                "--schema",
                "schema.json",
                "--format",
                "csv",
                "--table",
                "t",
                "--export",
                uri,
                sql,
            ])
            .current_dir(folder.path())
            .env("AWS_ENDPOINT_URL", server.endpoint())
            .env("AWS_ACCESS_KEY_ID", "AKIDTEST")
            .env("AWS_SECRET_ACCESS_KEY", "secret")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_EC2_METADATA_DISABLED", "true");
        said(&command.output().unwrap())
    };
    let sql = "select count(*) as n, max(name) as last from t";
    for uri in ["s3://exports/org/full/t/20260301/t_20260301031500.csv", "s3://exports/org"] {
        let (code, out, err) = asked(uri, sql);
        assert_eq!((code, out.as_str()), (0, "n,last\n30000,name of 9999\n"), "{err}");
    }
    let (code, _, err) = asked("s3://exports/org/absent.csv", sql);
    assert_eq!(code, 3, "{err}");
}
