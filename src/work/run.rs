//! The loop: take, load, answer, until told to stop or, with `--once`, until nothing is left.

use super::keeper::{Taken, block_on};
use super::taking::{Item, in_order};
use super::verdict::{Disposition, Past, delay_after};
use super::worker::{Loader, Worker};
use crate::error::{Error, Result};
use crate::queue::{LoadOrder, Message, Queue, Reason, VISIBILITY};
use crate::store::ExportKind;
use std::collections::{HashMap, HashSet};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

/// One wait for messages; in between the worker looks whether it is to stop. Each is a call to SQS.
const WAIT: Duration = Duration::from_secs(5);
/// The same with `--once`.
const WAIT_ONCE: Duration = Duration::from_secs(1);
/// Pause after a queue that did not answer.
const PAUSE: Duration = Duration::from_secs(5);
/// Unanswered calls in a row after which `--once` gives up; without it a worker waits on.
const UNANSWERED_MAX: u32 = 12;
/// Dead letters that are kept in mind while the queue does not take them; of more the listeners hear again.
const UNBURIED_MAX: usize = 1000;
/// With `--once`: looks at a queue that seems empty; SQS may miss messages that are there.
const EMPTY_LOOKS: u32 = 2;

/// How many messages are taken together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batch {
    /// `work.batch_files`.
    pub files: usize,
    /// `work.batch_seconds`: how long a batch waits for more.
    pub wait: Duration,
}

/// What a worker has done.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Tally {
    /// Messages that are done: loaded now or before, obsolete, or forwarded.
    pub done: u64,
    /// Of them those that a newer full export made obsolete.
    pub obsolete: u64,
    /// Tries that failed and are repeated.
    pub retried: u64,
    /// Messages that became dead letters.
    pub dead: u64,
    /// Messages given back, because the worker was stopped or they are not its own.
    pub given_back: u64,
    /// Whether it ended because it was told to.
    pub stopped: bool,
    /// Whether a load was cut off for that.
    pub cut: bool,
    /// Messages that still wait for their next try; looked at with `--once` alone.
    pub waiting: u64,
}

/// Works until `stopping` says so; with `once` until the queue is empty and nothing that this worker put
/// back is due, but for messages whose `queue.tries` are used up: those are left to wait, and counted. What it
/// has stands in `taken`, for whoever must end the process before this returns.
///
/// # Errors
/// If the queue refuses, or, with `once`, does not answer.
pub fn run(
    taken: &Taken,
    worker: &Worker,
    loader: &dyn Loader,
    batch: Batch,
    once: bool,
    stopping: &dyn Fn() -> bool,
) -> Result<Tally> {
    let queue: &Queue = &taken.queue;
    queue.check_dead_letters()?;
    let (end, ended) = channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || taken.keep(loader, &ended));
        let mut shift = Shift {
            queue,
            worker,
            loader,
            batch,
            stopping,
            taken,
            tally: Tally::default(),
            due: None,
            put_off: HashSet::new(),
            unburied: HashMap::new(),
        };
        let worked = shift.work(once);
        loader.rest(None);
        drop(end);
        worked.map(|()| shift.tally)
    })
}

/// One worker from its start to its end.
struct Shift<'a> {
    queue: &'a Queue,
    worker: &'a Worker,
    loader: &'a dyn Loader,
    batch: Batch,
    stopping: &'a dyn Fn() -> bool,
    taken: &'a Taken,
    tally: Tally,
    /// When the last message that was put back is due.
    due: Option<Instant>,
    /// Messages that this worker put back after a try, and has not had since.
    put_off: HashSet<String>,
    /// Dead letters that the queue did not take: they were told, and are not loaded again.
    unburied: HashMap<String, Reason>,
}

