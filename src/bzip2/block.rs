//! One block: compressed bits to bytes.
//!
//! ```text
//! bits ─ header ─ huffman ─▶ symbols ─ mtf ─▶ tokens ─ table ─▶ permutation ─ walk ─▶ block ─ rle, crc ─▶ buffer
//! ```

use super::bits::Bits;
use super::crc::Crc;
use super::error::Fault;
use super::huffman::{self, ALPHABET_MAX, SYMBOLS_SLACK};
use super::kernel::Kernel;
use super::limits::BLOCK_BYTES_MAX;
use super::memory::Numbers;
use super::mtf;
use super::pool::BUFFER_BYTES;
use super::rle::Expander;
use super::scan::MARK_BITS;
use super::table::{Misfit, Table};
use super::walk::{self, LANES_BYTES, Piece};

/// Huffman tables a block may have.
const TABLES_MAX: usize = 6;
/// Selectors a full block needs. Some encoders write a few more, which count for nothing.
const SELECTORS_MAX: usize = BLOCK_BYTES_MAX / huffman::GROUP_SYMBOLS + 2;
/// Longest code.
const CODE_BITS: std::ops::RangeInclusive<u8> = 1..=20;

/// What one worker needs to decode blocks, about 14 MB; to be used again for every block.
pub struct Scratch {
    kernel: Kernel,
    codes: Vec<huffman::Table>,
    selectors: Vec<u8>,
    symbols: Vec<u8>,
    wide: Vec<u32>,
    tokens: Numbers,
    table: Table,
    lanes: Vec<u8>,
    pieces: Vec<Piece>,
    block: Vec<u8>,
}

impl std::fmt::Debug for Scratch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scratch").field("kernel", &self.kernel).finish_non_exhaustive()
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}

impl Scratch {
    /// A workspace with the fastest kernel of this processor.
    pub fn new() -> Self {
        Self::with_kernel(Kernel::best())
    }

    /// The kernel that this workspace uses.
    pub fn kernel(&self) -> Kernel {
        self.kernel
    }

    /// A workspace with this kernel, or the fastest if the processor cannot run it.
    pub fn with_kernel(kernel: Kernel) -> Self {
        let kernel = if Kernel::available().contains(&kernel) { kernel } else { Kernel::best() };
        Self {
            kernel,
            codes: (0..TABLES_MAX).map(|_| huffman::Table::new()).collect(),
            selectors: Vec::with_capacity(SELECTORS_MAX),
            symbols: vec![0; BLOCK_BYTES_MAX + SYMBOLS_SLACK],
            wide: Vec::new(),
            tokens: Numbers::zeros(BLOCK_BYTES_MAX + SYMBOLS_SLACK + 1),
            table: Table::new(),
            lanes: vec![0; LANES_BYTES],
            pieces: Vec::new(),
            block: vec![0; BLOCK_BYTES_MAX],
        }
    }
}

/// A block that decoded to the bytes its checksum stands for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decoded {
    /// First bit behind the block, from the start of its data.
    pub(super) end: u64,
    /// Bytes before run lengths are expanded, which is what the stream's level limits.
    pub(super) rows: usize,
    /// Checksum.
    pub(super) crc: u32,
    /// Bytes in the buffer.
    pub(super) bytes: usize,
    /// The run lengths are still to be expanded, since the result is larger than a buffer.
    pub(super) packed: bool,
}

/// What stands before the symbols.
struct Header {
    crc: u32,
    origin: u32,
    values: [u8; 256],
    /// The symbol that ends the block.
    end: u16,
}

/// Decodes the block whose mark stands at bit `start` of `data`; the span's bits end at `end`.
/// `buffer` holds [`BUFFER_BYTES`].
pub(super) fn decode(
    scratch: &mut Scratch,
    data: &[u8],
    start: u64,
    end: u64,
    buffer: &mut [u8],
) -> Result<Decoded, Fault> {
    let mut bits = Bits::new(data, start)?;
    let result = entropy(scratch, &mut bits);
    // Whatever was found behind the span's end is not the block's, not even a fault.
    if bits.position() > end {
        return Err(Fault::Overrun);
    }
    let (header, symbols) = result?;
    let rows = transform(scratch, &bits, &header, symbols)?;
    let (bytes, packed) = expand(scratch, rows, header.crc, buffer).map_err(|fault| match fault {
        ExpandFault::CountMissing => bits.corrupt("a block that ends in a run without its length"),
        ExpandFault::Checksum { computed } => Fault::Checksum { stored: header.crc, computed },
    })?;
    Ok(Decoded { end: bits.position(), rows, crc: header.crc, bytes, packed })
}

fn entropy(scratch: &mut Scratch, bits: &mut Bits<'_>) -> Result<(Header, usize), Fault> {
    let header = header(scratch, bits)?;
    let symbols = huffman::decode(
        bits,
        &scratch.codes,
        &scratch.selectors,
        header.end,
        &mut scratch.symbols,
        &mut scratch.wide,
    )?;
    Ok((header, symbols))
}

