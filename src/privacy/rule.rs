//! What becomes of a column's values.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Characters that a prefix may keep at most: more is no prefix.
const PREFIX_CHARS_MAX: u32 = 1_000;
/// Characters of a hash: SHA-256 in hexadecimal.
pub const HASH_CHARS: u32 = 64;
/// Characters of a network at most: an IPv6 address of which 48 bits are left, and `/48`.
pub(super) const NETWORK_CHARS_MAX: u32 = 20;

/// What becomes of a column.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Rule {
    /// Its values are written as they are.
    #[default]
    Keep,
    /// It is not in the output.
    Drop,
    /// It is in the output, all NULL.
    Null,
    /// SHA-256 over the key and the value in small letters without spaces around it, in hexadecimal: the same person
    /// is the same text. Pseudonymous, not anonymous: whoever has the key can try names.
    Hash,
    /// The same over the value as it stands.
    HashExact,
    /// Of an e-mail address what stands behind the last `@`, in small letters; NULL of anything else.
    Domain,
    /// So many characters from the beginning.
    Prefix(u32),
    /// The network of an IP address: `192.0.2.0/24`, `2001:db8:1::/48`; NULL of anything else.
    Network,
}

impl Rule {
    /// Whether values go into the output in another form than they have.
    pub fn transforms(self) -> bool {
        matches!(self, Self::Hash | Self::HashExact | Self::Domain | Self::Prefix(_) | Self::Network)
    }

    /// Whether a key is needed.
    pub fn needs_key(self) -> bool {
        matches!(self, Self::Hash | Self::HashExact)
    }

    /// Whether nobody may see a value of the column, even whoever sits at the terminal.
    pub fn hides(self) -> bool {
        self != Self::Keep
    }

    /// What a column is called where its values are what the rule made of them: `email:hash`.
    pub fn masked_name(self, column: &str) -> String {
        if self.transforms() { format!("{column}:{self}") } else { column.to_owned() }
    }

    /// Whether a part of what it makes is worth nothing; one byte is one character there.
    pub fn has_form(self) -> bool {
        matches!(self, Self::Hash | Self::HashExact | Self::Network)
    }

    /// Characters of the longest value that it lets out, if it decides that.
    pub fn chars_max(self) -> Option<u32> {
        match self {
            Self::Hash | Self::HashExact => Some(HASH_CHARS),
            Self::Prefix(chars) => Some(chars),
            Self::Network => Some(NETWORK_CHARS_MAX),
            Self::Keep | Self::Drop | Self::Null | Self::Domain => None,
        }
    }
}

impl FromStr for Rule {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        Ok(match word {
            "keep" => Self::Keep,
            "drop" => Self::Drop,
            "null" => Self::Null,
            "hash" => Self::Hash,
            "hash_exact" => Self::HashExact,
            "domain" => Self::Domain,
            "network" => Self::Network,
            _ => {
                let chars = word.strip_prefix("prefix:").and_then(|chars| chars.parse().ok());
                let chars = chars.filter(|chars| (1..=PREFIX_CHARS_MAX).contains(chars));
                return chars.map(Self::Prefix).ok_or_else(|| {
                    format!(
                        "{word:?} is no rule: keep, drop, null, hash, hash_exact, domain, network, or prefix:N with N \
                         from 1 to {PREFIX_CHARS_MAX}"
                    )
                });
            }
        })
    }
}

impl TryFrom<String> for Rule {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        word.parse()
    }
}

impl From<Rule> for String {
    fn from(rule: Rule) -> Self {
        rule.to_string()
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Keep => "keep",
            Self::Drop => "drop",
            Self::Null => "null",
            Self::Hash => "hash",
            Self::HashExact => "hash_exact",
            Self::Domain => "domain",
            Self::Network => "network",
            Self::Prefix(chars) => return write!(f, "prefix:{chars}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_words() {
        for word in
            ["keep", "drop", "null", "hash", "hash_exact", "domain", "network", "prefix:1", "prefix:1000"]
        {
            assert_eq!(word.parse::<Rule>().unwrap().to_string(), word);
        }
        for word in ["", "Keep", "prefix", "prefix:", "prefix:0", "prefix:1001", "prefix:-1", "hash ", "md5"]
        {
            assert!(word.parse::<Rule>().is_err(), "{word}");
        }
    }
}
