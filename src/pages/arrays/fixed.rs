//! Arrays of fixed-width types.

use super::column::ArrayColumn;
use super::spread::{nulls, spread};
use crate::error::Result;
use crate::pages::column::{Common, Decode};
use crate::pages::fixed::read_values;
use crate::pages::gather::{Fields, Spans};
use crate::pages::kind::Kind;
use crate::pages::simd::Simd;
use arrow::array::ArrayRef;
use arrow::buffer::NullBuffer;

/// Makes the array of a type of its values, one for each row.
pub(super) type Make<V> = fn(Vec<V>, Option<NullBuffer>, &arrow::datatypes::DataType) -> ArrayRef;

pub(super) struct FixedArray<K: Kind> {
    common: Common,
    kind: K,
    /// Those that are not NULL.
    values: Vec<K::Value>,
    committed: usize,
    data_type: arrow::datatypes::DataType,
    make: Make<K::Value>,
}

impl<K: Kind> FixedArray<K> {
    pub(super) fn new(
        common: Common,
        kind: K,
        data_type: arrow::datatypes::DataType,
        make: Make<K::Value>,
    ) -> Self {
        Self { common, kind, values: Vec::new(), committed: 0, data_type, make }
    }
}

impl<K: Kind> Decode for FixedArray<K> {
    #[inline(always)]
    fn check<S: Simd>(&mut self, simd: S, fields: &Fields<'_>, spans: &mut Spans) -> bool {
        self.common.gather(simd, fields, spans)
            && read_values(&mut self.kind, simd, fields, spans, &mut self.values)
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

impl<K: Kind<Value: Default>> ArrayColumn for FixedArray<K> {
    fn bytes(&self) -> usize {
        size_of_val(self.values.as_slice())
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        let room = Vec::with_capacity(self.values.len());
        let values = std::mem::replace(&mut self.values, room);
        self.committed = 0;
        let levels = self.common.take_levels();
        let values = spread(values, &levels);
        Ok((self.make)(values, nulls(levels), &self.data_type))
    }
}
