//! Rows of a Parquet file in PostgreSQL's binary COPY format, a few thousand at a time.

use bytes::Bytes;
use parquet::basic::Encoding;
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use tokio::sync::mpsc;

use super::catalog::{Column, Target};
use super::copy::ScanError;
use super::{footer, parquet_types, wire};

/// Rows that are decoded at once.
const BATCH_ROWS: usize = 2048;
/// Size at which rows go on to PostgreSQL.
const PIECE_BYTES: usize = 1 << 20;

/// What a file is read by.
pub(super) struct Rules {
    pub(super) url: String,
    pub(super) columns: Vec<Column>,
    pub(super) fills_record: bool,
    pub(super) takes_invalid_chars: bool,
}

impl Rules {
    fn broken(&self, error: impl std::fmt::Display) -> ScanError {
        ScanError::new(format!("File '{}': {error}", self.url))
    }
}

/// Reads the whole file; the receiver may hang up at any time.
pub(super) fn read(rules: &Rules, body: Bytes, pieces: &mpsc::Sender<Bytes>) -> Result<(), ScanError> {
    let file = SerializedFileReader::new(body.clone())
        .map_err(|error| rules.broken(format!("has an invalid version number: {error}")))?;
    let converted = footer::converted_types(&body).ok_or_else(|| rules.broken("has no footer"))?;
    parquet_types::check(file.metadata(), rules)?;
    let mut out = wire::header();
    for at in 0..file.num_row_groups() {
        parquet_types::check_codecs(file.metadata().row_group(at), &rules.url)?;
        let group = file.get_row_group(at).map_err(|error| rules.broken(error))?;
        if !read_group(rules, group.as_ref(), &converted, &mut out, pieces)? {
            return Ok(());
        }
    }
    wire::end(&mut out);
    pieces.blocking_send(out.into()).ok();
    Ok(())
}

fn read_group(
    rules: &Rules,
    group: &dyn RowGroupReader,
    converted: &[bool],
    out: &mut Vec<u8>,
    pieces: &mpsc::Sender<Bytes>,
) -> Result<bool, ScanError> {
    let columns = group.metadata().num_columns();
    let mut sources = Vec::with_capacity(columns);
    for (at, is_converted) in converted.iter().enumerate().take(columns) {
        sources.push(source(rules, group, at, *is_converted)?);
    }
    let filled = rules.columns.len() - columns;
    let mut left = usize::try_from(group.metadata().num_rows()).unwrap_or_default();
    while left > 0 {
        let rows = left.min(BATCH_ROWS);
        for source in &mut sources {
            let read = source.fill(rows).map_err(|error| rules.broken(error))?;
            if read != rows {
                return Err(rules.broken("a column ends before the others"));
            }
        }
        for row in 0..rows {
            wire::row(rules.columns.len(), out);
            for (at, source) in sources.iter_mut().enumerate() {
                source.put(row, out).map_err(|fault| faulty(rules, at, fault))?;
            }
            (0..filled).for_each(|_| wire::null(out));
            if out.len() >= PIECE_BYTES && pieces.blocking_send(std::mem::take(out).into()).is_err() {
                return Ok(false);
            }
        }
        left -= rows;
    }
    Ok(true)
}

/// A value that its column cannot take.
fn faulty(rules: &Rules, at: usize, fault: wire::Fault) -> ScanError {
    let name = &rules.columns[at].name;
    let context = match fault {
        wire::Fault::TooLong { table, data } => format!(
            "The length of the data column {name} is longer than the length defined in the table. Table: {table}, \
             Data: {data}, File name: {}",
            rules.url
        ),
        wire::Fault::Value(why) => format!("{why} in column {name}. File name: {}", rules.url),
    };
    ScanError { column: Some(name.clone()), ..ScanError::new(context) }
}

/// A column of a row group.
trait Source {
    fn fill(&mut self, rows: usize) -> ParquetResult<usize>;
    fn put(&mut self, row: usize, out: &mut Vec<u8>) -> Result<(), wire::Fault>;
}

struct Typed<T: DataType, W> {
    reader: ColumnReaderImpl<T>,
    is_optional: bool,
    values: Vec<T::T>,
    levels: Vec<i16>,
    next: usize,
    write: W,
}

impl<T: DataType, W: Fn(&T::T, &mut Vec<u8>) -> Result<(), wire::Fault>> Source for Typed<T, W> {
    fn fill(&mut self, rows: usize) -> ParquetResult<usize> {
        self.values.clear();
        self.levels.clear();
        self.next = 0;
        let mut read = 0;
        while read < rows {
            let levels = self.is_optional.then_some(&mut self.levels);
            let (records, _, _) = self.reader.read_records(rows - read, levels, None, &mut self.values)?;
            if records == 0 {
                break;
            }
            read += records;
        }
        Ok(read)
    }

