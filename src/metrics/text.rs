//! The two texts that Prometheus reads.
//!
//! The encoder writes OpenMetrics 1.0. What asks for nothing, as `curl` and `promtool check metrics` do, reads the
//! classic text, version 0.0.4: there a counter's own name has its `_total`, and units and the end are comments.

/// Which of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exposition {
    /// OpenMetrics 1.0.
    OpenMetrics,
    /// Prometheus's text of version 0.0.4.
    Classic,
}

impl Exposition {
    /// The one that an `Accept` header asks for.
    pub fn of(accept: &str) -> Self {
        if accept.contains("application/openmetrics-text") { Self::OpenMetrics } else { Self::Classic }
    }

    /// What Prometheus calls it.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Classic => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

/// The encoder's text without the braces of a series that has no labels: right, but nobody searches for them.
pub(super) fn without_braces(encoded: &str) -> String {
    encoded.split_inclusive('\n').fold(String::with_capacity(encoded.len()), |mut text, line| {
        match line.split_once('{') {
            Some((name, rest)) if !line.starts_with('#') && rest.starts_with('}') => {
                text += name;
                text += &rest[1..];
            }
            _ => text += line,
        }
        text
    })
}

/// OpenMetrics as classic text. Its lines come by family, `# HELP` before `# TYPE`.
pub(super) fn classic(open: &str) -> String {
    let mut text = String::with_capacity(open.len());
    let counters: Vec<&str> =
        open.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" counter")).collect();
    for line in open.lines() {
        let named = line.strip_prefix("# HELP ").map(|rest| ("# HELP", rest));
        let named = named.or_else(|| line.strip_prefix("# TYPE ").map(|rest| ("# TYPE", rest)));
        match named.and_then(|(word, rest)| Some((word, rest.split_once(' ')?))) {
            Some((word, (name, rest))) if counters.contains(&name) => {
                text += &format!("{word} {name}_total {rest}\n");
            }
            _ if line.starts_with("# UNIT ") => {}
            _ => {
                text += line;
                text.push('\n');
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_has_the_name_of_its_samples() {
        let open = "# HELP a Of a.\n# TYPE a counter\na_total{b=\"# TYPE a counter\"} 1\n# HELP a_b Of b.\n\
                    # TYPE a_b gauge\n# UNIT a_b seconds\na_b 2\n# EOF\n";
        let expected = "# HELP a_total Of a.\n# TYPE a_total counter\na_total{b=\"# TYPE a counter\"} 1\n\
                        # HELP a_b Of b.\n# TYPE a_b gauge\na_b 2\n# EOF\n";
        assert_eq!(classic(open), expected);
        assert_eq!(
            without_braces("# HELP a{} b\na{} 1\nb{c=\"{}\"} 2\n"),
            "# HELP a{} b\na 1\nb{c=\"{}\"} 2\n"
        );
        for (accept, expected) in [
            ("", Exposition::Classic),
            ("*/*", Exposition::Classic),
            ("text/plain;version=0.0.4;q=0.5,*/*;q=0.1", Exposition::Classic),
            ("application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1", Exposition::OpenMetrics),
        ] {
            assert_eq!(Exposition::of(accept), expected, "{accept}");
        }
    }
}
