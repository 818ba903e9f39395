//! What rules of privacy hide is in nothing that a run writes, whatever is wrong with its records.
//! `CSL_TEST_PRIVACY_RUNS` says how many random exports are tried.

use crate::support::{Given, rng, table};
use csl_stream::pages::{Codec, EmptyStrings, Overlong};
use csl_stream::privacy::{NewColumns, Policy, Preset};
use csl_stream::schema::UnknownColumns;
use fastrand::Rng;
use std::sync::Arc;

/// Exports unless told otherwise.
const RUNS: usize = 100;
const RULES: &[&str] = &["drop", "null", "hash", "hash_exact", "domain", "prefix:2", "network", "keep"];
const TYPES: &[&str] =
    &["text", "character varying(12)", "bigint", "timestamp without time zone", "boolean", "uuid", "inet"];

/// What tells that a value of this column is there; a rule that shortens values keeps none of it.
fn marker(column: usize) -> String {
    format!("ANN{column}SMITH")
}

/// A field that holds the marker of its column, sound or not, as it stands in the file.
fn field(random: &mut Rng, column: usize) -> Vec<u8> {
    let marker = marker(column);
    match random.u8(..12) {
        0 => Vec::new(),
        1 => b"\"\"".to_vec(),
        2 => format!("xy{marker}@Example.org").into_bytes(),
        3 => format!("\"xy, {marker}\"\"\n\"").into_bytes(),
        4 => format!("\"xy\"{marker}").into_bytes(),
        5 => format!("xy{marker}\r").into_bytes(),
        6 => [format!("xy{marker}").as_bytes(), b"\xff"].concat(),
        7 => format!("xy{marker}\0").into_bytes(),
        8 => format!("xy{}{marker}", "ä".repeat(random.usize(..200))).into_bytes(),
        _ => format!("xy{marker}").into_bytes(),
    }
}

fn export(random: &mut Rng, columns: usize) -> Vec<u8> {
    let names: Vec<String> = (0..columns).map(|column| format!("c{column}")).collect();
    // The last column is one that the schema lacks.
    let mut csv = (names.join(",") + ",extra\n").into_bytes();
    for _ in 0..random.usize(1..60) {
        let width = if random.u8(..15) == 0 { random.usize(1..columns + 4) } else { columns + 1 };
        let fields: Vec<_> = (0..width).map(|column| field(random, column)).collect();
        csv.extend(fields.join(&b','));
        csv.push(b'\n');
    }
    csv
}

fn holds(bytes: &[u8], marker: &str) -> bool {
    bytes.windows(marker.len()).any(|window| window.eq_ignore_ascii_case(marker.as_bytes()))
}

#[test]
fn nothing_of_a_hidden_column_is_written() {
    let mut random = rng();
    let runs = std::env::var("CSL_TEST_PRIVACY_RUNS").map_or(RUNS, |runs| runs.parse().unwrap());
    let (mut accepted, mut rejected, mut kept) = (0, 0, 0);
    for _ in 0..runs {
        let count = random.usize(1..7);
        let names: Vec<String> = (0..count).map(|column| format!("c{column}")).collect();
        let types: Vec<&str> = (0..count).map(|_| TYPES[random.usize(..TYPES.len())]).collect();
        let rules: Vec<&str> = (0..=count).map(|_| RULES[random.usize(..RULES.len())]).collect();
        let is_text = |column: usize| {
            types
                .get(column)
                .is_none_or(|known| known.contains("char") || *known == "text" || *known == "inet")
        };
        let rule = |column: usize| match rules[column] {
            "domain" | "prefix:2" | "network" if !is_text(column) => "hash",
            rule => rule,
        };
        let globs: Vec<(String, &str)> = (0..=count)
            .map(|column| {
                (if column == count { "t.extra".to_owned() } else { format!("t.c{column}") }, rule(column))
            })
            .collect();
        let list = globs.iter().map(|(glob, rule)| (glob.as_str(), *rule));
        let policy = Policy::new(list, Preset::None, NewColumns::Keep, b"0123456789abcdef").unwrap();
        let columns: Vec<_> =
            names.iter().zip(&types).map(|(name, known)| (name.as_str(), *known, true)).collect();

        let mut given = Given::new(export(&mut random, count), table(&columns));
        let dir = tempfile::tempdir().unwrap();
        given.rejects = Some(dir.path().join("r.csv"));
        given.options.policy = Arc::new(policy);
        given.options.codec = Codec::None;
        given.options.unknown_columns = UnknownColumns::Drop;
        given.options.report_values = true;
        given.options.max_rejects = if random.bool() { u64::MAX } else { random.u64(..3) };
        given.options.overlong = if random.bool() { Overlong::Truncate } else { Overlong::Reject };
        given.options.empty_strings = if random.bool() { EmptyStrings::Keep } else { EmptyStrings::Null };
        given.options.text_bytes_max = random.bool().then(|| random.u32(1..100));
        let run = given.run();
        let (said, report) = match &run.outcome {
            Ok(report) => (String::new(), report),
            Err((report, error)) => (format!("{error} {error:?}"), &**report),
        };
        (accepted, rejected) = (accepted + report.rows.accepted, rejected + report.rows.rejected);
        let mut written: Vec<(String, Vec<u8>)> =
            run.files.iter().map(|(name, bytes)| (name.clone(), bytes.clone())).collect();
        written.push(("the error".to_owned(), said.into_bytes()));
        written.push(("the report".to_owned(), serde_json::to_vec(report).unwrap()));
        for name in ["r.csv", "r.jsonl"] {
            written.extend(std::fs::read(dir.path().join(name)).ok().map(|bytes| (name.to_owned(), bytes)));
        }
        for column in 0..=count {
            let found = written.iter().find(|(_, bytes)| holds(bytes, &marker(column)));
            match (rule(column), found) {
                ("keep", found) => kept += usize::from(found.is_some()),
                (rule, Some((name, _))) => {
                    let csv = String::from_utf8_lossy(&given.csv).into_owned();
                    panic!("column {column}, rule {rule}, {types:?}: its marker is in {name}\n{csv}")
                }
                _ => {}
            }
        }
    }
    assert!(accepted > 100 && rejected > 100 && kept > 10, "too tame: {accepted} {rejected} {kept}");
}
