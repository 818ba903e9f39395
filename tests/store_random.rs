//! Any content, any sizes, any faults: what is read is what was stored, or an error.

#![cfg(feature = "aws")]
#![allow(clippy::unwrap_used)]

#[path = "support/seed.rs"]
mod seed;
#[path = "support/s3.rs"]
mod server;

use std::time::Duration;

use csl_stream::store::s3::{S3, S3Options};
use csl_stream::store::{self, ByteSource, Location, Tuning};
use server::{Fault, Kind, S3Server};

const RUNS: u64 = 60;
const KEY: &str = "exports/a.csv";

fn fault(random: &mut fastrand::Rng) -> Fault {
    let times = random.usize(1..3);
    match random.u32(0..4) {
        0 => Fault::Cut { bytes: random.usize(0..2000), times },
        1 => Fault::Answer { kind: Kind::Get, status: random.choice([500, 502, 503, 429]).unwrap(), times },
        2 => Fault::Answer { kind: Kind::Head, status: 503, times },
        _ => Fault::Cut { bytes: 0, times },
    }
}

fn open(random: &mut fastrand::Rng, server: &S3Server) -> Box<dyn ByteSource> {
    let tuning = Tuning {
        part_bytes: random.u64(1..3000),
        read_ahead: random.usize(1..6),
        attempts_max: 12,
        backoff_first: Duration::from_millis(1),
        backoff_max: Duration::from_millis(2),
        stall: Duration::from_secs(10),
    };
    if random.bool() {
        let Location::Https(url) = Location::parse(&format!("{}/{KEY}?q", server.endpoint())).unwrap() else {
            panic!("a URL")
        };
        return store::https::open(&url, tuning).unwrap();
    }
    let access_key = ("AKIDTEST".to_owned(), "secret".to_owned());
    let s3 = S3::with(S3Options { endpoint: Some(server.endpoint()), region: None, access_key, tuning });
    s3.open(&Location::parse(&format!("s3://{KEY}")).unwrap()).unwrap()
}

fn run(seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let length = random.usize(0..12_000);
    let content: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(length).collect();
    let server = S3Server::start();
    server.put(KEY, content.clone());
    (0..random.usize(0..4)).for_each(|_| server.fault(fault(&mut random)));
    let changes = random.u32(0..4) == 0;
    let mut source = open(&mut random, &server);
    if changes {
        let (after, new) = (random.usize(0..5), vec![b'n'; random.usize(0..12_000)]);
        server.fault(Fault::Change { after, key: KEY, content: new });
    }
    let mut read = Vec::new();
    loop {
        let mut buf = vec![0; random.usize(1..4000)];
        match source.read(&mut buf) {
            Ok(0) => break,
            Ok(count) => read.extend_from_slice(&buf[..count]),
            Err(error) => {
                assert!(changes && error.exit_code() == 1, "seed {seed}: {error}");
                assert!(content.starts_with(&read), "seed {seed}: what came before the change is not it");
                return;
            }
        }
    }
    assert!(read == content, "seed {seed}: {} bytes read of {length}", read.len());
}

#[test]
fn what_is_read_is_what_was_stored() {
    let first = seed::seed();
    // What fails with the seed S fails in the first run with CSL_SEED=S.
    (0..RUNS).for_each(|at| run(first.wrapping_add(at)));
}
