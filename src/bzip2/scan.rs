//! Finds the 48-bit marks that begin a block or end a stream, at any bit offset.
//!
//! A mark at bit `s` of byte `i` fixes the bytes `i + 1` and `i + 2` completely. So for each byte the
//! eight shifts of both marks are tried at once: one table look-up gives the shifts that byte `i + 1`
//! fits, another those that byte `i + 2` fits, and only where both agree all 48 bits are compared.

use super::kernel::Kernel;

/// Bits of a mark.
pub(super) const MARK_BITS: u64 = 48;
/// Bytes that must be known behind the first byte of a mark before it can be told.
pub(super) const LOOK_AHEAD_BYTES: usize = 7;

/// BCD of pi: a block follows.
pub(super) const BLOCK_MARK: u64 = 0x3141_5926_5359;
/// BCD of the square root of pi: the stream's checksum follows.
pub(super) const END_MARK: u64 = 0x1772_4538_5090;

/// What a mark announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// A block.
    Block,
    /// The end of a stream.
    End,
}

/// Appends every mark that begins in `data[from..to]`, in order, as bit offset and kind.
/// `data` must reach [`LOOK_AHEAD_BYTES`] behind `to`, or else end with the input.
pub(super) fn scan(kernel: Kernel, data: &[u8], from: usize, to: usize, marks: &mut Vec<(u64, Mark)>) {
    let from = match kernel {
        #[cfg(target_arch = "x86_64")]
        Kernel::Avx2 | Kernel::Avx512 => {
            // SAFETY: these kernels exist only on processors that have AVX2 (`Kernel::is_available`).
            unsafe { avx2::scan(data, from, to, marks) }
        }
        _ => from,
    };
    portable(data, from, to, marks);
}

/// For each value of byte `i + 1` (or `i + 2`): the shifts of both marks that it fits, one bit each.
const fn fits(byte: u32) -> [u16; 256] {
    let mut table = [0u16; 256];
    let mut shift = 0;
    while shift < 8 {
        table[fixed(BLOCK_MARK, shift, byte) as usize] |= 1 << shift;
        table[fixed(END_MARK, shift, byte) as usize] |= 1 << (8 + shift);
        shift += 1;
    }
    table
}

/// Byte `i + byte` of a mark that begins at bit `shift` of byte `i`.
const fn fixed(mark: u64, shift: u32, byte: u32) -> u8 {
    (mark << (16 - shift) >> (56 - 8 * byte)) as u8
}

static FIRST: [u16; 256] = fits(1);
static SECOND: [u16; 256] = fits(2);

fn portable(data: &[u8], from: usize, to: usize, marks: &mut Vec<(u64, Mark)>) {
    let to = to.min(data.len());
    let Some(first) = data.get(from + 1..) else { return };
    for (i, pair) in (from..to).zip(first.windows(2)) {
        if FIRST[usize::from(pair[0])] & SECOND[usize::from(pair[1])] != 0 {
            compare(data, i, marks);
        }
    }
}

