//! What the pages are made of, asked of each source beside the others, within a time.
//!
//! ```text
//!  page ──▶ fresh? ── yes ──▶ what it said
//!             └ no ──▶ one question at a time ──▶ answered within ANSWER_MAX ── yes ──▶ what it says
//!                                                    └ no ──▶ what it said before, and a line on the page
//! ```
//! However many people look, a source is asked once in [`FRESH`]: looking must not slow a load.

use super::load::LoadPage;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::ops::check::{Checklist, check};
use crate::ops::loads::Shown;
use crate::ops::state::{self, Brief, Known, Ledger, Progress, Queued, Version};
use crate::ops::{ExportKind, dead_letters};
use crate::report::{Checked, RunReport, Status};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::watch;

/// A page waits so long for a source.
const ANSWER_MAX: Duration = Duration::from_millis(1200);
/// What this machine said is believed for so long.
const FRESH: Duration = Duration::from_secs(1);
/// What AWS said is believed for so long: its answers take time, and cost money.
const FRESH_OF_AWS: Duration = Duration::from_secs(30);
/// Loads and tables whose details are kept.
const DETAILS_MAX: usize = 64;

/// A source that does not answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Silence {
    /// Which.
    pub(super) source: String,
    /// What is known of it.
    pub(super) why: String,
    /// Whether the page shows what it said before.
    pub(super) is_old: bool,
}

/// What a source said, and why it says nothing now.
#[derive(Debug, Clone)]
pub(super) struct Told<T> {
    pub(super) value: Option<Arc<T>>,
    pub(super) silence: Option<Silence>,
}

/// A source that is asked again and again.
struct Asked<T> {
    name: &'static str,
    fresh: Duration,
    state: Mutex<Asking<T>>,
    answered: watch::Sender<u64>,
}

struct Asking<T> {
    /// What it said last, or why it did not.
    last: Option<(Instant, std::result::Result<Arc<T>, String>)>,
    good: Option<Arc<T>>,
    is_under_way: bool,
}

impl<T: Send + Sync + 'static> Asked<T> {
    fn new(name: &'static str, fresh: Duration) -> Arc<Self> {
        let state = Mutex::new(Asking { last: None, good: None, is_under_way: false });
        Arc::new(Self { name, fresh, state, answered: watch::channel(0).0 })
    }

    fn lock(&self) -> MutexGuard<'_, Asking<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it said last, without asking.
    fn known(&self) -> Option<Arc<T>> {
        self.lock().good.clone()
    }

    /// What was said may be otherwise from now on.
    fn forget(&self) {
        self.lock().last = None;
    }

    async fn get(self: &Arc<Self>, ask: impl FnOnce() -> Result<T> + Send + 'static) -> Told<T> {
        let mut answered = self.answered.subscribe();
        let begin = {
            let mut state = self.lock();
            if let Some((at, said)) = &state.last
                && at.elapsed() < self.fresh
            {
                return self.told(said.clone(), &state);
            }
            !std::mem::replace(&mut state.is_under_way, true)
        };
        if begin {
            let own = Arc::clone(self);
            tokio::task::spawn_blocking(move || own.answer(ask));
        }
        let in_time = tokio::time::timeout(ANSWER_MAX, answered.changed()).await.is_ok();
        let state = self.lock();
        match &state.last {
            Some((_, said)) if in_time => self.told(said.clone(), &state),
            _ => self.told(Err(format!("no answer within {} s", ANSWER_MAX.as_secs_f32())), &state),
        }
    }

    fn answer(&self, ask: impl FnOnce() -> Result<T>) {
        let said = std::panic::catch_unwind(std::panic::AssertUnwindSafe(ask));
        let said = said.unwrap_or_else(|_| Err(Error::machine("the question broke down")));
        let said = said.map(Arc::new).map_err(|error| error.to_string());
        let mut state = self.lock();
        if let Ok(good) = &said {
            state.good = Some(Arc::clone(good));
        }
        state.last = Some((Instant::now(), said));
        state.is_under_way = false;
        drop(state);
        self.answered.send_modify(|answers| *answers += 1);
    }

    fn told(&self, said: std::result::Result<Arc<T>, String>, state: &Asking<T>) -> Told<T> {
        match said {
            Ok(value) => Told { value: Some(value), silence: None },
            Err(why) => {
                let value = state.good.clone();
                let silence = Silence { source: self.name.to_owned(), why, is_old: value.is_some() };
                Told { value, silence: Some(silence) }
            }
        }
    }
}

/// All that the pages are made of.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) now: SystemTime,
    pub(super) known: Told<Known>,
    pub(super) queue: Told<Option<Queued>>,
    pub(super) progress: Told<Vec<Progress>>,
}

impl Facts {
    pub(super) fn looked_at(&self) -> String {
        state::timestamp(self.now)
    }

