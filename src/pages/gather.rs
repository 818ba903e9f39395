//! From the field ends of a block to the non-NULL fields of one column.

use super::bits::Bits;
use super::bytes::Text;
use super::simd::Simd;
use super::spans::{ROOM_SLACK, Span, gather};
use super::turn::turn;
use crate::csv::{Block, Kernel, Scan};

/// Of so many fields that a record has for each that is read, those that are read are picked out one by one.
const PICK_ONE_OF: usize = 4;

/// The field ends of a block, column by column: those of one column stand side by side.
#[derive(Debug)]
pub(super) struct ColumnEnds {
    /// `width + 1` columns of `rows` ends each; the first holds the places before the records. If only some fields are
    /// read, two columns for each of those: the places before it, and its ends.
    ends: Vec<u32>,
    rows: usize,
    picked: Option<Picked>,
}

/// Few fields among many.
#[derive(Debug)]
struct Picked {
    fields: Vec<usize>,
    /// For each field of a record its place in `fields`.
    slots: Vec<usize>,
}

impl ColumnEnds {
    /// For records of `width` fields, of which these are read.
    pub(super) fn of_fields(width: usize, read: impl Iterator<Item = usize>) -> Self {
        let mut fields: Vec<usize> = read.collect();
        fields.sort_unstable();
        fields.dedup();
        let is_few = fields.len() * PICK_ONE_OF <= width;
        let picked = is_few.then(|| {
            let mut slots = vec![0; width];
            fields.iter().enumerate().for_each(|(slot, &field)| slots[field] = slot);
            Picked { fields, slots }
        });
        Self { ends: Vec::new(), rows: 0, picked }
    }

    /// Takes the ends of `rows` records of `width` fields as [`Scan::ends`] has them.
    fn fill(&mut self, kernel: Kernel, ends: &[u32], width: usize, rows: usize) {
        assert!(ends.len() == rows * width + 1, "the scan counted the fields");
        self.rows = rows;
        let columns = self.picked.as_ref().map_or(width + 1, |picked| 2 * picked.fields.len());
        let size = columns * rows;
        if self.ends.len() < size {
            self.ends.resize(size, 0);
        }
        let Some(picked) = &self.picked else { return turn(kernel, ends, width, &mut self.ends[..size]) };
        for (&field, places) in picked.fields.iter().zip(self.ends.chunks_exact_mut((2 * rows).max(1))) {
            let (before, behind) = places.split_at_mut(rows);
            let fields = ends[field..].windows(2).step_by(width);
            for ((before, behind), places) in before.iter_mut().zip(behind).zip(fields) {
                (*before, *behind) = (places[0], places[1]);
            }
        }
    }

    /// The places before the fields of a column, and their ends.
    #[inline(always)]
    fn of(&self, field: usize) -> (&[u32], &[u32]) {
        let at = self.picked.as_ref().map_or(field, |picked| 2 * picked.slots[field]) * self.rows;
        self.ends[at..at + 2 * self.rows].split_at(self.rows)
    }
}

/// A clean, scanned block.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a> {
    pub(super) buffer: &'a [u8],
    ends: &'a ColumnEnds,
    /// Fields of a record.
    width: usize,
    pub(super) rows: usize,
    crlf: bool,
}

impl Span {
    #[inline(always)]
    pub(super) fn text<'a>(&self, fields: &Fields<'a>) -> Text<'a> {
        Text { buffer: fields.buffer, start: self.start as usize, len: self.len as usize }
    }
}

/// The non-NULL fields of one column of a block; the room for them is used again for each column.
#[derive(Debug, Default)]
pub(super) struct Spans {
    room: Vec<Span>,
    len: usize,
}

impl Spans {
    /// Room for `rows` of them and [`ROOM_SLACK`] more. What stood there is not wiped: that would cost as much as
    /// the fields.
    fn room(&mut self, rows: usize) -> &mut [Span] {
        if self.room.len() < rows + ROOM_SLACK {
            self.room.resize(rows + ROOM_SLACK, Span::default());
        }
        &mut self.room[..rows + ROOM_SLACK]
    }
}

impl std::ops::Deref for Spans {
    type Target = [Span];

    fn deref(&self) -> &[Span] {
        &self.room[..self.len]
    }
}

impl<'a> Fields<'a> {
    pub(super) fn new(
        kernel: Kernel,
        block: Block<'a>,
        scan: &Scan,
        ends: &'a mut ColumnEnds,
        width: usize,
        rows: usize,
    ) -> Self {
        ends.fill(kernel, scan.ends(), width, rows);
        Self { buffer: block.buffer(), ends, width, rows, crlf: scan.crlf() }
    }

    /// The same with another buffer, for a field that was written anew.
    pub(super) fn in_buffer<'b>(&self, buffer: &'b [u8]) -> Fields<'b>
    where
        'a: 'b,
    {
        Fields { buffer, ..*self }
    }

    /// Bytes of the longest field of a column, quotes included; none if the file lacks it.
    pub(super) fn longest(&self, field: Option<usize>) -> usize {
        let Some(field) = field else { return 0 };
        let (before, ends) = self.ends.of(field);
        before.iter().zip(ends).map(|(before, end)| end - before - 1).max().unwrap_or(0) as usize
    }

    /// The non-NULL fields of a column, one after the other.
    pub(super) fn of_field(&self, field: usize) -> impl Iterator<Item = Text<'a>> {
        let (before, ends) = self.ends.of(field);
        let spans = before.iter().zip(ends).map(move |(before, end)| {
            self.adjust(field, false, Span { start: before + 1, len: end - before - 1 })
        });
        spans.filter(|span| span.len > 0).map(|span| span.text(self))
    }

    /// Collects the non-NULL fields of a column into `spans`, instead of what was there, and appends a level for
    /// each row. A column that the file lacks is NULL throughout.
    #[inline(always)]
    pub(super) fn gather(
        &self,
        simd: impl Simd,
        field: Option<usize>,
        empty_is_null: bool,
        spans: &mut Spans,
        levels: &mut Bits,
    ) {
        let Some(field) = field else {
            spans.len = 0;
            levels.push_zeros(self.rows);
            return;
        };
        let (before, ends) = self.ends.of(field);
        let room = spans.room(self.rows);
        let present = if empty_is_null || (self.crlf && field + 1 == self.width) {
            gather(before, ends, room, levels, |span| self.adjust(field, empty_is_null, span))
        } else {
            simd.gather(before, ends, room, levels)
        };
        spans.len = present;
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
}
