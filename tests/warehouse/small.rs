//! Small files become large ones while loads go on: the same rows in the same order, whose they are, and few files.

use super::segments::{Timed, accepted, digits, full, incremental, load, micros, timed_rows};
use csl_stream::ledger::{Cover, Entry};
use csl_stream::report::FileReport;
use csl_stream::store::ExportKind;
use csl_stream::values::Figure;
use csl_stream::warehouse::{
    Admission, Erasure, LoadRequest, LocalWarehouse, Scope, Snapshot, Staging, Warehouse,
};
use parquet::data_type::{
    ByteArray, ByteArrayType, DataType, FixedLenByteArray, FixedLenByteArrayType, Int32Type, Int64Type,
};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::record::Field;
use parquet::schema::parser::parse_message_type;
use std::collections::{BTreeSet, HashSet};
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const WALKS: u64 = 3;
const TURNS: i64 = 90;
/// Files of a table whose loads are small: the full one, seven merged ones, seven that wait, the newest; and the second
/// file of each load that has one.
const FILES_MAX: usize = 1 + 7 + 2 * 8;

/// What a load has brought that is still in the table.
struct Known {
    request: LoadRequest,
    rows: Vec<Timed>,
}

/// The table as it must be, by the rules alone.
#[derive(Default)]
struct Model(Vec<Known>);

impl Model {
    fn load(&mut self, request: &LoadRequest, ids: &[i64]) {
        let at = request.exported_at.as_deref();
        let made = micros(at.unwrap());
        let mut rows: Vec<Timed> = ids.iter().map(|&id| (id, made)).collect();
        match request.kind {
            ExportKind::Full => {
                let has: HashSet<i64> = ids.iter().copied().collect();
                self.0.retain(|known| {
                    known.request.kind == ExportKind::Incremental
                        && Cover::default().may_lack(at, known.request.exported_at.as_deref())
                });
                self.0.iter_mut().for_each(|known| known.rows.retain(|(id, _)| !has.contains(id)));
                self.0.insert(0, Known { request: request.clone(), rows });
            }
            ExportKind::Incremental => {
                self.0.retain(|known| known.request.source != request.source);
                let has: HashSet<i64> = self.rows().iter().map(|(id, _)| *id).collect();
                rows.retain(|(id, _)| !has.contains(id));
                self.0.push(Known { request: request.clone(), rows });
            }
        }
    }

    fn rows(&self) -> Vec<Timed> {
        self.0.iter().flat_map(|known| known.rows.clone()).collect()
    }
}

fn rows_of(snapshot: &Snapshot) -> Vec<Timed> {
    snapshot.files.iter().flat_map(|path| timed_rows(path)).collect()
}

/// Bytes that a version has and the one before it had not, less those of its own load.
fn written_again(before: &BTreeSet<String>, entry: &Entry) -> u64 {
    let own = |name: &str| name.starts_with(&entry.load_id);
    let files = entry.files();
    files.iter().filter(|file| !before.contains(&file.name) && !own(&file.name)).map(|file| file.bytes).sum()
}

/// Full and incremental exports of a day, some loaded twice, some with rows that are there.
fn next(random: &mut fastrand::Rng, turn: i64, old: &[(LoadRequest, Vec<i64>)]) -> (LoadRequest, Vec<i64>) {
    let minute = 1_000 + turn * 4;
    if turn == 0 || random.u8(0..40) == 0 {
        let snapshot = turn - random.i64(0..60);
        let ids = (0..snapshot.max(1) * 3).filter(|id| id % 11 != turn % 11).collect();
        return (full(&format!("f{turn}"), Some(&digits(minute))), ids);
    }
    if random.u8(0..12) == 0
        && let Some((request, ids)) = old.get(random.usize(0..old.len().max(1)))
    {
        let load_id = uuid::Uuid::now_v7().to_string();
        return (LoadRequest { load_id, again: true, ..request.clone() }, ids.clone());
    }
    let mut ids: Vec<i64> = (turn * 3..turn * 3 + random.i64(0..4)).collect();
    if random.u8(0..4) == 0 {
        ids.push(random.i64(0..turn * 3));
    }
    (incremental(&format!("i{turn}"), Some(&digits(minute))), ids)
}

