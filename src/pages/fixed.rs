//! Columns of fixed-width types.

use super::bytes::Text;
use super::chunk::{ColumnChunk, DictionaryPage, PageTools, PlainPage};
use super::column::{COMMIT_VALUES, Column, Common, Decode};
use super::dictionary::IntegerDictionary;
use super::gather::{Fields, Spans};
use super::gauge::Gauge;
use super::indices::write_indices;
use super::kind::{Kind, exact_value};
use super::simd::Simd;
use crate::values::Measure;
use parquet::basic::Encoding;
use parquet::errors::Result;

pub(super) struct FixedColumn<K: Kind> {
    common: Common,
    kind: K,
    /// Values of the block that is being checked.
    pending: Vec<K::Value>,
    /// PLAIN values of the page.
    values: PlainPage,
    range: Option<(K::Value, K::Value)>,
    sum: K::Sum,
    dictionary: Option<Indexed>,
    allow_dictionary: bool,
    /// The dictionary page of the chunk, once pages use it.
    dictionary_page: Vec<u8>,
}

struct Indexed {
    dictionary: IntegerDictionary,
    indices: Vec<u16>,
    gauge: Gauge,
}

impl Indexed {
    fn new() -> Self {
        Self { dictionary: IntegerDictionary::new(), indices: Vec::new(), gauge: Gauge::default() }
    }

    /// The same, as if it were new.
    fn emptied(mut self) -> Self {
        self.dictionary.clear();
        self.indices.clear();
        self.gauge = Gauge::default();
        self
    }

    fn gives_up(&mut self, values: usize) -> bool {
        self.gauge.gives_up(values, self.dictionary.len()) || self.dictionary.is_full()
    }
}

impl<K: Kind> FixedColumn<K> {
    pub(super) fn new(common: Common, kind: K) -> Self {
        Self {
            common,
            kind,
            pending: Vec::new(),
            values: PlainPage::new(),
            range: None,
            sum: K::Sum::default(),
            dictionary: None,
            allow_dictionary: false,
            dictionary_page: Vec::new(),
        }
    }

    #[inline(always)]
    fn widen(&mut self) {
        let Some(&first) = self.pending.first() else { return };
        let (mut min, mut max) = self.range.unwrap_or((first, first));
        for &value in &self.pending {
            min = if value < min { value } else { min };
            max = if value > max { value } else { max };
        }
        self.range = Some((min, max));
        self.sum += self.kind.add_up(&self.pending);
    }

    #[inline(always)]
    fn keep(&mut self, values: &[K::Value]) {
        let Some(indexed) = &mut self.dictionary else {
            return self.kind.write(values, self.values.values());
        };
        for &value in values {
            let (index, is_new) = indexed.dictionary.index(self.kind.key(value));
            if is_new {
                self.kind.write(&[value], &mut self.dictionary_page);
            }
            indexed.indices.push(index as u16);
        }
        if indexed.gives_up(values.len()) {
            self.give_up_dictionary();
        }
    }

    fn begin_chunk(&mut self) {
        let used = self.dictionary.take();
        self.dictionary = self.allow_dictionary.then(|| used.map_or_else(Indexed::new, Indexed::emptied));
    }

    /// Bytes of a dictionary entry, at least 1.
    fn value_bytes(&self) -> usize {
        self.kind.dictionary_bytes().unwrap_or(1)
    }

    /// Writes the page's values out; pages that are done keep their indices.
    fn give_up_dictionary(&mut self) {
        let Some(indexed) = self.dictionary.take() else { return };
        let width = self.value_bytes();
        for index in indexed.indices {
            let at = usize::from(index) * width;
            self.values.values().extend_from_slice(&self.dictionary_page[at..at + width]);
        }
    }
}

/// Reads what the fast reader does not know.
#[cold]
fn read_exactly<K: Kind>(kind: &K, text: Text<'_>) -> Option<K::Value> {
    exact_value(text.bytes(), |value| kind.exact(value)).ok()
}

/// Reads fields and appends their values; false if any of them is wrong.
#[inline(always)]
pub(super) fn read_values<K: Kind>(
    kind: &mut K,
    simd: impl Simd,
    fields: &Fields<'_>,
    spans: &Spans,
    values: &mut Vec<K::Value>,
) -> bool {
    values.reserve(spans.len());
    // A loop and no closure: it is to be compiled for this instruction set.
    for span in spans.iter() {
        let text = span.text(fields);
        let value = match kind.fast(simd, text) {
            Some(value) => value,
            None => match read_exactly(kind, text) {
                Some(value) => value,
                None => return false,
            },
        };
        values.push(value);
    }
    true
}

impl<K: Kind> Decode for FixedColumn<K> {
    #[inline(always)]
    fn check<S: Simd>(&mut self, simd: S, fields: &Fields<'_>, spans: &mut Spans) -> bool {
        self.pending.clear();
        self.common.gather(simd, fields, spans)
            && read_values(&mut self.kind, simd, fields, spans, &mut self.pending)
    }

    #[inline(always)]
    fn commit<S: Simd>(&mut self, _: S, _: &Fields<'_>, _: &mut Spans) {
        self.widen();
        self.common.commit(self.pending.len());
        let pending = std::mem::take(&mut self.pending);
        pending.chunks(COMMIT_VALUES).for_each(|values| self.keep(values));
        self.pending = pending;
        self.pending.clear();
    }

    fn rollback(&mut self) {
        self.common.rollback();
        self.pending.clear();
    }
}

impl<K: Kind> Column for FixedColumn<K> {
    fn page_bytes(&self) -> usize {
        self.values.len() + self.dictionary.as_ref().map_or(0, |indexed| 2 * indexed.indices.len())
    }

    fn flush(&mut self, tools: &mut PageTools) -> Result<()> {
        if self.common.levels.len() == 0 {
            return Ok(());
        }
        let Common { chunk, levels, .. } = &mut self.common;
        match &mut self.dictionary {
            Some(indexed) if !indexed.indices.is_empty() => {
                let entries = indexed.dictionary.len();
                let write = |page: &mut Vec<u8>| write_indices(&indexed.indices, entries, page);
                chunk.data_page(tools, levels, Encoding::RLE_DICTIONARY, write)?;
                indexed.indices.clear();
            }
            _ => chunk.plain_page(tools, levels, &mut self.values)?,
        }
        self.common.page_done();
        Ok(())
    }

    fn finish(&mut self, tools: &mut PageTools) -> Result<(ColumnChunk, Measure)> {
        self.flush(tools)?;
        let nulls = std::mem::take(&mut self.common.nulls);
        let (range, sum) = (self.range.take(), std::mem::take(&mut self.sum));
        let numbers = range.map(|range| self.kind.numbers(range, sum));
        let statistics = self.kind.statistics(range, nulls);
        let dictionary = DictionaryPage {
            bytes: &self.dictionary_page,
            entries: self.dictionary_page.len() / self.value_bytes(),
        };
        let chunk = self.common.chunk.finish(tools, &self.common.descriptor, dictionary, statistics)?;
        self.dictionary_page.clear();
        self.begin_chunk();
        Ok((chunk, Measure { nulls, numbers, ..Measure::default() }))
    }

    fn keeps_dictionary(&self) -> bool {
        self.dictionary.as_ref().is_some_and(|indexed| indexed.gauge.pays())
    }

    fn allow_dictionary(&mut self, allowed: bool) {
        let allowed = allowed && self.kind.dictionary_bytes().is_some();
        self.allow_dictionary = allowed;
        if self.common.chunk.is_empty() && self.common.levels.len() == 0 {
            self.begin_chunk();
        }
    }
}
