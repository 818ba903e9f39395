//! Columns of text.

use super::bytes::Text;
use super::chunk::{ColumnChunk, DictionaryPage, PageTools, PlainPage};
use super::column::{COMMIT_VALUES, Column, Common};
use super::dictionary::TextDictionary;
use super::gather::{Fields, Spans};
use super::gauge::Gauge;
use super::hashed::Hashed;
use super::indices::write_indices;
use super::kind::exact_value;
use super::made::Made;
use super::options::{EncodeOptions, Overlong};
use super::simd::Simd;
use super::spans::Span;
use super::text_value::{append_value, cut_to_width, fits, lower_bound, may_be_wider, upper_bound};
use crate::csv::Blocks;
use crate::privacy::Rule as Privacy;
use crate::schema::{ColumnType, Width};
use crate::values::{self, Measure, Rule, Texts, hash_summed};
use parquet::basic::Encoding;
use parquet::data_type::ByteArray;
use parquet::errors::Result as ParquetResult;
use parquet::file::statistics::{Statistics, ValueStatistics};

/// The width that a text column's values are held to.
pub(super) fn width_of(spec: &crate::schema::OutputColumn, options: &EncodeOptions) -> Option<Width> {
    // What a rule of privacy makes has a length of its own: half a hash is none.
    if spec.privacy.has_form() {
        return None;
    }
    spec.width.or(options.text_bytes_max.map(Width::Bytes))
}

/// Whether a value that is too wide is cut. Only plain text is: anything else would lose its form, and half a domain is
/// another one.
pub(super) fn cuts(spec: &crate::schema::OutputColumn, options: &EncodeOptions) -> bool {
    spec.column_type.is_plain_text()
        && spec.privacy != Privacy::Domain
        && options.overlong == Overlong::Truncate
}

/// The form that a text must have, such as that of a UUID.
#[derive(Clone, Copy)]
pub(super) enum Form {
    Type(fn(&[u8]) -> Result<(), Rule>),
    /// That of what a rule of privacy makes.
    Made(Privacy),
}

impl Form {
    pub(super) fn check(self, value: &[u8]) -> Result<(), Rule> {
        match self {
            Self::Type(check) => check(value),
            Self::Made(rule) if rule.has_made(value) => Ok(()),
            Self::Made(_) => Err(Rule::Masked),
        }
    }
}

/// The form that the texts of a column must have, beyond being text.
pub(super) fn form_of(spec: &crate::schema::OutputColumn) -> Option<Form> {
    match (spec.column_type, spec.privacy) {
        (ColumnType::Uuid, _) => Some(Form::Type(values::uuid)),
        (ColumnType::Geography, _) => Some(Form::Type(values::geography)),
        // The column's width says what a prefix may be. What is made here has its form.
        (_, Privacy::Prefix(_)) => None,
        (_, rule) if rule.transforms() && spec.transform.is_none() => Some(Form::Made(rule)),
        _ => None,
    }
}

pub(super) struct TextColumn {
    common: Common,
    width: Option<Width>,
    cuts: bool,
    form: Option<Form>,
    plain: PlainPage,
    range: TextRange,
    dictionary: Option<(Gauge, Vec<u16>)>,
    entries: TextDictionary,
    allow_dictionary: bool,
    truncated: u64,
    texts: Texts,
    hashed: Option<Box<Hashed>>,
}

impl TextColumn {
    pub(super) fn new(common: Common, options: &EncodeOptions) -> Self {
        Self {
            width: width_of(&common.spec, options),
            cuts: cuts(&common.spec, options),
            form: form_of(&common.spec),
            hashed: common.spec.transform.as_ref().and_then(Hashed::of),
            common,
            plain: PlainPage::new(),
            range: TextRange::default(),
            dictionary: None,
            entries: TextDictionary::new(options.text_hashes),
            allow_dictionary: false,
            truncated: 0,
            texts: no_texts(options.text_hashes),
        }
    }

    fn has_checks(&self) -> bool {
        !self.common.spec.nullable || self.form.is_some() || (self.width.is_some() && !self.cuts)
    }

    /// Whether the lengths alone say that nothing in the block is wrong: cheaper than to look at each field.
    fn is_surely_sound(&self, fields: &Fields<'_>) -> bool {
        // A small letter may have twice the bytes of its capital, and no more.
        let grows = if self.common.spec.transform.is_some() { 2 } else { 1 };
        let fits = |width| !may_be_wider(grows * fields.longest(self.common.spec.field), width);
        self.common.spec.nullable && self.form.is_none() && self.width.is_none_or(fits)
    }

    fn is_sound(&self, raw: Text<'_>) -> bool {
        let fits = match self.width {
            Some(width) if !self.cuts && may_be_wider(raw.len, width) => fits(raw, width),
            _ => true,
        };
        fits && self.form.is_none_or(|form| exact_value(raw.bytes(), |value| form.check(value)).is_ok())
    }

    fn are_sound(&self, fields: &Fields<'_>, spans: &[Span]) -> bool {
        spans.iter().map(|span| span.text(fields)).all(|text| self.is_sound(text))
    }

