//! The Data API's protocol, limits and errors.

use serde_json::{Value, json};

use crate::client::World;
use crate::redshift::Call;

#[test]
fn a_statement_runs_and_is_described() {
    let world = World::new();
    let said = world.must("SELECT 1 AS a, 'x'::varchar(3) AS b, NULL::integer AS c");
    assert_eq!((&said["HasResultSet"], &said["ResultRows"]), (&json!(true), &json!(1)));
    assert!(said["RedshiftPid"].as_i64().unwrap() > 0 && said["RedshiftQueryId"].as_i64().unwrap() > 0);
    assert!(said["CreatedAt"].is_number(), "epoch seconds");
    assert_eq!(said["WorkgroupName"], "wg");
    assert_eq!(
        world.rows("SELECT 1, 'x', NULL, true, 1.5::float8, 2.50::numeric(5,2)"),
        "1|x|∅|true|1.5|2.50"
    );
    let page: Value = world.call("GetStatementResult", &json!({"Id": said["Id"]})).unwrap();
    assert_eq!(page["ColumnMetadata"][1]["name"], "b");
    world.must("CREATE TABLE t (a INTEGER)");
    let said = world.must("INSERT INTO t VALUES (1), (2)");
    assert_eq!((&said["HasResultSet"], &said["ResultRows"]), (&json!(false), &json!(2)));
    assert_eq!(world.must("SELECT a FROM t WHERE a = 5")["HasResultSet"], true, "an empty result is one");
}

#[test]
fn a_batch_is_one_transaction() {
    let world = World::new();
    let said =
        world.batch(&["CREATE TABLE t (a INTEGER)", "INSERT INTO t VALUES (1), (2)", "SELECT sum(a) FROM t"]);
    assert_eq!(said["Status"], "FINISHED");
    let subs = said["SubStatements"].as_array().unwrap();
    assert_eq!(subs.iter().map(|sub| &sub["ResultRows"]).collect::<Vec<_>>(), [0, 2, 1]);
    let third = format!("{}:3", said["Id"].as_str().unwrap());
    assert_eq!(subs[2]["Id"], third);
    let page = world.call("GetStatementResult", &json!({ "Id": third })).unwrap();
    assert_eq!(page["Records"][0][0]["longValue"], 3);
    assert_eq!(world.call("DescribeStatement", &json!({ "Id": third })).unwrap()["ResultRows"], 1);

    let said = world.batch(&["DELETE FROM t", "SELECT 1/0", "INSERT INTO t VALUES (9)"]);
    assert_eq!(said["Status"], "FAILED");
    assert_eq!(said["Error"], "Query #2 failed with ERROR: division by zero");
    let statuses: Vec<_> =
        said["SubStatements"].as_array().unwrap().iter().map(|sub| &sub["Status"]).collect();
    assert_eq!(statuses, ["FINISHED", "FAILED", "ABORTED"]);
    assert_eq!(world.rows("SELECT sum(a) FROM t"), "3", "rolled back");

    world.batch(&["DELETE FROM t WHERE a = 1", "TRUNCATE t", "SELECT 1/0"]);
    assert_eq!(world.rows("SELECT count(*) FROM t"), "0", "TRUNCATE committed, and what stood before it");
    assert!(world.batch(&["SELECT 1", "VACUUM t"])["Error"].as_str().unwrap().contains("transaction block"));
}

