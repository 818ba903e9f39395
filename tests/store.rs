//! S3 and URLs over real HTTP, with a server that fails on demand.

#![cfg(feature = "aws")]
#![allow(clippy::unwrap_used)]

#[path = "support/s3.rs"]
mod server;
#[path = "support/sources.rs"]
mod sources;

use std::process::Command;
use std::time::Duration;

use csl_stream::Error;
use csl_stream::store::s3::{S3, S3Options};
use csl_stream::store::{self, ByteSource, ExportKind, Location, Tuning, UPLOAD_PART_BYTES};
use server::{Fault, Kind, S3Server};
use sources::read_all;

const KEY: &str = "exports/org/a.csv";
const SECRET: &str = "X-Amz-Signature=SECRET%2Bx&Expires=1438711490";

/// Small parts and short pauses: the same paths in milliseconds.
fn tuning() -> Tuning {
    Tuning {
        part_bytes: 1000,
        read_ahead: 3,
        attempts_max: 4,
        backoff_first: Duration::from_millis(1),
        backoff_max: Duration::from_millis(4),
        stall: Duration::from_secs(5),
    }
}

fn s3(server: &S3Server, tuning: Tuning) -> S3 {
    S3::with(S3Options {
        endpoint: Some(server.endpoint()),
        region: None,
        access_key: ("AKIDTEST".to_owned(), "secret".to_owned()),
        tuning,
    })
}

fn place(name: &str) -> Location {
    Location::parse(&format!("s3://{name}")).unwrap()
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    S3,
    Url,
}

const WAYS: [Way; 2] = [Way::S3, Way::Url];

fn open_url(text: &str, tuning: Tuning) -> Result<Box<dyn ByteSource>, Error> {
    let Location::Https(url) = Location::parse(text)? else { panic!("{text} is no URL") };
    store::https::open(&url, tuning)
}

fn open(way: Way, server: &S3Server, tuning: Tuning) -> Result<Box<dyn ByteSource>, Error> {
    match way {
        Way::S3 => s3(server, tuning).open(&place(KEY)),
        Way::Url => open_url(&format!("{}/{KEY}?{SECRET}", server.endpoint()), tuning),
    }
}

fn bytes(count: usize) -> Vec<u8> {
    (0..count).map(|at| (at * 31 + at / 251) as u8).collect()
}

fn serving(content: &[u8]) -> S3Server {
    let server = S3Server::start();
    server.put(KEY, content.to_vec());
    server
}

/// Everything a person could see of an error.
fn text_of(error: &Error) -> String {
    format!("{error}; {error:?}; {}", error.detail().map(|detail| detail.help.as_str()).unwrap_or_default())
}

fn fails(way: Way, server: &S3Server, tuning: Tuning) -> Error {
    let read = open(way, server, tuning).and_then(|mut source| read_all(&mut *source, 700));
    read.expect_err("an error was wanted")
}

#[test]
fn objects_of_any_size_are_read_in_order() {
    for way in WAYS {
        for size in [0, 1, 999, 1000, 1001, 9999, 10_000] {
            let content = bytes(size);
            let server = serving(&content);
            let mut source = open(way, &server, tuning()).unwrap();
            assert_eq!(source.info().bytes, Some(size as u64), "{way:?} {size}");
            for buffer_bytes in [1 + size / 7, 20_000] {
                let mut source = open(way, &server, tuning()).unwrap();
                assert_eq!(read_all(&mut *source, buffer_bytes).unwrap(), content, "{way:?} {size}");
            }
            assert_eq!(read_all(&mut *source, 333).unwrap(), content, "{way:?} {size}");
            assert!(source.info().etag.is_some() || size == 0);
        }
    }
}

#[test]
fn an_object_that_changes_while_it_is_read_is_an_error() {
    for way in WAYS {
        for (after, content) in [(0, bytes(9999)), (2, bytes(9999)), (2, bytes(10)), (1, Vec::new())] {
            let server = serving(&bytes(9999));
            let mut source = open(way, &server, tuning()).unwrap();
            server.fault(Fault::Change { after, key: KEY, content });
            let error = read_all(&mut *source, 700).expect_err("the content changed");
            assert_eq!(error.exit_code(), 1, "{way:?} {error}");
            assert!(text_of(&error).contains("changed while it was read"), "{way:?} {error}");
        }
    }
}

