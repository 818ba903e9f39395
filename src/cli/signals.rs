//! Ctrl-C and SIGTERM: the first asks the run to end cleanly, the second ends the process.
//!
//! ```text
//! signal ──▶ Stopper ──▶ the watch of each run under way ──▶ the run ends by itself
//!               │                  └ and of every later one
//!               └─ after GRACE: the run waits for something that cannot be asked; the process ends
//! ```
//! A process may end anywhere: a load that was not switched to is swept by the next one.

use super::printer::Printer;
use crate::error::Result;
use crate::ops::Watch;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

/// Exit code of a process that was interrupted.
pub(super) const INTERRUPTED: i32 = 130;
/// How long a run may take to end by itself. One that works does so within a block of work; one that
/// waits (for standard input, for S3, for the lock of a table) would wait to the end.
pub(super) const GRACE: Duration = Duration::from_secs(5);

/// What a process does between the first signal and its end.
pub(super) struct Patience {
    /// What it says at the signal.
    pub(super) note: &'static str,
    /// How long the run under way may go on.
    pub(super) finish: Duration,
    /// When the process ends, though the run still waits.
    pub(super) end: Duration,
    /// What is done right before that.
    pub(super) last: Box<dyn FnOnce() + Send>,
}

impl Default for Patience {
    fn default() -> Self {
        let note = "stopping; what is under way will not be loaded (once more to stop at once)";
        Self { note, finish: Duration::ZERO, end: GRACE, last: Box::new(|| {}) }
    }
}

/// Stops the runs of this process, each with counters of its own, at the first signal.
#[derive(Debug, Clone, Default)]
pub(super) struct Stopper(Arc<Mutex<Asked>>);

#[derive(Debug, Default)]
struct Asked {
    /// A signal has come.
    heard: bool,
    stopped: bool,
    /// Of runs that may be under way.
    current: Vec<Weak<Watch>>,
}

impl Stopper {
    /// A stopper that signals work on from now on.
    ///
    /// # Errors
    /// If the system takes no handlers.
    pub(super) fn of_signals(printer: Printer) -> Result<Self> {
        let stopper = Self::default();
        stopper.listen(printer, Patience::default())?;
        Ok(stopper)
    }

    /// Signals work on it from now on, with this patience.
    ///
    /// # Errors
    /// If the system takes no handlers.
    pub(super) fn listen(&self, printer: Printer, patience: Patience) -> Result<()> {
        stop_on_signal(printer, self.clone(), patience)
    }

    /// Whether a signal has come: nothing new is to begin.
    pub(super) fn heard(&self) -> bool {
        self.lock().heard
    }

    /// A watch for the next run: with counters at zero, and stopped if a signal has come already.
    pub(super) fn watch(&self) -> Arc<Watch> {
        let mut asked = self.lock();
        let watch = Arc::<Watch>::default();
        if asked.stopped {
            watch.stop();
        }
        asked.current.retain(|earlier| earlier.strong_count() > 0);
        asked.current.push(Arc::downgrade(&watch));
        watch
    }

    #[cfg_attr(not(unix), allow(dead_code))]
    fn stop(&self) {
        let mut asked = self.lock();
        (asked.heard, asked.stopped) = (true, true);
        asked.current.iter().filter_map(Weak::upgrade).for_each(|watch| watch.stop());
    }

    fn lock(&self) -> MutexGuard<'_, Asked> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A file longer than the process may write (`ulimit -f`) becomes an error of the write, with place and help: the
/// signal would end the process without a word and leave what it wrote (setrlimit(2)).
///
/// # Errors
/// If the system takes no handler.
#[cfg(unix)]
pub(super) fn outlive_file_limits() -> Result<()> {
    signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::default())
        .map_err(|cause| crate::Error::machine("cannot listen for signals").because(cause))?;
    Ok(())
}

/// Elsewhere there is no such signal.
#[cfg(not(unix))]
#[allow(clippy::unnecessary_wraps)]
pub(super) fn outlive_file_limits() -> Result<()> {
    Ok(())
}

#[cfg(unix)]
fn stop_on_signal(printer: Printer, stopper: Stopper, patience: Patience) -> Result<()> {
    use crate::error::Error;
    use signal_hook::consts::{SIGINT, SIGTERM};
    use std::io::Read;
    use std::os::unix::net::UnixStream;
    use std::sync::atomic::AtomicBool;

    let refused = |cause| Error::machine("cannot listen for signals").because(cause);
    let (mut heard, ring) = UnixStream::pair().map_err(refused)?;
    let asked = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // In this order: the first signal finds `asked` false and sets it, the second finds it true.
        signal_hook::flag::register_conditional_shutdown(signal, INTERRUPTED, Arc::clone(&asked))
            .map_err(refused)?;
        signal_hook::flag::register(signal, Arc::clone(&asked)).map_err(refused)?;
        signal_hook::low_level::pipe::register(signal, ring.try_clone().map_err(refused)?)
            .map_err(refused)?;
    }
    std::thread::spawn(move || {
        if heard.read(&mut [0]).is_ok_and(|count| count > 0) {
            stopper.lock().heard = true;
            printer.note(patience.note);
            std::thread::sleep(patience.finish);
            stopper.stop();
            std::thread::sleep(patience.end.saturating_sub(patience.finish));
            (patience.last)();
            printer.error(&still_waiting(patience.end));
            // Without destructors, like the second signal: the run's thread holds what they would wait for.
            signal_hook::low_level::exit(INTERRUPTED);
        }
    });
    Ok(())
}

/// Whether anything was loaded is not known here: a load may be about to be switched to.
#[cfg(unix)]
fn still_waiting(after: Duration) -> crate::Error {
    crate::Error::transient(format!("interrupted: the run still waited after {} s", after.as_secs()))
        .help("`csl-stream loads list` shows what is loaded; the next run sweeps what this one left")
}

/// Elsewhere Ctrl-C ends the process; staged files are swept by the next run.
#[cfg(not(unix))]
#[allow(clippy::unnecessary_wraps)]
fn stop_on_signal(_printer: Printer, _stopper: Stopper, _patience: Patience) -> Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering::Relaxed;

    #[test]
    fn each_run_has_counters_of_its_own_and_one_stop_ends_them_all() {
        let stopper = Stopper::default();
        let first = stopper.watch();
        Watch::add(&first.source_bytes, 5);
        let second = stopper.watch();
        assert_eq!((second.source_bytes.load(Relaxed), second.stopped()), (0, false));
        stopper.stop();
        assert!(first.stopped() && second.stopped() && stopper.watch().stopped());
    }
}
