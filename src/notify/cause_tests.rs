//! Nights in a row: what each says, and what is known afterwards.

use super::*;
use crate::notify::event::RejectAt;
use crate::report::Rows;
use crate::store::ExportKind::{Full, Incremental};

const ALL: &[Subject] = &[Subject::Failure, Subject::DeadLetter, Subject::SchemaChange, Subject::Drift];

fn event(kind: ExportKind, at: &str, ended: Ended) -> Event {
    Event {
        table: "signatures".to_owned(),
        kind,
        load_id: "0199".to_owned(),
        ended,
        export: format!("s3://b/{at}.csv"),
        exported_at: Some(at.to_owned()),
        rows: Rows { read: 5, loaded: 5, ..Rows::default() },
        first_reject: None,
        rejects: None,
        added_columns: Vec::new(),
        widened_columns: Vec::new(),
        drift: Vec::new(),
    }
}

fn failed(class: &'static str, end: End) -> Ended {
    Ended::Failed { class, end }
}

/// Does what the steps say, everything being heard, and gives the messages: state, event and cause.
fn night(marks: &mut Marks, event: &Event, wanted: &[Subject], now: u64) -> Vec<String> {
    let mut said = Vec::new();
    let mut say = |alert: &Alert| {
        assert!(alert.text.iter().all(|line| !line.is_empty() && !line.contains('\n')), "{alert:#?}");
        let state = serde_json::to_value(alert.state).unwrap();
        said.push(format!("{} {} {}", state.as_str().unwrap(), alert.event, alert.cause));
    };
    for step in steps(event, marks, wanted, now) {
        match step {
            Step::Keep(key, mark) => drop(marks.insert(key, mark)),
            Step::Tell(alert, mark) => {
                say(&alert);
                marks.extend(mark);
            }
            Step::Over(key, alert) => {
                if let Some(alert) = alert {
                    say(&alert);
                }
                marks.remove(&key);
            }
        }
    }
    said
}

