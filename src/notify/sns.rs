//! An SNS topic hears of every load that succeeded, or of every one that failed.

use super::calls::{timeouts, wait};
use super::listener::Listener;
use super::message::Message;
use super::news::News;
use crate::report::Status;
use crate::store::aws_config;
use aws_sdk_sns::Client;

/// A topic.
pub(super) struct Topic<'a> {
    pub(super) arn: &'a str,
    /// Whether it hears of successes; else of failures.
    pub(super) hears_success: bool,
}

impl Listener<News<'_>> for Topic<'_> {
    fn name(&self) -> String {
        self.arn.to_owned()
    }

    fn tell(&self, news: &News<'_>) -> Result<(), String> {
        if (news.report.status == Status::Succeeded) != self.hears_success {
            return Ok(());
        }
        let message = Message::of(news);
        let told = self.client().and_then(|client| {
            let call = client.publish().topic_arn(self.arn);
            wait(call.subject(message.subject()).message(message.text()).send())
        });
        told.map_err(|cause| format!("the topic {} was not told: {cause}", self.arn))
    }

    fn reach(&self) -> Result<(), String> {
        wait(self.client()?.get_topic_attributes().topic_arn(self.arn).send())
    }
}

impl Topic<'_> {
    fn client(&self) -> Result<Client, String> {
        let shared = aws_config().map_err(|error| error.to_string())?;
        let mut config = aws_sdk_sns::config::Builder::from(&shared).timeout_config(timeouts());
        // A topic hears only its own region.
        if let Some(region) = self.arn.split(':').nth(3).filter(|region| !region.is_empty()) {
            config = config.region(aws_sdk_sns::config::Region::new(region.to_owned()));
        }
        Ok(Client::from_conf(config.build()))
    }
}
