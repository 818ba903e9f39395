//! Files that a command writes beside its results.

use crate::error::{Error, Result};
use crate::report::RunReport;
use crate::store::outputs::Outputs;
use crate::store::{private, write_atomically};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// How a report is written, by the end of the file's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportForm {
    /// One line of JSON for each run: for programs.
    Json,
    /// `.html`: one page that refers to nothing.
    Html,
    /// `.md`: the same as Markdown.
    Markdown,
}

/// What stands at the beginning of each page, so that a later run knows the file as one of ours.
pub const PAGE_MARK: &str = "<!-- csl-stream report -->";

impl ReportForm {
    /// That of this file.
    pub fn of(path: &Path) -> Self {
        let end = path.extension().and_then(|end| end.to_str()).unwrap_or_default();
        match end.to_ascii_lowercase().as_str() {
            "html" | "htm" => Self::Html,
            "md" => Self::Markdown,
            _ => Self::Json,
        }
    }

    fn is_first_in(self, path: &Path) -> bool {
        if self == Self::Json {
            return RunReport::is_first_in(path);
        }
        let mut begin = [0; 64];
        let read = File::open(path).and_then(|mut file| file.read(&mut begin));
        read.is_ok_and(|bytes| String::from_utf8_lossy(&begin[..bytes]).contains(PAGE_MARK))
    }
}

/// Opens a file for run reports: one that is not there yet, or that begins with a report of its form. What is in it
/// stays.
///
/// # Errors
/// [`Error::Usage`] for any other file: it would be lost.
pub fn open_report(path: &Path) -> Result<File> {
    Outputs::default().claim("the report", path, || ReportForm::of(path).is_first_in(path))?;
    private::open(File::options().write(true).create(true).truncate(false), path)
        .map_err(|cause| Error::io("cannot write the report", path, cause))
}

/// Writes a file whole, with the folders above it.
///
/// # Errors
/// Whatever the file system refuses.
pub fn write_file(path: &Path, content: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent() {
        private::make_dirs(folder).map_err(|cause| Error::io("cannot make the folder", folder, cause))?;
    }
    write_atomically(path, content)
}
