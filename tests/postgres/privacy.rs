//! Each rule of privacy beside an oracle: the SQL that `docs/how-to/hide-values.md` shows, in PostgreSQL and in DuckDB.
//!
//! ```text
//! values ─┬─ convert, no rules ─▶ raw.parquet ──▶ DuckDB: the page's SQL over the raw ═ the masked
//!         ├─ convert, rules ────▶ masked.parquet ─┘            │
//!         └─ COPY ─▶ PostgreSQL: the page's SQL over the raw ═ masked.csv
//! ```
//! `CSL_TEST_PRIVACY_VALUES` says how many values each rule gets.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use crate::postgres::{Database, root, server};
use crate::run::{Convert, said};
use fastrand::Rng;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Values for each rule unless told otherwise.
const VALUES: usize = 20_000;
const KEY: &str = "it's a key, of hashes: Ä";
const RULES: &[&str] = &["hash", "hash_exact", "domain", "prefix:3", "network"];
const PAGE: &str = "docs/how-to/hide-values.md";

/// What is worth trying by itself.
const HOSTILE: &[&str] = &[
    "",
    " ",
    "   ",
    "Ann@Example.org",
    " ann@example.org  ",
    "\tann@example.org\n",
    "\u{a0}ann@example.org\u{a0}",
    "\u{2003}wide\u{2003}",
    "@",
    "@@",
    "a@",
    "@b",
    "a@b@C",
    "\"a@b\"@Example.ORG ",
    "call me @ Ann Smith",
    "x@y\tz",
    "x@ y ",
    "quote \" in it",
    "\"",
    "\"\"",
    "comma, and\r\nline",
    "\\N",
    "NULL",
    "ÄÖÜ ß ẞ",
    "ΣΊΣΥΦΟΣ",
    "straße@BÜCHER.example",
    "İstanbul I ı",
    "Ǆ ǅ ǆ",
    "日本語のメール@例え.テスト",
    "👩‍👩‍👧‍👦 family",
    "e\u{301}e\u{301}e\u{301}e\u{301}",
    "\u{feff}mark",
    "\u{200b}",
    "\u{10ffff}",
    "0",
    "t",
];
const ADDRESSES: &[&str] = &[
    "192.0.2.77",
    "0.0.0.0",
    "255.255.255.255",
    "192.0.2.77/32",
    "10.1.2.3/8",
    "::",
    "::1",
    "2001:db8:1:2::3",
    "2001:db8::/32",
    "fe80::1",
    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    "::ffff:192.0.2.77",
    "64:ff9b::192.0.2.33",
    "",
    "nobody",
    "192.0.2",
    "192.0.2.256",
    " 192.0.2.1 ",
];

fn letter(random: &mut Rng) -> char {
    let ranges =
        [('a', 'z'), ('A', 'Z'), ('0', '9'), (' ', '/'), ('À', 'ÿ'), ('Α', 'ω'), ('А', 'я'), ('一', '丿')];
    let (first, last) = ranges[random.usize(..ranges.len())];
    random.char(first..=last)
}

fn text(random: &mut Rng) -> String {
    let word = |random: &mut Rng, most: usize| -> String {
        (0..random.usize(..=most)).map(|_| letter(random)).collect()
    };
    match random.u8(..10) {
        0 => HOSTILE[random.usize(..HOSTILE.len())].to_owned(),
        1 => " ".repeat(random.usize(..4)) + &word(random, 12) + &" ".repeat(random.usize(..4)),
        2 => word(random, 400),
        3 => word(random, 4),
        _ => {
            let ascii = |random: &mut Rng| -> String {
                (0..random.usize(1..12)).map(|_| random.alphanumeric()).collect()
            };
            format!("{}@{}.Example", ascii(random), ascii(random))
        }
    }
}

fn address(random: &mut Rng) -> String {
    match random.u8(..10) {
        0 => ADDRESSES[random.usize(..ADDRESSES.len())].to_owned(),
        1..6 => std::net::Ipv4Addr::from_bits(random.u32(..)).to_string(),
        // Many zeros, which are written in more than one way.
        6 => std::net::Ipv6Addr::from_bits(random.u128(..) & random.u128(..) & random.u128(..)).to_string(),
        _ => std::net::Ipv6Addr::from_bits(random.u128(..)).to_string(),
    }
}

