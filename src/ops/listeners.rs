//! Who hears how a load ended, and what a build says that can tell nobody.
//!
//! ```text
//! outcome ─▶ Listeners ─┬─▶ telling   SNS, DynamoDB, alerts (feature aws)
//!                       └─▶ a warning for each key of the configuration that needs it, in other builds
//! ```

use super::load::warned;
#[cfg(feature = "aws")]
use super::telling::{self, Tellers};
use crate::config::Config;
use crate::pipeline::Outcome;
use crate::report::Checklist;
use std::time::Instant;

pub(super) use crate::report::End;

/// Who hears of the loads of one command.
pub(super) struct Listeners<'a> {
    #[cfg(feature = "aws")]
    tellers: Tellers<'a>,
    #[cfg(not(feature = "aws"))]
    config: &'a Config,
}

#[cfg(feature = "aws")]
impl<'a> Listeners<'a> {
    /// Those of the configuration. What is wrong with one of them is a warning of each load, and keeps none
    /// from its end.
    pub(super) fn of(config: &'a Config) -> Self {
        Self { tellers: Tellers::of(config) }
    }

    fn tell(&self, outcome: &Outcome, end: End) -> Vec<String> {
        self.tellers.tell(outcome, end)
    }

    /// Waits a while for alerts that are still to be told: the process is about to end, or to stand still.
    pub(super) fn finish(&self, latest: Option<Instant>) {
        self.tellers.finish(latest);
    }
}

#[cfg(not(feature = "aws"))]
impl<'a> Listeners<'a> {
    pub(super) fn of(config: &'a Config) -> Self {
        Self { config }
    }

    fn tell(&self, _: &Outcome, _: End) -> Vec<String> {
        missing(self.config).iter().map(ToString::to_string).collect()
    }

    pub(super) fn finish(&self, _: Option<Instant>) {}
}

impl Listeners<'_> {
    /// The same outcome, with a warning for everyone who could not be told.
    pub(super) fn told(&self, outcome: Outcome, end: End) -> Outcome {
        let warnings = self.tell(&outcome, end);
        warned(outcome, warnings)
    }
}

/// Looks whether the listeners of the configuration are there. Those of alerts can only be told: with
/// `send_test` they are.
pub(super) fn check(config: &Config, send_test: bool, list: &mut Checklist<'_>) {
    #[cfg(feature = "aws")]
    telling::check(config, send_test, list);
    #[cfg(not(feature = "aws"))]
    for error in missing(config) {
        let _ = send_test;
        list.says("listener", Err(error));
    }
}

/// An error for each key that asks for what this build cannot do.
#[cfg(not(feature = "aws"))]
fn missing(config: &Config) -> Vec<crate::Error> {
    let (notify, dynamodb, alerts) = (&config.notify, &config.dynamodb, &config.alerts);
    let keys = [
        ("notify.success_topic_arn", &notify.success_topic_arn),
        ("notify.failure_topic_arn", &notify.failure_topic_arn),
        ("dynamodb.batches_table", &dynamodb.batches_table),
        ("dynamodb.processed_files_table", &dynamodb.processed_files_table),
        ("alerts.slack_url", &alerts.slack_url),
        ("alerts.teams_url", &alerts.teams_url),
        ("alerts.webhook_url", &alerts.webhook_url),
    ];
    let asked = keys.iter().filter(|(_, value)| value.is_some());
    asked.map(|(key, _)| crate::features::Feature::Aws.missing(key)).collect()
}
