//! Records of people who were erased: left out, counted, and nothing else is different for it.

use crate::support::{Given, Run, rng, table};
use csl_stream::privacy::{Mark, Marks};
use std::sync::Arc;

const COLUMNS: [(&str, &str, bool); 4] =
    [("id", "bigint", false), ("at", "timestamp", true), ("note", "text", true), ("email", "text", true)];

/// A record, and whether it is one of theirs.
struct Record {
    csv: String,
    is_theirs: bool,
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// An address in some spelling of it.
fn spelt(rng: &mut fastrand::Rng, address: &str) -> String {
    let text = match rng.usize(..4) {
        0 => address.to_uppercase(),
        1 => format!("  {address} "),
        _ => address.to_owned(),
    };
    if rng.bool() { quoted(&text) } else { text }
}

fn record(rng: &mut fastrand::Rng, id: usize, theirs: &[&str], end: &str) -> Record {
    let is_theirs = rng.usize(..20) == 0;
    let email = match is_theirs {
        true => {
            let whose = rng.usize(..theirs.len());
            spelt(rng, theirs[whose])
        }
        false => ["", "\"\"", "someone@x.org", "\"a\"\"b@x.org\"", "ann@x.or", "xann@x.org"][rng.usize(..6)]
            .to_owned(),
    };
    let note = match rng.usize(..20) {
        0 => quoted("two\nlines of ann@x.org"),
        1 => "x".repeat(rng.usize(..3_000)),
        2 => String::new(),
        _ => format!("n{}", rng.u32(..)),
    };
    // Some are faulty, theirs among them; a fault in another field does not hide whose it is.
    let at = if rng.usize(..60) == 0 { "soon" } else { "2026-03-01 10:00:00" };
    let id = if rng.usize(..90) == 0 { "x".to_owned() } else { id.to_string() };
    let more = if rng.usize(..90) == 0 { ",more" } else { "" };
    // Moves theirs behind the last field.
    let before = if rng.usize(..60) == 0 { "more," } else { "" };
    Record { csv: format!("{before}{id},{at},{note},{email}{more}{end}"), is_theirs }
}

fn csv<'a>(records: impl Iterator<Item = &'a Record>, end: &str) -> String {
    let header = format!("id,at,note,email{end}");
    records.fold(header, |csv, record| csv + &record.csv)
}

/// What is the same however many records were before: raw records and what is wrong with them.
fn rejects(path: &std::path::Path) -> (Vec<u8>, Vec<(String, String)>) {
    let reasons = std::fs::read_to_string(path.with_extension("jsonl")).unwrap_or_default();
    let of = |line: &str| {
        let fault: serde_json::Value = serde_json::from_str(line).unwrap();
        (fault["rule"].to_string(), fault["column"].to_string())
    };
    (std::fs::read(path).unwrap_or_default(), reasons.lines().map(of).collect())
}

#[test]
fn it_is_as_if_they_had_never_been_in_the_export() {
    let (mut rng, dir) = (rng(), tempfile::tempdir().unwrap());
    let theirs = ["ann@x.org", "bo+1@x.org", "çelik@x.org"];
    let marks = Arc::new(Marks::new(theirs.map(|address| Mark::of("email", "salt", address, "run"))));
    for (round, end) in ["\n", "\r\n", "\n"].into_iter().enumerate() {
        let records: Vec<_> = (0..3_000).map(|id| record(&mut rng, id, &theirs, end)).collect();
        let (all, without) =
            (csv(records.iter(), end), csv(records.iter().filter(|record| !record.is_theirs), end));
        let count = records.iter().filter(|record| record.is_theirs).count() as u64;
        let run =
            |name: &str, csv: &str, marks: &Arc<Marks>, threads: usize, row_group_bytes: usize| -> (Run, _) {
                let path = dir.path().join(format!("{round}-{name}.csv"));
                let mut given = Given::new(csv.as_bytes(), table(&COLUMNS));
                given.options.max_rejects = u64::MAX;
                (given.options.threads, given.options.row_group_bytes) = (threads, row_group_bytes);
                given.options.erased = Arc::clone(marks);
                given.rejects = Some(path.clone());
                (given.run(), rejects(&path))
            };
        let (expected, kept) = run("without", &without, &Arc::default(), 2, 16 << 20);
        assert!(expected.report().rows.rejected > 10 && count > 50, "the input is too tame");
        for (threads, row_group_bytes) in [(1, 16 << 20), (2, 20_000), (7, 3_000)] {
            let name = format!("{threads}-{row_group_bytes}");
            let (found, left) = run(&name, &all, &marks, threads, row_group_bytes);
            let what = format!("round {round}, {name}");
            let (rows, wanted) = (found.report().rows, expected.report().rows);
            assert_eq!((rows.erased, rows.read), (count, wanted.read + count), "{what}");
            assert_eq!((rows.accepted, rows.rejected), (wanted.accepted, wanted.rejected), "{what}");
            assert_eq!(found.rows(), expected.rows(), "{what}");
            assert_eq!(left, kept, "{what}");
            for bytes in found.files.values() {
                let text = String::from_utf8_lossy(bytes).to_lowercase();
                assert!(!text.contains("bo+1@x.org") && !text.contains("çelik@x.org"), "{what}");
            }
        }
        // Places are those of the file as it lies there.
        let (found, _) = run("places", &all, &marks, 3, 5_000);
        for fault in &found.report().rejects.first {
            let record = &records[fault.record as usize - 1].csv;
            let at = all.find(record.as_str()).unwrap_or(usize::MAX) as u64;
            assert!(
                fault.byte >= at && fault.byte < at + record.len() as u64
                    || all.matches(record.as_str()).count() > 1
            );
            let line = 1 + all[..at as usize].matches('\n').count() as u64;
            assert_eq!(fault.line, line, "round {round}: {fault:?}");
        }
    }
}

#[test]
fn without_marks_the_bytes_are_what_they_were() {
    let mut rng = rng();
    let records: Vec<_> = (0..2_000).map(|id| record(&mut rng, id, &["ann@x.org"], "\n")).collect();
    let mut given = Given::new(csv(records.iter(), "\n"), table(&COLUMNS));
    given.options.max_rejects = u64::MAX;
    let plain = given.run();
    // Somebody was erased who is not in the export.
    given.options.erased = Arc::new(Marks::new([Mark::of("email", "salt", "nobody@x.org", "run")]));
    let marked = given.run();
    assert_eq!((marked.files, marked.outcome.unwrap().rows), (plain.files, plain.outcome.unwrap().rows));
}
