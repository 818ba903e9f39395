//! One round: orders in any order, some more than once, while the weather is bad; then calm, then the count.

use crate::crew::Crew;
use crate::weather::Weather;
use crate::world::{World, csv, digits};
use csl_stream::queue::LoadOrder;
use csl_stream::store::ExportKind::{Full, Incremental};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

/// How large a round is.
pub(crate) struct Scale {
    tables: usize,
    /// Exports of each table.
    exports: usize,
    workers: usize,
    /// Longest pause between two orders.
    pause: Duration,
}

/// A few seconds.
pub(crate) const SHORT: Scale =
    Scale { tables: 2, exports: 8, workers: 2, pause: Duration::from_millis(400) };
/// About two minutes, most of it waiting: a storm of hours must leave room for others.
pub(crate) const LONG: Scale =
    Scale { tables: 4, exports: 14, workers: 3, pause: Duration::from_millis(1600) };

/// Every FULL_EVERY-th export of a table is a full one.
const FULL_EVERY: usize = 5;
/// From the first export to the last: within the hours for which a full export puts recent rows back, and
/// within those that an export can be read, so that no sound one may die.
const HOURS: u64 = 4;
/// How long the queue may take to empty once all is calm.
const CALM_MAX: Duration = Duration::from_secs(400);
/// Ways in which a worker may end: told to, be it before it listens, killed, or by itself because of what it met
/// at its start.
const ENDS: &[&str] = &[
    "exit status: 0",
    "exit status: 1",
    "exit status: 3",
    "exit status: 7",
    "exit status: 130",
    "signal: 9 (SIGKILL)",
    "signal: 15 (SIGTERM)",
];

/// Plays the round of this seed; panics if anything was lost, doubled or removed.
pub(crate) fn play(disk: &Path, seed: u64, scale: &Scale) {
    let mut random = fastrand::Rng::with_seed(seed);
    let into_redshift = seed % 2 == 1;
    let place = if into_redshift { "Redshift" } else { "a folder" };
    println!("storm: CSL_SEED={seed}, into {place}");
    let tables: Vec<String> = (0..scale.tables).map(|number| format!("t{number}")).collect();
    let world = World::new(disk, seed, &tables, into_redshift);
    let night = Night::new(&world, &tables, scale.exports, &mut random);
    let tries_max = random.u32(5..30);
    let started = Instant::now();
    let mut crew = Crew::new(&world, scale.workers, tries_max);
    let mut weather = Weather::new(&world, random.fork(), tries_max - 2);
    for order in &night.orders {
        while !world.send(order) {
            std::thread::sleep(Duration::from_millis(200));
            weather.look();
        }
        std::thread::sleep(scale.pause.mul_f64(random.f64()));
        crew.look();
        weather.look();
        if random.bool() {
            weather.blow(&mut crew);
        }
        world.salt(&tables[random.usize(..tables.len())]);
    }
    weather.calm();
    crew.calm();
    let calm = Instant::now();
    while world.messages() > 0 {
        assert!(calm.elapsed() < CALM_MAX, "seed {seed}: {} messages are left", world.messages());
        std::thread::sleep(Duration::from_millis(300));
        crew.look();
        weather.look();
    }
    tables.iter().for_each(|table| world.salt(table));
    let (ends, workers) = crew.end();
    night.check(&world, seed, &tables);
    let odd: Vec<&String> = ends.keys().filter(|end| !ENDS.contains(&end.as_str())).collect();
    assert!(odd.is_empty(), "seed {seed}: workers ended otherwise: {odd:?}");
    let said = world.said();
    assert!(!said.contains("panicked"), "seed {seed}: a worker panicked");
    println!(
        "storm: seed {seed}: {} orders of {} exports, {workers} workers ({ends:?}), {:?}, {} s",
        night.orders.len(),
        scale.exports * scale.tables,
        weather.seen,
        started.elapsed().as_secs()
    );
    world.succeeded();
}

struct Night {
    orders: Vec<LoadOrder>,
    /// The ids that every table must hold in the end, each once.
    ids: Vec<i64>,
    /// Exports that nobody can load.
    bad: BTreeSet<String>,
}

impl Night {
    fn new(world: &World, tables: &[String], exports: usize, random: &mut fastrand::Rng) -> Self {
        let (mut orders, mut bad, mut ids) = (Vec::new(), BTreeSet::new(), Vec::new());
        let first = SystemTime::now() - Duration::from_secs(HOURS * 3600);
        let step = Duration::from_secs(HOURS * 3600 / exports as u64);
        for table in tables {
            ids.clear();
            for number in 0..exports {
                let at = first + step * u32::try_from(number).unwrap();
                let base = i64::try_from(number).unwrap() * 10;
                let new: Vec<i64> = (base..base + 3).collect();
                ids.extend(&new);
                let (kind, rows) = if number % FULL_EVERY == 0 { (Full, &ids) } else { (Incremental, &new) };
                // A row belongs to the moment in which its source made it.
                orders.push(world.export(kind, table, &digits(at), &csv(rows, at - Duration::from_secs(1))));
            }
            let at = digits(first + Duration::from_secs(7));
            let order = world.export(Incremental, table, &at, "id,name,created_at\nx,y,z\n");
            bad.insert(order.name());
            orders.push(order);
        }
        let more = orders.len() / 3;
        (0..more).for_each(|_| orders.push(orders[random.usize(..orders.len())].clone()));
        random.shuffle(&mut orders);
        Self { orders, ids, bad }
    }

    fn check(&self, world: &World, seed: u64, tables: &[String]) {
        let dead = world.dead();
        let names: BTreeSet<String> = dead.iter().filter_map(|letter| letter.export.clone()).collect();
        assert_eq!(names, self.bad, "seed {seed}: dead letters: {dead:#?}");
        for table in tables {
            assert_eq!(world.ids(table), self.ids, "seed {seed}, {table}");
        }
        assert_eq!(world.unsalted(), [] as [String; 0], "seed {seed}: what was foreign is gone");
    }
}
