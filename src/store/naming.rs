//! The one name of an object of S3, whatever way it comes in.
//!
//! ```text
//! s3://bucket/key ────────────────────────────────────────────┐
//! https://bucket.s3[.-]<region>.amazonaws.com/key?…    host    ├─▶ s3://bucket/key
//! https://s3[.-]<region>.amazonaws.com/bucket/key?…    path    │
//! $AWS_ENDPOINT_URL_S3/bucket/key?…            a stand-in of S3 ┘
//! ```
//! Ledgers and queues know an export by its name: two names for one object would load it twice. Forms of
//! hosts: [S3's endpoints][endpoints], [virtual hosting][hosting], [dual-stack][dualstack].
//!
//! [endpoints]: https://docs.aws.amazon.com/general/latest/gr/s3.html
//! [hosting]: https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
//! [dualstack]: https://docs.aws.amazon.com/AmazonS3/latest/API/dual-stack-endpoints.html

use super::location::{Location, percent_decoded};

/// The variable by which AWS's own tools name a stand-in for S3.
pub const S3_ENDPOINT: &str = "AWS_ENDPOINT_URL_S3";
/// The same for all of AWS.
const ANY_ENDPOINT: &str = "AWS_ENDPOINT_URL";

/// Where S3 answers without a region in the host's name.
const HOSTS_WITHOUT_REGION: &[&str] = &[
    "s3.amazonaws.com",
    "s3-external-1.amazonaws.com",
    "s3-accelerate.amazonaws.com",
    "s3-accelerate.dualstack.amazonaws.com",
];
const DOMAINS: &[&str] = &[".amazonaws.com", ".amazonaws.com.cn"];
/// What can stand before the region.
const HOST_PREFIXES: &[&str] = &["s3.dualstack.", "s3-fips.dualstack.", "s3-fips.", "s3.", "s3-"];

/// An object as a URL names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectOfUrl {
    /// Bucket, as the host or the path spells it: host names in lower case.
    pub bucket: String,
    /// Key, its escapes undone once.
    pub key: String,
}

/// A stand-in for S3 that the operator named, besides S3 itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// `http` or `https`.
    scheme: String,
    /// Host in lower case, and the port unless it is the scheme's own.
    authority: String,
}

impl Endpoint {
    /// Reads `AWS_ENDPOINT_URL_S3`; `None` if it has another form.
    pub fn parse(url: &str) -> Option<Self> {
        let (scheme, rest) = split_scheme(url)?;
        let authority = rest.trim_end_matches('/');
        let plain = !authority.is_empty()
            && authority.chars().all(|c| c.is_ascii_alphanumeric() || "-._:[]".contains(c));
        plain.then(|| Self { authority: canonical_authority(&scheme, authority), scheme })
    }

    /// The stand-in that the environment names, if it names one.
    pub fn of_environment() -> Option<Self> {
        let named = |name| std::env::var(name).ok().filter(|url: &String| !url.is_empty());
        named(S3_ENDPOINT).or_else(|| named(ANY_ENDPOINT)).and_then(|url| Self::parse(&url))
    }
}

/// Why a URL names no object of S3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoObject {
    /// The host is none of S3's.
    Host,
    /// The host is S3's, and the path names no bucket.
    Bucket,
    /// The path holds broken escapes, or is no text.
    Key,
}

/// The object that a URL names at S3, or at the stand-in.
///
/// # Errors
/// [`NoObject`]; neither repeats the URL.
pub fn object_of_url(url: &str, endpoint: Option<&Endpoint>) -> Result<ObjectOfUrl, NoObject> {
    let place = url.split(['?', '#']).next().unwrap_or_default();
    let (scheme, rest) = split_scheme(place).ok_or(NoObject::Host)?;
    let (authority, path) = rest.split_once('/').ok_or(NoObject::Host)?;
    let authority = canonical_authority(&scheme, authority);
    let (bucket, key) = at_endpoint(&scheme, &authority, path, endpoint)
        .or_else(|| at_s3(&scheme, &authority, path))
        .ok_or(NoObject::Host)?;
    if bucket.is_empty() {
        return Err(NoObject::Bucket);
    }
    let key = percent_decoded(key).and_then(|bytes| String::from_utf8(bytes).ok()).ok_or(NoObject::Key)?;
    Ok(ObjectOfUrl { bucket, key })
}

