//! What a database says of a fault, without the values that it repeats: they are people's. Pure.

use crate::store::unsigned::without_queries;

/// What stands before a value, in lower case; all behind it goes, up to a line of another field or to the message's state.
/// Sources: PostgreSQL's `ExecConstraints`, `ReportNotNull`, `_bt_check_unique`, `numutils.c`, `json.c`; Redshift's load
/// errors (dg/r_Load_Error_Reference) and its JSON_PARSE (dg/JSON_PARSE).
const BEFORE_VALUES: &[&str] = &[
    "failing row contains",
    "key (",
    "invalid input syntax",
    "invalid json",
    "json parsing",
    "json data",
    "token \"",
    "value \"",
    "value '",
    "value [",
    "invalid digit",
    "invalid timestamp",
    "invalid date",
    "invalid value",
    "data: ",
    "raw_line",
    "raw_field_value",
    "array value",
    "out of range: ",
    "invalid byte sequence",
    "invalid geography",
    "parse error - invalid geometry",
    "hexwkb",
];
/// What a line of a message begins with, in lower case; any other line is one of the value's own.
const FIELDS: &[&str] = &[
    "error:",
    "detail:",
    "hint:",
    "context:",
    "where:",
    "statement:",
    "code:",
    "query:",
    "location:",
    "process:",
    "file:",
    "line:",
    "position:",
    "sqlstate:",
    "----",
];
/// The message's state, at its end.
const STATE: &str = " SQLSTATE";
/// Bytes that a state has with its name at most: `: 23505.`.
const STATE_BYTES_MAX: usize = 16;
const LEFT_OUT: &str = " …";
/// A guard of the load's own transaction speaks by a value that is no number.
const GUARD: &str = "\"csl-stream: ";

/// The message without the values that it may repeat, and without what signs its URLs: COPY of Parquet reads by them.
pub(super) fn cut_values(message: &str) -> String {
    let (mut text, mut rest) = (String::with_capacity(message.len()), message);
    loop {
        // Of the same length: only letters of ASCII change.
        let lower = rest.to_ascii_lowercase();
        let found = BEFORE_VALUES.iter().filter_map(|words| Some((lower.find(words)?, words.len()))).min();
        let Some((at, length)) = found else { break };
        let (before, behind) = rest.split_at(at + length);
        let (value, behind) = behind.split_at(end_of_value(behind));
        if value.contains(GUARD) {
            text.extend([before, value]);
        } else {
            text.push_str(before.trim_end_matches(['"', '\'', '[', '(', ' ']));
            text.push_str(LEFT_OUT);
        }
        rest = behind;
    }
    without_queries(&(text + rest))
}

/// Where the message goes on: a value may have lines of its own, and hold any word.
fn end_of_value(text: &str) -> usize {
    let is_field =
        |line: &str| FIELDS.iter().any(|field| line.trim_start().to_ascii_lowercase().starts_with(field));
    let field = text.match_indices('\n').map(|(at, _)| at).find(|at| is_field(&text[at + 1..]));
    let state = text.rfind(STATE).filter(|at| text.len() - at <= STATE.len() + STATE_BYTES_MAX);
    [field, state].into_iter().flatten().min().unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_is_repeated_and_all_else_stays() {
        for (message, shown) in [
            ("ERROR: relation \"t\" does not exist SQLSTATE: 42P01", None),
            ("ERROR: 1023 DETAIL: Serializable isolation violation on table - 7", None),
            ("ERROR: value too long for type character varying(20)", None),
            ("column \"email\" of relation \"t\" does not exist", None),
            (
                "ERROR: null value in column \"id\" violates not-null constraint\nDETAIL:  Failing row contains (1, Ann, \"x\").",
                Some(
                    "ERROR: null value in column \"id\" violates not-null constraint\nDETAIL:  Failing row contains …",
                ),
            ),
            (
                "ERROR: duplicate key\n  Detail: Key (email)=(ann@example.org) already exists. SQLSTATE: 23505",
                Some("ERROR: duplicate key\n  Detail: Key … SQLSTATE: 23505"),
            ),
            ("invalid input syntax for type json: \"Ann", Some("invalid input syntax …")),
            ("ERROR: invalid input syntax for type bigint: \"csl-stream: another load was first, 7\"", None),
            (
                "error: JSON parsing error\ncode: 8001\ncontext: invalid json object {\"n\": \"Ann",
                Some("error: JSON parsing …\ncode: 8001\ncontext: invalid json …"),
            ),
            (
                "error: JSON parsing error\n  code:  8001\n  context: invalid json object {\n  \"n\": \"Ann\",\n  \"m\": 1\n}\n  query: 7\n  location: parser.cpp:12",
                Some(
                    "error: JSON parsing …\n  code:  8001\n  context: invalid json …\n  query: 7\n  location: parser.cpp:12",
                ),
            ),
            (
                "ERROR: duplicate key\nDETAIL:  Key (name)=(Ann\nSmith\n) already exists. SQLSTATE: 23505",
                Some("ERROR: duplicate key\nDETAIL:  Key … SQLSTATE: 23505"),
            ),
            (
                "invalid input syntax for type json\nDETAIL:  Token \"Ann\" is invalid.\nCONTEXT:  JSON data, line 2: {\nSmith",
                Some("invalid input syntax …\nDETAIL:  Token …\nCONTEXT:  JSON data …"),
            ),
            (
                "ERROR: Failing row contains (1, Ann\nSmith, code: 7\nstreet).",
                Some("ERROR: Failing row contains …"),
            ),
            (
                "invalid input syntax for type bigint: \"csl-stream: another load was first, 7\"\nat statement 2",
                None,
            ),
            ("Invalid digit, Value 'A', Pos 0, Type: Integer", Some("Invalid digit …")),
            ("ERROR: value \"99999999999\" is out of range for type integer", Some("ERROR: value …")),
            // Of several lines, and with words of a message in it.
            (
                "ERROR: invalid input syntax for type json: \"Ann\n\nAnn Smith SQLSTATE is mine\" SQLSTATE: 22P02",
                Some("ERROR: invalid input syntax … SQLSTATE: 22P02"),
            ),
            (
                "ERROR: null value\nDETAIL:  Failing row contains (1, Ann\nSmith, 2).\n  query: 7",
                Some("ERROR: null value\nDETAIL:  Failing row contains …\n  query: 7"),
            ),
        ] {
            assert_eq!(cut_values(message), shown.unwrap_or(message));
        }
    }
}
