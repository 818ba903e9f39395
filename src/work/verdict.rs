//! What becomes of a message, by the class of the error.
//!
//! | class | message |
//! |---|---|
//! | `Transient`, `Machine` | back, with growing delay, up to `queue.tries`; then dead |
//! | `Interrupted` | back at once, not counted: it was stopped, nothing is wrong with it |
//! | `Usage`, `Access`, `Schema`, `Rejects`, `Counts`, `Input` | dead: another try would end the same |

use crate::error::Error;
use crate::queue::Reason;
use std::time::Duration;

/// How long a message waits after its first failed try, its second, and so on; the last stands for all
/// later ones. SQS delays no longer than 15 minutes.
pub const RETRY_DELAYS: [Duration; 5] = [
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(2 * 60),
    Duration::from_secs(8 * 60),
    Duration::from_secs(15 * 60),
];
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

pub(super) fn of_error(error: &Error, tries: u32, tries_max: u32) -> Disposition {
    match error {
        Error::Interrupted => Disposition::Back(Duration::ZERO),
        _ if is_final(error, tries, tries_max) => Disposition::Dead(Reason::of(error)),
        _ => Disposition::Retry(delay_after(tries)),
    }
}

/// Whether no other try follows this failure.
pub(super) fn is_final(error: &Error, tries: u32, tries_max: u32) -> bool {
    match error {
        Error::Interrupted => false,
        Error::Transient(_) | Error::Machine(_) => tries >= tries_max,
        Error::Usage(_)
        | Error::Access(_)
        | Error::Schema(_)
        | Error::Rejects(_)
        | Error::Counts(_)
        | Error::Input(_) => true,
    }
}

fn delay_after(tries: u32) -> Duration {
    let at = usize::try_from(tries.saturating_sub(1)).unwrap_or(usize::MAX);
    RETRY_DELAYS[at.min(RETRY_DELAYS.len() - 1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_decide() {
        let dead = |error: &Error| Disposition::Dead(Reason::of(error));
        let retry = |at: usize| Disposition::Retry(RETRY_DELAYS[at]);
        for (error, tries, expected) in [
            (Error::transient("x"), 1, Some(retry(0))),
            (Error::transient("x"), 2, Some(retry(1))),
            (Error::machine("x"), 4, Some(retry(3))),
            (Error::transient("x"), 5, None),
            (Error::machine("x"), 6, None),
            (Error::Interrupted, 9, Some(Disposition::Back(Duration::ZERO))),
            (Error::access("x"), 1, None),
            (Error::usage("x"), 1, None),
            (Error::schema("x"), 1, None),
            (Error::rejects("x"), 1, None),
            (Error::counts("x"), 1, None),
            (Error::input("x"), 1, None),
        ] {
            let found = of_error(&error, tries, 5);
            assert_eq!(found, expected.unwrap_or_else(|| dead(&error)), "{error:?} {tries}");
        }
        assert_eq!(of_error(&Error::transient("x"), 70, 100), retry(4));
    }
}
