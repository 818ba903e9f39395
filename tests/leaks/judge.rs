//! Whether a mark may be where it was found.

use crate::draw::{Data, Draw};
use crate::gather::{Piece, Place};
use crate::marks::{Mark, Part, marks};
use csl_stream::privacy::Rule;
use std::collections::BTreeSet;

/// Rows at each end of an export among which the smallest and the largest value of a column are.
const EDGE_ROWS: usize = 3;

/// What was found: what must not be there, and marks of kept columns in the output.
#[derive(Default)]
pub(crate) struct Verdict {
    pub(crate) leaks: Vec<String>,
    pub(crate) kept: BTreeSet<usize>,
    pub(crate) marks: usize,
}

pub(crate) fn judge(draw: &Draw, pieces: &[Piece]) -> Verdict {
    let mut verdict = Verdict::default();
    for piece in pieces {
        for (mark, around) in marks(&piece.bytes) {
            // Digits that happen to be some.
            let is_none = |column, row| column >= draw.table.columns.len() || row > draw.rows;
            if matches!(mark, Mark::Value { column, row, .. } if is_none(column, row)) {
                continue;
            }
            verdict.marks += 1;
            if !may_be(draw, piece.place, &mark) {
                let of = match &mark {
                    Mark::Value { column, .. } => {
                        format!("{} ({})", draw.table.columns[*column].name, draw.rule(*column))
                    }
                    _ => String::new(),
                };
                verdict
                    .leaks
                    .push(format!("{:?}: {}: {mark:?} of {of}: …{around}…", piece.place, piece.name));
            } else if let (Place::Output, Mark::Value { column, .. }) = (piece.place, mark) {
                verdict.kept.insert(column);
            }
        }
    }
    verdict
}

fn may_be(draw: &Draw, place: Place, mark: &Mark) -> bool {
    match mark {
        // The message is what the worker reads the export by.
        Mark::Secret(name) => {
            place == Place::Queue && (name.starts_with("HUSH9SIGNED") || name.starts_with("HUSH9CREDENTIAL"))
        }
        // Where a text is cut off, by its column's width or by the end of the export.
        Mark::Some => {
            matches!(place, Place::Output | Place::Rejects) && matches!(draw.data, Data::Overlong | Data::Cut)
        }
        Mark::Value { column, row, part, number } => {
            value_may_be(draw, place, *column, *part, number.then_some(*row))
        }
    }
}

/// `number`: the row of a number or a moment.
fn value_may_be(draw: &Draw, place: Place, column: usize, part: Part, number: Option<usize>) -> bool {
    let rule = draw.rule(column);
    match place {
        Place::Output | Place::Rejects => remains(rule, part),
        Place::Report if rule == Rule::Keep => {
            // The last row is another where the export is cut, or where a reject ends the load.
            let is_cut = draw.data != Data::Sound;
            let is_edge = |row| row <= EDGE_ROWS || row + EDGE_ROWS > draw.rows || is_cut;
            let is_figure = draw.table.columns[column].holds.has_figures() && number.is_some_and(is_edge);
            draw.report_values || is_figure
        }
        _ => false,
    }
}

/// Whether a rule leaves this part of a value.
fn remains(rule: Rule, part: Part) -> bool {
    match (rule, part) {
        (Rule::Keep, _) => true,
        (Rule::Domain | Rule::Network, Part::Last) => true,
        (Rule::Prefix(chars), Part::First) => chars >= 10,
        _ => false,
    }
}
