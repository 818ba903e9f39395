//! What is read back is whole: names, lengths and rows are those of the ledger entry.

use super::local::ids;
use super::segments::{full, incremental, load};
use csl_stream::warehouse::{LocalWarehouse, Warehouse};
use std::fs;
use std::path::Path;

type Damage = (&'static str, fn(&Path));

/// What becomes of the second of two files of a full export.
const DAMAGES: &[Damage] = &[
    ("emptied", |file| fs::write(file, "").unwrap()),
    ("removed", |file| fs::remove_file(file).unwrap()),
    ("cut", |file| {
        let bytes = fs::read(file).unwrap();
        fs::write(file, &bytes[..bytes.len() - 9]).unwrap();
    }),
    ("another's", |file| {
        let name = file.to_str().unwrap();
        let other = if name.contains("part-00001") { ("00001", "00000") } else { ("00000", "00001") };
        fs::copy(name.replace(other.0, other.1), file).unwrap();
    }),
    ("its end overwritten", |file| {
        let mut bytes = fs::read(file).unwrap();
        let len = bytes.len();
        bytes[len - 20..].fill(0xff);
        fs::write(file, bytes).unwrap();
    }),
    ("a folder", |file| {
        fs::remove_file(file).unwrap();
        fs::create_dir(file).unwrap();
    }),
];

#[test]
fn a_damaged_file_is_neither_read_nor_carried_on() {
    // The first file too, of which a load reads the columns.
    for ((what, damage), number) in DAMAGES.iter().flat_map(|damage| [(damage, 1), (damage, 0)]) {
        let dir = tempfile::tempdir().unwrap();
        let warehouse = LocalWarehouse::new(dir.path());
        load(&warehouse, &full("a", None), &[&[1, 2, 4], &[3, 5]]);
        let file = warehouse.snapshot("signatures").unwrap().files[number].clone();
        damage(&file);
        let name = file.file_name().unwrap().to_str().unwrap();
        let told = |error: csl_stream::Error| {
            assert_eq!(error.exit_code(), 1, "{what}: {error}");
            assert!(error.to_string().contains(name), "{what}: {error}");
            assert!(!error.detail().unwrap().help.is_empty(), "{what}: {error}");
        };
        told(warehouse.snapshot("signatures").err().unwrap());
        #[cfg(feature = "query")]
        {
            use csl_stream::warehouse::query::{Format, Query, run};
            let query = Query {
                sql: "select count(*) from signatures",
                warehouse: Some(dir.path()),
                files: &[],
                given: &[],
            };
            told(run(&query, Format::Csv, &mut Vec::new()).unwrap_err());
        }
        let next = incremental("i", None);
        let loaded = warehouse.stage(&next).and_then(|staging| {
            let put = super::segments::put(&*staging, "part-00000.snappy.parquet", &[6]);
            staging.load(&[put], &super::segments::accepted(1))
        });
        told(loaded.unwrap_err());
        // A full export carries nothing of it on, and mends the table.
        load(&warehouse, &full("b", None), &[&[7]]);
        assert_eq!(ids(dir.path(), "signatures"), Some(vec![7]), "{what}");
        warehouse.snapshot("signatures").unwrap();
    }
}

#[test]
fn a_file_that_no_load_brought_is_not_read() {
    let dir = tempfile::tempdir().unwrap();
    let warehouse = LocalWarehouse::new(dir.path());
    load(&warehouse, &full("a", None), &[&[1]]);
    let file = warehouse.snapshot("signatures").unwrap().files[0].clone();
    let version = file.parent().unwrap();
    fs::write(version.join("notes.txt"), "no Parquet, no harm").unwrap();
    warehouse.snapshot("signatures").unwrap();
    fs::copy(&file, version.join("more.parquet")).unwrap();
    let error = warehouse.snapshot("signatures").err().unwrap();
    assert!(error.exit_code() == 1 && error.to_string().contains("more.parquet"), "{error}");
}

#[test]
fn versions_of_earlier_programs_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let warehouse = LocalWarehouse::new(dir.path());
    load(&warehouse, &full("a", None), &[&[1]]);
    let current = dir.path().join("signatures/current");
    fs::rename(current.join("_load.json"), current.join("load.json")).unwrap();
    assert_eq!(warehouse.snapshot("signatures").unwrap().entry.rows_in_table(), 1);
    for export in ["i", "j", "k"] {
        load(&warehouse, &incremental(export, None), &[&[2]]);
    }
    assert_eq!(ids(dir.path(), "signatures"), Some(vec![1, 2]));
    assert!(!current.join("load.json").exists());
}

