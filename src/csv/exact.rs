//! The exact reader: one record after the other, each field with its place and its faults.
//!
//! It finds the same record ends as the scan (parity of quotes) and is only used where the scan saw
//! something wrong, so it may take its time.

use super::line_end::LineEnd;
use std::borrow::Cow;

/// One record of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawRecord<'a> {
    /// The record's bytes, with its newline.
    pub bytes: &'a [u8],
    /// Offset of the record in the slice that was given.
    pub at: usize,
    /// Newlines before it in that slice.
    pub lines_before: u64,
    /// Its first fields, as many as were asked for; there is always at least one.
    pub fields: Vec<RawField<'a>>,
    /// How many fields it has.
    pub width: usize,
}

/// One field as it stands in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawField<'a> {
    /// The field's bytes, quotes included.
    pub bytes: &'a [u8],
    /// Offset of the field in its record.
    pub at: usize,
}

/// What can be wrong with a field before its type is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldFault {
    /// A quote inside an unquoted field, or text after a closing quote.
    Quote,
    /// A carriage return outside quotes that is no part of a line end.
    CarriageReturn,
    /// A NUL byte, which PostgreSQL's text never holds.
    Nul,
    /// Not UTF-8.
    Utf8,
}

impl<'a> RawField<'a> {
    /// The field's value: `None` is NULL, an empty slice the empty string.
    ///
    /// # Errors
    /// The first fault of the field.
    pub fn value(&self) -> Result<Option<Cow<'a, [u8]>>, FieldFault> {
        let bytes = self.bytes;
        if bytes.contains(&0) {
            return Err(FieldFault::Nul);
        }
        if std::str::from_utf8(bytes).is_err() {
            return Err(FieldFault::Utf8);
        }
        match bytes {
            [] => Ok(None),
            [.., b'\r'] => Err(FieldFault::CarriageReturn),
            [b'"', inner @ .., b'"'] => unquote(inner).map(Some).ok_or(FieldFault::Quote),
            _ if bytes.contains(&b'"') => Err(FieldFault::Quote),
            _ if bytes.contains(&b'\r') => Err(FieldFault::CarriageReturn),
            _ => Ok(Some(Cow::Borrowed(bytes))),
        }
    }
}

/// Undoes the doubling of quotes; `None` if one stands alone.
fn unquote(inner: &[u8]) -> Option<Cow<'_, [u8]>> {
    if !inner.contains(&b'"') {
        return Some(Cow::Borrowed(inner));
    }
    let mut value = Vec::with_capacity(inner.len());
    let mut rest = inner.iter();
    while let Some(&byte) = rest.next() {
        if byte == b'"' && rest.next() != Some(&b'"') {
            return None;
        }
        value.push(byte);
    }
    Some(Cow::Owned(value))
}

/// The records of a slice that holds whole records, each ended by a newline outside quotes; of a line end that is
/// not `line_end` the carriage return is the last field's. Of each record the first `fields_max` fields are kept:
/// one of a million commas costs no more than an ordinary one.
pub fn raw_records(
    records: &[u8],
    line_end: LineEnd,
    fields_max: usize,
) -> impl Iterator<Item = RawRecord<'_>> {
    let (mut at, mut lines) = (0, 0);
    std::iter::from_fn(move || {
        let rest = &records[at..];
        if rest.is_empty() {
            return None;
        }
        let record = raw_record(rest, line_end, fields_max, at, lines);
        at += record.bytes.len();
        lines += memchr::memchr_iter(b'\n', record.bytes).count() as u64;
        Some(record)
    })
}

fn raw_record(
    rest: &[u8],
    line_end: LineEnd,
    fields_max: usize,
    at: usize,
    lines_before: u64,
) -> RawRecord<'_> {
    let (mut fields, mut width) = (Vec::new(), 0);
    let mut add = |bytes, at| {
        width += 1;
        if width <= fields_max.max(1) {
            fields.push(RawField { bytes, at });
        }
    };
    let (mut start, mut inside) = (0, false);
    let mut record = rest;
    for end in memchr::memchr3_iter(b'"', b',', b'\n', rest) {
        match rest[end] {
            b'"' => inside = !inside,
            _ if inside => {}
            b',' => {
                add(&rest[start..end], start);
                start = end + 1;
            }
            _ => {
                record = &rest[..=end];
                break;
            }
        }
    }
    // The caller promised a record end; without one the rest is the record.
    let ended = match inside {
        false => record.strip_suffix(line_end.bytes()).or_else(|| record.strip_suffix(b"\n")),
        true => None,
    };
    add(&rest[start..ended.unwrap_or(record).len()], start);
    RawRecord { bytes: record, at, lines_before, fields, width }
}

#[cfg(test)]
mod tests {
    use super::*;
    use FieldFault::*;

    fn value(text: &str) -> Result<Option<String>, FieldFault> {
        let field = RawField { bytes: text.as_bytes(), at: 0 };
        field.value().map(|value| value.map(|v| String::from_utf8_lossy(&v).into_owned()))
    }

    #[test]
    fn fields_are_null_empty_or_text() {
        let cases: &[(&str, Result<Option<&str>, FieldFault>)] = &[
            ("", Ok(None)),
            ("\"\"", Ok(Some(""))),
            ("a", Ok(Some("a"))),
            ("\"a\"", Ok(Some("a"))),
            ("\"\"\"\"", Ok(Some("\""))),
            ("\"a\"\"b\"", Ok(Some("a\"b"))),
            ("\"\r\n,\"", Ok(Some("\r\n,"))),
            ("\\N", Ok(Some("\\N"))),
            ("NULL", Ok(Some("NULL"))),
            (" ", Ok(Some(" "))),
            ("\"", Err(Quote)),
            ("\"\"\"", Err(Quote)),
            ("a\"", Err(Quote)),
            ("a\"b\"", Err(Quote)),
            ("\"a\"b", Err(Quote)),
            ("\"a\"b\"", Err(Quote)),
            ("a\rb", Err(CarriageReturn)),
            ("a\r", Err(CarriageReturn)),
            ("\r", Err(CarriageReturn)),
            ("\"a\"\r", Err(CarriageReturn)),
            ("a\0", Err(Nul)),
        ];
        for (text, want) in cases {
            assert_eq!(value(text), want.map(|v| v.map(str::to_owned)), "{text:?}");
        }
        assert_eq!(RawField { bytes: b"\xff", at: 0 }.value(), Err(Utf8));
    }

    #[test]
    fn records_have_places() {
        let text = b"a,\"\n\"\r\n,\nx\n";
        let places = |line_end| -> Vec<_> {
            raw_records(text, line_end, 9)
                .map(|r| {
                    (r.at, r.lines_before, r.fields.iter().map(|f| (f.at, f.bytes.len())).collect::<Vec<_>>())
                })
                .collect()
        };
        let mut want = [(0, 0, vec![(0, 1), (2, 3)]), (7, 2, vec![(0, 0), (1, 0)]), (9, 3, vec![(0, 1)])];
        assert_eq!(places(LineEnd::CrLf), want);
        want[0].2[1].1 = 4;
        assert_eq!(places(LineEnd::Lf), want, "a carriage return more");
    }
}
