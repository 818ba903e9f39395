//! The ledger is believed only while the table is the one that it speaks of.

use crate::redshift::{At, Call};
use crate::world::{NIGHT, OLD, SECONDS_MAX, TABLE, World};
use csl_stream::warehouse::redshift::ledger_ddl;

const NEXT_NIGHT: &str = "20260302031500";

/// Grants on a table that was made anew, as its maker gives them.
fn grant(world: &World) {
    world.sql(&ledger_ddl(world.name(), "public", &["t".to_owned()], &world.loader()));
}

/// How a table loses its rows without a word to the ledger.
const LOSSES: &[(&str, &str)] = &[
    ("TRUNCATE", "TRUNCATE t"),
    ("DELETE", "DELETE FROM t"),
    ("DROP and CREATE", "DROP TABLE t"),
    ("renamed away", "ALTER TABLE t RENAME TO t_before"),
    ("moved away", "CREATE SCHEMA attic; ALTER TABLE t SET SCHEMA attic"),
];

fn lose(world: &World, sql: &str) {
    world.sql(sql);
    if !["TRUNCATE", "DELETE", "INSERT"].iter().any(|word| sql.starts_with(word)) {
        world.sql(TABLE);
        grant(world);
    }
}

fn loads(world: &World) -> String {
    world.sql("SELECT count(*) FROM csl_stream_loads")
}

#[test]
fn an_export_is_loaded_again_into_a_table_that_lost_it() {
    for (what, loss) in LOSSES {
        let world = World::new();
        world.export("full", NIGHT, OLD, &[1, 2, 3]);
        let first = world.loaded(&[]);
        assert_eq!(world.loaded(&[])["status"], "skipped", "{what}");
        lose(&world, loss);
        let second = world.loaded(&[]);
        assert_eq!((second["status"].as_str(), world.ids().as_str()), (Some("succeeded"), "1 2 3"), "{what}");
        assert_ne!(second["load_id"], first["load_id"], "{what}");
        assert!(second["warnings"].to_string().contains("was empty, though 3 rows"), "{what}: {second}");
        assert_eq!(world.loaded(&[])["status"], "skipped", "{what}");
        assert_eq!(loads(&world), "2", "{what}");
        // An older one is no more in the way than before, and no less.
        world.export("full", "20260228031500", OLD, &[9]);
        let older = world.loaded(&["--date", "20260228"]);
        assert_eq!(older["status"], "skipped", "{what}: {older}");
    }
}

#[test]
fn what_comes_first_into_an_emptied_table_hides_nothing() {
    for (what, loss) in LOSSES {
        let world = World::new();
        world.export("full", NIGHT, OLD, &[1, 2, 3]);
        world.loaded(&[]);
        lose(&world, loss);
        world.export("incremental", "20260301040000", "2026-03-01 03:59:00", &[4]);
        let added = world.loaded(&["--kind", "incremental"]);
        assert!(added["warnings"].to_string().contains("csl-stream backfill --table t"), "{what}: {added}");
        assert_eq!(world.ids(), "4", "{what}");
        assert_eq!(world.loaded(&[])["status"], "succeeded", "{what}");
        assert_eq!(world.ids(), "1 2 3 4", "{what}");
        assert_eq!(world.loaded(&["--kind", "incremental"])["status"], "skipped", "{what}");
    }
}

#[test]
fn a_retry_fills_a_table_that_lost_its_rows() {
    for (what, loss) in LOSSES {
        let world = World::new();
        world.export("full", NIGHT, OLD, &[1, 2, 3]);
        let id = world.loaded(&[])["load_id"].as_str().unwrap().to_owned();
        lose(&world, loss);
        let retried = world.run(&["loads", "retry", &id]);
        assert_eq!((retried.code, world.ids().as_str()), (Some(0), "1 2 3"), "{what}: {retried:#?}");
        assert_eq!(world.loaded(&[])["status"], "skipped", "{what}");
        // Other loads of the export are in the table by now: what is left of the first says so.
        let again = world.run(&["loads", "retry", &id]);
        assert_eq!((again.code, loads(&world).as_str()), (Some(0), "2"), "{what}: {again:#?}");
    }
}

