//! Cuts a stream of bytes into blocks of whole records, at places that depend on the bytes alone.
//!
//! A block ends at the last record end before the next multiple of `block_bytes` in the stream; if a
//! record goes on beyond that, at the last one before the multiple after. How the bytes arrive (in
//! pieces of 1 byte or 8 MiB) changes nothing.
//!
//! ```text
//! stored file  ├─────── unit 0 ───────┼─────── unit 1 ──────
//! records      ├──┬────┬─────┬─────┬──┴──┬────┬─────┬─────
//! segments     ├────────────── 0 ────────┼────── 1 ───────
//! ```
//! Where the bytes of another [`Segment`] begin, a block ends at the first record end behind, and what follows is cut
//! as if the stream began there. So a segment's blocks are the same whether what is before was read or not.

use super::block::{Block, Blocks, PAD_AFTER, PAD_BEFORE};
use super::line_end::LineEnd;
use super::segment::{Piece, Segment, Turns};

/// Longest record: 16 MiB, four times the longest row that Redshift's COPY takes. What is longer is nearly
/// always a quote that was never closed.
pub const RECORD_BYTES_MAX: usize = 16 << 20;

const UTF8_BOM: &[u8] = b"\xef\xbb\xbf";

/// Why no block could be cut.
#[derive(Debug)]
pub enum SplitError<E> {
    /// The reader failed.
    Read(E),
    /// The input ends inside quotes: it was cut off, or a quote was never closed. The place is where
    /// the unfinished record starts.
    OpenQuote {
        /// Offset of the record in the uncompressed CSV.
        byte: u64,
    },
    /// The last record has no line end: PostgreSQL ends every record with one, so the input was cut off.
    OpenEnd {
        /// Offset of the record in the uncompressed CSV.
        byte: u64,
        /// Length of the uncompressed CSV.
        end: u64,
    },
    /// A record is longer than the limit.
    LongRecord {
        /// Offset of the record in the uncompressed CSV.
        byte: u64,
        /// The limit.
        bytes_max: usize,
    },
}

/// See the module's description.
#[derive(Debug)]
pub struct Splitter {
    block_bytes: usize,
    record_bytes_max: usize,
    /// What ends the last record if the input does not; nothing: then it was cut off.
    open_end: Option<LineEnd>,
    /// Bytes behind the last cut: the start of the next block.
    carry: Vec<u8>,
    /// Offset of the next block's first byte.
    byte: u64,
    /// Offset from which the multiples are counted.
    base: u64,
    turns: Turns,
}

impl Splitter {
    /// Cuts blocks of about `block_bytes` (at least 1).
    pub fn new(block_bytes: usize) -> Self {
        Self::starting(block_bytes, 0, Segment::default())
    }

    /// The same from the first record of a segment on, which lies at this offset.
    pub fn starting(block_bytes: usize, byte: u64, segment: Segment) -> Self {
        Self {
            block_bytes: block_bytes.max(1),
            record_bytes_max: RECORD_BYTES_MAX,
            open_end: None,
            carry: Vec::new(),
            byte,
            base: byte,
            turns: Turns::from(segment),
        }
    }

    /// The segment of the next block.
    pub fn segment(&self) -> Segment {
        self.turns.now()
    }

    /// Offset of the next block's first byte.
    pub fn byte(&self) -> u64 {
        self.byte
    }

    /// The same with another limit for one record's length.
    #[must_use]
    pub fn with_record_bytes_max(mut self, bytes: usize) -> Self {
        self.record_bytes_max = bytes;
        self
    }

    /// Takes a last record without a line end for whole, and ends it so. Files that people make may lack it; those
    /// of PostgreSQL never do.
    pub fn allow_open_end(&mut self, line_end: LineEnd) {
        self.open_end = Some(line_end);
    }

