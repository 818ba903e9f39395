//! The table is the same in whichever order the exports of a night arrive, however often, however late, and
//! whatever happens to the table in between: the program's own statements, run by PostgreSQL without the Data API.
//!
//! The night is that of `tests/warehouse/order.rs`: row n is made in minute n; a full export holds the rows up to
//! its snapshot, which lies up to six hours before its name.

use crate::postgres;
use crate::segments::{Ids, digits, full, incrementals};
use crate::world::World;
use csl_stream::ledger::Cover;
use csl_stream::schema::{Conversion, Identity, TargetColumn, TargetTable, TargetType};
use csl_stream::store::ExportKind;
use csl_stream::warehouse::redshift::{Decision, LedgerRow, LoadColumn, LoadSql, Role, Seen, ledger_ddl};
use csl_stream::warehouse::{Admission, LoadRequest};
use std::sync::atomic::{AtomicU64, Ordering};
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

/// Orders unless `CSL_TEST_ORDERS` says otherwise.
const ORDERS: u64 = 60;
/// Databases in which orders are tried at once.
const WORKERS: u64 = 2;
const TABLE: &str = "CREATE TABLE signatures (id BIGINT, created_at TIMESTAMP)";

type Rows = Vec<Vec<Option<String>>>;

/// The exports of a night, and the ids that the table must have.
fn night(random: &mut fastrand::Rng) -> (Vec<(LoadRequest, Ids)>, Ids) {
    let names = [195, 1_635];
    let (mut exports, mut expected) = (Vec::new(), Vec::new());
    for (number, name) in names.into_iter().enumerate() {
        let snapshot = name - random.i64(0..=360);
        // A few of the old ones, and all of the window.
        let mut ids: Ids = (snapshot - 3..=snapshot).chain(1_272..=snapshot).map(Some).collect();
        ids.sort_unstable();
        ids.dedup();
        ids.push(None);
        if number == 1 {
            expected.clone_from(&ids);
        }
        exports.push((full(&format!("f{number}"), Some(&digits(name))), ids));
    }
    exports.extend(incrementals(random, &mut expected));
    expected.sort_unstable();
    expected.dedup();
    (exports, expected)
}

/// What happens to the table while nobody looks.
const LOSSES: [&str; 3] = [
    "TRUNCATE signatures",
    "DELETE FROM signatures",
    "DROP TABLE signatures; CREATE TABLE signatures (id BIGINT, created_at TIMESTAMP)",
];

/// A database of its own, spoken to without the Data API.
struct Direct {
    client: Client,
    runtime: tokio::runtime::Runtime,
    target: TargetTable,
    _world: World,
}

impl Direct {
    fn new() -> Self {
        let world = World::with("");
        world.sql(TABLE);
        world.sql(&ledger_ddl(world.name(), "public", &["signatures".to_owned()], &world.loader()));
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let client = runtime.block_on(async {
            let mut config = tokio_postgres::Config::new();
            config.host(postgres::server().socket()).user("postgres").dbname(world.name());
            config.options("-c client_min_messages=error -c synchronous_commit=off");
            let (client, connection) = config.connect(NoTls).await.unwrap();
            tokio::spawn(connection);
            client
        });
        let column = |name: &str, target_type| TargetColumn {
            name: name.to_owned(),
            target_type,
            nullable: true,
            has_default: false,
            identity: Identity::None,
        };
        let columns = vec![column("id", TargetType::BigInt), column("created_at", TargetType::Timestamp)];
        let target = TargetTable { schema: "public".to_owned(), name: "signatures".to_owned(), columns };
        Self { client, runtime, target, _world: world }
    }

