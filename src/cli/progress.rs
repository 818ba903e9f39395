//! Shows how far a run is, from its counters, in a thread of its own.

use super::printer::{Printer, ProgressStyle, harmless};
use crate::ops::Watch;
use crate::report::words::{count, size as show};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle as BarStyle};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often a bar moves.
const BAR_INTERVAL: Duration = Duration::from_millis(100);
/// How often a line is written where there is no terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// Progress that is shown until this is dropped.
pub(super) struct Progress {
    ended: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Progress {
    /// Shows the counters of `watch`, one line among `bars`, which begins with the name if there is one; `bytes` is
    /// the length of the source as stored, if known.
    pub(super) fn start(
        printer: Printer,
        bars: &MultiProgress,
        name: Option<&str>,
        watch: Arc<Watch>,
        bytes: Option<u64>,
    ) -> Self {
        let style = printer.progress_style();
        if style == ProgressStyle::Silent {
            return Self { ended: None, thread: None };
        }
        let (ended, end) = channel::<()>();
        let (bars, name) = (bars.clone(), name.map_or(String::new(), |name| format!("{name}: ")));
        let thread = std::thread::spawn(move || {
            let started = Instant::now();
            let bar = (style == ProgressStyle::Bar).then(|| bar(&bars, name.clone(), bytes));
            let (mut told, mut waits) = (started, None);
            while end.recv_timeout(BAR_INTERVAL) == Err(RecvTimeoutError::Timeout) {
                let waiting = watch.waits_for();
                match &bar {
                    Some(bar) => {
                        bar.set_position(watch.source_bytes.load(Relaxed));
                        let waiting = waiting.as_ref().map(|what| harmless(&wait(what)).into_owned());
                        bar.set_message(waiting.unwrap_or_else(|| rows(&watch)));
                    }
                    // What it begins to wait for is told at once.
                    None if told.elapsed() >= LINE_INTERVAL || (waiting.is_some() && waiting != waits) => {
                        told = Instant::now();
                        printer.note(&format!("{name}{}", line(&watch, bytes, started.elapsed())));
                    }
                    None => {}
                }
                waits = waiting;
            }
            if let Some(bar) = bar {
                bar.finish_and_clear();
                bars.remove(&bar);
            }
        });
        Self { ended: Some(ended), thread: Some(thread) }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        drop(self.ended.take());
        if let Some(thread) = self.thread.take() {
            // A display that panicked is no reason to fail a run.
            let _ = thread.join();
        }
    }
}

fn bar(bars: &MultiProgress, name: String, bytes: Option<u64>) -> ProgressBar {
    let (bar, template) = match bytes {
        Some(bytes) => (
            ProgressBar::new(bytes),
            "{prefix}{bar:30} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left, {msg}",
        ),
        None => (ProgressBar::no_length(), "{prefix}{spinner} {bytes}, {bytes_per_sec}, {msg}"),
    };
    let bar = bar.with_style(BarStyle::with_template(template).unwrap_or_else(|_| BarStyle::default_bar()));
    bars.add(bar.with_prefix(name))
}

fn rows(watch: &Watch) -> String {
    let (records, rejected) = (watch.records.load(Relaxed), watch.rejected.load(Relaxed));
    match rejected {
        0 => format!("{} records", count(records)),
        _ => format!("{} records, {} rejected", count(records), count(rejected)),
    }
}

fn wait(what: &str) -> String {
    format!("waiting for {what}")
}

fn line(watch: &Watch, bytes: Option<u64>, elapsed: Duration) -> String {
    if let Some(what) = watch.waits_for() {
        return wait(&what);
    }
    let read = watch.source_bytes.load(Relaxed);
    let speed = show((read as f64 / elapsed.as_secs_f64().max(0.001)) as u64);
    let done = match bytes {
        Some(bytes) if bytes > 0 => format!("{} of {} ({} %)", show(read), show(bytes), read * 100 / bytes),
        _ => show(read),
    };
    format!("{done}, {speed}/s, {}", rows(watch))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_far_and_how_fast() {
        let watch = Watch::default();
        Watch::add(&watch.source_bytes, 50_000_000);
        Watch::add(&watch.records, 1_234);
        let second = Duration::from_secs(1);
        let text = "50.0 MB of 200 MB (25 %), 50.0 MB/s, 1,234 records";
        assert_eq!(line(&watch, Some(200_000_000), second), text);
        Watch::add(&watch.rejected, 1);
        assert_eq!(line(&watch, None, second), "50.0 MB, 50.0 MB/s, 1,234 records, 1 rejected");
        watch.wait_for(Some("the table: load x".to_owned()));
        assert_eq!(line(&watch, None, second), "waiting for the table: load x");
        watch.wait_for(None);
        assert_eq!(line(&watch, Some(0), second), "50.0 MB, 50.0 MB/s, 1,234 records, 1 rejected");
    }

    #[test]
    fn it_ends_at_once() {
        let printer = Printer::new(false, false);
        let started = Instant::now();
        drop(Progress::start(printer, &MultiProgress::new(), None, Arc::new(Watch::default()), None));
        assert!(started.elapsed() < LINE_INTERVAL);
    }
}
