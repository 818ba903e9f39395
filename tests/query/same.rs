//! Whatever an export holds: asked as it lies there it answers as what was converted of it.

use super::given::Given;
use super::made::{Made, columns, csv, packed};
use super::{given, seed};
use csl_stream::pipeline::{EmptyStrings, Overlong};
use csl_stream::privacy::{NewColumns, Policy, Preset};
use csl_stream::schema::{MissingColumns, UnknownColumns};
use std::sync::Arc;

/// Random exports in a run.
const EXPORTS: usize = 24;

fn exports() -> usize {
    std::env::var("CSL_TEST_EXPORTS")
        .map_or(EXPORTS, |count| count.parse().expect("CSL_TEST_EXPORTS is a number"))
}

/// The lines of an answer, in an order that both sides have.
fn sorted(answer: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = answer.split('\n').collect();
    lines[1..].sort_unstable();
    lines
}

/// A random table, its export, and options under which it is read.
fn random(rng: &mut fastrand::Rng) -> (Vec<Made>, Given) {
    let made = columns(rng);
    let mut header: Vec<&Made> = made.iter().collect();
    rng.shuffle(&mut header);
    let (lacks, more) = (rng.usize(..4) == 0, rng.usize(..4) == 0);
    if lacks {
        header.pop();
    }
    let other = Made { name: "unheard_of".into(), sql_type: "text", nullable: true };
    if more {
        header.insert(rng.usize(..=header.len()), &other);
    }
    let rows = [0, 1, rng.usize(..50), rng.usize(..3_000), rng.usize(9_000..20_000)][rng.usize(..5)];
    let faults_one_of = if rng.usize(..3) == 0 { 500 } else { 0 };
    let text = csv(rng, &header, rows, faults_one_of);
    let (packing, bytes) = packed(rng, text.as_bytes());
    println!(
        "{} columns, {rows} rows, {} bytes, {packing}, one fault of {faults_one_of}, lacks {lacks}, more {more}",
        header.len(),
        text.len()
    );
    let specs: Vec<_> = made.iter().map(|made| (made.name.as_str(), made.sql_type, made.nullable)).collect();
    let mut given = Given::new(bytes, given::table(&specs));
    given.read_bytes = [usize::MAX, 4_096, 13_001][rng.usize(..3)];
    given.options.unknown_columns = UnknownColumns::Drop;
    given.options.missing_columns = MissingColumns::Null;
    given.options.max_rejects = if faults_one_of > 0 { u64::MAX } else { 0 };
    given.options.empty_strings = [EmptyStrings::Keep, EmptyStrings::Null][rng.usize(..2)];
    given.options.overlong =
        [Overlong::Truncate, Overlong::Reject][usize::from(faults_one_of > 0 && rng.bool())];
    if rng.bool() {
        given.options.policy = Arc::new(policy(rng, &made));
    }
    (made, given)
}

/// Rules for some of the columns, each one that its type takes.
fn policy(rng: &mut fastrand::Rng, made: &[Made]) -> Policy {
    let mut rules = Vec::new();
    for column in made {
        let is_text = matches!(column.sql_type, "text" | "citext" | "character varying(6)");
        let rule = match rng.usize(..8) {
            0 if is_text => "hash",
            1 if is_text => "prefix:2",
            2 if is_text => "domain",
            3 => "drop",
            4 if column.nullable => "null",
            _ => continue,
        };
        rules.push((format!("t.{}", column.name), rule));
    }
    let rules = rules.iter().map(|(column, rule)| (column.as_str(), *rule));
    Policy::new(rules, Preset::None, NewColumns::Keep, b"0123456789abcdef").unwrap()
}

