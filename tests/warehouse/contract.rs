//! What every warehouse promises, whatever it is made of.

use crate::segments::{accepted, full, incremental, load, put, request};
use csl_stream::Error;
use csl_stream::report::FileReport;
use csl_stream::store::ExportKind;
use csl_stream::warehouse::{Admission, Warehouse};

/// A warehouse under test, without a row at first.
pub(crate) struct Bench {
    pub(crate) warehouse: Box<dyn Warehouse>,
    /// Ids that a reader of the table sees, sorted; none if the table is not there.
    pub(crate) ids: Box<ReadIds>,
    /// What that reader sees before the first load: some warehouses have their tables from the start.
    pub(crate) before: Option<Vec<i64>>,
}

/// Reads a table's ids.
pub(crate) type ReadIds = dyn Fn(&str) -> Option<Vec<i64>>;

type Case = (&'static str, fn(&Bench));

/// Every promise, each on a warehouse of its own.
pub(crate) fn contract(make: impl Fn() -> Bench) {
    let cases: &[Case] = &[
        ("a full export makes and replaces the table", full_replaces),
        ("an incremental adds, to nothing too", incremental_adds),
        ("an export without rows empties the table", empty_export),
        ("tables do not touch each other", tables_apart),
        ("the same export is not loaded twice", same_export),
        ("an export of unknown content is never the same", unknown_content),
        ("an older export is refused", older_refused),
        ("rows added after a full export outlive it", later_rows_stay),
        ("counts that disagree load nothing", counts),
        ("a dropped staging leaves nothing", dropped),
        ("a dropped writer leaves nothing", dropped_writer),
        ("the tail of a segment is read back", tail),
        ("names that are no names are refused", names),
    ];
    for (what, case) in cases {
        println!("contract: {what}");
        case(&make());
    }
}

fn full_replaces(bench: &Bench) {
    assert_eq!((bench.ids)("signatures"), bench.before);
    let receipt = load(&*bench.warehouse, &full("a", None), &[&[1, 2], &[3]]);
    assert_eq!((receipt.loaded, receipt.carried_over), (3, 0));
    assert_eq!(receipt.files.iter().map(|file| file.rows).collect::<Vec<_>>(), [2, 1]);
    assert_eq!((bench.ids)("signatures"), Some(vec![1, 2, 3]));
    load(&*bench.warehouse, &full("b", None), &[&[4]]);
    assert_eq!((bench.ids)("signatures"), Some(vec![4]));
}

fn incremental_adds(bench: &Bench) {
    load(&*bench.warehouse, &incremental("a", None), &[&[1]]);
    let receipt = load(&*bench.warehouse, &incremental("b", None), &[&[2], &[3]]);
    assert_eq!((receipt.loaded, receipt.carried_over, receipt.files.len()), (2, 0, 2));
    assert_eq!((bench.ids)("signatures"), Some(vec![1, 2, 3]));
}

fn empty_export(bench: &Bench) {
    load(&*bench.warehouse, &full("a", None), &[&[1]]);
    let receipt = load(&*bench.warehouse, &full("b", None), &[]);
    assert_eq!((receipt.loaded, receipt.files.len()), (0, 0));
    assert_eq!((bench.ids)("signatures"), Some(vec![]));
    load(&*bench.warehouse, &full("c", None), &[&[]]);
    assert_eq!((bench.ids)("signatures"), Some(vec![]));
}

fn tables_apart(bench: &Bench) {
    load(&*bench.warehouse, &full("a", None), &[&[1]]);
    load(&*bench.warehouse, &request("petitions", ExportKind::Full, "a", None), &[&[7]]);
    assert_eq!((bench.ids)("signatures"), Some(vec![1]));
    assert_eq!((bench.ids)("petitions"), Some(vec![7]));
}

fn same_export(bench: &Bench) {
    let first = full("a", Some("20240301000000"));
    let added = incremental("i", Some("20240301000100"));
    load(&*bench.warehouse, &first, &[&[1]]);
    load(&*bench.warehouse, &added, &[&[2]]);
    for (again, by) in [(full("a", None), &first), (incremental("i", None), &added)] {
        let known = Admission::AlreadyLoaded { load_id: by.load_id.clone() };
        assert_eq!(bench.warehouse.admit(&again).unwrap(), known);
        // Two processes can be admitted at once; the second must find out before it loads.
        let loaded = bench.warehouse.stage(&again).and_then(|staging| {
            let file = put(&*staging, "part-0.parquet", &[1]);
            staging.load(&[file], &accepted(1))
        });
        assert!(matches!(loaded, Err(Error::Transient(_))), "{loaded:?}");
    }
    let mut changed = full("a", None);
    changed.source.etag = Some("other content".to_owned());
    assert_eq!(bench.warehouse.admit(&changed).unwrap(), Admission::Proceed);
    assert_eq!((bench.ids)("signatures"), Some(vec![1, 2]));
}

fn unknown_content(bench: &Bench) {
    let mut first = full("a", None);
    first.source.etag = None;
    load(&*bench.warehouse, &first, &[&[1]]);
    let mut again = full("a", None);
    again.source.etag = None;
    assert_eq!(bench.warehouse.admit(&again).unwrap(), Admission::Proceed);
}

fn older_refused(bench: &Bench) {
    let noon = "20240301120000";
    assert_eq!(bench.warehouse.admit(&full("a", Some(noon))).unwrap(), Admission::Proceed);
    load(&*bench.warehouse, &full("a", Some(noon)), &[&[1]]);
    let older = Admission::Older { than: noon.to_owned() };
    let cases = [
        (full("b", Some("20240301115959")), &older),
        (full("b", Some("20240301120000")), &Admission::Proceed),
        (full("b", Some("20240302000000")), &Admission::Proceed),
        (full("b", None), &Admission::Proceed),
        // What it brings may have come in the hours between the full export's snapshot and its name.
        (incremental("i", Some("20240301115959")), &Admission::Proceed),
        (incremental("i", Some("20240301060000")), &Admission::Proceed),
        (incremental("i", Some("20240301055959")), &older),
        (incremental("i", Some("20240301120000")), &Admission::Proceed),
        (incremental("i", None), &Admission::Proceed),
    ];
    for (asked, expected) in cases {
        assert_eq!(bench.warehouse.admit(&asked).unwrap(), *expected, "{asked:?}");
    }
}

fn later_rows_stay(bench: &Bench) {
    load(&*bench.warehouse, &full("a", Some("20240301000000")), &[&[1]]);
    load(&*bench.warehouse, &incremental("i", Some("20240301235900")), &[&[2]]);
    load(&*bench.warehouse, &incremental("j", Some("20240302000100")), &[&[3], &[4]]);
    load(&*bench.warehouse, &incremental("k", None), &[&[5]]);
    let receipt = load(&*bench.warehouse, &full("b", Some("20240302000000")), &[&[1, 2]]);
    assert_eq!((receipt.loaded, receipt.carried_over, receipt.files.len()), (2, 2, 1));
    assert_eq!((bench.ids)("signatures"), Some(vec![1, 2, 3, 4]));
    let again = bench.warehouse.admit(&incremental("j", Some("20240302000100"))).unwrap();
    assert!(matches!(again, Admission::AlreadyLoaded { .. }));
}

fn counts(bench: &Bench) {
    load(&*bench.warehouse, &full("a", None), &[&[1]]);
    let wrong: &[fn(&mut Vec<FileReport>, &mut u64)] = &[
        |_, accepted| *accepted += 1,
        |_, accepted| *accepted -= 1,
        |files, _| drop(files.pop()),
        |files, _| files[0].rows += 1,
        |files, _| files[0].bytes -= 1,
        |files, _| files[0].uri.push_str(".gone"),
        |files, _| files[1] = files[0].clone(),
    ];
    for (number, damage) in wrong.iter().enumerate() {
        let staging = bench.warehouse.stage(&full("b", None)).unwrap();
        let mut files = vec![put(&*staging, "part-0.parquet", &[2]), put(&*staging, "part-1.parquet", &[3])];
        let mut rows = 2;
        damage(&mut files, &mut rows);
        let failed = staging.load(&files, &accepted(rows));
        assert!(matches!(failed, Err(Error::Counts(_))), "damage {number}: {failed:?}");
        assert_eq!((bench.ids)("signatures"), Some(vec![1]), "damage {number}");
    }
}

fn dropped(bench: &Bench) {
    load(&*bench.warehouse, &full("a", None), &[&[1]]);
    let next = full("b", None);
    let staging = bench.warehouse.stage(&next).unwrap();
    put(&*staging, "part-0.parquet", &[2]);
    drop(staging);
    assert_eq!((bench.ids)("signatures"), Some(vec![1]));
    load(&*bench.warehouse, &next, &[&[3]]);
    assert_eq!((bench.ids)("signatures"), Some(vec![3]));
}

fn dropped_writer(bench: &Bench) {
    let staging = bench.warehouse.stage(&full("a", None)).unwrap();
    let mut writer = staging.sink().create("part-0.parquet").unwrap();
    writer.append(bytes::Bytes::from_static(b"half a file")).unwrap();
    drop(writer);
    let file = put(&*staging, "part-0.parquet", &[1]);
    staging.load(&[file], &accepted(1)).unwrap();
    assert_eq!((bench.ids)("signatures"), Some(vec![1]));
}

fn tail(bench: &Bench) {
    let staging = bench.warehouse.stage(&full("a", None)).unwrap();
    let mut writer = staging.sink().create("part-0.parquet").unwrap();
    writer.append(bytes::Bytes::from_static(b"0123456789")).unwrap();
    let object = writer.finish().unwrap();
    assert_eq!(object.bytes, 10);
    for (bytes, text) in [(0, ""), (4, "6789"), (10, "0123456789"), (99, "0123456789")] {
        assert_eq!(staging.sink().read_tail(&object, bytes).unwrap(), text.as_bytes());
    }
    assert!(staging.sink().create("part-0.parquet").is_err(), "a segment is never overwritten");
}

fn names(bench: &Bench) {
    for table in ["", ".", "..", "a/b", "../a", ".hidden", "current", "a b", "é", "a\0b"] {
        let asked = request(table, ExportKind::Full, "a", None);
        assert!(matches!(bench.warehouse.stage(&asked), Err(Error::Usage(_))), "{table:?}");
    }
}
