//! Finds the compression by the first bytes and undoes it.

use super::compression::Compression;
use super::cuts::Cuts;
use super::kernel::bzip2_kernel;
use super::members::{Gzip, Trailing, Zstd, unsupported_zstd};
use super::watch::Watch;
use crate::bzip2::{self, Limits, ParallelDecoder, Taken, Work};
use crate::csv::{Piece, Segment};
use crate::error::{Error, Place, Result};
use crate::store::ByteSource;
use std::collections::VecDeque;
use std::io::{self, Read};
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

/// Bytes by which a compression is told.
const MAGIC_BYTES: usize = 4;

/// The uncompressed bytes of an object.
pub(super) struct Decompressed<'a> {
    decoder: Decoder<'a>,
    uri: String,
    compression: Compression,
    cuts: Cuts,
    /// Offset of the next byte in the CSV.
    given: u64,
    /// Where units began, if that is wanted.
    marks: Option<Vec<Mark>>,
    /// What was given back, to be read again first.
    ahead: VecDeque<(Vec<u8>, Segment)>,
}

/// The first byte of a unit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    pub(super) unit: u64,
    /// Its offset in the stored file; of bzip2 the first bit of its first block.
    pub(super) stored: u64,
    /// Its offset in the CSV.
    pub(super) csv: u64,
    /// What of bzip2 streams was passed before it.
    pub(super) passed: bzip2::Passed,
}

