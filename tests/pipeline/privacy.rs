//! What rules of privacy hide is in nothing that a run writes, whatever is wrong with its records.
//! `CSL_TEST_PRIVACY_RUNS` says how many random exports are tried.

use crate::support::{Given, Run, rng, table};
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

/// A table of one text `x` beside the number `n`, under one rule for `x`.
fn given(rule: &str, header: &str, records: &str) -> Given {
    let table = table(&[("x", "text", true), ("n", "integer", true)]);
    let mut given = Given::new(format!("{header},n\n{records}"), table);
    let policy = Policy::new([("t.x", rule)], Preset::None, NewColumns::Keep, b"0123456789abcdef").unwrap();
    given.options.policy = Arc::new(policy);
    given.options.codec = Codec::None;
    given.options.report_values = true;
    given.options.max_rejects = 9;
    given
}

/// What a run has written and said, all in one.
fn all_of(run: &Run, rejects: &std::path::Path) -> Vec<u8> {
    let mut all: Vec<u8> = run.files.values().flatten().copied().collect();
    all.extend(serde_json::to_vec(run.report()).unwrap());
    for name in ["r.csv", "r.jsonl"] {
        all.extend(std::fs::read(rejects.join(name)).unwrap_or_default());
    }
    all
}

/// Whoever mends a reject may write anything under `x:hash`: what the rule has not made is as hidden as before it.
#[test]
fn a_mended_field_is_of_the_form_that_its_rule_makes() {
    let hash = "0123456789abcdef".repeat(4);
    let capital = hash.to_uppercase();
    let long = "ANN0SMITH".repeat(9);
    for (rule, value, rejected) in [
        ("hash", hash.as_str(), None),
        ("hash", "", None),
        ("hash", "\"\"", Some("masked")),
        ("hash", "ANN0SMITH@example.org", Some("masked")),
        ("hash", &long, Some("masked")),
        ("hash", &capital, Some("masked")),
        ("hash", &hash[1..], Some("masked")),
        ("hash_exact", &hash, None),
        ("hash_exact", "ANN0SMITH", Some("masked")),
        ("network", "192.0.2.0/24", None),
        ("network", "\"2001:db8:1::/48\"", None),
        ("network", "192.0.2.77", Some("masked")),
        ("network", "192.0.2.77/24", Some("masked")),
        ("network", "ANN0SMITH", Some("masked")),
        ("domain", "example.org", None),
        ("domain", "ann0smith@example.org", Some("masked")),
        ("domain", "ANN0SMITH", Some("masked")),
        ("domain", "\"ann0smith, x\"", Some("masked")),
        ("prefix:4", "ABCD", None),
        ("prefix:4", "ABCD ANN0SMITH", Some("overlong")),
    ] {
        // The second record is rejected for another reason, and is as hidden.
        let records = format!("{value},1\n{value},x\n");
        let mut given = given(rule, &format!("x:{rule}"), &records);
        let dir = tempfile::tempdir().unwrap();
        given.rejects = Some(dir.path().join("r.csv"));
        given.options.overlong = Overlong::Reject;
        let run = given.run();
        let report = run.report();
        let found = report.rejects.first.iter().find(|fault| fault.record == 1);
        let found = found.map(|fault| (fault.rule.clone(), fault.value.clone()));
        assert_eq!(found, rejected.map(|rule| (rule.to_owned(), None)), "{rule} {value}");
        assert!(!holds(&all_of(&run, dir.path()), &marker(0)), "{rule} {value}");
        // What is rejected for another reason can be mended once more.
        let kept = std::fs::read_to_string(dir.path().join("r.csv")).unwrap();
        assert!(kept.starts_with(&format!("\"x:{rule}\",\"n\"\n")), "{kept}");
        let bare = value.trim_matches('"');
        assert!(rejected.is_some() || value.is_empty() || kept.contains(&format!("\"{bare}\",x")), "{kept}");
    }
}

/// Half a domain is another one.
#[test]
fn what_a_rule_makes_is_held_to_the_width_that_it_finds() {
    use Overlong::{Reject, Truncate};
    let long = "a".repeat(20);
    for (rule, value, overlong, accepted, cut) in [
        ("domain", format!("ann@{long}"), Truncate, false, 0),
        ("domain", format!("ann@{long}"), Reject, false, 0),
        ("domain", format!("{long}@a.org"), Truncate, true, 0),
        ("domain", format!("{long}@a.org"), Reject, true, 0),
        ("domain", long.clone(), Reject, true, 0),
        // Four letters of two bytes, and of three when they are small.
        ("domain", "@\u{23a}\u{23a}\u{23a}\u{23a}".to_owned(), Reject, false, 0),
        ("prefix:5", long.clone(), Reject, true, 0),
        ("hash", long.clone(), Reject, true, 0),
        ("network", "2001:db8:aaaa:bbbb::1".to_owned(), Reject, true, 0),
    ] {
        for value in [value.clone(), format!("\"{value}\"")] {
            let mut given = given(rule, "x", &format!("{value},1\n,2\n"));
            given.options.text_bytes_max = Some(10);
            given.options.overlong = overlong;
            let run = given.run();
            let report = run.report();
            let rules: Vec<_> = report.rejects.first.iter().map(|fault| fault.rule.as_str()).collect();
            let (rows, truncated) = (report.rows.accepted, report.rows.truncated_values);
            assert_eq!(
                (rows, truncated),
                (1 + u64::from(accepted), cut),
                "{rule} {value} {overlong:?} {rules:?}"
            );
            assert!(accepted || rules == ["overlong"], "{rule} {value}: {rules:?}");
        }
    }
}

/// `""` that is NULL in the table is NULL among the rejects, too.
#[test]
fn an_empty_text_that_is_null_is_nowhere_hashed() {
    for empty_strings in [EmptyStrings::Null, EmptyStrings::Keep] {
        for rule in ["hash", "hash_exact", "prefix:2"] {
            let mut given = given(rule, "x", "\"\",x\n\"\",1\n");
            let dir = tempfile::tempdir().unwrap();
            given.rejects = Some(dir.path().join("r.csv"));
            given.options.empty_strings = empty_strings;
            let run = given.run();
            let kept = std::fs::read_to_string(dir.path().join("r.csv")).unwrap();
            let record = kept.lines().nth(1).unwrap();
            let nulls = run.report().columns[0].nulls;
            match empty_strings {
                EmptyStrings::Null => assert_eq!((record, nulls), (",x", 1), "{rule}"),
                EmptyStrings::Keep => assert!(record.starts_with('"') && nulls == 0, "{rule} {record}"),
            }
        }
    }
}
