//! Writes blocks that no encoder would, symbol by symbol.

/// A file of one stream of one block, to be written.
#[derive(Clone)]
pub(crate) struct Block {
    /// The byte values in use.
    pub(crate) values: Vec<u8>,
    /// All symbols but the last, which ends the block.
    pub(crate) symbols: Vec<u16>,
    pub(crate) origin: u32,
    pub(crate) randomised: bool,
    /// Selectors beyond those needed.
    pub(crate) more_selectors: usize,
    /// Lengths of the codes in the second table, which no group uses.
    pub(crate) unused_lengths: Option<Vec<u8>>,
    /// Lengths of the codes in the first; equal if not given.
    pub(crate) lengths: Option<Vec<u8>>,
    pub(crate) level: u8,
}

impl Block {
    pub(crate) fn new(values: Vec<u8>, symbols: Vec<u16>, origin: u32) -> Self {
        Self {
            values,
            symbols,
            origin,
            randomised: false,
            more_selectors: 0,
            unused_lengths: None,
            lengths: None,
            level: 9,
        }
    }

    /// Symbols for a block whose transformed bytes are runs of these values and lengths.
    pub(crate) fn of_runs(runs: &[(u8, usize)], origin: u32) -> Self {
        let mut values: Vec<u8> = runs.iter().map(|run| run.0).collect();
        values.sort_unstable();
        values.dedup();
        let mut list = values.clone();
        let mut symbols = Vec::new();
        for &(byte, length) in runs {
            let position = list.iter().position(|value| *value == byte).unwrap();
            list.remove(position);
            list.insert(0, byte);
            let mut left = length;
            if position > 0 {
                symbols.push(position as u16 + 1);
                left -= 1;
            }
            while left > 0 {
                symbols.push(if left % 2 == 1 { 0 } else { 1 });
                left = (left - 1) / 2;
            }
        }
        Self::new(values, symbols, origin)
    }

    /// The bytes before run lengths are expanded, by the textbook.
    pub(crate) fn block(&self) -> Vec<u8> {
        let mut list = self.values.clone();
        let (mut last, mut power) = (Vec::new(), 0);
        for &symbol in &self.symbols {
            if symbol < 2 {
                last.extend(vec![list[0]; usize::from(symbol + 1) << power]);
                power += 1;
            } else {
                let byte = list.remove(usize::from(symbol) - 1);
                list.insert(0, byte);
                last.push(byte);
                power = 0;
            }
        }
        let mut rows: Vec<u32> = (0..last.len() as u32).collect();
        rows.sort_by_key(|row| last[*row as usize]);
        let mut row = rows[self.origin as usize];
        (0..last.len())
            .map(|_| {
                let byte = last[row as usize];
                row = rows[row as usize];
                byte
            })
            .collect()
    }

    /// What the block decodes to; none if it ends within a run.
    pub(crate) fn data(&self) -> Option<Vec<u8>> {
        let (mut out, mut run) = (Vec::<u8>::new(), 0);
        for byte in self.block() {
            if run == 4 {
                let more = vec![*out.last()?; usize::from(byte)];
                out.extend(more);
                run = 0;
            } else {
                run = if run > 0 && out.last() == Some(&byte) { run + 1 } else { 1 };
                out.push(byte);
            }
        }
        (run < 4).then_some(out)
    }

    /// The file.
    pub(crate) fn file(&self) -> Vec<u8> {
        self.file_with(crc(&self.data().unwrap_or_default()))
    }

    /// The file, with this checksum.
    pub(crate) fn file_with(&self, crc: u32) -> Vec<u8> {
        let mut bits = Bits::default();
        for byte in [b'B', b'Z', b'h', b'0' + self.level] {
            bits.put(u64::from(byte), 8);
        }
        bits.put(0x3141_5926_5359, 48);
        bits.put(u64::from(crc), 32);
        bits.put(u64::from(self.randomised), 1);
        bits.put(u64::from(self.origin), 24);
        let is_used = |value: usize| self.values.contains(&(value as u8));
        let ranges = (0..16).map(|high| (0..16).any(|low| is_used(high * 16 + low)));
        ranges.clone().for_each(|used| bits.put(u64::from(used), 1));
        for (high, _) in ranges.enumerate().filter(|(_, used)| *used) {
            (0..16).for_each(|low| bits.put(u64::from(is_used(high * 16 + low)), 1));
        }
        let selectors = self.symbols.len() / 50 + 1 + self.more_selectors;
        bits.put(2, 3);
        bits.put(selectors as u64, 15);
        (0..selectors).for_each(|_| bits.put(0, 1));
        let alphabet = self.values.len() + 2;
        let equal = vec![usize::BITS as u8 - (alphabet - 1).leading_zeros() as u8; alphabet];
        let lengths = self.lengths.clone().unwrap_or(equal);
        bits.lengths(&lengths);
        bits.lengths(self.unused_lengths.as_ref().unwrap_or(&lengths));
        let codes = codes(&lengths);
        for &symbol in self.symbols.iter().chain([&(alphabet as u16 - 1)]) {
            bits.put(codes[usize::from(symbol)], lengths[usize::from(symbol)]);
        }
        bits.put(0x1772_4538_5090, 48);
        bits.put(u64::from(crc), 32);
        bits.bytes
    }
}

/// The canonical code.
fn codes(lengths: &[u8]) -> Vec<u64> {
    let mut codes = vec![0; lengths.len()];
    let mut code = 0u64;
    for length in 1..=20 {
        for (symbol, _) in lengths.iter().enumerate().filter(|(_, l)| **l == length) {
            codes[symbol] = code;
            code += 1;
        }
        code <<= 1;
    }
    codes
}

pub(crate) fn crc(data: &[u8]) -> u32 {
    !data.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte) << 24, |crc, _| {
            crc << 1 ^ if crc >> 31 == 1 { 0x04C1_1DB7 } else { 0 }
        })
    })
}

#[derive(Default)]
pub(crate) struct Bits {
    pub(crate) bytes: Vec<u8>,
    used: u32,
}

impl Bits {
    pub(crate) fn put(&mut self, value: u64, count: u8) {
        for bit in (0..count).rev() {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            *self.bytes.last_mut().unwrap() |= ((value >> bit & 1) as u8) << (7 - self.used % 8);
            self.used += 1;
        }
    }

    fn lengths(&mut self, lengths: &[u8]) {
        let mut length = lengths[0];
        self.put(u64::from(length), 5);
        for &next in lengths {
            while length != next {
                self.put(if length < next { 2 } else { 3 }, 2);
                length = if length < next { length + 1 } else { length - 1 };
            }
            self.put(0, 1);
        }
    }
}
