//! What becomes of one message.

use super::selection::Selection;
use super::verdict::{Disposition, NOT_OURS_DELAY, Past, is_deadly, is_final, of_error};
use crate::error::{Error, Result};
use crate::ledger::Cover;
use crate::queue::{LoadOrder, Queue, Reason};
use crate::report::Status;
use crate::store::runtime;
use std::cell::OnceCell;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant, SystemTime};

/// An export can be read for six hours; its name may be in another zone's time.
pub const NOBODYS_AGE_MAX: Duration = Duration::from_secs(24 * 3600);

/// Loads one export: what the command line gives to the worker.
pub trait Loader: Sync {
    /// Loads the export, all or nothing. Of a failure the listeners hear if `is_final` says that no other
    /// try follows.
    ///
    /// # Errors
    /// As `backfill`.
    fn load(&self, order: &LoadOrder, is_final: &dyn Fn(&Error) -> bool) -> Result<Status>;

    /// Hears that a message becomes a dead letter of which no load has told: one that nobody can read (then
    /// there is no order), or whose loads have killed their workers, that could not be forwarded, or that no
    /// worker wanted.
    fn buried(&self, order: Option<&LoadOrder>, error: Error);

    /// Asks the load under way to end, unless it is past that.
    fn cut(&self);

    /// Tells the operator something.
    fn note(&self, text: &str);

    /// Hears that nothing more is loaded for now, and ends what it still does beside, by `latest` at the latest.
    fn rest(&self, latest: Option<Instant>) {
        let _ = latest;
    }
}

/// What decides about a message.
#[derive(Debug)]
pub struct Worker {
    /// Which exports are loaded.
    pub selection: Selection,
    /// Where the others go.
    pub others: Option<Queue>,
    /// Tries of a message.
    pub tries_max: u32,
    /// Which exports a full one makes needless.
    pub cover: Cover,
}

impl Worker {
    /// Loads one export and says what becomes of its message; at `deadline` the load is cut off. The queue
    /// has been told that it begins.
    ///
    /// Call it from an ordinary thread: it blocks.
    pub fn handle(
        &self,
        loader: &dyn Loader,
        order: &LoadOrder,
        past: &Past,
        deadline: Option<Instant>,
    ) -> Disposition {
        if !self.selection.selects(order) {
            return self.forward(loader, order, past);
        }
        // One moment for both who ask: a dead letter of which the load was told that it is none would be silent.
        let ended = OnceCell::new();
        let end = || *ended.get_or_init(SystemTime::now);
        let is_last = |error: &Error| is_final(error, past, self.tries_max, end());
        let loaded = cut_at(loader, deadline, || loader.load(order, &is_last));
        match loaded {
            Ok(_) => Disposition::Done,
            Err(error) => {
                let disposition = of_error(&error, past, self.tries_max, end());
                tracing::warn!(%error, export = order.name(), past.tries, ?disposition, "not loaded");
                disposition
            }
        }
    }

    /// Why no load of a message begins any more, if none does: each time its worker died. One that waits for
    /// another worker comes often because SQS counts every taking.
    pub fn too_often(&self, order: &LoadOrder, past: &Past) -> Option<Error> {
        let waits = self.others.is_none() && !self.selection.selects(order);
        (!waits && is_deadly(past, self.tries_max, SystemTime::now())).then(|| {
            let what = format!("taken {} times, and never came to an end", past.tries.saturating_sub(1));
            let help =
                "look why the worker died (memory, time, machine), then `csl-stream dead-letters redrive`";
            Error::machine(what).help(help)
        })
    }

    /// A refusal is the other queue's fault, not the message's: each may pass.
    fn forward(&self, loader: &dyn Loader, order: &LoadOrder, past: &Past) -> Disposition {
        let Some(others) = &self.others else { return nobodys(loader, order, past) };
        match runtime().and_then(|runtime| runtime.block_on(others.send(order))) {
            Ok(()) => Disposition::Done,
            Err(cause) => {
                let error = Error::transient(format!("not forwarded to {others}")).because(cause);
                tracing::warn!(%error, export = order.name(), past.tries, "not forwarded");
                self.not_handed_on(loader, order, past, error)
            }
        }
    }

    /// What becomes of a message that another place did not take; of a dead letter the loader hears.
    pub fn not_handed_on(
        &self,
        loader: &dyn Loader,
        order: &LoadOrder,
        past: &Past,
        error: Error,
    ) -> Disposition {
        let disposition = of_error(&error, past, self.tries_max, SystemTime::now());
        if matches!(disposition, Disposition::Dead(_)) {
            loader.buried(Some(order), error);
        }
        disposition
    }
}

/// Waits for a worker of another configuration, until nobody can read the export any more: then somebody must
/// hear that it was never loaded.
fn nobodys(loader: &dyn Loader, order: &LoadOrder, past: &Past) -> Disposition {
    if past.age(SystemTime::now()).is_some_and(|age| age > NOBODYS_AGE_MAX) {
        let error = Error::usage("for a day no worker's work.tables and work.kinds have named this export")
            .help("name it there, or set queue.others_url; or stop whoever sends it");
        let reason = Reason::of(&error);
        loader.buried(Some(order), error);
        return Disposition::Dead(reason);
    }
    tracing::debug!(export = order.name(), "not selected by work.tables and work.kinds");
    Disposition::Back(NOT_OURS_DELAY)
}

