//! Pages compressed, one after the other, in the same room.

use super::options::Codec;
use bytes::Bytes;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::{ParquetError, Result};

/// zstd's level where speed and size meet for this data.
const ZSTD_LEVEL: i32 = 1;

/// Bytes from the middle of a page that are compressed on trial.
const SAMPLE_BYTES: usize = 8 << 10;
/// Pages from this size on are sampled first.
const SAMPLED_PAGE_MIN: usize = 8 * SAMPLE_BYTES;
/// A sample that shrinks by less than this share of its bytes is not worth the time that snappy takes
/// for the page: random tokens shrink by 7 %, times of day by 5 %.
const WORTH_PERCENT: usize = 10;

/// One worker's compressor.
pub(super) struct Compressor {
    codec: Encoder,
    /// What was compressed last; its room is used again.
    room: Bytes,
}

enum Encoder {
    Snappy(Box<snap::raw::Encoder>),
    Zstd(zstd::bulk::Compressor<'static>),
    None,
}

impl Compressor {
    pub(super) fn new(codec: Codec) -> Result<Self> {
        let codec = match codec {
            Codec::Snappy => Encoder::Snappy(Box::new(snap::raw::Encoder::new())),
            Codec::Zstd => Encoder::Zstd(zstd::bulk::Compressor::new(ZSTD_LEVEL)?),
            Codec::None => Encoder::None,
        };
        Ok(Self { codec, room: Bytes::new() })
    }

    /// Compresses a page. What comes back should be dropped before the next page comes: the room that it
    /// takes is used again.
    pub(super) fn compress(&mut self, page: &[u8]) -> Result<Bytes> {
        // No copy if nobody else holds it any more.
        let mut room = Vec::from(std::mem::take(&mut self.room));
        let wanted = self.codec.room_for(page.len());
        if room.len() < wanted {
            room.clear();
            room.resize(wanted, 0);
        }
        let len = self.codec.compress(page, &mut room)?;
        self.room = Bytes::from(room);
        Ok(self.room.slice(..len))
    }

    /// How the file names the codec.
    pub(super) fn parquet(&self) -> Result<Compression> {
        Ok(match self.codec {
            Encoder::Snappy(_) => Compression::SNAPPY,
            Encoder::Zstd(_) => Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?),
            Encoder::None => Compression::UNCOMPRESSED,
        })
    }
}

impl Encoder {
    /// Bytes that a page of `len` bytes may become.
    fn room_for(&self, len: usize) -> usize {
        match self {
            Self::Snappy(_) => snap::raw::max_compress_len(len),
            Self::Zstd(_) => zstd::zstd_safe::compress_bound(len),
            Self::None => len,
        }
    }

    fn compress(&mut self, page: &[u8], room: &mut [u8]) -> Result<usize> {
        match self {
            Self::Snappy(encoder) => {
                let failed = |error: snap::Error| ParquetError::External(error.into());
                if page.len() >= SAMPLED_PAGE_MIN {
                    let middle = (page.len() - SAMPLE_BYTES) / 2;
                    let sample = &page[middle..middle + SAMPLE_BYTES];
                    let shrunk = encoder.compress(sample, room).map_err(failed)?;
                    if shrunk * 100 > SAMPLE_BYTES * (100 - WORTH_PERCENT) {
                        return Ok(snappy_literal(page, room));
                    }
                }
                encoder.compress(page, room).map_err(failed)
            }
            Self::Zstd(compressor) => Ok(compressor.compress_to_buffer(page, room)?),
            Self::None => {
                room[..page.len()].copy_from_slice(page);
                Ok(page.len())
            }
        }
    }
}

/// The page as one literal, as snappy's [format description][format] has it: the length as a varint, then
/// the tag of a literal whose length, less one, follows in four bytes.
///
/// [format]: https://github.com/google/snappy/blob/main/format_description.txt
fn snappy_literal(page: &[u8], room: &mut [u8]) -> usize {
    const LITERAL_WITH_FOUR_LENGTH_BYTES: u8 = 63 << 2;
    let mut head = Vec::with_capacity(10);
    super::bits::write_varint(&mut head, page.len() as u64);
    head.push(LITERAL_WITH_FOUR_LENGTH_BYTES);
    head.extend_from_slice(&(page.len() as u32 - 1).to_le_bytes());
    let len = head.len() + page.len();
    room[..head.len()].copy_from_slice(&head);
    room[head.len()..len].copy_from_slice(page);
    len
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_read_back() {
        let mut rng = fastrand::Rng::with_seed(5);
        let noise: Vec<u8> = (0..300_000).map(|_| rng.u8(..)).collect();
        let text = b"the same again, ".repeat(20_000);
        let half = [&noise[..150_000], &text[..150_000]].concat();
        let pages: [&[u8]; 6] = [b"", b"a", &noise[..SAMPLED_PAGE_MIN - 1], &noise, &text, &half];
        for codec in [Codec::Snappy, Codec::Zstd, Codec::None] {
            let mut compressor = Compressor::new(codec).unwrap();
            for page in pages {
                let shrunk = compressor.compress(page).unwrap();
                let back = match codec {
                    Codec::Snappy => snap::raw::Decoder::new().decompress_vec(&shrunk).unwrap(),
                    Codec::Zstd => zstd::bulk::decompress(&shrunk, page.len()).unwrap(),
                    Codec::None => shrunk.to_vec(),
                };
                assert!(back == page, "{codec:?}, {} bytes", page.len());
                assert!(shrunk.len() < page.len() + 40, "{codec:?}, {} bytes", page.len());
            }
        }
    }

    #[test]
    fn what_would_hardly_shrink_is_stored() {
        let mut rng = fastrand::Rng::with_seed(6);
        let noise: Vec<u8> = (0..SAMPLED_PAGE_MIN).map(|_| rng.u8(..)).collect();
        let mut compressor = Compressor::new(Codec::Snappy).unwrap();
        assert_eq!(compressor.compress(&noise).unwrap().len(), noise.len() + 8);
        let text = b"abcd".repeat(SAMPLED_PAGE_MIN);
        assert!(compressor.compress(&text).unwrap().len() < text.len() / 10);
    }
}
