//! Where segments end: at places of the stored file, so that whoever reads from there alone cuts alike.
//!
//! ```text
//! none, gzip, zstd:  every `segment_bytes` of the CSV                       part-00000, part-00001 …
//! bzip2:             the first block behind every quarter of it, as stored  part-00000, part-00001 …
//!                    and where more than four times as much comes of one:   part-00000_1 …
//! ```

use super::compression::Compression;
use crate::csv::Segment;

/// Names the rule: part of the identity of a load, whose staged files must not meet others' cuts.
pub(super) const CUT_RULE: &str = "places of the stored file";
/// How much smaller a unit is as stored in bzip2: exports become a fifth to a tenth.
const BZIP2_QUARTER: u64 = 4;
/// How many segments' worth of CSV a file of bzip2 holds at most.
const BZIP2_SEGMENTS_MAX: u64 = 4;

/// The cuts of one file, followed from its front or from a unit's first byte.
#[derive(Debug, Clone)]
pub(super) struct Cuts {
    unit_bytes: u64,
    part_bytes: u64,
    unit: u64,
    /// Offset of the unit's first byte in the CSV.
    start: u64,
}

impl Cuts {
    /// Of a file that is compressed like this, from its front.
    pub(super) fn new(compression: Compression, segment_bytes: u64) -> Self {
        let part_bytes = match compression {
            Compression::Bzip2 => segment_bytes.max(1).saturating_mul(BZIP2_SEGMENTS_MAX),
            _ => u64::MAX,
        };
        Self { unit_bytes: unit_bytes(compression, segment_bytes), part_bytes, unit: 0, start: 0 }
    }

    /// The segment of the byte at `at` of the CSV, whose block lies at `stored`, and how many bytes of the CSV may belong
    /// to it from there on.
    pub(super) fn segment_at(&mut self, stored: u64, at: u64) -> (Segment, u64) {
        let unit = stored / self.unit_bytes;
        if unit != self.unit {
            (self.unit, self.start) = (unit, at);
        }
        let part = (at - self.start) / self.part_bytes;
        let room = match self.part_bytes {
            // Not compressed, or as good as: what is stored is what is read.
            u64::MAX => self.unit_bytes - stored % self.unit_bytes,
            part_bytes => part_bytes - (at - self.start) % part_bytes,
        };
        (Segment { unit, part }, room)
    }
}

/// Stored bytes of a unit.
pub(super) fn unit_bytes(compression: Compression, segment_bytes: u64) -> u64 {
    match compression {
        Compression::Bzip2 => (segment_bytes / BZIP2_QUARTER).max(1),
        _ => segment_bytes.max(1),
    }
}

/// The name of a segment's file. An underscore sorts behind the full stop, and so a second file behind the first.
pub(super) fn file_name(Segment { unit, part }: Segment, suffix: &str) -> String {
    match part {
        0 => format!("part-{unit:05}.{suffix}"),
        _ => format!("part-{unit:05}_{part}.{suffix}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_have_segments() {
        let mut plain = Cuts::new(Compression::None, 10);
        for (at, unit, room) in [(0, 0, 10), (9, 0, 1), (10, 1, 10), (35, 3, 5)] {
            assert_eq!(plain.segment_at(at, at), (Segment { unit, part: 0 }, room), "{at}");
        }
        let mut bzip2 = Cuts::new(Compression::Bzip2, 8);
        for (stored, at, unit, part, room) in [
            (0, 0, 0, 0, 32),
            (0, 31, 0, 0, 1),
            (1, 32, 0, 1, 32),
            // A block far behind: the units between have none.
            (9, 50, 4, 0, 32),
            (9, 81, 4, 0, 1),
            (9, 82, 4, 1, 32),
        ] {
            assert_eq!(bzip2.segment_at(stored, at), (Segment { unit, part }, room), "{stored} {at}");
        }
        assert_eq!(Cuts::new(Compression::Bzip2, 0).segment_at(7, 70).0.unit, 7, "no size is none");
    }

    #[test]
    fn names_sort_as_the_records_do() {
        let names = [(0, 0), (0, 1), (1, 0), (12, 0), (12, 1), (12, 2)]
            .map(|(unit, part)| file_name(Segment { unit, part }, "snappy.parquet"));
        assert_eq!(names[4], "part-00012_1.snappy.parquet");
        assert!(names.is_sorted(), "{names:?}");
    }
}
