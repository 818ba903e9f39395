//! Columns of text.

use super::chunk::{ColumnChunk, DictionaryPage, PageTools, PlainPage};
use super::column::{COMMIT_VALUES, Column, Common, Decode};
use super::dictionary::TextDictionary;
use super::gather::{Fields, Spans};
use super::gauge::Gauge;
use super::hashed::Hashed;
use super::indices::write_indices;
use super::options::EncodeOptions;
use super::simd::Simd;
use super::spans::Span;
use super::text_fields::{Keep, TextFields};
use super::text_value::{append_value, lower_bound, upper_bound};
use crate::values::{Measure, Texts, hash_summed};
use parquet::basic::Encoding;
use parquet::data_type::ByteArray;
use parquet::errors::Result as ParquetResult;
use parquet::file::statistics::{Statistics, ValueStatistics};

pub(super) struct TextColumn {
    text: TextFields,
    pages: TextPages,
}

/// The texts of a column chunk.
struct TextPages {
    plain: PlainPage,
    range: TextRange,
    dictionary: Option<(Gauge, Vec<u16>)>,
    entries: TextDictionary,
    allow_dictionary: bool,
    texts: Texts,
    hashed: Option<Box<Hashed>>,
}

impl TextColumn {
    pub(super) fn new(common: Common, options: &EncodeOptions) -> Self {
        let pages = TextPages {
            plain: PlainPage::new(),
            range: TextRange::default(),
            dictionary: None,
            entries: TextDictionary::new(options.text_hashes),
            allow_dictionary: false,
            texts: no_texts(options.text_hashes),
            hashed: common.spec.transform.as_ref().and_then(Hashed::of),
        };
        Self { text: TextFields::new(common, options), pages }
    }
}

impl TextPages {
    /// Writes the page's values out; pages that are done keep their indices.
    fn give_up_dictionary(&mut self) {
        let Some((_, indices)) = self.dictionary.take() else { return };
        for index in indices {
            self.plain.values().extend_from_slice(self.entries.plain(index));
        }
    }
}

impl TextPages {
    /// Adds the hashes of fields.
    #[inline(always)]
    fn push_hashed(&mut self, simd: impl Simd, fields: &Fields<'_>, spans: &[Span], hashed: &mut Hashed) {
        let Some((_, indices)) = &mut self.dictionary else {
            return self.push_plain(spans, |span, plain| hashed.append(simd, span.text(fields), plain));
        };
        let first = indices.len();
        hashed.index_all(simd, fields, spans, &mut self.entries, indices);
        self.entries.add_up(&indices[first..], &mut self.texts);
    }

    /// Adds values without a dictionary; `append` appends one, and its length before it.
    #[inline(always)]
    fn push_plain(&mut self, spans: &[Span], mut append: impl FnMut(&Span, &mut Vec<u8>)) {
        let plain = self.plain.values();
        let (first, mut empties) = (plain.len(), 0);
        for span in spans {
            let at = plain.len() + 4;
            append(span, plain);
            let value = &plain[at..];
            empties += u64::from(value.is_empty());
            self.range.widen(value);
        }
        self.texts.empties += empties;
        self.texts.bytes += (plain.len() - first - 4 * spans.len()) as u64;
        if let Some(hashes) = &mut self.texts.hashes {
            *hashes += plain_values(&plain[first..]).map(hash_summed).sum::<i128>();
        }
    }
}

impl Keep for TextPages {
    /// Page by page.
    #[inline(always)]
    fn keep<S: Simd>(&mut self, simd: S, text: &mut TextFields, fields: &Fields<'_>, spans: &[Span]) {
        for spans in spans.chunks(COMMIT_VALUES) {
            match self.hashed.take() {
                Some(mut hashed) => {
                    self.push_hashed(simd, fields, spans, &mut hashed);
                    self.hashed = Some(hashed);
                }
                None => text.push_all(simd, fields, spans, self),
            }
            let entries = self.entries.len();
            let gives_up = match &mut self.dictionary {
                Some((gauge, _)) => gauge.gives_up(spans.len(), entries) || self.entries.is_full(),
                None => false,
            };
            if gives_up {
                self.give_up_dictionary();
            }
        }
    }

    #[inline(always)]
    fn push<S: Simd>(&mut self, simd: S, fields: &Fields<'_>, spans: &[Span]) {
        if let Some((_, indices)) = &mut self.dictionary {
            let first = indices.len();
            self.entries.index_all(simd, fields, spans, indices);
            return self.entries.add_up(&indices[first..], &mut self.texts);
        }
        self.push_plain(spans, |span, plain| append_value(simd, span.text(fields), plain));
    }

    fn makes(&self) -> bool {
        self.hashed.is_some()
    }
}

impl Decode for TextColumn {
    #[inline(always)]
    fn check<S: Simd>(&mut self, simd: S, fields: &Fields<'_>, spans: &mut Spans) -> bool {
        self.text.check(simd, fields, spans)
    }

    #[inline(always)]
    fn commit<S: Simd>(&mut self, simd: S, fields: &Fields<'_>, spans: &mut Spans) {
        self.text.commit(simd, fields, spans, &mut self.pages);
    }

    fn rollback(&mut self) {
        self.text.common.rollback();
    }
}

impl Column for TextColumn {
    fn page_bytes(&self) -> usize {
        self.pages.plain.len() + self.pages.dictionary.as_ref().map_or(0, |(_, indices)| 2 * indices.len())
    }

