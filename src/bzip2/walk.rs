//! The inverse Burrows-Wheeler transform: many chains through one table.
//!
//! ```text
//! rows     0 ──────── 2^s ─────── 2·2^s ───── … ── origin ── …        starts
//! chains   24 at a time, a byte a step, until one comes to another start (and parks there)
//! pieces   [start 7 → start 2]  [start 2 → origin]  [origin → start 7]  …
//! block    from the origin, piece by piece, as each names the start that follows
//! ```
//!
//! One chain waits for memory at every step; twenty-four wait together, and each asks for its next entry
//! a round ahead. Each row is visited once at most,
//! since the table is a permutation and a chain stops where another began.
//!
//! Each chain writes to a lane of its own. An ordinary block fills all lanes about evenly. A block made
//! to put nearly all rows in one piece overflows its lane: the rest is walked by one chain, slowly, in
//! the same bounded memory.

use super::limits::BLOCK_BYTES_MAX;
use super::memory::prefetch;
use super::table::{Starts, Table};

/// Chains at a time: with fewer, memory idles; more only add to the lines that are in use.
const LANES: usize = 24;
/// Room of a lane: its share of a block, and what a lane may be ahead of the others. Far from a
/// power of two, or all lanes would compete for the same places in the cache.
const LANE_BYTES: usize = 48 * 1024 + 581;
/// All lanes, and behind them room for whatever overflows.
pub(super) const LANES_BYTES: usize = LANES * LANE_BYTES + BLOCK_BYTES_MAX;
/// Steps between two looks at whether a chain has ended.
const STEPS: usize = 16;
/// How far ahead of its end the line of a lane is asked for.
const LINES_AHEAD_BYTES: usize = 80;

type Lanes = [[u8; LANE_BYTES]; LANES];

/// What a chain wrote between two starts.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Piece {
    /// Where it is in the lanes.
    at: u32,
    bytes: u32,
    /// Number of the piece that follows.
    next: u32,
}

/// Decodes a block of `starts.rows` bytes into `block`. The table must be the one built for it.
pub(super) fn decode(
    table: &Table,
    starts: &Starts,
    lanes: &mut [u8],
    pieces: &mut Vec<Piece>,
    block: &mut [u8],
) {
    pieces.clear();
    pieces.resize(starts.count() + LANES, Piece::default());
    walk(table, starts, lanes, pieces);
    stitch(starts, lanes, pieces, &mut block[..starts.rows]);
}

/// A chain under way.
#[derive(Debug, Clone, Copy)]
struct Lane {
    /// Number of its start; none if there is nothing left to do.
    number: Option<usize>,
    /// Where its piece begins in the lane.
    from: usize,
}

fn walk(table: &Table, starts: &Starts, lanes: &mut [u8], pieces: &mut [Piece]) {
    let (buffers, overflow) = lanes.split_at_mut(LANES * LANE_BYTES);
    let buffers: &mut Lanes = buffers.as_chunks_mut().0.try_into().expect("the split leaves that many lanes");
    let mut waiting = starts.all();
    let idle = starts.parking(starts.count());
    let mut rows = [idle; LANES];
    let mut lanes = [Lane { number: None, from: 0 }; LANES];
    for (row, lane) in rows.iter_mut().zip(&mut lanes) {
        if let Some(start) = waiting.next() {
            (lane.number, *row) = (Some(start.0), start.1);
        }
    }
    let mut at = 0;
    while at + STEPS <= LANE_BYTES && lanes.iter().any(|lane| lane.number.is_some()) {
        let before = rows;
        expect_room(buffers, at);
        step_all(table, &mut rows, buffers, at);
        at += STEPS;
        if rows.iter().all(|row| starts.parked(*row).is_none()) {
            continue;
        }
        for (i, lane) in lanes.iter_mut().enumerate() {
            let (Some(number), Some(next)) = (lane.number, starts.parked(rows[i])) else { continue };
            let end = at - STEPS + steps_to_parking(table, starts, before[i]);
            pieces[number] = lane_piece(i, lane.from, end, next);
            let start = waiting.next();
            *lane = Lane { number: start.map(|(number, _)| number), from: at };
            rows[i] = start.map_or(idle, |(_, row)| row);
        }
    }
    // Only when the lanes are full: pieces that were cut go on under numbers behind those of the starts.
    let mut written = 0;
    for (i, lane) in lanes.iter().enumerate() {
        let Some(number) = lane.number else { continue };
        let rest = starts.count() + i;
        pieces[number] = lane_piece(i, lane.from, at, rest);
        pieces[rest] = walk_one(table, starts, rows[i], overflow, &mut written);
    }
    for (number, row) in waiting {
        pieces[number] = walk_one(table, starts, row, overflow, &mut written);
    }
}

fn lane_piece(lane: usize, from: usize, to: usize, next: usize) -> Piece {
    Piece { at: (lane * LANE_BYTES + from) as u32, bytes: (to - from) as u32, next: next as u32 }
}

