//! Undoes move-to-front and the run digits: symbols in, tokens (a byte and how often it stands) out.
//!
//! The list of byte values lives in registers as far as it goes: a symbol is then one byte permutation.
//! Nothing branches on whether a symbol is a run digit; only the rare far positions take a branch.

use super::kernel::Kernel;

/// The token of a byte that stands `count` times in a row.
pub(super) const fn token(byte: u8, count: u32) -> u32 {
    count << 8 | byte as u32
}

/// The byte of a token.
pub(super) const fn token_byte(token: u32) -> u8 {
    token as u8
}

/// How often the byte of a token stands.
pub(super) const fn token_count(token: u32) -> u32 {
    token >> 8
}

/// More than any block holds. A count below it fits a token, and no count gets past it unseen.
const RUN_LIMIT: u32 = 1 << 20;

/// The run digits: `RUNA` and `RUNB`.
const RUN_DIGITS: u8 = 2;

/// Turns symbols into tokens, of which there is one more than symbols at most; the first may be empty.
/// `wide` are the indices of symbols 256, `values` the byte values of the block in their first order.
/// None if a run is longer than any block.
pub(super) fn decode(
    kernel: Kernel,
    symbols: &[u8],
    wide: &[u32],
    values: &[u8; 256],
    tokens: &mut [u32],
) -> Option<usize> {
    let mut list = *values;
    let mut runs = Runs { power: 0, count: 0, seen: 0, at: 0 };
    tokens[0] = token(list[0], 0);
    let mut from = 0;
    for &index in wide {
        let index = index as usize;
        segment(kernel, &mut list, &mut runs, &symbols[from..index], tokens);
        list.rotate_right(1);
        runs.byte(list[0], tokens);
        from = index + 1;
    }
    segment(kernel, &mut list, &mut runs, &symbols[from..], tokens);
    (runs.seen < RUN_LIMIT).then_some(runs.at + 1)
}

/// The token in the making.
#[derive(Clone, Copy)]
struct Runs {
    /// How many run digits came in a row.
    power: u32,
    /// How often the token's byte stands, so far.
    count: u32,
    /// All counts or-ed together: a run past the limit shows here before it could wrap.
    seen: u32,
    /// Index of the token.
    at: usize,
}

impl Runs {
    /// Takes the next symbol, which leaves `byte` at the front of the list.
    #[inline(always)]
    fn take(&mut self, symbol: u8, byte: u8, tokens: &mut [u32]) {
        let symbol = u32::from(symbol);
        // All ones for a run digit, zero for a byte.
        let digit = (symbol.wrapping_sub(u32::from(RUN_DIGITS)) as i32 >> 31) as u32;
        let power = self.power & digit;
        self.power = power.wrapping_add(1) & digit;
        self.count = (self.count & digit).wrapping_add(((symbol & digit) + 1).wrapping_shl(power));
        self.seen |= self.count;
        self.at += digit.wrapping_add(1) as usize;
        tokens[self.at] = token(byte, self.count);
    }

    /// Takes a byte that moved to the front of the list.
    #[inline(always)]
    fn byte(&mut self, byte: u8, tokens: &mut [u32]) {
        self.power = 0;
        self.count = 1;
        self.at += 1;
        tokens[self.at] = token(byte, 1);
    }
}

fn segment(kernel: Kernel, list: &mut [u8; 256], runs: &mut Runs, symbols: &[u8], tokens: &mut [u32]) {
    match kernel {
        #[cfg(target_arch = "x86_64")]
        Kernel::Avx512 => {
            // SAFETY: this kernel exists only on processors with AVX-512 F, BW, VL and VBMI
            // (`Kernel::is_available`).
            unsafe { x86::avx512(list, runs, symbols, tokens) }
        }
        #[cfg(target_arch = "x86_64")]
        Kernel::Avx2 => {
            // SAFETY: this kernel exists only on processors with AVX2 (`Kernel::is_available`).
            unsafe { x86::avx2(list, runs, symbols, tokens) }
        }
        _ => portable(list, runs, symbols, tokens),
    }
}

