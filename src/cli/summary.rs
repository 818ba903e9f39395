//! A run in a few lines for people.

use crate::report::words::{count, duration, plural, size};
use crate::report::{FileReport, RunReport, SourceReport, Status};

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
    // What a ledger does not remember of a load is left out.
    let mut lines = vec![
        format!("{table}: {} {verb}{}", plural(rows.accepted, "row"), took(source.bytes, seconds.total)),
        format!("  from {}{}", source.uri, stored(source)),
    ];
    lines.extend((!files.is_empty()).then(|| format!("  into {}", place(files, bytes))));
    lines.extend([format!(
        "  read {} = accepted {} + rejected {}",
        count(rows.read),
        count(rows.accepted),
        count(rows.rejected)
    )]);
    if rows.erased > 0
        && let Some(line) = lines.last_mut()
    {
        *line += &format!(" + erased {}", count(rows.erased));
    }
    if rows.carried_over > 0 {
        lines.push(format!("  {} kept from the old table", plural(rows.carried_over, "row")));
    }
    if rows.truncated_values > 0 {
        let cut = report.columns.iter().filter(|column| column.truncated > 0);
        let cut: Vec<_> =
            cut.map(|column| format!("{} in {}", count(column.truncated), column.name)).collect();
        let values = plural(rows.truncated_values, "value");
        lines.push(format!("  {values} cut to the width of the column ({})", cut.join(", ")));
    }
    if let Some(uri) = &rejects.uri {
        lines.push(format!("  rejected records: {uri}"));
    }
    lines.extend(report.warnings.iter().map(|warning| format!("  warning: {warning}")));
    lines.push(format!("  load {load_id}"));
    lines.join("\n")
}

/// A run that did not fail in one line, among those of other tables; its warnings follow, so that
/// nobody who reads results alone misses one.
pub(super) fn line(report: &RunReport, verb: &str) -> String {
    let RunReport { table, source, rows, seconds, .. } = report;
    let mut text = match report.status {
        Status::Succeeded => {
            format!("{table}: {} {verb}{}", plural(rows.accepted, "row"), took(source.bytes, seconds.total))
        }
        status => format!(
            "{table}: {}: {}",
            status_word(status),
            report.error.as_deref().unwrap_or("nothing to do")
        ),
    };
    if rows.rejected > 0 {
        let uri = report.rejects.uri.as_deref().unwrap_or("nowhere");
        text += &format!(", {} rejected ({uri})", count(rows.rejected));
    }
    for warning in &report.warnings {
        text += &format!("\n  warning: {warning}");
    }
    text
}

/// The time, and how fast that was.
fn took(bytes: u64, seconds: f64) -> String {
    match bytes {
        _ if seconds == 0.0 => String::new(),
        0 => format!(" in {}", duration(seconds)),
        _ => format!(" in {}, {}/s", duration(seconds), size((bytes as f64 / seconds.max(0.001)) as u64)),
    }
}

pub(super) fn stored(source: &SourceReport) -> String {
    let word = if source.compression == "none" { "uncompressed" } else { &source.compression };
    if source.bytes == 0 { String::new() } else { format!(" ({}, {word})", size(source.bytes)) }
}

/// The folder of the files, and how much is in it.
fn place(files: &[FileReport], bytes: u64) -> String {
    let content = format!("{}, {}", plural(files.len() as u64, "file"), size(bytes));
    match files.first().and_then(|file| file.uri.rsplit_once('/')) {
        Some((folder, _)) => format!("{folder} ({content})"),
        None => content,
    }
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
    use crate::report::{ColumnReport, Rows, Seconds};

    #[test]
    fn a_summary_says_what_happened() {
        let (mut report, _) = not_begun("signatures", ExportKind::Full, Error::input("x")).unwrap_err();
        report.load_id = "01a".to_owned();
        report.status = Status::Succeeded;
        report.source.uri = "s3://b/signatures.csv".to_owned();
        (report.source.bytes, report.source.compression) = (3_800_000, "none".to_owned());
        report.seconds = Seconds { total: 0.0124, convert: 0.01, load: 0.002 };
        report.rows = Rows {
            read: 3,
            accepted: 2,
            rejected: 1,
            truncated_values: 1,
            carried_over: 4,
            loaded: 2,
            erased: 0,
        };
        let uri = "./warehouse/signatures/01a/01a-part-00000.snappy.parquet".to_owned();
        report.columns =
            vec![ColumnReport { name: "email".to_owned(), truncated: 1, ..ColumnReport::default() }];
        report.files = vec![FileReport { uri, rows: 2, bytes: 590_000 }];
        insta::assert_snapshot!(summary(&report, "loaded"), @r"
        signatures: 2 rows loaded in 12 ms, 306 MB/s
          from s3://b/signatures.csv (3.8 MB, uncompressed)
          into ./warehouse/signatures/01a (1 file, 590 kB)
          read 3 = accepted 2 + rejected 1
          4 rows kept from the old table
          1 value cut to the width of the column (1 in email)
          load 01a
        ");
        report.status = Status::Skipped;
        report.error = Some("this export is in the table already".into());
        insta::assert_snapshot!(summary(&report, "loaded"), @r"
        signatures: skipped: this export is in the table already
          from s3://b/signatures.csv
          load 01a
        ");
    }
}