/// Runs `load`; at `deadline` it is asked to end.
fn cut_at<T>(loader: &dyn Loader, deadline: Option<Instant>, load: impl FnOnce() -> T) -> T {
    let Some(deadline) = deadline else { return load() };
    std::thread::scope(|scope| {
        let (ended, end) = channel::<()>();
        scope.spawn(move || {
            let left = deadline.saturating_duration_since(Instant::now());
            if end.recv_timeout(left.max(Duration::from_millis(1))) == Err(RecvTimeoutError::Timeout) {
                loader.cut();
            }
        });
        let loaded = load();
        drop(ended);
        loaded
    })
}

#[cfg(test)]
mod tests {
    use super::super::verdict::{EXPORT_LIFE, RETRY_DELAYS};
    use super::*;
    use crate::queue::QueueSettings;
    use crate::store::ExportKind;

    /// Nothing is loaded here; what is buried is kept.
    #[derive(Default)]
    struct Never(std::sync::Mutex<Option<Error>>);

    impl Loader for Never {
        fn load(&self, order: &LoadOrder, _: &dyn Fn(&Error) -> bool) -> Result<Status> {
            panic!("{order:?}")
        }

        fn buried(&self, _: Option<&LoadOrder>, error: Error) {
            *self.0.lock().unwrap() = Some(error);
        }

        fn cut(&self) {}

        fn note(&self, _: &str) {}
    }

    /// Asks whether its failure is the last word, and takes its time with it.
    struct Slow(std::sync::Mutex<Option<bool>>);

    impl Loader for Slow {
        fn load(&self, _: &LoadOrder, is_final: &dyn Fn(&Error) -> bool) -> Result<Status> {
            let error = Error::access("403");
            *self.0.lock().unwrap() = Some(is_final(&error));
            std::thread::sleep(Duration::from_millis(600));
            Err(error)
        }

        fn buried(&self, _: Option<&LoadOrder>, error: Error) {
            panic!("{error}")
        }

        fn cut(&self) {}

        fn note(&self, _: &str) {}
    }

    /// The export's six hours end between the two questions: what was told to nobody must not be dead.
    #[test]
    fn listeners_and_verdict_see_one_moment() {
        let selection = Selection { tables: None, kinds: vec![ExportKind::Full] };
        let worker = Worker { selection, others: None, tries_max: 5, cover: crate::ledger::Cover::default() };
        let order = LoadOrder {
            download_url: String::new(),
            table: "t".to_owned(),
            s3: None,
            kind: ExportKind::Full,
        };
        let nearly = EXPORT_LIFE - Duration::from_millis(300);
        let past = Past { made: SystemTime::now().checked_sub(nearly), tries: 1, deaths: Some(0) };
        let loader = Slow(std::sync::Mutex::default());
        let disposition = worker.handle(&loader, &order, &past, None);
        assert_eq!(*loader.0.lock().unwrap(), Some(false));
        assert_eq!(disposition, Disposition::Retry(RETRY_DELAYS[0]));
    }

    #[test]
    fn what_cannot_be_forwarded_is_tried_again_and_then_dead() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("others.db");
        let settings = QueueSettings { url: None, dead_letter_url: None, path: path.clone() };
        let others = Queue::open(&settings).unwrap();
        let worker = Worker {
            selection: Selection { tables: None, kinds: vec![ExportKind::Full] },
            others: Some(others),
            tries_max: 3,
            cover: Cover::default(),
        };
        let order = LoadOrder {
            download_url: "https://h/k?SECRET".to_owned(),
            table: "t".to_owned(),
            s3: None,
            kind: ExportKind::Incremental,
        };
        let (loader, now) = (Never::default(), SystemTime::now());
        let past = |tries, hours: u64| Past {
            made: now.checked_sub(Duration::from_secs(hours * 3600)),
            tries,
            deaths: Some(0),
        };
        assert_eq!(worker.handle(&loader, &order, &past(1, 0), None), Disposition::Done);
        rusqlite::Connection::open(path).unwrap().execute_batch("DROP TABLE message").unwrap();
        for (tries, hours, delay) in
            [(1, 7, RETRY_DELAYS[0]), (2, 7, RETRY_DELAYS[1]), (3, 5, RETRY_DELAYS[2])]
        {
            assert_eq!(worker.handle(&loader, &order, &past(tries, hours), None), Disposition::Retry(delay));
        }
        assert!(loader.0.lock().unwrap().is_none(), "nothing is dead yet");
        let Disposition::Dead(reason) = worker.handle(&loader, &order, &past(3, 7), None) else {
            panic!("dead")
        };
        assert!(loader.0.lock().unwrap().is_some(), "and it is told");
        assert!(reason.text.contains("not forwarded to") && !reason.text.contains("SECRET"), "{reason:?}");
    }
}
