//! Tells the listeners of the configuration how a load ended.

use super::load::warned;
use crate::config::Config;
use crate::pipeline::Outcome;
use crate::report::Checklist;

/// The same outcome, with a warning for everyone who could not be told.
pub(super) fn told(config: &Config, outcome: Outcome) -> Outcome {
    let warnings = tell(config, &outcome);
    warned(outcome, warnings)
}

#[cfg(feature = "aws")]
fn listeners(config: &Config) -> crate::notify::Listeners {
    crate::notify::Listeners {
        success_topic: config.notify.success_topic_arn.clone(),
        failure_topic: config.notify.failure_topic_arn.clone(),
        batches_table: config.dynamodb.batches_table.clone(),
        files_table: config.dynamodb.processed_files_table.clone(),
    }
}

/// Looks whether the listeners of the configuration are there.
#[cfg(feature = "aws")]
pub(super) fn check(config: &Config, list: &mut Checklist<'_>) {
    use crate::error::Error;
    for (name, found) in listeners(config).check() {
        let found = found.map(|()| format!("{name} is there")).map_err(|cause| {
            Error::access(format!("{name} cannot be reached"))
                .help("check the name and the region, and allow this identity sns:GetTopicAttributes and dynamodb:DescribeTable")
                .because(cause)
        });
        list.says("listener", found);
    }
}

#[cfg(feature = "aws")]
fn tell(config: &Config, outcome: &Outcome) -> Vec<String> {
    let listeners = listeners(config);
    if listeners == crate::notify::Listeners::default() {
        return Vec::new();
    }
    let (report, error) = match outcome {
        Ok(report) => (report, None),
        Err((report, error)) => (&**report, Some(error)),
    };
    let is_redshift = config.warehouse.to.is_redshift();
    let manifests = is_redshift.then_some(Manifests { config, report });
    let redshift = config.redshift.workgroup.as_deref().or(config.redshift.cluster.as_deref());
    listeners.tell(&crate::notify::News {
        report,
        help: error.and_then(|error| error.detail()).map(|detail| detail.help.as_str()),
        exit_code: error.map_or(0, |error| error.exit_code()),
        manifest: manifests.as_ref().and_then(Manifests::of_load),
        failed_manifest: error.and(manifests.as_ref()).and_then(Manifests::of_failure),
        cluster: redshift.filter(|_| is_redshift).unwrap_or(&config.warehouse.to.0),
    })
}

/// Where a load into Redshift keeps its manifests.
#[cfg(feature = "aws")]
struct Manifests<'a> {
    config: &'a Config,
    report: &'a crate::report::RunReport,
}

#[cfg(feature = "aws")]
impl Manifests<'_> {
    fn of_load(&self) -> Option<String> {
        let report = self.report;
        kept(self.config.staging.url.as_deref()?, &[&report.table, &report.load_id, "manifest.json"])
    }

    fn of_failure(&self) -> Option<String> {
        let own = &self.config.manifest;
        let name = format!("{}.json", self.report.load_id);
        kept(own.url.as_deref()?, &[own.failed_prefix.trim_matches('/'), &self.report.table, &name])
    }
}

/// `bucket/key`, if the object is there: a load can fail before it writes one.
#[cfg(feature = "aws")]
fn kept(url: &str, names: &[&str]) -> Option<String> {
    use crate::store::{self, Location};
    let mut place = Location::parse(url).ok()?;
    for name in names {
        place = place.child(name).ok()?;
    }
    store::open(&place).ok()?;
    place.to_string().strip_prefix("s3://").map(str::to_owned)
}

/// Nobody is there who could be looked for: a load says so.
#[cfg(not(feature = "aws"))]
pub(super) fn check(_: &Config, _: &mut Checklist<'_>) {}

/// A warning for what the configuration asks for and this build cannot do.
#[cfg(not(feature = "aws"))]
fn tell(config: &Config, _: &Outcome) -> Vec<String> {
    let keys = [
        ("notify.success_topic_arn", &config.notify.success_topic_arn),
        ("notify.failure_topic_arn", &config.notify.failure_topic_arn),
        ("dynamodb.batches_table", &config.dynamodb.batches_table),
        ("dynamodb.processed_files_table", &config.dynamodb.processed_files_table),
    ];
    let asked = keys.iter().filter(|(_, value)| value.is_some());
    asked.map(|(key, _)| crate::features::Feature::Aws.missing(key).to_string()).collect()
}
