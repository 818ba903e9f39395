//! What every processor has.

use super::bits::Bits;
use super::bytes::{self, Padded, Text};
use super::fast;
use super::simd::Simd;
use super::spans::{self, Span};

/// Plain Rust.
#[derive(Clone, Copy)]
pub(super) struct Portable;

impl Simd for Portable {
    #[inline(always)]
    fn gather(self, before: &[u32], ends: &[u32], room: &mut [Span], levels: &mut Bits) -> usize {
        spans::gather(before, ends, room, levels, |span| span)
    }

    #[inline(always)]
    fn hash(self, text: Padded<'_>) -> u32 {
        text.hash()
    }

    #[inline(always)]
    fn append_undoubled(self, inner: Text<'_>, out: &mut Vec<u8>) {
        bytes::append_undoubled(inner, out);
    }

    #[inline(always)]
    fn time_of_day(self, text: Text<'_>) -> Option<i64> {
        fast::time_of_day(text)
    }
}
