//! What stands in for notifications in a build without their feature: a warning.

use super::check::Say;
use crate::config::Config;
use crate::pipeline::Outcome;

/// Nobody is there who could be looked for: [`told`] says so after a load.
pub(super) fn check(_config: &Config, _say: &mut Say<'_>) {}

/// The same outcome, with a warning for what the configuration asks for.
pub(super) fn told(config: &Config, mut outcome: Outcome) -> Outcome {
    let keys = [
        "notify.success_topic_arn",
        "notify.failure_topic_arn",
        "dynamodb.batches_table",
        "dynamodb.processed_files_table",
    ];
    let asked = keys.iter().filter(|key| config.text(key).is_some());
    let warnings =
        asked.map(|key| format!("{key} is set, and this csl-stream was built without the notify feature"));
    match &mut outcome {
        Ok(report) => report.warnings.extend(warnings),
        Err((report, _)) => report.warnings.extend(warnings),
    }
    outcome
}
