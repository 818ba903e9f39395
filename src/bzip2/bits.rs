//! Reads bits, most significant first.

use super::error::Fault;

/// Zero bytes that must follow the bits of a span, so that whole words can be loaded at its end.
pub(super) const PADDING_BYTES: usize = 16;

/// A cursor over padded bytes. The upper `count` bits of `word` are the next bits of the input.
pub(super) struct Bits<'a> {
    data: &'a [u8],
    /// Index of the first byte that is not in `word` as a whole.
    next: usize,
    /// The next bits, left-aligned. Below them may stand the beginning of byte `next`.
    pub(super) word: u64,
    /// How many bits of `word` count.
    pub(super) count: u32,
}

impl<'a> Bits<'a> {
    /// Starts at a bit of `data`, which ends with [`PADDING_BYTES`] zeros.
    pub(super) fn new(data: &'a [u8], bit: u64) -> Result<Self, Fault> {
        let mut bits = Self { data, next: (bit / 8) as usize, word: 0, count: 0 };
        bits.fill()?;
        bits.skip((bit % 8) as u32);
        Ok(bits)
    }

    /// Tops `word` up to at least 56 bits. Far behind the end of the span there is nothing to load.
    #[inline(always)]
    pub(super) fn fill(&mut self) -> Result<(), Fault> {
        let Some(bytes) = self.data.get(self.next..).and_then(|rest| rest.first_chunk::<8>()) else {
            return Err(Fault::Overrun);
        };
        // Bits of byte `next` that are there already are or-ed with themselves.
        self.word |= u64::from_be_bytes(*bytes) >> self.count;
        self.next += ((63 - self.count) >> 3) as usize;
        self.count |= 56;
        Ok(())
    }

    /// Drops bits that `word` holds.
    #[inline(always)]
    pub(super) fn skip(&mut self, bits: u32) {
        self.word <<= bits;
        self.count -= bits;
    }

    /// The next 1 to 32 bits.
    #[inline(always)]
    pub(super) fn take(&mut self, bits: u32) -> Result<u32, Fault> {
        if self.count < bits {
            self.fill()?;
        }
        let value = (self.word >> (64 - bits)) as u32;
        self.skip(bits);
        Ok(value)
    }

    /// Where the next bit stands, counted from the start of the data.
    pub(super) fn position(&self) -> u64 {
        self.next as u64 * 8 - u64::from(self.count)
    }

    /// A fault here.
    pub(super) fn corrupt(&self, what: &'static str) -> Fault {
        Fault::Corrupt { what, bit: self.position() }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn any_widths_at_any_offset_give_the_same_bits() {
        let mut data: Vec<u8> = (0..64u32).map(|i| (i * 37 + 11) as u8).collect();
        data.extend_from_slice(&[0; PADDING_BYTES]);
        let bit = |at: u64| data[(at / 8) as usize] >> (7 - at % 8) & 1;
        // Miri takes its time: it gets fewer of the same kind.
        let step = if cfg!(miri) { 11 } else { 1 };
        for start in (0..24).step_by(step) {
            for width in (1..=32).step_by(step) {
                let mut bits = Bits::new(&data, start).unwrap();
                let mut at = start;
                while at + u64::from(width) <= 64 * 8 {
                    let expected = (0..u64::from(width)).fold(0u32, |v, i| v << 1 | u32::from(bit(at + i)));
                    assert_eq!(bits.take(width).unwrap(), expected, "bit {at} width {width}");
                    at += u64::from(width);
                    assert_eq!(bits.position(), at);
                }
            }
        }
    }

    #[test]
    fn reading_far_behind_the_end_is_an_overrun() {
        let data = [0u8; PADDING_BYTES];
        let mut bits = Bits::new(&data, 0).unwrap();
        let read = (0..100).take_while(|_| bits.take(8).is_ok()).count();
        assert!((8..=PADDING_BYTES).contains(&read), "{read}");
    }
}
