//! COPY of Parquet: what loads, how it comes out, and what is refused.

use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{WriterPropertiesBuilder, WriterVersion};
use serde_json::{Value, json};

use crate::client::World;
use crate::files::{Values, file, one, plain, without_converted_type};

const PART: &str = "stage/t/part-0.snappy.parquet";
const COPY: &str = "COPY t FROM 's3://stage/t/x.manifest' IAM_ROLE default FORMAT AS PARQUET MANIFEST";

fn entry(name: &str, length: usize) -> Value {
    json!({"url": format!("s3://{name}"), "mandatory": true, "meta": {"content_length": length}})
}

fn manifest(world: &World, entries: &[Value]) {
    world.s3.put("stage/t/x.manifest", json!({ "entries": entries }).to_string());
}

/// A world with a table `t`, a file and its manifest.
fn staged(columns: &str, file: Vec<u8>) -> World {
    let world = World::new();
    world.must(&format!("CREATE TABLE t ({columns})"));
    stage(&world, file);
    world
}

fn stage(world: &World, file: Vec<u8>) {
    manifest(world, &[entry(PART, file.len())]);
    world.s3.put(PART, file);
}

fn ints(count: i32) -> Vec<u8> {
    one("required int32 a;", Values::I32((1..=count).collect()))
}

#[test]
fn values_come_out_as_they_went_in() {
    use Values::*;
    let decimal = |value: i128, bytes: usize| value.to_be_bytes()[16 - bytes..].to_vec();
    let cases: Vec<(&str, &str, Values, &str)> = vec![
        ("BOOLEAN", "boolean", Bool(vec![true, false]), "true,false"),
        ("SMALLINT", "int32", I32(vec![-32768, 32767]), "-32768,32767"),
        ("SMALLINT", "int32 a (INT_16)", I32(vec![7]), "7"),
        ("INTEGER", "int32", I32(vec![i32::MIN, i32::MAX]), "-2147483648,2147483647"),
        ("BIGINT", "int64", I64(vec![i64::MIN]), "-9223372036854775808"),
        ("REAL", "float", F32(vec![1.5]), "1.5"),
        ("DOUBLE PRECISION", "double", F64(vec![-0.25]), "-0.25"),
        (
            "DATE",
            "int32 a (DATE)",
            I32(vec![0, -1, 10957, 20000]),
            "1970-01-01,1969-12-31,2000-01-01,2024-10-04",
        ),
        (
            "TIMESTAMP",
            "int64 a (TIMESTAMP(MICROS,false))",
            I64(vec![1_700_000_000_123_456, -1]),
            "2023-11-14 22:13:20.123456,1969-12-31 23:59:59.999999",
        ),
        (
            "TIMESTAMP WITH TIME ZONE",
            "int64 a (TIMESTAMP(MICROS,true))",
            I64(vec![1_700_000_000_000_000]),
            "2023-11-14 22:13:20+00",
        ),
        (
            "DECIMAL(9,2)",
            "fixed_len_byte_array(4) a (DECIMAL(9,2))",
            Fixed(vec![decimal(-12_345, 4), decimal(0, 4), decimal(999_999_999, 4), decimal(5, 4)]),
            "-123.45,0.00,9999999.99,0.05",
        ),
        (
            "DECIMAL(38,38)",
            "fixed_len_byte_array(16) a (DECIMAL(38,38))",
            Fixed(vec![decimal(10_i128.pow(38) - 1, 16)]),
            "0.99999999999999999999999999999999999999",
        ),
        (
            "DECIMAL(38,0)",
            "fixed_len_byte_array(16) a (DECIMAL(38,0))",
            Fixed(vec![decimal(-(10_i128.pow(38) - 1), 16)]),
            "-99999999999999999999999999999999999999",
        ),
        ("VARCHAR(6)", "binary a (UTF8)", Bytes(vec!["日本".as_bytes(), b""]), "日本,"),
        ("CHAR(3)", "binary a (UTF8)", Bytes(vec![b"abc"]), "abc"),
    ];
    let world = World::new();
    for (column, kind, values, expected) in cases {
        let field = if kind.contains(" a") { kind.to_owned() } else { format!("{kind} a") };
        world.must(&format!("CREATE TABLE t (a {column})"));
        stage(&world, file(&format!("optional {field};"), &[values], 1, plain()));
        world.must(COPY);
        let rows = world.rows("SELECT a FROM t").replace('\n', ",");
        assert_eq!(rows, format!("{expected},∅"), "{column}");
        world.must("DROP TABLE t");
    }
}