#[test]
fn rows_stay_what_they_are_and_whose_they_are() {
    let mut random = fastrand::Rng::with_seed(super::seed::seed());
    let mut merged = 0;
    for walk in 0..WALKS {
        let dir = tempfile::tempdir().unwrap();
        let warehouse = LocalWarehouse::new(dir.path());
        let (mut model, mut old, mut names, mut again) = (Model::default(), Vec::new(), BTreeSet::new(), 0);
        for turn in 0..TURNS {
            let (request, ids) = next(&mut random, turn, &old);
            if warehouse.admit(&request).unwrap() != Admission::Proceed {
                continue;
            }
            let (one, two) = ids.split_at(if random.u8(0..6) == 0 { ids.len() / 2 } else { ids.len() });
            let segments: &[&[i64]] = if two.is_empty() { &[one] } else { &[one, two] };
            load(&warehouse, &request, segments);
            model.load(&request, &ids);
            if request.kind == ExportKind::Incremental {
                old.push((request, ids));
            }
            let snapshot = warehouse.snapshot("signatures").unwrap();
            let told = format!("walk {walk}, turn {turn}");
            assert_eq!(rows_of(&snapshot), model.rows(), "{told}");
            let entry = &snapshot.entry;
            let parts: Vec<_> = entry.parts.iter().map(|part| (part.load_id.clone(), part.rows())).collect();
            let known = model.0.iter();
            let known: Vec<_> =
                known.map(|known| (known.request.load_id.clone(), known.rows.len() as u64)).collect();
            assert_eq!(parts, known, "{told}");
            let later = entry.parts.iter().filter(|part| part.kind == ExportKind::Incremental);
            let later: Vec<_> = later.flat_map(|part| &part.files).map(|file| &file.name).collect();
            assert!(later.is_sorted(), "{told}: names are in load order");
            assert!(snapshot.files.len() <= FILES_MAX, "{told}: {} files", snapshot.files.len());
            again += written_again(&names, entry);
            names = entry.files().into_iter().map(|file| file.name).collect();
            merged += usize::from(entry.slices().len() > entry.files().len());
        }
        sums_are_of_each_load(&warehouse, &model);
        let files = TURNS as u64 * 3_000;
        assert!(again < 4 * files, "walk {walk}: {again} bytes written again");
    }
    assert!(merged > 50, "{merged} versions with merged files");
}

/// Out of files that several loads share only their rows go, and the others stay whose they are.
#[test]
fn erased_rows_go_and_no_others() {
    let mut random = fastrand::Rng::with_seed(super::seed::seed());
    let dir = tempfile::tempdir().unwrap();
    let warehouse = LocalWarehouse::new(dir.path());
    let (mut model, mut shared) = (Model::default(), 0);
    for turn in 0..TURNS {
        let (request, ids) = next(&mut random, turn, &[]);
        load(&warehouse, &request, &[&ids]);
        model.load(&request, &ids);
        // All of them once, so that what is left has no row.
        let everybody = turn == TURNS / 2;
        if turn % 9 != 8 && !everybody {
            continue;
        }
        let before = warehouse.snapshot("signatures").unwrap().entry;
        shared += usize::from(before.slices().len() > before.files().len());
        let some = model.rows().into_iter().map(|(id, _)| id).filter(|_| everybody || random.u8(0..6) == 0);
        let gone: HashSet<i64> = some.take(500).collect();
        let erasure = Erasure {
            erase_id: uuid::Uuid::now_v7().to_string(),
            table: "signatures".to_owned(),
            column: "id".to_owned(),
            values: gone.iter().map(ToString::to_string).collect(),
            hidden: BTreeSet::new(),
            privacy: None,
            dry_run: false,
        };
        let rows = model.rows().iter().filter(|(id, _)| gone.contains(id)).count() as u64;
        let erased = warehouse.erase(&erasure).unwrap();
        model.0.iter_mut().for_each(|known| known.rows.retain(|(id, _)| !gone.contains(id)));
        assert_eq!((erased.rows, erased.rows_left), (rows, model.rows().len() as u64), "turn {turn}");
        let snapshot = warehouse.snapshot("signatures").unwrap();
        assert_eq!(rows_of(&snapshot), model.rows(), "turn {turn}");
        let parts: Vec<_> = snapshot.entry.parts.iter().map(|part| (&part.load_id, part.rows())).collect();
        let known: Vec<_> =
            model.0.iter().map(|known| (&known.request.load_id, known.rows.len() as u64)).collect();
        assert_eq!(parts, known, "turn {turn}");
        sums_are_of_each_load(&warehouse, &model);
    }
    assert!(shared > 3, "{shared} erasures of files that loads share");
}

