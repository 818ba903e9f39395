//! Every kind of bad input: which rule, where exactly, and that nothing is lost.

use crate::support::{Given, Run, table};
use bytes::Bytes;
use csl_stream::Result;
use csl_stream::report::FaultReport;
use csl_stream::schema::Table;
use csl_stream::store::{SegmentSink, SegmentWriter, StoredObject};
use parquet::record::Field;

const HEADER: &str = "id,n,b,t,s\n";

fn five_columns() -> Table {
    table(&[
        ("id", "integer", false),
        ("n", "numeric(5,2)", true),
        ("b", "boolean", true),
        ("t", "timestamp without time zone", true),
        ("s", "character varying(5)", true),
    ])
}

fn run(csv: &[u8], max_rejects: u64) -> Run {
    let mut given = Given::new(csv, five_columns());
    given.options.max_rejects = max_rejects;
    given.run()
}

/// `record:line:byte:column:rule`.
fn shown(fault: &FaultReport) -> String {
    let column = fault.column.as_deref().unwrap_or("-");
    format!("{}:{}:{}:{column}:{}", fault.record, fault.line, fault.byte, fault.rule)
}

#[test]
fn every_fault_of_a_record_is_named_with_its_place() {
    // The header is 11 bytes and one line.
    let cases: &[(&[u8], &[&str])] = &[
        (b"x,,,,\n", &["1:2:11:id:integer"]),
        (b",,,,\n", &["1:2:11:id:not_null"]),
        (b"1,,,,\n2147483648,,,,\n", &["2:3:17:id:range"]),
        (b"1,1000,,,\n", &["1:2:13:n:range"]),
        (b"1,1.234,,,\n", &["1:2:13:n:scale"]),
        (b"1,NaN,,,\n", &["1:2:13:n:nan"]),
        (b"1,,maybe,,\n", &["1:2:14:b:boolean"]),
        (b"1,,,infinity,\n", &["1:2:15:t:infinity"]),
        (b"1,,,2023-02-29 00:00:00,\n", &["1:2:15:t:timestamp"]),
        (b"1,,,\"\",\n", &["1:2:15:t:timestamp"]),
        (
            b"x,y,z,soon,\n",
            &["1:2:11:id:integer", "1:2:13:n:decimal", "1:2:15:b:boolean", "1:2:17:t:timestamp"],
        ),
        (b"1,,,\n", &["1:2:11:-:fields"]),
        (b"1,,,,,\n", &["1:2:11:-:fields"]),
        (b"\n", &["1:2:11:-:fields"]),
        (b"1,,,,a\xff\n", &["1:2:16:s:utf8"]),
        (b"1,,,,a\0b\n", &["1:2:16:s:nul"]),
        (b"1,,,,a\"b\"\n", &["1:2:16:s:quote"]),
        (b"1,,,,\"a\"b\n", &["1:2:16:s:quote"]),
        (b"1,,,,a\rb\n", &["1:2:16:s:carriage_return"]),
        (b"1,,,,a\r\n", &["1:2:16:s:carriage_return"]),
        (b"1,,,,\r\n2,,,,\n", &["1:2:16:s:carriage_return"]),
        (b"1,,,,\"a\"\r\n", &["1:2:16:s:carriage_return"]),
        (b"1,,,,\"a\n\nb\"\nx,,,,\"\n\"\ny,,,,\n", &["2:5:23:id:integer", "3:7:32:id:integer"]),
    ];
    for (records, want) in cases {
        let shown_input = String::from_utf8_lossy(records).into_owned();
        let run = run(&[HEADER.as_bytes(), records].concat(), 9);
        let report = run.report();
        let got: Vec<_> = report.rejects.first.iter().map(shown).collect();
        assert_eq!(got, *want, "{shown_input:?}");
        assert_eq!(report.rows.read, report.rows.accepted + report.rows.rejected, "{shown_input:?}");
    }
}

#[test]
fn lines_that_end_otherwise_than_the_header_are_named() {
    // The header is 12 bytes.
    let cases: &[(&[u8], &[&str])] = &[
        (b"1,,,,a\r\n2,,,,b\n", &["2:3:20:-:newline"]),
        (b"1,,,,a\n2,,,,b\r\n", &["1:2:12:-:newline"]),
        (b"1,,,,a\r\r\n", &["1:2:17:s:carriage_return"]),
        (b"1\r,,,,a\r\n", &["1:2:12:id:carriage_return"]),
        (b"1,,,,\"\r\"\r\n", &[]),
    ];
    for (records, want) in cases {
        let shown_input = String::from_utf8_lossy(records).into_owned();
        let run = run(&[&HEADER.as_bytes()[..10], b"\r\n", records].concat(), 9);
        let got: Vec<_> = run.report().rejects.first.iter().map(shown).collect();
        assert_eq!(got, *want, "{shown_input:?}");
    }
}

