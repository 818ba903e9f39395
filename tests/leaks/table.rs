//! A table of the published schema, and exports of it in which each value holds a mark of its own.
//!
//! A mark says which column it is of, which part of the value, and which row:
//! ```text
//! texts        MRK907A003@mrk907d003.example   column 7, row 3; what stands before and behind the @
//! addresses    198.107.3.77                    column 7, row 3
//! numbers      839107003                       column 7, row 3; within uuid, numeric and geography too
//! moments      1807-11-03 08:39:11             column 7, row 3
//! short texts  U+E107                          column 7
//! ```
//! Booleans, two letters and three digits are too short for one.

use crate::draw::Data;
use csl_stream::schema::BulkSchema;
use fastrand::Rng;
use std::io::Write;

/// The published schema with the most tables.
pub(crate) const SCHEMA: &str = include_str!("../../fixtures/schema/2025-08-28.json");
/// Bytes of the shortest text that holds both marks of a value.
const BOTH_BYTES: usize = 29;
/// Bytes of the shortest text that holds one.
const ONE_BYTES: usize = 10;
/// Limit of the columns that hold an IP address.
const ADDRESS_BYTES: usize = 39;

/// How a column's values hold their mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holds {
    Text(usize),
    Short,
    Address,
    Json,
    Hstore,
    Integer,
    Decimal,
    Moment,
    Uuid,
    Geography,
    Flag,
    /// Nothing: it is too short.
    Little,
}

#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) holds: Holds,
    pub(crate) bigint: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) columns: Vec<Column>,
}

/// All tables of the schema.
pub(crate) fn tables() -> Vec<Table> {
    let bulk = BulkSchema::parse(SCHEMA.as_bytes(), "the published schema").unwrap();
    let table = |table: &csl_stream::schema::Table| Table {
        name: table.name.clone(),
        columns: table
            .columns
            .iter()
            .map(|(name, column)| Column {
                name: name.clone(),
                holds: holds(&column.sql_type),
                bigint: column.sql_type == "bigint",
            })
            .collect(),
    };
    bulk.tables.iter().map(table).collect()
}

fn holds(sql_type: &str) -> Holds {
    let limit = sql_type.strip_prefix("character varying(").and_then(|rest| rest.strip_suffix(')'));
    match (sql_type, limit.map(|limit| limit.parse().unwrap())) {
        (_, Some(0..=2)) => Holds::Little,
        (_, Some(limit)) if limit < ONE_BYTES => Holds::Short,
        (_, Some(ADDRESS_BYTES)) => Holds::Address,
        (_, Some(limit)) => Holds::Text(limit),
        ("text" | "character varying", _) => Holds::Text(usize::MAX),
        ("jsonb", _) => Holds::Json,
        ("hstore", _) => Holds::Hstore,
        ("integer" | "bigint", _) => Holds::Integer,
        ("numeric(13,10)", _) => Holds::Decimal,
        ("numeric(3,2)", _) => Holds::Little,
        ("uuid", _) => Holds::Uuid,
        ("boolean", _) => Holds::Flag,
        (other, _) if other.starts_with("timestamp") => Holds::Moment,
        (other, _) if other.starts_with("geography") => Holds::Geography,
        (other, _) => panic!("no mark for {other}"),
    }
}

impl Holds {
    /// Whether a report may tell the smallest and the largest of the column.
    pub(crate) fn has_figures(self) -> bool {
        matches!(self, Self::Integer | Self::Decimal | Self::Moment)
    }

    pub(crate) fn has_mark(self) -> bool {
        !matches!(self, Self::Flag | Self::Little)
    }
}

/// The text of both marks.
pub(crate) fn text(column: usize, row: usize) -> String {
    format!("MRK9{column:02}A{row:03}@mrk9{column:02}d{row:03}.example")
}

pub(crate) fn number(column: usize, row: usize) -> String {
    format!("8391{column:02}{row:03}")
}

/// A value, before it is quoted.
fn value(holds: Holds, name: &str, column: usize, row: usize) -> String {
    match holds {
        Holds::Text(limit) if limit < BOTH_BYTES => text(column, row)[..ONE_BYTES].to_owned(),
        Holds::Text(_) => text(column, row),
        Holds::Short => char::from_u32(0xE100 + u32::try_from(column).unwrap()).unwrap().to_string(),
        Holds::Address => format!("198.1{column:02}.{row}.77"),
        Holds::Json => format!("{{\"k\": \"{}\"}}", text(column, row)),
        Holds::Hstore => format!("\"k\"=>\"{}\"", text(column, row)),
        Holds::Integer => number(column, row),
        Holds::Decimal => format!("1.{}0", number(column, row)),
        Holds::Moment => format!("18{column:02}-11-{row:02} 08:39:11"),
        Holds::Uuid => format!("018df74f-8400-7abc-8def-000{}", number(column, row)),
        Holds::Geography => {
            format!("0101000020E6100000000{}2840000{}2840", number(column, row), number(column, row))
        }
        Holds::Flag => if row.is_multiple_of(2) { "t" } else { "f" }.to_owned(),
        Holds::Little => if name.contains("country") { "fr" } else { "1" }.to_owned(),
    }
}

