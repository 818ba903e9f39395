//! What somebody is told who should look: four lines, made of names, rules and counts alone.
//!
//! ```text
//! what happened · what the table is now · what to do · where to look
//! ```

use super::event::{Event, UNKNOWN_TABLE};
use super::mark::{Mark, Subject};
use crate::error::cut;
use crate::ledger::timestamp;
use crate::report::End;
use crate::report::words::{count, plural};
use crate::store::ExportKind;
use serde::Serialize;
use std::time::{Duration, UNIX_EPOCH};

/// Characters of a line at most.
const LINE_CHARS_MAX: usize = 600;
/// Columns that a line names at most.
const NAMED_MAX: usize = 10;

/// One message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alert {
    /// `failure`, `dead_letter`, `schema_change`, `drift` or `test`.
    pub event: &'static str,
    /// `open`: somebody should look; `over`: that is done; `told`: it has no end.
    pub state: State,
    /// The table.
    pub table: String,
    /// The class of the error, or `drift`; the same cause has the same.
    pub cause: String,
    /// The load that it was seen at.
    pub load_id: String,
    /// What happened, what the table is now, what to do, where to look.
    pub text: [String; 4],
}

/// Whether somebody should still look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Yes.
    Open,
    /// No more.
    Over,
    /// It happened, and has no end.
    Told,
}

impl Alert {
    fn of(event: &Event, subject: Subject, state: State, cause: &str, text: [String; 4]) -> Self {
        Self {
            event: subject.word(),
            state,
            table: event.table.clone(),
            cause: cause.to_owned(),
            load_id: event.load_id.clone(),
            text: text.map(|line| cut(&line, LINE_CHARS_MAX)),
        }
    }

    /// A load failed, or a message was given up.
    pub(super) fn failed(event: &Event, class: &'static str, end: End, subject: Subject) -> Self {
        let (name, kind) = (&event.table, kind(event));
        let became = match end {
            End::Done => format!("the {kind} export was not loaded"),
            End::Again => format!("the {kind} export was not loaded, and is tried again"),
            End::Dead | End::Buried => {
                format!("the {kind} export was given up, and its message is a dead letter now")
            }
        };
        let text = [
            format!("{name}: {became}: {}", reason(event, class)),
            match name.as_str() {
                UNKNOWN_TABLE => "No table was touched.".to_owned(),
                _ => format!("{name} holds what it held before; nothing of this export is in it."),
            },
            advice(event, class, end),
            places(event, end),
        ];
        Self::of(event, subject, State::Open, class, text)
    }

    /// A cause is over: `key` is the mark's.
    pub(super) fn over(event: &Event, key: &str, mark: &Mark) -> Self {
        let class = key.strip_prefix("dead-").unwrap_or(key);
        let subject = match (class, mark.dead) {
            ("drift", _) => Subject::Drift,
            (_, true) => Subject::DeadLetter,
            _ => Subject::Failure,
        };
        let since = timestamp(UNIX_EPOCH + Duration::from_secs(mark.since));
        let what = match subject {
            Subject::Drift => "the export looks as it used to".to_owned(),
            _ => format!("it is loaded again ({})", plain(class)),
        };
        let text = [
            format!("{}: over: {what}; it was told since {since}.", event.table),
            standing(event),
            match mark.dead {
                true => "Nothing is left to do; dead letters of before can be removed.".to_owned(),
                false => "Nothing is left to do.".to_owned(),
            },
            places(event, End::Done),
        ];
        Self::of(event, subject, State::Over, class, text)
    }

    /// A table was changed to fit the schema.
    pub(super) fn schema_changed(event: &Event) -> Self {
        let part = |what: &str, columns: &[String]| {
            (!columns.is_empty()).then(|| format!("{what} {}", named(columns)))
        };
        let parts = [part("added", &event.added_columns), part("widened", &event.widened_columns)];
        let text = [
            format!(
                "{}: the table was changed to fit the schema: {}.",
                event.table,
                parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
            ),
            format!("{} Added columns are NULL in the rows of before.", standing(event)),
            "Nothing must be done; tell those who read the table.".to_owned(),
            places(event, End::Done),
        ];
        Self::of(event, Subject::SchemaChange, State::Told, "schema_change", text)
    }

