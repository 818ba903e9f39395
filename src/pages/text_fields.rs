//! The fields of a text column: what must hold of them, and what they become before they are kept.

use super::bytes::Text;
use super::column::Common;
use super::gather::{Fields, Spans};
use super::kind::exact_value;
use super::made::Made;
use super::options::{EncodeOptions, Overlong};
use super::simd::Simd;
use super::spans::Span;
use super::text_value::{cut_to_width, fits, may_be_wider};
use crate::csv::Blocks;
use crate::privacy::Rule as Privacy;
use crate::schema::{ColumnType, Width};
use crate::values::{self, Rule};

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

/// What keeps the texts of a column.
pub(super) trait Keep {
    /// Adds the fields of a block; [`TextFields::push_all`] cuts those that are too wide.
    fn keep<S: Simd>(&mut self, simd: S, text: &mut TextFields, fields: &Fields<'_>, spans: &[Span]);

    /// Adds fields that are no wider than they may be.
    fn push<S: Simd>(&mut self, simd: S, fields: &Fields<'_>, spans: &[Span]);

    /// Whether it makes by itself what the column's rule of privacy makes of each value.
    fn makes(&self) -> bool {
        false
    }
}

/// See the module's description.
pub(super) struct TextFields {
    pub(super) common: Common,
    width: Option<Width>,
    cuts: bool,
    form: Option<Form>,
    /// Values that were cut.
    pub(super) truncated: u64,
}

impl TextFields {
    pub(super) fn new(common: Common, options: &EncodeOptions) -> Self {
        Self {
            width: width_of(&common.spec, options),
            cuts: cuts(&common.spec, options),
            form: form_of(&common.spec),
            common,
            truncated: 0,
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

    /// See [`Decode::check`](super::column::Decode::check).
    #[inline(always)]
    pub(super) fn check(&mut self, simd: impl Simd, fields: &Fields<'_>, spans: &mut Spans) -> bool {
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

    /// See [`Decode::commit`](super::column::Decode::commit).
    #[inline(always)]
    pub(super) fn commit<S: Simd>(
        &mut self,
        simd: S,
        fields: &Fields<'_>,
        spans: &mut Spans,
        kept: &mut impl Keep,
    ) {
        self.common.gather(simd, fields, spans);
        if let Some(transform) = self.common.spec.transform.as_ref().filter(|_| !kept.makes()) {
            let made = Made::of(transform, fields, spans);
            self.common.retain(&made.stay);
            self.common.commit(made.spans.len());
            return kept.keep(simd, self, &fields.in_buffer(made.blocks.first().buffer()), &made.spans);
        }
        self.common.commit(spans.len());
        kept.keep(simd, self, fields, spans);
    }

    /// Hands fields on, those that are too wide cut.
    #[inline(always)]
    pub(super) fn push_all<S: Simd>(
        &mut self,
        simd: S,
        fields: &Fields<'_>,
        spans: &[Span],
        kept: &mut impl Keep,
    ) {
        let longest = spans.iter().map(Span::len).max().unwrap_or(0);
        let Some(width) = self.width.filter(|&width| self.cuts && may_be_wider(longest, width)) else {
            return kept.push(simd, fields, spans);
        };
        spans.iter().for_each(|span| self.push_cut(simd, fields, *span, width, kept));
    }

    /// Hands on a field that may be too wide.
    #[cold]
    fn push_cut<S: Simd>(
        &mut self,
        simd: S,
        fields: &Fields<'_>,
        span: Span,
        width: Width,
        kept: &mut impl Keep,
    ) {
        let Some(cut) = cut_to_width(span.text(fields), width) else {
            return kept.push(simd, fields, &[span]);
        };
        self.truncated += 1;
        let blocks = Blocks::from_records(&cut, 0);
        let block = blocks.first();
        let span = Span::new(block.start(), cut.len());
        kept.push(simd, &fields.in_buffer(block.buffer()), &[span]);
    }
}
