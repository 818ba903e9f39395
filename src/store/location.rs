//! What a user types for a place, taken apart once and never shown with its secrets.
//!
//! ```text
//! "-"  "exports/f.csv"  "file:///f.csv"  "s3://bucket/key"  "https://host/path?signature"
//!   │          └──────┬──────┘                  │                       │
//! Stdin             Local                       S3                    Https
//! ```
//!
//! A signed URL is a password: whoever has the query has the export. So [`HttpUrl`] shows its query
//! neither with `Display` nor with `Debug`; only the code that sends the request asks for all of it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::error::{Error, Result};

/// Longest text that is taken for a location; the longest signed URLs are about 2 KiB.
pub const LOCATION_BYTES_MAX: usize = 8 << 10;

/// A place bytes come from or go to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Location {
    /// Standard input.
    Stdin,
    /// A file or folder of this machine.
    Local(PathBuf),
    /// An object, or a prefix without its last slash; an empty key is the bucket itself.
    S3 {
        /// Bucket name.
        bucket: String,
        /// Key without a leading slash: webhooks send one, the bucket's keys have none.
        key: String,
    },
    /// A URL, often signed.
    Https(HttpUrl),
}

impl Location {
    /// Takes apart what a user typed.
    ///
    /// # Errors
    /// [`Error::Usage`] for a scheme that is not known, plain `http://` to another machine, or a text
    /// that is no location at all.
    pub fn parse(text: &str) -> Result<Self> {
        if text.is_empty() || text.len() > LOCATION_BYTES_MAX || text.contains('\0') {
            let what = format!("a location is 1 to {LOCATION_BYTES_MAX} bytes long and holds no NUL");
            return Err(Error::usage(what));
        }
        if text == "-" {
            return Ok(Self::Stdin);
        }
        let Some((scheme, rest)) = text.split_once("://").filter(|(scheme, _)| is_scheme(scheme)) else {
            return Ok(Self::Local(PathBuf::from(text)));
        };
        match scheme.to_ascii_lowercase().as_str() {
            "file" => parse_file(rest),
            "s3" => parse_s3(rest),
            "https" => HttpUrl::parse("https", rest).map(Self::Https),
            "http" => HttpUrl::parse("http", rest).map(Self::Https),
            other => Err(Error::usage(format!("locations of scheme \"{other}\" are not known"))
                .help("use a path, -, file://, s3:// or https://")),
        }
    }

    /// The location `name` inside this folder or prefix.
    ///
    /// # Errors
    /// [`Error::Usage`] for standard input and URLs, which have no inside.
    pub fn child(&self, name: &str) -> Result<Self> {
        match self {
            Self::Local(folder) => Ok(Self::Local(folder.join(name))),
            Self::S3 { bucket, key } if key.is_empty() => {
                Ok(Self::S3 { bucket: bucket.clone(), key: name.to_owned() })
            }
            Self::S3 { bucket, key } => Ok(Self::S3 { bucket: bucket.clone(), key: format!("{key}/{name}") }),
            Self::Stdin | Self::Https(_) => {
                Err(Error::usage(format!("{self} is neither a folder nor a prefix"))
                    .help("name a folder or s3://bucket/prefix"))
            }
        }
    }

    /// The last segment of the path or key: the file's name.
    pub fn file_name(&self) -> Option<&str> {
        let name = match self {
            Self::Stdin => return None,
            Self::Local(path) => return path.file_name().and_then(|name| name.to_str()),
            Self::S3 { key, .. } => key,
            Self::Https(url) => url.path(),
        };
        name.rsplit('/').next().filter(|name| !name.is_empty())
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdin => f.write_str("-"),
            Self::Local(path) => write!(f, "{}", path.display()),
            Self::S3 { bucket, key } if key.is_empty() => write!(f, "s3://{bucket}"),
            Self::S3 { bucket, key } => write!(f, "s3://{bucket}/{key}"),
            Self::Https(url) => write!(f, "{url}"),
        }
    }
}

impl FromStr for Location {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

/// A URL whose query stays unseen.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct HttpUrl {
    /// Scheme, authority, path and query, without a fragment.
    text: String,
    host: std::ops::Range<usize>,
    /// Up to the query, or the end.
    path: std::ops::Range<usize>,
    /// Whether it must lead to a public address.
    foreign: bool,
}

