//! Where it came from: addresses that may send webhooks, and what proxies say of them.
//!
//! ```text
//! sender ─▶ proxy ─▶ proxy ─▶ receiver        X-Forwarded-For: forged, sender, first proxy
//!                                             trusted_hops = 2 ───────────┘
//! ```
//! Each proxy adds the address that it was called from at the right. So the entry that counts is the
//! `trusted_hops`-th from the right; everything left of it is what the sender claims.

use crate::error::{Error, Result};
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};

/// Networks that can be named.
pub const NETWORKS_MAX: usize = 256;
/// Proxies that can stand before the receiver.
pub const HOPS_MAX: usize = 16;

/// Which senders are let in.
#[derive(Debug, Clone, Default)]
pub struct Addresses {
    /// Empty: every one.
    networks: Vec<IpNet>,
    hops: usize,
}

impl Addresses {
    /// Reads `webhook.allow_from` and `webhook.trusted_hops`.
    ///
    /// # Errors
    /// [`Error::Usage`] for what is neither an address nor a network.
    pub fn parse(allow_from: &[String], trusted_hops: u64) -> Result<Self> {
        let hops = usize::try_from(trusted_hops).ok().filter(|hops| *hops <= HOPS_MAX);
        let hops =
            hops.ok_or_else(|| Error::usage(format!("webhook.trusted_hops is more than {HOPS_MAX}")))?;
        if allow_from.len() > NETWORKS_MAX {
            return Err(Error::usage(format!("webhook.allow_from has more than {NETWORKS_MAX} networks")));
        }
        let networks = allow_from.iter().map(|text| network(text)).collect::<Result<_>>()?;
        Ok(Self { networks, hops })
    }

    /// Whether a request that `peer` sent, with these `X-Forwarded-For` headers, is let in.
    pub fn allow<'a>(&self, peer: Option<IpAddr>, forwarded: impl Iterator<Item = &'a [u8]>) -> bool {
        if self.networks.is_empty() {
            return true;
        }
        let sender = match self.hops {
            0 => peer,
            hops => nth_from_right(forwarded, hops),
        };
        sender.is_some_and(|sender| self.networks.iter().any(|net| net.contains(&sender.to_canonical())))
    }
}

fn network(text: &str) -> Result<IpNet> {
    let net = text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
    net.ok_or_else(|| {
        Error::usage(format!("webhook.allow_from: {text:?} is neither an address nor a network"))
            .help("write addresses like 192.0.2.7 or networks like 192.0.2.0/24; ControlShift's support knows its own")
    })
}

/// The entry that the outermost trusted proxy wrote; none if fewer wrote one.
fn nth_from_right<'a>(headers: impl Iterator<Item = &'a [u8]>, hops: usize) -> Option<IpAddr> {
    let entries: Vec<&str> =
        headers.flat_map(|header| str::from_utf8(header).unwrap_or("?").split(',')).collect();
    let entry = entries.len().checked_sub(hops).and_then(|at| entries.get(at))?.trim();
    // Some proxies write the port too.
    let bare = entry.strip_prefix('[').and_then(|v6| v6.strip_suffix(']')).unwrap_or(entry);
    bare.parse().ok().or_else(|| entry.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_let_in() {
        let (net, v6) = ("192.0.2.0/24", "2001:db8::/32");
        for (allow, hops, peer, forwarded, expected) in [
            (&[][..], 0, "203.0.113.9", &[][..], true),
            (&[net], 0, "192.0.2.7", &[], true),
            (&[net], 0, "::ffff:192.0.2.7", &[], true),
            (&[net], 0, "192.0.3.7", &[], false),
            (&["192.0.2.7"], 0, "192.0.2.7", &[], true),
            (&["192.0.2.7"], 0, "192.0.2.8", &[], false),
            (&[v6], 0, "2001:db8::7", &[], true),
            (&[net, v6], 0, "2001:db9::7", &[], false),
            (&[net], 0, "203.0.113.9", &["192.0.2.7"], false),
            (&[net], 1, "203.0.113.9", &["192.0.2.7"], true),
            (&[net], 1, "192.0.2.7", &["203.0.113.9"], false),
            (&[net], 1, "203.0.113.9", &["192.0.2.7, 203.0.113.1"], false),
            (&[net], 2, "203.0.113.9", &["192.0.2.7, 203.0.113.1"], true),
            (&[net], 2, "203.0.113.9", &["203.0.113.1, 192.0.2.7", "203.0.113.2"], true),
            (&[net], 2, "203.0.113.9", &["192.0.2.7"], false),
            (&[net], 1, "203.0.113.9", &[], false),
            (&[net], 1, "203.0.113.9", &["192.0.2.7:4711"], true),
            (&[v6], 1, "203.0.113.9", &["[2001:db8::7]:4711"], true),
            (&[v6], 1, "203.0.113.9", &["[2001:db8::7]"], true),
            (&[net], 1, "203.0.113.9", &["unknown"], false),
            (&[net], 1, "203.0.113.9", &[""], false),
        ] {
            let allow: Vec<String> = allow.iter().map(ToString::to_string).collect();
            let addresses = Addresses::parse(&allow, hops).unwrap();
            let headers = forwarded.iter().map(|text: &&str| text.as_bytes());
            assert_eq!(
                addresses.allow(peer.parse().ok(), headers),
                expected,
                "{allow:?} {hops} {peer} {forwarded:?}"
            );
        }
        let listed = Addresses::parse(&[net.to_owned()], 0).unwrap();
        assert!(!listed.allow(None, std::iter::empty()), "nobody knows who sent it");
    }

    #[test]
    fn what_is_no_network() {
        for text in ["controlshift", "192.0.2.0/33", "192.0.2", "example.org", "10.0.0.0-10.0.0.9"] {
            assert_eq!(Addresses::parse(&[text.to_owned()], 0).unwrap_err().exit_code(), 2, "{text}");
        }
        assert!(Addresses::parse(&[], 17).is_err());
    }
}
