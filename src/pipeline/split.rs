//! Cuts the uncompressed bytes into row groups and segments, at places that the bytes decide.

use super::decompress::{Bzip2Blocks, Decompressed, Mark, Scratch};
use super::foreign::{self, HEAD_BYTES};
use super::kernel::csv_kernel;
use super::options::{ConvertOptions, ROW_GROUP_BYTES_MAX};
use super::watch::Watch;
use crate::bzip2::Passed;
use crate::csv::{
    Blocks, GAP_BYTES_MAX, LineEnd, PAD_AFTER, RawField, Segment, SplitError, Splitter, raw_records,
};
use crate::error::{Error, Place, Result};
use crate::pages::{DictionaryPlan, EncodeOptions, Encoding, RowGroupEncoder, rule_of};
use crate::privacy::Transform;
use crate::schema::{BindOptions, COLUMNS_MAX, Layout, Table, too_wide};
use crate::values::Rule;
use std::sync::Arc;

/// Bytes of a block: small enough to stay in a core's second-level cache while each column walks it.
pub(super) const BLOCK_BYTES: usize = 128 << 10;
/// Records of a segment that are encoded on trial to see which dictionaries pay.
const PLAN_RECORDS: u64 = 5_000;
/// Blocks of such a trial.
const PLAN_BLOCKS_MAX: usize = 64;

/// Where a run of whole records goes, and how it is encoded; the records are in the worker's blocks.
pub(super) struct RowGroup {
    /// The segment, and so the file, it belongs to.
    pub(super) segment: Segment,
    pub(super) plan: Arc<DictionaryPlan>,
}

/// The header of a file, as it stands there.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
pub(super) struct Header {
    /// The header record with its newline.
    pub(super) raw: Vec<u8>,
    /// The field names.
    pub(super) names: Vec<String>,
    /// Newlines of the header.
    pub(super) lines: u64,
    /// How it ends, and all records with it.
    pub(super) line_end: LineEnd,
}

/// The first record of a unit that begins in the middle of a file.
pub(super) struct Begins {
    /// Its offset in the CSV.
    pub(super) byte: u64,
    pub(super) segment: Segment,
}

impl Header {
    /// The record of the names, as it heads records that rules of privacy have masked.
    pub(super) fn masked(&self, masks: &[Option<Transform>]) -> Vec<u8> {
        if masks.iter().all(Option::is_none) {
            return self.raw.clone();
        }
        let name = |(name, mask): (&String, &Option<Transform>)| match mask {
            Some(mask) => mask.name_of(name),
            None => name.clone(),
        };
        let names = self.names.iter().zip(masks).map(name);
        let quoted: Vec<String> = names.map(|name| format!("\"{}\"", name.replace('"', "\"\""))).collect();
        let end = if self.line_end == LineEnd::CrLf { "\r\n" } else { "\n" };
        (quoted.join(",") + end).into_bytes()
    }
}

/// Reads on and cuts. One worker at a time holds it.
pub(super) struct RowGroups<'a> {
    input: Decompressed<'a>,
    watch: &'a Watch,
    splitter: Splitter,
    /// What is left of the block that the header was in.
    first: Option<Blocks>,
    encoding: Arc<Encoding>,
    row_group_bytes: usize,
    next_index: u64,
    segment: Segment,
    /// That of the segment.
    plan: Option<Arc<DictionaryPlan>>,
}

impl<'a> RowGroups<'a> {
    /// Reads the header and binds it to the table; `text_hashes` as in [`EncodeOptions`].
    pub(super) fn open(
        mut input: Decompressed<'a>,
        table: &Table,
        options: &ConvertOptions,
        fit: &dyn Fn(Layout) -> Result<Layout>,
        watch: &'a Watch,
        text_hashes: bool,
    ) -> Result<(Self, Header)> {
        let mut splitter = splitter(options, LineEnd::Lf);
        let mut first = room(options.row_group_bytes.min(ROW_GROUP_BYTES_MAX));
        let header = read_header(&mut input, &mut splitter, &mut first)?;
        let layout = fit(bind(&header, input.uri(), table, options)?)?;
        let encode = EncodeOptions { text_hashes, ..options.encode_options(header.line_end) };
        let encoding = Encoding::new(layout, encode, csv_kernel())?;
        if options.allow_open_end {
            splitter.allow_open_end(header.line_end);
        }
        let groups = Self::new(input, splitter, encoding, options, watch);
        Ok((Self { first: Some(first), ..groups }, header))
    }

