//! Columns whose values are hashed by a rule of privacy: what comes again is not hashed again.

use super::bytes::Text;
use super::dictionary::TextDictionary;
use super::gather::Fields;
use super::made::Making;
use super::simd::Simd;
use super::spans::Span;
use super::text_value::append_value;
use crate::privacy::{HASH_CHARS, Transform};

/// The values of such a column as they came, each beside the entry that its hash has in the column's dictionary.
///
/// ```text
/// field ─ values ─▶ which value ─ entries ─▶ which entry
///            └ new: hashed, and entered into the dictionary
/// ```
pub(super) struct Hashed {
    transform: Transform,
    values: TextDictionary,
    /// Of each value.
    entries: Vec<u16>,
    /// Of the values that are being looked up.
    found: Vec<u16>,
    value: Vec<u8>,
}

impl Hashed {
    /// Of a column of this rule, if that hashes.
    pub(super) fn of(transform: &Transform) -> Option<Box<Self>> {
        let hashed = || Self {
            transform: transform.clone(),
            values: TextDictionary::new(false),
            entries: Vec::new(),
            found: Vec::new(),
            value: Vec::new(),
        };
        transform.hashes().then(|| Box::new(hashed()))
    }

    /// Forgets all, as it must when the dictionary does.
    pub(super) fn clear(&mut self) {
        self.values.clear();
        self.entries.clear();
    }

    /// Appends the dictionary's indices of the hashes of these fields.
    #[inline(always)]
    pub(super) fn index_all(
        &mut self,
        simd: impl Simd,
        fields: &Fields<'_>,
        spans: &[Span],
        dictionary: &mut TextDictionary,
        indices: &mut Vec<u16>,
    ) {
        // Values that differ only in letters have one hash: these may be too many when the dictionary is not full.
        if self.values.is_full() {
            self.clear();
        }
        self.found.clear();
        self.values.index_all(simd, fields, spans, &mut self.found);
        let mut making = Making::default();
        for new in self.entries.len()..self.values.len() {
            making.add(&self.transform, &self.values.plain(new as u16)[4..]);
        }
        let made = making.done();
        let fields = fields.in_buffer(made.blocks.first().buffer());
        dictionary.index_all(simd, &fields, &made.spans, &mut self.entries);
        indices.extend(self.found.iter().map(|&value| self.entries[usize::from(value)]));
    }

    /// Appends the hash of a field as PLAIN encodes it: its length, then its text.
    #[inline(always)]
    pub(super) fn append(&mut self, simd: impl Simd, raw: Text<'_>, plain: &mut Vec<u8>) {
        self.value.clear();
        append_value(simd, raw, &mut self.value);
        plain.extend_from_slice(&HASH_CHARS.to_le_bytes());
        self.transform.append(&self.value[4..], plain);
    }
}