    /// An export looks otherwise than the last full one, in these ways.
    pub(super) fn drifted(event: &Event, new: &[String]) -> Self {
        let text = [
            format!(
                "{}: loaded, but the export looks otherwise than the last one: {}.",
                event.table,
                named(new)
            ),
            standing(event),
            "See whether the source means it; if not, load the export of the day before with --again."
                .to_owned(),
            places(event, End::Done),
        ];
        Self::of(event, Subject::Drift, State::Open, Subject::Drift.word(), text)
    }

    /// What `check --alerts` sends.
    pub(super) fn test() -> Self {
        Self {
            event: "test",
            state: State::Told,
            table: String::new(),
            cause: "test".to_owned(),
            load_id: String::new(),
            text: [
                "csl-stream: this is a test of its alerts.".to_owned(),
                "No table was touched.".to_owned(),
                "Nothing must be done: whoever reads this will hear of loads that need somebody.".to_owned(),
                "It was sent by csl-stream check --alerts.".to_owned(),
            ],
        }
    }
}

fn kind(event: &Event) -> &'static str {
    event.kind.word()
}

/// Why, by the class; of rejects the rule and the place.
fn reason(event: &Event, class: &str) -> String {
    let Some(first) = event.first_reject.as_ref().filter(|_| class == "rejects") else {
        return format!("{}.", plain(class));
    };
    let column = first.column.as_ref().map(|column| format!(" in column {column}")).unwrap_or_default();
    format!(
        "{} rejected; the first breaks the rule {}{column} (record {}, line {}).",
        plural(event.rows.rejected, "record"),
        first.rule,
        first.record,
        first.line
    )
}

/// A class in words.
fn plain(class: &str) -> &'static str {
    match class {
        "usage" => "the configuration or the command is wrong",
        "access" => "something that it needs is not there, or may not be used",
        "schema" => "the export, the schema and the table do not fit each other",
        "rejects" => "the table would shrink, or too many records are rejected",
        "counts" => "counts that must agree do not",
        "transient" => "a service did not answer",
        "input" => "the export is damaged, cut off, or changed while it was read",
        "machine" => "the machine refused, or ended the load",
        _ => "the cause is not known",
    }
}

fn advice(event: &Event, class: &str, end: End) -> String {
    let table = &event.table;
    let first = match class {
        "usage" => "Correct the configuration: csl-stream check says what is wrong with it".to_owned(),
        "access" => format!(
            "Grant what is missing: csl-stream check --table {table} says what; an export can be read for six hours, \
             then request a test ingest in ControlShift"
        ),
        "schema" => format!(
            "Compare them: csl-stream schema diff --table {table}; then change the table, or allow the difference"
        ),
        "rejects" => {
            "Read the rejected records and look at the export; have the source mended, or allow it once"
                .to_owned()
        }
        "counts" => "Run it again; if it happens again, report it with the load's report".to_owned(),
        "transient" => "Run it again when csl-stream check finds everything".to_owned(),
        "input" => "Get the export anew: request a test ingest in ControlShift's webhook settings".to_owned(),
        "machine" => "See to the machine (disk, memory, time), then run it again".to_owned(),
        _ => "Look at the load's report".to_owned(),
    };
    match end {
        End::Done => format!("{first}."),
        End::Again => format!("{first}. It is tried again by itself."),
        End::Dead | End::Buried => format!("{first}. Then csl-stream dead-letters redrive."),
    }
}

fn places(event: &Event, end: End) -> String {
    let mut places = vec![match end {
        End::Buried => "csl-stream dead-letters list".to_owned(),
        End::Dead => format!("csl-stream loads show {}, csl-stream dead-letters list", event.load_id),
        End::Done | End::Again => format!("csl-stream loads show {}", event.load_id),
    }];
    if !event.export.is_empty() {
        places.push(format!("export {}", event.export));
    }
    places.extend(event.rejects.as_ref().map(|rejects| format!("rejected records {rejects}")));
    format!("{}.", places.join("; "))
}

/// What the table holds after a load that ended well.
fn standing(event: &Event) -> String {
    let (name, loaded) = (&event.table, count(event.rows.loaded));
    match event.kind {
        _ if event.rows.read == 0 => format!("{name} holds this export already."),
        ExportKind::Full => format!("{name} holds the {loaded} rows of this export."),
        ExportKind::Incremental => {
            format!("{name} holds the {loaded} rows of this export beside the others.")
        }
    }
}

fn named(names: &[String]) -> String {
    let mut shown = names.iter().take(NAMED_MAX).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > NAMED_MAX {
        shown += &format!(" and {} more", names.len() - NAMED_MAX);
    }
    shown
}
