//! Which names are alike, and how names from outside are shown.

use super::IDENTIFIER_BYTES_MAX;

/// Near names that an error suggests at most.
const SUGGESTIONS_MAX: usize = 3;
/// Characters of a name that a message shows.
const SHOWN_CHARS_MAX: usize = 80;
/// Names of one fault that a message lists.
pub(super) const SHOWN_NAMES_MAX: usize = 20;
/// What two names must have in common to be suggested for each other, 0 to 1.
const SUGGESTION_SIMILARITY_MIN: f64 = 0.6;

/// How alike two names are, from 0 to 1: one minus the share of edits, or what they share as whole words.
pub(super) fn similarity(a: &str, b: &str) -> f64 {
    if a == b {
        return 1.0;
    }
    if a.len().max(b.len()) > IDENTIFIER_BYTES_MAX {
        return 0.0;
    }
    let (a, b) = (a.to_lowercase(), b.to_lowercase());
    let longer = a.chars().count().max(b.chars().count()).max(1);
    let spelling = 1.0 - edits(&a, &b) as f64 / longer as f64;
    spelling.max(shared_words(&a, &b))
}

/// Insertions, deletions and substitutions that make one from the other.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// `venue` and `location_venue` share one word of two, which tells more than their letters.
fn shared_words(a: &str, b: &str) -> f64 {
    let words = |name: &str| name.split('_').filter(|word| !word.is_empty()).map(str::to_owned).collect();
    let (a, b): (std::collections::BTreeSet<String>, std::collections::BTreeSet<String>) =
        (words(a), words(b));
    let all = a.union(&b).count();
    if all == 0 { 0.0 } else { a.intersection(&b).count() as f64 / all as f64 }
}

/// The names most like `name`, best first.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut scored: Vec<(f64, &str)> = known
        .map(|candidate| (similarity(name, candidate), candidate))
        .filter(|(score, _)| *score >= SUGGESTION_SIMILARITY_MIN)
        .collect();
    scored.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    scored.into_iter().take(SUGGESTIONS_MAX).map(|(_, candidate)| candidate).collect()
}

/// A name between quotes: control characters escaped, cut to a readable length.
pub(super) fn shown(name: &str) -> String {
    match name.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{:?}…", &name[..end]),
        None => format!("{name:?}"),
    }
}

/// Items separated by commas, cut after [`SHOWN_NAMES_MAX`].
pub(super) fn listed(items: &[String]) -> String {
    let rest = items.len().saturating_sub(SHOWN_NAMES_MAX);
    let list = items[..items.len() - rest].join(", ");
    if rest == 0 { list } else { format!("{list} and {rest} more") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edit_distance() {
        let cases = [
            ("", "", 0),
            ("a", "", 1),
            ("", "abc", 3),
            ("kitten", "sitting", 3),
            ("abc", "abc", 0),
            ("é", "e", 1),
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
    fn long_and_odd_names_are_shown_safely() {
        assert_eq!(shown("a\u{1b}[31m\n"), r#""a\u{1b}[31m\n""#);
        assert_eq!(shown(&"é".repeat(1000)).chars().count(), SHOWN_CHARS_MAX + 3);
        let many: Vec<String> = (0..25).map(|n| n.to_string()).collect();
        assert!(listed(&many).ends_with("19 and 5 more"));
        assert_eq!(listed(&many[..2]), "0, 1");
    }
}
