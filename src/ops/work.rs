//! The worker: takes messages from the queue and loads what they name.

use super::observer::Observer;
use super::options::Conversion;
use super::work_load::Loads;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::queue::{Queue, QueueSettings};
use crate::report::Checklist;
use crate::store::{ExportKind, runtime};
use crate::work::{Batch, Selection, Taken, Worker};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use crate::work::Tally;

/// What the worker decides for all of its loads.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Work {
    /// How exports are converted.
    pub conversion: Conversion,
    /// Make a table in Redshift from the schema if it is not there.
    pub create_table: bool,
    /// Folder of rejected records; empty: the current one.
    pub rejects: PathBuf,
}

/// A worker that is ready to take messages.
pub struct Ready<'a> {
    worker: Worker,
    taken: Arc<Taken>,
    loads: Loads<'a>,
    batch: Batch,
    queue: String,
}

/// Opens the queue and looks whether the settings can be worked with at all: what is wrong with them must not
/// make dead letters of all messages.
///
/// # Errors
/// What is wrong with them.
pub fn ready<'a>(config: &'a Config, request: &'a Work, observer: &'a dyn Observer) -> Result<Ready<'a>> {
    let queue = Arc::new(queue(config)?);
    queue.check_dead_letters()?;
    let loads = Loads::new(config, request, observer);
    loads.check()?;
    Ok(Ready {
        worker: worker(config)?,
        queue: queue.to_string(),
        taken: Arc::new(Taken::new(queue)),
        loads,
        batch: batch(config),
    })
}

impl Ready<'_> {
    /// Gives back to the queue what this worker has: for whoever must end the process before it is done.
    pub fn give_back(&self) -> impl FnOnce() + Send + 'static {
        let held = Arc::clone(&self.taken);
        move || held.give_back_all()
    }

    /// Takes and loads until the observer says to stop; with `once` until the queue is empty.
    ///
    /// # Errors
    /// If the queue refuses, or, with `once`, does not answer.
    pub fn run(&self, once: bool) -> Result<Tally> {
        let observer = self.loads.observer();
        observer.note(&format!("taking messages from {}", self.queue));
        let stopping = || observer.is_stopping();
        crate::work::run(&self.taken, &self.worker, &self.loads, self.batch, once, &stopping)
    }
}

/// The queue of the configuration.
pub(super) fn queue(config: &Config) -> Result<Queue> {
    let own = &config.queue;
    Queue::open(&QueueSettings {
        url: own.url.clone(),
        dead_letter_url: own.dead_letter_url.clone(),
        path: PathBuf::from(&own.path),
    })
}

/// What decides about messages, by the configuration.
pub(super) fn worker(config: &Config) -> Result<Worker> {
    let others = config.queue.others_url.as_deref().map(sqs);
    Ok(Worker {
        selection: selection(config),
        others: others.transpose()?,
        tries_max: config.queue.tries.get(),
    })
}

fn selection(config: &Config) -> Selection {
    Selection { tables: config.work.tables.named().map(<[String]>::to_vec), kinds: config.work.kinds.clone() }
}

/// Of SQS's standard queues messages of any table come: where no batch can be made, none waits behind
/// another's load.
fn batch(config: &Config) -> Batch {
    let files = usize::try_from(config.work.batch_files.get()).unwrap_or(usize::MAX);
    let batches = config.work.kinds.contains(&ExportKind::Incremental) || config.queue.url.is_none();
    Batch { files: if batches { files } else { 1 }, wait: Duration::from_secs(config.work.batch_seconds) }
}

/// Whether the queues of SQS answer; a local queue is made by who uses it first.
pub(super) fn check(config: &Config, list: &mut Checklist<'_>) {
    let own = &config.queue;
    let queues = [("queue", &own.url), ("dead letters", &own.dead_letter_url), ("others", &own.others_url)];
    for (name, url) in queues {
        if let Some(url) = url {
            list.says(name, answers(url));
        }
    }
    if own.url.is_some() && own.dead_letter_url.is_none() {
        let found = queue(config).and_then(|queue| queue.check_dead_letters());
        list.says("dead letters", found.map(|()| String::new()));
    }
}

fn answers(url: &str) -> Result<String> {
    let queue = sqs(url)?;
    runtime()?.block_on(queue.ready())?;
    Ok(format!("{queue} answers"))
}

/// A queue that is only sent to.
pub(super) fn sqs(url: &str) -> Result<Queue> {
    let settings =
        QueueSettings { url: Some(url.to_owned()), dead_letter_url: None, path: PathBuf::default() };
    Queue::open(&settings)
}

/// The URL of the queue of a process whose disk is gone with it.
pub(super) fn queue_url(config: &Config) -> Result<&str> {
    config.queue.url.as_deref().ok_or_else(|| {
        Error::usage("a Lambda function has no local queue").help("set queue.url to an SQS queue")
    })
}
