//! Tiny Parquet files: `id` (INT64), `note` (text; NULL, empty or a word by turns) and, in what is loaded,
//! `created_at` (when the export was made that brings the row).

use csl_stream::report::{FileReport, Rows};
use csl_stream::store::{ExportKind, ObjectInfo};
use csl_stream::warehouse::{LoadReceipt, LoadRequest, ShrinkGuard, Staging, Warehouse};
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::record::{Field, RowAccessor};
use parquet::schema::parser::parse_message_type;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

#[cfg(feature = "query")]
const SCHEMA: &str = "message rows { required int64 id; optional binary note (UTF8); }";

const TIMED_SCHEMA: &str = "message rows { required int64 id; optional binary note (UTF8); \
    required int64 created_at (TIMESTAMP(MICROS,false)); }";
/// Rows of an export of unknown time are old.
const OLD: &str = "20000101000000";

/// One Parquet file with these ids.
#[cfg(feature = "query")]
pub(crate) fn parquet(ids: &[i64]) -> Vec<u8> {
    write(SCHEMA, ids, None)
}

/// Microseconds since 1970 of `YYYYMMDDhhmmss`.
pub(crate) fn micros(digits: &str) -> i64 {
    let part = |at: usize, len: usize| digits[at..at + len].parse::<i64>().unwrap();
    // Civil date to days, in years that begin in March.
    let (year, month) =
        if part(4, 2) > 2 { (part(0, 4), part(4, 2) - 3) } else { (part(0, 4) - 1, part(4, 2) + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + part(6, 2) - 719_469;
    (((days * 24 + part(8, 2)) * 60 + part(10, 2)) * 60 + part(12, 2)) * 1_000_000
}

fn write(schema: &str, ids: &[i64], created_at: Option<i64>) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let properties = Arc::new(WriterProperties::builder().build());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, properties).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<Int64Type>().write_batch(ids, None, None).unwrap();
    column.close().unwrap();
    let levels: Vec<i16> = ids.iter().map(|id| i16::from(id % 3 != 0)).collect();
    let notes: Vec<ByteArray> = ids.iter().filter(|id| *id % 3 != 0).map(|id| note(*id)).collect();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<ByteArrayType>().write_batch(&notes, Some(&levels), None).unwrap();
    column.close().unwrap();
    if let Some(at) = created_at {
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<Int64Type>().write_batch(&vec![at; ids.len()], None, None).unwrap();
        column.close().unwrap();
    }
    group.close().unwrap();
    writer.into_inner().unwrap()
}

fn note(id: i64) -> ByteArray {
    if id % 3 == 1 { ByteArray::from("") } else { ByteArray::from(format!("n{id}").into_bytes()) }
}

/// Ids of one Parquet file.
pub(crate) fn ids_of(path: &Path) -> Vec<i64> {
    let file = File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    read_ids(file)
}

/// Ids of an open Parquet file.
pub(crate) fn read_ids(file: File) -> Vec<i64> {
    let reader = SerializedFileReader::new(file).unwrap();
    reader.get_row_iter(None).unwrap().map(|row| row.unwrap().get_long(0).unwrap()).collect()
}

/// A row: its id, and when its export was made.
pub(crate) type Timed = (i64, i64);

/// Rows of one Parquet file that was loaded; each note is that of its id.
pub(crate) fn timed_rows(path: &Path) -> Vec<Timed> {
    let file = File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let reader = SerializedFileReader::new(file).unwrap();
    let rows = reader.get_row_iter(None).unwrap().map(|row| {
        let row = row.unwrap();
        let fields: Vec<Field> = row.get_column_iter().map(|(_, field)| field.clone()).collect();
        let [Field::Long(id), text, Field::TimestampMicros(at)] = &fields[..] else { panic!("{fields:?}") };
        let told =
            if id % 3 == 0 { Field::Null } else { Field::Str(note(*id).as_utf8().unwrap().to_owned()) };
        assert_eq!(*text, told, "{id}");
        (*id, *at)
    });
    rows.collect()
}

