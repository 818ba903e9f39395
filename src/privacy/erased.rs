//! Who was erased: marks that know their rows again, and do not say whose they are.
//!
//! A mark is a salted hash, so it names nobody to whoever reads it. It is no secret all the same: ids are numbers, and
//! whoever holds the marks can try them.

use super::values::normalised;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// Marks of one table at most: a million rows are compared with so many as with one.
pub const MARKS_MAX: usize = 1_000_000;

/// That the rows of one person are to stay out of a table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Mark {
    /// Column of the export that tells whose a row is.
    pub column: String,
    /// What stands before the value that is hashed.
    pub salt: String,
    /// SHA-256 over the salt and the value in small letters without spaces around it, in hexadecimal.
    pub hash: String,
    /// The run that erased the rows.
    pub erase_id: String,
}

impl Mark {
    /// The mark of this value.
    pub fn of(column: &str, salt: &str, value: &str, erase_id: &str) -> Self {
        let hash = hex(&hashed(&salted(salt), value.as_bytes()));
        Self { column: column.to_owned(), salt: salt.to_owned(), hash, erase_id: erase_id.to_owned() }
    }
}

/// All marks of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks(BTreeSet<Mark>);

impl Marks {
    /// These; one that comes twice counts once.
    pub fn new(marks: impl IntoIterator<Item = Mark>) -> Self {
        Self(marks.into_iter().collect())
    }

    /// Whether nobody was erased.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Mark> {
        self.0.iter()
    }

    /// The salt of a column's marks, so that a value is hashed once for all of them.
    pub fn salt_of(&self, column: &str) -> Option<&str> {
        self.0.iter().find(|mark| mark.column == column).map(|mark| mark.salt.as_str())
    }

    /// With those of a further run; a value that has a mark needs no other.
    #[must_use]
    pub fn with(mut self, more: &Self) -> Self {
        for mark in more.iter() {
            let same = |known: &Mark| {
                (&known.column, &known.salt, &known.hash) == (&mark.column, &mark.salt, &mark.hash)
            };
            if !self.0.iter().any(same) {
                self.0.insert(mark.clone());
            }
        }
        self
    }

    /// What tells these marks from others; empty where there are none.
    pub fn digest(&self) -> String {
        if self.is_empty() {
            return String::new();
        }
        let mut digest = Sha256::new();
        for Mark { column, salt, hash, .. } in &self.0 {
            digest.update(format!("{} {column} {salt} {hash}\n", column.len()));
        }
        hex(&digest.finalize()[..8])
    }

    /// The fields of a file that tell whose a record is.
    ///
    /// # Errors
    /// The column that the file lacks: its records cannot be told from those that must stay out.
    pub fn fields(&self, header: &[String]) -> Result<Vec<MarkedField>, String> {
        let mut columns: BTreeMap<&str, BTreeMap<&str, BTreeSet<&str>>> = BTreeMap::new();
        for mark in &self.0 {
            columns.entry(&mark.column).or_default().entry(&mark.salt).or_default().insert(&mark.hash);
        }
        let field = |(column, salts): (&str, BTreeMap<&str, BTreeSet<&str>>)| {
            let at = header.iter().position(|name| name == column).ok_or_else(|| column.to_owned())?;
            Ok(MarkedField { at, marked: Marked::of(salts) })
        };
        columns.into_iter().map(field).collect()
    }

    /// What knows the values of a column again.
    pub fn of_column(&self, column: &str) -> Marked {
        let mut salts: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for mark in self.0.iter().filter(|mark| mark.column == column) {
            salts.entry(&mark.salt).or_default().insert(&mark.hash);
        }
        Marked::of(salts)
    }

    /// The columns that have marks.
    pub fn columns(&self) -> BTreeSet<&str> {
        self.0.iter().map(|mark| mark.column.as_str()).collect()
    }
}

/// Knows the values of one column again.
#[derive(Clone, Default)]
pub struct Marked {
    /// Under each salt the hashes, as bytes; what is no hash is left out.
    salts: Vec<(Sha256, BTreeSet<[u8; 32]>)>,
    /// The salts and hashes as they were given.
    words: Vec<(String, BTreeSet<String>)>,
}

