//! The columns' loops, compiled for what the processor has.
//!
//! ```text
//! dyn Compiled ─▶ For<S, C> ─▶ S::check ─▶ C::check::<S> ─▶ S::hash, S::time_of_day …
//! ```
//!
//! A loop is written once, as a method of its column, and becomes part of a function of each instruction set. What
//! an instruction set does in a way of its own is a method of [`Simd`].

use super::column::{Column, Decode};
use super::gather::{Fields, Spans};
use super::portable::Portable;
use super::simd::Simd;
#[cfg(target_arch = "x86_64")]
use super::simd_x86::Wide;
use crate::csv::Kernel;

/// A column whose loops are compiled; `T` is what else it can do.
pub(super) trait Compiled<T: ?Sized>: Send {
    /// See [`Decode::check`].
    fn check(&mut self, fields: &Fields<'_>, spans: &mut Spans) -> bool;

    /// See [`Decode::commit`].
    fn commit(&mut self, fields: &Fields<'_>, spans: &mut Spans);

    /// All that is not done for each record.
    fn column(&mut self) -> &mut T;
}

/// A column seen as what it can do.
pub(super) trait As<T: ?Sized> {
    /// The same column.
    fn seen(&mut self) -> &mut T;
}

impl<C: Column + 'static> As<dyn Column> for C {
    fn seen(&mut self) -> &mut (dyn Column + 'static) {
        self
    }
}

/// An instruction set that the columns' loops are compiled for.
trait Compile: Simd {
    /// [`Decode::check`], compiled for it.
    fn check<C: Decode>(self, column: &mut C, fields: &Fields<'_>, spans: &mut Spans) -> bool;

    /// [`Decode::commit`], compiled for it.
    fn commit<C: Decode>(self, column: &mut C, fields: &Fields<'_>, spans: &mut Spans);
}

impl Compile for Portable {
    fn check<C: Decode>(self, column: &mut C, fields: &Fields<'_>, spans: &mut Spans) -> bool {
        column.check(self, fields, spans)
    }

    fn commit<C: Decode>(self, column: &mut C, fields: &Fields<'_>, spans: &mut Spans) {
        column.commit(self, fields, spans);
    }
}

/// With AVX2. AVX-512's wide registers would gain the loops nothing.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "aes,avx2,bmi1,bmi2,lzcnt,popcnt")]
fn check<C: Decode>(simd: impl Simd, column: &mut C, fields: &Fields<'_>, spans: &mut Spans) -> bool {
    column.check(simd, fields, spans)
}

/// See [`check`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "aes,avx2,bmi1,bmi2,lzcnt,popcnt")]
fn commit<C: Decode>(simd: impl Simd, column: &mut C, fields: &Fields<'_>, spans: &mut Spans) {
    column.commit(simd, fields, spans);
}

#[cfg(target_arch = "x86_64")]
impl<const AVX512: bool> Compile for Wide<AVX512> {
    fn check<C: Decode>(self, column: &mut C, fields: &Fields<'_>, spans: &mut Spans) -> bool {
        // SAFETY: `self` is the proof.
        unsafe { check(self, column, fields, spans) }
    }

    fn commit<C: Decode>(self, column: &mut C, fields: &Fields<'_>, spans: &mut Spans) {
        // SAFETY: `self` is the proof.
        unsafe { commit(self, column, fields, spans) }
    }
}

struct For<S, C> {
    simd: S,
    column: C,
}

impl<S: Compile, C: Decode + As<T>, T: ?Sized> Compiled<T> for For<S, C> {
    fn check(&mut self, fields: &Fields<'_>, spans: &mut Spans) -> bool {
        self.simd.check(&mut self.column, fields, spans)
    }

    fn commit(&mut self, fields: &Fields<'_>, spans: &mut Spans) {
        self.simd.commit(&mut self.column, fields, spans);
    }

    fn column(&mut self) -> &mut T {
        self.column.seen()
    }
}

/// The column with its loops for a kernel.
pub(super) fn compiled<T: ?Sized, C: Decode + As<T> + 'static>(
    kernel: Kernel,
    column: C,
) -> Box<dyn Compiled<T>> {
    #[cfg(target_arch = "x86_64")]
    {
        if let Some(simd) = Wide::<true>::of(kernel) {
            return Box::new(For { simd, column });
        }
        if let Some(simd) = Wide::<false>::of(kernel) {
            return Box::new(For { simd, column });
        }
    }
    let _ = kernel;
    Box::new(For { simd: Portable, column })
}
