//! Who hears of progress, and how many may at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Who may listen at once; one more is told to come back.
const LISTENERS_MAX: usize = 64;

/// How many listen.
#[derive(Debug, Default)]
pub(super) struct Listeners(Arc<AtomicUsize>);

/// One of them, until it is dropped.
pub(super) struct Seat(Arc<AtomicUsize>);

impl Listeners {
    pub(super) fn seat(&self) -> Option<Seat> {
        let taken =
            self.0.fetch_update(Relaxed, Relaxed, |seats| (seats < LISTENERS_MAX).then_some(seats + 1));
        taken.ok().map(|_| Seat(Arc::clone(&self.0)))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}
