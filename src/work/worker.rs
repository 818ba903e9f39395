//! What becomes of one message.

use super::selection::Selection;
use super::verdict::{Disposition, NOT_OURS_DELAY, is_final, of_error};
use crate::error::{Error, Result};
use crate::ledger;
use crate::queue::{LoadOrder, Queue, Reason};
use crate::report::Status;
use crate::store::runtime;
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

    /// Asks the load under way to end, unless it is past that.
    fn cut(&self);

    /// Tells the operator something.
    fn note(&self, text: &str);
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
}

impl Worker {
    /// Loads one export and says what becomes of its message. `tries` counts this one; at `deadline` the
    /// load is cut off.
    ///
    /// Call it from an ordinary thread: it blocks.
    pub fn handle(
        &self,
        loader: &dyn Loader,
        order: &LoadOrder,
        tries: u32,
        deadline: Option<Instant>,
    ) -> Disposition {
        if !self.selection.selects(order) {
            return self.forward(order, tries);
        }
        let is_last = |error: &Error| is_final(error, tries, self.tries_max);
        let loaded = cut_at(loader, deadline, || loader.load(order, &is_last));
        match loaded {
            Ok(_) => Disposition::Done,
            Err(error) => {
                let disposition = of_error(&error, tries, self.tries_max);
                tracing::warn!(%error, export = order.name(), tries, ?disposition, "not loaded");
                disposition
            }
        }
    }

    /// What becomes of a message that has come too often without that anybody said why: each time its
    /// worker died. One that waits for another worker comes often because SQS counts every taking.
    pub fn too_often(&self, order: &LoadOrder, tries: u32) -> Option<Reason> {
        let waits = self.others.is_none() && !self.selection.selects(order);
        (tries > self.tries_max && !waits).then(|| {
            let what = format!("taken {} times, and never came to an end", tries - 1);
            let help =
                "look why the worker died (memory, time, machine), then `csl-stream dead-letters redrive`";
            Reason::of(&Error::machine(what).help(help))
        })
    }

    /// A refusal is the other queue's fault, not the message's: each may pass.
    fn forward(&self, order: &LoadOrder, tries: u32) -> Disposition {
        let Some(others) = &self.others else { return nobodys(order) };
        match runtime().and_then(|runtime| runtime.block_on(others.send(order))) {
            Ok(()) => Disposition::Done,
            Err(cause) => {
                let error = Error::transient(format!("not forwarded to {others}")).because(cause);
                tracing::warn!(%error, export = order.name(), tries, "not forwarded");
                of_error(&error, tries, self.tries_max)
            }
        }
    }
}

/// Waits for a worker of another configuration, until nobody can read the export any more: otherwise what
/// nobody wants would fill the queue.
fn nobodys(order: &LoadOrder) -> Disposition {
    let oldest = ledger::timestamp(SystemTime::now() - NOBODYS_AGE_MAX);
    let oldest: String = oldest.chars().filter(char::is_ascii_digit).collect();
    let is_gone = order.exported_at().is_some_and(|at| at < oldest);
    if is_gone {
        tracing::warn!(
            export = order.name(),
            "dropped: nobody can read it any more, and no worker wanted it"
        );
        return Disposition::Done;
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
    use super::*;
    use crate::queue::QueueSettings;
    use crate::store::ExportKind;
    use crate::work::RETRY_DELAYS;

    /// Nothing is loaded here.
    struct Never;

    impl Loader for Never {
        fn load(&self, order: &LoadOrder, _: &dyn Fn(&Error) -> bool) -> Result<Status> {
            panic!("{order:?}")
        }

        fn cut(&self) {}

        fn note(&self, _: &str) {}
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
        };
        let order = LoadOrder {
            download_url: "https://h/k?SECRET".to_owned(),
            table: "t".to_owned(),
            s3: None,
            kind: ExportKind::Incremental,
        };
        assert_eq!(worker.handle(&Never, &order, 1, None), Disposition::Done);
        rusqlite::Connection::open(path).unwrap().execute_batch("DROP TABLE message").unwrap();
        for (tries, delay) in [(1, RETRY_DELAYS[0]), (2, RETRY_DELAYS[1])] {
            assert_eq!(worker.handle(&Never, &order, tries, None), Disposition::Retry(delay));
        }
        let Disposition::Dead(reason) = worker.handle(&Never, &order, 3, None) else { panic!("dead") };
        assert!(reason.text.contains("not forwarded to") && !reason.text.contains("SECRET"), "{reason:?}");
    }
}
