//! Texts hashed, compared and copied in wide steps: that most of them are short must not cost a call
//! of a general routine for each.
//!
//! The bytes around a text may be read, whatever they are: blocks are padded for that.

use super::fast::Text;

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
pub(super) const READ_PAD: usize = 16;

/// A text behind which [`READ_PAD`] bytes are readable.
#[derive(Clone, Copy)]
pub(super) struct Padded<'a>(Text<'a>);

impl<'a> Padded<'a> {
    /// `None` if the buffer ends too early behind the text.
    #[inline(always)]
    pub(super) fn new(text: Text<'a>) -> Option<Self> {
        (text.start + text.len + READ_PAD <= text.buffer.len()).then_some(Self(text))
    }

    /// The eight bytes from `at`, at most the text's length, on.
    #[inline(always)]
    fn word(self, at: usize) -> u64 {
        debug_assert!(at <= self.0.len + READ_PAD - 8);
        // SAFETY: `new` saw READ_PAD bytes behind the text; the callers stay 8 bytes before their end.
        unsafe { self.0.buffer.as_ptr().add(self.0.start + at).cast::<u64>().read_unaligned().to_le() }
    }

    /// Whether two texts are the same.
    #[inline(always)]
    pub(super) fn equals(self, other: Self) -> bool {
        let len = self.0.len;
        if len != other.0.len {
            return false;
        }
        let mut at = 0;
        while at + 8 < len {
            if self.word(at) != other.word(at) {
                return false;
            }
            at += 8;
        }
        // At most eight bytes are left; what is read beyond them is shifted out.
        let left = len - at;
        left == 0 || (self.word(at) ^ other.word(at)) << (64 - 8 * left) == 0
    }

    /// A hash of the text.
    #[inline(always)]
    pub(super) fn hash(self) -> u64 {
        const SEED: u64 = 0x243f_6a88_85a3_08d3;
        let mut state = SEED ^ (self.0.len as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut at = 0;
        while self.0.len - at > 16 {
            state = fold(self.word(at) ^ state, self.word(at + 8) ^ 0x1319_8a2e_0370_7344);
            at += 16;
        }
        let (low, high) = match self.0.len - at {
            0 => (0, 0),
            left @ 1..=8 => (self.word(at) & (!0 >> (64 - 8 * left)), 0),
            left => (self.word(at), self.word(at + 8) & (!0 >> (128 - 8 * left))),
        };
        fold(low ^ state, high ^ 0xa409_3822_299f_31d0)
    }
}

/// Eight bytes, the first in the lowest place; zero where the buffer ends before.
#[inline(always)]
pub(super) fn word(buffer: &[u8], at: usize) -> u64 {
    match buffer.get(at..).and_then(|rest| rest.first_chunk()) {
        Some(bytes) => u64::from_le_bytes(*bytes),
        None => 0,
    }
}

#[inline(always)]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product >> 64) as u64 ^ product as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::csv::Block;

    fn random(rng: &mut fastrand::Rng) -> Vec<u8> {
        let len = [rng.usize(..9), rng.usize(..40), rng.usize(..300)][rng.usize(..3)];
        (0..len).map(|_| b"abcdefg\0\xff"[rng.usize(..9)]).collect()
    }

    fn with_text<T>(bytes: &[u8], use_text: impl FnOnce(Text<'_>) -> T) -> T {
        let block = Block::from_records(bytes, 0);
        use_text(Text { buffer: block.buffer(), start: block.start(), len: bytes.len() })
    }

    #[test]
    fn wide_steps_do_what_single_bytes_would() {
        let mut rng = fastrand::Rng::with_seed(11);
        for _ in 0..20_000 {
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
        for _ in 0..20_000 {
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