/// Statements over these columns.
fn statements(rng: &mut fastrand::Rng, names: &[String]) -> Vec<String> {
    let mut any = |most: usize| -> Vec<String> {
        (0..rng.usize(1..=most)).map(|_| format!("\"{}\"", names[rng.usize(..names.len())])).collect()
    };
    let named = |columns: &[String]| {
        let each = columns.iter().enumerate().map(|(at, column)| format!("{column} as x{at}"));
        each.collect::<Vec<_>>().join(", ")
    };
    let (few, many, one, other) = (any(3), any(30), any(1)[0].clone(), any(1)[0].clone());
    vec![
        "select count(*) as n from t".into(),
        "select * from t".into(),
        format!("select {} from t", named(&few)),
        format!("select {} from t", named(&many)),
        format!(
            "select count({one}) as n, count(distinct {one}) as d, min({one}) as a, max({one}) as z from t"
        ),
        format!("select {}, arrow_typeof({one}) as kind from t where {other} is not null", named(&few)),
        format!("select {one} as x, count(*) as n from t where cast({other} as varchar) > '2' group by 1"),
        format!(
            "select a.n, b.n as m from (select count(*) as n from t where {one} is null) a, (select count({other}) as n from t) b"
        ),
        "select count(*) as n from (select * from t limit 7)".into(),
        "select count(*) as n from (select * from t limit 0)".into(),
        format!("select count(*) as n from (select {one} from t where {one} is not null limit 9000)"),
        format!("select {one} as x from t order by 1 limit 5 offset 2"),
    ]
}

#[test]
fn an_export_answers_as_what_is_converted_of_it() {
    let mut rng = fastrand::Rng::with_seed(seed::seed());
    let mut answered = 0;
    for _ in 0..exports() {
        let (_, given) = random(&mut rng);
        given.converted().map_err(|(_, error)| error).unwrap();
        let opened = given.open().unwrap();
        let names: Vec<String> = opened.layout().columns.iter().map(|column| column.name.clone()).collect();
        assert_eq!(
            given::ask(&opened, "describe t").unwrap(),
            given.ask_converted("describe t").unwrap(),
            "the types"
        );
        for sql in statements(&mut rng, &names) {
            match (given::ask(&opened, &sql), given.ask_converted(&sql)) {
                (Ok(asked), Ok(converted)) => {
                    assert!(
                        sorted(&asked) == sorted(&converted),
                        "{sql}\n{}",
                        first_other(&asked, &converted)
                    );
                    answered += 1;
                }
                // What a statement cannot do with a value it can do with neither.
                (Err(asked), Err(converted)) => assert_eq!(asked.class(), converted.class(), "{sql}"),
                (asked, converted) => panic!("{sql}\n{asked:?}\n{converted:?}"),
            }
        }
    }
    assert!(answered > exports() * 9, "only {answered} statements were answered");
}

fn first_other(asked: &str, converted: &str) -> String {
    let (asked, converted) = (sorted(asked), sorted(converted));
    let other = asked.iter().zip(&converted).find(|(one, other)| one != other);
    format!("{} and {} lines; {other:?}", asked.len(), converted.len())
}

#[test]
fn rules_of_privacy_are_applied_before_anything_is_seen() {
    let csv = "id,email,name\n1,ann@example.org,ann\n2,,\n3,bo@example.org,bo\n";
    let table = given::table(&[("id", "bigint", false), ("email", "text", true), ("name", "text", true)]);
    let mut given = Given::new(csv, table);
    let rules = [("t.email", "domain"), ("t.name", "drop")];
    given.options.policy =
        Arc::new(Policy::new(rules, Preset::None, NewColumns::Keep, b"0123456789abcdef").unwrap());
    let answer = given.ask("select * from t order by id").unwrap();
    assert!(answer.contains("example.org") && !answer.contains("ann") && !answer.contains("bo"), "{answer}");
    let error = given.ask("select name from t").unwrap_err();
    assert!(error.to_string().contains("no field named name"), "{error}");
}

#[test]
fn the_first_rows_are_those_of_the_file() {
    let rows: String = (0..200_000).map(|id| format!("{id},n{id}\n")).collect();
    let given = Given::new(
        format!("id,name\n{rows}"),
        given::table(&[("id", "bigint", false), ("name", "text", true)]),
    );
    for _ in 0..5 {
        assert_eq!(given.ask("select name, id from t limit 3").unwrap(), "name,id\nn0,0\nn1,1\nn2,2\n");
    }
    assert_eq!(given.ask("select id from t limit 1 offset 20000").unwrap(), "id\n20000\n");
}