    /// Adds fields that are no wider than they may be.
    #[inline(always)]
    fn push(&mut self, simd: impl Simd, fields: &Fields<'_>, spans: &[Span]) {
        if let Some((_, indices)) = &mut self.dictionary {
            let first = indices.len();
            self.entries.index_all(simd, fields, spans, indices);
            return self.entries.add_up(&indices[first..], &mut self.texts);
        }
        self.push_plain(spans, |span, plain| append_value(simd, span.text(fields), plain));
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

    #[inline(always)]
    fn push_all(&mut self, simd: impl Simd, fields: &Fields<'_>, spans: &[Span]) {
        let longest = spans.iter().map(Span::len).max().unwrap_or(0);
        let Some(width) = self.width.filter(|&width| self.cuts && may_be_wider(longest, width)) else {
            return self.push(simd, fields, spans);
        };
        spans.iter().for_each(|span| self.push_cut(simd, fields, *span, width));
    }

    /// Adds a field that may be too wide.
    #[cold]
    fn push_cut(&mut self, simd: impl Simd, fields: &Fields<'_>, span: Span, width: Width) {
        let Some(cut) = cut_to_width(span.text(fields), width) else {
            return self.push(simd, fields, &[span]);
        };
        self.truncated += 1;
        let blocks = Blocks::from_records(&cut, 0);
        let block = blocks.first();
        let span = Span::new(block.start(), cut.len());
        self.push(simd, &fields.in_buffer(block.buffer()), &[span]);
    }
}

impl TextColumn {
    /// Adds the fields of a block, page by page.
    #[inline(always)]
    fn keep(&mut self, simd: impl Simd, fields: &Fields<'_>, spans: &[Span]) {
        for spans in spans.chunks(COMMIT_VALUES) {
            match self.hashed.take() {
                Some(mut hashed) => {
                    self.push_hashed(simd, fields, spans, &mut hashed);
                    self.hashed = Some(hashed);
                }
                None => self.push_all(simd, fields, spans),
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

    /// Writes the page's values out; pages that are done keep their indices.
    fn give_up_dictionary(&mut self) {
        let Some((_, indices)) = self.dictionary.take() else { return };
        for index in indices {
            self.plain.values().extend_from_slice(self.entries.plain(index));
        }
    }
}

impl Column for TextColumn {
    #[inline(always)]
    fn check<S: Simd>(&mut self, simd: S, fields: &Fields<'_>, spans: &mut Spans) -> bool {
        if !self.has_checks() || self.is_surely_sound(fields) {
            return true;
        }
        let sound = self.common.gather(simd, fields, spans)
            && match &self.common.spec.transform {
                // Nothing is asked of the values: it was for NULLs alone.
                _ if self.width.is_none() && self.form.is_none() => true,
                None => self.are_sound(fields, spans),
                Some(transform) => {
                    let made = Made::of(transform, fields, spans);
                    self.are_sound(&fields.in_buffer(made.blocks.first().buffer()), &made.spans)
                }
            };
        // `commit` gathers again.
        self.common.rollback();
        sound
    }

    #[inline(always)]
    fn commit<S: Simd>(&mut self, simd: S, fields: &Fields<'_>, spans: &mut Spans) {
        self.common.gather(simd, fields, spans);
        if let Some(transform) = self.common.spec.transform.as_ref().filter(|_| self.hashed.is_none()) {
            let made = Made::of(transform, fields, spans);
            self.common.retain(&made.stay);
            self.common.commit(made.spans.len());
            return self.keep(simd, &fields.in_buffer(made.blocks.first().buffer()), &made.spans);
        }
        self.common.commit(spans.len());
        self.keep(simd, fields, spans);
    }

    fn rollback(&mut self) {
        self.common.rollback();
    }

    fn page_bytes(&self) -> usize {
        self.plain.len() + self.dictionary.as_ref().map_or(0, |(_, indices)| 2 * indices.len())
    }

    fn flush(&mut self, tools: &mut PageTools) -> ParquetResult<()> {
        if self.common.levels.len() == 0 {
            return Ok(());
        }
        let Common { chunk, levels, .. } = &mut self.common;
        match &mut self.dictionary {
            Some((_, indices)) if !indices.is_empty() => {
                let entries = self.entries.len();
                let write = |page: &mut Vec<u8>| write_indices(indices, entries, page);
                chunk.data_page(tools, levels, Encoding::RLE_DICTIONARY, write)?;
                indices.clear();
            }
            _ => chunk.plain_page(tools, levels, &mut self.plain)?,
        }
        self.common.page_done();
        Ok(())
    }

    fn finish(&mut self, tools: &mut PageTools) -> ParquetResult<(ColumnChunk, Measure)> {
        self.flush(tools)?;
        plain_values(self.entries.page()).for_each(|value| self.range.widen(value));
        let nulls = std::mem::take(&mut self.common.nulls);
        let statistics = std::mem::take(&mut self.range).statistics(nulls);
        let dictionary = DictionaryPage { bytes: self.entries.page(), entries: self.entries.len() };
        let chunk = self.common.chunk.finish(tools, &self.common.descriptor, dictionary, statistics)?;
        self.entries.clear();
        self.hashed.iter_mut().for_each(|hashed| hashed.clear());
        self.dictionary = self.allow_dictionary.then(Default::default);
        let empty = no_texts(self.texts.hashes.is_some());
        let texts = std::mem::replace(&mut self.texts, empty);
        let truncated = std::mem::take(&mut self.truncated);
        Ok((chunk, Measure { nulls, truncated, texts, numbers: None }))
    }

    fn keeps_dictionary(&self) -> bool {
        self.dictionary.as_ref().is_some_and(|(gauge, _)| gauge.pays())
    }

    fn allow_dictionary(&mut self, allowed: bool) {
        self.allow_dictionary = allowed;
        if self.common.chunk.is_empty() && self.common.levels.len() == 0 {
            self.dictionary = allowed.then(Default::default);
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
