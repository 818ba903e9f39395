//! Which rule a column has, and why.

use super::preset;
use super::values::Transform;
use super::{Class, Rule};
use crate::error::{Error, Place, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
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

/// The rules of a configuration, the first that matches a column first. They say what becomes of columns, and need no
/// key for that.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    list: Vec<(Glob, Rule)>,
    preset: Preset,
    new_columns: NewColumns,
}

/// Rules, and the key that hashes are made with.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Policy {
    rules: Rules,
    key: Vec<u8>,
}

/// Says nothing of the key.
impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Policy").field(&self.rules).finish()
    }
}

/// What tells a policy from another that makes other values of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyId {
    /// Hexadecimal digits: of the rules that the table's columns have, and of the key, of which they tell nothing.
    pub digest: String,
    /// What it is called: `controlshift, 2 rules`.
    pub name: String,
}

impl PolicyId {
    /// Bytes of a digest in hexadecimal digits.
    pub const DIGEST_CHARS: usize = 16;

    /// The digest; empty where nothing is hidden.
    pub fn digest_of(id: Option<&Self>) -> &str {
        id.map_or("", |id| &id.digest)
    }
}

impl fmt::Display for PolicyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.digest, self.name)
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

impl Rules {
    /// These rules, each with the glob of its columns.
    ///
    /// # Errors
    /// [`Error::Usage`] for a glob or a rule that is none.
    pub fn new<'a>(
        rules: impl IntoIterator<Item = (&'a str, &'a str)>,
        preset: Preset,
        new_columns: NewColumns,
    ) -> Result<Self> {
        let mut list = Vec::new();
        for (glob, rule) in rules {
            let failed = |what: String| Error::usage(what).at(place(glob));
            let rule: Rule = rule.parse().map_err(failed)?;
            list.push((Glob::parse(glob).map_err(failed)?, rule));
        }
        if list.len() > RULES_MAX {
            return Err(Error::usage(format!("more than {RULES_MAX} rules of privacy")));
        }
        Ok(Self { list, preset, new_columns })
    }

    /// Whether nothing is done to any column.
    pub fn are_none(&self) -> bool {
        self.list.is_empty() && self.preset == Preset::None && self.new_columns == NewColumns::Keep
    }

    /// What becomes of a column.
    pub fn decide(&self, table: &str, column: &str) -> Decision<'_> {
        let matching = self.list.iter().find(|(glob, _)| glob.matches(table, column));
        if let Some((glob, rule)) = matching {
            return Decision { rule: *rule, why: Why::Rule(&glob.text) };
        }
        let class = preset::class_of(table, column).filter(|_| self.preset == Preset::ControlShift);
        if let Some(class) = class {
            return Decision { rule: preset::rule_of(class, column), why: Why::Preset(class) };
        }
        let rule = if self.new_columns == NewColumns::Drop { Rule::Drop } else { Rule::Keep };
        Decision { rule, why: Why::Nobody }
    }

    /// The first rule that needs a key, with its glob.
    pub fn needs_key(&self) -> Option<(&str, Rule)> {
        self.list.iter().find(|(_, rule)| rule.needs_key()).map(|(glob, rule)| (glob.text.as_str(), *rule))
    }

    /// Globs that are none of these columns' (table and column), in their order: of a column that was renamed, or a
    /// slip of the pen.
    pub fn without_columns<'a>(&'a self, columns: &[(&str, &str)]) -> Vec<&'a str> {
        let is_of_none = |glob: &Glob| !columns.iter().any(|(table, column)| glob.matches(table, column));
        self.list
            .iter()
            .map(|(glob, _)| glob)
            .filter(|glob| is_of_none(glob))
            .map(|glob| glob.text.as_str())
            .collect()
    }

    /// What they are called: `controlshift, 2 rules`.
    pub fn name(&self) -> String {
        let rules = match self.list.len() {
            0 => None,
            1 => Some("1 rule".to_owned()),
            more => Some(format!("{more} rules")),
        };
        let preset = (self.preset == Preset::ControlShift).then(|| "controlshift".to_owned());
        let new = (self.new_columns == NewColumns::Drop).then(|| "new columns dropped".to_owned());
        let parts: Vec<String> = [preset, rules, new].into_iter().flatten().collect();
        if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
    }
}