/// What is looked at of one load is its rows, wherever they lie.
fn sums_are_of_each_load(warehouse: &LocalWarehouse, model: &Model) {
    let holding = warehouse.holding("signatures").unwrap();
    for known in &model.0 {
        let Known { request, rows } = known;
        let scope = Scope {
            load_id: Some(&request.load_id),
            source: &request.source,
            exported_at: None,
            newest: None,
            hashes: false,
        };
        let held = holding.sum_up(&scope).unwrap();
        let figure = |id: Option<i64>| id.map(|id| Figure::integer(id.into()));
        let id = held.columns.iter().find(|column| column.name == "id");
        let found = id.map_or((None, None), |id| (id.min.clone(), id.max.clone()));
        let ids = || rows.iter().map(|(id, _)| *id);
        assert_eq!(found, (figure(ids().min()), figure(ids().max())), "{}", request.load_id);
        assert_eq!((held.rows, held.later), (rows.len() as u64, (model.rows().len() - rows.len()) as u64));
    }
}

#[test]
fn a_reader_sees_whole_loads_while_files_are_merged() {
    let dir = tempfile::tempdir().unwrap();
    let warehouse = LocalWarehouse::new(dir.path());
    load(&warehouse, &full("a", None), &[&[0]]);
    let first = warehouse.snapshot("signatures").unwrap();
    let ended = AtomicBool::new(false);
    let reads = std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let (mut reads, mut least) = (0, 1);
            while !ended.load(Ordering::Relaxed) {
                let snapshot = warehouse.snapshot("signatures").unwrap();
                // Held, whatever is loaded meanwhile.
                std::thread::sleep(Duration::from_millis(20));
                let ids: Vec<i64> = rows_of(&snapshot).into_iter().map(|(id, _)| id).collect();
                assert!(ids.len() >= least, "{ids:?}");
                assert_eq!(ids, (0..ids.len() as i64).collect::<Vec<_>>());
                (reads, least) = (reads + 1, ids.len());
            }
            reads
        });
        for id in 1..60 {
            load(&warehouse, &incremental(&format!("i{id}"), None), &[&[id]]);
        }
        ended.store(true, Ordering::Relaxed);
        reader.join().unwrap()
    });
    assert!(reads > 3, "{reads} reads");
    assert_eq!(rows_of(&first).len(), 1, "the first one is held to the end");
    assert!(warehouse.snapshot("signatures").unwrap().files.len() <= 10);
}

