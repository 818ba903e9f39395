//! What there is to tell.

use crate::error::Error;
use crate::report::{End, RunReport};

/// A load that has ended, and what its report does not say.
#[derive(Debug)]
pub struct News<'a> {
    /// The report.
    pub report: &'a RunReport,
    /// Why it failed.
    pub error: Option<&'a Error>,
    /// What comes after it.
    pub end: End,
    /// `bucket/key` of the manifest that was loaded from, if there is one.
    pub manifest: Option<String>,
    /// `bucket/key` of the manifest that was kept after a failure, if there is one.
    pub failed_manifest: Option<String>,
    /// Cluster, workgroup or folder.
    pub cluster: &'a str,
}
