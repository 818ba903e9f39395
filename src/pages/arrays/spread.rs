//! From values without NULLs, and a level for each row, to a value for each row.

use crate::pages::bits::Bits;
use arrow::buffer::NullBuffer;

/// Puts each value in its row; a default stands where NULL is.
pub(super) fn spread<V: Copy + Default>(values: Vec<V>, levels: &Bits) -> Vec<V> {
    if values.len() == levels.len() {
        return values;
    }
    let mut rows = vec![V::default(); levels.len()];
    let mut next = values.as_slice();
    for (rows, &word) in rows.chunks_mut(64).zip(levels.words()) {
        let (these, rest) = next.split_at(next.len().min(word.count_ones() as usize));
        next = rest;
        if these.len() == rows.len() {
            rows.copy_from_slice(these);
            continue;
        }
        let mut left = word;
        for &value in these {
            rows[left.trailing_zeros() as usize] = value;
            left &= left - 1;
        }
    }
    rows
}

/// Which rows are not NULL; none if all are.
pub(super) fn nulls(levels: Bits) -> Option<NullBuffer> {
    Some(NullBuffer::new(levels.into_buffer())).filter(|nulls| nulls.null_count() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::for_tests::{rounds, seed};

    #[test]
    fn each_value_stands_in_its_row() {
        let mut rng = fastrand::Rng::with_seed(seed());
        for _ in 0..rounds(300) {
            let share = rng.u8(..);
            let rows: Vec<Option<u32>> =
                (0..rng.usize(..400)).map(|_| (rng.u8(..) <= share).then(|| rng.u32(1..))).collect();
            let mut levels = Bits::default();
            rows.iter().for_each(|row| levels.push(u64::from(row.is_some()), 1));
            let want: Vec<u32> = rows.iter().map(|row| row.unwrap_or_default()).collect();
            assert_eq!(spread(rows.iter().copied().flatten().collect(), &levels), want, "{rows:?}");
            let found = nulls(levels);
            let is_null = |at: usize| found.as_ref().is_some_and(|nulls| nulls.is_null(at));
            assert!(rows.iter().enumerate().all(|(at, row)| row.is_none() == is_null(at)), "{rows:?}");
        }
    }
}
