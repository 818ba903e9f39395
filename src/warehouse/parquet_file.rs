//! Parquet files of versions, read with care: damage is an error that names the file, never a panic.

use super::types::Type;
use crate::error::{Error, Place, Result};
#[cfg(feature = "query")]
use parquet::column::reader::ColumnReader;
use parquet::column::reader::ColumnReaderImpl;
use parquet::data_type::DataType;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
#[cfg(feature = "query")]
use parquet::file::serialized_reader::ReadOptionsBuilder;
use std::cell::Cell;
use std::fs::File;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Once;

/// Records that are read at once.
pub(super) const BATCH_RECORDS: usize = 8_192;

/// What a file's footer tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Footer {
    pub(super) rows: u64,
    /// Its columns, in their order.
    pub(super) columns: Vec<(String, Type)>,
}

/// A step that reads what may be damaged; `column` is said where it is known.
///
/// # Errors
/// [`Error::Input`] naming the file, also if the step panics.
pub(super) fn guarded<T>(
    path: &Path,
    column: Option<&str>,
    step: impl FnOnce() -> Result<T, ParquetError>,
) -> Result<T> {
    let damaged = |cause: Box<dyn std::error::Error + Send + Sync>| {
        let place = Place {
            uri: Some(path.display().to_string()),
            column: column.map(str::to_owned),
            ..Place::default()
        };
        Error::input("the Parquet file is damaged").at(place).because(cause)
    };
    match quietly(step) {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(cause)) => Err(damaged(cause.into())),
        Err(Panicked) => Err(damaged("its bytes make no sense".into())),
    }
    .map_err(|error| error.help("get the file anew: load the export again, or convert it again"))
}

/// A step panicked. What it said is left out: it speaks of code, not of files.
#[derive(Debug)]
pub(super) struct Panicked;

thread_local! { static QUIET: Cell<bool> = const { Cell::new(false) }; }

/// Lets no panic of this thread print anything from here on, for threads that do nothing but read.
pub(super) fn be_quiet(quiet: bool) -> bool {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| match QUIET.get() {
            true => {
                tracing::debug!(place = info.location().map(tracing::field::display), "a reader panicked")
            }
            false => before(info),
        }));
    });
    QUIET.replace(quiet)
}

/// Takes a step whose panics are results.
///
/// # Errors
/// [`Panicked`]. What the step was at work on must not be used again.
pub(super) fn quietly<T>(step: impl FnOnce() -> T) -> Result<T, Panicked> {
    let before = be_quiet(true);
    let done = catch_unwind(AssertUnwindSafe(step));
    be_quiet(before);
    done.map_err(|_| Panicked)
}

/// Opens a file and reads its footer.
///
/// # Errors
/// [`Error::Access`] if it is not there, [`Error::Input`] if it is damaged.
pub(super) fn open(path: &Path) -> Result<SerializedFileReader<File>> {
    let file = File::open(path).map_err(|cause| Error::io("cannot open the Parquet file", path, cause))?;
    guarded(path, None, || SerializedFileReader::new(file))
}

/// Reads a footer.
///
/// # Errors
/// As [`open`].
pub(super) fn footer(path: &Path) -> Result<Footer> {
    let reader = open(path)?;
    let file = reader.metadata().file_metadata();
    let columns = file.schema_descr().columns().iter();
    let columns = columns.map(|column| (column.name().to_owned(), Type::of(column))).collect();
    Ok(Footer { rows: u64::try_from(file.num_rows()).unwrap_or(0), columns })
}

/// Hands each batch of these rows of a column chunk on: definition levels (none for a required column) and values.
///
/// # Errors
/// Those of the pages, and one if the row group has fewer rows.
pub(super) fn batches<T: DataType>(
    mut reader: ColumnReaderImpl<T>,
    rows: Range<usize>,
    mut take: impl FnMut(usize, &[i16], &[T::T]) -> Result<(), ParquetError>,
) -> Result<(), ParquetError> {
    let (mut levels, mut values) = (Vec::new(), Vec::new());
    let mut left = rows.len();
    let missing = |left| ParquetError::EOF(format!("{left} of {} rows are missing", rows.end));
    let passed = reader.skip_records(rows.start)?;
    if passed < rows.start {
        return Err(missing(rows.end - passed));
    }
    while left > 0 {
        levels.clear();
        values.clear();
        let (records, ..) =
            reader.read_records(left.min(BATCH_RECORDS), Some(&mut levels), None, &mut values)?;
        if records == 0 {
            return Err(missing(left));
        }
        take(records, &levels, &values)?;
        left -= records;
    }
    Ok(())
}

/// Reads every value of a file and finds nothing wrong, or names the column that is damaged.
///
/// # Errors
/// As [`open`].
#[cfg(feature = "query")]
pub(super) fn read_through(path: &Path) -> Result<()> {
    let file = File::open(path).map_err(|cause| Error::io("cannot open the Parquet file", path, cause))?;
    let options = ReadOptionsBuilder::new().with_page_index().build();
    let reader = guarded(path, None, || SerializedFileReader::new_with_options(file, options))?;
    let columns = reader.metadata().file_metadata().schema_descr_ptr();
    for group in 0..reader.num_row_groups() {
        let group = guarded(path, None, || reader.get_row_group(group))?;
        for (index, column) in columns.columns().iter().enumerate() {
            guarded(path, Some(column.name()), || read_chunk(&*group, index))?;
        }
    }
    Ok(())
}

#[cfg(feature = "query")]
fn read_chunk(group: &dyn RowGroupReader, index: usize) -> Result<(), ParquetError> {
    let rows = rows_of(group)?;
    let text = |values: &[parquet::data_type::ByteArray]| {
        values.iter().try_for_each(|value| value.as_utf8().map(drop))
    };
    let descr = group.metadata().column(index).column_descr_ptr();
    let is_text = Type::of(&descr) == Type::Text;
    match group.get_column_reader(index)? {
        ColumnReader::BoolColumnReader(reader) => batches(reader, 0..rows, |_, _, _| Ok(())),
        ColumnReader::Int32ColumnReader(reader) => batches(reader, 0..rows, |_, _, _| Ok(())),
        ColumnReader::Int64ColumnReader(reader) => batches(reader, 0..rows, |_, _, _| Ok(())),
        ColumnReader::Int96ColumnReader(reader) => batches(reader, 0..rows, |_, _, _| Ok(())),
        ColumnReader::FloatColumnReader(reader) => batches(reader, 0..rows, |_, _, _| Ok(())),
        ColumnReader::DoubleColumnReader(reader) => batches(reader, 0..rows, |_, _, _| Ok(())),
        ColumnReader::FixedLenByteArrayColumnReader(reader) => batches(reader, 0..rows, |_, _, _| Ok(())),
        ColumnReader::ByteArrayColumnReader(reader) => {
            batches(reader, 0..rows, |_, _, values| if is_text { text(values) } else { Ok(()) })
        }
    }
}

/// Rows of a row group.
///
/// # Errors
/// If the footer tells a negative number.
pub(super) fn rows_of(group: &dyn RowGroupReader) -> Result<usize, ParquetError> {
    let rows = group.metadata().num_rows();
    usize::try_from(rows).map_err(|_| ParquetError::General(format!("a row group of {rows} rows")))
}