/// A table that is as empty as its last load left it has lost nothing.
#[test]
fn an_empty_table_that_is_meant_to_be_empty_is_no_loss() {
    let world = World::new();
    world.export("full", NIGHT, OLD, &[1, 2]);
    world.loaded(&[]);
    world.export("full", NEXT_NIGHT, OLD, &[]);
    world.loaded(&["--allow-shrink"]);
    for export in ["20260301", "20260302"] {
        assert_eq!(world.loaded(&["--date", export])["status"], "skipped", "{export}");
    }
    assert_eq!((world.ids().as_str(), loads(&world).as_str()), ("", "2"));
}

/// A deep copy (dg/performing-a-deep-copy) is another table with the same rows.
#[test]
fn a_deep_copy_is_loaded_again_and_not_set_back() {
    let world = World::new();
    world.export("full", "20260228031500", OLD, &[9]);
    world.export("full", NIGHT, OLD, &[1, 2, 3]);
    world.loaded(&[]);
    world.sql("CREATE TABLE t_new AS SELECT * FROM t; DROP TABLE t; ALTER TABLE t_new RENAME TO t");
    grant(&world);
    assert_eq!(world.loaded(&["--date", "20260228"])["status"], "skipped", "it is older");
    let again = world.loaded(&["--date", "20260301"]);
    assert_eq!(again["status"], "succeeded");
    assert!(again["warnings"].to_string().contains("another table of this name"), "{again}");
    assert_eq!((world.ids().as_str(), world.loaded(&[])["status"].as_str()), ("1 2 3", Some("skipped")));
}

/// Rows without ids would double.
#[test]
fn a_deep_copy_without_ids_takes_no_incremental_twice() {
    let world = World::with(&TABLE.replace("id BIGINT NOT NULL, ", ""));
    let id = ",\n    \"id\": {\"type\": \"integer\", \"sql_type\": \"bigint\", \"nullable\": false}";
    let schema = crate::world::SCHEMA.replace(id, "");
    assert_ne!(schema, crate::world::SCHEMA);
    std::fs::write(world.dir.path().join("schema.json"), schema).unwrap();
    world.export("full", NIGHT, OLD, &[1, 2]);
    let without = ["--unknown-columns", "drop"];
    world.loaded(&without);
    world.export("incremental", "20260301040000", "2026-03-01 03:59:00", &[4]);
    world.loaded(&[&without[..], &["--kind", "incremental"]].concat());
    world.sql("CREATE TABLE t_new AS SELECT * FROM t; DROP TABLE t; ALTER TABLE t_new RENAME TO t");
    grant(&world);
    let again = world.loaded(&[&without[..], &["--kind", "incremental"]].concat());
    assert_eq!(
        (again["status"].as_str(), world.sql("SELECT count(*) FROM t").as_str()),
        (Some("skipped"), "3")
    );
}

/// What is decided before the transaction is looked at again in it.
#[test]
fn a_table_that_changes_before_its_transaction_is_looked_at_again() {
    let filled = ("filled", "INSERT INTO t (id, created_at) VALUES (70, '2020-01-01')");
    for (what, change) in LOSSES.iter().chain(&[filled]) {
        let world = World::new();
        world.export("full", NIGHT, OLD, &[1, 2, 3]);
        if *what != "filled" {
            world.loaded(&[]);
        }
        world.export("full", NEXT_NIGHT, OLD, &[1, 2, 3, 4]);
        let gate = world.redshift.hold(At::Call(Call::BatchExecuteStatement));
        std::thread::scope(|scope| {
            let run = scope.spawn(|| world.loaded(&[]));
            assert!(gate.reached(SECONDS_MAX), "{what}: nobody came");
            lose(&world, change);
            gate.open();
            assert_eq!(run.join().unwrap()["status"], "succeeded", "{what}");
        });
        assert_eq!(world.ids(), "1 2 3 4", "{what}");
        let batches = world.redshift.sent().iter().filter(|sent| sent.sql.starts_with("COPY")).count();
        assert_eq!(batches, if *what == "filled" { 2 } else { 3 }, "{what}: it was run again");
        let kept = world.sql("SELECT table_id FROM csl_stream_loads ORDER BY exported_at DESC LIMIT 1");
        assert_eq!(kept, world.sql("SELECT 't'::regclass::oid"), "{what}");
        assert_eq!(world.loaded(&["--date", "20260301"])["status"], "skipped", "{what}");
    }
}