#[test]
fn each_cause_is_told_once_and_once_when_it_is_over() {
    use Ended::{Skipped, Succeeded};
    let done = |class| failed(class, End::Done);
    let again = |class| failed(class, End::Again);
    let dead = |class| failed(class, End::Dead);
    let buried = |class| failed(class, End::Buried);
    // Kind, time of the export, minutes on the clock, end, what is said.
    type Night = (ExportKind, &'static str, u64, Ended, &'static [&'static str]);
    let stories: &[(&str, &[Night])] = &[
        (
            "a failing night every minute",
            &[
                (Full, "1", 0, done("schema"), &["open failure schema"]),
                (Full, "1", 1, done("schema"), &[]),
                (Full, "2", 1440, done("schema"), &[]),
                (Full, "2", 1441, done("access"), &["open failure access"]),
                (Full, "2", 1442, Succeeded, &["over failure access", "over failure schema"]),
                (Full, "3", 2880, Succeeded, &[]),
                (Full, "4", 4320, done("schema"), &["open failure schema"]),
            ],
        ),
        (
            "what may pass by itself is told when it has lasted",
            &[
                (Full, "1", 0, again("transient"), &[]),
                (Full, "1", 14, again("transient"), &[]),
                (Full, "1", 15, again("transient"), &["open failure transient"]),
                (Full, "1", 30, again("transient"), &[]),
                (Full, "1", 400, dead("transient"), &["open dead_letter transient"]),
                (Full, "2", 1440, dead("transient"), &[]),
                (Full, "2", 1441, again("transient"), &[]),
                (Full, "3", 2880, Succeeded, &["over dead_letter transient", "over failure transient"]),
            ],
        ),
        (
            "what passes is not told at all",
            &[
                (Full, "1", 0, again("machine"), &[]),
                (Full, "1", 5, Succeeded, &[]),
                (Full, "2", 1440, again("machine"), &[]),
                (Full, "2", 1450, again("machine"), &[]),
            ],
        ),
        (
            "a message that waits for somebody is told at once",
            &[
                (Full, "1", 0, again("schema"), &["open failure schema"]),
                (Full, "1", 1, again("schema"), &[]),
                (Full, "1", 2, Succeeded, &["over failure schema"]),
            ],
        ),
        (
            "an incremental's dead letter ends with a full load",
            &[
                (Incremental, "1", 0, dead("input"), &["open dead_letter input"]),
                (Incremental, "2", 1, dead("input"), &[]),
                (Incremental, "3", 2, Succeeded, &[]),
                (Full, "4", 3, Succeeded, &["over dead_letter input"]),
            ],
        ),
        (
            "an incremental's failure ends with the next one",
            &[
                (Incremental, "1", 0, done("input"), &["open failure input"]),
                (Incremental, "2", 1, Succeeded, &["over failure input"]),
            ],
        ),
        (
            "a full export's failure does not end with an incremental, nor with an older export",
            &[
                (Full, "5", 0, done("counts"), &["open failure counts"]),
                (Incremental, "6", 1, Succeeded, &[]),
                (Full, "4", 2, Succeeded, &[]),
                (Full, "4", 2, Skipped, &[]),
                (Full, "5", 3, Skipped, &["over failure counts"]),
            ],
        ),
        (
            "the last failing export is the one that must be loaded",
            &[
                (Full, "1", 0, done("schema"), &["open failure schema"]),
                (Full, "2", 1, done("schema"), &[]),
                (Full, "1", 2, Succeeded, &[]),
                (Full, "2", 3, Succeeded, &["over failure schema"]),
            ],
        ),
        (
            "a message whose loads killed their worker",
            &[
                (Full, "1", 0, buried("machine"), &["open dead_letter machine"]),
                (Full, "1", 1, buried("machine"), &[]),
            ],
        ),
        (
            "who stopped it knows",
            &[(Full, "1", 0, done("interrupted"), &[]), (Full, "1", 0, again("interrupted"), &[])],
        ),
    ];
    for (story, nights) in stories {
        let mut marks = Marks::new();
        for (at, (kind, exported, minute, ended, expected)) in nights.iter().enumerate() {
            let said = night(&mut marks, &event(*kind, exported, *ended), ALL, minute * 60);
            assert_eq!(said, *expected, "{story}, {at}");
        }
    }
}

#[test]
fn a_table_is_told_of_its_changes_and_each_column_of_its_drift() {
    let mut marks = Marks::new();
    let full = |drift: &[&str], added: &[&str]| Event {
        drift: drift.iter().map(|text| (*text).to_owned()).collect(),
        added_columns: added.iter().map(|text| (*text).to_owned()).collect(),
        ..event(Full, "1", Ended::Succeeded)
    };
    for (at, (event, expected)) in [
        (full(&[], &["a"]), &["told schema_change schema_change"][..]),
        (full(&["x: all NULL"], &[]), &["open drift drift"]),
        (full(&["x: all NULL"], &[]), &[]),
        (full(&["x: all NULL", "y: all empty"], &[]), &["open drift drift"]),
        (full(&["y: all empty"], &[]), &[]),
        (Event { kind: Incremental, ..full(&[], &[]) }, &[]),
        (full(&[], &[]), &["over drift drift"]),
        (full(&[], &[]), &[]),
        (full(&["x: all NULL"], &[]), &["open drift drift"]),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(night(&mut marks, &event, ALL, 0), expected, "{at}");
    }
}

#[test]
fn only_what_was_asked_for_is_told() {
    let dead = event(Full, "1", failed("input", End::Dead));
    let buried = event(Full, "1", failed("machine", End::Buried));
    let plain = event(Full, "1", failed("input", End::Done));
    let changed = Event { added_columns: vec!["a".to_owned()], ..event(Full, "1", Ended::Succeeded) };
    let drifted = Event { drift: vec!["a: all NULL".to_owned()], ..event(Full, "1", Ended::Succeeded) };
    let cases: &[(Subject, [usize; 5])] = &[
        (Subject::Failure, [1, 0, 1, 0, 0]),
        (Subject::DeadLetter, [1, 1, 0, 0, 0]),
        (Subject::SchemaChange, [0, 0, 0, 1, 0]),
        (Subject::Drift, [0, 0, 0, 0, 1]),
    ];
    for (subject, expected) in cases {
        let said = [&dead, &buried, &plain, &changed, &drifted]
            .map(|event| night(&mut Marks::new(), event, &[*subject], 0).len());
        assert_eq!(said, *expected, "{subject:?}");
        assert_eq!(night(&mut Marks::new(), &dead, &[], 0), [""; 0]);
    }
}

#[test]
fn messages_that_nobody_can_read_are_told_once_a_day() {
    let unknown = Event { table: UNKNOWN_TABLE.to_owned(), ..event(Full, "1", failed("input", End::Buried)) };
    let mut marks = Marks::new();
    let said = [0, 1, 23, 24, 25, 48].map(|hour| night(&mut marks, &unknown, ALL, hour * 3600).len());
    assert_eq!(said, [1, 0, 0, 1, 0, 1]);
}

#[test]
fn rejects_are_told_by_place_and_rule() {
    let at = RejectAt {
        record: 17,
        line: 18,
        column: Some("created_at".to_owned()),
        rule: "timestamp".to_owned(),
    };
    let rejected = Event {
        first_reject: Some(at),
        rows: Rows { read: 20, rejected: 3, ..Rows::default() },
        ..event(Full, "1", failed("rejects", End::Done))
    };
    let Step::Tell(alert, _) = &steps(&rejected, &Marks::new(), ALL, 0)[0] else { panic!("told") };
    assert_eq!(
        alert.text[0],
        "signatures: the full export was not loaded: 3 records rejected; the first breaks the rule timestamp in \
         column created_at (record 17, line 18)."
    );
    assert!(
        alert.text[3].contains("loads show 0199") && alert.text[3].contains("s3://b/1.csv"),
        "{alert:#?}"
    );
}
