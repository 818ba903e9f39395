//! The page of one load.

use super::step::{State, Tone, shell_word};
use crate::ops::ExportKind;
use crate::ops::loads::{Run, Shown, Standing};
use crate::report::words::{count, duration, plural, size};
use crate::report::{ColumnReport, FaultCount, Rows, RunReport, Seconds, Span, Status};
use schemars::JsonSchema;
use serde::Serialize;

/// Files that a page lists; a load of more has them in its report.
const FILES_MAX: usize = 200;
/// Columns that a page lists.
const COLUMNS_MAX: usize = 500;
/// Warnings that a page lists.
const WARNINGS_MAX: usize = 100;

/// One load.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct LoadPage {
    /// Its id.
    pub load_id: String,
    /// Table name.
    pub table: String,
    /// `full` or `incremental`.
    pub kind: String,
    /// How it ended.
    pub state: State,
    /// Why it failed or was skipped.
    pub why: Option<String>,
    /// What to do next, as a command; none if nothing is to be done.
    pub command: Option<String>,
    /// When it began, RFC 3339 in UTC.
    pub started: Option<String>,
    /// `current`, `kept` or `gone`: where its rows are.
    pub standing: String,
    /// The export.
    pub source: Export,
    /// Counts.
    pub rows: Counts,
    /// Wall-clock seconds of the whole run; none if they were not written down.
    pub seconds: Option<f64>,
    /// The path, as its steps begin.
    pub path: Vec<PathStep>,
    /// Whether each stage was measured, so that steps overlap; reports of older programs know three steps, one after the
    /// other.
    pub stages_measured: bool,
    /// Files that it left, at most 200.
    pub files: Vec<StagedFile>,
    /// How many files there are.
    pub files_in_all: u64,
    /// What else went wrong.
    pub warnings: Vec<String>,
    /// What became of the table's columns.
    pub schema_changes: Vec<String>,
    /// Where rejected records are.
    pub rejects_at: Option<String>,
    /// All faults, by column and rule; none in reports of programs that did not count them.
    pub rejects: Vec<Rejects>,
    /// What each column holds.
    pub columns: Vec<Column>,
    /// Whether a report of it is kept.
    pub has_report: bool,
}

/// The export that was read.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Export {
    /// Its name.
    pub uri: String,
    /// Bytes as stored.
    pub bytes: u64,
    /// How it was compressed.
    pub compression: String,
}

/// What became of the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Counts {
    /// In the file.
    pub read: u64,
    /// Written to Parquet.
    pub accepted: u64,
    /// Left out for a fault.
    pub rejected: u64,
    /// Left out because whose they are was erased.
    pub erased: u64,
    /// In the files that the load left.
    pub staged: u64,
    /// Taken by the table.
    pub loaded: u64,
    /// Accepted, and in the table before.
    pub there_already: u64,
    /// Kept from the old table.
    pub carried_over: u64,
    /// Values that were cut to their column's width.
    pub truncated_values: u64,
    /// Whether they add up, as they must after a load.
    pub add_up: bool,
}

/// A step of the path.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PathStep {
    /// What it does.
    pub name: String,
    /// When it begins, seconds after the run.
    pub from: f64,
    /// How long it takes.
    pub seconds: f64,
    /// Where it begins, in thousandths of the run.
    pub from_permille: u32,
    /// How long it takes, likewise; 1 at least.
    pub permille: u32,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct StagedFile {
    /// Where it is.
    pub uri: String,
    /// Its rows.
    pub rows: u64,
    /// Its length.
    pub bytes: u64,
}

/// Faults of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Rejects {
    /// The column, if one is at fault.
    pub column: Option<String>,
    /// The rule that was broken.
    pub rule: String,
    /// How many there were.
    pub faults: u64,
    /// Record of the first one, from 1.
    pub first_record: u64,
}

/// A column, summed up; neither its least and greatest value nor any other.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Rows without a value.
    pub nulls: u64,
    /// The same, in percent of the rows.
    pub nulls_percent: f64,
    /// Empty texts.
    pub empties: u64,
    /// The same, in percent of the rows.
    pub empties_percent: f64,
    /// Bytes of its texts.
    pub bytes: u64,
    /// Values that were cut.
    pub truncated: u64,
    /// The rule of privacy by which its values were made.
    pub privacy: String,
}

