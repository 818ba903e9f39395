//! Dictionaries that are built while the values are read.

use super::bytes::{Padded, READ_PAD, Text, append, prefetch};
use super::column::COMMIT_VALUES;
use super::gather::Fields;
use super::simd::Simd;
use super::spans::Span;
use super::text_value::append_value;
use crate::values::{Texts, hash_summed};

/// Entries at which a text dictionary is given up.
pub(super) const TEXT_ENTRIES_MAX: usize = 40_000;
/// Bytes of values at which a text dictionary is given up.
pub(super) const TEXT_BYTES_MAX: usize = 4 << 20;
/// Entries at which an integer dictionary is given up.
pub(super) const INTEGER_ENTRIES_MAX: usize = 4_096;

const SLOTS_MIN: usize = 1_024;

/// Texts by their raw bytes: the field is hashed and compared as it stands in the file, and undone of
/// its quotes only when it is new.
pub(super) struct TextDictionary {
    slots: Vec<Slot>,
    /// Raw fields, one after the other, and [`READ_PAD`] bytes behind the last.
    raw: Vec<u8>,
    /// Where each entry's value ends in `page`; the value before it ends where it starts.
    page_ends: Vec<u32>,
    /// Bytes of each entry's value.
    lens: Vec<u32>,
    /// Of each entry's value, for sums of hashes; none unless those are asked for.
    summed: Option<Vec<i128>>,
    /// The dictionary page: PLAIN values.
    page: Vec<u8>,
    /// Of the texts that are being looked up.
    hashes: Vec<u32>,
}

#[derive(Clone, Copy, Default)]
struct Slot {
    hash: u32,
    /// The entry's index plus 1; 0: free.
    entry: u32,
    /// Place and length in `raw`.
    at: u32,
    len: u32,
}

impl TextDictionary {
    /// An empty one; `is_summed` keeps hashes for sums.
    pub(super) fn new(is_summed: bool) -> Self {
        Self {
            slots: vec![Slot::default(); SLOTS_MIN],
            raw: vec![0; READ_PAD],
            page_ends: Vec::new(),
            lens: Vec::new(),
            summed: is_summed.then(Vec::new),
            page: Vec::new(),
            hashes: Vec::new(),
        }
    }

    /// Forgets all. The slots stay as many as they are: the next row group is mostly like the last.
    pub(super) fn clear(&mut self) {
        self.slots.fill(Slot::default());
        self.raw.truncate(READ_PAD);
        self.page_ends.clear();
        self.lens.clear();
        self.summed.iter_mut().for_each(Vec::clear);
        self.page.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.page_ends.len()
    }

    pub(super) fn is_full(&self) -> bool {
        self.len() > TEXT_ENTRIES_MAX || self.page.len() > TEXT_BYTES_MAX
    }

    pub(super) fn page(&self) -> &[u8] {
        &self.page
    }

    /// The PLAIN encoding of an entry.
    pub(super) fn plain(&self, index: u16) -> &[u8] {
        let index = usize::from(index);
        let start = if index == 0 { 0 } else { self.page_ends[index - 1] as usize };
        &self.page[start..self.page_ends[index] as usize]
    }

    /// Appends the indices of these fields. The hashes come first, so that the processor can fetch the
    /// slots of many texts at a time.
    #[inline(always)]
    pub(super) fn index_all(
        &mut self,
        simd: impl Simd,
        fields: &Fields<'_>,
        spans: &[Span],
        indices: &mut Vec<u16>,
    ) {
        let mut hashes = std::mem::take(&mut self.hashes);
        hashes.clear();
        hashes.reserve(spans.len());
        // A loop and no closure: it is to be compiled for this instruction set.
        for span in spans {
            hashes.push(self.hash(simd, span.text(fields)));
        }
        for (span, &hash) in spans.iter().zip(&hashes) {
            indices.push(self.index(simd, span.text(fields), hash) as u16);
        }
        self.hashes = hashes;
    }

    /// Adds up the texts of these indices.
    #[inline(always)]
    pub(super) fn add_up(&self, indices: &[u16], texts: &mut Texts) {
        let (mut bytes, mut empties) = (0, 0);
        for &index in indices {
            let len = self.lens[usize::from(index)];
            bytes += u64::from(len);
            empties += u64::from(len == 0);
        }
        texts.bytes += bytes;
        texts.empties += empties;
        if let (Some(hashes), Some(summed)) = (&mut texts.hashes, &self.summed) {
            *hashes += indices.iter().map(|&index| summed[usize::from(index)]).sum::<i128>();
        }
    }

    #[inline(always)]
    fn hash(&self, simd: impl Simd, raw: Text<'_>) -> u32 {
        let Some(padded) = Padded::new(raw) else { return hash_unpadded(simd, raw) };
        let hash = simd.hash(padded);
        prefetch(&self.slots, hash as usize & (self.slots.len() - 1));
        hash
    }

