//! Everyone who hears what somebody should look at, beside the loads: none waits for a listener.
//!
//! ```text
//! load ends ── News ─▶ Event ─▶ queue ─▶ one thread: what was told? ─▶ cause::steps ─▶ listeners, all at once
//!                                        memory ◀── what was heard ◀──┘
//! ```

use super::alert::Alert;
use super::cause::{Step, steps};
use super::event::Event;
use super::listener::Listener;
use super::mark::{Marks, Subject};
use super::memory::Memory;
use super::news::News;
use super::slack::Slack;
use super::teams::Teams;
use super::webhook::Webhook;
use crate::store::s3::Encryption;
use crate::store::{HttpUrl, Location};
use std::collections::HashMap;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Ends of loads that wait to be told; more are left out, and told when they happen again.
const WAITING_MAX: usize = 256;
/// How long the end of a process waits for its listeners.
pub const FINISH_TIME_MAX: Duration = Duration::from_secs(20);
/// A listener that does not answer is not asked again for so long.
const DEAF_TIME: Duration = Duration::from_secs(60);

/// Who hears of what, and where it is written down that they did.
#[derive(Clone, Default)]
pub struct AlertSettings {
    /// Slack's incoming webhook.
    pub slack: Option<HttpUrl>,
    /// A workflow's webhook of Teams.
    pub teams: Option<HttpUrl>,
    /// Another program's webhook, and the secret that signs.
    pub webhook: Option<(HttpUrl, String)>,
    /// What they want to hear of.
    pub on: Vec<Subject>,
    /// Folder or prefix of what was told; none: this process alone remembers.
    pub place: Option<Location>,
    /// How it is encrypted in S3.
    pub encryption: Encryption,
}

type OfAlerts = Box<dyn Listener<Alert>>;

impl AlertSettings {
    fn listeners(&self) -> Vec<OfAlerts> {
        let mut all: Vec<OfAlerts> = Vec::new();
        if let Some(url) = self.slack.clone() {
            all.push(Box::new(Slack { url }));
        }
        if let Some(url) = self.teams.clone() {
            all.push(Box::new(Teams { url }));
        }
        if let Some((url, secret)) = self.webhook.clone() {
            all.push(Box::new(Webhook { url, secret }));
        }
        all
    }
}

/// Tells the listeners of alerts.
#[derive(Default)]
pub struct Alerts {
    settings: AlertSettings,
    queue: Mutex<Option<SyncSender<Event>>>,
    /// Events that wait or are being told.
    open: Arc<(Mutex<usize>, Condvar)>,
}

impl Alerts {
    /// Nobody is asked for anything yet.
    pub fn new(settings: AlertSettings) -> Self {
        Self { settings, ..Self::default() }
    }

    /// Their names.
    pub fn names(&self) -> Vec<String> {
        self.settings.listeners().iter().map(|listener| listener.name()).collect()
    }

    /// Sends a test to each, and says how that went. Blocks.
    pub fn test(&self) -> Vec<(String, Result<(), String>)> {
        let told = |listener: &OfAlerts| (listener.name(), listener.tell(&Alert::test()));
        self.settings.listeners().iter().map(told).collect()
    }