impl LoadPage {
    /// The page of a load as the ledger knows it.
    pub fn of(shown: &Shown) -> Self {
        let begun = || {
            let run = &shown.run;
            let source = crate::report::SourceReport { uri: run.source.clone(), ..Default::default() };
            let report = RunReport::begin(&run.load_id, &run.table, run.kind, &Default::default());
            RunReport { status: run.status, source, rows: run.rows, error: run.error.clone(), ..report }
        };
        let report = shown.report.clone().unwrap_or_else(begun);
        let page = Self::of_report(&report, Some(&shown.run));
        Self { has_report: shown.report.is_some(), ..page }
    }

    /// The page of a report; of a run that has just ended nothing else is known.
    pub fn of_report(report: &RunReport, run: Option<&Run>) -> Self {
        let standing = run.map_or(Standing::Current, |run| run.standing);
        let rows = Counts::of(report);
        let timed = report.seconds.total > 0.0;
        Self {
            load_id: report.load_id.clone(),
            table: report.table.clone(),
            kind: report.kind.word().to_owned(),
            state: state(report.status, report.rows.rejected),
            why: report.error.clone(),
            command: command(report),
            started: run.and_then(|run| run.started.clone()),
            standing: standing_word(report.status, standing).to_owned(),
            source: Export {
                uri: report.source.uri.clone(),
                bytes: report.source.bytes,
                compression: report.source.compression.clone(),
            },
            rows,
            seconds: timed.then_some(report.seconds.total),
            path: if timed { path(report) } else { Vec::new() },
            stages_measured: !report.stages.is_empty(),
            files: report.files.iter().take(FILES_MAX).map(StagedFile::of).collect(),
            files_in_all: report.files.len() as u64,
            warnings: report.warnings.iter().take(WARNINGS_MAX).cloned().collect(),
            schema_changes: schema_changes(&report.changes.added_columns, &report.changes.widened_columns),
            rejects_at: report.rejects.uri.clone(),
            rejects: rejects(report),
            columns: columns(report),
            has_report: true,
        }
    }

    /// The seconds for people.
    pub fn took(&self) -> String {
        self.seconds.map_or_else(|| "not known".to_owned(), duration)
    }
}

impl Counts {
    fn of(report: &RunReport) -> Self {
        let Rows { read, accepted, rejected, erased, truncated_values, carried_over, loaded } = report.rows;
        let split = Some(read) == accepted.checked_add(rejected).and_then(|sum| sum.checked_add(erased));
        let taken = match report.kind {
            ExportKind::Full => loaded == accepted,
            ExportKind::Incremental => loaded <= accepted,
        };
        let done = report.status == Status::Succeeded;
        Self {
            read,
            accepted,
            rejected,
            erased,
            staged: report.files.iter().map(|file| file.rows).sum(),
            loaded,
            there_already: if done { accepted.saturating_sub(loaded) } else { 0 },
            carried_over,
            truncated_values,
            add_up: done && split && taken,
        }
    }

    /// `read = accepted + rejected`, with the numbers.
    pub fn read_identity(&self) -> String {
        let erased =
            if self.erased > 0 { format!(" + {} erased", count(self.erased)) } else { String::new() };
        let (read, accepted, rejected) = (count(self.read), count(self.accepted), count(self.rejected));
        format!("{read} read = {accepted} accepted + {rejected} rejected{erased}")
    }

    /// `accepted = loaded`, or that they differ, with the numbers.
    pub fn loaded_identity(&self) -> String {
        let there = match self.there_already {
            0 => String::new(),
            there => format!(" + {} there already", count(there)),
        };
        let is_all = self.loaded.checked_add(self.there_already) == Some(self.accepted);
        let sign = if is_all { "=" } else { "≠" };
        format!("{} accepted {sign} {} loaded{there}", count(self.accepted), count(self.loaded))
    }
}

impl StagedFile {
    fn of(file: &crate::report::FileReport) -> Self {
        Self { uri: file.uri.clone(), rows: file.rows, bytes: file.bytes }
    }

    /// Rows and length for people.
    pub fn what(&self) -> String {
        format!("{}, {}", plural(self.rows, "row"), size(self.bytes))
    }
}