    /// Adds the next block to `blocks` and returns it, or `None` at the end. `read` fills from the front of the
    /// slice it is given and returns how much, 0 at the end, and where the input has segments also of which.
    pub fn next_block<'b, E, P: Into<Piece>>(
        &mut self,
        blocks: &'b mut Blocks,
        mut read: impl FnMut(&mut [u8]) -> Result<P, E>,
    ) -> Result<Option<Block<'b>>, SplitError<E>> {
        let mut fill = Fill::new(blocks, &self.carry, self.block_bytes);
        let (mut searched, mut inside) = (0, false);
        loop {
            let read_so_far = self.byte + fill.len as u64;
            let wanted = self.block_bytes - ((read_so_far - self.base) % self.block_bytes as u64) as usize;
            let (byte, turns) = (self.byte, &mut self.turns);
            let mut next = |buf: &mut [u8], filled: usize| {
                let piece: Piece = read(buf)?.into();
                if piece.bytes > 0 {
                    turns.note(byte + filled as u64, piece.segment);
                }
                Ok(piece.bytes)
            };
            let at_end = fill.read(wanted, &mut next).map_err(SplitError::Read)?;
            if self.byte == 0 && searched == 0 && fill.bytes().starts_with(UTF8_BOM) {
                fill.drop_front(UTF8_BOM.len());
                self.byte = UTF8_BOM.len() as u64;
            }
            let fresh = &fill.bytes()[searched..];
            let was_inside = inside;
            inside ^= odd_quotes(fresh);
            if let Some(turn) = self.turns.next() {
                // What was searched before holds no record end at all.
                let from = turn.saturating_sub(self.byte + searched as u64);
                let from = usize::try_from(from).unwrap_or(usize::MAX);
                if let Some(cut) = first_record_end(fresh, was_inside, from) {
                    return Ok(Some(self.cut_behind(fill, searched + cut)));
                }
            }
            if let Some(cut) = last_record_end(fresh, inside) {
                return Ok(Some(self.cut_behind(fill, searched + cut)));
            }
            searched = fill.len;
            if at_end {
                return self.last_block(fill, inside);
            }
            if searched >= self.record_bytes_max {
                return Err(SplitError::LongRecord { byte: self.byte, bytes_max: self.record_bytes_max });
            }
        }
    }

    fn last_block<'b, E>(
        &mut self,
        mut fill: Fill<'b>,
        inside: bool,
    ) -> Result<Option<Block<'b>>, SplitError<E>> {
        if fill.len == 0 {
            return Ok(None);
        }
        if inside {
            return Err(SplitError::OpenQuote { byte: self.byte });
        }
        let open = SplitError::OpenEnd { byte: self.byte, end: self.byte + fill.len as u64 };
        // What ends in a carriage return is the first half of a line end.
        let Some(line_end) = self.open_end.filter(|_| !fill.bytes().ends_with(b"\r")) else {
            return Err(open);
        };
        // What is added lies nowhere in the input.
        let next = self.byte + fill.len as u64;
        line_end.bytes().iter().for_each(|&byte| fill.push(byte));
        let end = fill.len;
        Ok(Some(self.cut(fill, end, next)))
    }

    fn cut_behind<'b>(&mut self, fill: Fill<'b>, len: usize) -> Block<'b> {
        let next = self.byte + len as u64;
        self.cut(fill, len, next)
    }

    /// Ends a block of so many bytes, behind which the input goes on at `next`.
    fn cut<'b>(&mut self, fill: Fill<'b>, len: usize, next: u64) -> Block<'b> {
        self.carry.clear();
        self.carry.extend_from_slice(&fill.bytes()[len..]);
        let byte = std::mem::replace(&mut self.byte, next);
        if self.turns.go_on(self.byte) {
            self.base = self.byte;
        }
        fill.blocks.push(fill.start, len, byte)
    }
}

/// The block that is being filled, behind the others.
struct Fill<'b> {
    blocks: &'b mut Blocks,
    start: usize,
    len: usize,
}

