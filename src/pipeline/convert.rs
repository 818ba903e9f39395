//! Runs the workers.
//!
//! Each worker repeats: take the reader's place and cut the next row group, let the next worker have
//! that place, decode and encode the row group, hand it to the stage. There are no queues between:
//! what is in memory is one row group a worker, and those few that wait for an earlier one.

use super::caught::caught;
use super::decompress::{Bzip2Blocks, Compression, Decompressed, Scratch, readers_place};
use super::options::ConvertOptions;
use super::rejects::{RejectsPlace, RejectsWriter};
use super::split::{RowGroup, RowGroups};
use super::stage::{FinishedRowGroup, Stage, StageOptions, Staged};
use super::watch::Watch;
use crate::csv::Blocks;
use crate::error::{Error, Result};
use crate::pages::RowGroupEncoder;
use crate::schema::{Layout, Table};
use crate::store::{ByteSource, SegmentSink};
use std::sync::{Mutex, PoisonError};

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
    let Conversion { source, table, options, sink, fit, rejects, watch, text_hashes } = conversion;
    let threads = options.threads.max(1);
    let input = Decompressed::open(source, watch, threads)?;
    *compression = Some(input.compression());
    let uri = input.uri().to_owned();
    let (groups, header) = RowGroups::open(input, table, options, fit, watch, text_hashes)?;
    let stage_options = StageOptions {
        encoding: groups.encoding().clone(),
        sink,
        watch,
        file_suffix: options.codec.file_suffix(),
        max_rejects: options.max_rejects,
        waiting_max: (WAITING_PER_WORKER_MAX * threads) as u64,
        header_lines: header.lines,
        uri,
    };
    let masks = &groups.encoding().layout().masks;
    let rejects = RejectsWriter::new(rejects, &header, masks, options.report_values);
    let stage = Stage::new(stage_options, rejects);
    let worker = || Ok((RowGroupEncoder::new(groups.encoding().clone())?, groups.room()));
    let workers: Result<Vec<_>> = (0..threads).map(|_| worker()).collect();
    let shared = Shared { blocks: groups.blocks(), groups: Mutex::new(Some(groups)), stage: &stage, watch };
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

struct Shared<'r, 's> {
    blocks: Option<Bzip2Blocks<'r>>,
    /// `None` once the end, or an error, was reached.
    groups: Mutex<Option<RowGroups<'r>>>,
    stage: &'s Stage<'s>,
    watch: &'s Watch,
}

impl<'r> Shared<'r, '_> {
    fn work(&self, mut encoder: RowGroupEncoder, mut blocks: Blocks) {
        let mut scratch = Scratch::default();
        while let Some((index, group)) = self.next_group(&mut blocks, &mut scratch) {
            // A row group that never arrives would keep the others waiting: even a panic is handed in.
            let encode = || group.and_then(|group| self.encode(&mut encoder, &blocks, &group));
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
        let next = caught(|| groups.next(blocks, scratch)).transpose();
        if !matches!(next, Some(Ok(_))) {
            *reading = None;
        }
        next.map(|group| (index, group))
    }

    fn end(&self) {
        *self.groups.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn encode(
        &self,
        encoder: &mut RowGroupEncoder,
        blocks: &Blocks,
        group: &RowGroup,
    ) -> Result<FinishedRowGroup> {
        encoder.set_plan(&group.plan);
        for block in blocks.iter() {
            if self.watch.stopped() {
                return Err(Error::Interrupted);
            }
            if encoder.gave_up() {
                break;
            }
            encoder.add(block)?;
        }
        Ok(FinishedRowGroup { segment: group.segment, encoded: encoder.finish()? })
    }
}