/// Two loads that both see that the table has lost its rows: one of them fills it.
#[test]
fn two_loads_into_an_emptied_table_are_one() {
    let world = World::new();
    world.export("full", NIGHT, OLD, &[1, 2, 3]);
    world.loaded(&[]);
    world.sql("TRUNCATE t");
    let gate = world.redshift.hold(At::Statement("COPY".to_owned()));
    let (one, two) = std::thread::scope(|scope| {
        let one = scope.spawn(|| world.backfill(&[]));
        assert!(gate.reached(SECONDS_MAX), "nobody came");
        let two = scope.spawn(|| world.backfill(&[]));
        std::thread::sleep(std::time::Duration::from_millis(1_500));
        gate.open();
        (one.join().unwrap(), two.join().unwrap())
    });
    assert_eq!((one.code, two.code), (Some(0), Some(7)), "{one:#?} {two:#?}");
    assert_eq!((world.ids().as_str(), loads(&world).as_str()), ("1 2 3", "2"));
    assert_eq!(world.loaded(&[])["status"], "skipped");
}

/// A ledger of an earlier program lacks two columns: whoever owns it adds them, everybody else loads on.
#[test]
fn a_ledger_of_an_earlier_program_goes_on() {
    for owned in [true, false] {
        let world = World::new();
        for column in ["table_id", "generation", "sequence"] {
            world.sql(&format!("ALTER TABLE csl_stream_loads DROP COLUMN {column}"));
        }
        if owned {
            world.sql(&format!("ALTER TABLE csl_stream_loads OWNER TO {}", world.loader()));
        }
        world.export("full", NIGHT, OLD, &[1, 2, 3]);
        let check = world.run(&["check", "--table", "t"]);
        assert!(check.out.contains("ledger is one of an earlier version"), "{check:#?}");
        let first = world.backfill(&[]);
        assert_eq!(first.code, Some(0), "{owned}: {first:#?}");
        let told = first.err.contains("ADD COLUMN table_id BIGINT");
        assert_eq!(told, !owned, "{first:#?}");
        let columns = "SELECT count(*) FROM pg_attribute WHERE attrelid = 'csl_stream_loads'::regclass \
            AND attname IN ('table_id', 'generation', 'sequence')";
        assert_eq!(world.sql(columns), if owned { "3" } else { "0" });
        assert_eq!(world.loaded(&[])["status"], "skipped", "{owned}");
        world.sql("TRUNCATE t");
        assert_eq!(
            (world.loaded(&[])["status"].as_str(), world.ids().as_str()),
            (Some("succeeded"), "1 2 3")
        );
        assert_eq!(world.run(&["loads", "list"]).code, Some(0), "{owned}");
        assert_eq!(world.run(&["check", "--table", "t"]).code, Some(0), "{owned}");
    }
}

/// What was replaced on purpose by an older export is not in the table any more.
#[test]
fn an_export_that_another_took_the_place_of_is_loaded_again() {
    let world = World::new();
    world.export("full", NIGHT, OLD, &[1, 2]);
    world.export("full", NEXT_NIGHT, OLD, &[1, 2, 3]);
    world.loaded(&[]);
    world.loaded(&["--date", "20260301", "--again"]);
    assert_eq!(world.ids(), "1 2");
    assert_eq!((world.loaded(&[])["status"].as_str(), world.ids().as_str()), (Some("succeeded"), "1 2 3"));
}