impl PathStep {
    fn of(name: &str, Span { began, ended }: Span, total: f64) -> Self {
        let permille = |seconds: f64| ((seconds / total * 1000.0).round() as u32).min(1000);
        let (seconds, from_permille) = ((ended - began).max(0.0), permille(began).min(999));
        let permille = permille(seconds).clamp(1, 1000 - from_permille);
        Self { name: name.to_owned(), from: began, seconds, from_permille, permille }
    }

    /// How long, for people, and after which time of the run.
    pub fn took(&self) -> String {
        format!("{}, from {} on", duration(self.seconds), duration(self.from))
    }
}

impl Column {
    /// A column as a report of `rows` rows has it.
    pub fn of(column: &ColumnReport, rows: u64) -> Self {
        let percent = |part: u64| if rows == 0 { 0.0 } else { part as f64 * 100.0 / rows as f64 };
        Self {
            name: column.name.clone(),
            nulls: column.nulls,
            nulls_percent: percent(column.nulls),
            empties: column.empties,
            empties_percent: percent(column.empties),
            bytes: column.bytes,
            truncated: column.truncated,
            privacy: column.privacy.to_string(),
        }
    }
}

/// How a run ended, in a word.
pub(super) fn state(status: Status, rejected: u64) -> State {
    match status {
        Status::Succeeded if rejected > 0 => State::new("loaded, some rejected", Tone::Look),
        Status::Succeeded => State::new("loaded", Tone::Good),
        Status::Failed => State::new("failed", Tone::Bad),
        Status::Skipped => State::new("skipped", Tone::Quiet),
    }
}

fn standing_word(status: Status, standing: Standing) -> &'static str {
    match standing {
        _ if status != Status::Succeeded => "never loaded",
        Standing::Current => "current",
        Standing::Kept => "kept",
        Standing::Gone => "gone",
    }
}

/// What is to be done after it.
fn command(report: &RunReport) -> Option<String> {
    let (table, kind) = (shell_word(&report.table), report.kind.word());
    match report.status {
        // What was rejected is rejected again.
        Status::Failed if report.rows.rejected == 0 => {
            Some(format!("csl-stream backfill --table {table} --kind {kind}"))
        }
        Status::Succeeded if report.rows.rejected > 0 => {
            Some(format!("csl-stream loads show {}", shell_word(&report.load_id)))
        }
        _ => None,
    }
}

/// The path as far as the report has times.
fn path(report: &RunReport) -> Vec<PathStep> {
    let total = report.seconds.total;
    if report.stages.is_empty() {
        return path_in_parts(report.seconds);
    }
    report.stages.iter().map(|(stage, span)| PathStep::of(stage.word(), *span, total)).collect()
}

/// The path by the times that every report has: those of stages that overlap, together.
fn path_in_parts(Seconds { total, convert, load }: Seconds) -> Vec<PathStep> {
    let (convert, load) = (convert.min(total), load.min(total));
    let find = (total - convert - load).max(0.0);
    let steps = [("find, wait", find), ("read, convert, stage", convert), ("copy, commit", load)];
    let mut began = 0.0;
    let step = |(name, seconds): (&str, f64)| {
        let span = Span { began, ended: began + seconds };
        began = span.ended;
        PathStep::of(name, span, total)
    };
    steps.into_iter().map(step).collect()
}

/// What became of columns, in words.
pub(super) fn schema_changes(added: &[String], widened: &[String]) -> Vec<String> {
    let added = added.iter().map(|name| format!("column {name:?} was added"));
    added.chain(widened.iter().map(|name| format!("column {name:?} became wider"))).collect()
}

fn rejects(report: &RunReport) -> Vec<Rejects> {
    let rejects = |count: &FaultCount| Rejects {
        column: count.column.clone(),
        rule: count.rule.clone(),
        faults: count.faults,
        first_record: count.first_record,
    };
    report.rejects.counts.iter().map(rejects).collect()
}

fn columns(report: &RunReport) -> Vec<Column> {
    let rows = report.rows.accepted;
    report.columns.iter().take(COLUMNS_MAX).map(|column| Column::of(column, rows)).collect()
}

