//! Huffman codes: groups of 50 symbols, each with one of up to six codes.
//!
//! One look-up with the next eleven bits gives up to three symbols. Longer codes, the end-of-block
//! symbol, the last symbols of a group and symbol 256 (only blocks with all 256 byte values have it)
//! take the slow way, one symbol at a time.

use super::bits::Bits;
use super::error::Fault;

/// Symbols that share a selector.
pub(super) const GROUP_SYMBOLS: usize = 50;
/// Byte values plus two run digits and the end, less the value that stands at the front of the list.
pub(super) const ALPHABET_MAX: usize = 258;
/// The longest code the format allows.
const CODE_BITS_MAX: usize = 20;
/// Bits of a look-up: with 10 or 12 the whole decoder is slower.
const LOOKUP_BITS: u32 = 11;
const LOOKUP_SIZE: usize = 1 << LOOKUP_BITS;
/// Look-ups between two loads: together they take at most 44 of the 56 bits.
const LOOKUPS_A_FILL: usize = 4;
/// The one symbol that a byte cannot hold.
const WIDE_SYMBOL: u16 = 256;
/// A look-up stores four bytes, though it yields three symbols at most.
const STORE_BYTES: usize = 4;
/// Bytes that the symbol buffer needs behind the symbols of a full block.
pub(super) const SYMBOLS_SLACK: usize = GROUP_SYMBOLS + STORE_BYTES;

/// One Huffman code, ready for decoding.
pub(super) struct Table {
    /// By the next bits: bits used (6 bits), number of symbols (2 bits), three symbols (8 bits each).
    multi: [u32; LOOKUP_SIZE],
    /// By the next bits: symbol (9 bits) and code length (4 bits); 0 if the code is longer.
    single: [u16; LOOKUP_SIZE],
    /// By length: the first 20 bits that are no code of this length or shorter.
    limit: [u32; CODE_BITS_MAX + 1],
    /// By length: what turns a code into an index of `by_code`.
    base: [i32; CODE_BITS_MAX + 1],
    /// The symbols in the order of their codes.
    by_code: [u16; ALPHABET_MAX],
}

impl Table {
    /// A table without codes.
    pub(super) const fn new() -> Self {
        Self {
            multi: [0; LOOKUP_SIZE],
            single: [0; LOOKUP_SIZE],
            limit: [0; CODE_BITS_MAX + 1],
            base: [0; CODE_BITS_MAX + 1],
            by_code: [0; ALPHABET_MAX],
        }
    }

    /// Builds the canonical code of these lengths (1 to 20; the last symbol ends the block). False if
    /// the lengths ask for more codes than there are. Unused codes are allowed, as in bzip2 itself.
    pub(super) fn build(&mut self, lengths: &[u8]) -> bool {
        let mut of_length = [0u32; CODE_BITS_MAX + 1];
        for &length in lengths {
            of_length[usize::from(length)] += 1;
        }
        let (mut code, mut index) = (0u32, 0i32);
        for (length, count) in of_length.iter().enumerate().skip(1) {
            self.base[length] = index - code as i32;
            code += count;
            index += *count as i32;
            if code > 1 << length {
                return false;
            }
            self.limit[length] = code << (CODE_BITS_MAX - length);
            code <<= 1;
        }
        let mut order = self.by_code.iter_mut();
        for length in 1..=CODE_BITS_MAX {
            let symbols = (0u16..).zip(lengths).filter(|(_, l)| usize::from(**l) == length);
            for ((symbol, _), place) in symbols.zip(&mut order) {
                *place = symbol;
            }
        }
        self.fill_single(&of_length);
        self.fill_multi(lengths.len() as u16 - 1);
        true
    }

    fn fill_single(&mut self, of_length: &[u32]) {
        let mut symbols = self.by_code.iter();
        let mut at = 0;
        for length in 1..=LOOKUP_BITS {
            let width = 1usize << (LOOKUP_BITS - length);
            for symbol in symbols.by_ref().take(of_length[length as usize] as usize) {
                self.single[at..at + width].fill(symbol | (length as u16) << 9);
                at += width;
            }
        }
        self.single[at..].fill(0);
    }

    fn fill_multi(&mut self, end: u16) {
        for (i, place) in self.multi.iter_mut().enumerate() {
            let (mut entry, mut count, mut used) = (0u32, 0u32, 0u32);
            while count < 3 {
                let single = self.single[i << used & (LOOKUP_SIZE - 1)];
                let (symbol, length) = (single & 511, u32::from(single >> 9));
                if length == 0 || used + length > LOOKUP_BITS || symbol == end || symbol == WIDE_SYMBOL {
                    break;
                }
                entry |= u32::from(symbol) << (8 + 8 * count);
                count += 1;
                used += length;
            }
            *place = entry | used | count << 6;
        }
    }

