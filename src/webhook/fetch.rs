//! What may be fetched: from a webhook's words to an order, or to the reason why there is none.
//!
//! ```text
//! url ──▶ host of S3 ──▶ bucket on the list ──▶ key ─┐
//! s3 ───▶ the same bucket and key, if it is there ───┼─▶ <slug>/<kind>/<table>/<date>/<table>_<time>.csv[.bz2] ─▶ LoadOrder
//! table, type ───────────────────────────────────────┘
//! ```
//! A signature says who sent a webhook, not that what it names is harmless, and it can be switched off. So
//! an order never leads to another host, another bucket, another organisation's files, or another table.

use super::event::{Export, ExportData};
pub use super::refusal::Refusal;
use super::url::object_of;
pub use super::url::{Endpoint, URL_BYTES_MAX};
use crate::error::{Error, Result as Checked};
use crate::queue::{LoadOrder, ObjectName};
use crate::store::ExportKind;

/// PostgreSQL's limit of names.
const TABLE_BYTES_MAX: usize = 63;
/// Longest slug of an organisation.
const SLUG_BYTES_MAX: usize = 128;
/// Digits of the time in a file's name, from a date to nanoseconds.
const TIME_DIGITS: std::ops::RangeInclusive<usize> = 8..=23;
/// How an export's name ends; ControlShift knows the first two.
const ENDINGS: &[&str] = &[".csv", ".csv.bz2", ".csv.gz", ".csv.zst"];

/// The rules of one receiver.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Buckets that may be named.
    pub buckets: Vec<String>,
    /// The one organisation, if there is only one.
    pub slug: Option<String>,
    /// A stand-in for S3 that may be named too.
    pub endpoint: Option<Endpoint>,
}

impl Policy {
    /// Rules out of the configuration's words.
    ///
    /// # Errors
    /// [`Error::Usage`] for a bucket or a slug that cannot be one.
    pub fn new(buckets: &[String], slug: Option<&str>, endpoint: Option<&str>) -> Checked<Self> {
        let plain = |text: &str| {
            !text.is_empty()
                && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b))
        };
        if let Some(bucket) = buckets.iter().find(|bucket| !plain(bucket)) {
            return Err(Error::usage(format!("exports.buckets: {bucket:?} is no bucket's name"))
                .help("list names like agra-data-exports-production, without s3://"));
        }
        if let Some(slug) = slug.filter(|slug| !is_slug(slug)) {
            return Err(Error::usage(format!("exports.slug: {slug:?} is no organisation's"))
                .help("write the first part of the exports' keys, like my-org"));
        }
        let endpoint =
            match endpoint.filter(|url| !url.is_empty()) {
                None => None,
                Some(url) => Some(Endpoint::parse(url).ok_or_else(|| {
                    Error::usage("AWS_ENDPOINT_URL_S3 is not of the form https://host[:port]")
                })?),
            };
        Ok(Self { buckets: buckets.to_vec(), slug: slug.map(str::to_owned), endpoint })
    }

    /// The order that an export's webhook stands for.
    ///
    /// # Errors
    /// The [`Refusal`], if it stands for none that may be carried out.
    pub fn order(&self, export: &Export) -> Result<LoadOrder, Refusal> {
        let Some(ExportData { url: Some(url), table: Some(table), s3 }) = &export.data else {
            return Err(Refusal::Data);
        };
        let s3 = s3.as_ref().map(|s3| ObjectName { bucket: s3.bucket.clone(), key: s3.key.clone() });
        let mut order = LoadOrder { download_url: url.clone(), table: table.clone(), s3, kind: export.kind };
        self.allows(&order)?;
        order.s3 = order.s3.map(|s3| ObjectName { key: without_slash(&s3.key).to_owned(), ..s3 });
        Ok(order)
    }

    /// Whether an order, which somebody else than our receiver may have written, may be carried out.
    ///
    /// # Errors
    /// The [`Refusal`], if it may not.
    pub fn allows(&self, order: &LoadOrder) -> Result<(), Refusal> {
        let LoadOrder { download_url, table, s3, kind } = order;
        if !is_table(table) {
            return Err(Refusal::Data);
        }
        let (bucket, key) = object_of(download_url, &self.buckets, self.endpoint.as_ref())?;
        let named = Key::parse(&key).ok_or(Refusal::Key)?;
        if self.slug.as_deref().is_some_and(|slug| slug != named.slug) {
            return Err(Refusal::Slug);
        }
        if named.table != table || named.kind.is_some_and(|named| named != *kind) {
            return Err(Refusal::Disagree);
        }
        if let Some(s3) = s3 {
            if !self.buckets.contains(&s3.bucket) {
                return Err(Refusal::Bucket);
            }
            if s3.bucket != bucket || without_slash(&s3.key) != key {
                return Err(Refusal::Differ);
            }
        }
        Ok(())
    }
}

/// Webhooks write the key with a slash before it; one is no part of the name.
fn without_slash(key: &str) -> &str {
    key.strip_prefix('/').unwrap_or(key)
}

/// A key of an export, taken apart.
struct Key<'a> {
    slug: &'a str,
    /// Absent in the short form of the documentation's example, `default/petitions_20150803180434.csv`.
    kind: Option<ExportKind>,
    table: &'a str,
}

impl<'a> Key<'a> {
    fn parse(key: &'a str) -> Option<Self> {
        let parts: Vec<&str> = key.split('/').collect();
        match parts[..] {
            [slug, kind, table, date, file] => {
                let kind = ExportKind::of_word(kind)?;
                let fits = is_slug(slug) && digits(date, 8..=8) && table_of(file)? == table;
                fits.then_some(Self { slug, kind: Some(kind), table })
            }
            [slug, file] => {
                let table = table_of(file)?;
                is_slug(slug).then_some(Self { slug, kind: None, table })
            }
            _ => None,
        }
    }
}

/// The table of `<table>_<time>.csv`, with or without a compression's ending.
fn table_of(file: &str) -> Option<&str> {
    let stem = ENDINGS.iter().find_map(|ending| file.strip_suffix(ending))?;
    let (table, time) = stem.rsplit_once('_')?;
    (is_table(table) && digits(time, TIME_DIGITS)).then_some(table)
}

fn is_table(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (1..=TABLE_BYTES_MAX).contains(&text.len()) && text.bytes().all(plain)
}

fn is_slug(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=SLUG_BYTES_MAX).contains(&text.len()) && text.bytes().all(plain) && !text.starts_with('.')
}

fn digits(text: &str, count: std::ops::RangeInclusive<usize>) -> bool {
    count.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}
