//! A whole conversion, memory to memory: `cargo bench --no-default-features --bench end_to_end`.

mod support;

use std::io::Write;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use csl_stream::pipeline::{Codec, ConvertOptions, Job, Watch, convert};
use csl_stream::store::ExportKind;
use support::memory::{MemorySink, MemorySource};
use support::signatures::Signatures;

/// Eight row groups.
const DATA_BYTES: usize = 128 << 20;
/// libbz2 is slow: so much is compressed, and repeated as streams of one file.
const COMPRESSED_BYTES: usize = 16 << 20;

fn run(bytes: &Arc<[u8]>, threads: usize, codec: Codec) -> u64 {
    let source = Box::new(MemorySource::new(bytes.clone()));
    let job = Job::new("bench", support::table(), ExportKind::Full, source);
    let options = ConvertOptions { threads, codec, ..ConvertOptions::default() };
    let outcome = convert(job, &options, &MemorySink::default(), &Watch::default());
    outcome.map_err(|(_, error)| error).expect("the records are sound").rows.accepted
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
    encoder.write_all(bytes).expect("memory takes all");
    encoder.finish().expect("memory takes all")
}

fn end_to_end(criterion: &mut Criterion) {
    let plain: Arc<[u8]> = support::export(DATA_BYTES).into();
    let part = support::records(COMPRESSED_BYTES);
    let streams = DATA_BYTES / COMPRESSED_BYTES;
    let compressed = [bzip2(Signatures::header().as_bytes()), bzip2(&part).repeat(streams)].concat();
    let inputs = [("plain", plain.len(), plain), ("bzip2", streams * part.len(), Arc::from(compressed))];
    let mut group = criterion.benchmark_group("end to end");
    for (name, csv_bytes, bytes) in &inputs {
        group.throughput(Throughput::Bytes(*csv_bytes as u64));
        for threads in [1, 2] {
            for codec in [Codec::Snappy, Codec::Zstd] {
                group.bench_function(format!("{name}/{codec:?}/{threads} threads"), |bencher| {
                    bencher.iter(|| run(bytes, threads, codec));
                });
            }
        }
    }
    group.finish();
}

criterion_group!(name = benches; config = support::criterion(); targets = end_to_end);
criterion_main!(benches);
