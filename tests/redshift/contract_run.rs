//! The contract of all warehouses, and the deadline, by the library itself.
//!
//! ```text
//! test ── stand-in, S3 ──▶ the same test in a process of its own: AWS's settings are a process's alone
//! ```

use crate::contract::{Bench, contract};
use crate::live;
use crate::redshift::{Act, At, Call};
use crate::segments::{accepted, full, incremental, load, put};
use crate::world::World;
use csl_stream::store::Location;
use csl_stream::warehouse::redshift::{Connection, DataApi, RedshiftSettings, RedshiftWarehouse};
use csl_stream::warehouse::{Admission, ShrinkGuard, Warehouse};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Where the child finds PostgreSQL and the database's name.
const SOCKET_VARIABLE: &str = "CSL_TEST_REDSHIFT_SOCKET";
const DATABASE_VARIABLE: &str = "CSL_REDSHIFT_DATABASE";
const TABLES: [&str; 2] = ["signatures", "petitions"];

/// A warehouse in a schema of its own, with both tables, without a row.
fn warehouse(schema: &str, deadline: Duration) -> RedshiftWarehouse {
    patient(schema, deadline, AMPLE)
}

/// The same, that waits so long for a statement that was cancelled.
fn patient(schema: &str, deadline: Duration, patience: Duration) -> RedshiftWarehouse {
    let database = std::env::var(DATABASE_VARIABLE).unwrap();
    let connection = Connection::of(None, Some("wg"), Some(&database), None, None).unwrap();
    let mut api = DataApi::new(connection).unwrap();
    api.load_within(deadline);
    api.cancel_within(patience);
    let settings = RedshiftSettings {
        schema: schema.to_owned(),
        iam_role: "default".to_owned(),
        staging: Location::parse(&format!("s3://stage/{schema}")).unwrap(),
        manifests: None,
        encryption: Default::default(),
    };
    let warehouse = RedshiftWarehouse::new(api, settings).unwrap();
    let mut statements = vec![format!("CREATE SCHEMA {schema}")];
    statements.extend(TABLES.map(|table| {
        format!("CREATE TABLE {schema}.{table} (id BIGINT, note VARCHAR(20), created_at TIMESTAMP)")
    }));
    warehouse.create(&statements).unwrap();
    warehouse
}

/// More than a transaction of the contract takes, on a busy machine.
const AMPLE: Duration = Duration::from_secs(300);
const DEADLINE: Duration = Duration::from_secs(5);
/// How long the transaction that is late takes.
const SLEEP: Duration = Duration::from_secs(8);

/// Ids as a reader beside the Data API sees them.
fn ids(table: &str) -> Option<Vec<i64>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut config = tokio_postgres::Config::new();
        config.host(std::env::var(SOCKET_VARIABLE).unwrap()).user("postgres");
        config.dbname(std::env::var(DATABASE_VARIABLE).unwrap());
        let (client, connection) = config.connect(tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        let rows = client.query(&format!("SELECT id FROM {table} ORDER BY id"), &[]).await.ok()?;
        Some(rows.iter().map(|row| row.get(0)).collect())
    })
}

/// Whether this is the process that shall do the work.
fn is_child() -> bool {
    std::env::var_os(SOCKET_VARIABLE).is_some()
}

#[test]
fn keeps_the_contract() {
    if !is_child() {
        return World::with("").again("contract_run::keeps_the_contract");
    }
    let count = AtomicUsize::new(0);
    contract(|| {
        let schema = format!("case_{}", count.fetch_add(1, Ordering::Relaxed));
        let warehouse = Box::new(warehouse(&schema, AMPLE));
        let ids = move |table: &str| ids(&format!("{schema}.{table}"));
        Bench { warehouse, ids: Box::new(ids), before: Some(Vec::new()) }
    });
}

#[test]
fn the_live_test_passes_against_the_stand_in() {
    if live::setting("DATABASE").is_none() {
        let world = World::with("");
        let settings = [("WORKGROUP", "wg"), ("DATABASE", world.name()), ("STAGING", "s3://stage/live")];
        let settings = settings.map(|(name, value)| (format!("CSL_LIVE_REDSHIFT_{name}"), value.to_owned()));
        world.again_with("contract_run::the_live_test_passes_against_the_stand_in", &settings);
        let left = world.sql("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'csl_live%'");
        assert_eq!(left, "0", "the schemas are dropped");
        return;
    }
    live::keeps_the_contract();
}

