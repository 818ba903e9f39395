//! What all pages say in the same words: states, ages, the next step.

use schemars::JsonSchema;
use serde::Serialize;
#[cfg(feature = "serve")]
use std::time::{Duration, SystemTime};

/// How something is, at a glance: a colour and a sign, never the colour alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Tone {
    /// Somebody must act.
    Bad,
    /// Somebody should look.
    Look,
    /// It is under way.
    #[cfg_attr(not(feature = "serve"), allow(dead_code, reason = "of a load's end nothing is under way"))]
    Busy,
    /// Nothing happened, and nothing had to.
    Quiet,
    /// As it should be.
    Good,
}

/// A state in one word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct State {
    /// The word.
    pub word: String,
    /// How that is.
    pub tone: Tone,
}

impl Tone {
    /// Its sign.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Bad => "✖",
            Self::Look => "▲",
            Self::Busy => "▶",
            Self::Quiet => "○",
            Self::Good => "✔",
        }
    }

    /// Its class in the style sheet.
    pub fn class(self) -> &'static str {
        match self {
            Self::Bad => "bad",
            Self::Look => "look",
            Self::Busy => "busy",
            Self::Quiet => "quiet",
            Self::Good => "good",
        }
    }
}

impl State {
    /// A word and how it is.
    pub fn new(word: &str, tone: Tone) -> Self {
        Self { word: word.to_owned(), tone }
    }
}

/// A word of a command line, quoted if a shell would take it apart.
pub(super) fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=@%+,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// How long ago, in one unit: `5 min`, `3 h`, `2 days`.
#[cfg(any(feature = "serve", test))]
pub(super) fn age(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// Seconds from then to now; none of what is to come counts as none.
#[cfg(feature = "serve")]
pub(super) fn seconds_since(then: SystemTime, now: SystemTime) -> u64 {
    now.duration_since(then).unwrap_or(Duration::ZERO).as_secs()
}

/// A time of the ledger, RFC 3339.
#[cfg(feature = "serve")]
pub(super) fn time(text: &str) -> Option<SystemTime> {
    let at = text.parse::<jiff::Timestamp>().ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(u64::try_from(at.as_second()).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_have_one_unit() {
        for (seconds, text) in
            [(0, "0 s"), (59, "59 s"), (61, "1 min"), (7_199, "1 h"), (172_799, "47 h"), (172_800, "2 days")]
        {
            assert_eq!(age(seconds), text);
        }
    }

    #[test]
    fn a_shell_takes_a_word_as_it_is() {
        for (word, quoted) in [
            ("signatures", "signatures"),
            ("", "''"),
            ("a b", "'a b'"),
            ("a'; rm -rf /", r"'a'\''; rm -rf /'"),
        ] {
            assert_eq!(shell_word(word), quoted);
        }
    }
}
