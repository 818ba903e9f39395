//! Tells the listeners of the configuration how a load ended.

use super::check::Say;
use super::settings;
use crate::config::Config;
use crate::error::Error;
use crate::notify::{Listeners, News};
use crate::pipeline::Outcome;
use crate::report::RunReport;
use crate::store::{self, Location};

fn listeners(config: &Config) -> Listeners {
    let text = |key| config.text(key).map(str::to_owned);
    Listeners {
        success_topic: text("notify.success_topic_arn"),
        failure_topic: text("notify.failure_topic_arn"),
        batches_table: text("dynamodb.batches_table"),
        files_table: text("dynamodb.processed_files_table"),
    }
}

/// Looks whether the listeners of the configuration are there.
pub(super) fn check(config: &Config, say: &mut Say<'_>) {
    for (name, found) in listeners(config).check() {
        let found = found.map(|()| ((), format!("{name} is there"))).map_err(|cause| {
            Error::access(format!("{name} cannot be reached"))
                .help("check the name and the region, and allow this identity sns:GetTopicAttributes and dynamodb:DescribeTable")
                .because(cause)
        });
        say.is("listener", found);
    }
}

/// The same outcome, with a warning for everyone who could not be told.
pub(super) fn told(config: &Config, mut outcome: Outcome) -> Outcome {
    let listeners = listeners(config);
    if listeners == Listeners::default() {
        return outcome;
    }
    let (report, error): (&RunReport, _) = match &outcome {
        Ok(report) => (report, None),
        Err((report, error)) => (report, Some(error)),
    };
    let manifests = Manifests { config, report };
    let cluster = ["redshift.workgroup", "redshift.cluster", "warehouse.to"];
    let news = News {
        report,
        help: error.and_then(|error| error.detail()).map(|detail| detail.help.as_str()),
        exit_code: error.map_or(0, |error| error.exit_code()),
        manifest: manifests.of_load(),
        failed_manifest: error.and_then(|_| manifests.of_failure()),
        cluster: match settings::is_redshift(config) {
            true => cluster.iter().find_map(|key| config.text(key)).unwrap_or_default(),
            false => config.text("warehouse.to").unwrap_or_default(),
        },
    };
    let warnings = listeners.tell(&news);
    match &mut outcome {
        Ok(report) => report.warnings.extend(warnings),
        Err((report, _)) => report.warnings.extend(warnings),
    }
    outcome
}

/// Where a load into Redshift keeps its manifests.
struct Manifests<'a> {
    config: &'a Config,
    report: &'a RunReport,
}

impl Manifests<'_> {
    fn of_load(&self) -> Option<String> {
        let RunReport { table, load_id, .. } = self.report;
        self.kept("staging.url", &[table, load_id, "manifest.json"])
    }

    fn of_failure(&self) -> Option<String> {
        let prefix = self.config.text("manifest.failed_prefix")?.trim_matches('/');
        let name = format!("{}.json", self.report.load_id);
        self.kept("manifest.url", &[prefix, &self.report.table, &name])
    }

    /// `bucket/key`, if the object is there: a load can fail before it writes one.
    fn kept(&self, key: &str, names: &[&str]) -> Option<String> {
        if !settings::is_redshift(self.config) {
            return None;
        }
        let mut place = Location::parse(self.config.text(key)?).ok()?;
        for name in names {
            place = place.child(name).ok()?;
        }
        store::open(&place).ok()?;
        place.to_string().strip_prefix("s3://").map(str::to_owned)
    }
}
