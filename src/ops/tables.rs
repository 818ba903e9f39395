//! Several tables in one call, within the memory of one load.
//!
//! ```text
//! one listing ─▶ tables ─▶ exports of each ─┬─ large, the largest first ─▶ one at a time, all threads
//!                                           └─ small ───────────────────▶ as many at a time as there are
//!                                                                         threads, each with one
//! ```
//! A load takes memory for each of its threads, so so many threads take the same memory whether they are those
//! of one load or each that of a small one. A table that fails stops no other.

use super::backfill::{Backfill, Backfilled, Prepared, Shared, load_all, prepare_one};
use super::export::{self, ExportChoice, FoundExport};
use super::listeners::Listeners;
use super::observer::Observer;
use super::{schema, target};
use crate::config::Config;
use crate::error::{Error, Place, Result};
use crate::pipeline::ROW_GROUP_BYTES;
use crate::report::Status;
use crate::report::words::plural;
use crate::schema::BulkSchema;
use crate::store::{self, ExportKind, Location};
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// An export of fewer bytes, as stored, is loaded beside others: it has few row groups for several threads. The
/// parts that are read ahead are as large as the export at most.
pub const SMALL_BYTES_MAX: u64 = ROW_GROUP_BYTES as u64;
/// Tables whose exports are looked for at a time: listings wait for S3, and hold little.
const LOOKING_MAX: usize = 8;
/// Tables that a message names.
const NAMES_SHOWN_MAX: usize = 8;
/// The name of a call for all tables that could not even find them.
pub const ALL: &str = "all";

/// Which tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chosen {
    /// Every table of the schema that has an export.
    All,
    /// These, each of which must have one.
    Named(Vec<String>),
}

/// What one call decides for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tables {
    /// Which tables.
    pub chosen: Chosen,
    /// How each is loaded; the table that it names is not looked at.
    pub each: Backfill,
}

/// What became of one table.
#[derive(Debug)]
pub struct Ended {
    /// Its name.
    pub table: String,
    /// As [`super::backfill()`] says it.
    pub outcome: Result<Backfilled>,
}

/// What became of the tables.
#[derive(Debug, Default)]
pub struct TablesBackfilled {
    /// Those that were begun, or could not begin, in the order in which they ended.
    pub ended: Vec<Ended>,
    /// Those of the schema that have no export; only where all were chosen.
    pub without: Vec<String>,
    /// Those that were not begun, because it was to stop.
    pub not_begun: Vec<String>,
}

impl TablesBackfilled {
    /// Tables whose exports were loaded, and those whose exports need not be.
    pub fn done(&self) -> (usize, usize) {
        let done = self.ended.iter().filter_map(|end| end.outcome.as_ref().ok());
        let (loaded, skipped): (Vec<_>, Vec<_>) =
            done.partition(|done| done.reports.iter().any(|report| report.status == Status::Succeeded));
        (loaded.len(), skipped.len())
    }

    /// The failure of all: of the class of the worst, and naming the tables that failed.
    pub fn failure(&self) -> Option<Error> {
        if !self.not_begun.is_empty() {
            return Some(Error::Interrupted);
        }
        let failed: Vec<(&str, &Error)> = self
            .ended
            .iter()
            .filter_map(|end| Some((end.table.as_str(), end.outcome.as_ref().err()?)))
            .collect();
        let (_, worst) = failed.iter().min_by_key(|(_, error)| error.rank())?;
        let names: Vec<_> = failed.iter().map(|(table, _)| *table).collect();
        let all = self.ended.len() as u64;
        let what = format!("{} of {} failed: {}", failed.len(), plural(all, "table"), some(&names));
        let help = "each is told above; the exit code is that of the worst";
        Some(worst.like(what).help(help))
    }
}

/// Loads each of the tables as [`super::backfill()`] does, several small ones at a time. The observer hears of
/// all of them, in between each other. The schema is read once.
pub fn backfill_tables(config: &Config, request: &Tables, observer: &dyn Observer) -> TablesBackfilled {
    let listeners = Listeners::of(config);
    let call = Call { config, request, observer, listeners: &listeners, done: Mutex::default() };
    let found = call.find();
    match found {
        Ok(found) => call.load(found),
        Err(error) => call.none_begins(&error),
    }
    listeners.finish(None);
    call.done.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Tables that are chosen.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) chosen: Vec<String>,
    /// Tables of the schema that have no export of this kind and day.
    pub(super) without: Vec<String>,
    /// Folders of exports of tables that the schema lacks.
    strange: Vec<String>,
    /// Folders of exports of tables that have no columns in it.
    hollow: Vec<String>,
}

