//! From the configuration to queues, and to the rules of what is taken from them.

use super::target;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::queue::{Queue, QueueSettings};
use crate::report::Checklist;
use crate::store::{S3_ENDPOINT, runtime};
use crate::webhook::fetch::Policy;
use crate::work::{Selection, Worker};
use std::path::PathBuf;

/// What may be fetched; the worker asks too, because others can write to its queue.
pub(super) fn policy(config: &Config) -> Result<Policy> {
    let endpoint = std::env::var(S3_ENDPOINT).ok();
    Policy::new(&config.exports.buckets, config.exports.slug.as_deref(), endpoint.as_deref())
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
        cover: target::cover(config),
    })
}

fn selection(config: &Config) -> Selection {
    Selection { tables: config.work.tables.named().map(<[String]>::to_vec), kinds: config.work.kinds.clone() }
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
