//! The Data API's protocol, limits and errors.

use serde_json::{Value, json};

use crate::client::World;

#[test]
fn a_statement_runs_and_is_described() {
    let world = World::new();
    let said = world.must(
        "SELECT 1 AS a, 'x'::varchar(3) AS b, NULL::integer AS c, true AS d, 1.5::double precision AS e",
    );
    assert_eq!(said["HasResultSet"], true);
    assert_eq!(said["ResultRows"], 1);
    assert!(said["RedshiftPid"].as_i64().unwrap() > 0);
    assert_eq!(
        world.rows("SELECT 1, 'x', NULL, true, 1.5::float8, 2.50::numeric(5,2)"),
        "1|x|∅|true|1.5|2.50"
    );
    let page: Value = world.call("GetStatementResult", &json!({"Id": said["Id"]})).unwrap();
    assert_eq!(page["TotalNumRows"], 1);
    assert_eq!(page["ColumnMetadata"][1]["name"], "b");
}