#[test]
fn passing_faults_are_healed() {
    let faults = [
        ("a body is cut", vec![Fault::Cut { bytes: 300, times: 1 }]),
        ("cut at once", vec![Fault::Cut { bytes: 0, times: 2 }]),
        ("bodies are cut again and again", vec![Fault::Cut { bytes: 250, times: 3 }]),
        ("503 to reads", vec![Fault::Answer { kind: Kind::Get, status: 503, times: 3 }]),
        (
            "500, then a cut",
            vec![
                Fault::Answer { kind: Kind::Get, status: 500, times: 1 },
                Fault::Cut { bytes: 999, times: 1 },
            ],
        ),
        ("503 to the first look", vec![Fault::Answer { kind: Kind::Head, status: 503, times: 3 }]),
        ("429", vec![Fault::Answer { kind: Kind::Get, status: 429, times: 2 }]),
    ];
    for way in WAYS {
        for (name, faults) in &faults {
            let content = bytes(5500);
            let server = serving(&content);
            faults.iter().for_each(|fault| server.fault(fault.clone()));
            let mut source = open(way, &server, tuning()).unwrap();
            assert_eq!(read_all(&mut *source, 700).unwrap(), content, "{way:?} {name}");
        }
    }
}

#[test]
fn faults_that_stay_end_as_what_the_operator_can_do() {
    let answer = |status| Fault::Answer { kind: Kind::Get, status, times: usize::MAX };
    for way in WAYS {
        let missing = if way == Way::Url { "check the URL" } else { "check the bucket and the key" };
        for (fault, code, part) in [
            (answer(503), 7, "also after retries"),
            (Fault::Cut { bytes: 0, times: usize::MAX }, 7, "also after retries"),
            (answer(403), 3, "readable for 6 hours"),
            (answer(404), 3, missing),
            (answer(400), 3, "refuses the request"),
        ] {
            let server = serving(&bytes(5500));
            server.fault(fault.clone());
            let error = fails(way, &server, tuning());
            let text = text_of(&error);
            assert_eq!(error.exit_code(), code, "{way:?} {fault:?}: {text}");
            assert!(text.contains(part) && !text.contains("SECRET"), "{way:?} {fault:?}: {text}");
        }
    }
}

#[test]
fn retries_are_counted() {
    let server = serving(&bytes(10));
    server.fault(Fault::Answer { kind: Kind::Get, status: 503, times: usize::MAX });
    fails(Way::S3, &server, tuning());
    assert_eq!((server.count(Kind::Head), server.count(Kind::Get)), (1, 4));
}

#[test]
fn a_bucket_elsewhere_says_so() {
    let server = serving(b"x");
    server.fault(Fault::Answer { kind: Kind::Head, status: 301, times: 1 });
    let error = fails(Way::S3, &server, tuning());
    assert_eq!(error.exit_code(), 2);
    assert!(text_of(&error).contains("another region"), "{error}");
}

#[test]
fn an_endpoint_that_is_not_there_is_passing() {
    for endpoint in ["http://127.0.0.1:1", "https://127.0.0.1:1"] {
        let access_key = ("AKIDTEST".to_owned(), "secret".to_owned());
        let options =
            S3Options { endpoint: Some(endpoint.to_owned()), region: None, access_key, tuning: tuning() };
        let error = S3::with(options).open(&place(KEY)).err().unwrap();
        assert_eq!(error.exit_code(), 7, "{endpoint}: {error}");
        assert!(text_of(&error).contains("check the network and the endpoint"), "{error}");
    }
}

#[test]
fn a_server_that_stalls_is_given_up() {
    for way in WAYS {
        let server = serving(&bytes(5500));
        server.set_latency(Duration::from_millis(300));
        let short = Tuning { stall: Duration::from_millis(50), attempts_max: 2, ..tuning() };
        assert_eq!(fails(way, &server, short).exit_code(), 7, "{way:?}");
    }
}

#[test]
fn an_error_leaves_no_gap() {
    let content = bytes(5500);
    let server = serving(&content);
    let mut source = open(Way::S3, &server, tuning()).unwrap();
    server.fault(Fault::Answer { kind: Kind::Get, status: 403, times: 2 });
    let (mut all, mut buf, mut errors) = (Vec::new(), vec![0; 700], 0);
    while all.len() < content.len() {
        match source.read(&mut buf) {
            Ok(count) => all.extend_from_slice(&buf[..count]),
            Err(_) => errors += 1,
        }
    }
    assert!(errors > 0);
    assert_eq!(all, content);
}

