//! Records of somebody in a file of rejects, which is CSV that may be broken in any way.

use crate::csv::{LineEnd, RawField, RawRecord, raw_records};
use crate::report::FaultReport;
use crate::schema::COLUMNS_MAX;

/// How many records of a file of rejects are somebody's: those whose `column` holds what `has` knows, and of those in
/// which it cannot be told which field that is, those of which any field does; where a field is none, one of `values`
/// as a word of its own says so.
pub fn theirs(file: &[u8], column: &str, has: &dyn Fn(&[u8]) -> bool, values: &[String]) -> u64 {
    // A run that was killed leaves the last record without its end.
    let mut file = file.to_vec();
    if file.last().is_some_and(|last| *last != b'\n') {
        file.push(b'\n');
    }
    let mut records = raw_records(&file, LineEnd::CrLf, COLUMNS_MAX);
    let Some(header) = records.next() else { return 0 };
    let is_column = |name: &[u8]| {
        let name = String::from_utf8_lossy(name);
        // A rule's values stand under the column's name and the rule's.
        name == column || name.strip_prefix(column).is_some_and(|rest| rest.starts_with(':'))
    };
    let at = header.fields.iter().position(|field| {
        field.value().ok().flatten().is_some_and(|name| is_column(name.strip_suffix(b"\r").unwrap_or(&name)))
    });
    let holds = |field: &RawField<'_>| match field.value() {
        Ok(value) => value.is_some_and(|value| has(&value)),
        Err(_) => names_one(field.bytes, values),
    };
    let is_theirs = |record: &RawRecord<'_>| match at.filter(|_| record.width == header.width) {
        Some(at) => record.fields.get(at).is_some_and(holds),
        // It may be any of them.
        None => record.fields.iter().any(holds),
    };
    records.filter(is_theirs).count() as u64
}

/// How many lines of a file of reasons repeat a value of somebody's, as far as a value that broke a rule can be told:
/// of `column`, or of a record in which nobody knows which field is whose. What else stands in a line is the program's.
pub fn reasons_of_theirs(file: &[u8], column: &str, has: &dyn Fn(&[u8]) -> bool, values: &[String]) -> u64 {
    let is_theirs = |line: &[u8]| {
        let Ok(fault) = serde_json::from_slice::<FaultReport>(line) else {
            // Cut off: as JSON writes it, with strokes before its quotes.
            let text = String::from_utf8_lossy(line).replace("\\\"", "\"").replace("\\\\", "\\");
            return names_one(text.as_bytes(), values);
        };
        let Some(value) = fault.value.filter(|_| fault.column.is_none_or(|of| of == column)) else {
            return false;
        };
        // It stands there as it stood in the export, in its quotes.
        let field = RawField { bytes: value.as_bytes(), at: 0 };
        field.value().ok().flatten().is_some_and(|value| has(&value)) || names_one(value.as_bytes(), values)
    };
    file.split(|byte| *byte == b'\n').filter(|line| !line.is_empty() && is_theirs(line)).count() as u64
}

/// Whether one of the values stands anywhere in these bytes as words of its own, in whichever letters.
fn names_one(bytes: &[u8], values: &[String]) -> bool {
    let text = String::from_utf8_lossy(bytes).to_lowercase();
    let is_word = |char: Option<char>| char.is_some_and(|char| char.is_alphanumeric() || char == '_');
    values.iter().any(|value| {
        let value = value.to_lowercase();
        text.match_indices(&value).any(|(at, found)| {
            !is_word(text[..at].chars().next_back()) && !is_word(text[at + found.len()..].chars().next())
        })
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn records_that_may_be_theirs_are_found() {
        let values = ["Ann@x.org".to_owned()];
        let has = |value: &[u8]| value.eq_ignore_ascii_case(b"ann@x.org");
        for (file, count) in [
            ("id,email\n1,ann@x.org\n2,bob@x.org\n", 1),
            ("id,email\r\n1,ANN@x.org\r\n2,bob@x.org\r\n", 1),
            ("id,\"email:hash\"\n1,\"ann@x.org\"\n", 1),
            // Too few fields, too many, a stray quote, cut off.
            ("id,email\nann@x.org\n", 1),
            ("id,email\n1,2,Ann@X.org\n", 1),
            ("id,email\n1,a\"nn@x.org\n", 0),
            ("id,email\n1,ann@x.org\"\n", 1),
            ("id,email\n1,\"ann@x.org", 1),
            ("id,email\n1,ann@x.org", 1),
            // It stands in another column of a sound record.
            ("id,email,note\n1,bob@x.org,ask ann@x.org\n", 0),
            // The column is not there.
            ("id,mail\n1,ann@x.org\n", 1),
            ("id,mail\n1,joann@x.org\n", 0),
            ("id,email\n1,2,joann@x.org\n1,2,\"ann@x.org\"\n", 1),
            ("id,email\n1,joann@x.org\"\n", 0),
            ("id,email\n", 0),
            ("", 0),
        ] {
            assert_eq!(theirs(file.as_bytes(), "email", &has, &values), count, "{file}");
        }
    }

    #[test]
    fn numbers_in_others_records_are_nobodys_id() {
        let values = ["7".to_owned()];
        let has = |value: &[u8]| value == b"7";
        for (file, count) in [
            ("id,score\n17,7\n8,70\n", 0),
            ("id,score\n17,70,2026-07-17\n8,0.7.7\n", 0),
            ("id,score\n1,7,x\n", 1),
            ("id,score\n\"7,x\n", 1),
            ("id,score\n\"17,x\n", 0),
        ] {
            assert_eq!(theirs(file.as_bytes(), "id", &has, &values), count, "{file}");
        }
    }

    fn reason(column: Option<&str>, value: Option<&str>) -> String {
        serde_json::json!({
            "record": 7, "line": 7, "byte": 77, "column": column, "rule": "integer", "value": value, "value_bytes": 7
        })
        .to_string()
    }

    #[test]
    fn reasons_are_theirs_by_the_value_alone() {
        for (values, line, count) in [
            // Where it stood and how long it was is nobody's.
            ("7", reason(Some("id"), None), 0),
            ("7", reason(None, None), 0),
            ("7", reason(Some("id"), Some("17")), 0),
            ("7", reason(Some("score"), Some("7")), 0),
            ("7", reason(Some("id"), Some("7")), 1),
            ("7", reason(Some("id"), Some("\"7\"")), 1),
            ("7", reason(None, Some("7")), 1),
            ("\"a\\b\"@x.org", reason(Some("id"), Some("\"\"\"A\\b\"\"@x.org\"")), 1),
            ("\"a\\b\"@x.org", reason(None, Some("\"a\\b\"@x.org")), 1),
            // Cut off by whoever killed the run.
            ("\"a\\b\"@x.org", reason(None, Some("\"a\\b\"@x.org")).replace(",\"value_bytes\":7}", ""), 1),
            ("7", "{\"record\":17,\"value\":\"70".to_owned(), 0),
        ] {
            let has = |value: &[u8]| value.eq_ignore_ascii_case(values.as_bytes());
            let file = format!("{}\n{line}\n", reason(Some("id"), Some("x")));
            let found = reasons_of_theirs(file.as_bytes(), "id", &has, &[values.to_owned()]);
            assert_eq!(found, count, "{values} {line}");
        }
    }
}
