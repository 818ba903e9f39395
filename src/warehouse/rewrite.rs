//! Writes Parquet files anew: one with fewer rows or with wider columns, or several as one. Pages that stay as they
//! are, are copied.
//!
//! ```text
//! sources ─▶ row groups with rows that stay ─▶ small neighbours together ─▶ column by column:
//!                                                 pages as they are, or values (rewritten.rs)
//! ```

use super::parquet_file::{guarded, open, rows_of};
use super::rewritten::{Copied, Pages, copy_values, nulls};
use super::types::{Type, Types, joined, widened};
use crate::error::{Error, Place, Result};
use crate::pages::CREATED_BY;
use crate::store::private;
use parquet::basic::{Compression, ZstdLevel};
use parquet::column::writer::{ColumnCloseResult, get_column_writer};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesPtr, WriterVersion};
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{ColumnDescPtr, TypePtr};
use std::fs::{File, OpenOptions};
use std::path::Path;

/// Row groups of several files are put together up to so many stored bytes; one that has more is copied as it is.
const JOINED_BYTES_MAX: u64 = 4 << 20;

/// A file that is written anew.
pub(super) struct Source<'a> {
    /// Where it is.
    pub(super) path: &'a Path,
    /// Its columns.
    pub(super) columns: &'a [(String, Type)],
    /// Row by row, whether it stays; none: all do.
    pub(super) keep: Option<&'a [bool]>,
}

impl Source<'_> {
    /// Whether the file can stay as it is in a table of these types.
    pub(super) fn can_stay(&self, types: &Types) -> bool {
        let widens = self.columns.iter().any(|(name, own)| types.get(name).is_some_and(|wide| wide != own));
        !widens && self.keep.is_none_or(|keep| keep.iter().all(|&stays| stays))
    }
}

/// Writes the rows of files that stay as one file `to`, durable, in their order. What a file lacks of the columns
/// is NULL there. Holds a batch of records and a row group of one column in memory.
///
/// # Errors
/// [`Error::Input`] naming a file that is damaged, and whatever the file system refuses.
pub(super) fn rewrite(sources: &[Source<'_>], to: &Path, types: &Types) -> Result<()> {
    let opened = sources.iter().map(Opened::new).collect::<Result<Vec<_>>>()?;
    let Some(first) = opened.first() else { return Ok(()) };
    let schema = schema_of(&opened, types).ok_or_else(|| {
        Error::machine("files with columns that are not written cannot be merged")
            .at(Place::uri(first.source.path.display().to_string()))
    })?;
    let properties: WriterPropertiesPtr = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_created_by(CREATED_BY.to_owned())
        .set_compression(codec_of(&first.reader))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true)
        .build()
        .into();
    let refused = |cause| Error::io("cannot write the Parquet file", to, cause);
    let unwritten = |cause| unwritten(to, cause);
    let target =
        private::open(OpenOptions::new().read(true).write(true).create_new(true), to).map_err(refused)?;
    let durable = target.try_clone().map_err(refused)?;
    let mut writer = SerializedFileWriter::new(target, schema, properties.clone()).map_err(unwritten)?;
    let columns: Vec<ColumnDescPtr> = writer.schema_descr().columns().to_vec();
    for pieces in row_groups(&opened)? {
        let mut out = writer.next_row_group().map_err(unwritten)?;
        for (at, column) in columns.iter().enumerate() {
            Column { at, column, opened: &opened, pieces: &pieces, types }.write(
                &properties,
                &mut out,
                to,
            )?;
        }
        out.close().map_err(unwritten)?;
    }
    writer.close().map_err(unwritten)?;
    durable.sync_all().map_err(refused)
}

fn unwritten(to: &Path, cause: ParquetError) -> Error {
    let (what, place) = ("cannot write the Parquet file", Place::uri(to.display().to_string()));
    match cause {
        ParquetError::External(cause) => Error::from_library(what, place, cause),
        cause => Error::machine(what).at(place).because(cause),
    }
}

struct Opened<'a> {
    source: &'a Source<'a>,
    file: File,
    reader: SerializedFileReader<File>,
}

impl<'a> Opened<'a> {
    fn new(source: &'a Source<'a>) -> Result<Self> {
        let path = source.path;
        let file =
            File::open(path).map_err(|cause| Error::io("cannot open the Parquet file", path, cause))?;
        Ok(Self { source, file, reader: open(path)? })
    }

