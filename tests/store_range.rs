//! An object of S3 read from its middle, over real HTTP.

#![cfg(feature = "aws")]
#![allow(clippy::unwrap_used)]

#[path = "support/s3.rs"]
mod server;
#[path = "support/sources.rs"]
mod sources;

use csl_stream::store::s3::{S3, S3Options};
use csl_stream::store::{Location, Tuning};
use server::{Kind, S3Server};
use sources::read_all;

const KEY: &str = "exports/org/a.csv";

fn bytes(count: usize) -> Vec<u8> {
    (0..count).map(|at| (at * 31 + at / 251) as u8).collect()
}

#[test]
fn a_range_is_read_without_a_look_first_and_as_far_as_it_is_asked_for() {
    let content = bytes(9999);
    let server = S3Server::start();
    server.put(KEY, content.clone());
    let s3 = S3::with(S3Options {
        endpoint: Some(server.endpoint()),
        region: None,
        access_key: ("AKIDTEST".to_owned(), "secret".to_owned()),
        tuning: Tuning { part_bytes: 1000, read_ahead: 3, ..Tuning::default() },
    });
    let place = Location::parse(&format!("s3://{KEY}")).unwrap();
    let pinned = s3.open(&place).unwrap().info().clone();
    let heads = server.count(Kind::Head);
    for (from, hint, wanted, gets) in
        // Parts of 1000 bytes; what is not expected is asked for when it is read.
        [
            (0, 9999, 9999, 10),
            (2500, 2000, 2000, 2),
            (2500, 2000, 2001, 3),
            (9000, 5, 999, 2),
            (9999, 100, 1, 0),
            (0, 0, 1, 1),
        ]
    {
        let before = server.count(Kind::Get);
        let mut source = s3.open_range(&place, &pinned, from, hint).unwrap();
        let mut read = Vec::new();
        let mut buf = [0; 1];
        while read.len() < wanted && source.read(&mut buf).unwrap() == 1 {
            read.push(buf[0]);
        }
        let end = content.len().min(from as usize + wanted);
        assert_eq!(read, content[from as usize..end], "from {from}");
        assert!(server.count(Kind::Get) - before <= gets, "{from} {hint}: more than {gets} requests");
        assert_eq!(source.info(), &pinned);
    }
    assert_eq!(server.count(Kind::Head), heads, "nobody looked first");
    server.put(KEY, bytes(9998));
    let mut source = s3.open_range(&place, &pinned, 100, 1000).unwrap();
    let error = read_all(&mut *source, 700).expect_err("it is another object");
    assert!(error.exit_code() == 1 && error.to_string().contains("changed while it was read"), "{error}");
}