    #[inline(always)]
    fn index(&mut self, simd: impl Simd, raw: Text<'_>, hash: u32) -> usize {
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let slot = self.slots[at];
            if slot.entry == 0 {
                return self.insert(simd, raw, hash, at);
            }
            if slot.hash == hash && self.holds(slot, raw) {
                return slot.entry as usize - 1;
            }
            at = (at + 1) & mask;
        }
    }

    #[inline(always)]
    fn holds(&self, slot: Slot, raw: Text<'_>) -> bool {
        let stored = Text { buffer: &self.raw, start: slot.at as usize, len: slot.len as usize };
        match (Padded::new(raw), Padded::new(stored)) {
            (Some(raw), Some(stored)) => raw.equals(stored),
            _ => raw.bytes() == stored.bytes(),
        }
    }

    #[cold]
    fn insert(&mut self, simd: impl Simd, raw: Text<'_>, hash: u32, slot: usize) -> usize {
        let index = self.len();
        let value = self.page.len() + 4;
        append_value(simd, raw, &mut self.page);
        self.page_ends.push(self.page.len() as u32);
        self.lens.push((self.page.len() - value) as u32);
        if let Some(summed) = &mut self.summed {
            summed.push(hash_summed(&self.page[value..]));
        }
        let at = self.raw.len() - READ_PAD;
        self.slots[slot] = Slot { hash, entry: index as u32 + 1, at: at as u32, len: raw.len as u32 };
        self.raw.truncate(at);
        append(raw, &mut self.raw);
        self.raw.extend_from_slice(&[0; READ_PAD]);
        if self.len() * 2 > self.slots.len() {
            self.grow();
        }
        index
    }

    fn grow(&mut self) {
        let mask = self.slots.len() * 2 - 1;
        let old = std::mem::replace(&mut self.slots, vec![Slot::default(); mask + 1]);
        for slot in old.into_iter().filter(|slot| slot.entry != 0) {
            let mut at = slot.hash as usize & mask;
            while self.slots[at].entry != 0 {
                at = (at + 1) & mask;
            }
            self.slots[at] = slot;
        }
    }
}

#[cold]
fn hash_unpadded(simd: impl Simd, raw: Text<'_>) -> u32 {
    let mut copy = raw.bytes().to_vec();
    copy.resize(raw.len + READ_PAD, 0);
    Padded::new(Text { buffer: &copy, start: 0, len: raw.len }).map_or(0, |padded| simd.hash(padded))
}

// One judgement apart, neither dictionary may run out of 16-bit indices.
const _: () = assert!(INTEGER_ENTRIES_MAX + COMMIT_VALUES < 1 << 16);
const _: () = assert!(TEXT_ENTRIES_MAX + COMMIT_VALUES < 1 << 16);

/// Integers of a small range.
pub(super) struct IntegerDictionary {
    /// Value, and index plus 1 (0: free).
    slots: Vec<(i64, u32)>,
    entries: usize,
}

impl IntegerDictionary {
    pub(super) fn new() -> Self {
        Self { slots: vec![(0, 0); SLOTS_MIN], entries: 0 }
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.slots.fill((0, 0));
        self.entries = 0;
    }

    pub(super) fn len(&self) -> usize {
        self.entries
    }

    pub(super) fn is_full(&self) -> bool {
        self.entries > INTEGER_ENTRIES_MAX
    }

    /// The index of a value and whether it is new.
    #[inline]
    pub(super) fn index(&mut self, value: i64) -> (usize, bool) {
        let slot = self.slot(value);
        match self.slots[slot] {
            (_, 0) => (self.insert(value, slot), true),
            (_, index) => (index as usize - 1, false),
        }
    }

    /// Where the value is, or may be put.
    #[inline]
    fn slot(&self, value: i64) -> usize {
        let mask = self.slots.len() - 1;
        let hash = (value as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut slot = (hash >> (64 - self.slots.len().ilog2())) as usize;
        while self.slots[slot].1 != 0 && self.slots[slot].0 != value {
            slot = (slot + 1) & mask;
        }
        slot
    }

    #[cold]
    fn insert(&mut self, value: i64, slot: usize) -> usize {
        self.entries += 1;
        self.slots[slot] = (value, self.entries as u32);
        if self.entries * 2 > self.slots.len() {
            let larger = vec![(0, 0); self.slots.len() * 2];
            for old in std::mem::replace(&mut self.slots, larger).into_iter().filter(|slot| slot.1 != 0) {
                let slot = self.slot(old.0);
                self.slots[slot] = old;
            }
        }
        self.entries - 1
    }
}
