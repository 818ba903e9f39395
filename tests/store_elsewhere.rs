//! The same paths against an S3 that is not ours: an emulator, or AWS itself.
//!
//! ```text
//! CSL_TEST_S3=s3://bucket/prefix AWS_PROFILE=… cargo test --test store_elsewhere -- --ignored
//! ```
//!
//! It writes about 40 MiB below the prefix and leaves it there.

#![cfg(feature = "cloud")]
#![allow(clippy::unwrap_used)]

use std::io::Write;

use csl_stream::store::{self, ByteSource, ExportKind, Location, PART_BYTES, UPLOAD_PART_BYTES};

fn read_all(source: &mut dyn ByteSource) -> Vec<u8> {
    let (mut all, mut buf) = (Vec::new(), vec![0; 1 << 20]);
    loop {
        match source.read(&mut buf).unwrap() {
            0 => return all,
            count => all.extend_from_slice(&buf[..count]),
        }
    }
}

#[test]
#[ignore = "needs CSL_TEST_S3 and credentials"]
fn what_is_written_is_found_and_read() {
    let root = Location::parse(&std::env::var("CSL_TEST_S3").unwrap()).unwrap();
    let export = |time: &str| (format!("signatures_{time}.csv"), format!("full/signatures/{}", &time[..8]));
    let sizes = [0, 5, UPLOAD_PART_BYTES, 2 * PART_BYTES as usize + UPLOAD_PART_BYTES + 77];
    for (size, time) in
        sizes.into_iter().zip(["20261121010000", "20261122010000", "20261122020000", "20261122030000"])
    {
        let content: Vec<u8> = (0..size).map(|at| (at * 31 + at / 251) as u8).collect();
        let (name, folder) = export(time);
        let sink = store::sink(&root.child(&folder).unwrap()).unwrap();
        let mut dropped = sink.create(&name).unwrap();
        dropped.write_all(&vec![0; UPLOAD_PART_BYTES + 1]).unwrap();
        drop(dropped);
        let mut writer = sink.create(&name).unwrap();
        writer.write_all(&content).unwrap();
        let object = writer.finish().unwrap();
        assert!(sink.read_tail(&object, 8).unwrap() == content[content.len().saturating_sub(8)..]);

        let date = Some(&time[..8]);
        let found = store::discover(&root, ExportKind::Full, "signatures", date).unwrap();
        assert_eq!((found.exported_at.as_str(), found.bytes), (time, Some(size as u64)));
        let mut source = store::open(&found.location).unwrap();
        assert!(source.info().etag.is_some());
        assert!(read_all(&mut *source) == content, "{size}");
    }
    let absent = root.child("absent.csv").unwrap();
    assert_eq!(store::open(&absent).err().unwrap().exit_code(), 3);
}

#[test]
#[ignore = "needs CSL_TEST_URL, a signed URL of a file, and CSL_TEST_URL_BYTES, its length"]
fn a_signed_url_is_read() {
    let location = Location::parse(&std::env::var("CSL_TEST_URL").unwrap()).unwrap();
    let length: usize = std::env::var("CSL_TEST_URL_BYTES").unwrap().parse().unwrap();
    assert_eq!(read_all(&mut *store::open(&location).unwrap()).len(), length);
    assert_eq!(store::fetch_small(&location, length).unwrap().len(), length);
}
