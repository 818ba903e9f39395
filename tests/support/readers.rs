//! Other readers of Parquet (PyArrow, DuckDB, Polars), through `tests/python/compare.py`.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A running `compare.py`. It ends when its standard input does.
pub(crate) struct Readers {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

/// What is compared.
pub(crate) struct Comparison<'a> {
    pub(crate) files: &'a [PathBuf],
    pub(crate) names: &'a [String],
    pub(crate) sql_types: &'a [String],
    pub(crate) truth: &'a Path,
    pub(crate) readers: &'a [&'a str],
}

impl Readers {
    pub(crate) fn start() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let venv = Command::new(root.join("scripts/venv")).output().expect("scripts/venv starts");
        assert!(venv.status.success(), "{}", String::from_utf8_lossy(&venv.stderr));
        let python = String::from_utf8(venv.stdout).expect("a path");
        let mut child = Command::new(python.trim_end())
            .arg(root.join("tests/python/compare.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("compare.py starts");
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        Self { child, stdin, stdout }
    }

    /// What the readers found wrong.
    pub(crate) fn compare(&mut self, comparison: &Comparison<'_>) -> Vec<String> {
        let case = json!({
            "files": comparison.files, "names": comparison.names, "sql_types": comparison.sql_types,
            "truth": comparison.truth, "readers": comparison.readers,
        });
        writeln!(self.stdin.as_mut().expect("open until dropped"), "{case}").expect("compare.py reads");
        let mut answer = String::new();
        self.stdout.read_line(&mut answer).expect("compare.py answers");
        let answer: Value = serde_json::from_str(&answer).expect("compare.py answers in JSON");
        let problems = answer["problems"].as_array().expect("a list");
        problems.iter().map(|problem| problem.as_str().expect("text").to_owned()).collect()
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        drop(self.stdin.take());
        self.child.wait().ok();
    }
}