    fn flush(&mut self, tools: &mut PageTools) -> ParquetResult<()> {
        if self.text.common.levels.len() == 0 {
            return Ok(());
        }
        let Common { chunk, levels, .. } = &mut self.text.common;
        match &mut self.pages.dictionary {
            Some((_, indices)) if !indices.is_empty() => {
                let entries = self.pages.entries.len();
                let write = |page: &mut Vec<u8>| write_indices(indices, entries, page);
                chunk.data_page(tools, levels, Encoding::RLE_DICTIONARY, write)?;
                indices.clear();
            }
            _ => chunk.plain_page(tools, levels, &mut self.pages.plain)?,
        }
        self.text.common.page_done();
        Ok(())
    }

    fn finish(&mut self, tools: &mut PageTools) -> ParquetResult<(ColumnChunk, Measure)> {
        self.flush(tools)?;
        plain_values(self.pages.entries.page()).for_each(|value| self.pages.range.widen(value));
        let nulls = std::mem::take(&mut self.text.common.nulls);
        let statistics = std::mem::take(&mut self.pages.range).statistics(nulls);
        let dictionary =
            DictionaryPage { bytes: self.pages.entries.page(), entries: self.pages.entries.len() };
        let chunk =
            self.text.common.chunk.finish(tools, &self.text.common.descriptor, dictionary, statistics)?;
        self.pages.entries.clear();
        self.pages.hashed.iter_mut().for_each(|hashed| hashed.clear());
        self.pages.dictionary = self.pages.allow_dictionary.then(Default::default);
        let empty = no_texts(self.pages.texts.hashes.is_some());
        let texts = std::mem::replace(&mut self.pages.texts, empty);
        let truncated = std::mem::take(&mut self.text.truncated);
        Ok((chunk, Measure { nulls, truncated, texts, numbers: None }))
    }

    fn keeps_dictionary(&self) -> bool {
        self.pages.dictionary.as_ref().is_some_and(|(gauge, _)| gauge.pays())
    }

    fn allow_dictionary(&mut self, allowed: bool) {
        self.pages.allow_dictionary = allowed;
        if self.text.common.chunk.is_empty() && self.text.common.levels.len() == 0 {
            self.pages.dictionary = allowed.then(Default::default);
        }
    }
}

/// No texts yet.
fn no_texts(hashed: bool) -> Texts {
    Texts { hashes: hashed.then_some(0), ..Texts::default() }
}

/// The values of a PLAIN page that we wrote.
fn plain_values(mut page: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (len, rest) = page.split_first_chunk()?;
        let (value, rest) = rest.split_at_checked(u32::from_le_bytes(*len) as usize)?;
        page = rest;
        Some(value)
    })
}

/// The least and the greatest text. Most comparisons end at the first eight bytes, as one number.
#[derive(Default)]
struct TextRange {
    bounds: Option<(Vec<u8>, Vec<u8>)>,
    prefixes: (u64, u64),
}

impl TextRange {
    #[inline(always)]
    fn widen(&mut self, value: &[u8]) {
        let prefix = prefix(value);
        let (min, max) = self.prefixes;
        // No text has a NUL, so one of fewer than eight bytes that ties with a bound is that bound.
        let ties = (prefix == min || prefix == max) && value.len() >= size_of_val(&prefix);
        if prefix < min || prefix > max || ties || self.bounds.is_none() {
            self.widen_exactly(value, prefix);
        }
    }

    #[cold]
    fn widen_exactly(&mut self, value: &[u8], prefix: u64) {
        let Some((min, max)) = &mut self.bounds else {
            self.bounds = Some((value.to_vec(), value.to_vec()));
            self.prefixes = (prefix, prefix);
            return;
        };
        if value < min.as_slice() {
            value.clone_into(min);
            self.prefixes.0 = prefix;
        }
        if value > max.as_slice() {
            value.clone_into(max);
            self.prefixes.1 = prefix;
        }
    }

    fn statistics(self, nulls: u64) -> Statistics {
        let (min, max) = match &self.bounds {
            Some((min, max)) => (Some(lower_bound(min)), upper_bound(max)),
            None => (None, None),
        };
        let (min_is_exact, max_is_exact) =
            (min.as_ref().is_some_and(|m| m.1), max.as_ref().is_some_and(|m| m.1));
        let bound = |bound: Option<(Vec<u8>, bool)>| bound.map(|(bytes, _)| ByteArray::from(bytes));
        let values = ValueStatistics::new(bound(min), bound(max), None, Some(nulls), false);
        Statistics::ByteArray(values.with_min_is_exact(min_is_exact).with_max_is_exact(max_is_exact))
    }
}

#[inline(always)]
fn prefix(value: &[u8]) -> u64 {
    match value.first_chunk() {
        Some(bytes) => u64::from_be_bytes(*bytes),
        None => {
            let mut bytes = [0; 8];
            bytes[..value.len()].copy_from_slice(value);
            u64::from_be_bytes(bytes)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::for_tests::{rounds, seed};

    #[test]
    fn the_range_is_that_of_the_sorted_texts() {
        let mut rng = fastrand::Rng::with_seed(seed());
        for _ in 0..rounds(20_000) {
            // Few letters and lengths about eight, so that prefixes tie.
            let text = |rng: &mut fastrand::Rng| -> Vec<u8> {
                (0..rng.usize(..12)).map(|at| if at < 6 { b'a' } else { rng.u8(b'a'..b'd') }).collect()
            };
            let texts: Vec<_> = (0..rng.usize(1..8)).map(|_| text(&mut rng)).collect();
            let mut range = TextRange::default();
            texts.iter().for_each(|text| range.widen(text));
            let (min, max) = range.bounds.unwrap();
            assert_eq!((Some(&min), Some(&max)), (texts.iter().min(), texts.iter().max()), "{texts:?}");
        }
    }
}
