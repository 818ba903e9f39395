//! SQL over the warehouse and over staged files.

use super::segments::{full, incremental, load, parquet, request};
use csl_stream::store::ExportKind;
use csl_stream::warehouse::query::{FilesTable, Format, Printed, Query, TABLE_ROWS_MAX, run};
use csl_stream::warehouse::{LocalWarehouse, Warehouse};
use csl_stream::{Error, Result};
use std::io::{self, Write};
use std::path::Path;
use tempfile::TempDir;

fn ask(dir: &Path, sql: &str, format: Format) -> Result<(String, Printed)> {
    let mut out = Vec::new();
    let printed = run(&Query { sql, warehouse: Some(dir), files: &[], given: &[] }, format, &mut out)?;
    Ok((String::from_utf8(out).unwrap(), printed))
}

fn csv(dir: &Path, sql: &str) -> String {
    ask(dir, sql, Format::Csv).unwrap().0
}

/// `signatures` with the ids 1 to 4 by a full and an incremental load, `petitions` with 7.
fn warehouse() -> (TempDir, LocalWarehouse) {
    // A folder's name must not be taken for a pattern.
    let dir = tempfile::Builder::new().prefix("ware [house] %41*").tempdir().unwrap();
    let warehouse = LocalWarehouse::new(dir.path());
    load(&warehouse, &full("a", None), &[&[1, 2], &[3]]);
    load(&warehouse, &incremental("i", None), &[&[4]]);
    load(&warehouse, &request("petitions", ExportKind::Full, "a", None), &[&[7]]);
    (dir, warehouse)
}

#[test]
fn answers_in_every_format_and_keeps_null_apart() {
    let (dir, _warehouse) = warehouse();
    let sql = "select id, note from signatures where id < 4 order by id";
    assert_eq!(csv(dir.path(), sql), "id,note\n1,\"\"\n2,n2\n3,\n");
    let (json, printed) = ask(dir.path(), sql, Format::Json).unwrap();
    assert_eq!(json, "{\"id\":1,\"note\":\"\"}\n{\"id\":2,\"note\":\"n2\"}\n{\"id\":3,\"note\":null}\n");
    assert_eq!(printed, Printed { rows: 3, cut: false });
    let (table, _) = ask(dir.path(), sql, Format::Table).unwrap();
    let expected = "\
+----+------+
| id | note |
+----+------+
| 1  |      |
| 2  | n2   |
| 3  | NULL |
+----+------+
";
    assert_eq!(table, expected);
}

#[test]
fn reads_what_the_warehouse_holds() {
    let (dir, warehouse) = warehouse();
    let cases = [
        ("select count(*) as n from signatures", "n\n4\n"),
        ("select s.id + p.id as n from signatures s cross join petitions p order by n limit 1", "n\n8\n"),
        ("select count(*) as n from warehouse.public.petitions", "n\n1\n"),
        ("select id from signatures where id > 99", "id\n"),
        (
            "select table_name from information_schema.tables where table_schema = 'public' order by 1",
            "table_name\npetitions\nsignatures\n",
        ),
        (
            "select timestamp '2024-03-01 12:34:56.5' as t, true as b, cast(1.50 as decimal(5,2)) as d, \
          'a,\"b\"' as q",
            "t,b,d,q\n2024-03-01 12:34:56.5,true,1.50,\"a,\"\"b\"\"\"\n",
        ),
    ];
    for (sql, expected) in cases {
        assert_eq!(csv(dir.path(), sql), expected, "{sql}");
    }
    assert!(csv(dir.path(), "describe signatures").contains("note,Utf8"));
    assert!(csv(dir.path(), "show tables").contains("petitions"));
    load(&warehouse, &full("empty", None), &[]);
    assert_eq!(csv(dir.path(), "select count(*) as n from signatures"), "n\n0\n");
}

#[test]
fn a_load_in_the_middle_is_not_seen() {
    let (dir, warehouse) = warehouse();
    struct Loading<'a>(&'a LocalWarehouse, bool, Vec<u8>);
    impl Write for Loading<'_> {
        fn write(&mut self, text: &[u8]) -> io::Result<usize> {
            if !std::mem::replace(&mut self.1, true) {
                for export in ["b", "c", "d"] {
                    load(self.0, &full(export, None), &[&[99]]);
                }
            }
            self.2.write(text)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut out = Loading(&warehouse, false, Vec::new());
    let sql = "select sum(id) as n from signatures union all select sum(id) from signatures";
    run(&Query { sql, warehouse: Some(dir.path()), files: &[], given: &[] }, Format::Csv, &mut out).unwrap();
    assert_eq!(String::from_utf8(out.2).unwrap(), "n\n10\n10\n");
    assert_eq!(csv(dir.path(), "select sum(id) as n from signatures"), "n\n99\n");
}

