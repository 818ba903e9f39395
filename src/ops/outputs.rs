//! Files that a command writes beside its results.

use crate::error::Result;
use crate::report::RunReport;
use crate::store::outputs::Outputs;
use std::path::Path;

/// Takes a path for run reports: a file that is not there yet, or that begins with a report.
///
/// # Errors
/// [`crate::Error::Usage`] for any other file: it would be lost.
pub fn claim_report(path: &Path) -> Result<()> {
    Outputs::default().claim("the report", path, || RunReport::is_first_in(path))
}
