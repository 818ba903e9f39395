//! A file read from anywhere: the same blocks at the same bits, and the same checksums once they are folded together.

use csl_stream::bzip2::{Error, Limits, ParallelDecoder, Scratch, Start, Stream, Taken};

use crate::{encode, seed, text};

/// A block: where it begins, how far its stream has come there, what it holds.
#[derive(Debug, Clone, PartialEq)]
struct Block {
    bit: u64,
    before: Option<Stream>,
    bytes: Vec<u8>,
}

/// All blocks from a place on, and how far the last stream has come; `before` is what is known of the place.
fn blocks(file: &[u8], start: Start, before: Stream) -> Result<(Vec<Block>, Option<Stream>), Error> {
    let from = match start {
        Start::Front => 0,
        Start::Behind { bit } | Start::At { bit, .. } => bit / 8,
    };
    let decoder = ParallelDecoder::starting(&file[from as usize..], Limits::for_workers(1), start);
    let (mut scratch, mut blocks) = (Scratch::new(), Vec::<Block>::new());
    loop {
        match decoder.take()? {
            Taken::Bytes(bytes) => match blocks.last_mut() {
                Some(block) if block.bit == bytes.bit() => block.bytes.extend_from_slice(&bytes),
                _ => blocks.push(Block {
                    bit: bytes.bit(),
                    before: bytes.passed().after(before),
                    bytes: bytes.to_vec(),
                }),
            },
            Taken::Pending => drop(decoder.work(&mut scratch)),
            Taken::End => return Ok((blocks, decoder.passed().after(before))),
        }
    }
}

/// Streams of several levels, one of them empty, and zeros behind the last.
fn streams(random: &mut fastrand::Rng) -> Vec<u8> {
    let mut file = Vec::new();
    for level in [1, 9, 1, 2] {
        let bytes = random.usize(1..400_000);
        file.extend(encode(&text(bytes, random.u64(..)), level));
    }
    file.extend(encode(b"", 5));
    file.extend(encode(&vec![b'x'; 2_500_000], 1));
    file.extend([0; 40]);
    file
}

#[test]
fn blocks_are_the_same_from_anywhere() {
    let mut random = fastrand::Rng::with_seed(seed::seed());
    let one = encode(&text(900_000, 7), 1);
    for file in [one, streams(&mut random)] {
        let front = Stream::new(file[3] - b'0');
        let (whole, end) = blocks(&file, Start::Front, front).unwrap();
        assert!(whole.len() > 4 && whole.iter().all(|block| block.before.is_some()));
        let mut previous = 0;
        for (i, block) in whole.iter().enumerate() {
            let before = block.before.unwrap();
            let at = Start::At { bit: block.bit, stream: before };
            let rest = (whole[i..].to_vec(), end);
            assert_eq!(blocks(&file, at, before).unwrap(), rest, "at bit {}", block.bit);
            for bit in [previous + 1, random.u64(previous + 1..=block.bit), block.bit / 8 * 8, block.bit] {
                let bit = bit.max(previous + 1);
                assert_eq!(blocks(&file, Start::Behind { bit }, before).unwrap(), rest, "from bit {bit}");
            }
            previous = block.bit;
        }
        let (none, _) = blocks(&file, Start::Behind { bit: previous + 1 }, front).unwrap();
        assert!(none.is_empty(), "behind the last block there is none");
    }
}

#[test]
fn what_is_wrong_with_a_stream_is_found_when_its_parts_are_folded() {
    let sound = encode(&text(800_000, 9), 2);
    let front = Stream::new(2);
    let (whole, _) = blocks(&sound, Start::Front, front).unwrap();
    let (second, before) = (whole[1].bit, whole[1].before.unwrap());
    // The stored checksum of the stream, which ends in the last byte or the one before.
    let mut file = sound.clone();
    let len = file.len();
    file[len - 3] ^= 0x10;
    let damage = blocks(&file, Start::Front, front).unwrap_err();
    assert!(matches!(damage, Error::StreamChecksum { .. }), "{damage}");
    let (_, end) = blocks(&file, Start::Behind { bit: second }, before).unwrap();
    assert_eq!(end, None, "the fold is not what is stored");
    let told = blocks(&file, Start::At { bit: second, stream: before }, before).unwrap_err();
    assert_eq!(told.to_string(), damage.to_string(), "whoever knows what was before says the same");
    // A level that does not allow its blocks.
    let mut file = sound;
    file[3] = b'1';
    let damage = blocks(&file, Start::Front, front).unwrap_err();
    let small = Stream { level: 1, ..before };
    assert_eq!(blocks(&file, Start::Behind { bit: second }, small).unwrap().1, None);
    let told = blocks(&file, Start::At { bit: whole[0].bit, stream: Stream::new(1) }, small).unwrap_err();
    assert_eq!(told.to_string(), damage.to_string());
}

#[test]
fn what_is_no_block_is_told() {
    let file = encode(&text(250_000, 3), 1);
    let (whole, _) = blocks(&file, Start::Front, Stream::new(1)).unwrap();
    let lie = Start::At { bit: whole[1].bit + 1, stream: Stream::new(1) };
    assert!(matches!(blocks(&file, lie, Stream::new(1)), Err(Error::Corrupt { .. })));
}
