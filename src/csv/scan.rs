//! Finds every field end of a block and tells whether anything in it looks wrong.
//!
//! 64 bytes at a time become bit masks (one bit a byte); the parity of the quotes before each byte,
//! a prefix XOR, tells the separators from the commas and newlines of the data. The same masks show
//! every breach of the dialect, so a clean block costs nothing extra and a faulty one is handed to
//! the exact reader ([`super::raw_records`]), which names the fault.

use super::block::Block;
use super::line_end::LineEnd;
use super::masks::{Carry, ENDS_SLACK, Found, Masks};

/// Which implementation scans, and which the columns' loops are compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kernel {
    /// Plain Rust, for every processor.
    Portable,
    /// x86-64 with AVX2 and carry-less multiplication. The columns want AES and LZCNT too, and are portable without.
    Avx2,
    /// x86-64 with AVX-512 BW and VBMI2.
    Avx512,
}

impl Kernel {
    /// The fastest one that runs here.
    pub fn best() -> Self {
        Self::available().pop().unwrap_or(Self::Portable)
    }

    /// All that run here, slowest first.
    pub fn available() -> Vec<Self> {
        #[allow(unused_mut, reason = "other processors have only the portable one")]
        let mut kernels = vec![Self::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            if super::scan_x86::has_avx2() {
                kernels.push(Self::Avx2);
            }
            if super::scan_x86::has_avx512() {
                kernels.push(Self::Avx512);
            }
        }
        kernels
    }
}

/// The field ends of one block.
#[derive(Debug)]
pub struct Scan {
    kernel: Kernel,
    /// `ends[0]` is one before the first field; `ends[i + 1]` is the separator that ends field `i`.
    ends: Vec<u32>,
    fields: usize,
    lines: u64,
    line_end: LineEnd,
}

impl Scan {
    /// A scanner with buffers to reuse, for records that all end so.
    pub fn new(kernel: Kernel, line_end: LineEnd) -> Self {
        Self { kernel, ends: Vec::new(), fields: 0, lines: 0, line_end }
    }

    /// Scans a block whose records should have `width` fields each. Returns the number of records,
    /// or `None` if anything breaks the dialect, the width, UTF-8, or holds a NUL.
    pub fn block(&mut self, block: Block<'_>, width: usize) -> Option<usize> {
        let (start, end) = (block.start(), block.end());
        assert!(
            start > 0 && u32::try_from(block.buffer().len()).is_ok(),
            "blocks are padded and below 4 GiB"
        );
        let ends_max = end - start + ENDS_SLACK;
        if self.ends.len() > ENDS_KEPT_MAX && ends_max <= ENDS_KEPT_MAX {
            self.ends = Vec::new();
        }
        if self.ends.len() < ends_max {
            self.ends.resize(ends_max, 0);
        }
        self.ends[0] = start as u32 - 1;
        let found = run(self.kernel, block.buffer(), start, end, &mut self.ends[1..]);
        self.fields = found.ends;
        self.lines = found.lines;
        let clean = !found.bad
            && (self.line_end == LineEnd::CrLf || !found.any_return)
            && self.is_rectangular(block, width, found.records)
            && simdutf8::basic::from_utf8(block.records()).is_ok();
        clean.then_some(found.records)
    }

    fn is_rectangular(&self, block: Block<'_>, width: usize, records: usize) -> bool {
        // As many newlines as records, and each width-th end is one: then no record is short or long.
        self.fields == records * width
            && self.ends[1..=self.fields]
                .iter()
                .skip(width - 1)
                .step_by(width)
                .all(|&end| self.is_line_end(block, end as usize))
    }

    /// Whether a record ends with this separator, as all must.
    fn is_line_end(&self, block: Block<'_>, at: usize) -> bool {
        block.buffer()[at] == b'\n'
            && (self.line_end == LineEnd::Lf || (at > block.start() && block.buffer()[at - 1] == b'\r'))
    }

