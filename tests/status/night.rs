//! A night of many tables with all kinds of ends, made by the program itself.

use crate::run::{program, said, without_settings};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// Tables of the night.
pub(crate) const TABLES: usize = 63;
/// A value of somebody, in all that may not be shown.
pub(crate) const SOMEBODY: &str = "somebody@example.org";

pub(crate) struct Night {
    dir: TempDir,
}

/// How a table's night ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Fine,
    Rejects,
    Failed,
    Drift,
}

/// The end of the table of this number.
pub(crate) fn end_of(number: usize) -> End {
    match number % 9 {
        3 => End::Rejects,
        5 => End::Failed,
        7 => End::Drift,
        _ => End::Fine,
    }
}

pub(crate) fn name_of(number: usize) -> String {
    format!("table_{number:02}")
}

impl Night {
    /// A folder with a schema of so many tables, and no loads yet.
    pub(crate) fn empty(tables: usize) -> Self {
        let night = Self { dir: tempfile::tempdir().unwrap() };
        let table = |number| {
            serde_json::json!({ "table": { "name": name_of(number), "columns": {
                "id": { "type": "integer", "sql_type": "bigint" },
                "born": { "type": "date", "sql_type": "date" },
                "email": { "type": "string", "sql_type": "character varying(80)" } } } })
        };
        let schema = serde_json::json!({ "tables": (0..tables).map(table).collect::<Vec<_>>() });
        std::fs::write(night.path("schema.json"), schema.to_string()).unwrap();
        night
    }

    /// Two nights: the first is fine for all, the second ends as [`end_of`] says.
    pub(crate) fn played() -> Self {
        let night = Self::empty(TABLES);
        for second in [false, true] {
            for number in 0..TABLES {
                let end = if second { end_of(number) } else { End::Fine };
                night.export(number, second, end, 20 + number);
            }
            let words = ["backfill", "--all", "--exports", "exports", "--max-rejects", "2", "--quiet"];
            let output = night.run(&words);
            // Some fail in the second night: their rejects are more.
            assert_eq!(output.status.code(), Some(if second { 5 } else { 0 }), "{}", said(&output));
        }
        night
    }

    fn export(&self, number: usize, second: bool, end: End, rows: usize) {
        let name = name_of(number);
        let day = if second { "20260302" } else { "20260301" };
        let folder = self.path(&format!("exports/full/{name}/{day}"));
        std::fs::create_dir_all(&folder).unwrap();
        let mut csv = "id,born,email\n".to_owned();
        for row in 0..rows {
            let email = if end == End::Drift { "" } else { SOMEBODY };
            csv += &format!("{row},1971-02-03,{email}\n");
        }
        let bad = match end {
            End::Rejects => 2,
            End::Failed => 3,
            End::Fine | End::Drift => 0,
        };
        for _ in 0..bad {
            csv += &format!("{SOMEBODY},1971-02-03,x\n");
        }
        std::fs::write(folder.join(format!("{name}_{day}031500.csv")), csv).unwrap();
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = without_settings(Command::new(program()));
        command.current_dir(self.dir.path()).env("CSL_SCHEMA_SOURCE", "schema.json").args(words);
        command
    }

    pub(crate) fn run(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    /// The JSON that a command prints.
    pub(crate) fn json(&self, words: &[&str]) -> Value {
        let output = self.run(words);
        assert!(output.status.success(), "{}", said(&output));
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(&output)))
    }

    /// Every load, newest first, as the ledger has it.
    pub(crate) fn loads(&self) -> Vec<Value> {
        let loads = self.json(&["loads", "list", "--limit", "100000", "--json"]);
        loads.as_array().unwrap().clone()
    }
}
