//! What moved between two versions of the schema.
//!
//! Every difference is named once; a rename is only ever a guess, so its two columns are also listed
//! as dropped and added. Of columns in another order, the fewest that explain it are named.

use super::{BulkSchema, Column, ColumnType, Table};
use crate::error::shown;
use crate::names::similarity;
use serde::Serialize;
use std::collections::{HashMap, HashSet};
use std::fmt;

/// What a rename candidate must score to be listed, 0 to 1.
const RENAME_SCORE_MIN: f64 = 0.5;
/// How much the score owes to the names; the rest is the neighbourhood.
const RENAME_NAME_WEIGHT: f64 = 0.6;

/// All differences between two versions.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct SchemaDiff {
    /// Tables that only the new version has, in its order.
    pub tables_added: Vec<String>,
    /// Tables that only the old version has, in its order.
    pub tables_dropped: Vec<String>,
    /// Tables that both have and that differ, in the new version's order.
    pub tables_changed: Vec<TableDiff>,
    /// `settings.compression_format`, if it differs.
    pub compression_format: Option<PropertyValues>,
}

/// An old and a new value; null is absent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PropertyValues {
    /// Value in the old version.
    pub from: serde_json::Value,
    /// Value in the new version.
    pub to: serde_json::Value,
}

/// The differences within one table.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct TableDiff {
    /// Table name.
    pub table: String,
    /// Columns that only the new version has, in its order.
    pub added: Vec<ColumnEntry>,
    /// Columns that only the old version has, in its order.
    pub dropped: Vec<ColumnEntry>,
    /// Dropped columns that may live on under an added name, the likeliest first.
    pub renamed: Vec<RenameCandidate>,
    /// Properties that changed, in the new version's order of columns.
    pub changed: Vec<PropertyChange>,
    /// Columns whose type in Redshift and Parquet changed: those a table must be altered for.
    pub retyped: Vec<TargetChange>,
    /// The fewest columns whose moving explains the new order.
    pub moved: Vec<ColumnMove>,
}

/// A column that was added or dropped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ColumnEntry {
    /// Column name.
    pub column: String,
    /// PostgreSQL type.
    pub sql_type: String,
    /// Position from 1, in the version that has it.
    pub position: usize,
}

/// A dropped and an added column of the same type that look alike.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RenameCandidate {
    /// Old name.
    pub from: String,
    /// New name.
    pub to: String,
    /// How likely, 0 to 1.
    pub score: f64,
}

/// One property of one column: `type`, `sql_type`, `limit`, `nullable` or `default_value`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PropertyChange {
    /// Column name.
    pub column: String,
    /// The property as the schema API calls it.
    pub property: &'static str,
    /// Its values.
    #[serde(flatten)]
    pub values: PropertyValues,
}

/// The target type of one column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TargetChange {
    /// Column name.
    pub column: String,
    /// Type in Redshift by the old version.
    pub from: String,
    /// Type in Redshift by the new version.
    pub to: String,
}

/// A column that stands elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ColumnMove {
    /// Column name.
    pub column: String,
    /// Old position, from 1.
    pub from: usize,
    /// New position, from 1.
    pub to: usize,
}

/// Compares two versions of the schema.
pub fn diff(old: &BulkSchema, new: &BulkSchema) -> SchemaDiff {
    let only_in = |these: &BulkSchema, others: &BulkSchema| -> Vec<String> {
        let absent = these.tables.iter().filter(|table| others.find(&table.name).is_none());
        absent.map(|table| table.name.clone()).collect()
    };
    let both = new.tables.iter().filter_map(|table| Some((old.find(&table.name)?, table)));
    SchemaDiff {
        tables_added: only_in(new, old),
        tables_dropped: only_in(old, new),
        tables_changed: both
            .map(|(old, new)| diff_table(old, new))
            .filter(|table| !table.is_empty())
            .collect(),
        compression_format: differing(&old.compression_format, &new.compression_format),
    }
}

