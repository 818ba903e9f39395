//! The bzip2 decoder on data of its own making: `cargo bench --bench bzip2`.
//!
//! Every kernel that the processor has, on one thread, beside libbz2; and the fastest on two threads.

use std::hint::black_box;
use std::io::{Read, Write};
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use csl_stream::bzip2::{Kernel, Limits, ParallelDecoder, Reader, Scratch, Taken, Work};

/// Several blocks, so that two threads have something to share.
const DATA_BYTES: usize = 16 << 20;

/// Records as an export has them: numbers that count, names from a list, times, free text.
fn records() -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(1);
    let words: Vec<String> =
        (0..2000).map(|_| (0..random.usize(3..11)).map(|_| random.lowercase()).collect()).collect();
    let mut data = Vec::with_capacity(DATA_BYTES + 1000);
    let mut id = 1_000_000;
    while data.len() < DATA_BYTES {
        id += random.u32(1..4);
        let mut word = || words[random.usize(..words.len())].clone();
        let (first, last, host, note) = (word(), word(), word(), word());
        let (day, second, amount) = (random.u8(1..29), random.u32(..86_400), random.u32(..10_000));
        let line = format!(
            "{id},{first},{last},{first}.{last}@{host}.org,2024-03-{day:02} 12:{:02}:{:02},t,f,,{amount},\"{note}\"\n",
            second / 60 % 60,
            second % 60
        );
        data.extend_from_slice(line.as_bytes());
    }
    data
}

fn on_one_thread(compressed: &[u8], kernel: Kernel) -> u64 {
    let mut reader = Reader::with(compressed, Limits::for_workers(1), Scratch::with_kernel(kernel));
    std::io::copy(&mut reader, &mut std::io::sink()).expect("the data is sound")
}

fn on_two_threads(compressed: &[u8]) -> u64 {
    let decoder = ParallelDecoder::new(compressed, Limits::for_workers(2));
    let pause = Duration::from_millis(100);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut scratch = Scratch::new();
            loop {
                match decoder.work(&mut scratch) {
                    Work::Did => {}
                    Work::Nothing => decoder.wait(pause),
                    Work::Done => return,
                }
            }
        });
        let (mut scratch, mut bytes) = (Scratch::new(), 0);
        loop {
            match decoder.take().expect("the data is sound") {
                Taken::Bytes(slice) => bytes += black_box(&slice[..]).len() as u64,
                Taken::End => return bytes,
                Taken::Pending if decoder.work(&mut scratch) == Work::Nothing => decoder.wait(pause),
                Taken::Pending => {}
            }
        }
    })
}

fn decode(criterion: &mut Criterion) {
    let data = records();
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
    encoder.write_all(&data).expect("writing to memory");
    let compressed = encoder.finish().expect("writing to memory");

    let mut group = criterion.benchmark_group("bzip2");
    group.throughput(Throughput::Bytes(data.len() as u64)).sample_size(10);
    for kernel in Kernel::available() {
        group.bench_function(format!("{kernel:?}"), |bencher| {
            bencher.iter(|| on_one_thread(&compressed, kernel))
        });
    }
    group.bench_function("two threads", |bencher| bencher.iter(|| on_two_threads(&compressed)));
    group.bench_function("libbz2", |bencher| {
        bencher.iter(|| {
            let mut out = Vec::with_capacity(data.len());
            bzip2::read::BzDecoder::new(&compressed[..]).read_to_end(&mut out).expect("the data is sound")
        });
    });
    group.finish();
}

criterion_group!(benches, decode);
criterion_main!(benches);
