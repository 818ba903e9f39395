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
pub use crate::store::Endpoint;
use crate::store::{LOCATION_BYTES_MAX, NoObject, ObjectOfUrl, object_of_url};

/// Longest URL that is taken: what the load itself can read. Those of S3 have about 2 KiB, with a role's
/// session token more.
pub const URL_BYTES_MAX: usize = LOCATION_BYTES_MAX;

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
    if !is_plainly_spelled(url) {
        return Err(Refusal::Host);
    }
    let ObjectOfUrl { bucket, key } = object_of_url(url, endpoint).map_err(|why| match why {
        NoObject::Host => Refusal::Host,
        NoObject::Bucket => Refusal::Bucket,
        NoObject::Key => Refusal::Key,
    })?;
    let known = buckets.iter().find(|known| **known == bucket).ok_or(Refusal::Bucket)?;
    Ok((known, key))
}

/// Whether scheme and host are spelled as ControlShift's are: more is one name to us, and perhaps another to
/// who connects.
fn is_plainly_spelled(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    let authority = rest.split(['/', '?']).next().unwrap_or_default().to_ascii_lowercase();
    let (host, port) = authority.rsplit_once(':').unwrap_or((&authority, "443"));
    let odd = |part: &&str| host.contains(*part);
    let plain =
        !host.ends_with('.') && !host.ends_with(".cn") && !["s3-accelerate", "s3-fips"].iter().any(odd);
    ["http", "https"].contains(&scheme) && plain && !port.is_empty() && !port.starts_with('0')
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
