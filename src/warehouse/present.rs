//! Rows that are in a table already, told by their ids alone: no other column is read.
//!
//! ```text
//! ids of some files (an incremental's, or those a full export may hold), at most IDS_MAX at once
//!   ─▶ sorted ─▶ looked for in the id column of the others, row groups out of range passed over
//!   ─▶ row by row of the first files: does it stay?
//! ```

use super::parquet_file::{batches, guarded, open, rows_of};
use super::rewritten::number_of;
use super::types::Type;
use crate::error::Result;
use parquet::column::reader::ColumnReader;
use parquet::errors::ParquetError;
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::reader::{FileReader, RowGroupReader};
use parquet::file::statistics::Statistics;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

/// The column that tells rows apart.
const ID: &str = "id";
/// Ids held at once, 16 bytes each, and those of one file beyond. More are looked for in turns, each of
/// which reads the other files' ids again.
const IDS_MAX: usize = 4_000_000;

/// An id: a number itself, a text by its hash.
type Key = i128;

/// A file, of which some rows are looked at.
#[derive(Clone, Copy)]
pub(super) struct Looked<'a> {
    /// Where it is.
    pub(super) path: &'a Path,
    /// Row by row, whether it is looked at; empty: all are.
    pub(super) rows: &'a [bool],
}