/// What is read goes to a multiple of this: a copy out of the kernel is several times slower otherwise.
const READ_ALIGN: usize = 64;
/// Bytes that may lie unused before a block.
pub const GAP_BYTES_MAX: usize = PAD_BEFORE + READ_ALIGN;

impl<'b> Fill<'b> {
    fn new(blocks: &'b mut Blocks, carry: &[u8], block_bytes: usize) -> Self {
        let from = blocks.end() + PAD_BEFORE;
        let buffer = blocks.make_room(from + READ_ALIGN + carry.len() + block_bytes + PAD_AFTER);
        let misplaced = (buffer.as_ptr() as usize + from + carry.len()) % READ_ALIGN;
        let start = from + (READ_ALIGN - misplaced) % READ_ALIGN;
        buffer[start..start + carry.len()].copy_from_slice(carry);
        Self { blocks, start, len: carry.len() }
    }

    /// Reads `more` bytes; true if the input ended before.
    fn read<E>(
        &mut self,
        more: usize,
        read: &mut impl FnMut(&mut [u8], usize) -> Result<usize, E>,
    ) -> Result<bool, E> {
        let size = self.len + more;
        let room = &mut self.blocks.make_room(self.start + size + PAD_AFTER)[self.start..][..size];
        while self.len < size {
            let n = read(&mut room[self.len..], self.len)?;
            if n == 0 {
                return Ok(true);
            }
            self.len += n;
        }
        Ok(false)
    }

    fn bytes(&self) -> &[u8] {
        &self.blocks.buffer()[self.start..][..self.len]
    }

    fn drop_front(&mut self, bytes: usize) {
        self.start += bytes;
        self.len -= bytes;
    }

    fn push(&mut self, byte: u8) {
        self.blocks.make_room(self.start + self.len + 1)[self.start + self.len] = byte;
        self.len += 1;
    }
}

pub(super) fn odd_quotes(bytes: &[u8]) -> bool {
    memchr::memchr_iter(b'"', bytes).count() % 2 == 1
}

/// Length up to and including the first newline outside quotes that stands at `from` or behind; `inside` is the state at
/// the start.
pub(super) fn first_record_end(bytes: &[u8], inside: bool, from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    let mut inside = inside ^ odd_quotes(&bytes[..from]);
    for at in memchr::memchr2_iter(b'"', b'\n', rest) {
        match rest[at] {
            b'"' => inside = !inside,
            _ if !inside => return Some(from + at + 1),
            _ => {}
        }
    }
    None
}