impl HttpUrl {
    fn parse(scheme: &'static str, rest: &str) -> Result<Self> {
        let rest = rest.split('#').next().unwrap_or_default();
        // Also refuses backslashes, which some parsers read as slashes: two readings of one URL are a trap.
        if let Some(odd) = rest.chars().find(|c| !c.is_ascii_graphic() || *c == '\\') {
            return Err(Error::usage(format!("a URL cannot hold the character {odd:?}"))
                .help("percent-encode it, or quote the URL for the shell"));
        }
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        if authority.contains('@') {
            return Err(Error::usage("a URL with a user name or password is not taken")
                .help("use a signed URL without them"));
        }
        let host = host_of(authority)
            .ok_or_else(|| Error::usage("the URL has no valid host").help("write https://host/path"))?;
        if scheme == "http" && !is_loopback(host) {
            return Err(Error::usage(format!(
                "plain http to \"{host}\" would send the export readable by anyone"
            ))
            .help("use https://; http:// is for this machine alone"));
        }
        let text = format!("{scheme}://{rest}");
        let host_start = scheme.len() + "://".len();
        let path_start = host_start + authority.len();
        let path_end = text.find('?').unwrap_or(text.len());
        Ok(Self {
            host: host_start..host_start + host.len(),
            path: path_start..path_end,
            text,
            foreign: false,
        })
    }

    /// The same, but sent to us by somebody else: it is not followed to this machine or its network, nor to
    /// where it redirects.
    #[must_use]
    pub fn foreign(self) -> Self {
        Self { foreign: true, ..self }
    }

    /// Whether somebody else sent it to us.
    pub fn is_foreign(&self) -> bool {
        self.foreign
    }

    /// Whether it is of the same scheme, host and port, or of a host below that one.
    #[cfg(feature = "aws")]
    pub(super) fn is_of(&self, endpoint: &Self) -> bool {
        let place = |url: &Self| url.text[..url.path.start].to_ascii_lowercase();
        let (own, other) = (place(self), place(endpoint));
        let below = own.split_once("://").zip(other.split_once("://")).is_some_and(|(own, other)| {
            own.0 == other.0 && own.1.strip_suffix(other.1).is_some_and(|sub| sub.ends_with('.'))
        });
        own == other || below
    }

    /// All of it, with the query that grants access: for the request alone, never for people.
    pub fn secret(&self) -> &str {
        &self.text
    }

    /// The host without its port.
    pub fn host(&self) -> &str {
        &self.text[self.host.clone()]
    }

    /// The path, without the query.
    pub fn path(&self) -> &str {
        &self.text[self.path.clone()]
    }

    /// Whether the host is this machine.
    pub fn is_loopback(&self) -> bool {
        is_loopback(self.host())
    }
}

impl fmt::Display for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text[..self.path.end])?;
        if self.path.end < self.text.len() {
            f.write_str("?…")?;
        }
        Ok(())
    }
}

impl fmt::Debug for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpUrl({self})")
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
}

/// The host of `host`, `host:port`, `[v6]` or `[v6]:port`.
fn host_of(authority: &str) -> Option<&str> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(v6) => {
            let end = v6.find(']')?;
            v6[..end].parse::<std::net::Ipv6Addr>().ok()?;
            (&authority[..end + 2], &authority[end + 2..])
        }
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    let named = !host.is_empty()
        && (host.starts_with('[') || host.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c)));
    let port_valid =
        port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
    (named && port_valid).then_some(host)
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn parse_file(rest: &str) -> Result<Location> {
    let path = rest.strip_prefix("localhost").unwrap_or(rest);
    if !path.starts_with('/') {
        return Err(Error::usage("a file:// location names no absolute path")
            .help("write file:///folder/file, or leave file:// away"));
    }
    let bytes =
        percent_decoded(path).ok_or_else(|| Error::usage("a file:// location holds a broken % escape"))?;
    Ok(Location::Local(path_of(bytes)?))
}

#[cfg(unix)]
fn path_of(bytes: Vec<u8>) -> Result<PathBuf> {
    use std::os::unix::ffi::OsStringExt;
    Ok(Path::new(&std::ffi::OsString::from_vec(bytes)).to_path_buf())
}

#[cfg(not(unix))]
fn path_of(bytes: Vec<u8>) -> Result<PathBuf> {
    let text = String::from_utf8(bytes).map_err(|e| Error::usage("the path is not UTF-8").because(e))?;
    Ok(Path::new(&text).to_path_buf())
}

fn percent_decoded(text: &str) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        if *first != b'%' {
            decoded.push(*first);
            rest = tail;
            continue;
        }
        let digit = |at: usize| tail.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        decoded.push(u8::try_from(digit(0)? * 16 + digit(1)?).ok().filter(|byte| *byte != 0)?);
        rest = &tail[2..];
    }
    Some(decoded)
}

