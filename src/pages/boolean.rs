//! Boolean columns.

use super::bits::Bits;
use super::bytes::Text;
use super::chunk::{ColumnChunk, DictionaryPage, PageTools};
use super::column::{Column, Common, Decode};
use super::fast;
use super::gather::{Fields, Spans};
use super::kind::exact_value;
use super::simd::Simd;
use crate::values::{self, Measure, Numbers};
use parquet::basic::Encoding;
use parquet::errors::Result;
use parquet::file::statistics::Statistics;

pub(super) struct BooleanColumn {
    common: Common,
    values: Bits,
    /// Values of the page that are committed.
    committed: usize,
    /// Falses and trues of the block that is being checked.
    pending: (u64, u64),
    /// Falses and trues of the chunk.
    seen: (u64, u64),
}

impl BooleanColumn {
    pub(super) fn new(common: Common) -> Self {
        Self { common, values: Bits::default(), committed: 0, pending: (0, 0), seen: (0, 0) }
    }
}

fn exact_booleans<'a>(texts: impl Iterator<Item = Text<'a>>) -> Option<u64> {
    let mut bits = 0;
    for (i, text) in texts.enumerate() {
        bits |= u64::from(exact_value(text.bytes(), values::boolean).ok()?) << i;
    }
    Some(bits)
}

/// Reads fields and appends them; how many are true, or none if one of them is no boolean.
#[inline(always)]
pub(super) fn read_booleans(fields: &Fields<'_>, spans: &Spans, values: &mut Bits) -> Option<u64> {
    let mut trues = 0;
    for spans in spans.chunks(64) {
        let texts = || spans.iter().map(|span| span.text(fields));
        let bits = fast::booleans(texts()).or_else(|| exact_booleans(texts()))?;
        trues += u64::from(bits.count_ones());
        values.push(bits, spans.len());
    }
    Some(trues)
}

impl Decode for BooleanColumn {
    #[inline(always)]
    fn check<S: Simd>(&mut self, simd: S, fields: &Fields<'_>, spans: &mut Spans) -> bool {
        if !self.common.gather(simd, fields, spans) {
            return false;
        }
        let Some(trues) = read_booleans(fields, spans, &mut self.values) else { return false };
        self.pending = (spans.len() as u64 - trues, trues);
        true
    }

    #[inline(always)]
    fn commit<S: Simd>(&mut self, _: S, _: &Fields<'_>, _: &mut Spans) {
        self.common.commit(self.values.len() - self.committed);
        self.committed = self.values.len();
        self.seen = (self.seen.0 + self.pending.0, self.seen.1 + self.pending.1);
    }

    fn rollback(&mut self) {
        self.common.rollback();
        self.values.truncate(self.committed);
    }
}

impl Column for BooleanColumn {
    fn page_bytes(&self) -> usize {
        self.values.len() / 8
    }

    fn flush(&mut self, tools: &mut PageTools) -> Result<()> {
        if self.common.levels.len() > 0 {
            let values = &self.values;
            let Common { chunk, levels, .. } = &mut self.common;
            chunk.data_page(tools, levels, Encoding::PLAIN, |page| values.write_packed(page))?;
            self.values.clear();
            self.committed = 0;
            self.common.page_done();
        }
        Ok(())
    }

    fn finish(&mut self, tools: &mut PageTools) -> Result<(ColumnChunk, Measure)> {
        self.flush(tools)?;
        let nulls = std::mem::take(&mut self.common.nulls);
        let range = match std::mem::take(&mut self.seen) {
            (0, 0) => None,
            (falses, trues) => Some((falses == 0, trues > 0, trues)),
        };
        let (min, max) = (range.map(|range| range.0), range.map(|range| range.1));
        let statistics = Statistics::boolean(min, max, None, Some(nulls), false);
        let Common { chunk, descriptor, .. } = &mut self.common;
        let chunk = chunk.finish(tools, descriptor, DictionaryPage::default(), statistics)?;
        let numbers = range.map(|(min, max, trues)| Numbers::Exact {
            min: min.into(),
            max: max.into(),
            sum: Some(trues.into()),
        });
        Ok((chunk, Measure { nulls, numbers, ..Measure::default() }))
    }
}