/// A file of one row group, whose columns are `id` and what the schema says besides.
fn typed(schema: &str, id: i64) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(&format!("message rows {{ {schema} }}")).unwrap());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    while let Some(mut column) = group.next_column().unwrap() {
        fn put<T: DataType>(
            column: &mut parquet::file::writer::SerializedColumnWriter<'_>,
            value: T::T,
            is_optional: bool,
        ) {
            let levels = is_optional.then_some(&[1_i16, 0][..]);
            let values = if is_optional { vec![value] } else { vec![value.clone(), value] };
            column.typed::<T>().write_batch(&values, levels, None).unwrap();
        }
        use parquet::basic::Type;
        let (name, physical, is_optional) = {
            let descr = column.untyped();
            let descr = match descr {
                parquet::column::writer::ColumnWriter::Int32ColumnWriter(writer) => writer.get_descriptor(),
                parquet::column::writer::ColumnWriter::Int64ColumnWriter(writer) => writer.get_descriptor(),
                parquet::column::writer::ColumnWriter::ByteArrayColumnWriter(writer) => {
                    writer.get_descriptor()
                }
                parquet::column::writer::ColumnWriter::FixedLenByteArrayColumnWriter(writer) => {
                    writer.get_descriptor()
                }
                _ => unreachable!("no test has such a column"),
            };
            (descr.name().to_owned(), descr.physical_type(), descr.max_def_level() > 0)
        };
        match physical {
            // Each id once: of the two rows the second has none.
            Type::INT64 if name == "id" => put::<Int64Type>(&mut column, id, true),
            Type::INT32 => put::<Int32Type>(&mut column, id as i32 * 10, is_optional),
            Type::INT64 => put::<Int64Type>(&mut column, id * 10, is_optional),
            Type::BYTE_ARRAY => {
                put::<ByteArrayType>(&mut column, ByteArray::from(format!("{id}").into_bytes()), is_optional)
            }
            Type::FIXED_LEN_BYTE_ARRAY => {
                let bytes = (id as i32 * 10).to_be_bytes()[2..].to_vec();
                let value = FixedLenByteArray::from(ByteArray::from(bytes));
                put::<FixedLenByteArrayType>(&mut column, value, is_optional)
            }
            other => unreachable!("{other}"),
        }
        column.close().unwrap();
    }
    group.close().unwrap();
    writer.into_inner().unwrap()
}

fn put(staging: &dyn Staging, bytes: Vec<u8>, rows: u64) -> FileReport {
    let mut writer = staging.sink().create("part-00000.snappy.parquet").unwrap();
    writer.append(bytes.into()).unwrap();
    let object = writer.finish().unwrap();
    FileReport { uri: object.uri, rows, bytes: object.bytes }
}

const SHAPES: [&str; 4] = [
    "optional int64 id; required int32 n; optional binary gone (UTF8);",
    "optional int64 id; optional int32 n; optional fixed_len_byte_array(2) sum (DECIMAL(4,2));",
    "optional int64 id; required int64 n; optional binary late (UTF8); optional int64 t (TIMESTAMP(MICROS,false));",
    "optional fixed_len_byte_array(2) sum (DECIMAL(4,1)); optional int64 id; optional int64 n;",
];

/// Loads rows of these shapes by turns; the only file into which they were merged at last.
fn of_shapes(dir: &Path) -> PathBuf {
    let warehouse = LocalWarehouse::new(dir);
    for id in 1..=9 {
        let request = incremental(&format!("i{id}"), None);
        let staging = warehouse.stage(&request).unwrap();
        let file = put(&*staging, typed(SHAPES[id as usize % 4], id), 2);
        staging.load(&[file], &accepted(2)).unwrap();
    }
    let files = warehouse.snapshot("signatures").unwrap().files;
    assert_eq!(files.len(), 2);
    files[0].clone()
}

