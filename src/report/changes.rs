//! What is different from the last load of the table: its columns, and what is in them.

use super::columns::ColumnReport;
use super::words::{count, plural};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Percentage points by which the share of NULLs, or of empty texts, may move from one full load to the next.
pub const SHARE_POINTS_MAX: f64 = 20.0;
/// Percent by which the rows may move.
pub const ROWS_PERCENT_MAX: u128 = 25;

/// What a load changed, and what it found changed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Changes {
    /// Columns that the table got.
    pub added_columns: Vec<String>,
    /// Columns whose type became wider.
    pub widened_columns: Vec<String>,
    /// Rows of the last full load that is known; 0 if none is.
    pub rows_before: u64,
    /// What is strange about a full export beside the last one.
    pub drift: Vec<Drift>,
}

/// One thing that moved further than it does from one night to the next.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    /// What moved.
    pub measure: Drifting,
    /// The column; none for rows.
    pub column: Option<String>,
    /// Before: rows, or percent of the rows.
    pub before: f64,
    /// Now: the same.
    pub now: f64,
}

/// What can drift.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Drifting {
    /// The number of rows, by more than [`ROWS_PERCENT_MAX`] percent.
    Rows,
    /// The share of NULLs: by more than [`SHARE_POINTS_MAX`] points, or to all.
    Nulls,
    /// The share of empty texts, likewise.
    Empties,
}

impl Drift {
    /// What moved from one full load to the next, each with its rows. Columns that only one of the two has are no
    /// drift.
    pub fn between(
        (rows_before, before): (u64, &[ColumnReport]),
        (rows_now, now): (u64, &[ColumnReport]),
    ) -> Vec<Self> {
        let mut drift = Vec::new();
        if u128::from(rows_before.abs_diff(rows_now)) * 100 > u128::from(rows_before) * ROWS_PERCENT_MAX {
            let (before, now) = (rows_before as f64, rows_now as f64);
            drift.push(Self { measure: Drifting::Rows, column: None, before, now });
        }
        if rows_before == 0 || rows_now == 0 {
            return drift;
        }
        let share = |count: u64, rows: u64| count as f64 * 100.0 / rows as f64;
        for column in now {
            let old = before.iter().find(|old| old.name == column.name);
            // Other values under another rule are no drift.
            let Some(old) = old.filter(|old| old.is_measured() && old.privacy == column.privacy) else {
                continue;
            };
            let counts = [
                (Drifting::Nulls, old.nulls, column.nulls),
                (Drifting::Empties, old.empties, column.empties),
            ];
            for (measure, before, now) in counts {
                let all_now = now == rows_now && before < rows_before;
                let (before, now) = (share(before, rows_before), share(now, rows_now));
                if all_now || (before - now).abs() > SHARE_POINTS_MAX {
                    drift.push(Self { measure, column: Some(column.name.clone()), before, now });
                }
            }
        }
        drift
    }
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let column = self.column.as_deref().unwrap_or_default();
        let (before, now) = (self.before, self.now);
        let word = match self.measure {
            Drifting::Rows => {
                let (now, before) = (plural(now as u64, "row"), count(before as u64));
                return write!(f, "the export has {now}, the last full one had {before}");
            }
            Drifting::Nulls => "NULL",
            Drifting::Empties => "empty",
        };
        match now {
            100.0 => write!(f, "column {column:?} is {word} in every row, before in {before:.1} % of them"),
            _ => write!(f, "column {column:?} is {word} in {now:.1} % of the rows, before in {before:.1} %"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(rows: u64, columns: &[(&str, u64, u64)]) -> Vec<ColumnReport> {
        let column = |&(name, nulls, empties): &(&str, u64, u64)| ColumnReport {
            name: name.to_owned(),
            nulls,
            empties,
            bytes: rows,
            ..ColumnReport::default()
        };
        columns.iter().map(column).collect()
    }

    /// Rows, and of each column NULLs and empty texts.
    type Load = (u64, &'static [(&'static str, u64, u64)]);
    type Case = (Load, Load, &'static [&'static str]);

    #[test]
    fn what_moves_too_far_is_told() {
        let cases: [Case; 19] = [
            ((100, &[]), (125, &[]), &[]),
            ((100, &[]), (126, &[]), &["the export has 126 rows, the last full one had 100"]),
            ((100, &[]), (75, &[]), &[]),
            ((100, &[]), (74, &[]), &["the export has 74 rows, the last full one had 100"]),
            ((0, &[]), (0, &[]), &[]),
            ((0, &[]), (1, &[]), &["the export has 1 row, the last full one had 0"]),
            ((4, &[("a", 0, 0)]), (0, &[("a", 0, 0)]), &["the export has 0 rows, the last full one had 4"]),
            (
                (u64::MAX, &[]),
                (u64::MAX / 4 * 3, &[]),
                &[
                    "the export has 13,835,058,055,282,163,712 rows, the last full one had 18,446,744,073,709,551,615",
                ],
            ),
            ((100, &[("a", 10, 0)]), (100, &[("a", 30, 0)]), &[]),
            (
                (100, &[("a", 10, 0)]),
                (100, &[("a", 31, 0)]),
                &["column \"a\" is NULL in 31.0 % of the rows, before in 10.0 %"],
            ),
            (
                (100, &[("a", 31, 0)]),
                (100, &[("a", 10, 0)]),
                &["column \"a\" is NULL in 10.0 % of the rows, before in 31.0 %"],
            ),
            (
                (100, &[("a", 0, 50)]),
                (100, &[("a", 0, 75)]),
                &["column \"a\" is empty in 75.0 % of the rows, before in 50.0 %"],
            ),
            (
                (100, &[("a", 95, 0)]),
                (100, &[("a", 100, 0)]),
                &["column \"a\" is NULL in every row, before in 95.0 % of them"],
            ),
            ((100, &[("a", 100, 0)]), (100, &[("a", 100, 0)]), &[]),
            (
                (100, &[("a", 0, 99)]),
                (100, &[("a", 0, 100)]),
                &["column \"a\" is empty in every row, before in 99.0 % of them"],
            ),
            // The share counts, not the number.
            ((100, &[("a", 10, 0)]), (120, &[("a", 12, 0)]), &[]),
            ((100, &[]), (100, &[("new", 100, 0)]), &[]),
            ((100, &[("gone", 0, 0)]), (100, &[]), &[]),
            (
                (100, &[("a", 0, 0), ("b", 0, 100)]),
                (100, &[("b", 100, 0), ("a", 0, 0)]),
                &[
                    "column \"b\" is NULL in every row, before in 0.0 % of them",
                    "column \"b\" is empty in 0.0 % of the rows, before in 100.0 %",
                ],
            ),
        ];
        for ((rows_before, before), (rows, now), told) in cases {
            let (before, now) = (columns(rows_before, before), columns(rows, now));
            let drift = Drift::between((rows_before, &before), (rows, &now));
            let found: Vec<_> = drift.iter().map(ToString::to_string).collect();
            assert_eq!(found, told);
        }
    }

    #[test]
    fn a_report_of_an_earlier_program_is_no_drift() {
        let (mut before, now) = (columns(100, &[("a", 0, 0)]), columns(100, &[("a", 100, 0)]));
        assert_eq!(Drift::between((100, &before), (100, &now)).len(), 1);
        before[0].bytes = 0;
        assert_eq!(Drift::between((100, &before), (100, &now)), []);
    }
}
