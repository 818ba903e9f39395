//! One thing of a Parquet footer that the parquet crate fills in by itself: which columns carry the legacy
//! ConvertedType. Read from the bytes, by the thrift compact protocol.

/// Fields of FileMetaData and SchemaElement.
const META_SCHEMA: i16 = 2;
const ELEMENT_CHILDREN: i16 = 5;
const ELEMENT_CONVERTED: i16 = 6;

/// Kinds of the compact protocol.
const TRUE: u8 = 1;
const FALSE: u8 = 2;
const BYTE: u8 = 3;
const INTEGERS: std::ops::RangeInclusive<u8> = 4..=6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const SET: u8 = 10;
const MAP: u8 = 11;
const STRUCT: u8 = 12;

struct Thrift<'a>(&'a [u8]);

impl Thrift<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn varint(&mut self) -> Option<u64> {
        let (mut value, mut shift) = (0_u64, 0);
        loop {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(value);
            }
            shift += 7;
        }
    }

    fn signed(&mut self) -> Option<i64> {
        let value = self.varint()?;
        Some((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    fn advance(&mut self, bytes: usize) -> Option<()> {
        self.0 = self.0.get(bytes..)?;
        Some(())
    }

    /// The next field of a struct: its number and kind; `None` at the struct's end.
    fn field(&mut self, last: &mut i16) -> Option<Option<(i16, u8)>> {
        let head = self.byte()?;
        if head == 0 {
            return Some(None);
        }
        *last = match head >> 4 {
            0 => i16::try_from(self.signed()?).ok()?,
            delta => *last + i16::from(delta),
        };
        Some(Some((*last, head & 0x0f)))
    }

    fn list(&mut self) -> Option<(usize, u8)> {
        let head = self.byte()?;
        let length = match head >> 4 {
            15 => usize::try_from(self.varint()?).ok()?,
            short => usize::from(short),
        };
        Some((length, head & 0x0f))
    }

    fn skip(&mut self, kind: u8) -> Option<()> {
        match kind {
            TRUE | FALSE => Some(()),
            BYTE => self.advance(1),
            kind if INTEGERS.contains(&kind) => self.varint().map(drop),
            DOUBLE => self.advance(8),
            BINARY => {
                let length = usize::try_from(self.varint()?).ok()?;
                self.advance(length)
            }
            LIST | SET => {
                let (length, kind) = self.list()?;
                (0..length).try_for_each(|_| self.skip_item(kind))
            }
            MAP => {
                let length = self.varint()?;
                if length == 0 {
                    return Some(());
                }
                let kinds = self.byte()?;
                (0..length).try_for_each(|_| {
                    self.skip_item(kinds >> 4)?;
                    self.skip_item(kinds & 0x0f)
                })
            }
            STRUCT => {
                let mut last = 0;
                while let Some((_, kind)) = self.field(&mut last)? {
                    self.skip(kind)?;
                }
                Some(())
            }
            _ => None,
        }
    }

    /// In lists and maps a boolean has a byte of its own.
    fn skip_item(&mut self, kind: u8) -> Option<()> {
        if kind == TRUE || kind == FALSE { self.advance(1) } else { self.skip(kind) }
    }
}

/// For each leaf column in order: whether its ConvertedType is written in the file.
pub(super) fn converted_types(file: &[u8]) -> Option<Vec<bool>> {
    let tail = file.len().checked_sub(8)?;
    let length = u32::from_le_bytes(file.get(tail..tail + 4)?.try_into().ok()?) as usize;
    let mut thrift = Thrift(file.get(tail.checked_sub(length)?..tail)?);
    let mut last = 0;
    while let Some((number, kind)) = thrift.field(&mut last)? {
        if number != META_SCHEMA {
            thrift.skip(kind)?;
            continue;
        }
        let (length, _) = thrift.list()?;
        let mut leaves = Vec::new();
        for _ in 0..length {
            let (mut at, mut has_children, mut is_converted) = (0, false, false);
            while let Some((number, kind)) = thrift.field(&mut at)? {
                has_children |= number == ELEMENT_CHILDREN;
                is_converted |= number == ELEMENT_CONVERTED;
                thrift.skip(kind)?;
            }
            if !has_children {
                leaves.push(is_converted);
            }
        }
        return Some(leaves);
    }
    None
}
