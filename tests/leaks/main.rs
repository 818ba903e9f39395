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

/// Runs unless told otherwise.
const RUNS: u64 = 25;

#[test]
fn nothing_leaks() {
    let runs = std::env::var("CSL_TEST_LEAKS").map_or(RUNS, |runs| runs.parse().unwrap());
    let first = seed::seed();
    let (mut leaks, mut ends, mut loaded) = (Vec::new(), BTreeMap::new(), 0);
    for run in 0..runs {
        let draw = Draw::new(first.wrapping_add(run));
        let bench = Bench::new(&draw);
        runs::act(&bench, &draw);
        let pieces = gather::gather(&bench);
        let verdict = judge::judge(&draw, &pieces);
        let codes = bench.codes.borrow();
        println!("{}: {codes:?}, {} pieces, {} marks", draw.told(), pieces.len(), verdict.marks);
        verdict.leaks.iter().for_each(|leak| println!("    {leak}"));
        leaks.extend(verdict.leaks.iter().map(|leak| format!("{}\n    {leak}", draw.told())));
        for code in codes.iter() {
            *ends.entry(*code).or_insert(0) += 1;
        }
        // What is searched can be read: a load without trouble shows the columns that it may.
        if draw.trouble == Trouble::None && *codes == [Some(0)] && draw.entry == Entry::Backfill {
            loaded += 1;
            for (at, column) in draw.table.columns.iter().enumerate() {
                let is_seen = verdict.kept.contains(&at);
                let is_expected = column.holds.has_mark() && draw.rule(at) == Rule::Keep;
                assert!(is_seen || !is_expected, "{}: {} is not seen", draw.told(), column.name);
            }
        }
    }
    println!("ends {ends:?}, {loaded} whole loads");
    assert!(leaks.is_empty(), "{} leaks:\n{}", leaks.len(), leaks.join("\n"));
}
