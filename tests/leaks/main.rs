//! Nothing leaks: each value of an export, each secret and each signed URL holds a mark of its own, and after runs of
//! every kind all that is left behind is searched for them.
//!
//! ```text
//! seed ──▶ draw ──▶ bench: folders, S3, Redshift, moto, listeners ──▶ the program, in trouble
//!                                                                         │
//! judge: may this mark be here? ◀── marks ◀── gather: files, objects, rows, messages, arguments, cores, what was said
//! ```
//! `CSL_TEST_LEAKS` says how many runs there are; `CSL_SEED=N CSL_TEST_LEAKS=1` repeats the one that failed.

#![cfg(all(feature = "serve", target_os = "linux"))]
#![allow(clippy::unwrap_used)]

#[path = "../support/aws.rs"]
mod aws;
mod bench;
mod draw;
#[path = "../support/function.rs"]
#[allow(dead_code, reason = "what other tests need")]
mod function;
mod gather;
mod judge;
#[path = "../support/listen.rs"]
mod listen;
mod listeners;
mod marks;
#[path = "../support/moto.rs"]
mod moto;
mod planted;
#[path = "../support/postgres.rs"]
#[allow(dead_code, reason = "what other tests need")]
mod postgres;
#[path = "../support/redshift/mod.rs"]
mod redshift;
mod runs;
#[path = "../support/s3.rs"]
mod s3;
#[path = "../support/seed.rs"]
mod seed;
mod table;
mod trouble;
#[path = "../webhook/http.rs"]
#[allow(dead_code, unreachable_pub, reason = "what other tests need")]
mod webhook_http;

use bench::Bench;
use csl_stream::privacy::Rule;
use draw::{Draw, Entry, Trouble};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

/// Runs unless told otherwise.
const RUNS: u64 = 25;
/// Runs at once.
const AT_ONCE: usize = 2;

/// How a run ended, and what it left where it must not be.
struct Ended {
    leaks: Vec<String>,
    codes: Vec<Option<i32>>,
    is_whole: bool,
}

fn run(seed: u64) -> Ended {
    let draw = Draw::new(seed);
    let bench = Bench::new(&draw);
    runs::act(&bench, &draw);
    let pieces = gather::gather(&bench);
    let verdict = judge::judge(&draw, &pieces);
    let codes = bench.codes.borrow().clone();
    println!("{}: {codes:?}, {} pieces, {} marks", draw.told(), pieces.len(), verdict.marks);
    verdict.leaks.iter().for_each(|leak| println!("    {leak}"));
    // What is searched can be read: a load without trouble shows the columns that it may.
    let is_whole = draw.trouble == Trouble::None && codes == [Some(0)] && draw.entry == Entry::Backfill;
    for (at, column) in draw.table.columns.iter().enumerate().filter(|_| is_whole) {
        let is_expected = column.holds.has_mark() && draw.rule(at) == Rule::Keep;
        assert!(verdict.kept.contains(&at) || !is_expected, "{}: {} is not seen", draw.told(), column.name);
    }
    let leaks = verdict.leaks.iter().map(|leak| format!("{}\n    {leak}", draw.told())).collect();
    Ended { leaks, codes, is_whole }
}

#[test]
fn nothing_leaks() {
    let runs = std::env::var("CSL_TEST_LEAKS").map_or(RUNS, |runs| runs.parse().unwrap());
    let first = seed::seed();
    let next = AtomicU64::new(0);
    let one_after_another = || {
        let mut ended = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= runs {
                return ended;
            }
            ended.push(run(first.wrapping_add(number)));
        }
    };
    let ended: Vec<Ended> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(one_after_another)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let mut ends = BTreeMap::new();
    for code in ended.iter().flat_map(|run| &run.codes) {
        *ends.entry(*code).or_insert(0) += 1;
    }
    let whole = ended.iter().filter(|run| run.is_whole).count();
    println!("ends {ends:?}, {whole} whole loads");
    let leaks: Vec<String> = ended.into_iter().flat_map(|run| run.leaks).collect();
    assert!(leaks.is_empty(), "{} leaks:\n{}", leaks.len(), leaks.join("\n"));
}
