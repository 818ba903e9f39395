//! The fast path against the exact one: random records, then mutated ones, cell by cell.

use crate::support::{Given, rng, table};
use csl_stream::csv::{LineEnd, raw_records};
use csl_stream::values;
use parquet::data_type::Decimal;
use parquet::record::Field;

const COLUMNS: [(&str, &str, bool); 12] = [
    ("id", "bigint", false),
    ("small", "smallint", true),
    ("int", "integer", true),
    ("flag", "boolean", true),
    ("score", "numeric(3,2)", true),
    ("big", "numeric(38,10)", true),
    ("real", "real", true),
    ("double", "double precision", true),
    ("at", "timestamp(6) without time zone", true),
    ("day", "date", true),
    ("uuid", "uuid", true),
    ("note", "text", true),
];

fn field(rng: &mut fastrand::Rng, column: usize) -> String {
    if column > 0 && rng.usize(..5) == 0 {
        return String::new();
    }
    let plain = match column {
        0 => rng.i64(..).to_string(),
        1 => rng.i16(..).to_string(),
        2 => (rng.i32(..) >> rng.u32(..32)).to_string(),
        3 => ["t", "f", "true", "NO", "1", "on"][rng.usize(..6)].to_owned(),
        4 => format!("{}{}.{:02}", if rng.bool() { "" } else { "-" }, rng.u8(..10), rng.u8(..100)),
        5 => format!("{}.{:010}", rng.i64(..), rng.u64(..10_000_000_000)),
        6 => rng.f32().to_string(),
        7 => format!("{:e}", rng.f64() * 1e30),
        8 => {
            let fraction = ["", ".5", ".123456", " BC", "Z", "+00"][rng.usize(..6)];
            let (month, day, minute) = (rng.u8(1..13), rng.u8(1..32), rng.u8(..60));
            format!("{:04}-{month:02}-{day:02} 23:{minute:02}:01{fraction}", rng.u32(1..12_000))
        }
        9 => format!("{:04}-{:02}-{:02}", rng.u32(1..3000), rng.u8(1..13), rng.u8(1..29)),
        10 => format!("{:08x}-0000-4000-8000-{:012x}", rng.u32(..), rng.u64(..1 << 48)),
        _ => {
            let words = ["a", "\"\"", ",", "\n", "é", "\r\n", "plain words", "😀"];
            let text: String = (0..rng.usize(..6)).map(|_| words[rng.usize(..8)]).collect();
            return format!("\"{text}\"");
        }
    };
    if rng.usize(..10) == 0 { format!("\"{plain}\"") } else { plain }
}

/// The cells of the records that are sound, by the exact readers alone.
fn expected(records: &[u8], line_end: LineEnd) -> Vec<Vec<Field>> {
    raw_records(records, line_end, COLUMNS.len())
        .filter_map(|record| {
            let cells = record.fields.iter().enumerate().map(|(column, field)| match field.value() {
                Ok(Some(value)) => cell(column, &value),
                Ok(None) if column == 0 => None,
                Ok(None) => Some(Field::Null),
                Err(_) => None,
            });
            let ends = record.bytes.ends_with(line_end.bytes());
            cells.collect::<Option<Vec<_>>>().filter(|_| ends && record.width == COLUMNS.len())
        })
        .collect()
}

fn cell(column: usize, value: &[u8]) -> Option<Field> {
    let decimal = |precision: u8, scale: u8, bytes: usize| {
        let unscaled = values::decimal(value, precision, scale).ok()?;
        let bytes = unscaled.to_be_bytes()[16 - bytes..].to_vec();
        Some(Field::Decimal(Decimal::from_bytes(bytes.into(), precision.into(), scale.into())))
    };
    let text = || Some(Field::Str(String::from_utf8(value.to_vec()).ok()?));
    match column {
        0 => values::big_int(value).ok().map(Field::Long),
        1 => values::small_int(value).ok().map(Field::Short),
        2 => values::integer(value).ok().map(Field::Int),
        3 => values::boolean(value).ok().map(Field::Bool),
        4 => decimal(3, 2, 2),
        5 => decimal(38, 10, 16),
        6 => values::real(value).ok().map(Field::Float),
        7 => values::double(value).ok().map(Field::Double),
        8 => values::timestamp(value).ok().map(Field::TimestampMicros),
        9 => values::date(value).ok().map(Field::Date),
        10 => values::uuid(value).ok().and_then(|()| text()),
        _ => text(),
    }
}

fn records(rng: &mut fastrand::Rng, count: usize, line_end: LineEnd) -> Vec<u8> {
    let mut records = Vec::new();
    for _ in 0..count {
        let fields: Vec<_> = (0..COLUMNS.len()).map(|column| field(rng, column)).collect();
        records.extend_from_slice(fields.join(",").as_bytes());
        records.extend_from_slice(line_end.bytes());
    }
    records
}

const MUTANTS: &[u8] = b"\",\n\r\0\xff09-tx ";

fn mutate(rng: &mut fastrand::Rng, records: &mut Vec<u8>) {
    for _ in 0..rng.usize(1..8) {
        let at = rng.usize(..records.len() - 1);
        match rng.usize(..4) {
            0 => drop(records.remove(at)),
            1 => records[at] = rng.u8(..),
            _ => records.insert(at, MUTANTS[rng.usize(..MUTANTS.len())]),
        }
    }
}

#[test]
fn every_cell_is_what_the_exact_readers_say() {
    let mut rng = rng();
    let header = COLUMNS.map(|column| column.0).join(",");
    let (mut checked, mut rejected, mut unreadable) = (0, 0, 0);
    for round in 0..400 {
        let count = rng.usize(1..200);
        let line_end = if round % 4 < 2 { LineEnd::Lf } else { LineEnd::CrLf };
        let mut records = records(&mut rng, count, line_end);
        if round % 2 == 1 {
            mutate(&mut rng, &mut records);
        }
        let odd_quotes = records.iter().filter(|&&byte| byte == b'"').count() % 2 == 1;
        let mut given = Given::new([header.as_bytes(), line_end.bytes(), &records].concat(), table(&COLUMNS));
        given.options.max_rejects = u64::MAX;
        given.options.row_group_bytes = rng.usize(1..50_000);
        let run = given.run();
        // A mutant may have taken the last line end.
        if odd_quotes || records.last() != Some(&b'\n') {
            assert_eq!(run.error().exit_code(), 1, "round {round}");
            unreadable += 1;
            continue;
        }
        let want = expected(&records, line_end);
        let total = raw_records(&records, LineEnd::Lf, 1).count() as u64;
        let rows = run.report().rows;
        assert_eq!((rows.read, rows.accepted), (total, want.len() as u64), "round {round}");
        for (i, (got, want)) in run.rows().into_iter().zip(&want).enumerate() {
            assert_eq!(&got, want, "round {round}, accepted row {i}");
        }
        checked += want.len();
        rejected += rows.rejected;
    }
    println!("{checked} rows compared, {rejected} rejected, {unreadable} files refused");
    assert!(checked > 10_000 && rejected > 100 && unreadable > 5);
}
