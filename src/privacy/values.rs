//! What a rule makes of one value.

use super::{HASH_CHARS, Rule};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use sha2::{Digest, Sha256};
use std::borrow::Cow;

/// Bits of an IPv4 address that tell the network.
const IPV4_BITS: u32 = 24;
/// Bits of an IPv6 address that tell the site ([RFC 6177](https://www.rfc-editor.org/rfc/rfc6177)).
const IPV6_BITS: u32 = 48;

/// Each byte as two digits.
const HEX: [[u8; 2]; 256] = {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut hex = [[0; 2]; 256];
    let mut byte = 0;
    while byte < hex.len() {
        hex[byte] = [DIGITS[byte >> 4], DIGITS[byte & 15]];
        byte += 1;
    }
    hex
};

/// Makes values of one column into what may be written.
#[derive(Clone)]
pub struct Transform {
    rule: Rule,
    /// SHA-256 that has taken in the key.
    keyed: Sha256,
    /// Whether the values are what the rule has made already.
    is_made: bool,
}

impl std::fmt::Debug for Transform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The state of the hash tells as much as the key.
        write!(f, "Transform({})", self.rule)
    }
}

impl PartialEq for Transform {
    fn eq(&self, other: &Self) -> bool {
        (self.rule, self.is_made) == (other.rule, other.is_made)
            && self.keyed.clone().finalize() == other.keyed.clone().finalize()
    }
}

impl Eq for Transform {}

/// What goes to another process of a transform: of a key nothing.
#[derive(serde::Serialize, serde::Deserialize)]
struct Keyless {
    rule: Rule,
    is_made: bool,
}

impl serde::Serialize for Transform {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if self.hashes() {
            return Err(serde::ser::Error::custom("a transform that hashes holds a key"));
        }
        Keyless { rule: self.rule, is_made: self.is_made }.serialize(to)
    }
}

impl<'de> serde::Deserialize<'de> for Transform {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let Keyless { rule, is_made } = Keyless::deserialize(from)?;
        let transform = Self { is_made, ..Self::new(rule, b"") };
        if transform.hashes() {
            return Err(serde::de::Error::custom("a transform that hashes lacks its key"));
        }
        Ok(transform)
    }
}

impl Transform {
    /// What `rule` does under a key. Without a key, hashes are over the value alone.
    pub fn new(rule: Rule, key: &[u8]) -> Self {
        Self { rule, keyed: Sha256::new_with_prefix(key), is_made: false }
    }

    /// Lets pass what `rule` has made before, and nothing else.
    pub fn made(rule: Rule) -> Self {
        Self { is_made: true, ..Self::new(rule, b"") }
    }

    /// What a column is called whose values are what this makes of them.
    pub fn name_of(&self, column: &str) -> String {
        if self.is_made { column.to_owned() } else { self.rule.masked_name(column) }
    }

    /// Appends what is written of a value, which is UTF-8; false where it is NULL instead.
    pub fn append(&self, value: &[u8], out: &mut Vec<u8>) -> bool {
        if self.is_made {
            let is_made = self.rule.has_made(value);
            out.extend_from_slice(if is_made { value } else { b"" });
            return is_made;
        }
        match self.rule {
            Rule::Keep => out.extend_from_slice(value),
            Rule::Drop | Rule::Null => return false,
            Rule::Hash => self.hash(&normalised(value), out),
            Rule::HashExact => self.hash(value, out),
            Rule::Domain => return append_domain(value, out),
            Rule::Prefix(chars) => out.extend_from_slice(prefix(value, chars)),
            Rule::Network => return append_network(value, out),
        }
        true
    }

    /// Whether it makes something of every value, at such a cost that what was made before is better found again.
    pub fn hashes(&self) -> bool {
        !self.is_made && matches!(self.rule, Rule::Hash | Rule::HashExact)
    }