/// For each row of each of `files`, whether it stays: its id is in none of `others`. A row without an id is
/// known to be nowhere, and stays if `stays_without` says so. All rows of a file without ids stay.
///
/// # Errors
/// [`crate::Error::Input`] naming a damaged file.
pub(super) fn rows_that_stay(
    files: &[Looked<'_>],
    others: &[Looked<'_>],
    stays_without: bool,
) -> Result<Vec<Vec<bool>>> {
    in_turns(files, others, stays_without, IDS_MAX)
}

fn in_turns(
    files: &[Looked<'_>],
    others: &[Looked<'_>],
    stays_without: bool,
    ids_max: usize,
) -> Result<Vec<Vec<bool>>> {
    let mut stay = Vec::with_capacity(files.len());
    let (mut turn, mut held) = (Vec::new(), 0);
    for file in files {
        let ids = ids_of(file.path)?;
        held += ids.len();
        turn.push(ids);
        if held >= ids_max {
            look(&mut turn, others, stays_without, &mut stay)?;
            held = 0;
        }
    }
    look(&mut turn, others, stays_without, &mut stay)?;
    Ok(stay)
}

fn look(
    turn: &mut Vec<Vec<Option<Key>>>,
    others: &[Looked<'_>],
    stays_without: bool,
    stay: &mut Vec<Vec<bool>>,
) -> Result<()> {
    let mut wanted = Wanted::new(turn.iter().flatten().flatten().copied());
    for other in others {
        wanted.look_in(*other)?;
    }
    let stays = |id: Option<Key>| id.map_or(stays_without, |id| !wanted.is_found(id));
    stay.extend(turn.drain(..).map(|ids| ids.into_iter().map(stays).collect()));
    Ok(())
}

/// Ids that are looked for, and which of them were found.
struct Wanted {
    ids: Vec<Key>,
    found: Vec<bool>,
}

impl Wanted {
    fn new(ids: impl Iterator<Item = Key>) -> Self {
        let mut ids: Vec<Key> = ids.collect();
        ids.sort_unstable();
        ids.dedup();
        let found = vec![false; ids.len()];
        Self { ids, found }
    }

    fn is_found(&self, id: Key) -> bool {
        self.ids.binary_search(&id).is_ok_and(|at| self.found[at])
    }

    fn look_in(&mut self, file: Looked<'_>) -> Result<()> {
        let (Some(&first), Some(&last)) = (self.ids.first(), self.ids.last()) else { return Ok(()) };
        let out_of_range = |(least, most): (Key, Key)| most < first || last < least;
        let mut row = 0;
        each_group(file.path, |group, column, is_number| {
            let range = is_number.then(|| range_of(group.metadata(), column)).flatten();
            if range.is_some_and(out_of_range) {
                row += rows_of(group)?;
                return Ok(());
            }
            each_id(group, column, |id| {
                let is_looked_at = file.rows.is_empty() || file.rows.get(row).is_some_and(|&looked| looked);
                row += 1;
                if let Some(at) = id.filter(|_| is_looked_at).and_then(|id| self.ids.binary_search(&id).ok())
                {
                    self.found[at] = true;
                }
            })
        })
    }
}

/// The ids of a file, row by row; none if it has no such column, whose rows cannot be told apart.
fn ids_of(path: &Path) -> Result<Vec<Option<Key>>> {
    let mut ids = Vec::new();
    each_group(path, |group, column, _| each_id(group, column, |id| ids.push(id)))?;
    Ok(ids)
}

/// Hands on each row group of a file with ids, the id's column, and whether it is a number's.
fn each_group(
    path: &Path,
    mut take: impl FnMut(&dyn RowGroupReader, usize, bool) -> Result<(), ParquetError>,
) -> Result<()> {
    let reader = open(path)?;
    let columns = reader.metadata().file_metadata().schema_descr_ptr();
    let is_id = |name: &str, its: &Type| name == ID && can_be_id(its);
    let ids = columns.columns().iter().position(|column| is_id(column.name(), &Type::of(column)));
    let Some(column) = ids else { return Ok(()) };
    let is_number =
        matches!(Type::of(&columns.column(column)), Type::Smallint | Type::Integer | Type::Bigint);
    for group in 0..reader.num_row_groups() {
        guarded(path, Some(ID), || take(&*reader.get_row_group(group)?, column, is_number))?;
    }
    Ok(())
}

/// Whether rows can be told apart by their `id`, given a file's columns.
pub(super) fn has_ids(columns: &[(String, Type)]) -> bool {
    columns.iter().any(|(name, its)| name == ID && can_be_id(its))
}

fn can_be_id(its: &Type) -> bool {
    matches!(its, Type::Smallint | Type::Integer | Type::Bigint | Type::Decimal { .. } | Type::Text)
}

/// The least and the greatest id of a row group, if its statistics tell.
fn range_of(group: &RowGroupMetaData, column: usize) -> Option<(Key, Key)> {
    match group.column(column).statistics()? {
        Statistics::Int32(found) => Some((Key::from(*found.min_opt()?), Key::from(*found.max_opt()?))),
        Statistics::Int64(found) => Some((Key::from(*found.min_opt()?), Key::from(*found.max_opt()?))),
        _ => None,
    }
}

fn each_id(
    group: &dyn RowGroupReader,
    column: usize,
    mut take: impl FnMut(Option<Key>),
) -> Result<(), ParquetError> {
    let rows = rows_of(group)?;
    macro_rules! each {
        ($reader:expr, $key:expr) => {
            batches($reader, 0..rows, |records, levels, values| {
                let mut values = values.iter();
                for record in 0..records {
                    // A required column has no levels.
                    let is_null = levels.get(record).is_some_and(|&level| level == 0);
                    take(if is_null { None } else { values.next().map($key) });
                }
                Ok(())
            })
        };
    }
    match group.get_column_reader(column)? {
        ColumnReader::Int32ColumnReader(reader) => each!(reader, |id| Key::from(*id)),
        ColumnReader::Int64ColumnReader(reader) => each!(reader, |id| Key::from(*id)),
        ColumnReader::FixedLenByteArrayColumnReader(reader) => each!(reader, |id| number_of(id.data())),
        ColumnReader::ByteArrayColumnReader(reader) => each!(reader, |id| hash(id.data())),
        _ => Err(ParquetError::General("ids of this type cannot be compared".to_owned())),
    }
}

/// 128 bits of a text, so that two of a table do not meet.
fn hash(text: &[u8]) -> Key {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, text).hash(&mut hasher);
        Key::from(hasher.finish())
    };
    half(0) << 64 | half(1)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use parquet::data_type::{ByteArray, ByteArrayType, Int32Type, Int64Type};
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;
    use std::fs::File;
    use std::path::PathBuf;
    use std::sync::Arc;

    /// Ids of this type, three to a row group.
    fn write(dir: &Path, name: &str, its: &str, ids: &[Option<i32>]) -> PathBuf {
        let path = dir.join(name);
        let schema = parse_message_type(&format!("message rows {{ optional {its}; }}")).unwrap();
        let file = File::create(&path).unwrap();
        let mut writer = SerializedFileWriter::new(file, Arc::new(schema), Arc::default()).unwrap();
        for ids in ids.chunks(3) {
            let levels: Vec<i16> = ids.iter().map(|id| i16::from(id.is_some())).collect();
            let some = || ids.iter().flatten();
            let mut group = writer.next_row_group().unwrap();
            let mut column = group.next_column().unwrap().unwrap();
            if its.starts_with("int32") {
                let values: Vec<i32> = some().copied().collect();
                column.typed::<Int32Type>().write_batch(&values, Some(&levels), None).unwrap();
            } else if its.starts_with("int64") {
                let values: Vec<i64> = some().map(|&id| id.into()).collect();
                column.typed::<Int64Type>().write_batch(&values, Some(&levels), None).unwrap();
            } else {
                let values: Vec<ByteArray> =
                    some().map(|id| ByteArray::from(id.to_string().into_bytes())).collect();
                column.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None).unwrap();
            }
            column.close().unwrap();
            group.close().unwrap();
        }
        writer.close().unwrap();
        path
    }

    fn all(files: &[PathBuf]) -> Vec<Looked<'_>> {
        files.iter().map(|path| Looked { path, rows: &[] }).collect()
    }

    #[test]
    fn rows_are_known_by_ids_of_any_type_and_in_any_number_of_turns() {
        let dir = tempfile::tempdir().unwrap();
        let some = |ids: &[i32]| ids.iter().map(|&id| Some(id)).collect::<Vec<_>>();
        for (one, other) in
            [("int64 id", "int64 id"), ("int32 id", "int64 id"), ("binary id (UTF8)", "binary id (UTF8)")]
        {
            let files = [
                write(dir.path(), "a", one, &[Some(5), None, Some(-3), Some(9)]),
                write(dir.path(), "b", one, &[]),
                write(dir.path(), "c", one, &some(&[7, 7, 8])),
            ];
            let others = [
                write(dir.path(), "d", other, &some(&[1, 2, 3, 9, -3, 100])),
                write(dir.path(), "e", other, &[None, Some(8)]),
            ];
            let (files, others) = (all(&files), all(&others));
            for ids_max in [1, 4, IDS_MAX] {
                for without in [false, true] {
                    let stay = in_turns(&files, &others, without, ids_max).unwrap();
                    let expected = [vec![true, without, false, false], vec![], vec![true, true, false]];
                    assert_eq!(stay, expected, "{one} {other} {ids_max}");
                    // All but 9 and 8, which others' rows do not count for.
                    let rows = [true, true, true, false, true, true];
                    let some =
                        [Looked { rows: &rows, ..others[0] }, Looked { rows: &[true, false], ..others[1] }];
                    let stay = in_turns(&files, &some, without, ids_max).unwrap();
                    let expected = [vec![true, without, false, true], vec![], vec![true, true, true]];
                    assert_eq!(stay, expected, "{one} {other} {ids_max}");
                }
            }
        }
        let nameless = write(dir.path(), "n", "int64 n", &some(&[1, 2]));
        let nameless = [Looked { path: &nameless, rows: &[] }];
        assert_eq!(in_turns(&nameless, &nameless, false, IDS_MAX).unwrap(), [Vec::<bool>::new()], "all stay");
    }
}