    /// Reads the header once more, which is bound already, and what follows it.
    pub(super) fn again(
        mut input: Decompressed<'a>,
        encoding: Arc<Encoding>,
        options: &ConvertOptions,
        watch: &'a Watch,
    ) -> Result<Self> {
        let mut splitter = splitter(options, LineEnd::Lf);
        let mut first = room(options.row_group_bytes.min(ROW_GROUP_BYTES_MAX));
        let header = read_header(&mut input, &mut splitter, &mut first)?;
        if options.allow_open_end {
            splitter.allow_open_end(header.line_end);
        }
        Ok(Self { first: Some(first), ..Self::new(input, splitter, encoding, options, watch) })
    }

    /// Reads on in the middle of a file, from this record on.
    pub(super) fn resume(
        input: Decompressed<'a>,
        begins: &Begins,
        encoding: Arc<Encoding>,
        (options, line_end): (&ConvertOptions, LineEnd),
        watch: &'a Watch,
    ) -> Self {
        let mut splitter = Splitter::starting(BLOCK_BYTES, begins.byte, begins.segment);
        if options.allow_open_end {
            splitter.allow_open_end(line_end);
        }
        let groups = Self::new(input, splitter, encoding, options, watch);
        Self { segment: begins.segment, ..groups }
    }

    fn new(
        input: Decompressed<'a>,
        splitter: Splitter,
        encoding: Arc<Encoding>,
        options: &ConvertOptions,
        watch: &'a Watch,
    ) -> Self {
        Self {
            input,
            watch,
            splitter,
            first: None,
            encoding,
            row_group_bytes: options.row_group_bytes.min(ROW_GROUP_BYTES_MAX),
            next_index: 0,
            segment: Segment::default(),
            plan: None,
        }
    }

    /// Where the next record is, if it is not of this unit: its own unit's mark, and how far behind.
    pub(super) fn left(&self, unit: u64) -> Option<(Mark, u64)> {
        let next = self.splitter.segment().unit;
        if next == unit || self.first.as_ref().is_some_and(|first| !first.is_empty()) {
            return None;
        }
        let mark = self.input.mark(next)?;
        Some((mark, self.splitter.byte() - mark.csv))
    }

    /// What of bzip2 streams was passed: after the end, everything.
    pub(super) fn passed(&self) -> Passed {
        self.input.passed()
    }

    /// Blocks with room for a row group.
    pub(super) fn room(&self) -> Blocks {
        room(self.row_group_bytes)
    }

    pub(super) fn encoding(&self) -> &Arc<Encoding> {
        &self.encoding
    }

    /// What other workers can help with while one reads.
    pub(super) fn blocks(&self) -> Option<Bzip2Blocks<'a>> {
        self.input.blocks()
    }

    /// The index that the next row group will have, or would have had.
    pub(super) fn next_index(&self) -> u64 {
        self.next_index
    }

    /// Puts the next row group in `blocks`, in place of what is there; `None` at the end of the file.
    pub(super) fn next(&mut self, blocks: &mut Blocks, scratch: &mut Scratch) -> Result<Option<RowGroup>> {
        match self.first.take() {
            Some(first) => *blocks = first,
            None => blocks.clear(),
        }
        // What the header's block has more is of the first segment.
        let segment = if blocks.is_empty() { self.splitter.segment() } else { self.segment };
        let wanted = row_group_bytes(self.row_group_bytes, segment, self.next_index);
        fill(&mut self.input, &mut self.splitter, self.watch, (segment, wanted), blocks, scratch)?;
        if blocks.is_empty() {
            return Ok(None);
        }
        if segment != self.segment {
            self.segment = segment;
            self.plan = None;
        }
        let plan = match &self.plan {
            Some(plan) => plan.clone(),
            None => self.plan.insert(Arc::new(plan_dictionaries(&self.encoding, blocks)?)).clone(),
        };
        self.next_index += 1;
        Ok(Some(RowGroup { segment, plan }))
    }
}