impl Names {
    /// Those that are named, each once.
    fn named(names: &[String]) -> Self {
        let mut seen = BTreeSet::new();
        let chosen = names.iter().filter(|name| seen.insert(*name)).cloned().collect();
        Self { chosen, ..Self::default() }
    }

    /// All of the schema that have an export: one listing says which have a folder, one for each whether a day
    /// is in it.
    ///
    /// # Errors
    /// If the exports cannot be listed, or none is of a table of the schema.
    pub(super) fn all(config: &Config, bulk: &BulkSchema, choice: &ExportChoice) -> Result<Self> {
        let (root, kind, date) = (export::root(config)?, choice.kind(), choice.date.as_deref());
        let listed: BTreeSet<String> = store::exported_tables(&root, kind)?.into_iter().collect();
        let known: BTreeSet<String> = bulk.loadable().map(|table| table.name.clone()).collect();
        let candidates = known.intersection(&listed).collect();
        let looked = at_once(LOOKING_MAX, candidates, |name: &String| {
            store::has_exports(&root, kind, name, date).map(|has| has.then(|| name.clone()))
        });
        let chosen: Vec<String> = looked.into_iter().filter_map(Result::transpose).collect::<Result<_>>()?;
        if chosen.is_empty() {
            return Err(none_found(&root, kind, date));
        }
        let without = known.iter().filter(|name| !chosen.contains(name)).cloned().collect();
        let (hollow, strange): (Vec<_>, Vec<_>) =
            listed.difference(&known).cloned().partition(|name| bulk.find(name).is_some());
        Ok(Self { chosen, without, strange, hollow })
    }

    /// What is to be said of folders of tables that are not loaded.
    pub(super) fn warning(&self) -> Option<String> {
        let told = [(&self.strange, "lacks"), (&self.hollow, "has without columns")];
        let told = told.into_iter().filter(|(names, _)| !names.is_empty()).map(|(names, how)| {
            let tables = if names.len() == 1 { "a table" } else { "tables" };
            format!("there are exports of {tables} that the schema {how}: {}", some(names))
        });
        let told: Vec<String> = told.collect();
        (!told.is_empty()).then(|| told.join("; "))
    }
}

fn none_found(root: &Location, kind: ExportKind, date: Option<&str>) -> Error {
    let (kind, day) = (kind.word(), date.map_or(String::new(), |date| format!(" of {date}")));
    Error::access(format!("no table of the schema has {kind} exports{day}"))
        .at(Place::uri(root.to_string()))
        .help(format!("the root must be the folder, or s3://bucket/slug, that holds {kind}/TABLE/YYYYMMDD/"))
}

/// One call.
struct Call<'a> {
    config: &'a Config,
    request: &'a Tables,
    observer: &'a dyn Observer,
    listeners: &'a Listeners<'a>,
    done: Mutex<TablesBackfilled>,
}

/// A table, and its exports or why it cannot begin.
struct Found {
    table: String,
    prepared: Result<Prepared>,
}

impl Found {
    /// Bytes of all its exports, as stored.
    fn bytes(&self) -> u64 {
        self.exports().filter_map(|export| export.bytes).sum()
    }

    /// Whether each of its exports is small; one of unknown length is not.
    fn is_small(&self) -> bool {
        self.exports().all(|export| export.bytes.is_some_and(|bytes| bytes < SMALL_BYTES_MAX))
    }

    fn exports(&self) -> impl Iterator<Item = &FoundExport> {
        self.prepared.iter().flat_map(|prepared| &prepared.pending.exports)
    }
}

