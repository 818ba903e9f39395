//! The permutation that the inverse Burrows-Wheeler transform follows, built from tokens.
//!
//! ```text
//! row 0 … rows-1            the block: next row (24 bits), byte of this row (8 bits)
//! row rows … rows+starts-1  parking: the row itself, no byte
//! row rows+starts           parking for chains without work
//! ```
//! Chains begin at *starts*: the origin, and every `2^shift`-th row. An entry that would lead to a start
//! leads to that start's parking row instead, so a chain that comes to where another began stays there,
//! and its row says where that was.

use super::kernel::Kernel;
use super::limits::BLOCK_BYTES_MAX;
use super::memory::{Numbers, prefetch};
use super::mtf::{token_byte, token_count};

/// Starts besides the origin. With fewer the chains end unevenly, with more they change too often.
const STARTS_MAX: usize = 1024;
/// Least distance of starts, as a power of two.
const SHIFT_MIN: u32 = 4;
/// Entries that are written at once.
const WIDTH: usize = 8;
/// How far ahead of where a byte's entries go their line is asked for.
const ENTRIES_AHEAD: usize = 64;
/// Rows of the largest block and all parking rows.
const TABLE_ROWS: usize = BLOCK_BYTES_MAX + STARTS_MAX + 3;
const _: () = assert!(TABLE_ROWS + WIDTH < 1 << 24, "a row has 24 bits");

/// How often each byte value stands in a block.
struct Histogram {
    counts: [u32; 256],
    /// Their sum, which is the block's length.
    total: u64,
}

impl Histogram {
    /// Counts the bytes of all tokens.
    fn of(tokens: &[u32]) -> Self {
        // Four counters, so that a byte that repeats does not wait for its own last count.
        let mut counts = [[0u32; 256]; 4];
        let mut total = 0;
        let (quads, rest) = tokens.as_chunks::<4>();
        for quad in quads {
            for (counts, &token) in counts.iter_mut().zip(quad) {
                let count = &mut counts[usize::from(token_byte(token))];
                *count = count.wrapping_add(token_count(token));
                total += u64::from(token_count(token));
            }
        }
        for &token in rest {
            let count = &mut counts[0][usize::from(token_byte(token))];
            *count = count.wrapping_add(token_count(token));
            total += u64::from(token_count(token));
        }
        let sum = |i: usize| counts.iter().fold(0, |sum: u32, counts| sum.wrapping_add(counts[i]));
        Self { counts: std::array::from_fn(sum), total }
    }
}

/// The rows at which chains begin.
#[derive(Debug, Clone, Copy)]
pub(super) struct Starts {
    /// Rows of the block.
    pub(super) rows: usize,
    /// The row of the block's first byte.
    origin: u32,
    shift: u32,
}

impl Starts {
    /// `origin` is one of the rows.
    fn new(rows: usize, origin: u32) -> Self {
        let mut shift = SHIFT_MIN;
        while rows >> shift > STARTS_MAX {
            shift += 1;
        }
        Self { rows, origin, shift }
    }

    /// How many numbers the starts have; the last is the origin's.
    pub(super) fn count(&self) -> usize {
        ((self.rows - 1) >> self.shift) + 2
    }

    /// The number of a start.
    fn number(&self, row: u32) -> usize {
        if row == self.origin { self.count() - 1 } else { (row >> self.shift) as usize }
    }

    /// The start that follows a start.
    fn after(&self, row: u32) -> u32 {
        let next = ((row >> self.shift) + 1) << self.shift;
        if row < self.origin { next.min(self.origin) } else { next }
    }

    /// Where a chain waits that came to the start of this number; behind the last, one without work.
    pub(super) fn parking(&self, number: usize) -> u32 {
        (self.rows + number) as u32
    }

    /// The number of the start to which a row belongs as parking.
    pub(super) fn parked(&self, row: u32) -> Option<usize> {
        (row as usize).checked_sub(self.rows)
    }

    /// All starts, number and row. The origin comes once, even if it is a `2^shift`-th row.
    pub(super) fn all(&self) -> impl Iterator<Item = (usize, u32)> {
        let starts = *self;
        (0..starts.count() - 1)
            .map(move |number| (number, (number as u32) << starts.shift))
            .filter(move |(_, row)| *row != starts.origin)
            .chain([(starts.count() - 1, starts.origin)])
    }
}

/// What is wrong with a block's tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Misfit {
    /// More bytes than any block may have.
    TooLong,
    /// The origin is no row.
    OriginOutside,
}

/// The table. Invariant, on which `entry` relies: each entry leads to a row below [`TABLE_ROWS`].
pub(super) struct Table {
    entries: Numbers,
}

impl Table {
    /// A table for any block, with nothing in it.
    pub(super) fn new() -> Self {
        Self { entries: Numbers::zeros(TABLE_ROWS) }
    }

