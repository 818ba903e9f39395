//! COPY of Parquet by Redshift's rules.

use serde_json::json;

use crate::client::World;
use crate::files::{Values, one};

/// Puts a file and its manifest, and gives the COPY.
fn staged(world: &World, table: &str, file: Vec<u8>) -> String {
    let entry = json!({"url": "s3://stage/t/part-0.snappy.parquet", "mandatory": true,
        "meta": {"content_length": file.len()}});
    world.s3.put("stage/t/part-0.snappy.parquet", file);
    world.s3.put("stage/t/x.manifest", json!({"entries": [entry]}).to_string());
    format!("COPY {table} FROM 's3://stage/t/x.manifest' IAM_ROLE default FORMAT AS PARQUET MANIFEST")
}

#[test]
fn a_file_is_loaded() {
    let world = World::new();
    world.must("CREATE TABLE t (a INTEGER)");
    let copy = staged(&world, "t (\"a\")", one("required int32 a;", Values::I32(vec![1, 2, 3])));
    assert_eq!(world.must(&copy)["ResultRows"], 3);
    assert_eq!(world.rows("SELECT count(*), sum(a) FROM t"), "3|6");
}
