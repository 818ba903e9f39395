//! What an export says of a table beside what the table holds. Pure.

use crate::report::ColumnReport;
use crate::report::words::{count, plural};
use crate::values::{FLOAT_SUMMED_MAX, Figure};
use serde::Serialize;
use std::fmt;

/// Rows and columns of one side.
#[derive(Debug, Clone, Copy)]
pub(super) struct Side<'a> {
    pub(super) rows: u64,
    pub(super) columns: &'a [ColumnReport],
}

/// One thing in which an export and its table differ.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Discrepancy {
    /// The column; none for rows.
    pub column: Option<String>,
    /// What differs.
    pub measure: Measured,
    /// What the export says.
    pub export: Option<Figure>,
    /// What the table holds.
    pub table: Option<Figure>,
    /// What that may mean; empty if the numbers say it all.
    pub hint: &'static str,
}

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Measured {
    /// The number of rows.
    Rows,
    /// Whether the column is there: 1, or 0.
    Column,
    /// Whether it is a number or a text.
    Type,
    /// Rows with a value.
    NonNull,
    /// Empty texts.
    Empties,
    /// Bytes of text.
    Bytes,
    /// The least value.
    Min,
    /// The greatest.
    Max,
    /// All together.
    Sum,
    /// Sum of the hashes of texts.
    Hash,
}

const EMPTY_IS_NULL: &str =
    "empty texts of the export are NULL in the table: load.empty_strings = \"null\" reads the export so too";
const NULL_IS_EMPTY: &str = "NULLs of the export are empty texts in the table";
const MISSING: &str = "the table lacks the column";

impl Measured {
    /// Its words.
    fn words(self) -> &'static str {
        match self {
            Self::Rows => "rows",
            Self::Column => "columns of this name",
            Self::Type => "type",
            Self::NonNull => "non-NULL values",
            Self::Empties => "empty texts",
            Self::Bytes => "bytes of text",
            Self::Min => "least",
            Self::Max => "greatest",
            Self::Sum => "sum",
            Self::Hash => "sum of hashes",
        }
    }
}

impl fmt::Display for Discrepancy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |figure: &Option<Figure>| figure.as_ref().map_or("none".to_owned(), shown);
        if let Some(column) = &self.column {
            write!(f, "{column}: ")?;
        }
        let (words, export, table) = (self.measure.words(), shown(&self.export), shown(&self.table));
        write!(f, "{words}: {export} in the export, {table} in the table")?;
        if self.hint.is_empty() { Ok(()) } else { write!(f, " ({})", self.hint) }
    }
}

fn shown(figure: &Figure) -> String {
    match figure {
        Figure::Integer(number) => u64::try_from(*number).map_or(number.to_string(), count),
        other => other.to_string(),
    }
}

/// What differs, rows first, and what is to be known of columns that only the table has.
pub(super) fn compare(export: Side<'_>, table: Side<'_>) -> (Vec<Discrepancy>, Vec<String>) {
    let mut found = Vec::new();
    if export.rows != table.rows {
        found.push(counts(None, Measured::Rows, export.rows, table.rows));
    }
    let mut met = vec![false; table.columns.len()];
    for column in export.columns {
        match position(table.columns, &column.name) {
            Some(at) => {
                met[at] = true;
                Pair { export: column, table: &table.columns[at], rows: (export.rows, table.rows) }
                    .compare(&mut found);
            }
            None => {
                let missing = counts(Some(&column.name), Measured::Column, 1, 0);
                found.push(Discrepancy { hint: MISSING, ..missing });
            }
        }
    }
    let extra = table.columns.iter().zip(met).filter(|(_, met)| !met).map(|(column, _)| &column.name);
    let extra: Vec<String> = extra.map(|name| format!("{name:?}")).collect();
    let mut notes = Vec::new();
    if !extra.is_empty() {
        let columns = plural(extra.len() as u64, "column");
        notes.push(format!("the table has {columns} that the export lacks: {}", extra.join(", ")));
    }
    (found, notes)
}

