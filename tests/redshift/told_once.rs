//! A message that waits for somebody is told once, however often it is tried, and once when it is over.

use crate::listener::Listeners;
use crate::takeover::Ours;
use crate::world::{NIGHT, OLD, SCHEMA};
use csl_stream::schema::BulkSchema;
use csl_stream::store::ExportKind::Full;

/// Tries of the message before anybody acts.
const TRIES: u32 = 5;

/// A time of which exports can still be read.
fn now() -> String {
    let now = csl_stream::ledger::timestamp(std::time::SystemTime::now());
    now.chars().filter(char::is_ascii_digit).take(14).collect()
}

#[test]
fn what_waits_for_an_owner_is_told_once_and_once_when_it_is_over() {
    let listeners = Listeners::start();
    let variables = listeners.variables();
    let settings: Vec<(&str, &str)> =
        variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let first = BulkSchema::parse(SCHEMA.as_bytes(), "schema").unwrap();
    let mut ours = Ours::new(&first, SCHEMA, &settings);
    let more = r#""size": {"type": "integer", "sql_type": "integer"}, "petition_id""#;
    let schema = ours.world.dir.path().join("schema.json");
    std::fs::write(schema, SCHEMA.replace("\"petition_id\"", more)).unwrap();
    let header = "email,created_at,score,params,active,size,petition_id,id";
    let export = ("t".to_owned(), format!("{header}\na,{OLD},1,,t,5,7,1\n"));
    ours.send(Full, &now(), &[export]);
    for tries in 1..=TRIES {
        ours.tried(tries);
        assert!(ours.log().contains("ADD COLUMN \"size\" INTEGER;"), "{}", ours.log());
        if tries < TRIES {
            ours.pass_time();
        }
    }
    let told = listeners.all();
    assert_eq!(told.len(), 1, "{told:#?}");
    for part in [r#""event":"failure""#, r#""state":"open""#, r#""table":"t""#, r#""cause":"schema""#] {
        assert!(told[0].body.contains(part), "{part}: {told:#?}");
    }
    ours.world.sql("ALTER TABLE t ADD COLUMN size INTEGER");
    ours.pass_time();
    ours.settle();
    ours.stop();
    let told = listeners.all();
    assert!(told.len() == 1 && told[0].body.contains(r#""state":"over""#), "{told:#?}");
    assert_eq!((ours.world.sql("SELECT id, size FROM t").as_str(), ours.dead().as_str()), ("1|5", "[]"));
    assert!(ours.log().matches("tried again in").count() >= 5, "{}", ours.log());
}

/// A table that ControlShift has and Redshift lacks: its messages wait, with the statement that makes it.
#[test]
fn a_table_that_is_new_waits_with_the_statement_that_makes_it() {
    let first = BulkSchema::parse(SCHEMA.as_bytes(), "schema").unwrap();
    let mut ours = Ours::new(&first, SCHEMA, &[]);
    ours.world.sql("DROP TABLE t");
    let header = "email,created_at,score,params,active,petition_id,id";
    ours.send(Full, &now(), &[("t".to_owned(), format!("{header}\na,{OLD},1,,t,7,1\n"))]);
    ours.tried(1);
    let log = ours.log();
    let statement = log.split("let whoever may make it run: ").nth(1).unwrap().split(';').next().unwrap();
    assert!(statement.starts_with("CREATE TABLE IF NOT EXISTS \"public\".\"t\" (\"email\" "), "{log}");
    ours.world.sql(&statement.replace("(max)", "(65535)"));
    ours.world.sql(&format!("GRANT SELECT, INSERT, DELETE ON t TO {}", ours.world.loader()));
    ours.pass_time();
    ours.settle();
    assert_eq!((ours.world.ids().as_str(), ours.dead().as_str()), ("1", "[]"));
    // The receiver knows no other table: nothing is queued for it.
    let other = ours.post_for("nowhere", NIGHT);
    assert!(other.starts_with("200 ") && other.contains("not in the bulk schema"), "{other}");
}
