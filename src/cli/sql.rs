//! Where a statement of SQL comes from, and where its answer goes.

use crate::error::{Error, Place, Result};
use crate::ops::query::Answer;
use std::fs::File;
use std::io::{IsTerminal, Read};
use std::path::Path;

/// Longest statement.
const SQL_BYTES_MAX: u64 = 16 << 20;
/// Standard input.
const STDIN: &str = "-";

/// The statement: as it was given, from a file, or from standard input.
///
/// # Errors
/// [`Error::Usage`] if there is none, or it is no text; [`Error::Access`] if the file is not there.
pub(super) fn statement(given: Option<&str>, file: Option<&Path>) -> Result<String> {
    match (given, file) {
        (_, Some(file)) if file != Path::new(STDIN) => {
            let opened = File::open(file);
            let opened = opened.map_err(|cause| Error::io("cannot read the statement", file, cause))?;
            read(opened, &file.display().to_string())
        }
        (Some(sql), None) if sql != STDIN => Ok(sql.to_owned()),
        (None, None) if std::io::stdin().is_terminal() => Err(Error::usage("there is no statement")
            .help("write it behind query, name a file with -f, or send it to standard input")),
        _ => read(std::io::stdin().lock(), "standard input"),
    }
}

fn read(from: impl Read, place: &str) -> Result<String> {
    let place = || Place::uri(place);
    let mut bytes = Vec::new();
    from.take(SQL_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(|cause| Error::from_io("cannot read the statement", place(), cause))?;
    if bytes.len() as u64 > SQL_BYTES_MAX {
        return Err(Error::usage("the statement is longer than 16 MiB").at(place()));
    }
    let text =
        String::from_utf8(bytes).map_err(|_| Error::usage("the statement is not UTF-8").at(place()))?;
    let text = text.trim_start_matches('\u{feff}');
    if text.trim().is_empty() {
        return Err(Error::usage("there is no statement").at(place()));
    }
    Ok(text.to_owned())
}

/// What a file of this name holds.
///
/// # Errors
/// [`Error::Usage`] for an ending that says nothing.
pub(super) fn answer_in(file: &Path) -> Result<Answer> {
    let ending = file.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    match ending.to_ascii_lowercase().as_str() {
        "parquet" => Ok(Answer::Parquet),
        "csv" => Ok(Answer::Csv),
        "json" | "jsonl" | "ndjson" => Ok(Answer::Json),
        _ => Err(Error::usage("the name of --out does not say what the file is to hold")
            .at(Place::uri(file.display().to_string()))
            .help("let it end in .parquet, .csv or .json")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_text() {
        for (bytes, sql) in [
            (&b"select 1\n"[..], Some("select 1\n")),
            (b"\xef\xbb\xbfselect 1", Some("select 1")),
            (b" \n", None),
            (b"", None),
            (b"select '\xff'", None),
        ] {
            assert_eq!(read(bytes, "x").ok().as_deref(), sql);
        }
        let long = vec![b' '; SQL_BYTES_MAX as usize + 1];
        assert_eq!(read(&long[..], "x").unwrap_err().exit_code(), 2);
    }

    #[test]
    fn the_ending_says_what_a_file_holds() {
        for (name, answer) in [
            ("a.parquet", Some(Answer::Parquet)),
            ("a.CSV", Some(Answer::Csv)),
            ("a.b.json", Some(Answer::Json)),
            ("a", None),
            (".csv", None),
            ("a.txt", None),
        ] {
            assert_eq!(answer_in(Path::new(name)).ok(), answer, "{name}");
        }
    }
}
