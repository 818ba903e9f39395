//! Pages to a finished column chunk: compressed, with their headers and the parquet crate's metadata.

use super::bits::Bits;
use super::compress::Compressor;
use super::header::{PageKind, write_page_header};
use super::options::Codec;
use bytes::Bytes;
use parquet::basic::Encoding;
use parquet::errors::Result;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::statistics::Statistics;
use parquet::schema::types::ColumnDescPtr;
use std::collections::VecDeque;

/// Bytes that are left free before the values of a page: more than the levels of most pages take.
const LEVELS_ROOM: usize = 4 << 10;

/// Bytes that a page's header mostly takes at most: some numbers and tags.
const PAGE_HEADER_ROOM: usize = 64;

/// The PLAIN values of a page being filled. There is room for the levels before them, so that a page is
/// put together where its values are.
pub(super) struct PlainPage {
    bytes: Vec<u8>,
}

impl PlainPage {
    pub(super) fn new() -> Self {
        Self { bytes: vec![0; LEVELS_ROOM] }
    }

    /// Bytes of the values.
    pub(super) fn len(&self) -> usize {
        self.bytes.len() - LEVELS_ROOM
    }

    /// Values are appended here.
    pub(super) fn values(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    fn clear(&mut self) {
        self.bytes.truncate(LEVELS_ROOM);
    }

    /// The page: levels, then values.
    fn with_levels(&mut self, levels: &[u8]) -> &[u8] {
        let at = LEVELS_ROOM.saturating_sub(levels.len());
        self.bytes.splice(at..LEVELS_ROOM, levels.iter().copied());
        &self.bytes[at..]
    }
}

/// What a worker's columns share.
pub(super) struct PageTools {
    compressor: Compressor,
    /// The page being put together.
    page: Vec<u8>,
}

impl PageTools {
    pub(super) fn new(codec: Codec) -> Result<Self> {
        Ok(Self { compressor: Compressor::new(codec)?, page: Vec::new() })
    }
}

/// A finished column chunk: its pages as the file has them, and what the footer says of it, with offsets from
/// its first byte.
pub(super) struct ColumnChunk {
    pub(super) pages: VecDeque<Bytes>,
    pub(super) metadata: ColumnChunkMetaData,
}

/// The values of a dictionary page, PLAIN. Written only if a page has indices into it.
#[derive(Default)]
pub(super) struct DictionaryPage<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) entries: usize,
}

/// The pages of one column chunk so far.
#[derive(Default)]
pub(super) struct ChunkBuilder {
    pages: VecDeque<Bytes>,
    uncompressed: usize,
    rows: usize,
    /// Whether there are PLAIN pages, and pages of indices.
    plain: bool,
    indexed: bool,
}

impl ChunkBuilder {
    pub(super) fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Adds a data page (version 1) of `levels.len()` rows and these non-NULL values, and empties them.
    pub(super) fn plain_page(
        &mut self,
        tools: &mut PageTools,
        levels: &Bits,
        values: &mut PlainPage,
    ) -> Result<()> {
        begin_page(levels, &mut tools.page);
        let page = values.with_levels(&tools.page);
        self.add(&mut tools.compressor, page, levels.len(), Encoding::PLAIN)?;
        values.clear();
        Ok(())
    }

    /// The same, with `write_values` appending the values.
    pub(super) fn data_page(
        &mut self,
        tools: &mut PageTools,
        levels: &Bits,
        encoding: Encoding,
        write_values: impl FnOnce(&mut Vec<u8>),
    ) -> Result<()> {
        begin_page(levels, &mut tools.page);
        write_values(&mut tools.page);
        self.add(&mut tools.compressor, &tools.page, levels.len(), encoding)
    }

    fn add(
        &mut self,
        compressor: &mut Compressor,
        page: &[u8],
        rows: usize,
        encoding: Encoding,
    ) -> Result<()> {
        self.rows += rows;
        self.plain |= encoding == Encoding::PLAIN;
        self.indexed |= encoding == Encoding::RLE_DICTIONARY;
        let stored = compressor.compress(page)?;
        let page = self.written(PageKind::Data { rows, encoding }, page.len(), &stored);
        self.pages.push_back(page);
        Ok(())
    }

    /// The page as the file has it: header, then what is compressed.
    fn written(&mut self, kind: PageKind, uncompressed: usize, stored: &[u8]) -> Bytes {
        let mut out = Vec::with_capacity(stored.len() + PAGE_HEADER_ROOM);
        write_page_header(kind, uncompressed, stored, &mut out);
        self.uncompressed += uncompressed + out.len();
        out.extend_from_slice(stored);
        out.into()
    }

    /// Puts the dictionary page before the pages that use it and takes stock of them.
    pub(super) fn finish(
        &mut self,
        tools: &mut PageTools,
        column: &ColumnDescPtr,
        dictionary: DictionaryPage<'_>,
        statistics: Statistics,
    ) -> Result<ColumnChunk> {
        let mut data_offset = 0;
        if self.indexed {
            let stored = tools.compressor.compress(dictionary.bytes)?;
            let kind = PageKind::Dictionary { entries: dictionary.entries };
            let page = self.written(kind, dictionary.bytes.len(), &stored);
            data_offset = page.len();
            self.pages.push_front(page);
        }
        let Self { pages, uncompressed, rows, plain, indexed } = std::mem::take(self);
        let len: usize = pages.iter().map(Bytes::len).sum();
        let encodings =
            [(plain || indexed, Encoding::PLAIN), (true, Encoding::RLE), (indexed, Encoding::RLE_DICTIONARY)];
        let metadata = ColumnChunkMetaData::builder(column.clone())
            .set_compression(tools.compressor.parquet()?)
            .set_encodings(
                encodings.into_iter().filter_map(|(used, encoding)| used.then_some(encoding)).collect(),
            )
            .set_num_values(rows as i64)
            .set_total_compressed_size(len as i64)
            .set_total_uncompressed_size(uncompressed as i64)
            .set_data_page_offset(data_offset as i64)
            .set_dictionary_page_offset(indexed.then_some(0))
            .set_statistics(statistics)
            .build()?;
        Ok(ColumnChunk { pages, metadata })
    }
}

/// Starts a page with the levels: their length, then the levels.
fn begin_page(levels: &Bits, page: &mut Vec<u8>) {
    page.clear();
    page.extend_from_slice(&[0; 4]);
    levels.write_levels(page);
    let len = (page.len() - 4) as u32;
    page[..4].copy_from_slice(&len.to_le_bytes());
}
