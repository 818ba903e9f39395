//! Everything that a run has left behind, as bytes that can be searched.

use crate::bench::Bench;
use bytes::Bytes;
use parquet::basic::Type as Physical;
use parquet::column::page::Page;
use parquet::errors::Result as ParquetResult;
use parquet::file::reader::{FileReader, SerializedFileReader};
use std::fmt::Write as _;
use std::path::Path;

/// Kinds of place, by what may be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    /// What a load is for: Parquet, rows of the table.
    Output,
    /// Records that were rejected, and why.
    Rejects,
    /// Reports, ledgers, records of loads.
    Report,
    /// Messages that name an export, and those of them that could not be loaded.
    Queue,
    /// Standard error, and standard output that is no report.
    Told,
    /// The arguments of processes.
    Arguments,
    Sns,
    DynamoDb,
    Alert,
    Core,
    /// Any other file, row or object.
    Elsewhere,
}

pub(crate) struct Piece {
    pub(crate) place: Place,
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

impl Piece {
    pub(crate) fn holds(&self, text: &str) -> bool {
        self.bytes.windows(text.len()).any(|window| window == text.as_bytes())
    }
}

pub(crate) fn gather(bench: &Bench) -> Vec<Piece> {
    let mut all = bench.heard.pieces();
    all.append(&mut bench.said.borrow_mut());
    let run = bench.run_dir();
    files(&run, &run, &mut all);
    for name in bench.s3.names().into_iter().filter(|name| !name.starts_with("exports/")) {
        add(&mut all, of_object(&name), &format!("s3://{name}"), bench.s3.get(&name).unwrap().to_vec());
    }
    if let Some(mirror) = &bench.mirror {
        let tables = mirror.database.text(
            "SELECT table_name FROM information_schema.tables \
             WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY 1",
        );
        for table in tables.lines() {
            let rows = mirror.database.run(&format!("SELECT x::text FROM public.\"{table}\" x"));
            let place = match table {
                "csl_stream_loads" => Place::Report,
                _ if table.starts_with("csl_stream_") => Place::Elsewhere,
                _ => Place::Output,
            };
            add(&mut all, place, &format!("rows of {table}"), rows);
        }
        // Redshift keeps the text of every statement (SYS_QUERY_TEXT).
        let sent: Vec<String> = mirror.redshift.sent().into_iter().map(|sent| sent.sql).collect();
        add(&mut all, Place::Report, "statements", sent.join("\n").into_bytes());
    }
    all
}

fn files(root: &Path, folder: &Path, all: &mut Vec<Piece>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(root).unwrap().display().to_string();
        let metadata = std::fs::symlink_metadata(&path).unwrap();
        if metadata.is_symlink() {
            let target = std::fs::read_link(&path).unwrap();
            add(all, Place::Elsewhere, &name, target.display().to_string().into_bytes());
        } else if metadata.is_dir() {
            files(root, &path, all);
        } else if metadata.is_file() {
            add(all, of_file(&name), &name, std::fs::read(&path).unwrap());
        }
        // A name is readable too.
        add(all, Place::Elsewhere, "a name", name.into_bytes());
    }
}

fn of_file(name: &str) -> Place {
    let file = name.rsplit('/').next().unwrap_or_default();
    if name.contains("/.loads/") || file == "load.json" || file.starts_with("report") {
        return Place::Report;
    }
    match file {
        // A killed run leaves the file that it was writing, until the next load.
        _ if file.ends_with(".parquet") || file.contains(".parquet.") => Place::Output,
        _ if file.contains(".rejects.") => Place::Rejects,
        _ if file.starts_with("queue.db") => Place::Queue,
        _ if file.starts_with("core") => Place::Core,
        _ => Place::Elsewhere,
    }
}

fn of_object(name: &str) -> Place {
    let file = name.rsplit('/').next().unwrap_or_default();
    if matches!(file, "load.json" | "report.json")
        || name.contains("/.loads/")
        || name.contains("/_profiles/")
    {
        return Place::Report;
    }
    match file {
        _ if file.ends_with(".parquet") => Place::Output,
        _ if name.contains("/rejects/") => Place::Rejects,
        _ => Place::Elsewhere,
    }
}

/// Parquet is unpacked too; what is no whole file is searched as it is.
fn add(all: &mut Vec<Piece>, place: Place, name: &str, bytes: Vec<u8>) {
    if name.ends_with(".parquet")
        && let Ok(text) = unpacked(&bytes)
    {
        all.push(Piece { place, name: format!("unpacked {name}"), bytes: text });
    }
    all.push(Piece { place, name: name.to_owned(), bytes });
}

/// Cells as text, pages as they are without compression, statistics and whatever else the footer says.
fn unpacked(bytes: &[u8]) -> ParquetResult<Vec<u8>> {
    let reader = SerializedFileReader::new(Bytes::copy_from_slice(bytes))?;
    let mut text = String::new();
    for row in reader.get_row_iter(None)? {
        writeln!(text, "{}", row?).unwrap();
    }
    let mut all = Vec::new();
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group)?;
        for column in 0..group.num_columns() {
            let chunk = group.metadata().column(column);
            writeln!(text, "{:?}", chunk.statistics()).unwrap();
            for page in group.get_column_page_reader(column)? {
                let page = page?;
                if matches!(page, Page::DictionaryPage { .. }) {
                    text += &numbers(chunk.column_type(), page.buffer());
                }
                all.extend_from_slice(page.buffer());
            }
        }
    }
    writeln!(text, "{:?}", reader.metadata().file_metadata().key_value_metadata()).unwrap();
    all.extend_from_slice(text.as_bytes());
    Ok(all)
}

/// The entries of a dictionary of numbers, in digits: it may hold more than the pages refer to.
fn numbers(physical: Physical, dictionary: &[u8]) -> String {
    let mut text = String::new();
    match physical {
        Physical::INT32 => dictionary
            .as_chunks::<4>()
            .0
            .iter()
            .for_each(|entry| writeln!(text, "{}", i32::from_le_bytes(*entry)).unwrap()),
        Physical::INT64 => dictionary
            .as_chunks::<8>()
            .0
            .iter()
            .for_each(|entry| writeln!(text, "{}", i64::from_le_bytes(*entry)).unwrap()),
        _ => {}
    }
    text
}