    /// The positions: `ends()[i] + 1 .. ends()[i + 1]` is field `i`, counted over all records.
    pub fn ends(&self) -> &[u32] {
        &self.ends[..=self.fields]
    }

    /// Whether records end in CRLF: then the last field's end is one too far.
    pub fn crlf(&self) -> bool {
        self.line_end == LineEnd::CrLf
    }

    /// Newlines of the block, those inside quotes too.
    pub fn lines(&self) -> u64 {
        self.lines
    }
}

/// Entries that are kept for the next block: what a giant record needed beyond them is given back.
const ENDS_KEPT_MAX: usize = 1 << 20;
fn run(kernel: Kernel, buffer: &[u8], start: usize, end: usize, ends: &mut [u32]) -> Found {
    match kernel {
        Kernel::Portable => portable(buffer, start, end, ends),
        #[cfg(target_arch = "x86_64")]
        Kernel::Avx2 => super::scan_x86::avx2(buffer, start, end, ends),
        #[cfg(target_arch = "x86_64")]
        Kernel::Avx512 => super::scan_x86::avx512(buffer, start, end, ends),
        #[cfg(not(target_arch = "x86_64"))]
        Kernel::Avx2 | Kernel::Avx512 => portable(buffer, start, end, ends),
    }
}

fn portable(buffer: &[u8], start: usize, end: usize, ends: &mut [u32]) -> Found {
    let mut carry = Carry::at_record_start();
    let (mut count, mut records, mut lines) = (0, 0, 0);
    for at in (start..end).step_by(64) {
        let masks = portable_masks(&buffer[at..end.min(at + 64)]);
        let inside = prefix_xor(masks.quote) ^ carry.inside;
        let mut separators = carry.step(masks, inside);
        records += (masks.newline & !inside).count_ones() as usize;
        lines += u64::from(masks.newline.count_ones());
        while separators != 0 {
            ends[count] = at as u32 + separators.trailing_zeros();
            count += 1;
            separators &= separators - 1;
        }
    }
    carry.found(count, records, lines)
}

fn portable_masks(bytes: &[u8]) -> Masks {
    let mut masks = Masks::default();
    let (words, rest) = bytes.as_chunks::<8>();
    for (i, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        masks.quote |= equal(word, b'"') << (8 * i);
        masks.comma |= equal(word, b',') << (8 * i);
        masks.newline |= equal(word, b'\n') << (8 * i);
        masks.carriage_return |= equal(word, b'\r') << (8 * i);
        masks.nul |= equal(word, 0) << (8 * i);
    }
    for (i, &byte) in rest.iter().enumerate() {
        let bit = 1 << (8 * words.len() + i);
        match byte {
            b'"' => masks.quote |= bit,
            b',' => masks.comma |= bit,
            b'\n' => masks.newline |= bit,
            b'\r' => masks.carriage_return |= bit,
            0 => masks.nul |= bit,
            _ => {}
        }
    }
    masks
}

