//! Rows of numbers into columns.

#[cfg(target_arch = "x86_64")]
use super::simd_x86::Wide;
use crate::csv::Kernel;

/// Rows that are turned at a time: their ends fill a cache line of each column.
const TILE_ROWS: usize = 16;

/// Puts rows that begin `width` apart, of `width + 1` numbers each, into columns.
pub(super) fn turn(kernel: Kernel, rows: &[u32], width: usize, columns: &mut [u32]) {
    let height = columns.len() / (width + 1);
    #[cfg(target_arch = "x86_64")]
    if let Some(simd) = Wide::<false>::of(kernel)
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
