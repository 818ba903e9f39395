//! What there is to tell.

use crate::report::RunReport;

/// A load that has ended, and what its report does not say.
#[derive(Debug)]
pub struct News<'a> {
    /// The report.
    pub report: &'a RunReport,
    /// What the operator can do about the error.
    pub help: Option<&'a str>,
    /// The exit code of the process.
    pub exit_code: u8,
    /// `bucket/key` of the manifest that was loaded from, if there is one.
    pub manifest: Option<String>,
    /// `bucket/key` of the manifest that was kept after a failure, if there is one.
    pub failed_manifest: Option<String>,
    /// Cluster, workgroup or folder.
    pub cluster: &'a str,
}