/// Symbols to block; gives its length.
fn transform(
    scratch: &mut Scratch,
    bits: &Bits<'_>,
    header: &Header,
    symbols: usize,
) -> Result<usize, Fault> {
    let kernel = scratch.kernel;
    let symbols = &scratch.symbols[..symbols];
    let Some(tokens) = mtf::decode(kernel, symbols, &scratch.wide, &header.values, &mut scratch.tokens)
    else {
        return Err(bits.corrupt("a run longer than any block"));
    };
    let tokens = &scratch.tokens[..tokens];
    let starts = scratch.table.build(kernel, tokens, header.origin).map_err(|misfit| {
        bits.corrupt(match misfit {
            Misfit::TooLong => "a block longer than 900,000 bytes",
            Misfit::OriginOutside => "a block whose origin is outside it",
        })
    })?;
    walk::decode(&scratch.table, &starts, &mut scratch.lanes, &mut scratch.pieces, &mut scratch.block);
    Ok(starts.rows)
}

enum ExpandFault {
    CountMissing,
    Checksum { computed: u32 },
}

impl From<super::rle::CountMissing> for ExpandFault {
    fn from(_: super::rle::CountMissing) -> Self {
        Self::CountMissing
    }
}

/// Expands run lengths into the buffer and checks the bytes. A block that gets larger than the buffer
/// is only checked; the buffer then takes the block as it is. Gives the buffer's length and which it is.
fn expand(scratch: &Scratch, rows: usize, crc: u32, buffer: &mut [u8]) -> Result<(usize, bool), ExpandFault> {
    let block = &scratch.block[..rows];
    let mut expander = Expander::new(scratch.kernel);
    let mut sum = Crc::new(scratch.kernel);
    let mut bytes = expander.expand(block, buffer)?;
    sum.update(&buffer[..bytes]);
    let packed = !expander.is_done(block);
    while !expander.is_done(block) {
        let slice = expander.expand(block, buffer)?;
        sum.update(&buffer[..slice]);
    }
    if packed {
        buffer[..rows].copy_from_slice(block);
        bytes = rows;
    }
    match sum.value() {
        computed if computed != crc => Err(ExpandFault::Checksum { computed }),
        _ => Ok((bytes, packed)),
    }
}

const _: () = assert!(BUFFER_BYTES >= BLOCK_BYTES_MAX, "a packed block must fit a buffer");

fn header(scratch: &mut Scratch, bits: &mut Bits<'_>) -> Result<Header, Fault> {
    bits.take(MARK_BITS as u32 / 2)?;
    bits.take(MARK_BITS as u32 / 2)?;
    let crc = bits.take(32)?;
    if bits.take(1)? != 0 {
        return Err(Fault::Randomised);
    }
    let origin = bits.take(24)?;
    let (values, count) = byte_values(bits)?;
    let alphabet = count + 2;
    let tables = bits.take(3)? as usize;
    if !(2..=TABLES_MAX).contains(&tables) {
        return Err(bits.corrupt("a block must have 2 to 6 Huffman tables"));
    }
    let used = selectors(bits, tables, &mut scratch.selectors)?;
    for (table, code) in scratch.codes[..tables].iter_mut().enumerate() {
        let mut lengths = [0u8; ALPHABET_MAX];
        code_lengths(bits, &mut lengths[..alphabet])?;
        // A table that no group uses may hold anything, as with bzip2 itself.
        if used >> table & 1 == 1 && !code.build(&lengths[..alphabet]) {
            return Err(bits.corrupt("a Huffman table with more codes than there are"));
        }
    }
    Ok(Header { crc, origin, values, end: alphabet as u16 - 1 })
}

/// The byte values that the block has, in order, and their number.
fn byte_values(bits: &mut Bits<'_>) -> Result<([u8; 256], usize), Fault> {
    let mut values = [0u8; 256];
    let mut count = 0;
    let ranges = bits.take(16)?;
    for high in (0..16u8).filter(|high| ranges >> (15 - high) & 1 == 1) {
        let range = bits.take(16)?;
        for low in (0..16u8).filter(|low| range >> (15 - low) & 1 == 1) {
            values[count] = high << 4 | low;
            count += 1;
        }
    }
    if count == 0 {
        return Err(bits.corrupt("a block without byte values"));
    }
    Ok((values, count))
}

/// Reads which table each group uses; gives a bit for each table in use.
fn selectors(bits: &mut Bits<'_>, tables: usize, selectors: &mut Vec<u8>) -> Result<u32, Fault> {
    let count = bits.take(15)? as usize;
    if count == 0 {
        return Err(bits.corrupt("a block without selectors"));
    }
    selectors.clear();
    let mut used = 0;
    let mut order: [u8; TABLES_MAX] = std::array::from_fn(|i| i as u8);
    for _ in 0..count {
        let mut position = 0;
        while bits.take(1)? == 1 {
            position += 1;
            if position == tables {
                return Err(bits.corrupt("a selector of a table that is not there"));
            }
        }
        order[..=position].rotate_right(1);
        if selectors.len() < SELECTORS_MAX {
            selectors.push(order[0]);
            used |= 1 << order[0];
        }
    }
    Ok(used)
}

/// Reads the code lengths of a table, each as steps from the one before.
fn code_lengths(bits: &mut Bits<'_>, lengths: &mut [u8]) -> Result<(), Fault> {
    let mut length = bits.take(5)? as u8;
    for place in lengths {
        loop {
            if !CODE_BITS.contains(&length) {
                return Err(bits.corrupt("a Huffman code of no or more than 20 bits"));
            }
            if bits.take(1)? == 0 {
                break;
            }
            // Within 0 ..= 21, for it was within 1 ..= 20.
            length = if bits.take(1)? == 0 { length + 1 } else { length - 1 };
        }
        *place = length;
    }
    Ok(())
}
