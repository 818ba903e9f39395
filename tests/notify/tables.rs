//! DynamoDB: tables with the keys and the index that the loader before us made, read as its tools read them.

use super::{NIGHT, OLD, backfill};
use crate::moto::moto;
use crate::world::World;
use serde_json::{Value, json};

const MAKE: &str = "
key = lambda name, kind: {'AttributeName': name, 'KeyType': kind}
attribute = lambda name, kind: {'AttributeName': name, 'AttributeType': kind}
dynamodb.create_table(TableName='LambdaRedshiftBatches', BillingMode='PAY_PER_REQUEST',
    AttributeDefinitions=[attribute('s3Prefix', 'S'), attribute('batchId', 'S'), attribute('status', 'S'),
                          attribute('lastUpdate', 'N')],
    KeySchema=[key('s3Prefix', 'HASH'), key('batchId', 'RANGE')],
    GlobalSecondaryIndexes=[{'IndexName': 'LambdaRedshiftBatchStatus', 'Projection': {'ProjectionType': 'ALL'},
                             'KeySchema': [key('status', 'HASH'), key('lastUpdate', 'RANGE')]}])
dynamodb.create_table(TableName='LambdaRedshiftProcessedFiles', BillingMode='PAY_PER_REQUEST',
    AttributeDefinitions=[attribute('loadFile', 'S')], KeySchema=[key('loadFile', 'HASH')])
";

fn batches(status: &str) -> Vec<Value> {
    let found = moto().ask(&format!(
        "found = dynamodb.query(TableName='LambdaRedshiftBatches', IndexName='LambdaRedshiftBatchStatus',\n\
         \x20   KeyConditionExpression='#s = :s and lastUpdate >= :t', ExpressionAttributeNames={{'#s': 'status'}},\n\
         \x20   ExpressionAttributeValues={{':s': {{'S': '{status}'}}, ':t': {{'N': '1700000000'}}}})['Items']\n\
         print(json.dumps(found))"
    ));
    serde_json::from_str(&found).unwrap()
}

fn file(name: &str) -> Value {
    let found = moto().ask(&format!(
        "print(json.dumps(dynamodb.get_item(TableName='LambdaRedshiftProcessedFiles', \
         Key={{'loadFile': {{'S': '{name}'}}}}).get('Item')))"
    ));
    serde_json::from_str(&found).unwrap()
}

#[test]
fn loads_are_batches_and_exports_are_files() {
    moto().ask(MAKE);
    let world = World::new();
    let tables = [
        ("CSL_DYNAMODB_BATCHES_TABLE", "LambdaRedshiftBatches"),
        ("CSL_DYNAMODB_PROCESSED_FILES_TABLE", "LambdaRedshiftProcessedFiles"),
    ];
    let export = "exports/org/full/t/20260301/t_20260301031500.csv";
    world.export("full", NIGHT, OLD, &[1, 2]);
    world.redshift.fail_statement("COPY", "ERROR: S3ServiceException:Access Denied", 1);
    let failed = backfill(&world, &tables, &[]);
    assert_eq!(failed.code, Some(3), "{failed:#?}");
    let id = failed.json()["load_id"].as_str().unwrap().to_owned();
    let found = batches("error");
    assert_eq!((found.len(), &found[0]["batchId"]), (1, &json!({ "S": id })), "{found:#?}");
    assert!(found[0]["errorMessage"]["S"].as_str().unwrap().contains("Access Denied"), "{found:#?}");
    assert_eq!(found[0]["manifestFile"], json!({ "S": format!("manifests/failed/t/{id}.json") }));
    assert_eq!(file(export)["timesReceived"], json!({ "N": "1" }));
    assert!(file(export).get("batchId").is_none(), "what was not loaded may be loaded by the old loader");

    let loaded = backfill(&world, &tables, &[]);
    assert_eq!((loaded.code, &loaded.json()["load_id"]), (Some(0), &json!(id)), "{loaded:#?}");
    let found = batches("complete");
    assert_eq!((found.len(), batches("error").len()), (1, 0), "the same load is the same batch: {found:#?}");
    let batch = &found[0];
    assert_eq!(batch["s3Prefix"], json!({ "S": "exports/org/full/t" }));
    assert_eq!(batch["entries"], json!({ "SS": [export] }));
    assert_eq!(batch["manifestFile"], json!({ "S": format!("stage/csl/t/{id}/manifest.json") }));
    let clusters: Value = serde_json::from_str(batch["clusterLoadStatus"]["S"].as_str().unwrap()).unwrap();
    assert_eq!(clusters, json!({ "wg": { "status": 0, "error": null } }));
    assert!(batch["size"]["N"].as_str().unwrap().parse::<u64>().unwrap() > 0, "{batch:#}");
    let file = file(export);
    assert_eq!((&file["timesReceived"], &file["batchId"]), (&json!({ "N": "2" }), &json!({ "S": id })));
    assert_eq!(file["receiveDateTime"]["S"].as_str().unwrap().len(), "2026-03-01 03:15:00".len());
}

#[test]
fn a_table_that_is_not_there_fails_no_load() {
    let world = World::new();
    world.export("full", NIGHT, OLD, &[1]);
    let variables =
        [("CSL_DYNAMODB_BATCHES_TABLE", "absent"), ("CSL_DYNAMODB_PROCESSED_FILES_TABLE", "absent")];
    let answer = backfill(&world, &variables, &[]);
    assert_eq!(answer.code, Some(0), "{answer:#?}");
    assert_eq!(crate::warnings(&answer).len(), 2, "{answer:#?}");
}
