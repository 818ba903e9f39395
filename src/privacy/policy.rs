//! Which rule a column has, and why.

use super::preset;
use super::values::Transform;
use super::{Class, Rule};
use crate::error::{Error, Place, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;

/// Rules of a configuration at most.
pub const RULES_MAX: usize = 10_000;
/// Bytes that a key of hashes must have at least: as many as nobody can try.
pub const KEY_BYTES_MIN: usize = 16;

/// A list of rules that comes with the program.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, schemars::JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// None.
    #[default]
    None,
    /// ControlShift's columns: credentials are left out, IP addresses become networks, user agents and referers NULL.
    ControlShift,
}

/// What becomes of columns that no rule names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, schemars::JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NewColumns {
    /// They are written as they are.
    #[default]
    Keep,
    /// They are left out: the rules are an allow-list.
    Drop,
}

/// The rules of a configuration, the first that matches a column first.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Policy {
    rules: Vec<(Glob, Rule)>,
    preset: Preset,
    new_columns: NewColumns,
    key: Vec<u8>,
}

/// Says nothing of the key.
impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Policy({})", self.digest())
    }
}

/// Who decided about a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why<'a> {
    /// The rule with this glob.
    Rule(&'a str),
    /// The preset, by what the column holds.
    Preset(Class),
    /// Nobody: `new_columns` applies.
    Nobody,
}

/// What becomes of a column, and who decided it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision<'a> {
    /// What becomes of it.
    pub rule: Rule,
    /// Who decided it.
    pub why: Why<'a>,
}

impl Policy {
    /// A policy of these rules, each with the glob of its columns.
    ///
    /// # Errors
    /// [`Error::Usage`] for a glob or a rule that is none, and for a rule that hashes without a key.
    pub fn new<'a>(
        rules: impl IntoIterator<Item = (&'a str, &'a str)>,
        preset: Preset,
        new_columns: NewColumns,
        key: &[u8],
    ) -> Result<Self> {
        let mut parsed = Vec::new();
        for (glob, rule) in rules {
            let failed = |what: String| Error::usage(what).at(place(glob));
            let rule: Rule = rule.parse().map_err(failed)?;
            parsed.push((Glob::parse(glob).map_err(failed)?, rule));
        }
        if parsed.len() > RULES_MAX {
            return Err(Error::usage(format!("more than {RULES_MAX} rules of privacy")));
        }
        if let Some((glob, rule)) = parsed.iter().find(|(_, rule)| rule.needs_key())
            && key.len() < KEY_BYTES_MIN
        {
            let what = match key {
                [] => format!("the rule {rule} needs a key"),
                _ => format!("the key of hashes has {} bytes, and {KEY_BYTES_MIN} are the least", key.len()),
            };
            return Err(Error::usage(what).at(place(&glob.text)).help(
                "name its file in privacy.secret_file, or its secret in privacy.secret_arn; \
                 `openssl rand -hex 32` makes one: keep it, another key makes other hashes",
            ));
        }
        Ok(Self { rules: parsed, preset, new_columns, key: key.to_owned() })
    }

    /// Whether anything is done to any column.
    pub fn is_none(&self) -> bool {
        self.rules.is_empty() && self.preset == Preset::None && self.new_columns == NewColumns::Keep
    }

    /// What becomes of a column.
    pub fn decide(&self, table: &str, column: &str) -> Decision<'_> {
        let matching = self.rules.iter().find(|(glob, _)| glob.matches(table, column));
        if let Some((glob, rule)) = matching {
            return Decision { rule: *rule, why: Why::Rule(&glob.text) };
        }
        let listed = preset::class_of(table, column).filter(|_| self.preset == Preset::ControlShift);
        if let Some((class, rule)) = listed.zip(preset::rule_of(table, column)) {
            return Decision { rule, why: Why::Preset(class) };
        }
        let rule = if self.new_columns == NewColumns::Drop { Rule::Drop } else { Rule::Keep };
        Decision { rule, why: Why::Nobody }
    }

    /// What a rule of this policy makes of values.
    pub fn mask(&self, rule: Rule) -> Transform {
        Transform::new(rule, &self.key)
    }

    /// What tells this policy from another that makes other values; it says nothing of the key. Empty where nothing is
    /// done to any column.
    pub fn digest(&self) -> String {
        if self.is_none() {
            return String::new();
        }
        // Two rounds: the digest of a key alone could be looked up.
        let key = Sha256::digest([b"csl-stream policy".as_slice(), &self.key].concat());
        let text = format!("{:?} {:?} {:?}", self.rules, self.preset, self.new_columns);
        let digest = Sha256::new_with_prefix(text.as_bytes()).chain_update(key).finalize();
        digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }
}

