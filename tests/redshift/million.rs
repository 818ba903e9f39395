//! The whole job: a large export from S3 (.bz2) into the stand-in, cell by cell PostgreSQL's own table.
//!
//! ```text
//! maker ──▶ PostgreSQL's table "original" ──▶ its own COPY … TO CSV ──▶ bzip2 ──▶ S3
//!                  └── column by column: what differs? ──┬── table "signatures" ◀── backfill
//! ```
//!
//! A few rows in CI; `scripts/redshift-million` asks for a million, and prints what the parts cost.

use crate::signatures::{SCHEMA, Signatures};
use crate::world::World;
use csl_stream::schema::BulkSchema;
use std::io::Write;
use std::time::{Duration, Instant};

const ROWS: u64 = 50_000;
const ROWS_VARIABLE: &str = "CSL_TEST_ROWS";
const EXPORT: &str = "exports/org/full/signatures/20260301/signatures_20260301031500.csv.bz2";
/// What may come to the conversion and the COPY, of a million rows.
const SURPLUS_MAX: f64 = 0.10;

/// Fills the table `original`, in the source's own types, and puts PostgreSQL's export of it into S3; gives
/// the columns.
fn make(world: &World, rows: u64) -> Vec<String> {
    let schema = BulkSchema::parse(SCHEMA.as_bytes(), "schema.json").unwrap();
    let table = schema.table("signatures").unwrap();
    let typed = |(name, column): (&String, &csl_stream::schema::Column)| {
        // hstore is an extension's; what it prints is what it read.
        let sql_type = if column.sql_type == "hstore" { "text" } else { &column.sql_type };
        format!("\"{name}\" {sql_type}")
    };
    let columns: Vec<String> = table.columns.iter().map(typed).collect();
    let file = |name: &str| world.dir.path().join(name);
    std::fs::write(file("schema.json"), SCHEMA).unwrap();
    let mut data = Signatures::new(1);
    let mut csv = Signatures::header().into_bytes();
    for _ in 0..rows {
        data.row(&mut csv);
    }
    std::fs::write(file("made.csv"), csv).unwrap();
    world.sql(&format!(
        "CREATE TABLE original ({});\n\\copy original ({}) FROM '{}' (FORMAT csv, HEADER)\n\
         \\copy original TO '{}' (FORMAT csv, HEADER)\n",
        columns.join(", "),
        Signatures::header().trim_end(),
        file("made.csv").display(),
        file("export.csv").display()
    ));
    let mut packed = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
    packed.write_all(&std::fs::read(file("export.csv")).unwrap()).unwrap();
    world.s3.put(EXPORT, packed.finish().unwrap());
    table.columns.keys().cloned().collect()
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let started = Instant::now();
    (work(), started.elapsed())
}

#[test]
fn a_large_export_is_cell_by_cell_the_original_table() {
    let asked = std::env::var(ROWS_VARIABLE).ok().map(|text| text.parse::<u64>().unwrap());
    let rows = asked.unwrap_or(ROWS);
    let world = World::with("");
    let names = make(&world, rows);
    let uri = format!("s3://{EXPORT}");
    let convert = |out: &str| {
        let words = ["convert", "--table", "signatures", "--out", out, &uri, "--quiet"];
        let (converted, time) = timed(|| world.run(&words));
        assert_eq!(converted.code, Some(0), "{converted:#?}");
        time
    };
    // Before and after: a machine that others share changes its pace meanwhile.
    let before = convert("s3://stage/before");
    let backfill = ["backfill", "--table", "signatures", "--create-table", "--json"];
    let (loaded, total) = timed(|| world.run(&backfill));
    let convert_time = (before + convert("s3://stage/after")) / 2;
    assert_eq!(loaded.code, Some(0), "{loaded:#?}");
    let report = loaded.json();
    assert_eq!(
        (report["rows"]["loaded"].as_u64(), report["rows"]["rejected"].as_u64()),
        (Some(rows), Some(0))
    );

    let counts = "SELECT (SELECT count(*) FROM signatures), (SELECT count(*) FROM original), \
        (SELECT count(DISTINCT id) FROM original)";
    assert_eq!(world.sql(counts), format!("{rows}|{rows}|{rows}"));
    // Each row has its partner, so each cell is compared with its own.
    let differing: Vec<String> = (names.iter())
        .map(|name| format!("count(*) FILTER (WHERE s.\"{name}\"::text IS DISTINCT FROM o.\"{name}\"::text)"))
        .collect();
    let sql =
        format!("SELECT {} FROM signatures s FULL JOIN original o ON s.id = o.id", differing.join(", "));
    assert_eq!(world.sql(&sql), vec!["0"; names.len()].join("|"), "cells that differ, by column: {names:?}");

    let (copy_time, parts) = (world.redshift.copy_time(), &report["seconds"]);
    let surplus = total.as_secs_f64() / (convert_time + copy_time).as_secs_f64() - 1.0;
    println!(
        "{rows} rows: backfill {total:.2?} = convert {convert_time:.2?} + COPY {copy_time:.2?} {:+.1} % \
         (the report: convert {} s, load {} s); {} cells equal",
        100.0 * surplus,
        parts["convert"],
        parts["load"],
        rows * names.len() as u64
    );
    // A few rows spend their time on questions; and a busy machine measures nothing.
    if asked.is_some() {
        assert!(surplus <= SURPLUS_MAX, "{surplus}");
    }
}
