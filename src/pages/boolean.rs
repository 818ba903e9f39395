//! Boolean columns.

use super::bits::Bits;
use super::bytes::Text;
use super::chunk::{ColumnChunk, DictionaryPage, PageTools};
use super::column::{Column, Common};
use super::fast;
use super::gather::{Fields, Spans};
use super::kind::exact_value;
use super::simd::Simd;
use crate::values;
use parquet::basic::Encoding;
use parquet::errors::Result;
use parquet::file::statistics::Statistics;

pub(super) struct BooleanColumn {
    common: Common,
    values: Bits,
    /// Values of the page that are committed.
    committed: usize,
    pending: (bool, bool),
    /// Whether there was a false, and a true.
    seen: (bool, bool),
}

impl BooleanColumn {
    pub(super) fn new(common: Common) -> Self {
        Self { common, values: Bits::default(), committed: 0, pending: (false, false), seen: (false, false) }
    }
}

fn exact_booleans<'a>(texts: impl Iterator<Item = Text<'a>>) -> Option<u64> {
    let mut bits = 0;
    for (i, text) in texts.enumerate() {
        bits |= u64::from(exact_value(text.bytes(), values::boolean).ok()?) << i;
    }
    Some(bits)
}

impl Column for BooleanColumn {
    #[inline(always)]
    fn check<S: Simd>(&mut self, simd: S, fields: &Fields<'_>, spans: &mut Spans) -> bool {
        if !self.common.gather(simd, fields, spans) {
            return false;
        }
        let (mut any_true, mut any_false) = (false, false);
        for spans in spans.chunks(64) {
            let texts = || spans.iter().map(|span| span.text(fields));
            let Some(bits) = fast::booleans(texts()).or_else(|| exact_booleans(texts())) else {
                return false;
            };
            any_true |= bits != 0;
            any_false |= (bits.count_ones() as usize) < spans.len();
            self.values.push(bits, spans.len());
        }
        self.pending = (any_false, any_true);
        true
    }

    #[inline(always)]
    fn commit<S: Simd>(&mut self, _: S, _: &Fields<'_>, _: &mut Spans) {
        self.common.commit(self.values.len() - self.committed);
        self.committed = self.values.len();
        self.seen = (self.seen.0 | self.pending.0, self.seen.1 | self.pending.1);
    }

    fn rollback(&mut self) {
        self.common.rollback();
        self.values.truncate(self.committed);
    }

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

    fn finish(&mut self, tools: &mut PageTools) -> Result<ColumnChunk> {
        self.flush(tools)?;
        let (min, max) = match std::mem::take(&mut self.seen) {
            (false, false) => (None, None),
            (any_false, any_true) => (Some(!any_false), Some(any_true)),
        };
        let nulls = Some(std::mem::take(&mut self.common.nulls));
        let statistics = Statistics::boolean(min, max, None, nulls, false);
        self.common.chunk.finish(tools, &self.common.descriptor, DictionaryPage::default(), statistics)
    }
}