#[test]
fn reading_ahead_is_bounded_and_ends_with_the_source() {
    let restless = Tuning { attempts_max: u32::MAX, ..tuning() };
    for way in WAYS {
        let server = serving(&bytes(100_000));
        let mut source = open(way, &server, restless).unwrap();
        let probes = server.count(Kind::Get);
        source.read(&mut [0; 1]).unwrap();
        let asked = || server.count(Kind::Get) - probes;
        (0..500).take_while(|_| asked() < 3).for_each(|_| std::thread::sleep(Duration::from_millis(10)));
        std::thread::sleep(Duration::from_millis(100));
        assert_eq!(asked(), 3, "{way:?}: the part that is read and two ahead");
        assert!(server.in_flight_max() <= 3, "{way:?}");

        server.fault(Fault::Answer { kind: Kind::Get, status: 503, times: usize::MAX });
        (0..2).for_each(|_| assert_eq!(source.read(&mut [0; 999]).unwrap(), 999));
        std::thread::sleep(Duration::from_millis(100));
        assert!(asked() > 4, "{way:?}: the next part is tried again and again");
        drop(source);
        std::thread::sleep(Duration::from_millis(50));
        let asked_before = asked();
        std::thread::sleep(Duration::from_millis(100));
        assert_eq!(asked(), asked_before, "{way:?}: no requests after the source is gone");
    }
}

#[test]
fn a_signed_url_is_used_and_never_shown() {
    let content = bytes(5500);
    let server = serving(&content);
    server.set_signed(SECRET);
    let mut source = open(Way::Url, &server, tuning()).unwrap();
    assert_eq!(source.info().uri, format!("{}/{KEY}?…", server.endpoint()));
    assert_eq!(read_all(&mut *source, 700).unwrap(), content);
    assert_eq!(server.count(Kind::Head), 0);

    let expired = format!("{}/{KEY}?{}", server.endpoint(), SECRET.replace("Expires", "Was"));
    let refused = format!("http://127.0.0.1:1/{KEY}?{SECRET}");
    let refused_tls = format!("https://127.0.0.1:1/{KEY}?{SECRET}");
    for (url, code, part) in [
        (expired, 3, "403 Forbidden, AccessDenied"),
        (refused, 7, "Connection refused"),
        (refused_tls, 7, "Connection refused"),
    ] {
        let error = open_url(&url, tuning()).err().unwrap();
        let text = text_of(&error);
        assert_eq!(error.exit_code(), code, "{text}");
        assert!(text.contains(part) && !text.contains("SECRET"), "{text}");
    }
}

#[test]
fn redirects_stay_on_their_host() {
    let content = bytes(5500);
    let (server, other) = (serving(&content), serving(&content));
    server.fault(Fault::Redirect { to: format!("{}/{KEY}?again", server.endpoint()), times: 1 });
    let mut source = open(Way::Url, &server, tuning()).unwrap();
    assert_eq!(read_all(&mut *source, 700).unwrap(), content);

    server.fault(Fault::Redirect { to: format!("{}/{KEY}?{SECRET}", other.endpoint()), times: 1 });
    let text = text_of(&open(Way::Url, &server, tuning()).err().unwrap());
    assert!(text.contains("redirects to 127.0.0.1") && !text.contains("SECRET"), "{text}");
    assert_eq!(other.count_all(), 0);
    server.fault(Fault::Redirect { to: format!("/{KEY}"), times: usize::MAX });
    assert_eq!(open(Way::Url, &server, tuning()).err().unwrap().exit_code(), 3);
}

#[test]
fn a_server_without_ranges_is_read_as_one_stream() {
    let content = bytes(5500);
    let server = serving(&content);
    server.set_without_ranges();
    let mut source = open(Way::Url, &server, tuning()).unwrap();
    assert_eq!(source.info().bytes, Some(5500));
    assert_eq!(read_all(&mut *source, 700).unwrap(), content);
    assert_eq!(server.count(Kind::Get), 1);

    server.fault(Fault::Cut { bytes: 3000, times: 1 });
    let mut source = open(Way::Url, &server, tuning()).unwrap();
    assert_eq!(read_all(&mut *source, 700).unwrap_err().exit_code(), 7);
    assert_eq!(source.read(&mut [0; 9]).unwrap_err().exit_code(), 7, "a break is no end, also later");
}

