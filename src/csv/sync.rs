//! Where the first record begins in bytes that begin anywhere: a guess, for whoever cannot read what is before.
//!
//! Both are followed at once: that the bytes begin inside quotes, and that they do not. Of a window of PostgreSQL's CSV
//! the wrong one soon breaks the dialect: a quote stands where none may, or a record has another width. Values can be
//! made for which it does not, and a faulty record breaks both; so nothing may rest on the answer until somebody who
//! has read what is before says the same.

use super::line_end::LineEnd;
use super::split::{first_record_end, odd_quotes};

/// Offset of the first record that begins behind the first byte of `window`, if that can be told: records have `width`
/// fields and end like `line_end`.
pub fn first_record(window: &[u8], width: usize, line_end: LineEnd) -> Option<usize> {
    let mut from = 0;
    loop {
        match judge(&window[from..], width, line_end) {
            Verdict::Begins { inside } => {
                let inside = inside ^ odd_quotes(&window[..from]);
                return first_record_end(window, inside, 0);
            }
            Verdict::Unsure => return None,
            // A faulty record: behind one of the next newlines is a sound one.
            Verdict::Neither { at } => {
                from += at;
                from += memchr::memchr(b'\n', &window[from..])? + 1;
            }
        }
    }
}

enum Verdict {
    /// The bytes begin inside quotes, or outside.
    Begins { inside: bool },
    /// Both break the dialect, the later one here.
    Neither { at: usize },
    /// The window is too short to tell.
    Unsure,
}

fn judge(window: &[u8], width: usize, line_end: LineEnd) -> Verdict {
    let mut outside = Walk::new(false);
    let mut inside = Walk::new(true);
    for (at, &byte) in window.iter().enumerate() {
        outside.step(byte, width, line_end);
        inside.step(byte, width, line_end);
        match (outside.is_broken, inside.is_broken) {
            (false, false) => {}
            (true, true) => return Verdict::Neither { at },
            (true, false) if inside.records > 0 => return Verdict::Begins { inside: true },
            (false, true) if outside.records > 0 => return Verdict::Begins { inside: false },
            _ => {}
        }
    }
    // What holds no quote breaks nothing; then those have it right who see records.
    let seen = |walk: &Walk| if walk.is_broken { 0 } else { walk.records };
    match seen(&outside).cmp(&seen(&inside)) {
        std::cmp::Ordering::Greater => Verdict::Begins { inside: false },
        std::cmp::Ordering::Less => Verdict::Begins { inside: true },
        std::cmp::Ordering::Equal => Verdict::Unsure,
    }
}

/// What stands before a byte outside quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    /// It is not in the window.
    Unknown,
    /// A comma or a newline.
    Separator,
    /// A closing quote.
    Quote,
    /// A carriage return.
    Return,
    /// A byte of a field without quotes.
    Field,
}

/// One of the two, followed.
struct Walk {
    is_inside: bool,
    before: Before,
    /// Fields of the record so far, as far as they are in the window.
    fields: usize,
    /// Whether a record has ended in the window: then the next one is known from its first byte.
    is_whole: bool,
    /// Whole records of the right width.
    records: usize,
    is_broken: bool,
}

impl Walk {
    fn new(is_inside: bool) -> Self {
        Self { is_inside, before: Before::Unknown, fields: 1, is_whole: false, records: 0, is_broken: false }
    }

