//! Large pages for large buffers: one page fault in place of five hundred. An advice: not a byte differs.

use std::mem::MaybeUninit;

/// Asks for large pages in memory that is not yet in use. A system that has none for it takes small ones
/// ([madvise(2)][madvise], `MADV_HUGEPAGE`).
///
/// [madvise]: https://man7.org/linux/man-pages/man2/madvise.2.html
#[cfg(all(target_os = "linux", not(miri)))]
pub(super) fn ask_for(memory: &mut [MaybeUninit<u8>]) {
    use std::ffi::{c_int, c_void};
    const MADV_HUGEPAGE: c_int = 14;
    /// Less is not worth the call.
    const LARGE_BYTES: usize = 2 << 20;
    /// The advice is for whole pages, which are this large on all systems that take it, or smaller.
    const PAGE_BYTES: usize = 64 << 10;
    unsafe extern "C" {
        fn madvise(start: *mut c_void, bytes: usize, advice: c_int) -> c_int;
    }
    let before = memory.as_ptr().align_offset(PAGE_BYTES);
    let Some(aligned) = memory.get_mut(before..) else { return };
    let bytes = aligned.len() / PAGE_BYTES * PAGE_BYTES;
    if bytes < LARGE_BYTES {
        return;
    }
    // SAFETY: whole pages of memory that is ours alone; the advice changes no content.
    unsafe { madvise(aligned.as_mut_ptr().cast(), bytes, MADV_HUGEPAGE) };
}

#[cfg(any(not(target_os = "linux"), miri))]
pub(super) fn ask_for(_: &mut [MaybeUninit<u8>]) {}
