//! What a webhook says: an export is ready, or something that is not for us.
//!
//! ```text
//! bytes ─▶ deep? ─▶ type ─┬ data.full_table_exported, data.incremental_table_exported ─▶ Export
//!                         └ petition.launched, email.open … ─────────────────────────▶ Other
//! ```
//! The payload of the others is walked over, never built: a night of `email.open` costs next to nothing.

use crate::store::ExportKind;
use serde::Deserialize;
use serde_json::error::Category;
use serde_json::value::RawValue;
use std::collections::HashMap;

/// Lists and objects inside each other; ControlShift's own have four.
pub const DEPTH_MAX: usize = 64;
/// Characters of a job id that a log repeats.
const JID_CHARS_MAX: usize = 64;

/// What came.
#[derive(Debug)]
pub enum Event {
    /// An export that can be fetched, not looked at yet.
    Export(Box<Export>),
    /// Any other type.
    Other,
}

/// An export as the webhook words it.
#[derive(Debug)]
pub struct Export {
    /// Full or incremental, by the type.
    pub kind: ExportKind,
    /// What is known about it; `None` if `data` has another form.
    pub data: Option<ExportData>,
    /// ControlShift's id of the job that sent it.
    pub jid: Option<String>,
}

/// `data` of an export's webhook. What it does not list (`compression_format`) is found out from the file.
pub struct ExportData {
    /// The signed URL: a password for six hours.
    pub url: Option<String>,
    /// Table name.
    pub table: Option<String>,
    /// The object, if the endpoint has an AWS account.
    pub s3: Option<ObjectName>,
}

impl ExportData {
    /// `None` if a field has another form.
    fn of(data: &RawValue) -> Option<Self> {
        let fields = fields_of(data)?;
        let s3 = field::<&RawValue>(&fields, "s3")?.map(|s3| {
            let fields = fields_of(s3)?;
            let text = |name: &str| field(&fields, name).flatten();
            Some(ObjectName { bucket: text("bucket")?, key: text("key")? })
        });
        let s3 = match s3 {
            Some(named) => Some(named?),
            None => None,
        };
        Some(Self { url: field(&fields, "url")?, table: field(&fields, "table")?, s3 })
    }
}

/// The fields of an object by their names. Of a name that comes twice the last one counts, as for those who
/// write and read these webhooks otherwise (Ruby, JavaScript).
type Fields<'a> = HashMap<String, &'a RawValue>;

fn fields_of(object: &RawValue) -> Option<Fields<'_>> {
    serde_json::from_str(object.get()).ok()
}

/// The field's value, or none if it is absent or null; `None` if it has another form.
fn field<'a, T: Deserialize<'a>>(fields: &Fields<'a>, name: &str) -> Option<Option<T>> {
    match fields.get(name) {
        Some(value) => serde_json::from_str(value.get()).ok(),
        None => Some(None),
    }
}

impl std::fmt::Debug for ExportData {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { table, s3, .. } = self;
        f.debug_struct("ExportData").field("table", table).field("s3", s3).finish_non_exhaustive()
    }
}

/// An object of S3 as the webhook words it; the key can begin with a slash.
#[derive(Debug)]
pub struct ObjectName {
    /// Bucket name.
    pub bucket: String,
    /// Key.
    pub key: String,
}

/// Why a body is no event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    /// Not JSON.
    NotJson,
    /// Deeper than [`DEPTH_MAX`].
    TooDeep,
}

/// Reads a body.
///
/// # Errors
/// [`Malformed`] for what is not JSON. JSON of a form that nobody expects is [`Event::Other`].
pub fn parse(body: &[u8]) -> Result<Event, Malformed> {
    if depth_of(body) > DEPTH_MAX {
        return Err(Malformed::TooDeep);
    }
    let body: &RawValue = serde_json::from_slice(body).map_err(|_| Malformed::NotJson)?;
    // A list or a number is JSON, and no concern of ours.
    let Some(envelope) = fields_of(body) else { return Ok(Event::Other) };
    let name: Option<String> = match envelope.get("type").map(|name| serde_json::from_str(name.get())) {
        None => None,
        Some(Ok(name)) => name,
        // Another form is JSON; half a surrogate pair, say, is none.
        Some(Err(error)) if error.classify() == Category::Data => None,
        Some(Err(_)) => return Err(Malformed::NotJson),
    };
    let kind = match name.as_deref() {
        Some("data.full_table_exported") => ExportKind::Full,
        Some("data.incremental_table_exported") => ExportKind::Incremental,
        _ => return Ok(Event::Other),
    };
    let data = envelope.get("data").and_then(|data| ExportData::of(data));
    let jid: Option<String> = field(&envelope, "jid").flatten();
    Ok(Event::Export(Box::new(Export { kind, data, jid: jid.map(|jid| shown(&jid)) })))
}

