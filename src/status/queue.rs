//! What waits, and what was given up.

use super::overview::cut;
use super::sources::{Facts, Silence};
use super::step::{age, shell_word};
use crate::ops::dead_letters::DeadLetter;
use crate::ops::state::LaneState;
use schemars::JsonSchema;
use serde::Serialize;

/// Dead letters of one page.
pub(super) const LETTERS_PER_PAGE: usize = 100;
/// Tables of which the page says what waits.
const LANES_SHOWN_MAX: usize = 200;

/// The queue.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct QueuePage {
    /// When this was looked at, RFC 3339 in UTC.
    pub(super) looked_at: String,
    /// Sources that do not answer.
    pub(super) silent: Vec<Silence>,
    /// Where the queue is; none if there is none.
    pub(super) queue: Option<String>,
    /// Messages that wait.
    pub(super) waiting: u64,
    /// Messages that somebody has taken.
    pub(super) taken: u64,
    /// How long the oldest has waited, in seconds, if that is known.
    pub(super) oldest_seconds: Option<u64>,
    /// By table; none where the queue does not say it.
    pub(super) lanes: Option<Vec<Lane>>,
    /// Dead letters in all, if they can be counted.
    pub(super) dead: Option<u64>,
    /// Which of them the page begins with, from 0, newest first.
    pub(super) from: u64,
    /// Some of them, newest first.
    pub(super) letters: Vec<Letter>,
}

/// What of one table waits.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct Lane {
    /// The table; none of messages that are no load messages.
    pub(super) table: Option<String>,
    /// Messages that wait.
    pub(super) waiting: u64,
    /// Messages that somebody has taken.
    pub(super) taken: u64,
    /// How long the oldest has been there, in seconds.
    pub(super) oldest_seconds: Option<u64>,
}

/// A message that was given up.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct Letter {
    /// Its id.
    pub(super) id: String,
    /// Its table.
    pub(super) table: Option<String>,
    /// `full` or `incremental`.
    pub(super) kind: Option<String>,
    /// The export.
    pub(super) export: Option<String>,
    /// Why it was given up.
    pub(super) reason: String,
    /// The exit code that goes with it.
    pub(super) exit_code: Option<u8>,
    /// Tries before.
    pub(super) tries: Option<u32>,
    /// When it was given up, RFC 3339 in UTC.
    pub(super) died_at: Option<String>,
    /// What puts it back.
    pub(super) command: String,
}

impl QueuePage {
    /// The page of what the queue said, from this dead letter on.
    pub(super) fn of(facts: &Facts, from: usize) -> Self {
        let queued = facts.queue.value.as_deref().and_then(Option::as_ref);
        let state = queued.map(|queued| queued.state).unwrap_or_default();
        let letters = queued.and_then(|queued| queued.dead.as_ref().ok()).map_or(&[][..], Vec::as_slice);
        let mut silent = facts.silent_of(&facts.queue);
        if let Some(Err(why)) = queued.map(|queued| &queued.dead) {
            silent.push(Silence { source: "dead letters".to_owned(), why: why.clone(), is_old: false });
        }
        let lane = |lane: &LaneState| Lane {
            table: lane.table.clone(),
            waiting: lane.waiting,
            taken: lane.taken,
            oldest_seconds: lane.oldest.map(|oldest| oldest.as_secs()),
        };
        let lanes = queued.and_then(|queued| queued.lanes.as_ref());
        Self {
            looked_at: facts.looked_at(),
            silent,
            queue: queued.map(|queued| queued.queue.clone()),
            waiting: state.waiting,
            taken: state.taken,
            oldest_seconds: state.oldest.map(|oldest| oldest.as_secs()),
            lanes: lanes.map(|lanes| lanes.iter().take(LANES_SHOWN_MAX).map(lane).collect()),
            dead: queued.and_then(|queued| {
                queued.state.dead.or(queued.dead.as_ref().ok().map(|dead| dead.len() as u64))
            }),
            from: from as u64,
            letters: letters.iter().rev().skip(from).take(LETTERS_PER_PAGE).map(Letter::of).collect(),
        }
    }

    /// The next page, if there are more.
    pub(super) fn next(&self) -> Option<u64> {
        let next = self.from + self.letters.len() as u64;
        (self.letters.len() == LETTERS_PER_PAGE && self.dead.is_some_and(|dead| next < dead)).then_some(next)
    }

    /// The page before.
    pub(super) fn before(&self) -> Option<u64> {
        (self.from > 0).then(|| self.from.saturating_sub(LETTERS_PER_PAGE as u64))
    }

    /// How long the oldest has waited, for people.
    pub(super) fn oldest(&self) -> String {
        self.oldest_seconds.map_or_else(|| "—".to_owned(), age)
    }
}

impl Lane {
    /// How long the oldest has been there, for people.
    pub(super) fn oldest(&self) -> String {
        self.oldest_seconds.map_or_else(|| "—".to_owned(), age)
    }
}

impl Letter {
    fn of(letter: &DeadLetter) -> Self {
        Self {
            id: letter.id.clone(),
            table: letter.table.clone(),
            kind: letter.kind.clone(),
            export: letter.export.clone(),
            reason: cut(&letter.reason),
            exit_code: letter.exit_code,
            tries: letter.tries,
            died_at: letter.died_at.clone(),
            command: format!("csl-stream dead-letters redrive {}", shell_word(&letter.id)),
        }
    }
}
