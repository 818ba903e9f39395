//! Files that are cut off, flipped, or mixed up: an error or the same bytes, never anything else.

use std::time::{Duration, Instant};

use csl_stream::bzip2::{Error, Kernel, Limits, Scratch};

use crate::{decode, decode_on, decode_with, encode, oracle, text};

/// A few blocks' worth of format in few bytes: two streams, three blocks.
fn small() -> (Vec<u8>, Vec<u8>) {
    let (a, b) = (text(900, 30), b"again and again and again, AAAAAAAAA".to_vec());
    let compressed = [encode(&a, 9), encode(&b, 1)].concat();
    (compressed, [a, b].concat())
}

#[test]
fn cut_off_at_every_byte() {
    let (compressed, data) = small();
    let first = encode(&text(900, 30), 9).len();
    let mut scratch = Scratch::new();
    for cut in 0..compressed.len() {
        for read_bytes in [3, 1 << 20] {
            let limits = Limits { read_bytes, ..Limits::for_workers(1) };
            match decode_with(&compressed[..cut], limits, &mut scratch) {
                // Between the streams nothing is missing.
                Ok(out) => assert!(cut == first && out == data[..900], "cut at {cut}"),
                Err(Error::CutOff { byte }) => assert_eq!(byte, cut as u64),
                Err(error) => panic!("cut at {cut}: {error}"),
            }
        }
    }
}

#[test]
fn cut_off_in_a_file_of_many_blocks() {
    let data = text(450_000, 31);
    let compressed = encode(&data, 1);
    let mut random = fastrand::Rng::with_seed(32);
    for _ in 0..20 {
        let cut = random.usize(..compressed.len());
        let error = decode_on(2, &compressed[..cut], Limits::default()).unwrap_err();
        assert!(matches!(error, Error::CutOff { .. }), "cut at {cut}: {error}");
    }
}

#[test]
fn every_flipped_bit() {
    let (compressed, data) = small();
    let mut scratches: Vec<Scratch> = Kernel::available().into_iter().map(Scratch::with_kernel).collect();
    let mut accepted = 0;
    for bit in 0..compressed.len() * 8 {
        let mut flipped = compressed.clone();
        flipped[bit / 8] ^= 0x80 >> (bit % 8);
        let mut words = None;
        for scratch in &mut scratches {
            match decode_with(&flipped[..], Limits::for_workers(1), scratch) {
                Ok(out) => {
                    assert!(out == data, "bit {bit}: other bytes");
                    accepted += 1;
                }
                Err(error) => {
                    let error = error.to_string();
                    assert_eq!(*words.get_or_insert(error.clone()), error, "bit {bit}: kernels differ");
                }
            }
        }
    }
    // Bits that mean nothing: padding, levels that are larger, tables that are not used.
    assert!(accepted < compressed.len() * 8 / 4, "{accepted} flips went through");
}

#[test]
fn what_follows_a_stream() {
    let (compressed, data) = small();
    let end = compressed.len() as u64;
    let good = encode(b"x", 9);
    for (what, tail, expected) in [
        ("nothing", vec![], None),
        ("zeros", vec![0; 5000], None),
        ("text", b"hello".to_vec(), Some(end)),
        ("zeros, then text", [vec![0; 600], b"x".to_vec()].concat(), Some(end)),
        ("many zeros, then text", [vec![0; 7 << 20], b"x".to_vec()].concat(), Some(end)),
        ("zeros, then a stream", [vec![0; 600], good.clone()].concat(), Some(end)),
        ("many zeros, then a stream", [vec![0; 7 << 20], good.clone()].concat(), Some(end)),
        ("a stream without header", good[4..].to_vec(), Some(end)),
        ("a stream of level 0", [b"BZh0", &good[4..]].concat(), Some(end)),
    ] {
        match (decode(&[&compressed[..], &tail].concat(), Kernel::best()), expected) {
            (Ok(out), None) => assert!(out == data, "{what}"),
            (Err(Error::TrailingData { byte }), Some(expected)) => assert_eq!(byte, expected, "{what}"),
            (result, _) => panic!("{what}: {:?}", result.map(|out| out.len())),
        }
    }
}

