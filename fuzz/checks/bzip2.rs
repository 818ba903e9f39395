//! The bzip2 decoder against libbz2, on each kernel.

use csl_stream::bzip2::{Error, Kernel, Limits, ParallelDecoder, Scratch, Taken, Work};
use std::cell::RefCell;
use std::io::{Read, Write};

/// A few bytes can stand for very many.
const OUTPUT_BYTES_MAX: usize = 4 << 20;

thread_local! {
    /// 14 MB each: made once.
    static SCRATCHES: RefCell<Vec<Scratch>> =
        RefCell::new(Kernel::available().into_iter().map(Scratch::with_kernel).collect());
}

/// The first byte chooses: the rest is a compressed file; or it is compressed, and one bit is flipped.
pub fn bzip2(data: &[u8]) {
    let Some((&choice, rest)) = data.split_first() else { return };
    if choice & 1 == 0 {
        return compare(rest);
    }
    let level = 1 + u32::from(choice / 2) % 9;
    let text = rest.repeat(1 + usize::from(choice / 18) * 4);
    let mut encoder = ::bzip2::write::BzEncoder::new(Vec::new(), ::bzip2::Compression::new(level));
    encoder.write_all(&text).unwrap();
    let mut compressed = encoder.finish().unwrap();
    for kernel in Kernel::available() {
        let (out, fault) = ours(&compressed, kernel);
        assert!(fault.is_none() && out[..] == text[..out.len()], "{kernel:?}: {fault:?}");
    }
    let bit = rest.iter().fold(u64::from(choice), |sum, &byte| sum.wrapping_mul(31) + u64::from(byte));
    let bit = (bit % (compressed.len() as u64 * 8)) as usize;
    compressed[bit / 8] ^= 0x80 >> (bit % 8);
    compare(&compressed);
}

fn compare(compressed: &[u8]) {
    let (want, sound) = theirs(compressed);
    let mut reference = None;
    for kernel in Kernel::available() {
        let (out, fault) = ours(compressed, kernel);
        let words = fault.as_ref().map(ToString::to_string);
        let (first, first_words) = reference.get_or_insert_with(|| (out.clone(), words.clone()));
        assert!(
            *first == out && *first_words == words,
            "{kernel:?} and portable: {words:?}, {first_words:?}"
        );
        match fault {
            None if sound => assert!(out == want, "other bytes than libbz2"),
            // What libbz2 calls trailing garbage may be zeros, which are let pass.
            None => assert!(want.starts_with(&out) && compressed.ends_with(&[0]), "libbz2 refuses it"),
            Some(Error::Randomised { .. }) => {}
            Some(fault) => {
                // Ours checks a block before it gives out any of it.
                assert!(!sound || want.len() == OUTPUT_BYTES_MAX, "libbz2 reads it: {fault}");
                assert!(want.starts_with(&out) || out.starts_with(&want), "other bytes before the fault");
            }
        }
    }
}

/// The bytes up to the limit, and whether libbz2 found no fault in them.
fn theirs(compressed: &[u8]) -> (Vec<u8>, bool) {
    let mut out = Vec::new();
    let decoder = ::bzip2::read::MultiBzDecoder::new(compressed);
    let sound = decoder.take(OUTPUT_BYTES_MAX as u64).read_to_end(&mut out).is_ok();
    // It takes the empty file for sound.
    (out, sound && !compressed.is_empty())
}

/// The bytes up to the limit or the first fault.
fn ours(compressed: &[u8], kernel: Kernel) -> (Vec<u8>, Option<Error>) {
    SCRATCHES.with_borrow_mut(|scratches| {
        let scratch = scratches.iter_mut().find(|scratch| scratch.kernel() == kernel).unwrap();
        let decoder = ParallelDecoder::new(compressed, Limits::for_workers(1));
        let (mut out, mut idle) = (Vec::new(), 0);
        loop {
            match decoder.take() {
                Ok(Taken::Bytes(bytes)) => out.extend_from_slice(&bytes),
                Ok(Taken::End) => return (out, None),
                Err(fault) => return (out, Some(fault)),
                Ok(Taken::Pending) => {
                    idle = if decoder.work(scratch) == Work::Did { 0 } else { idle + 1 };
                    assert!(idle < 3, "nothing to take and nothing to do");
                }
            }
            if out.len() >= OUTPUT_BYTES_MAX {
                out.truncate(OUTPUT_BYTES_MAX);
                return (out, None);
            }
        }
    })
}
