//! What is different from the last load of the table: its columns, and what is in them.

use super::words::{count, plural};
use super::{ColumnReport, RunReport};
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
    /// What moved from one full load to the next. Columns that only one of the two has are no drift.
    pub fn between(before: &RunReport, now: &RunReport) -> Vec<Self> {
        let (rows_before, rows_now) = (before.rows.accepted, now.rows.accepted);
        let mut drift = Vec::new();
        if u128::from(rows_before.abs_diff(rows_now)) * 100 > u128::from(rows_before) * ROWS_PERCENT_MAX {
            let (before, now) = (rows_before as f64, rows_now as f64);
            drift.push(Self { measure: Drifting::Rows, column: None, before, now });
        }
        if rows_before == 0 || rows_now == 0 {
            return drift;
        }
        let share = |count: u64, rows: u64| count as f64 * 100.0 / rows as f64;
        for column in &now.columns {
            let old = before.columns.iter().find(|old| old.name == column.name);
            let Some(old) = old.filter(|old| old.is_measured()) else { continue };
            let counts: [(Drifting, fn(&ColumnReport) -> u64); 2] =
                [(Drifting::Nulls, |column| column.nulls), (Drifting::Empties, |column| column.empties)];
            for (measure, of) in counts {
                let (before, now) = (share(of(old), rows_before), share(of(column), rows_now));
                let all_now = of(column) == rows_now && of(old) < rows_before;
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

impl RunReport {
    /// Compares a full load that succeeded with the one before it, and warns of what drifted.
    pub fn note_drift(&mut self, before: &Self) {
        self.changes.rows_before = before.rows.accepted;
        self.changes.drift = Drift::between(before, self);
        let id = &before.load_id;
        self.warnings
            .extend(self.changes.drift.iter().map(|drift| format!("drift since load {id}: {drift}")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{ExportKind, ObjectInfo};

    fn report(rows: u64, columns: &[(&str, u64, u64)]) -> RunReport {
        let mut report = RunReport::begin("L", "t", ExportKind::Full, &ObjectInfo::default());
        report.rows.accepted = rows;
        report.columns = columns
            .iter()
            .map(|&(name, nulls, empties)| ColumnReport {
                name: name.to_owned(),
                nulls,
                empties,
                bytes: rows,
                ..ColumnReport::default()
            })
            .collect();
        report
    }

    type Columns = &'static [(&'static str, u64, u64)];

    #[test]
    fn what_moves_too_far_is_told() {
        let cases: [((u64, Columns), (u64, Columns), &[&str]); 19] = [
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
            let mut now = report(rows, now);
            now.note_drift(&report(rows_before, before));
            let found: Vec<_> = now.changes.drift.iter().map(ToString::to_string).collect();
            assert_eq!(found, told);
            assert_eq!((now.changes.rows_before, now.warnings.len()), (rows_before, told.len()));
        }
    }

    #[test]
    fn a_report_of_an_earlier_program_is_no_drift() {
        let mut before = report(100, &[("a", 0, 0)]);
        before.columns[0].bytes = 0;
        let mut now = report(100, &[("a", 100, 0)]);
        now.note_drift(&before);
        assert_eq!(now.changes.drift, []);
    }
}
