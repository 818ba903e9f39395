//! The permutation that the inverse Burrows-Wheeler transform follows, built from tokens.
//!
//! Entry `j` of the table holds, from the top: a mark, 23 bits with the next row, 8 bits with the byte
//! of row `j`. The mark stands on each entry whose next row is a *start*: a row at which a chain begins
//! (see `walk`). Starts are the origin, and every `2^shift`-th row.

use super::BLOCK_BYTES_MAX;
use super::kernel::Kernel;
use super::mtf::{token_byte, token_count};

/// Entries of the table: a power of two, so that a masked row needs no further check.
pub(super) const TABLE_ROWS: usize = 1 << 20;
/// The row's bits, after the byte was shifted out.
pub(super) const ROW_MASK: u32 = TABLE_ROWS as u32 - 1;
/// The mark of an entry.
pub(super) const MARK: u32 = 1 << 31;
/// The table.
pub(super) type Table = [u32; TABLE_ROWS];

const _: () = assert!(BLOCK_BYTES_MAX < TABLE_ROWS, "a block and one parking row must fit");

/// Starts besides the origin. With fewer the chains end unevenly, with more they change too often.
const STARTS_MAX: usize = 1024;
/// Least distance of starts, as a power of two.
const SHIFT_MIN: u32 = 4;
/// Entries that are written at once.
const WIDTH: usize = 8;

/// How often each byte value stands in a block.
pub(super) struct Histogram {
    counts: [u32; 256],
    /// Their sum, which is the block's length.
    pub(super) total: u64,
}

impl Histogram {
    /// Counts the bytes of all tokens.
    pub(super) fn of(tokens: &[u32]) -> Self {
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
    pub(super) origin: u32,
    shift: u32,
}

impl Starts {
    /// Chooses the starts of a block; `origin` is one of its rows.
    pub(super) fn new(rows: usize, origin: u32) -> Self {
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
    pub(super) fn number(&self, row: u32) -> usize {
        if row == self.origin { self.count() - 1 } else { (row >> self.shift) as usize }
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

/// Fills the table for a block of `starts.rows` bytes, which is the histogram's total and at most
/// [`BLOCK_BYTES_MAX`]. The row behind the block leads to itself: chains without work wait there.
pub(super) fn build(
    kernel: Kernel,
    tokens: &[u32],
    histogram: &Histogram,
    starts: &Starts,
    table: &mut Table,
) {
    match kernel {
        #[cfg(target_arch = "x86_64")]
        Kernel::Avx2 | Kernel::Avx512 => {
            // SAFETY: these kernels exist only on processors that have AVX2 (`Kernel::is_available`).
            unsafe { scatter_avx2(tokens, histogram, starts, table) }
        }
        _ => scatter(tokens, histogram, starts, table),
    }
    table[starts.rows] = (starts.rows as u32) << 8;
}

/// The same code with wider registers.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn scatter_avx2(tokens: &[u32], histogram: &Histogram, starts: &Starts, table: &mut Table) {
    scatter(tokens, histogram, starts, table);
}

#[inline(always)]
fn scatter(tokens: &[u32], histogram: &Histogram, starts: &Starts, table: &mut Table) {
    let mut next = [0u32; 256];
    let mut end = [0u32; 256];
    let mut sum = 0;
    for (byte, count) in histogram.counts.iter().enumerate() {
        next[byte] = sum;
        sum += count;
        end[byte] = sum;
    }
    let (mut row, mut start) = (0u32, 0u32);
    for &token in tokens {
        let (byte, count) = (usize::from(token_byte(token)), token_count(token));
        let at = next[byte];
        next[byte] = at + count;
        let entry = row << 8 | byte as u32;
        if at + count + WIDTH as u32 <= end[byte] {
            // The surplus falls on entries of the same byte, which are written later.
            let mut done = 0;
            loop {
                write(table, (at + done) as usize, entry + (done << 8));
                done += WIDTH as u32;
                if done >= count {
                    break;
                }
            }
        } else {
            for i in 0..count {
                table[(at + i) as usize] = entry + (i << 8);
            }
        }
        while row + count > start {
            table[(at + start - row) as usize] |= MARK;
            start += 1 << starts.shift;
        }
        if starts.origin.wrapping_sub(row) < count {
            table[(at + starts.origin - row) as usize] |= MARK;
        }
        row += count;
    }
}

/// Writes entries that lead to rows in a row.
#[inline(always)]
fn write(table: &mut Table, at: usize, entry: u32) {
    let entries: [u32; WIDTH] = std::array::from_fn(|i| entry.wrapping_add((i as u32) << 8));
    table[at..at + WIDTH].copy_from_slice(&entries);
}
