//! The worker: takes messages from the queue and loads what they name.

use super::observer::Observer;
use super::queues::{queue, worker};
use super::work_load::Loads;
use super::{schema, target};
use crate::config::Config;
use crate::error::Result;
use crate::names;
use crate::queue::Queue;
use crate::store::{ExportKind, Task, runtime, time_of};
use crate::webhook::{Server, watched};
use crate::work::{Batch, Taken, Worker};
use std::sync::Arc;
use std::time::Duration;

pub use super::work_load::Work;
pub use crate::work::Tally;

/// A worker that is ready to take messages.
pub struct Ready<'a> {
    config: &'a Config,
    worker: Worker,
    taken: Arc<Taken>,
    loads: Loads<'a>,
    batch: Batch,
    queue: Arc<Queue>,
    watched: Option<Server>,
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
    if let Some(warning) = strange_tables(config) {
        observer.note(&format!("warning: {warning}"));
    }
    let watched = config.metrics.listen.as_ref().map(|listen| listening(&listen.0, observer)).transpose()?;
    Ok(Ready {
        config,
        worker: worker(config)?,
        taken: Arc::new(Taken::new(Arc::clone(&queue))),
        queue,
        watched,
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
    pub fn run(&mut self, once: bool) -> Result<Tally> {
        let watched = self.watched.take().map(|server| self.answer(server)).transpose()?;
        let ended = self.work(once);
        drop(watched);
        ended
    }

    /// Answers who looks at the metrics, until what is returned is dropped. How old the tables' data is, is asked
    /// of the ledger once: this worker's own loads say it from then on.
    fn answer(&self, server: Server) -> Result<Task<()>> {
        let metrics = self.loads.metrics();
        match target::open(self.config).and_then(|warehouse| warehouse.newest()) {
            Ok(newest) => newest
                .iter()
                .filter_map(|(table, at)| Some((table, time_of(at)?)))
                .for_each(|(table, at)| metrics.holds(table, at)),
            Err(error) => tracing::warn!(%error, "the ledger does not say how old the tables are"),
        }
        let connections = metrics.connections.clone();
        let routes = watched(metrics, Arc::clone(&self.queue));
        Ok(Task::spawn(runtime()?, server.run(routes, connections, std::future::pending())))
    }

    fn work(&self, once: bool) -> Result<Tally> {
        let observer = self.loads.observer();
        self.loads.sweep()?;
        observer.note(&format!("taking messages from {}", self.queue));
        let stopping = || observer.is_stopping();
        crate::work::run(&self.taken, &self.worker, &self.loads, self.batch, once, &stopping)
    }
}

/// What is to be said of tables of `work.tables` that the schema lacks: a slip of the pen would leave messages waiting.
fn strange_tables(config: &Config) -> Option<String> {
    let named = config.work.tables.named()?;
    // A schema that cannot be read is told of by the first load.
    let bulk = schema::read(config).ok()?;
    let strange: Vec<&str> =
        named.iter().map(String::as_str).filter(|name| bulk.find(name).is_none()).collect();
    let known = || bulk.tables.iter().map(|table| table.name.as_str());
    let meant: Vec<&str> = strange.iter().flat_map(|name| names::nearest(name, known())).collect();
    let meant =
        if meant.is_empty() { String::new() } else { format!("; did you mean {}?", meant.join(", ")) };
    (!strange.is_empty())
        .then(|| format!("work.tables names what the schema lacks: {}{meant}", strange.join(", ")))
}

/// Listens for whoever looks at the metrics.
fn listening(listen: &str, observer: &dyn Observer) -> Result<Server> {
    let _inside = runtime()?.enter();
    let server = Server::bind(listen, "metrics.listen")?;
    observer.note(&format!("metrics on http://{}/metrics", server.address()));
    Ok(server)
}

/// Of SQS's standard queues messages of any table come: where no batch can be made, none waits behind
/// another's load.
fn batch(config: &Config) -> Batch {
    let files = usize::try_from(config.work.batch_files.get()).unwrap_or(usize::MAX);
    let batches = config.work.kinds.contains(&ExportKind::Incremental) || config.queue.url.is_none();
    Batch { files: if batches { files } else { 1 }, wait: Duration::from_secs(config.work.batch_seconds) }
}
