//! Arrays of booleans.

use super::column::ArrayColumn;
use super::spread::nulls;
use crate::error::Result;
use crate::pages::bits::Bits;
use crate::pages::boolean::read_booleans;
use crate::pages::column::{Common, Decode};
use crate::pages::gather::{Fields, Spans};
use crate::pages::simd::Simd;
use arrow::array::{ArrayRef, BooleanArray};
use std::sync::Arc;

pub(super) struct BooleanColumnArray {
    common: Common,
    /// Those that are not NULL.
    values: Bits,
    committed: usize,
}

impl BooleanColumnArray {
    pub(super) fn new(common: Common) -> Self {
        Self { common, values: Bits::default(), committed: 0 }
    }
}

impl Decode for BooleanColumnArray {
    #[inline(always)]
    fn check<S: Simd>(&mut self, simd: S, fields: &Fields<'_>, spans: &mut Spans) -> bool {
        self.common.gather(simd, fields, spans) && read_booleans(fields, spans, &mut self.values).is_some()
    }

    #[inline(always)]
    fn commit<S: Simd>(&mut self, _: S, _: &Fields<'_>, _: &mut Spans) {
        self.common.commit(self.values.len() - self.committed);
        self.committed = self.values.len();
    }

    fn rollback(&mut self) {
        self.common.rollback();
        self.values.truncate(self.committed);
    }
}

impl ArrayColumn for BooleanColumnArray {
    fn bytes(&self) -> usize {
        self.values.len().div_ceil(8)
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        let values = std::mem::take(&mut self.values);
        self.committed = 0;
        let levels = self.common.take_levels();
        let values = spread_bits(values, &levels).into_buffer();
        Ok(Arc::new(BooleanArray::new(values, nulls(levels))))
    }
}

/// Puts each bit in its row; a zero stands where NULL is.
fn spread_bits(values: Bits, levels: &Bits) -> Bits {
    if values.len() == levels.len() {
        return values;
    }
    let mut rows = levels.clone();
    let mut at = 0;
    rows.retain_ones(0, || {
        let is_set = values.words()[at / 64] >> (at % 64) & 1 == 1;
        at += 1;
        is_set
    });
    rows
}
