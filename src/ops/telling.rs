//! Tells the listeners of the configuration how a load ended.
//!
//! ```text
//! outcome ─┬─▶ notify::Listeners   SNS, DynamoDB: before this returns; who was not told is a warning of the load
//!          └─▶ notify::Alerts      Slack, Teams, a webhook: beside the loads, until `finish`
//! ```

use super::target;
use crate::config::{AlertSubject, Config};
use crate::error::{Error, Result};
use crate::ledger::ALERTS_DIR;
use crate::notify::{self, AlertSettings, Alerts, News, Subject};
use crate::pipeline::Outcome;
use crate::report::{Checklist, End, RunReport};
use crate::store::{self, HttpUrl, Location};
use std::time::Instant;

/// Those who are told.
pub(super) struct Tellers<'a> {
    config: &'a Config,
    alerts: Alerts,
    /// Keys of alerts that cannot be told by.
    faults: Vec<String>,
}

impl<'a> Tellers<'a> {
    /// Those of the configuration. What is wrong with one of them is a warning of each load, and keeps none
    /// from its end.
    pub(super) fn of(config: &'a Config) -> Self {
        let mut faults = Vec::new();
        let alerts = Alerts::new(alerts(config, &mut faults));
        Self { config, alerts, faults: faults.iter().map(ToString::to_string).collect() }
    }

    /// Tells all; a warning for each who could not be told.
    pub(super) fn tell(&self, outcome: &Outcome, end: End) -> Vec<String> {
        let (report, error) = match outcome {
            Ok(report) => (report, None),
            Err((report, error)) => (&**report, Some(error)),
        };
        let (config, listeners) = (self.config, listeners(self.config));
        let asked = listeners != notify::Listeners::default();
        let manifests = asked.then_some(Manifests { config, report });
        let news = News {
            report,
            error,
            end,
            manifest: manifests.as_ref().and_then(Manifests::of_load),
            failed_manifest: error.and(manifests.as_ref()).and_then(Manifests::of_failure),
            cluster: target::name(config),
        };
        self.alerts.tell(&news);
        let mut warnings = listeners.tell(&news);
        warnings.extend(self.faults.iter().cloned());
        warnings
    }

    /// Waits a while for alerts that are still to be told: the process is about to end, or to stand still.
    pub(super) fn finish(&self, latest: Option<Instant>) {
        self.alerts.finish(latest);
    }
}

fn listeners(config: &Config) -> notify::Listeners {
    notify::Listeners {
        success_topic: config.notify.success_topic_arn.clone(),
        failure_topic: config.notify.failure_topic_arn.clone(),
        batches_table: config.dynamodb.batches_table.clone(),
        files_table: config.dynamodb.processed_files_table.clone(),
    }
}

fn alerts(config: &Config, faults: &mut Vec<Error>) -> AlertSettings {
    let own = &config.alerts;
    let mut url = |key: &str, text: &Option<String>| -> Option<HttpUrl> {
        match text.as_deref().map(Location::parse)? {
            Ok(Location::Https(url)) => Some(url),
            // Not what it is: it may be a password.
            _ => {
                let fault = Error::usage(format!("{key} is no URL that could be told"));
                faults.push(fault.help("write https://…, as Slack, Teams or the other program gave it"));
                None
            }
        }
    };
    let (slack, teams) = (url("alerts.slack_url", &own.slack_url), url("alerts.teams_url", &own.teams_url));
    let webhook = url("alerts.webhook_url", &own.webhook_url);
    if webhook.is_some() && own.webhook_secret.is_none() {
        faults.push(
            Error::usage("alerts.webhook_url is set, and alerts.webhook_secret is not").help("set both"),
        );
    }
    AlertSettings {
        slack,
        teams,
        webhook: webhook.zip(own.webhook_secret.clone()),
        on: own.on.iter().map(|subject| subject_of(*subject)).collect(),
        place: target::beside(config).and_then(|place| place.child(ALERTS_DIR).ok()),
        encryption: target::encryption(config).unwrap_or_default(),
    }
}

fn subject_of(subject: AlertSubject) -> Subject {
    match subject {
        AlertSubject::Failure => Subject::Failure,
        AlertSubject::DeadLetter => Subject::DeadLetter,
        AlertSubject::SchemaChange => Subject::SchemaChange,
        AlertSubject::Drift => Subject::Drift,
    }
}

/// Looks whether the listeners of the configuration are there. Those of alerts can only be told: with
/// `send_test` they are.
pub(super) fn check(config: &Config, send_test: bool, list: &mut Checklist<'_>) {
    for (name, found) in listeners(config).check() {
        let found = found.map(|()| format!("{name} is there")).map_err(|cause| {
            Error::access(format!("{name} cannot be reached"))
                .help("check the name and the region, and allow this identity sns:GetTopicAttributes and dynamodb:DescribeTable")
                .because(cause)
        });
        list.says("listener", found);
    }
    let mut faults = Vec::new();
    let alerts = Alerts::new(alerts(config, &mut faults));
    for fault in faults {
        list.says("alerts", Err(fault));
    }
    if send_test {
        check_alerts(&alerts, list);
    } else if !alerts.names().is_empty() {
        let names = alerts.names().join(", ");
        list.says("alerts", Ok(format!("{names}; --alerts sends each a test")));
    }
}

fn check_alerts(alerts: &Alerts, list: &mut Checklist<'_>) {
    if alerts.names().is_empty() {
        let missing = Error::usage("nobody is told of anything")
            .help("set alerts.slack_url, alerts.teams_url or alerts.webhook_url");
        list.says("alerts", Err(missing));
    }
    for (name, told) in alerts.test() {
        let found: Result<String> = told.map(|()| format!("{name} has got a test")).map_err(|cause| {
            Error::access(format!("{name} was not told"))
                .help(format!("check alerts.{name}_url, and the way out of this network (HTTPS_PROXY)"))
                .because(cause)
        });
        list.says("alerts", found);
    }
}

/// Where a load keeps its manifests, if its warehouse has any.
struct Manifests<'a> {
    config: &'a Config,
    report: &'a RunReport,
}

impl Manifests<'_> {
    fn of_load(&self) -> Option<String> {
        let report = self.report;
        kept(target::staging(self.config)?, &[&report.table, &report.load_id, "manifest.json"])
    }

    fn of_failure(&self) -> Option<String> {
        target::staging(self.config)?;
        let own = &self.config.manifest;
        let name = format!("{}.json", self.report.load_id);
        kept(own.url.as_deref()?, &[own.failed_prefix.trim_matches('/'), &self.report.table, &name])
    }
}

/// `bucket/key`, if the object is there: a load can fail before it writes one.
fn kept(url: &str, names: &[&str]) -> Option<String> {
    let mut place = Location::parse(url).ok()?;
    for name in names {
        place = place.child(name).ok()?;
    }
    store::open(&place).ok()?;
    place.to_string().strip_prefix("s3://").map(str::to_owned)
}