/// Rows without an id come by full exports alone, as in a local warehouse.
#[test]
fn rows_without_an_id_do_not_double() {
    let world = World::with(&TABLE.replace("id BIGINT NOT NULL", "id BIGINT"));
    let schema = crate::world::SCHEMA.replace(", \"nullable\": false", "");
    std::fs::write(world.dir.path().join("schema.json"), schema).unwrap();
    let header = "email,created_at,score,params,active,petition_id,id\n";
    world.put("full", NIGHT, &format!("{header}a,{OLD},,,,,1\nno id,{OLD},,,,,\n"));
    world.put("incremental", "20260301040000", &format!("{header}b,{OLD},,,,,2\nno id,{OLD},,,,,\n"));
    let count = || world.sql("SELECT count(*), count(id) FROM t");
    // Before any full export there is nothing that they could double.
    world.loaded(&["--kind", "incremental"]);
    assert_eq!(count(), "2|1");
    world.loaded(&[]);
    let full = count();
    for again in [&[][..], &["--again"], &["--again"]] {
        world.loaded(&[&["--kind", "incremental"], again].concat());
        assert_eq!(world.sql("SELECT count(*) - count(id) FROM t"), "1", "{again:?} after {full}");
    }
}

/// The bytes are what an export is known by that has neither a name of its own nor an etag.
#[test]
fn a_touched_or_copied_export_is_not_added_again() {
    let world = World::new();
    let text = |id: i64| {
        format!("email,created_at,score,params,active,petition_id,id\na@example.org,{OLD},,,t,7,{id}\n")
    };
    let path = |name: &str| world.dir.path().join(name);
    let write = |name: &str, id: i64| std::fs::write(path(name), text(id)).unwrap();
    let load =
        |export: &str, kind: &str| world.loaded(&["--kind", kind, "--export", export])["status"].clone();
    write("t_20260301040000.csv", 1);
    assert_eq!(load("t_20260301040000.csv", "incremental"), "succeeded");
    let touched = std::fs::File::options().write(true).open(path("t_20260301040000.csv")).unwrap();
    touched.set_modified(std::time::SystemTime::now() + std::time::Duration::from_secs(60)).unwrap();
    write("t_20260301040100.csv", 1);
    for export in ["t_20260301040000.csv", "t_20260301040100.csv"] {
        assert_eq!(load(export, "incremental"), "skipped", "{export}");
    }
    write("t_20260301040200.csv", 2);
    assert_eq!(load("t_20260301040200.csv", "incremental"), "succeeded");
    let etags = "SELECT count(*) FROM csl_stream_loads WHERE source_etag LIKE 'xxh3-%'";
    assert_eq!((world.ids().as_str(), world.sql(etags).as_str()), ("1 2", "2"));
    // A full export is known by its name too: the same rows may be of a later night.
    write("t_20260302031500.csv", 1);
    assert_eq!(load("t_20260302031500.csv", "full"), "succeeded");
    assert_eq!(load("t_20260302031500.csv", "full"), "skipped");
    write("t_20260303031500.csv", 1);
    assert_eq!(load("t_20260303031500.csv", "full"), "succeeded");
}

/// What the guard measures against is what is in the table, whoever brought it.
#[test]
fn a_table_that_others_filled_is_guarded_too() {
    let world = World::new();
    world.sql("INSERT INTO t (id, created_at) SELECT n, '2020-01-01' FROM generate_series(1, 10) n");
    world.export("full", NIGHT, OLD, &[1, 2, 3, 4]);
    let stopped = world.backfill(&[]);
    assert!(stopped.code == Some(5) && stopped.err.contains("would replace 10"), "{stopped:#?}");
    world.export("full", NIGHT, OLD, &[1, 2, 3, 4, 5]);
    assert_eq!(
        (world.loaded(&[])["status"].as_str(), world.ids().as_str()),
        (Some("succeeded"), "1 2 3 4 5")
    );
}
