//! The first page: what needs a person, and each table in a line.

use super::chart::{NIGHTS, Night};
use super::load;
use super::sources::{Facts, Silence, Told};
use super::step::{State, Tone, age, seconds_since, shell_word, time};
use crate::ops::dead_letters::DeadLetter;
use crate::ops::state::{Brief, Held, Progress};
use crate::report::Status;
use crate::report::words::{count, duration, plural, size};
use crate::store::time_of;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

/// Data older than this is told of: two nights in which nothing came.
const OLD: Duration = Duration::from_secs(48 * 3600);
/// What needs a person, at most; the rest is counted.
const NEEDS_MAX: usize = 60;
/// Tables that the page has, at most.
pub(super) const TABLES_MAX: usize = 500;
/// Characters of a reason that a line repeats.
const REASON_CHARS_MAX: usize = 300;
/// Seconds of a day.
const DAY: u64 = 86_400;

/// The first page.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct Overview {
    /// Where the tables are.
    pub(super) warehouse: String,
    /// When this was looked at, RFC 3339 in UTC.
    pub(super) looked_at: String,
    /// Sources that do not answer.
    pub(super) silent: Vec<Silence>,
    /// What needs a person, the worst first.
    pub(super) needs: Vec<Need>,
    /// How many more there are.
    pub(super) needs_more: u64,
    /// Loads under way.
    pub(super) running: Vec<Running>,
    /// Every table, by name.
    pub(super) tables: Vec<TableLine>,
    /// Messages that wait in the queue; none if nobody can say.
    pub(super) waiting: Option<u64>,
    /// Dead letters, likewise.
    pub(super) dead: Option<u64>,
}

/// Something that a person must decide.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct Need {
    /// How bad it is.
    pub(super) tone: Tone,
    /// The table, if it is about one.
    pub(super) table: Option<String>,
    /// What is wrong.
    pub(super) what: String,
    /// What is known of it.
    pub(super) why: String,
    /// The next step.
    pub(super) command: Option<String>,
    /// The load that it is about.
    pub(super) load_id: Option<String>,
    /// Whether it is about dead letters, which the page of the queue shows.
    pub(super) is_in_queue: bool,
}

/// A load under way.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct Running {
    /// The load.
    pub(super) load_id: String,
    /// Table name.
    pub(super) table: String,
    /// The export.
    pub(super) source: String,
    /// Seconds since its bytes began to flow.
    pub(super) seconds: f64,
    /// Bytes of the export, if that is known.
    pub(super) bytes: Option<u64>,
    /// Bytes of it that were read.
    pub(super) bytes_read: u64,
    /// Percent of it, if that is known.
    pub(super) percent: Option<u64>,
    /// Records so far.
    pub(super) records: u64,
    /// Rejected ones among them.
    pub(super) rejected: u64,
    /// What it waits for.
    pub(super) waits_for: Option<String>,
}

/// A table in a line.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct TableLine {
    /// Its name.
    pub(super) table: String,
    /// How it is.
    pub(super) state: State,
    /// When the newest export in it was made, `YYYYMMDDhhmmss`; of a table without one when it was loaded.
    pub(super) exported_at: Option<String>,
    /// How old that is, in seconds.
    pub(super) age_seconds: Option<u64>,
    /// Its rows.
    pub(super) rows: Option<u64>,
    /// Its last load that was not skipped.
    pub(super) last: Option<RunLine>,
    /// The last thirty nights, oldest first.
    pub(super) nights: Vec<Night>,
}

/// A load in a line.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct RunLine {
    /// The load.
    pub(super) load_id: String,
    /// Table name.
    pub(super) table: String,
    /// `full` or `incremental`.
    pub(super) kind: String,
    /// How it ended.
    pub(super) state: State,
    /// When it began, RFC 3339 in UTC.
    pub(super) started: Option<String>,
    /// Rows that the table took.
    pub(super) loaded: u64,
    /// Records that were rejected.
    pub(super) rejected: u64,
    /// How long it took, if that was written down.
    pub(super) seconds: Option<f64>,
    /// Warnings of it.
    pub(super) warnings: u64,
    /// Why it failed or was skipped.
    pub(super) why: Option<String>,
    /// The export.
    pub(super) source: String,
}

impl Overview {
    /// How the tables are, in a line; none without tables.
    pub(super) fn summary(&self) -> Option<String> {
        (!self.tables.is_empty()).then(|| summary(&self.tables))
    }

