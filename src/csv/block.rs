//! Whole records in a buffer with room around them.

use super::large_pages;

/// Readable bytes before the first record: fast readers load words that end at a field's end.
pub const PAD_BEFORE: usize = 64;
/// Readable bytes after the last record: fast readers load words that start at a field's start.
pub const PAD_AFTER: usize = 192;

/// Blocks one behind the other in one buffer.
#[derive(Debug, Default)]
pub struct Blocks {
    /// What lies around the blocks is padding, or left from before.
    buffer: Vec<u8>,
    places: Vec<Place>,
    /// Bytes of the buffer while no record is a giant.
    capacity: usize,
}

/// Where a block's records are.
#[derive(Debug, Clone, Copy)]
struct Place {
    start: usize,
    end: usize,
    byte: u64,
}

/// Whole records, each ended by a newline. Positions are indices into [`Block::buffer`].
#[derive(Debug, Clone, Copy)]
pub struct Block<'a> {
    buffer: &'a [u8],
    start: usize,
    end: usize,
    /// Offset of the first record in the uncompressed CSV.
    pub byte: u64,
}

impl Blocks {
    /// None so far. They will have a buffer of `bytes` bytes, padding included, before it must grow. It is asked for
    /// with the first block, and takes up memory as it is filled.
    pub fn with_capacity(bytes: usize) -> Self {
        Self { capacity: bytes, ..Self::default() }
    }

    /// One block of these records, which lie at `byte` in the CSV. They must each end with a newline.
    pub fn from_records(records: &[u8], byte: u64) -> Self {
        let mut blocks = Self::with_capacity(PAD_BEFORE + records.len() + PAD_AFTER);
        blocks.make_room(blocks.capacity)[PAD_BEFORE..][..records.len()].copy_from_slice(records);
        blocks.push(PAD_BEFORE, records.len(), byte);
        blocks
    }

    /// The buffer, at least `bytes` long.
    pub(super) fn make_room(&mut self, bytes: usize) -> &mut [u8] {
        if self.buffer.is_empty() {
            // A system that promises no memory beforehand may refuse: then the buffer grows as it is filled.
            let _ = self.buffer.try_reserve_exact(self.capacity);
            large_pages::ask_for(self.buffer.spare_capacity_mut());
        }
        if self.buffer.len() < bytes {
            self.buffer.resize(bytes, 0);
        }
        &mut self.buffer
    }

    /// What [`Blocks::make_room`] made.
    pub(super) fn buffer(&self) -> &[u8] {
        &self.buffer
    }

    /// Adds a block whose records are already in the buffer: the `len` bytes from `start`, at least
    /// [`PAD_BEFORE`], on. Padding after them is made if it lacks.
    pub(super) fn push(&mut self, start: usize, len: usize, byte: u64) -> Block<'_> {
        let place = Place { start, end: start + len, byte };
        self.make_room(place.end + PAD_AFTER);
        self.places.push(place);
        self.at(place)
    }

    fn at(&self, Place { start, end, byte }: Place) -> Block<'_> {
        Block { buffer: &self.buffer, start, end, byte }
    }

    /// Index behind the last block.
    pub(super) fn end(&self) -> usize {
        self.places.last().map_or(0, |place| place.end)
    }

    /// Leaves out the first `bytes` bytes of the first block, which must be whole records (the header).
    pub fn skip(&mut self, bytes: usize) {
        let Some(first) = self.places.first_mut() else { return };
        first.start = (first.start + bytes).min(first.end);
        first.byte += bytes as u64;
        if first.start == first.end {
            self.places.remove(0);
        }
    }

    /// Forgets the blocks. The buffer stays for the next ones, unless a giant record made it longer.
    pub fn clear(&mut self) {
        self.places.clear();
        if self.buffer.len() > self.capacity {
            self.buffer = Vec::new();
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The blocks, in order.
    pub fn iter(&self) -> impl Iterator<Item = Block<'_>> {
        self.places.iter().map(|&place| self.at(place))
    }

    /// The first one. If there is none, one without records, and without padding: it must not be scanned.
    pub fn first(&self) -> Block<'_> {
        self.iter().next().unwrap_or(self.at(Place { start: 0, end: 0, byte: 0 }))
    }
}

impl<'a> Block<'a> {
    /// The whole buffer, padding and other blocks included.
    pub fn buffer(&self) -> &'a [u8] {
        self.buffer
    }

    /// Index of the first record's first byte; at least [`PAD_BEFORE`].
    pub fn start(&self) -> usize {
        self.start
    }

    /// Index behind the last record's newline; at least [`PAD_AFTER`] bytes follow.
    pub fn end(&self) -> usize {
        self.end
    }

    /// The records.
    pub fn records(&self) -> &'a [u8] {
        &self.buffer[self.start..self.end]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_left_out() {
        let mut blocks = Blocks::from_records(b"a,b\n1,2\n", 3);
        blocks.skip(4);
        assert_eq!((blocks.first().records(), blocks.first().byte), (&b"1,2\n"[..], 7));
        blocks.skip(4);
        assert!(blocks.is_empty() && blocks.first().records().is_empty());
    }

    #[test]
    fn the_memory_of_a_giant_record_is_given_back() {
        let mut blocks = Blocks::with_capacity(1000);
        blocks.push(PAD_BEFORE, 100_000, 0);
        blocks.clear();
        assert!(blocks.is_empty() && blocks.buffer.capacity() < 2000, "{}", blocks.buffer.capacity());
    }
}
