//! What AVX2 and AVX-512 do in ways of their own.

use super::bits::Bits;
use super::bytes::{MASKS, Padded, Text, WIDE};
use super::portable::Portable;
use super::simd::Simd;
use super::spans::{ROOM_SLACK, Span};
use crate::csv::Kernel;
use std::arch::x86_64::*;

/// AVX2, AES and the bit instructions that come with them; with `AVX512`, also its byte instructions of 2019.
#[derive(Clone, Copy)]
pub(super) struct Wide<const AVX512: bool>(());

impl Wide<false> {
    /// The proof, if `kernel` wants it and the processor has it.
    pub(super) fn of(kernel: Kernel) -> Option<Self> {
        let has = is_x86_feature_detected!("aes")
            && is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("lzcnt")
            && is_x86_feature_detected!("popcnt");
        (kernel != Kernel::Portable && has).then_some(Self(()))
    }

    /// [`super::turn::turn`], if there are enough rows and columns.
    pub(super) fn turn(self, rows: &[u32], width: usize, columns: &mut [u32], height: usize) -> bool {
        let is_large = width + 1 >= TILE && height >= TILE;
        if is_large {
            assert!(rows.len() == width * height + 1 && columns.len() == (width + 1) * height);
            // SAFETY: `self` is the proof.
            unsafe { turn(rows, width, columns, height) }
        }
        is_large
    }
}

impl Wide<true> {
    /// The proof, if `kernel` wants it and the processor has it.
    pub(super) fn of(kernel: Kernel) -> Option<Self> {
        let has = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vbmi2")
            && is_x86_feature_detected!("pclmulqdq");
        Wide::<false>::of(kernel).filter(|_| kernel == Kernel::Avx512 && has).map(|_| Self(()))
    }
}

impl<const AVX512: bool> Simd for Wide<AVX512> {
    #[inline(always)]
    fn gather(self, before: &[u32], ends: &[u32], room: &mut [Span], levels: &mut Bits) -> usize {
        if !AVX512 {
            return Portable.gather(before, ends, room, levels);
        }
        // SAFETY: `self` is the proof.
        unsafe { gather_wide(before, ends, room, levels) }
    }

    #[inline(always)]
    fn hash(self, text: Padded<'_>) -> u32 {
        // SAFETY: `self` is the proof.
        unsafe { hash(text) }
    }

    #[inline(always)]
    fn append_undoubled(self, inner: Text<'_>, out: &mut Vec<u8>) {
        if !AVX512 || inner.start + inner.len + STEP > inner.buffer.len() {
            return Portable.append_undoubled(inner, out);
        }
        // SAFETY: `self` is the proof, and STEP bytes behind the text were just seen.
        unsafe { append_undoubled(inner, out) }
    }

    #[inline(always)]
    fn time_of_day(self, text: Text<'_>) -> Option<i64> {
        if text.start + TIME_END > text.buffer.len() {
            return Portable.time_of_day(text);
        }
        // SAFETY: `self` is the proof, and so many bytes were just seen.
        unsafe { time_of_day(text) }
    }
}

/// # Safety
/// AES must be there.
#[inline(always)]
unsafe fn hash(text: Padded<'_>) -> u32 {
    let (at, len) = text.parts();
    // SAFETY: the caller grants AES. WIDE bytes are readable from every place up to the text's end, and the same of
    // MASKS, of which `len - done` is at most the middle.
    unsafe {
        let load = |at: *const u8| _mm_loadu_si128(at.cast());
        let key = _mm_set_epi64x(0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344);
        let mut state = _mm_xor_si128(key, _mm_cvtsi64_si128(len as i64));
        let mut done = 0;
        while len - done > WIDE {
            state = _mm_aesenc_si128(state, load(at.add(done)));
            state = _mm_aesenc_si128(state, load(at.add(done + 16)));
            done += WIDE;
        }
        let mask = MASKS.as_ptr().add(WIDE - (len - done));
        state = _mm_aesenc_si128(state, _mm_and_si128(load(at.add(done)), load(mask)));
        state = _mm_aesenc_si128(state, _mm_and_si128(load(at.add(done + 16)), load(mask.add(16))));
        // Each bit of the text has come to each bit of the state after two more rounds.
        state = _mm_aesenc_si128(state, key);
        state = _mm_aesenc_si128(state, key);
        _mm_cvtsi128_si64(state) as u32
    }
}

/// Bytes from a timestamp's start that are read.
const TIME_END: usize = 11 + 16;