/// Adds blocks until there are so many bytes of records, or the segment or the file ends.
pub(super) fn fill(
    input: &mut Decompressed<'_>,
    splitter: &mut Splitter,
    watch: &Watch,
    (segment, wanted): (Segment, usize),
    blocks: &mut Blocks,
    scratch: &mut Scratch,
) -> Result<()> {
    let mut bytes: usize = blocks.iter().map(|block| block.records().len()).sum();
    while bytes < wanted && (blocks.is_empty() || splitter.segment() == segment) {
        if watch.stopped() {
            return Err(Error::Interrupted);
        }
        let block = splitter.next_block(blocks, |buf| input.read(buf, scratch));
        let Some(block) = block.map_err(|error| cannot_split(error, input.uri()))? else { break };
        bytes += block.records().len();
    }
    Ok(())
}

pub(super) fn splitter(options: &ConvertOptions, line_end: LineEnd) -> Splitter {
    let mut splitter = Splitter::new(BLOCK_BYTES);
    if options.allow_open_end {
        splitter.allow_open_end(line_end);
    }
    splitter
}

/// Blocks with room for a row group, and for a last block that begins with a carried record and goes beyond it.
pub(super) fn room(row_group_bytes: usize) -> Blocks {
    let gaps = (row_group_bytes / BLOCK_BYTES + 2) * GAP_BYTES_MAX;
    Blocks::with_capacity(row_group_bytes + 2 * BLOCK_BYTES + gaps + PAD_AFTER)
}

/// The bytes of a file's row group: the first ones are smaller, so that every worker soon has one, and a
/// small file has enough of them for two. Other segments know nothing of how many were before.
fn row_group_bytes(full: usize, segment: Segment, index: u64) -> usize {
    let bytes = match index {
        0 | 1 if segment == Segment::default() => full / 4,
        2 | 3 if segment == Segment::default() => full / 2,
        _ => full,
    };
    bytes.max(1)
}

/// Encodes the first blocks of a segment on trial. Every worker then knows which dictionaries pay,
/// and no worker has to wait for another's row group.
fn plan_dictionaries(encoding: &Arc<Encoding>, blocks: &Blocks) -> Result<DictionaryPlan> {
    let mut trial = RowGroupEncoder::new(encoding.clone())?;
    for block in blocks.iter().take(PLAN_BLOCKS_MAX) {
        trial.add(block)?;
        if trial.records() >= PLAN_RECORDS || trial.gave_up() {
            break;
        }
    }
    Ok(trial.into_plan())
}