/// The first 16 values in one integer, the others in memory.
fn portable(list: &mut [u8; 256], state: &mut Runs, symbols: &[u8], tokens: &mut [u32]) {
    const NEAR: usize = 16;
    let mut near = u128::from_le_bytes(std::array::from_fn(|i| list[i]));
    let mut runs = *state;
    for &symbol in symbols {
        let position = usize::from(symbol.saturating_sub(1));
        if position < NEAR {
            let before = (1u128 << (8 * position)) - 1;
            let byte = (near >> (8 * position)) as u8;
            near = near & !(before << 8 | 255) | (near & before) << 8 | u128::from(byte);
            runs.take(symbol, byte, tokens);
        } else {
            let byte = list[position];
            list.copy_within(NEAR..position, NEAR + 1);
            list[NEAR] = (near >> 120) as u8;
            near = near << 8 | u128::from(byte);
            runs.byte(byte, tokens);
        }
    }
    list[..NEAR].copy_from_slice(&near.to_le_bytes());
    *state = runs;
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::Runs;
    use std::arch::x86_64::*;

    /// By symbol: the permutation that brings its position to the front. Run digits change nothing.
    #[repr(C, align(64))]
    struct Permutations<const N: usize, const ROWS: usize>([[u8; N]; ROWS]);

    const fn permutations<const N: usize, const ROWS: usize>() -> Permutations<N, ROWS> {
        let mut rows = [[0u8; N]; ROWS];
        let mut symbol = 0;
        while symbol < ROWS {
            let position = if symbol < 2 { 0 } else { symbol - 1 };
            let mut i = 0;
            while i < N {
                rows[symbol][i] = if i == 0 {
                    position as u8
                } else if i <= position {
                    i as u8 - 1
                } else {
                    i as u8
                };
                i += 1;
            }
            symbol += 1;
        }
        Permutations(rows)
    }

    /// Bytes in the front register of each kernel; symbols up to this number stay within it.
    const NEAR16: usize = 16;
    const NEAR64: usize = 64;
    static FRONT16: Permutations<NEAR16, { NEAR16 + 1 }> = permutations();
    static FRONT64: Permutations<NEAR64, { NEAR64 + 1 }> = permutations();

    #[target_feature(enable = "avx2")]
    fn load16(bytes: &[u8; 16]) -> __m128i {
        // SAFETY: the reference is to 16 readable bytes, and the load needs no alignment.
        unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
    }

    #[target_feature(enable = "avx2")]
    fn store16(bytes: &mut [u8; 16], value: __m128i) {
        // SAFETY: the reference is to 16 writable bytes, and the store needs no alignment.
        unsafe { _mm_storeu_si128(bytes.as_mut_ptr().cast(), value) }
    }

    #[target_feature(enable = "avx512f")]
    fn load64(bytes: &[u8; 64]) -> __m512i {
        // SAFETY: the reference is to 64 readable bytes, and the load needs no alignment.
        unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
    }

    #[target_feature(enable = "avx512f")]
    fn store64(bytes: &mut [u8; 64], value: __m512i) {
        // SAFETY: the reference is to 64 writable bytes, and the store needs no alignment.
        unsafe { _mm512_storeu_si512(bytes.as_mut_ptr().cast(), value) }
    }

    /// The first 64 values in one register.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
    pub(super) fn avx512(list: &mut [u8; 256], state: &mut Runs, symbols: &[u8], tokens: &mut [u32]) {
        let Some((front, far)) = list.split_first_chunk_mut::<NEAR64>() else { return };
        let mut near = load64(front);
        let mut runs = *state;
        for &symbol in symbols {
            if let Some(order) = FRONT64.0.get(usize::from(symbol)) {
                near = _mm512_permutexvar_epi8(load64(order), near);
                let byte = _mm_cvtsi128_si32(_mm512_castsi512_si128(near)) as u8;
                runs.take(symbol, byte, tokens);
            } else {
                // What falls off the register's end goes to the front of the rest.
                near = _mm512_permutexvar_epi8(load64(&FRONT64.0[NEAR64]), near);
                let fallen = _mm_cvtsi128_si32(_mm512_castsi512_si128(near)) as u8;
                let position = usize::from(symbol) - 1 - NEAR64;
                let byte = far[position];
                far.copy_within(..position, 1);
                far[0] = fallen;
                near = _mm512_mask_set1_epi8(near, 1, byte as i8);
                runs.byte(byte, tokens);
            }
        }
        store64(front, near);
        *state = runs;
    }

    /// The first 16 values in one register, the others in fifteen more in memory.
    #[target_feature(enable = "avx2")]
    pub(super) fn avx2(list: &mut [u8; 256], state: &mut Runs, symbols: &[u8], tokens: &mut [u32]) {
        let (rows, _) = list.as_chunks_mut::<NEAR16>();
        let mut near = load16(&rows[0]);
        let mut runs = *state;
        for &symbol in symbols {
            if let Some(order) = FRONT16.0.get(usize::from(symbol)) {
                near = _mm_shuffle_epi8(near, load16(order));
                runs.take(symbol, _mm_cvtsi128_si32(near) as u8, tokens);
            } else {
                let position = usize::from(symbol) - 1;
                let byte = far16(rows, near, position);
                near = _mm_insert_epi8::<0>(_mm_slli_si128::<1>(near), i32::from(byte));
                runs.byte(byte, tokens);
            }
        }
        store16(&mut rows[0], near);
        *state = runs;
    }

    /// Takes the value at a position behind the front register out; all before it move up by one, and
    /// the last of the front register follows them.
    #[target_feature(enable = "avx2")]
    fn far16(rows: &mut [[u8; NEAR16]], near: __m128i, position: usize) -> u8 {
        let (last, within) = (position / NEAR16, position % NEAR16);
        let mut before = near;
        for row in &mut rows[1..last] {
            let values = load16(row);
            store16(row, _mm_alignr_epi8::<15>(values, before));
            before = values;
        }
        let row = &mut rows[last];
        let byte = row[within];
        row.copy_within(..within, 1);
        row[0] = _mm_extract_epi8::<15>(before) as u8;
        byte
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The textbook way.
    fn plain(symbols: &[u16], values: &[u8; 256]) -> Vec<u8> {
        let mut list = values.to_vec();
        let (mut bytes, mut power) = (Vec::new(), 0);
        for &symbol in symbols {
            if symbol < 2 {
                bytes.extend(vec![list[0]; usize::from(symbol + 1) << power]);
                power += 1;
            } else {
                let byte = list.remove(usize::from(symbol) - 1);
                list.insert(0, byte);
                bytes.push(byte);
                power = 0;
            }
        }
        bytes
    }

    fn by_kernel(kernel: Kernel, symbols: &[u16], values: &[u8; 256]) -> Option<Vec<u8>> {
        let narrow: Vec<u8> = symbols.iter().map(|s| (*s).min(255) as u8).collect();
        let wide: Vec<u32> = (0..).zip(symbols).filter(|(_, s)| **s == 256).map(|(i, _)| i).collect();
        let mut tokens = vec![0xdead_beef; symbols.len() + 1];
        let count = decode(kernel, &narrow, &wide, values, &mut tokens)?;
        Some(tokens[..count].iter().flat_map(|t| vec![token_byte(*t); token_count(*t) as usize]).collect())
    }

    #[test]
    fn all_kernels_do_what_the_textbook_does() {
        let mut random = fastrand::Rng::with_seed(7);
        let mut values: [u8; 256] = std::array::from_fn(|i| i as u8);
        for top in [2, 3, 5, 16, 17, 18, 40, 64, 65, 66, 90, 200, 255, 256, 257] {
            random.shuffle(&mut values);
            let mut symbols = Vec::new();
            for _ in 0..if cfg!(miri) { 100 } else { 3000 } {
                let run = symbols.iter().rev().take_while(|s| **s < 2).count();
                let low = if run < 8 { 0 } else { 2 };
                symbols.push(if low < top { random.u16(low..top) } else { continue });
            }
            let expected = plain(&symbols, &values);
            for kernel in Kernel::available() {
                assert!(by_kernel(kernel, &symbols, &values).as_ref() == Some(&expected), "{kernel:?} {top}");
            }
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "half a million bytes take Miri minutes")]
    fn a_run_past_every_block_is_refused() {
        for kernel in Kernel::available() {
            for (digits, fits) in
                [(18, true), (21, false), (22, false), (32, false), (33, false), (64, false)]
            {
                for digit in 0..2 {
                    let mut symbols = vec![digit; digits];
                    symbols.extend([2, 3, 2]);
                    let bytes = by_kernel(kernel, &symbols, &[0; 256]);
                    assert_eq!(bytes.is_some(), fits, "{kernel:?} {digits} × {digit}");
                }
            }
        }
    }
}
