//! Messages that SQS feeds to the function: loaded here, handed to Fargate, or left for the next try.
//!
//! ```text
//! record ─▶ order ─▶ too large? ─ yes ─▶ fargate ───────────────────┬─▶ gone from the queue
//!             └ none     └ no ─▶ time left? ─ yes ─▶ Worker::handle ─┤
//!               └ dead letter        └ no ──────────────────────────┴─▶ a failure: it comes again
//! ```
//! The answer lists the failures; what it does not list is deleted. A message's delay and its dead letter are
//! told to the queue itself, which the answer has no words for.

use super::fargate::Fargate;
use crate::error::{Error, Result};
use crate::queue::{LoadOrder, Message, Queue, Reason};
use crate::work::{Disposition, Loader, Past, Worker, delay_after};
use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::{Duration, Instant, UNIX_EPOCH};
use tokio::runtime::Handle;

/// No load is begun with less time left.
pub const BEGIN_LEFT: Duration = Duration::from_secs(30);
/// A load under way is asked to end this long before the function is.
pub const CUT_LEFT: Duration = Duration::from_secs(10);
/// Nothing is waited for with less time left: the answer must still come.
const ANSWER_LEFT: Duration = Duration::from_secs(3);

/// What messages are loaded with.
pub struct Jobs<'a> {
    /// What decides about them.
    pub worker: Worker,
    /// What loads them.
    pub loader: &'a dyn Loader,
    /// The queue that feeds the function.
    pub queue: Queue,
    /// Where large ones go.
    pub fargate: Option<Fargate>,
}

#[derive(Deserialize)]
struct Batch {
    #[serde(rename = "Records")]
    records: Vec<Record>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    message_id: String,
    receipt_handle: String,
    body: String,
    #[serde(default)]
    attributes: Attributes,
}

#[derive(Default, Deserialize)]
struct Attributes {
    #[serde(rename = "ApproximateReceiveCount")]
    received: Option<String>,
    #[serde(rename = "SentTimestamp")]
    sent_ms: Option<String>,
}

impl Record {
    /// The message, taken for us by Lambda.
    fn message(self) -> Message {
        let Attributes { received, sent_ms } = self.attributes;
        let tries = received.and_then(|count| count.parse().ok()).unwrap_or(1);
        let sent = sent_ms.and_then(|ms| UNIX_EPOCH.checked_add(Duration::from_millis(ms.parse().ok()?)));
        Message::fed(self.message_id, self.body, tries, sent, self.receipt_handle)
    }
}

/// The messages, so turned that another table is first each time they come: one whose load takes all of a
/// function's time must not keep those behind it waiting until they are gone. Each table's stay in order.
fn turned(messages: Vec<Message>) -> Vec<Message> {
    let turn = messages.iter().map(|message| message.tries).min().unwrap_or(1);
    let mut tables: IndexMap<String, Vec<Message>> = IndexMap::new();
    for message in messages {
        let table = LoadOrder::parse(&message.body).map(|order| order.table).unwrap_or_default();
        tables.entry(table).or_default().push(message);
    }
    let mut tables: Vec<Vec<Message>> = tables.into_values().collect();
    let by = usize::try_from(turn.saturating_sub(1)).unwrap_or(0).checked_rem(tables.len()).unwrap_or(0);
    tables.rotate_left(by);
    tables.into_iter().flatten().collect()
}

/// Whether an event is a batch of SQS.
pub(super) fn is_batch(event: &Value) -> bool {
    event.pointer("/Records/0/eventSource").and_then(Value::as_str) == Some("aws:sqs")
}

