//! One line of CloudWatch's embedded metric format for each load.
//!
//! CloudWatch Logs reads it out of a log line that is nothing but this JSON ([specification]). Each metric of each
//! table is one custom metric on the bill, for the hours in which it comes: so there is one set of dimensions,
//! and what is not the case (a failure, rejects) is left out rather than sent as 0.
//!
//! [specification]: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html

use crate::report::{RunReport, Status};
use crate::store::{ExportKind, Location, exported_at_of, time_of};
use serde_json::{Map, Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

/// The namespace of all metrics.
pub const NAMESPACE: &str = "csl-stream";
/// The one dimension: the table's name.
pub const DIMENSION: &str = "Table";
/// Longest value of a dimension that CloudWatch takes, in characters.
const DIMENSION_CHARS_MAX: usize = 1024;

/// A metric, and its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// As CloudWatch knows it.
    pub name: &'static str,
    /// One of CloudWatch's.
    pub unit: &'static str,
    /// What it says.
    pub about: &'static str,
}

const fn metric(name: &'static str, unit: &'static str, about: &'static str) -> Metric {
    Metric { name, unit, about }
}

const SUCCEEDED: Metric = metric("LoadsSucceeded", "Count", "loads that ended well");
const FAILED: Metric =
    metric("LoadsFailed", "Count", "loads that failed, and are not tried again by themselves");
const RETRIED: Metric = metric("LoadsRetried", "Count", "tries that failed, and come again by themselves");
const ROWS: Metric = metric("RowsLoaded", "Count", "rows that came into the table");
const FULL_ROWS: Metric = metric("FullRows", "Count", "rows of a full export");
const FULL_ROWS_BEFORE: Metric = metric("FullRowsBefore", "Count", "rows of the full export before it");
const REJECTED: Metric = metric("RowsRejected", "Count", "records left out, or for which a load stopped");
const SECONDS: Metric =
    metric("LoadTime", "Seconds", "the whole run, from the search for the export to the table");
const AGE: Metric = metric("DataAge", "Seconds", "how old the export was when it was in the table");

/// Every metric that a line may have.
pub const METRICS: [Metric; 9] =
    [SUCCEEDED, FAILED, RETRIED, ROWS, FULL_ROWS, FULL_ROWS_BEFORE, REJECTED, SECONDS, AGE];

/// The line of a load, without its end; none of a load that was skipped. `class` is that of its error, `again`
/// whether its message comes again.
pub fn line(report: &RunReport, class: Option<&str>, again: bool, now: SystemTime) -> Option<String> {
    let values = values(report, again, now);
    if report.status == Status::Skipped || values.is_empty() {
        return None;
    }
    let metrics: Vec<Value> =
        values.iter().map(|(metric, _)| json!({ "Name": metric.name, "Unit": metric.unit })).collect();
    let mut root = Map::new();
    root.insert(
        "_aws".to_owned(),
        json!({
            "Timestamp": millis(now),
            "CloudWatchMetrics": [{ "Namespace": NAMESPACE, "Dimensions": [[DIMENSION]], "Metrics": metrics }],
        }),
    );
    let table: String = report.table.chars().take(DIMENSION_CHARS_MAX).collect();
    root.insert(DIMENSION.to_owned(), json!(table));
    root.extend(values.into_iter().map(|(metric, value)| (metric.name.to_owned(), value)));
    // For searches in the log; no metrics.
    root.insert("Kind".to_owned(), json!(report.kind.word()));
    root.insert("LoadId".to_owned(), json!(report.load_id));
    if let Some(class) = class {
        root.insert("Error".to_owned(), json!(class));
    }
    Some(Value::Object(root).to_string())
}

fn values(report: &RunReport, again: bool, now: SystemTime) -> Vec<(Metric, Value)> {
    let mut values = Vec::new();
    let rows = &report.rows;
    match report.status {
        Status::Succeeded => {
            values.extend([(SUCCEEDED, json!(1)), (ROWS, json!(rows.loaded))]);
            if report.kind == ExportKind::Full {
                values.push((FULL_ROWS, json!(rows.loaded)));
                // Without a night before there is nothing to compare with.
                let before = report.changes.rows_before;
                values.extend((before > 0).then(|| (FULL_ROWS_BEFORE, json!(before))));
            }
            values.extend(age(report, now).map(|age| (AGE, json!(age))));
        }
        Status::Failed => values.push((if again { RETRIED } else { FAILED }, json!(1))),
        Status::Skipped => return values,
    }
    values.push((SECONDS, json!(thousandths(report.seconds.total))));
    values.extend((rows.rejected > 0).then(|| (REJECTED, json!(rows.rejected))));
    values
}

/// When the export was made that a load brought, as its name says.
pub fn exported(report: &RunReport) -> Option<SystemTime> {
    time_of(&exported_at_of(&Location::parse(&report.source.uri).ok()?)?)
}

fn age(report: &RunReport, now: SystemTime) -> Option<f64> {
    let age = now.duration_since(exported(report)?).unwrap_or_default();
    Some(thousandths(age.as_secs_f64()))
}

fn thousandths(seconds: f64) -> f64 {
    (seconds.max(0.0) * 1000.0).round() / 1000.0
}

fn millis(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH).ok().and_then(|since| u64::try_from(since.as_millis()).ok()).unwrap_or(0)
}
