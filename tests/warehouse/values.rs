//! What a query prints is what PostgreSQL would print, or an error: every value that a table may hold, and no
//! value that its file does not hold.

use super::types::load;
use csl_stream::store::ExportKind;
use csl_stream::warehouse::LocalWarehouse;
use csl_stream::warehouse::query::{Format, Query, run};
use std::path::Path;

fn ask(dir: &Path, sql: &str, format: Format) -> csl_stream::Result<String> {
    let mut out = Vec::new();
    run(&Query { sql, warehouse: Some(dir), files: &[], given: &[] }, format, &mut out)?;
    Ok(String::from_utf8(out).unwrap())
}

/// A type, and texts of it as PostgreSQL writes them.
const VALUES: &[(&str, &[&str])] = &[
    (
        "timestamp without time zone",
        &[
            "2026-03-01 03:15:00",
            "2026-03-01 03:15:00.5",
            "1969-12-31 23:59:59.999999",
            "0044-03-15 12:00:00 BC",
            "4713-11-24 00:00:00 BC",
            "0001-01-01 00:00:00",
            "9999-12-31 23:59:59",
            "10000-01-01 00:00:00",
            "262142-12-31 23:59:59",
            "262143-06-01 00:00:00",
            "294247-01-10 04:00:54.775807",
        ],
    ),
    (
        "timestamp with time zone",
        &["2026-03-01 03:15:00+00", "262143-06-01 00:00:00.25+00", "0044-03-15 12:00:00+00 BC"],
    ),
    ("date", &["2026-03-01", "0044-03-15 BC", "262143-06-01", "294276-12-31", "4713-11-24 BC"]),
    (
        "numeric(38,0)",
        &["99999999999999999999999999999999999999", "-99999999999999999999999999999999999999", "0"],
    ),
    (
        "numeric(38,38)",
        &["0.99999999999999999999999999999999999999", "0.00000000000000000000000000000000000001"],
    ),
    ("numeric(38,10)", &["9999999999999999999999999999.9999999999", "-0.0000000001", "12.5000000000"]),
    ("bigint", &["9223372036854775807", "-9223372036854775808"]),
    // As float8out and float4out write them: the shortest digits, an exponent of two digits from 1e+15 and 1e+06 on.
    (
        "double precision",
        &[
            "0",
            "-0",
            "0.1",
            "1",
            "0.0001",
            "1e-05",
            "123456789012345.6",
            "999999999999999",
            "1e+15",
            "-2.5e+300",
            "5e-324",
            "1.7976931348623157e+308",
        ],
    ),
    (
        "real",
        &["0", "-0", "0.1", "999999", "1e+06", "1.234567e+06", "0.0001", "1e-05", "1e-45", "3.4028235e+38"],
    ),
];

#[test]
fn every_value_is_printed_as_postgresql_prints_it() {
    for (sql_type, texts) in VALUES {
        let dir = tempfile::tempdir().unwrap();
        let rows = texts.iter().enumerate().map(|(id, text)| format!("{id},{text}\n")).collect::<String>();
        load(dir.path(), ExportKind::Full, "20260301031500", sql_type, &rows).unwrap();
        let csv = ask(dir.path(), "select v from t order by id", Format::Csv).unwrap();
        assert_eq!(csv.lines().skip(1).collect::<Vec<_>>(), *texts, "{sql_type}");
        let table = ask(dir.path(), "select v from t order by id", Format::Table).unwrap();
        let json = ask(dir.path(), "select v from t order by id", Format::Json).unwrap();
        for text in *texts {
            assert!(table.contains(&format!("| {text} ")), "{sql_type} {text}: {table}");
        }
        assert_eq!(json.lines().count(), texts.len());
        if sql_type.starts_with("timestamp") {
            let first = texts[0].replace(' ', "T").replace("+00", "+00:00");
            assert!(json.starts_with(&format!("{{\"v\":\"{first}\"}}")), "{json}");
            assert!(json.contains("262143-06-01T00:00:00") && !json.contains("ERROR"), "{json}");
        }
    }
}

#[test]
fn times_inside_of_others_are_printed_or_refused() {
    let dir = tempfile::tempdir().unwrap();
    let rows = "1,262143-06-01 00:00:00\n2,\n";
    load(dir.path(), ExportKind::Full, "20260301031500", "timestamp without time zone", rows).unwrap();
    for (sql, answer) in [
        ("select v from t where v is null", Some("")),
        ("select max(v) from t", Some("262143-06-01 00:00:00")),
        ("select make_array(v) as a from t where id = 1", Some("[262143-06-01 00:00:00]")),
        ("select named_struct('a', v) as a from t where id = 1", Some("{a: 262143-06-01 00:00:00}")),
        ("select cast(v as varchar) as a from t where id = 1", None),
        ("select map(['a'], [v]) as a from t where id = 1", None),
        ("select to_char(v, '%Y') as a from t where id = 1", None),
    ] {
        for format in [Format::Csv, Format::Json, Format::Table] {
            match (ask(dir.path(), sql, format), answer) {
                (Ok(told), Some(answer)) if format == Format::Csv => {
                    assert_eq!(told.lines().nth(1), Some(answer), "{sql}");
                }
                (Ok(told), Some(_)) => assert!(!told.contains("ERROR"), "{sql} {format:?}: {told}"),
                (Ok(told), None) => {
                    assert!(told.contains("262143"), "{sql} {format:?}: a wrong cell: {told}");
                }
                (Err(error), None) => assert!(error.exit_code() <= 2, "{sql}: {error}"),
                (Err(error), Some(_)) => panic!("{sql} {format:?}: {error}"),
            }
        }
    }
}

/// Single bits of the pages; the footer is compared with the ledger entry.
#[test]
fn a_bit_that_flips_is_an_error_that_names_the_file() {
    let seed = super::seed::seed();
    let mut random = fastrand::Rng::with_seed(seed);
    let dir = tempfile::tempdir().unwrap();
    let rows = (0..500).map(|id| format!("{id},value {} of many\n", id % 90)).collect::<String>();
    load(dir.path(), ExportKind::Full, "20260301031500", "character varying(40)", &rows).unwrap();
    let all = |dir: &Path| ask(dir, "select id, v from t order by id", Format::Csv);
    let sound = all(dir.path()).unwrap();
    let file = LocalWarehouse::new(dir.path()).snapshot("t").unwrap().files[0].clone();
    let name = file.file_name().unwrap().to_str().unwrap().to_owned();
    let bytes = std::fs::read(&file).unwrap();
    let footer = u32::from_le_bytes(bytes[bytes.len() - 8..bytes.len() - 4].try_into().unwrap()) as usize;
    let pages = bytes.len() - 8 - footer;
    let (mut told, flips) = (0, 400);
    for _ in 0..flips {
        let (at, bit) = (random.usize(4..pages), random.u32(0..8));
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << bit;
        std::fs::write(&file, damaged).unwrap();
        match all(dir.path()) {
            // Of a page's header not every bit matters.
            Ok(answer) => assert_eq!(answer, sound, "seed {seed}: byte {at}, bit {bit}"),
            Err(error) => {
                assert_eq!(error.exit_code(), 1, "seed {seed}: byte {at}, bit {bit}: {error}");
                assert!(error.to_string().contains(&name), "seed {seed}: byte {at}, bit {bit}: {error}");
                told += 1;
            }
        }
    }
    assert!(told > flips * 8 / 10, "{told} of {flips} were told");
}
