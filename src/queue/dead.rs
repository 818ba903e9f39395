//! Dead letters: messages that cannot be loaded until somebody fixes something.

use super::message::LoadOrder;
use super::name::without_query;
use crate::error::Error;
use serde::Serialize;
use serde_json::Value;

/// Most dead letters that are listed or searched at once.
pub const LISTED_MAX: usize = 1000;
/// Longest reason that is kept.
const REASON_CHARS_MAX: usize = 1000;
/// The field of the existing loader's message that is a password.
const URL_FIELD: &str = "downloadUrl";

/// Why a message became a dead letter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// The error in one line, and what helps.
    pub text: String,
    /// The exit code that `backfill` would have had.
    pub exit_code: u8,
}

/// Which dead letters go back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redrive {
    /// Every one.
    All,
    /// These.
    Ids(Vec<String>),
}

/// A message that was given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeadLetter {
    /// Its name among the dead letters.
    pub id: String,
    /// Table, if it is a load message.
    pub table: Option<String>,
    /// Kind, if it is a load message.
    pub kind: Option<String>,
    /// The export's name, without a signature.
    pub export: Option<String>,
    /// Why it was given up.
    pub reason: String,
    /// The exit code that goes with it; unknown if SQS itself moved the message.
    pub exit_code: Option<u8>,
    /// Tries before.
    pub tries: Option<u32>,
    /// When it was given up, RFC 3339 in UTC, if that is known.
    pub died_at: Option<String>,
    /// The message, its signed URL masked.
    pub message: Value,
}

impl Reason {
    /// The reason that an error is.
    pub fn of(error: &Error) -> Self {
        let help = error.detail().map(|detail| detail.help.as_str()).filter(|help| !help.is_empty());
        let text = help.map_or_else(|| error.to_string(), |help| format!("{error}; {help}"));
        // Attributes of SQS hold no control characters.
        let text = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter });
        Self { text: text.take(REASON_CHARS_MAX).collect(), exit_code: error.exit_code() }
    }
}

impl Redrive {
    pub(super) fn is_meant(&self, id: &str) -> bool {
        match self {
            Self::All => true,
            Self::Ids(ids) => ids.iter().any(|wanted| wanted == id),
        }
    }
}

/// What is known of a dead letter besides its message.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) reason: Option<String>,
    pub(super) exit_code: Option<u8>,
    pub(super) tries: Option<u32>,
    pub(super) died_at: Option<String>,
}

impl DeadLetter {
    pub(super) fn of(id: String, body: &str, known: Known) -> Self {
        let order = LoadOrder::parse(body).ok();
        let gone = "SQS moved it here after too many takings; nobody wrote a reason";
        Self {
            id,
            table: order.as_ref().map(|order| order.table.clone()),
            kind: order.as_ref().map(|order| order.kind.word().to_owned()),
            export: order.as_ref().map(LoadOrder::name),
            reason: known.reason.unwrap_or_else(|| gone.to_owned()),
            exit_code: known.exit_code,
            tries: known.tries,
            died_at: known.died_at,
            message: masked(body),
        }
    }
}

/// The message fit to be shown: no URL in it keeps its query.
fn masked(body: &str) -> Value {
    fn mask(value: &mut Value, is_url: bool) {
        match value {
            Value::String(text) if is_url || text.contains("://") => {
                let shown = without_query(text);
                let query = if shown.len() < text.len() { "?…" } else { "" };
                *text = format!("{shown}{query}");
            }
            Value::Array(items) => items.iter_mut().for_each(|item| mask(item, is_url)),
            Value::Object(fields) => {
                fields.iter_mut().for_each(|(name, field)| mask(field, is_url || name == URL_FIELD));
            }
            _ => {}
        }
    }
    let Ok(mut value) = serde_json::from_str(body) else {
        return Value::String(format!("({} bytes that are no JSON)", body.len()));
    };
    mask(&mut value, false);
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_signature_is_shown() {
        let body = r#"{"downloadUrl":"https://h/k?Signature=SECRET","table":"t","kind":"full","more":["x://y?SECRET"]}"#;
        let letter = DeadLetter::of("1".into(), body, Known::default());
        let shown = serde_json::to_string(&letter).unwrap();
        assert!(!shown.contains("SECRET") && shown.contains("https://h/k?…"), "{shown}");
        assert_eq!((letter.table.as_deref(), letter.export.as_deref()), (Some("t"), Some("https://h/k")));
        let letter = DeadLetter::of("1".into(), "SECRET", Known::default());
        assert!(!serde_json::to_string(&letter).unwrap().contains("SECRET"));
    }

    #[test]
    fn a_reason_says_what_and_how_to_mend_it() {
        let reason = Reason::of(&Error::access("no\nway").help("grant it"));
        assert_eq!((reason.text.as_str(), reason.exit_code), ("no way; grant it", 3));
    }
}
