//! A Parquet file made of finished row groups. The container is the parquet crate's.

use super::group::{EncodedRowGroup, Encoding, encoder_failed};
use crate::error::{Error, Place, Result};
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaDataReader;
use parquet::file::properties::{WriterProperties, WriterVersion};
use parquet::file::writer::SerializedFileWriter;
use std::io::Write;
use std::sync::Arc;

/// Who wrote a file, as its footer says.
pub const CREATED_BY: &str = concat!("csl-stream version ", env!("CARGO_PKG_VERSION"));

/// A segment being written.
pub struct SegmentFile<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    rows: u64,
}

impl<W: Write + Send> SegmentFile<W> {
    /// Starts a file. No Arrow schema goes into it: Redshift has no use for it.
    pub fn new(output: W, encoding: &Encoding) -> Result<Self> {
        let properties = WriterProperties::builder()
            .set_writer_version(WriterVersion::PARQUET_1_0)
            .set_created_by(CREATED_BY.to_owned())
            .build();
        let schema = encoding.schema().root_schema_ptr();
        let writer = SerializedFileWriter::new(output, schema, Arc::new(properties)).map_err(write_failed)?;
        Ok(Self { writer, rows: 0 })
    }

    /// Appends a row group.
    pub fn append(&mut self, group: EncodedRowGroup) -> Result<()> {
        let mut row_group = self.writer.next_row_group().map_err(write_failed)?;
        for column in group.columns {
            row_group.append_column(&column.pages, column.close).map_err(write_failed)?;
        }
        row_group.close().map_err(write_failed)?;
        self.rows += group.rows;
        Ok(())
    }

    /// Rows so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Writes the footer and gives the output back.
    pub fn finish(self) -> Result<W> {
        self.writer.into_inner().map_err(write_failed)
    }
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

/// The error of the output comes back as it was; of an I/O error the kind decides.
fn write_failed(error: ParquetError) -> Error {
    let cause = match error {
        ParquetError::External(cause) => cause,
        error => return encoder_failed(error),
    };
    match cause.downcast::<std::io::Error>().map(|cause| cause.downcast::<Error>()) {
        Ok(Ok(error)) => error,
        Ok(Err(cause)) => Error::from_io("cannot write parquet", Place::default(), cause),
        Err(cause) => Error::machine("cannot write parquet").because(cause),
    }
}
