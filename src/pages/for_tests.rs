//! What the tests of this module share.

use super::bytes::Text;
use crate::csv::Blocks;

/// `CSL_SEED`, or any; printed, so that what failed can be run again.
pub(super) fn seed() -> u64 {
    let seed =
        std::env::var("CSL_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or_else(|| fastrand::u64(..));
    println!("seed {seed}");
    seed
}

/// Rounds of a test on random values: few under Miri, which is a thousand times as slow.
pub(super) fn rounds(full: usize) -> usize {
    if cfg!(miri) { full / 200 } else { full }
}

/// Uses the bytes as a text in a padded buffer.
pub(super) fn with_text<T>(bytes: &[u8], use_text: impl FnOnce(Text<'_>) -> T) -> T {
    let blocks = Blocks::from_records(bytes, 0);
    let block = blocks.first();
    use_text(Text { buffer: block.buffer(), start: block.start(), len: bytes.len() })
}