impl Jobs<'_> {
    /// Answers a batch with the messages that are not done. Blocks: a load is work for ordinary threads.
    ///
    /// # Errors
    /// [`Error::Input`] for an event that is no batch.
    pub(super) fn answer(&self, event: Value, end: Instant) -> Result<Value> {
        let batch: Batch = serde_json::from_value(event)
            .map_err(|_| Error::input("a batch of SQS of another shape than is known"))?;
        let (mut failed, mut behind) = (Vec::new(), HashMap::new());
        for message in turned(batch.records.into_iter().map(Record::message).collect()) {
            if !self.is_done(&message, end, &mut behind) {
                failed.push(json!({ "itemIdentifier": message.id }));
            }
        }
        // The process may stand still from the answer on.
        self.loader.rest(end.checked_sub(ANSWER_LEFT));
        Ok(json!({ "batchItemFailures": failed }))
    }

    /// Whether a message may go. `behind` has the tables of which one may not, and how long that one waits:
    /// those after it wait too, so that none is loaded before an older one.
    fn is_done(&self, message: &Message, end: Instant, behind: &mut HashMap<String, Duration>) -> bool {
        let order = match LoadOrder::parse(&message.body) {
            Ok(order) => order,
            Err(error) => return self.bury(message, None, error),
        };
        let past = Past::of(message, &order);
        if let Some(error) = self.worker.too_often(&order, &past) {
            return self.bury(message, Some(&order), error);
        }
        let disposition = match behind.get(&order.table) {
            Some(wait) => Disposition::Back(*wait),
            None => self.handle(&order, &past, end),
        };
        let done = self.settle(message, &disposition);
        if let Disposition::Back(wait) | Disposition::Retry(wait) = disposition
            && self.worker.selection.selects(&order)
        {
            behind.insert(order.table, wait);
        }
        done
    }

    /// Of a message whose load has not begun nobody has heard yet.
    fn bury(&self, message: &Message, order: Option<&LoadOrder>, error: Error) -> bool {
        let done = self.settle(message, &Disposition::Dead(Reason::of(&error)));
        self.loader.buried(order, error);
        done
    }

    fn handle(&self, order: &LoadOrder, past: &Past, end: Instant) -> Disposition {
        let fargate = self.fargate.as_ref().filter(|_| self.worker.selection.selects(order));
        if let Some(fargate) = fargate.filter(|fargate| fargate.takes(order)) {
            return self.handed_over(fargate, order, past);
        }
        let now = Instant::now();
        if end.saturating_duration_since(now) < BEGIN_LEFT {
            tracing::info!(export = order.name(), "too little time is left, given back");
            return Disposition::Back(Duration::ZERO);
        }
        let cut = end.checked_sub(CUT_LEFT).unwrap_or(now);
        match (self.worker.handle(self.loader, order, past, Some(cut)), fargate) {
            // It began and did not come to its end in all the time that a function has.
            (Disposition::Back(_), Some(fargate)) if Instant::now() >= cut => {
                self.handed_over(fargate, order, past)
            }
            (disposition, _) => disposition,
        }
    }

    /// Tells the queue; says whether the message may go.
    fn settle(&self, message: &Message, disposition: &Disposition) -> bool {
        let (told, done) = match disposition {
            Disposition::Done => return true,
            Disposition::Back(delay) => (wait(self.queue.give_back(message, *delay)).map(drop), false),
            Disposition::Retry(delay) => (wait(self.queue.retry(message, *delay)).map(drop), false),
            Disposition::Dead(reason) => (wait(self.queue.bury(message, reason)), true),
        };
        match told {
            Ok(()) => done,
            Err(error) => {
                // It comes again when the queue's own time for it is over, which is longer than a function's; where
                // only the dead letters cannot be kept, each time later.
                tracing::warn!(%error, id = message.id, ?disposition, "the queue was not told");
                if matches!(disposition, Disposition::Dead(_)) {
                    let delay = delay_after(message.tries);
                    if let Err(error) = wait(self.queue.retry(message, delay)) {
                        tracing::warn!(%error, id = message.id, "the message was not put back");
                    }
                }
                false
            }
        }
    }

    fn handed_over(&self, fargate: &Fargate, order: &LoadOrder, past: &Past) -> Disposition {
        match wait(fargate.hand_over(order)) {
            Ok(()) => Disposition::Done,
            Err(error) => {
                let help = error.detail().map(|detail| detail.help.as_str()).unwrap_or_default();
                tracing::error!(%error, help, export = order.name(), "not handed to Fargate");
                self.worker.not_handed_on(self.loader, order, past, error)
            }
        }
    }
}

/// The caller has left its async surroundings for the load.
fn wait<T>(future: impl Future<Output = T>) -> T {
    Handle::current().block_on(future)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_is_first_once() {
        let message = |id: &str, table: &str, tries| {
            let body = json!({ "downloadUrl": "u", "table": table, "kind": "full" }).to_string();
            Message::fed(id.to_owned(), body, tries, None, String::new())
        };
        for (tries, expected) in [
            (1, "l1 l2 s1 t1"),
            (2, "s1 t1 l1 l2"),
            (3, "t1 l1 l2 s1"),
            (4, "l1 l2 s1 t1"),
            (0, "l1 l2 s1 t1"),
        ] {
            let batch = ["l1", "s1", "l2", "t1"].map(|id| message(id, &id[..1], tries));
            let order: Vec<String> = turned(batch.into()).into_iter().map(|message| message.id).collect();
            assert_eq!(order.join(" "), expected, "{tries}");
        }
        assert!(turned(Vec::new()).is_empty());
    }
}
