//! Arrays of texts: views of 16 bytes, which hold short texts and point to long ones.

use super::column::ArrayColumn;
use super::spread::{nulls, spread};
use crate::error::{Error, Result};
use crate::pages::column::{Common, Decode};
use crate::pages::gather::{Fields, Spans};
use crate::pages::options::EncodeOptions;
use crate::pages::simd::Simd;
use crate::pages::spans::Span;
use crate::pages::text_fields::{Keep, TextFields};
use crate::pages::text_value::append_value;
use arrow::array::{ArrayRef, MAX_INLINE_VIEW_LEN, StringViewArray, make_view};
use arrow::buffer::{Buffer, ScalarBuffer};
use std::sync::Arc;

pub(super) struct TextArray {
    text: TextFields,
    kept: Views,
}

/// The texts of a batch.
#[derive(Default)]
struct Views {
    /// Of those that are not NULL.
    views: Vec<u128>,
    /// Long texts, each with its length before it.
    long: Vec<u8>,
}

/// Bytes before a text, which say its length as in a page; nobody reads them here.
const PREFIX_BYTES: usize = 4;

impl TextArray {
    pub(super) fn new(common: Common, options: &EncodeOptions) -> Self {
        Self { text: TextFields::new(common, options), kept: Views::default() }
    }
}

impl Keep for Views {
    #[inline(always)]
    fn keep<S: Simd>(&mut self, simd: S, text: &mut TextFields, fields: &Fields<'_>, spans: &[Span]) {
        text.push_all(simd, fields, spans, self);
    }

    #[inline(always)]
    fn push<S: Simd>(&mut self, simd: S, fields: &Fields<'_>, spans: &[Span]) {
        self.views.reserve(spans.len());
        for span in spans {
            let at = self.long.len();
            append_value(simd, span.text(fields), &mut self.long);
            let value = &self.long[at + PREFIX_BYTES..];
            // A batch is far below 4 GiB.
            let view = make_view(value, 0, (at + PREFIX_BYTES) as u32);
            if value.len() <= MAX_INLINE_VIEW_LEN as usize {
                self.long.truncate(at);
            }
            self.views.push(view);
        }
    }
}

impl Decode for TextArray {
    #[inline(always)]
    fn check<S: Simd>(&mut self, simd: S, fields: &Fields<'_>, spans: &mut Spans) -> bool {
        self.text.check(simd, fields, spans)
    }

    #[inline(always)]
    fn commit<S: Simd>(&mut self, simd: S, fields: &Fields<'_>, spans: &mut Spans) {
        self.text.commit(simd, fields, spans, &mut self.kept);
    }

    fn rollback(&mut self) {
        self.text.common.rollback();
    }
}

impl ArrayColumn for TextArray {
    fn bytes(&self) -> usize {
        size_of_val(self.kept.views.as_slice()) + self.kept.long.len()
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        let room = Views {
            views: Vec::with_capacity(self.kept.views.len()),
            long: Vec::with_capacity(self.kept.long.len()),
        };
        let Views { views, long } = std::mem::replace(&mut self.kept, room);
        let levels = self.text.common.take_levels();
        let views = ScalarBuffer::from(spread(views, &levels));
        let buffers = if long.is_empty() { Vec::new() } else { vec![Buffer::from_vec(long)] };
        let nulls = nulls(levels);
        if self.text.common.spec.transform.is_some() {
            let texts = StringViewArray::try_new(views, buffers, nulls);
            return Ok(Arc::new(texts.map_err(|cause| Error::machine("cannot hold texts").because(cause))?));
        }
        // SAFETY: each view is `make_view`'s of a text that stands in `long` at the place given, or of one that it holds
        // itself; a default is the empty text. The texts are UTF-8: fields of a block that the scan found to be, cut
        // off at separators, quotes and whole characters.
        Ok(Arc::new(unsafe { StringViewArray::new_unchecked(views, buffers, nulls) }))
    }
}
