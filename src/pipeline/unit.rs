//! One unit of an export, converted by itself: what begins in so many bytes of the stored file.
//!
//! ```text
//! Start::Found   read from the unit's mark ─▶ csv::first_record ─┐
//! Start::Known   read from there ────────────────────────────────┴▶ split ▸ encode ▸ files ─▶ Receipt
//! ```
//! Where a unit began is a guess if it found that by itself; its receipt says it, and whoever puts receipts together
//! takes none that did not begin where the one before has ended.

use super::caught::caught;
use super::compression::Compression;
use super::decompress::{Decompressed, Scratch};
use super::encode::encode;
use super::files::{Files, WholeFile, remove};
use super::spec::Spec;
use super::split::{Begins, RowGroups};
use super::watch::Watch;
use crate::bzip2;
use crate::csv::{Segment, first_record};
use crate::error::{Error, Result};
use crate::pages::{Counted, RowGroupEncoder};
use crate::store::{ByteSource, SegmentSink};

/// Bytes of CSV by which a unit looks for its first record; most exports tell it in a tenth of that.
const WINDOW_BYTES: usize = 16 << 10;
/// Bytes of CSV after which it gives up.
const WINDOW_BYTES_MAX: usize = 4 << 20;
/// Stored bytes behind a unit that it most likely reads: the rest of a block, of its last record, and a bzip2 block.
const BEHIND_BYTES: u64 = 1 << 20;

/// The stored bytes of an export from an offset on, of which so many will most likely be read.
pub type Ranges<'a> = dyn Fn(u64, u64) -> Result<Box<dyn ByteSource>> + Sync + 'a;

/// The place of a record, by the stored file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Seam {
    /// The unit that the record begins in.
    pub unit: u64,
    /// That unit's first byte; of bzip2 the first bit of its first block.
    pub mark: u64,
    /// How far behind the record is, in bytes of CSV.
    pub offset: u64,
}

/// A place of which all is known that is before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Known {
    /// The place.
    pub seam: Seam,
    /// Offset of the mark in the CSV.
    pub csv: u64,
    /// Of bzip2: how far the stream has come at the mark. None at the front.
    pub stream: Option<bzip2::Stream>,
}

impl Known {
    /// The front of a file.
    pub const FRONT: Self = Self { seam: Seam { unit: 0, mark: 0, offset: 0 }, csv: 0, stream: None };
}

/// Where a unit begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Start {
    /// At a place that was told.
    Known(Known),
    /// Behind its mark, where it finds the first record by itself.
    Found,
}

/// What is to be converted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Unit {
    /// Its number in the file.
    pub number: u64,
    /// Where it begins.
    pub start: Start,
}

/// What came of a unit.
#[derive(serde::Serialize, serde::Deserialize)]
pub struct Receipt {
    pub(super) unit: Unit,
    /// Its first record; none if that could not be found.
    pub(super) began: Option<Seam>,
    /// Offset of its mark in the CSV, as the unit counts.
    pub(super) csv: u64,
    /// Its row groups.
    pub(super) groups: Vec<Counted>,
    pub(super) files: Vec<WholeFile>,
    pub(super) end: End,
}

impl Receipt {
    /// What was converted.
    pub fn unit(&self) -> Unit {
        self.unit
    }

    /// Bytes of its rejects: the rest of it grows with row groups and columns alone.
    pub fn reject_bytes(&self) -> usize {
        self.groups.iter().map(|group| group.counts.rejects.bytes()).sum()
    }
}

