//! Where the fields of a column are, and how they are picked out.

use super::bits::Bits;

/// Where a non-NULL field is. The kernels write it as two numbers side by side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(C)]
pub(super) struct Span {
    pub(super) start: u32,
    pub(super) len: u32,
}

impl Span {
    pub(super) fn new(start: usize, len: usize) -> Self {
        Self { start: start as u32, len: len as u32 }
    }

    pub(super) fn len(&self) -> usize {
        self.len as usize
    }
}

/// Places beyond the rows that a gathering may write to.
pub(super) const ROOM_SLACK: usize = 16;

/// Puts the fields that are not NULL into `room` and appends a level for each row; says how many fields there are.
#[inline(always)]
pub(super) fn gather(
    before: &[u32],
    ends: &[u32],
    room: &mut [Span],
    levels: &mut Bits,
    adjust: impl Fn(Span) -> Span,
) -> usize {
    let mut present = 0;
    for (before, ends) in before.chunks(64).zip(ends.chunks(64)) {
        let mut bits = 0;
        for (i, (before, end)) in before.iter().zip(ends).enumerate() {
            let span = adjust(Span { start: before + 1, len: end - before - 1 });
            // Written always, kept if not NULL: cheaper than a branch that guesses wrong.
            room[present] = span;
            let is_present = span.len != 0;
            present += usize::from(is_present);
            bits |= u64::from(is_present) << i;
        }
        levels.push(bits, ends.len());
    }
    present
}