    fn hash(&self, value: &[u8], out: &mut Vec<u8>) {
        let hash = self.keyed.clone().chain_update(value).finalize();
        let mut text = [0; HASH_CHARS as usize];
        for (two, byte) in text.chunks_exact_mut(2).zip(hash) {
            two.copy_from_slice(&HEX[usize::from(byte)]);
        }
        out.extend_from_slice(&text);
    }
}

impl Rule {
    /// Whether a value has the form of those that the rule makes.
    pub fn has_made(self, value: &[u8]) -> bool {
        match self {
            Self::Keep => true,
            Self::Drop | Self::Null => false,
            Self::Hash | Self::HashExact => {
                value.len() == HASH_CHARS as usize
                    && value.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            }
            Self::Domain => is_domain(value) && !value.contains(&b'@') && *normalised(value) == *value,
            Self::Prefix(chars) => prefix(value, chars) == value,
            Self::Network => {
                let mut network = Vec::new();
                append_network(value, &mut network) && network == value
            }
        }
    }
}

/// In small letters, without spaces around it: `lower(trim(value))` of SQL. Letter by letter, as PostgreSQL, Redshift and
/// DuckDB do it: no letter becomes two, and a sigma is the same wherever it stands.
pub(super) fn normalised(value: &[u8]) -> Cow<'_, [u8]> {
    let trimmed = value.trim_ascii_spaces();
    if !trimmed.is_ascii() {
        let text = String::from_utf8_lossy(trimmed);
        let mut small = String::with_capacity(trimmed.len());
        small.extend(text.chars().map(lower));
        return small.into_bytes().into();
    }
    if trimmed.iter().any(u8::is_ascii_uppercase) {
        return trimmed.to_ascii_lowercase().into();
    }
    trimmed.into()
}

fn lower(letter: char) -> char {
    // The only letter whose small one is two: an i, and a dot above it.
    letter.to_lowercase().next().unwrap_or(letter)
}

/// Only U+0020, as SQL's `trim`.
trait TrimSpaces {
    fn trim_ascii_spaces(&self) -> &[u8];
}

impl TrimSpaces for [u8] {
    fn trim_ascii_spaces(&self) -> &[u8] {
        let start = self.iter().position(|&byte| byte != b' ').unwrap_or(self.len());
        let end = self.iter().rposition(|&byte| byte != b' ').map_or(start, |last| last + 1);
        &self[start..end]
    }
}

fn append_domain(value: &[u8], out: &mut Vec<u8>) -> bool {
    let Some(at) = value.iter().rposition(|&byte| byte == b'@') else { return false };
    let domain = normalised(&value[at + 1..]);
    let is_domain = is_domain(&domain);
    if is_domain {
        out.extend_from_slice(&domain);
    }
    is_domain
}

/// What is no domain may be anything, a person's name too.
fn is_domain(value: &[u8]) -> bool {
    !value.is_empty() && !value.iter().any(|byte| byte.is_ascii_whitespace())
}

fn prefix(value: &[u8], chars: u32) -> &[u8] {
    let is_start = |byte: u8| byte & 0xc0 != 0x80;
    let starts = value.iter().enumerate().filter(|(_, byte)| is_start(**byte));
    starts.skip(chars as usize).map(|(at, _)| &value[..at]).next().unwrap_or(value)
}

