//! What an instruction set does in a way of its own. All ways lead to the same files.

use super::bits::Bits;
use super::bytes::{Padded, Text};
use super::spans::Span;

/// An instruction set. To have a value of it is the proof that it is there.
pub(super) trait Simd: Copy + Send + 'static {
    /// [`super::spans::gather`] as the fields stand.
    fn gather(self, before: &[u32], ends: &[u32], room: &mut [Span], levels: &mut Bits) -> usize;

    /// A hash of the text. Differs between instruction sets, which changes no output.
    fn hash(self, text: Padded<'_>) -> u32;

    /// Appends what stands between a field's quotes, the second of each two quotes left out. The quotes come in
    /// pairs, side by side.
    fn append_undoubled(self, inner: Text<'_>, out: &mut Vec<u8>);

    /// `HH:MM:SS[.f{1,6}]` at place 11 of a text of 19 or of 21 to 26 bytes, in microseconds.
    fn time_of_day(self, text: Text<'_>) -> Option<i64>;
}
