//! What every column of a batch can do.

use crate::error::Result;
use crate::pages::column::Decode;
use crate::pages::compiled::As;
use arrow::array::ArrayRef;

/// A column of a batch that is being filled.
pub(super) trait ArrayColumn: Decode {
    /// Bytes of its values so far, NULLs left out.
    fn bytes(&self) -> usize;

    /// Ends the array and starts the next.
    ///
    /// # Errors
    /// If what a rule of privacy has made is no text.
    fn finish(&mut self) -> Result<ArrayRef>;
}

impl<C: ArrayColumn + 'static> As<dyn ArrayColumn> for C {
    fn seen(&mut self) -> &mut (dyn ArrayColumn + 'static) {
        self
    }
}
