//! Other machines that convert: what the configuration says of them, and their processes.

use crate::config::Config;
use crate::error::Result;
use crate::pipeline::Units;
use crate::store::Location;

#[cfg(feature = "cluster")]
pub use crate::cluster::{Executor, Peer, Scheduler, Security, run_executor, run_scheduler};

/// Who converts this export; none: this machine alone.
///
/// # Errors
/// [`crate::Error::Usage`] for an export that other machines cannot read, or settings that are not whole.
#[cfg(feature = "cluster")]
pub(super) fn units(config: &Config, source: &Location) -> Result<Option<Box<dyn Units>>> {
    use crate::cluster::Cluster;
    use std::time::Duration;
    let Some(scheduler) = config.cluster.scheduler.as_deref() else { return Ok(None) };
    let scheduler: Peer = scheduler.parse()?;
    let security = security(config, &[&scheduler])?;
    let wait = Duration::from_secs(config.cluster.wait_seconds);
    Ok(Some(Box::new(Cluster::new(scheduler, security, source, wait)?)))
}

/// What keeps others away from these.
///
/// # Errors
/// Those of [`Security::new`].
#[cfg(feature = "cluster")]
pub fn security(config: &Config, peers: &[&Peer]) -> Result<Security> {
    let tls = config.cluster.tls.as_deref().map(std::path::Path::new);
    Security::new(tls, config.cluster.insecure, peers)
}

/// Who converts this export: this machine alone.
///
/// # Errors
/// [`crate::Error::Usage`] if others shall.
#[cfg(not(feature = "cluster"))]
pub(super) fn units(config: &Config, _: &Location) -> Result<Option<Box<dyn Units>>> {
    match config.cluster.scheduler {
        None => Ok(None),
        Some(_) => Err(crate::features::Feature::Cluster.missing("converting on several machines")),
    }
}
