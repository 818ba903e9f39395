//! Several tables into Redshift at once, each with its own lock and its own transaction.

use crate::world::{NIGHT, SCHEMA, TABLE, World};
use csl_stream::warehouse::redshift::ledger_ddl;
use serde_json::Value;

const TABLES: [&str; 3] = ["t", "u", "v"];

/// Three tables of the same columns, each with an old row and an export of so many new ones.
fn world(rows: [i64; 3]) -> World {
    let world = World::new();
    let one: Value = serde_json::from_str(SCHEMA).unwrap();
    let tables = TABLES.map(|name| {
        let mut table = one["tables"][0].clone();
        table["table"]["name"] = name.into();
        table
    });
    std::fs::write(world.dir.path().join("schema.json"), serde_json::json!({ "tables": tables }).to_string())
        .unwrap();
    for (name, rows) in TABLES.iter().zip(rows) {
        if *name != "t" {
            world.sql(&TABLE.replace("TABLE t ", &format!("TABLE {name} ")));
        }
        world.sql(&format!("INSERT INTO {name} (id, created_at) VALUES (77, '2020-01-01')"));
        put(&world, name, rows);
    }
    world.sql(&ledger_ddl(world.name(), "public", &TABLES.map(str::to_owned), &world.loader()));
    world
}

fn put(world: &World, table: &str, rows: i64) {
    let mut csv = "email,created_at,score,params,active,petition_id,id\n".to_owned();
    for id in 0..rows {
        csv += &format!("e{id}@example.org,2026-01-05 12:34:56,0.25,\"{{\"\"n\"\": {id}}}\",t,7,{id}\n");
    }
    world.s3.put(&format!("exports/org/full/{table}/{}/{table}_{NIGHT}.csv", &NIGHT[..8]), csv);
}

fn counts(world: &World) -> String {
    world.sql("SELECT (SELECT count(*) FROM t) || ' ' || (SELECT count(*) FROM u) || ' ' || (SELECT count(*) FROM v)")
}

#[test]
fn three_tables_are_loaded_at_once_each_by_itself() {
    let world = world([3, 2, 4]);
    let answer = world.run(&["backfill", "--all", "--threads", "3"]);
    assert_eq!(answer.code, Some(0), "{answer:#?}");
    assert_eq!(counts(&world), "3 2 4", "{answer:#?}");
    assert!(answer.out.ends_with("3 tables loaded\n"), "{answer:#?}");
    let remembered = world.sql(
        "SELECT string_agg(table_name || ' ' || rows_loaded, ', ' ORDER BY table_name) FROM csl_stream_loads",
    );
    assert_eq!(remembered, "t 3, u 2, v 4");
    let again = world.run(&["backfill", "--table", "t,u,v", "--json"]);
    assert_eq!((again.code, again.out.matches("\"skipped\"").count()), (Some(0), 3), "{again:#?}");
}

#[test]
fn one_that_fails_keeps_its_rows_and_the_others_are_loaded() {
    let world = world([3, 2, 4]);
    world.sql(&format!("REVOKE INSERT ON u FROM {}", world.loader()));
    let answer = world.run(&["backfill", "--all", "--threads", "3"]);
    assert_eq!((answer.code, &*counts(&world)), (Some(3), "3 1 4"), "{answer:#?}");
    assert!(answer.err.contains("error: 1 of 3 tables failed: u"), "{answer:#?}");
    world.sql(&format!("GRANT INSERT ON u TO {}", world.loader()));
    let answer = world.run(&["backfill", "--all"]);
    assert_eq!((answer.code, &*counts(&world)), (Some(0), "3 2 4"), "{answer:#?}");
    assert!(answer.out.ends_with("1 table loaded, 2 skipped\n"), "{answer:#?}");
}