/// A report without any value: for whoever looks at a page, which is not always who may see them.
#[cfg(any(feature = "serve", test))]
pub(super) fn without_values(mut report: RunReport) -> RunReport {
    for column in &mut report.columns {
        (column.min, column.max, column.sum) = (None, None, None);
    }
    for fault in &mut report.rejects.first {
        fault.value = None;
    }
    report
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{FaultReport, FileReport, RejectsReport, Stage};

    fn report() -> RunReport {
        let fault = |column: Option<&str>, rule: &str, record| FaultReport {
            record,
            line: record + 1,
            byte: 0,
            column: column.map(str::to_owned),
            rule: rule.to_owned(),
            value: Some("SECRET".to_owned()),
            value_bytes: 6,
            shown: None,
        };
        let first =
            vec![fault(Some("a"), "integer", 3), fault(None, "fields", 5), fault(Some("a"), "integer", 9)];
        let counted = |column: Option<&str>, rule: &str, faults, first_record| FaultCount {
            column: column.map(str::to_owned),
            rule: rule.to_owned(),
            faults,
            first_record,
        };
        let counts = vec![counted(Some("a"), "integer", 2, 3), counted(None, "fields", 1, 5)];
        RunReport {
            status: Status::Succeeded,
            rows: Rows { read: 12, accepted: 9, rejected: 3, loaded: 9, ..Rows::default() },
            files: vec![FileReport { uri: "f".to_owned(), rows: 9, bytes: 100 }],
            rejects: RejectsReport { uri: None, first, counts },
            seconds: Seconds { total: 10.0, convert: 6.0, load: 3.0 },
            ..RunReport::begin("L", "t", ExportKind::Full, &Default::default())
        }
    }

    #[test]
    fn counts_add_up_or_it_is_said() {
        let page = LoadPage::of_report(&report(), None);
        assert!(page.rows.add_up);
        assert_eq!(page.rows.read_identity(), "12 read = 9 accepted + 3 rejected");
        assert_eq!(page.rows.loaded_identity(), "9 accepted = 9 loaded");
        let mut short = report();
        short.rows.loaded = 8;
        short.status = Status::Failed;
        let page = LoadPage::of_report(&short, None);
        assert_eq!((page.rows.add_up, page.rows.loaded_identity()), (false, "9 accepted ≠ 8 loaded".into()));
        short.status = Status::Succeeded;
        assert!(!LoadPage::of_report(&short, None).rows.add_up);
        short.kind = ExportKind::Incremental;
        let page = LoadPage::of_report(&short, None);
        assert_eq!(
            (page.rows.add_up, page.rows.loaded_identity()),
            (true, "9 accepted = 8 loaded + 1 there already".into())
        );
    }

    #[test]
    fn the_path_fills_the_time_and_no_value_is_shown() {
        let page = LoadPage::of_report(&report(), None);
        let steps: Vec<_> = page.path.iter().map(|step| (step.from_permille, step.permille)).collect();
        assert_eq!(steps, [(0, 100), (100, 600), (700, 300)]);
        assert!(!page.stages_measured);
        let rejects: Vec<_> =
            page.rejects.iter().map(|one| (one.rule.as_str(), one.faults, one.first_record)).collect();
        assert_eq!(rejects, [("integer", 2, 3), ("fields", 1, 5)]);
        assert!(!serde_json::to_string(&page).unwrap().contains("SECRET"));
        assert!(!serde_json::to_string(&without_values(report())).unwrap().contains("SECRET"));
    }

    #[test]
    fn stages_overlap_as_they_were_measured() {
        let mut report = report();
        for (stage, began, ended) in [
            (Stage::Find, 0.0, 1.0),
            (Stage::Read, 1.0, 6.0),
            (Stage::Stage, 3.0, 7.0),
            (Stage::Copy, 7.0, 9.999),
        ] {
            report.stages.insert(stage, Span { began, ended });
        }
        let page = LoadPage::of_report(&report, None);
        let steps: Vec<_> =
            page.path.iter().map(|step| (step.name.as_str(), step.from_permille, step.permille)).collect();
        assert_eq!(steps, [("find", 0, 100), ("read", 100, 500), ("stage", 300, 400), ("copy", 700, 300)]);
        assert!(page.stages_measured);
        assert_eq!(page.path[2].took(), "4.0 s, from 3.0 s on");
    }
}