fn quoted(text: &str) -> String {
    let needs = text.is_empty() || text.contains(['"', ',', '\n', '\r']);
    if needs { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

impl Table {
    fn fields(&self, row: usize) -> Vec<String> {
        let columns = self.columns.iter().enumerate();
        columns.map(|(at, column)| quoted(&value(column.holds, &column.name, at, row))).collect()
    }

    fn one_of(&self, rng: &mut Rng, is_it: impl Fn(&Column) -> bool) -> Option<usize> {
        let found: Vec<usize> = (0..self.columns.len()).filter(|at| is_it(&self.columns[*at])).collect();
        (!found.is_empty()).then(|| found[rng.usize(..found.len())])
    }

    /// An export of so many rows, with one record that is as `data` says; whether it came to that.
    pub(crate) fn export(&self, rng: &mut Rng, data: Data, rows: usize) -> (Vec<u8>, bool) {
        let header: Vec<&str> = self.columns.iter().map(|column| column.name.as_str()).collect();
        let mut lines = vec![header.join(",").into_bytes()];
        let spoilt = rng.usize(1..=rows);
        let mut came = data == Data::Sound;
        for row in 1..=rows {
            let mut fields = self.fields(row);
            let mut line = None;
            if row == spoilt {
                (line, came) = self.spoil(rng, data, row, &mut fields);
            }
            lines.push(line.unwrap_or_else(|| fields.join(",").into_bytes()));
        }
        if data == Data::NoHeader {
            lines.remove(0);
        }
        let mut csv = lines.join(&b'\n');
        csv.push(b'\n');
        if data == Data::Cut {
            csv.truncate(csv.len() - rng.usize(2..csv.len() / 2));
        }
        (csv, came || matches!(data, Data::NoHeader | Data::Cut))
    }

    /// Spoils a field, or the whole line; and whether a column was there to do it to.
    fn spoil(
        &self,
        rng: &mut Rng,
        data: Data,
        row: usize,
        fields: &mut Vec<String>,
    ) -> (Option<Vec<u8>>, bool) {
        let of = |rng: &mut Rng, holds: Holds| self.one_of(rng, |column| column.holds == holds);
        let a_text = self.one_of(rng, |column| matches!(column.holds, Holds::Text(_)));
        let at = match data {
            Data::Integer => of(rng, Holds::Integer),
            Data::Range => self.one_of(rng, |column| column.holds == Holds::Integer && !column.bigint),
            Data::Flag => of(rng, Holds::Flag),
            Data::Moment => of(rng, Holds::Moment),
            Data::Overlong => {
                self.one_of(rng, |column| matches!(column.holds, Holds::Text(limit) if limit < 300))
            }
            Data::Utf8 | Data::Nul | Data::Return | Data::QuoteInside | Data::Unclosed => a_text,
            _ => None,
        };
        let spoilt = |bytes: &[u8], fields: &[String], at: usize| {
            let mut all: Vec<Vec<u8>> = fields.iter().map(|field| field.clone().into_bytes()).collect();
            all[at] = bytes.to_vec();
            Some(all.join(&b','))
        };
        match (data, at) {
            (Data::TooFew, _) if fields.len() > 1 => drop(fields.pop()),
            (Data::TooMany, _) => fields.push(text(0, row)),
            (Data::Integer | Data::Flag | Data::Moment, Some(at)) => fields[at] = text(at, row),
            (Data::Range, Some(at)) => fields[at] = format!("{}0000", number(at, row)),
            (Data::Overlong, Some(at)) => fields[at] = text(at, row).repeat(20),
            (Data::Utf8, Some(at)) => {
                let bytes = [text(at, row).as_bytes(), b"\xff", text(at, row).as_bytes()].concat();
                return (spoilt(&bytes, fields, at), true);
            }
            (Data::Nul, Some(at)) => fields[at] = format!("{}\0{}", text(at, row), text(at, row)),
            (Data::Return, Some(at)) => fields[at] = format!("{}\r{}", text(at, row), text(at, row)),
            (Data::QuoteInside, Some(at)) => fields[at] = format!("{}\"{}", text(at, row), text(at, row)),
            (Data::Unclosed, Some(at)) => fields[at] = format!("\"{}", text(at, row)),
            _ => return (None, false),
        }
        (None, true)
    }
}

/// As ControlShift packs them, and as others do.
pub(crate) fn packed(bytes: &[u8], ending: &str) -> Vec<u8> {
    match ending {
        ".bz2" => {
            let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        ".gz" => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        _ => bytes.to_vec(),
    }
}
