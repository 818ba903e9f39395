//! Files that are no export, or packed in a way that is not read: told as what they are. What other packers add is read.

use crate::support::{Given, packed, table};
use std::io::Write;

const CSV: &[u8] = b"x\na\nb\n";

fn given(bytes: impl Into<Vec<u8>>) -> Given {
    Given::new(bytes, table(&[("x", "text", true)]))
}

fn told(bytes: &[u8]) -> String {
    let run = given(bytes).run();
    let error = run.error();
    assert_eq!(error.exit_code(), 1, "{error}");
    assert!(run.files.is_empty());
    format!("{error}; {}", error.detail().unwrap().help)
}

/// A frame that decoders pass over; `pzstd` writes one before each frame.
fn skippable(bytes: &[u8]) -> Vec<u8> {
    [&[0x50, 0x2a, 0x4d, 0x18], &(bytes.len() as u32).to_le_bytes()[..], bytes].concat()
}

fn zstd_with(set: impl FnOnce(&mut zstd::Encoder<'static, Vec<u8>>)) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    set(&mut encoder);
    encoder.write_all(CSV).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn what_packers_add_is_read() {
    let frame = packed::zstd(CSV);
    let member = packed::gzip(CSV);
    let (head, tail) = CSV.split_at(3);
    let cases: &[(&str, Vec<u8>)] = &[
        ("zstd, skippable frame first", [skippable(b"1234"), frame.clone()].concat()),
        ("zstd, skippable frame last", [frame.clone(), skippable(b"")].concat()),
        (
            "zstd, as pzstd writes it",
            [skippable(b"1234"), packed::zstd(head), skippable(b"5678"), packed::zstd(tail)].concat(),
        ),
        ("zstd, empty frame first", [packed::zstd(b""), frame.clone()].concat()),
        ("zstd, zeros behind", [frame.clone(), vec![0; 3]].concat()),
        ("gzip, one zero behind", [member.clone(), vec![0]].concat()),
        ("gzip, many zeros behind", [member.clone(), vec![0; 300_000]].concat()),
        ("gzip, empty member first", [packed::gzip(b""), member.clone()].concat()),
        ("gzip, a member for each byte", CSV.iter().flat_map(|&byte| packed::gzip(&[byte])).collect()),
        ("zstd, a frame for each byte", CSV.iter().flat_map(|&byte| packed::zstd(&[byte])).collect()),
    ];
    for (what, bytes) in cases {
        for read_bytes in [1, 3, usize::MAX] {
            let mut given = given(bytes.clone());
            given.read_bytes = read_bytes;
            assert_eq!(given.run().report().rows.accepted, 2, "{what}, reads of {read_bytes}");
        }
    }
}

#[test]
fn a_tail_that_does_not_belong_is_no_cut() {
    for (name, pack) in packed::PACKERS {
        let whole = pack(CSV);
        let end = format!("byte {}", whole.len());
        for tail in [&b"\n"[..], b"x", b"hello, world", b"\0\0x", &[0xff; 300]] {
            let text = told(&[&whole, tail].concat());
            let (trailing, at) = (text.contains("something else follows the end"), text.contains(&end));
            assert!(trailing && at && !text.contains("is cut off"), "{name}, {tail:?}: {text}");
        }
        // The beginning of another stream is the beginning of another stream.
        for len in 1..whole.len() {
            let text = told(&[&whole, &whole[..len]].concat());
            assert!(text.contains("cut off"), "{name}, {len} bytes of a second: {text}");
        }
    }
}

#[test]
fn what_is_not_supported_is_told_as_that() {
    let window = zstd_with(|encoder| {
        encoder.window_log(28).unwrap();
        encoder.long_distance_matching(true).unwrap();
        encoder.include_contentsize(false).unwrap();
    });
    // One segment whose header names dictionary 7, and one raw block, the last.
    let head = [0x28, 0xb5, 0x2f, 0xfd, 0x21, 7, CSV.len() as u8, (CSV.len() as u8) << 3 | 1, 0, 0];
    let dictionary = [&head, CSV].concat();
    // The bit behind the block's checksum says "randomised".
    let mut randomised = packed::bzip2(CSV);
    randomised[4 + 6 + 4] |= 0x80;
    let utf16 = |bytes: [u8; 2]| bytes.to_vec();
    let cases: &[(&str, Vec<u8>, &str)] = &[
        ("zstd window", window, "zstd data with a window of more than 128 MiB"),
        ("zstd dictionary", dictionary, "zstd data with a dictionary"),
        ("bzip2 randomised", randomised, "bzip2 data with randomised blocks"),
        ("xz", b"\xfd7zXZ\0\0\x04rest".to_vec(), "xz"),
        ("zip", b"PK\x03\x04\x14\0\0\0rest\n".to_vec(), "zip"),
        ("7z", b"7z\xbc\xaf\x27\x1c\0\x04".to_vec(), "7z"),
        ("lz4", b"\x04\x22\x4d\x18d@\n".to_vec(), "lz4"),
        ("UTF-16", CSV.iter().flat_map(|&byte| utf16([byte, 0])).collect(), "UTF-16"),
        ("UTF-16, big", CSV.iter().flat_map(|&byte| utf16([0, byte])).collect(), "UTF-16"),
        (
            "UTF-16, mark",
            [b"\xff\xfe".to_vec(), CSV.iter().flat_map(|&b| [b, 0]).collect()].concat(),
            "UTF-16",
        ),
        ("UTF-32, mark", [b"\xff\xfe\0\0".to_vec(), vec![b'x', 0, 0, 0]].concat(), "UTF-32"),
        ("old Mac", b"x\ra\rb\r".to_vec(), "carriage returns alone"),
        ("packed twice", packed::gzip(&packed::bzip2(CSV)), "compressed data (bzip2) in compressed data"),
        ("UTF-16 packed", packed::zstd(b"\xfe\xff\0x\0\n"), "UTF-16"),
        ("Parquet", b"PAR1\x15\0".to_vec(), "Parquet"),
        ("an answer", b"<?xml version=\"1.0\"?>\n<Error><Code>AccessDenied</Code></Error>\n".to_vec(), "XML"),
    ];
    for (what, bytes, want) in cases {
        let text = told(bytes);
        assert!(text.contains(want) && text.contains("not supported"), "{what}: {text}");
        assert!(!text.contains("damaged") && !text.contains("is cut off"), "{what}: {text}");
    }
}
