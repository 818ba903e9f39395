//! The values of a column, out of pages and into pages, each with its checksum, which the parquet crate does not write.

use super::parquet_file::batches;
use super::types::Type;
use crate::pages::{PageKind, write_page_header};
use bytes::Bytes;
use parquet::column::page::{CompressedPage, Page, PageWriteSpec, PageWriter};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::column::writer::{ColumnWriter, ColumnWriterImpl};
use parquet::data_type::{ByteArray, DataType, FixedLenByteArray};
use parquet::errors::ParquetError;

/// The pages of a column chunk as the file has them.
#[derive(Default)]
pub(super) struct Pages(Vec<u8>);

impl Pages {
    /// Takes the pages of a column writer.
    pub(super) fn writer(&mut self) -> impl PageWriter + '_ {
        Checked(&mut self.0)
    }

    /// All of them.
    pub(super) fn bytes(self) -> Bytes {
        self.0.into()
    }
}

struct Checked<'a>(&'a mut Vec<u8>);

impl PageWriter for Checked<'_> {
    fn write_page(&mut self, page: CompressedPage) -> Result<PageWriteSpec, ParquetError> {
        let values = page.num_values() as usize;
        let kind = match page.compressed_page() {
            Page::DataPage { encoding, .. } => PageKind::Data { rows: values, encoding: *encoding },
            Page::DictionaryPage { .. } => PageKind::Dictionary { entries: values },
            Page::DataPageV2 { .. } => {
                return Err(ParquetError::NYI("data pages of version 2 are not written".to_owned()));
            }
        };
        let start = self.0.len();
        write_page_header(kind, page.uncompressed_size(), page.data(), self.0);
        let header = self.0.len() - start;
        self.0.extend_from_slice(page.data());
        Ok(PageWriteSpec {
            page_type: page.page_type(),
            uncompressed_size: page.uncompressed_size() + header,
            compressed_size: page.compressed_size() + header,
            num_values: page.num_values(),
            offset: start as u64,
            bytes_written: (self.0.len() - start) as u64,
        })
    }

    fn close(&mut self) -> Result<(), ParquetError> {
        Ok(())
    }
}

/// A column chunk whose values are written anew.
pub(super) struct Copied<'a> {
    pub(super) own: &'a Type,
    pub(super) wide: &'a Type,
    /// Those that it has.
    pub(super) rows: usize,
    /// Row by row, whether it stays; none: all do.
    pub(super) keep: Option<&'a [bool]>,
}

/// Reads the values of a column chunk and writes those that stay.
///
/// # Errors
/// Those of the pages, and one if its type cannot become that of the writer.
pub(super) fn copy_values(
    reader: ColumnReader,
    writer: &mut ColumnWriter<'_>,
    column: &Copied<'_>,
) -> Result<(), ParquetError> {
    use {ColumnReader as R, ColumnWriter as W};
    match (reader, writer) {
        (R::BoolColumnReader(reader), W::BoolColumnWriter(writer)) => {
            copy(reader, writer, column, |value| Ok(*value))
        }
        (R::Int32ColumnReader(reader), W::Int32ColumnWriter(writer)) => {
            copy(reader, writer, column, |value| Ok(*value))
        }
        (R::Int32ColumnReader(reader), W::Int64ColumnWriter(writer)) => {
            copy(reader, writer, column, |value| Ok(i64::from(*value)))
        }
        (R::Int64ColumnReader(reader), W::Int64ColumnWriter(writer)) => {
            copy(reader, writer, column, |value| Ok(*value))
        }
        (R::Int96ColumnReader(reader), W::Int96ColumnWriter(writer)) => {
            copy(reader, writer, column, |value| Ok(*value))
        }
        (R::FloatColumnReader(reader), W::FloatColumnWriter(writer)) => {
            copy(reader, writer, column, |value| Ok(*value))
        }
        (R::FloatColumnReader(reader), W::DoubleColumnWriter(writer)) => {
            copy(reader, writer, column, |value| Ok(f64::from(*value)))
        }
        (R::DoubleColumnReader(reader), W::DoubleColumnWriter(writer)) => {
            copy(reader, writer, column, |value| Ok(*value))
        }
        (R::ByteArrayColumnReader(reader), W::ByteArrayColumnWriter(writer)) => {
            copy(reader, writer, column, |value| Ok(value.clone()))
        }
        (R::FixedLenByteArrayColumnReader(reader), W::FixedLenByteArrayColumnWriter(writer)) => {
            let length = usize::try_from(writer.get_descriptor().type_length()).unwrap_or(0);
            copy(reader, writer, column, |value: &FixedLenByteArray| {
                rescaled(value, (column.own, column.wide), length)
            })
        }
        _ => Err(ParquetError::General("its type cannot become that of the table".to_owned())),
    }
}

