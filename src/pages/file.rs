//! A Parquet file made of finished row groups: their pages as they are, then the parquet crate's footer.

use super::encoding::{Encoding, encoder_failed};
use super::group::EncodedColumns;
use crate::error::{Error, Result};
use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::file::metadata::{
    ColumnChunkMetaData, FileMetaData, ParquetMetaData, ParquetMetaDataReader, ParquetMetaDataWriter,
    RowGroupMetaData,
};
use std::sync::Arc;

/// Who wrote a file, as its footer says.
pub const CREATED_BY: &str = concat!("csl-stream version ", env!("CARGO_PKG_VERSION"));

/// What a file starts with, and ends with.
const MAGIC: &[u8] = b"PAR1";
/// The format's version of files whose data pages are of version 1.
const VERSION: i32 = 1;

/// A segment being written. Its bytes go to `write`, in order, each once: whoever has them keeps them
/// without a copy.
pub struct SegmentFile {
    encoding: Arc<Encoding>,
    row_groups: Vec<RowGroupMetaData>,
    /// Bytes so far.
    bytes: usize,
    rows: u64,
}

impl SegmentFile {
    /// Starts a file. No Arrow schema goes into it: Redshift has no use for it.
    ///
    /// # Errors
    /// Those of `write`, here and below.
    pub fn new(encoding: &Arc<Encoding>, write: impl FnOnce(Bytes) -> Result<()>) -> Result<Self> {
        write(Bytes::from_static(MAGIC))?;
        Ok(Self { encoding: encoding.clone(), row_groups: Vec::new(), bytes: MAGIC.len(), rows: 0 })
    }

    /// Appends a row group.
    pub fn append(
        &mut self,
        group: EncodedColumns,
        mut write: impl FnMut(Bytes) -> Result<()>,
    ) -> Result<()> {
        let start = self.bytes;
        let mut columns = Vec::with_capacity(group.chunks.len());
        for column in group.chunks {
            columns.push(moved(column.metadata, self.bytes as i64).map_err(encoder_failed)?);
            for page in column.pages {
                self.bytes += page.len();
                write(page)?;
            }
        }
        let ordinal = i16::try_from(self.row_groups.len())
            .map_err(|_| Error::machine("a segment has more row groups than Parquet can number"))?;
        let row_group = RowGroupMetaData::builder(self.encoding.schema().clone())
            .set_total_byte_size(columns.iter().map(ColumnChunkMetaData::uncompressed_size).sum())
            .set_column_metadata(columns)
            .set_num_rows(group.rows as i64)
            .set_ordinal(ordinal)
            .set_file_offset(start as i64)
            .build();
        self.row_groups.push(row_group.map_err(encoder_failed)?);
        self.rows += group.rows;
        Ok(())
    }

    /// Rows so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Writes the footer.
    pub fn finish(self, write: impl FnOnce(Bytes) -> Result<()>) -> Result<()> {
        let (rows, schema) = (self.rows as i64, self.encoding.schema().clone());
        let file = FileMetaData::new(VERSION, rows, Some(CREATED_BY.to_owned()), None, schema, None);
        let metadata = ParquetMetaData::new(file, self.row_groups);
        let mut footer = Vec::new();
        ParquetMetaDataWriter::new(&mut footer, &metadata).finish().map_err(encoder_failed)?;
        write(footer.into())
    }
}

/// The metadata of a chunk that starts at `start` of the file.
fn moved(metadata: ColumnChunkMetaData, start: i64) -> Result<ColumnChunkMetaData, ParquetError> {
    let (data, dictionary) = (metadata.data_page_offset(), metadata.dictionary_page_offset());
    let builder = metadata.into_builder().set_data_page_offset(start + data);
    builder.set_dictionary_page_offset(dictionary.map(|at| start + at)).build()
}

/// Bytes from the end of a file that usually hold the whole footer.
pub const FOOTER_BYTES_GUESS: u64 = 64 << 10;

/// The rows that a file's footer tells, given the file's last bytes; `Err(n)` asks for the last `n`.
pub fn footer_rows(tail: &[u8]) -> Result<Result<u64, u64>> {
    let damaged =
        |error: ParquetError| Error::machine("a written file has no readable footer").because(error);
    let Some(last) = tail.last_chunk::<8>() else {
        return Err(Error::machine("a written file is too short to be parquet"));
    };
    let footer = parquet::file::metadata::FooterTail::try_new(last).map_err(damaged)?;
    let wanted = footer.metadata_length() + 8;
    if tail.len() < wanted {
        return Ok(Err(wanted as u64));
    }
    let metadata = &tail[tail.len() - wanted..tail.len() - 8];
    let metadata = ParquetMetaDataReader::decode_metadata(metadata).map_err(damaged)?;
    Ok(Ok(metadata.file_metadata().num_rows() as u64))
}
