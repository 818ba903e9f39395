//! How much of an export a query reads, and what its workers do when nobody wants more.

use super::given::{Given, ask, table};
use std::sync::atomic::Ordering;

fn big() -> Given {
    let row = |id| format!("{id},{}\n", "x".repeat(200));
    let csv: String = std::iter::once("id,name\n".to_owned()).chain((0..200_000).map(row)).collect();
    Given::new(csv, table(&[("id", "bigint", false), ("name", "text", true)]))
}

#[test]
fn a_limit_ends_the_reading_early() {
    let mut given = big();
    given.read_bytes = 1 << 20;
    let bytes = given.bytes.len() as u64;
    assert_eq!(given.ask("select id from t limit 5").unwrap().lines().count(), 6);
    let read = given.read.load(Ordering::Relaxed);
    assert!(read < 4 << 20, "{read} of {bytes} bytes were read for five rows");
    // A filter is DataFusion's: the rows that it has enough of end the reading all the same.
    given.read.store(0, Ordering::Relaxed);
    assert_eq!(given.ask("select id from t where id % 2 = 0 limit 5").unwrap().lines().count(), 6);
    let read = given.read.load(Ordering::Relaxed);
    assert!(read < bytes / 2, "{read} of {bytes} bytes were read for five rows of a filter");
}

#[test]
fn a_query_that_fails_stops_its_workers() {
    let mut given = big();
    given.read_bytes = 1 << 20;
    let error = given.ask("select 1 / (id - 3) as n from t").unwrap_err();
    assert!(error.to_string().contains("ivide by zero"), "{error}");
    let read = given.read.load(Ordering::Relaxed);
    assert!(read < given.bytes.len() as u64 / 2, "{read} bytes were read after the first");
}

#[test]
fn one_export_is_read_as_often_as_it_is_named() {
    let given = big();
    let opened = given.open().unwrap();
    let sql = "select (select count(*) from t) as a, (select max(id) from t) as b, (select count(*) from t where id < 9) as c";
    for _ in 0..2 {
        assert_eq!(ask(&opened, sql).unwrap(), "a,b,c\n200000,199999,9\n");
    }
    let recursive = "with recursive r as (select 1 as n union all select n + 1 from r, (select min(id) as m from t) where n < 4) select count(*) as n from r";
    assert_eq!(ask(&opened, recursive).unwrap(), "n\n4\n");
}
