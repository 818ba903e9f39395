//! From bytes to blocks to field ends: `cargo bench --no-default-features --bench split`.
//!
//! `cut` copies and finds the block ends; `scan` finds the field ends of the blocks and checks UTF-8.

mod support;

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use csl_stream::csv::{Blocks, Kernel, LineEnd, Scan, Splitter};
use support::cpu_time::CpuTime;

const DATA_BYTES: usize = 16 << 20;

fn split(criterion: &mut Criterion<CpuTime>) {
    let records = support::records(DATA_BYTES);
    let blocks = support::blocks(&records);
    let width = support::layout().fields;
    let mut group = criterion.benchmark_group("split");
    group.throughput(Throughput::Bytes(records.len() as u64));
    group.bench_function("cut", |bencher| {
        let mut blocks = Blocks::with_capacity(records.len() + 2 * support::BLOCK_BYTES);
        bencher.iter(|| {
            let (mut splitter, mut rest) = (Splitter::new(support::BLOCK_BYTES), &records[..]);
            let mut read = |buffer: &mut [u8]| std::io::Read::read(&mut rest, buffer);
            blocks.clear();
            while splitter.next_block(&mut blocks, &mut read).expect("the records are sound").is_some() {}
            black_box(&blocks);
        });
    });
    for kernel in Kernel::available() {
        group.bench_function(format!("scan/{kernel:?}"), |bencher| {
            let mut scan = Scan::new(kernel, LineEnd::Lf);
            bencher.iter(|| {
                for block in blocks.iter() {
                    assert!(black_box(scan.block(block, width)).is_some(), "the records are sound");
                }
            });
        });
    }
    group.finish();
}

criterion_group!(name = benches; config = support::one_core(); targets = split);
criterion_main!(benches);
