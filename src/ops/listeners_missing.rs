//! What a build without the aws feature says in place of telling anybody.

use crate::config::Config;
use crate::features::Feature;
use crate::pipeline::Outcome;
use crate::report::Checklist;
use std::time::Instant;

/// What comes after a load; here nothing else does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Nothing.
    Done,
}

/// Nobody: a load says so.
pub(super) struct Listeners<'a> {
    config: &'a Config,
}

impl<'a> Listeners<'a> {
    pub(super) fn of(config: &'a Config) -> Self {
        Self { config }
    }

    /// A warning for what the configuration asks for and this build cannot do.
    pub(super) fn told(&self, mut outcome: Outcome, _: End) -> Outcome {
        let (notify, dynamodb, alerts) = (&self.config.notify, &self.config.dynamodb, &self.config.alerts);
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
        let warnings = asked.map(|(key, _)| Feature::Aws.missing(key).to_string());
        match &mut outcome {
            Ok(report) => report.warnings.extend(warnings),
            Err((report, _)) => report.warnings.extend(warnings),
        }
        outcome
    }

    pub(super) fn finish(&self, _: Option<Instant>) {}
}

/// Nobody is there who could be looked for: a load says so.
pub(super) fn check(_: &Config, _: bool, _: &mut Checklist<'_>) {}
