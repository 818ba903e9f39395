//! Undoes the run lengths around everything else: four equal bytes are followed by a count of more.

use super::kernel::Kernel;

/// Equal bytes after which a count follows.
const RUN_BYTES: usize = 4;

/// How far a block is expanded. Output may be taken in slices of any size.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expander {
    kernel: Kernel,
    /// Bytes of the block that are dealt with.
    at: usize,
    /// What is left of a run.
    byte: u8,
    pending: usize,
}

/// A block ends after four equal bytes, without their count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CountMissing;

impl Expander {
    /// At the beginning of a block.
    pub(super) fn new(kernel: Kernel) -> Self {
        Self { kernel, at: 0, byte: 0, pending: 0 }
    }

    /// Whether all of the block has been given out.
    pub(super) fn is_done(&self, block: &[u8]) -> bool {
        self.at == block.len() && self.pending == 0
    }

    /// Writes as much as there is or as fits; gives the number of bytes.
    pub(super) fn expand(&mut self, block: &[u8], out: &mut [u8]) -> Result<usize, CountMissing> {
        let mut written = 0;
        loop {
            let room = &mut out[written..];
            let run = self.pending.min(room.len());
            room[..run].fill(self.byte);
            self.pending -= run;
            written += run;
            let (room, rest) = (&mut out[written..], &block[self.at..]);
            if room.is_empty() || rest.is_empty() {
                return Ok(written);
            }
            let plain = find_run(self.kernel, &rest[..rest.len().min(room.len() + RUN_BYTES)]);
            if plain >= room.len() {
                room.copy_from_slice(&rest[..room.len()]);
                self.at += room.len();
                return Ok(written + room.len());
            }
            room[..plain].copy_from_slice(&rest[..plain]);
            written += plain;
            self.at += plain;
            if plain < rest.len() {
                let count = rest.get(plain + RUN_BYTES).ok_or(CountMissing)?;
                self.byte = rest[plain];
                self.pending = RUN_BYTES + usize::from(*count);
                self.at += RUN_BYTES + 1;
            }
        }
    }
}

/// Index of the first of four equal bytes, or the length.
fn find_run(kernel: Kernel, data: &[u8]) -> usize {
    let from = match kernel {
        #[cfg(target_arch = "x86_64")]
        Kernel::Avx2 | Kernel::Avx512 => {
            // SAFETY: these kernels exist only on processors that have AVX2 (`Kernel::is_available`).
            match unsafe { find_run_avx2(data) } {
                Ok(found) => return found,
                Err(from) => from,
            }
        }
        _ => 0,
    };
    find_run_portable(data, from)
}

fn find_run_portable(data: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some([a, b, c, d]) = data.get(at..at + RUN_BYTES) {
        // The last unequal pair says where a run can begin at the earliest.
        at += match (c == d, b == c, a == b) {
            (false, ..) => 3,
            (true, false, _) => 2,
            (true, true, false) => 1,
            (true, true, true) => return at,
        };
    }
    data.len()
}

/// The index, or else up to where there is none.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn find_run_avx2(data: &[u8]) -> Result<usize, usize> {
    use std::arch::x86_64::*;
    const WIDTH: usize = 32;
    let mut at = 0;
    while let Some(bytes) = data.get(at..at + WIDTH + RUN_BYTES - 1) {
        // SAFETY: `bytes` holds a whole register at each of the four offsets; the loads need no alignment.
        let [a, b, c, d] =
            std::array::from_fn(|i| unsafe { _mm256_loadu_si256(bytes.as_ptr().add(i).cast()) });
        let pairs = _mm256_and_si256(_mm256_cmpeq_epi8(a, b), _mm256_cmpeq_epi8(b, c));
        let found = _mm256_movemask_epi8(_mm256_and_si256(pairs, _mm256_cmpeq_epi8(c, d))) as u32;
        if found != 0 {
            return Ok(at + found.trailing_zeros() as usize);
        }
        at += WIDTH;
    }
    Err(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expand(kernel: Kernel, block: &[u8], slice: usize) -> Result<Vec<u8>, CountMissing> {
        let mut expander = Expander::new(kernel);
        let mut out = Vec::new();
        while !expander.is_done(block) {
            let mut room = vec![0; slice];
            let written = expander.expand(block, &mut room)?;
            out.extend_from_slice(&room[..written]);
        }
        Ok(out)
    }

    #[test]
    fn runs_come_back_in_slices_of_any_size() {
        let long = [b"x".repeat(4), vec![255], b"y".repeat(4), vec![0], b"z".repeat(3)].concat();
        for (block, expected) in [
            (&b""[..], Ok(Vec::new())),
            (b"abc", Ok(b"abc".to_vec())),
            (b"aaaa\0", Ok(b"aaaa".to_vec())),
            (b"aaaa\x02aaaa\x01b", Ok(b"aaaaaaaaaaab".to_vec())),
            (b"baaaaa", Ok([&b"b"[..], &b"a".repeat(4 + 97)].concat())),
            (b"aaaa\x61aaab", Ok([b"a".repeat(4 + 97 + 3), b"b".to_vec()].concat())),
            (&long, Ok([b"x".repeat(259), b"y".repeat(4), b"z".repeat(3)].concat())),
            (b"aaaa", Err(CountMissing)),
            (b"0123456789012345678901234567890123456789aaaa", Err(CountMissing)),
        ] {
            for kernel in Kernel::available() {
                for slice in [1, 2, 3, 5, 7, 64, 1000] {
                    assert_eq!(expand(kernel, block, slice), expected, "{kernel:?} {slice}");
                }
            }
        }
    }
}
