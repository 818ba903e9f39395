//! `signatures --rows N --out FOLDER [--seed S]`: writes an export of so many rows, its schema, and its truth.
//!
//! ```text
//! FOLDER/signatures.csv    the export
//! FOLDER/schema.json       its bulk schema
//! FOLDER/truth.json        what each column must hold afterwards
//! ```

#![allow(unreachable_pub, missing_docs, reason = "shared with the benches")]

#[path = "../support/signatures.rs"]
mod signatures;

use csl_stream::schema::BulkSchema;
use serde_json::json;
use signatures::{SCHEMA, Signatures};
use std::error::Error;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::PathBuf;

struct Wanted {
    rows: u64,
    seed: u64,
    out: PathBuf,
}

fn main() -> Result<(), Box<dyn Error>> {
    let wanted = arguments()?;
    fs::create_dir_all(&wanted.out)?;
    let mut data = Signatures::new(wanted.seed);
    let mut file = BufWriter::with_capacity(1 << 20, File::create(wanted.out.join("signatures.csv"))?);
    file.write_all(Signatures::header().as_bytes())?;
    let (mut row, mut bytes) = (Vec::new(), Signatures::header().len());
    for _ in 0..wanted.rows {
        row.clear();
        data.row(&mut row);
        file.write_all(&row)?;
        bytes += row.len();
    }
    file.flush()?;
    fs::write(wanted.out.join("schema.json"), SCHEMA)?;
    fs::write(wanted.out.join("truth.json"), truth(&data, wanted.rows, bytes)?)?;
    Ok(())
}

fn arguments() -> Result<Wanted, Box<dyn Error>> {
    let mut wanted = Wanted { rows: 1_000_000, seed: 1, out: PathBuf::new() };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let value = words.next().ok_or("an option without a value")?;
        match word.as_str() {
            "--rows" => wanted.rows = value.parse()?,
            "--seed" => wanted.seed = value.parse()?,
            "--out" => wanted.out = value.into(),
            _ => return Err(format!("{word} is not known").into()),
        }
    }
    Ok(wanted)
}

/// Sums go beyond what JSON's numbers hold exactly, so they are texts.
fn truth(data: &Signatures, rows: u64, bytes: usize) -> Result<String, Box<dyn Error>> {
    let schema = BulkSchema::parse(SCHEMA.as_bytes(), "schema.json")?;
    let table = schema.table("signatures")?;
    let names: Vec<&str> = table.columns.keys().map(String::as_str).collect();
    if names != data.facts().iter().map(|facts| facts.name).collect::<Vec<_>>() {
        return Err("the maker and the schema differ in their columns".into());
    }
    let columns: Vec<_> = data
        .facts()
        .iter()
        .map(|facts| {
            json!({
                "name": facts.name, "type": table.columns[facts.name].sql_type, "not_null": facts.not_null,
                "empty": facts.empty, "bytes": facts.bytes, "newlines": facts.newlines,
                "sum": facts.sum.to_string(),
            })
        })
        .collect();
    Ok(format!("{:#}\n", json!({ "rows": rows, "bytes": bytes, "columns": columns })))
}
