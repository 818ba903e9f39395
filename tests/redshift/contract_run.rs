//! The contract of all warehouses, and the deadline, by the library itself.
//!
//! ```text
//! test ── stand-in, S3 ──▶ the same test in a process of its own: AWS's settings are a process's alone
//! ```

use crate::contract::{Bench, contract};
use crate::live;
use crate::redshift::{Act, At, Call};
use crate::segments::{accepted, full, load, put};
use crate::world::World;
use csl_stream::store::Location;
use csl_stream::warehouse::Warehouse;
use csl_stream::warehouse::redshift::{Connection, DataApi, RedshiftSettings, RedshiftWarehouse};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Where the child finds PostgreSQL and the database's name.
const SOCKET_VARIABLE: &str = "CSL_TEST_REDSHIFT_SOCKET";
const DATABASE_VARIABLE: &str = "CSL_REDSHIFT_DATABASE";
const TABLES: [&str; 2] = ["signatures", "petitions"];

/// A warehouse in a schema of its own, with both tables, without a row.
fn warehouse(schema: &str, deadline: Duration) -> RedshiftWarehouse {
    let database = std::env::var(DATABASE_VARIABLE).unwrap();
    let connection = Connection::of(None, Some("wg"), Some(&database), None, None).unwrap();
    let mut api = DataApi::new(connection).unwrap();
    api.load_within(deadline);
    let settings = RedshiftSettings {
        schema: schema.to_owned(),
        iam_role: "default".to_owned(),
        staging: Location::parse(&format!("s3://stage/{schema}")).unwrap(),
        manifests: None,
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
