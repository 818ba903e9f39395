//! A schema that moves on: the table in Redshift gets new columns and wider texts, or waits for its owner.

use crate::world::{Answer, NIGHT, OLD, SCHEMA, World};
use serde_json::{Value, json};

const NEXT_NIGHT: &str = "20260302031500";
/// What the schema has more: two columns, and a wider text.
const MORE: &str = r#""size": {"type": "integer", "sql_type": "integer"}, "note": {"type": "text", "sql_type": "text"},
    "petition_id""#;

fn schema(world: &World, schema: &str) {
    std::fs::write(world.dir.path().join("schema.json"), schema).unwrap();
}

/// A table of the schema before, which the loader owns, and an export of the schema now.
pub(crate) fn moved(is_owner: bool) -> World {
    let world = World::new();
    if is_owner {
        world.sql(&format!("ALTER TABLE t OWNER TO {}", world.loader()));
    }
    world.sql("INSERT INTO t (id, created_at) VALUES (77, '2020-01-01')");
    schema(&world, &SCHEMA.replace("\"petition_id\"", MORE).replace("varying(63)", "varying(300)"));
    world.put(
        "incremental",
        NIGHT,
        &format!(
            "email,created_at,score,params,active,size,note,petition_id,id\n{},{OLD},1,,t,5,x,7,1\n",
            "é".repeat(200)
        ),
    );
    world
}

pub(crate) const INCREMENTAL: &[&str] = &["--kind", "incremental"];
const ROWS: &str =
    "SELECT string_agg(concat_ws(' ', id, size, note, char_length(email)), ', ' ORDER BY id) FROM t";

/// Names of `changes` in a report.
fn changes(report: &Value) -> (Value, Value) {
    (report["changes"]["added_columns"].clone(), report["changes"]["widened_columns"].clone())
}

#[test]
fn new_columns_are_added_and_texts_widened() {
    let world = moved(true);
    let plan = world.run(&["plan", "--table", "t", "--kind", "incremental"]);
    assert_eq!(plan.code, Some(0), "{plan:#?}");
    for part in [
        "3 statements before it, each by itself",
        "ALTER TABLE \"public\".\"t\" ADD COLUMN \"size\" INTEGER;",
        "ALTER TABLE \"public\".\"t\" ADD COLUMN \"note\" CHARACTER VARYING(max);",
        "ALTER TABLE \"public\".\"t\" ALTER COLUMN \"email\" TYPE VARCHAR(1200);",
    ] {
        assert!(plan.out.contains(part), "{part}: {}", plan.out);
    }
    assert_eq!(
        world.sql("SELECT count(*) FROM svv_columns WHERE table_name = 't'"),
        "7",
        "a plan changes nothing"
    );
    let check = world.run(&["check", "--table", "t"]);
    assert!(check.out.contains("once the table is altered"), "{check:#?}");
    let report = world.loaded(INCREMENTAL);
    assert_eq!(changes(&report), (json!(["size", "note"]), json!(["email"])));
    assert_eq!(world.sql(ROWS), "1 5 x 200, 77");
    // The next load finds nothing to do, and a rerun is the same load.
    let again = world.loaded(INCREMENTAL);
    assert_eq!((again["status"].as_str(), changes(&again)), (Some("skipped"), (json!([]), json!([]))));
    // The schema has a column no more: it stays, NULL from now on.
    schema(&world, SCHEMA);
    world.export("full", NEXT_NIGHT, OLD, &[2, 3]);
    let report = world.loaded(&[]);
    assert_eq!(changes(&report), (json!([]), json!([])));
    assert_eq!(world.sql(ROWS), "2 4, 3 4");
}