/// # Safety
/// AVX2 must be there, and TIME_END bytes readable from the text's start.
#[inline(always)]
unsafe fn time_of_day(text: Text<'_>) -> Option<i64> {
    // SAFETY: granted by the caller.
    unsafe {
        // HH:MM:SS.ffffff and what stands behind.
        let bytes = _mm_loadu_si128(text.buffer.as_ptr().add(text.start + 11).cast());
        let lanes = _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        let inside = _mm_cmpgt_epi8(_mm_set1_epi8(text.len as i8 - 11), lanes);
        let separators = _mm_setr_epi8(0, 0, 58, 0, 0, 58, 0, 0, 46, 0, 0, 0, 0, 0, 0, 0);
        let is_separator = _mm_cmpgt_epi8(separators, _mm_setzero_si128());
        let other = _mm_and_si128(_mm_xor_si128(bytes, separators), _mm_and_si128(is_separator, inside));
        // Zeros where no digit is, so that a shorter fraction has its missing ones.
        let digits = _mm_sub_epi8(bytes, _mm_set1_epi8(b'0' as i8));
        let digits = _mm_and_si128(digits, _mm_andnot_si128(is_separator, inside));
        let highest = _mm_setr_epi8(2, 9, 0, 5, 9, 0, 5, 9, 0, 9, 9, 9, 9, 9, 9, 9);
        let wrong = _mm_or_si128(_mm_subs_epu8(digits, highest), other);
        if _mm_testz_si128(wrong, wrong) == 0 {
            return None;
        }
        let places = _mm_setr_epi8(0, 1, 3, 4, 6, 7, -1, -1, 9, 10, 11, 12, 13, 14, -1, -1);
        let pairs = _mm_maddubs_epi16(_mm_shuffle_epi8(digits, places), _mm_set1_epi16(0x010a));
        let sums = _mm_madd_epi16(pairs, _mm_setr_epi16(3_600, 60, 1, 0, 10_000, 100, 1, 0));
        let sums = _mm_cvtsi128_si64(_mm_hadd_epi32(sums, sums)) as u64;
        let (seconds, micros) = (sums & 0xffff_ffff, sums >> 32);
        (seconds < 86_400).then_some((seconds * 1_000_000 + micros) as i64)
    }
}

/// Rows and columns that are turned at a time.
const TILE: usize = 8;

#[target_feature(enable = "avx2")]
fn turn(rows: &[u32], width: usize, columns: &mut [u32], height: usize) {
    let (rows, columns) = (rows.as_ptr(), columns.as_mut_ptr());
    // The last tile of each kind overlaps the one before.
    for r in (0..height).step_by(TILE).map(|r| r.min(height - TILE)) {
        for c in (0..=width).step_by(TILE).map(|c| c.min(width + 1 - TILE)) {
            // SAFETY: the last number read has the index (r + 7) * width + c + 7 <= (height - 1) * width + width, the
            // last one written (c + 7) * height + r + 7 <= width * height + height - 1; the caller has so many.
            unsafe {
                let load = |i: usize| _mm256_loadu_si256(rows.add((r + i) * width + c).cast());
                let pairs = |i: usize| {
                    (_mm256_unpacklo_epi32(load(i), load(i + 1)), _mm256_unpackhi_epi32(load(i), load(i + 1)))
                };
                let fours = |i: usize| {
                    let ((one, two), (three, four)) = (pairs(i), pairs(i + 2));
                    [
                        _mm256_unpacklo_epi64(one, three),
                        _mm256_unpackhi_epi64(one, three),
                        _mm256_unpacklo_epi64(two, four),
                        _mm256_unpackhi_epi64(two, four),
                    ]
                };
                let (upper, lower) = (fours(0), fours(4));
                for i in 0..4 {
                    let put =
                        |c: usize, column| _mm256_storeu_si256(columns.add(c * height + r).cast(), column);
                    put(c + i, _mm256_permute2x128_si256(upper[i], lower[i], 0x20));
                    put(c + i + 4, _mm256_permute2x128_si256(upper[i], lower[i], 0x31));
                }
            }
        }
    }
}

/// Rows that are gathered at a time.
const ROWS: usize = 16;
const _: () = assert!(ROOM_SLACK >= ROWS && size_of::<Span>() == size_of::<u64>());

