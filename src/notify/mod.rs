//! Who else hears of a load: SNS topics, and the DynamoDB tables that the loader before us kept.
//!
//! ```text
//!                 ┌─ message ─▶ sns: the success or the failure topic
//! report ─ News ──┤
//!                 └─ batches ─▶ dynamodb: LambdaRedshiftBatches, LambdaRedshiftProcessedFiles
//! ```
//!
//! The load has ended by then. Whatever fails here is a warning: it changes nothing about the load.

mod batches;
mod calls;
mod message;
mod news;
mod secrets;

pub use news::News;

use crate::report::Status;
use crate::store::aws_config;
use calls::{timeouts, wait};
use message::Message;

/// Who hears of a load. What is not named hears nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listeners {
    /// Topic of loads that succeeded.
    pub success_topic: Option<String>,
    /// Topic of loads that failed.
    pub failure_topic: Option<String>,
    /// DynamoDB table of batches.
    pub batches_table: Option<String>,
    /// DynamoDB table of processed files.
    pub files_table: Option<String>,
}

impl Listeners {
    /// Tells them, and says which could not be told. A skipped load is no news.
    pub fn tell(&self, news: &News<'_>) -> Vec<String> {
        if news.report.status == Status::Skipped {
            return Vec::new();
        }
        let topic = match news.report.status {
            Status::Succeeded => &self.success_topic,
            _ => &self.failure_topic,
        };
        let mut warnings = Vec::new();
        let mut note = |what: String, told: Result<(), String>| {
            if let Err(cause) = told {
                tracing::warn!(what, cause, "a listener could not be told");
                warnings.push(format!("{what}: {cause}"));
            }
        };
        if let Some(topic) = topic {
            note(format!("the topic {topic} was not told"), publish(topic, &Message::of(news)));
        }
        if let Some(table) = &self.batches_table {
            note(format!("no batch was written into {table}"), batches::put_batch(table, news));
        }
        // A run that found no export has processed none.
        if let Some(table) = self.files_table.as_ref().filter(|_| !news.report.source.uri.is_empty()) {
            note(format!("no file was written into {table}"), batches::put_file(table, news));
        }
        warnings
    }

    /// Everyone who is named, with what stands in the way of telling them. Nobody is told anything.
    pub fn check(&self) -> Vec<(&str, Result<(), String>)> {
        let topics = [&self.success_topic, &self.failure_topic].into_iter().flatten();
        let tables = [&self.batches_table, &self.files_table].into_iter().flatten();
        let topics = topics.map(|topic| (topic.as_str(), is_topic(topic)));
        topics.chain(tables.map(|table| (table.as_str(), batches::is_table(table)))).collect()
    }
}

fn is_topic(topic: &str) -> Result<(), String> {
    wait(topics(topic)?.get_topic_attributes().topic_arn(topic).send())
}

fn publish(topic: &str, message: &Message<'_>) -> Result<(), String> {
    let call = topics(topic)?.publish().topic_arn(topic);
    wait(call.subject(message.subject()).message(message.text()).send())
}

fn topics(topic: &str) -> Result<aws_sdk_sns::Client, String> {
    let shared = aws_config().map_err(|error| error.to_string())?;
    let mut config = aws_sdk_sns::config::Builder::from(&shared).timeout_config(timeouts());
    // A topic hears only its own region.
    if let Some(region) = topic.split(':').nth(3).filter(|region| !region.is_empty()) {
        config = config.region(aws_sdk_sns::config::Region::new(region.to_owned()));
    }
    Ok(aws_sdk_sns::Client::from_conf(config.build()))
}
