//! Records of somebody in a file of rejects, which is CSV that may be broken in any way.

use crate::csv::{LineEnd, raw_records};
use crate::schema::COLUMNS_MAX;
use memchr::memmem::Finder;

/// How many records of a file of rejects are somebody's: those whose `column` holds what `has` knows, and of those in
/// which it cannot be told which field that is, those in which one of `values` stands anywhere.
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
    let is_theirs = |record: &crate::csv::RawRecord<'_>| {
        let field = at.filter(|_| record.width == header.width).and_then(|at| record.fields.get(at));
        match field.map(|field| field.value()) {
            Some(Ok(value)) => value.is_some_and(|value| has(&value)),
            _ => names_one(record.bytes, values),
        }
    };
    records.filter(is_theirs).count() as u64
}

/// Whether one of the values stands anywhere in these bytes, in whichever letters.
pub fn names_one(bytes: &[u8], values: &[String]) -> bool {
    let text = String::from_utf8_lossy(bytes).to_lowercase();
    values.iter().any(|value| Finder::new(&value.to_lowercase()).find(text.as_bytes()).is_some())
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
            ("id,email\n", 0),
            ("", 0),
        ] {
            assert_eq!(theirs(file.as_bytes(), "email", &has, &values), count, "{file}");
        }
    }
}
