//! What is said of texts, whichever way they are encoded: with a dictionary, without, and where one is given up.

use crate::support::{Given, MemorySource, rng, table};
use csl_stream::pipeline::{Watch, profile};
use csl_stream::report::ColumnReport;
use csl_stream::values::Figure;
use std::fmt::Write as _;

/// 64-bit FNV-1a, by its definition.
fn fnv_1a(text: &str) -> i64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in text.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash as i64
}

/// The report of these texts, with the sum of their hashes or without.
fn said(name: &str, texts: &[Option<String>], hashed: bool) -> ColumnReport {
    let some = || texts.iter().flatten();
    let bytes = some().map(|text| text.len() as u64).sum();
    let sum: i128 = some().filter(|text| !text.is_empty()).map(|text| i128::from(fnv_1a(text))).sum();
    ColumnReport {
        name: name.to_owned(),
        nulls: texts.iter().filter(|text| text.is_none()).count() as u64,
        empties: some().filter(|text| text.is_empty()).count() as u64,
        bytes,
        sum: hashed.then(|| Figure::integer(sum)),
        ..ColumnReport::default()
    }
}

fn field(text: Option<&String>) -> String {
    text.map_or(String::new(), |text| format!("\"{}\"", text.replace('"', "\"\"")))
}

#[test]
fn texts_are_summed_up_whichever_way_they_are_encoded() {
    let mut rng = rng();
    let rows = 20_000;
    let words =
        ["", "a", "say \"hi\"", "çelik", "two\nlines", "0123456789abcdef0123456789abcdef0123456789abcdef"];
    // Few, all different, and different from the middle on.
    let text = |rng: &mut fastrand::Rng, row: usize, column: usize| -> Option<String> {
        let is_new = column == 1 || column == 2 && row > rows / 2;
        match rng.usize(..10) {
            0 => None,
            1 => Some(String::new()),
            _ if is_new => Some(format!("{}{row}", words[rng.usize(..words.len())])),
            _ => Some(words[rng.usize(..words.len())].to_owned()),
        }
    };
    let mut texts = [Vec::new(), Vec::new(), Vec::new()];
    let mut csv = String::from("few,many,both\n");
    for row in 0..rows {
        for (column, texts) in texts.iter_mut().enumerate() {
            texts.push(text(&mut rng, row, column));
        }
        let fields = texts.each_ref().map(|texts| field(texts[row].as_ref()));
        let _ = writeln!(csv, "{}", fields.join(","));
    }
    let columns = [("few", "text", true), ("many", "text", true), ("both", "text", true)];
    let mut given = Given::new(csv.clone(), table(&columns));
    for (threads, row_group_bytes) in [(1, 16 << 20), (3, 16 << 20), (2, 50_000)] {
        given.options.threads = threads;
        given.options.row_group_bytes = row_group_bytes;
        let want = |hashed| {
            let names = ["few", "many", "both"];
            names.iter().zip(&texts).map(|(name, texts)| said(name, texts, hashed)).collect::<Vec<_>>()
        };
        assert_eq!(given.run().report().columns, want(false), "{threads} threads");
        let source = Box::new(MemorySource::new(csv.clone(), usize::MAX, "memory"));
        let found = profile(source, &given.table, &given.options, &Ok, &Watch::default()).unwrap();
        assert_eq!((found.rows.accepted, found.columns), (rows as u64, want(true)), "{threads} threads");
    }
}