    /// The page of what the sources said.
    pub(super) fn of(facts: &Facts) -> Self {
        let known = facts.known.value.as_deref();
        let runs = known.map_or(&[][..], |known| &known.runs);
        let by_table = by_table(runs);
        let progress = facts.progress.value.as_deref().map_or(&[][..], Vec::as_slice);
        let mut names: BTreeSet<&str> =
            by_table.keys().copied().chain(progress.iter().map(|load| load.table.as_str())).collect();
        let held = known.map_or(&[][..], |known| &known.tables);
        names.extend(held.iter().map(|held| held.table.as_str()));
        let queued = facts.queue.value.as_deref().and_then(Option::as_ref);
        let dead = dead(facts);
        let (mut needs, mut tables) = (Vec::new(), Vec::new());
        for table in names.into_iter().take(TABLES_MAX) {
            let look = Look {
                table,
                runs: by_table.get(table).map_or(&[][..], Vec::as_slice),
                held: held.iter().find(|held| held.table == table),
                progress: progress.iter().filter(|load| load.table == table).collect(),
                has_dead: dead.iter().any(|letter| letter.table.as_deref() == Some(table)),
                now: facts.now,
                ends_are_known: known.is_some_and(|known| known.ends_are_known),
            };
            let (line, of_table) = look.at();
            tables.push(line);
            needs.extend(of_table);
        }
        needs.extend(of_dead(dead.iter()));
        needs.sort_by_key(|need| need.tone);
        let needs_more = needs.len().saturating_sub(NEEDS_MAX) as u64;
        needs.truncate(NEEDS_MAX);
        Self {
            warehouse: known.map_or_else(String::new, |known| known.warehouse.clone()),
            looked_at: facts.looked_at(),
            silent: facts.silent(),
            needs,
            needs_more,
            running: running(&facts.progress),
            tables,
            waiting: queued.map(|queued| queued.state.waiting),
            dead: queued.and_then(|queued| {
                queued.state.dead.or_else(|| Some(queued.dead.as_ref().ok()?.len() as u64))
            }),
        }
    }
}

/// Dead letters, oldest first; none that nobody can list.
pub(super) fn dead(facts: &Facts) -> &[DeadLetter] {
    let queued = facts.queue.value.as_deref().and_then(Option::as_ref);
    queued.and_then(|queued| queued.dead.as_deref().ok()).unwrap_or_default()
}

/// States that a table has: `1 dead letters` would count letters.
const HAD: [&str; 4] = ["dead letters", "no end", "rejects", "drift"];

/// How many tables there are, and how they are: `63 tables: 7 failed, 2 with drift, 54 fine`.
fn summary(tables: &[TableLine]) -> String {
    let mut words = BTreeMap::<(Tone, &str), u64>::new();
    for line in tables {
        *words.entry((line.state.tone, line.state.word.as_str())).or_default() += 1;
    }
    let with = |word: &str| if HAD.contains(&word) { "with " } else { "" };
    let words: Vec<String> =
        words.iter().map(|((_, word), times)| format!("{} {}{word}", count(*times), with(word))).collect();
    format!("{}: {}", plural(tables.len() as u64, "table"), words.join(", "))
}

/// Runs by table, newest first.
fn by_table(runs: &[Brief]) -> BTreeMap<&str, Vec<&Brief>> {
    let mut tables = BTreeMap::<&str, Vec<&Brief>>::new();
    for brief in runs {
        tables.entry(&brief.run.table).or_default().push(brief);
    }
    tables
}

/// Loads that are under way, of those that say so.
pub(super) fn running(progress: &Told<Vec<Progress>>) -> Vec<Running> {
    progress.value.iter().flat_map(|all| all.iter()).map(Running::of).collect()
}

impl Running {
    fn of(load: &Progress) -> Self {
        let percent = |bytes: u64| {
            (bytes > 0).then(|| (u128::from(load.bytes_read) * 100 / u128::from(bytes)).min(100) as u64)
        };
        Self {
            load_id: load.load_id.clone(),
            table: load.table.clone(),
            source: load.source.clone(),
            seconds: load.seconds,
            bytes: load.bytes,
            bytes_read: load.bytes_read,
            percent: load.bytes.and_then(percent),
            records: load.records,
            rejected: load.rejected,
            waits_for: load.waits_for.clone(),
        }
    }

    /// How far it is, for people.
    pub(super) fn text(&self) -> String {
        if let Some(what) = &self.waits_for {
            return format!("waits for {what}");
        }
        let of = self.bytes.map_or(String::new(), |bytes| format!(" of {}", size(bytes)));
        let rejected =
            if self.rejected > 0 { format!(", {} rejected", count(self.rejected)) } else { String::new() };
        format!(
            "{}{of} read, {}{rejected}, {}",
            size(self.bytes_read),
            plural(self.records, "record"),
            duration(self.seconds)
        )
    }
}