    /// One symbol of any length.
    #[inline(never)]
    fn decode(&self, bits: &mut Bits<'_>) -> Result<u16, Fault> {
        bits.fill()?;
        let single = self.single[(bits.word >> (64 - LOOKUP_BITS)) as usize];
        if single != 0 {
            bits.skip(u32::from(single >> 9));
            return Ok(single & 511);
        }
        let next = (bits.word >> (64 - CODE_BITS_MAX)) as u32;
        for length in LOOKUP_BITS as usize + 1..=CODE_BITS_MAX {
            if next < self.limit[length] {
                let code = (next >> (CODE_BITS_MAX - length)) as i32;
                bits.skip(length as u32);
                let index = (code + self.base[length]) as usize;
                return self.by_code.get(index).copied().ok_or_else(|| bits.corrupt(NO_SUCH_CODE));
            }
        }
        // That much had to be read to tell; it may be more than the span holds.
        bits.skip(CODE_BITS_MAX as u32);
        Err(bits.corrupt(NO_SUCH_CODE))
    }
}

const NO_SUCH_CODE: &str = "a Huffman code that no symbol has";

/// Decodes the symbols of a block up to its end mark, which is not stored. Each symbol is one byte of
/// `symbols`; for symbol 256 a 255 is stored and its index noted in `wide`. Gives their number.
pub(super) fn decode(
    bits: &mut Bits<'_>,
    tables: &[Table],
    selectors: &[u8],
    end: u16,
    symbols: &mut [u8],
    wide: &mut Vec<u32>,
) -> Result<usize, Fault> {
    wide.clear();
    let mut start = 0;
    for &selector in selectors {
        let table = &tables[usize::from(selector)];
        let Some(group) = symbols.get_mut(start..start + GROUP_SYMBOLS + STORE_BYTES) else {
            return Err(bits.corrupt("a block with more symbols than bytes"));
        };
        let mut done = 0;
        while done < GROUP_SYMBOLS {
            done = fast(bits, table, group, done)?;
            if done == GROUP_SYMBOLS {
                break;
            }
            let symbol = table.decode(bits)?;
            if symbol == end {
                return Ok(start + done);
            }
            if symbol == WIDE_SYMBOL {
                wide.push((start + done) as u32);
            }
            group[done] = symbol.min(255) as u8;
            done += 1;
        }
        start += GROUP_SYMBOLS;
    }
    Err(bits.corrupt("a block that does not end with its last selector"))
}

/// Decodes by look-ups until one yields nothing, or more than the group still takes.
#[inline(always)]
fn fast(bits: &mut Bits<'_>, table: &Table, group: &mut [u8], done: usize) -> Result<usize, Fault> {
    let mut done = done;
    loop {
        bits.fill()?;
        for _ in 0..LOOKUPS_A_FILL {
            let entry = table.multi[(bits.word >> (64 - LOOKUP_BITS)) as usize];
            let count = (entry >> 6 & 3) as usize;
            if count.wrapping_sub(1) >= GROUP_SYMBOLS - done {
                return Ok(done);
            }
            group[done..done + STORE_BYTES].copy_from_slice(&(entry >> 8).to_le_bytes());
            done += count;
            bits.skip(entry & 63);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn lengths_that_ask_for_too_many_codes_are_refused() {
        let mut table = Table::new();
        for (lengths, fits) in [
            (&[1u8, 1][..], true),
            (&[1, 1, 1], false),
            (&[1, 1, 20], false),
            (&[1, 2, 3, 3], true),
            (&[2, 2, 2], true),
            (&[20, 20, 20], true),
            (&[1, 2, 2, 20], false),
        ] {
            assert_eq!(table.build(lengths), fits, "{lengths:?}");
        }
    }

    #[test]
    fn symbols_of_all_code_lengths_come_back() {
        // Lengths 1, 2, … 19, 20, 20: every path of the decoder.
        let lengths: Vec<u8> = (1..=20).chain([20]).collect();
        let end = lengths.len() as u16 - 1;
        let mut table = Table::new();
        assert!(table.build(&lengths));
        let wanted: Vec<u16> = (0..GROUP_SYMBOLS as u16 * 3).map(|i| i * 7 % end).collect();
        let mut text = String::new();
        for &symbol in wanted.iter().chain([&end]) {
            let length = usize::from(lengths[usize::from(symbol)]);
            let ones = usize::from(symbol).min(20);
            text.push_str(&"1".repeat(ones));
            text.push_str(&"0".repeat(length - ones));
        }
        let mut data: Vec<u8> = text
            .as_bytes()
            .chunks(8)
            .map(|bits| bits.iter().enumerate().fold(0, |byte, (i, bit)| byte | (bit - b'0') << (7 - i)))
            .collect();
        data.resize(data.len() + super::super::bits::PADDING_BYTES, 0);
        let mut bits = Bits::new(&data, 0).unwrap();
        let mut symbols = vec![0; wanted.len() + GROUP_SYMBOLS + SYMBOLS_SLACK];
        let count = decode(&mut bits, &[table], &[0; 4], end, &mut symbols, &mut Vec::new()).unwrap();
        assert_eq!(count, wanted.len());
        assert!(symbols.iter().zip(&wanted).all(|(a, b)| u16::from(*a) == *b));
        assert_eq!(bits.position(), text.len() as u64);
    }
}
