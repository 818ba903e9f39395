//! Thirty nights as a small picture: bars, as one path of SVG, with what it shows in words.

use schemars::JsonSchema;
use serde::Serialize;

/// Nights that a chart has.
pub(super) const NIGHTS: usize = 30;
/// Width of a bar with its gap, and of the bar alone.
const STEP: usize = 4;
const BAR: usize = 3;
/// Height of the highest bar.
const HEIGHT: f64 = 24.0;

/// What happened in one night, by UTC.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub(super) struct Night {
    /// The day, `2026-03-01`.
    pub(super) date: String,
    /// Loads that came to an end.
    pub(super) loads: u64,
    /// Those that failed.
    pub(super) failed: u64,
    /// Rows that the table took.
    pub(super) rows: u64,
    /// Seconds of all its loads together, where they were written down.
    pub(super) seconds: f64,
    /// Records that were rejected.
    pub(super) rejected: u64,
}

/// A picture.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Chart {
    /// What it shows, for who cannot see it.
    pub(super) label: String,
    /// The bars.
    pub(super) bars: String,
    /// The nights in which a load failed.
    pub(super) failed: String,
    /// Its size.
    pub(super) width: usize,
    /// Its size.
    pub(super) height: usize,
}

impl Chart {
    /// One number of each night, oldest first.
    pub(super) fn of(
        what: &str,
        nights: &[Night],
        number: impl Fn(&Night) -> f64,
        text: impl Fn(f64) -> String,
    ) -> Self {
        let numbers: Vec<f64> = nights.iter().map(number).collect();
        let most = numbers.iter().copied().fold(0.0, f64::max);
        let mut bars = String::new();
        let mut failed = String::new();
        for (at, (night, number)) in nights.iter().zip(&numbers).enumerate() {
            let x = at * STEP;
            if *number > 0.0 {
                // A little is not nothing.
                let height = (number / most * HEIGHT).round().max(1.0);
                bars += &format!("M{x} {HEIGHT}v-{height}h{BAR}v{height}z");
            }
            if night.failed > 0 {
                failed += &format!("M{x} {}h{BAR}v3h-{BAR}z", HEIGHT + 1.0);
            }
        }
        let last = numbers.last().copied().unwrap_or_default();
        let nights_failed = nights.iter().filter(|night| night.failed > 0).count();
        let mut label =
            format!("{what} of {} nights: most {}, last {}", nights.len(), text(most), text(last));
        if nights_failed > 0 {
            label += &format!("; a load failed in {nights_failed}");
        }
        Self { label, bars, failed, width: nights.len() * STEP, height: HEIGHT as usize + 4 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_have_the_height_of_their_night() {
        let night = |rows, failed| Night { rows, failed, ..Night::default() };
        let nights = [night(0, 0), night(1, 0), night(100, 1), night(50, 0)];
        let chart = Chart::of("rows", &nights, |night| night.rows as f64, |number| number.to_string());
        assert_eq!(chart.bars, "M4 24v-1h3v1zM8 24v-24h3v24zM12 24v-12h3v12z");
        assert_eq!(chart.failed, "M8 25h3v3h-3z");
        assert_eq!(chart.label, "rows of 4 nights: most 100, last 50; a load failed in 1");
        let none = Chart::of("rows", &[Night::default()], |_| 0.0, |number| number.to_string());
        assert_eq!((none.bars.as_str(), none.failed.as_str()), ("", ""));
    }
}
