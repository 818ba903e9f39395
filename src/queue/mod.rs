//! The queue between the webhook receiver and the worker: SQS, or a durable file.
//!
//! ```text
//! receiver ── send ──▶ waiting ── receive ──▶ taken ── begin ─┬ delete ────▶ loaded, gone
//!                         ▲                                   ├ give_back ─▶ waiting, not counted (local)
//!                         │                                   ├ retry ─────▶ waiting after a delay, a try more
//!                         ├─── VISIBILITY runs out ───┤
//!                         └────── redrive ─────── dead letters ◀─ bury, with the reason
//! ```
//!
//! A message is taken for [`VISIBILITY`]; who works longer renews it. If its taker dies, it waits again. If its
//! taker only slept, and another has it meanwhile, it says so when it wakes (`outlived`).
//! Delivery is at least once and the order is not promised: the warehouse knows what it has.
//!
//! | | local file | SQS |
//! |---|---|---|
//! | `receive` gives | messages of one table, which nobody else has one of | up to 10 of any table; FIFO: as local |
//! | a try is | a load that began and was not given back | every taking: they say nothing of loads |
//! | lanes | one a table, served in turn | FIFO: SQS's groups |
//! | the same export again | joins the waiting message | FIFO: dropped for 5 minutes; standard: a second message |

mod dead;
mod format;
mod local;
mod message;
mod name;
mod sqs;
mod sqs_dead;
mod state;
mod writer;

pub use dead::{DeadLetter, LISTED_MAX, Reason, Redrive};
pub use message::{LoadOrder, MESSAGE_BYTES_MAX, Message, ObjectName, RENEW_EVERY, VISIBILITY};
pub use sqs::{DELAY_MAX, RECEIVE_MAX, VISIBILITY_MAX};
pub use state::{LANES_MAX, LaneState, QueueState};

use crate::error::Result;
use local::LocalQueue;
use sqs::SqsQueue;
use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

/// Which queue, as the configuration says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueSettings {
    /// `queue.url`; absent: the local file.
    pub url: Option<String>,
    /// `queue.dead_letter_url`; the local file holds its dead letters itself.
    pub dead_letter_url: Option<String>,
    /// `queue.path`: the local file.
    pub path: PathBuf,
}

/// A queue of load messages.
#[derive(Debug)]
pub struct Queue(Kind);

#[derive(Debug)]
enum Kind {
    Local(LocalQueue),
    Sqs(SqsQueue),
}

impl Queue {
    /// Opens the queue of the settings; the local file is made if it is not there, readable by its owner
    /// alone. Nothing is asked of SQS yet. May be called inside an async program.
    ///
    /// # Errors
    /// [`crate::Error::Usage`] for a URL that is none of SQS; what the file system refuses.
    pub fn open(settings: &QueueSettings) -> Result<Self> {
        match &settings.url {
            Some(url) => SqsQueue::new(url, settings.dead_letter_url.as_deref()).map(|q| Self(Kind::Sqs(q))),
            None => LocalQueue::open(&settings.path).map(|queue| Self(Kind::Local(queue))),
        }
    }

    /// Sends a message; it is durable when this returns.
    ///
    /// # Errors
    /// [`crate::Error::Transient`] if the queue cannot be reached, [`crate::Error::Access`] if it refuses.
    pub async fn send(&self, order: &LoadOrder) -> Result<()> {
        match &self.0 {
            Kind::Local(queue) => queue.send(order.clone()).await,
            Kind::Sqs(queue) => queue.send(order).await,
        }
    }

    /// Whether the queue would take a message now.
    ///
    /// # Errors
    /// As [`Queue::send`].
    pub async fn ready(&self) -> Result<()> {
        match &self.0 {
            Kind::Local(queue) => queue.ready().await,
            Kind::Sqs(queue) => queue.ready().await,
        }
    }

    /// Takes up to `most` messages, waiting up to `wait` for the first.
    ///
    /// # Errors
    /// As [`Queue::send`].
    pub async fn receive(&self, most: usize, wait: Duration) -> Result<Vec<Message>> {
        match &self.0 {
            Kind::Local(queue) => queue.receive(most, wait).await,
            Kind::Sqs(queue) => queue.receive(most, wait).await,
        }
    }

    /// Takes up to `most` more that may be worked on together with `first`; waits for none.
    ///
    /// # Errors
    /// As [`Queue::send`].
    pub async fn receive_more(&self, first: &Message, most: usize) -> Result<Vec<Message>> {
        match &self.0 {
            Kind::Local(queue) => queue.receive_more(first, most).await,
            Kind::Sqs(queue) => queue.receive(most, Duration::ZERO).await,
        }
    }

    /// Says that the load of a taken message begins now, and counts it; says whether the message was still
    /// ours. SQS keeps no such count: there the message is hidden for `hidden` from now on.
    ///
    /// # Errors
    /// As [`Queue::send`].
    pub async fn begin(&self, message: &Message, hidden: Duration) -> Result<bool> {
        match &self.0 {
            Kind::Local(queue) => queue.begin(message).await,
            Kind::Sqs(queue) => queue.renew(message, hidden).await,
        }
    }

    /// Says that a load that had begun has come to an end, though its message is somebody else's by now: it
    /// was slow, and no death. Call it once for each such load. SQS keeps no such count.
    ///
    /// # Errors
    /// As [`Queue::send`].
    pub async fn outlived(&self, message: &Message) -> Result<()> {
        match &self.0 {
            Kind::Local(queue) => queue.outlived(message).await,
            Kind::Sqs(_) => Ok(()),
        }
    }