    fn schema(&self) -> TypePtr {
        self.reader.metadata().file_metadata().schema_descr().root_schema_ptr()
    }
}

fn schema_of(opened: &[Opened<'_>], types: &Types) -> Option<TypePtr> {
    if let [one] = opened {
        let own = one.schema();
        return Some(widened(&own, one.source.columns, types).unwrap_or(own));
    }
    let schemas: Vec<TypePtr> = opened.iter().map(Opened::schema).collect();
    let files: Vec<_> =
        schemas.iter().zip(opened).map(|(schema, one)| (&**schema, one.source.columns)).collect();
    joined(&files, types)
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

/// A row group of a source.
struct Piece<'a> {
    source: usize,
    group: Box<dyn RowGroupReader + 'a>,
    rows: usize,
    /// Row by row, whether it stays; none: all do.
    keep: Option<&'a [bool]>,
}

impl Piece<'_> {
    fn rows_that_stay(&self) -> usize {
        self.keep.map_or(self.rows, |keep| keep.iter().filter(|&&stays| stays).count())
    }
}

/// Row groups as they are written, each of one or more that are read.
fn row_groups<'a>(opened: &'a [Opened<'a>]) -> Result<Vec<Vec<Piece<'a>>>> {
    let most = if opened.len() > 1 { JOINED_BYTES_MAX } else { 0 };
    let (mut groups, mut bytes) = (Vec::<Vec<Piece<'_>>>::new(), 0);
    for (source, one) in opened.iter().enumerate() {
        let mut first = 0;
        for at in 0..one.reader.num_row_groups() {
            let (group, rows) = guarded(one.source.path, None, || {
                let group = one.reader.get_row_group(at)?;
                let rows = rows_of(&*group)?;
                Ok((group, rows))
            })?;
            let keep = one.source.keep.map(|keep| keep.get(first..first + rows).unwrap_or_default());
            first += rows;
            let stored = u64::try_from(group.metadata().compressed_size()).unwrap_or(u64::MAX);
            let piece = Piece { source, group, rows, keep: keep.filter(|keep| keep.contains(&false)) };
            if piece.rows_that_stay() == 0 {
                continue;
            }
            bytes += stored;
            match groups.last_mut().filter(|_| bytes <= most) {
                Some(group) => group.push(piece),
                None => {
                    bytes = stored;
                    groups.push(vec![piece]);
                }
            }
        }
    }
    Ok(groups)
}

/// A column of a row group that is written.
struct Column<'a> {
    at: usize,
    column: &'a ColumnDescPtr,
    opened: &'a [Opened<'a>],
    pieces: &'a [Piece<'a>],
    types: &'a Types,
}

impl Column<'_> {
    fn write(
        &self,
        properties: &WriterPropertiesPtr,
        out: &mut SerializedRowGroupWriter<'_, File>,
        to: &Path,
    ) -> Result<()> {
        if let [piece] = self.pieces
            && piece.keep.is_none()
            && let Some(index) = self.index(piece)
            && piece.group.metadata().column(index).column_descr() == &**self.column
        {
            let Opened { source, file, .. } = &self.opened[piece.source];
            return guarded(source.path, Some(self.column.name()), || {
                copy_pages(&*piece.group, index, file, out)
            });
        }
        let mut pages = Pages::default();
        let writer = pages.writer();
        let mut writer = get_column_writer(self.column.clone(), properties.clone(), Box::new(writer));
        for piece in self.pieces {
            let source = self.opened[piece.source].source;
            guarded(source.path, Some(self.column.name()), || match self.index(piece) {
                Some(index) => {
                    let (name, own) = &source.columns[index];
                    let wide = self.types.get(name).unwrap_or(own);
                    let copied = Copied { own, wide, rows: piece.rows, keep: piece.keep };
                    copy_values(piece.group.get_column_reader(index)?, &mut writer, &copied)
                }
                None => nulls(&mut writer, piece.rows_that_stay()),
            })?;
        }
        let unwritten = |cause| unwritten(to, cause);
        let close = writer.close().map_err(unwritten)?;
        out.append_column(&pages.bytes(), close).map_err(unwritten)
    }

    /// Which column of its file it is, if that has it.
    fn index(&self, piece: &Piece<'_>) -> Option<usize> {
        // Nested columns have names that come again; a file by itself has its columns where they were.
        if self.opened.len() == 1 {
            return Some(self.at);
        }
        let columns = self.opened[piece.source].source.columns;
        columns.iter().position(|(name, _)| name == self.column.name())
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
