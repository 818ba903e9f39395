//! The table is the same in whichever order the exports of a night arrive, however often, however late.
//!
//! A source with rows in the order of their making: a full export holds the rows up to its snapshot, which
//! lies up to six hours before its name; an incremental holds those of its minute, and a few of its
//! neighbours'.

use super::segments::{Ids, digits, full, incremental, incrementals};
use csl_stream::ledger::Cover;
use csl_stream::report::FileReport;
use csl_stream::warehouse::{Admission, LoadRequest, LocalWarehouse, Staging, Warehouse};
use parquet::data_type::Int64Type;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::record::Field;
use parquet::schema::parser::parse_message_type;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Orders unless `CSL_TEST_ORDERS` says otherwise.
const ORDERS: u64 = 300;

fn bytes_of(ids: &[Option<i64>]) -> Vec<u8> {
    let schema =
        Arc::new(parse_message_type("message rows { optional int64 id; required int64 at; }").unwrap());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::default()).unwrap();
    // Several row groups, so that masks must find their rows.
    for ids in ids.chunks(3) {
        let mut group = writer.next_row_group().unwrap();
        let levels: Vec<i16> = ids.iter().map(|id| i16::from(id.is_some())).collect();
        let values: Vec<i64> = ids.iter().flatten().copied().collect();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<Int64Type>().write_batch(&values, Some(&levels), None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        let ats: Vec<i64> = ids.iter().map(|id| id.unwrap_or(-1) * 7).collect();
        column.typed::<Int64Type>().write_batch(&ats, None, None).unwrap();
        column.close().unwrap();
        group.close().unwrap();
    }
    writer.into_inner().unwrap()
}

fn put(staging: &dyn Staging, number: usize, ids: &[Option<i64>]) -> FileReport {
    let mut writer = staging.sink().create(&format!("part-{number:05}.snappy.parquet")).unwrap();
    writer.append(bytes_of(ids).into()).unwrap();
    let object = writer.finish().unwrap();
    FileReport { uri: object.uri, rows: ids.len() as u64, bytes: object.bytes }
}

/// Loads unless the warehouse says that it need not be.
fn load(warehouse: &LocalWarehouse, request: &LoadRequest, ids: &Ids) {
    let request = LoadRequest { load_id: uuid::Uuid::now_v7().to_string(), ..request.clone() };
    if warehouse.admit(&request).unwrap() != Admission::Proceed {
        return;
    }
    let staging = warehouse.stage(&request).unwrap();
    let (one, two) = ids.split_at(ids.len() / 2);
    let files = [put(&*staging, 0, one), put(&*staging, 1, two)];
    let receipt = staging.load(&files, &super::segments::accepted(ids.len() as u64)).unwrap();
    assert!(receipt.loaded <= ids.len() as u64);
}

/// What any reader sees.
fn read(dir: &Path) -> Ids {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(dir.join("signatures/current")).unwrap().map(|item| item.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "parquet"));
    let mut ids = Vec::new();
    for file in files {
        let reader = SerializedFileReader::new(File::open(file).unwrap()).unwrap();
        for row in reader.get_row_iter(None).unwrap() {
            let row: Vec<Field> = row.unwrap().get_column_iter().map(|(_, field)| field.clone()).collect();
            let id = if let Field::Long(id) = row[0] { Some(id) } else { None };
            assert_eq!(row[1], Field::Long(id.unwrap_or(-1) * 7), "columns stay together");
            ids.push(id);
        }
    }
    ids.sort_unstable();
    ids
}

/// The exports of a night, and the ids that the table must have.
fn night(random: &mut fastrand::Rng) -> (Vec<(LoadRequest, Ids)>, Ids) {
    // Row n is made in minute n. The full exports are named at the minutes 195 and 1,635: 03:15.
    let names = [195, 1_635];
    let mut exports = Vec::new();
    let mut expected = Vec::new();
    for (number, name) in names.into_iter().enumerate() {
        let snapshot = name - random.i64(0..=360);
        let mut ids: Ids = (snapshot.max(400) - 400..=snapshot).map(Some).collect();
        ids.push(None);
        if number == 1 {
            expected.clone_from(&ids);
        }
        exports.push((full(&format!("f{number}"), Some(&digits(name))), ids));
    }
    exports.extend(incrementals(random, &mut expected));
    expected.sort_unstable();
    expected.dedup();
    (exports, expected)
}

#[test]
fn any_order_of_a_night_makes_the_same_table() {
    let mut random = fastrand::Rng::with_seed(super::seed::seed());
    let orders = std::env::var("CSL_TEST_ORDERS").map_or(ORDERS, |text| text.parse().unwrap());
    for order in 0..orders {
        let (exports, expected) = night(&mut random);
        let mut arrivals: Vec<usize> =
            (0..exports.len()).chain((0..exports.len()).filter(|_| random.bool())).collect();
        random.shuffle(&mut arrivals);
        let memory = Path::new("/dev/shm");
        let dir = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
        let warehouse = LocalWarehouse::new(dir.path());
        for &arrival in &arrivals {
            load(&warehouse, &exports[arrival].0, &exports[arrival].1);
        }
        let told: Vec<_> = arrivals
            .iter()
            .map(|&at| (exports[at].0.kind, &exports[at].0.exported_at, &exports[at].1))
            .collect();
        assert_eq!(read(dir.path()), expected, "order {order}: {told:?}");
        warehouse.snapshot("signatures").unwrap();
    }
    println!("{orders} orders");
}