    fn step(&mut self, byte: u8, width: usize, line_end: LineEnd) {
        if self.is_broken {
            return;
        }
        if self.is_inside {
            if byte == b'"' {
                (self.is_inside, self.before) = (false, Before::Quote);
            }
            return;
        }
        let before = self.before;
        let is_sound = match byte {
            b'"' => {
                self.is_inside = true;
                matches!(before, Before::Unknown | Before::Separator | Before::Quote)
            }
            b',' => {
                self.fields += 1;
                self.before = Before::Separator;
                self.fields <= width && before != Before::Return
            }
            b'\n' => {
                let ends = match line_end {
                    LineEnd::Lf => true,
                    LineEnd::CrLf => matches!(before, Before::Return | Before::Unknown),
                };
                let is_sound = ends && (!self.is_whole || self.fields == width);
                self.records += usize::from(self.is_whole);
                (self.is_whole, self.fields, self.before) = (true, 1, Before::Separator);
                is_sound
            }
            b'\r' => {
                self.before = Before::Return;
                line_end == LineEnd::CrLf && before != Before::Return
            }
            0 => false,
            _ => {
                self.before = Before::Field;
                !matches!(before, Before::Quote | Before::Return)
            }
        };
        self.is_broken = !is_sound;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Where records begin, by the parity of all quotes.
    fn starts(csv: &[u8]) -> Vec<usize> {
        let mut inside = false;
        let mut starts = Vec::new();
        for (at, &byte) in csv.iter().enumerate() {
            inside ^= byte == b'"';
            if byte == b'\n' && !inside {
                starts.push(at + 1);
            }
        }
        starts
    }

    fn export(rng: &mut fastrand::Rng, line_end: LineEnd, bytes: usize) -> Vec<u8> {
        let newline = if line_end == LineEnd::CrLf { "\r\n" } else { "\n" };
        let mut csv = String::new();
        while csv.len() < bytes {
            let text = |rng: &mut fastrand::Rng| match rng.usize(..8) {
                0 => String::new(),
                1 => "\"\"".to_owned(),
                2 => format!("\"{}{newline}{}\"", "so, ".repeat(rng.usize(..20)), rng.u32(..)),
                3 => format!("\"{{\"\"a\"\": \"\"{}\"\", \"\"b\"\": [1,{newline}2]}}\"", rng.u32(..)),
                4 => format!("\"{}\"", ["\"\"", ",", newline, "x"][rng.usize(..4)].repeat(rng.usize(1..9))),
                5 => "çelik".to_owned(),
                _ => format!("n{}", rng.u32(..)),
            };
            let fields =
                [rng.u32(..).to_string(), text(rng), text(rng), "2024-02-01 10:00:00".to_owned(), text(rng)];
            csv += &fields.join(",");
            csv += newline;
        }
        csv.into_bytes()
    }

    #[test]
    fn a_window_from_anywhere_tells_where_its_first_record_begins() {
        let places = if cfg!(miri) { 20 } else { 4_000 };
        for line_end in [LineEnd::Lf, LineEnd::CrLf] {
            let mut rng = fastrand::Rng::with_seed(41);
            let csv = export(&mut rng, line_end, if cfg!(miri) { 8_000 } else { 400_000 });
            let starts = starts(&csv);
            for (window_bytes, told_least, wrong_most) in
                [(64, 0, 40), (200, 30, 10), (700, 90, 1), (4_096, 100, 0), (20_000, 100, 0)]
            {
                let (mut told, mut wrong) = (0, 0);
                for _ in 0..places {
                    let at = rng.usize(1..csv.len() - window_bytes.min(csv.len() / 2));
                    let window = &csv[at..csv.len().min(at + window_bytes)];
                    let true_one = starts[starts.partition_point(|&start| start <= at)];
                    let found = first_record(window, 5, line_end);
                    told += usize::from(found.is_some());
                    wrong += usize::from(found.is_some_and(|found| at + found != true_one));
                }
                let told_percent = told * 100 / places;
                eprintln!("{line_end:?} {window_bytes}: {told} {wrong} of {places}");
                assert!(told_percent >= told_least, "{window_bytes}: {told_percent} % told");
                assert!(wrong * 1000 <= wrong_most * places, "{window_bytes}: {wrong} wrong");
            }
        }
    }

    #[test]
    fn edges_of_a_window() {
        for (window, width, found) in [
            ("", 2, None),
            ("a,b", 2, None),
            ("a,b\n", 2, None),
            ("a,b\n1,2\n", 2, Some(4)),
            ("\n1,2\n", 2, Some(1)),
            ("b\n1,2\n", 2, Some(2)),
            // In the middle of a doubled quote, of a quoted field, behind its quote.
            ("\"x\",b\n1,2\n3,4\n", 2, Some(6)),
            ("x\",b\n1,2\n\"3\",4\n", 2, Some(5)),
            ("\",b\n1,\"2\n\"\n3,4\n", 2, Some(4)),
            // Records of another width stand between quotes.
            ("1\n2\n3\",4\n5,6\n", 2, Some(9)),
            // A faulty record, then sound ones.
            ("x\"y,b\n1,2\n3,\"4\"\n5,6\n", 2, Some(6)),
            // It may be all one field.
            ("a,b,c\n1,2\n3,4\n5,6\n", 2, None),
            ("a,b,c\n1,2\n3,\"4\"\n5,6\n7,8\n", 2, Some(6)),
        ] {
            assert_eq!(first_record(window.as_bytes(), width, LineEnd::Lf), found, "{window:?}");
        }
        assert_eq!(first_record(b"a,b\r\n1,2\r\n", 2, LineEnd::CrLf), Some(5));
        assert_eq!(first_record(b"a,b\n1,2\n3,4\n", 2, LineEnd::CrLf), None);
    }
}
