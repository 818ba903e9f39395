//! Files that must decode, whatever they hold and however they arrive.

use std::io::Read;

use csl_stream::bzip2::{Kernel, Limits, Scratch};

use crate::{decode, decode_on, decode_with, encode, text};

fn check(name: &str, data: &[u8], level: u32) {
    let compressed = encode(data, level);
    for kernel in Kernel::available() {
        match decode(&compressed, kernel) {
            Ok(out) => assert!(out == data, "{name}, level {level}, {kernel:?}: other bytes"),
            Err(error) => panic!("{name}, level {level}, {kernel:?}: {error}"),
        }
    }
}

#[test]
fn all_kinds_of_data() {
    let mut random = fastrand::Rng::with_seed(3);
    let mut noise = |bytes: usize, values: u16| -> Vec<u8> {
        (0..bytes).map(|_| (random.u16(..) % values) as u8).collect()
    };
    let cases: &[(&str, Vec<u8>)] = &[
        ("empty", vec![]),
        ("one byte", vec![b'x']),
        ("two bytes", b"xy".to_vec()),
        ("two equal bytes", b"xx".to_vec()),
        ("text", text(350_000, 4)),
        ("zeros", vec![0; 3_000_000]),
        ("one value, no long runs", [&[7u8; 3][..], &[8]].concat().repeat(40_000)),
        ("all values in order", (0..=255).collect::<Vec<u8>>().repeat(700)),
        ("noise, all values", noise(250_000, 256)),
        ("noise, 255 values", noise(250_000, 255)),
        ("noise, 254 values", noise(250_000, 254)),
        ("noise, 65 values", noise(150_000, 65)),
        ("noise, 17 values", noise(150_000, 17)),
        ("noise, 16 values", noise(150_000, 16)),
        ("noise, 2 values", noise(150_000, 2)),
        ("runs of 255 + 4", (0..900u32).flat_map(|i| vec![i as u8; 259]).collect()),
    ];
    for (name, data) in cases {
        check(name, data, 1);
        check(name, data, 9);
    }
}

#[test]
fn all_levels() {
    let data = text(1_900_000, 5);
    for level in 1..=9 {
        check("text", &data, level);
    }
}

#[test]
fn all_short_lengths() {
    let data = text(200, 6);
    for length in 0..data.len() {
        check("text", &data[..length], 9);
        check("equal bytes", &vec![b'z'; length], 9);
    }
}

#[test]
fn periods_have_several_cycles() {
    for period in (1..=33).chain([64, 100, 255, 256, 257, 1000, 1024, 4096]) {
        let unit = text(period, period as u64 + 7);
        for repeats in [2, 3, 64, 99_981 / period] {
            check(&format!("period {period} × {repeats}"), &unit.repeat(repeats), 1);
        }
    }
}

#[test]
fn long_runs_come_in_bounded_buffers() {
    // 46 MB from one block, and ordinary text behind it.
    let data = [vec![b'0'; 46_000_000], text(1_200_000, 8)].concat();
    check("46 MB of one value", &data, 9);
    assert!(decode_on(2, &encode(&data, 9), Limits::for_workers(2)).unwrap() == data);
}

#[test]
fn streams_in_a_row_with_padding() {
    let (a, b, c) = (text(210_000, 9), text(130_000, 10), text(1_000, 11));
    let mut compressed = [encode(&a, 9), encode(&[], 5), encode(&b, 1), encode(&c, 3)].concat();
    let data = [a, b, c].concat();
    for padding in [0, 1, 7, 511, 4 << 20] {
        compressed.resize(compressed.len() + padding, 0);
        for kernel in Kernel::available() {
            assert!(decode(&compressed, kernel).unwrap() == data, "{padding} bytes of padding, {kernel:?}");
        }
    }
}

/// Gives so many bytes a call.
struct Drops<'a>(&'a [u8], usize);

impl Read for Drops<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let count = out.len().min(self.0.len()).min(self.1);
        out[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

#[test]
fn input_in_drops() {
    let data = text(220_000, 12);
    let compressed = [encode(&data, 1), encode(&data[..500], 2)].concat();
    let expected = [&data[..], &data[..500]].concat();
    let mut scratch = Scratch::new();
    for drop in [1, 5, 1000] {
        for read_bytes in [1, 2, 7, 8, 100, 4096, 1 << 20] {
            let limits = Limits { read_bytes, ..Limits::for_workers(1) };
            let out = decode_with(Drops(&compressed, drop), limits, &mut scratch).unwrap();
            assert!(out == expected, "{drop} {read_bytes}");
        }
    }
}

#[test]
fn any_number_of_workers_and_any_room() {
    let data = text(2_500_000, 13);
    let compressed = [encode(&data, 1), encode(&data, 4)].concat();
    let expected = [&data[..], &data[..]].concat();
    for threads in [1, 2, 4] {
        for limits in [
            Limits::for_workers(threads),
            Limits { jobs_max: 1, finished_max: 1, read_bytes: 1 << 20 },
            Limits { jobs_max: 100, finished_max: 100, read_bytes: 3000 },
            Limits { jobs_max: 0, finished_max: 0, read_bytes: 0 },
        ] {
            let limits = Limits { read_bytes: limits.read_bytes.max(50), ..limits };
            let out = decode_on(threads, &compressed, limits).unwrap();
            assert!(out == expected, "{threads} {limits:?}");
        }
    }
}
