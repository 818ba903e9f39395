//! A schema that walks at random into Redshift, a full export a night: each night is loaded, or names the statements
//! after which it is, if the table's owner runs them.

use crate::seed::seed;
use crate::walk::{Cell, NIGHTS, Walk, walks};
use crate::world::{Answer, World};
use csl_stream::warehouse::redshift::ledger_ddl;
use std::collections::BTreeSet;

/// Runs of the owner that one night may need.
const OWNER_RUNS_MAX: usize = 1;

/// The statements in an error's help, in their order.
fn statements(said: &str) -> Vec<String> {
    let help = said.rsplit_once("help: ").map_or("", |(_, help)| help);
    let begins = |part: &str| ["ALTER TABLE", "UPDATE \""].iter().filter_map(|word| part.find(word)).min();
    help.split(';').filter_map(|part| Some(part[begins(part)?..].trim().to_owned())).collect()
}

fn text(cell: Option<&str>) -> String {
    cell.unwrap_or("∅").to_owned()
}

/// Each cell that was ever: those of columns that the schema has are the export's, all others NULL.
fn check(world: &World, walk: &Walk, ever: &BTreeSet<String>, rows: &[(i64, Vec<Cell>)]) {
    let cells: Vec<String> = ever.iter().map(|name| format!("coalesce(\"{name}\"::text, '∅')")).collect();
    let found = world.sql(&format!("SELECT id, {} FROM t ORDER BY id", cells.join(", ")));
    let expected: Vec<String> = rows
        .iter()
        .map(|(id, cells)| {
            let cell = |name: &String| {
                let at = walk.columns.iter().position(|(own, _)| own == name);
                text(at.and_then(|at| cells[at]))
            };
            std::iter::once(id.to_string()).chain(ever.iter().map(cell)).collect::<Vec<_>>().join("|")
        })
        .collect();
    assert_eq!(found.lines().collect::<Vec<_>>(), expected, "{:#?}", walk.told);
}

#[test]
fn whichever_way_a_schema_walks_each_night_is_loaded() {
    let seed = seed();
    let mut waited = 0;
    for at in 0..walks() {
        let is_owner = at % 2 == 0;
        let mut walk = Walk::new(seed.wrapping_add(at));
        let world = World::with("");
        let mut ever = BTreeSet::new();
        for night in 0..NIGHTS {
            let rows = walk.rows(1);
            std::fs::write(world.dir.path().join("schema.json"), walk.schema()).unwrap();
            world.put("full", &format!("202603{:02}031500", night + 1), &walk.csv(&rows));
            let more: &[&str] = if night == 0 { &["--create-table"] } else { &[] };
            let mut answer: Answer = world.backfill(more);
            for _ in 0..OWNER_RUNS_MAX {
                if answer.code == Some(0) {
                    break;
                }
                assert_eq!(answer.code, Some(4), "{:#?}: {answer:#?}", walk.told);
                let statements = statements(&answer.err);
                assert!(!statements.is_empty(), "{:#?}: {answer:#?}", walk.told);
                for sql in statements {
                    world.sql(&sql.replace("(max)", "(65535)"));
                }
                waited += 1;
                answer = world.backfill(&[]);
            }
            assert_eq!(answer.code, Some(0), "{:#?}: {answer:#?}", walk.told);
            ever.extend(walk.columns.iter().map(|(name, _)| name.clone()));
            check(&world, &walk, &ever, &rows);
            if night == 0 && !is_owner {
                world.sql("ALTER TABLE t OWNER TO postgres");
                world.sql(&ledger_ddl(world.name(), "public", &["t".to_owned()], &world.loader()));
            }
            walk.step();
        }
    }
    println!("{waited} nights needed the owner");
}
