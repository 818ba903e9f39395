//! A small export with a column of each type, and what is to be found when a cell of it is another.

/// The bulk schema of the table `t`.
pub(crate) const SCHEMA: &str = r#"{"tables": [{"table": {"name": "t", "columns": {
    "id": {"type": "integer", "sql_type": "bigint", "nullable": false},
    "small": {"type": "integer", "sql_type": "smallint"},
    "whole": {"type": "integer", "sql_type": "integer"},
    "big": {"type": "integer", "sql_type": "bigint"},
    "yes": {"type": "boolean", "sql_type": "boolean"},
    "price": {"type": "decimal", "sql_type": "numeric(5,2)"},
    "part": {"type": "float", "sql_type": "real"},
    "share": {"type": "float", "sql_type": "double precision"},
    "day": {"type": "date", "sql_type": "date"},
    "made": {"type": "datetime", "sql_type": "timestamp without time zone"},
    "seen": {"type": "datetime", "sql_type": "timestamp with time zone"},
    "tag": {"type": "uuid", "sql_type": "uuid"},
    "name": {"type": "string", "sql_type": "character varying(255)"},
    "note": {"type": "text", "sql_type": "text"},
    "params": {"type": "jsonb", "sql_type": "jsonb"},
    "created_at": {"type": "datetime", "sql_type": "timestamp without time zone"}}}}]}"#;

/// The same in Redshift, in another order and some types wider; what no export has beside it.
#[allow(dead_code, reason = "not every test has a Redshift")]
pub(crate) const TABLE: &str = "CREATE TABLE t (created_at TIMESTAMP, id BIGINT NOT NULL, small INTEGER, \
    whole BIGINT, big BIGINT, yes BOOLEAN, price DECIMAL(10,4), part REAL, share DOUBLE PRECISION, day DATE, \
    made TIMESTAMP, seen TIMESTAMPTZ, tag CHAR(36), name VARCHAR(65535), note VARCHAR(65535), params VARCHAR(65535))";

/// The header of the export.
pub(crate) const HEADER: &str =
    "id,small,whole,big,yes,price,part,share,day,made,seen,tag,name,note,params,created_at";

/// Its rows, field by field. The second one lies between the others in everything.
pub(crate) const ROWS: [[&str; 16]; 4] = [
    [
        "1",
        "-5",
        "10",
        "-9223372036854775808",
        "t",
        "1.00",
        "0.5",
        "-1.5",
        "0044-03-15 BC",
        "1969-12-31 23:59:59.999999",
        "2024-01-01 10:00:00+00",
        "00000000-0000-0000-0000-00000000000a",
        "anna",
        "\"\"",
        "{}",
        "2024-01-01 00:00:00",
    ],
    [
        "2",
        "5",
        "20",
        "0",
        "f",
        "2.00",
        "1.5",
        "0.25",
        "2024-01-02",
        "2024-01-02 10:00:00.5",
        "2024-01-02 10:00:00.5+00",
        "00000000-0000-0000-0000-00000000000b",
        "\"bo, jr\"",
        "\"two\nlines\"",
        "\"{\"\"a\"\": 1}\"",
        "2024-01-02 00:00:00",
    ],
    [
        "3",
        "7",
        "30",
        "9223372036854775807",
        "t",
        "3.00",
        "2.5",
        "1.5",
        "2024-01-03",
        "2024-01-03 10:00:00",
        "2024-01-03 10:00:00+00",
        "00000000-0000-0000-0000-00000000000c",
        "çelik",
        "",
        "[]",
        "2024-01-03 00:00:00",
    ],
    ["4", "", "", "", "", "", "", "", "", "", "", "", "", "", "", ""],
];

/// An export of these rows.
pub(crate) fn csv<'a>(rows: impl IntoIterator<Item = [&'a str; 16]>) -> String {
    let lines = rows.into_iter().map(|row| row.join(",") + "\n");
    std::iter::once(format!("{HEADER}\n")).chain(lines).collect()
}

/// The export with this in a column of the second row.
pub(crate) fn csv_with(column: &str, value: &str) -> String {
    let at = HEADER.split(',').position(|name| name == column).unwrap();
    csv((0..ROWS.len()).map(|row| {
        let mut fields = ROWS[row];
        if row == 1 {
            fields[at] = value;
        }
        fields
    }))
}

/// A column, what stands in it instead, and by which measures that is found.
pub(crate) const CHANGES: &[(&str, &str, &[&str])] = &[
    ("id", "9", &["max", "sum"]),
    ("small", "6", &["sum"]),
    ("small", "", &["non_null", "sum"]),
    ("whole", "19", &["sum"]),
    ("big", "1", &["sum"]),
    ("big", "-1", &["sum"]),
    ("yes", "t", &["sum"]),
    ("price", "2.01", &["sum"]),
    ("price", "3.01", &["max", "sum"]),
    ("part", "1.25", &["sum"]),
    ("share", "0.250001", &["sum"]),
    ("day", "2024-01-01", &["sum"]),
    ("made", "2024-01-02 10:00:00.500001", &["sum"]),
    ("made", "1969-01-01 00:00:00", &["min", "sum"]),
    ("seen", "2024-01-02 10:00:00.500001+00", &["sum"]),
    ("tag", "00000000-0000-0000-0000-00000000000d", &["hash"]),
    ("name", "\"bo, sr\"", &["hash"]),
    ("name", "bo", &["bytes", "hash"]),
    ("name", "", &["non_null", "bytes", "hash"]),
    ("note", "\"\"", &["empties", "bytes", "hash"]),
    ("note", "\"two\rlines\"", &["hash"]),
    ("params", "\"{\"\"b\"\": 1}\"", &["hash"]),
    ("created_at", "2024-01-02 00:00:01", &["sum"]),
];

/// Columns and measures of all differences that `verify` found.
pub(crate) fn found(verified: &serde_json::Value) -> Vec<(String, String)> {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let all = verified["differences"].as_array().unwrap();
    all.iter().map(|found| (text(&found["column"]), text(&found["measure"]))).collect()
}
