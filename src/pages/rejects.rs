//! The records of a row group that are left out, until their turn comes to be written.

use super::bits::{read_varint, write_varint};
use crate::values::Rule;

/// A record that is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// Records before it; in a row group until the row groups are put in order, then in the file.
    pub records_before: u64,
    /// Newlines before it, likewise.
    pub lines_before: u64,
    /// Offset of the record in the uncompressed CSV.
    pub byte: u64,
    /// The record as it stands in the file, with its line end; where rules of privacy hide fields, as they leave it,
    /// and empty if it cannot be told which fields those are.
    pub raw: Vec<u8>,
    /// All of its faults.
    pub faults: Vec<Fault>,
}

/// One fault of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The CSV field, from 0; `None` if the record as a whole is at fault.
    pub field: Option<usize>,
    /// Offset of the field in the uncompressed CSV.
    pub byte: u64,
    /// The rule that is broken.
    pub rule: Rule,
    /// The raw field, cut to a readable length; none where a rule of privacy hides it.
    pub value: Option<String>,
    /// Bytes of the raw field, or of what else is at fault.
    pub value_bytes: u64,
}

/// Rejects without their faults, packed: four numbers, as differences to the reject before, and the record. So they
/// take hardly more than the CSV that they stood in, however many and short they are, and no limit but the allowed
/// number is needed. [`Encoding::explain`](super::Encoding::explain) finds the faults again.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Rejects {
    packed: Vec<u8>,
    len: usize,
    last: At,
}

/// Where a record is, as [`Reject`] has it.
#[derive(Debug, Clone, Copy, Default, serde::Serialize, serde::Deserialize)]
struct At {
    records: u64,
    lines: u64,
    byte: u64,
}

/// One of [`Rejects`].
#[derive(Debug, Clone, Copy)]
pub struct PackedReject<'a> {
    pub(super) records_before: u64,
    pub(super) lines_before: u64,
    pub(super) byte: u64,
    pub(super) raw: &'a [u8],
}

impl Rejects {
    /// How many.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes that they take.
    pub fn bytes(&self) -> usize {
        self.packed.len()
    }

    /// Adds one that stands behind the others.
    pub(super) fn push(&mut self, records_before: u64, lines_before: u64, byte: u64, raw: &[u8]) {
        let at = At { records: records_before, lines: lines_before, byte };
        let numbers = [
            at.records - self.last.records,
            at.lines - self.last.lines,
            at.byte - self.last.byte,
            raw.len() as u64,
        ];
        numbers.into_iter().for_each(|number| write_varint(&mut self.packed, number));
        self.packed.extend_from_slice(raw);
        self.last = at;
        self.len += 1;
    }

    /// In order.
    pub fn iter(&self) -> impl Iterator<Item = PackedReject<'_>> {
        let (mut rest, mut at) = (self.packed.as_slice(), At::default());
        std::iter::from_fn(move || {
            at.records += read_varint(&mut rest)?;
            at.lines += read_varint(&mut rest)?;
            at.byte += read_varint(&mut rest)?;
            let len = read_varint(&mut rest)? as usize;
            let (raw, behind) = rest.split_at_checked(len)?;
            rest = behind;
            Some(PackedReject { records_before: at.records, lines_before: at.lines, byte: at.byte, raw })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_come_back_in_little_room() {
        let given = [(0, 0, 7, &b"\n"[..]), (3, 3, 300, b"x\n"), (4, 900, 1 << 40, &[b'y'; 70_000])];
        let mut rejects = Rejects::default();
        given.iter().for_each(|&(records, lines, byte, raw)| rejects.push(records, lines, byte, raw));
        let got: Vec<_> = rejects.iter().map(|r| (r.records_before, r.lines_before, r.byte, r.raw)).collect();
        assert_eq!(got, given);
        let mut flood = Rejects::default();
        (0..100_000).for_each(|at| flood.push(at, at, 10 + at, b"\n"));
        assert_eq!((flood.len(), flood.iter().count()), (100_000, 100_000));
        assert!(flood.packed.len() <= 510_000, "{} bytes", flood.packed.len());
    }
}