#[test]
fn another_window_is_kept_as_told() {
    let dir = tempfile::tempdir().unwrap();
    let warehouse = LocalWarehouse::new(dir.path()).cover(Cover { hours: 1 });
    load(&warehouse, &full("a", Some("20260302031500")), &vec![Some(1)]);
    for (minute, admitted) in [("021459", false), ("021500", true)] {
        let asked = incremental(minute, Some(&format!("20260302{minute}")));
        assert_eq!(warehouse.admit(&asked).unwrap() == Admission::Proceed, admitted, "{minute}");
    }
}

#[test]
fn rows_that_are_there_are_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let warehouse = LocalWarehouse::new(dir.path());
    let staged = |request: &LoadRequest, ids: &[Option<i64>]| {
        let staging = warehouse.stage(request).unwrap();
        let file = put(&*staging, 0, ids);
        staging.load(&[file], &super::segments::accepted(ids.len() as u64)).unwrap()
    };
    staged(&full("a", Some("20260302031500")), &[Some(1), Some(2), None]);
    let receipt = staged(&incremental("i", Some("20260302031600")), &[Some(2), Some(3), None]);
    assert_eq!(receipt.loaded, 1);
    let receipt = staged(&incremental("j", Some("20260302031700")), &[Some(2), Some(3)]);
    assert_eq!((receipt.loaded, receipt.files.len()), (0, 0));
    assert_eq!(read(dir.path()), [None, Some(1), Some(2), Some(3)]);
    // Known as loaded, though it brought no row.
    let again = warehouse.admit(&incremental("j", None)).unwrap();
    assert!(matches!(again, Admission::AlreadyLoaded { .. }), "{again:?}");
    let receipt = staged(&full("b", Some("20260302031700")), &[Some(1)]);
    assert_eq!((receipt.loaded, receipt.carried_over), (1, 1));
    assert_eq!(read(dir.path()), [Some(1), Some(3)]);
}

/// Rows that cannot be told apart: the name of a full export is taken for its snapshot.
#[test]
fn without_ids_the_name_is_the_snapshot() {
    fn nameless(rows: i64) -> Vec<u8> {
        let schema = Arc::new(parse_message_type("message rows { required int64 n; }").unwrap());
        let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::default()).unwrap();
        let mut group = writer.next_row_group().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<Int64Type>().write_batch(&vec![1; rows as usize], None, None).unwrap();
        column.close().unwrap();
        group.close().unwrap();
        writer.into_inner().unwrap()
    }
    let exports = [
        (full("f", Some("20260302031500")), 10),
        (incremental("i", Some("20260302031459")), 1),
        (incremental("j", Some("20260302031500")), 2),
    ];
    for order in [[0, 1, 2], [1, 2, 0], [2, 0, 1], [1, 0, 2]] {
        let dir = tempfile::tempdir().unwrap();
        let warehouse = LocalWarehouse::new(dir.path());
        for (request, rows) in order.map(|at| exports[at].clone()) {
            if warehouse.admit(&request).unwrap() != Admission::Proceed {
                continue;
            }
            let staging = warehouse.stage(&request).unwrap();
            let mut writer = staging.sink().create("part-00000.snappy.parquet").unwrap();
            writer.append(nameless(rows).into()).unwrap();
            let object = writer.finish().unwrap();
            let file = FileReport { uri: object.uri, rows: rows as u64, bytes: object.bytes };
            staging.load(&[file], &super::segments::accepted(rows as u64)).unwrap();
        }
        assert_eq!(warehouse.current("signatures").unwrap().unwrap().rows_in_table(), 12, "{order:?}");
    }
}

#[test]
fn an_export_is_loaded_again_on_purpose() {
    let dir = tempfile::tempdir().unwrap();
    let warehouse = LocalWarehouse::new(dir.path());
    let again = |request: LoadRequest| LoadRequest { again: true, ..request };
    let noon = |export: &str| full(export, Some("20260302120000"));
    load(&warehouse, &noon("a"), &vec![Some(1)]);
    load(&warehouse, &incremental("i", Some("20260302120100")), &vec![Some(2)]);
    load(&warehouse, &incremental("i", Some("20260302120100")), &vec![Some(3)]);
    assert_eq!(read(dir.path()), [Some(1), Some(2)], "skipped");
    // An incremental takes the place of itself; a full export that of everything it holds.
    load(&warehouse, &again(incremental("i", Some("20260302120100"))), &vec![Some(3)]);
    assert_eq!(read(dir.path()), [Some(1), Some(3)]);
    load(&warehouse, &again(noon("a")), &vec![Some(4)]);
    assert_eq!(read(dir.path()), [Some(3), Some(4)]);
    load(&warehouse, &again(full("old", Some("20260301120000"))), &vec![Some(5)]);
    assert_eq!(read(dir.path()), [Some(3), Some(5)]);
    // What was loaded as the wrong kind is not in the way of the right one.
    let wrong = full("j", Some("20260303130000"));
    load(&warehouse, &wrong, &vec![Some(6)]);
    assert_eq!(read(dir.path()), [Some(6)]);
    let right = LoadRequest { kind: csl_stream::store::ExportKind::Incremental, ..wrong };
    load(&warehouse, &again(noon("a")), &vec![Some(4)]);
    load(&warehouse, &right, &vec![Some(6)]);
    assert_eq!(read(dir.path()), [Some(4), Some(6)]);
}
