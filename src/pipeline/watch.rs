//! How others look at a run while it goes on, and how they stop it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Counters of a run, and the wish to stop it. Shared between the workers, the progress display
/// and the signal handler.
#[derive(Debug, Default)]
pub struct Watch {
    /// Bytes read from the source, as stored.
    pub source_bytes: AtomicU64,
    /// Records of finished row groups.
    pub records: AtomicU64,
    /// Rejected records of finished row groups.
    pub rejected: AtomicU64,
    stop: AtomicBool,
    waits_for: Mutex<Option<String>>,
}

impl Watch {
    /// Asks the run to end; it does so within one block of work, and leaves nothing half done.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Whether the run was asked to end.
    pub fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Says what the run waits for, or that it no longer does.
    pub fn wait_for(&self, what: Option<String>) {
        if let Some(what) = &what {
            tracing::info!("waiting for {what}");
        }
        *self.waits_for.lock().unwrap_or_else(PoisonError::into_inner) = what;
    }

    /// What it waits for: no byte moves until then.
    pub fn waits_for(&self) -> Option<String> {
        self.waits_for.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Adds to a counter.
    pub fn add(counter: &AtomicU64, n: u64) {
        counter.fetch_add(n, Ordering::Relaxed);
    }
}
