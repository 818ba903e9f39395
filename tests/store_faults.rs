//! What S3 means to pass, and ways that lead to the same bytes: over real HTTP, with a server that fails on
//! demand.

#![cfg(feature = "aws")]
#![allow(clippy::unwrap_used)]

#[path = "support/s3.rs"]
mod server;
#[path = "support/sources.rs"]
mod sources;

use csl_stream::store::s3::{Encryption, S3, S3Options};
use csl_stream::store::{self, Location, Tuning, UPLOAD_PART_BYTES, objects};
use server::{Fault, Kind, S3Server};
use sources::read_all;
use std::process::Command;
use std::time::Duration;

const NAME: &str = "exports/org/a.csv";

fn s3(server: &S3Server) -> S3 {
    let tuning = Tuning {
        part_bytes: 1000,
        attempts_max: 4,
        backoff_first: Duration::from_millis(1),
        backoff_max: Duration::from_millis(4),
        ..Tuning::default()
    };
    let access_key = ("AKIDTEST".to_owned(), "secret".to_owned());
    S3::with(S3Options { endpoint: Some(server.endpoint()), region: None, access_key, tuning })
}

fn place(name: &str) -> Location {
    Location::parse(&format!("s3://{name}")).unwrap()
}

fn bytes(count: usize) -> Vec<u8> {
    (0..count).map(|at| (at % 251) as u8).collect()
}

/// One 400 RequestTimeout, and one answer that is lost, at every kind of write.
#[test]
fn writes_heal() {
    for (kind, size, lost) in [
        (Kind::Put, 1000, false),
        (Kind::Put, 1000, true),
        (Kind::CreateUpload, 3 * UPLOAD_PART_BYTES, false),
        (Kind::CreateUpload, 3 * UPLOAD_PART_BYTES, true),
        (Kind::UploadPart, 3 * UPLOAD_PART_BYTES, false),
        (Kind::UploadPart, 3 * UPLOAD_PART_BYTES, true),
        (Kind::CompleteUpload, 3 * UPLOAD_PART_BYTES, false),
        (Kind::CompleteUpload, 3 * UPLOAD_PART_BYTES, true),
    ] {
        let (server, content) = (S3Server::start(), bytes(size));
        server.fault(match lost {
            true => Fault::Lost { kind, times: 1 },
            false => Fault::Timeout { kind, times: 1 },
        });
        let sink = s3(&server).sink(&place("staging/load")).unwrap();
        let mut writer = sink.create("part").unwrap();
        writer.append(content.clone().into()).unwrap();
        let object = writer.finish().unwrap_or_else(|error| panic!("{kind:?} {lost}: {error}"));
        assert!(server.get("staging/load/part").unwrap() == content, "{kind:?} {lost}");
        for fault in
            [Fault::Timeout { kind: Kind::Delete, times: 1 }, Fault::Lost { kind: Kind::Delete, times: 1 }]
        {
            server.fault(fault);
            sink.remove(&object).unwrap();
        }
        assert!(server.names().is_empty());
    }
}

/// A completion that finds no upload is believed only if the object is there as it was sent.
#[test]
fn an_upload_that_somebody_ended_is_no_success() {
    for there in [None, Some(7)] {
        let server = S3Server::start();
        let sink = s3(&server).sink(&place("staging/load")).unwrap();
        let mut writer = sink.create("part").unwrap();
        writer.append(bytes(2 * UPLOAD_PART_BYTES).into()).unwrap();
        if let Some(size) = there {
            server.put("staging/load/part", bytes(size));
        }
        server.fault(Fault::Answer { kind: Kind::CompleteUpload, status: 404, times: usize::MAX });
        let error = writer.finish().unwrap_err();
        assert_eq!(error.exit_code(), 7, "{error}");
        assert!(error.to_string().contains("ended by somebody else"), "{error}");
    }
}

#[test]
fn reads_and_listings_heal() {
    let server = S3Server::start();
    server.put(NAME, bytes(5000));
    // The answer to a HEAD has no body, and so no code that could pass.
    server.fault(Fault::Timeout { kind: Kind::Get, times: 1 });
    let mut source = s3(&server).open(&place(NAME)).unwrap();
    assert!(read_all(&mut *source, 1 << 16).unwrap() == bytes(5000));
    server.fault(Fault::Timeout { kind: Kind::Get, times: 1 });
    let url = Location::parse(&format!("{}/{NAME}?Signature=S", server.endpoint())).unwrap();
    assert!(read_all(&mut *store::open(&url).unwrap(), 1 << 16).unwrap() == bytes(5000));
    server.fault(Fault::Timeout { kind: Kind::List, times: 1 });
    for kind in [Kind::List, Kind::Put, Kind::Delete] {
        server.fault(Fault::Timeout { kind, times: 1 });
    }
    in_child("child_lists", &server);
}

