//! A table as PostgreSQL has it: what `csl_truth` of `fixtures/sql/lib.sql` writes.

use crate::cells::{Cells, Kind};
use std::path::Path;

/// Reads a truth file: a line a row, tabs between the fields.
pub(crate) fn read_truth(path: &Path, kinds: &[Kind]) -> Vec<Cells> {
    let bytes = std::fs::read(path).expect("the truth is readable");
    let mut columns: Vec<Cells> = kinds.iter().map(|&kind| Cells::new(kind)).collect();
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        let line = line.strip_suffix(b"\n").expect("COPY ends each line");
        let mut fields = line.split(|&byte| byte == b'\t');
        for column in &mut columns {
            push(column, fields.next().expect("a field for each column"));
        }
        assert!(fields.next().is_none(), "a column for each field");
    }
    columns
}

fn push(column: &mut Cells, field: &[u8]) {
    let text = (field != br"\N").then(|| std::str::from_utf8(field).expect("ASCII"));
    match column {
        Cells::Int(cells) => cells.push(text.map(|text| text.parse().expect("an integer"))),
        Cells::Decimal(cells) => cells.push(text.map(|text| text.parse().expect("an integer"))),
        Cells::Text(cells) => cells.push(text.map(unhex)),
    }
}

fn unhex(text: &str) -> Vec<u8> {
    let nibble = |digit: u8| (digit as char).to_digit(16).expect("a hexadecimal digit") as u8;
    text.as_bytes().chunks_exact(2).map(|pair| nibble(pair[0]) << 4 | nibble(pair[1])).collect()
}
