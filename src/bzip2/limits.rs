//! What bounds decoding: the format's own limits, and the caller's.

/// Bytes of a block at level 9, before run lengths are expanded.
pub(super) const BLOCK_BYTES_MAX: usize = 900_000;

/// What may pile up between the input and the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Input is read while fewer blocks wait to be decoded.
    pub jobs_max: usize,
    /// Blocks that are being decoded, or are decoded and not taken; each holds 1 MiB.
    pub finished_max: usize,
    /// Bytes of compressed input that are read at a time.
    pub read_bytes: usize,
}

impl Limits {
    /// What keeps so many workers busy.
    pub fn for_workers(workers: usize) -> Self {
        let workers = workers.max(1);
        Self { jobs_max: 2 * workers, finished_max: workers + 4, read_bytes: 1 << 20 }
    }

    /// With every limit at least what progress needs.
    pub(super) fn sane(self) -> Self {
        Self {
            jobs_max: self.jobs_max.max(1),
            finished_max: self.finished_max.max(1),
            read_bytes: self.read_bytes.max(1),
        }
    }
}

impl Default for Limits {
    /// For two workers.
    fn default() -> Self {
        Self::for_workers(2)
    }
}