/// One bit for each of the word's bytes that equals `byte`.
#[inline(always)]
fn equal(word: u64, byte: u8) -> u64 {
    const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    let diff = word ^ (u64::from(byte) * 0x0101_0101_0101_0101);
    let zero = !(((diff & LOW) + LOW) | diff | LOW);
    // Gathers the eight top bits into one byte.
    (zero >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

/// Bit i of the result: parity of bits 0..=i.
#[inline(always)]
fn prefix_xor(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::super::block::Blocks;
    use super::*;

    #[test]
    fn every_kernel_finds_the_same() {
        let seed =
            std::env::var("CSL_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or_else(|| fastrand::u64(..));
        println!("seed {seed}");
        let mut rng = fastrand::Rng::with_seed(seed);
        let rounds = if cfg!(miri) { 30 } else { 3000 };
        for _ in 0..rounds {
            let len = rng.usize(1..400);
            let alphabet: &[u8] = if rng.bool() { b"ab,\"\n" } else { b"abcdefghijkl,\n\"\r\0" };
            let letters = (0..len).map(|_| alphabet[rng.usize(..alphabet.len())]);
            let records: Vec<u8> = letters.chain([b'\n']).collect();
            let blocks = Blocks::from_records(&records, 0);
            let block = blocks.first();
            let mut want = None;
            for kernel in Kernel::available() {
                let mut ends = vec![0; len + 1 + ENDS_SLACK];
                let found = run(kernel, block.buffer(), block.start(), block.end(), &mut ends);
                ends.truncate(found.ends);
                let got = (found, ends);
                assert_eq!(want.get_or_insert_with(|| got.clone()), &got, "{kernel:?} {records:?}");
            }
        }
    }

    #[test]
    fn breaches_of_the_dialect_are_seen() {
        let cases: &[(&str, usize, Option<usize>)] = &[
            ("a,b\n", 2, Some(1)),
            ("\"a\",\"b\r\n\"\n", 2, Some(1)),
            ("a,b\r\n", 2, None),
            ("\"a\",\"b\"\r\n", 2, None),
            ("a,\r\n", 2, None),
            (",\n", 2, Some(1)),
            ("\"\",\"\"\"\"\n", 2, Some(1)),
            ("\"a\"\"b\",\"\n\"\nx,y\n", 2, Some(2)),
            ("\n", 1, Some(1)),
            ("a\n", 2, None),
            ("a,b,c\n", 2, None),
            ("a,b,c\nd\n", 2, None),
            ("a\nb,c,d\n", 2, None),
            ("a\"b,c\n", 2, None),
            ("a\"b\",c\n", 2, None),
            ("\"a\"b,c\n", 2, None),
            ("\"a\" ,c\n", 2, None),
            ("a\rb,c\n", 2, None),
            ("a\r,c\n", 2, None),
            ("\"a\"\rb,c\n", 2, None),
            ("a\0,b\n", 2, None),
        ];
        for (records, width, want) in cases {
            for kernel in Kernel::available() {
                for prefix in [0, 1, 30, 62, 63] {
                    // The same fault at every place relative to the 64-byte groups.
                    let head = format!("{}{}\n", "x".repeat(prefix), ",".repeat(width - 1));
                    let text = format!("{head}{records}");
                    let got = Scan::new(kernel, LineEnd::Lf)
                        .block(Blocks::from_records(text.as_bytes(), 0).first(), *width);
                    assert_eq!(got, want.map(|n| n + 1), "{kernel:?} {text:?}");
                }
            }
        }
    }

    #[test]
    fn all_records_end_alike() {
        let cases: &[(&str, Option<usize>)] = &[
            ("a,b\r\n", Some(1)),
            ("\"a\",\"b\"\r\n", Some(1)),
            ("a,\r\nc,\"\n\"\r\n", Some(2)),
            ("a,b\n", None),
            ("a,b\r\nc,d\n", None),
            ("a,b\nc,d\r\n", None),
            ("a,\"b\r\n\"\n", None),
            ("a,b\r\r\n", None),
            ("a\r,b\r\n", None),
        ];
        for (records, want) in cases {
            for kernel in Kernel::available() {
                for prefix in [0, 1, 30, 61, 62, 63] {
                    let text = format!("{},\r\n{records}", "x".repeat(prefix));
                    let blocks = Blocks::from_records(text.as_bytes(), 0);
                    let got = Scan::new(kernel, LineEnd::CrLf).block(blocks.first(), 2);
                    assert_eq!(got, want.map(|n| n + 1), "{kernel:?} {text:?}");
                }
            }
        }
        // The byte before a block is not its own.
        let mut blocks = Blocks::from_records(b"\r\n", 0);
        blocks.skip(1);
        assert_eq!(Scan::new(Kernel::best(), LineEnd::CrLf).block(blocks.first(), 1), None);
    }

    #[test]
    fn bad_utf8_is_seen() {
        let blocks = Blocks::from_records(b"a\xff,b\n", 0);
        assert_eq!(Scan::new(Kernel::best(), LineEnd::Lf).block(blocks.first(), 2), None);
    }
}