#[test]
fn a_table_that_is_to_stay_is_not_altered() {
    let world = moved(true);
    let refused = |more: &[&str]| {
        let mut command = world.command(&[&["backfill", "--table", "t", "--json"], more].concat());
        Answer::of(command.env("CSL_LOAD_EVOLVE", "refuse").output().unwrap())
    };
    let answer = refused(INCREMENTAL);
    assert_eq!(answer.code, Some(4), "{answer:#?}");
    assert!(answer.err.contains("ADD COLUMN \"size\" INTEGER"), "{}", answer.err);
    assert_eq!(world.sql("SELECT count(*) FROM svv_columns WHERE table_name = 't'"), "7");
    // A column more in the table.
    world.sql("ALTER TABLE t ADD COLUMN extra INTEGER");
    schema(&world, SCHEMA);
    world.export("full", NEXT_NIGHT, OLD, &[2]);
    let answer = refused(&[]);
    assert_eq!(answer.code, Some(4), "{answer:#?}");
    assert!(answer.err.contains("column \"extra\" of the table"), "{}", answer.err);
}

#[test]
fn who_is_not_the_owner_is_told_all_statements() {
    let world = moved(false);
    let answer = world.backfill(INCREMENTAL);
    assert_eq!(answer.code, Some(4), "{answer:#?}");
    let statements = "ALTER TABLE \"public\".\"t\" ADD COLUMN \"size\" INTEGER; \
        ALTER TABLE \"public\".\"t\" ADD COLUMN \"note\" CHARACTER VARYING(max); \
        ALTER TABLE \"public\".\"t\" ALTER COLUMN \"email\" TYPE VARCHAR(1200);";
    assert!(answer.err.contains(&format!("let the table's owner run: {statements}")), "{}", answer.err);
    assert_eq!(world.ids(), "77");
    world.sql(&statements.replace("(max)", "(65535)"));
    let report = world.loaded(INCREMENTAL);
    assert_eq!(changes(&report), (json!([]), json!([])), "its owner did it");
    assert_eq!(world.sql(ROWS), "1 5 x 200, 77");
}

/// Texts alone are narrower: the load goes on without.
#[test]
fn what_cannot_be_widened_is_a_warning() {
    let refusal = "ERROR: cannot alter column \"email\" of relation \"t\": encoding \"bytedict\"";
    for (is_owner, fault, said) in [(false, None, "must be owner"), (true, Some(refusal), "bytedict")] {
        let world = moved(is_owner);
        schema(&world, &SCHEMA.replace("varying(63)", "varying(300)"));
        world.export("full", NEXT_NIGHT, OLD, &[2]);
        if let Some(fault) = fault {
            world.redshift.fail_statement("ALTER COLUMN", fault, 1);
        }
        let report = world.loaded(&[]);
        assert_eq!(changes(&report), (json!([]), json!([])));
        let warnings = report["warnings"].to_string();
        assert!(warnings.contains(said) && warnings.contains("TYPE VARCHAR(1200);"), "{warnings}");
        assert_eq!(world.ids(), "2");
    }
}

#[test]
fn another_that_adds_the_same_column_is_no_fault() {
    let world = moved(true);
    let there = "ERROR: column \"size\" of relation \"t\" already exists";
    world.redshift.fail_statement("ADD COLUMN \"size\"", there, 1);
    let report = world.loaded(INCREMENTAL);
    assert_eq!(changes(&report).1, json!(["email"]));
    assert_eq!(world.sql(ROWS), "1 5 x 200, 77");
    // One that says so for ever ends the load, which can be run again.
    let world = moved(true);
    world.redshift.fail_statement("ADD COLUMN \"size\"", there, 99);
    let answer = world.backfill(INCREMENTAL);
    assert_eq!(answer.code, Some(7), "{answer:#?}");
}

#[test]
fn what_was_altered_is_told_also_if_the_load_fails() {
    let world = moved(true);
    world.put(
        "incremental",
        NIGHT,
        &format!("email,created_at,score,params,active,size,note,petition_id,id\na,{OLD},1,,t,x,x,7,1\n"),
    );
    let answer = world.backfill(INCREMENTAL);
    assert_eq!(answer.code, Some(5), "{answer:#?}");
    assert_eq!(changes(&answer.json()), (json!(["size", "note"]), json!(["email"])));
}