fn diff_table(old: &Table, new: &Table) -> TableDiff {
    let (added, dropped) = (only_in(new, old), only_in(old, new));
    let renamed = rename_candidates(old, new, &dropped, &added);
    let both =
        || new.columns.iter().filter_map(|(name, column)| Some((name, old.columns.get(name)?, column)));
    TableDiff {
        table: new.name.clone(),
        renamed,
        added,
        dropped,
        changed: both().flat_map(|(name, old, new)| property_changes(name, old, new)).collect(),
        retyped: both().filter_map(|(name, old, new)| target_change(name, old, new)).collect(),
        moved: moved_columns(old, new),
    }
}

fn only_in(these: &Table, others: &Table) -> Vec<ColumnEntry> {
    let entry = |(at, (name, column)): (usize, (&String, &Column))| ColumnEntry {
        column: name.clone(),
        sql_type: column.sql_type.clone(),
        position: at + 1,
    };
    let columns = these.columns.iter().enumerate();
    columns.filter(|(_, (name, _))| !others.columns.contains_key(*name)).map(entry).collect()
}

fn differing<T: Serialize + PartialEq>(old: &T, new: &T) -> Option<PropertyValues> {
    let json = |value| serde_json::to_value(value).unwrap_or_default();
    (old != new).then(|| PropertyValues { from: json(old), to: json(new) })
}

fn property_changes(name: &str, old: &Column, new: &Column) -> impl Iterator<Item = PropertyChange> {
    let properties = [
        ("type", differing(&old.kind, &new.kind)),
        ("sql_type", differing(&old.sql_type, &new.sql_type)),
        ("limit", differing(&old.limit, &new.limit)),
        ("nullable", differing(&old.nullable, &new.nullable)),
        ("default_value", differing(&old.default_value, &new.default_value)),
    ];
    let column = name.to_owned();
    properties.into_iter().filter_map(move |(property, values)| {
        Some(PropertyChange { column: column.clone(), property, values: values? })
    })
}

/// The type in Redshift, or why there is none.
fn target(column: &Column) -> String {
    match ColumnType::of(column) {
        Ok((column_type, _)) => column_type.redshift_ddl().into_owned(),
        Err(error) => error.to_string(),
    }
}

fn target_change(name: &str, old: &Column, new: &Column) -> Option<TargetChange> {
    let (from, to) = (target(old), target(new));
    (from != to).then(|| TargetChange { column: name.to_owned(), from, to })
}

/// Pairs dropped with added columns of the same target type, each at most once, the likeliest first.
fn rename_candidates(
    old: &Table,
    new: &Table,
    dropped: &[ColumnEntry],
    added: &[ColumnEntry],
) -> Vec<RenameCandidate> {
    let mut candidates = Vec::new();
    for from in dropped {
        for to in added {
            let score = rename_score(old, new, from, to);
            if score >= RENAME_SCORE_MIN {
                candidates.push(RenameCandidate { from: from.column.clone(), to: to.column.clone(), score });
            }
        }
    }
    // The sort is stable, so equal scores keep the order of the tables.
    candidates.sort_by(|a, b| b.score.total_cmp(&a.score));
    let (mut used_from, mut used_to) = (HashSet::new(), HashSet::new());
    candidates.retain(|candidate| {
        let is_free = !used_from.contains(&candidate.from) && !used_to.contains(&candidate.to);
        if is_free {
            used_from.insert(candidate.from.clone());
            used_to.insert(candidate.to.clone());
        }
        is_free
    });
    candidates
}

fn rename_score(old: &Table, new: &Table, from: &ColumnEntry, to: &ColumnEntry) -> f64 {
    if target(&old.columns[&from.column]) != target(&new.columns[&to.column]) {
        return 0.0;
    }
    let (old_place, new_place) = (neighbours(old, from), neighbours(new, to));
    let same = [old_place.0 == new_place.0, old_place.1 == new_place.1];
    let shared = same.into_iter().filter(|&same| same).count();
    let names = similarity(&from.column, &to.column);
    let score = RENAME_NAME_WEIGHT * names + (1.0 - RENAME_NAME_WEIGHT) * shared as f64 / 2.0;
    (score * 100.0).round() / 100.0
}

