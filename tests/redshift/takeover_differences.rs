//! Where a table is another one with csl-stream than with the Lambda loader, by design: each case by its name, with
//! what both make of the same exports. The same names stand in docs/how-to/take-over-from-the-lambda-loader.md.

use crate::old_loader::OldLoader;
use crate::takeover::Ours;
use csl_stream::schema::BulkSchema;
use csl_stream::store::ExportKind::{self, Full, Incremental};
use serde_json::{Map, Value, json};
use std::fmt::Write;

const PAGE: &str = "docs/how-to/take-over-from-the-lambda-loader.md";
/// What a table holds: id, name, and the bytes of a note and of parameters.
const SHOWN: &str = "concat_ws(' ', id, quote_nullable(name), octet_length(note), octet_length(params))";
const HEADER: &str = "id,name,note,params,created_at";
const FIRST: &str = "20260301031500";
const SECOND: &str = "20260302031500";

/// Those of which csl-stream loads no row, and says so.
const REFUSED: [&str; 3] =
    ["full export with a faulty value", "full export of few rows", "json or hstore over 65,535 bytes"];

/// One export of a case.
struct Export {
    kind: ExportKind,
    at: &'static str,
    /// The header and its columns' types where they are others than before.
    header: &'static str,
    rows: String,
}

struct Case {
    /// As the page has it; the table's name too.
    name: &'static str,
    exports: Vec<Export>,
    ours: &'static str,
    old: &'static str,
}

fn full(at: &'static str, rows: &str) -> Export {
    Export { kind: Full, at, header: HEADER, rows: rows.to_owned() }
}

fn incremental(at: &'static str, rows: &str) -> Export {
    Export { kind: Incremental, ..full(at, rows) }
}

fn headed(header: &'static str, at: &'static str, rows: &str) -> Export {
    Export { header, ..full(at, rows) }
}

/// Rows of these ids, with their id for a name.
fn ids(ids: &[i64]) -> String {
    ids.iter().fold(String::new(), |mut rows, id| {
        writeln!(rows, "{id},n{id},,,2026-01-05 12:00:00").unwrap();
        rows
    })
}

fn cases() -> Vec<Case> {
    let case = |name, exports, ours, old| Case { name, exports, ours, old };
    let long_json = format!("1,a,,\"{{\"\"k\"\": \"\"{}\"\"}}\",2026-01-05 12:00:00\n", "x".repeat(70_000));
    let long_text = format!("1,a,{},,2026-01-05 12:00:00\n", "é".repeat(40_000));
    let recent = "2,n2,,,2026-03-02 03:00:00\n";
    vec![
        case("empty text", vec![full(FIRST, "1,\"\",,,2026-01-05 12:00:00\n")], "1 ''", "1 NULL"),
        case(
            "row in two exports",
            vec![full(FIRST, &ids(&[1, 2])), incremental("20260301031600", &ids(&[2, 3]))],
            "1 'n1', 2 'n2', 3 'n3'",
            "1 'n1', 2 'n2', 2 'n2', 3 'n3'",
        ),
        case(
            "incremental export that comes late",
            vec![full(FIRST, &ids(&[1, 2])), incremental("20260228200000", &ids(&[2]))],
            "1 'n1', 2 'n2'",
            "1 'n1', 2 'n2', 2 'n2'",
        ),
        case(
            "row added while the full export was made",
            vec![full(FIRST, &ids(&[1])), incremental("20260302030030", recent), full(SECOND, &ids(&[1]))],
            "1 'n1', 2 'n2'",
            "1 'n1'",
        ),
        case(
            "full exports in the wrong order",
            vec![full(SECOND, &ids(&[1, 2])), full(FIRST, &ids(&[1]))],
            "1 'n1', 2 'n2'",
            "1 'n1'",
        ),
        case(
            "full export with a faulty value",
            vec![full(FIRST, &ids(&[1])), full(SECOND, "one,n1,,,2026-01-05 12:00:00\n")],
            "1 'n1'",
            "no row",
        ),
        case(
            "full export of few rows",
            vec![full(FIRST, &ids(&[1, 2, 3, 4])), full(SECOND, &ids(&[1]))],
            "1 'n1', 2 'n2', 3 'n3', 4 'n4'",
            "1 'n1'",
        ),
        case("json or hstore over 65,535 bytes", vec![full(FIRST, &long_json)], "no row", "1 'a' 65535"),
        case(
            "new column",
            vec![
                full(FIRST, &ids(&[1])),
                headed("id,name,note,params,created_at,extra", SECOND, "2,n2,,,2026-01-05 12:00:00,x\n"),
            ],
            "2 'n2'",
            "no row",
        ),
        case(
            "dropped column",
            vec![
                full(FIRST, &ids(&[1])),
                headed("id,name,params,created_at", SECOND, "2,n2,,2026-01-05 12:00:00\n"),
            ],
            "2 'n2'",
            "no row",
        ),
        case(
            "columns in another order",
            vec![
                full(FIRST, &ids(&[1])),
                headed("id,note,name,params,created_at", SECOND, "2,x,n2,,2026-01-05 12:00:00\n"),
            ],
            "2 'n2' 1",
            "2 'x' 2",
        ),
        // Both cut it, behind a whole character: no difference.
        case("", vec![full(FIRST, &long_text)], "1 'a' 65534", "1 'a' 65534"),
    ]
}

