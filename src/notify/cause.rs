//! Whether a load's end is to be told: once for a cause, and once when it is over.
//!
//! | what happened | told | over |
//! |---|---|---|
//! | failed, nobody tries again | at once | a load of the same kind, or a full one, of an export that is not older |
//! | failed, and is tried again | at once; what may pass by itself, after [`PATIENCE`] | the same |
//! | a dead letter | at once | a full load: what it would have brought is in no later incremental |
//! | drift | each column once | a full load without any |
//! | a table was changed | each time: it happens once | at once |
//!
//! A cause is a table and a class of error, never its text. Pure: the clock is an argument.

use super::alert::Alert;
use super::event::{Ended, Event, UNKNOWN_TABLE};
use super::mark::{Mark, Marks, Subject};
use crate::report::End;
use crate::store::ExportKind;
use std::time::Duration;

/// How long something may fail that may pass by itself, and is tried again, until somebody is told.
pub const PATIENCE: Duration = Duration::from_secs(15 * 60);
/// Messages that nobody can read belong to no table whose load could end the cause: they are told again after
/// this.
pub const UNKNOWN_AGAIN: Duration = Duration::from_secs(24 * 3600);
/// Classes of what may pass by itself.
const PASSING: &[&str] = &["transient", "machine", "access"];
/// The cause that is no class of error.
const DRIFT: &str = Subject::Drift.word();

/// What is to be done, in this order.
#[derive(Debug)]
pub(super) enum Step {
    /// Told; if that works, kept.
    Tell(Box<Alert>, Option<(String, Mark)>),
    /// Kept without a word.
    Keep(String, Mark),
    /// Over: told, if the cause was, and forgotten.
    Over(String, Option<Box<Alert>>),
}

/// What is to be done about a load's end by somebody who wants to hear of these.
pub(super) fn steps(event: &Event, marks: &Marks, wanted: &[Subject], now: u64) -> Vec<Step> {
    match event.ended {
        Ended::Failed { class: "interrupted", .. } => Vec::new(),
        Ended::Failed { class, end } => failed(event, class, end, marks, wanted, now).into_iter().collect(),
        Ended::Succeeded | Ended::Skipped => {
            let over = marks.iter().filter(|(key, mark)| *key != DRIFT && is_over(mark, event));
            let mut steps: Vec<Step> = over.map(|(key, mark)| over_step(event, key, mark)).collect();
            if event.ended == Ended::Succeeded {
                steps.extend(changed(event, wanted));
                steps.extend(drifted(event, marks, wanted, now));
            }
            steps
        }
    }
}

fn failed(
    event: &Event,
    class: &'static str,
    end: End,
    marks: &Marks,
    wanted: &[Subject],
    now: u64,
) -> Option<Step> {
    let subjects: &[Subject] = match end {
        End::Done | End::Again => &[Subject::Failure],
        // One event, whichever of the two is asked for.
        End::Dead => &[Subject::DeadLetter, Subject::Failure],
        End::Buried => &[Subject::DeadLetter],
    };
    let subject = subjects.iter().find(|subject| wanted.contains(subject))?;
    let dead = matches!(end, End::Dead | End::Buried);
    let dead_key = format!("dead-{class}");
    let key = if dead { dead_key.clone() } else { class.to_owned() };
    let mark = Mark { told: true, dead, ..mark_of(event, now) };
    // Who knows of a dead letter knows that such loads fail.
    let told = |key: &str| marks.get(key).filter(|mark| mark.told && !is_stale(event, mark, now));
    match (told(&key), told(&dead_key)) {
        (Some(known), _) if known.export == mark.export => None,
        (Some(known), _) => Some(Step::Keep(key, Mark { since: known.since, ..mark })),
        (None, Some(_)) => None,
        (None, None) => {
            let earlier = marks.get(&key).filter(|mark| !is_stale(event, mark, now));
            let since = earlier.map_or(now, |mark| mark.since);
            let mark = Mark { since, ..mark };
            if end == End::Again && PASSING.contains(&class) && now.saturating_sub(since) < PATIENCE.as_secs()
            {
                let is_new = !marks.contains_key(&key);
                return is_new.then_some(Step::Keep(key, Mark { told: false, ..mark }));
            }
            Some(Step::Tell(Box::new(Alert::failed(event, class, end, *subject)), Some((key, mark))))
        }
    }
}

fn is_stale(event: &Event, mark: &Mark, now: u64) -> bool {
    event.table == UNKNOWN_TABLE && now.saturating_sub(mark.since) >= UNKNOWN_AGAIN.as_secs()
}

fn mark_of(event: &Event, now: u64) -> Mark {
    Mark {
        since: now,
        told: true,
        kind: event.kind,
        dead: false,
        export: event.export.clone(),
        exported_at: event.exported_at.clone(),
        items: Vec::new(),
    }
}

/// Whether a load that did not fail ends a failure.
fn is_over(mark: &Mark, event: &Event) -> bool {
    let covers = event.kind == ExportKind::Full || (mark.kind == ExportKind::Incremental && !mark.dead);
    if event.ended == Ended::Skipped {
        // Of another export it says nothing; of this very one, that it is in the table after all.
        return covers && !mark.export.is_empty() && mark.export == event.export;
    }
    let is_older =
        mark.exported_at.is_some() && event.exported_at.is_some() && event.exported_at < mark.exported_at;
    covers && !is_older
}

fn over_step(event: &Event, key: &str, mark: &Mark) -> Step {
    let alert = mark.told.then(|| Box::new(Alert::over(event, key, mark)));
    Step::Over(key.to_owned(), alert)
}

fn changed(event: &Event, wanted: &[Subject]) -> Option<Step> {
    let any = !event.added_columns.is_empty() || !event.widened_columns.is_empty();
    let told = any && wanted.contains(&Subject::SchemaChange);
    told.then(|| Step::Tell(Box::new(Alert::schema_changed(event)), None))
}

/// A full export alone says what a whole table looks like.
fn drifted(event: &Event, marks: &Marks, wanted: &[Subject], now: u64) -> Option<Step> {
    if event.kind != ExportKind::Full {
        return None;
    }
    let known = marks.get(DRIFT);
    if event.drift.is_empty() {
        return known.map(|mark| over_step(event, DRIFT, mark));
    }
    let is_new = |item: &&String| known.is_none_or(|mark| !mark.items.contains(item));
    let new: Vec<String> = event.drift.iter().filter(is_new).cloned().collect();
    let since = known.map_or(now, |mark| mark.since);
    let mark = Mark { since, items: event.drift.clone(), ..mark_of(event, now) };
    if new.is_empty() || !wanted.contains(&Subject::Drift) {
        return known.filter(|known| known.items != mark.items).map(|_| Step::Keep(DRIFT.to_owned(), mark));
    }
    Some(Step::Tell(Box::new(Alert::drifted(event, &new)), Some((DRIFT.to_owned(), mark))))
}

#[cfg(test)]
#[path = "cause_tests.rs"]
mod tests;