    fn run(&self, sql: &str) -> Rows {
        let messages = self.runtime.block_on(self.client.simple_query(sql));
        let messages = messages.unwrap_or_else(|error| panic!("{error:?}\n{sql}"));
        let row = |message: &SimpleQueryMessage| match message {
            SimpleQueryMessage::Row(row) => {
                Some((0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect())
            }
            _ => None,
        };
        messages.iter().filter_map(row).collect()
    }

    fn ids(&self) -> Ids {
        let rows = self.run("SELECT id FROM signatures ORDER BY id NULLS FIRST");
        rows.into_iter().map(|row| row[0].as_ref().map(|text| text.parse().unwrap())).collect()
    }

    /// Loads unless what is known says that it need not be.
    fn load(&self, request: &LoadRequest, ids: &Ids) {
        let request = LoadRequest { load_id: uuid::Uuid::now_v7().to_string(), ..request.clone() };
        let decision = Decision::of(&request, &self.target, Cover::default());
        let catalogue = self.run(&decision.catalogue());
        let (admission, seen) = decision.made(&catalogue, &self.run(&decision.ledger(&catalogue)));
        if admission == Admission::Proceed {
            let steps = self.steps(&request, ids, &seen);
            self.run(&format!("BEGIN ISOLATION LEVEL SERIALIZABLE; {steps}; COMMIT"));
        }
    }

    /// The statements of a load; in the place of the COPY stands what it brings.
    fn steps(&self, request: &LoadRequest, ids: &Ids, seen: &Seen) -> String {
        let column = |name: &str| LoadColumn { name: name.to_owned(), conversion: Conversion::None };
        let sql = LoadSql {
            target: &self.target,
            columns: &[column("id"), column("created_at")],
            iam_role: "default",
            manifest_uri: "s3://stage/manifest.json",
            entry: &entry(request, ids.len() as u64),
            seen,
            claim: &request.load_id,
            cover: Cover::default(),
        };
        let step = |role: Role, sql: String| match role {
            Role::Copy => {
                let into = sql.strip_prefix("COPY ").unwrap().split_once(" FROM ").unwrap().0;
                format!("INSERT INTO {into} VALUES {}", values(ids))
            }
            _ => sql.replace("SYSDATE", "GETDATE()"),
        };
        let steps: Vec<_> = sql.steps().into_iter().map(|found| step(found.role, found.sql)).collect();
        steps.join("; ")
    }
}

fn values(ids: &Ids) -> String {
    let value = |id: &Option<i64>| {
        let made = digits(id.unwrap_or(0));
        let id = id.map_or("NULL".to_owned(), |id| id.to_string());
        format!("({id}, to_timestamp('{made}', 'YYYYMMDDHH24MISS')::timestamp)")
    };
    ids.iter().map(value).collect::<Vec<_>>().join(", ")
}

fn entry(request: &LoadRequest, rows: u64) -> LedgerRow {
    LedgerRow {
        load_id: request.load_id.clone(),
        table: request.table.clone(),
        kind: request.kind,
        source_uri: request.source.uri.clone(),
        source_etag: request.source.etag.clone(),
        exported_at: request.exported_at.clone(),
        rows_read: rows,
        rows_accepted: rows,
        rows_rejected: 0,
        values_truncated: 0,
        rows_carried_over: 0,
        rows_loaded: 0,
        files: 1,
        bytes: 1,
        started: "2026-03-01 03:15:00".to_owned(),
        finished: None,
        version: "a test".to_owned(),
        privacy: None,
    }
}

/// Exports as they come, with what happens in between.
fn arrivals(random: &mut fastrand::Rng, count: usize) -> Vec<Result<usize, &'static str>> {
    let shuffled = |random: &mut fastrand::Rng| {
        let repeats: Vec<usize> = (0..count).filter(|_| random.bool()).collect();
        let mut all: Vec<usize> = (0..count).chain(repeats).collect();
        random.shuffle(&mut all);
        all.into_iter().map(Ok).collect::<Vec<_>>()
    };
    let mut arrivals = shuffled(random);
    if random.bool() {
        // What is lost comes back by what comes again.
        arrivals.truncate(random.usize(0..=arrivals.len()));
        arrivals.push(Err(LOSSES[random.usize(0..LOSSES.len())]));
        arrivals.extend(shuffled(random));
    }
    arrivals
}

fn try_one(direct: &Direct, random: &mut fastrand::Rng, order: u64) {
    let (exports, expected) = night(random);
    let arrivals = arrivals(random, exports.len());
    direct.run(
        "DELETE FROM signatures; DELETE FROM csl_stream_loads; UPDATE csl_stream_lock_signatures SET claim = ''; DISCARD TEMP",
    );
    for arrival in &arrivals {
        match arrival {
            Ok(at) => direct.load(&exports[*at].0, &exports[*at].1),
            Err(loss) => drop(direct.run(loss)),
        }
    }
    let told = arrivals.iter().map(|arrival| match arrival {
        Ok(at) => format!("{:?} {:?} {:?}", exports[*at].0.kind, exports[*at].0.exported_at, exports[*at].1),
        Err(loss) => (*loss).to_owned(),
    });
    let told: Vec<_> = told.collect();
    assert_eq!(direct.ids(), expected, "order {order}: {told:#?}");
    assert!(exports.iter().any(|(request, _)| request.kind == ExportKind::Full));
}

#[test]
fn any_order_of_a_night_makes_the_same_table() {
    let orders = std::env::var("CSL_TEST_ORDERS").map_or(ORDERS, |text| text.parse().unwrap());
    let (seed, next) = (crate::seed::seed(), AtomicU64::new(0));
    let started = std::time::Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                let direct = Direct::new();
                loop {
                    let order = next.fetch_add(1, Ordering::SeqCst);
                    if order >= orders {
                        return;
                    }
                    try_one(&direct, &mut fastrand::Rng::with_seed(seed.wrapping_add(order)), order);
                }
            });
        }
    });
    println!("{orders} orders in {:?}", started.elapsed());
}