fn place(glob: &str) -> Place {
    Place { column: Some(format!("privacy.columns.{glob:?}")), ..Place::default() }
}

/// `table.column`, where `*` stands for any characters, also none.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Glob {
    text: String,
}

impl Glob {
    fn parse(text: &str) -> std::result::Result<Self, String> {
        let sides = text.split_once('.').filter(|(table, column)| !table.is_empty() && !column.is_empty());
        match sides {
            Some((_, column)) if !column.contains('.') => Ok(Self { text: text.to_owned() }),
            _ => Err(format!("{text:?} names no columns: table.column, * for any characters")),
        }
    }

    fn matches(&self, table: &str, column: &str) -> bool {
        let (tables, columns) = self.text.split_once('.').unwrap_or_default();
        is_like(tables, table) && is_like(columns, column)
    }
}

/// Whether a text is what a pattern says, without going back more than to the last `*`.
fn is_like(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &[u8] = b"0123456789abcdef";

    fn policy(rules: &[(&str, &str)], preset: Preset, new_columns: NewColumns) -> Policy {
        Policy::new(rules.iter().copied(), preset, new_columns, KEY).unwrap()
    }

    #[test]
    fn globs_stand_for_columns() {
        let cases = [
            ("signatures.email", "signatures", "email", true),
            ("signatures.email", "signatures", "emails", false),
            ("*.email", "users", "email", true),
            ("*.*_token", "users", "unlock_token", true),
            ("*.*_token", "users", "token", false),
            ("*.*", "users", "id", true),
            ("sig*.*e*l", "signatures", "email", true),
            ("sig*.e*m*i*l", "signatures", "email", true),
            ("*.a*a", "t", "a", false),
            ("*.a*a", "t", "aa", true),
            ("*.*a*a", "t", "banana", true),
        ];
        for (glob, table, column, expected) in cases {
            assert_eq!(
                Glob::parse(glob).unwrap().matches(table, column),
                expected,
                "{glob} {table}.{column}"
            );
        }
        for wrong in ["", "email", ".email", "t.", "a.b.c"] {
            assert!(Glob::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_first_rule_wins_then_the_preset_then_what_new_columns_says() {
        let rules = [("signatures.email", "hash"), ("*.email", "null"), ("*.token", "keep")];
        let policy = policy(&rules, Preset::ControlShift, NewColumns::Drop);
        let cases = [
            ("signatures", "email", Rule::Hash, Why::Rule("signatures.email")),
            ("users", "email", Rule::Null, Why::Rule("*.email")),
            ("users", "token", Rule::Keep, Why::Rule("*.token")),
            ("users", "unlock_token", Rule::Drop, Why::Preset(Class::Credential)),
            ("signatures", "user_ip", Rule::Network, Why::Preset(Class::Personal)),
            ("signatures", "user_agent", Rule::Null, Why::Preset(Class::Personal)),
            ("signatures", "id", Rule::Keep, Why::Preset(Class::Neither)),
            ("signatures", "brand_new", Rule::Drop, Why::Nobody),
        ];
        for (table, column, rule, why) in cases {
            assert_eq!(policy.decide(table, column), Decision { rule, why }, "{table}.{column}");
        }
    }

    #[test]
    fn hashes_need_a_key_that_cannot_be_guessed() {
        for (rule, key, sound) in [
            ("hash", &b""[..], false),
            ("hash_exact", b"short", false),
            ("hash", KEY, true),
            ("drop", b"", true),
        ] {
            let made = Policy::new([("*.*", rule)], Preset::None, NewColumns::Keep, key);
            assert_eq!(made.is_ok(), sound, "{rule} {}", key.len());
        }
        assert!(Policy::new([("*.*", "md5")], Preset::None, NewColumns::Keep, KEY).is_err());
    }

    #[test]
    fn the_digest_tells_policies_apart_and_nothing_of_the_key() {
        let of =
            |rule, key: &[u8]| Policy::new([("*.email", rule)], Preset::None, NewColumns::Keep, key).unwrap();
        let (one, other) = (of("hash", KEY), of("hash", b"another key of 16"));
        assert_ne!(one.digest(), other.digest());
        assert_ne!(one.digest(), of("null", KEY).digest());
        assert_eq!(one.digest(), of("hash", KEY).digest());
        assert_eq!(Policy::default().digest(), "");
        assert!(!format!("{one:?}").contains("0123"), "{one:?}");
    }
}