/// What may stand in a log: no line ends, no colours, no end of its own.
fn shown(jid: &str) -> String {
    jid.chars().filter(char::is_ascii_graphic).take(JID_CHARS_MAX).collect()
}

/// How many lists and objects are open at once at most, whether or not the rest is JSON.
fn depth_of(body: &[u8]) -> usize {
    let (mut depth, mut deepest, mut quoted, mut escaped) = (0_usize, 0, false, false);
    for byte in body {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(body: &[u8]) -> String {
        match parse(body) {
            Err(malformed) => format!("{malformed:?}"),
            Ok(Event::Other) => "other".to_owned(),
            Ok(Event::Export(export)) => {
                let table = export.data.map(|data| data.table.unwrap_or_default());
                format!("{:?} {}", export.kind, table.as_deref().unwrap_or("no data"))
            }
        }
    }

    #[test]
    fn what_comes_and_what_it_is() {
        let deep = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        for (body, expected) in [
            (r#"{"type":"data.full_table_exported","data":{"table":"petitions"}}"#, "Full petitions"),
            (r#"{"data":{"table":"p"},"type":"data.incremental_table_exported"}"#, "Incremental p"),
            (
                r#"{"type":"data.full_table_exported","data":{"table":"p","compression_format":["x"]}}"#,
                "Full p",
            ),
            (r#"{"type":"data.full_table_exported","data":{"table":7}}"#, "Full no data"),
            (r#"{"type":"data.full_table_exported","data":{"s3":{"bucket":"b"}}}"#, "Full no data"),
            (r#"{"type":"data.full_table_exported","data":{"s3":null,"table":"p"}}"#, "Full p"),
            (
                r#"{"type":"data.full_table_exported","data":{"s3":{"bucket":"b","key":7},"table":"p"}}"#,
                "Full no data",
            ),
            (r#"{"type":"email.open","type":"data.full_table_exported","data":{"table":"p"}}"#, "Full p"),
            (r#"{"type":"data.full_table_exported","data":{"table":"q"},"data":{"table":"p"}}"#, "Full p"),
            (r#"{"type":"data.full_table_exported","data":{"table":"q","table":"p"}}"#, "Full p"),
            (
                r#"{"type":"data.full_table_exported","jid":"a","jid":"b","data":{"table":"p","x":1,"x":2}}"#,
                "Full p",
            ),
            (r#"{"type":"data.full_table_exported","type":"email.open","data":{"table":"p"}}"#, "other"),
            (r#"{"t\u0079pe":"data.full_table_exported","data":{"table":"p"}}"#, "Full p"),
            (r#"{"type":"data.full_table_exported"}"#, "Full no data"),
            (r#"{"type":"data.full_table_exported","data":null}"#, "Full no data"),
            (r#"{"type":"data.Full_table_exported","data":{}}"#, "other"),
            (r#"{"type":"email.open","data":{"x":[1,2,{"y":"\u0026"}]}}"#, "other"),
            (r#"{"type":null}"#, "other"),
            (r#"{"type":7}"#, "other"),
            ("{}", "other"),
            ("[]", "other"),
            ("7", "other"),
            ("\"data.full_table_exported\"", "other"),
            ("", "NotJson"),
            ("7 7", "NotJson"),
            ("{", "NotJson"),
            (r#"{"type":"email.open""#, "NotJson"),
            (r#"{"type":"email.open"}x"#, "NotJson"),
            ("type=email.open", "NotJson"),
            ("{\"type\":\"\u{1}\"}", "NotJson"),
            (&deep(DEPTH_MAX - 1), "other"),
            (&deep(DEPTH_MAX), "TooDeep"),
            (&"[".repeat(200_000), "TooDeep"),
            (&format!("\"{}\"", "[".repeat(1000)), "other"),
        ] {
            assert_eq!(word(body.as_bytes()), expected, "{}", &body[..body.len().min(99)]);
        }
        assert_eq!(word(b"{\"type\":\"\xff\"}"), "NotJson");
    }

    #[test]
    fn escapes_of_rails_are_read_and_urls_are_not_shown() {
        let body = br#"{"type":"data.full_table_exported","jid":"a\u0000b\n","data":{"url":"https://h/k?a=1\u0026b=2"}}"#;
        let Ok(Event::Export(export)) = parse(body) else { panic!("an export") };
        assert_eq!(export.jid.as_deref(), Some("ab"));
        assert!(!format!("{export:?}").contains("https"));
        assert_eq!(export.data.unwrap().url.as_deref(), Some("https://h/k?a=1&b=2"));
    }
}
