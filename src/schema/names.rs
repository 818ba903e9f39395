//! How names from outside are shown.

/// Characters of a name that a message shows.
const SHOWN_CHARS_MAX: usize = 80;
/// Names of one fault that a message lists.
pub(super) const SHOWN_NAMES_MAX: usize = 20;
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
    fn long_and_odd_names_are_shown_safely() {
        assert_eq!(shown("a\u{1b}[31m\n"), r#""a\u{1b}[31m\n""#);
        assert_eq!(shown(&"é".repeat(1000)).chars().count(), SHOWN_CHARS_MAX + 3);
        let many: Vec<String> = (0..25).map(|n| n.to_string()).collect();
        assert!(listed(&many).ends_with("19 and 5 more"));
        assert_eq!(listed(&many[..2]), "0, 1");
    }
}
