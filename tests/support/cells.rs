//! A table as columns of plain cells, whatever it was read from, so that two readings can be compared.
//!
//! ```text
//! truth or expected file (PostgreSQL) ──▶ Cells ◀── Parquet files (the parquet crate's column readers)
//! ```

use parquet::basic::{ConvertedType, Type as Physical};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::file::reader::{FileReader, SerializedFileReader};
use std::path::{Path, PathBuf};

/// How a column's values are held; the same as in `csl_columns` of `fixtures/sql/lib.sql`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Integers, booleans as 0 and 1, days, microseconds.
    Int,
    /// Floats by their bits: `real` and `double precision`.
    Real,
    Double,
    /// Decimals without their point.
    Decimal,
    /// Text, byte by byte.
    Text,
}

impl Kind {
    /// The kind of a column of the bulk schema.
    pub(crate) fn of_sql_type(sql_type: &str) -> Self {
        match sql_type {
            "smallint" | "integer" | "bigint" | "boolean" | "date" => Self::Int,
            "real" => Self::Real,
            "double precision" => Self::Double,
            _ if sql_type.starts_with("timestamp") => Self::Int,
            _ if sql_type.starts_with("numeric") => Self::Decimal,
            _ => Self::Text,
        }
    }
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cells {
    Int(Vec<Option<i64>>),
    Decimal(Vec<Option<i128>>),
    Text(Vec<Option<Vec<u8>>>),
}

impl Cells {
    /// An empty column.
    pub(crate) fn new(kind: Kind) -> Self {
        match kind {
            Kind::Int | Kind::Real | Kind::Double => Self::Int(Vec::new()),
            Kind::Decimal => Self::Decimal(Vec::new()),
            Kind::Text => Self::Text(Vec::new()),
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Int(cells) => cells.len(),
            Self::Decimal(cells) => cells.len(),
            Self::Text(cells) => cells.len(),
        }
    }

    /// The row where two columns part, and both cells, readable.
    pub(crate) fn first_difference(&self, other: &Self) -> Option<(usize, String, String)> {
        fn part<T: PartialEq>(
            a: &[T],
            b: &[T],
            show: impl Fn(&T) -> String,
        ) -> Option<(usize, String, String)> {
            let row = (0..a.len().max(b.len())).find(|&row| a.get(row) != b.get(row))?;
            let shown = |cell: Option<&T>| cell.map_or("no such row".to_owned(), &show);
            Some((row, shown(a.get(row)), shown(b.get(row))))
        }
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => part(a, b, |cell| format!("{cell:?}")),
            (Self::Decimal(a), Self::Decimal(b)) => part(a, b, |cell| format!("{cell:?}")),
            (Self::Text(a), Self::Text(b)) => part(a, b, |cell| {
                let text = cell.as_ref().map(|bytes| String::from_utf8_lossy(bytes));
                format!("{text:?}").chars().take(300).collect()
            }),
            _ => Some((0, "another kind of column".to_owned(), format!("{} rows", other.len()))),
        }
    }
}

/// The Parquet files of a folder, in the order of their names.
pub(crate) fn parquet_files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the output folder is readable")
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "parquet"))
        .collect();
    files.sort();
    files
}

/// Reads Parquet files into one table: column names, and cells as `kinds` say.
pub(crate) fn read_parquet(files: &[PathBuf], kinds: &[Kind]) -> (Vec<String>, Vec<Cells>) {
    let mut columns: Vec<Cells> = kinds.iter().map(|&kind| Cells::new(kind)).collect();
    let mut names = Vec::new();
    for path in files {
        let file = std::fs::File::open(path).expect("the file is readable");
        let reader = SerializedFileReader::new(file).expect("Parquet");
        let schema = reader.metadata().file_metadata().schema_descr_ptr();
        names = schema.columns().iter().map(|column| column.name().to_owned()).collect();
        assert_eq!(names.len(), kinds.len(), "columns of {}", path.display());
        for group in 0..reader.num_row_groups() {
            let group = reader.get_row_group(group).expect("a row group");
            let rows = usize::try_from(group.metadata().num_rows()).expect("a count");
            for (index, cells) in columns.iter_mut().enumerate() {
                let column = schema.column(index);
                let reader = group.get_column_reader(index).expect("a column chunk");
                read_chunk(reader, rows, column.max_def_level(), kinds[index], cells);
                check_type(column.physical_type(), column.converted_type(), kinds[index]);
            }
        }
    }
    (names, columns)
}