#[test]
fn requests_that_are_refused() {
    let world = World::with(|setup| setup.active_max = 3);
    let many: Vec<&str> = vec!["SELECT 1"; 41];
    let long = format!("SELECT '{}'", "x".repeat(100_000));
    let body = |more| world.body(more);
    let bare = |more: Value| {
        let mut body = json!({"Database": world.database, "Sql": "SELECT 1"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let unknown = "00000000-0000-0000-0000-000000000000";
    let cases: Vec<(&str, Value, &str, &str)> = vec![
        ("BatchExecuteStatement", body(json!({"Sqls": many})), "ValidationException", "40"),
        ("BatchExecuteStatement", body(json!({"Sqls": []})), "ValidationException", "40"),
        ("ExecuteStatement", body(json!({ "Sql": long })), "ValidationException", "100 KB"),
        ("ExecuteStatement", body(json!({"Sql": "SELECT 1; SELECT 2"})), "ValidationException", "Multiple"),
        ("ExecuteStatement", body(json!({"Sql": " -- nothing"})), "ValidationException", "empty"),
        ("ExecuteStatement", bare(json!({})), "ValidationException", "ClusterIdentifier or"),
        (
            "ExecuteStatement",
            bare(json!({"ClusterIdentifier": "c", "WorkgroupName": "w"})),
            "ValidationException",
            "together",
        ),
        (
            "ExecuteStatement",
            bare(json!({"WorkgroupName": "w", "DbUser": "u"})),
            "ValidationException",
            "DbUser",
        ),
        (
            "ExecuteStatement",
            bare(json!({"ClusterIdentifier": "c", "DbUser": "u", "SecretArn": "s"})),
            "ValidationException",
            "together",
        ),
        (
            "ExecuteStatement",
            bare(json!({"WorkgroupName": "w", "Database": "other"})),
            "ValidationException",
            "other",
        ),
        (
            "ExecuteStatement",
            body(json!({"Sql": "SELECT 1", "WaitTimeSeconds": 31})),
            "ValidationException",
            "waitTime",
        ),
        (
            "ExecuteStatement",
            body(json!({"Sql": "SELECT 1", "ClientToken": "x".repeat(65)})),
            "ValidationException",
            "64",
        ),
        (
            "ExecuteStatement",
            body(json!({"Sql": "SELECT :a", "Parameters": [{"name": "a", "value": ""}]})),
            "ValidationException",
            "value",
        ),
        ("DescribeStatement", json!({"Id": "x"}), "ValidationException", "pattern"),
        ("DescribeStatement", json!({ "Id": unknown }), "ResourceNotFoundException", "exist"),
        ("CancelStatement", json!({ "Id": unknown }), "ResourceNotFoundException", "exist"),
        ("DoSomething", json!({}), "UnknownOperationException", ""),
    ];
    for (operation, body, kind, text) in cases {
        let (got, message) = world.call(operation, &body).unwrap_err();
        assert!(got == kind && message.contains(text), "{operation} {kind} {text}: {got} {message}");
    }
    assert!(world.redshift.sent().is_empty(), "nothing was taken in");
    let id = world.must("CREATE TABLE t (a INTEGER)")["Id"].clone();
    let (kind, text) = world.call("GetStatementResult", &json!({ "Id": id })).unwrap_err();
    assert!(kind == "ResourceNotFoundException" && text.contains("does not have result"), "{kind} {text}");
    let (kind, _) = world.call_as("AKIDOTHER", "DescribeStatement", &json!({ "Id": id })).unwrap_err();
    assert_eq!(kind, "ResourceNotFoundException", "only who sent it may ask");
    world.redshift.stay_picked(std::time::Duration::from_secs(1), 3);
    let start = || world.call("ExecuteStatement", &world.body(json!({"Sql": "SELECT 1"})));
    let ids: Vec<Value> = (0..3).map(|_| start().unwrap()["Id"].clone()).collect();
    assert_eq!(start().unwrap_err().0, "ActiveStatementsExceededException");
    ids.iter().for_each(|id| drop(world.ended(id.as_str().unwrap())));
}

#[test]
fn a_token_makes_a_call_once() {
    let world = World::new();
    world.must("CREATE TABLE t (a INTEGER)");
    let body = world
        .body(json!({"Sql": "INSERT INTO t VALUES (1)", "ClientToken": "load-1", "WaitTimeSeconds": 30}));
    let first = world.call("ExecuteStatement", &body).unwrap();
    assert_eq!(first["Status"], "FINISHED");
    assert_eq!(world.call("ExecuteStatement", &body).unwrap()["Id"], first["Id"]);
    assert_eq!(world.rows("SELECT count(*) FROM t"), "1");
    let other = world.body(json!({"Sql": "DELETE FROM t", "ClientToken": "load-1"}));
    assert_eq!(world.call("ExecuteStatement", &other).unwrap_err().0, "ValidationException");
    let sent = world.redshift.sent();
    assert_eq!(sent.iter().filter(|sent| sent.client_token.as_deref() == Some("load-1")).count(), 1);
    assert_eq!(world.redshift.count(Call::ExecuteStatement), 5);
}

#[test]
fn parameters_are_values() {
    let world = World::new();
    let parameters = json!([{"name": "a", "value": "it's \\ :b"}, {"name": "n", "value": "7"}]);
    let body = world.body(
        json!({"Sql": "SELECT :a, 1::integer + :n, ':a'", "Parameters": parameters, "WaitTimeSeconds": 9}),
    );
    let id = world.call("ExecuteStatement", &body).unwrap()["Id"].clone();
    let page = world.call("GetStatementResult", &json!({ "Id": id })).unwrap();
    assert_eq!(
        page["Records"][0],
        json!([{"stringValue": "it's \\ :b"}, {"longValue": 8}, {"stringValue": ":a"}])
    );
}

#[test]
fn results_come_in_pages() {
    let world = World::with(|setup| setup.page_rows = 2);
    let id = world.must("SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3")["Id"].clone();
    let first = world.call("GetStatementResult", &json!({ "Id": id })).unwrap();
    assert_eq!((first["Records"].as_array().unwrap().len(), &first["TotalNumRows"]), (2, &json!(3)));
    let next = json!({"Id": id, "NextToken": first["NextToken"]});
    let last = world.call("GetStatementResult", &next).unwrap();
    assert_eq!((last["Records"].as_array().unwrap().len(), last.get("NextToken")), (1, None));
}

#[test]
fn tables_are_described() {
    let world = World::new();
    world.must("CREATE TABLE t (id BIGINT NOT NULL, v VARCHAR(max), c CHAR(36), n DECIMAL(9,2), at TIMESTAMP, s SUPER)");
    let body = |more: Value| {
        let mut body = world.body(json!({"Schema": "public", "Table": "t"}));
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let said = world.call("DescribeTable", &body(json!({}))).unwrap();
    let columns: Vec<String> = said["ColumnList"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| {
            format!(
                "{} {} {} {} {} {}",
                c["name"], c["typeName"], c["length"], c["precision"], c["scale"], c["nullable"]
            )
        })
        .collect();
    assert_eq!(
        columns.join(", ").replace('"', ""),
        "id int8 19 19 0 0, v varchar 65535 65535 0 1, c bpchar 36 36 0 1, n numeric 9 9 2 1, at timestamp 29 29 6 1, \
         s super 0 0 0 1"
    );
    let page = world.call("DescribeTable", &body(json!({"MaxResults": 4}))).unwrap();
    let rest = world.call("DescribeTable", &body(json!({"NextToken": page["NextToken"]}))).unwrap();
    assert_eq!(
        (page["ColumnList"].as_array().unwrap().len(), rest["ColumnList"].as_array().unwrap().len()),
        (4, 2)
    );
    let absent = world.call("DescribeTable", &body(json!({"Table": "nowhere"}))).unwrap();
    assert_eq!(absent["ColumnList"], json!([]));
}

#[test]
fn statements_are_listed_newest_first() {
    let world = World::new();
    world.must("SELECT 1");
    world.batch(&["SELECT 2", "SELECT 3"]);
    world.run("SELECT 1/0");
    let all = world.call("ListStatements", &json!({"Status": "ALL"})).unwrap();
    let statuses: Vec<_> = all["Statements"].as_array().unwrap().iter().map(|item| &item["Status"]).collect();
    assert_eq!(statuses, ["FAILED", "FINISHED", "FINISHED"]);
    assert_eq!(all["Statements"][1]["QueryStrings"], json!(["SELECT 2", "SELECT 3"]));
    let failed = world.call("ListStatements", &json!({"Status": "FAILED"})).unwrap();
    assert_eq!(failed["Statements"].as_array().unwrap().len(), 1);
    assert_eq!(world.call_as("AKIDOTHER", "ListStatements", &json!({})).unwrap()["Statements"], json!([]));
}
