//! A thousand orders, a third of them repeated, in any order; eight workers, three of them killed.

use crate::world::{LONG, World, csv, until};
use csl_stream::queue::LoadOrder;
use csl_stream::store::ExportKind::{Full, Incremental};
use serde_json::Value;
use std::collections::BTreeMap;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

const TABLES: usize = 12;
const ORDERS: usize = 1000;
/// Exports of one table: every FULL_EVERY-th is a full one.
const EXPORTS: usize = 56;
const FULL_EVERY: usize = 14;
const WORKERS: usize = 8;
const KILLED: usize = 3;

#[test]
fn every_export_is_loaded_exactly_once() {
    let seed = crate::seed::seed();
    let mut random = fastrand::Rng::with_seed(seed);
    let names: Vec<String> = (0..TABLES).map(|n| format!("t{n}")).collect();
    let world = World::new(&crate::world::schema_of(&names.iter().map(String::as_str).collect::<Vec<_>>()));
    let (mut orders, expected) = orders(&world, &names);
    let exports = orders.len();
    while orders.len() < ORDERS {
        orders.push(orders[random.usize(..exports)].clone());
    }
    random.shuffle(&mut orders);

    let started = Instant::now();
    let start = || {
        let mut command = world.command(&["work", "--threads", "1", "--quiet"]);
        command.env("CSL_LOG", "off").env("CSL_WORK_BATCH_FILES", "5");
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    let mut workers: Vec<Child> = (0..WORKERS).map(|_| start()).collect();
    let kills: Vec<usize> = (0..KILLED).map(|_| random.usize(ORDERS / 10..ORDERS * 9 / 10)).collect();
    let mut newest = BTreeMap::new();
    for (at, order) in orders.iter().enumerate() {
        world.send(order);
        for _ in kills.iter().filter(|&&kill| kill == at) {
            let mut victim = workers.swap_remove(random.usize(..workers.len()));
            victim.kill().unwrap();
            victim.wait().unwrap();
        }
        // A webhook a moment: workers are at work while more come.
        std::thread::sleep(Duration::from_millis(random.u64(..20)));
        if at % 50 == 0 {
            no_older_over_newer(&world, &names, &mut newest);
        }
    }
    println!("seed {seed}: {ORDERS} orders of {exports} exports sent in {:?}", started.elapsed());
    until("the queue is empty", 2 * LONG, || {
        no_older_over_newer(&world, &names, &mut newest);
        world.messages() == 0
    });
    println!("seed {seed}: loaded after {:?}, {KILLED} of {WORKERS} workers killed", started.elapsed());
    for mut worker in workers {
        assert_eq!(worker.try_wait().unwrap(), None, "seed {seed}: a worker ended by itself");
        crate::world::signal(&worker, "TERM");
        assert_eq!(worker.wait().unwrap().code(), Some(0), "seed {seed}");
    }
    assert_eq!(world.dead(), [], "seed {seed}");
    for (table, expected) in names.iter().zip(expected) {
        let mut found = world.ids(table);
        found.sort_unstable();
        assert_eq!(found, expected, "seed {seed}, {table}");
    }
    let count = |status: &str| world.loads().iter().filter(|run| run["status"] == status).count();
    println!(
        "seed {seed}: {} loads, {} skipped, {} failed",
        count("succeeded"),
        count("skipped"),
        count("failed")
    );
}

/// One order for each export, and the ids that each table must hold in the end: those of the newest full
/// export and of the incremental ones after it.
fn orders(world: &World, names: &[String]) -> (Vec<LoadOrder>, Vec<Vec<i64>>) {
    let (mut orders, mut expected) = (Vec::new(), Vec::new());
    for table in names {
        let mut ids: Vec<i64> = Vec::new();
        for number in 0..EXPORTS {
            let at = format!("202603{:02}{:02}0000", 1 + number / 24, number % 24);
            let new = i64::try_from(number).unwrap() * 10..i64::try_from(number).unwrap() * 10 + 3;
            ids.extend(new.clone());
            let is_full = number % FULL_EVERY == 0;
            let rows = if is_full { csv(ids.iter().copied()) } else { csv(new) };
            let kind = if is_full { Full } else { Incremental };
            orders.push(world.export(kind, table, &at, rows.as_bytes(), false));
        }
        expected.push(ids);
    }
    (orders, expected)
}

/// The full export of a table is never an older one than it was.
fn no_older_over_newer(world: &World, names: &[String], newest: &mut BTreeMap<String, String>) {
    for table in names {
        let entry = std::fs::read(world.path(&format!("warehouse/{table}/current/_load.json")));
        let Ok(entry) = entry.map(|bytes| serde_json::from_slice::<Value>(&bytes).unwrap()) else { continue };
        let full = entry["parts"].as_array().unwrap().iter().find(|part| part["kind"] == "full");
        let Some(at) = full.and_then(|part| part["exported_at"].as_str()) else { continue };
        let before = newest.insert(table.clone(), at.to_owned());
        assert!(before.is_none_or(|before| before.as_str() <= at), "{table}: {newest:?}");
    }
}