/// How a unit ended.
#[derive(serde::Serialize, serde::Deserialize)]
pub(super) enum End {
    /// No record was found to begin with.
    NotBegun,
    /// The next record belongs to another unit.
    Next {
        seam: Seam,
        /// Offset of that unit's mark in the CSV, as this unit counts.
        csv: u64,
        /// What was passed from this unit's mark to that one's.
        passed: bzip2::Passed,
    },
    /// The file ended, sound as far as can be told from here.
    Last {
        passed: bzip2::Passed,
    },
    /// Its last row group has more rejects than a run may have.
    GaveUp,
    Failed(#[serde(with = "told")] Error),
}

/// Errors as other processes are told of them.
mod told {
    use crate::error::{Error, Told};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(error: &Error, to: S) -> Result<S::Ok, S::Error> {
        Told::from(error).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Error, D::Error> {
        Told::deserialize(from).map(Error::from)
    }
}

/// Converts one unit. What is wrong with the export, or with the sink, stands in the receipt, as it must not be told
/// before what is wrong with the units before.
///
/// # Errors
/// [`Error::Transient`] and [`Error::Interrupted`]: the unit can be run again.
pub fn run_unit(
    spec: &Spec,
    unit: Unit,
    ranges: &Ranges<'_>,
    sink: &dyn SegmentSink,
    watch: &Watch,
) -> Result<Receipt> {
    let mut receipt =
        Receipt { unit, began: None, csv: 0, groups: Vec::new(), files: Vec::new(), end: End::NotBegun };
    let mut files = Files::new(spec.encoding.clone(), sink, spec.options.codec.file_suffix());
    match caught(|| convert(spec, ranges, &mut files, watch, &mut receipt)) {
        Ok(end) => receipt.end = end,
        Err(error @ (Error::Transient(_) | Error::Interrupted)) => {
            remove(sink, &files.whole().iter().map(|file| &file.object).collect::<Vec<_>>());
            return Err(error);
        }
        Err(error) => receipt.end = End::Failed(error),
    }
    receipt.files = files.into_whole();
    Ok(receipt)
}

fn convert(
    spec: &Spec,
    ranges: &Ranges<'_>,
    files: &mut Files<'_>,
    watch: &Watch,
    receipt: &mut Receipt,
) -> Result<End> {
    let mut scratch = Scratch::default();
    let number = receipt.unit.number;
    let Some(mut groups) = begin(spec, ranges, watch, receipt, &mut scratch)? else {
        return Ok(End::NotBegun);
    };
    let mut encoder = RowGroupEncoder::new(spec.encoding.clone())?;
    let mut blocks = groups.room();
    loop {
        if spec.unit_bytes().is_some()
            && let Some((mark, offset)) = groups.left(number)
        {
            files.close()?;
            let seam = Seam { unit: mark.unit, mark: mark.stored, offset };
            return Ok(End::Next { seam, csv: mark.csv, passed: mark.passed });
        }
        let Some(group) = groups.next(&mut blocks, &mut scratch)? else {
            files.close()?;
            return Ok(End::Last { passed: groups.passed() });
        };
        let (counted, columns) = encode(&mut encoder, &blocks, &group, watch)?.split();
        let (rows, gave_up) = (counted.counts.rows, counted.gave_up);
        receipt.groups.push(counted);
        if gave_up {
            return Ok(End::GaveUp);
        }
        files.append(group.segment, rows, columns)?;
    }
}

/// Reads up to the unit's first record. None if that cannot be found.
fn begin<'a>(
    spec: &'a Spec,
    ranges: &Ranges<'_>,
    watch: &'a Watch,
    receipt: &mut Receipt,
    scratch: &mut Scratch,
) -> Result<Option<RowGroups<'a>>> {
    let Unit { number, start } = receipt.unit;
    let unit_bytes = spec.unit_bytes().unwrap_or(u64::MAX);
    let open = |from: u64, start: bzip2::Start, csv: u64| {
        let behind = unit_bytes.saturating_mul(number.saturating_add(1)).saturating_add(BEHIND_BYTES);
        let source = ranges(from, behind.saturating_sub(from))?;
        Ok::<_, Error>(Decompressed::resume(
            source,
            watch,
            spec.compression,
            spec.options.segment_bytes,
            start,
            csv,
        ))
    };
    let known = match start {
        Start::Found if number == 0 => Some(Known::FRONT),
        Start::Found => None,
        Start::Known(known) => Some(known),
    };
    let is_bzip2 = spec.compression == Compression::Bzip2;
    let (mut input, seam) = match known {
        Some(Known { seam, .. }) if seam == Known::FRONT.seam => {
            receipt.began = Some(seam);
            let input = Decompressed::open(
                ranges(0, unit_bytes.saturating_add(BEHIND_BYTES))?,
                watch,
                1,
                spec.options.segment_bytes,
            )?;
            return RowGroups::again(input.keep_marks(), spec.encoding.clone(), &spec.options, watch)
                .map(Some);
        }
        Some(Known { seam, csv, stream }) => {
            receipt.csv = csv;
            let stream = stream.unwrap_or(bzip2::Stream::new(0));
            let start = bzip2::Start::At { bit: seam.mark, stream };
            // Of plain CSV the byte before tells the segment.
            let (from, csv) = match is_bzip2 {
                true => (seam.mark / 8, csv),
                false => (seam.mark + seam.offset.saturating_sub(1), csv + seam.offset.saturating_sub(1)),
            };
            (open(from, start, csv)?, Some(seam))
        }
        None => {
            let from = number.saturating_mul(unit_bytes);
            let start = bzip2::Start::Behind { bit: from.saturating_mul(8) };
            receipt.csv = if is_bzip2 { 0 } else { from };
            (open(from, start, receipt.csv)?, None)
        }
    };
    let (seam, segment) = match seam {
        Some(seam) => {
            let bytes = if is_bzip2 { seam.offset } else { 1 };
            (seam, skip(&mut input, bytes, scratch)?)
        }
        None => match find(&mut input, spec, number, scratch)? {
            Some((seam, segment)) => (seam, Some(segment)),
            None => return Ok(None),
        },
    };
    // There is no such place.
    let Some(segment) = segment else { return Ok(None) };
    receipt.began = Some(seam);
    let begins = Begins { byte: receipt.csv + seam.offset, segment };
    let given = (&spec.options, spec.header.line_end);
    Ok(Some(RowGroups::resume(input, &begins, spec.encoding.clone(), given, watch)))
}

