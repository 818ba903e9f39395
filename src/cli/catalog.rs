//! Glue as the command line sees it: the job that a load must not meet, and the Data Catalog.

use super::check::Say;
use super::printer::Printer;
use super::settings;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::pipeline::Outcome;
use crate::report::{RunReport, Status};

/// Waits while the old Glue job of the configuration runs.
///
/// # Errors
/// `Error::Transient` if it still runs after the time that a load may wait.
#[cfg(feature = "aws")]
pub(super) fn wait_for_job(config: &Config, printer: Printer, stopped: &dyn Fn() -> bool) -> Result<()> {
    let Some(job) = config.text("glue.job_name") else { return Ok(()) };
    let minutes = config.number("glue.wait_minutes").unwrap_or(0);
    let note =
        |run: &str| printer.note(&format!("the Glue job {job} is running ({run}): waiting for its end"));
    crate::glue::wait_until_idle(
        job,
        std::time::Duration::from_secs(minutes.saturating_mul(60)),
        stopped,
        &note,
    )
}

/// Without the feature nobody can look, and loading beside the job could load twice.
#[cfg(not(feature = "aws"))]
pub(super) fn wait_for_job(config: &Config, _printer: Printer, _stopped: &dyn Fn() -> bool) -> Result<()> {
    match config.text("glue.job_name") {
        None => Ok(()),
        Some(_) => Err(Error::usage("this csl-stream was built without the aws feature")
            .help("remove glue.job_name, or use a build with the aws feature")),
    }
}

/// Looks at the job and the database that the configuration names.
#[cfg(feature = "aws")]
pub(super) fn check(config: &Config, say: &mut Say<'_>) {
    use crate::glue::{self, Job};
    if let Some(name) = config.text("glue.job_name") {
        let found = glue::job(name).and_then(|job| match job {
            Job::Absent => {
                Err(Error::usage(format!("there is no Glue job {name}: no load would wait for it"))
                    .help("correct glue.job_name, or remove it when the job is gone"))
            }
            Job::Idle => Ok(((), format!("{name} does not run"))),
            Job::Running(run) => Ok(((), format!("{name} is running ({run}): a load would wait"))),
        });
        say.is("Glue job", found);
    }
    if let Some(name) = config.text("glue.database") {
        say.is("Data Catalog", glue::is_database(name).map(|()| ((), format!("{name} is there"))));
    }
}

/// As [`wait_for_job`]: without the feature nobody can look.
#[cfg(not(feature = "aws"))]
pub(super) fn check(config: &Config, say: &mut Say<'_>) {
    if config.text("glue.job_name").is_some() {
        say.is("Glue job", wait_for_job(config, say.printer(), &|| false).map(|()| ((), String::new())));
    }
}

/// The same outcome; what is staged for Redshift is registered in the Data Catalog if the configuration
/// names a database. What cannot be registered is a warning: the load has ended.
pub(super) fn registered(config: &Config, mut outcome: Outcome) -> Outcome {
    let (Some(database), Ok(report)) = (config.text("glue.database"), &mut outcome) else { return outcome };
    if report.status != Status::Succeeded || !settings::is_redshift(config) {
        return outcome;
    }
    if let Err(error) = register(config, database, report) {
        tracing::warn!(%error, "the staged files could not be registered");
        report.warnings.push(format!("the staged files are not in the Data Catalog: {error}"));
    }
    outcome
}

#[cfg(feature = "aws")]
fn register(config: &Config, database: &str, report: &RunReport) -> Result<()> {
    let staging = crate::store::Location::parse(config.text("staging.url").unwrap_or_default())?;
    crate::glue::register(&crate::glue::StagedFiles {
        database,
        table: &report.table,
        load_id: &report.load_id,
        staging: &staging,
        files: &report.files,
        age_max: crate::warehouse::redshift::STAGED_AGE_MAX,
    })
}

#[cfg(not(feature = "aws"))]
fn register(_config: &Config, _database: &str, _report: &RunReport) -> Result<()> {
    Err(crate::error::Error::usage("this csl-stream was built without the aws feature"))
}
