//! Values that a rule of privacy makes of others, before anything of those is kept.

use super::gather::Fields;
use super::options::EmptyStrings;
use super::portable::Portable;
use super::spans::Span;
use super::text_value::append_value;
use crate::csv::{Blocks, RawField, RawRecord};
use crate::privacy::Transform;

/// What was made of the fields of a block, as fields of a buffer of their own.
pub(super) struct Made {
    pub(super) blocks: Blocks,
    /// Those that are not NULL.
    pub(super) spans: Vec<Span>,
    /// For each field that was given, whether anything was made of it.
    pub(super) stay: Vec<bool>,
}

impl Made {
    /// Of the non-NULL fields at `spans`.
    pub(super) fn of(transform: &Transform, fields: &Fields<'_>, spans: &[Span]) -> Self {
        let (mut making, mut value) = (Making::default(), Vec::new());
        for span in spans {
            value.clear();
            append_value(Portable, span.text(fields), &mut value);
            making.add(transform, &value[4..]);
        }
        making.done()
    }
}

/// Values on the way.
#[derive(Default)]
pub(super) struct Making {
    records: Vec<u8>,
    /// Of each that was made, where it lies in `records`.
    places: Vec<(usize, usize)>,
    stay: Vec<bool>,
    made: Vec<u8>,
}

impl Making {
    pub(super) fn add(&mut self, transform: &Transform, value: &[u8]) {
        self.made.clear();
        let stays = transform.append(value, &mut self.made);
        self.stay.push(stays);
        if stays {
            let start = self.records.len();
            append_raw(&self.made, &mut self.records);
            self.places.push((start, self.records.len() - start));
        }
    }

    pub(super) fn done(self) -> Made {
        let blocks = Blocks::from_records(&self.records, 0);
        let first = blocks.first().start();
        let spans = self.places.into_iter().map(|(start, len)| Span::new(first + start, len)).collect();
        Made { blocks, spans, stay: self.stay }
    }
}

/// A record as rules of privacy leave it; empty if rules hide fields of it and it cannot be told which those are.
pub(super) fn masked(record: &RawRecord<'_>, masks: &[Option<Transform>], empty: EmptyStrings) -> Vec<u8> {
    if masks.iter().all(Option::is_none) {
        return record.bytes.to_vec();
    }
    let mut out = Vec::with_capacity(record.bytes.len());
    if record.width != masks.len() {
        return out;
    }
    for (at, (field, mask)) in record.fields.iter().zip(masks).enumerate() {
        if at > 0 {
            out.push(b',');
        }
        match mask {
            None => out.extend_from_slice(field.bytes),
            Some(mask) => append_masked(field, mask, empty, &mut out),
        }
    }
    let ends_in_return = record.bytes.ends_with(b"\r\n") && !out.ends_with(b"\r");
    out.extend_from_slice(if ends_in_return { b"\r\n" } else { b"\n" });
    out
}

/// What may be written of a field, between quotes; nothing, which is NULL, of one that cannot be read.
fn append_masked(field: &RawField<'_>, mask: &Transform, empty: EmptyStrings, out: &mut Vec<u8>) {
    let Ok(Some(value)) = field.value() else { return };
    // What a rule makes is a text, whatever the column was: it is NULL before the rule sees it, as in the table.
    if value.is_empty() && empty == EmptyStrings::Null {
        return;
    }
    let mut made = Vec::new();
    if mask.append(&value, &mut made) {
        append_quoted(&made, out);
    }
}

/// Appends a value so that it is read as a field: only one that begins with a quote needs quotes for that.
fn append_raw(value: &[u8], out: &mut Vec<u8>) {
    if value.first() != Some(&b'"') {
        return out.extend_from_slice(value);
    }
    append_quoted(value, out);
}

fn append_quoted(value: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for &byte in value {
        out.push(byte);
        if byte == b'"' {
            out.push(byte);
        }
    }
    out.push(b'"');
}
