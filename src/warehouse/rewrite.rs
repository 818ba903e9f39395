//! Writes a Parquet file anew with fewer rows, or with wider columns. Pages that stay as they are, are copied.

use super::parquet_file::{batches, guarded, open, rows_of};
use super::types::{Type, Types, widened};
use crate::error::{Error, Result};
use crate::store::private;
use parquet::basic::{Compression, ZstdLevel};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::column::writer::ColumnCloseResult;
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FixedLenByteArray, FixedLenByteArrayType,
    FloatType, Int32Type, Int64Type, Int96Type,
};
use parquet::errors::ParquetError;
use parquet::file::properties::{WriterProperties, WriterVersion};
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::TypePtr;
use std::fs::{File, OpenOptions};
use std::path::Path;

/// Who wrote the file, as its footer says.
const CREATED_BY: &str = concat!("csl-stream version ", env!("CARGO_PKG_VERSION"));

/// What is to become of a file.
pub(super) struct Change<'a> {
    /// What its columns are in the table.
    pub(super) types: &'a Types,
    /// Its own.
    pub(super) columns: &'a [(String, Type)],
    /// Row by row, whether it stays; none: all do.
    pub(super) keep: Option<&'a [bool]>,
}

impl Change<'_> {
    /// Whether the file can stay as it is.
    pub(super) fn is_none(&self) -> bool {
        let widens =
            self.columns.iter().any(|(name, own)| self.types.get(name).is_some_and(|wide| wide != own));
        !widens && self.keep.is_none_or(|keep| keep.iter().all(|&stays| stays))
    }

    /// Rows that stay, of so many.
    pub(super) fn rows(&self, rows: u64) -> u64 {
        self.keep.map_or(rows, |keep| keep.iter().filter(|&&stays| stays).count() as u64)
    }
}

/// Writes the file `from` anew as `to`, durable. Holds a batch of records and a row group of one column in
/// memory.
///
/// # Errors
/// [`Error::Input`] if `from` is damaged, and whatever the file system refuses.
pub(super) fn rewrite(from: &Path, to: &Path, change: &Change<'_>) -> Result<()> {
    let source = File::open(from).map_err(|cause| Error::io("cannot open the Parquet file", from, cause))?;
    let reader = open(from)?;
    let target = private::open(OpenOptions::new().read(true).write(true).create_new(true), to)
        .map_err(|cause| Error::io("cannot write the Parquet file", to, cause))?;
    let durable = target.try_clone();
    guarded(from, None, || write(&reader, &source, target, change))?;
    durable
        .and_then(|file| file.sync_all())
        .map_err(|cause| Error::io("cannot write the Parquet file", to, cause))
}

fn write(
    reader: &SerializedFileReader<File>,
    source: &File,
    target: File,
    change: &Change<'_>,
) -> Result<(), ParquetError> {
    let file = reader.metadata().file_metadata();
    let old: TypePtr = file.schema_descr().root_schema_ptr();
    let schema = widened(&old, change.columns, change.types).unwrap_or(old);
    let properties = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_created_by(CREATED_BY.to_owned())
        .set_compression(codec_of(reader))
        .set_offset_index_disabled(true)
        .build();
    let mut writer = SerializedFileWriter::new(target, schema, properties.into())?;
    let mut first = 0;
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group)?;
        let rows = rows_of(&*group)?;
        let keep = change.keep.map(|keep| keep.get(first..first + rows).unwrap_or_default());
        first += rows;
        if keep.is_some_and(|keep| !keep.contains(&true)) {
            continue;
        }
        let mut out = writer.next_row_group()?;
        for index in 0..group.num_columns() {
            let (name, own) = &change.columns[index];
            let wide = change.types.get(name).unwrap_or(own);
            let whole = keep.is_none_or(|keep| !keep.contains(&false));
            match wide == own && whole {
                true => copy_pages(&*group, index, source, &mut out)?,
                false => copy_values(&*group, index, &mut out, &Column { own, wide, rows, keep })?,
            }
        }
        out.close()?;
    }
    writer.close().map(drop)
}

/// The codec of the file's pages; another program's that is not built in becomes Snappy.
fn codec_of(reader: &SerializedFileReader<File>) -> Compression {
    let group = reader.metadata().row_groups().first();
    match group.and_then(|group| group.columns().first()).map(|column| column.compression()) {
        Some(Compression::ZSTD(_)) => Compression::ZSTD(ZstdLevel::default()),
        Some(Compression::UNCOMPRESSED) => Compression::UNCOMPRESSED,
        _ => Compression::SNAPPY,
    }
}

fn copy_pages(
    group: &dyn RowGroupReader,
    index: usize,
    source: &File,
    out: &mut SerializedRowGroupWriter<'_, File>,
) -> Result<(), ParquetError> {
    let metadata = group.metadata().column(index).clone();
    let close = ColumnCloseResult {
        bytes_written: u64::try_from(metadata.compressed_size()).unwrap_or(0),
        rows_written: u64::try_from(group.metadata().num_rows()).unwrap_or(0),
        metadata,
        bloom_filter: None,
        column_index: None,
        offset_index: None,
    };
    out.append_column(source, close)
}

