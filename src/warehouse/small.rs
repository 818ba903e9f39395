//! When the small files of a table are merged: the one rule. Pure.
//!
//! Each incremental load leaves a file. Left alone, a day of one a minute would be 1,440 files, and each load would
//! link and look at all of them. So the newest files become one as soon as they weigh together several times what the
//! oldest among them does:
//!
//! ```text
//! oldest ─────────────▶ newest            FAN_IN = 4, weights
//! 16  4  4  1  1  1  1                    1 + 1 + 1 ≥ 3 × 1: the last four become one
//! 16  4  4  4                             4 + 4 < 3 × 4: nothing yet
//! ```
//!
//! What follows, for n loads of one size: no more than `FAN_IN` files for each power of `FAN_IN` in n; and each row is
//! written again as often as there are such powers, because its file grows by that factor each time. Loads of different
//! sizes: before the newest `k` files there lies one that weighs more than the `FAN_IN - 1`th part of them, so there are
//! no more than `FAN_IN × ln(n)`; and a row whose file does not grow so far loses at least one file before it,
//! of which it never gets a new one.

use std::ops::Range;

/// So many times as heavy as its oldest file is what a merge makes.
const FAN_IN: u64 = 8;
/// A lighter file counts as one of this weight, bytes: rows of up to so many are written again by one load of
/// `FAN_IN`, which costs less than to look at the files.
const SMALL_BYTES: u64 = 2 << 20;
/// A file of so many bytes is merged no more: its rows are many enough for one file.
const SETTLED_BYTES: u64 = 32 << 20;

/// Of the lengths of neighbouring files, oldest first: which of them become one file. What lies between settled files
/// gets no more, and becomes one once.
pub(super) fn merged(bytes: &[u64]) -> Vec<Range<usize>> {
    let (mut runs, mut start) = (Vec::new(), 0);
    for (at, _) in bytes.iter().enumerate().filter(|(_, bytes)| **bytes >= SETTLED_BYTES) {
        runs.push(start..at);
        start = at + 1;
    }
    runs.extend(outweighed(&bytes[start..]).map(|from| start + from..bytes.len()));
    runs.retain(|run| run.len() > 1);
    runs
}

/// The oldest file that those after it outweigh enough.
fn outweighed(bytes: &[u64]) -> Option<usize> {
    let (mut later, mut from) = (0, None);
    for (at, &bytes) in bytes.iter().enumerate().rev() {
        let weight = bytes.max(SMALL_BYTES);
        if later >= weight * (FAN_IN - 1) {
            from = Some(at);
        }
        later += weight;
    }
    from
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIB: u64 = 1 << 10;
    const MIB: u64 = 1 << 20;

    /// What becomes of a table that gets a file with each load.
    #[derive(Default)]
    struct Played {
        files: Vec<u64>,
        written: u64,
        files_max: usize,
    }

    impl Played {
        fn load(&mut self, bytes: u64) {
            for run in merged(&self.files).into_iter().rev() {
                let sum = self.files[run.clone()].iter().sum();
                self.written += sum;
                self.files.splice(run, [sum]);
            }
            self.files.push(bytes);
            self.files_max = self.files_max.max(self.files.len());
        }

        fn all(&self) -> u64 {
            self.files.iter().sum()
        }
    }

    #[test]
    #[allow(clippy::single_range_in_vec_init, reason = "one range is what is expected")]
    fn the_newest_become_one_once_they_outweigh_the_oldest_of_them() {
        let full = [10 * KIB; 8];
        for (files, runs) in [
            (&[][..], &[][..]),
            (&full[..1], &[]),
            (&full[..7], &[]),
            (&full, &[0..8]),
            // A settled file is left alone.
            (&[10, 40 * MIB, 10], &[]),
            (&[u64::MAX, 1, 1], &[]),
            (&[&[10, 32 * MIB], &full[..]].concat(), &[2..10]),
            // What lies between two gets no more.
            (&[10, 20, 40 * MIB, 10, 32 * MIB, 10, 20, 30, 32 * MIB, 10, 20], &[0..2, 5..8]),
            // The first one is not outweighed yet, the second is.
            (&[&[3 * MIB], &full[..]].concat(), &[1..9]),
            (&[3 * MIB; 7], &[]),
            (&[3 * MIB; 8], &[0..8]),
            (&[MIB, 14 * MIB], &[0..2]),
        ] {
            assert_eq!(merged(files), runs, "{files:?}");
        }
    }

    #[test]
    fn a_day_of_minutes_is_few_files_and_little_is_written_again() {
        let mut day = Played::default();
        for _ in 0..1_440 {
            day.load(10 * KIB);
        }
        // Two powers of eight at 2 MiB: 7 of them, one on its way, and the newest.
        assert!(day.files_max <= 16, "{} files", day.files_max);
        assert!(day.written <= 1_440 * SMALL_BYTES / (FAN_IN - 1), "{} bytes", day.written);
    }

    #[test]
    fn files_and_what_is_written_again_are_bounded_whatever_is_loaded() {
        let seed = fastrand::u64(..);
        let mut random = fastrand::Rng::with_seed(seed);
        for round in 0..200 {
            let (mut played, largest) = (Played::default(), random.u32(1..26));
            let loads = random.u64(1..3_000);
            for _ in 0..loads {
                let most = 2 << random.u32(0..=largest);
                played.load(random.u64(1..most));
            }
            let told = || format!("seed {seed}, round {round}: {loads} loads, {} files", played.files_max);
            let all = played.all();
            let powers = (loads as f64 + all as f64 / SMALL_BYTES as f64).ln();
            // Settled ones, and one before each.
            let settled = 2.0 * all as f64 / SETTLED_BYTES as f64;
            let most = settled + FAN_IN as f64 * (powers + 1.0);
            assert!(played.files_max as f64 <= most, "{} > {most}", told());
            let again = all as f64 * powers + (loads * SMALL_BYTES) as f64;
            assert!(played.written as f64 <= again, "{}: {} of {all} written again", told(), played.written);
        }
    }
}