#[test]
fn a_reject_too_many_stops_the_run_and_says_which() {
    let error = format!("{}", run(b"id,n,b,t,s\n1,,,,\n2,,x,,\n", 0).error());
    for part in [
        "stopped at the first rejected record (--max-rejects 0)",
        "it breaks the rule boolean with 1 byte (at",
        "memory.csv, record 2, line 3, byte 20",
        "column \"b\"",
    ] {
        assert!(error.contains(part), "{part:?} is missing in {error:?}");
    }
    // A message holds no value, and a report none; who sits at the terminal of the run may see it.
    let run = run(b"id,n,b,t,s\n1,,,,\n2,,x-ann,,\n", 0);
    let Err((report, _)) = &run.outcome else { panic!("it is rejected") };
    let first = &report.rejects.first[0];
    assert_eq!((first.shown.as_deref(), &first.value, first.value_bytes), (Some("x-ann"), &None, 5));
    let said = format!("{} {:?} {}", run.error(), run.error(), serde_json::to_string(report).unwrap());
    assert!(!said.contains("x-ann"), "{said}");
    assert_eq!(run.error().exit_code(), 5);
    assert!(run.files.is_empty(), "a failed run leaves no file");
}

#[test]
fn rejects_are_kept_whole_with_their_reasons() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rejects.csv");
    let csv = "id,n,b,t,s\n1,,,,a\nx,,?,,\"two\nlines\"\n3,,,,c\n4,,,,\"end\"oops\n";
    let mut given = Given::new(csv, five_columns());
    given.options.max_rejects = 2;
    given.rejects = Some(path.clone());
    let run = given.run();
    let ids: Vec<_> = run.rows().into_iter().map(|row| row[0].clone()).collect();
    assert_eq!(ids, [Field::Int(1), Field::Int(3)]);
    let kept = std::fs::read_to_string(&path).unwrap();
    assert_eq!(kept, "id,n,b,t,s\nx,,?,,\"two\nlines\"\n4,,,,\"end\"oops\n");
    let reasons = std::fs::read_to_string(path.with_extension("jsonl")).unwrap();
    let reasons: Vec<FaultReport> = reasons.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        reasons.iter().map(shown).collect::<Vec<_>>(),
        ["2:3:18:id:integer", "2:3:21:b:boolean", "4:6:48:s:quote"]
    );
    assert_eq!(run.report().rejects.uri.as_deref(), path.to_str());
}

#[test]
fn only_the_allowed_number_stops_a_flood_of_rejects() {
    const FLOOD: usize = 300_000;
    let flood = [HEADER.as_bytes(), &vec![b'\n'; FLOOD]].concat();
    for max_rejects in [0, 1, 60_000, FLOOD as u64 - 1] {
        let run = run(&flood, max_rejects);
        let Err((report, error)) = &run.outcome else { panic!("the flood was let through") };
        assert_eq!((error.exit_code(), report.rows.rejected), (5, max_rejects + 1));
        let said = match max_rejects {
            0 => "stopped at the first rejected record".to_owned(),
            1 => "2 records rejected so far, 1 allowed".to_owned(),
            60_000 => "60,001 records rejected so far, 60,000 allowed".to_owned(),
            _ => "300,000 records rejected so far, 299,999 allowed".to_owned(),
        };
        assert!(error.to_string().contains(&said), "{error}");
    }
    for max_rejects in [FLOOD as u64, u64::MAX] {
        let run = run(&flood, max_rejects);
        let rows = run.report().rows;
        assert_eq!((rows.read, rows.rejected, rows.accepted), (FLOOD as u64, FLOOD as u64, 0));
    }
}

#[test]
fn rejects_never_overwrite_the_reasons_or_the_export() {
    let dir = tempfile::tempdir().unwrap();
    let export = dir.path().join("export.csv");
    std::fs::write(&export, "id,n,b,t,s\n").unwrap();
    let mut given = Given::new("id,n,b,t,s\nx,,,,a\n", five_columns());
    given.uri = export.display().to_string();
    for (path, said) in
        [(dir.path().join("r.jsonl"), "must not end in .jsonl"), (export, "would replace the export")]
    {
        given.rejects = Some(path);
        let run = given.run();
        assert_eq!(run.error().exit_code(), 2);
        assert!(run.error().to_string().contains(said), "{}", run.error());
    }
    given.rejects = Some(dir.path().join("absent/r.csv"));
    let error = given.run().error().to_string();
    assert!(error.contains("rule integer") && error.contains("cannot write the rejects"), "{error}");
}

