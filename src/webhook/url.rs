//! A signed URL taken apart by strict rules: which bucket and key of S3 it names, or that it names none.
//!
//! ```text
//! https://<bucket>.s3[.-]<region>.amazonaws.com/<key>?…     virtual-host style
//! https://s3[.-]<region>.amazonaws.com/<bucket>/<key>?…     path style
//! ```
//! Two programs that read one URL differently are how requests are smuggled to other hosts. So this
//! reader takes far less than a URL may be: a host that is one of S3's own, letter by letter, nothing
//! before or behind it, and a path that is the same in every reading.

use super::refusal::Refusal;

/// Longest URL that is taken; those of S3 have about 2 KiB.
pub const URL_BYTES_MAX: usize = 4 << 10;

/// Where AWS's S3 answers, besides `s3.<region>`.
const HOSTS_WITHOUT_REGION: &[&str] = &["s3.amazonaws.com", "s3-external-1.amazonaws.com"];
const DOMAIN: &str = ".amazonaws.com";
/// What can stand before the region.
const HOST_PREFIXES: &[&str] = &["s3.dualstack.", "s3.", "s3-"];

/// A stand-in for S3 that the operator named, besides S3 itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// `http://` or `https://`.
    scheme: String,
    /// Host, and port if it has one.
    authority: String,
}

impl Endpoint {
    /// Reads `AWS_ENDPOINT_URL_S3`; `None` if it has another form.
    pub fn parse(url: &str) -> Option<Self> {
        let (scheme, rest) =
            url.split_once("://").filter(|(scheme, _)| ["http", "https"].contains(scheme))?;
        let authority = rest.trim_end_matches('/').to_ascii_lowercase();
        let plain = !authority.is_empty()
            && authority.chars().all(|c| c.is_ascii_alphanumeric() || "-._:[]".contains(c));
        plain.then(|| Self { scheme: format!("{scheme}://"), authority })
    }
}

/// The bucket, one of `buckets`, and the key that `url` names.
///
/// # Errors
/// The [`Refusal`], which never repeats the URL.
pub(super) fn object_of<'a>(
    url: &str,
    buckets: &'a [String],
    endpoint: Option<&Endpoint>,
) -> Result<(&'a str, String), Refusal> {
    // A fragment is never sent; a backslash is a slash to some.
    let plain = url.bytes().all(|byte| byte.is_ascii_graphic() && !b"\\#\"<>^`{|}".contains(&byte));
    if url.len() > URL_BYTES_MAX || !plain {
        return Err(Refusal::Url);
    }
    let place = url.split_once('?').map_or(url, |(place, _)| place);
    let (bucket, path) = match endpoint.and_then(|endpoint| at_endpoint(place, buckets, endpoint)) {
        Some(found) => found,
        None => at_s3(place, buckets)?,
    };
    Ok((bucket, decoded(path).ok_or(Refusal::Key)?))
}

fn at_s3<'a, 'u>(place: &'u str, buckets: &'a [String]) -> Result<(&'a str, &'u str), Refusal> {
    let rest = place.strip_prefix("https://").ok_or(Refusal::Host)?;
    let (authority, path) = rest.split_once('/').ok_or(Refusal::Host)?;
    let host = authority.strip_suffix(":443").unwrap_or(authority).to_ascii_lowercase();
    if is_s3(&host) {
        return in_path(path, buckets).ok_or(Refusal::Bucket);
    }
    let of_bucket = |bucket: &&'a String| {
        host.strip_prefix(bucket.as_str()).and_then(|rest| rest.strip_prefix('.')).is_some_and(is_s3)
    };
    if let Some(bucket) = buckets.iter().find(of_bucket) {
        return Ok((bucket, path));
    }
    let other = host.match_indices('.').any(|(at, _)| is_s3(&host[at + 1..]));
    Err(if other { Refusal::Bucket } else { Refusal::Host })
}

fn at_endpoint<'a, 'u>(
    place: &'u str,
    buckets: &'a [String],
    endpoint: &Endpoint,
) -> Option<(&'a str, &'u str)> {
    let (authority, path) = place.strip_prefix(endpoint.scheme.as_str())?.split_once('/')?;
    if authority == endpoint.authority {
        return in_path(path, buckets);
    }
    let (bucket, host) = authority.split_once('.')?;
    let bucket = buckets.iter().find(|known| *known == bucket)?;
    (host == endpoint.authority).then_some((bucket, path))
}

fn in_path<'a, 'u>(path: &'u str, buckets: &'a [String]) -> Option<(&'a str, &'u str)> {
    let (bucket, key) = path.split_once('/')?;
    buckets.iter().find(|known| *known == bucket).map(|known| (known.as_str(), key))
}

fn is_s3(host: &str) -> bool {
    let region = || {
        let name = host.strip_suffix(DOMAIN)?;
        HOST_PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix))
    };
    HOSTS_WITHOUT_REGION.contains(&host) || region().is_some_and(is_region)
}

/// `us-east-1`, `us-gov-west-1`: words of letters, and a number.
fn is_region(text: &str) -> bool {
    let mut parts: Vec<&str> = text.split('-').collect();
    let number = parts.pop().unwrap_or_default();
    let digits = (1..=2).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
    let words = parts.iter().all(|word| word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_lowercase()));
    digits && words && (2..=4).contains(&parts.len())
}

/// The path with its escapes undone once; what still has one then, was escaped twice and is refused with
/// the key.
fn decoded(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16));
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(url: &str) -> String {
        let buckets = ["exports".to_owned(), "exports-eu.v2".to_owned()];
        let endpoint = Endpoint::parse("http://127.0.0.1:9000/");
        match object_of(url, &buckets, endpoint.as_ref()) {
            Ok((bucket, key)) => format!("{bucket} {key}"),
            Err(refusal) => format!("{refusal:?}"),
        }
    }

    #[test]
    fn hosts_of_s3() {
        for (url, expected) in [
            ("https://exports.s3.amazonaws.com/a/b.csv?X=1", "exports a/b.csv"),
            ("https://exports.s3.amazonaws.com:443/a", "exports a"),
            ("https://exports.s3.us-east-1.amazonaws.com/a", "exports a"),
            ("https://exports.s3-eu-central-1.amazonaws.com/a", "exports a"),
            ("https://exports.s3.dualstack.us-gov-west-1.amazonaws.com/a", "exports a"),
            ("https://EXPORTS.s3.amazonaws.com/a", "exports a"),
            ("https://exports-eu.v2.s3.amazonaws.com/a", "exports-eu.v2 a"),
            ("https://s3.amazonaws.com/exports/a", "exports a"),
            ("https://s3-external-1.amazonaws.com/exports/a", "exports a"),
            ("https://s3.ap-southeast-2.amazonaws.com/exports/a%2Fb", "exports a/b"),
            ("http://127.0.0.1:9000/exports/a", "exports a"),
            ("https://exports.s3.amazonaws.com/", "exports "),
            ("https://exports.s3.amazonaws.com/%2e%2e/a", "exports ../a"),
            ("https://exports.s3.amazonaws.com/%252e/a", "exports %2e/a"),
            ("https://other.s3.amazonaws.com/a", "Bucket"),
            ("https://s3.amazonaws.com/other/a", "Bucket"),
            ("https://xexports.s3.amazonaws.com/a", "Bucket"),
            ("https://exports.s3.amazonaws.com/%zz", "Key"),
            ("https://exports.s3.amazonaws.com/%ff", "Key"),
            ("https://exports.s3.amazonaws.com/%2", "Key"),
        ] {
            assert_eq!(found(url), expected, "{url}");
        }
    }
}