/// A column chunk whose values are written anew.
struct Column<'a> {
    own: &'a Type,
    wide: &'a Type,
    rows: usize,
    keep: Option<&'a [bool]>,
}

fn copy_values(
    group: &dyn RowGroupReader,
    index: usize,
    out: &mut SerializedRowGroupWriter<'_, File>,
    column: &Column<'_>,
) -> Result<(), ParquetError> {
    let missing = || ParquetError::General("a column is missing".to_owned());
    let mut writer = out.next_column()?.ok_or_else(missing)?;
    match (group.get_column_reader(index)?, column.wide) {
        (ColumnReader::BoolColumnReader(reader), _) => {
            copy::<BoolType, BoolType>(reader, &mut writer, column, |value| Ok(*value))
        }
        (ColumnReader::Int32ColumnReader(reader), Type::Bigint) => {
            copy::<Int32Type, Int64Type>(reader, &mut writer, column, |value| Ok(i64::from(*value)))
        }
        (ColumnReader::Int32ColumnReader(reader), _) => {
            copy::<Int32Type, Int32Type>(reader, &mut writer, column, |value| Ok(*value))
        }
        (ColumnReader::Int64ColumnReader(reader), _) => {
            copy::<Int64Type, Int64Type>(reader, &mut writer, column, |value| Ok(*value))
        }
        (ColumnReader::Int96ColumnReader(reader), _) => {
            copy::<Int96Type, Int96Type>(reader, &mut writer, column, |value| Ok(*value))
        }
        (ColumnReader::FloatColumnReader(reader), Type::Double) => {
            copy::<FloatType, DoubleType>(reader, &mut writer, column, |value| Ok(f64::from(*value)))
        }
        (ColumnReader::FloatColumnReader(reader), _) => {
            copy::<FloatType, FloatType>(reader, &mut writer, column, |value| Ok(*value))
        }
        (ColumnReader::DoubleColumnReader(reader), _) => {
            copy::<DoubleType, DoubleType>(reader, &mut writer, column, |value| Ok(*value))
        }
        (ColumnReader::ByteArrayColumnReader(reader), _) => {
            copy::<ByteArrayType, ByteArrayType>(reader, &mut writer, column, |value| Ok(value.clone()))
        }
        (ColumnReader::FixedLenByteArrayColumnReader(reader), _) => {
            let (own, wide) = (column.own, column.wide);
            let convert = |value: &FixedLenByteArray| rescaled(value, own, wide);
            copy::<FixedLenByteArrayType, FixedLenByteArrayType>(reader, &mut writer, column, convert)
        }
    }?;
    writer.close()
}

fn copy<From: DataType, To: DataType>(
    reader: ColumnReaderImpl<From>,
    writer: &mut SerializedColumnWriter<'_>,
    column: &Column<'_>,
    convert: impl Fn(&From::T) -> Result<To::T, ParquetError>,
) -> Result<(), ParquetError> {
    let writer = writer.typed::<To>();
    let optional = writer.get_descriptor().max_def_level() > 0;
    let mut row = 0;
    let (mut kept_levels, mut kept) = (Vec::new(), Vec::new());
    batches(reader, column.rows, |records, levels, values| {
        kept_levels.clear();
        kept.clear();
        let mut values = values.iter();
        let levels = levels.iter().copied().chain(std::iter::repeat(1));
        for (record, level) in levels.take(records).enumerate() {
            let value = (level > 0).then(|| values.next()).flatten();
            if column.keep.is_none_or(|keep| keep.get(row + record).is_some_and(|&stays| stays)) {
                kept_levels.push(level);
                kept.extend(value.map(&convert).transpose()?);
            }
        }
        row += records;
        writer.write_batch(&kept, optional.then_some(&kept_levels[..]), None).map(drop)
    })
}

/// A decimal as one of more digits.
fn rescaled(value: &FixedLenByteArray, own: &Type, wide: &Type) -> Result<FixedLenByteArray, ParquetError> {
    let (Type::Decimal { scale: from, .. }, Type::Decimal { precision, scale: to }) = (own, wide) else {
        return Ok(value.clone());
    };
    let too_long = || ParquetError::General("a decimal has more digits than its column".to_owned());
    let factor = 10_i128.checked_pow(to.saturating_sub(*from)).ok_or_else(too_long)?;
    let number = number_of(value.data()).checked_mul(factor).ok_or_else(too_long)?;
    let bytes = number.to_be_bytes();
    let length = super::types::decimal_bytes(*precision).unsigned_abs() as usize;
    Ok(FixedLenByteArray::from(ByteArray::from(bytes[bytes.len().saturating_sub(length)..].to_vec())))
}

/// A two's complement integer of up to 16 bytes.
pub(super) fn number_of(bytes: &[u8]) -> i128 {
    let negative = bytes.first().is_some_and(|byte| byte & 0x80 != 0);
    bytes.iter().fold(if negative { -1 } else { 0 }, |sum, &byte| (sum << 8) | i128::from(byte))
}