    /// Sources that do not answer.
    pub(super) fn silent(&self) -> Vec<Silence> {
        let all = [&self.known.silence, &self.queue.silence, &self.progress.silence];
        all.into_iter().flatten().cloned().collect()
    }

    /// The same of one.
    pub(super) fn silent_of<T>(&self, told: &Told<T>) -> Vec<Silence> {
        told.silence.iter().cloned().collect()
    }
}

/// Reports of the last two full loads of a table.
#[derive(Debug, Default)]
pub(super) struct Profiles {
    pub(super) now: Option<RunReport>,
    pub(super) before: Option<RunReport>,
}

/// What was checked on demand.
#[derive(Debug, Clone, Default)]
pub(super) struct Checks {
    pub(super) is_under_way: bool,
    pub(super) at: Option<SystemTime>,
    pub(super) found: Vec<Checked>,
}

/// One table's details.
struct Details {
    profiles: Profiles,
    versions: Vec<Version>,
}

/// Every source.
pub(super) struct Sources {
    pub(super) config: Arc<Config>,
    ledger: Arc<Ledger>,
    known: Arc<Asked<Known>>,
    queue: Arc<Asked<Option<Queued>>>,
    progress: Arc<Asked<Vec<Progress>>>,
    loads: Kept<Option<Shown>>,
    tables: Kept<Details>,
    checks: Arc<Mutex<Checks>>,
}

/// Sources that are made when they are first asked, at most [`DETAILS_MAX`].
struct Kept<T>(Mutex<HashMap<String, Arc<Asked<T>>>>);

impl<T: Send + Sync + 'static> Kept<T> {
    fn of(&self, name: &str, fresh: Duration) -> Arc<Asked<T>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= DETAILS_MAX && !kept.contains_key(name) {
            kept.clear();
        }
        Arc::clone(kept.entry(name.to_owned()).or_insert_with(|| Asked::new("ledger", fresh)))
    }
}

impl Sources {
    pub(super) fn new(config: Config) -> Self {
        let of = |is_aws: bool| if is_aws { FRESH_OF_AWS } else { FRESH };
        let warehouse = of(config.warehouse.to.is_redshift());
        Self {
            known: Asked::new("ledger", warehouse),
            queue: Asked::new("queue", of(config.queue.url.is_some())),
            progress: Asked::new("progress of loads", Duration::from_millis(500)),
            loads: Kept(Mutex::default()),
            tables: Kept(Mutex::default()),
            ledger: Arc::default(),
            checks: Arc::default(),
            config: Arc::new(config),
        }
    }

    fn fresh(&self) -> Duration {
        self.known.fresh
    }

    pub(super) async fn known(&self) -> Told<Known> {
        let (config, ledger) = (Arc::clone(&self.config), Arc::clone(&self.ledger));
        self.known.get(move || ledger.look(&config)).await
    }

    async fn queue(&self) -> Told<Option<Queued>> {
        let config = Arc::clone(&self.config);
        self.queue.get(move || state::queued(&config)).await
    }

    pub(super) async fn progress(&self) -> Told<Vec<Progress>> {
        let config = Arc::clone(&self.config);
        self.progress.get(move || state::under_way(&config)).await
    }

    /// What is known by now of all that changes pages, without asking anybody: another text, another state.
    pub(super) fn state(&self) -> String {
        let known = self.known.known();
        let runs = known.as_deref().map_or(&[][..], |known| &known.runs);
        let newest = runs.first().map_or("", |brief| brief.run.load_id.as_str());
        let checks = self.checks();
        let checked = checks.at.map_or_else(String::new, |at| format!("{at:?}"));
        // Checks may begin and end between two looks: when they ended tells that.
        let mut state = format!("{} {newest} {} {checked}", runs.len(), checks.is_under_way);
        for load in self.progress.known().iter().flat_map(|loads| loads.iter()) {
            state += " ";
            state += &load.load_id;
        }
        state
    }

    /// All of them, beside each other.
    pub(super) async fn facts(&self) -> Facts {
        let (known, queue, progress) = tokio::join!(self.known(), self.queue(), self.progress());
        Facts { now: SystemTime::now(), known, queue, progress }
    }

    /// One load; none if nobody knows it.
    pub(super) async fn load(&self, id: &str) -> (Option<LoadPage>, Told<Option<Shown>>) {
        let known = self.known().await;
        let table = known.value.as_deref().and_then(|known| {
            known.runs.iter().find(|brief| brief.run.load_id == id).map(|brief| brief.run.table.clone())
        });
        let Some(table) = table else { return (None, Told { value: None, silence: known.silence }) };
        let (config, name) = (Arc::clone(&self.config), id.to_owned());
        let ask = move || state::shown(&config, &table, &name).map(Some);
        let told = self.loads.of(id, self.fresh()).get(ask).await;
        let page = told.value.as_deref().and_then(Option::as_ref).map(LoadPage::of);
        (page, told)
    }