#[test]
fn a_run_without_rejects_writes_no_file_for_them() {
    let dir = tempfile::tempdir().unwrap();
    let mut given = Given::new("id,n,b,t,s\n1,,,,a\n", five_columns());
    given.rejects = Some(dir.path().join("rejects.csv"));
    assert_eq!(given.run().report().rejects.uri, None);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn what_cannot_be_cut_or_bound_fails_at_its_place() {
    let long = [b"id,n,b,t,s\n1,,,,\"".as_slice(), &[b'x'; 100 << 20], b"\"\n"].concat();
    let wide: String = (0..10_000).map(|i| format!("c{i},")).collect::<String>() + "id\n";
    let cases: &[(&[u8], u8, &[&str])] = &[
        (b"", 1, &["empty", "header"]),
        (b"id,n,b,t,s\n1,,,,a\n2,,,,\"open\n3,,,,\n", 1, &["inside a quoted field", "byte 18", "cut off"]),
        (b"id,n,b,t,s\n1,,,,\"cut", 1, &["inside a quoted field", "byte 11"]),
        (&long, 1, &["longer than 16 MiB", "byte 11", "never closed"]),
        (b"id,n,b,t\n", 4, &["s", "line 1", "--missing-columns"]),
        (b"id,n,b,t,s,zz\n", 4, &["zz", "line 1", "--unknown-columns"]),
        (b"id,n,b,t,s,id\n", 4, &["id", "line 1"]),
        (b"id,n,b,t,s,\n", 4, &["line 1", "field 6"]),
        (b"id,n,b,t,\xff\n", 4, &["line 1", "byte 9"]),
        (wide.as_bytes(), 4, &["line 1"]),
    ];
    for (csv, code, parts) in cases {
        let run = run(csv, 0);
        let error = run.error();
        let text = format!("{error}; {}", error.detail().map_or("", |detail| &detail.help));
        let shown = String::from_utf8_lossy(&csv[..csv.len().min(60)]).into_owned();
        assert_eq!(error.exit_code(), *code, "{shown:?}: {text}");
        assert!(text.len() < 2_000, "{shown:?}: a message of {} bytes", text.len());
        for part in *parts {
            assert!(text.contains(part), "{shown:?}: {part:?} is missing in {text:?}");
        }
        assert!(run.files.is_empty(), "{shown:?}");
    }
}

mod compressed {
    use super::*;
    use crate::support::packed::{PACKERS, bzip2};

    const CSV: &str = "id,n,b,t,s\n1,,,,a\n2,,,,b\n";

    #[test]
    fn every_compression_is_found_and_undone_streams_in_a_row_too() {
        for (name, pack) in PACKERS {
            let (head, tail) = CSV.split_at(14);
            for packed in
                [pack(CSV.as_bytes()), [pack(head.as_bytes()), pack(b""), pack(tail.as_bytes())].concat()]
            {
                let run = run(&packed, 0);
                assert_eq!((run.report().rows.read, run.report().source.compression.as_str()), (2, name));
            }
        }
    }

    #[test]
    fn a_cut_anywhere_is_an_error() {
        for (name, pack) in PACKERS {
            let packed = pack(CSV.as_bytes());
            for len in 4..packed.len() {
                let run = run(&packed[..len], 0);
                assert_eq!(run.error().exit_code(), 1, "{name} cut to {len} of {}", packed.len());
                assert!(run.files.is_empty(), "{name} cut to {len}");
            }
            let two = [packed.clone(), packed.clone()].concat();
            for len in packed.len() + 1..two.len() {
                assert_eq!(run(&two[..len], 0).error().exit_code(), 1, "{name}, second stream cut to {len}");
            }
        }
    }

    #[test]
    fn a_bomb_is_stopped_by_the_longest_record() {
        let bomb = bzip2(&vec![b'x'; 200 << 20]);
        assert!(bomb.len() < 2_100, "{} bytes", bomb.len());
        let mut packed = bzip2(b"id,n,b,t,s\n1,,,,");
        packed.extend(bomb);
        let run = run(&packed, 0);
        assert_eq!(run.error().exit_code(), 1);
        assert!(run.error().to_string().contains("longer than 16 MiB"), "{}", run.error());
    }
}

/// A sink that breaks down.
struct Broken;

impl SegmentSink for Broken {
    fn create(&self, _: &str) -> Result<Box<dyn SegmentWriter>> {
        Ok(Box::new(Self))
    }

    fn read_tail(&self, _: &StoredObject, _: u64) -> Result<Vec<u8>> {
        unreachable!("nothing was finished")
    }

    fn remove(&self, _: &StoredObject) -> Result<()> {
        unreachable!("nothing was finished")
    }
}

impl SegmentWriter for Broken {
    fn append(&mut self, _: Bytes) -> Result<()> {
        panic!("this panic is wanted")
    }

    fn finish(self: Box<Self>) -> Result<StoredObject> {
        unreachable!("nothing was appended")
    }
}

#[test]
fn a_sink_that_breaks_down_is_an_error() {
    for threads in [1, 2, 3] {
        let mut given = Given::new([HEADER, &"1,,,,x\n".repeat(100_000)].concat(), five_columns());
        given.options.threads = threads;
        given.options.row_group_bytes = 10_000;
        let Err((_, error)) = given.run_into(&Broken) else { panic!("{threads} threads: it succeeded") };
        assert_eq!(error.exit_code(), 1, "{threads} threads: {error}");
    }
}