enum Decoder<'a> {
    /// Decoded by whoever reads.
    Serial(Box<dyn Read + Send + 'a>),
    /// Decoded by all workers; read in order by one.
    Bzip2 { blocks: Bzip2Blocks<'a>, taken: Option<bzip2::Bytes>, at: usize },
}

/// The bzip2 blocks of the object, which any worker may decode.
pub(super) type Bzip2Blocks<'a> = Arc<ParallelDecoder<Box<dyn Read + Send + 'a>>>;

/// A worker's workspace for decompression, made when it is first needed.
#[derive(Default)]
pub(super) struct Scratch(Option<bzip2::Scratch>);

impl Scratch {
    pub(super) fn work(&mut self, blocks: &Bzip2Blocks<'_>) -> Work {
        blocks.work(self.0.get_or_insert_with(|| bzip2::Scratch::with_kernel(bzip2_kernel())))
    }
}

/// Longest sleep of a worker that waits for another's block.
const BLOCK_WAIT: Duration = Duration::from_millis(20);

/// Waits for the reader's place, and decodes blocks for the one who has it meanwhile.
pub(super) fn readers_place<'p, R>(
    place: &'p Mutex<R>,
    blocks: Option<&Bzip2Blocks<'_>>,
    scratch: &mut Scratch,
) -> MutexGuard<'p, R> {
    while let Some(blocks) = blocks {
        match place.try_lock() {
            Ok(place) => return place,
            Err(TryLockError::Poisoned(poisoned)) => return poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {}
        }
        // If this panics, the decoder tells the one who reads.
        match catch_unwind(AssertUnwindSafe(|| scratch.work(blocks))).unwrap_or(Work::Done) {
            Work::Did => {}
            Work::Nothing => blocks.wait_for_work(BLOCK_WAIT),
            Work::Done => break,
        }
    }
    place.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'a> Decompressed<'a> {
    /// Looks at the first bytes of a source. Up to `workers` will help to decode; `segment_bytes` is the CSV of a file.
    pub(super) fn open(
        mut source: Box<dyn ByteSource + 'a>,
        watch: impl Deref<Target = Watch> + Send + 'a,
        workers: usize,
        segment_bytes: u64,
    ) -> Result<Self> {
        let uri = source.info().uri.clone();
        let head = read_head(&mut *source, &watch)?;
        let compression = Compression::detect(&head);
        let raw: Box<dyn Read + Send + 'a> =
            Box::new(io::Cursor::new(head).chain(SourceReader { source, watch }));
        let decoder = match compression {
            Compression::None => Decoder::Serial(raw),
            Compression::Bzip2 => {
                let blocks = Arc::new(ParallelDecoder::new(raw, Limits::for_workers(workers)));
                Decoder::Bzip2 { blocks, taken: None, at: 0 }
            }
            Compression::Gzip => Decoder::Serial(Box::new(Gzip::new(raw))),
            Compression::Zstd => {
                Decoder::Serial(Box::new(Zstd::new(raw).map_err(|error| damaged(error, &uri, "zstd"))?))
            }
        };
        let cuts = Cuts::new(compression, segment_bytes);
        Ok(Self { decoder, uri, compression, cuts, given: 0, marks: None, ahead: VecDeque::new() })
    }

    /// Goes on in the middle of an object: `source` is what follows from the byte on in which bzip2's `start` lies, or
    /// what is at `csv` of what is not compressed. Offsets in the CSV are counted from `csv`.
    pub(super) fn resume(
        source: Box<dyn ByteSource + 'a>,
        watch: &'a Watch,
        compression: Compression,
        segment_bytes: u64,
        start: bzip2::Start,
        csv: u64,
    ) -> Self {
        let uri = source.info().uri.clone();
        let raw: Box<dyn Read + Send + 'a> = Box::new(SourceReader { source, watch });
        let decoder = match compression {
            Compression::Bzip2 => {
                let blocks = ParallelDecoder::starting(raw, Limits::for_workers(1), start);
                Decoder::Bzip2 { blocks: Arc::new(blocks), taken: None, at: 0 }
            }
            _ => Decoder::Serial(raw),
        };
        let cuts = Cuts::new(compression, segment_bytes);
        Self { decoder, uri, compression, cuts, given: csv, marks: Some(Vec::new()), ahead: VecDeque::new() }
    }

    /// The same, but where units begin is kept.
    #[must_use]
    pub(super) fn keep_marks(self) -> Self {
        Self { marks: Some(Vec::new()), ..self }
    }

    /// The first unit that was read of.
    pub(super) fn first_mark(&self) -> Option<Mark> {
        self.marks.iter().flatten().next().copied()
    }

    /// Where a unit that was read of began.
    pub(super) fn mark(&self, unit: u64) -> Option<Mark> {
        self.marks.iter().flatten().find(|mark| mark.unit == unit).copied()
    }

    /// What of bzip2 streams was passed: after the end, everything.
    pub(super) fn passed(&self) -> bzip2::Passed {
        self.blocks().map(|blocks| blocks.passed()).unwrap_or_default()
    }

    /// Takes back what was read last, to be read again: all of `bytes` from `at` on, which came in `pieces`, each from
    /// an index on and of a segment.
    pub(super) fn give_back(&mut self, bytes: &[u8], at: usize, pieces: &[(usize, Segment)]) {
        let ends = pieces.iter().skip(1).map(|(from, _)| *from).chain([bytes.len()]);
        for ((from, segment), end) in pieces.iter().zip(ends) {
            if let Some(rest) = bytes.get(at.max(*from)..end).filter(|rest| !rest.is_empty()) {
                self.ahead.push_back((rest.to_vec(), *segment));
            }
        }
    }

    pub(super) fn compression(&self) -> Compression {
        self.compression
    }

    pub(super) fn uri(&self) -> &str {
        &self.uri
    }

    /// What other workers can help with while one reads.
    pub(super) fn blocks(&self) -> Option<Bzip2Blocks<'a>> {
        match &self.decoder {
            Decoder::Serial(_) => None,
            Decoder::Bzip2 { blocks, .. } => Some(blocks.clone()),
        }
    }

    /// Fills from the front of `buf`, with bytes of one segment; 0 only at the verified end.
    pub(super) fn read(&mut self, buf: &mut [u8], scratch: &mut Scratch) -> Result<Piece> {
        if let Some((bytes, segment)) = self.ahead.front_mut() {
            let (count, segment) = (bytes.len().min(buf.len()), *segment);
            buf[..count].copy_from_slice(&bytes[..count]);
            bytes.drain(..count);
            if bytes.is_empty() {
                self.ahead.pop_front();
            }
            return Ok(Piece { bytes: count, segment });
        }
        let (cuts, given) = (&mut self.cuts, self.given);
        let (mut stored, mut passed) = (given, bzip2::Passed::default());
        let read = match &mut self.decoder {
            Decoder::Serial(reader) => {
                let (segment, room) = cuts.segment_at(given, given);
                let buf = within(buf, room);
                read_uninterrupted(reader, buf).map(|bytes| Piece { bytes, segment })
            }
            Decoder::Bzip2 { blocks, taken, at } => {
                next_bytes(blocks, taken, at, scratch).map(|rest| match rest {
                    None => Piece::default(),
                    Some((block, from)) => {
                        (stored, passed) = (block.bit(), block.passed());
                        let (segment, room) = cuts.segment_at(stored / 8, given);
                        let rest = &block[from..];
                        let buf = within(buf, room);
                        let bytes = rest.len().min(buf.len());
                        buf[..bytes].copy_from_slice(&rest[..bytes]);
                        *at += bytes;
                        Piece { bytes, segment }
                    }
                })
            }
        };
        let piece = read.map_err(|error| damaged(error, &self.uri, self.compression.as_str()))?;
        let unit = piece.segment.unit;
        if let Some(marks) = &mut self.marks
            && piece.bytes > 0
            && marks.last().is_none_or(|mark| mark.unit != unit)
        {
            marks.push(Mark { unit, stored, csv: given, passed });
        }
        self.given += piece.bytes as u64;
        Ok(piece)
    }
}