/// All that is known of one table.
pub(super) struct Look<'a> {
    pub(super) table: &'a str,
    /// Newest first.
    pub(super) runs: &'a [&'a Brief],
    pub(super) held: Option<&'a Held>,
    pub(super) progress: Vec<&'a Progress>,
    /// Whether messages of it were given up: what they name is not in the table.
    pub(super) has_dead: bool,
    pub(super) now: SystemTime,
    /// Whether a load without an end was killed; else it may go on somewhere.
    pub(super) ends_are_known: bool,
}

impl Look<'_> {
    /// The table in a line, and what of it needs a person.
    pub(super) fn at(&self) -> (TableLine, Vec<Need>) {
        let last = self.runs.iter().find(|brief| brief.run.status != Status::Skipped);
        let loaded = self.runs.iter().find(|brief| brief.run.status == Status::Succeeded);
        let exported_at = self.held.and_then(|held| held.exported_at.clone());
        let newest = exported_at.as_deref().and_then(time_of);
        let newest = newest.or_else(|| time(loaded?.run.started.as_deref()?));
        let age_seconds = newest.map(|newest| seconds_since(newest, self.now));
        let needs = self.needs(last.copied(), loaded.copied(), age_seconds);
        // What was said of a load may be older than what the ledger says.
        let is_over = |load: &&Progress| last.is_some_and(|brief| brief.run.load_id == load.load_id);
        let is_loading = !self.progress.iter().all(is_over);
        let dead = self.has_dead.then_some((Tone::Bad, "dead letters"));
        let words = needs.iter().map(|(need, word)| (need.tone, *word)).chain(dead);
        let state = match words.min_by_key(|(tone, _)| *tone) {
            _ if is_loading => State::new("loading", Tone::Busy),
            Some((tone, word)) => State::new(word, tone),
            None => State::new("fine", Tone::Good),
        };
        let line = TableLine {
            table: self.table.to_owned(),
            state,
            exported_at,
            age_seconds,
            rows: self.held.and_then(|held| held.rows),
            last: last.map(|brief| RunLine::of(brief)),
            nights: nights(self.runs, self.now),
        };
        (line, needs.into_iter().map(|(need, _)| need).collect())
    }

    /// What needs a person, each with the word that its table is called by.
    fn needs(
        &self,
        last: Option<&Brief>,
        loaded: Option<&Brief>,
        age_seconds: Option<u64>,
    ) -> Vec<(Need, &'static str)> {
        let (table, word) = (self.table, shell_word(self.table));
        let mut needs = Vec::new();
        let mut add = |tone, state, what: String, why: String, command: String, load: Option<&str>| {
            let load_id = load.map(str::to_owned);
            needs.push((
                Need {
                    tone,
                    table: Some(table.to_owned()),
                    what,
                    why,
                    command: Some(command),
                    load_id,
                    is_in_queue: false,
                },
                state,
            ));
        };
        if let Some(brief) = last.filter(|brief| brief.run.status == Status::Failed) {
            let why = brief.run.error.as_deref().unwrap_or("its report does not say why");
            let why = format!("{}. {}", cut(why).trim_end_matches('.'), table_is(loaded, age_seconds));
            // What was rejected is rejected again.
            let command = match brief.run.rows.rejected {
                // Whether it goes on must be known first.
                _ if brief.run.killed && !self.ends_are_known => {
                    format!("csl-stream loads list --table {word}")
                }
                0 => format!("csl-stream backfill --table {word} --kind {}", brief.run.kind.word()),
                _ => format!("csl-stream loads show {}", shell_word(&brief.run.load_id)),
            };
            let (tone, state, what) = match (brief.run.killed, self.ends_are_known) {
                (true, true) => (Tone::Bad, "killed", "a load was killed"),
                (true, false) => (Tone::Look, "no end", "a load has begun, and no end of it is known"),
                (false, _) => (Tone::Bad, "failed", "the last load failed"),
            };
            let what = format!("{table}: {what}");
            add(tone, state, what, why, command, Some(&brief.run.load_id));
        }
        if let Some(age_seconds) = age_seconds.filter(|age| *age > OLD.as_secs()) {
            let what = format!("{table}: no new data for {}", age(age_seconds));
            let why = "the newest export in the table is older than two nights".to_owned();
            add(Tone::Look, "old", what, why, format!("csl-stream plan --table {word}"), None);
        }
        if let Some(brief) = loaded {
            let (id, rejected) = (brief.run.load_id.as_str(), brief.run.rows.rejected);
            if rejected > 0 {
                let what = format!("{table}: {} rejected", plural(rejected, "record"));
                let why = format!(
                    "the load that is in the table took {} and left these out",
                    plural(brief.run.rows.accepted, "record")
                );
                add(Tone::Look, "rejects", what, why, format!("csl-stream loads show {id}"), Some(id));
            }
            if !brief.drift.is_empty() {
                let all: Vec<String> = brief.drift.iter().map(ToString::to_string).collect();
                let what = format!("{table}: the data looks otherwise than the night before");
                add(
                    Tone::Look,
                    "drift",
                    what,
                    cut(&all.join("; ")),
                    format!("csl-stream verify --table {word}"),
                    Some(id),
                );
            }
        }
        needs
    }
}