/// Passes over so many bytes of CSV; the segment of the last one, if there are so many.
fn skip(input: &mut Decompressed<'_>, bytes: u64, scratch: &mut Scratch) -> Result<Option<Segment>> {
    let mut buf = vec![0; WINDOW_BYTES];
    let (mut left, mut segment) = (bytes, None);
    while left > 0 {
        let most = buf.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let piece = input.read(&mut buf[..most], scratch)?;
        if piece.bytes == 0 {
            return Ok(None);
        }
        left -= piece.bytes as u64;
        segment = Some(piece.segment);
    }
    Ok(segment)
}

/// Finds the first record behind the mark, and leaves the input there.
fn find(
    input: &mut Decompressed<'_>,
    spec: &Spec,
    number: u64,
    scratch: &mut Scratch,
) -> Result<Option<(Seam, Segment)>> {
    let (mut window, mut pieces) = (Vec::new(), Vec::new());
    let mut wanted = WINDOW_BYTES;
    loop {
        let at_end = loop {
            let from = window.len();
            if from == wanted {
                break false;
            }
            window.resize(wanted, 0);
            let piece = input.read(&mut window[from..], scratch)?;
            window.truncate(from + piece.bytes);
            if piece.bytes == 0 {
                break true;
            }
            pieces.push((from, piece.segment));
        };
        // Of bzip2 no block may begin in the unit.
        let Some(mark) = input.first_mark().filter(|mark| mark.unit == number) else { return Ok(None) };
        let seam = |offset| Seam { unit: number, mark: mark.stored, offset };
        let width = spec.encoding.layout().fields;
        if let Some(at) = first_record(&window, width, spec.header.line_end) {
            let before = pieces.partition_point(|(from, _)| *from < at);
            let segment =
                pieces.get(before.saturating_sub(1)).map_or(Segment::default(), |(_, segment)| *segment);
            let found = seam(at as u64);
            input.give_back(&window, at, &pieces);
            return Ok(Some((found, segment)));
        }
        if at_end || wanted >= WINDOW_BYTES_MAX {
            return Ok(None);
        }
        wanted *= 4;
    }
}
