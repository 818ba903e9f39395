//! The name of an export: one, however it is read.
//!
//! The same export comes as `s3://bucket/key` and as a signed URL, whose host has several forms. The
//! ledger knows an export by its name, so that nothing is loaded twice: it must be the same for all.

use super::message::{LoadOrder, ObjectName};
use crate::store::{Endpoint, Location, ObjectOfUrl, exported_at_of, object_of_url, time_of};
use sha2::{Digest, Sha256};
use std::time::SystemTime;

impl LoadOrder {
    /// The object that the order names, or that its URL leads to if that is one of S3.
    pub fn object(&self) -> Option<ObjectName> {
        match &self.s3 {
            Some(named) => {
                let key = named.key.trim_start_matches('/').to_owned();
                Some(ObjectName { bucket: named.bucket.clone(), key })
            }
            None => of_url(&self.download_url),
        }
    }

    /// `s3://bucket/key`, or the URL without its query: fit to be shown.
    pub fn name(&self) -> String {
        match self.object() {
            Some(ObjectName { bucket, key }) => format!("s3://{bucket}/{key}"),
            None => without_query(&self.download_url).to_owned(),
        }
    }

    /// When the export was made (`YYYYMMDDhhmmss`), if its name says so.
    pub fn exported_at(&self) -> Option<String> {
        exported_at_of(&Location::parse(&self.name()).ok()?)
    }

    /// The moment when it was made, if its name says so.
    pub fn made(&self) -> Option<SystemTime> {
        time_of(&self.exported_at()?)
    }

    /// The same for the same export: 64 hexadecimal digits.
    pub fn deduplication_id(&self) -> String {
        let identity = format!("{}\n{}\n{}", self.table, self.kind.word(), self.name());
        Sha256::digest(identity.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

pub(super) fn without_query(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}

fn of_url(url: &str) -> Option<ObjectName> {
    let ObjectOfUrl { bucket, key } = object_of_url(url, Endpoint::of_environment().as_ref()).ok()?;
    let key = key.trim_start_matches('/').to_owned();
    (!key.is_empty()).then_some(ObjectName { bucket, key })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::ExportKind;

    fn order(url: &str, s3: Option<(&str, &str)>) -> LoadOrder {
        LoadOrder {
            download_url: url.to_owned(),
            table: "t".to_owned(),
            s3: s3.map(|(bucket, key)| ObjectName { bucket: bucket.to_owned(), key: key.to_owned() }),
            kind: ExportKind::Full,
        }
    }

    #[test]
    fn one_export_has_one_name() {
        let key = "o/full/t/20260301/t_20260301031500.csv";
        for url in [
            format!("https://b.s3.amazonaws.com/{key}?AWSAccessKeyId=X&Signature=Y"),
            format!("https://b.s3.us-east-1.amazonaws.com/{key}?X-Amz-Signature=Y"),
            format!("https://b.s3-eu-west-1.amazonaws.com/{key}"),
            format!("https://s3.amazonaws.com/b/{key}?Signature=Y"),
            format!("https://s3.eu-central-1.amazonaws.com/b/{key}#x"),
            format!("https://B.S3.amazonaws.com:443/{key}"),
            format!("https://s3.dualstack.us-east-1.amazonaws.com/b/{}", key.replace('/', "%2F")),
        ] {
            let order = order(&url, None);
            assert_eq!(order.name(), format!("s3://b/{key}"), "{url}");
            assert_eq!(order.exported_at().as_deref(), Some("20260301031500"), "{url}");
        }
        let named = order("https://elsewhere/x?s", Some(("b", &format!("/{key}"))));
        assert_eq!(named.name(), format!("s3://b/{key}"));
        let by_url = order(&format!("https://b.s3.amazonaws.com/{key}?Signature=1"), None);
        assert_eq!(named.deduplication_id(), by_url.deduplication_id());
        let incremental = LoadOrder { kind: ExportKind::Incremental, ..by_url.clone() };
        assert_ne!(incremental.deduplication_id(), by_url.deduplication_id());
    }

    #[test]
    fn what_is_no_object_of_s3_keeps_its_url() {
        for (url, name) in [
            ("https://host/a/t_20260301.csv?secret", "https://host/a/t_20260301.csv"),
            ("http://127.0.0.1:9/b/t.csv?secret", "http://127.0.0.1:9/b/t.csv"),
            ("https://s3.amazonaws.com/b", "https://s3.amazonaws.com/b"),
            ("https://b.s3.amazonaws.com/?secret", "https://b.s3.amazonaws.com/"),
            ("https://b.s3.amazonaws.com.evil.org/k?secret", "https://b.s3.amazonaws.com.evil.org/k"),
            ("https://b.s3x.amazonaws.com/k", "https://b.s3x.amazonaws.com/k"),
            ("https://b.s3.amazonaws.com/a%zz?secret", "https://b.s3.amazonaws.com/a%zz"),
        ] {
            assert_eq!(order(url, None).name(), name, "{url}");
        }
    }
}
