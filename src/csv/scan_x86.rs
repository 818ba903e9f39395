//! The scan with AVX2 and AVX-512.

use super::block::PAD_AFTER;
use super::masks::{Carry, ENDS_SLACK, Found, Masks};
use std::arch::x86_64::*;

pub(super) fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("popcnt")
        && is_x86_feature_detected!("pclmulqdq")
}

pub(super) fn has_avx512() -> bool {
    has_avx2()
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vbmi2")
}

/// What differs between the instruction sets.
trait Lanes {
    /// # Safety
    /// 64 bytes must be readable at `at`, and the instruction set there.
    unsafe fn masks(at: *const u8) -> Masks;
    /// Writes `base + i` for every set bit i of `bits`.
    ///
    /// # Safety
    /// 64 entries must be writable at `ends`, and the instruction set there.
    unsafe fn store(ends: *mut u32, base: u32, bits: u64);
}

struct Avx2;
struct Avx512;

impl Lanes for Avx2 {
    #[inline(always)]
    unsafe fn masks(at: *const u8) -> Masks {
        // SAFETY: the caller grants 64 readable bytes and AVX2.
        unsafe {
            let low = _mm256_loadu_si256(at.cast());
            let high = _mm256_loadu_si256(at.add(32).cast());
            let equal = |byte: u8| {
                let byte = _mm256_set1_epi8(byte as i8);
                let low = _mm256_movemask_epi8(_mm256_cmpeq_epi8(low, byte)) as u32;
                let high = _mm256_movemask_epi8(_mm256_cmpeq_epi8(high, byte)) as u32;
                u64::from(low) | u64::from(high) << 32
            };
            Masks::of(equal)
        }
    }

    #[inline(always)]
    unsafe fn store(ends: *mut u32, base: u32, mut bits: u64) {
        let count = bits.count_ones() as usize;
        let mut done = 0;
        // Eight at a time without asking: what is written too much is overwritten by the next.
        while done < count {
            for i in 0..8 {
                // SAFETY: the caller grants 64 entries, and done + i < 64.
                unsafe { *ends.add(done + i) = base + bits.trailing_zeros() };
                bits &= bits.wrapping_sub(1);
            }
            done += 8;
        }
    }
}

impl Lanes for Avx512 {
    #[inline(always)]
    unsafe fn masks(at: *const u8) -> Masks {
        // SAFETY: the caller grants 64 readable bytes and AVX-512 BW.
        unsafe {
            let bytes = _mm512_loadu_si512(at.cast());
            let equal = |byte: u8| _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(byte as i8));
            Masks::of(equal)
        }
    }

    #[inline(always)]
    unsafe fn store(ends: *mut u32, base: u32, bits: u64) {
        static LANES: [u8; 64] = {
            let mut lanes = [0; 64];
            let mut i = 0;
            while i < 64 {
                lanes[i] = i as u8;
                i += 1;
            }
            lanes
        };
        // SAFETY: the caller grants 64 entries and AVX-512 VBMI2; LANES is 64 bytes.
        unsafe {
            let lanes = _mm512_maskz_compress_epi8(bits, _mm512_loadu_si512(LANES.as_ptr().cast()));
            let base = _mm512_set1_epi32(base as i32);
            let put = |quarter: __m128i, at: usize| {
                let wide = _mm512_add_epi32(base, _mm512_cvtepu8_epi32(quarter));
                _mm512_storeu_si512(ends.add(at).cast(), wide);
            };
            put(_mm512_castsi512_si128(lanes), 0);
            let count = bits.count_ones();
            if count > 16 {
                put(_mm512_extracti32x4_epi32(lanes, 1), 16);
            }
            if count > 32 {
                put(_mm512_extracti32x4_epi32(lanes, 2), 32);
                put(_mm512_extracti32x4_epi32(lanes, 3), 48);
            }
        }
    }
}

#[inline(always)]
unsafe fn prefix_xor(bits: u64) -> u64 {
    // SAFETY: the caller grants carry-less multiplication.
    unsafe {
        _mm_cvtsi128_si64(_mm_clmulepi64_si128(_mm_set_epi64x(0, bits as i64), _mm_set1_epi8(-1), 0)) as u64
    }
}

/// # Safety
/// The instruction set of `L` and carry-less multiplication must be there.
#[inline(always)]
unsafe fn scan<L: Lanes>(buffer: &[u8], start: usize, end: usize, ends: &mut [u32]) -> Found {
    assert!(start <= end && end + PAD_AFTER <= buffer.len());
    assert!(ends.len() + 1 >= end - start + ENDS_SLACK);
    let mut carry = Carry::at_record_start();
    let (mut count, mut records, mut lines) = (0, 0, 0);
    let mut at = start;
    while at < end {
        let valid = if end - at >= 64 { !0 } else { (1u64 << (end - at)) - 1 };
        // SAFETY: at < end, and 64 padding bytes follow `end`.
        let masks = unsafe { L::masks(buffer.as_ptr().add(at)) };
        let masks = masks.among(valid);
        // SAFETY: granted by the caller.
        let inside = unsafe { prefix_xor(masks.quote) } ^ carry.inside;
        let separators = carry.step(masks, inside);
        records += (masks.newline & !inside).count_ones() as usize;
        lines += u64::from(masks.newline.count_ones());
        // SAFETY: count ≤ at - start, and `ends` has more than 64 entries beyond end - start.
        unsafe { L::store(ends.as_mut_ptr().add(count), at as u32, separators) };
        count += separators.count_ones() as usize;
        at += 64;
    }
    carry.found(count, records, lines)
}

#[target_feature(enable = "avx2,bmi1,bmi2,popcnt,pclmulqdq")]
fn scan_avx2(buffer: &[u8], start: usize, end: usize, ends: &mut [u32]) -> Found {
    // SAFETY: the features are enabled here.
    unsafe { scan::<Avx2>(buffer, start, end, ends) }
}

#[target_feature(enable = "avx2,bmi1,bmi2,popcnt,pclmulqdq,avx512f,avx512bw,avx512vbmi2")]
fn scan_avx512(buffer: &[u8], start: usize, end: usize, ends: &mut [u32]) -> Found {
    // SAFETY: the features are enabled here.
    unsafe { scan::<Avx512>(buffer, start, end, ends) }
}

pub(super) fn avx2(buffer: &[u8], start: usize, end: usize, ends: &mut [u32]) -> Found {
    assert!(has_avx2());
    // SAFETY: just asked.
    unsafe { scan_avx2(buffer, start, end, ends) }
}

pub(super) fn avx512(buffer: &[u8], start: usize, end: usize, ends: &mut [u32]) -> Found {
    assert!(has_avx512());
    // SAFETY: just asked.
    unsafe { scan_avx512(buffer, start, end, ends) }
}