impl Policy {
    /// A policy of these rules, each with the glob of its columns.
    ///
    /// # Errors
    /// Those of [`Rules::new`] and [`Policy::of`].
    pub fn new<'a>(
        rules: impl IntoIterator<Item = (&'a str, &'a str)>,
        preset: Preset,
        new_columns: NewColumns,
        key: &[u8],
    ) -> Result<Self> {
        Self::of(Rules::new(rules, preset, new_columns)?, key)
    }

    /// These rules under a key.
    ///
    /// # Errors
    /// [`Error::Usage`] for a rule that hashes, without a key that nobody can try.
    pub fn of(rules: Rules, key: &[u8]) -> Result<Self> {
        if let Some((glob, rule)) = rules.needs_key()
            && key.len() < KEY_BYTES_MIN
        {
            let what = match key {
                [] => format!("the rule {rule} needs a key"),
                _ => format!("the key of hashes has {} bytes, and {KEY_BYTES_MIN} are the least", key.len()),
            };
            return Err(Error::usage(what).at(place(glob)).help(
                "name its file in privacy.secret_file, or its secret in privacy.secret_arn; \
                 `openssl rand -hex 32` makes one: keep it, another key makes other hashes",
            ));
        }
        Ok(Self { rules, key: key.to_owned() })
    }

    /// Its rules.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// What becomes of a column.
    pub fn decide(&self, table: &str, column: &str) -> Decision<'_> {
        self.rules.decide(table, column)
    }

    /// What a rule of this policy makes of values.
    pub fn mask(&self, rule: Rule) -> Transform {
        Transform::new(rule, &self.key)
    }

    /// What tells this policy from another that makes other values of a table with these columns; none where nothing is
    /// done to any of them. Rules for other tables, and the order of rules, are no part of it, and the key only where a
    /// column is hashed.
    pub fn id_of<'a>(&self, table: &str, columns: impl IntoIterator<Item = &'a str>) -> Option<PolicyId> {
        let of = |column| (column, self.decide(table, column).rule);
        let hidden: BTreeMap<&str, Rule> =
            columns.into_iter().map(of).filter(|(_, rule)| rule.hides()).collect();
        if hidden.is_empty() {
            return None;
        }
        let mut digest = Sha256::new_with_prefix(b"csl-stream policy\n");
        for (column, rule) in &hidden {
            digest.update(format!("{column}={rule}\n"));
        }
        if hidden.values().any(|rule| rule.needs_key()) {
            // Two rounds: the digest of a key alone could be looked up.
            digest.update(Sha256::digest([b"csl-stream key".as_slice(), &self.key].concat()));
        }
        let digits: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Some(PolicyId { digest: digits[..PolicyId::DIGEST_CHARS].to_owned(), name: self.rules.name() })
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
        let id = |policy: &Policy| policy.id_of("users", ["id", "email"]);
        let (one, other) = (of("hash", KEY), of("hash", b"another key of 16"));
        let digest = id(&one).unwrap().digest;
        assert_eq!((digest.len(), id(&one).unwrap().name.as_str()), (PolicyId::DIGEST_CHARS, "1 rule"));
        for another in [&other, &of("null", KEY), &of("hash_exact", KEY)] {
            assert_ne!(id(another).unwrap().digest, digest);
        }
        // What makes the same values of the table is the same: other rules that come to it, and a key that nothing uses.
        let more = [("petitions.*", "null"), ("users.em*", "hash"), ("*.email", "null")];
        for same in [of("hash", KEY), policy(&more, Preset::None, NewColumns::Keep)] {
            assert_eq!(id(&same).unwrap().digest, digest);
        }
        assert_eq!(id(&of("null", KEY)), id(&of("null", b"")));
        for none in [
            Policy::default(),
            of("keep", KEY),
            policy(&[("petitions.*", "null")], Preset::None, NewColumns::Keep),
        ] {
            assert_eq!(id(&none), None);
        }
        // Digests stand in ledgers: they stay what they are.
        assert_eq!(id(&of("null", KEY)).unwrap().digest, "eaaabaa25047180c");
        assert!(!format!("{one:?}").contains("0123"), "{one:?}");
    }

    #[test]
    fn a_policy_has_a_name_and_tells_what_it_is_not_of() {
        let of = |rules: &[(&'static str, &'static str)], preset, new| {
            Rules::new(rules.iter().copied(), preset, new).unwrap()
        };
        let one = of(&[("a.b", "null")], Preset::ControlShift, NewColumns::Drop);
        assert_eq!(one.name(), "controlshift, 1 rule, new columns dropped");
        assert_eq!(of(&[], Preset::None, NewColumns::Keep).name(), "none");
        let rules = of(&[("a.b", "null"), ("*.c", "drop"), ("x.y", "keep")], Preset::None, NewColumns::Keep);
        assert_eq!(rules.without_columns(&[("a", "b"), ("z", "c")]), ["x.y"]);
    }
}
