//! Glue around a load: the old job that it must not meet, and the Data Catalog.

use super::observer::Observer;
use crate::config::Config;
use crate::error::Result;
use crate::pipeline::Outcome;
use crate::report::{Checklist, RunReport, Status};
use crate::warehouse::Warehouse;

/// Waits while the old Glue job of the configuration runs. A job that is not there is a warning: it may have been
/// removed, which is no reason to load nothing, or its name is mistyped, and then nobody waits.
///
/// # Errors
/// `Error::Transient` if it still runs after the time that a load may wait. Without the feature nobody can
/// look, and loading beside the job could load twice.
#[cfg(feature = "aws")]
pub(super) fn wait(
    config: &Config,
    observer: &dyn Observer,
    stopped: &dyn Fn() -> bool,
) -> Result<Option<String>> {
    let Some(job) = &config.glue.job_name else { return Ok(None) };
    let wait = std::time::Duration::from_secs(config.glue.wait_minutes.saturating_mul(60));
    let note =
        |run: &str| observer.note(&format!("the Glue job {job} is running ({run}): waiting for its end"));
    if crate::glue::wait_until_idle(job, wait, stopped, &note)? {
        return Ok(None);
    }
    let warning = format!("{}: correct glue.job_name, or remove it when the job is gone", absent(job));
    observer.note(&format!("warning: {warning}"));
    Ok(Some(warning))
}

#[cfg(feature = "aws")]
fn absent(job: &str) -> String {
    format!("there is no Glue job {job}: no load waits for it")
}

#[cfg(not(feature = "aws"))]
pub(super) fn wait(config: &Config, _: &dyn Observer, _: &dyn Fn() -> bool) -> Result<Option<String>> {
    let missing = |_: &String| Err(crate::features::Feature::Aws.missing("glue.job_name"));
    config.glue.job_name.as_ref().map_or(Ok(None), missing)
}

/// Looks at the job and the database that the configuration names.
#[cfg(feature = "aws")]
pub(super) fn check(config: &Config, list: &mut Checklist<'_>) {
    use crate::error::Error;
    use crate::glue::{self, Job};
    if let Some(name) = &config.glue.job_name {
        let found =
            glue::job(name).and_then(|job| match job {
                Job::Absent => Err(Error::usage(absent(name))
                    .help("correct glue.job_name, or remove it when the job is gone")),
                Job::Idle => Ok(format!("{name} does not run")),
                Job::Running(run) => Ok(format!("{name} is running ({run}): a load would wait")),
            });
        list.says("Glue job", found);
    }
    if let Some(name) = &config.glue.database {
        list.says("Data Catalog", glue::is_database(name).map(|()| format!("{name} is there")));
    }
}

#[cfg(not(feature = "aws"))]
pub(super) fn check(config: &Config, list: &mut Checklist<'_>) {
    if config.glue.job_name.is_some() {
        list.says("Glue job", wait(config, &super::Silent, &|| false).map(|_| String::new()));
    }
}

/// The same outcome; what is staged for others to read is registered in the Data Catalog if the configuration
/// names a database. What cannot be registered is a warning: the load has ended.
pub(super) fn registered(config: &Config, warehouse: &dyn Warehouse, mut outcome: Outcome) -> Outcome {
    let (Some(database), Ok(report)) = (&config.glue.database, &mut outcome) else { return outcome };
    let Some(staging) = warehouse.staging_place().filter(|_| report.status == Status::Succeeded) else {
        return outcome;
    };
    if let Err(error) = register(database, staging, config.staging.days, report) {
        tracing::warn!(%error, "the staged files could not be registered");
        report.warnings.push(format!("the staged files are not in the Data Catalog: {error}"));
    }
    outcome
}

#[cfg(feature = "aws")]
fn register(database: &str, staging: &crate::store::Location, days: u32, report: &RunReport) -> Result<()> {
    use crate::warehouse::{DAY_SECONDS, STAGED_DAYS_MIN};
    crate::glue::register(&crate::glue::StagedFiles {
        database,
        table: &report.table,
        load_id: &report.load_id,
        staging,
        files: &report.files,
        age_max: std::time::Duration::from_secs(u64::from(days.max(STAGED_DAYS_MIN)) * DAY_SECONDS),
    })
}

#[cfg(not(feature = "aws"))]
fn register(_: &str, _: &crate::store::Location, _: u32, _: &RunReport) -> Result<()> {
    Err(crate::features::Feature::Aws.missing("the Data Catalog"))
}
