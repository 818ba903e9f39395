//! The contract of all warehouses, kept by whichever Redshift the environment names.
//!
//! ```text
//! contract ──▶ RedshiftWarehouse ──▶ Data API ◀── ids, read by the SDK alone
//! ```

use crate::contract::{Bench, contract};
use aws_sdk_redshiftdata::Client;
use aws_sdk_redshiftdata::types::{Field, StatusString};
use csl_stream::store::Location;
use csl_stream::warehouse::redshift::{Connection, DataApi, RedshiftSettings, RedshiftWarehouse};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::runtime::Runtime;

/// What the settings begin with: `CSL_LIVE_REDSHIFT_WORKGROUP` or `…_CLUSTER`, `…_DATABASE`, `…_STAGING`,
/// and if need be `…_SECRET_ARN`, `…_DB_USER`, `…_IAM_ROLE`.
const PREFIX: &str = "CSL_LIVE_REDSHIFT_";
const TABLES: [&str; 2] = ["signatures", "petitions"];
/// Between two looks at a statement.
const POLL: Duration = Duration::from_millis(200);

pub(crate) fn setting(name: &str) -> Option<String> {
    std::env::var(format!("{PREFIX}{name}")).ok()
}

/// Runs every case in a schema of its own, which is dropped afterwards.
pub(crate) fn keeps_the_contract() {
    let count = AtomicUsize::new(0);
    let reader = Arc::new(Reader::new());
    contract(|| {
        let number = count.fetch_add(1, Ordering::Relaxed);
        let schema = Schema::new(format!("csl_live_{}_{number}", std::process::id()));
        let warehouse = Box::new(schema.warehouse());
        let reader = Arc::clone(&reader);
        let ids = move |table: &str| reader.ids(&format!("{}.{table}", schema.0));
        Bench { warehouse, ids: Box::new(ids), before: Some(Vec::new()) }
    });
}

/// A schema with the tables of the contract, dropped with this.
struct Schema(String);

impl Schema {
    fn new(name: String) -> Self {
        let schema = Self(name);
        let mut statements = vec![format!("CREATE SCHEMA {}", schema.0)];
        statements.extend(TABLES.map(|table| {
            format!("CREATE TABLE {}.{table} (id BIGINT, note VARCHAR(20), created_at TIMESTAMP)", schema.0)
        }));
        schema.warehouse().create(&statements).unwrap();
        schema
    }

    fn warehouse(&self) -> RedshiftWarehouse {
        let text = |name| setting(name);
        let connection = Connection::of(
            text("CLUSTER").as_deref(),
            text("WORKGROUP").as_deref(),
            text("DATABASE").as_deref(),
            text("SECRET_ARN").as_deref(),
            text("DB_USER").as_deref(),
        );
        let staging = text("STAGING").expect("CSL_LIVE_REDSHIFT_STAGING names a place in S3");
        let settings = RedshiftSettings {
            schema: self.0.clone(),
            iam_role: text("IAM_ROLE").unwrap_or_else(|| "default".to_owned()),
            staging: Location::parse(&format!("{staging}/{}", self.0)).unwrap(),
            manifests: None,
            encryption: Default::default(),
        };
        RedshiftWarehouse::new(DataApi::new(connection.unwrap()).unwrap(), settings).unwrap()
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        let dropped = self.warehouse().create(&[format!("DROP SCHEMA {} CASCADE", self.0)]);
        if let Err(error) = dropped {
            eprintln!("the schema {} is still there: {error}", self.0);
        }
    }
}

/// Reads by the SDK, without the code under test.
struct Reader {
    client: Client,
    runtime: Runtime,
}

impl Reader {
    fn new() -> Self {
        use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
        let runtime = Runtime::new().unwrap();
        let tls = Provider::Rustls(CryptoMode::Ring);
        let http = aws_smithy_http_client::Builder::new().tls_provider(tls).build_https();
        let loader = aws_config::defaults(aws_config::BehaviorVersion::latest()).http_client(http);
        let client = Client::new(&runtime.block_on(loader.load()));
        Self { client, runtime }
    }

    /// Ids of a table, sorted; none if it cannot be read.
    fn ids(&self, table: &str) -> Option<Vec<i64>> {
        self.runtime.block_on(async {
            let call = self.client.execute_statement().sql(format!("SELECT id FROM {table} ORDER BY id"));
            let call = call.set_cluster_identifier(setting("CLUSTER"));
            let call = call.set_workgroup_name(setting("WORKGROUP")).set_database(setting("DATABASE"));
            let call = call.set_secret_arn(setting("SECRET_ARN")).set_db_user(setting("DB_USER"));
            let id = call.send().await.unwrap().id.unwrap();
            loop {
                let state = self.client.describe_statement().id(&id).send().await.unwrap();
                match state.status {
                    Some(StatusString::Finished) => break,
                    Some(StatusString::Failed | StatusString::Aborted) => return None,
                    _ => tokio::time::sleep(POLL).await,
                }
            }
            let rows = self.client.get_statement_result().id(&id).send().await.unwrap().records;
            let id = |row: Vec<Field>| *row[0].as_long_value().unwrap();
            Some(rows.into_iter().map(id).collect())
        })
    }
}
