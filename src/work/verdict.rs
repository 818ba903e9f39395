//! What becomes of a message: one rule, by the class of the error, the age of its export, and its tries.
//!
//! | class | message |
//! |---|---|
//! | `Transient`, `Machine` | back, with growing delay, while the export can be read; after that up to `queue.tries` |
//! | `Access`, `Schema` | the same while the export can be read: a grant, an ALTER of the table's owner, a schema or an export that is not there yet; then dead |
//! | `Interrupted` | back at once, not counted: it was stopped, nothing is wrong with it |
//! | `Usage`, `Rejects`, `Counts`, `Input` | dead: another try would end the same |
//! | none: the load killed its worker | back; dead after `queue.tries` such loads |
//!
//! A worker that was only slow, or slept, is no death: it tells the queue so when it wakes. The local queue
//! counts deaths. SQS counts takings alone, also of messages that were only taken beside others, so there
//! a load that always kills its worker is held back instead: each time it stays hidden for longer
//! ([`DEATH_DELAYS`]), and while its export can be read it begins at most [`BEGUN_MAX`] times.
//!
//! Pure: the clock is an argument.

use crate::error::Error;
use crate::queue::{LoadOrder, Message, Reason, VISIBILITY};
use std::time::{Duration, SystemTime};

/// How long an export can be read after it was made (ControlShift's documentation of its exports).
pub const EXPORT_LIFE: Duration = Duration::from_secs(6 * 3600);
/// How long a message waits after its first failed try, its second, and so on; the last stands for all
/// later ones. SQS delays no longer than 15 minutes.
pub const RETRY_DELAYS: [Duration; 5] = [
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(2 * 60),
    Duration::from_secs(8 * 60),
    Duration::from_secs(15 * 60),
];
/// How long a message stays hidden when the worker that loads it dies, where nobody counts deaths: after its
/// first taking, its second, and so on; the last stands for all later ones.
pub const DEATH_DELAYS: [Duration; 4] =
    [VISIBILITY, Duration::from_secs(3 * 60), Duration::from_secs(10 * 60), Duration::from_secs(30 * 60)];
/// Most loads of one message that begin and kill their worker, where nobody counts deaths: the first ones, and
/// one for each of the last delay until [`EXPORT_LIFE`] is over.
pub const BEGUN_MAX: u32 = 16;
/// How long a message waits that this worker does not handle and has nowhere to send.
pub const NOT_OURS_DELAY: Duration = Duration::from_secs(5 * 60);

/// What becomes of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disposition {
    /// It is done: loaded now or before, or forwarded.
    Done,
    /// Put back, not counted as a try.
    Back(Duration),
    /// Put back after a try that failed.
    Retry(Duration),
    /// A dead letter.
    Dead(Reason),
}

/// What a message has behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Past {
    /// The latest moment at which the export can have been made, if anything is known of it.
    pub made: Option<SystemTime>,
    /// Which try this is.
    pub tries: u32,
    /// Earlier loads that killed their worker, if the queue knows.
    pub deaths: Option<u32>,
}

impl Past {
    /// The past of this message, whose order is this. Its name says when an export was made, in a zone that
    /// may be another; it was made before its message was sent.
    pub fn of(message: &Message, order: &LoadOrder) -> Self {
        let made = order.made().into_iter().chain(message.sent).min();
        Self { made, tries: message.tries, deaths: message.deaths }
    }

    /// How long the message stays hidden if its load kills its worker.
    pub fn hidden(&self) -> Duration {
        if self.deaths.is_some() { VISIBILITY } else { nth(&DEATH_DELAYS, self.tries) }
    }

    /// How long ago the export was made, at least.
    pub(super) fn age(&self, now: SystemTime) -> Option<Duration> {
        self.made.map(|made| now.duration_since(made).unwrap_or_default())
    }

    /// Whether nobody can read the export any more; of one without a time nothing else is known.
    fn is_gone(&self, now: SystemTime) -> bool {
        self.age(now).is_none_or(|age| age >= EXPORT_LIFE)
    }
}

/// What becomes of a message whose load ended with this error.
pub(super) fn of_error(error: &Error, past: &Past, tries_max: u32, now: SystemTime) -> Disposition {
    match error {
        Error::Interrupted => Disposition::Back(Duration::ZERO),
        _ if is_final(error, past, tries_max, now) => Disposition::Dead(Reason::of(error)),
        _ => Disposition::Retry(delay_after(past.tries)),
    }
}

/// Whether no other try follows this failure.
pub(super) fn is_final(error: &Error, past: &Past, tries_max: u32, now: SystemTime) -> bool {
    match error {
        Error::Interrupted => false,
        Error::Transient(_) | Error::Machine(_) => past.is_gone(now) && past.tries >= tries_max,
        Error::Access(_) | Error::Schema(_) => past.is_gone(now),
        Error::Usage(_) | Error::Rejects(_) | Error::Counts(_) | Error::Input(_) => true,
    }
}

/// Whether the loads of a message have killed their workers so often that no other begins. Where the queue
/// counts takings alone, a message that came along with others must not suffer for them: so they count only
/// when the export is gone anyhow.
pub(super) fn is_deadly(past: &Past, tries_max: u32, now: SystemTime) -> bool {
    match past.deaths {
        Some(deaths) => deaths >= tries_max,
        None => past.tries > tries_max && past.is_gone(now),
    }
}

/// How long a message waits after a try that failed.
pub fn delay_after(tries: u32) -> Duration {
    nth(&RETRY_DELAYS, tries)
}

/// The one of the first try, the second, and so on; the last of all later ones.
fn nth<const N: usize>(delays: &[Duration; N], tries: u32) -> Duration {
    let at = usize::try_from(tries.saturating_sub(1)).unwrap_or(usize::MAX);
    delays[at.min(N - 1)]
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
mod tests;