#[test]
fn a_load_past_its_deadline_is_cancelled_and_can_be_run_again() {
    if !is_child() {
        let world = World::with("");
        world.redshift.script(At::Commit("COPY".to_owned()), Act::Sleep(SLEEP), 1);
        world.again("contract_run::a_load_past_its_deadline_is_cancelled_and_can_be_run_again");
        assert_eq!(world.redshift.scripted(), 0);
        assert_eq!(world.redshift.count(Call::CancelStatement), 1);
        return;
    }
    let warehouse = warehouse("late", DEADLINE);
    let request = full("a", Some("20240301000000"));
    let staging = warehouse.stage(&request).unwrap();
    let file = put(&*staging, "part-00000.snappy.parquet", &[1, 2]);
    let late = staging.load(std::slice::from_ref(&file), &accepted(2)).unwrap_err();
    assert_eq!(late.exit_code(), 7, "{late}");
    assert_eq!(ids("late.signatures"), Some(Vec::new()));
    load(&warehouse, &request, &[&[1, 2]]);
    assert_eq!(ids("late.signatures"), Some(vec![1, 2]));
}

/// How long a statement is waited for that nobody may cancel, and how long it runs.
const PATIENCE: Duration = Duration::from_secs(6);
const LONG: Duration = Duration::from_secs(40);

#[test]
fn a_deadline_holds_though_nobody_may_cancel() {
    if !is_child() {
        let world = World::with("");
        world.redshift.script(At::Commit("COPY".to_owned()), Act::Sleep(LONG), 1);
        world.redshift.deny(Call::CancelStatement, 999);
        world.again("contract_run::a_deadline_holds_though_nobody_may_cancel");
        assert!(world.redshift.count(Call::CancelStatement) > 1, "it is cancelled again");
        return;
    }
    let warehouse = patient("stuck", Duration::from_secs(2), PATIENCE);
    let request = full("a", Some("20240301000000"));
    let staging = warehouse.stage(&request).unwrap();
    let file = put(&*staging, "part-00000.snappy.parquet", &[1, 2]);
    let started = Instant::now();
    let stuck = staging.load(std::slice::from_ref(&file), &accepted(2)).unwrap_err();
    assert!(started.elapsed() < LONG / 2, "{:?}", started.elapsed());
    assert_eq!(stuck.exit_code(), 7, "{stuck}");
    let help = &stuck.detail().unwrap().help;
    assert!(help.contains("CancelStatement") && help.contains("not known"), "{help}");
}

/// One night's exports: the full one, and incrementals before, within and after the hours that it may lack.
/// Whatever the order in which they come, the table is the same.
#[test]
fn the_order_of_a_nights_exports_does_not_matter() {
    if !is_child() {
        return World::with("").again("contract_run::the_order_of_a_nights_exports_does_not_matter");
    }
    let exports = [
        (full("f", Some("20240302000000")), &[1, 2, 3][..]),
        // Older than the window: the full export has it.
        (incremental("h", Some("20240301120000")), &[1][..]),
        // Within it: 2 was in time for the full export, 4 was not.
        (incremental("i", Some("20240301233000")), &[2, 4][..]),
        (incremental("j", Some("20240302000100")), &[5][..]),
    ];
    let mut order = [0, 1, 2, 3];
    let mut tried = 0;
    permutations(&mut order, 0, &mut |order| {
        let warehouse = warehouse(&format!("night_{tried}"), AMPLE);
        for &at in order {
            let (request, ids) = &exports[at];
            if warehouse.admit(request).unwrap() == Admission::Proceed {
                load(&warehouse, request, &[ids]);
            }
        }
        assert_eq!(ids(&format!("night_{tried}.signatures")), Some(vec![1, 2, 3, 4, 5]), "{order:?}");
        tried += 1;
    });
    assert_eq!(tried, 24);
}

fn permutations(order: &mut [usize; 4], from: usize, each: &mut dyn FnMut(&[usize; 4])) {
    if from == order.len() {
        return each(order);
    }
    for at in from..order.len() {
        order.swap(from, at);
        permutations(order, from + 1, each);
        order.swap(from, at);
    }
}

#[test]
fn what_may_shrink_a_table_is_the_requests_own() {
    if !is_child() {
        return World::with("").again("contract_run::what_may_shrink_a_table_is_the_requests_own");
    }
    let warehouse = warehouse("shrink", AMPLE);
    load(&warehouse, &full("a", None), &[&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]]);
    for (percent, count, fits) in
        [(Some(20), 7, false), (Some(20), 8, true), (Some(50), 3, false), (None, 1, true), (None, 0, true)]
    {
        let before = ids("shrink.signatures").unwrap();
        let mut request = full(&format!("{percent:?}{count}"), None);
        request.shrink = ShrinkGuard { max_percent: percent };
        let staging = warehouse.stage(&request).unwrap();
        let new: Vec<i64> = (1..=count).collect();
        let files =
            if new.is_empty() { vec![] } else { vec![put(&*staging, "part-00000.snappy.parquet", &new)] };
        let loaded = staging.load(&files, &accepted(new.len() as u64));
        assert_eq!(loaded.is_ok(), fits, "{percent:?} {count}: {loaded:?}");
        let after = ids("shrink.signatures").unwrap();
        match loaded {
            Ok(_) => assert_eq!(after, new, "{percent:?} {count}"),
            Err(error) => assert_eq!((error.exit_code(), after), (5, before), "{percent:?} {count}"),
        }
    }
}
