//! The inverse Burrows-Wheeler transform: many chains through one table.
//!
//! ```text
//! rows     0 ──────── 2^s ─────── 2·2^s ───── … ── origin ── …        starts
//! chains   16 at a time, a byte a step, until an entry is marked: that leads to another start
//! pieces   [start 7 → start 2]  [start 2 → origin]  [origin → start 7]  …
//! block    from the origin, piece by piece, as each names the start that follows
//! ```
//!
//! One chain waits for memory at every step; sixteen wait together. Each row is visited once at most,
//! since the table is a permutation and a chain stops where another began.
//!
//! Each chain writes to a lane of its own. An ordinary block fills all lanes about evenly. A block made
//! to put nearly all rows in one piece overflows its lane: the rest is walked by one chain, slowly, in
//! the same bounded memory.

use super::BLOCK_BYTES_MAX;
use super::table::{MARK, ROW_MASK, Starts, Table};

/// Chains at a time: 8 leave memory idle, 32 no longer fit the registers and the cache's ways.
const LANES: usize = 16;
/// Room of a lane: a sixteenth of a block, and what a lane may be ahead of the others. Not a power of
/// two, or all lanes would compete for the same lines of the cache.
const LANE_BYTES: usize = 72 * 1024 + 197;
/// All lanes, and behind them room for whatever overflows.
pub(super) const LANES_BYTES: usize = LANES * LANE_BYTES + BLOCK_BYTES_MAX;
/// The mark, after the byte was shifted out.
const MARKED: u32 = MARK >> 8;

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

fn walk(table: &Table, starts: &Starts, lanes: &mut [u8], pieces: &mut [Piece]) {
    let (lanes, overflow) = lanes.split_at_mut(LANES * LANE_BYTES);
    let lanes: &mut Lanes = lanes.as_chunks_mut().0.try_into().expect("the split leaves that many lanes");
    let mut waiting = starts.all();
    // A lane without work waits at the row behind the block, which leads to itself.
    let parked = starts.rows as u32;
    let mut rows = [parked; LANES];
    let mut numbers = [None; LANES];
    let mut from = [0u32; LANES];
    for (row, number) in rows.iter_mut().zip(&mut numbers) {
        if let Some(start) = waiting.next() {
            (*number, *row) = (Some(start.0), start.1);
        }
    }
    let mut at = 0;
    while at < LANE_BYTES && numbers.iter().any(Option::is_some) {
        at = step_all(table, &mut rows, lanes, at);
        for lane in 0..LANES {
            let (Some(number), true) = (numbers[lane], rows[lane] & MARKED != 0) else { continue };
            let next = starts.number(rows[lane] & ROW_MASK) as u32;
            pieces[number] = lane_piece(lane, from[lane], at, next);
            from[lane] = at as u32;
            let start = waiting.next();
            numbers[lane] = start.map(|(number, _)| number);
            rows[lane] = start.map_or(parked, |(_, row)| row);
        }
    }
    // Only when the lanes are full: pieces that were cut go on under numbers behind those of the starts.
    let mut written = 0;
    for lane in 0..LANES {
        let Some(number) = numbers[lane] else { continue };
        let rest = starts.count() + lane;
        pieces[number] = lane_piece(lane, from[lane], at, rest as u32);
        pieces[rest] = walk_one(table, starts, rows[lane], overflow, &mut written);
    }
    for (number, row) in waiting {
        pieces[number] = walk_one(table, starts, row, overflow, &mut written);
    }
}

fn lane_piece(lane: usize, from: u32, to: usize, next: u32) -> Piece {
    Piece { at: (lane * LANE_BYTES) as u32 + from, bytes: to as u32 - from, next }
}

/// Steps all chains together until one of them comes to a mark or the lanes are full.
#[inline(never)]
fn step_all(table: &Table, rows: &mut [u32; LANES], lanes: &mut Lanes, from: usize) -> usize {
    let mut row = *rows;
    let mut at = from;
    while at < LANE_BYTES {
        let mut seen = 0;
        for lane in 0..LANES {
            let entry: *const u32 = &table[(row[lane] & ROW_MASK) as usize];
            // SAFETY: the pointer comes from a reference. The read is volatile only so that the compiler
            // does not make one gather of sixteen loads, which is several times slower.
            let entry = unsafe { entry.read_volatile() };
            lanes[lane][at] = entry as u8;
            seen |= entry;
            row[lane] = entry >> 8;
        }
        at += 1;
        if seen & MARK != 0 {
            break;
        }
    }
    *rows = row;
    at
}

/// Walks a single chain to its mark. All such pieces of a block together are no longer than the block.
fn walk_one(table: &Table, starts: &Starts, row: u32, out: &mut [u8], written: &mut usize) -> Piece {
    let from = *written;
    let mut row = row;
    while row & MARKED == 0 || *written == from {
        let entry = table[(row & ROW_MASK) as usize];
        out[*written] = entry as u8;
        *written += 1;
        row = entry >> 8;
    }
    let next = starts.number(row & ROW_MASK) as u32;
    Piece { at: (LANES * LANE_BYTES + from) as u32, bytes: (*written - from) as u32, next }
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
