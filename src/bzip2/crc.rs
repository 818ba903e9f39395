//! The checksum of bzip2: CRC-32 with polynomial 0x04C11DB7, most significant bit first.

use super::kernel::Kernel;

const POLYNOMIAL: u32 = 0x04C1_1DB7;
const START: u32 = u32::MAX;

/// `TABLES[k][b]`: byte `b` followed by `k` zero bytes.
static TABLES: [[u32; 256]; 8] = tables();

const fn tables() -> [[u32; 256]; 8] {
    let mut tables = [[0u32; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        tables[0][byte] = times_x((byte as u32) << 24, 8);
        byte += 1;
    }
    let mut k = 1;
    while k < 8 {
        byte = 0;
        while byte < 256 {
            let before = tables[k - 1][byte];
            tables[k][byte] = before << 8 ^ tables[0][(before >> 24) as usize];
            byte += 1;
        }
        k += 1;
    }
    tables
}

/// `value · x^power` modulo the polynomial.
const fn times_x(value: u32, power: u32) -> u32 {
    let (mut value, mut left) = (value, power);
    while left > 0 {
        value = value << 1 ^ if value >> 31 == 1 { POLYNOMIAL } else { 0 };
        left -= 1;
    }
    value
}

/// A checksum in the making.
#[derive(Debug, Clone, Copy)]
pub(super) struct Crc {
    kernel: Kernel,
    state: u32,
}

impl Crc {
    /// The checksum of nothing.
    pub(super) fn new(kernel: Kernel) -> Self {
        Self { kernel, state: START }
    }

    /// Takes more bytes.
    pub(super) fn update(&mut self, data: &[u8]) {
        self.state = match self.kernel {
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 | Kernel::Avx512 => {
                // SAFETY: these kernels exist only on processors that have AVX2 and carry-less
                // multiplication (`Kernel::is_available`).
                unsafe { fold::update(self.state, data) }
            }
            _ => update(self.state, data),
        };
    }

    /// The checksum of all bytes so far.
    pub(super) fn value(self) -> u32 {
        !self.state
    }
}

/// The stream's checksum after one more block.
pub(super) fn combine(stream: u32, block: u32) -> u32 {
    stream.rotate_left(1) ^ block
}

fn update(state: u32, data: &[u8]) -> u32 {
    let mut crc = state;
    let (words, rest) = data.as_chunks::<8>();
    for word in words {
        let [a, b, c, d] = (crc ^ u32::from_be_bytes([word[0], word[1], word[2], word[3]])).to_be_bytes();
        let bytes = [a, b, c, d, word[4], word[5], word[6], word[7]];
        crc = bytes
            .iter()
            .zip(TABLES.iter().rev())
            .fold(0, |crc, (byte, table)| crc ^ table[usize::from(*byte)]);
    }
    for &byte in rest {
        crc = crc << 8 ^ TABLES[0][usize::from((crc >> 24) as u8 ^ byte)];
    }
    crc
}

/// Four remainders of 128 bits, carried over 64 bytes at a time by carry-less multiplication.
#[cfg(target_arch = "x86_64")]
mod fold {
    use super::{times_x, update as update_by_table};
    use std::arch::x86_64::*;

    const LANES: usize = 4;
    const BLOCK_BYTES: usize = 16 * LANES;

    /// `x^power` modulo the polynomial; `x^32` is the polynomial's low part.
    const fn power(power: u32) -> i64 {
        times_x(1, power) as i64
    }

    #[target_feature(enable = "avx2")]
    fn load(bytes: &[u8; 16]) -> __m128i {
        // SAFETY: the reference is to 16 readable bytes, and the load needs no alignment.
        let x = unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) };
        // The first byte is the highest power.
        _mm_shuffle_epi8(x, _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15))
    }

    /// `sum · x^distance + next`, where `factors` are `x^(distance + 64)` and `x^distance`.
    #[target_feature(enable = "pclmulqdq,avx2")]
    fn shift(sum: __m128i, factors: __m128i, next: __m128i) -> __m128i {
        let high = _mm_clmulepi64_si128::<0x11>(sum, factors);
        let low = _mm_clmulepi64_si128::<0x00>(sum, factors);
        _mm_xor_si128(_mm_xor_si128(high, low), next)
    }

    #[target_feature(enable = "pclmulqdq,avx2")]
    pub(super) fn update(state: u32, data: &[u8]) -> u32 {
        let (blocks, rest) = data.as_chunks::<BLOCK_BYTES>();
        let Some((first, blocks)) = blocks.split_first() else { return update_by_table(state, data) };
        let lanes = |block: &[u8; BLOCK_BYTES]| -> [__m128i; LANES] {
            let (parts, _) = block.as_chunks::<16>();
            std::array::from_fn(|i| load(&parts[i]))
        };
        let mut sums = lanes(first);
        sums[0] = _mm_xor_si128(sums[0], _mm_set_epi32(state as i32, 0, 0, 0));
        let far = _mm_set_epi64x(power(512 + 64), power(512));
        for block in blocks {
            let next = lanes(block);
            sums = std::array::from_fn(|i| shift(sums[i], far, next[i]));
        }
        let near = _mm_set_epi64x(power(128 + 64), power(128));
        let sum = sums[1..].iter().fold(sums[0], |sum, next| shift(sum, near, *next));
        // These 16 bytes leave the same remainder as all bytes so far.
        let high = (_mm_extract_epi64::<1>(sum) as u64).to_be_bytes();
        let low = (_mm_extract_epi64::<0>(sum) as u64).to_be_bytes();
        update_by_table(update_by_table(update_by_table(0, &high), &low), rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_of_the_catalogue() {
        for kernel in Kernel::available() {
            let mut crc = Crc::new(kernel);
            crc.update(b"123456789");
            assert_eq!(crc.value(), 0xFC89_1918, "{kernel:?}");
        }
    }

    #[test]
    fn all_kernels_agree_for_all_lengths_and_cuts() {
        let data: Vec<u8> = (0..700u32).map(|i| (i * i * 13 + 5) as u8).collect();
        for length in (0..data.len()).step_by(if cfg!(miri) { 97 } else { 1 }) {
            let mut plain = Crc::new(Kernel::Portable);
            data[..length].iter().for_each(|byte| plain.update(&[*byte]));
            for kernel in Kernel::available() {
                let mut crc = Crc::new(kernel);
                let (head, tail) = data[..length].split_at(length / 3);
                crc.update(head);
                crc.update(tail);
                assert_eq!(crc.value(), plain.value(), "{kernel:?} {length}");
            }
        }
    }
}