/// Leaves in `blocks` what comes behind the header in its block.
pub(super) fn read_header(
    input: &mut Decompressed<'_>,
    splitter: &mut Splitter,
    blocks: &mut Blocks,
) -> Result<Header> {
    let (mut head, mut scratch) = (Vec::new(), Scratch::default());
    let block = splitter.next_block(blocks, |buf| {
        let piece = input.read(buf, &mut scratch)?;
        head.extend_from_slice(&buf[..piece.bytes.min(HEAD_BYTES - head.len())]);
        Ok(piece)
    });
    if let Some(refusal) = foreign::refusal(&head) {
        return Err(refusal.at(Place::uri(input.uri())));
    }
    let Some(block) = block.map_err(|error| cannot_split(error, input.uri()))? else {
        return Err(Error::input("the export is empty: it has not even a header line")
            .at(Place::uri(input.uri()))
            .help("request a new export; one of an empty table still has its header"));
    };
    let place = || Place { line: Some(1), ..Place::uri(input.uri()) };
    // How its records end is not known yet: the carriage return of the last name is no part of it.
    let Some(record) = raw_records(block.records(), LineEnd::CrLf, COLUMNS_MAX).next() else {
        return Err(Error::input("the export has no header line").at(place()));
    };
    if record.width > COLUMNS_MAX {
        return Err(too_wide(record.width).at(place()));
    }
    let mut names = Vec::with_capacity(record.fields.len());
    for (at, field) in record.fields.iter().enumerate() {
        let damaged = |rule: Rule| {
            // What stands there is not repeated: where the header lacks, it is a person's value.
            Error::schema(format!("the name in field {} of the header breaks the rule {rule}", at + 1))
                .at(Place { byte: Some(block.byte + field.at as u64), ..place() })
                .help("check that this is a CSV export with a header line, in UTF-8")
        };
        names.push(name_of(field).map_err(damaged)?);
    }
    let raw = record.bytes.to_vec();
    let lines = memchr::memchr_iter(b'\n', &raw).count() as u64;
    let line_end = LineEnd::of(&raw);
    blocks.skip(raw.len());
    Ok(Header { raw, names, lines, line_end })
}

fn name_of(field: &RawField<'_>) -> Result<String, Rule> {
    let name = field.value().map_err(rule_of)?.unwrap_or_default();
    String::from_utf8(name.into_owned()).map_err(|_| Rule::Utf8)
}

pub(super) fn bind(header: &Header, uri: &str, table: &Table, options: &ConvertOptions) -> Result<Layout> {
    let bind_options = BindOptions {
        unknown: options.unknown_columns,
        missing: options.missing_columns,
        policy: Some(&options.policy),
        others: &options.other_tables,
    };
    let place = || Place { line: Some(1), ..Place::uri(uri) };
    let layout = Layout::bind_by(&header.names, table, &bind_options).map_err(|error| error.at(place()))?;
    let erased = options.erased.fields(&header.names).map_err(|column| {
        let is_masked = |name: &String| name.strip_prefix(&column).is_some_and(|rule| rule.starts_with(':'));
        let help = match header.names.iter().any(is_masked) {
            true => {
                "a rule of privacy has hidden whose its records are: load the export itself, mended at its source"
            }
            false => "their rows cannot be told from the others: load an export that has the column",
        };
        Error::schema(format!("the file lacks {column}, by which people were erased from the table"))
            .at(place())
            .help(help)
    })?;
    Ok(Layout { erased, ..layout })
}

pub(super) fn cannot_split(error: SplitError<Error>, uri: &str) -> Error {
    let at = |byte| Place { byte: Some(byte), ..Place::uri(uri) };
    match error {
        SplitError::Read(error) => error.in_object(uri),
        SplitError::OpenQuote { byte } => {
            Error::input("the file ends inside a quoted field of the record that starts here")
                .at(at(byte))
                .help(
                    "the file is cut off, or a quote before its end was never closed: fetch the export again",
                )
        }
        SplitError::OpenEnd { byte, end } => {
            Error::input(format!("the file is cut off at byte {end}: its last record, which starts here, has no line end"))
                .at(at(byte))
                .help("fetch the export again; if the file was made by hand and is whole, allow it with --allow-open-end")
        }
        SplitError::LongRecord { byte, bytes_max } => {
            Error::input(format!("the record that starts here is longer than {} MiB", bytes_max >> 20))
                .at(at(byte))
                .help("look for a quote that was never closed at this place")
        }
    }
}

/// The layout of a file, from its header alone.
pub(super) fn layout_of(
    input: &mut Decompressed<'_>,
    table: &Table,
    options: &ConvertOptions,
) -> Result<Layout> {
    let header = read_header(input, &mut splitter(options, LineEnd::Lf), &mut Blocks::default())?;
    bind(&header, input.uri(), table, options)
}