/// Writes so many NULLs.
///
/// # Errors
/// Those of the writer.
pub(super) fn nulls(writer: &mut ColumnWriter<'_>, rows: usize) -> Result<(), ParquetError> {
    use ColumnWriter as W;
    let levels = vec![0; rows];
    match writer {
        W::BoolColumnWriter(writer) => writer.write_batch(&[], Some(&levels), None),
        W::Int32ColumnWriter(writer) => writer.write_batch(&[], Some(&levels), None),
        W::Int64ColumnWriter(writer) => writer.write_batch(&[], Some(&levels), None),
        W::Int96ColumnWriter(writer) => writer.write_batch(&[], Some(&levels), None),
        W::FloatColumnWriter(writer) => writer.write_batch(&[], Some(&levels), None),
        W::DoubleColumnWriter(writer) => writer.write_batch(&[], Some(&levels), None),
        W::ByteArrayColumnWriter(writer) => writer.write_batch(&[], Some(&levels), None),
        W::FixedLenByteArrayColumnWriter(writer) => writer.write_batch(&[], Some(&levels), None),
    }
    .map(drop)
}

fn copy<From: DataType, To: DataType>(
    reader: ColumnReaderImpl<From>,
    writer: &mut ColumnWriterImpl<'_, To>,
    column: &Copied<'_>,
    convert: impl Fn(&From::T) -> Result<To::T, ParquetError>,
) -> Result<(), ParquetError> {
    let optional = writer.get_descriptor().max_def_level() > 0;
    let mut row = 0;
    let (mut kept_levels, mut kept) = (Vec::new(), Vec::new());
    batches(reader, 0..column.rows, |records, levels, values| {
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

/// A decimal as one of more digits, in so many bytes; anything else as it is.
fn rescaled(
    value: &FixedLenByteArray,
    (own, wide): (&Type, &Type),
    length: usize,
) -> Result<FixedLenByteArray, ParquetError> {
    let (Type::Decimal { scale: from, .. }, Type::Decimal { scale: to, .. }) = (own, wide) else {
        return Ok(value.clone());
    };
    if from == to && value.len() == length {
        return Ok(value.clone());
    }
    let too_long = || ParquetError::General("a decimal has more digits than its column".to_owned());
    let factor = 10_i128.checked_pow(to.saturating_sub(*from)).ok_or_else(too_long)?;
    let number = number_of(value.data()).checked_mul(factor).ok_or_else(too_long)?;
    let bytes = number.to_be_bytes();
    Ok(FixedLenByteArray::from(ByteArray::from(bytes[bytes.len().saturating_sub(length)..].to_vec())))
}

/// A two's complement integer of up to 16 bytes.
pub(super) fn number_of(bytes: &[u8]) -> i128 {
    let negative = bytes.first().is_some_and(|byte| byte & 0x80 != 0);
    bytes.iter().fold(if negative { -1 } else { 0 }, |sum, &byte| (sum << 8) | i128::from(byte))
}
