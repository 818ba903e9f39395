//! Runs the workers.
//!
//! Each worker repeats: take the reader's place and cut the next row group, let the next worker have
//! that place, decode and encode the row group, hand it to the stage. There are no queues between:
//! what is in memory is one row group a worker, and those few that wait for an earlier one.

use super::caught::caught;
use super::compression::Compression;
use super::decompress::{Bzip2Blocks, Decompressed, Scratch, readers_place};
use super::encode::encode;
use super::files::Files;
use super::options::ConvertOptions;
use super::rejects::{RejectsPlace, RejectsWriter};
use super::split::{Header, RowGroup, RowGroups};
use super::stage::{FinishedRowGroup, Stage, Staged};
use super::tally::{Tally, TallyOptions};
use super::watch::Watch;
use crate::csv::Blocks;
use crate::error::{Error, Result};
use crate::pages::{Encoding, RowGroupEncoder};
use crate::report::{self, Clock};
use crate::schema::{Layout, Table};
use crate::store::{ByteSource, SegmentSink};
use std::sync::{Arc, Mutex, PoisonError};

/// Finished row groups that may wait for an earlier one, for each worker.
const WAITING_PER_WORKER_MAX: usize = 2;

/// What a conversion leaves, also when it fails.
pub(super) struct Converted {
    pub(super) compression: Option<Compression>,
    pub(super) staged: Staged,
    pub(super) result: Result<()>,
}

/// Everything a conversion works on.
pub(super) struct Conversion<'a> {
    pub(super) source: Box<dyn ByteSource + 'a>,
    pub(super) table: &'a Table,
    pub(super) options: &'a ConvertOptions,
    pub(super) sink: &'a dyn SegmentSink,
    /// What the target makes of the layout.
    pub(super) fit: &'a dyn Fn(Layout) -> Result<Layout>,
    pub(super) rejects: Option<RejectsPlace>,
    pub(super) watch: &'a Watch,
    pub(super) clock: &'a Clock,
    /// Sum up the hashes of texts too.
    pub(super) text_hashes: bool,
}

pub(super) fn run(conversion: Conversion<'_>) -> Converted {
    let mut compression = None;
    match start(conversion, &mut compression) {
        Ok((staged, result)) => Converted { compression, staged, result },
        Err(error) => Converted { compression, staged: Staged::default(), result: Err(error) },
    }
}

fn start(conversion: Conversion<'_>, compression: &mut Option<Compression>) -> Result<(Staged, Result<()>)> {
    let Conversion { source, table, options, sink, fit, rejects, watch, clock, text_hashes } = conversion;
    let threads = options.threads.max(1);
    let (uri, groups, header) = clock.during(report::Stage::Read, || {
        let input = Decompressed::open(source, watch, threads, options.segment_bytes)?;
        *compression = Some(input.compression());
        let uri = input.uri().to_owned();
        let (groups, header) = RowGroups::open(input, table, options, fit, watch, text_hashes)?;
        Ok::<_, Error>((uri, groups, header))
    })?;
    let encoding = groups.encoding().clone();
    let (tally, files) = books(encoding, &header, (options, uri), sink, rejects, watch);
    let stage = Stage::new(tally, files, sink, clock, (WAITING_PER_WORKER_MAX * threads) as u64);
    let worker = || Ok((RowGroupEncoder::new(groups.encoding().clone())?, groups.room()));
    let workers: Result<Vec<_>> = (0..threads).map(|_| worker()).collect();
    let (blocks, groups) = (groups.blocks(), Mutex::new(Some(groups)));
    let shared = Shared { blocks, groups, stage: &stage, watch, clock };
    std::thread::scope(|scope| {
        let mut workers = workers?.into_iter();
        let own = workers.next();
        for (encoder, blocks) in workers {
            scope.spawn(|| shared.work(encoder, blocks));
        }
        if let Some((encoder, blocks)) = own {
            shared.work(encoder, blocks);
        }
        Ok::<_, Error>(())
    })?;
    drop(shared);
    Ok(stage.finish())
}

/// What a run comes to, and its files; nothing of either is there yet.
pub(super) fn books<'a>(
    encoding: Arc<Encoding>,
    header: &Header,
    (options, uri): (&ConvertOptions, String),
    sink: &'a dyn SegmentSink,
    rejects: Option<RejectsPlace>,
    watch: &'a Watch,
) -> (Tally<'a>, Files<'a>) {
    let masks = &encoding.layout().masks;
    let rejects = RejectsWriter::new(rejects, header, masks, options.report_values);
    let (max_rejects, header_lines) = (options.max_rejects, header.lines);
    let tally_options = TallyOptions { encoding: encoding.clone(), watch, max_rejects, header_lines, uri };
    (Tally::new(tally_options, rejects), Files::new(encoding, sink, options.codec.file_suffix()))
}

struct Shared<'r, 's, 'o> {
    blocks: Option<Bzip2Blocks<'r>>,
    /// `None` once the end, or an error, was reached.
    groups: Mutex<Option<RowGroups<'r>>>,
    stage: &'s Stage<'o>,
    watch: &'s Watch,
    clock: &'s Clock,
}

impl<'r> Shared<'r, '_, '_> {
    fn work(&self, mut encoder: RowGroupEncoder, mut blocks: Blocks) {
        let mut scratch = Scratch::default();
        while let Some((index, group)) = self.next_group(&mut blocks, &mut scratch) {
            // A row group that never arrives would keep the others waiting: even a panic is handed in.
            let encode = || {
                let group = group?;
                let convert = || encode(&mut encoder, &blocks, &group, self.watch);
                let encoded = self.clock.during(report::Stage::Convert, convert)?;
                Ok(FinishedRowGroup { segment: group.segment, encoded })
            };
            if !self.stage.accept(index, caught(encode)) {
                self.end();
            }
        }
    }

    /// The next row group, or why there is none; `None` when there is nothing more to do.
    fn next_group(&self, blocks: &mut Blocks, scratch: &mut Scratch) -> Option<(u64, Result<RowGroup>)> {
        let mut reading = readers_place(&self.groups, self.blocks.as_ref(), scratch);
        let groups = reading.as_mut()?;
        let index = groups.next_index();
        let read = || caught(|| groups.next(blocks, scratch));
        let next = self.clock.during(report::Stage::Read, read).transpose();
        if !matches!(next, Some(Ok(_))) {
            *reading = None;
        }
        next.map(|group| (index, group))
    }

    fn end(&self) {
        *self.groups.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
