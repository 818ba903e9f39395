//! A file that was cut is never whole, wherever it was cut, however it is packed, whatever is allowed.

use crate::support::{Given, packed, table};
use csl_stream::schema::Table;

const ROWS: usize = 1_000;

fn columns() -> Table {
    table(&[("id", "integer", false), ("s", "text", true)])
}

/// A thousand short rows; commas, quotes and newlines stand in values, and values may be NULL.
fn rows() -> Vec<u8> {
    let text = |at: usize| match at % 50 {
        0 => "\"a,\"\"b\"\"\"",
        10 => "\"two\nlines\"",
        20 => "\"\"",
        25..50 => "t",
        _ => "",
    };
    let rows: String = (0..ROWS).map(|at| format!("{},{}\n", at % 13, text(at))).collect();
    format!("id,s\n{rows}").into_bytes()
}

/// Where a record ends: quotes before it are closed.
fn ends(csv: &[u8]) -> Vec<usize> {
    let mut inside = false;
    let mut ends = Vec::new();
    for (at, byte) in csv.iter().enumerate() {
        inside ^= *byte == b'"';
        if *byte == b'\n' && !inside {
            ends.push(at + 1);
        }
    }
    ends
}

fn given(bytes: &[u8], max_rejects: u64) -> Given {
    let mut given = Given::new(bytes, columns());
    given.options.threads = 1;
    given.options.row_group_bytes = 64 << 10;
    given.options.max_rejects = max_rejects;
    given
}

#[test]
fn at_any_byte_of_a_plain_file() {
    let csv = rows();
    let ends = ends(&csv);
    assert_eq!(ends.len(), ROWS + 1);
    let mut untold = 0;
    for max_rejects in [0, 10] {
        for len in 0..csv.len() {
            let run = given(&csv[..len], max_rejects).run();
            // The bytes of a file that ends exactly behind a record are those of a smaller table. Whether a table may
            // become so small is asked before it is replaced, not here.
            if let Ok(records) = ends.binary_search(&len) {
                assert_eq!(run.report().rows.accepted, records as u64, "cut to {len}");
                untold += 1;
                continue;
            }
            assert_eq!(run.error().exit_code(), 1, "cut to {len}: {}", run.error());
            assert!(run.files.is_empty(), "cut to {len}");
            let text = format!("{} {}", run.error(), run.error().detail().unwrap().help);
            assert!(len == 0 || text.contains("cut off"), "cut to {len}: {text}");
        }
    }
    // Behind the header and behind each record but the last.
    assert_eq!(untold, 2 * ROWS);
}

#[test]
fn at_any_byte_of_a_packed_file() {
    let csv = rows();
    for (name, pack) in packed::PACKERS {
        let packed = pack(&csv);
        for max_rejects in [0, 10] {
            for len in 0..packed.len() {
                let run = given(&packed[..len], max_rejects).run();
                assert_eq!(run.error().exit_code(), 1, "{name} cut to {len}: {}", run.error());
                assert!(run.files.is_empty(), "{name} cut to {len}");
            }
        }
        assert_eq!(given(&packed, 0).run().report().rows.accepted, ROWS as u64, "{name}");
        // Cut first, then packed: the pack is whole, and what is in it is not.
        for len in [csv.len() - 1, csv.len() - 2, 4, 1] {
            let run = given(&pack(&csv[..len]), 10).run();
            assert!(run.error().to_string().contains("cut off"), "{name} of {len}: {}", run.error());
        }
    }
}

#[test]
fn the_place_of_the_cut_is_told() {
    let cases: &[(&str, &[&str])] = &[
        ("id", &["cut off at byte 2", "byte 0"]),
        ("id,s", &["cut off at byte 4", "byte 0"]),
        ("id,s\n1,\n2,", &["cut off at byte 10", "byte 8"]),
        ("id,s\n1,\n2,\"a\"", &["cut off at byte 13", "byte 8"]),
        ("id,s\n1,\n2,\"a\"\"", &["inside a quoted field", "byte 8", "cut off"]),
        ("id,s\r\n1,\r", &["cut off at byte 9", "byte 6"]),
        ("id,s\n1,\n2,\r", &["cut off at byte 11", "byte 8"]),
        ("\u{feff}id,s", &["cut off at byte 7", "byte 3"]),
    ];
    for (csv, told) in cases {
        let run = given(csv.as_bytes(), 10).run();
        let text = format!("{}; {}", run.error(), run.error().detail().unwrap().help);
        for part in *told {
            assert!(text.contains(part), "{csv:?}: {part:?} is missing in {text:?}");
        }
    }
}

#[test]
fn an_open_end_is_whole_when_it_is_allowed() {
    for (csv, rows) in [
        ("id,s", 0),
        ("id,s\n1,a", 1),
        ("id,s\n1,", 1),
        ("id,s\n1,a\n2,\"b\"", 2),
        ("id,s\r\n1,a\r\n2,b", 2),
        ("id,s\n1,a\n", 1),
    ] {
        let mut given = given(csv.as_bytes(), 0);
        given.options.allow_open_end = true;
        assert_eq!(given.run().report().rows.accepted, rows, "{csv:?}");
    }
    // What is cut for certain stays cut.
    for csv in ["id,s\n1,\"a", "id,s\r\n1,a\r", "id,s\n1,a\r", "id,s\r"] {
        let mut given = given(csv.as_bytes(), 10);
        given.options.allow_open_end = true;
        assert_eq!(given.run().error().exit_code(), 1, "{csv:?}");
    }
}