#[test]
fn something_small_is_one_request() {
    let server = serving(b"{\"tables\":[]}");
    let location = Location::parse(&format!("{}/{KEY}?{SECRET}", server.endpoint())).unwrap();
    assert_eq!(store::fetch_small(&location, 1000).unwrap(), b"{\"tables\":[]}");
    assert_eq!(server.count_all(), 1);
    let text = text_of(&store::fetch_small(&location, 4).unwrap_err());
    assert!(text.contains("larger than 4 bytes") && !text.contains("SECRET"), "{text}");
}

#[test]
fn uploads_come_back_as_they_were() {
    for size in [0, 1, 1000, UPLOAD_PART_BYTES, UPLOAD_PART_BYTES + 1, 5 * UPLOAD_PART_BYTES + 77] {
        let (server, content) = (S3Server::start(), bytes(size));
        let sink = s3(&server, tuning()).sink(&place("staging/load/1")).unwrap();
        let mut writer = sink.create("part-00000.parquet").unwrap();
        content.chunks(3_000_001).for_each(|chunk| writer.append(chunk.to_vec().into()).unwrap());
        assert!(server.names().is_empty());
        let object = writer.finish().unwrap();
        assert_eq!(object.uri, "s3://staging/load/1/part-00000.parquet");
        assert_eq!(object.bytes, size as u64);
        assert!(server.get("staging/load/1/part-00000.parquet").unwrap() == content, "{size}");
        assert_eq!(server.uploads_open(), 0);
        for tail in [0, 8, 5000, u64::MAX] {
            let expected = &content[content.len() - content.len().min(tail as usize)..];
            assert!(sink.read_tail(&object, tail).unwrap() == expected, "{size} {tail}");
        }
        server.put("staging/load/1/part-00000.parquet", vec![1; size + 1]);
        assert_eq!(sink.read_tail(&object, 8).unwrap_err().exit_code(), 6);
    }
}

#[test]
fn an_upload_that_is_dropped_leaves_nothing() {
    let server = S3Server::start();
    let sink = s3(&server, tuning()).sink(&place("staging/load")).unwrap();
    let mut writer = sink.create("part").unwrap();
    writer.append(bytes(3 * UPLOAD_PART_BYTES).into()).unwrap();
    assert_eq!(server.uploads_open(), 1);
    drop(writer);
    assert_eq!((server.uploads_open(), server.names().len()), (0, 0));
}

#[test]
fn uploads_heal_or_leave_nothing() {
    for (kind, status, times, code) in [
        (Kind::UploadPart, 503, 2, 0),
        (Kind::CreateUpload, 503, 2, 0),
        (Kind::CompleteUpload, 503, 2, 0),
        (Kind::CreateUpload, 403, usize::MAX, 3),
        (Kind::UploadPart, 403, usize::MAX, 3),
        (Kind::CompleteUpload, 403, usize::MAX, 3),
        (Kind::UploadPart, 503, usize::MAX, 7),
    ] {
        let (server, content) = (S3Server::start(), bytes(6 * UPLOAD_PART_BYTES));
        server.fault(Fault::Answer { kind, status, times });
        let sink = s3(&server, tuning()).sink(&place("staging/load")).unwrap();
        let mut writer = sink.create("part").unwrap();
        let written = writer.append(content.clone().into());
        let finished = written.and_then(|()| writer.finish());
        match code {
            0 => assert!(server.get("staging/load/part").unwrap() == content && finished.is_ok()),
            _ => {
                let error = finished.expect_err("the fault stays");
                assert_eq!(error.exit_code(), code, "{kind:?} {status}: {error}");
                assert!(server.names().is_empty());
            }
        }
        assert_eq!(server.uploads_open(), 0, "{kind:?} {status}");
    }
}

