//! Texts hashed, compared and copied in wide steps: that most of them are short must not cost a call
//! of a general routine for each.
//!
//! The bytes around a text may be read, whatever they are: blocks are padded for that.

use std::mem::MaybeUninit;

/// A field in a padded buffer: 8 bytes before its end and 16 behind its start are readable.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text<'a> {
    pub(super) buffer: &'a [u8],
    pub(super) start: usize,
    pub(super) len: usize,
}

impl Text<'_> {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.start + self.len]
    }

    #[inline(always)]
    pub(super) fn byte(&self, at: usize) -> u8 {
        self.buffer[self.start + at]
    }

    /// The eight bytes from `at` on, the first in the lowest place.
    #[inline(always)]
    pub(super) fn word(&self, at: usize) -> u64 {
        word(self.buffer, self.start + at)
    }
}

/// Bytes that are copied at a time.
const STEP: usize = 32;

/// Appends the text.
#[inline(always)]
pub(super) fn append(text: Text<'_>, out: &mut Vec<u8>) {
    if text.start + text.len + STEP > text.buffer.len() {
        return out.extend_from_slice(text.bytes());
    }
    out.reserve(text.len + STEP);
    // SAFETY: STEP bytes behind the text are readable (just asked) and as many behind its copy writable
    // (just reserved); a Vec's spare room and a slice never overlap. What is counted in is initialised.
    unsafe {
        let from = text.buffer.as_ptr().add(text.start);
        let to = out.as_mut_ptr().add(out.len());
        let mut done = 0;
        while done < text.len {
            std::ptr::copy_nonoverlapping(from.add(done), to.add(done), STEP);
            done += STEP;
        }
        out.set_len(out.len() + text.len);
    }
}

/// Appends the bytes of each value.
#[inline(always)]
pub(super) fn append_all<T: Copy, const N: usize>(
    values: &[T],
    bytes: impl Fn(T) -> [u8; N],
    out: &mut Vec<u8>,
) {
    out.reserve(N * values.len());
    let (room, _) = out.spare_capacity_mut().as_chunks_mut::<N>();
    for (room, &value) in room.iter_mut().zip(values) {
        *room = bytes(value).map(MaybeUninit::new);
    }
    // SAFETY: there was room for all of them, and all of it was just written.
    unsafe { out.set_len(out.len() + N * values.len()) }
}

/// Appends what stands between a field's quotes, the second of each two quotes left out. The quotes
/// come in pairs, side by side.
#[inline]
pub(super) fn append_undoubled(inner: Text<'_>, out: &mut Vec<u8>) {
    #[cfg(target_arch = "x86_64")]
    if inner.start + inner.len + STEP <= inner.buffer.len() {
        return append_undoubled_wide(inner, out);
    }
    let mut rest = inner.bytes();
    while let Some(quote) = memchr::memchr(b'"', rest) {
        out.extend_from_slice(&rest[..=quote]);
        rest = rest.get(quote + 2..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
}

/// The same, 16 bytes at a time; SSE2 is in every x86-64.
#[cfg(target_arch = "x86_64")]
#[inline]
fn append_undoubled_wide(inner: Text<'_>, out: &mut Vec<u8>) {
    use std::arch::x86_64::*;
    out.reserve(inner.len + STEP);
    // SAFETY: `read` stays below the text's length, behind which STEP bytes are readable (the caller
    // asked); `written` never passes `read`, and STEP bytes more than the text are reserved. What is
    // counted in is initialised.
    unsafe {
        let from = inner.buffer.as_ptr().add(inner.start);
        let to = out.as_mut_ptr().add(out.len());
        let (mut read, mut written) = (0, 0);
        while read < inner.len {
            let bytes = _mm_loadu_si128(from.add(read).cast());
            _mm_storeu_si128(to.add(written).cast(), bytes);
            let quotes = _mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'"' as i8))) as u32;
            let left = inner.len - read;
            let before = (quotes | 1 << 16).trailing_zeros() as usize;
            if before == 16 || before >= left {
                read += 16;
                written += left.min(16);
            } else {
                read += before + 2;
                written += before + 1;
            }
        }
        out.set_len(out.len() + written);
    }
}

/// Bytes that are read behind a text that is hashed or compared.
pub(super) const READ_PAD: usize = 32;

/// Bytes that are hashed or compared at a time: most texts are shorter, and take no branch.
pub(super) const WIDE: usize = 32;

/// The first `n` bytes from `WIDE - n` on are ones, those behind them zeros.
pub(super) static MASKS: [u8; 2 * WIDE] = {
    let mut masks = [0; 2 * WIDE];
    let mut i = 0;
    while i < WIDE {
        masks[i] = 0xff;
        i += 1;
    }
    masks
};

type Wide = [u64; WIDE / 8];

/// [`WIDE`] bytes as numbers.
///
/// # Safety
/// They must be readable at `at`.
#[inline(always)]
unsafe fn wide(at: *const u8) -> Wide {
    // SAFETY: granted by the caller; every pattern of bits is a number.
    unsafe { at.cast::<Wide>().read_unaligned() }
}

/// Ones for the first `left`, at most [`WIDE`], bytes.
#[inline(always)]
fn mask(left: usize) -> Wide {
    debug_assert!(left <= WIDE);
    // SAFETY: `left.min(WIDE)` bytes before the middle of MASKS, WIDE bytes are left.
    unsafe { wide(MASKS.as_ptr().add(WIDE - left.min(WIDE))) }
}