/// See [`super::spans::gather`].
#[target_feature(enable = "bmi1,bmi2,popcnt,avx512f,avx512bw,avx512vbmi2")]
fn gather_wide(before: &[u32], ends: &[u32], room: &mut [Span], levels: &mut Bits) -> usize {
    assert!(before.len() == ends.len() && room.len() >= ends.len() + ROOM_SLACK);
    let rows = ends.len();
    // A span is its start and its length.
    let room = room.as_mut_ptr().cast::<u64>();
    let one = _mm512_set1_epi32(1);
    let low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    let high = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    let mut present = 0;
    for first in (0..rows).step_by(64) {
        let until = rows.min(first + 64);
        let mut bits = 0;
        for row in (first..until).step_by(ROWS) {
            let left = until - row;
            let valid = if left >= ROWS { !0 } else { (1 << left) - 1 };
            // SAFETY: rows that are not valid are not read. Before each store `present <= row` or `row + 8`, and
            // eight spans are written; there is room for ROOM_SLACK = 16 behind the last row.
            unsafe {
                let before = _mm512_maskz_loadu_epi32(valid, before.as_ptr().add(row).cast());
                let ends = _mm512_maskz_loadu_epi32(valid, ends.as_ptr().add(row).cast());
                let starts = _mm512_add_epi32(before, one);
                let lens = _mm512_sub_epi32(ends, starts);
                let here = _mm512_mask_test_epi32_mask(valid, lens, lens);
                for (half, spans) in [(here as u8, low), ((here >> 8) as u8, high)] {
                    let spans = _mm512_permutex2var_epi32(starts, spans, lens);
                    _mm512_storeu_si512(room.add(present).cast(), _mm512_maskz_compress_epi64(half, spans));
                    present += half.count_ones() as usize;
                }
                bits |= u64::from(here) << (row - first);
            }
        }
        levels.push(bits, until - first);
    }
    present
}

/// Bytes that are undoubled at a time.
const STEP: usize = 64;