#[test]
fn a_column_takes_exactly_one_parquet_type() {
    use Values::*;
    let nothing = || Fixed(Vec::new());
    let cases: Vec<(&str, &str, Values)> = vec![
        ("BIGINT", "int32 a", I32(vec![1])),
        ("INTEGER", "int64 a", I64(vec![1])),
        ("INTEGER", "int32 a (UINT_32)", I32(vec![1])),
        ("INTEGER", "int32 a (DATE)", I32(vec![1])),
        ("SMALLINT", "int64 a", I64(vec![1])),
        ("DATE", "int32 a", I32(vec![1])),
        ("REAL", "double a", F64(vec![1.0])),
        ("DOUBLE PRECISION", "float a", F32(vec![1.0])),
        ("BOOLEAN", "int32 a", I32(vec![1])),
        ("TIMESTAMP", "int64 a", I64(vec![1])),
        ("TIMESTAMP", "int64 a (TIMESTAMP(NANOS,false))", I64(vec![1])),
        ("TIMESTAMP", "int64 a (TIMESTAMP(MILLIS,false))", I64(vec![1])),
        ("TIMESTAMP", "int64 a (TIMESTAMP(MICROS,true))", I64(vec![1])),
        ("TIMESTAMPTZ", "int64 a (TIMESTAMP(MICROS,false))", I64(vec![1])),
        ("DECIMAL(9,2)", "int32 a (DECIMAL(9,2))", I32(vec![1])),
        ("DECIMAL(18,2)", "int64 a (DECIMAL(18,2))", I64(vec![1])),
        ("DECIMAL(9,2)", "fixed_len_byte_array(5) a (DECIMAL(9,2))", nothing()),
        ("DECIMAL(9,2)", "fixed_len_byte_array(4) a (DECIMAL(8,2))", nothing()),
        ("DECIMAL(9,2)", "fixed_len_byte_array(4) a (DECIMAL(9,1))", nothing()),
        ("VARCHAR(9)", "binary a", Bytes(vec![b"x"])),
        ("VARCHAR(9)", "binary a (ENUM)", Bytes(vec![b"x"])),
        ("VARCHAR(9)", "int32 a", I32(vec![1])),
        ("INTEGER", "binary a (UTF8)", Bytes(vec![b"1"])),
        ("SUPER", "binary a (UTF8)", Bytes(vec![b"{}"])),
        ("GEOGRAPHY", "binary a (UTF8)", Bytes(vec![b"00"])),
    ];
    let world = World::new();
    for (column, kind, values) in cases {
        world.must(&format!("CREATE TABLE t (a {column})"));
        stage(&world, one(&format!("required {kind};"), values));
        let error = world.fails(COPY);
        assert!(
            error.contains("15007") && error.contains("incompatible Parquet"),
            "{column} {kind}: {error}"
        );
        world.must("DROP TABLE t");
    }
}

#[test]
fn a_value_that_does_not_fit_ends_the_copy() {
    let cases: [(&str, &str, Values, &str); 6] = [
        ("VARCHAR(5)", "binary a (UTF8)", Values::Bytes(vec![b"ok", "日本".as_bytes()]), "Table: 5, Data: 6"),
        ("CHAR(3)", "binary a (UTF8)", Values::Bytes(vec![b"abcd"]), "Table: 3, Data: 4"),
        ("CHAR(9)", "binary a (UTF8)", Values::Bytes(vec!["é".as_bytes()]), "Multibyte"),
        ("VARCHAR(9)", "binary a (UTF8)", Values::Bytes(vec![b"\xff"]), "UTF8"),
        ("SMALLINT", "int32 a", Values::I32(vec![40_000]), "out of range"),
        ("INTEGER NOT NULL", "int32 a", Values::I32(vec![]), "null value"),
    ];
    for (column, kind, values, expected) in cases {
        let nulls = usize::from(column.contains("NOT NULL"));
        let world =
            staged(&format!("a {column}"), file(&format!("optional {kind};"), &[values], nulls, plain()));
        let error = world.fails(COPY);
        assert!(error.contains(expected), "{column}: {error}");
        assert_eq!(world.rows("SELECT count(*) FROM t"), "0", "{column}");
    }
}

#[test]
fn the_whole_error_is_in_the_catalog_and_cut_off_for_the_client() {
    let world = staged("a BIGINT", ints(1));
    let error = world.fails(COPY);
    let whole = world.rows(
        "SELECT error_message, column_name, trim(file_name) FROM sys_load_error_detail ORDER BY start_time DESC LIMIT 1",
    );
    assert!(whole.contains("physical") || whole.contains("INT32"), "{whole}");
    assert!(whole.ends_with("|a|s3://stage/t/part-0.snappy.parquet"), "{whole}");
    assert!(error.len() < whole.len() + 400);
    assert_eq!(world.rows("SELECT count(*) FROM stl_load_errors WHERE err_code = 15007"), "1");
}

