//! Hands a load's measures to whoever watches from outside.

use super::observer::Observer;
use crate::config::Config;
use crate::error::Error;
use crate::metrics::emf;
use crate::pipeline::Outcome;
use std::time::SystemTime;

/// One line for CloudWatch, if `metrics.emf` asks for it; `again` says whether the load's message comes again.
pub(super) fn measured(config: &Config, observer: &dyn Observer, outcome: &Outcome, again: bool) {
    if !config.metrics.emf {
        return;
    }
    let (report, class) = match outcome {
        Ok(report) => (report, None),
        Err((report, error)) => (&**report, Some(Error::class(error))),
    };
    if let Some(line) = emf::line(report, class, again, SystemTime::now()) {
        observer.measured(&line);
    }
}