/// The column of this name; Redshift folds names to lower case.
fn position(columns: &[ColumnReport], name: &str) -> Option<usize> {
    let exact = columns.iter().position(|column| column.name == name);
    exact.or_else(|| columns.iter().position(|column| column.name.eq_ignore_ascii_case(name)))
}

fn counts(column: Option<&str>, measure: Measured, export: u64, table: u64) -> Discrepancy {
    let figure = |count: u64| Some(Figure::integer(count.into()));
    discrepancy(column, measure, figure(export), figure(table))
}

fn discrepancy(
    column: Option<&str>,
    measure: Measured,
    export: Option<Figure>,
    table: Option<Figure>,
) -> Discrepancy {
    Discrepancy { column: column.map(str::to_owned), measure, export, table, hint: "" }
}

/// What a column holds, as far as its numbers tell. Of a column that is all NULL, or of which the NULLs alone are
/// known, they tell nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Numbers,
    Texts,
}

fn kind(column: &ColumnReport) -> Option<Kind> {
    if column.empties + column.bytes > 0 {
        return Some(Kind::Texts);
    }
    (column.min.is_some() || column.sum.is_some()).then_some(Kind::Numbers)
}

/// A column of both sides.
struct Pair<'a> {
    export: &'a ColumnReport,
    table: &'a ColumnReport,
    /// Of the export, and of the table.
    rows: (u64, u64),
}