/// The columns right before and after; none at the table's ends.
fn neighbours<'a>(table: &'a Table, entry: &ColumnEntry) -> (Option<&'a String>, Option<&'a String>) {
    let at = entry.position - 1;
    let name = |at| table.columns.get_index(at).map(|(name, _)| name);
    (at.checked_sub(1).and_then(name), name(at + 1))
}

/// The columns outside the longest common subsequence of the two orders.
fn moved_columns(old: &Table, new: &Table) -> Vec<ColumnMove> {
    let old_positions: HashMap<&str, usize> =
        old.columns.keys().enumerate().map(|(at, name)| (name.as_str(), at)).collect();
    let common: Vec<(&str, usize, usize)> = new
        .columns
        .keys()
        .enumerate()
        .filter_map(|(to, name)| Some((name.as_str(), *old_positions.get(name.as_str())?, to)))
        .collect();
    let stay = longest_increasing(&common.iter().map(|&(_, from, _)| from).collect::<Vec<_>>());
    let moved = common.iter().enumerate().filter(|(at, _)| !stay.contains(at));
    moved
        .map(|(_, &(name, from, to))| ColumnMove { column: name.to_owned(), from: from + 1, to: to + 1 })
        .collect()
}

/// Indices of the longest increasing subsequence. As no value comes twice, that is the longest common
/// subsequence of the two orders.
fn longest_increasing(values: &[usize]) -> HashSet<usize> {
    // `ends[k]` is the index of the smallest value that ends an increasing run of k + 1 values.
    let mut ends: Vec<usize> = Vec::new();
    let mut previous: Vec<Option<usize>> = Vec::with_capacity(values.len());
    for (at, value) in values.iter().enumerate() {
        let length = ends.partition_point(|&end| values[end] < *value);
        previous.push(length.checked_sub(1).map(|shorter| ends[shorter]));
        if length == ends.len() {
            ends.push(at);
        } else {
            ends[length] = at;
        }
    }
    std::iter::successors(ends.last().copied(), |&at| previous[at]).collect()
}

impl SchemaDiff {
    /// Whether the versions are the same, the order of tables aside.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl TableDiff {
    /// Whether the table is the same in both.
    pub fn is_empty(&self) -> bool {
        *self == Self { table: self.table.clone(), ..Self::default() }
    }
}

impl fmt::Display for SchemaDiff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return writeln!(f, "no differences");
        }
        for table in &self.tables_added {
            writeln!(f, "+ table {}", shown(table))?;
        }
        for table in &self.tables_dropped {
            writeln!(f, "- table {}", shown(table))?;
        }
        if let Some(values) = &self.compression_format {
            writeln!(f, "~ compression_format {} → {}", values.from, values.to)?;
        }
        self.tables_changed.iter().try_for_each(|table| table.fmt(f))
    }
}

impl fmt::Display for TableDiff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "~ table {}", shown(&self.table))?;
        for ColumnEntry { column, sql_type, position } in &self.added {
            writeln!(f, "    + {} {sql_type} (column {position})", shown(column))?;
        }
        for ColumnEntry { column, sql_type, position } in &self.dropped {
            writeln!(f, "    - {} {sql_type} (was column {position})", shown(column))?;
        }
        for RenameCandidate { from, to, score } in &self.renamed {
            writeln!(f, "    ? {} may now be {} (likelihood {score:.2})", shown(from), shown(to))?;
        }
        for PropertyChange { column, property, values } in &self.changed {
            writeln!(f, "    ~ {} {property} {} → {}", shown(column), values.from, values.to)?;
        }
        for TargetChange { column, from, to } in &self.retyped {
            writeln!(f, "    ! {} {from} → {to} in the warehouse", shown(column))?;
        }
        for ColumnMove { column, from, to } in &self.moved {
            writeln!(f, "    ↕ {} moved from column {from} to {to}", shown(column))?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "diff_tests.rs"]
mod tests;
