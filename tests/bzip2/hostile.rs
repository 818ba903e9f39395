//! Blocks that are valid and hard, or nearly valid.

use csl_stream::bzip2::{Error, Kernel, Limits, Scratch};

use crate::craft::Block;
use crate::{decode, decode_on, decode_with, oracle};

/// Both libbz2 and all kernels decode this to what the textbook says.
fn check(name: &str, block: &Block) {
    let (file, data) = (block.file(), block.data().expect("a whole block"));
    assert!(oracle(&file).expect(name) == data, "{name}: the textbook and libbz2 differ");
    for kernel in Kernel::available() {
        match decode(&file, kernel) {
            Ok(out) => assert!(out == data, "{name}, {kernel:?}"),
            Err(error) => panic!("{name}, {kernel:?}: {error}"),
        }
    }
}

/// 254 values and codes of eight bits: each symbol's code is its own number, and any bytes can stand there.
fn spelled(symbols: &[u16]) -> Block {
    Block::new((0..254).collect(), symbols.to_vec(), 0)
}

const BLOCK_MARK: [u16; 6] = [0x31, 0x41, 0x59, 0x26, 0x53, 0x59];
const END_MARK: [u16; 6] = [0x17, 0x72, 0x45, 0x38, 0x50, 0x90];

#[test]
fn marks_inside_data_do_not_cut_a_block() {
    let mut random = fastrand::Rng::with_seed(20);
    for count in [1, 2, 3, 50] {
        let mut symbols = Vec::new();
        for i in 0..count {
            symbols.extend((0..random.usize(..2000)).map(|_| random.u16(2..255)));
            symbols.extend(if i % 2 == 0 { BLOCK_MARK } else { END_MARK });
        }
        symbols.extend((0..100).map(|_| random.u16(2..255)));
        let block = spelled(&symbols);
        check(&format!("{count} marks"), &block);
        let (file, data) = (block.file(), block.data().unwrap());
        for read_bytes in [1, 100, 1000] {
            let limits = Limits { read_bytes, ..Limits::for_workers(1) };
            assert!(decode_with(&file[..], limits, &mut Scratch::new()).unwrap() == data, "{read_bytes}");
            assert!(decode_on(2, &file, limits).unwrap() == data, "{read_bytes}");
        }
    }
}

#[test]
fn nothing_but_marks() {
    let symbols: Vec<u16> = [BLOCK_MARK, END_MARK].concat().into_iter().cycle().take(60_000).collect();
    check("10,000 marks", &spelled(&symbols));
}

#[test]
fn one_piece_that_is_nearly_the_whole_block() {
    // The next row is 1,024 rows on, and a lap shifts by one: all starts, then everything else.
    for rows in [878 * 1024 + 1, 800 * 1024 + 1023] {
        for origin in [0, 1, 1024, 5000] {
            let block = |origin| Block::of_runs(&[(b'b', rows - 1024), (b'a', 1024)], origin);
            // Not every rotation of this text ends with a whole run.
            let whole = (origin..origin + 2000).step_by(7).map(block).find(|block| block.data().is_some());
            check("lap", &whole.expect("some rotation is whole"));
        }
    }
}

#[test]
fn rows_in_order_and_cycles_of_every_kind() {
    for (name, runs) in [
        ("one byte", &[(b'x', 1)][..]),
        ("each row its own cycle", &[(b'x', 900_000)]),
        ("rows in order", &[(b'b', 899_999), (b'a', 1)]),
        ("two halves", &[(b'b', 450_000), (b'a', 450_000)]),
        ("coprime", &[(b'c', 300_007), (b'b', 299_993), (b'a', 300_000)]),
        ("short", &[(b'c', 3), (b'a', 2), (b'b', 5)]),
    ] {
        let rows: usize = runs.iter().map(|run| run.1).sum();
        for origin in [0, rows as u32 / 3, rows as u32 - 1] {
            let block = Block::of_runs(runs, origin);
            if block.data().is_some() {
                check(name, &block);
            }
        }
    }
}

#[test]
fn all_byte_values_and_the_widest_symbol() {
    let mut random = fastrand::Rng::with_seed(21);
    let symbols: Vec<u16> = (0..30_000).map(|i| if i % 3 == 0 { 256 } else { random.u16(2..257) }).collect();
    check("256 values", &Block::new((0..=255).collect(), symbols.clone(), 17));
    let all = [256u16].repeat(5000);
    check("only the widest", &Block::new((0..=255).collect(), all, 17));
    let narrow = symbols.iter().map(|symbol| (*symbol).min(255)).collect();
    check("255 values", &Block::new((0..255).collect(), narrow, 17));
}

#[test]
fn what_old_and_odd_encoders_write() {
    let block = spelled(&[9; 500]);
    check("more selectors than a block can have", &Block { more_selectors: 32_000, ..block.clone() });
    check(
        "an impossible table that is not used",
        &Block { unused_lengths: Some(vec![1; 256]), ..block.clone() },
    );
    check("a table that leaves codes unused", &Block { lengths: Some(vec![13; 256]), ..block.clone() });
    check("codes of 20 bits", &Block { lengths: Some(vec![20; 256]), ..block });
}

#[test]
fn what_must_be_refused() {
    let good = spelled(&(0..5000).map(|i| 2 + i * 7 % 250).collect::<Vec<_>>());
    check("good", &good);
    let digits = |count| Block::new(vec![b'x'], vec![1; count], 0);
    let cases: Vec<(&str, Block, &str)> = vec![
        ("randomised", Block { randomised: true, ..good.clone() }, "randomised"),
        ("origin", Block { origin: 5000, ..good.clone() }, "origin"),
        ("origin", Block { origin: 0xff_ffff, ..good.clone() }, "origin"),
        ("no bytes", Block { symbols: vec![], ..good.clone() }, "origin"),
        ("table", Block { lengths: Some(vec![7; 256]), ..good.clone() }, "more codes than there are"),
        ("level", Block { level: 1, ..Block::of_runs(&[(b'b', 100_000), (b'a', 1)], 0) }, "level"),
        ("long run", digits(19), "longer than 900,000"),
        ("longer run", digits(21), "run longer than any block"),
        ("endless run", digits(80_000), "run longer than any block"),
        ("many symbols", Block { symbols: vec![5; 1_000_000], ..good.clone() }, "more symbols than bytes"),
        ("many runs", Block::of_runs(&[(b'a', 500_000), (b'b', 500_000)], 0), "longer than 900,000"),
    ];
    for (name, block, words) in cases {
        // All but the level shows before the checksum does.
        let file = if name == "level" { block.file() } else { block.file_with(0) };
        for kernel in Kernel::available() {
            let error = decode(&file, kernel).expect_err(name);
            assert!(error.to_string().contains(words), "{name}, {kernel:?}: {error}");
        }
    }
    assert!(matches!(decode(&good.file()[1..], Kernel::best()), Err(Error::NotBzip2)));
}
