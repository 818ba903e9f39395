//! How names from outside are shown.

/// Names of one fault that a message lists.
pub(super) const SHOWN_NAMES_MAX: usize = 20;

/// The fields of a line with another delimiter, without quotes around them.
pub(super) fn fields_between(line: &str, delimiter: char) -> Vec<&str> {
    line.split(delimiter).map(|field| field.trim_matches('"')).collect()
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
    fn long_lists_are_cut() {
        let many: Vec<String> = (0..25).map(|n| n.to_string()).collect();
        assert!(listed(&many).ends_with("19 and 5 more"));
        assert_eq!(listed(&many[..2]), "0, 1");
    }
}