#[test]
fn columns_match_by_position_and_count() {
    let two = file(
        "required int32 b; required int32 a;",
        &[Values::I32(vec![1]), Values::I32(vec![2])],
        0,
        plain(),
    );
    let world = staged("a INTEGER, b INTEGER", two);
    world.must(COPY);
    assert_eq!(world.rows("SELECT a, b FROM t"), "1|2", "names do not matter");
    world.must(&COPY.replace("COPY t", "COPY public.t (\"B\", \"a\")"));
    assert_eq!(world.rows("SELECT a, b FROM t ORDER BY a"), "1|2\n2|1", "the list's order does");
    world.must("ALTER TABLE t ADD COLUMN c VARCHAR(5)");
    for (copy, expected) in [
        (COPY.to_owned(), "Table columns: 3, Data columns: 2"),
        (COPY.replace("COPY t", "COPY t (a)"), "Table columns: 1, Data columns: 2"),
        (COPY.replace("COPY t", "COPY t (a, x)"), "column \"x\""),
        (COPY.replace("COPY t", "COPY t (a, a)"), "more than once"),
        (COPY.replace("COPY t", "COPY nowhere"), "nonexistent"),
    ] {
        let error = world.fails(&copy);
        assert!(error.contains(expected), "{copy}: {error}");
    }
    world.must(&format!("{COPY} FILLRECORD"));
    assert_eq!(world.rows("SELECT count(*), count(c) FROM t"), "3|0");
}

#[test]
fn options() {
    let world = staged("a INTEGER", ints(2));
    for refused in [
        "REGION 'us-east-1'",
        "TRUNCATECOLUMNS",
        "COMPUPDATE OFF",
        "MAXERROR 1",
        "ACCEPTANYDATE",
        "GZIP",
        "CSV",
        "IGNOREHEADER 1",
        "NOSUCHOPTION",
    ] {
        let error = world.fails(&format!("{COPY} {refused}"));
        assert!(
            error.contains("not supported for PARQUET") || error.contains("syntax error"),
            "{refused}: {error}"
        );
    }
    for (copy, expected) in [
        (COPY.replace("IAM_ROLE default ", ""), "authorization"),
        (COPY.replace("FORMAT AS PARQUET ", ""), "PARQUET"),
        (COPY.replace("IAM_ROLE default", "ACCESS_KEY_ID 'a' SECRET_ACCESS_KEY 'b'"), "IAM_ROLE only"),
        ("COPY t FROM STDIN".to_owned(), "syntax error"),
    ] {
        let error = world.fails(&copy);
        assert!(error.contains(expected), "{copy}: {error}");
    }
    assert_eq!(world.rows("SELECT count(*) FROM t"), "0");
    for taken in ["STATUPDATE OFF", "STATUPDATE ON FILLRECORD", "ACCEPTINVCHARS AS '?'", "EXPLICIT_IDS"] {
        world.must(&format!("{COPY} {taken}"));
    }
    assert_eq!(world.rows("SELECT count(*) FROM t"), "8");
}

#[test]
fn manifests() {
    let world = staged("a INTEGER", ints(2));
    let length = ints(2).len();
    let good = || entry(PART, length);
    let without = |field: &str| {
        let mut entry = good();
        entry.as_object_mut().unwrap().remove(field);
        entry
    };
    let absent = |is_mandatory: bool| {
        let mut entry = entry("stage/t/absent.parquet", 9);
        entry["mandatory"] = json!(is_mandatory);
        entry
    };
    for name in
        ["stage/t/a.gz", "stage/t/a.bz2", "stage/t/a.snappy", "stage/t//a.parquet", "stage/t/a%20b.parquet"]
    {
        world.s3.put(name, ints(2));
    }
    let rows = |count: &str| Ok(count.to_owned());
    let error = |text: &str| Err(text.to_owned());
    let cases: Vec<(&str, Vec<Value>, Result<String, String>)> = vec![
        ("one", vec![good()], rows("2")),
        ("twice", vec![good(), good()], rows("4")),
        ("no content_length", vec![without("meta")], error("content_length")),
        ("wrong content_length", vec![entry(PART, length + 1)], error("content_length")),
        ("not mandatory by default", vec![good(), without("mandatory")], rows("4")),
        ("absent, mandatory", vec![good(), absent(true)], error("NoSuchKey")),
        ("absent, not mandatory", vec![good(), absent(false)], rows("2")),
        ("all absent", vec![absent(false)], error("No file")),
        ("empty", vec![], error("no file")),
        (".gz", vec![entry("stage/t/a.gz", length)], error("decompressed")),
        (".bz2", vec![entry("stage/t/a.bz2", length)], error("decompressed")),
        (".snappy", vec![entry("stage/t/a.snappy", length)], error("decompressed")),
        ("//", vec![entry("stage/t//a.parquet", length)], error("//")),
        ("a percent sign stands for itself", vec![entry("stage/t/a%20b.parquet", length)], rows("2")),
        ("a space is no %20", vec![entry("stage/t/a b.parquet", length)], error("NoSuchKey")),
    ];
    for (name, entries, expected) in cases {
        manifest(&world, &entries);
        let said = world.run(COPY);
        match expected {
            Ok(rows) => assert_eq!(said["ResultRows"].to_string(), rows, "{name}: {said}"),
            Err(text) => {
                assert!(said["Error"].as_str().unwrap_or_default().contains(&text), "{name}: {said}")
            }
        }
    }
    world.s3.put("stage/t/x.manifest", "{");
    assert!(world.fails(COPY).contains("json"));
    assert!(world.fails(&COPY.replace("x.manifest", "y.manifest")).contains("manifest"));
}