impl Shift<'_> {
    fn work(&mut self, once: bool) -> Result<()> {
        let (mut unanswered, mut empty, mut empty_since) = (0, 0, Instant::now());
        let wait = if once { WAIT_ONCE } else { WAIT };
        while !(self.stopping)() {
            let messages = match block_on(self.queue.receive(self.batch.files, wait)) {
                Ok(messages) => messages,
                // A full disk too: who empties the queue must not end because it is full.
                Err(error @ (Error::Transient(_) | Error::Machine(_)))
                    if !once || unanswered < UNANSWERED_MAX =>
                {
                    if unanswered == 0 {
                        self.loader.note(&format!("waiting, the queue gives nothing now: {error}"));
                    }
                    unanswered += 1;
                    tracing::warn!(%error, "the queue does not answer");
                    self.pause(PAUSE);
                    continue;
                }
                Err(error) => return Err(error),
            };
            unanswered = 0;
            if !messages.is_empty() {
                empty = 0;
                self.take(messages)?;
                continue;
            }
            if empty == 0 {
                empty_since = Instant::now();
            }
            empty += 1;
            let nothing_due = self.due.is_none_or(|due| due <= Instant::now());
            if once && nothing_due && empty >= EMPTY_LOOKS && self.is_last(empty_since) {
                let own = self.put_off.len() as u64;
                self.tally.waiting = own.max(block_on(self.queue.put_off())?);
                return Ok(());
            }
        }
        self.tally.stopped = true;
        Ok(())
    }

    /// Whether no message can come back from a worker that has died: nobody has one, or all who have one
    /// would have renewed it.
    fn is_last(&self, empty_since: Instant) -> bool {
        let nobody_has_any = block_on(self.queue.taken()).is_ok_and(|taken| taken == 0);
        nobody_has_any || empty_since.elapsed() > VISIBILITY + WAIT
    }

    /// Waits, unless the worker is to stop.
    fn pause(&self, wait: Duration) {
        let until = Instant::now() + wait;
        while Instant::now() < until && !(self.stopping)() {
            std::thread::sleep(
                Duration::from_millis(50).min(until.saturating_duration_since(Instant::now())),
            );
        }
    }

    fn take(&mut self, messages: Vec<Message>) -> Result<()> {
        self.taken.add(&messages);
        let mut items = self.readable(messages);
        self.fill(&mut items);
        for table in in_order(items) {
            self.load_table(table);
        }
        Ok(())
    }

    /// Buries what can never be loaded.
    fn readable(&mut self, messages: Vec<Message>) -> Vec<Item> {
        let mut items = Vec::with_capacity(messages.len());
        for message in messages {
            self.put_off.remove(&message.id);
            let order = LoadOrder::parse(&message.body);
            if let Some(reason) = self.unburied.remove(&message.id) {
                self.answer(&message, &name_of(order.as_ref().ok()), Disposition::Dead(reason));
                continue;
            }
            match order {
                Ok(order) => match self.worker.too_often(&order, &Past::of(&message, &order)) {
                    Some(error) => self.bury(&message, Some(&order), error),
                    None => items.push(Item::new(message, order)),
                },
                Err(error) => self.bury(&message, None, error),
            }
        }
        items
    }

    /// Of a message whose load has not begun nobody has heard yet.
    fn bury(&mut self, message: &Message, order: Option<&LoadOrder>, error: Error) {
        self.answer(message, &name_of(order), Disposition::Dead(Reason::of(&error)));
        self.loader.buried(order, error);
    }

    /// Waits for more of an incremental batch that is not full.
    fn fill(&mut self, items: &mut Vec<Item>) {
        let is_batch = items.iter().any(|item| item.order.kind == ExportKind::Incremental);
        let Some(first) = items.first().map(|item| item.message.clone()) else { return };
        if !is_batch || self.batch.wait.is_zero() || items.len() >= self.batch.files {
            return;
        }
        self.pause(self.batch.wait);
        let most = self.batch.files - items.len();
        match block_on(self.queue.receive_more(&first, most)) {
            Ok(more) => {
                self.taken.add(&more);
                items.extend(self.readable(more));
            }
            Err(error) => tracing::warn!(%error, "the batch stays as it is"),
        }
    }

    fn load_table(&mut self, items: Vec<Item>) {
        let mut newest_full = None;
        for item in items {
            let Item { message, order, .. } = &item;
            if !self.taken.has(message) {
                continue;
            }
            if (self.stopping)() {
                self.answer(message, &order.name(), Disposition::Back(Duration::ZERO));
                continue;
            }
            if item.is_obsolete_beside(self.worker.cover, newest_full.as_deref()) {
                self.loader.note(&format!("{}: obsolete, a newer full export is in the table", order.name()));
                self.tally.obsolete += 1;
                self.answer(message, &order.name(), Disposition::Done);
                continue;
            }
            let past = Past::of(message, order);
            if !self.begins(message, &order.name(), past.hidden()) {
                continue;
            }
            let disposition = self.worker.handle(self.loader, order, &past, None);
            if disposition != Disposition::Done && !self.taken.has(message) {
                // Its next taker decides; an old receipt could put it back under their hands.
                self.outlived(message, &order.name());
                continue;
            }
            self.tally.cut |= (self.stopping)() && disposition == Disposition::Back(Duration::ZERO);
            let is_loaded = disposition == Disposition::Done && self.worker.selection.selects(order);
            if !self.answer(message, &order.name(), disposition) {
                self.outlived(message, &order.name());
            }
            if is_loaded && order.kind == ExportKind::Full {
                newest_full = newest_full.max(item.exported_at);
            }
        }
    }

    /// Counts the load that begins. One that cannot be counted does not begin: its message comes again.
    fn begins(&self, message: &Message, name: &str, hidden: Duration) -> bool {
        self.taken.begin(message, hidden);
        let counted = block_on(self.queue.begin(message, hidden));
        if !matches!(counted, Ok(true)) {
            self.taken.remove(message);
        }
        match counted {
            Ok(true) => return true,
            Ok(false) => self.loader.note(&format!("{name}: somebody else has the message now")),
            Err(error) => self.loader.note(&format!("{name}: not begun, the queue cannot be told: {error}")),
        }
        false
    }

    /// This worker slept, or could not renew; it did not die.
    fn outlived(&self, message: &Message, name: &str) {
        self.loader.note(&format!("{name}: somebody else has the message now"));
        if let Err(error) = block_on(self.queue.outlived(message)) {
            self.loader.note(&format!("{name}: counts as a death, the queue cannot be told: {error}"));
        }
    }

    /// Tells the queue; says whether the message was still ours, as far as is known. If the queue does not hear,
    /// the message comes again, and its load is skipped then.
    fn answer(&mut self, message: &Message, name: &str, disposition: Disposition) -> bool {
        let tally = &mut self.tally;
        let heard = match &disposition {
            Disposition::Done => {
                tally.done += 1;
                block_on(self.queue.delete(message)).map(|()| true)
            }
            Disposition::Back(delay) => {
                tally.given_back += 1;
                block_on(self.queue.give_back(message, *delay))
            }
            Disposition::Retry(delay) => {
                tally.retried += 1;
                self.put_off.insert(message.id.clone());
                if message.tries < self.worker.tries_max {
                    self.due = self.due.max(Some(Instant::now() + *delay));
                }
                self.loader.note(&format!("{name}: tried again in {} s", delay.as_secs()));
                block_on(self.queue.retry(message, *delay))
            }
            Disposition::Dead(reason) => {
                self.loader.note(&format!("{name}: a dead letter now: {}", reason.text));
                self.bury_or_put_off(message, reason).map(|()| true)
            }
        };
        self.taken.remove(message);
        heard.unwrap_or_else(|error| {
            self.loader.note(&format!("{name}: the queue was not told what became of it: {error}"));
            true
        })
    }

    /// Where dead letters cannot be kept the message comes again, each time later.
    fn bury_or_put_off(&mut self, message: &Message, reason: &Reason) -> Result<()> {
        let buried = block_on(self.queue.bury(message, reason));
        if buried.is_ok() {
            self.tally.dead += 1;
            return buried;
        }
        self.tally.retried += 1;
        self.put_off.insert(message.id.clone());
        if self.unburied.len() < UNBURIED_MAX {
            self.unburied.insert(message.id.clone(), reason.clone());
        }
        if let Err(error) = block_on(self.queue.retry(message, delay_after(message.tries))) {
            tracing::warn!(%error, id = message.id, "the message was not put back: it comes by itself");
        }
        buried
    }
}

/// What a note calls a message.
fn name_of(order: Option<&LoadOrder>) -> String {
    order.map_or_else(|| "message".to_owned(), LoadOrder::name)
}
