//! A run in a few lines for people.

use crate::report::words::{count, plural, size};
use crate::report::{RunReport, Status};

/// A run in a few lines for people; `verb` is what was done with the rows: loaded, converted.
pub(super) fn summary(report: &RunReport, verb: &str) -> String {
    let RunReport { table, source, rows, files, rejects, seconds, load_id, .. } = report;
    if report.status != Status::Succeeded {
        let why = report.error.as_deref().unwrap_or("nothing to do");
        return format!(
            "{table}: {}: {why}\n  from {}\n  load {load_id}",
            status_word(report.status),
            source.uri
        );
    }
    let bytes: u64 = files.iter().map(|file| file.bytes).sum();
    let mut lines = vec![
        format!("{table}: {} {verb} in {:.1} s", plural(rows.accepted, "row"), seconds.total),
        format!("  from {} ({}, {})", source.uri, size(source.bytes), source.compression),
        format!("  into {}, {}", plural(files.len() as u64, "file"), size(bytes)),
        format!(
            "  read {} = accepted {} + rejected {}",
            count(rows.read),
            count(rows.accepted),
            count(rows.rejected)
        ),
    ];
    if rows.carried_over > 0 {
        lines.push(format!("  {} kept from the old table", plural(rows.carried_over, "row")));
    }
    if rows.truncated_values > 0 {
        lines.push(format!("  {} cut to their column's width", plural(rows.truncated_values, "value")));
    }
    if let Some(uri) = &rejects.uri {
        lines.push(format!("  rejected records: {uri}"));
    }
    lines.extend(report.warnings.iter().map(|warning| format!("  warning: {warning}")));
    lines.push(format!("  load {load_id}"));
    lines.join("\n")
}

/// The word for a status, as in the report.
pub(super) fn status_word(status: Status) -> &'static str {
    match status {
        Status::Succeeded => "succeeded",
        Status::Failed => "failed",
        Status::Skipped => "skipped",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::ops::{ExportKind, not_begun};
    use crate::report::Rows;

    #[test]
    fn a_summary_says_what_happened() {
        let (mut report, _) = not_begun("signatures", ExportKind::Full, Error::input("x")).unwrap_err();
        report.status = Status::Succeeded;
        report.rows =
            Rows { read: 3, accepted: 2, rejected: 1, truncated_values: 1, carried_over: 4, loaded: 2 };
        let text = summary(&report, "loaded");
        for line in [
            "signatures: 2 rows loaded in ",
            "read 3 = accepted 2 + rejected 1",
            "4 rows kept",
            "1 value cut",
            "into 0 files",
        ] {
            assert!(text.contains(line), "{text}");
        }
        report.status = Status::Skipped;
        report.error = Some("this export is in the table already".into());
        let text = summary(&report, "loaded");
        assert!(text.starts_with("signatures: skipped: this export"), "{text}");
    }
}