/// A text behind which [`READ_PAD`] bytes are readable.
#[derive(Clone, Copy)]
pub(super) struct Padded<'a>(Text<'a>);

impl<'a> Padded<'a> {
    /// `None` if the buffer ends too early behind the text.
    #[inline(always)]
    pub(super) fn new(text: Text<'a>) -> Option<Self> {
        (text.start + text.len + READ_PAD <= text.buffer.len()).then_some(Self(text))
    }

    /// The bytes from `at`, at most the text's length, on.
    #[inline(always)]
    fn wide(self, at: usize) -> Wide {
        debug_assert!(at <= self.0.len);
        // SAFETY: `new` saw READ_PAD = WIDE bytes behind the text, and `at` is not behind its end.
        unsafe { wide(self.0.buffer.as_ptr().add(self.0.start + at)) }
    }

    /// Where the text starts, and its length.
    #[inline(always)]
    pub(super) fn parts(self) -> (*const u8, usize) {
        (self.0.buffer[self.0.start..].as_ptr(), self.0.len)
    }

    /// Whether two texts are the same.
    #[inline(always)]
    pub(super) fn equals(self, other: Self) -> bool {
        if self.0.len != other.0.len {
            return false;
        }
        let mut at = 0;
        while self.0.len - at > WIDE {
            if self.wide(at) != other.wide(at) {
                return false;
            }
            at += WIDE;
        }
        let (one, two, mask) = (self.wide(at), other.wide(at), mask(self.0.len - at));
        (0..WIDE / 8).fold(0, |differ, i| differ | (one[i] ^ two[i]) & mask[i]) == 0
    }

    /// A hash of the text. Differs between big- and little-endian machines, which changes no output.
    #[inline(always)]
    pub(super) fn hash(self) -> u32 {
        const SEED: u64 = 0x243f_6a88_85a3_08d3;
        let mut state = SEED ^ (self.0.len as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut at = 0;
        while self.0.len - at > WIDE {
            state = fold_wide(self.wide(at), state);
            at += WIDE;
        }
        let (last, mask) = (self.wide(at), mask(self.0.len - at));
        fold_wide(std::array::from_fn(|i| last[i] & mask[i]), state) as u32
    }
}

/// Asks for an element that will be wanted soon.
#[inline(always)]
pub(super) fn prefetch<T>(slice: &[T], index: usize) {
    #[cfg(target_arch = "x86_64")]
    if let Some(element) = slice.get(index) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: the address is that of an element; a prefetch reads nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(element).cast()) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (slice, index);
}

/// Eight bytes, the first in the lowest place; zero where the buffer ends before.
#[inline(always)]
pub(super) fn word(buffer: &[u8], at: usize) -> u64 {
    match buffer.get(at..).and_then(|rest| rest.first_chunk()) {
        Some(bytes) => u64::from_le_bytes(*bytes),
        None => 0,
    }
}

/// Two multiplications side by side.
#[inline(always)]
fn fold_wide(words: Wide, state: u64) -> u64 {
    let low = fold(words[0] ^ state, words[1] ^ 0x1319_8a2e_0370_7344);
    let high = fold(words[2] ^ 0xa409_3822_299f_31d0, words[3] ^ state.rotate_left(32));
    low ^ high
}

#[inline(always)]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product >> 64) as u64 ^ product as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::for_tests::{rounds, with_text};

    fn random(rng: &mut fastrand::Rng) -> Vec<u8> {
        let len = [rng.usize(..9), rng.usize(..40), rng.usize(..300)][rng.usize(..3)];
        (0..len).map(|_| b"abcdefg\0\xff"[rng.usize(..9)]).collect()
    }

    #[test]
    fn wide_steps_do_what_single_bytes_would() {
        let mut rng = fastrand::Rng::with_seed(11);
        for _ in 0..rounds(20_000) {
            let bytes = random(&mut rng);
            let mut out = b"before".to_vec();
            with_text(&bytes, |text| append(text, &mut out));
            assert_eq!(out, [b"before", bytes.as_slice()].concat());

            let mut other = bytes.clone();
            if !other.is_empty() && rng.bool() {
                let at = rng.usize(..other.len());
                other[at] = rng.u8(..);
            }
            let stored = [b"xx", other.as_slice(), &[7; READ_PAD]].concat();
            let stored = Padded::new(Text { buffer: &stored, start: 2, len: other.len() }).unwrap();
            let (same, same_hash) = with_text(&bytes, |text| {
                let text = Padded::new(text).unwrap();
                (text.equals(stored), text.hash() == stored.hash())
            });
            assert_eq!((same, same_hash), (bytes == other, bytes == other));
        }
    }

    #[test]
    fn doubled_quotes_become_one() {
        let mut rng = fastrand::Rng::with_seed(12);
        for _ in 0..rounds(20_000) {
            let mut value = random(&mut rng);
            value.iter_mut().filter(|byte| **byte == b'a').for_each(|byte| *byte = b'"');
            let doubled: Vec<u8> = value
                .iter()
                .flat_map(|&byte| std::iter::repeat_n(byte, if byte == b'"' { 2 } else { 1 }))
                .collect();
            let mut out = Vec::new();
            with_text(&doubled, |text| append_undoubled(text, &mut out));
            assert_eq!(out, value);
            let mut narrow = Vec::new();
            append_undoubled(Text { buffer: &doubled, start: 0, len: doubled.len() }, &mut narrow);
            assert_eq!(narrow, value);
        }
    }
}