/// # Safety
/// STEP bytes must be readable behind the text.
#[target_feature(enable = "popcnt,pclmulqdq,avx512f,avx512bw,avx512vbmi2")]
unsafe fn append_undoubled(inner: Text<'_>, out: &mut Vec<u8>) {
    out.reserve(inner.len + STEP);
    // SAFETY: `read` stays below the text's length, behind which STEP bytes are readable; `written` never passes
    // `read`, and STEP bytes more than the text are reserved. What is counted in is initialised.
    unsafe {
        let from = inner.buffer.as_ptr().add(inner.start);
        let to = out.as_mut_ptr().add(out.len());
        // All ones if the step before ended between two quotes.
        let (mut read, mut written, mut odd) = (0, 0, 0);
        while read < inner.len {
            let left = inner.len - read;
            let valid = if left >= STEP { !0 } else { (1 << left) - 1 };
            let bytes = _mm512_loadu_si512(from.add(read).cast());
            let quotes = _mm512_mask_cmpeq_epi8_mask(valid, bytes, _mm512_set1_epi8(b'"' as i8));
            let parity = _mm_clmulepi64_si128(_mm_set_epi64x(0, quotes as i64), _mm_set1_epi8(-1), 0);
            let first_of_two = _mm_cvtsi128_si64(parity) as u64 ^ odd;
            odd = ((first_of_two as i64) >> 63) as u64;
            let kept = valid & (!quotes | first_of_two);
            _mm512_storeu_si512(to.add(written).cast(), _mm512_maskz_compress_epi8(kept, bytes));
            read += STEP;
            written += kept.count_ones() as usize;
        }
        out.set_len(out.len() + written);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::bytes;
    use crate::pages::fast;
    use crate::pages::for_tests::{seed, with_text};
    use crate::pages::turn::turn as turn_any;

    #[test]
    fn times_of_day_are_the_portable_ones() {
        let Some(simd) = Wide::<false>::of(Kernel::Avx2) else { return println!("no AVX2 here") };
        let mut rng = fastrand::Rng::with_seed(seed());
        let mut known = 0;
        for _ in 0..200_000 {
            let micros = format!("{:06}", rng.u32(..1_000_000));
            let fraction = [String::new(), format!(".{}", &micros[..rng.usize(1..=6)])];
            let (hours, minutes, seconds) = (rng.u32(..25), rng.u32(..61), rng.u32(..61));
            let day = "2024-03-01 ";
            let mut text =
                format!("{day}{hours:02}:{minutes:02}:{seconds:02}{}", fraction[rng.usize(..2)]).into_bytes();
            if rng.bool() {
                let at = rng.usize(11..text.len());
                text[at] = b"0129:;./-+ a\x00\xff"[rng.usize(..14)];
            }
            let (wide, portable) = with_text(&text, |t| (simd.time_of_day(t), fast::time_of_day(t)));
            assert_eq!(wide, portable, "{}", String::from_utf8_lossy(&text));
            known += u32::from(wide.is_some());
        }
        assert!(known > 80_000, "only {known} were read");
    }

    /// A text in a buffer that ends `behind` bytes after it.
    fn with_bare<T>(bytes: &[u8], behind: usize, use_text: impl FnOnce(Text<'_>) -> T) -> T {
        let buffer = [bytes, &vec![b'"'; behind]].concat().into_boxed_slice();
        use_text(Text { buffer: &buffer, start: 0, len: bytes.len() })
    }

    #[test]
    fn nothing_is_read_behind_the_buffer() {
        let Some(simd) = Wide::<false>::of(Kernel::Avx2) else { return println!("no AVX2 here") };
        let time = b"2024-03-01 12:34:56.7";
        for behind in [0, TIME_END - 1 - time.len(), TIME_END - time.len()] {
            let read = with_bare(time, behind, |text| simd.time_of_day(text));
            // Without its padding a text may be left to the exact reader.
            assert!(read.is_none_or(|micros| micros == 45_296_700_000), "{behind} bytes behind: {read:?}");
        }
        let Some(simd) = Wide::<true>::of(Kernel::Avx512) else { return };
        for behind in [0, STEP - 1, STEP] {
            let mut out = Vec::new();
            with_bare(b"a\"\"b", behind, |text| simd.append_undoubled(text, &mut out));
            assert_eq!(out, b"a\"b", "{behind} bytes behind");
        }
    }

    #[test]
    fn turned_and_gathered_as_the_portable_way() {
        if Wide::<false>::of(Kernel::Avx2).is_none() {
            return println!("no AVX2 here");
        }
        let mut rng = fastrand::Rng::with_seed(seed());
        for _ in 0..300 {
            let (width, height) = (rng.usize(1..60), rng.usize(1..300));
            let mut end = 0;
            let mut next = || {
                end += 1 + if rng.bool() { 0 } else { rng.u32(..50) };
                end
            };
            let rows: Vec<u32> = (0..=width * height).map(|_| next()).collect();
            let turned = |kernel| {
                let mut columns = vec![0; (width + 1) * height];
                turn_any(kernel, &rows, width, &mut columns);
                columns
            };
            let columns = turned(Kernel::Portable);
            assert_eq!(columns, turned(Kernel::Avx2), "{height} rows of {width}");

            let Some(simd) = Wide::<true>::of(Kernel::Avx512) else { continue };
            let at = rng.usize(..width) * height;
            let (before, ends) = columns[at..at + 2 * height].split_at(height);
            let gathered = |gather: &dyn Fn(&mut [Span], &mut Bits) -> usize| {
                let (mut room, mut levels) = (vec![Span::default(); height + ROOM_SLACK], Bits::default());
                levels.push(1, 3);
                let present = gather(&mut room, &mut levels);
                let mut packed = Vec::new();
                levels.write_packed(&mut packed);
                room.truncate(present);
                (room, packed)
            };
            let portable = gathered(&|room, levels| Portable.gather(before, ends, room, levels));
            assert_eq!(gathered(&|room, levels| simd.gather(before, ends, room, levels)), portable);
        }
    }

    #[test]
    fn undoubled_as_the_portable_way() {
        let Some(simd) = Wide::<true>::of(Kernel::Avx512) else { return println!("no AVX-512 here") };
        let mut rng = fastrand::Rng::with_seed(seed());
        for _ in 0..20_000 {
            let mut inner = Vec::new();
            for _ in 0..[rng.usize(..10), rng.usize(..300)][rng.usize(..2)] {
                inner.extend_from_slice(if rng.usize(..3) == 0 { b"\"\"" } else { b"x" });
            }
            let (mut wide, mut portable) = (b"before".to_vec(), b"before".to_vec());
            with_text(&inner, |text| {
                simd.append_undoubled(text, &mut wide);
                bytes::append_undoubled(text, &mut portable);
            });
            assert_eq!(wide, portable);
        }
    }

    #[test]
    fn hashes_depend_on_the_text_alone() {
        let Some(simd) = Wide::<false>::of(Kernel::Avx2) else { return println!("no AVX2 here") };
        let mut rng = fastrand::Rng::with_seed(seed());
        let hash = |bytes: &[u8]| with_text(bytes, |text| simd.hash(Padded::new(text).unwrap()));
        for _ in 0..20_000 {
            let text: Vec<u8> = (0..rng.usize(1..200)).map(|_| rng.u8(..)).collect();
            let mut other = text.clone();
            other[rng.usize(..text.len())] ^= 1 << rng.u32(..8);
            let behind = [&text[..], &[rng.u8(..); 40]].concat();
            let among = Text { buffer: &behind, start: 0, len: text.len() };
            assert_eq!(hash(&text), simd.hash(Padded::new(among).unwrap()));
            // One in four thousand million may meet by chance.
            assert_ne!(hash(&text), hash(&other));
        }
    }
}
