//! Keeps what was taken: renews it while it is worked on, and cuts off the load of what was lost.

use super::worker::Loader;
use crate::error::Result;
use crate::queue::{Message, Queue, RENEW_EVERY, VISIBILITY};
use crate::store::runtime;
use futures::future::join_all;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What a worker has taken, shared with the thread that renews it and with the one that hears signals.
#[derive(Debug)]
pub struct Taken {
    pub(super) queue: Arc<Queue>,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    messages: Vec<Message>,
    current: Option<Current>,
}

/// The message that is being loaded.
#[derive(Debug)]
struct Current {
    id: String,
    /// How long it stays hidden if its worker dies.
    hidden: Duration,
}

impl Held {
    fn is_loading(&self, message: &Message) -> bool {
        self.current.as_ref().is_some_and(|current| current.id == message.id)
    }

    /// The messages, and how long each is kept.
    fn to_renew(&self) -> Vec<(Message, Duration)> {
        let hidden = |message: &Message| {
            self.current.as_ref().filter(|current| current.id == message.id).map_or(VISIBILITY, |c| c.hidden)
        };
        self.messages.iter().map(|message| (message.clone(), hidden(message))).collect()
    }
}

impl Taken {
    /// Nothing yet, of this queue.
    pub fn new(queue: Arc<Queue>) -> Self {
        Self { queue, held: Mutex::default() }
    }

    pub(super) fn add(&self, messages: &[Message]) {
        self.lock().messages.extend_from_slice(messages);
    }

    /// Says which one is being loaded, and how long it stays hidden if its worker dies.
    pub(super) fn begin(&self, message: &Message, hidden: Duration) {
        self.lock().current = Some(Current { id: message.id.clone(), hidden });
    }

    /// Whether it is still ours.
    pub(super) fn has(&self, message: &Message) -> bool {
        self.lock().messages.contains(message)
    }

    pub(super) fn remove(&self, message: &Message) {
        let mut held = self.lock();
        held.messages.retain(|other| other != message);
        held.current.take_if(|current| current.id == message.id);
    }

    /// Renews all until `end` is dropped; all at once, or a slow queue would cost the last of them.
    pub(super) fn keep(&self, loader: &dyn Loader, end: &Receiver<()>) {
        while end.recv_timeout(RENEW_EVERY) == Err(RecvTimeoutError::Timeout) {
            let messages = self.lock().to_renew();
            let renewals = messages.iter().map(|(message, hidden)| self.queue.renew(message, *hidden));
            match block_on(async { Ok(join_all(renewals).await) }) {
                Ok(renewed) => {
                    messages.iter().zip(renewed).for_each(|((m, _), is_ours)| self.heed(loader, m, is_ours))
                }
                Err(error) => tracing::warn!(%error, "no message was renewed"),
            }
        }
    }

    /// One that cannot be renewed now may be the next time: it is lost only when the queue says so.
    fn heed(&self, loader: &dyn Loader, message: &Message, is_ours: Result<bool>) {
        match is_ours {
            Ok(true) => {}
            Ok(false) => {
                let mut held = self.lock();
                if !held.messages.contains(message) {
                    return;
                }
                held.messages.retain(|other| other != message);
                tracing::warn!(id = message.id, "the message is somebody else's now");
                if held.is_loading(message) {
                    loader.cut();
                }
            }
            Err(error) => tracing::warn!(%error, id = message.id, "the message was not renewed"),
        }
    }

    /// Gives back all that is held: the process is about to end.
    pub fn give_back_all(&self) {
        let messages = std::mem::take(&mut self.lock().messages);
        for message in messages {
            if let Err(error) = block_on(self.queue.give_back(&message, Duration::ZERO)) {
                tracing::warn!(%error, id = message.id, "the message was not given back: it comes by itself");
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn block_on<T>(call: impl Future<Output = Result<T>>) -> Result<T> {
    runtime()?.block_on(call)
}
