//! What a conversion refuses, a query refuses with the same words, places and exit codes.

use super::given::{Given, said, table};
use csl_stream::schema::Table;
use std::io::Write;

const ALL: &str = "select * from t";
const COUNT: &str = "select count(*) as n from t";

fn people() -> Table {
    table(&[("id", "bigint", false), ("name", "text", true), ("at", "timestamp", true)])
}

fn csv(rows: usize) -> String {
    let row = |id| format!("{id},\"name, of {id}\",2024-01-01 10:00:00\n");
    std::iter::once("id,name,at\n".to_owned()).chain((0..rows).map(row)).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Converts and asks; both must fail, alike.
fn fails_alike(what: &str, given: &Given, statements: &[&str]) {
    let converted = given.converted().map(drop).unwrap_err().1;
    println!("{what}: {converted}");
    for sql in statements {
        let asked = given.ask(sql).map(drop).unwrap_err();
        assert_eq!(said(&asked), said(&converted), "{what}: {sql}");
    }
}

#[test]
fn files_that_are_broken_anywhere() {
    let sound = csv(60_000);
    let (gz, bz2, zst) =
        (gzip(sound.as_bytes()), bzip2(sound.as_bytes()), zstd::encode_all(sound.as_bytes(), 1).unwrap());
    let flipped = |bytes: &[u8], at: usize| {
        let mut bytes = bytes.to_vec();
        bytes[at] ^= 0x10;
        bytes
    };
    let middle = sound.len() / 2;
    let in_quotes = middle + sound[middle..].find("name,").unwrap();
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("an empty file", Vec::new()),
        ("a header that is cut", b"id,na".to_vec()),
        ("another header", b"id,naem,at\n1,a,\n".to_vec()),
        ("a column twice", b"id,name,name\n1,a,b\n".to_vec()),
        ("no CSV", b"PK\x03\x04 and more\n".to_vec()),
        ("cut in a record", sound.as_bytes()[..sound.len() - 5].to_vec()),
        ("cut in quotes", sound.as_bytes()[..in_quotes].to_vec()),
        ("an open quote", format!("{}9,\"open\n", csv(10)).into_bytes()),
        ("gzip, cut", gz[..gz.len() / 2].to_vec()),
        ("gzip, damaged", flipped(&gz, gz.len() - 300)),
        ("gzip, its sum", flipped(&gz, gz.len() - 6)),
        ("bzip2, cut", bz2[..bz2.len() - 3].to_vec()),
        ("bzip2, damaged", flipped(&bz2, bz2.len() / 2)),
        ("zstd, cut", zst[..zst.len() / 2].to_vec()),
        ("zstd and something else", [zst.as_slice(), b"more"].concat()),
        ("compressed twice", gzip(&gz)),
    ];
    for (what, bytes) in cases {
        fails_alike(what, &Given::new(bytes, people()), &[ALL, COUNT, "select name from t where id = 3"]);
    }
}

#[test]
fn records_that_are_broken_late_in_the_file() {
    let rows: Vec<String> = csv(90_000).split_inclusive('\n').map(str::to_owned).collect();
    // The row that is changed, to what, and which statements see it.
    let cases: &[(&str, usize, &str, &[&str])] = &[
        ("a field more", 71_234, "1,2,,\n", &[ALL, COUNT, "select id from t"]),
        ("a field less", 9, "1,2\n", &[ALL, COUNT]),
        ("a lone quote", 50_001, "1,a\"b,\n", &[ALL, COUNT, "select id from t"]),
        ("a carriage return", 89_999, "1,a\rb,\n", &[ALL, COUNT]),
        ("no number", 88_000, "x,a,\n", &[ALL, "select id from t", "select name from t where id > 0"]),
        ("NULL where none may be", 3, ",a,\n", &[ALL, "select max(id) from t"]),
        ("no time", 60_000, "1,\"two\nlines\",soon\n", &[ALL, "select count(at) as n from t"]),
    ];
    for (what, at, record, statements) in cases {
        let mut rows = rows.clone();
        rows[*at] = (*record).to_owned();
        let given = Given::new(rows.concat(), people());
        fails_alike(what, &given, statements);
        // Whoever allows it has the rows that a conversion keeps.
        let mut given = given;
        given.options.max_rejects = 1;
        if given.converted().is_err() {
            fails_alike(what, &given, &[ALL, COUNT]);
            continue;
        }
        for sql in [COUNT, "select count(name) as n, sum(id) as s from t"] {
            assert_eq!(given.ask(sql).unwrap(), given.ask_converted(sql).unwrap(), "{what}: {sql}");
        }
        let opened = given.open().unwrap();
        assert_eq!(opened.left_out(), None);
        super::given::ask(&opened, COUNT).unwrap();
        let told = opened.left_out().unwrap();
        assert!(told.starts_with("1 record is left out"), "{told}");
        assert!(told.contains(&format!("(at given.csv, record {at}, line ")), "{told}");
    }
}

#[test]
fn a_fault_in_a_column_that_is_not_asked_for_changes_no_answer() {
    let mut rows: Vec<String> = csv(10).split_inclusive('\n').map(str::to_owned).collect();
    rows[4] = "3,c,soon\n".to_owned();
    let given = Given::new(rows.concat(), people());
    assert_eq!(given.ask(COUNT).unwrap(), "n\n10\n");
    assert_eq!(given.ask("select name from t where id = 3").unwrap(), "name\nc\n");
    given.ask("select at from t where id = 5").unwrap_err();
}

#[test]
fn rows_beside_a_reject_are_no_answer() {
    let given = Given::new("id,name,at\n1,a,\nx,b,\n3,c,\n", people());
    let error = given.ask("select id from t limit 2").unwrap_err();
    assert_eq!(error.exit_code(), 5, "{error}");
}

#[test]
fn a_file_that_changes_while_it_is_read() {
    let mut given = Given::new(csv(90_000), people());
    given.read_bytes = 65_536;
    given.fails_at = Some(2_000_000);
    fails_alike("a changed object", &given, &[ALL, COUNT]);
}

#[test]
fn an_export_that_is_another_one_the_second_time() {
    let sound = Given::new(csv(10), people());
    let both = "select a.id from t a join t b on a.id = b.id where a.id = 3";
    assert_eq!(sound.ask(both).unwrap(), "id\n3\n");
    let opened = std::sync::atomic::AtomicUsize::new(0);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    let opening = {
        let path = path.clone();
        std::sync::Arc::new(move || {
            let times = opened.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            std::fs::write(path.with_extension("new"), csv(10 + times)).unwrap();
            std::fs::rename(path.with_extension("new"), &path).unwrap();
            csl_stream::store::open(&csl_stream::store::Location::Local(path.clone()))
        })
    };
    let table = csl_stream::pipeline::rows::ExportTable::open(opening, &sound.table, &sound.options).unwrap();
    let error = super::given::ask(&table, both).unwrap_err();
    assert!(error.to_string().contains("has changed since the query began"), "{error}");
    assert_eq!(error.exit_code(), 1);
}
