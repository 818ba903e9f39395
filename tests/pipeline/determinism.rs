//! The same input gives the same bytes, however it arrives and whoever works on it.

use crate::support::{Given, rng, table};
use csl_stream::privacy::{NewColumns, Policy, Preset};
use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;

fn random_csv(rng: &mut fastrand::Rng, rows: usize) -> String {
    let mut csv = String::from("id,name,at,note,part\n");
    for id in 0..rows {
        let name = ["ann", "\"bo, jr\"", "", "\"\"", "çelik"][rng.usize(..5)];
        let day = rng.u32(1..29);
        let note = match rng.usize(..40) {
            0 => "\"two\nlines\"".to_owned(),
            1 => "x".repeat(rng.usize(..300_000 / 40)),
            _ => format!("n{}", rng.u32(..)),
        };
        // Some records are faulty, so that the rejects are compared too.
        let at = if rng.usize(..500) == 0 { "soon".to_owned() } else { format!("2024-02-{day:02} 10:00:00") };
        let _ = writeln!(csv, "{id},{name},{at},{note},{}", rng.f64());
    }
    csv
}

#[test]
fn threads_and_chunks_change_nothing() {
    check(Policy::default());
}

#[test]
fn threads_and_chunks_change_nothing_under_rules_of_privacy() {
    let rules = [("t.name", "hash"), ("t.note", "prefix:3"), ("t.part", "null")];
    check(Policy::new(rules, Preset::None, NewColumns::Keep, b"0123456789abcdef").unwrap());
}

fn check(policy: Policy) {
    let mut rng = rng();
    let columns = [
        ("id", "bigint", false),
        ("name", "text", true),
        ("at", "timestamp", true),
        ("note", "text", true),
        ("part", "double precision", true),
    ];
    let dir = tempfile::tempdir().unwrap();
    let mut given = Given::new(random_csv(&mut rng, 30_000), table(&columns));
    given.options.policy = Arc::new(policy);
    given.options.max_rejects = u64::MAX;
    given.options.row_group_bytes = 300_000;
    given.options.segment_bytes = 600_000;
    let csv = given.csv.clone();
    let mut run = |csv: &[u8], threads: usize, read_bytes: usize| {
        given.csv = csv.to_vec();
        let rejects = dir.path().join(format!("{threads}-{read_bytes}.csv"));
        given.options.threads = threads;
        given.read_bytes = read_bytes;
        given.rejects = Some(rejects.clone());
        let run = given.run();
        let rejects =
            (std::fs::read(&rejects).unwrap(), std::fs::read(rejects.with_extension("jsonl")).unwrap());
        let report = run.report();
        (run.files.clone(), rejects, report.rows, report.rejects.first.clone(), report.columns.clone())
    };
    let want = run(&csv, 1, usize::MAX);
    assert!(want.0.len() > 3 && want.2.rejected > 10, "the test input is too tame: {:?}", want.2);
    for (threads, read_bytes) in
        [(1, 1), (2, 1), (7, 13), (2, 4096), (3, 65_537), (7, 8 << 20), (16, 1 << 20)]
    {
        assert_eq!(run(&csv, threads, read_bytes), want, "{threads} threads, reads of {read_bytes}");
    }
    // Of bzip2 the stored places decide, which are elsewhere in the CSV.
    let bzip2 = two_bzip2_streams(&csv);
    let packed = run(&bzip2, 1, usize::MAX);
    assert!(packed.0.len() > 3 && packed.0 != want.0, "{:?}", packed.0.keys());
    assert_eq!((packed.1, packed.2, packed.3), (want.1, want.2, want.3), "the same records are rejected");
    for (threads, read_bytes) in [(1, 1000), (2, 1 << 20), (3, 1000), (7, 65_537)] {
        assert_eq!(
            run(&bzip2, threads, read_bytes).0,
            packed.0,
            "bzip2, {threads} threads, reads of {read_bytes}"
        );
    }
}

/// Many small blocks: level 1 holds 100 kB in each.
fn two_bzip2_streams(bytes: &[u8]) -> Vec<u8> {
    let (head, tail) = bytes.split_at(bytes.len() / 3);
    let pack = |bytes: &[u8]| {
        let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    [pack(head), pack(tail)].concat()
}