    fn put(&mut self, row: usize, out: &mut Vec<u8>) -> Result<(), wire::Fault> {
        if self.is_optional && self.levels[row] == 0 {
            wire::null(out);
            return Ok(());
        }
        self.next += 1;
        (self.write)(&self.values[self.next - 1], out)
    }
}

fn typed<T, W>(reader: ColumnReaderImpl<T>, is_optional: bool, write: W) -> Box<dyn Source>
where
    T: DataType + 'static,
    W: Fn(&T::T, &mut Vec<u8>) -> Result<(), wire::Fault> + 'static,
{
    Box::new(Typed { reader, is_optional, values: Vec::new(), levels: Vec::new(), next: 0, write })
}

fn source(
    rules: &Rules,
    group: &dyn RowGroupReader,
    at: usize,
    is_converted: bool,
) -> Result<Box<dyn Source>, ScanError> {
    let pages = group.get_column_page_reader(at).map_err(|error| rules.broken(error))?;
    let column = group.metadata().column(at).column_descr_ptr();
    let optional = column.max_def_level() > 0;
    let reader = parquet::column::reader::get_column_reader(column, Box::new(ProvenPages(pages)));
    let invalid = rules.takes_invalid_chars;
    Ok(match (reader, rules.columns[at].target) {
        (ColumnReader::BoolColumnReader(reader), _) => {
            typed(reader, optional, |value, out| wire::put(&[u8::from(*value)], out))
        }
        (ColumnReader::Int32ColumnReader(reader), Target::SmallInt) => {
            typed(reader, optional, |value, out| match i16::try_from(*value) {
                Ok(value) => wire::put(&value.to_be_bytes(), out),
                Err(_) => Err(wire::Fault::Value(format!("Value {value} is out of range"))),
            })
        }
        (ColumnReader::Int32ColumnReader(reader), Target::Date) => {
            typed(reader, optional, |value, out| wire::put(&wire::date(*value).to_be_bytes(), out))
        }
        (ColumnReader::Int32ColumnReader(reader), _) => {
            typed(reader, optional, |value, out| wire::put(&value.to_be_bytes(), out))
        }
        (ColumnReader::Int64ColumnReader(reader), Target::Timestamp | Target::TimestampTz) => {
            typed(reader, optional, move |value, out| {
                wire::put(&wire::timestamp(*value, is_converted).to_be_bytes(), out)
            })
        }
        (ColumnReader::Int64ColumnReader(reader), _) => {
            typed(reader, optional, |value, out| wire::put(&value.to_be_bytes(), out))
        }
        (ColumnReader::FloatColumnReader(reader), _) => {
            typed(reader, optional, |value, out| wire::put(&value.to_be_bytes(), out))
        }
        (ColumnReader::DoubleColumnReader(reader), _) => {
            typed(reader, optional, |value, out| wire::put(&value.to_be_bytes(), out))
        }
        (ColumnReader::FixedLenByteArrayColumnReader(reader), Target::Decimal { precision, scale }) => {
            typed(reader, optional, move |value, out| wire::decimal(value.data(), precision, scale, out))
        }
        (ColumnReader::ByteArrayColumnReader(reader), Target::Varchar(bytes)) => {
            typed(reader, optional, move |value, out| wire::varchar(value.data(), bytes, invalid, out))
        }
        (ColumnReader::ByteArrayColumnReader(reader), Target::Char(bytes)) => {
            typed(reader, optional, move |value, out| wire::char(value.data(), bytes, out))
        }
        (_, target) => return Err(rules.broken(format!("no way from Parquet to {target:?}"))),
    })
}

/// Lets through the pages that are known to load: version 1, plain or with a dictionary.
struct ProvenPages(Box<dyn PageReader>);

impl PageReader for ProvenPages {
    fn get_next_page(&mut self) -> ParquetResult<Option<Page>> {
        let page = self.0.get_next_page()?;
        match &page {
            Some(Page::DataPageV2 { .. }) => {
                Err(ParquetError::General("data page V2 is not proven to load".into()))
            }
            Some(Page::DataPage { encoding, .. })
                if !matches!(encoding, Encoding::PLAIN | Encoding::RLE_DICTIONARY)
                    && format!("{encoding:?}") != "PLAIN_DICTIONARY" =>
            {
                Err(ParquetError::General(format!("encoding {encoding:?} is not proven to load")))
            }
            _ => Ok(page),
        }
    }

    fn peek_next_page(&mut self) -> ParquetResult<Option<PageMetadata>> {
        self.0.peek_next_page()
    }

    fn skip_next_page(&mut self) -> ParquetResult<()> {
        self.0.skip_next_page()
    }
}

impl Iterator for ProvenPages {
    type Item = ParquetResult<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}