fn check_type(physical: Physical, converted: ConvertedType, kind: Kind) {
    let fits = match kind {
        Kind::Int => matches!(physical, Physical::BOOLEAN | Physical::INT32 | Physical::INT64),
        Kind::Real => physical == Physical::FLOAT,
        Kind::Double => physical == Physical::DOUBLE,
        Kind::Decimal => physical == Physical::FIXED_LEN_BYTE_ARRAY && converted == ConvertedType::DECIMAL,
        Kind::Text => physical == Physical::BYTE_ARRAY && converted == ConvertedType::UTF8,
    };
    assert!(fits, "{kind:?} is stored as {physical} ({converted})");
}

fn read_chunk(reader: ColumnReader, rows: usize, level: i16, kind: Kind, cells: &mut Cells) {
    match (reader, cells) {
        (ColumnReader::BoolColumnReader(reader), Cells::Int(cells)) => {
            fill(reader, rows, level, cells, |&value| value.into());
        }
        (ColumnReader::Int32ColumnReader(reader), Cells::Int(cells)) => {
            fill(reader, rows, level, cells, |&value| value.into());
        }
        (ColumnReader::Int64ColumnReader(reader), Cells::Int(cells)) => {
            fill(reader, rows, level, cells, |&value| value);
        }
        (ColumnReader::FloatColumnReader(reader), Cells::Int(cells)) => {
            fill(reader, rows, level, cells, |value| i64::from(value.to_bits().cast_signed()));
        }
        (ColumnReader::DoubleColumnReader(reader), Cells::Int(cells)) => {
            fill(reader, rows, level, cells, |value| value.to_bits().cast_signed());
        }
        (ColumnReader::FixedLenByteArrayColumnReader(reader), Cells::Decimal(cells)) => {
            fill(reader, rows, level, cells, |value| big_endian(value.data()));
        }
        (ColumnReader::ByteArrayColumnReader(reader), Cells::Text(cells)) => {
            fill(reader, rows, level, cells, |value| value.data().to_vec());
        }
        _ => panic!("a column of kind {kind:?} has a physical type that does not hold it"),
    }
}

/// A two's complement integer of up to 16 bytes.
fn big_endian(bytes: &[u8]) -> i128 {
    let negative = bytes.first().is_some_and(|byte| byte & 0x80 != 0);
    bytes.iter().fold(if negative { -1 } else { 0 }, |sum, &byte| (sum << 8) | i128::from(byte))
}

fn fill<T: DataType, C>(
    mut reader: ColumnReaderImpl<T>,
    rows: usize,
    level: i16,
    cells: &mut Vec<Option<C>>,
    convert: impl Fn(&T::T) -> C,
) {
    let (mut levels, mut values) = (Vec::new(), Vec::new());
    let mut read = 0;
    while read < rows {
        let (records, ..) =
            reader.read_records(rows - read, Some(&mut levels), None, &mut values).expect("pages");
        assert!(records > 0, "a chunk ends after {read} of {rows} rows");
        read += records;
    }
    let mut values = values.iter();
    if level == 0 {
        cells.extend(values.map(|value| Some(convert(value))));
        return;
    }
    cells.extend(
        levels.iter().map(|&found| (found == level).then(|| convert(values.next().expect("a value")))),
    );
}
