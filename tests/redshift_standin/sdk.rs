//! AWS's own client reads every answer.

use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_sdk_redshiftdata::types::{Field, StatusString};
use aws_sdk_redshiftdata::{Client, error::ProvideErrorMetadata};

use crate::client::World;
use crate::redshift::Call;

async fn client(endpoint: &str) -> Client {
    let config = aws_config::defaults(BehaviorVersion::latest())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(endpoint)
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("AKIDTEST", "secret", None, None, "test"))
        .retry_config(aws_config::retry::RetryConfig::disabled())
        .load()
        .await;
    Client::new(&config)
}

#[test]
fn every_answer_is_understood() {
    let world = World::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = client(&world.redshift.endpoint()).await;
        let sent = client
            .batch_execute_statement()
            .cluster_identifier("c")
            .database(&world.database)
            .db_user("loader")
            .sqls("CREATE TABLE t (a INTEGER)")
            .sqls("INSERT INTO t VALUES (1)")
            .sqls("SELECT a, NULL::varchar, 0.5::float8, true, 'x' FROM t")
            .client_token("token")
            .wait_time_seconds(30)
            .send()
            .await
            .unwrap();
        assert_eq!(sent.status().unwrap().as_str(), "FINISHED");
        let id = sent.id().unwrap();
        let said = client.describe_statement().id(id).wait_time_seconds(1).send().await.unwrap();
        assert_eq!(said.status(), Some(&StatusString::Finished));
        assert_eq!(said.sub_statements()[1].result_rows(), 1);
        assert!(
            said.redshift_pid() > 0
                && said.has_result_set() == Some(true)
                && said.created_at().unwrap().secs() > 1_700_000_000
        );
        let page = client.get_statement_result().id(format!("{id}:3")).send().await.unwrap();
        let row = &page.records()[0];
        assert_eq!(
            (&row[0], &row[1], &row[2]),
            (&Field::LongValue(1), &Field::IsNull(true), &Field::DoubleValue(0.5))
        );
        assert_eq!((&row[3], &row[4]), (&Field::BooleanValue(true), &Field::StringValue("x".to_owned())));
        let table = client
            .describe_table()
            .cluster_identifier("c")
            .database(&world.database)
            .table("t")
            .send()
            .await
            .unwrap();
        assert_eq!(table.column_list()[0].type_name(), Some("int4"));
        assert_eq!(client.list_statements().send().await.unwrap().statements().len(), 1);
        let gone = client.cancel_statement().id(id).send().await.unwrap_err();
        assert_eq!(gone.code(), Some("ValidationException"));
        assert!(gone.message().unwrap().contains("FINISHED"));
        world.redshift.throttle(Call::DescribeStatement, 1);
        let throttled = client.describe_statement().id(id).send().await.unwrap_err();
        assert_eq!(throttled.code(), Some("ThrottlingException"));
        let missing = "00000000-0000-0000-0000-000000000000";
        let missing = client.describe_statement().id(missing).send().await.unwrap_err();
        assert!(missing.into_service_error().is_resource_not_found_exception());
        world.redshift.drop_answer(Call::ExecuteStatement, 1);
        let lost = client
            .execute_statement()
            .workgroup_name("w")
            .database(&world.database)
            .sql("SELECT 1")
            .send()
            .await;
        assert!(lost.unwrap_err().as_service_error().is_none(), "no answer came");
        let one = client
            .execute_statement()
            .workgroup_name("w")
            .database(&world.database)
            .sql("SELECT :a")
            .parameters(
                aws_sdk_redshiftdata::types::SqlParameter::builder().name("a").value("1").build().unwrap(),
            )
            .send()
            .await
            .unwrap();
        assert!(one.status().is_none() && one.created_at().is_some());
    });
}
