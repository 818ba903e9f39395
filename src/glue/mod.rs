//! Glue: the job that loaded before us and must not load at the same time, and the Data Catalog.
//!
//! ```text
//! load ─▶ wait_until_idle ─▶ GetJobRuns ─┬─ none runs ─▶ go on
//!             ▲                          └─ one runs ──▶ POLL_EVERY ─┐
//!             └──────────────────────────────────────────────────────┘  until the wait is over: exit 7
//! ```
//!
//! The job truncates the table and copies into it: whichever of two loads ends last would win. After a load,
//! [`register`] makes what is staged a partition of a table in the Data Catalog.

mod catalog;
mod client;

pub use catalog::{StagedFiles, is_database, register};

use crate::error::{Error, Place, Result};
use crate::store::runtime;
use aws_sdk_glue::Client;
use aws_sdk_glue::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_glue::types::{JobRun, JobRunState};
use client::{client, told};
use std::time::{Duration, Instant};

/// Time between two looks at the job.
pub const POLL_EVERY: Duration = Duration::from_secs(5);
/// Longest that a load waits, whatever the configuration says: an export can be read for six hours.
pub const WAIT_MAX: Duration = Duration::from_secs(6 * 3600);
/// How often it is asked, while waiting, whether to stop.
const STOP_EVERY: Duration = Duration::from_millis(200);
/// Runs that are looked at, newest first: an older one that still runs would be days old.
const RUNS_LOOKED_AT: i32 = 50;
/// Waits until no run of `job` is under way, `wait` at most; `note` hears of the run that is waited for. Says
/// whether there is such a job.
///
/// # Errors
/// [`Error::Transient`] if one still runs then; [`Error::Access`] if the job may not be looked at: a load
/// that cannot know does not begin.
pub fn wait_until_idle(
    job: &str,
    wait: Duration,
    stopped: &dyn Fn() -> bool,
    note: &dyn Fn(&str),
) -> Result<bool> {
    let client = client()?;
    let deadline = Instant::now() + wait.min(WAIT_MAX);
    let mut told = false;
    loop {
        let run = match job_of(&client, job)? {
            Job::Running(run) => run,
            found => return Ok(found != Job::Absent),
        };
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Error::transient(format!("the Glue job {job} is still running ({run})"))
                .at(Place::uri(format!("glue://{job}")))
                .help("run it again when the job has ended; when csl-stream loads this table, switch the job off and remove glue.job_name"));
        }
        if !std::mem::replace(&mut told, true) {
            note(&run);
        }
        tracing::info!(job, run, seconds_left = left.as_secs(), "waiting for the Glue job");
        pause(left.min(POLL_EVERY), stopped)?;
    }
}

fn pause(time: Duration, stopped: &dyn Fn() -> bool) -> Result<()> {
    let end = Instant::now() + time;
    loop {
        if stopped() {
            return Err(Error::Interrupted);
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        std::thread::sleep(left.min(STOP_EVERY));
    }
}

/// A job, as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Job {
    /// There is none of that name.
    Absent,
    /// No run is under way.
    Idle,
    /// The run of this id is.
    Running(String),
}

/// Looks at a job.
///
/// # Errors
/// As [`wait_until_idle`].
pub fn job(name: &str) -> Result<Job> {
    job_of(&client()?, name)
}

fn job_of(client: &Client, job: &str) -> Result<Job> {
    let call = client.get_job_runs().job_name(job).max_results(RUNS_LOOKED_AT).send();
    match runtime()?.block_on(call) {
        Ok(answer) => {
            let run = answer.job_runs().iter().find(|run| is_under_way(run));
            Ok(run
                .map_or(Job::Idle, |run| Job::Running(run.id().unwrap_or("a run without an id").to_owned())))
        }
        Err(error) if error.code() == Some("EntityNotFoundException") => {
            tracing::warn!(job, "there is no such Glue job");
            Ok(Job::Absent)
        }
        Err(error) => Err(refused(job, error)),
    }
}

/// A state that is not known to be an end may be none.
fn is_under_way(run: &JobRun) -> bool {
    use JobRunState::{Error, Expired, Failed, Stopped, Succeeded, Timeout};
    run.job_run_state()
        .is_some_and(|state| !matches!(state, Error | Expired | Failed | Stopped | Succeeded | Timeout))
}

fn refused<E, R>(job: &str, error: SdkError<E, R>) -> Error
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
    R: std::fmt::Debug + 'static,
{
    let what = "cannot look whether the Glue job is running";
    let told = told(&error);
    let denied = error.code().is_some_and(|code| code.contains("AccessDenied") || code.contains("Token"));
    let class = if denied || matches!(error, SdkError::ConstructionFailure(_)) {
        Error::access(what).help("allow this identity glue:GetJobRuns, or remove glue.job_name")
    } else {
        Error::transient(what).help("run it again; or remove glue.job_name if the job is gone")
    };
    class.at(Place::uri(format!("glue://{job}"))).because(told)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn only_a_known_end_is_an_end() {
        for (state, under_way) in [
            ("STARTING", true),
            ("RUNNING", true),
            ("STOPPING", true),
            ("WAITING", true),
            ("SOMETHING_NEW", true),
            ("SUCCEEDED", false),
            ("FAILED", false),
            ("STOPPED", false),
            ("TIMEOUT", false),
            ("ERROR", false),
            ("EXPIRED", false),
        ] {
            let run = JobRun::builder().job_run_state(JobRunState::from(state)).build();
            assert_eq!(is_under_way(&run), under_way, "{state}");
        }
    }

    #[test]
    fn a_wait_ends_when_it_is_told_to() {
        assert!(matches!(pause(WAIT_MAX, &|| true), Err(Error::Interrupted)));
        pause(Duration::ZERO, &|| false).unwrap();
    }
}