/// The name of a location in ledgers, reports and queues: `s3://bucket/key` for every URL of that object,
/// everything else as it is shown.
pub fn name_of(location: &Location) -> String {
    match location {
        Location::Https(url) => name_of_url(url.secret()).unwrap_or_else(|| location.to_string()),
        _ => location.to_string(),
    }
}

/// The same for the text of a URL; none if it names no object of S3.
pub fn name_of_url(url: &str) -> Option<String> {
    let ObjectOfUrl { bucket, key } = object_of_url(url, Endpoint::of_environment().as_ref()).ok()?;
    let key = key.trim_start_matches('/');
    (!key.is_empty()).then(|| format!("s3://{bucket}/{key}"))
}

/// Scheme in lower case, and what follows it.
fn split_scheme(url: &str) -> Option<(String, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    ["http", "https"].contains(&scheme.as_str()).then_some((scheme, rest))
}

/// Lower case, without the scheme's own port and without the dot of a complete name.
fn canonical_authority(scheme: &str, authority: &str) -> String {
    let lower = authority.to_ascii_lowercase();
    let own = if scheme == "https" { 443 } else { 80 };
    let (host, port) = match lower.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (host, port),
        _ => (lower.as_str(), ""),
    };
    let host = host.strip_suffix('.').unwrap_or(host);
    match port.parse::<u16>() {
        Ok(port) if port != own => format!("{host}:{port}"),
        _ => host.to_owned(),
    }
}

fn at_endpoint<'a>(
    scheme: &str,
    authority: &str,
    path: &'a str,
    endpoint: Option<&Endpoint>,
) -> Option<(String, &'a str)> {
    let endpoint = endpoint.filter(|endpoint| endpoint.scheme == scheme)?;
    if authority == endpoint.authority {
        return in_path(path);
    }
    let bucket = authority.strip_suffix(&endpoint.authority)?.strip_suffix('.')?;
    Some((bucket.to_owned(), path))
}

fn at_s3<'a>(scheme: &str, host: &str, path: &'a str) -> Option<(String, &'a str)> {
    if scheme != "https" {
        return None;
    }
    if is_s3(host) {
        return in_path(path);
    }
    // The rest must be one of S3's hosts as a whole, so only one dot can be the one.
    let (at, _) = host.match_indices('.').find(|(at, _)| is_s3(&host[at + 1..]))?;
    Some((host[..at].to_owned(), path))
}

fn in_path(path: &str) -> Option<(String, &str)> {
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    let bucket = String::from_utf8(percent_decoded(bucket)?).ok()?;
    Some((bucket, key))
}