impl Pair<'_> {
    fn compare(&self, found: &mut Vec<Discrepancy>) {
        let (export, table) = (self.export, self.table);
        match self.swapped() {
            Some(hint) => {
                let empties = counts(Some(&export.name), Measured::Empties, export.empties, table.empties);
                found.push(Discrepancy { hint, ..empties });
            }
            None => {
                self.count(Measured::NonNull, self.values(), found);
                self.count(Measured::Empties, (export.empties, table.empties), found);
            }
        }
        match (kind(export), kind(table)) {
            (Some(one), Some(other)) if one != other => {
                let word =
                    |kind| Some(Figure::Text(if kind == Kind::Texts { "text" } else { "number" }.to_owned()));
                found.push(discrepancy(Some(&export.name), Measured::Type, word(one), word(other)));
            }
            (Some(Kind::Texts), Some(_)) => {
                self.count(Measured::Bytes, (export.bytes, table.bytes), found);
                self.figure(Measured::Hash, (&export.sum, &table.sum), 0.0, found);
            }
            (Some(Kind::Numbers), Some(_)) => {
                self.figure(Measured::Min, (&export.min, &table.min), 0.0, found);
                self.figure(Measured::Max, (&export.max, &table.max), 0.0, found);
                self.figure(Measured::Sum, (&export.sum, &table.sum), self.slack(), found);
            }
            // That one has values and the other has none is told by their number.
            _ => {}
        }
    }

    /// Rows with a value.
    fn values(&self) -> (u64, u64) {
        (self.rows.0.saturating_sub(self.export.nulls), self.rows.1.saturating_sub(self.table.nulls))
    }

    /// Whether the one side has NULL for all that is empty on the other.
    fn swapped(&self) -> Option<&'static str> {
        let (export, table) = (self.export, self.table);
        let same_rows = self.rows.0 == self.rows.1;
        let all = |column: &ColumnReport| column.empties + column.nulls;
        match (export.empties, table.empties) {
            _ if !same_rows || all(export) != all(table) => None,
            (1.., 0) => Some(EMPTY_IS_NULL),
            (_, 1..) if table.nulls == 0 && export.nulls > 0 => Some(NULL_IS_EMPTY),
            _ => None,
        }
    }

    /// How far the sums of the same floats may lie apart when they are added up in another order: for n values of a
    /// size of at most m each sum is off by less than n · ε/2 · n · m (Higham, Accuracy and Stability, 4.2).
    fn slack(&self) -> f64 {
        let is_float = |figure: &Option<Figure>| matches!(figure, Some(Figure::Float(_)));
        if !is_float(&self.export.sum) && !is_float(&self.table.sum) {
            return 0.0;
        }
        let ends = [&self.export.min, &self.export.max, &self.table.min, &self.table.max];
        let sizes = ends.into_iter().flatten().filter_map(Figure::as_float).map(f64::abs);
        let size = sizes.fold(0.0, f64::max).min(FLOAT_SUMMED_MAX);
        let values = self.values().0.max(self.values().1) as f64;
        values * values * f64::EPSILON * size
    }

    fn count(&self, measure: Measured, (export, table): (u64, u64), found: &mut Vec<Discrepancy>) {
        if export != table {
            found.push(counts(Some(&self.export.name), measure, export, table));
        }
    }

    /// A sum that only one side has, because the other does not keep it, is not compared.
    fn figure(
        &self,
        measure: Measured,
        (export, table): (&Option<Figure>, &Option<Figure>),
        slack: f64,
        found: &mut Vec<Discrepancy>,
    ) {
        let (Some(one), Some(other)) = (export, table) else { return };
        let near = |(one, other): (f64, f64)| slack > 0.0 && (one - other).abs() <= slack;
        if !one.same(other) && !one.as_float().zip(other.as_float()).is_some_and(near) {
            found.push(discrepancy(Some(&self.export.name), measure, export.clone(), table.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(name: &str, nulls: u64, empties: u64, bytes: u64, hash: Option<i64>) -> ColumnReport {
        let sum = hash.map(Figure::Integer);
        ColumnReport { name: name.to_owned(), nulls, empties, bytes, sum, ..ColumnReport::default() }
    }

    fn numbers(name: &str, nulls: u64, figures: [Option<Figure>; 3]) -> ColumnReport {
        let [min, max, sum] = figures;
        ColumnReport { name: name.to_owned(), nulls, min, max, sum, ..ColumnReport::default() }
    }

    fn integers(min: i64, max: i64, sum: i64) -> [Option<Figure>; 3] {
        [min, max, sum].map(|number| Some(Figure::Integer(number)))
    }

    fn floats(min: f64, max: f64, sum: f64) -> [Option<Figure>; 3] {
        [min, max, sum].map(|number| Some(Figure::Float(number)))
    }

    fn decimals(min: &str, max: &str, sum: &str) -> [Option<Figure>; 3] {
        [min, max, sum].map(|number| Some(Figure::Text(number.to_owned())))
    }

    type Sides = ((u64, ColumnReport), (u64, ColumnReport));

    #[test]
    fn what_differs_is_named() {
        let none = [None, None, None];
        let cases: Vec<(Sides, &[&str])> = vec![
            (((5, texts("a", 1, 1, 9, Some(3))), (5, texts("a", 1, 1, 9, Some(3)))), &[]),
            (((5, texts("Ab", 1, 1, 9, None)), (5, texts("ab", 1, 1, 9, Some(3)))), &[]),
            (
                ((5, texts("a", 1, 1, 9, Some(3))), (5, texts("a", 1, 1, 9, Some(-4)))),
                &["a: sum of hashes: 3 in the export, -4 in the table"],
            ),
            (
                ((5, texts("a", 1, 1, 9, None)), (5, texts("a", 1, 1, 10_000, None))),
                &["a: bytes of text: 9 in the export, 10,000 in the table"],
            ),
            (
                ((5, texts("a", 1, 2, 9, None)), (5, texts("a", 3, 0, 9, None))),
                &[
                    "a: empty texts: 2 in the export, 0 in the table (empty texts of the export are NULL in the table: \
                   load.empty_strings = \"null\" reads the export so too)",
                ],
            ),
            (
                ((5, texts("a", 2, 1, 9, None)), (5, texts("a", 0, 3, 9, None))),
                &[
                    "a: empty texts: 1 in the export, 3 in the table (NULLs of the export are empty texts in the table)",
                ],
            ),
            (
                ((5, texts("a", 1, 2, 9, None)), (5, texts("a", 2, 0, 9, None))),
                &[
                    "a: non-NULL values: 4 in the export, 3 in the table",
                    "a: empty texts: 2 in the export, 0 in the table",
                ],
            ),
            (
                ((5, texts("a", 0, 0, 9, None)), (6, texts("a", 0, 0, 9, None))),
                &[
                    "rows: 5 in the export, 6 in the table",
                    "a: non-NULL values: 5 in the export, 6 in the table",
                ],
            ),
            (
                ((5, texts("a", 0, 0, 9, None)), (5, texts("b", 0, 0, 9, None))),
                &["a: columns of this name: 1 in the export, 0 in the table (the table lacks the column)"],
            ),
            (
                ((5, numbers("n", 0, integers(1, 5, 15))), (5, texts("n", 0, 0, 5, None))),
                &["n: type: number in the export, text in the table"],
            ),
            (((5, numbers("n", 0, integers(1, 5, 15))), (5, numbers("n", 0, integers(1, 5, 15)))), &[]),
            (
                ((5, numbers("n", 0, integers(1, 5, 15))), (5, numbers("n", 0, integers(2, 6, 16)))),
                &[
                    "n: least: 1 in the export, 2 in the table",
                    "n: greatest: 5 in the export, 6 in the table",
                    "n: sum: 15 in the export, 16 in the table",
                ],
            ),
            (
                ((5, numbers("n", 0, integers(1, 5, 15))), (5, numbers("n", 5, none.clone()))),
                &["n: non-NULL values: 5 in the export, 0 in the table"],
            ),
            (
                (
                    (2, numbers("n", 0, decimals("0.10", "1.00", "1.10"))),
                    (2, numbers("n", 0, decimals("0.1", "1", "1.1"))),
                ),
                &[],
            ),
            (
                (
                    (2, numbers("n", 0, decimals("0.10", "1.00", "1.10"))),
                    (2, numbers("n", 0, floats(0.1, 1.0, 1.1))),
                ),
                &[],
            ),
            (
                (
                    (3, numbers("n", 0, floats(0.1, 0.3, 0.6))),
                    (3, numbers("n", 0, floats(0.1, 0.3, 0.600_000_000_000_000_1))),
                ),
                &[],
            ),
            (
                (
                    (3, numbers("n", 0, floats(0.1, 0.3, 0.6))),
                    (3, numbers("n", 0, floats(0.1, 0.3, 0.600_000_1))),
                ),
                &["n: sum: 0.6 in the export, 0.6000001 in the table"],
            ),
            // Of a SUPER the NULLs alone are known.
            (((5, texts("j", 1, 0, 9, None)), (5, texts("j", 1, 0, 0, None))), &[]),
            (((0, texts("a", 0, 0, 0, None)), (0, texts("a", 0, 0, 0, None))), &[]),
        ];
        for (((rows, export), (rows_held, table)), told) in cases {
            let (export, table) = ([export], [table]);
            let side = |rows, columns| Side { rows, columns };
            let (found, _) = compare(side(rows, &export), side(rows_held, &table));
            let found: Vec<_> = found.iter().map(ToString::to_string).collect();
            assert_eq!(found, told);
        }
    }

    #[test]
    fn a_column_more_in_the_table_is_no_difference() {
        let (one, two) =
            ([texts("a", 0, 0, 1, None)], [texts("b", 1, 0, 0, None), texts("a", 0, 0, 1, None)]);
        let (found, notes) = compare(Side { rows: 1, columns: &one }, Side { rows: 1, columns: &two });
        assert_eq!(
            (found, notes),
            (vec![], vec!["the table has 1 column that the export lacks: \"b\"".to_owned()])
        );
    }
}
