//! Dictionaries that are built while the values are read.

use super::bytes::{Padded, READ_PAD, append};
use super::column::COMMIT_VALUES;
use super::fast::Text;
use super::text_value::append_value;

/// Entries at which a text dictionary is given up.
pub(super) const TEXT_ENTRIES_MAX: usize = 40_000;
/// Bytes of values at which a text dictionary is given up.
pub(super) const TEXT_BYTES_MAX: usize = 4 << 20;
/// Entries at which an integer dictionary is given up.
pub(super) const INTEGER_ENTRIES_MAX: usize = 4_096;

const SLOTS_MIN: usize = 1_024;
/// A slot holds the upper half of the hash and, in the lower half, the entry's index plus 1.
const TAG: u64 = 0xffff_ffff_0000_0000;

/// Texts by their raw bytes: the field is hashed and compared as it stands in the file, and undone of
/// its quotes only when it is new.
pub(super) struct TextDictionary {
    slots: Vec<u64>,
    /// Raw fields, one after the other, and [`READ_PAD`] bytes behind the last.
    raw: Vec<u8>,
    entries: Vec<Entry>,
    /// The dictionary page: PLAIN values.
    page: Vec<u8>,
}

#[derive(Clone, Copy)]
struct Entry {
    hash: u64,
    /// Place and length in `raw`.
    at: u32,
    len: u32,
    /// End of its value in `page`; the value before it ends where it starts.
    page_end: u32,
}

impl TextDictionary {
    pub(super) fn new() -> Self {
        Self { slots: vec![0; SLOTS_MIN], raw: vec![0; READ_PAD], entries: Vec::new(), page: Vec::new() }
    }

    pub(super) fn clear(&mut self) {
        self.slots.clear();
        self.slots.resize(SLOTS_MIN, 0);
        self.raw.truncate(READ_PAD);
        self.entries.clear();
        self.page.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
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
        let start = if index == 0 { 0 } else { self.entries[index - 1].page_end as usize };
        &self.page[start..self.entries[index].page_end as usize]
    }

    /// The index of a raw field.
    #[inline]
    pub(super) fn index(&mut self, raw: Text<'_>) -> usize {
        match Padded::new(raw) {
            Some(padded) => self.index_padded(raw, padded),
            None => {
                let mut copy = raw.bytes().to_vec();
                copy.resize(raw.len + READ_PAD, 0);
                self.index(Text { buffer: &copy, start: 0, len: raw.len })
            }
        }
    }

    #[inline(always)]
    fn index_padded(&mut self, raw: Text<'_>, padded: Padded<'_>) -> usize {
        let hash = padded.hash();
        let mask = self.slots.len() - 1;
        let mut slot = hash as usize & mask;
        loop {
            let found = self.slots[slot];
            if found == 0 {
                return self.insert(raw, hash, slot);
            }
            if found & TAG == hash & TAG {
                let index = (found & !TAG) as usize - 1;
                let entry = self.entries[index];
                let stored = Text { buffer: &self.raw, start: entry.at as usize, len: entry.len as usize };
                if Padded::new(stored).is_some_and(|stored| padded.equals(stored)) {
                    return index;
                }
            }
            slot = (slot + 1) & mask;
        }
    }

    #[cold]
    fn insert(&mut self, raw: Text<'_>, hash: u64, slot: usize) -> usize {
        let index = self.entries.len();
        self.slots[slot] = hash & TAG | (index as u64 + 1);
        append_value(raw, &mut self.page);
        let at = self.raw.len() - READ_PAD;
        let page_end = self.page.len() as u32;
        self.entries.push(Entry { hash, at: at as u32, len: raw.len as u32, page_end });
        self.raw.truncate(at);
        append(raw, &mut self.raw);
        self.raw.extend_from_slice(&[0; READ_PAD]);
        if self.entries.len() * 2 > self.slots.len() {
            self.grow();
        }
        index
    }

    fn grow(&mut self) {
        let size = self.slots.len() * 2;
        self.slots.clear();
        self.slots.resize(size, 0);
        for (index, entry) in self.entries.iter().enumerate() {
            let mut slot = entry.hash as usize & (size - 1);
            while self.slots[slot] != 0 {
                slot = (slot + 1) & (size - 1);
            }
            self.slots[slot] = entry.hash & TAG | (index as u64 + 1);
        }
    }
}

const INTEGER_SLOTS: usize = 4 * INTEGER_ENTRIES_MAX;

// One judgement apart, neither dictionary may run out of slots or of 16-bit indices.
const _: () = assert!(INTEGER_ENTRIES_MAX + COMMIT_VALUES < INTEGER_SLOTS);
const _: () = assert!(TEXT_ENTRIES_MAX + COMMIT_VALUES < 1 << 16);

/// Integers of a small range.
pub(super) struct IntegerDictionary {
    /// Value, and index plus 1 (0: free).
    slots: Vec<(i64, u32)>,
    entries: usize,
}

impl IntegerDictionary {
    pub(super) fn new() -> Self {
        Self { slots: vec![(0, 0); INTEGER_SLOTS], entries: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.entries
    }

    pub(super) fn is_full(&self) -> bool {
        self.entries > INTEGER_ENTRIES_MAX
    }

    /// The index of a value and whether it is new. The caller asks [`Self::is_full`] often enough that
    /// a slot is always free.
    #[inline]
    pub(super) fn index(&mut self, value: i64) -> (usize, bool) {
        let mut slot =
            (value as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) as usize >> (64 - INTEGER_SLOTS.ilog2());
        loop {
            match self.slots[slot] {
                (_, 0) => {
                    self.entries += 1;
                    self.slots[slot] = (value, self.entries as u32);
                    return (self.entries - 1, true);
                }
                (found, index) if found == value => return (index as usize - 1, false),
                _ => slot = (slot + 1) % INTEGER_SLOTS,
            }
        }
    }
}