impl Call<'_> {
    /// Reads the schema, finds the tables and their exports, and shows the observer what will be read.
    fn find(&self) -> Result<Vec<Found>> {
        let Tables { chosen, each } = self.request;
        let shared = Shared::read(self.config, &each.conversion)?;
        let names = match chosen {
            Chosen::Named(names) => Names::named(names),
            Chosen::All => Names::all(self.config, &shared.schema, &each.export)?,
        };
        if let Some(warning) = names.warning() {
            self.observer.note(&format!("warning: {warning}"));
        }
        self.with_done(|done| done.without = names.without);
        let found = at_once(LOOKING_MAX, names.chosen, |table| {
            let prepared = target::open(self.config)
                .and_then(|warehouse| prepare_one(self.config, &shared, &self.one(&table), warehouse));
            Found { table, prepared }
        });
        let exports = found.iter().flat_map(Found::exports).map(|export| export.location.clone());
        let inputs = std::iter::once(schema::location(self.config)?).chain(exports);
        self.observer.about_to_read(&inputs.collect::<Vec<_>>())?;
        Ok(found)
    }

    /// The large ones after each other, then the small ones beside each other.
    fn load(&self, mut found: Vec<Found>) {
        found.sort_by_key(|found| Reverse(found.bytes()));
        let (small, large): (Vec<Found>, Vec<Found>) = found.into_iter().partition(Found::is_small);
        large.into_iter().for_each(|found| self.load_one(found));
        let preset = crate::pipeline::ConvertOptions::default().threads;
        let threads = self.request.each.conversion.threads.unwrap_or(preset);
        at_once(threads, small, |mut found| {
            if let Ok(prepared) = &mut found.prepared {
                prepared.options.threads = 1;
            }
            self.load_one(found);
        });
    }

    fn load_one(&self, Found { table, prepared }: Found) {
        if self.observer.is_stopping() {
            self.with_done(|done| done.not_begun.push(table));
            return;
        }
        let request = self.one(&table);
        let outcome = load_all(self.config, self.listeners, &request, prepared, self.observer);
        self.with_done(|done| done.ended.push(Ended { table, outcome }));
    }

    /// Tells of each table that is named, or of all as one, why nothing begins.
    fn none_begins(&self, error: &Error) {
        let names = match &self.request.chosen {
            Chosen::All => Names::named(&[ALL.to_owned()]),
            Chosen::Named(names) => Names::named(names),
        };
        for table in names.chosen {
            let help = error.detail().map_or("", |detail| detail.help.as_str());
            let prepared = Err(error.like(error.to_string()).help(help));
            self.load_one(Found { table, prepared });
        }
    }

    /// The request for one table.
    fn one(&self, table: &str) -> Backfill {
        Backfill { table: table.to_owned(), ..self.request.each.clone() }
    }

    fn with_done(&self, change: impl FnOnce(&mut TablesBackfilled)) {
        change(&mut self.done.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// What `work` gives for each item, in their order; so many of them at a time.
fn at_once<T: Send, R: Send>(at_a_time: usize, items: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let workers = at_a_time.min(items.len());
    let mut given: Vec<Option<R>> = items.iter().map(|_| None).collect();
    let places = Mutex::new(items.into_iter().zip(given.iter_mut()));
    let next = || places.lock().unwrap_or_else(PoisonError::into_inner).next();
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some((item, place)) = next() {
                    *place = Some(work(item));
                }
            });
        }
    });
    drop(places);
    given.into_iter().flatten().collect()
}

fn some<S: AsRef<str>>(names: &[S]) -> String {
    let mut text = names.iter().take(NAMES_SHOWN_MAX).map(AsRef::as_ref).collect::<Vec<_>>().join(", ");
    if names.len() > NAMES_SHOWN_MAX {
        text += &format!(" and {} more", names.len() - NAMES_SHOWN_MAX);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    #[test]
    fn so_many_at_a_time_and_what_they_give_in_their_order() {
        for (at_a_time, items) in [(1, 5), (3, 20), (8, 2), (4, 0)] {
            let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
            let given = at_once(at_a_time, (0..items).collect(), |item: usize| {
                most.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
                std::thread::sleep(std::time::Duration::from_millis(2));
                now.fetch_sub(1, SeqCst);
                item * 2
            });
            assert_eq!(given, (0..items).map(|item| item * 2).collect::<Vec<_>>());
            assert!(most.into_inner() <= at_a_time);
        }
    }

    #[test]
    fn the_worst_failure_is_that_of_all() {
        let ended = |errors: Vec<Option<Error>>| TablesBackfilled {
            ended: errors
                .into_iter()
                .enumerate()
                .map(|(at, error)| Ended {
                    table: format!("t{at}"),
                    outcome: error.map_or_else(|| Ok(Backfilled::default()), Err),
                })
                .collect(),
            ..TablesBackfilled::default()
        };
        assert!(ended(vec![None, None]).failure().is_none());
        for (errors, code, told) in [
            (vec![None, Some(Error::transient("x"))], 7, "1 of 2 tables failed: t1"),
            (vec![Some(Error::transient("x")), Some(Error::rejects("x"))], 5, "2 of 2 tables failed: t0, t1"),
            (vec![Some(Error::access("x")), Some(Error::schema("x"))], 3, "t0, t1"),
            (vec![Some(Error::access("x")), Some(Error::counts("x")), None], 6, "2 of 3 tables failed"),
            (vec![Some(Error::counts("x")), Some(Error::Interrupted)], 130, "interrupted"),
        ] {
            let failure = ended(errors).failure().unwrap();
            assert_eq!(failure.exit_code(), code, "{failure}");
            assert!(failure.to_string().contains(told), "{failure}");
        }
        let stopped = TablesBackfilled { not_begun: vec!["t".to_owned()], ..TablesBackfilled::default() };
        assert_eq!(stopped.failure().map(|error| error.exit_code()), Some(130));
    }
}