    /// How many messages wait for another try after one that failed; SQS does not tell them from others.
    ///
    /// # Errors
    /// As [`Queue::send`].
    pub async fn put_off(&self) -> Result<u64> {
        match &self.0 {
            Kind::Local(queue) => queue.put_off().await,
            Kind::Sqs(_) => Ok(0),
        }
    }

    /// How many messages somebody has taken; of SQS about, and with those that wait after a try.
    ///
    /// # Errors
    /// As [`Queue::send`].
    pub async fn taken(&self) -> Result<u64> {
        match &self.0 {
            Kind::Local(queue) => queue.taken().await,
            Kind::Sqs(queue) => queue.taken().await,
        }
    }

    /// What it holds now.
    ///
    /// # Errors
    /// As [`Queue::send`].
    pub async fn state(&self) -> Result<QueueState> {
        match &self.0 {
            Kind::Local(queue) => queue.state().await,
            Kind::Sqs(queue) => queue.state().await,
        }
    }

    /// What it holds of each table, by name; none of SQS, which does not say it.
    ///
    /// # Errors
    /// As [`Queue::send`].
    pub async fn lanes(&self) -> Result<Option<Vec<LaneState>>> {
        match &self.0 {
            Kind::Local(queue) => queue.lanes().await.map(Some),
            Kind::Sqs(_) => Ok(None),
        }
    }

    /// Keeps a taken message for `hidden` from now on, mostly [`VISIBILITY`]; says whether it was still ours.
    ///
    /// # Errors
    /// As [`Queue::send`].
    pub async fn renew(&self, message: &Message, hidden: Duration) -> Result<bool> {
        match &self.0 {
            Kind::Local(queue) => queue.renew(message, hidden).await,
            Kind::Sqs(queue) => queue.renew(message, hidden).await,
        }
    }

    /// Puts a message back that nothing is wrong with, whether or not its load had begun; it waits `delay`.
    /// Says whether it was still ours; if not, nothing is changed.
    ///
    /// # Errors
    /// As [`Queue::send`].
    pub async fn give_back(&self, message: &Message, delay: Duration) -> Result<bool> {
        match &self.0 {
            Kind::Local(queue) => queue.give_back(message, delay).await,
            Kind::Sqs(queue) => queue.renew(message, delay).await,
        }
    }

    /// Puts a message back whose try failed; it waits `delay`. Says whether it was still ours; if not, nothing
    /// is changed.
    ///
    /// # Errors
    /// As [`Queue::send`].
    pub async fn retry(&self, message: &Message, delay: Duration) -> Result<bool> {
        match &self.0 {
            Kind::Local(queue) => queue.retry(message, delay).await,
            Kind::Sqs(queue) => queue.renew(message, delay).await,
        }
    }

    /// Removes a message that is done.
    ///
    /// # Errors
    /// As [`Queue::send`].
    pub async fn delete(&self, message: &Message) -> Result<()> {
        match &self.0 {
            Kind::Local(queue) => queue.delete(message).await,
            Kind::Sqs(queue) => queue.delete(message).await,
        }
    }

    /// Moves a message to the dead letters.
    ///
    /// # Errors
    /// As [`Queue::send`]; the message stays in the queue then.
    pub async fn bury(&self, message: &Message, reason: &Reason) -> Result<()> {
        match &self.0 {
            Kind::Local(queue) => queue.bury(message, reason).await,
            Kind::Sqs(queue) => queue.bury(message, reason).await,
        }
    }

    /// Refuses a queue without a place for dead letters: a worker must have one.
    ///
    /// # Errors
    /// [`crate::Error::Usage`] for SQS without `queue.dead_letter_url`.
    pub fn check_dead_letters(&self) -> Result<()> {
        match &self.0 {
            Kind::Local(_) => Ok(()),
            Kind::Sqs(queue) => queue.dead_letter_url().map(drop),
        }
    }

    /// The dead letters, oldest first, at most [`LISTED_MAX`].
    ///
    /// # Errors
    /// As [`Queue::send`]; [`crate::Error::Usage`] for SQS without `queue.dead_letter_url`.
    pub async fn dead_letters(&self) -> Result<Vec<DeadLetter>> {
        match &self.0 {
            Kind::Local(queue) => queue.dead_letters().await,
            Kind::Sqs(queue) => queue.dead_letters().await,
        }
    }

    /// Forgets dead letters of the local queue that died before this, and says how many. SQS forgets by itself.
    ///
    /// # Errors
    /// As [`Queue::send`].
    pub async fn forget_dead(&self, before: SystemTime) -> Result<u64> {
        match &self.0 {
            Kind::Local(queue) => queue.forget_dead(before).await,
            Kind::Sqs(_) => Ok(0),
        }
    }

    /// Puts dead letters back into the queue, as if they had just been sent, and says which.
    ///
    /// # Errors
    /// As [`Queue::dead_letters`].
    pub async fn redrive(&self, which: &Redrive) -> Result<Vec<String>> {
        match &self.0 {
            Kind::Local(queue) => queue.redrive(which).await,
            Kind::Sqs(queue) => queue.redrive(which).await,
        }
    }

    /// Whether `receive` gives messages of one table alone, and whether nobody else has one of that table.
    pub fn is_by_table(&self) -> bool {
        match &self.0 {
            Kind::Local(_) => true,
            Kind::Sqs(queue) => queue.is_fifo(),
        }
    }
}

impl fmt::Display for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Local(queue) => write!(f, "{}", queue.path().display()),
            Kind::Sqs(queue) => f.write_str(queue.url()),
        }
    }
}
