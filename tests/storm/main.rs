//! Storms: nights in which much goes wrong at once, and in the end every row is there exactly once.
//!
//! ```text
//! orders ──▶ queue ──▶ workers ──▶ a folder, or Redshift's stand-in
//!              ▲          ▲                ▲
//!              └──────────┴── weather ─────┘   kills, stops, lost leases, S3, Redshift, schema, a full disk
//!                                │
//!                 calm: the queue empties ──▶ every row once, only bad exports dead, what is foreign untouched
//! ```
//!
//! `CSL_STORM_MINUTES` says how long; without it there are two short rounds. Each round has a seed of its own
//! and prints it; an even one is of a folder, an odd one of Redshift. Timing is the machine's, so a seed
//! repeats the exports and the weather's choices, not the moment of each.

#![cfg(feature = "serve")]
#![allow(clippy::unwrap_used)]

#[path = "../support/aws.rs"]
mod aws;
#[path = "../support/cells.rs"]
#[allow(dead_code, reason = "what other tests need")]
mod cells;
mod crew;
mod night;
#[path = "../support/postgres.rs"]
#[allow(dead_code, reason = "what other tests need")]
mod postgres;
#[path = "../support/redshift/mod.rs"]
mod redshift;
#[path = "../support/s3.rs"]
mod s3;
#[path = "../support/seed.rs"]
mod seed;
#[path = "../support/small_disk.rs"]
mod small_disk;
mod weather;
mod world;

use std::path::Path;
use std::time::{Duration, Instant};

const DIR_VARIABLE: &str = "CSL_TEST_STORM_DISK";
/// Holds a round many times over, until the weather fills it.
const DISK_BYTES: usize = 96 << 20;

#[test]
fn every_row_is_there_once_whatever_the_night() {
    small_disk::on_a_small_disk(DISK_BYTES, "child_storms_on_a_small_disk", DIR_VARIABLE);
}

/// Not a test of its own: what happens on the small disk. Without its variable it returns at once.
#[test]
fn child_storms_on_a_small_disk() {
    let Some(disk) = std::env::var_os(DIR_VARIABLE) else { return };
    let minutes = std::env::var("CSL_STORM_MINUTES").ok();
    let minutes = minutes.map(|text| text.parse::<u64>().expect("CSL_STORM_MINUTES is a number"));
    let (started, seed) = (Instant::now(), seed::seed());
    let scale = if minutes.is_some() { night::LONG } else { night::SHORT };
    let mut rounds = 0;
    while minutes.map_or(rounds < 2, |m| rounds == 0 || started.elapsed() < Duration::from_secs(m * 60)) {
        night::play(Path::new(&disk), seed.wrapping_add(rounds), &scale);
        rounds += 1;
    }
    println!("{rounds} rounds in {} min, nothing lost", started.elapsed().as_secs() / 60);
}
