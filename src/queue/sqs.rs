//! The queue as one of SQS, standard or FIFO.
//!
//! The body is the message that the existing loader reads; what is besides stands in attributes. Of a FIFO
//! queue a table is a group: SQS itself gives its messages to one taker at a time, and in their order.

use super::dead::Reason;
use super::message::{LoadOrder, Message, VISIBILITY};
use crate::error::{self, Error, Place, Result};
use crate::store::aws_config;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::operation::send_message::builders::SendMessageFluentBuilder;
use aws_sdk_sqs::types::{
    Message as Received, MessageAttributeValue, MessageSystemAttributeName, QueueAttributeName,
};
use std::time::{Duration, UNIX_EPOCH};

/// Most messages that SQS gives at once.
pub const RECEIVE_MAX: usize = 10;
/// Longest that SQS lets a message be taken, from its receipt on.
pub const VISIBILITY_MAX: Duration = Duration::from_secs(12 * 3600);
/// Longest delay that SQS knows for a message that is sent.
pub const DELAY_MAX: Duration = Duration::from_secs(15 * 60);
/// Longest wait of one call.
const WAIT_MAX: Duration = Duration::from_secs(10);
/// All tries of one call together, beside the wait.
const CALL_DEADLINE: Duration = Duration::from_secs(15);
/// How the URLs of FIFO queues end.
const FIFO: &str = ".fifo";

/// Attributes of a message.
const TABLE: &str = "table";
const KIND: &str = "kind";
const EXPORTED_AT: &str = "exported_at";
const DEDUPLICATION_ID: &str = "deduplication_id";
/// Attributes of a dead letter besides.
pub(super) const REASON: &str = "reason";
pub(super) const EXIT_CODE: &str = "exit_code";
pub(super) const TRIES: &str = "tries";
pub(super) const DIED_AT: &str = "died_at";

#[derive(Debug)]
pub(super) struct SqsQueue {
    pub(super) client: Client,
    url: String,
    dead_letter_url: Option<String>,
}

