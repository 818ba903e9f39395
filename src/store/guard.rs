//! Keeps requests for URLs that somebody else named away from this machine and its network.
//!
//! ```text
//! host ─ a number ──────────────▶ public? ─▶ connect
//!      └ a name ─▶ its addresses ─▶ those that are public
//! ```
//! The addresses that are checked are those that are connected to: a name that answers otherwise the second
//! time gains nothing. The host of a proxy is the operator's choice and is not checked.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::location::{HttpUrl, Location};
use super::naming::S3_ENDPOINT;
use crate::error::{Error, Place, Result};

/// A URL that somebody else sent to us: guarded, unless it is of the stand-in for S3 that the operator named.
///
/// # Errors
/// [`Error::Access`] for what is no URL of the web.
pub fn foreign(text: &str) -> Result<Location> {
    let no_url = || Error::access("what was sent as an export's URL is none");
    let Ok(Location::Https(url)) = Location::parse(text) else { return Err(no_url()) };
    let endpoint = std::env::var(S3_ENDPOINT).unwrap_or_default();
    let own = Location::parse(&endpoint).is_ok_and(|endpoint| match endpoint {
        Location::Https(endpoint) => url.is_of(&endpoint),
        _ => false,
    });
    Ok(Location::Https(if own { url } else { url.foreign() }))
}

/// Any port will do to find addresses.
const HTTPS: u16 = 443;

/// Finds the addresses of one host, the public ones alone.
struct PublicOnly {
    host: String,
}

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let guarded = name.as_str().eq_ignore_ascii_case(&self.host);
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let kept: Vec<SocketAddr> = found.filter(|address| !guarded || is_public(address.ip())).collect();
            if kept.is_empty() {
                return Err(format!("{} has no public address", name.as_str()).into());
            }
            Ok(Box::new(kept.into_iter()) as Addrs)
        })
    }
}

/// What a client for `url` must resolve names with.
///
/// # Errors
/// [`Error::Input`] for a host that is itself an address, and no public one; [`Error::Access`] for a name of
/// private ones. Looks the name up, so it blocks.
pub(super) fn resolver(url: &HttpUrl) -> Result<Arc<impl Resolve + 'static>> {
    let bare = url.host().trim_start_matches('[').trim_end_matches(']');
    let number = bare.parse::<IpAddr>().ok();
    // What is left of numbers in other clothes (0x7f.1, 2130706433) is a name to `parse`, but none to a resolver.
    let disguised = number.is_none() && bare.rsplit('.').next().is_some_and(is_numeric);
    if disguised || number.is_some_and(|number| !is_public(number)) {
        return Err(Error::input("a URL that was sent to us must not lead to a private address")
            .at(Place::uri(url.to_string()))
            .help("set AWS_ENDPOINT_URL_S3 if this is your own stand-in for S3"));
    }
    // Found out here, the reason is told; a client would try again and again. Where a proxy finds the
    // addresses, we may find none, which is no reason to stop.
    let found: Vec<SocketAddr> = (bare, HTTPS).to_socket_addrs().into_iter().flatten().collect();
    if !found.is_empty() && !found.iter().any(|address| is_public(address.ip())) {
        return Err(Error::access("a URL that was sent to us leads to a private address")
            .at(Place::uri(url.to_string()))
            .help("if S3 has private names here (a VPC endpoint), grant access to read the export by its s3:// name"));
    }
    Ok(Arc::new(PublicOnly { host: url.host().to_owned() }))
}

fn is_numeric(label: &str) -> bool {
    let hex = label.strip_prefix("0x").or_else(|| label.strip_prefix("0X"));
    hex.map_or_else(
        || label.bytes().all(|byte| byte.is_ascii_digit()),
        |hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()),
    )
}

/// Whether an address is one of the public internet.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let special = a == 0 || a >= 240 || (a, b, c) == (192, 0, 0) || (a == 198 && (18..20).contains(&b));
    let named = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation();
    !(shared || special || named)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let parts = address.segments();
    // Another protocol's address inside: mapped, and translated for networks that have IPv6 alone.
    if let Some(inside) = address.to_ipv4_mapped() {
        return is_public_v4(inside);
    }
    if parts[..6] == [0x64, 0xff9b, 0, 0, 0, 0] {
        let [.., a, b, c, d] = address.octets();
        return is_public_v4(Ipv4Addr::new(a, b, c, d));
    }
    // Everything else that is in use begins with 001; tunnels and examples in it lead elsewhere.
    let tunnel = parts[0] == 0x2002 || parts[..2] == [0x2001, 0] || parts[..2] == [0x2001, 0xdb8];
    parts[0] & 0xe000 == 0x2000 && !tunnel
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::store::Location;

    #[test]
    fn addresses() {
        for (address, expected) in [
            ("52.216.8.43", true),
            ("3.5.0.1", true),
            ("2600:1fa0:80b0::34d8", true),
            ("64:ff9b::34d8:82b", true),
            ("::ffff:52.216.8.43", true),
            ("127.0.0.1", false),
            ("127.255.255.254", false),
            ("0.0.0.0", false),
            ("0.1.2.3", false),
            ("10.0.0.1", false),
            ("172.16.0.1", false),
            ("172.31.255.255", false),
            ("192.168.1.1", false),
            ("169.254.169.254", false),
            ("169.254.170.2", false),
            ("100.64.0.1", false),
            ("192.0.0.8", false),
            ("198.19.0.1", false),
            ("224.0.0.1", false),
            ("255.255.255.255", false),
            ("240.0.0.1", false),
            ("::1", false),
            ("::", false),
            ("::7f00:1", false),
            ("::ffff:169.254.169.254", false),
            ("64:ff9b::a9fe:a9fe", false),
            ("fd00:ec2::254", false),
            ("fe80::1", false),
            ("ff02::1", false),
            ("2002:7f00:1::", false),
            ("2001:0:1::1", false),
        ] {
            assert_eq!(is_public(address.parse().unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn hosts_that_are_addresses() {
        for (host, taken) in [
            ("52.216.8.43", true),
            ("bucket.s3.amazonaws.com", true),
            ("127.0.0.1", false),
            ("[::1]", false),
            ("[::ffff:7f00:1]", false),
            ("2130706433", false),
            ("0x7f000001", false),
            ("localhost", false),
            ("127.1", false),
            ("0x7f.1", false),
            ("017700000001", false),
        ] {
            let Location::Https(url) = Location::parse(&format!("https://{host}/a?Signature=S")).unwrap()
            else {
                panic!("a URL")
            };
            let answer = resolver(&url).map(drop);
            assert_eq!(answer.is_ok(), taken, "{host}");
            assert!(!format!("{answer:?}").contains("Signature=S"));
        }
    }

    #[tokio::test]
    async fn names_of_this_machine_have_no_public_address() {
        let guard = PublicOnly { host: "localhost".to_owned() };
        assert!(guard.resolve("localhost".parse().unwrap()).await.is_err());
        let proxy = PublicOnly { host: "bucket.s3.amazonaws.com".to_owned() };
        assert!(proxy.resolve("localhost".parse().unwrap()).await.is_ok());
    }
}
