//! What a field of each type costs: `cargo bench --no-default-features --bench decode`.
//!
//! A record has sixteen fields of the same type, a row group 65,536 records, the pages are not
//! compressed. The time is that of a field, its scan included: the row `dropped` is the scan alone.

mod support;

use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use csl_stream::csv::{Blocks, Kernel};
use csl_stream::pages::{Codec, EncodeOptions, Encoding, RowGroupEncoder};
use csl_stream::schema::{BulkSchema, Layout, MissingColumns, UnknownColumns};
use fastrand::Rng;
use support::cpu_time::CpuTime;

const FIELDS: usize = 16;
const RECORDS: usize = 65_536;

/// Name, SQL type, and a value; an empty one is NULL.
type Case = (&'static str, &'static str, fn(&mut Rng, usize) -> String);

const CASES: &[Case] = &[
    ("integer", "integer", |random, _| (random.u32(..) >> random.u32(1..20)).to_string()),
    ("integer of a few", "integer", |random, _| random.u32(..50).to_string()),
    ("bigint", "bigint", |_, at| (3_000_000_000 + at as u64 * 3).to_string()),
    ("numeric", "numeric(3,2)", |random, _| format!("{}.{:02}", random.u8(..10), random.u8(..100))),
    ("boolean", "boolean", |random, _| if random.bool() { "t" } else { "f" }.to_owned()),
    ("timestamp", "timestamp without time zone", |random, at| {
        let (hour, minute, second) = (at / 3_600 % 24, at / 60 % 60, at % 60);
        format!(
            "2024-03-{:02} {hour:02}:{minute:02}:{second:02}.{:06}",
            1 + at / 86_400,
            random.u32(..1_000_000)
        )
    }),
    ("text of a few", "character varying(255)", |random, _| format!("campaign-blast-{}", random.u32(..500))),
    ("text", "character varying(255)", |random, _| (0..20).map(|_| random.alphanumeric()).collect()),
    ("text with quotes", "jsonb", |random, _| format!("\"{{\"\"crm\"\": \"\"{}\"\"}}\"", random.u32(..))),
    ("text, mostly NULL", "text", |random, _| {
        if random.u32(..100) == 0 { random.u32(..).to_string() } else { String::new() }
    }),
    ("timestamp, mostly NULL", "timestamp without time zone", |random, _| {
        if random.u32(..100) == 0 { "2024-03-01 12:00:01.5".to_owned() } else { String::new() }
    }),
];

fn blocks(make: fn(&mut Rng, usize) -> String) -> Blocks {
    let mut random = Rng::with_seed(2);
    let mut csv = String::new();
    for record in 0..RECORDS {
        let fields: Vec<String> = (0..FIELDS).map(|_| make(&mut random, record)).collect();
        csv += &fields.join(",");
        csv.push('\n');
    }
    support::blocks(csv.as_bytes())
}

/// All fields of this type, or none of them wanted.
fn layout(sql_type: &str, wanted: bool) -> Layout {
    let column = serde_json::json!({ "type": "any", "sql_type": sql_type, "nullable": true });
    let names: Vec<String> = (0..FIELDS).map(|at| format!("c{at}")).collect();
    let columns: serde_json::Map<_, _> = names.iter().map(|name| (name.clone(), column.clone())).collect();
    let schema = serde_json::json!({ "tables": [{ "table": { "name": "t", "columns": columns } }] });
    let schema = BulkSchema::parse(schema.to_string().as_bytes(), "bench").expect("it is sound");
    let table = schema.table("t").expect("it is there");
    let mut layout =
        Layout::bind(&names, table, UnknownColumns::Fail, MissingColumns::Fail).expect("they fit");
    if !wanted {
        layout.columns.clear();
    }
    layout
}

fn decode(criterion: &mut Criterion<CpuTime>) {
    let mut group = criterion.benchmark_group("decode");
    group.throughput(Throughput::Elements((RECORDS * FIELDS) as u64));
    let mut bench = |name: &str, layout: Layout, blocks: &Blocks| {
        let options = EncodeOptions { codec: Codec::None, ..EncodeOptions::default() };
        let encoding = Encoding::new(layout, options, Kernel::best()).expect("Parquet has these types");
        let mut trial = RowGroupEncoder::new(encoding.clone()).expect("it can be made");
        blocks.iter().take(16).for_each(|block| trial.add(block).expect("the records are sound"));
        let plan = trial.into_plan();
        let mut encoder = RowGroupEncoder::new(Arc::clone(&encoding)).expect("it can be made");
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                encoder.set_plan(&plan);
                blocks.iter().for_each(|block| encoder.add(block).expect("the records are sound"));
                let group = encoder.finish().expect("nothing is written");
                assert_eq!(group.counted.counts.records, RECORDS as u64);
                group
            });
        });
    };
    bench("dropped", layout("text", false), &blocks(CASES[0].2));
    for (name, sql_type, make) in CASES {
        bench(name, layout(sql_type, true), &blocks(*make));
    }
    group.finish();
}

criterion_group!(name = benches; config = support::one_core(); targets = decode);
criterion_main!(benches);
