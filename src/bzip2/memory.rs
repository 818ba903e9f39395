//! Large arrays on large pages, where the system has them.
//!
//! The table is read at random: with pages of 4 KiB nearly every step also misses the first level of
//! the page cache. Large pages are asked for, not needed.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

/// Size and alignment of a large page.
const PAGE_BYTES: usize = 2 << 20;

/// An array of numbers, zero at first.
pub(super) struct Numbers {
    start: NonNull<u32>,
    length: usize,
}

// SAFETY: the memory belongs to this value alone and holds plain numbers, as a `Box<[u32]>` would.
unsafe impl Send for Numbers {}
// SAFETY: as above; shared references only read.
unsafe impl Sync for Numbers {}

impl Numbers {
    /// So many zeros.
    pub(super) fn zeros(length: usize) -> Self {
        let layout = Self::layout(length);
        // SAFETY: the layout is at least one page long.
        let Some(start) = NonNull::new(unsafe { alloc(layout) }) else { handle_alloc_error(layout) };
        ask_for_large_pages(start, layout.size());
        // SAFETY: the memory is that long. Written to only now, so that it begins on large pages.
        unsafe { start.write_bytes(0, layout.size()) };
        Self { start: start.cast(), length }
    }

    fn layout(length: usize) -> Layout {
        let bytes = (length * size_of::<u32>()).next_multiple_of(PAGE_BYTES).max(PAGE_BYTES);
        Layout::from_size_align(bytes, PAGE_BYTES).expect("a few megabytes, aligned to a power of two")
    }
}

impl Deref for Numbers {
    type Target = [u32];

    fn deref(&self) -> &[u32] {
        // SAFETY: so many numbers were written at the start, which is aligned; they live as long as `self`.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.length) }
    }
}

impl DerefMut for Numbers {
    fn deref_mut(&mut self) -> &mut [u32] {
        // SAFETY: as in `deref`; `self` is borrowed exclusively.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.length) }
    }
}

impl Drop for Numbers {
    fn drop(&mut self) {
        // SAFETY: allocated in `zeros` with the same layout, and not used after this.
        unsafe { dealloc(self.start.as_ptr().cast(), Self::layout(self.length)) }
    }
}

/// Asks for the cache line of an address that will soon be needed; any address will do.
#[inline(always)]
pub(super) fn prefetch<T>(address: *const T) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a hint, which reads nothing as far as the program can tell, and never faults.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) };
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = address;
}

#[cfg(all(target_os = "linux", not(miri)))]
fn ask_for_large_pages(start: NonNull<u8>, bytes: usize) {
    use std::ffi::{c_int, c_void};
    const MADV_HUGEPAGE: c_int = 14;
    unsafe extern "C" {
        fn madvise(start: *mut c_void, bytes: usize, advice: c_int) -> c_int;
    }
    // SAFETY: the range is our own allocation and whole pages; the advice changes no content. A refusal
    // only means small pages.
    unsafe { madvise(start.as_ptr().cast(), bytes, MADV_HUGEPAGE) };
}

#[cfg(any(not(target_os = "linux"), miri))]
fn ask_for_large_pages(_: NonNull<u8>, _: usize) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_zero_and_keep_what_is_written() {
        for length in [0, 1, 1000, PAGE_BYTES / 4, PAGE_BYTES / 4 + 1] {
            // Half a million numbers take Miri minutes.
            let length = if cfg!(miri) { length.min(200) } else { length };
            let mut numbers = Numbers::zeros(length);
            assert!(numbers.len() == length && numbers.iter().all(|number| *number == 0));
            numbers.iter_mut().zip(0..).for_each(|(number, i)| *number = i);
            assert!(numbers.iter().zip(0..).all(|(number, i)| *number == i));
        }
    }
}
