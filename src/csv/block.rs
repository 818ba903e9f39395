//! A buffer of whole records with room around them.

/// Readable bytes before the first record: fast readers load words that end at a field's end.
pub const PAD_BEFORE: usize = 64;
/// Readable bytes after the last record: fast readers load words that start at a field's start.
pub const PAD_AFTER: usize = 192;

/// Whole records, each ended by a newline, in a padded buffer. Positions are indices into [`Block::buffer`].
#[derive(Debug, Clone, Default)]
pub struct Block {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Offset of the first record in the uncompressed CSV.
    pub byte: u64,
    /// The file's last record had no newline; the block's last byte was added.
    pub newline_added: bool,
}

impl Block {
    /// Takes over a buffer whose records are the `len` bytes from `start`, at least [`PAD_BEFORE`], on.
    /// Padding after them is made if it lacks.
    pub(super) fn new(mut buffer: Vec<u8>, start: usize, len: usize, byte: u64, newline_added: bool) -> Self {
        let end = start + len;
        if buffer.len() < end + PAD_AFTER {
            buffer.resize(end + PAD_AFTER, 0);
        }
        Self { buffer, start, end, byte, newline_added }
    }

    /// A block of these records, which lie at `byte` in the CSV. They must each end with a newline.
    pub fn from_records(records: &[u8], byte: u64) -> Self {
        let mut buffer = vec![0; PAD_BEFORE];
        buffer.extend_from_slice(records);
        Self::new(buffer, PAD_BEFORE, records.len(), byte, false)
    }

    /// The whole buffer, padding included.
    pub fn buffer(&self) -> &[u8] {
        &self.buffer
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
    pub fn records(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Leaves out the first `bytes` bytes, which must be whole records (the header).
    pub fn skip(&mut self, bytes: usize) {
        self.start = (self.start + bytes).min(self.end);
        self.byte += bytes as u64;
    }

    /// Gives the buffer back for the next block.
    pub fn into_buffer(self) -> Vec<u8> {
        self.buffer
    }
}