    /// The entry of a row.
    ///
    /// # Safety
    /// `row` must be the start of a chain in the block that the table was built for, its parking row, or
    /// come from an entry of this table (`entry >> 8`) since it was last built.
    #[inline(always)]
    pub(super) unsafe fn entry(&self, row: usize) -> u32 {
        debug_assert!(row < TABLE_ROWS);
        // SAFETY: starts and parking rows are below the table's length, as are by its invariant all rows
        // that entries lead to. Volatile only so that the compiler does not make gathers of the loads of
        // several chains, which are several times slower.
        unsafe { self.entries.as_ptr().add(row).read_volatile() }
    }

    /// Where the entry of a row is, to ask for it ahead of time.
    #[inline(always)]
    pub(super) fn address(&self, row: usize) -> *const u32 {
        self.entries.as_ptr().wrapping_add(row)
    }

    /// Fills the table for the block of these tokens.
    pub(super) fn build(&mut self, kernel: Kernel, tokens: &[u32], origin: u32) -> Result<Starts, Misfit> {
        let histogram = Histogram::of(tokens);
        // The invariant follows: rows are counted from zero up to this total, token by token.
        if histogram.total > BLOCK_BYTES_MAX as u64 {
            return Err(Misfit::TooLong);
        }
        let rows = histogram.total as usize;
        if origin as usize >= rows {
            return Err(Misfit::OriginOutside);
        }
        let starts = Starts::new(rows, origin);
        let entries = &mut self.entries[..];
        match kernel {
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 | Kernel::Avx512 => {
                // SAFETY: these kernels exist only on processors that have AVX2 (`Kernel::is_available`).
                unsafe { scatter_avx2(tokens, &histogram, &starts, entries) }
            }
            _ => scatter(tokens, &histogram, &starts, entries, write),
        }
        for number in 0..=starts.count() {
            entries[rows + number] = starts.parking(number) << 8;
        }
        Ok(starts)
    }
}

/// Writes entries that lead to rows in a row.
#[inline(always)]
fn write(entries: &mut [u32; WIDTH], first: u32) {
    *entries = std::array::from_fn(|i| first + ((i as u32) << 8));
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn scatter_avx2(tokens: &[u32], histogram: &Histogram, starts: &Starts, entries: &mut [u32]) {
    use std::arch::x86_64::*;
    let steps = _mm256_setr_epi32(0, 1 << 8, 2 << 8, 3 << 8, 4 << 8, 5 << 8, 6 << 8, 7 << 8);
    scatter(tokens, histogram, starts, entries, |entries: &mut [u32; WIDTH], first| {
        let values = _mm256_add_epi32(_mm256_set1_epi32(first as i32), steps);
        // SAFETY: the reference is to 32 writable bytes, and the store needs no alignment.
        unsafe { _mm256_storeu_si256(entries.as_mut_ptr().cast(), values) }
    });
}

#[inline(always)]
fn scatter(
    tokens: &[u32],
    histogram: &Histogram,
    starts: &Starts,
    entries: &mut [u32],
    write: impl Fn(&mut [u32; WIDTH], u32),
) {
    // Where the next entry of each byte goes, and where its entries end.
    let mut places = [[0u32; 2]; 256];
    let mut sum = 0;
    for (place, count) in places.iter_mut().zip(&histogram.counts) {
        *place = [sum, sum + count];
        sum += count;
    }
    let (mut row, mut start) = (0u32, 0u32);
    for &token in tokens {
        let (byte, count) = (u32::from(token_byte(token)), token_count(token));
        let [next, end] = &mut places[byte as usize];
        let at = *next as usize;
        *next += count;
        let entry = row << 8 | byte;
        prefetch(entries.as_ptr().wrapping_add(at + ENTRIES_AHEAD));
        let room = &mut entries[at..];
        if *next + WIDTH as u32 <= *end {
            // The surplus falls on entries of the same byte, which are written later.
            let Some((first, more)) = room.split_first_chunk_mut() else { return };
            write(first, entry);
            if count > WIDTH as u32 {
                write_more(more, entry + ((WIDTH as u32) << 8), count as usize - WIDTH, &write);
            }
        } else {
            for (entry, row) in room[..count as usize].iter_mut().zip(row..) {
                *entry = row << 8 | byte;
            }
        }
        if row + count > start {
            start = park(&mut entries[at..at + count as usize], starts, row, start, byte);
        }
        row += count;
    }
}

/// Writes the rest of a long run, and a surplus.
#[inline(always)]
fn write_more(room: &mut [u32], first: u32, count: usize, write: &impl Fn(&mut [u32; WIDTH], u32)) {
    let (chunks, _) = room.as_chunks_mut::<WIDTH>();
    for (chunk, i) in chunks.iter_mut().zip((0..count).step_by(WIDTH)) {
        write(chunk, first + ((i as u32) << 8));
    }
}

/// Lets the entries that lead to a start lead to its parking row. They are those of the rows from `row`
/// on, of which `start` is the first start; gives the next.
#[cold]
fn park(entries: &mut [u32], starts: &Starts, row: u32, start: u32, byte: u32) -> u32 {
    let mut start = start;
    while let Some(entry) = entries.get_mut((start - row) as usize) {
        *entry = starts.parking(starts.number(start)) << 8 | byte;
        start = starts.after(start);
    }
    start
}
