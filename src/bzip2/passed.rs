//! What of a stream's checksum and level is known to whoever read a part of it alone.
//!
//! The checksum of a stream is that of each block, rotated in one after the other. So the blocks of a part fold into one
//! word, and whoever knows what was before folds that in later.

use super::crc::combine;

/// Bytes of a block before run lengths are expanded, for each level.
const LEVEL_BYTES: usize = 100_000;

/// How far a stream has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Stream {
    /// Of its header, 1 to 9.
    pub level: u8,
    /// The checksum of its blocks so far.
    pub crc: u32,
}

impl Stream {
    /// One of which no block was read.
    pub fn new(level: u8) -> Self {
        Self { level, crc: 0 }
    }
}

/// What a reading has passed from where it began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Passed {
    /// Blocks of the stream whose header was not read.
    blocks: u32,
    /// They folded.
    crc: u32,
    /// The least level that allows them.
    level_min: u8,
    /// The checksum at that stream's end, once that was passed.
    stored: Option<u32>,
    /// The stream whose header was read, or was known.
    stream: Option<Stream>,
}

impl Passed {
    /// From a place in this stream on.
    pub(super) fn from(stream: Stream) -> Self {
        Self { stream: Some(stream), ..Self::default() }
    }

    /// Takes a block in; no if it is larger than its stream allows.
    pub(super) fn block(&mut self, rows: usize, crc: u32) -> bool {
        match &mut self.stream {
            Some(stream) => {
                stream.crc = combine(stream.crc, crc);
                rows <= usize::from(stream.level) * LEVEL_BYTES
            }
            None => {
                self.crc = combine(self.crc, crc);
                self.blocks = self.blocks.wrapping_add(1);
                self.level_min = self.level_min.max(rows.div_ceil(LEVEL_BYTES).min(u8::MAX.into()) as u8);
                true
            }
        }
    }

    /// Takes in the end of a stream; the computed checksum if it is another.
    pub(super) fn end(&mut self, stored: u32) -> Result<(), u32> {
        match self.stream {
            Some(Stream { crc, .. }) if crc != stored => Err(crc),
            Some(_) => Ok(()),
            None => {
                self.stored = Some(stored);
                Ok(())
            }
        }
    }

    /// Takes in a stream's header.
    pub(super) fn header(&mut self, level: u8) {
        self.stream = Some(Stream::new(level));
    }

    /// How far the stream has come here, if it had come so far where the reading began. None if that cannot be: then a
    /// reading that knows `before` finds what is wrong.
    pub fn after(&self, before: Stream) -> Option<Stream> {
        let crc = before.crc.rotate_left(self.blocks % u32::BITS) ^ self.crc;
        let first = Stream { level: before.level, crc };
        match (self.stored, self.stream) {
            _ if self.level_min > before.level => None,
            (Some(stored), _) if stored != crc => None,
            (_, Some(stream)) => Some(stream),
            (_, None) => Some(first),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn parts_fold_to_the_whole() {
        let blocks: Vec<u32> = (0..100_u32).map(|i| i.wrapping_mul(0x9e37_79b9) ^ 7).collect();
        let whole = |count: usize| blocks[..count].iter().fold(0, |crc, block| combine(crc, *block));
        for (from, to) in [(0, 0), (0, 100), (1, 40), (40, 72), (33, 66), (5, 5)] {
            let mut passed = Passed::default();
            blocks[from..to].iter().for_each(|block| assert!(passed.block(123_456, *block)));
            let before = Stream { level: 2, crc: whole(from) };
            assert_eq!(passed.after(before), Some(Stream { level: 2, crc: whole(to) }), "{from} {to}");
            assert_eq!(passed.after(Stream { level: 1, ..before }).is_some(), from == to);
            // To the end of the stream, and into the next.
            passed.end(whole(to)).unwrap();
            passed.header(5);
            passed.block(1, 99);
            assert_eq!(passed.after(before), Some(Stream { level: 5, crc: 99 }), "{from} {to}");
            assert_eq!(passed.after(Stream { crc: before.crc ^ 1, ..before }), None, "another checksum");
        }
        let mut known = Passed::from(Stream { level: 1, crc: whole(3) });
        assert!(known.block(100_000, blocks[3]) && !known.block(100_001, blocks[4]));
        assert_eq!((known.end(whole(5)), known.end(7)), (Ok(()), Err(whole(5))));
    }
}