/// Runs a test of this file in a process of its own, because the environment belongs to the process.
fn in_child(test: &str, environment: &[(&str, &str)]) {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", test, "--nocapture"]);
    std::env::vars().filter(|(name, _)| name.starts_with("AWS_")).for_each(|(name, _)| {
        child.env_remove(name);
    });
    child.env("AWS_EC2_METADATA_DISABLED", "true").env("CSL_TEST_CHILD", "1");
    let output = child.envs(environment.iter().copied()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "the child ran {test}");
}

/// Whether this process is one of those; elsewhere the tests named `child_…` return at once.
fn is_child() -> bool {
    std::env::var_os("CSL_TEST_CHILD").is_some()
}

#[test]
fn the_newest_export_is_found_in_few_requests_with_a_profile() {
    let (server, dir) = (S3Server::start(), tempfile::tempdir().unwrap());
    for at in 0..5000 {
        server.put(&format!("exports/another/full/signatures/{at}/x.csv"), "");
        server.put(&format!("exports/org/full/emails/20261122/emails_2026112203{at:04}.csv"), "");
    }
    for key in
        ["20261121/signatures_20261121034512", "20261122/signatures_20261122034410", "20261122/old_20261122"]
    {
        server.put(&format!("exports/org/full/signatures/{key}.csv.bz2"), "content");
    }
    for minute in 0..1440 {
        let name = format!("signatures_20261122{:02}{:02}00.csv", minute / 60, minute % 60);
        server.put(&format!("exports/org/incremental/signatures/20261122/{name}"), "id\n");
    }
    let (credentials, config) = (dir.path().join("credentials"), dir.path().join("config"));
    std::fs::write(&credentials, "[night]\naws_access_key_id=AKIDNIGHT\naws_secret_access_key=s\n").unwrap();
    std::fs::write(&config, "[profile night]\nregion=eu-central-1\n").unwrap();
    in_child(
        "child_finds_the_newest_export",
        &[
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
            ("AWS_ENDPOINT_URL_S3", &server.endpoint()),
            ("AWS_PROFILE", "night"),
            ("AWS_SHARED_CREDENTIALS_FILE", credentials.to_str().unwrap()),
            ("AWS_CONFIG_FILE", config.to_str().unwrap()),
            // Without TLS no certificates are needed.
            ("SSL_CERT_FILE", "/absent"),
            ("SSL_CERT_DIR", "/absent"),
        ],
    );
    // Two for the full export, three for the incremental (1,440 names are two pages), two for the advice.
    assert_eq!(server.count(Kind::List), 7);
    assert_eq!((server.count(Kind::Head), server.count(Kind::Get)), (1, 1));
    assert_eq!(server.access_keys(), ["AKIDNIGHT"]);
}

#[test]
fn child_finds_the_newest_export() {
    if !is_child() {
        return;
    }
    let root = place("exports/org/");
    let found = store::discover(&root, ExportKind::Full, "signatures", None).unwrap();
    assert_eq!(found.key, "org/full/signatures/20261122/signatures_20261122034410.csv.bz2");
    assert_eq!((found.exported_at.as_str(), found.bytes), ("20261122034410", Some(7)));
    let mut source = store::open(&found.location).unwrap();
    assert_eq!(read_all(&mut *source, 100).unwrap(), b"content");
    let found = store::discover(&root, ExportKind::Incremental, "signatures", None).unwrap();
    assert_eq!(found.exported_at, "20261122235900");
    let text = text_of(&store::discover(&root, ExportKind::Full, "email", None).unwrap_err());
    assert!(text.contains("tables there: emails, signatures"), "{text}");
}

#[test]
fn missing_credentials_are_said() {
    let (server, dir) = (serving(b"x"), tempfile::tempdir().unwrap());
    let absent = dir.path().join("absent");
    in_child(
        "child_has_no_credentials",
        &[
            ("AWS_ENDPOINT_URL", &server.endpoint()),
            ("AWS_REGION", "us-east-1"),
            ("AWS_SHARED_CREDENTIALS_FILE", absent.to_str().unwrap()),
            ("AWS_CONFIG_FILE", absent.to_str().unwrap()),
        ],
    );
    assert_eq!(server.count_all(), 0);
}

#[test]
fn child_has_no_credentials() {
    if !is_child() {
        return;
    }
    let error = store::open(&place(KEY)).err().unwrap();
    assert_eq!(error.exit_code(), 3);
    assert!(text_of(&error).contains("no AWS credentials"), "{error}");
}
