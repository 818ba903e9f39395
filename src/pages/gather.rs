//! From the field ends of a block to the non-NULL fields of one column.

use super::bits::Bits;
use super::fast::Text;
use crate::csv::{Block, Scan};

/// A clean, scanned block.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a> {
    pub(super) buffer: &'a [u8],
    /// As [`Scan::ends`]: `rows * width + 1` of them.
    ends: &'a [u32],
    /// Fields of a record.
    width: usize,
    pub(super) rows: usize,
    crlf: bool,
}

/// Where a non-NULL field is.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Span {
    start: u32,
    len: u32,
}

impl Span {
    pub(super) fn new(start: usize, len: usize) -> Self {
        Self { start: start as u32, len: len as u32 }
    }

    #[inline(always)]
    pub(super) fn text<'a>(&self, fields: &Fields<'a>) -> Text<'a> {
        Text { buffer: fields.buffer, start: self.start as usize, len: self.len as usize }
    }

    pub(super) fn len(&self) -> usize {
        self.len as usize
    }
}

/// The non-NULL fields of one column of a block; the room for them is used again for each column.
#[derive(Debug, Default)]
pub(super) struct Spans {
    room: Vec<Span>,
    len: usize,
}

impl Spans {
    /// Room for `rows` of them. What stood there is not wiped: that would cost as much as the fields.
    fn room(&mut self, rows: usize) -> &mut [Span] {
        if self.room.len() < rows {
            self.room.resize(rows, Span::default());
        }
        &mut self.room[..rows]
    }
}

impl std::ops::Deref for Spans {
    type Target = [Span];

    fn deref(&self) -> &[Span] {
        &self.room[..self.len]
    }
}

impl<'a> Fields<'a> {
    pub(super) fn new(block: &'a Block, scan: &'a Scan, width: usize, rows: usize) -> Self {
        assert!(scan.ends().len() == rows * width + 1, "the scan counted the fields");
        Self { buffer: block.buffer(), ends: scan.ends(), width, rows, crlf: scan.crlf() }
    }

    /// The same with another buffer, for a field that was written anew.
    pub(super) fn in_buffer<'b>(&self, buffer: &'b [u8]) -> Fields<'b>
    where
        'a: 'b,
    {
        Fields { buffer, ..*self }
    }

    /// Collects the non-NULL fields of a column into `spans`, instead of what was there, and appends a level for
    /// each row. A column that the file lacks is NULL throughout.
    #[inline(always)]
    pub(super) fn gather(
        &self,
        field: Option<usize>,
        empty_is_null: bool,
        spans: &mut Spans,
        levels: &mut Bits,
    ) {
        spans.len = 0;
        let Some(field) = field else {
            levels.push_zeros(self.rows);
            return;
        };
        if empty_is_null || (self.crlf && field + 1 == self.width) {
            self.gather_with(field, spans, levels, |span| self.adjust(field, empty_is_null, span));
        } else {
            self.gather_with(field, spans, levels, |span| span);
        }
    }

    /// The rarer wishes: no carriage return in the last field, `""` as NULL.
    fn adjust(&self, field: usize, empty_is_null: bool, mut span: Span) -> Span {
        let byte = |at: u32| self.buffer[at as usize];
        if self.crlf && field + 1 == self.width && span.len > 0 && byte(span.start + span.len - 1) == b'\r' {
            span.len -= 1;
        }
        if empty_is_null && span.len == 2 && byte(span.start) == b'"' {
            span.len = 0;
        }
        span
    }

    #[inline(always)]
    fn gather_with(&self, field: usize, spans: &mut Spans, levels: &mut Bits, adjust: impl Fn(Span) -> Span) {
        assert!(field < self.width);
        let room = spans.room(self.rows);
        let mut present = 0;
        let mut row = 0;
        while row < self.rows {
            let count = (self.rows - row).min(64);
            let mut bits = 0;
            for i in 0..count {
                let at = (row + i) * self.width + field;
                // SAFETY: `row + i < rows` and `field < width`, so `at + 1 <= rows * width`, and there is one end
                // more than that.
                let (before, end) =
                    unsafe { (*self.ends.get_unchecked(at), *self.ends.get_unchecked(at + 1)) };
                let span = adjust(Span { start: before + 1, len: end - before - 1 });
                // Written always, kept if not NULL: cheaper than a branch that guesses wrong.
                // SAFETY: at most one field a row was present, so `present <= row + i < rows`, and there is room
                // for as many.
                unsafe { *room.get_unchecked_mut(present) = span };
                let is_present = span.len != 0;
                present += usize::from(is_present);
                bits |= u64::from(is_present) << i;
            }
            levels.push(bits, count);
            row += count;
        }
        spans.len = present;
    }
}
