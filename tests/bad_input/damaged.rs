//! Exports whose bytes are wrong.

use crate::bench::{Bench, Expected};
use crate::exports::{HEADER, after_header, bzip2, gzip, half, rows, zstd};
use std::fs;

/// What is wrong, the export, the exit code, parts of the message, a part of the help.
type Case = (&'static str, fn() -> Vec<u8>, i32, &'static [&'static str], &'static str);

const CUT_OFF: &str = "fetch it again, or request a new one";
const REJECTS: &str = "see rejects.csv and its .jsonl; fix the source, or allow more with --max-rejects";

fn check(cases: &[Case]) {
    for (case, export, code, told, help) in cases {
        let bench = Bench::new();
        fs::write(bench.bad_export(), export()).unwrap();
        let answer = bench.backfill(&[]);
        bench.check_failure(case, &answer, &Expected { code: *code, told, help });
        bench.check_recovery(case);
    }
}

/// Incompressible enough that half of it is whole records and then a torn block.
fn many() -> Vec<u8> {
    rows(1..3_000, "some text")
}

#[test]
fn cut_off() {
    check(&[
        ("bzip2", || half(bzip2(&many())), 1, &["bzip2 data is cut off", "EXPORT"], CUT_OFF),
        (
            "bzip2, second stream",
            || [bzip2(&many()), half(bzip2(b"9"))].concat(),
            1,
            &["cut off", "EXPORT"],
            CUT_OFF,
        ),
        ("gzip", || half(gzip(&many())), 1, &["gzip data is cut off", "EXPORT"], CUT_OFF),
        ("zstd", || half(zstd(&many())), 1, &["zstd data is cut off", "EXPORT"], CUT_OFF),
        (
            "CSV inside quotes",
            || after_header("1,,,,\n2,,,,\"the rest of"),
            1,
            &["ends inside a quoted field", "EXPORT", "byte 24"],
            "fetch the export again",
        ),
        (
            "CSV inside a record",
            || after_header("1,,,,\n2,5,t"),
            1,
            &["cut off at byte 29", "EXPORT, byte 24"],
            "--allow-open-end",
        ),
        (
            "CSV inside the last value",
            || after_header("1,,,,\n2,5,t,,half a wo"),
            1,
            &["cut off at byte 40", "EXPORT, byte 24"],
            "--allow-open-end",
        ),
        (
            "CSV inside the header",
            || HEADER.as_bytes()[..11].to_vec(),
            1,
            &["cut off at byte 11"],
            "fetch the export again",
        ),
        (
            "CSV before the last newline, packed",
            || gzip(&after_header("1,,,,\n2,,,,")),
            1,
            &["cut off at byte 29", "EXPORT, byte 24"],
            "fetch the export again",
        ),
        ("empty file", Vec::new, 1, &["empty", "EXPORT"], "request a new export"),
    ]);
}

#[test]
fn damaged() {
    let flipped = || {
        let mut packed = bzip2(&many());
        let middle = packed.len() / 2;
        packed[middle] ^= 0x10;
        packed
    };
    check(&[
        ("bzip2", flipped, 1, &["bzip2 data is damaged", "EXPORT"], "fetch the export again"),
        (
            "gzip",
            || {
                let mut packed = gzip(&many());
                let checksum = packed.len() - 8;
                packed[checksum] ^= 1;
                packed
            },
            1,
            &["gzip data is damaged", "EXPORT"],
            "fetch the export again",
        ),
        (
            "zstd",
            || {
                let mut packed = zstd(&many());
                let middle = packed.len() / 2;
                packed[middle..middle + 8].fill(0xff);
                packed
            },
            1,
            &["zstd data is damaged", "EXPORT"],
            "fetch the export again",
        ),
    ]);
}

#[test]
fn header() {
    const AT: &str = "EXPORT, line 1";
    check(&[
        (
            "wrong header",
            || b"id,n,flag,when,note\n1,,,,\n".to_vec(),
            4,
            &["\"when\"", "\"at\"", AT],
            "--unknown-columns",
        ),
        (
            "a data row in its place",
            || b"1,5,t,2026-03-01 00:00:00,x\n".to_vec(),
            4,
            &["0 of 5 columns fit", "no header line?", "\"note\"", AT],
            "check that the first line names the columns",
        ),
        ("duplicate column", || b"id,n,flag,at,note,n\n".to_vec(), 4, &["\"n\" (fields 2 and 6)", AT], ""),
        ("empty column name", || b"id,n,flag,at,note,\n".to_vec(), 4, &["field 6", AT], ""),
        (
            "a name that is not UTF-8",
            || b"id,n,fl\xffag,at,note\n".to_vec(),
            4,
            &["field 3 of the header", "rule utf8", AT, "byte 5"],
            "UTF-8",
        ),
        (
            "a quote inside a name",
            || b"id,n,fl\"a\"g,at,note\n".to_vec(),
            4,
            &["field 3 of the header", "rule quote", AT, "byte 5"],
            "header",
        ),
        (
            "a quote never closed",
            || b"id,n,\"flag,at,note\n1,,,,\n".to_vec(),
            1,
            &["quoted field", "EXPORT, byte 0"],
            "never closed",
        ),
        (
            "10,000 columns",
            || wide_header().into_bytes(),
            4,
            &["10000 fields", "1600", AT],
            "comma-separated",
        ),
    ]);
}

fn wide_header() -> String {
    let names: Vec<String> = (0..10_000).map(|number| format!("column_{number}")).collect();
    names.join(",") + "\n"
}

#[test]
fn records() {
    // The header is 18 bytes, the first record 6.
    check(&[
        (
            "too many fields",
            || after_header("1,,,,\n2,,,,,\n"),
            5,
            &["rule fields", "EXPORT, record 2, line 3, byte 24"],
            REJECTS,
        ),
        (
            "too few fields",
            || after_header("1,,,,\n2,,,\n"),
            5,
            &["rule fields", "EXPORT, record 2, line 3, byte 24"],
            REJECTS,
        ),
        (
            "an empty line",
            || after_header("1,,,,\n\n"),
            5,
            &["rule fields", "EXPORT, record 2, line 3, byte 24"],
            REJECTS,
        ),
        (
            "not UTF-8",
            || after_header(b"1,,,,\n2,,,,\"a\n\xff\"\n"),
            5,
            &["rule utf8", "record 2, line 3, byte 29, column \"note\""],
            REJECTS,
        ),
        (
            "a NUL byte",
            || after_header(b"1,,,,\n2,,,,a\0b\n"),
            5,
            &["rule nul", "record 2, line 3, byte 29, column \"note\""],
            REJECTS,
        ),
        (
            "an integer out of range",
            || after_header("1,,,,\n2,2147483648,,,\n"),
            5,
            &["breaks the rule range with 10 bytes (at", "record 2, line 3, byte 26, column \"n\""],
            REJECTS,
        ),
        (
            "infinity",
            || after_header("1,,,\n2,,,infinity,\n".replacen("1,,,", "1,,,,", 1)),
            5,
            &["rule infinity", "record 2, line 3, byte 28, column \"at\""],
            REJECTS,
        ),
        (
            "a bad boolean",
            || after_header("1,,,,\n2,,maybe,,\n"),
            5,
            &["breaks the rule boolean with 5 bytes (at", "record 2, line 3, byte 27, column \"flag\""],
            REJECTS,
        ),
        (
            "NULL where none may be",
            || after_header("1,,,,\n,,,,\n"),
            5,
            &["rule not_null", "record 2, line 3, byte 24, column \"id\""],
            REJECTS,
        ),
        (
            "a stray quote",
            || after_header("1,,,,\n2,,,,a\"b\"\n"),
            5,
            &["rule quote", "record 2, line 3, byte 29, column \"note\""],
            REJECTS,
        ),
        (
            "a quote never closed",
            || after_header("1,,,,\n2,,,,\"open\n3,,,,\n"),
            1,
            &["ends inside a quoted field", "EXPORT, byte 24"],
            "never closed",
        ),
    ]);
}

#[test]
fn giants() {
    const LONG: &[&str] = &["longer than 16 MiB", "EXPORT, byte 24"];
    let field = || after_header([b"1,,,,\n2,,,,\"".as_slice(), &vec![b'x'; 100 << 20], b"\"\n"].concat());
    check(&[
        ("a field of 100 MB", field, 1, LONG, "never closed"),
        ("a bomb of one letter", || bomb("1,,,,\n2,,,,", b'x', 200 << 20), 1, LONG, "never closed"),
        (
            "a bomb of newlines",
            || bomb("1,,,,\n", b'\n', 20 << 20),
            5,
            &["rule fields", "EXPORT, record 2, line 3, byte 24"],
            REJECTS,
        ),
    ]);
}

/// A value stands in the rejects alone; in the report too if that is asked for, in the message never.
#[test]
fn no_message_and_no_report_holds_a_value() {
    for (record, value) in [
        ("2,2147483648,,,\n", "2147483648"),
        ("2,,maybe-ann@example.org,,\n", "maybe-ann@example.org"),
        ("2,,,yesterday at Ann's,\n", "yesterday at Ann's"),
        ("2,,,,so\"b\" Ann\n", "so\"b\" Ann"),
        ("Ann Smith,,,,\n", "Ann Smith"),
    ] {
        for asked in [false, true] {
            let bench = Bench::new();
            fs::write(bench.bad_export(), after_header(["1,,,,\n", record].concat())).unwrap();
            let mut command = bench.backfill_by(std::process::Command::new(crate::run::program()), &["-vv"]);
            command.env("CSL_LOAD_REPORT_VALUES", asked.to_string()).env("CSL_LOG", "trace");
            let answer = crate::bench::Answer::of(command.output().unwrap());
            assert_eq!(answer.code, Some(5), "{answer:?}");
            assert!(!answer.err.contains(value), "{answer:?}");
            let report: serde_json::Value = serde_json::from_str(&answer.out).unwrap();
            assert!(!report["error"].as_str().unwrap().contains(value), "{report}");
            let first = &report["rejects"]["first"][0];
            assert_eq!(first["value"].as_str().is_some_and(|shown| shown.contains(value)), asked, "{first}");
            assert!(first["value_bytes"].as_u64().unwrap() >= value.len() as u64, "{first}");
            assert_eq!(
                answer.out.contains(value) || answer.out.contains("so\\\"b\\\" Ann"),
                asked,
                "{answer:?}"
            );
            let rejects =
                |ending: &str| fs::read_to_string(bench.path().join(format!("rejects.{ending}"))).unwrap();
            assert!(rejects("csv").contains(value) && rejects("jsonl").contains(&value.replace('"', "\\\"")));
        }
    }
}

/// bzip2 makes about 100,000 times as many bytes of it.
fn bomb(records: &str, letter: u8, bytes: usize) -> Vec<u8> {
    let head = bzip2(&[HEADER.as_bytes(), records.as_bytes()].concat());
    let body = bzip2(&vec![letter; bytes]);
    assert!(body.len() < bytes / 40_000, "{} bytes", body.len());
    [head, body].concat()
}

#[test]
fn no_message_repeats_what_is_too_long_or_some_persons() {
    let names = |letter: &str| format!("id,{},note\n", letter.repeat(270_000));
    let junk = move |letter: &'static str| names(letter).into_bytes();
    let cases: &[(&str, Vec<u8>)] = &[
        ("a long name", junk("x")),
        ("a long name with a quote", junk("x\"")),
        ("a long name that is not UTF-8", [b"id,".as_slice(), &vec![0xff; 7 << 20], b"\n"].concat()),
        (
            "a person in the header's place",
            b"7,5,jane@example.org,2026-03-01 00:00:00,Jane\n8,,,,\n".to_vec(),
        ),
        ("a person, not UTF-8", b"7,5,jane@example.org\xff,2026-03-01 00:00:00,Jane\n8,,,,\n".to_vec()),
    ];
    for (what, export) in cases {
        let bench = Bench::new();
        fs::write(bench.bad_export(), export).unwrap();
        let answer = bench.backfill(&[]);
        assert_eq!(answer.code, Some(4), "{what}");
        assert!(answer.err.len() < 3_000, "{what}: {} bytes", answer.err.len());
        assert!(!answer.err.contains("jane") && !answer.err.contains("Jane"), "{what}: {}", answer.err);
    }
}