#[test]
fn what_is_no_bzip2_at_all() {
    for (input, not_bzip2) in [
        (&b""[..], false),
        (b"BZ", false),
        (b"BZh9", false),
        (b"BZh0", true),
        (b"BZh91A", false),
        (b"B0", true),
        (b"id,name\n1,x\n", true),
        (b"\x1f\x8b\x08\x00", true),
        (&[b'x'; 5 << 20], true),
    ] {
        let error = decode(input, Kernel::best()).unwrap_err();
        assert_eq!(
            matches!(error, Error::NotBzip2),
            not_bzip2,
            "{:?}: {error}",
            &input[..input.len().min(12)]
        );
        assert!(not_bzip2 || matches!(error, Error::CutOff { .. } | Error::Corrupt { .. }), "{error}");
    }
}

#[test]
fn blocks_that_swap_or_vanish_break_the_chain() {
    let compressed = encode(&text(350_000, 33), 1);
    let swapped = {
        let mut bytes = compressed.clone();
        let half = bytes.len() / 2;
        bytes.drain(half / 2..half);
        bytes
    };
    assert!(decode(&swapped, Kernel::best()).is_err());
}

/// Changes a sound file a little, in ways that leave most of its structure whole.
fn mutate(random: &mut fastrand::Rng, bytes: &mut Vec<u8>) {
    for _ in 0..random.usize(1..4) {
        let at = random.usize(..bytes.len().max(1)).min(bytes.len().saturating_sub(1));
        match random.u8(..8) {
            _ if bytes.is_empty() => return,
            0..=2 => bytes[at] ^= 1 << random.u8(..8),
            3 => bytes[at] = random.u8(..),
            4 => drop(bytes.remove(at)),
            5 => bytes.insert(at, random.u8(..)),
            6 => bytes.truncate(at),
            _ => {
                let to = (at + random.usize(..200)).min(bytes.len());
                let piece = bytes[at..to].to_vec();
                let into = random.usize(..bytes.len());
                bytes.splice(into..into, piece);
            }
        }
    }
}

#[test]
fn a_few_seconds_of_mutations() {
    let seed = crate::seed::seed();
    let mut random = fastrand::Rng::with_seed(seed);
    let mut scratches: Vec<Scratch> = Kernel::available().into_iter().map(Scratch::with_kernel).collect();
    let started = Instant::now();
    let (mut cases, mut sound) = (0, 0);
    while started.elapsed() < Duration::from_secs(4) {
        let size = 1 << random.u32(..16);
        let mut data = text(random.usize(1..=size), random.u64(..));
        if random.u8(..3) == 0 {
            random.fill(&mut data);
        }
        let mut compressed = encode(&data, random.u32(1..=9));
        if random.u8(..3) == 0 {
            compressed.extend(encode(&data[..random.usize(..data.len())], random.u32(1..=9)));
        }
        for _ in 0..20 {
            let mut input = compressed.clone();
            mutate(&mut random, &mut input);
            let scratch = random.usize(..scratches.len());
            let limits = Limits { read_bytes: 1 << random.u32(4..20), ..Limits::for_workers(1) };
            let ours = decode_with(&input[..], limits, &mut scratches[scratch]);
            if let Ok(ours) = ours {
                // libbz2 does not take zero padding.
                let end = input.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
                let padded = [&input[..end], &[0; 4][..(input.len() - end).min(4)]].concat();
                let theirs = (0..=padded.len() - end).find_map(|zeros| oracle(&padded[..end + zeros]).ok());
                assert!(theirs.as_ref() == Some(&ours), "seed {seed}, case {cases}");
                sound += 1;
            }
            cases += 1;
        }
    }
    println!("{cases} cases, {sound} of them sound");
    assert!(cases > 50);
}
