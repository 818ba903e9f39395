//! Bits in a row: definition levels and booleans.

/// A growing row of bits, the first in the lowest bit of the first word.
#[derive(Debug, Clone, Default)]
pub(super) struct Bits {
    words: Vec<u64>,
    len: usize,
}

impl Bits {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Appends the low `count` bits, 1 to 64; the bits above must be zero.
    #[inline]
    pub(super) fn push(&mut self, bits: u64, count: usize) {
        let offset = self.len % 64;
        if offset == 0 {
            self.words.push(bits);
        } else {
            if let Some(last) = self.words.last_mut() {
                *last |= bits << offset;
            }
            if offset + count > 64 {
                self.words.push(bits >> (64 - offset));
            }
        }
        self.len += count;
    }

    /// Appends `count` zeros.
    pub(super) fn push_zeros(&mut self, count: usize) {
        self.len += count;
        self.words.resize(self.len.div_ceil(64), 0);
    }

    /// Takes back all behind the first `len` bits.
    pub(super) fn truncate(&mut self, len: usize) {
        self.words.truncate(len.div_ceil(64));
        if let (Some(last), used @ 1..) = (self.words.last_mut(), len % 64) {
            *last &= (1 << used) - 1;
        }
        self.len = len;
    }

    /// Clears those of the ones behind the first `from` bits that `stays` says no to; asks for each in turn.
    pub(super) fn retain_ones(&mut self, from: usize, mut stays: impl FnMut() -> bool) {
        for at in from..self.len {
            let bit = 1 << (at % 64);
            let word = &mut self.words[at / 64];
            if *word & bit != 0 && !stays() {
                *word &= !bit;
            }
        }
    }

    /// The bits as words, which are as many as they need.
    #[cfg(feature = "query")]
    pub(super) fn words(&self) -> &[u64] {
        &self.words
    }

    /// The bits as Arrow has them.
    #[cfg(feature = "query")]
    pub(super) fn into_buffer(self) -> arrow::buffer::BooleanBuffer {
        let words: Vec<u64> = self.words.into_iter().map(u64::to_le).collect();
        arrow::buffer::BooleanBuffer::new(words.into(), 0, self.len)
    }

    pub(super) fn clear(&mut self) {
        self.truncate(0);
    }

    /// The bits as bytes, the last one filled up with zeros.
    pub(super) fn write_packed(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend(self.words.iter().flat_map(|word| word.to_le_bytes()));
        out.truncate(start + self.len.div_ceil(8));
    }

    /// Parquet's RLE / bit-packing hybrid for levels of one bit: whole words of equal bits as runs,
    /// the rest packed ([Encodings.md, RLE = 3][spec]).
    ///
    /// [spec]: https://parquet.apache.org/docs/file-format/data-pages/encodings/
    pub(super) fn write_levels(&self, out: &mut Vec<u8>) {
        let full_words = self.len / 64;
        let mut at = 0;
        while at < self.words.len() {
            let word = self.words[at];
            if at < full_words && is_uniform(word) {
                let run = self.words[at..full_words].iter().take_while(|&&next| next == word).count();
                write_varint(out, (run as u64 * 64) << 1);
                out.push((word & 1) as u8);
                at += run;
            } else {
                let words = &self.words[at..self.words.len().min(at + PACKED_WORDS_MAX)];
                let run = 1 + words[1..].iter().take_while(|&&next| !is_uniform(next)).count();
                let bits = self.len.min((at + run) * 64) - at * 64;
                let groups = bits.div_ceil(8);
                out.push((groups << 1 | 1) as u8);
                let packed = words[..run].iter().flat_map(|word| word.to_le_bytes());
                out.extend(packed.take(groups));
                at += run;
            }
        }
    }
}

/// 7 words are 56 groups of 8, whose header still is one byte.
const PACKED_WORDS_MAX: usize = 7;

fn is_uniform(word: u64) -> bool {
    word == 0 || word == !0
}

/// Unsigned LEB128.
pub(super) fn write_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// What [`write_varint`] wrote, taken off the front; none at the end.
pub(super) fn read_varint(bytes: &mut &[u8]) -> Option<u64> {
    let (mut value, mut shift) = (0, 0);
    loop {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
        shift += 7;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads the hybrid back, as the specification says.
    fn read_levels(mut bytes: &[u8], len: usize) -> Vec<bool> {
        let mut levels = Vec::new();
        while levels.len() < len {
            let header = read_varint(&mut bytes).unwrap();
            if header & 1 == 1 {
                let groups = (header >> 1) as usize;
                levels.extend((0..groups * 8).map(|i| bytes[i / 8] >> (i % 8) & 1 == 1));
                bytes = &bytes[groups..];
            } else {
                levels.extend(std::iter::repeat_n(bytes[0] == 1, (header >> 1) as usize));
                bytes = &bytes[1..];
            }
        }
        assert!(bytes.is_empty());
        levels.truncate(len);
        levels
    }

    #[test]
    fn levels_read_back() {
        let mut rng = fastrand::Rng::with_seed(7);
        for _ in 0..500 {
            let mut bits = Bits::default();
            let mut want = Vec::new();
            for _ in 0..rng.usize(0..40) {
                let count = rng.usize(1..=64);
                let word = [0, !0, rng.u64(..)][rng.usize(..3)] & (!0 >> (64 - count));
                bits.push(word, count);
                want.extend((0..count).map(|i| word >> i & 1 == 1));
                if rng.usize(..8) == 0 {
                    let keep = rng.usize(..=want.len());
                    bits.truncate(keep);
                    want.truncate(keep);
                }
            }
            let mut out = Vec::new();
            bits.write_levels(&mut out);
            assert_eq!(read_levels(&out, want.len()), want);
            let mut packed = Vec::new();
            bits.write_packed(&mut packed);
            let read: Vec<_> = (0..want.len()).map(|i| packed[i / 8] >> (i % 8) & 1 == 1).collect();
            assert_eq!((read, packed.len()), (want.clone(), want.len().div_ceil(8)));
        }
    }
}
