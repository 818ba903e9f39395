//! The columns' loops, compiled for what the processor has.
//!
//! ```text
//! dyn Compiled ─▶ For<S, C> ─▶ S::check ─▶ C::check::<S> ─▶ S::hash, S::time_of_day …
//! ```
//!
//! A loop is written once, as a method of its column, and becomes part of a function of each instruction set. What
//! an instruction set does in a way of its own is a method of [`Simd`]; all lead to the same files.

use super::bits::Bits;
use super::bytes::{self, Padded};
use super::column::Column;
use super::fast::{self, Text};
use super::gather::{self, Fields, Span, Spans};
use crate::csv::Kernel;

/// An instruction set. To have a value of it is the proof that it is there.
pub(super) trait Simd: Copy + Send + 'static {
    /// [`Column::check`], compiled for it.
    fn check<C: Column>(self, column: &mut C, fields: &Fields<'_>, spans: &mut Spans) -> bool;

    /// [`Column::commit`], compiled for it.
    fn commit<C: Column>(self, column: &mut C, fields: &Fields<'_>, spans: &mut Spans);

    /// [`gather::gather`] as the fields stand.
    #[inline(always)]
    fn gather(self, before: &[u32], ends: &[u32], room: &mut [Span], levels: &mut Bits) -> usize {
        gather::gather(before, ends, room, levels, |span| span)
    }

    /// A hash of the text. Differs between instruction sets, which changes no output.
    #[inline(always)]
    fn hash(self, text: Padded<'_>) -> u32 {
        text.hash()
    }

    /// Appends what stands between a field's quotes, the second of each two quotes left out. The quotes come in
    /// pairs, side by side.
    #[inline(always)]
    fn append_undoubled(self, inner: Text<'_>, out: &mut Vec<u8>) {
        bytes::append_undoubled(inner, out);
    }

    /// `HH:MM:SS[.f{1,6}]` at place 11 of a text of 19 or of 21 to 26 bytes, in microseconds.
    #[inline(always)]
    fn time_of_day(self, text: Text<'_>) -> Option<i64> {
        fast::time_of_day(text)
    }
}

/// What every processor has.
#[derive(Clone, Copy)]
pub(super) struct Portable;

impl Simd for Portable {
    fn check<C: Column>(self, column: &mut C, fields: &Fields<'_>, spans: &mut Spans) -> bool {
        column.check(self, fields, spans)
    }

    fn commit<C: Column>(self, column: &mut C, fields: &Fields<'_>, spans: &mut Spans) {
        column.commit(self, fields, spans);
    }
}

/// Rows that are turned at a time: their ends fill a cache line of each column.
const TILE_ROWS: usize = 16;

/// Puts rows that begin `width` apart, of `width + 1` numbers each, into columns.
pub(super) fn turn(kernel: Kernel, rows: &[u32], width: usize, columns: &mut [u32]) {
    let height = columns.len() / (width + 1);
    #[cfg(target_arch = "x86_64")]
    if let Some(simd) = super::simd_x86::Wide::<false>::of(kernel)
        && simd.turn(rows, width, columns, height)
    {
        return;
    }
    let _ = kernel;
    for first in (0..height).step_by(TILE_ROWS) {
        for (c, column) in columns.chunks_exact_mut(height.max(1)).enumerate() {
            let ends = rows[first * width + c..].iter().step_by(width);
            column[first..].iter_mut().take(TILE_ROWS).zip(ends).for_each(|(place, end)| *place = *end);
        }
    }
}

/// A column whose loops are compiled.
pub(super) trait Compiled: Send {
    /// See [`Column::check`].
    fn check(&mut self, fields: &Fields<'_>, spans: &mut Spans) -> bool;

    /// See [`Column::commit`].
    fn commit(&mut self, fields: &Fields<'_>, spans: &mut Spans);

    /// All that is not done for each record.
    fn column(&mut self) -> &mut dyn Column;
}

struct For<S, C> {
    simd: S,
    column: C,
}

impl<S: Simd, C: Column> Compiled for For<S, C> {
    fn check(&mut self, fields: &Fields<'_>, spans: &mut Spans) -> bool {
        self.simd.check(&mut self.column, fields, spans)
    }

    fn commit(&mut self, fields: &Fields<'_>, spans: &mut Spans) {
        self.simd.commit(&mut self.column, fields, spans);
    }

    fn column(&mut self) -> &mut dyn Column {
        &mut self.column
    }
}

/// The column with its loops for a kernel.
pub(super) fn compiled<C: Column + 'static>(kernel: Kernel, column: C) -> Box<dyn Compiled> {
    #[cfg(target_arch = "x86_64")]
    {
        use super::simd_x86::Wide;
        if let Some(simd) = Wide::<true>::of(kernel) {
            return Box::new(For { simd, column });
        }
        if let Some(simd) = Wide::<false>::of(kernel) {
            return Box::new(For { simd, column });
        }
    }
    let _ = kernel;
    Box::new(For { simd: Portable, column })
}