#[test]
fn refuses_with_advice() {
    let (dir, _warehouse) = warehouse();
    let cases = [
        ("select * from petition", "table 'petition' not found", "tables: petitions, signatures"),
        ("selekt 1", "Expected: an SQL statement, found: selekt", ""),
        ("select nope from signatures", "No field named nope", ""),
        ("drop table signatures", "DDL not supported: DropTable", "queries only read"),
        ("create table x as select 1", "DDL not supported", "queries only read"),
        ("create external table x stored as parquet location '/'", "DDL not supported", "queries only read"),
        ("delete from signatures", "DML not supported", "queries only read"),
        ("insert into signatures select * from signatures", "DML not supported", "queries only read"),
        ("copy signatures to '/tmp/x.parquet'", "DML not supported", "queries only read"),
        ("set datafusion.execution.batch_size = 1", "not supported", "queries only read"),
        ("select 1; select 2", "single", ""),
        ("select * from '/etc/passwd'", "not found", "tables: "),
        ("select 1 / (id - id) from signatures", "ivide by zero", ""),
        ("", "", ""),
    ];
    for (sql, what, help) in cases {
        let error = ask(dir.path(), sql, Format::Csv).unwrap_err();
        println!("{sql:?}: {error} / {}", error.detail().unwrap().help);
        assert!(matches!(error, Error::Usage(_)), "{sql}: {error}");
        assert!(error.to_string().to_lowercase().contains(&what.to_lowercase()), "{sql}: {error}");
        assert!(error.detail().unwrap().help.contains(help), "{sql}: {}", error.detail().unwrap().help);
    }
    let none = ask(Path::new("/not/there"), "select * from t", Format::Csv).unwrap_err();
    assert!(none.detail().unwrap().help.contains("there are no tables"), "{none}");
}

#[test]
fn one_damaged_table_does_not_hide_the_others() {
    let (dir, _warehouse) = warehouse();
    std::fs::write(dir.path().join("petitions/current/_load.json"), "{").unwrap();
    assert_eq!(csv(dir.path(), "select count(*) as n from signatures"), "n\n4\n");
    let error = ask(dir.path(), "select * from petitions", Format::Csv).unwrap_err();
    assert!(error.to_string().contains("ledger entry is damaged"), "{error}");
}

#[test]
fn reads_staged_files_under_a_name() {
    let dir = tempfile::tempdir().unwrap();
    for (name, ids) in [("part-0.parquet", &[1i64, 2][..]), ("part-1.parquet", &[3]), ("else.parquet", &[9])]
    {
        std::fs::write(dir.path().join(name), parquet(ids)).unwrap();
    }
    std::fs::write(dir.path().join("report.json"), "{}").unwrap();
    let root = dir.path().display();
    let cases = [
        (format!("t={root}"), "t", "n\n15\n"),
        (format!("T={root}/"), "T", "n\n15\n"),
        (format!("t={root}/part-*.parquet"), "t", "n\n6\n"),
        (format!("t={root}/part-1.parquet"), "t", "n\n3\n"),
        (format!("{root}/else.parquet"), "files", "n\n9\n"),
    ];
    for (text, name, expected) in cases {
        let files = [text.parse::<FilesTable>().unwrap()];
        let sql = format!("select sum(id) as n from {name}");
        let mut out = Vec::new();
        run(&Query { sql: &sql, warehouse: None, files: &files, given: &[] }, Format::Csv, &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), expected, "{text}");
    }
    for (text, what) in [("t=/not/there", "no such files"), ("t=/not/there/*.parquet", "")] {
        let files = [text.parse::<FilesTable>().unwrap()];
        let query = Query { sql: "select * from t", warehouse: None, files: &files, given: &[] };
        let error = run(&query, Format::Csv, &mut Vec::new()).unwrap_err();
        println!("{text}: {error}");
        assert!(error.to_string().contains(what), "{error}");
    }
    assert!("t=".parse::<FilesTable>().is_err());
}

#[test]
fn a_column_that_came_later_is_null_before() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().display();
    std::fs::write(dir.path().join("0.parquet"), parquet(&[2, 5])).unwrap();
    for order in ["1", "-"] {
        // The wider file is listed last, then first.
        let wider = dir.path().join(format!("{order}-wide.parquet"));
        let sql = format!("copy (select 8 as id, 'n8' as note, 1 as extra) to '{}'", wider.display());
        write_parquet(&sql);
        let files = [format!("t={root}").parse::<FilesTable>().unwrap()];
        let mut out = Vec::new();
        let query =
            Query { sql: "select id, extra from t order by id", warehouse: None, files: &files, given: &[] };
        run(&query, Format::Csv, &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "id,extra\n2,\n5,\n8,1\n");
        std::fs::remove_file(wider).unwrap();
    }
}

/// With DataFusion itself, which may write where ours may not.
fn write_parquet(sql: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        datafusion::prelude::SessionContext::new().sql(sql).await.unwrap().collect().await.unwrap();
    });
}

#[test]
fn cuts_a_long_table_and_says_so() {
    let (dir, _warehouse) = warehouse();
    let long = format!("select * from generate_series(1, {})", TABLE_ROWS_MAX + 1);
    let (table, printed) = ask(dir.path(), &long, Format::Table).unwrap();
    assert_eq!(printed, Printed { rows: TABLE_ROWS_MAX as u64, cut: true });
    assert_eq!(table.lines().count(), TABLE_ROWS_MAX + 4);
    let fits = format!("select * from generate_series(1, {TABLE_ROWS_MAX})");
    assert!(!ask(dir.path(), &fits, Format::Table).unwrap().1.cut);
    assert_eq!(csv(dir.path(), &long).lines().count(), TABLE_ROWS_MAX + 2, "csv is not cut");
}

#[test]
fn a_reader_that_leaves_is_no_fault() {
    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (dir, warehouse) = warehouse();
    assert_eq!(warehouse.dir(), dir.path());
    let _: &dyn Warehouse = &warehouse;
    for format in [Format::Table, Format::Csv, Format::Json] {
        let query =
            Query { sql: "select * from signatures", warehouse: Some(dir.path()), files: &[], given: &[] };
        run(&query, format, &mut Closed).unwrap();
    }
}
