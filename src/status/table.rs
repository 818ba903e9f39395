//! The page of one table: its loads in time, its columns beside the night before, its versions.

use super::chart::Night;
use super::load::{Column, schema_changes};
use super::overview::{Look, Need, RunLine, TableLine, dead, of_dead};
use super::sources::{Facts, Profiles, Silence};
use crate::ops::state::{Brief, Version};
use schemars::JsonSchema;
use serde::Serialize;

/// Loads of one page.
pub(super) const LOADS_PER_PAGE: usize = 100;
/// Changes of the schema that are listed.
const CHANGES_MAX: usize = 50;
/// Columns that a page lists.
const COLUMNS_MAX: usize = 500;

/// One table.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct TablePage {
    /// When this was looked at, RFC 3339 in UTC.
    pub(super) looked_at: String,
    /// Sources that do not answer.
    pub(super) silent: Vec<Silence>,
    /// The table in a line, with its nights.
    pub(super) line: TableLine,
    /// What of it needs a person.
    pub(super) needs: Vec<Need>,
    /// Which load the list begins with, from 0, newest first.
    pub(super) from: u64,
    /// How many there are.
    pub(super) loads_in_all: u64,
    /// Loads, newest first.
    pub(super) loads: Vec<RunLine>,
    /// The full load that the columns are of.
    pub(super) profile_of: Option<String>,
    /// The full load before it that they are compared with.
    pub(super) compared_with: Option<String>,
    /// Its columns.
    pub(super) columns: Vec<ColumnNow>,
    /// What drifted in the last load.
    pub(super) drift: Vec<String>,
    /// What became of its columns, newest first.
    pub(super) changes: Vec<Change>,
    /// Versions that are kept, newest first.
    pub(super) versions: Vec<VersionLine>,
}

/// A column, and what it was before.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct ColumnNow {
    /// What it holds.
    #[serde(flatten)]
    pub(super) now: Column,
    /// Percent of the rows without a value in the load before, if it had the column.
    pub(super) nulls_percent_before: Option<f64>,
    /// Percent of the rows with an empty text in the load before, likewise.
    pub(super) empties_percent_before: Option<f64>,
}

/// A change of a table's columns.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct Change {
    /// The load that made it.
    pub(super) load_id: String,
    /// When, RFC 3339 in UTC.
    pub(super) started: Option<String>,
    /// What.
    pub(super) what: Vec<String>,
}

/// A version that is kept.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct VersionLine {
    /// Its name: the load that made it.
    pub(super) load_id: String,
    /// When it was complete, RFC 3339 in UTC.
    pub(super) finished: String,
    /// Its rows.
    pub(super) rows: u64,
    /// Whether readers see it.
    pub(super) is_current: bool,
}

impl TablePage {
    /// The page; none if nobody knows the table.
    pub(super) fn of(
        facts: &Facts,
        table: &str,
        profiles: &Profiles,
        versions: &[Version],
        from: usize,
    ) -> Option<Self> {
        let known = facts.known.value.as_deref()?;
        let runs: Vec<&Brief> = known.runs.iter().filter(|brief| brief.run.table == table).collect();
        let held = known.tables.iter().find(|held| held.table == table);
        let progress = facts
            .progress
            .value
            .iter()
            .flat_map(|all| all.iter())
            .filter(|load| load.table == table)
            .collect::<Vec<_>>();
        if runs.is_empty() && held.is_none() && progress.is_empty() {
            return None;
        }
        let dead: Vec<_> =
            dead(facts).iter().filter(|letter| letter.table.as_deref() == Some(table)).collect();
        let (line, mut needs) = Look {
            table,
            runs: &runs,
            held,
            progress,
            has_dead: !dead.is_empty(),
            now: facts.now,
            ends_are_known: known.ends_are_known,
        }
        .at();
        needs.extend(of_dead(dead.into_iter()));
        needs.sort_by_key(|need| need.tone);
        let changed =
            |brief: &&&Brief| !brief.run.added_columns.is_empty() || !brief.run.widened_columns.is_empty();
        let change = |brief: &&Brief| Change {
            load_id: brief.run.load_id.clone(),
            started: brief.run.started.clone(),
            what: schema_changes(&brief.run.added_columns, &brief.run.widened_columns),
        };
        let drift = profiles.now.as_ref().map_or(&[][..], |report| &report.changes.drift);
        Some(Self {
            looked_at: facts.looked_at(),
            silent: facts.silent_of(&facts.known),
            needs,
            from: from as u64,
            loads_in_all: runs.len() as u64,
            loads: runs.iter().skip(from).take(LOADS_PER_PAGE).map(|brief| RunLine::of(brief)).collect(),
            profile_of: profiles.now.as_ref().map(|report| report.load_id.clone()),
            compared_with: profiles.before.as_ref().map(|report| report.load_id.clone()),
            columns: columns(profiles),
            drift: drift.iter().map(ToString::to_string).collect(),
            changes: runs.iter().filter(changed).take(CHANGES_MAX).map(change).collect(),
            versions: versions.iter().map(VersionLine::of).collect(),
            line,
        })
    }

    /// Its nights.
    pub(super) fn nights(&self) -> &[Night] {
        &self.line.nights
    }

    /// The next page of loads, if there are more.
    pub(super) fn next(&self) -> Option<u64> {
        let next = self.from + self.loads.len() as u64;
        (next < self.loads_in_all && !self.loads.is_empty()).then_some(next)
    }

    /// The page before.
    pub(super) fn before(&self) -> Option<u64> {
        (self.from > 0).then(|| self.from.saturating_sub(LOADS_PER_PAGE as u64))
    }
}

fn columns(profiles: &Profiles) -> Vec<ColumnNow> {
    let Some(now) = &profiles.now else { return Vec::new() };
    let before = |name: &str| {
        let report = profiles.before.as_ref()?;
        let column = report.columns.iter().find(|column| column.name == name)?;
        Some(Column::of(column, report.rows.accepted))
    };
    let column = |column: &crate::report::ColumnReport| {
        let before = before(&column.name);
        ColumnNow {
            now: Column::of(column, now.rows.accepted),
            nulls_percent_before: before.as_ref().map(|before| before.nulls_percent),
            empties_percent_before: before.as_ref().map(|before| before.empties_percent),
        }
    };
    now.columns.iter().take(COLUMNS_MAX).map(column).collect()
}

impl VersionLine {
    fn of(version: &Version) -> Self {
        let Version { load_id, finished, rows, is_current } = version.clone();
        Self { load_id, finished, rows, is_current }
    }
}

impl ColumnNow {
    /// A share and what it was before, for people.
    pub(super) fn nulls(&self) -> String {
        share(self.now.nulls_percent, self.nulls_percent_before)
    }

    /// The same of empty texts.
    pub(super) fn empties(&self) -> String {
        share(self.now.empties_percent, self.empties_percent_before)
    }
}

fn share(now: f64, before: Option<f64>) -> String {
    match before {
        Some(before) if (before - now).abs() >= 0.05 => format!("{now:.1} % (before {before:.1} %)"),
        _ => format!("{now:.1} %"),
    }
}