#[test]
fn child_lists() {
    let Some(server) = endpoint() else { return };
    let listed = objects::below(&place("exports/org")).unwrap();
    assert_eq!((listed.len(), listed[0].name.as_str()), (1, "a.csv"), "{server}");
    assert_eq!(store::file_names(&place("exports/org")).unwrap(), ["a.csv"]);
    objects::put(&place("exports/new"), bytes(3)).unwrap();
    objects::remove(&place("exports/new")).unwrap();
}

/// What a bucket's policy demands.
#[test]
fn uploads_are_encrypted_as_asked() {
    let key = "arn:aws:kms:us-east-1:1:key/k";
    for (encryption, algorithm, key) in [
        (Encryption::S3, "AES256", None),
        (Encryption::Kms(None), "aws:kms", None),
        (Encryption::Kms(Some(key.to_owned())), "aws:kms", Some(key)),
        (Encryption::KmsTwice(Some(key.to_owned())), "aws:kms:dsse", Some(key)),
    ] {
        for size in [1000, 2 * UPLOAD_PART_BYTES] {
            let server = S3Server::start();
            server.demand_encryption(algorithm, key);
            let write = |s3: S3| {
                let mut writer = s3.sink(&place("staging/load")).unwrap().create("part").unwrap();
                writer.append(bytes(size).into()).and_then(|()| writer.finish())
            };
            assert_eq!(write(s3(&server)).unwrap_err().exit_code(), 3, "{encryption:?}");
            write(s3(&server).encrypted(encryption.clone()))
                .unwrap_or_else(|e| panic!("{encryption:?}: {e}"));
            assert!(server.get("staging/load/part").unwrap() == bytes(size));
        }
    }
}

/// A URL that runs out in the middle of a read.
#[test]
fn a_url_that_runs_out_is_followed_by_the_name() {
    let server = S3Server::start();
    server.put(NAME, bytes(40 << 20));
    server.fault(Fault::Expire { after: 3 });
    in_child("child_reads_on", &server);
    assert!(server.count(Kind::Head) == 1, "the name is looked at once");
    // Another object under the name is another export: nothing is put together of two.
    server.fault(Fault::Change { after: 3, key: NAME, content: bytes(40 << 20) });
    in_child("child_reads_no_other", &server);
}

fn both(server: &str) -> Box<dyn store::ByteSource> {
    let url = Location::parse(&format!("{server}/{NAME}?Signature=S")).unwrap();
    store::open_either(&url, Some(&place(NAME))).unwrap()
}

#[test]
fn child_reads_on() {
    let Some(server) = endpoint() else { return };
    assert!(read_all(&mut *both(&server), 1 << 16).unwrap() == bytes(40 << 20));
    let url = Location::parse(&format!("{server}/{NAME}?Signature=S")).unwrap();
    assert_eq!(store::open_either(&url, None).err().map(|error| error.exit_code()), Some(3));
}

#[test]
fn child_reads_no_other() {
    let Some(server) = endpoint() else { return };
    let url = Location::parse(&format!("{server}/{NAME}")).unwrap();
    let mut source = store::open_either(&url, Some(&place(NAME))).unwrap();
    let error = read_all(&mut *source, 1 << 16).unwrap_err();
    assert_eq!(error.exit_code(), 1, "{error}");
}

/// Runs a test of this file in a process of its own, because the environment belongs to the process.
fn in_child(test: &str, server: &S3Server) {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", test, "--nocapture"]);
    std::env::vars().filter(|(name, _)| name.starts_with("AWS_")).for_each(|(name, _)| {
        child.env_remove(name);
    });
    let output = child
        .envs([
            ("AWS_ENDPOINT_URL_S3", server.endpoint().as_str()),
            ("AWS_ACCESS_KEY_ID", "a"),
            ("AWS_SECRET_ACCESS_KEY", "b"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("CSL_TEST_CHILD", "1"),
        ])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "the child ran {test}");
}

/// The server of such a process; elsewhere the tests named `child_…` return at once.
fn endpoint() -> Option<String> {
    std::env::var_os("CSL_TEST_CHILD")?;
    std::env::var("AWS_ENDPOINT_URL_S3").ok()
}
