//! The bzip2 decoder against libbz2: sound files, damaged files, and files made to hurt.

#![allow(clippy::unwrap_used)]

mod craft;
mod damaged;
mod hostile;
mod middle;
#[path = "../support/seed.rs"]
mod seed;
mod sound;

use std::io::{Read, Write};
use std::time::Duration;

use csl_stream::bzip2::{Error, Kernel, Limits, ParallelDecoder, Reader, Scratch, Taken, Work};

/// Compresses with libbz2.
pub(crate) fn encode(data: &[u8], level: u32) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::new(level));
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

/// What libbz2 makes of it.
pub(crate) fn oracle(compressed: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut out = Vec::new();
    bzip2::read::MultiBzDecoder::new(compressed).read_to_end(&mut out)?;
    Ok(out)
}

/// Decodes on one thread.
pub(crate) fn decode(compressed: &[u8], kernel: Kernel) -> Result<Vec<u8>, Error> {
    decode_with(compressed, Limits::for_workers(1), &mut Scratch::with_kernel(kernel))
}

/// Decodes on one thread with limits of the caller's choice.
pub(crate) fn decode_with(
    input: impl Read + Send,
    limits: Limits,
    scratch: &mut Scratch,
) -> Result<Vec<u8>, Error> {
    let decoder = ParallelDecoder::new(input, limits);
    let mut out = Vec::new();
    let mut idle = 0;
    loop {
        match decoder.take()? {
            Taken::Bytes(bytes) => {
                assert!(!bytes.is_empty());
                out.extend_from_slice(&bytes);
            }
            Taken::End => return Ok(out),
            Taken::Pending => {
                idle = if decoder.work(scratch) == Work::Did { 0 } else { idle + 1 };
                assert!(idle < 3, "nothing to take and nothing to do");
            }
        }
    }
}

/// Decodes on several threads; one of them also takes.
pub(crate) fn decode_on(threads: usize, compressed: &[u8], limits: Limits) -> Result<Vec<u8>, Error> {
    let decoder = ParallelDecoder::new(compressed, limits);
    let pause = Duration::from_secs(5);
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(|| {
                let mut scratch = Scratch::new();
                loop {
                    match decoder.work(&mut scratch) {
                        Work::Did => {}
                        Work::Nothing => decoder.wait(pause),
                        Work::Done => return,
                    }
                }
            });
        }
        let mut scratch = Scratch::new();
        let mut out = Vec::new();
        loop {
            match decoder.take()? {
                Taken::Bytes(bytes) => out.extend_from_slice(&bytes),
                Taken::End => return Ok(out),
                Taken::Pending if decoder.work(&mut scratch) == Work::Nothing => decoder.wait(pause),
                Taken::Pending => {}
            }
        }
    })
}

/// Something like a CSV: repetitive, with runs of all lengths.
pub(crate) fn text(bytes: usize, seed: u64) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(seed);
    let words =
        ["2024-03-01 12:34", ",", ",,", "\"a \"\"b\"\"\"", "example.org", "t", "f", "\n", "0000000", "    "];
    let mut data = Vec::new();
    while data.len() < bytes {
        match random.u8(..12) {
            0 => data.extend(random.u32(..).to_string().bytes()),
            1 => data.extend(vec![random.u8(b'a'..=b'e'); random.usize(..600) / (1 + random.usize(..100))]),
            _ => data.extend(words[random.usize(..words.len())].bytes()),
        }
    }
    data.truncate(bytes);
    data
}

#[test]
fn the_reader_gives_the_same_and_passes_errors_of_the_input() {
    let data = text(300_000, 1);
    let compressed = encode(&data, 1);
    let mut out = Vec::new();
    Reader::new(&compressed[..]).read_to_end(&mut out).unwrap();
    assert!(out == data);

    struct Broken(std::io::Cursor<Vec<u8>>);
    #[derive(Debug)]
    struct Mine;
    impl std::fmt::Display for Mine {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("the link is down")
        }
    }
    impl std::error::Error for Mine {}
    impl Read for Broken {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            match self.0.read(out)? {
                0 => Err(std::io::Error::new(std::io::ErrorKind::TimedOut, Mine)),
                read => Ok(read),
            }
        }
    }
    let cut = compressed[..compressed.len() - 10].to_vec();
    let mut out = Vec::new();
    let error = Reader::new(Broken(std::io::Cursor::new(cut))).read_to_end(&mut out).unwrap_err();
    assert!(error.get_ref().unwrap().downcast_ref::<Mine>().is_some(), "{error:?}");
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    assert!(!out.is_empty() && data.starts_with(&out), "blocks before the fault come first");
}

#[test]
fn an_error_stays_and_names_the_place() {
    let mut compressed = encode(&text(250_000, 2), 1);
    let middle = compressed.len() / 2;
    compressed[middle] ^= 0x10;
    let decoder = ParallelDecoder::new(&compressed[..], Limits::default());
    let mut scratch = Scratch::new();
    while decoder.work(&mut scratch) != Work::Done {
        while let Ok(Taken::Bytes(_)) = decoder.take() {}
    }
    while let Ok(Taken::Bytes(_)) = decoder.take() {}
    let first = decoder.take().unwrap_err();
    assert_eq!(first.to_string(), decoder.take().unwrap_err().to_string());
    let byte = first.byte().unwrap() as usize;
    assert!(byte > 4 && byte < compressed.len(), "{first}");
}