/// Writes one segment and says what a pipeline would report of it.
pub(crate) fn put(staging: &dyn Staging, name: &str, ids: &[i64]) -> FileReport {
    put_made_at(staging, name, ids, OLD)
}

fn put_made_at(staging: &dyn Staging, name: &str, ids: &[i64], made_at: &str) -> FileReport {
    let mut writer = staging.sink().create(name).unwrap();
    writer.append(write(TIMED_SCHEMA, ids, Some(micros(made_at))).into()).unwrap();
    let object = writer.finish().unwrap();
    FileReport { uri: object.uri, rows: ids.len() as u64, bytes: object.bytes }
}

/// Counts of a run without rejects.
pub(crate) fn accepted(rows: u64) -> Rows {
    Rows { read: rows, accepted: rows, ..Rows::default() }
}

/// A request with a fresh id. `export` is the etag, and part of the name.
pub(crate) fn request(table: &str, kind: ExportKind, export: &str, exported_at: Option<&str>) -> LoadRequest {
    LoadRequest {
        load_id: uuid::Uuid::now_v7().to_string(),
        table: table.to_owned(),
        kind,
        source: ObjectInfo {
            uri: format!("s3://exports/org/{table}_{export}.csv"),
            etag: Some(export.to_owned()),
            bytes: None,
        },
        exported_at: exported_at.map(str::to_owned),
        // What may shrink a table has tests of its own.
        shrink: ShrinkGuard { max_percent: None },
        again: false,
        rejected_from: None,
        privacy: None,
    }
}

/// A full export of `signatures`.
pub(crate) fn full(export: &str, exported_at: Option<&str>) -> LoadRequest {
    request("signatures", ExportKind::Full, export, exported_at)
}

/// An incremental export of `signatures`.
pub(crate) fn incremental(export: &str, exported_at: Option<&str>) -> LoadRequest {
    request("signatures", ExportKind::Incremental, export, exported_at)
}

/// Loads segments with these ids, one file for each slice.
pub(crate) fn load(warehouse: &dyn Warehouse, request: &LoadRequest, segments: &[&[i64]]) -> LoadReceipt {
    let staging = warehouse.stage(request).unwrap();
    let made_at = request.exported_at.as_deref().unwrap_or(OLD);
    let mut files = Vec::new();
    for (number, ids) in segments.iter().enumerate() {
        files.push(put_made_at(&*staging, &format!("part-{number:05}.snappy.parquet"), ids, made_at));
    }
    let rows = files.iter().map(|file| file.rows).sum();
    staging.load(&files, &accepted(rows)).unwrap()
}

/// `YYYYMMDDhhmmss` of a minute of 2 and 3 March.
pub(crate) fn digits(minute: i64) -> String {
    let (day, minute) = (2 + minute.div_euclid(1_440), minute.rem_euclid(1_440));
    format!("202603{day:02}{:02}{:02}00", minute / 60, minute % 60)
}

/// The ids of an export's rows, or NULL.
pub(crate) type Ids = Vec<Option<i64>>;

/// Incremental exports around a night whose full exports are named at the minutes 195 and 1,635; row n is made in
/// minute n. What the table must have of them is added to `expected`.
pub(crate) fn incrementals(random: &mut fastrand::Rng, expected: &mut Ids) -> Vec<(LoadRequest, Ids)> {
    let mut exports = Vec::new();
    for number in 0..random.usize(3..8) {
        let minute = match random.u8(0..4) {
            0 => random.i64(0..1_275),
            1 => 1_275 + random.i64(-2..3),
            2 => 1_635 + random.i64(-2..3),
            _ => random.i64(1_275..1_900),
        };
        let mut ids: Ids = (minute - random.i64(0..4)..=minute).map(Some).collect();
        if random.u8(0..4) == 0 {
            ids.push(None);
        }
        if minute >= 1_275 {
            expected.extend(ids.iter().filter(|id| id.is_some()));
        }
        exports.push((incremental(&format!("i{number}"), Some(&digits(minute))), ids));
    }
    exports
}
