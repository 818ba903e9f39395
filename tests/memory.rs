//! Peak memory stays within its limit and does not grow with the file.
//!
//! ```text
//! the test ── N times the same rows ──▶ csl-stream convert - ──▶ Parquet, thrown away
//!     └── looks at the process's high-water mark until it ends
//! ```

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

#[path = "support/run.rs"]
#[allow(dead_code, reason = "only the program is needed here, not its conversions")]
mod run;

use run::{program, without_settings};
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

const SCHEMA: &str = r#"{"tables": [{"table": {"name": "t", "columns": {
    "id": {"type": "integer", "sql_type": "bigint"},
    "email": {"type": "string", "sql_type": "character varying(255)"},
    "at": {"type": "datetime", "sql_type": "timestamp without time zone"},
    "flag": {"type": "boolean", "sql_type": "boolean"},
    "country": {"type": "string", "sql_type": "character varying(5)"},
    "params": {"type": "jsonb", "sql_type": "jsonb"}}}}]}"#;
const HEADER: &str = "id,email,at,flag,country,params\n";
const THREADS: &str = "2";
/// What the design allows.
const PEAK_BYTES_MAX: u64 = 200 << 20;
/// Growth that is allowed from a file to one ten times as long.
const GROWTH_PERCENT_MAX: u64 = 10;
/// What the allocator and the scheduler add by chance from run to run: with two threads it is a matter
/// of luck how many finished row groups wait for an earlier one at the same time.
const NOISE_BYTES: u64 = 4 << 20;
/// So small that the shorter file, of 64 MB, has as many row groups as one of 1 GB has by default: with a
/// handful of them, they would seldom wait for each other as they do in a long file.
const SMALL: &[&str] = &["--row-group-size", "1MiB", "--segment-size", "8MiB"];
/// The mark is looked at so often; it only rises, so that no peak between is missed.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// About `bytes` of rows, each unlike the others.
fn rows(bytes: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(1);
    let mut csv = String::with_capacity(bytes + 1024);
    while csv.len() < bytes {
        let (id, minute, day) = (random.u32(..), random.u8(..60), random.u8(1..29));
        let country = ["GB", "US", "DE", ""][random.usize(..4)];
        let _ =
            write!(csv, "{id},user{id:x}@example.org,2024-03-{day:02} 12:{minute:02}:56.789,t,{country},");
        let _ = writeln!(
            csv,
            "\"{{\"\"campaign\"\": \"\"{:016x}\"\", \"\"n\"\": {}}}\"",
            random.u64(..),
            random.u8(..)
        );
    }
    csv.into_bytes()
}

/// The high-water mark of a process's resident memory; none once it has ended.
fn peak_bytes(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib << 10)
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    bzip2_in_blocks(bytes, bzip2::Compression::best())
}

fn bzip2_in_blocks(bytes: &[u8], size: bzip2::Compression) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), size);
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn spawn(dir: &Path, sizes: &[&str]) -> Child {
    std::fs::write(dir.join("schema.json"), SCHEMA).unwrap();
    let mut command = without_settings(Command::new(program()));
    command.args(["convert", "--table", "t", "--schema", "schema.json", "--quiet", "--threads", THREADS]);
    command.args(["--out", "out", "-"]).args(sizes).current_dir(dir);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Converts `head` and `times` times `unit`; the peak memory, the exit code, and what was said.
fn convert(sizes: &[&str], head: &[u8], unit: &[u8], times: usize) -> (u64, Option<i32>, String) {
    let dir = tempfile::tempdir().unwrap();
    let mut child = spawn(dir.path(), sizes);
    let (peak, ended, process) = (AtomicU64::new(0), AtomicBool::new(false), child.id());
    let (code, said) = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !ended.load(Ordering::Relaxed) {
                peak.fetch_max(peak_bytes(process).unwrap_or(0), Ordering::Relaxed);
                std::thread::sleep(LOOK_EVERY);
            }
        });
        let mut input = child.stdin.take().unwrap();
        // A process that has failed takes no more; its exit code tells.
        let _ = input.write_all(head).and_then(|()| (0..times).try_for_each(|_| input.write_all(unit)));
        drop(input);
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        let code = child.wait().unwrap().code();
        ended.store(true, Ordering::Relaxed);
        (code, said)
    });
    (peak.into_inner(), code, said)
}

fn does_not_grow(what: &str, head: &[u8], unit: &[u8], times: usize) {
    let peaks = [times, 10 * times].map(|times| {
        let (peak, code, said) = convert(SMALL, head, unit, times);
        assert_eq!(code, Some(0), "{what}: {said}");
        println!("{what}: {times} units, peak {} KiB", peak >> 10);
        peak
    });
    let allowed = peaks[0] + peaks[0] * GROWTH_PERCENT_MAX / 100 + NOISE_BYTES;
    assert!(peaks[1] <= allowed, "{what}: {} KiB grow to {} KiB", peaks[0] >> 10, peaks[1] >> 10);
}

#[test]
fn a_plain_export_takes_no_more_memory_if_it_is_ten_times_as_long() {
    // 64 MB and 640 MB.
    does_not_grow("plain", HEADER.as_bytes(), &rows(16 << 20), 4);
}

#[test]
fn a_compressed_export_takes_no_more_memory_if_it_is_ten_times_as_long() {
    // 24 MB and 240 MB; streams one after another are one file. Small blocks, so that there are many.
    let unit = bzip2_in_blocks(&rows(8 << 20), bzip2::Compression::fast());
    does_not_grow("bzip2", &bzip2(HEADER.as_bytes()), &unit, 3);
}

#[test]
fn the_default_sizes_stay_within_the_limit() {
    let unit = rows(16 << 20);
    let packed = bzip2(&unit);
    let header = bzip2(HEADER.as_bytes());
    for (what, head, unit, times) in [("plain", HEADER.as_bytes(), &unit, 20), ("bzip2", &header, &packed, 6)]
    {
        let (peak, code, said) = convert(&[], head, unit, times);
        assert_eq!(code, Some(0), "{what}: {said}");
        println!("{what}, default sizes: peak {} KiB", peak >> 10);
        assert!(peak <= PEAK_BYTES_MAX, "{what}: {} KiB", peak >> 10);
    }
}

#[test]
fn bombs_stay_within_the_limit() {
    for (what, letter, code) in [("newlines", b'\n', 5), ("one letter", b'x', 1)] {
        let bomb = bzip2(&vec![letter; 100 << 20]);
        let (peak, ended, said) = convert(&[], &bzip2(HEADER.as_bytes()), &bomb, 10);
        println!("{what}: peak {} KiB", peak >> 10);
        assert_eq!(ended, Some(code), "{what}: {said}");
        assert!(peak <= PEAK_BYTES_MAX, "{what}: {} KiB", peak >> 10);
    }
}

#[test]
fn giant_records_stay_within_the_limit() {
    // Three of them are more than the buffer of a row group has room for.
    let unit = [&b"1,"[..], &vec![b'x'; 6 << 20], b",2024-03-01 12:00:00,t,GB,\n"].concat();
    let (peak, code, said) = convert(&[], HEADER.as_bytes(), &unit, 20);
    println!("giants: peak {} KiB", peak >> 10);
    assert_eq!(code, Some(0), "{said}");
    assert!(peak <= PEAK_BYTES_MAX, "{} KiB", peak >> 10);
}