/// What a table is after a load that brought nothing into it.
fn table_is(loaded: Option<&Brief>, age_seconds: Option<u64>) -> String {
    match (loaded, age_seconds) {
        (Some(_), Some(seconds)) => format!("The table is as before; its data is {} old", age(seconds)),
        (Some(_), None) => "The table is as before".to_owned(),
        (None, _) => "No load has brought anything into the table yet".to_owned(),
    }
}

/// Dead letters by table.
pub(super) fn of_dead<'a>(dead: impl Iterator<Item = &'a DeadLetter>) -> Vec<Need> {
    let mut tables = BTreeMap::<Option<&str>, Vec<&DeadLetter>>::new();
    for letter in dead {
        tables.entry(letter.table.as_deref()).or_default().push(letter);
    }
    let need = |(table, letters): (Option<&str>, Vec<&DeadLetter>)| {
        // The newest says what is wrong now.
        let newest = letters.last()?;
        let number = plural(letters.len() as u64, "message");
        let of = table.map_or_else(|| "not of a table".to_owned(), |table| format!("of {table}"));
        Some(Need {
            tone: Tone::Bad,
            table: table.map(str::to_owned),
            what: format!("{number} {of} could not be loaded"),
            why: cut(&newest.reason),
            command: Some(match letters.len() {
                1 => format!("csl-stream dead-letters redrive {}", shell_word(&newest.id)),
                _ => "csl-stream dead-letters list".to_owned(),
            }),
            load_id: None,
            is_in_queue: true,
        })
    };
    tables.into_iter().filter_map(need).collect()
}

/// As much of a reason as a line has room for.
pub(super) fn cut(text: &str) -> String {
    let mut short: String = text.chars().take(REASON_CHARS_MAX).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// The last thirty days by UTC, oldest first, with what happened in each.
pub(super) fn nights(runs: &[&Brief], now: SystemTime) -> Vec<Night> {
    let day_of =
        |at: SystemTime| at.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs() / DAY);
    let today = day_of(now);
    let first = today.saturating_sub(NIGHTS as u64 - 1);
    let date = |day: u64| {
        let at = jiff::Timestamp::from_second(i64::try_from(day * DAY).unwrap_or(0)).unwrap_or_default();
        at.strftime("%Y-%m-%d").to_string()
    };
    let mut nights: Vec<Night> =
        (first..=today).map(|day| Night { date: date(day), ..Night::default() }).collect();
    for brief in runs.iter().filter(|brief| brief.run.status != Status::Skipped) {
        let Some(day) = brief.run.started.as_deref().and_then(time).map(day_of) else { continue };
        let Some(night) = day.checked_sub(first).and_then(|at| nights.get_mut(usize::try_from(at).ok()?))
        else {
            continue;
        };
        night.loads += 1;
        night.failed += u64::from(brief.run.status == Status::Failed);
        night.rows = night.rows.saturating_add(brief.run.rows.loaded);
        night.seconds += brief.seconds.unwrap_or_default();
        night.rejected = night.rejected.saturating_add(brief.run.rows.rejected);
    }
    nights
}

impl RunLine {
    /// A run in a line.
    pub(super) fn of(brief: &Brief) -> Self {
        let run = &brief.run;
        Self {
            load_id: run.load_id.clone(),
            table: run.table.clone(),
            kind: run.kind.word().to_owned(),
            state: load::state(run.status, run.rows.rejected),
            started: run.started.clone(),
            loaded: run.rows.loaded,
            rejected: run.rows.rejected,
            seconds: brief.seconds,
            warnings: brief.warnings,
            why: run.error.as_deref().map(cut),
            source: run.source.clone(),
        }
    }
}

impl TableLine {
    /// How old its data is, for people.
    pub(super) fn age(&self) -> String {
        self.age_seconds.map_or_else(|| "—".to_owned(), |seconds| format!("{} old", age(seconds)))
    }

    /// Its rows, for people.
    pub(super) fn rows_text(&self) -> String {
        self.rows.map_or_else(|| "—".to_owned(), count)
    }
}
