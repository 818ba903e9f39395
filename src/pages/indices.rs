//! Dictionary indices as Parquet packs them.

use super::bits::write_varint;

/// Equal indices in a row from which on a run is shorter than packing.
const RUN_MIN: usize = 64;
/// Groups of eight whose header still is one byte.
const PACKED_GROUPS_MAX: usize = 63;

/// Bits that an index into `entries` entries needs, at least 1.
pub(super) fn index_bits(entries: usize) -> u32 {
    usize::BITS - entries.saturating_sub(1).max(1).leading_zeros()
}

/// Appends the bit width and the RLE / bit-packing hybrid of the indices
/// ([Encodings.md, RLE_DICTIONARY = 8](https://parquet.apache.org/docs/file-format/data-pages/encodings/)).
pub(super) fn write_indices(indices: &[u16], entries: usize, out: &mut Vec<u8>) {
    let bits = index_bits(entries);
    out.push(bits as u8);
    let mut rest = indices;
    while !rest.is_empty() {
        let run = run_length(rest);
        if run >= RUN_MIN {
            write_varint(out, (run as u64) << 1);
            out.extend_from_slice(&rest[0].to_le_bytes()[..bits.div_ceil(8) as usize]);
            rest = &rest[run..];
        } else {
            let groups = rest.len().div_ceil(8).min(PACKED_GROUPS_MAX);
            out.push((groups << 1 | 1) as u8);
            let packed = rest.len().min(groups * 8);
            pack(&rest[..packed], bits, out);
            rest = &rest[packed..];
        }
    }
}

fn run_length(indices: &[u16]) -> usize {
    let first = indices[0];
    // Most rows differ within the minimum: look there first.
    if indices.get(RUN_MIN - 1) != Some(&first) {
        return 1;
    }
    indices.iter().take_while(|&&index| index == first).count()
}

fn pack(indices: &[u16], bits: u32, out: &mut Vec<u8>) {
    let (groups, rest) = indices.as_chunks::<8>();
    for group in groups {
        pack_group(group, bits, out);
    }
    if !rest.is_empty() {
        let mut group = [0; 8];
        group[..rest.len()].copy_from_slice(rest);
        pack_group(&group, bits, out);
    }
}

#[inline]
fn pack_group(group: &[u16; 8], bits: u32, out: &mut Vec<u8>) {
    let four = |i: usize| {
        group[i..i + 4].iter().rev().fold(0u64, |packed, &index| packed << bits | u64::from(index))
    };
    let packed = u128::from(four(0)) | u128::from(four(4)) << (4 * bits);
    out.extend_from_slice(&packed.to_le_bytes()[..bits as usize]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::bits::read_varint;
    use crate::pages::for_tests::rounds;

    fn read(mut bytes: &[u8], len: usize) -> Vec<u16> {
        let bits = u32::from(bytes[0]);
        bytes = &bytes[1..];
        let mut indices = Vec::new();
        while indices.len() < len {
            let header = read_varint(&mut bytes).unwrap();
            let count = (header >> 1) as usize;
            if header & 1 == 0 {
                let mut value = [0; 2];
                let width = bits.div_ceil(8) as usize;
                value[..width].copy_from_slice(&bytes[..width]);
                indices.extend(std::iter::repeat_n(u16::from_le_bytes(value), count));
                bytes = &bytes[width..];
            } else {
                for i in 0..count * 8 {
                    let at = i * bits as usize;
                    let value = (0..bits as usize)
                        .map(|bit| u16::from(bytes[(at + bit) / 8] >> ((at + bit) % 8) & 1) << bit)
                        .sum();
                    indices.push(value);
                }
                bytes = &bytes[count * bits as usize..];
            }
        }
        assert!(bytes.is_empty());
        indices.truncate(len);
        indices
    }

    #[test]
    fn indices_read_back() {
        let mut rng = fastrand::Rng::with_seed(3);
        for round in 0..rounds(400).max(13) {
            let entries = [1, 2, 3, 4, 5, 16, 17, 255, 256, 257, 4096, 40_000, 65_536][round % 13];
            let mut want = Vec::new();
            while want.len() < rng.usize(1..3000) {
                let index = rng.usize(..entries) as u16;
                let repeat = if rng.usize(..20) == 0 { rng.usize(1..300) } else { 1 };
                want.extend(std::iter::repeat_n(index, repeat));
            }
            let mut out = Vec::new();
            write_indices(&want, entries, &mut out);
            assert_eq!(read(&out, want.len()), want, "{entries} entries");
        }
    }
}
