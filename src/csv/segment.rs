//! Which part of a stored file records belong to.

use std::collections::VecDeque;

/// A part of a file whose records stay together: a place of the stored file, and what is counted from there. A record
/// belongs to the segment of the byte before it, so that whoever begins to read at a segment's first byte finds its
/// first record behind the first record end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Segment {
    /// Its number among the places of the stored file.
    pub unit: u64,
    /// Its number among those of the place, where so much comes of it that it is more than one.
    pub part: u64,
}

/// What a read gave.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Piece {
    /// How many bytes; 0 at the end.
    pub bytes: usize,
    /// The segment of all of them.
    pub segment: Segment,
}

impl From<usize> for Piece {
    /// Of an input that is one segment.
    fn from(bytes: usize) -> Self {
        Self { bytes, segment: Segment::default() }
    }
}

/// Where other segments begin among the bytes that were read and are not cut yet.
#[derive(Debug, Default)]
pub(super) struct Turns {
    now: Segment,
    latest: Segment,
    ahead: VecDeque<(u64, Segment)>,
}

impl Turns {
    /// Before the first byte of this segment.
    pub(super) fn from(segment: Segment) -> Self {
        Self { now: segment, latest: segment, ahead: VecDeque::new() }
    }

    /// Takes in that bytes of a segment were read at this offset, behind all others.
    pub(super) fn note(&mut self, at: u64, segment: Segment) {
        if segment != self.latest {
            self.latest = segment;
            self.ahead.push_back((at, segment));
        }
    }

    /// Goes on to the record at this offset, and says whether its segment is another than that of the one before.
    pub(super) fn go_on(&mut self, record: u64) -> bool {
        let before = self.now;
        while let Some(&(at, segment)) = self.ahead.front()
            && at < record
        {
            self.now = segment;
            self.ahead.pop_front();
        }
        self.now != before
    }

    /// The segment of the next record.
    pub(super) fn now(&self) -> Segment {
        self.now
    }

    /// Offset of the first byte of another segment, as far as was read.
    pub(super) fn next(&self) -> Option<u64> {
        self.ahead.front().map(|&(at, _)| at)
    }
}
