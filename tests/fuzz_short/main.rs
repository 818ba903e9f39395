//! The checks of `fuzz/` for a short time and without a fuzzer: seeds from the fixtures, changed at random.
//!
//! `CSL_SEED` repeats a run; `CSL_FUZZ_SECONDS` (2 for each check) makes it longer. The input that broke
//! a check is left in the temporary folder, named in the message. `scripts/fuzz` looks longer and harder.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

#[path = "../../fuzz/checks/mod.rs"]
mod checks;
#[path = "../support/seed.rs"]
mod seed;

use fastrand::Rng;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Longest input, as long as a few blocks.
const INPUT_BYTES_MAX: usize = 6 << 10;
/// What breaks readers: separators, quotes, ends of ranges, marks of formats.
const WORDS: &[&[u8]] = &[
    b",",
    b"\n",
    b"\r\n",
    b"\r",
    b"\"",
    b"\"\"",
    b"\"\"\"",
    b"\0",
    b"\xff",
    b"\xc3\xa9",
    b"\xf0\x9f\x98\x80",
    b"\xef\xbb\xbf",
    b"-",
    b"+",
    b" ",
    b"\t",
    b"0",
    b"9",
    b"00",
    b".",
    b"e9",
    b"t",
    b"NaN",
    b"Infinity",
    b"-infinity",
    b" BC",
    b"+00",
    b"+05:30",
    b"2147483647",
    b"-2147483648",
    b"9223372036854775808",
    b"2024-02-29",
    b"24:00:00",
    b"1999-12-31 23:59:59.999999",
    b"9.99",
    b"\\N",
    b"NULL",
    b"BZh9",
    b"{",
    b"}",
    b"[",
    b"null",
    b"numeric(38,38)",
];

fn seconds() -> Duration {
    let given = std::env::var("CSL_FUZZ_SECONDS").ok().map(|text| text.parse().expect("a number"));
    Duration::from_secs_f64(given.unwrap_or(2.0))
}

/// Every file below a folder whose name ends so.
fn files(folder: &str, ending: &str) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = folders.pop() {
        let mut paths: Vec<PathBuf> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        // The order of a folder is not the same everywhere, but a seed must mean the same.
        paths.sort();
        for path in paths {
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                found.push(std::fs::read(path).unwrap());
            }
        }
    }
    assert!(!found.is_empty(), "no *{ending} in {folder}");
    found
}

/// A part of a seed, at line ends where it has any.
fn part(random: &mut Rng, seed: &[u8]) -> Vec<u8> {
    let starts: Vec<usize> =
        std::iter::once(0).chain(memchr::memchr_iter(b'\n', seed).map(|at| at + 1)).collect();
    let start = starts[random.usize(..starts.len())];
    let end = seed.len().min(start + random.usize(..INPUT_BYTES_MAX));
    seed[start..end].to_vec()
}

fn change(random: &mut Rng, input: &mut Vec<u8>) {
    for _ in 0..random.usize(..6) {
        let at = random.usize(..=input.len());
        let end = input.len().min(at + random.usize(..20));
        match random.usize(..6) {
            0 => drop(input.drain(at..end)),
            1 if at < input.len() => input[at] ^= 1 << random.u8(..8),
            2 => {
                let piece = input[at..end].to_vec();
                input.splice(at..at, piece);
            }
            3 => input.insert(at, random.u8(..)),
            _ => drop(input.splice(at..at, WORDS[random.usize(..WORDS.len())].iter().copied())),
        }
    }
}

fn run(name: &str, check: fn(&[u8]), seeds: &[Vec<u8>], whole: bool) {
    let mut random = Rng::with_seed(seed::seed());
    let (started, mut inputs) = (Instant::now(), 0);
    while started.elapsed() < seconds() {
        let seed = &seeds[random.usize(..seeds.len())];
        let mut input = if whole { seed.clone() } else { part(&mut random, seed) };
        change(&mut random, &mut input);
        input.insert(0, random.u8(..));
        if whole && name == "schema" {
            input.remove(0);
        }
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| check(&input))) {
            let path = std::env::temp_dir().join(format!("csl-fuzz-{name}-{}", std::process::id()));
            std::fs::write(&path, &input).unwrap();
            println!("input number {inputs} broke it: {}", path.display());
            resume_unwind(panic);
        }
        inputs += 1;
    }
    println!("{name}: {inputs} inputs");
    assert!(inputs > 0, "{name}: no input was tried");
}

#[test]
fn csv() {
    let mut seeds = files("fixtures/postgres", ".csv");
    seeds.extend(records(&mut Rng::with_seed(1)));
    run("csv", checks::csv, &seeds, false);
}

/// Records as wide as the checks' tables, most of them sound.
fn records(random: &mut Rng) -> [Vec<u8>; 2] {
    let text = "1,2,3,t,1.50,-7.0000000001,1.5,2e9,2024-03-01 12:34:56.789,2024-03-01 12:34:56+02,2024-03-01,\
                0191e3a2-0000-4000-8000-000000000000,0101000020E6100000000000000000F03F0000000000000040,\"a\"\"b,\n\"\n\
                -1,,,,,,,,,,,,,\n9223372036854775807,-32768,2147483647,f,-9.99,0.5,NaN,-Infinity,0001-01-01 00:00:00 BC,\
                infinity,-infinity,0191E3A2-0000-4000-8000-000000000000,,\"\"\n";
    let few = (0..200).map(|id| match random.usize(..5) {
        0 => format!("{id},,\n"),
        1 => format!("{id},\"\",2024-03-01 12:00:00\n"),
        2 => format!("{id},\"é,\n{id}\"\"\",2024-03-01 12:00:{:02}.{id}\r\n", id % 60),
        _ => format!("{id},word{id},2024-03-{:02} 12:00:00.5\n", 1 + id % 28),
    });
    [text.repeat(3).into_bytes(), few.collect::<String>().into_bytes()]
}

#[test]
fn values() {
    let texts = "0\n-1\n32767\n-32768\n2147483648\n123456789012345678\n+5\n007\n1.50\n-0.01\n.5\n1e3\n9.995\nNaN\ninf\n\
                 t\nfalse\nyes\n2024-03-01\n2024-02-30\n0044-03-15 BC\n2024-03-01 12:34:56\n2024-03-01 12:34:56.789\n\
                 2024-03-01 24:00:00\n2024-03-01 12:34:56.123456+05:30\n294276-12-31 23:59:59.999999\n-infinity\n\
                 0191e3a2-0000-4000-8000-000000000000\n0101000020E6100000000000000000F03F0000000000000040\n";
    run("values", checks::values, &[texts.as_bytes().to_vec()], false);
}

#[test]
fn bzip2() {
    let mut seeds = files("fixtures/exports", ".bz2");
    seeds.extend(files("fixtures/postgres", "text.csv"));
    run("bzip2", checks::bzip2, &seeds, true);
}

#[test]
fn schema() {
    let mut seeds = files("fixtures/postgres", ".schema.json");
    seeds.extend(files("fixtures/demo", ".json"));
    run("schema", checks::schema, &seeds, true);
}

#[test]
fn header() {
    let mut seeds = files("fixtures/exports", ".csv");
    for seed in &mut seeds {
        seed.truncate(1_000);
    }
    run("header", checks::header, &seeds, true);
}