/// Damaged files that are named on the command line: never a panic, always the file, and its column where
/// that can be known.
#[cfg(feature = "query")]
/// The columns that a file says it has, if its footer can be read.
fn names_of(bytes: &[u8]) -> Option<Vec<String>> {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    let read = || SerializedFileReader::new(bytes::Bytes::copy_from_slice(bytes)).ok();
    let reader = std::panic::catch_unwind(read).ok()??;
    let columns = reader.metadata().file_metadata().schema_descr().columns();
    Some(columns.iter().map(|column| column.name().to_owned()).collect())
}

#[cfg(feature = "query")]
#[test]
fn damaged_files_are_named_and_never_panic() {
    use super::segments::parquet;
    use csl_stream::warehouse::query::{FilesTable, Format, Query, run};
    use parquet::file::reader::{FileReader, SerializedFileReader};
    let ids: Vec<i64> = (0..2_000).collect();
    let sound = parquet(&ids);
    let mut random = fastrand::Rng::with_seed(super::seed::seed());
    let dir = tempfile::tempdir().unwrap();
    let (mut failed, mut columns) = (0, 0);
    for round in 0..300 {
        let mut bytes = sound.clone();
        match round % 4 {
            0 => bytes.truncate(random.usize(0..sound.len())),
            1 => bytes.fill(random.u8(..)),
            _ => {
                for _ in 0..random.usize(1..20) {
                    let at = random.usize(0..bytes.len());
                    bytes[at] ^= 1 << random.u8(0..8);
                }
            }
        }
        let path = dir.path().join("some file.parquet");
        fs::write(&path, &bytes).unwrap();
        let files = [FilesTable { name: "t".to_owned(), path: path.display().to_string() }];
        let query = Query {
            sql: "select min(id), max(note), count(*) from t",
            warehouse: None,
            files: &files,
            given: &[],
        };
        let Err(error) = run(&query, Format::Csv, &mut Vec::new()) else { continue };
        failed += 1;
        // Parquet has no checksum of its footer: a letter that flips in a column's name there is another name, and
        // the file is sound. Then it is the query that is wrong.
        if let Some(names) = names_of(&bytes).filter(|names| *names != ["id", "note"]) {
            let told = error.to_string();
            assert!(
                error.exit_code() == 2 && told.contains("no field named"),
                "round {round} {names:?}: {told}"
            );
            continue;
        }
        assert_eq!(error.exit_code(), 1, "round {round}: {error}");
        assert!(error.to_string().contains("some file.parquet"), "round {round}: {error}");
        columns += usize::from(error.to_string().contains("column"));
    }
    println!("{failed} of 300 are refused, {columns} with their column");
    assert!(failed > 100, "{failed}");
    // A page whose header is gone is one of its column.
    let reader = SerializedFileReader::new(bytes::Bytes::from(sound.clone())).unwrap();
    let start = reader.metadata().row_group(0).column(1).byte_range().0 as usize;
    let mut bytes = sound;
    bytes[start..start + 8].fill(0xff);
    let path = dir.path().join("page.parquet");
    fs::write(&path, bytes).unwrap();
    let files = [FilesTable { name: "t".to_owned(), path: format!("{}/*.parquet", dir.path().display()) }];
    fs::remove_file(dir.path().join("some file.parquet")).unwrap();
    let query = Query { sql: "select note from t order by note", warehouse: None, files: &files, given: &[] };
    let error = run(&query, Format::Csv, &mut Vec::new()).unwrap_err();
    assert_eq!(error.exit_code(), 1, "{error}");
    assert!(error.to_string().contains("page.parquet, column \"note\""), "{error}");
}
