//! Names from outside: whether one may be a file's, and which known one was meant.
//!
//! ```text
//! typed name ── check ──► plain, or wrong usage
//!            └─ nearest ─► known names like it ──► "did you mean …?"
//! ```
//!
//! Pure: nothing here looks at what there is.

use crate::error::{Error, Result, shown};
use std::collections::BTreeSet;

/// Longest name of a table, load or segment, in bytes: a file's name is made of two of them, takes 255,
/// and has a few more bytes while it is written.
pub const NAME_BYTES_MAX: usize = 120;
/// Longest name of a file that is made of two names.
pub const FILE_BYTES_MAX: usize = 2 * NAME_BYTES_MAX + 1;
/// Longest names that are compared: the work grows with the product of their lengths.
const COMPARED_BYTES_MAX: usize = 127;
/// Near names that an error suggests at most.
const SUGGESTIONS_MAX: usize = 3;
/// What two names must have in common to be suggested for each other, 0 to 1.
const SUGGESTION_SIMILARITY_MIN: f64 = 0.6;

/// Refuses what must not become the name of a file or folder: it could leave its place, hide, or be cut.
///
/// # Errors
/// [`Error::Usage`] naming `what`.
pub fn check(what: &str, name: &str) -> Result<()> {
    check_within(what, name, NAME_BYTES_MAX)
}

/// As [`check`], with a limit of its own.
///
/// # Errors
/// [`Error::Usage`] naming `what`.
pub fn check_within(what: &str, name: &str, bytes_max: usize) -> Result<()> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    let good = (1..=bytes_max).contains(&name.len()) && !name.starts_with('.') && name.bytes().all(plain);
    if good {
        return Ok(());
    }
    Err(Error::usage(format!("{} cannot be a {what}", shown(name)))
        .help(format!("use letters, digits, '_', '-' and '.', at most {bytes_max} of them")))
}

/// How alike two names are, from 0 to 1: one minus the share of edits, or what they share as whole words.
pub fn similarity(a: &str, b: &str) -> f64 {
    if a == b {
        return 1.0;
    }
    if a.len().max(b.len()) > COMPARED_BYTES_MAX {
        return 0.0;
    }
    let (a, b) = (a.to_lowercase(), b.to_lowercase());
    let longer = a.chars().count().max(b.chars().count()).max(1);
    let spelling = 1.0 - edits(&a, &b) as f64 / longer as f64;
    spelling.max(shared_words(&a, &b))
}

/// The names that were probably meant by `name`, best first; none if nothing is near.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let ranked = ranked(name, known).into_iter();
    let near = ranked.take_while(|(score, _)| *score >= SUGGESTION_SIMILARITY_MIN);
    near.take(SUGGESTIONS_MAX).map(|(_, candidate)| candidate).collect()
}

/// All of `known`, those most like `name` first; equals by name.
pub fn likeliest_first<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    ranked(name, known).into_iter().map(|(_, candidate)| candidate).collect()
}

fn ranked<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Vec<(f64, &'a str)> {
    let mut scored: Vec<_> = known.map(|candidate| (similarity(name, candidate), candidate)).collect();
    scored.sort_by(|(a, one), (b, other)| b.total_cmp(a).then(one.cmp(other)));
    scored
}

/// Insertions, deletions, substitutions and swaps of neighbours that make one from the other.
fn edits(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 0..a.len() {
        let mut row = vec![i + 1];
        for j in 0..b.len() {
            let substituted = last[j] + usize::from(a[i] != b[j]);
            let mut least = substituted.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

/// `venue` and `location_venue` share one word of two, which tells more than their letters.
fn shared_words(a: &str, b: &str) -> f64 {
    let words = |name: &str| -> BTreeSet<String> {
        name.split('_').filter(|word| !word.is_empty()).map(str::to_owned).collect()
    };
    let (a, b) = (words(a), words(b));
    let all = a.union(&b).count();
    if all == 0 { 0.0 } else { a.intersection(&b).count() as f64 / all as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files() {
        let longest = "x".repeat(NAME_BYTES_MAX);
        for name in ["a", "A-b_c.9", "part-00000.snappy.parquet", &longest] {
            assert!(check("name", name).is_ok(), "{name:?}");
        }
        let too_long = "x".repeat(NAME_BYTES_MAX + 1);
        for name in ["", ".", "..", ".a", "a/b", "a\\b", "a b", "é", "a\0", "a\n", "a*", &too_long] {
            assert!(matches!(check("name", name), Err(Error::Usage(_))), "{name:?}");
        }
    }

    #[test]
    fn edit_distance() {
        let cases = [
            ("", "", 0),
            ("a", "", 1),
            ("", "abc", 3),
            ("kitten", "sitting", 3),
            ("abc", "abc", 0),
            ("é", "e", 1),
            ("ulr", "url", 1),
            ("ab", "ba", 1),
            ("overlnog", "overlong", 1),
        ];
        for (a, b, expected) in cases {
            assert_eq!(edits(a, b), expected, "{a:?} {b:?}");
            assert_eq!(edits(b, a), expected, "{b:?} {a:?}");
        }
    }

    #[test]
    fn suggestions() {
        let tables = ["signatures", "petitions", "members", "signature_imports"];
        let near = |name| nearest(name, tables.into_iter());
        assert_eq!(near("signature"), ["signatures"]);
        assert_eq!(near("Petition"), ["petitions"]);
        assert!(near("zzz").is_empty());
        assert!(near(&"x".repeat(10_000)).is_empty());
    }

    #[test]
    fn the_likeliest_come_first_and_none_is_left_out() {
        let names = ["emails", "signatures", "petitions"];
        assert_eq!(likeliest_first("signature", names.into_iter()), ["signatures", "emails", "petitions"]);
        assert_eq!(likeliest_first("zzz", names.into_iter()), ["emails", "petitions", "signatures"]);
    }
}