impl SqsQueue {
    pub(super) fn new(url: &str, dead_letter_url: Option<&str>) -> Result<Self> {
        for url in [Some(url), dead_letter_url].into_iter().flatten() {
            check_url(url)?;
        }
        // AWS's chain is asked by a runtime of its own, which must not begin inside another.
        let shared = std::thread::scope(|scope| scope.spawn(aws_config).join())
            .map_err(|_| Error::machine("AWS's configuration could not be read"))??;
        let timeouts = TimeoutConfig::builder().operation_timeout(CALL_DEADLINE + WAIT_MAX).build();
        let mut config = aws_sdk_sqs::config::Builder::from(&shared).timeout_config(timeouts);
        if let Some(region) = region_of(url) {
            config = config.region(aws_sdk_sqs::config::Region::new(region.to_owned()));
        }
        let client = Client::from_conf(config.build());
        Ok(Self { client, url: url.to_owned(), dead_letter_url: dead_letter_url.map(str::to_owned) })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn is_fifo(&self) -> bool {
        is_fifo(&self.url)
    }

    pub(super) fn dead_letter_url(&self) -> Result<&str> {
        self.dead_letter_url.as_deref().ok_or_else(|| {
            Error::usage("there is no queue for dead letters")
                .help("set queue.dead_letter_url: a message that cannot be loaded must not be lost")
        })
    }

    pub(super) async fn send(&self, order: &LoadOrder) -> Result<()> {
        self.send_body(&self.url, &order.body(), "").await
    }

    /// Sends to the queue at `url`; `salt` makes another message of the same export.
    pub(super) async fn send_body(&self, url: &str, body: &str, salt: &str) -> Result<()> {
        self.sending(url, body, salt)?.send().await.map(drop).map_err(|error| fault(url, error))
    }

    pub(super) fn sending(&self, url: &str, body: &str, salt: &str) -> Result<SendMessageFluentBuilder> {
        let order = LoadOrder::parse(body).ok();
        let mut call = self.client.send_message().queue_url(url).message_body(body);
        let id = match &order {
            Some(order) => order.deduplication_id() + salt,
            None => uuid::Uuid::now_v7().to_string(),
        };
        if let Some(order) = &order {
            call = call
                .message_attributes(TABLE, text(&order.table)?)
                .message_attributes(KIND, text(order.kind.word())?)
                .message_attributes(DEDUPLICATION_ID, text(&order.deduplication_id())?);
            if let Some(at) = order.exported_at() {
                call = call.message_attributes(EXPORTED_AT, text(&at)?);
            }
        }
        if is_fifo(url) {
            let group = order.map_or_else(|| id.clone(), |order| order.table);
            call = call.message_group_id(group).message_deduplication_id(id);
        }
        Ok(call)
    }

    pub(super) async fn ready(&self) -> Result<()> {
        let asked = self.client.get_queue_attributes().queue_url(&self.url);
        let answer = asked.attribute_names(QueueAttributeName::QueueArn).send().await;
        answer.map(drop).map_err(|error| fault(&self.url, error))
    }

    pub(super) async fn taken(&self) -> Result<u64> {
        let name = QueueAttributeName::ApproximateNumberOfMessagesNotVisible;
        let asked = self.client.get_queue_attributes().queue_url(&self.url).attribute_names(name.clone());
        let answer = asked.send().await.map_err(|error| fault(&self.url, error))?;
        let count = answer.attributes.as_ref().and_then(|attributes| attributes.get(&name)?.parse().ok());
        Ok(count.unwrap_or(0))
    }

    pub(super) async fn receive(&self, most: usize, wait: Duration) -> Result<Vec<Message>> {
        let received = self.receive_from(&self.url, most, wait, VISIBILITY).await?;
        Ok(received.into_iter().filter_map(message).collect())
    }

    pub(super) async fn receive_from(
        &self,
        url: &str,
        most: usize,
        wait: Duration,
        visibility: Duration,
    ) -> Result<Vec<Received>> {
        let call = self
            .client
            .receive_message()
            .queue_url(url)
            .max_number_of_messages(i32::try_from(most.clamp(1, RECEIVE_MAX)).unwrap_or(1))
            .wait_time_seconds(seconds(wait.min(WAIT_MAX)))
            .visibility_timeout(seconds(visibility))
            .message_attribute_names("All")
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
            .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp);
        let answer = call.send().await.map_err(|error| fault(url, error))?;
        Ok(answer.messages.unwrap_or_default())
    }