    /// The columns of a table's last two full loads, and its versions.
    pub(super) async fn table(
        &self,
        table: &str,
        known: &Told<Known>,
    ) -> (Arc<Profiles>, Vec<Version>, Option<Silence>) {
        let full = |brief: &&Brief| {
            let run = &brief.run;
            run.table == table && run.status == Status::Succeeded && run.kind == ExportKind::Full
        };
        let runs = known.value.as_deref().map_or(&[][..], |known| &known.runs);
        let ids: Vec<String> =
            runs.iter().filter(full).take(2).map(|brief| brief.run.load_id.clone()).collect();
        let (config, name) = (Arc::clone(&self.config), table.to_owned());
        let told = self.tables.of(table, self.fresh()).get(move || details(&config, &name, &ids)).await;
        let Some(details) = told.value else { return (Arc::default(), Vec::new(), told.silence) };
        let profiles =
            Profiles { now: details.profiles.now.clone(), before: details.profiles.before.clone() };
        (Arc::new(profiles), details.versions.clone(), told.silence)
    }

    /// Puts dead letters back: these, or all if none is named. Says which went.
    pub(super) async fn redrive(&self, ids: Vec<String>) -> Result<Vec<String>> {
        let config = Arc::clone(&self.config);
        let done = tokio::task::spawn_blocking(move || dead_letters::redrive(&config, &ids)).await;
        self.queue.forget();
        // One that somebody else has put back meanwhile is no fault.
        done.map_err(|cause| Error::machine("the redrive broke down").because(cause))?.map(|(gone, _)| gone)
    }

    pub(super) fn checks(&self) -> Checks {
        self.checks.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Begins to check everything that a load needs, unless it is under way.
    pub(super) fn check(&self) {
        let begin = !std::mem::replace(&mut lock(&self.checks).is_under_way, true);
        if !begin {
            return;
        }
        let (config, checks) = (Arc::clone(&self.config), Arc::clone(&self.checks));
        tokio::task::spawn_blocking(move || {
            let ended = Ended(&checks);
            let mut heard = |_: &Checked| {};
            let mut list = Checklist::new(&mut heard);
            check(&config, None, false, &mut list);
            lock(ended.0).found = list.checked;
        });
    }
}

fn lock(checks: &Mutex<Checks>) -> MutexGuard<'_, Checks> {
    checks.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Says that the checks have ended, however they did.
struct Ended<'a>(&'a Mutex<Checks>);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        let mut checks = lock(self.0);
        checks.is_under_way = false;
        checks.at = Some(SystemTime::now());
    }
}

fn details(config: &Config, table: &str, ids: &[String]) -> Result<Details> {
    let report = |at: usize| -> Result<Option<RunReport>> {
        ids.get(at).map_or(Ok(None), |id| state::shown(config, table, id).map(|shown| shown.report))
    };
    let (mut now, before) = match config.warehouse.to.is_redshift() {
        true => (state::last_report(config, table)?, None),
        false => (report(0)?, report(1)?),
    };
    if now.is_none() {
        now = report(0)?;
    }
    Ok(Details { profiles: Profiles { now, before }, versions: state::versions(config, table)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

    #[tokio::test]
    async fn a_source_is_asked_once_and_a_silent_one_is_a_line() {
        let asked = Asked::new("x", Duration::from_secs(60));
        let times = Arc::new(AtomicU32::new(0));
        let ask = || {
            let times = Arc::clone(&times);
            move || Ok(times.fetch_add(1, SeqCst))
        };
        let (first, second) = tokio::join!(asked.get(ask()), asked.get(ask()));
        assert_eq!((first.value.as_deref(), second.value.as_deref()), (Some(&0), Some(&0)));
        assert_eq!(asked.get(ask()).await.value.as_deref(), Some(&0));
        asked.forget();
        let failed = asked.get(|| Err(Error::access("no way"))).await;
        assert_eq!(failed.value.as_deref(), Some(&0), "what it said before");
        assert_eq!(failed.silence, Some(Silence { source: "x".into(), why: "no way".into(), is_old: true }));
        asked.forget();
        let began = Instant::now();
        let (go, wait) = std::sync::mpsc::channel::<()>();
        let slow = asked.get(move || Ok(wait.recv().map_or(8, |()| 9))).await;
        assert!(began.elapsed() < Duration::from_secs(2));
        assert!(slow.silence.is_some_and(|silence| silence.why.contains("no answer within 1.2 s")));
        let other = asked.get(ask()).await;
        assert_eq!(times.load(SeqCst), 1, "it is not asked twice at once");
        assert!(other.silence.is_some());
        drop(go);
    }
}
