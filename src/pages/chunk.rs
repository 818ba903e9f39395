//! Pages to a finished column chunk: compressed, with the parquet crate's headers and metadata.

use super::bits::Bits;
use super::options::Codec;
use bytes::Bytes;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::column::page::{CompressedPage, Page, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::statistics::Statistics;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;

/// zstd's level where speed and size meet for this data.
const ZSTD_LEVEL: i32 = 1;

/// Room for a page header; they have 20 to 40 bytes.
const PAGE_HEADER_BYTES_GUESS: usize = 64;

/// One worker's compressor.
pub(super) enum Compressor {
    Snappy(Box<snap::raw::Encoder>),
    Zstd(zstd::bulk::Compressor<'static>),
    None,
}

impl Compressor {
    pub(super) fn new(codec: Codec) -> Result<Self> {
        Ok(match codec {
            Codec::Snappy => Self::Snappy(Box::new(snap::raw::Encoder::new())),
            Codec::Zstd => Self::Zstd(zstd::bulk::Compressor::new(ZSTD_LEVEL)?),
            Codec::None => Self::None,
        })
    }

    fn compress(&mut self, page: &[u8], scratch: &mut Vec<u8>) -> Result<Bytes> {
        match self {
            Self::Snappy(encoder) => {
                let room = snap::raw::max_compress_len(page.len());
                if scratch.len() < room {
                    scratch.resize(room, 0);
                }
                let len =
                    encoder.compress(page, scratch).map_err(|error| ParquetError::External(error.into()))?;
                Ok(Bytes::copy_from_slice(&scratch[..len]))
            }
            Self::Zstd(compressor) => Ok(compressor.compress(page)?.into()),
            Self::None => Ok(Bytes::copy_from_slice(page)),
        }
    }

    fn parquet(&self) -> Result<Compression> {
        Ok(match self {
            Self::Snappy(_) => Compression::SNAPPY,
            Self::Zstd(_) => Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?),
            Self::None => Compression::UNCOMPRESSED,
        })
    }
}

/// What a worker's columns share.
pub(super) struct PageTools {
    pub(super) compressor: Compressor,
    /// The page being put together.
    page: Vec<u8>,
    /// The page as it is compressed.
    scratch: Vec<u8>,
}

impl PageTools {
    pub(super) fn new(codec: Codec) -> Result<Self> {
        Ok(Self { compressor: Compressor::new(codec)?, page: Vec::new(), scratch: Vec::new() })
    }
}

/// A finished column chunk: its pages' bytes, and what the row group must know of them.
pub(super) struct ColumnChunk {
    pub(super) bytes: Bytes,
    pub(super) close: ColumnCloseResult,
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
    pages: Vec<CompressedPage>,
    rows: usize,
    plain: bool,
    indexed: bool,
}

impl ChunkBuilder {
    pub(super) fn is_empty(&self) -> bool {
        self.pages.is_empty()
    }

    /// Adds a data page (version 1) of `levels.len()` rows; `write_values` appends the non-NULL values.
    pub(super) fn data_page(
        &mut self,
        tools: &mut PageTools,
        levels: &Bits,
        encoding: Encoding,
        write_values: impl FnOnce(&mut Vec<u8>),
    ) -> Result<()> {
        let page = &mut tools.page;
        page.clear();
        page.extend_from_slice(&[0; 4]);
        levels.write_levels(page);
        let levels_len = (page.len() - 4) as u32;
        page[..4].copy_from_slice(&levels_len.to_le_bytes());
        write_values(page);
        let data = Page::DataPage {
            buf: tools.compressor.compress(page, &mut tools.scratch)?,
            num_values: levels.len() as u32,
            encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        self.pages.push(CompressedPage::new(data, page.len()));
        self.rows += levels.len();
        self.plain |= encoding == Encoding::PLAIN;
        self.indexed |= encoding == Encoding::RLE_DICTIONARY;
        Ok(())
    }

    /// Puts the pages in file order and takes stock of them.
    pub(super) fn finish(
        &mut self,
        tools: &mut PageTools,
        column: &ColumnDescPtr,
        dictionary: DictionaryPage<'_>,
        statistics: Statistics,
    ) -> Result<ColumnChunk> {
        let built = std::mem::take(self);
        let sizes: usize =
            built.pages.iter().map(|page| page.compressed_size() + PAGE_HEADER_BYTES_GUESS).sum();
        let mut out = TrackedWrite::new(Vec::with_capacity(sizes + dictionary.bytes.len()));
        let mut pages = SerializedPageWriter::new(&mut out);
        let (mut uncompressed, mut data_offset) = (0, 0);
        if built.indexed {
            let page = Page::DictionaryPage {
                buf: tools.compressor.compress(dictionary.bytes, &mut tools.scratch)?,
                num_values: dictionary.entries as u32,
                encoding: Encoding::PLAIN,
                is_sorted: false,
            };
            let spec = pages.write_page(CompressedPage::new(page, dictionary.bytes.len()))?;
            uncompressed += spec.uncompressed_size;
            data_offset = spec.bytes_written;
        }
        for page in built.pages {
            uncompressed += pages.write_page(page)?.uncompressed_size;
        }
        let bytes = Bytes::from(out.into_inner()?);
        let encodings = [
            (built.plain || built.indexed, Encoding::PLAIN),
            (true, Encoding::RLE),
            (built.indexed, Encoding::RLE_DICTIONARY),
        ];
        let metadata = ColumnChunkMetaData::builder(column.clone())
            .set_compression(tools.compressor.parquet()?)
            .set_encodings(
                encodings.into_iter().filter_map(|(used, encoding)| used.then_some(encoding)).collect(),
            )
            .set_num_values(built.rows as i64)
            .set_total_compressed_size(bytes.len() as i64)
            .set_total_uncompressed_size(uncompressed as i64)
            .set_data_page_offset(data_offset as i64)
            .set_dictionary_page_offset(built.indexed.then_some(0))
            .set_statistics(statistics)
            .build()?;
        let close = ColumnCloseResult {
            bytes_written: bytes.len() as u64,
            rows_written: built.rows as u64,
            metadata,
            bloom_filter: None,
            column_index: None,
            offset_index: None,
        };
        Ok(ColumnChunk { bytes, close })
    }
}
