//! What is said of a load: the fields that the loader before us sent, and what it did not say.
//!
//! ```text
//! batchId, s3Prefix, key, status, error, originalManifest, failedManifest    as today
//! table, kind, source, rows, files, bytes, seconds, exitCode, nextStep …     added
//! ```

use super::news::News;
use crate::error::{self, Error};
use crate::report::{Rows, RunReport, Status};
use crate::store::ExportKind;
use crate::store::unsigned::unsigned;
use serde::Serialize;

/// Characters of an error or an advice at most: SNS takes messages of 256 KiB.
const TEXT_CHARS_MAX: usize = 4_000;
/// Characters of a subject at most, as SNS has it.
const SUBJECT_CHARS_MAX: usize = 99;

/// The message, as its JSON says it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Message<'a> {
    error: Option<String>,
    status: &'static str,
    batch_id: &'a str,
    s3_prefix: String,
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    original_manifest: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed_manifest: Option<&'a str>,
    table: &'a str,
    kind: ExportKind,
    source: String,
    rows: Rows,
    files: usize,
    bytes: u64,
    seconds: f64,
    exit_code: u8,
    next_step: Option<String>,
    version: &'static str,
}

impl<'a> Message<'a> {
    pub(super) fn of(news: &'a News<'a>) -> Self {
        let report = news.report;
        let source = Source::of(report);
        Self {
            error: error_of(report),
            status: if report.status == Status::Succeeded { "ok" } else { "error" },
            batch_id: &report.load_id,
            s3_prefix: source.prefix,
            key: source.key,
            original_manifest: news.manifest.as_deref(),
            failed_manifest: news.failed_manifest.as_deref(),
            table: &report.table,
            kind: report.kind,
            source: unsigned(&report.source.uri),
            rows: report.rows,
            files: report.files.len(),
            bytes: report.files.iter().map(|file| file.bytes).sum(),
            seconds: (report.seconds.total * 1000.0).round() / 1000.0,
            exit_code: news.error.map_or(0, Error::exit_code),
            next_step: next_step(news),
            version: concat!("csl-stream ", env!("CARGO_PKG_VERSION")),
        }
    }

    /// The JSON text.
    pub(super) fn text(&self) -> String {
        // A structure of texts and numbers: there is nothing that JSON could refuse.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// One line of printable ASCII, as SNS wants it.
    pub(super) fn subject(&self) -> String {
        let how = if self.status == "ok" { "loaded" } else { "FAILED" };
        let kind = if self.kind == ExportKind::Full { "full" } else { "incremental" };
        let subject = format!("csl-stream: {} {kind} {how}", self.table);
        subject.chars().filter(|letter| matches!(letter, ' '..='~')).take(SUBJECT_CHARS_MAX).collect()
    }
}

/// The error as it may be shown to anybody: no text of an error holds a field's value, and URLs lose their signatures.
pub(super) fn error_of(report: &RunReport) -> Option<String> {
    let error = report.error.as_ref().filter(|_| report.status != Status::Succeeded)?;
    Some(cut(&unsigned(error)))
}

fn next_step(news: &News<'_>) -> Option<String> {
    if news.report.status != Status::Succeeded {
        let detail = news.error.and_then(Error::detail);
        let help = detail.map(|detail| detail.help.as_str()).filter(|help| !help.is_empty());
        return Some(cut(&unsigned(help.unwrap_or("run it again; what was there before is as it was"))));
    }
    let rejects = news.report.rejects.uri.as_deref().map(|uri| format!("read the rejected records: {uri}"));
    rejects.map(|step| cut(&unsigned(&step)))
}

fn cut(text: &str) -> String {
    error::cut(text, TEXT_CHARS_MAX)
}

/// The export's name taken apart as the loader before us did.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Source {
    /// `bucket/key`, the name of a processed file.
    pub(super) file: String,
    /// `bucket/slug/kind/table`, which its configuration went by; else the folder.
    pub(super) prefix: String,
    /// The key in the bucket.
    pub(super) key: String,
}

impl Source {
    pub(super) fn of(report: &RunReport) -> Self {
        let kind = if report.kind == ExportKind::Full { "full" } else { "incremental" };
        Self::parse(&report.source.uri, kind, &report.table)
    }

    fn parse(uri: &str, kind: &str, table: &str) -> Self {
        let uri = unsigned(uri);
        let uri = uri.strip_suffix("?…").unwrap_or(&uri);
        let (scheme, place) = uri.split_once("://").unwrap_or(("", uri));
        let (host, key) =
            if scheme.is_empty() { ("", place) } else { place.split_once('/').unwrap_or((place, "")) };
        // A signed URL names its bucket before the first `.s3.` or `.s3-`.
        let bucket = if scheme.starts_with("http") { host.split(".s3").next().unwrap_or(host) } else { host };
        let join = |key: &str| if bucket.is_empty() { key.to_owned() } else { format!("{bucket}/{key}") };
        let folder = key.rsplit_once('/').map_or("", |(folder, _)| folder);
        let ending = format!("{kind}/{table}");
        let below = format!("/{folder}/").find(&format!("/{ending}/")).map(|at| &key[..at + ending.len()]);
        Self { file: join(key), prefix: join(below.unwrap_or(folder)), key: key.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::End;
    use crate::store::ObjectInfo;

    #[test]
    fn sources_are_named_as_the_loader_named_them() {
        for (uri, file, prefix, key) in [
            (
                "s3://b/org/full/t/20260301/t_1.csv",
                "b/org/full/t/20260301/t_1.csv",
                "b/org/full/t",
                "org/full/t/20260301/t_1.csv",
            ),
            ("s3://b/full/t/t_1.csv", "b/full/t/t_1.csv", "b/full/t", "full/t/t_1.csv"),
            ("s3://b/t.csv", "b/t.csv", "b/", "t.csv"),
            ("https://b.s3.amazonaws.com/o/x.csv?Signature=A", "b/o/x.csv", "b/o", "o/x.csv"),
            ("/tmp/x/t.csv", "/tmp/x/t.csv", "/tmp/x", "/tmp/x/t.csv"),
            ("-", "-", "", "-"),
            ("", "", "", ""),
        ] {
            let expected = Source { file: file.into(), prefix: prefix.into(), key: key.into() };
            assert_eq!(Source::parse(uri, "full", "t"), expected, "{uri}");
        }
    }

    #[test]
    fn a_failure_keeps_the_fields_of_the_loader_and_says_more() {
        let source = ObjectInfo { uri: "s3://b/org/full/t/20260301/t_1.csv".into(), ..ObjectInfo::default() };
        let mut report = RunReport::begin("id", "tä", ExportKind::Full, &source);
        let error = Error::access("denied https://h/x?Signature=HUSH").help("grant it");
        report.error = Some(error.to_string());
        let news = News {
            report: &report,
            error: Some(&error),
            end: End::Done,
            manifest: None,
            failed_manifest: Some("m/failed/t/id.json".into()),
            cluster: "wg",
        };
        let message = Message::of(&news);
        assert_eq!(message.subject(), "csl-stream: t full FAILED");
        let json: serde_json::Value = serde_json::from_str(&message.text()).unwrap();
        for (field, value) in [
            ("batchId", "id"),
            ("s3Prefix", "b/org/full/t/20260301"),
            ("status", "error"),
            ("error", "denied https://h/x?…"),
            ("key", "org/full/t/20260301/t_1.csv"),
            ("failedManifest", "m/failed/t/id.json"),
            ("kind", "full"),
            ("nextStep", "grant it"),
        ] {
            assert_eq!(json[field], value, "{field}");
        }
        assert_eq!(json["exitCode"], 3);
    }
}
