//! Runs the program as its users do.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Output};

/// The program: the one just built, or a packaged one that `CSL_STREAM_BIN` names.
pub(crate) fn program() -> OsString {
    std::env::var_os("CSL_STREAM_BIN").unwrap_or_else(|| env!("CARGO_BIN_EXE_csl-stream").into())
}

/// The command without the caller's own `CSL_…` settings.
pub(crate) fn without_settings(mut command: Command) -> Command {
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CSL_")) {
        command.env_remove(name);
    }
    command
}

/// Runs it without the caller's own `CSL_…` settings.
pub(crate) fn csl_stream<S: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = S>) -> Output {
    without_settings(Command::new(program())).args(arguments).output().expect("csl-stream starts")
}

/// A conversion.
pub(crate) struct Convert<'a> {
    pub(crate) input: &'a Path,
    pub(crate) schema: &'a Path,
    pub(crate) table: &'a str,
    pub(crate) out: &'a Path,
    /// Where the JSON report goes.
    pub(crate) report: &'a Path,
    pub(crate) more: Vec<String>,
}

impl Convert<'_> {
    /// Runs it; the report, if one was written, beside what the program said.
    pub(crate) fn run(&self) -> (Output, Option<serde_json::Value>) {
        let mut arguments: Vec<OsString> = vec!["convert".into(), "--quiet".into()];
        let named: [(&str, OsString); 4] = [
            ("--schema", self.schema.into()),
            ("--table", self.table.into()),
            ("--out", self.out.into()),
            ("--report", self.report.into()),
        ];
        for (flag, value) in named {
            arguments.extend([flag.into(), value]);
        }
        arguments.extend(self.more.iter().map(OsString::from));
        arguments.push(self.input.into());
        let output = csl_stream(arguments);
        let report = std::fs::read(self.report).ok();
        (output, report.map(|bytes| serde_json::from_slice(&bytes).expect("the report is JSON")))
    }
}

/// What a program said, for a failed assertion.
pub(crate) fn said(output: &Output) -> String {
    format!(
        "{}\n{}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}