/// The worker waits for the table's owner: the message is no dead letter, everybody hears of it once, and the next try
/// after the ALTER loads it.
#[cfg(feature = "serve")]
#[test]
fn a_message_waits_for_the_tables_owner() {
    use crate::worker::{order, send};
    use csl_stream::store::ExportKind::Full;
    let world = World::new();
    schema(
        &world,
        &SCHEMA.replace(
            "\"petition_id\"",
            "\"size\": {\"type\": \"integer\", \"sql_type\": \"integer\"}, \"petition_id\"",
        ),
    );
    // An export that can still be read.
    let now = csl_stream::ledger::timestamp(std::time::SystemTime::now());
    let at: String = now.chars().filter(char::is_ascii_digit).collect();
    let message = order(&world, Full, &at, &[]);
    world.put(
        "full",
        &at,
        &format!("email,created_at,score,params,active,size,petition_id,id\na,{OLD},1,,t,5,7,1\n"),
    );
    send(&world, &[&message]);
    let log = world.dir.path().join("log");
    let mut command = world.command(&["work"]);
    command.env("CSL_WORK_TABLES", "all").env("CSL_EXPORTS_BUCKETS", "exports");
    command.stdout(std::process::Stdio::null()).stderr(std::fs::File::create(&log).unwrap());
    let mut worker = command.spawn().unwrap();
    let said = || std::fs::read_to_string(&log).unwrap();
    let until = |part: &str| {
        let start = std::time::Instant::now();
        while !said().contains(part) && start.elapsed() < crate::world::SECONDS_MAX {
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        assert!(said().contains(part), "{part}: {}", said());
    };
    until("tried again in 5 s");
    assert!(said().contains("ALTER TABLE \"public\".\"t\" ADD COLUMN \"size\" INTEGER;"), "{}", said());
    world.sql("ALTER TABLE t ADD COLUMN size INTEGER");
    let start = std::time::Instant::now();
    while world.ids() != "1" && start.elapsed() < crate::world::SECONDS_MAX {
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    worker.kill().unwrap();
    worker.wait().unwrap();
    assert_eq!(world.sql("SELECT id, size FROM t"), "1|5", "{}", said());
    let dead = world.run(&["dead-letters", "list", "--json"]);
    assert_eq!((dead.code, dead.json()), (Some(0), json!([])), "{dead:#?}");
}

/// A schema that has moved since it was read is read once more, and the load begins again with it.
#[test]
fn a_schema_that_moved_meanwhile_is_read_once_more() {
    let world = moved(true);
    let new = std::fs::read_to_string(world.dir.path().join("schema.json")).unwrap();
    schema(&world, SCHEMA);
    let gate = world.redshift.hold(crate::redshift::At::Call(crate::redshift::Call::ExecuteStatement));
    let answer = std::thread::scope(|scope| {
        let load = scope.spawn(|| world.backfill(INCREMENTAL));
        assert!(gate.reached(crate::world::SECONDS_MAX));
        schema(&world, &new);
        gate.open();
        load.join().unwrap()
    });
    assert_eq!(answer.code, Some(0), "{answer:#?}");
    assert_eq!(changes(&answer.json()), (json!(["size", "note"]), json!(["email"])));
    assert_eq!(world.sql(ROWS), "1 5 x 200, 77");
    // One that has not moved is refused as ever.
    world.put(
        "incremental",
        NEXT_NIGHT,
        &format!("email,created_at,score,params,active,other,petition_id,id\na,{OLD},1,,t,x,7,1\n"),
    );
    let answer = world.backfill(INCREMENTAL);
    assert_eq!(answer.code, Some(4), "{answer:#?}");
    assert!(!answer.err.contains("once more"), "{}", answer.err);
}
