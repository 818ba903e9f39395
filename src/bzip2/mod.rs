//! bzip2, decoded in parallel, block by block.
//!
//! # The format
//! A file is one or more streams: `BZh` and a level 1–9, blocks, an end mark with a checksum, zero bits
//! up to the next byte. A block holds up to level × 100,000 bytes and begins with a 48-bit mark at *any*
//! bit, a checksum, and the origin. Inside it, from the outside in: Huffman codes, run digits,
//! move-to-front, the Burrows-Wheeler transform, run lengths. Blocks depend on each other only through
//! where they begin, which makes them the unit of parallel work; where they begin is told by the marks.
//!
//! # Data flow
//! ```text
//! input ─ read 1 MiB, scan for marks ─▶ spans (jobs_max waiting) ─ any worker ─▶ decoded (finished_max)
//!         `source`, `scan`                `block`: huffman, mtf, table, walk, rle, crc      │ in order
//!         one worker at a time                                                              ▼
//!                                    take() ◀─ accepted blocks ◀─ `stream`: begins where the last ended?
//! ```
//! Decoding may begin at any block ([`Start`]), given the file from there on; the checksum of the stream it is in is then
//! folded together by whoever knows what was before ([`Passed`]).
//!
//! There are no threads here: whoever calls [`ParallelDecoder::work`] lends one for a unit of work, and
//! [`ParallelDecoder::take`] gives the bytes in order. [`Reader`] does both on one thread.
//!
//! # What is refused
//! Everything that is not complete: a cut-off input, a checksum that differs, bits that no encoder writes.
//! Bytes are given out only from blocks whose checksum held and whose place in the chain is right, and
//! the end only after the stream's checksum held. Where `bzip2 -d` warns about trailing garbage and
//! carries on, this is an error, unless all of it is zero bytes. "Randomised" blocks, which bzip2 wrote
//! before 0.9.5, are refused by name.
//!
//! # Memory
//! About 14 MB for each worker's [`Scratch`]; and shared: `finished_max` buffers of 1 MiB, the spans that
//! wait (`jobs_max`, and what one more read of `read_bytes` adds), and at most 3 MiB of input without a
//! mark. A block of 900,000 bytes can expand to 46 MB: it is kept as it is and expanded a buffer at a
//! time when it is taken. With [`Limits::for_workers`]`(2)` that is at most 45 MB all in; an ordinary
//! file needs about 35. Buffers that the caller holds come on top.
//!
//! # Speed
//! Between 4 and 5 ns a byte on one core with AVX-512, about a fifth of what `lbzip2` needs: many chains
//! through the inverse transform (`walk`, 30 % of the time), up to three symbols a look-up (`huffman`, 20 %),
//! move-to-front as byte permutations (`mtf`, a sixth), one store a token (`table`, a fifth). The figures
//! and what did not help stand in `benches/README.md`.
//! Blocks made to defeat the many chains fall back to one, at about 60 MB/s and in the same memory.
//! See [`Kernel`] for what the processor must have.

mod bits;
mod block;
mod crc;
mod error;
mod huffman;
mod kernel;
mod limits;
mod memory;
mod mtf;
mod parallel;
mod passed;
mod pool;
mod queue;
mod reader;
mod rle;
mod scan;
mod source;
mod stream;
mod table;
mod walk;

pub use block::Scratch;
pub use error::Error;
pub use kernel::Kernel;
pub use limits::Limits;
pub use parallel::{ParallelDecoder, Taken, Work};
pub use passed::{Passed, Stream};
pub use pool::Bytes;
pub use reader::Reader;
pub use stream::{Start, level};