/// Steps all chains together.
#[inline(never)]
#[expect(clippy::needless_range_loop, reason = "the inner loop is over lanes, not over places in one")]
fn step_all(table: &Table, rows: &mut [u32; LANES], lanes: &mut Lanes, from: usize) {
    assert!(from + STEPS <= LANE_BYTES, "the caller looks for room");
    for at in from..from + STEPS {
        for lane in 0..LANES {
            // SAFETY: `walk` fills the rows from the starts of the block that the table was built for and
            // their parking rows; from then on they come from the table's own entries.
            let entry = unsafe { table.entry(rows[lane] as usize) };
            lanes[lane][at] = entry as u8;
            rows[lane] = entry >> 8;
            prefetch(table.address(rows[lane] as usize));
        }
    }
}

/// Asks for the lines that the lanes will come to, so that no store waits for one.
fn expect_room(lanes: &Lanes, at: usize) {
    for lane in lanes {
        prefetch(lane.as_ptr().wrapping_add(at + LINES_AHEAD_BYTES));
    }
}

/// How many steps a chain that has ended since took to its end. It went this way just now, so all that
/// it needs is at hand.
fn steps_to_parking(table: &Table, starts: &Starts, row: u32) -> usize {
    let (mut row, mut steps) = (row, 0);
    while starts.parked(row).is_none() {
        // SAFETY: as in `step_all`, where the row comes from.
        row = unsafe { table.entry(row as usize) } >> 8;
        steps += 1;
    }
    steps
}

/// Walks a single chain to its end. All such pieces of a block together are no longer than the block.
fn walk_one(table: &Table, starts: &Starts, row: u32, out: &mut [u8], written: &mut usize) -> Piece {
    let from = *written;
    let mut row = row;
    let next = loop {
        if let Some(next) = starts.parked(row) {
            break next;
        }
        // SAFETY: as in `step_all`; rows at which a lane was cut come from there.
        let entry = unsafe { table.entry(row as usize) };
        out[*written] = entry as u8;
        *written += 1;
        row = entry >> 8;
    };
    Piece { at: (LANES * LANE_BYTES + from) as u32, bytes: (*written - from) as u32, next: next as u32 }
}

/// Puts the pieces together, from the origin on. The text of a block that repeats itself exactly has
/// several cycles, all alike: the origin's is repeated.
fn stitch(starts: &Starts, lanes: &[u8], pieces: &[Piece], block: &mut [u8]) {
    let origin = starts.count() - 1;
    let (mut number, mut done) = (origin, 0);
    while done < block.len() {
        let piece = pieces[number];
        let bytes = (piece.bytes as usize).min(block.len() - done);
        let from = piece.at as usize;
        block[done..done + bytes].copy_from_slice(&lanes[from..from + bytes]);
        done += bytes;
        number = piece.next as usize;
        if number == origin {
            break;
        }
    }
    let cycle = done;
    while done < block.len() {
        let bytes = done.min(block.len() - done) / cycle * cycle;
        let bytes = if bytes == 0 { block.len() - done } else { bytes };
        block.copy_within(..bytes, done);
        done += bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::super::kernel::Kernel;
    use super::super::mtf::token;
    use super::*;

    /// The last column of the sorted rotations, and the row of the text itself.
    fn transform(text: &[u8]) -> (Vec<u8>, u32) {
        let mut rows: Vec<usize> = (0..text.len()).collect();
        rows.sort_by_key(|&row| [&text[row..], &text[..row]].concat());
        let last = rows.iter().map(|row| text[(row + text.len() - 1) % text.len()]);
        (last.collect(), rows.iter().position(|row| *row == 0).unwrap_or(0) as u32)
    }

    #[test]
    fn texts_come_back() {
        let mut random = fastrand::Rng::with_seed(3);
        let words: Vec<u8> = (0..if cfg!(miri) { 20 } else { 70 })
            .flat_map(|_| [&b"ab"[..], b"abc", b",", b"\n"][random.usize(..4)])
            .copied()
            .collect();
        let noise: Vec<u8> = (0..if cfg!(miri) { 60 } else { 300 }).map(|_| random.u8(..)).collect();
        let (mut table, mut lanes, mut pieces) = (Table::new(), vec![0; LANES_BYTES], Vec::new());
        for text in [&b"x"[..], b"xy", b"banana", &b"ab".repeat(40), &[7; 100], &words, &noise] {
            let (last, origin) = transform(text);
            let tokens: Vec<u32> = last.iter().map(|byte| token(*byte, 1)).collect();
            for kernel in Kernel::available() {
                let starts = table.build(kernel, &tokens, origin).expect("the block is short");
                let mut block = vec![0; text.len()];
                decode(&table, &starts, &mut lanes, &mut pieces, &mut block);
                assert!(block == text, "{kernel:?} {}", String::from_utf8_lossy(text));
            }
        }
    }
}