#[test]
fn a_prefix_without_a_manifest_loads_what_it_finds() {
    let world = staged("a INTEGER", ints(2));
    let copy = |prefix: &str| {
        format!("COPY t FROM 's3://stage/{prefix}' IAM_ROLE 'arn:aws:iam::1:role/r' FORMAT PARQUET")
    };
    assert_eq!(world.must(&copy("nothing/here"))["ResultRows"], 0, "and says nothing");
    assert_eq!(world.must(&copy("t/part"))["ResultRows"], 2);
    assert!(world.fails(&copy("t/")).contains("version number"), "the manifest is no Parquet");
}

#[test]
fn a_file_must_be_of_a_kind_that_is_known_to_load() {
    let zstd = Compression::ZSTD(ZstdLevel::default());
    let cases: Vec<(&str, WriterPropertiesBuilder)> = vec![
        ("ZSTD", plain().set_compression(zstd)),
        ("V2", plain().set_writer_version(WriterVersion::PARQUET_2_0).set_dictionary_enabled(false)),
        ("DELTA", plain().set_dictionary_enabled(false).set_encoding(Encoding::DELTA_BINARY_PACKED)),
    ];
    for (name, properties) in cases {
        let world = staged("a INTEGER", file("required int32 a;", &[Values::I32(vec![1])], 0, properties));
        let error = world.fails(COPY);
        assert!(error.contains(name) && error.contains("not proven"), "{name}: {error}");
    }
    for properties in
        [plain().set_dictionary_enabled(false), plain().set_compression(Compression::UNCOMPRESSED)]
    {
        let world = staged("a INTEGER", file("required int32 a;", &[Values::I32(vec![1])], 0, properties));
        world.must(COPY);
    }
}

#[test]
fn a_timestamp_without_the_legacy_type_comes_out_wrong() {
    let schema = "required int64 a (TIMESTAMP(MICROS,false));";
    let whole = one(schema, Values::I64(vec![1_700_000_000_000_000]));
    let world = staged("a TIMESTAMP", without_converted_type(&whole));
    world.must(COPY);
    assert_eq!(world.rows("SELECT a FROM t"), "1970-01-20 16:13:20");
}

#[test]
fn buckets_elsewhere_and_other_roles_are_refused() {
    let world = World::with(|setup| {
        setup.bucket_regions.insert("stage".to_owned(), "eu-west-1".to_owned());
        setup.iam_role = Some("arn:aws:iam::1:role/copy".to_owned());
    });
    world.must("CREATE TABLE t (a INTEGER)");
    stage(&world, ints(1));
    assert!(world.fails(COPY).contains("not authorized to assume"));
    assert!(
        world.fails(&COPY.replace("default", "'arn:aws:iam::1:role/copy'")).contains("PermanentRedirect")
    );
}

#[test]
fn the_last_copy_is_counted_in_its_session() {
    let world = staged("a INTEGER", ints(5));
    let said = world.batch(&[COPY, "SELECT pg_last_copy_count()"]);
    assert_eq!(said["SubStatements"][0]["ResultRows"], 5);
    let id = said["SubStatements"][1]["Id"].clone();
    let page = world.call("GetStatementResult", &json!({ "Id": id })).unwrap();
    assert_eq!(page["Records"][0][0]["longValue"], 5);
    assert_eq!(world.rows("SELECT pg_last_copy_count()"), "0", "another session");
    assert!(world.redshift.copy_time().as_micros() > 0);
}