fn table(case: usize) -> String {
    format!("c{case}")
}

/// The bulk schema of every case's table, as it is when its export of this number is made.
fn schema(cases: &[Case], night: usize) -> String {
    let columns = |case: &Case| {
        let export = &case.exports[night.min(case.exports.len() - 1)];
        let kind = |name: &str| match name {
            "id" => "bigint",
            "name" => "character varying(50)",
            "params" => "jsonb",
            "created_at" => "timestamp without time zone",
            _ => "text",
        };
        let column = |name: &str| (name.to_owned(), json!({ "type": "x", "sql_type": kind(name) }));
        export.header.split(',').map(column).collect::<Map<String, Value>>()
    };
    let tables = cases
        .iter()
        .enumerate()
        .map(|(at, case)| json!({ "table": { "name": table(at), "columns": columns(case) } }));
    json!({ "tables": tables.collect::<Vec<_>>() }).to_string()
}

fn rows_of(table: &str) -> String {
    format!("SELECT coalesce(string_agg({SHOWN}, ', ' ORDER BY id, name), 'no row') FROM \"{table}\"")
}

#[test]
fn what_differs_from_the_old_loader_is_listed() {
    let cases = cases();
    let text = schema(&cases, 0);
    let first = BulkSchema::parse(text.as_bytes(), "schema").unwrap();
    let old = OldLoader::new("takeover_differences", &first);
    let mut ours = Ours::new(&first, &text, &[]);
    let loader = ours.world.loader();
    (0..cases.len())
        .for_each(|at| drop(ours.world.sql(&format!("ALTER TABLE {} OWNER TO {loader}", table(at)))));
    let most = cases.iter().map(|case| case.exports.len()).max().unwrap();
    for night in 0..most {
        std::fs::write(ours.world.dir.path().join("schema.json"), schema(&cases, night)).unwrap();
        for (at, case) in cases.iter().enumerate() {
            let Some(export) = case.exports.get(night) else { continue };
            let csv = format!("{}\n{}", export.header, export.rows);
            ours.send(export.kind, export.at, &[(table(at), csv.clone())]);
            drop(old.try_load(export.kind == Full, &table(at), &csv));
        }
        ours.settle();
    }
    for (at, case) in cases.iter().enumerate() {
        let rows = rows_of(&table(at));
        assert_eq!(ours.world.sql(&rows), case.ours, "{}: ours", case.name);
        assert_eq!(old.sql(&rows), case.old, "{}: the old loader's", case.name);
        assert_eq!(case.ours == case.old, case.name.is_empty(), "{}", case.name);
    }
    // What was refused is told, and nothing else.
    let dead: Value = serde_json::from_str(&ours.dead()).unwrap();
    let mut refused: Vec<&str> =
        dead.as_array().unwrap().iter().map(|dead| dead["table"].as_str().unwrap()).collect();
    refused.sort_unstable();
    let named = |name: &str| table(cases.iter().position(|case| case.name == name).unwrap());
    assert_eq!(refused, REFUSED.map(named), "{dead:#}");
    // Empty texts as the old loader had them, where reports rely on it.
    let again = ["backfill", "--table", "c0", "--again", "--empty-strings", "null"];
    let answer = ours.world.run(&again);
    assert_eq!(answer.code, Some(0), "{answer:#?}");
    assert_eq!(ours.world.sql(&rows_of("c0")), old.sql(&rows_of("c0")));
}

/// The page has a row for each case, and no case that is not tried.
#[test]
fn the_page_lists_the_same_differences() {
    let page = std::fs::read_to_string(crate::postgres::root().join(PAGE)).unwrap();
    let listed = page.lines().skip_while(|line| !line.starts_with("| what")).skip(2);
    let listed: Vec<&str> = listed
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.split('|').nth(1).unwrap().trim())
        .collect();
    let cases = cases();
    let tried: Vec<&str> = cases.iter().map(|case| case.name).filter(|name| !name.is_empty()).collect();
    assert_eq!(listed, tried);
}