#[test]
fn columns_that_came_later_or_became_wider_keep_their_values() {
    let dir = tempfile::tempdir().unwrap();
    let file = of_shapes(dir.path());
    let reader = SerializedFileReader::new(File::open(&file).unwrap()).unwrap();
    assert_eq!(reader.num_row_groups(), 1);
    let schema = reader.metadata().file_metadata().schema_descr();
    let columns: Vec<_> =
        schema.columns().iter().map(|column| (column.name(), column.max_def_level())).collect();
    assert_eq!(columns, ["id", "n", "sum", "late", "t", "gone"].map(|name| (name, 1)));
    let decimal = schema.column(2);
    assert_eq!(
        (decimal.type_precision(), decimal.type_scale()),
        (5, 2),
        "three digits before the point, two after"
    );
    for (at, row) in reader.get_row_iter(None).unwrap().enumerate() {
        let row: Vec<Field> = row.unwrap().get_column_iter().map(|(_, field)| field.clone()).collect();
        let (id, is_first) = (at as i64 / 2 + 1, at % 2 == 0);
        let shape = SHAPES[id as usize % 4];
        let has = |name: &str| shape.contains(&format!(" {name}"));
        let required = |name: &str| {
            shape.contains(&format!("required int32 {name}"))
                || shape.contains(&format!("required int64 {name}"))
        };
        let long = |is_there: bool, value: i64| if is_there { Field::Long(value) } else { Field::Null };
        assert_eq!(row[0], long(is_first, id), "{at}");
        assert_eq!(row[1], long(is_first || required("n"), id * 10), "{at}");
        let text = |name: &str| if has(name) && is_first { Field::Str(id.to_string()) } else { Field::Null };
        assert_eq!((&row[3], &row[5]), (&text("late"), &text("gone")), "{at}");
        let is_timed = has("t ") && is_first;
        assert_eq!(row[4], if is_timed { Field::TimestampMicros(id * 10) } else { Field::Null }, "{at}");
        match &row[2] {
            Field::Decimal(decimal) => {
                let unscaled = decimal.data().iter().fold(0, |sum, &byte| sum << 8 | i64::from(byte));
                let factor = if shape.contains("(4,1)") { 10 } else { 1 };
                assert!(has("sum") && is_first && unscaled == id * 10 * factor, "{at}: {unscaled}");
            }
            other => assert!(*other == Field::Null && !(has("sum") && is_first), "{at}: {other}"),
        }
    }
}

#[test]
fn a_load_does_not_fail_because_old_files_cannot_be_merged() {
    let dir = tempfile::tempdir().unwrap();
    let warehouse = LocalWarehouse::new(dir.path());
    let request = |id: i64| incremental(&format!("i{id}"), None);
    (1..=8).for_each(|id| drop(load(&warehouse, &request(id), &[&[id]])));
    let damaged = warehouse.snapshot("signatures").unwrap().files[3].clone();
    let column = SerializedFileReader::new(File::open(&damaged).unwrap()).unwrap();
    let (start, length) = column.metadata().row_group(0).column(2).byte_range();
    let file = File::options().read(true).write(true).open(&damaged).unwrap();
    file.write_all_at(&vec![0xff; length as usize], start).unwrap();
    for id in 9..=10 {
        let receipt = load(&warehouse, &request(id), &[&[id]]);
        let [told] = &receipt.warnings[..] else { panic!("{:?}", receipt.warnings) };
        assert!(told.contains(damaged.file_name().unwrap().to_str().unwrap()), "{told}");
        let snapshot = warehouse.snapshot("signatures").unwrap();
        assert_eq!(snapshot.files.len() as i64, id);
        assert_eq!(snapshot.entry.rows_in_table() as i64, id);
    }
    // A full export mends the table.
    load(&warehouse, &full("a", None), &[&[7]]);
    assert_eq!(load(&warehouse, &request(11), &[&[11]]).warnings, [""; 0]);
}

#[test]
fn a_bit_that_flips_in_a_merged_file_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let file = of_shapes(dir.path());
    let sound = fs::read(&file).unwrap();
    let reader = SerializedFileReader::new(File::open(&file).unwrap()).unwrap();
    for column in reader.metadata().row_group(0).columns() {
        let (start, length) = column.byte_range();
        // The last byte of its last page.
        let copy = dir.path().join("copy.parquet");
        fs::write(&copy, &sound).unwrap();
        let last = start + length - 1;
        let flipped = [sound[last as usize] ^ 4];
        File::options().write(true).open(&copy).unwrap().write_all_at(&flipped, last).unwrap();
        let reader = SerializedFileReader::new(File::open(&copy).unwrap()).unwrap();
        let read: Result<Vec<_>, _> = reader.get_row_iter(None).unwrap().collect();
        assert!(read.is_err(), "{}", column.column_path());
    }
}