fn read_head(source: &mut dyn ByteSource, watch: &Watch) -> Result<Vec<u8>> {
    let mut head = vec![0; MAGIC_BYTES];
    let mut len = 0;
    while len < head.len() {
        match source.read(&mut head[len..])? {
            0 => break,
            n => len += n,
        }
    }
    head.truncate(len);
    Watch::add(&watch.source_bytes, len as u64);
    Ok(head)
}

fn read_uninterrupted(reader: &mut impl Read, buf: &mut [u8]) -> io::Result<usize> {
    loop {
        match reader.read(buf) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// The front of a buffer, at most so many bytes.
fn within(buf: &mut [u8], bytes_max: u64) -> &mut [u8] {
    let bytes = buf.len().min(usize::try_from(bytes_max).unwrap_or(usize::MAX));
    &mut buf[..bytes]
}

/// The block at hand, and how much of it is used up; when that is all, takes the next one, decoding meanwhile. None at
/// the end.
fn next_bytes<'t>(
    blocks: &Bzip2Blocks<'_>,
    taken: &'t mut Option<bzip2::Bytes>,
    at: &mut usize,
    scratch: &mut Scratch,
) -> io::Result<Option<(&'t bzip2::Bytes, usize)>> {
    while taken.as_deref().is_none_or(|bytes| *at == bytes.len()) {
        (*taken, *at) = (None, 0);
        match blocks.take()? {
            Taken::Bytes(bytes) => *taken = Some(bytes),
            Taken::End => return Ok(None),
            Taken::Pending => {
                if scratch.work(blocks) == Work::Nothing {
                    blocks.wait(BLOCK_WAIT);
                }
            }
        }
    }
    Ok(taken.as_ref().map(|bytes| (bytes, *at)))
}

/// An error of the source comes back as it was; anything else is the decoder's.
fn damaged(error: io::Error, uri: &str, format: &str) -> Error {
    let error = match error.downcast::<Error>() {
        Ok(error) => return error.in_object(uri),
        Err(error) => error,
    };
    let bzip2 = error.get_ref().and_then(|cause| cause.downcast_ref::<bzip2::Error>());
    if let Some(bzip2::Error::WorkerLost) = bzip2 {
        return Error::machine("a worker broke down; its place stands above")
            .help("please report this with the place");
    }
    let trailing = error.get_ref().and_then(|cause| cause.downcast_ref::<Trailing>());
    let byte = bzip2.and_then(bzip2::Error::byte).or(trailing.map(|trailing| trailing.byte));
    let (what, help) = match bzip2 {
        _ if error.kind() == io::ErrorKind::UnexpectedEof => (
            format!("the {format} data is cut off"),
            "the export is not complete: fetch it again, or request a new one",
        ),
        Some(bzip2::Error::TrailingData { .. }) => trailed(format),
        _ if trailing.is_some() => trailed(format),
        Some(bzip2::Error::Randomised { .. }) => unsupported(format, "with randomised blocks"),
        _ => match unsupported_zstd(&error) {
            Some(how) => unsupported(format, how),
            None => (format!("the {format} data is damaged"), "fetch the export again, or request a new one"),
        },
    };
    Error::input(what).at(Place { byte, ..Place::uri(uri) }).help(help).because(error)
}

fn trailed(format: &str) -> (String, &'static str) {
    let help = "cut off what does not belong to it, if the data before is whole, or fetch the export again";
    (format!("something else follows the end of the {format} data"), help)
}

fn unsupported(format: &str, how: &str) -> (String, &'static str) {
    (format!("{format} data {how} is not supported"), "unpack it first, or compress it again without that")
}

/// A source as the decoders want it; counts what is read.
struct SourceReader<'a, W> {
    source: Box<dyn ByteSource + 'a>,
    watch: W,
}

impl<W: Deref<Target = Watch>> Read for SourceReader<'_, W> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.watch.stopped() {
            return Err(io::Error::other(Error::Interrupted));
        }
        let n = self.source.read(buf).map_err(io::Error::other)?;
        Watch::add(&self.watch.source_bytes, n as u64);
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_tell() {
        let cases: &[(&[u8], Compression)] = &[
            (b"BZh91AY", Compression::Bzip2),
            (b"BZh0", Compression::None),
            (b"\x1f\x8b\x08", Compression::Gzip),
            (b"\x28\xb5\x2f\xfd", Compression::Zstd),
            (b"\x50\x2a\x4d\x18", Compression::Zstd),
            (b"\x5f\x2a\x4d\x18", Compression::Zstd),
            (b"\x60\x2a\x4d\x18", Compression::None),
            (b"\x28\xb5\x2f", Compression::None),
            (b"\x1f", Compression::None),
            (b"id,na", Compression::None),
            (b"", Compression::None),
        ];
        for (bytes, want) in cases {
            assert_eq!(Compression::detect(bytes), *want, "{bytes:?}");
        }
    }
}