/// As PostgreSQL writes `inet`: an address, and the bits of its network if they are not all.
fn append_network(value: &[u8], out: &mut Vec<u8>) -> bool {
    let text = std::str::from_utf8(value.trim_ascii_spaces()).unwrap_or_default();
    let address = text.split_once('/').map_or(text, |(address, _)| address);
    let network = match address.parse().map(|address: IpAddr| address.to_canonical()) {
        Ok(IpAddr::V4(address)) => {
            let mask = u32::MAX << (u32::BITS - IPV4_BITS);
            format!("{}/{IPV4_BITS}", Ipv4Addr::from_bits(address.to_bits() & mask))
        }
        Ok(IpAddr::V6(address)) => {
            let mask = u128::MAX << (u128::BITS - IPV6_BITS);
            format!("{}/{IPV6_BITS}", Ipv6Addr::from_bits(address.to_bits() & mask))
        }
        Err(_) => return false,
    };
    out.extend_from_slice(network.as_bytes());
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(rule: Rule, value: &str) -> Option<String> {
        let mut out = Vec::new();
        Transform::new(rule, b"key")
            .append(value.as_bytes(), &mut out)
            .then(|| String::from_utf8(out).unwrap())
    }

    #[test]
    fn each_rule_makes_what_it_says() {
        let cases = [
            // printf 'keyann@example.org' | sha256sum
            (
                Rule::Hash,
                " Ann@example.org",
                Some("4de297b173099d72514c52550e2601640e01b198352657c8171cd85d9db5e064"),
            ),
            // printf key | sha256sum
            (Rule::Hash, "  ", Some("2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683")),
            (Rule::Keep, "Ann", Some("Ann")),
            (Rule::Drop, "Ann", None),
            (Rule::Null, "Ann", None),
            (Rule::Domain, "Ann@Example.ORG", Some("example.org")),
            (Rule::Domain, "\"a@b\"@example.org ", Some("example.org")),
            (Rule::Domain, "Ann", None),
            (Rule::Domain, "Ann@", None),
            (Rule::Domain, "call me @ Ann Smith", None),
            (Rule::Domain, "", None),
            (Rule::Prefix(2), "Ännchen", Some("Än")),
            (Rule::Prefix(9), "Ann", Some("Ann")),
            (Rule::Prefix(3), "", Some("")),
            (Rule::Network, "192.0.2.77", Some("192.0.2.0/24")),
            (Rule::Network, "192.0.2.77/32", Some("192.0.2.0/24")),
            (Rule::Network, "::ffff:192.0.2.77", Some("192.0.2.0/24")),
            (Rule::Network, "2001:db8:1:2::3", Some("2001:db8:1::/48")),
            (Rule::Network, "192.0.2", None),
            (Rule::Network, "Ann", None),
        ];
        for (rule, value, expected) in cases {
            assert_eq!(made(rule, value).as_deref(), expected, "{rule} of {value:?}");
        }
    }

    #[test]
    fn what_a_rule_has_made_is_known_again() {
        for (rule, value) in [
            (Rule::Hash, "Ann"),
            (Rule::HashExact, ""),
            (Rule::Domain, "ann@Example.\u{130}"),
            (Rule::Prefix(2), "\u{c4}nnchen"),
            (Rule::Network, "192.0.2.77"),
            (Rule::Network, "2001:db8:1:2::3"),
        ] {
            let made = made(rule, value).unwrap();
            assert!(
                rule.has_made(made.as_bytes()) && !rule.has_made([&made, " x"].concat().as_bytes()),
                "{rule} {made}"
            );
        }
    }

    #[test]
    fn the_same_person_is_the_same_hash() {
        let ann = made(Rule::Hash, "ann@example.org");
        for same in ["Ann@Example.Org", "  ann@example.org ", "ANN@EXAMPLE.ORG"] {
            assert_eq!(made(Rule::Hash, same), ann, "{same:?}");
            assert_ne!(made(Rule::HashExact, same), ann, "{same:?}");
        }
        assert_eq!(made(Rule::HashExact, "ann@example.org"), ann);
        assert_ne!(made(Rule::Hash, "ann@example.org\t"), ann, "only spaces are trimmed");
        assert_eq!(ann.unwrap().len(), super::super::HASH_CHARS as usize);
        // A sigma at the end, and a letter whose small form Unicode writes as two.
        assert_eq!(made(Rule::Hash, "ΣΊΣΥΦΟΣ"), made(Rule::HashExact, "σίσυφοσ"));
        assert_eq!(made(Rule::Hash, "İ"), made(Rule::HashExact, "i"));
    }

    #[test]
    fn the_longest_network_is_known() {
        let longest = made(Rule::Network, "ffff:ffff:ffff:ffff::1").unwrap();
        assert!(longest.len() <= super::super::rule::NETWORK_CHARS_MAX as usize, "{longest}");
    }
}
