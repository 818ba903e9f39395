//! Cuts a stream of bytes into blocks of whole records, at places that depend on the bytes alone.
//!
//! A block ends at the last record end before the next multiple of `block_bytes` in the stream; if a
//! record goes on beyond that, at the last one before the multiple after. How the bytes arrive (in
//! pieces of 1 byte or 8 MiB) changes nothing.

use super::block::{Block, Blocks, PAD_AFTER, PAD_BEFORE};
use super::line_end::LineEnd;

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
}

impl Splitter {
    /// Cuts blocks of about `block_bytes` (at least 1).
    pub fn new(block_bytes: usize) -> Self {
        Self {
            block_bytes: block_bytes.max(1),
            record_bytes_max: RECORD_BYTES_MAX,
            open_end: None,
            carry: Vec::new(),
            byte: 0,
        }
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
    /// slice it is given and returns how much, 0 at the end.
    pub fn next_block<'b, E>(
        &mut self,
        blocks: &'b mut Blocks,
        mut read: impl FnMut(&mut [u8]) -> Result<usize, E>,
    ) -> Result<Option<Block<'b>>, SplitError<E>> {
        let mut fill = Fill::new(blocks, &self.carry, self.block_bytes);
        let (mut searched, mut inside) = (0, false);
        loop {
            let read_so_far = self.byte + fill.len as u64;
            let wanted = self.block_bytes - (read_so_far % self.block_bytes as u64) as usize;
            let at_end = fill.read(wanted, &mut read).map_err(SplitError::Read)?;
            if self.byte == 0 && searched == 0 && fill.bytes().starts_with(UTF8_BOM) {
                fill.drop_front(UTF8_BOM.len());
                self.byte = UTF8_BOM.len() as u64;
            }
            let fresh = &fill.bytes()[searched..];
            inside ^= odd_quotes(fresh);
            if let Some(cut) = last_record_end(fresh, inside) {
                return Ok(Some(self.cut(fill, searched + cut)));
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
        line_end.bytes().iter().for_each(|&byte| fill.push(byte));
        let end = fill.len;
        Ok(Some(self.cut(fill, end)))
    }

    fn cut<'b>(&mut self, fill: Fill<'b>, len: usize) -> Block<'b> {
        self.carry.clear();
        self.carry.extend_from_slice(&fill.bytes()[len..]);
        let byte = self.byte;
        self.byte += len as u64;
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
        read: &mut impl FnMut(&mut [u8]) -> Result<usize, E>,
    ) -> Result<bool, E> {
        let size = self.len + more;
        let room = &mut self.blocks.make_room(self.start + size + PAD_AFTER)[self.start..][..size];
        while self.len < size {
            let n = read(&mut room[self.len..])?;
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

fn odd_quotes(bytes: &[u8]) -> bool {
    memchr::memchr_iter(b'"', bytes).count() % 2 == 1
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
