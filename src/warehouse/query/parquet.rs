//! A result as one Parquet file.

use super::fault::describe;
use super::print::Printed;
use crate::error::{Error, Result};
use datafusion::execution::SendableRecordBatchStream;
use futures::TryStreamExt;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use std::io::Write;

/// Bytes of a row group in memory before it is written.
const ROW_GROUP_BYTES_MAX: usize = 64 << 20;

/// Writes the batches as they come.
///
/// # Errors
/// What is wrong with the query or its files; [`Error::Usage`] for a result that no Parquet file holds.
pub(super) async fn write(
    mut stream: SendableRecordBatchStream,
    out: &mut (dyn Write + Send),
) -> Result<Printed> {
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    // Without Arrow's own schema beside Parquet's, as the files of loads are.
    let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
    let mut writer = ArrowWriter::try_new_with_options(out, stream.schema(), options).map_err(refused)?;
    let mut printed = Printed { rows: 0, cut: false };
    while let Some(batch) = stream.try_next().await.map_err(|error| describe(&error, &[]))? {
        writer.write(&batch).map_err(refused)?;
        printed.rows += batch.num_rows() as u64;
        if writer.in_progress_size() > ROW_GROUP_BYTES_MAX {
            writer.flush().map_err(refused)?;
        }
    }
    writer.close().map_err(refused)?;
    Ok(printed)
}

fn refused(cause: ParquetError) -> Error {
    match cause {
        ParquetError::External(cause) => Error::machine("cannot write the answer").because(cause),
        cause @ ParquetError::NYI(_) => Error::usage("this result cannot be Parquet").because(cause),
        cause => Error::machine("cannot write the answer as Parquet").because(cause),
    }
}
