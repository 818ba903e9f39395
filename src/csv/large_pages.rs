//! Large pages for large buffers: one page fault in place of five hundred.

/// Asks for large pages in the memory that a buffer has and does not use yet. A system that has none for it takes
/// small ones ([madvise(2)][madvise], `MADV_HUGEPAGE`).
///
/// [madvise]: https://man7.org/linux/man-pages/man2/madvise.2.html
#[cfg(all(target_os = "linux", not(miri)))]
pub(super) fn ask_for(buffer: &mut Vec<u8>) {
    use std::ffi::{c_int, c_void};
    const MADV_HUGEPAGE: c_int = 14;
    /// The advice is for whole pages, which are this large on all systems that take it, or smaller.
    const PAGE_BYTES: usize = 64 << 10;
    unsafe extern "C" {
        fn madvise(start: *mut c_void, bytes: usize, advice: c_int) -> c_int;
    }
    let spare = buffer.spare_capacity_mut();
    let start = spare.as_mut_ptr().cast::<u8>();
    let before = start.align_offset(PAGE_BYTES);
    let pages = spare.len().saturating_sub(before) / PAGE_BYTES * PAGE_BYTES;
    if pages > 0 {
        // SAFETY: whole pages inside the buffer's own memory; the advice changes no content.
        unsafe { madvise(start.wrapping_add(before).cast(), pages, MADV_HUGEPAGE) };
    }
}

#[cfg(any(not(target_os = "linux"), miri))]
pub(super) fn ask_for(_: &mut Vec<u8>) {}
