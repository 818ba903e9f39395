//! Finds marks in bytes, in whatever form they may stand there.

use std::collections::BTreeSet;

/// The beginning of every text; as that of a secret with a digit, so that no random letters of a service form it.
const TEXT: &str = "MRK9";
/// The beginning of every secret.
pub(crate) const SECRET: &str = "HUSH9";
/// Bytes on each side of what was found that are shown.
const AROUND: usize = 40;

/// Which part of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// What stands before the @, a whole address, a whole number.
    First,
    /// The domain, the network.
    Last,
    /// The short text of a column, which has no rows.
    Short,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mark {
    Value {
        column: usize,
        row: usize,
        part: Part,
        number: bool,
    },
    /// The beginning of a text, of which a column cannot be told.
    Some,
    /// A secret, by its name.
    Secret(String),
}

/// A mark, and what stands around it.
pub(crate) type Found = (Mark, String);

/// Every mark in these bytes, each once.
pub(crate) fn marks(bytes: &[u8]) -> Vec<Found> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for at in 0..bytes.len() {
        if let Some(mark) = mark_at(bytes, at)
            && seen.insert(mark.clone())
        {
            let from = at.saturating_sub(AROUND);
            let until = (at + AROUND).min(bytes.len());
            found.push((mark, String::from_utf8_lossy(&bytes[from..until]).into_owned()));
        }
    }
    found
}

fn mark_at(bytes: &[u8], at: usize) -> Option<Mark> {
    let rest = &bytes[at..];
    match rest[0] {
        b'M' | b'm' => text(rest),
        b'H' | b'h' => secret(rest),
        b'8' => number(rest),
        b'1' if at > 0 && bytes[at - 1].is_ascii_hexdigit() => None,
        b'1' => address(rest).or_else(|| moment(rest)),
        // The two bytes after it are U+E100 to U+E163.
        0xEE => short(rest),
        // The same, as Rust and JSON spell it.
        b'\\' => escaped(rest),
        b'-' => micros(rest),
        // "MRK9" as a list of bytes.
        b'7' if rest.starts_with(b"77, 82, 75, 57") => Some(Mark::Some),
        _ => None,
    }
}

fn digits(bytes: &[u8], from: usize, count: usize) -> Option<usize> {
    let digits = bytes.get(from..from + count)?;
    let text = std::str::from_utf8(digits).ok().filter(|_| digits.iter().all(u8::is_ascii_digit))?;
    text.parse().ok()
}

fn begins(bytes: &[u8], with: &str) -> bool {
    bytes.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with.as_bytes()))
}

fn value(column: usize, row: usize, part: Part, number: bool) -> Mark {
    Mark::Value { column, row, part, number }
}

fn text(rest: &[u8]) -> Option<Mark> {
    if !begins(rest, TEXT) {
        return None;
    }
    let whole = || {
        let part = match rest.get(6)? {
            b'A' | b'a' => Part::First,
            b'D' | b'd' => Part::Last,
            _ => return None,
        };
        Some(value(digits(rest, 4, 2)?, digits(rest, 7, 3)?, part, false))
    };
    Some(whole().unwrap_or(Mark::Some))
}

fn secret(rest: &[u8]) -> Option<Mark> {
    let name: Vec<u8> = rest.iter().copied().take_while(u8::is_ascii_alphanumeric).collect();
    begins(rest, SECRET).then(|| Mark::Secret(String::from_utf8_lossy(&name).to_uppercase()))
}

fn number(rest: &[u8]) -> Option<Mark> {
    rest.starts_with(b"8391").then_some(())?;
    Some(value(digits(rest, 4, 2)?, digits(rest, 6, 3)?, Part::First, true))
}

fn address(rest: &[u8]) -> Option<Mark> {
    rest.starts_with(b"198.1").then_some(())?;
    let column = digits(rest, 5, 2)?;
    let row = rest.get(8..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let end = rest.get(8 + row..)?;
    let part = if end.starts_with(b".0/24") { Part::Last } else { Part::First };
    Some(value(column, digits(rest, 8, row)?, part, false))
}

fn moment(rest: &[u8]) -> Option<Mark> {
    rest.starts_with(b"18").then_some(())?;
    rest.get(4..8).filter(|middle| *middle == b"-11-")?;
    Some(value(digits(rest, 2, 2)?, digits(rest, 8, 2)?, Part::First, true))
}

/// A moment as Parquet has it: microseconds since 1970, in digits.
fn micros(rest: &[u8]) -> Option<Mark> {
    let count = rest[1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    if !(15..=16).contains(&count) {
        return None;
    }
    let micros = -i64::try_from(digits(rest, 1, count)?).ok()?;
    let moment = jiff::Timestamp::from_microsecond(micros).ok()?.to_string();
    moment.ends_with("T08:39:11Z").then(|| self::moment(moment.as_bytes())).flatten()
}

fn short(rest: &[u8]) -> Option<Mark> {
    let letter = std::str::from_utf8(rest.get(..3)?).ok()?.chars().next()?;
    short_of(u32::from(letter))
}

fn escaped(rest: &[u8]) -> Option<Mark> {
    let digits = rest.get(..2)?.strip_prefix(b"\\").filter(|letter| letter.eq_ignore_ascii_case(b"u"))?;
    let from = digits.len() + 1 + usize::from(rest.get(2) == Some(&b'{'));
    let code = std::str::from_utf8(rest.get(from..from + 4)?).ok()?;
    short_of(u32::from_str_radix(code, 16).ok()?)
}

fn short_of(code: u32) -> Option<Mark> {
    let column = code.checked_sub(0xE100).filter(|column| *column < 100)?;
    Some(value(column as usize, 0, Part::Short, false))
}

#[test]
fn every_form_is_found() {
    let first = |column, row, number| value(column, row, Part::First, number);
    let cases: &[(&[u8], &[Mark])] = &[
        (b"xMRK907A003@mrk907d003.example", &[first(7, 3, false), value(7, 3, Part::Last, false)]),
        (b"mrk907a003", &[first(7, 3, false)]),
        (b"MRK907A", &[Mark::Some]),
        (b"[77, 82, 75, 57, 48]", &[Mark::Some]),
        (b"198.107.12.77", &[first(7, 12, false)]),
        (b"198.107.12.0/24", &[value(7, 12, Part::Last, false)]),
        (b"000839107003", &[first(7, 3, true)]),
        (b"\"1807-11-03T08:39:11\"", &[first(7, 3, true)]),
        (b"Some(-5116576849000000)", &[first(7, 12, true)]),
        ("\u{E107}".as_bytes(), &[value(7, 0, Part::Short, false)]),
        (b"\\u{e107} \\uE107", &[value(7, 0, Part::Short, false)]),
        (b"Signature=HUSH9SIGNED&x", &[Mark::Secret("HUSH9SIGNED".to_owned())]),
        (b"mark 8391 198.1 -123 2018-11-03 MRK", &[]),
    ];
    for (bytes, expected) in cases {
        let found: Vec<Mark> = marks(bytes).into_iter().map(|(mark, _)| mark).collect();
        assert_eq!(found, *expected, "{}", String::from_utf8_lossy(bytes));
    }
}
