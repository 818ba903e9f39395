//! Values of a block added up: exactly, and in loops that become SIMD.
//!
//! A block has fewer than 2³² values, so the halves of an integer do not overflow 64 bits.

use crate::values::float_summed;

/// Added to a signed number, this makes it an unsigned one in the same order.
const BIAS: u64 = 1 << 63;

#[inline(always)]
pub(super) fn of_i32(values: &[i32]) -> i128 {
    let mut sum = 0_i64;
    for &value in values {
        sum += i64::from(value);
    }
    sum.into()
}

/// The halves apart, as unsigned numbers: AVX2 has neither sums of 128 bits nor signed shifts of 64.
#[inline(always)]
pub(super) fn of_i64(values: &[i64]) -> i128 {
    let (mut low, mut high) = (0_u64, 0_u64);
    for &value in values {
        let biased = value.cast_unsigned() ^ BIAS;
        low += biased & u64::from(u32::MAX);
        high += biased >> 32;
    }
    (i128::from(high) << 32) + i128::from(low) - (i128::from(BIAS) * values.len() as i128)
}

/// In the order of the rows: another order would round otherwise.
#[inline(always)]
pub(super) fn of_f64(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(0.0, |sum, value| sum + float_summed(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_exact() {
        let mut rng = fastrand::Rng::with_seed(17);
        for len in [0, 1, 2, 7, 64, 1_000] {
            for ends in [&[i64::MIN, -1, 0, 1, i64::MAX][..], &[i64::MIN], &[i64::MAX]] {
                let values: Vec<i64> = (0..len)
                    .map(|_| if rng.bool() { ends[rng.usize(..ends.len())] } else { rng.i64(..) })
                    .collect();
                assert_eq!(of_i64(&values), values.iter().map(|&value| i128::from(value)).sum::<i128>());
                let small: Vec<i32> = values.iter().map(|&value| (value >> 32) as i32).collect();
                assert_eq!(of_i32(&small), small.iter().map(|&value| i128::from(value)).sum::<i128>());
            }
        }
        assert_eq!(of_f64([1.0, 1e300, 2.0, -1e300].into_iter()), 3.0);
    }
}