impl Marked {
    fn of(salts: BTreeMap<&str, BTreeSet<&str>>) -> Self {
        let bytes = |hashes: &BTreeSet<&str>| hashes.iter().filter_map(|hash| unhex(hash)).collect();
        let owned = |hashes: &BTreeSet<&str>| hashes.iter().map(|&hash| hash.to_owned()).collect();
        Self {
            salts: salts.iter().map(|(salt, hashes)| (salted(salt), bytes(hashes))).collect(),
            words: salts.iter().map(|(salt, hashes)| ((*salt).to_owned(), owned(hashes))).collect(),
        }
    }

    /// Whether a value is that of somebody who was erased.
    pub fn has(&self, value: &[u8]) -> bool {
        self.salts.iter().any(|(salt, hashes)| hashes.contains(&hashed(salt, value)))
    }

    /// Each salt with its hashes, in hexadecimal.
    pub fn words(&self) -> impl Iterator<Item = (&str, &BTreeSet<String>)> {
        self.words.iter().map(|(salt, hashes)| (salt.as_str(), hashes))
    }
}

impl std::fmt::Debug for Marked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Marked").field(&self.words).finish()
    }
}

impl PartialEq for Marked {
    fn eq(&self, other: &Self) -> bool {
        self.words == other.words
    }
}

impl Eq for Marked {}

/// A field that tells whose a record is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarkedField {
    /// Which field of the record it is, from 0.
    pub at: usize,
    /// What its value is compared with.
    pub marked: Marked,
}

fn salted(salt: &str) -> Sha256 {
    Sha256::new_with_prefix(salt.as_bytes())
}

fn hashed(salted: &Sha256, value: &[u8]) -> [u8; 32] {
    salted.clone().chain_update(normalised(value)).finalize().into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    let is_hash = text.len() == 64 && text.is_ascii();
    for (at, byte) in bytes.iter_mut().enumerate().filter(|_| is_hash) {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
    }
    is_hash.then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(values: &[(&str, &str)]) -> Marks {
        Marks::new(values.iter().map(|(column, value)| Mark::of(column, "salt", value, "e")))
    }

    #[test]
    fn a_value_is_known_again_however_it_is_written() {
        let marked = marks(&[("email", " Ann@Example.ORG "), ("email", "bob@example.org"), ("id", "7")]);
        let emails = marked.of_column("email");
        for (value, known) in [
            ("ann@example.org", true),
            ("  ANN@example.org", true),
            ("bob@example.org", true),
            ("7", false),
            ("ann@example.or", false),
            ("", false),
        ] {
            assert_eq!(emails.has(value.as_bytes()), known, "{value}");
        }
        assert!(marked.of_column("id").has(b"7") && !marked.of_column("id").has(b"77"));
        assert!(!marked.of_column("name").has(b"7"));
    }

    #[test]
    fn a_mark_does_not_say_whose_it_is() {
        let text = serde_json::to_string(&Mark::of("email", "0011", "ann@example.org", "e")).unwrap();
        assert!(!text.contains("ann") && text.contains("\"salt\":\"0011\""), "{text}");
        // sha256("0011ann@example.org"), by coreutils.
        assert_eq!(Mark::of("email", "", "abc", "e").hash, {
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        });
    }

    #[test]
    fn the_same_marks_have_the_same_digest() {
        let (one, two) = (marks(&[("id", "1")]), marks(&[("id", "2")]));
        assert_eq!(Marks::default().digest(), "");
        assert_ne!(one.digest(), two.digest());
        let both = one.clone().with(&two);
        assert_eq!(both.digest(), two.clone().with(&one).digest());
        let again = Marks::new([Mark::of("id", "salt", "1", "another run")]);
        assert_eq!(both.clone().with(&again), both);
    }

    #[test]
    fn a_file_must_tell_whose_its_records_are() {
        let marked = marks(&[("id", "1"), ("email", "a")]);
        let header = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let found = marked.fields(&header(&["name", "email", "id"])).unwrap();
        assert_eq!(found.iter().map(|field| field.at).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(marked.fields(&header(&["name", "id"])), Err("email".to_owned()));
        assert_eq!(Marks::default().fields(&header(&["name"])), Ok(Vec::new()));
    }
}
