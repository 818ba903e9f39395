//! The stages of a run: when each of them began and ended. They overlap, for the path streams.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// A stage of the path. They begin in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// The export is looked for and opened, the warehouse is asked whether it wants it, and whoever is first is waited for.
    Find,
    /// Its bytes are read, decompressed, and cut into row groups.
    Read,
    /// Records are checked and encoded.
    Convert,
    /// Parquet files are written, and their counts read back.
    Stage,
    /// Into Redshift: from staged to the end of its COPY. Into a local warehouse: the files are checked, and brought together
    /// with those that the table keeps.
    Copy,
    /// The table shows its readers what is new: of Redshift all that its transaction does after the COPY, and its COMMIT.
    Commit,
}

impl Stage {
    /// Its name, as the report has it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Find => "find",
            Self::Read => "read",
            Self::Convert => "convert",
            Self::Stage => "stage",
            Self::Copy => "copy",
            Self::Commit => "commit",
        }
    }
}

/// From when to when, in seconds since the run began.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Span {
    /// When it began.
    pub began: f64,
    /// When it ended, well or not.
    pub ended: f64,
}

/// The stages that a run came to.
pub type Stages = BTreeMap<Stage, Span>;

/// When a load was committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Commit {
    /// When the copying had ended.
    pub began: Instant,
    /// When it was known to be done.
    pub ended: Instant,
}

/// Writes down when stages began and ended, for all workers of a run.
#[derive(Debug)]
pub struct Clock {
    began: Instant,
    stages: Mutex<Stages>,
}

impl Default for Clock {
    /// A run that begins now.
    fn default() -> Self {
        Self::since(Instant::now())
    }
}

impl Clock {
    /// A run that began then.
    pub fn since(began: Instant) -> Self {
        Self { began, stages: Mutex::default() }
    }

    /// Seconds since the run began.
    pub fn seconds(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }

    /// A stage was at work in this time; all such times together are its span.
    pub fn note(&self, stage: Stage, began: Instant, ended: Instant) {
        let since = |at: Instant| at.saturating_duration_since(self.began).as_secs_f64();
        let (began, ended) = (since(began), since(ended));
        let mut stages = self.stages.lock().unwrap_or_else(PoisonError::into_inner);
        let span = stages.entry(stage).or_insert(Span { began, ended });
        (span.began, span.ended) = (span.began.min(began), span.ended.max(ended));
    }

    /// Does a stage's work.
    pub fn during<T>(&self, stage: Stage, work: impl FnOnce() -> T) -> T {
        let began = Instant::now();
        let done = work();
        self.note(stage, began, Instant::now());
        done
    }

    /// The export is found, and nothing in the way of reading it.
    pub fn found(&self) {
        self.note(Stage::Find, self.began, Instant::now());
    }

    /// Staged files were put into their table from then until now. Where nobody saw the commit, all of it was copying.
    pub fn loaded(&self, began: Instant, commit: Option<Commit>) {
        self.note(Stage::Copy, began, commit.map_or_else(Instant::now, |commit| commit.began));
        if let Some(Commit { began, ended }) = commit {
            self.note(Stage::Commit, began, ended);
        }
    }

    /// The stages so far. A run that came no further was in its first.
    pub fn stages(&self) -> Stages {
        if self.stages.lock().unwrap_or_else(PoisonError::into_inner).is_empty() {
            self.found();
        }
        self.stages.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_span_is_from_the_first_work_to_the_last() {
        let began = Instant::now();
        let at = |seconds| began + Duration::from_secs(seconds);
        let clock = Clock::since(began);
        for (stage, from, to) in
            [(Stage::Read, 3, 4), (Stage::Convert, 2, 3), (Stage::Read, 1, 2), (Stage::Find, 0, 1)]
        {
            clock.note(stage, at(from), at(to));
        }
        let json = serde_json::to_string(&clock.stages()).unwrap();
        assert_eq!(
            json,
            r#"{"find":{"began":0.0,"ended":1.0},"read":{"began":1.0,"ended":4.0},"convert":{"began":2.0,"ended":3.0}}"#
        );
        assert_eq!(serde_json::from_str::<Stages>(&json).unwrap(), clock.stages());
    }

    #[test]
    fn every_run_was_at_least_looking() {
        let clock = Clock::default();
        let stages = clock.stages();
        assert_eq!(stages.keys().map(|stage| stage.word()).collect::<Vec<_>>(), ["find"]);
        assert!(stages[&Stage::Find].ended <= clock.seconds());
    }
}