fn parse_s3(rest: &str) -> Result<Location> {
    let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
    if bucket.is_empty() || !bucket.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c)) {
        return Err(Error::usage(format!("\"{bucket}\" is not a bucket name"))
            .help("write s3://bucket/key; an access point or an ARN is not taken"));
    }
    let key = key.trim_matches('/');
    if !key.is_empty() && key.split('/').any(|segment| matches!(segment, "" | "." | "..")) {
        return Err(Error::usage(format!("the key \"{key}\" holds an empty segment, . or .."))
            .help("write the key as S3 lists it"));
    }
    Ok(Location::S3 { bucket: bucket.to_owned(), key: key.to_owned() })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        match Location::parse(text) {
            Ok(location) => location.to_string(),
            Err(error) => format!("error: {error}"),
        }
    }

    #[test]
    fn what_is_typed_and_what_is_shown() {
        for (typed, expected) in [
            ("-", "-"),
            ("exports/a.csv", "exports/a.csv"),
            ("./-", "./-"),
            ("file:///tmp/a%20b.csv", "/tmp/a b.csv"),
            ("file://localhost/tmp/a.csv", "/tmp/a.csv"),
            ("s3://bucket", "s3://bucket"),
            ("s3://bucket/", "s3://bucket"),
            ("s3://bucket//default/petitions.csv", "s3://bucket/default/petitions.csv"),
            ("S3://bucket/slug/", "s3://bucket/slug"),
            ("https://host/a/b.csv?Signature=SECRET", "https://host/a/b.csv?…"),
            ("https://host/a/b.csv?Signature=SECRET#frag?x", "https://host/a/b.csv?…"),
            ("https://host?Signature=SECRET", "https://host?…"),
            ("https://host:8443/a", "https://host:8443/a"),
            ("http://127.0.0.1:9000/a?b", "http://127.0.0.1:9000/a?…"),
            ("http://[::1]:9000/a", "http://[::1]:9000/a"),
            ("http://LOCALHOST/a", "http://LOCALHOST/a"),
        ] {
            assert_eq!(shown(typed), expected, "{typed}");
        }
    }

    #[test]
    fn what_is_refused() {
        for (typed, part) in [
            ("", "1 to 8192 bytes"),
            ("gs://bucket/key", "scheme \"gs\""),
            ("s3:///key", "not a bucket name"),
            ("s3://bucket/a//b", "empty segment"),
            ("s3://bucket/a/../b", "empty segment"),
            ("file://host/a", "no absolute path"),
            ("file:///a%zz", "broken % escape"),
            ("file:///a%00b", "broken % escape"),
            ("http://example.org/a", "plain http"),
            ("http://127.0.0.1.example.org/a", "plain http"),
            ("http://localhost@example.org/a", "user name"),
            ("http://localhost\\@example.org/a", "the character"),
            ("https://user:pw@host/a", "user name"),
            ("https:///a", "no valid host"),
            ("https://host:99999/a", "no valid host"),
            ("https://[::1/a", "no valid host"),
            ("https://host/a b", "the character"),
        ] {
            let text = shown(typed);
            assert!(text.starts_with("error: ") && text.contains(part), "{typed}: {text}");
        }
    }

    #[test]
    fn a_query_is_shown_nowhere() {
        let location = Location::parse("https://host/a.csv?X-Amz-Signature=SECRET").unwrap();
        assert!(!format!("{location} {location:?} {location:#?}").contains("SECRET"));
        let Location::Https(url) = location else { panic!("a URL") };
        assert_eq!(url.secret(), "https://host/a.csv?X-Amz-Signature=SECRET");
        assert_eq!((url.host(), url.path()), ("host", "/a.csv"));
    }

    #[test]
    fn names_and_children() {
        for (typed, child) in [("out", "out/x"), ("s3://b", "s3://b/x"), ("s3://b/p/", "s3://b/p/x")] {
            let child_found = Location::parse(typed).unwrap().child("x").unwrap();
            assert_eq!((child_found.to_string().as_str(), child_found.file_name()), (child, Some("x")));
        }
        assert!(Location::Stdin.child("x").is_err());
        assert_eq!(Location::parse("https://h/a/b.csv?c=d/e").unwrap().file_name(), Some("b.csv"));
        assert_eq!(Location::parse("s3://b").unwrap().file_name(), None);
    }
}