/// A file in which each column but the id has values of one rule; a twentieth of them is NULL.
fn export(random: &mut Rng, rows: usize) -> String {
    let mut csv = String::from("id,hash,hash_exact,domain,prefix,network\n");
    for id in 0..rows {
        write!(csv, "{id}").unwrap();
        for rule in RULES {
            csv.push(',');
            let hostile = if *rule == "network" { ADDRESSES } else { HOSTILE };
            let value = match hostile.get(id) {
                Some(value) => (*value).to_owned(),
                None if random.u8(..20) == 0 => continue,
                None if *rule == "network" => address(random),
                None => text(random),
            };
            write!(csv, "\"{}\"", value.replace('"', "\"\"")).unwrap();
        }
        csv.push('\n');
    }
    csv
}

fn schema() -> String {
    let column = |rule: &&str| format!(r#""{}":{{"type":"text","sql_type":"text"}}"#, column_of(rule));
    let columns: Vec<String> = RULES.iter().map(column).collect();
    format!(
        r#"{{"tables":[{{"table":{{"name":"t","columns":{{"id":{{"type":"integer","sql_type":"bigint"}},{}}}}}}}]}}"#,
        columns.join(",")
    )
}

fn column_of(rule: &str) -> &str {
    rule.split(':').next().unwrap()
}

/// The SQL of the page for a rule in a database, over a column, with the key in it.
fn sql_of(database: &str, rule: &str, column: &str) -> String {
    let page = std::fs::read_to_string(root().join(PAGE)).unwrap();
    let mark = format!("<!-- {database}: {} -->\n```sql\n", column_of(rule));
    let (_, rest) = page.split_once(&mark).unwrap_or_else(|| panic!("{PAGE} lacks {mark}"));
    let sql = rest.split_once("\n```\n").unwrap().0;
    sql.replace("'KEY'", &format!("'{}'", KEY.replace('\'', "''"))).replace("value", column)
}

/// Converts, with rules or without, and gives the one Parquet file.
fn converted(dir: &Path, name: &str, config: &str) -> PathBuf {
    let (config_path, out) = (dir.join(format!("{name}.toml")), dir.join(name));
    std::fs::write(&config_path, config).unwrap();
    let convert = Convert {
        input: &dir.join("t.csv"),
        schema: &dir.join("schema.json"),
        table: "t",
        out: &out,
        report: &dir.join(format!("{name}.json")),
        more: vec!["--config".to_owned(), config_path.display().to_string()],
    };
    let (output, report) = convert.run();
    assert!(output.status.success(), "{}", said(&output));
    let report = report.unwrap();
    assert_eq!(report["files"].as_array().unwrap().len(), 1);
    out.join("part-00000.snappy.parquet")
}

fn rules_of(dir: &Path) -> String {
    let secret = dir.join("key");
    // With the newline that an editor leaves.
    std::fs::write(&secret, format!("{KEY}\n")).unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let rule = |rule: &&str| format!("\"t.{}\" = \"{rule}\"\n", column_of(rule));
    let rules: String = RULES.iter().map(rule).collect();
    format!("[privacy]\nsecret_file = \"key\"\n[privacy.columns]\n{rules}")
}

/// What DuckDB makes of the raw values beside what we made of them; writes ours as CSV for PostgreSQL.
fn in_duckdb(dir: &Path, raw: &Path, masked: &Path) -> Vec<String> {
    let venv = Command::new(root().join("scripts/venv")).output().unwrap();
    assert!(venv.status.success(), "{}", String::from_utf8_lossy(&venv.stderr));
    // IPv6 is PostgreSQL's affair: DuckDB has no addresses without an extension.
    let rules = RULES.iter().filter(|rule| **rule != "network");
    let sql = |rule: &&str| {
        (column_of(rule).to_owned(), sql_of("duckdb", rule, &format!("raw.{}", column_of(rule))))
    };
    let sql: serde_json::Map<_, _> = rules.map(sql).map(|(name, sql)| (name, sql.into())).collect();
    let output = Command::new(String::from_utf8(venv.stdout).unwrap().trim_end())
        .arg(root().join("tests/python/privacy.py"))
        .args([raw, masked, &dir.join("masked.csv")])
        .arg(serde_json::Value::from(sql).to_string())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn in_postgres(database: &Database<'_>, dir: &Path) -> Vec<String> {
    // The server's own locale is C, which knows the small letters of ASCII alone.
    let collation = database.text(
        "SELECT quote_ident(collname) FROM pg_collation WHERE collname IN ('pg_c_utf8', 'C.utf8', 'C.UTF-8') LIMIT 1",
    );
    let texts: Vec<String> =
        RULES.iter().map(|rule| format!("{} text COLLATE {collation}", column_of(rule))).collect();
    let columns = format!("id bigint PRIMARY KEY, {}", texts.join(", "));
    for (table, file) in [("raw", "t.csv"), ("masked", "masked.csv")] {
        database.run(&format!(
            "CREATE TABLE {table} ({columns});\n\\copy {table} FROM '{}' (FORMAT csv, HEADER)\n",
            dir.join(file).display()
        ));
    }
    database.run(
        "CREATE FUNCTION sha2(text, int) RETURNS text LANGUAGE sql IMMUTABLE AS \
         $$ SELECT encode(sha256(convert_to($1, 'UTF8')), 'hex') $$;",
    );
    // What is no address is NULL; a cast would fail.
    database.run(
        "CREATE FUNCTION is_address(text) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN \
         PERFORM $1::inet; RETURN true; EXCEPTION WHEN OTHERS THEN RETURN false; END $$;",
    );
    let mut faults = Vec::new();
    for (kind, rule) in RULES.iter().flat_map(|rule| ["postgresql", "redshift"].map(|kind| (kind, *rule))) {
        let column = column_of(rule);
        let sql = match (kind, rule) {
            ("redshift", "domain" | "network") => continue,
            (_, "network") => {
                let sql = sql_of(kind, rule, "btrim(raw.network)");
                format!("CASE WHEN is_address(btrim(raw.network)) THEN ({sql}) END")
            }
            _ => sql_of(kind, rule, &format!("raw.{column}")),
        };
        let found = database.text(&format!(
            "SELECT count(*) || ' ' || coalesce(min(raw.id)::text, '') FROM raw JOIN masked USING (id) \
             WHERE masked.{column} IS DISTINCT FROM ({sql})"
        ));
        if found != "0 " {
            faults.push(format!("{kind} {rule}: {found}"));
        }
    }
    faults
}

#[test]
fn rules_are_what_sql_says() {
    let rows = std::env::var("CSL_TEST_PRIVACY_VALUES").map_or(VALUES, |rows| rows.parse().unwrap());
    let seed = std::env::var("CSL_SEED").map_or_else(|_| fastrand::u64(..), |seed| seed.parse().unwrap());
    println!("CSL_SEED={seed}, {rows} values for each of {} rules", RULES.len());
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    std::fs::write(dir.join("schema.json"), schema()).unwrap();
    std::fs::write(dir.join("t.csv"), export(&mut Rng::with_seed(seed), rows)).unwrap();
    let raw = converted(dir, "raw", "");
    let masked = converted(dir, "masked", &rules_of(dir));
    let mut faults = in_duckdb(dir, &raw, &masked);
    let database = server().database("privacy");
    assert_eq!(database.text("SELECT 1"), "1");
    faults.extend(in_postgres(&database, dir));
    assert!(faults.is_empty(), "{faults:#?}");
    // What must not be taken for granted: NULL stays NULL, and an empty text is hashed as one.
    let line = database.text(&format!(
        "SELECT count(*) FILTER (WHERE (raw.hash IS NULL) <> (masked.hash IS NULL)), \
         count(*) FILTER (WHERE raw.hash IS NULL) > 0, \
         bool_and(masked.hash = encode(sha256(convert_to('{0}', 'UTF8')), 'hex')) FILTER (WHERE raw.hash = ''), \
         count(*) FILTER (WHERE raw.hash = '') > 0, count(*) = {rows} FROM raw JOIN masked USING (id)",
        KEY.replace('\'', "''")
    ));
    assert_eq!(line, "0|t|t|t|t");
}
