//! A row group of `signatures`, blocks to column chunks: `cargo bench --no-default-features --bench encode`.
//!
//! One thread. The difference between a codec and `None` is what the codec costs.

mod support;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use csl_stream::csv::Kernel;
use csl_stream::pages::{Codec, EncodeOptions, Encoding, RowGroupEncoder};
use csl_stream::pipeline::ROW_GROUP_BYTES;
use support::cpu_time::CpuTime;

fn encode(criterion: &mut Criterion<CpuTime>) {
    let records = support::records(ROW_GROUP_BYTES);
    let blocks = support::blocks(&records);
    let mut group = criterion.benchmark_group("encode");
    group.throughput(Throughput::Bytes(records.len() as u64));
    let mut bench = |codec: Codec, kernel: Kernel| {
        let options = EncodeOptions { codec, ..EncodeOptions::default() };
        let encoding = Encoding::new(support::layout(), options, kernel).expect("Parquet has these types");
        let mut trial = RowGroupEncoder::new(encoding.clone()).expect("it can be made");
        blocks.iter().take(48).for_each(|block| trial.add(block).expect("the records are sound"));
        let plan = trial.into_plan();
        let mut encoder = RowGroupEncoder::new(encoding).expect("it can be made");
        group.bench_function(format!("{codec:?}/{kernel:?}"), |bencher| {
            bencher.iter(|| {
                encoder.set_plan(&plan);
                blocks.iter().for_each(|block| encoder.add(block).expect("the records are sound"));
                encoder.finish().expect("nothing is written")
            });
        });
    };
    for codec in [Codec::None, Codec::Snappy, Codec::Zstd] {
        bench(codec, Kernel::best());
    }
    for kernel in Kernel::available().into_iter().filter(|&kernel| kernel != Kernel::best()) {
        bench(Codec::None, kernel);
    }
    group.finish();
}

criterion_group!(name = benches; config = support::one_core(); targets = encode);
criterion_main!(benches);