    /// A receipt that has run out is told by an error of the request, not of the connection.
    pub(super) async fn renew(&self, message: &Message, hidden: Duration) -> Result<bool> {
        match self.show_after(&self.url, &message.receipt, hidden.min(VISIBILITY_MAX)).await {
            Ok(()) => Ok(true),
            Err(Error::Usage(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn show_after(&self, url: &str, receipt: &str, delay: Duration) -> Result<()> {
        let call = self.client.change_message_visibility().queue_url(url).receipt_handle(receipt);
        let answer = call.visibility_timeout(seconds(delay)).send().await;
        answer.map(drop).map_err(|error| fault(url, error))
    }

    pub(super) async fn delete(&self, message: &Message) -> Result<()> {
        self.delete_from(&self.url, &message.receipt).await
    }

    pub(super) async fn delete_from(&self, url: &str, receipt: &str) -> Result<()> {
        let call = self.client.delete_message().queue_url(url).receipt_handle(receipt);
        call.send().await.map(drop).map_err(|error| fault(url, error))
    }

    /// First there, then gone here: a death between the two leaves both, never none.
    pub(super) async fn bury(&self, message: &Message, reason: &Reason) -> Result<()> {
        let url = self.dead_letter_url()?;
        let mut call = self.sending(url, &message.body, &format!("-{}", message.id))?;
        // Groups of a FIFO queue are for order, and dead letters have none.
        if is_fifo(url) {
            call = call.message_group_id(message.id.clone());
        }
        let died_at = crate::ledger::timestamp(std::time::SystemTime::now());
        let call = call
            .message_attributes(REASON, text(&reason.text)?)
            .message_attributes(EXIT_CODE, text(&reason.exit_code.to_string())?)
            .message_attributes(TRIES, text(&message.tries.to_string())?)
            .message_attributes(DIED_AT, text(&died_at)?);
        call.send().await.map_err(|error| fault(url, error))?;
        self.delete(message).await
    }
}

/// A message without a receipt or an id cannot be answered; SQS sends none.
fn message(received: Received) -> Option<Message> {
    let number = |name: &MessageSystemAttributeName| -> Option<u64> {
        received.attributes.as_ref()?.get(name)?.parse().ok()
    };
    let takings = number(&MessageSystemAttributeName::ApproximateReceiveCount).unwrap_or(1);
    let sent = number(&MessageSystemAttributeName::SentTimestamp);
    Some(Message {
        id: received.message_id?,
        body: received.body.unwrap_or_default(),
        tries: u32::try_from(takings).unwrap_or(u32::MAX),
        deaths: None,
        sent: sent.and_then(|ms| UNIX_EPOCH.checked_add(Duration::from_millis(ms))),
        receipt: received.receipt_handle?,
    })
}

pub(super) fn is_fifo(url: &str) -> bool {
    url.ends_with(FIFO)
}

fn check_url(url: &str) -> Result<()> {
    let is_url = url.split_once("://").is_some_and(|(scheme, rest)| {
        matches!(scheme, "https" | "http") && rest.split_once('/').is_some_and(|(_, path)| !path.is_empty())
    });
    if is_url {
        return Ok(());
    }
    Err(Error::usage("this is no URL of a queue")
        .at(Place::uri(url))
        .help("write it as SQS shows it: https://sqs.REGION.amazonaws.com/ACCOUNT/NAME"))
}

/// A queue hears only its own region.
fn region_of(url: &str) -> Option<&str> {
    url.strip_prefix("https://sqs.")?.split_once(".amazonaws.com/").map(|(region, _)| region)
}

fn seconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_secs()).unwrap_or(i32::MAX)
}

/// An attribute that SQS takes: it refuses empty texts and characters that XML has not. Refused, a hostile
/// message could never be buried.
pub(super) fn text(text: &str) -> Result<MessageAttributeValue> {
    let is_odd = |letter: char| letter.is_control() || ('\u{fffe}'..='\u{ffff}').contains(&letter);
    let text = if text.is_empty() { "-".to_owned() } else { text.replace(is_odd, " ") };
    let built = MessageAttributeValue::builder().data_type("String").string_value(text).build();
    built.map_err(|cause| Error::machine("a message attribute cannot be made").because(cause))
}

pub(super) fn attribute(received: &Received, name: &str) -> Option<String> {
    received.message_attributes.as_ref()?.get(name)?.string_value.clone()
}

/// Sorted by what the operator can do; never with the body of the request, which holds a signed URL.
pub(super) fn fault<E>(url: &str, error: SdkError<E>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let code = error.code().unwrap_or_default().to_owned();
    let cause = match error.message() {
        Some(message) => format!("{code}: {message}"),
        None => error::in_full(&error),
    };
    let class = match &error {
        SdkError::ServiceError(service) if service.raw().status().is_client_error() => match code.as_str() {
            code if code.contains("Throttl") || code.contains("OverLimit") => {
                Error::transient("SQS has too much to do").help("run again in a few minutes")
            }
            code if code.contains("ReceiptHandle")
                || code.contains("MessageNotInflight")
                || code.contains("InvalidParameterValue") =>
            {
                Error::usage("the message is no longer ours").help("somebody else has taken it")
            }
            _ => Error::access("SQS refuses")
                .help("check the queue's URL, and that these credentials may use it (README, permissions)"),
        },
        SdkError::ConstructionFailure(_) => Error::access("SQS cannot be asked")
            .help("check AWS_REGION and the credentials: `csl-stream check`"),
        _ => Error::transient("SQS does not answer").help("run again in a few minutes; check the network"),
    };
    class.at(Place::uri(url)).because(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_such_as_sqs_takes() {
        for (given, expected) in [
            ("", "-"),
            ("petitions", "petitions"),
            ("a\0b\u{fffe}\u{ffff}\u{85}\nc", "a b    c"),
            ("Ä\u{1f5f3}", "Ä\u{1f5f3}"),
        ] {
            assert_eq!(text(given).unwrap().string_value(), Some(expected), "{given:?}");
        }
    }
}