/// Whether S3 itself answers at this host, letter by letter.
fn is_s3(host: &str) -> bool {
    let region = || {
        let name = DOMAINS.iter().find_map(|domain| host.strip_suffix(domain))?;
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const BUCKET: &str = "agra-data-exports-production";
    const KEY: &str = "my-org/full/petitions/20260301/petitions_20260301031500.csv.bz2";

    #[test]
    fn urls_and_the_objects_that_they_name() {
        let endpoint = Endpoint::parse("HTTP://Stand-In.example:9000/");
        for (url, expected) in [
            ("https://b.s3.amazonaws.com/k/x.csv?X=1", "b k/x.csv"),
            ("https://B.S3.Amazonaws.COM:443/k", "b k"),
            ("HTTPS://b.s3.amazonaws.com:0443/k", "b k"),
            ("https://b.s3.amazonaws.com./k#x", "b k"),
            ("https://b.c.s3.us-east-1.amazonaws.com/k", "b.c k"),
            ("https://b.s3.s3.amazonaws.com/k", "b.s3 k"),
            ("https://b.s3-eu-west-1.amazonaws.com/k", "b k"),
            ("https://b.s3.dualstack.us-gov-west-1.amazonaws.com/k", "b k"),
            ("https://b.s3-fips.us-east-1.amazonaws.com/k", "b k"),
            ("https://b.s3-fips.dualstack.us-east-1.amazonaws.com/k", "b k"),
            ("https://b.s3-accelerate.amazonaws.com/k", "b k"),
            ("https://b.s3.cn-north-1.amazonaws.com.cn/k", "b k"),
            ("https://s3.amazonaws.com/b/k/l", "b k/l"),
            ("https://s3.eu-central-1.amazonaws.com/b/a%2Fb%2fc", "b a/b/c"),
            ("https://s3.amazonaws.com/%62/k", "b k"),
            ("https://b.s3.amazonaws.com/a%20b", "b a b"),
            ("https://b.s3.amazonaws.com/a%252Fb", "b a%2Fb"),
            ("https://b.s3.amazonaws.com/", "b "),
            ("http://stand-in.example:9000/b/k?s", "b k"),
            ("http://b.stand-in.example:9000/k?s", "b k"),
            ("http://stand-in.example:9001/b/k", "Host"),
            ("https://stand-in.example:9000/b/k", "Host"),
            ("http://b.s3.amazonaws.com/k", "Host"),
            ("https://b.s3.amazonaws.com:444/k", "Host"),
            ("https://b.s3.amazonaws.com.evil.org/k", "Host"),
            ("https://b.s3x.amazonaws.com/k", "Host"),
            ("https://s3.amazonaws.com@evil.org/b/k", "Host"),
            ("https://ap-1.s3-accesspoint.us-east-1.amazonaws.com/k", "Host"),
            ("https://b.s3.amazonaws.com", "Host"),
            ("s3://b/k", "Host"),
            ("https://b.s3.amazonaws.com/%zz", "Key"),
            ("https://b.s3.amazonaws.com/%ff", "Key"),
            ("https://s3.amazonaws.com//k", "Bucket"),
        ] {
            let found = match object_of_url(url, endpoint.as_ref()) {
                Ok(ObjectOfUrl { bucket, key }) => format!("{bucket} {key}"),
                Err(why) => format!("{why:?}"),
            };
            assert_eq!(found, expected, "{url}");
        }
    }

    /// One spelling of the same object, out of all that S3 takes.
    fn spelled(random: &mut fastrand::Rng) -> String {
        let region = ["us-east-1", "eu-central-1", "us-gov-west-1", "ap-southeast-2"][random.usize(..4)];
        let service = match random.usize(..6) {
            0 => "s3.amazonaws.com".to_owned(),
            1 => format!("s3.{region}.amazonaws.com"),
            2 => format!("s3-{region}.amazonaws.com"),
            3 => format!("s3.dualstack.{region}.amazonaws.com"),
            4 => format!("s3-fips.{region}.amazonaws.com"),
            _ => "s3-external-1.amazonaws.com".to_owned(),
        };
        let (host, before) = match random.bool() {
            true => (service, format!("{}/", escaped(BUCKET, random))),
            false => (format!("{BUCKET}.{service}"), String::new()),
        };
        let host: String =
            host.chars().map(|c| if random.bool() { c.to_ascii_uppercase() } else { c }).collect();
        let dot = ["", "."][random.usize(..2)];
        let port = ["", ":443"][random.usize(..2)];
        let query = ["", "?Signature=S", "?X-Amz-Signature=S#x", "#x"][random.usize(..4)];
        let slash = ["", "/", "%2F"][random.usize(..3)];
        format!("https://{host}{dot}{port}/{before}{slash}{}{query}", escaped(KEY, random))
    }

    fn escaped(text: &str, random: &mut fastrand::Rng) -> String {
        let escape = |c: char, random: &mut fastrand::Rng| match random.usize(..8) {
            0 => format!("%{:02X}", u32::from(c)),
            1 => format!("%{:02x}", u32::from(c)),
            _ => c.to_string(),
        };
        text.chars().map(|c| escape(c, random)).collect()
    }

    #[test]
    fn a_thousand_spellings_are_one_name() {
        let seed = fastrand::u64(..);
        let mut random = fastrand::Rng::with_seed(seed);
        let name = format!("s3://{BUCKET}/{KEY}");
        for _ in 0..1000 {
            let url = spelled(&mut random);
            assert_eq!(name_of_url(&url).as_deref(), Some(name.as_str()), "seed {seed}: {url}");
            assert_eq!(name_of(&Location::parse(&url).unwrap()), name, "seed {seed}: {url}");
        }
        assert_eq!(name_of(&Location::parse(&name).unwrap()), name);
        let elsewhere = "https://h.example/a/t.csv?Signature=S";
        assert_eq!(name_of(&Location::parse(elsewhere).unwrap()), "https://h.example/a/t.csv?…");
    }
}
