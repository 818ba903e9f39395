//! Random exports: every type, every way to write a value, faults among them.

use std::fmt::Write as _;

/// A column of a random table.
pub(crate) struct Made {
    pub(crate) name: String,
    pub(crate) sql_type: &'static str,
    pub(crate) nullable: bool,
}

/// Types with values that they take and some that they do not, as fields before quotes.
const TYPES: &[(&str, &[&str], &[&str])] = &[
    ("smallint", &["0", "-32768", "32767", "7", "+5"], &["32768", "x", "1.5"]),
    ("integer", &["0", "-2147483648", "2147483647", "12345"], &["2147483648", " "]),
    ("bigint", &["9223372036854775807", "-9223372036854775808", "1", "20"], &["9223372036854775808"]),
    ("boolean", &["t", "f", "true", "f", "t"], &["maybe"]),
    ("numeric(5,2)", &["1.00", "-999.99", "0.50", "3", "0.5"], &["1000.00", "a"]),
    ("numeric(38,10)", &["1234567890123456789012345678.0123456789", "-1", "0.0000000001"], &["1.x"]),
    ("real", &["1.5", "-0.1", "1e30", "-0"], &["1e99", "NaN", "q"]),
    ("double precision", &["0.1", "1e300", "2.5"], &["1e999", "Infinity"]),
    ("date", &["2024-02-29", "0044-03-15 BC", "1970-01-01", "5000-01-01"], &["2023-02-29", "soon"]),
    (
        "timestamp without time zone",
        &[
            "2024-03-01 12:34:56.78",
            "1969-12-31 23:59:59.999999",
            "2024-03-01 00:00:00",
            "0001-01-01 00:00:00",
        ],
        &["2024-13-01 00:00:00", "now"],
    ),
    (
        "timestamp with time zone",
        &["2024-01-01 10:00:00+00", "2024-01-01 10:00:00.5+05:30", "1950-06-01 00:00:00-08"],
        &["2024-01-01 25:00:00+00"],
    ),
    (
        "uuid",
        &["00000000-0000-0000-0000-00000000000a", "123e4567-e89b-12d3-a456-426614174000"],
        &["123e4567", "zzzzzzzz-0000-0000-0000-00000000000a"],
    ),
    ("character varying(6)", &["abc", "äöüäöü", "longer than it may be", "", "çelik, jr", "\""], &[]),
    (
        "text",
        &["", "a", "two\nlines", "a \"quoted\" word", "twelve bytes", "thirteen byte", "çelik", ",", "\r\n"],
        &[],
    ),
    ("jsonb", &["{}", "[]", "{\"a\": 1}", "null"], &[]),
    ("citext", &["Mixed", "", "x"], &[]),
];

/// A random table: every type at least once, in any order.
pub(crate) fn columns(rng: &mut fastrand::Rng) -> Vec<Made> {
    let mut types: Vec<&'static str> = TYPES.iter().map(|(name, ..)| *name).collect();
    for _ in 0..rng.usize(..40) {
        types.push(TYPES[rng.usize(..TYPES.len())].0);
    }
    rng.shuffle(&mut types);
    let column = |(at, sql_type)| Made { name: format!("c{at}"), sql_type, nullable: rng.u8(..) < 200 };
    types.into_iter().enumerate().map(column).collect()
}

/// A random export of a table; one field of `faults_one_of` is wrong, none if that is 0.
pub(crate) fn csv(rng: &mut fastrand::Rng, columns: &[&Made], rows: usize, faults_one_of: usize) -> String {
    let end = if rng.bool() { "\n" } else { "\r\n" };
    let mut csv: String =
        columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>().join(",") + end;
    let nulls_one_of = [1, 2, 3, 50, usize::MAX][rng.usize(..5)];
    for row in 0..rows {
        for (at, column) in columns.iter().enumerate() {
            if at > 0 {
                csv.push(',');
            }
            let is_wrong = faults_one_of > 0 && rng.usize(..faults_one_of) == 0;
            csv.push_str(&field(rng, column, row, nulls_one_of, is_wrong));
        }
        if faults_one_of > 0 && rng.usize(..faults_one_of) == 0 {
            csv.push_str(",one,more");
        }
        csv.push_str(end);
    }
    csv
}

fn field(rng: &mut fastrand::Rng, column: &Made, row: usize, nulls_one_of: usize, is_wrong: bool) -> String {
    let (_, right, wrong) = TYPES.iter().find(|(name, ..)| *name == column.sql_type).unwrap();
    if is_wrong {
        return match wrong {
            [] => "\"quoted\" in part".to_owned(),
            _ => wrong[rng.usize(..wrong.len())].to_owned(),
        };
    }
    if column.nullable && rng.usize(..nulls_one_of) == 0 {
        return String::new();
    }
    let mut value = right[rng.usize(..right.len())].to_owned();
    if rng.bool() {
        match column.sql_type {
            "integer" | "bigint" => value = row.to_string(),
            "text" => {
                let _ = write!(value, "{}", "é".repeat(rng.usize(..20)));
            }
            _ => {}
        }
    }
    // Who makes NULL of the empty text has none where NULL may not be.
    if value.is_empty() && !column.nullable {
        value.push('x');
    }
    let needs_quotes = value.is_empty() || value.contains(['"', ',', '\n', '\r']);
    if needs_quotes || rng.usize(..4) == 0 {
        return format!("\"{}\"", value.replace('"', "\"\""));
    }
    value
}

/// The bytes in some packing, and its name.
pub(crate) fn packed(rng: &mut fastrand::Rng, bytes: &[u8]) -> (&'static str, Vec<u8>) {
    use std::io::Write;
    match rng.usize(..5) {
        0 => {
            let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
            encoder.write_all(bytes).unwrap();
            ("bzip2", encoder.finish().unwrap())
        }
        1 => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(bytes).unwrap();
            ("gzip", encoder.finish().unwrap())
        }
        2 => ("zstd", zstd::encode_all(bytes, 1).unwrap()),
        _ => ("plain", bytes.to_vec()),
    }
}