/// Length up to and including the last newline outside quotes; `inside` is the state at the end.
fn last_record_end(bytes: &[u8], mut inside: bool) -> Option<usize> {
    // Walking back, each quote flips the state that counting found for the end.
    for at in memchr::memrchr2_iter(b'"', b'\n', bytes) {
        match bytes[at] {
            b'"' => inside = !inside,
            _ if !inside => return Some(at + 1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(
        input: &[u8],
        block_bytes: usize,
        read_bytes: usize,
        open_end: Option<LineEnd>,
    ) -> Result<Vec<(u64, Vec<u8>)>, String> {
        let mut rest = input;
        let mut splitter = Splitter::new(block_bytes).with_record_bytes_max(64);
        splitter.open_end = open_end;
        let mut blocks = Blocks::default();
        loop {
            let block = splitter.next_block(&mut blocks, |buf| {
                let n = buf.len().min(read_bytes).min(rest.len());
                buf[..n].copy_from_slice(&rest[..n]);
                rest = &rest[n..];
                Ok::<_, ()>(n)
            });
            match block {
                Ok(Some(_)) => {}
                Ok(None) => {
                    assert_padded(&blocks);
                    assert_eq!(splitter.byte(), input.len() as u64, "{input:?}");
                    return Ok(blocks.iter().map(|block| (block.byte, block.records().to_vec())).collect());
                }
                Err(error) => return Err(format!("{error:?}")),
            }
        }
    }

    fn assert_padded(blocks: &Blocks) {
        let mut behind = 0;
        for block in blocks.iter() {
            assert!(block.start() >= behind + PAD_BEFORE && block.end() + PAD_AFTER <= block.buffer().len());
            behind = block.end();
        }
    }

    #[test]
    fn cuts_where_the_bytes_say() {
        type Case = (&'static [u8], usize, &'static [(u64, &'static str)]);
        let cases: &[Case] = &[
            (b"", 8, &[]),
            (b"\xef\xbb\xbf", 8, &[]),
            (b"\xef\xbb\xbfa\n", 8, &[(3, "a\n")]),
            (b"a\nb\nc\n", 4, &[(0, "a\nb\n"), (4, "c\n")]),
            (b"a\nb\nc", 4, &[(0, "a\nb\n"), (4, "c\n")]),
            (b"a,\"\n\"\nb\n", 6, &[(0, "a,\"\n\"\n"), (6, "b\n")]),
            (b"a,\"\n\"\nb\n", 3, &[(0, "a,\"\n\"\n"), (6, "b\n")]),
            (b"a,\"\n\"\nb\nc", 4, &[(0, "a,\"\n\"\nb\n"), (8, "c\n")]),
            (b"\"\"\"\n\"\nb\n", 5, &[(0, "\"\"\"\n\"\nb\n")]),
            (b"aaaaaaaa\nb\nc\n", 2, &[(0, "aaaaaaaa\n"), (9, "b\n"), (11, "c\n")]),
            (b"a\r\nb\r\n", 100, &[(0, "a\r\nb\r\n")]),
            (b"\n\n\n", 2, &[(0, "\n\n"), (2, "\n")]),
        ];
        for (input, block_bytes, want) in cases {
            for read_bytes in [1, 2, 3, 7, 100] {
                let got = split(input, *block_bytes, read_bytes, Some(LineEnd::Lf)).unwrap();
                let want: Vec<_> = want.iter().map(|(at, text)| (*at, text.as_bytes().to_vec())).collect();
                assert_eq!(got, want, "{input:?} in blocks of {block_bytes}, reads of {read_bytes}");
            }
        }
    }

    /// Blocks with their segments; the input is in units of `unit_bytes`, and read from `from` on.
    fn split_units(input: &[u8], block_bytes: usize, unit_bytes: u64, from: u64) -> Vec<(u64, String, u64)> {
        let unit_of = |at: u64| Segment { unit: at / unit_bytes, part: 0 };
        let segment = if from == 0 { Segment::default() } else { unit_of(from - 1) };
        let (mut at, mut splitter) = (from, Splitter::starting(block_bytes, from, segment));
        let (mut blocks, mut cut) = (Blocks::default(), Vec::new());
        loop {
            let unit = splitter.segment().unit;
            let block = splitter.next_block(&mut blocks, |buf| {
                let room = (at / unit_bytes + 1) * unit_bytes - at;
                let bytes = buf.len().min(room as usize).min(input.len() - at as usize);
                buf[..bytes].copy_from_slice(&input[at as usize..][..bytes]);
                let segment = unit_of(at);
                at += bytes as u64;
                Ok::<_, ()>(Piece { bytes, segment })
            });
            let Some(block) = block.unwrap() else { return cut };
            cut.push((block.byte, String::from_utf8_lossy(block.records()).into_owned(), unit));
        }
    }

    #[test]
    fn records_belong_to_the_unit_of_the_byte_before_them() {
        type Case = (&'static str, usize, u64, &'static [(u64, &'static str, u64)]);
        let cases: &[Case] = &[
            ("a\nb\nc\n", 100, 100, &[(0, "a\nb\nc\n", 0)]),
            // A record that begins at a mark is of the unit before it.
            ("a\nb\nc\n", 100, 2, &[(0, "a\nb\n", 0), (4, "c\n", 1)]),
            ("a\nb\nc\n", 100, 3, &[(0, "a\nb\n", 0), (4, "c\n", 1)]),
            ("a\nb\nc\n", 100, 1, &[(0, "a\n", 0), (2, "b\n", 1), (4, "c\n", 3)]),
            // One over a whole unit leaves that without any.
            ("aaaa\nb\nc\n", 100, 2, &[(0, "aaaa\n", 0), (5, "b\n", 2), (7, "c\n", 3)]),
            ("a,\"\n\n\n\"\nb\n", 100, 3, &[(0, "a,\"\n\n\n\"\n", 0), (8, "b\n", 2)]),
            // Blocks are counted from the segment's first record.
            (
                "a\nb\nc\nd\ne\nf\n",
                4,
                5,
                &[(0, "a\nb\n", 0), (4, "c\n", 0), (6, "d\ne\n", 1), (10, "f\n", 1)],
            ),
        ];
        for (input, block_bytes, unit_bytes, want) in cases {
            let want: Vec<_> = want.iter().map(|&(at, text, unit)| (at, text.to_owned(), unit)).collect();
            let got = split_units(input.as_bytes(), *block_bytes, *unit_bytes, 0);
            assert_eq!(got, want, "{input:?} in units of {unit_bytes}");
        }
    }

    #[test]
    fn a_segment_is_cut_alike_wherever_reading_begins() {
        let mut rng = fastrand::Rng::with_seed(23);
        for _ in 0..if cfg!(miri) { 20 } else { 2_000 } {
            let mut input = String::new();
            for _ in 0..rng.usize(1..30) {
                let filling = ["x", "\"\n\"", "\"\"\"\"", ","][rng.usize(..4)].repeat(rng.usize(..6));
                input += &format!("{filling}\n");
            }
            let (block_bytes, unit_bytes) = (rng.usize(1..20), rng.u64(1..30));
            let whole = split_units(input.as_bytes(), block_bytes, unit_bytes, 0);
            let firsts = (1..whole.len()).filter(|&i| whole[i].2 != whole[i - 1].2);
            for first in firsts {
                let rest = split_units(input.as_bytes(), block_bytes, unit_bytes, whole[first].0);
                assert_eq!(rest, whole[first..], "{input:?} {block_bytes} {unit_bytes}");
            }
        }
    }

    #[test]
    fn refuses_what_it_cannot_cut() {
        for read_bytes in [1, 5, 100] {
            for (input, block_bytes, open_end, want) in [
                (&b"a\nb,\"c\nd\n"[..], 4, None, "OpenQuote { byte: 2 }"),
                (b"a\nb,\"c\nd\n", 4, Some(LineEnd::Lf), "OpenQuote { byte: 2 }"),
                (&[b'x'; 200], 16, None, "LongRecord { byte: 0, bytes_max: 64 }"),
                (b"a\nb\nc", 4, None, "OpenEnd { byte: 4, end: 5 }"),
                (b"a\nb\nc", 100, None, "OpenEnd { byte: 4, end: 5 }"),
                (b"a", 4, None, "OpenEnd { byte: 0, end: 1 }"),
                (b"\xef\xbb\xbfa", 9, None, "OpenEnd { byte: 3, end: 4 }"),
                (b"a\r\nb\r", 9, None, "OpenEnd { byte: 3, end: 5 }"),
                (b"a\r\nb\r", 9, Some(LineEnd::CrLf), "OpenEnd { byte: 3, end: 5 }"),
            ] {
                assert_eq!(split(input, block_bytes, read_bytes, open_end).unwrap_err(), want, "{input:?}");
            }
        }
    }

    #[test]
    fn an_open_end_gets_the_line_end_of_the_others() {
        let got = split(b"a\r\nb", 100, 1, Some(LineEnd::CrLf)).unwrap();
        assert_eq!(got, [(0, b"a\r\n".to_vec()), (3, b"b\r\n".to_vec())]);
    }
}