    /// Has a load's end told, if it is to be; returns at once.
    pub fn tell(&self, news: &News<'_>) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.is_none() {
            *queue = self.start();
        }
        let Some(sender) = &*queue else { return };
        *counter(&self.open) += 1;
        if let Err(refused) = sender.try_send(Event::of(news)) {
            done(&self.open);
            let why = match refused {
                TrySendError::Full(_) => "too many wait already",
                TrySendError::Disconnected(_) => "its thread has ended",
            };
            tracing::warn!(why, table = news.report.table, "a load's end is not told");
        }
    }

    /// The thread that tells; none if nobody is to be told.
    fn start(&self) -> Option<SyncSender<Event>> {
        let listeners = self.settings.listeners();
        if listeners.is_empty() {
            return None;
        }
        let (sender, events) = sync_channel(WAITING_MAX);
        let teller = Teller {
            listeners: listeners.into_iter().map(|listener| (listener, None)).collect(),
            wanted: self.settings.on.clone(),
            memory: Memory::new(self.settings.place.clone(), self.settings.encryption.clone()),
        };
        let open = Arc::clone(&self.open);
        let started = std::thread::Builder::new()
            .name("csl-alerts".to_owned())
            .spawn(move || teller.run(&events, &open));
        if let Err(cause) = &started {
            tracing::warn!(%cause, "nobody is told of loads: there is no thread for it");
        }
        started.is_ok().then_some(sender)
    }

    /// Waits until all is told, for [`FINISH_TIME_MAX`] or until `latest`.
    pub fn finish(&self, latest: Option<Instant>) {
        let end = Instant::now() + FINISH_TIME_MAX;
        let end = latest.map_or(end, |latest| latest.min(end));
        let mut open = counter(&self.open);
        while *open > 0 {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                tracing::warn!(left = *open, "ends of loads were not told in time");
                return;
            }
            open = self.open.1.wait_timeout(open, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

fn counter(open: &(Mutex<usize>, Condvar)) -> MutexGuard<'_, usize> {
    open.0.lock().unwrap_or_else(PoisonError::into_inner)
}

fn done(open: &(Mutex<usize>, Condvar)) {
    let mut count = counter(open);
    *count = count.saturating_sub(1);
    open.1.notify_all();
}

/// The thread's own.
struct Teller {
    /// Each, with when it last did not answer.
    listeners: Vec<(OfAlerts, Option<Instant>)>,
    wanted: Vec<Subject>,
    memory: Memory,
}

impl Teller {
    fn run(mut self, events: &Receiver<Event>, open: &(Mutex<usize>, Condvar)) {
        for event in events {
            self.hear(&event);
            done(open);
        }
    }

    fn hear(&mut self, event: &Event) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let wanted = &self.wanted;
        let plan = |marks: &Marks| steps(event, marks, wanted, now);
        let known = self.memory.read(&event.table);
        let none = Marks::new();
        let idle =
            |(listener, _): &(OfAlerts, _)| plan(known.get(&listener.name()).unwrap_or(&none)).is_empty();
        if self.listeners.iter().all(idle) {
            return;
        }
        self.memory.prepare();
        let _lock = self.memory.lock(&event.table);
        let mut known = self.memory.read(&event.table);
        let before = known.clone();
        let mut own: HashMap<String, Marks> = HashMap::new();
        for (listener, _) in &self.listeners {
            own.insert(listener.name(), known.remove(&listener.name()).unwrap_or_default());
        }
        std::thread::scope(|scope| {
            let told = self.listeners.iter_mut().map(|(listener, deaf)| {
                let marks = own.remove(&listener.name()).unwrap_or_default();
                let steps = plan(&marks);
                scope.spawn(move || (listener.name(), carried_out(&**listener, deaf, steps, marks)))
            });
            for thread in told.collect::<Vec<_>>() {
                if let Ok((name, marks)) = thread.join() {
                    known.insert(name, marks);
                }
            }
        });
        known.retain(|_, marks| !marks.is_empty());
        if known != before {
            self.memory.write(&event.table, known);
        }
    }
}

/// What a listener knows after these steps: what it did not hear, it does not know.
fn carried_out(
    listener: &dyn Listener<Alert>,
    deaf: &mut Option<Instant>,
    steps: Vec<Step>,
    mut marks: Marks,
) -> Marks {
    for step in steps {
        match step {
            Step::Keep(key, mark) => drop(marks.insert(key, mark)),
            Step::Tell(alert, mark) => {
                if heard(listener, deaf, &alert) {
                    marks.extend(mark);
                }
            }
            Step::Over(key, alert) => {
                if alert.is_none_or(|alert| heard(listener, deaf, &alert)) {
                    marks.remove(&key);
                }
            }
        }
    }
    marks
}

fn heard(listener: &dyn Listener<Alert>, deaf: &mut Option<Instant>, alert: &Alert) -> bool {
    if deaf.is_some_and(|since| since.elapsed() < DEAF_TIME) {
        return false;
    }
    let told = listener.tell(alert);
    *deaf = told.is_err().then(Instant::now);
    if let Err(cause) = told {
        let (listener, table) = (listener.name(), &alert.table);
        tracing::warn!(listener, cause, table, "an alert was not heard");
    }
    deaf.is_none()
}