/// Compares all 48 bits at the eight offsets in byte `i`.
#[cold]
fn compare(data: &[u8], i: usize, marks: &mut Vec<(u64, Mark)>) {
    let rest = &data[i..];
    let mut word = [0u8; 8];
    let known = rest.len().min(8);
    word[..known].copy_from_slice(&rest[..known]);
    for shift in 0..8 {
        let mark = match u64::from_be_bytes(word) << shift >> 16 {
            BLOCK_MARK => Mark::Block,
            END_MARK => Mark::End,
            _ => continue,
        };
        if shift + MARK_BITS <= known as u64 * 8 {
            marks.push((i as u64 * 8 + shift, mark));
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use super::{BLOCK_MARK, END_MARK, Mark, compare, fixed};
    use std::arch::x86_64::*;

    /// A 16-byte table, once for each half of a register.
    #[repr(C, align(32))]
    struct Nibbles([u8; 32]);

    /// The shifts that fit, by one nibble of a byte. Each shift wants a single value, so the shifts that
    /// fit both nibbles are exactly those that fit the byte.
    const fn nibbles(mark: u64, byte: u32, high: bool) -> Nibbles {
        let mut table = [0u8; 32];
        let mut shift = 0;
        while shift < 8 {
            let value = fixed(mark, shift, byte);
            let nibble = (if high { value >> 4 } else { value & 15 }) as usize;
            table[nibble] |= 1 << shift;
            table[nibble + 16] |= 1 << shift;
            shift += 1;
        }
        Nibbles(table)
    }

    static TABLES: [Nibbles; 8] = [
        nibbles(BLOCK_MARK, 1, false),
        nibbles(BLOCK_MARK, 1, true),
        nibbles(BLOCK_MARK, 2, false),
        nibbles(BLOCK_MARK, 2, true),
        nibbles(END_MARK, 1, false),
        nibbles(END_MARK, 1, true),
        nibbles(END_MARK, 2, false),
        nibbles(END_MARK, 2, true),
    ];

    #[target_feature(enable = "avx2")]
    fn load(bytes: &[u8; 32]) -> __m256i {
        // SAFETY: the reference is to 32 readable bytes, and the load needs no alignment.
        unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
    }

    /// Scans as many whole registers as there are; gives back where the rest begins.
    #[target_feature(enable = "avx2")]
    pub(super) fn scan(data: &[u8], from: usize, to: usize, marks: &mut Vec<(u64, Mark)>) -> usize {
        let tables: [__m256i; 8] = std::array::from_fn(|i| load(&TABLES[i].0));
        let low = _mm256_set1_epi8(15);
        let mut at = from;
        while at + 32 <= to {
            let Some(bytes) = data.get(at + 1..at + 34) else { break };
            let (Some(first), Some(second)) = (bytes.first_chunk::<32>(), bytes.last_chunk::<32>()) else {
                break;
            };
            let (first, second) = (load(first), load(second));
            let first_low = _mm256_and_si256(first, low);
            let first_high = _mm256_and_si256(_mm256_srli_epi16::<4>(first), low);
            let second_low = _mm256_and_si256(second, low);
            let second_high = _mm256_and_si256(_mm256_srli_epi16::<4>(second), low);
            let fit = |t: &[__m256i]| {
                let a = _mm256_and_si256(
                    _mm256_shuffle_epi8(t[0], first_low),
                    _mm256_shuffle_epi8(t[1], first_high),
                );
                let b = _mm256_and_si256(
                    _mm256_shuffle_epi8(t[2], second_low),
                    _mm256_shuffle_epi8(t[3], second_high),
                );
                _mm256_and_si256(a, b)
            };
            let fits = _mm256_or_si256(fit(&tables[..4]), fit(&tables[4..]));
            let none = _mm256_cmpeq_epi8(fits, _mm256_setzero_si256());
            let mut some = !(_mm256_movemask_epi8(none) as u32);
            while some != 0 {
                compare(data, at + some.trailing_zeros() as usize, marks);
                some &= some - 1;
            }
            at += 32;
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_marks(len: usize, at: &[(u64, u64)]) -> Vec<u8> {
        let mut data: Vec<u8> = (0..len).map(|i| (i * i * 31 + i * 7) as u8).collect();
        for &(bit, mark) in at {
            for i in 0..48 {
                let (place, value) = (bit + i, (mark >> (47 - i) & 1) as u8);
                let byte = &mut data[(place / 8) as usize];
                *byte = *byte & !(0x80 >> (place % 8)) | value << (7 - place % 8);
            }
        }
        data
    }

    #[test]
    fn every_kernel_finds_both_marks_at_every_bit() {
        for kernel in Kernel::available() {
            for bit in 0..(120 * 8 - 48) {
                for (mark, kind) in [(BLOCK_MARK, Mark::Block), (END_MARK, Mark::End)] {
                    let data = with_marks(120, &[(bit, mark)]);
                    let mut marks = Vec::new();
                    scan(kernel, &data, 0, data.len(), &mut marks);
                    assert_eq!(marks, [(bit, kind)], "{kernel:?}");
                }
            }
        }
    }

    #[test]
    fn a_mark_belongs_to_the_range_it_begins_in_and_must_be_whole() {
        let data = with_marks(200, &[(799, BLOCK_MARK), (200 * 8 - 48, END_MARK)]);
        for kernel in Kernel::available() {
            for (from, to, cut, expected) in
                [(0, 99, 200, 0), (0, 100, 200, 1), (99, 200, 200, 2), (100, 200, 200, 1), (100, 199, 199, 0)]
            {
                let mut marks = Vec::new();
                scan(kernel, &data[..cut], from, to, &mut marks);
                assert_eq!(marks.len(), expected, "{kernel:?} {from}..{to} of {cut}");
            }
        }
    }
}
