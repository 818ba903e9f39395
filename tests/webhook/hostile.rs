//! Bodies that are made to break something: none is held, none crashes.

use crate::http::{connect, head, post, read_answer};
use crate::world::{SECRET, export, serve};
use csl_stream::webhook::signature::{HEADER, header_of};
use csl_stream::webhook::{BODIES_BYTES_MAX, BODY_BYTES_MAX, BODY_TIMEOUT};
use std::io::Write;
use std::time::{Duration, Instant};

/// What a body of a gigabyte may cost in memory: far less than the body, far more than the noise.
const MEMORY_BYTES_MAX: u64 = 32 << 20;
const GIGABYTE: usize = 1_000_000_000;

/// Sends zeros until the other side has had enough, and says how many it took.
fn pour(stream: &mut impl Write, most: usize) -> usize {
    let piece = vec![b'0'; 1 << 20];
    let mut sent = 0;
    while sent < most && stream.write_all(&piece).is_ok() {
        sent += piece.len();
    }
    sent
}

#[test]
fn a_gigabyte() {
    let serve = serve();
    let claim = header_of(SECRET.as_bytes(), b"");
    let before = serve.memory();
    // Announced: refused before a byte of it is read.
    let mut stream = connect(serve.address);
    stream.write_all(head("/webhook", &[(HEADER, &claim)], GIGABYTE).as_bytes()).unwrap();
    assert_eq!(read_answer(&mut stream).unwrap().status, 413);
    assert!(pour(&mut stream, GIGABYTE) < GIGABYTE);
    // Not announced: read up to the limit.
    let mut stream = connect(serve.address);
    let chunked =
        format!("POST / HTTP/1.1\r\nhost: x\r\n{HEADER}: {claim}\r\ntransfer-encoding: chunked\r\n\r\n");
    stream.write_all(format!("{chunked}{GIGABYTE:x}\r\n").as_bytes()).unwrap();
    let mut writer = stream.try_clone().unwrap();
    let poured = std::thread::spawn(move || pour(&mut writer, GIGABYTE));
    assert_eq!(read_answer(&mut stream).unwrap().status, 413);
    assert!(poured.join().unwrap() < GIGABYTE);
    let after = serve.memory();
    assert!(after < before + MEMORY_BYTES_MAX, "from {before} to {after}");
    assert_eq!(serve.signed(&export("petitions", "full", 1)).status, 200, "and goes on");
}

/// More bodies than there is room for, none of which comes to its end.
#[test]
fn many_slow_bodies() {
    let serve = serve();
    let claim = header_of(SECRET.as_bytes(), b"");
    let begin = head("/webhook", &[(HEADER, &claim)], BODY_BYTES_MAX) + &"0".repeat(BODY_BYTES_MAX - 1);
    let before = serve.memory();
    let mut held: Vec<_> = (0..3 * BODIES_BYTES_MAX / BODY_BYTES_MAX)
        .map(|_| {
            let mut stream = connect(serve.address);
            // It may be turned away before all of it is sent.
            let _ = stream.write_all(begin.as_bytes());
            stream
        })
        .collect();
    // The bodies, and as much again for the buffers of the connections.
    let most = before + 2 * BODIES_BYTES_MAX as u64;
    assert!(serve.memory() < most, "{} of {most}", serve.memory());
    // Who sends all of it is heard all the while, from the same address too.
    for minute in 1..20 {
        assert_eq!(serve.signed(&export("petitions", "full", minute)).status, 200);
    }
    let is_turned_away = |stream: &mut _| read_answer(stream).is_some_and(|answer| answer.status == 503);
    assert!(held.iter_mut().rev().any(is_turned_away));
    drop(held);
    let began = Instant::now();
    while serve.signed(&export("petitions", "full", 1)).status != 200 {
        assert!(began.elapsed() < BODY_TIMEOUT);
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Two lengths: a proxy that believes the other one would take the rest for somebody else's request.
#[test]
fn nothing_is_smuggled_behind_a_request() {
    let serve = serve();
    let claim = header_of(SECRET.as_bytes(), b"{}");
    let next = "GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n";
    for lengths in [
        "content-length: 2\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 2\r\n",
    ] {
        let mut stream = connect(serve.address);
        let body = "2\r\n{}\r\n0\r\n\r\n";
        let request = format!("POST / HTTP/1.1\r\nhost: x\r\n{HEADER}: {claim}\r\n{lengths}\r\n{body}{next}");
        stream.write_all(request.as_bytes()).unwrap();
        let first = read_answer(&mut stream).map(|answer| answer.status);
        assert!(matches!(first, None | Some(200 | 400)), "{first:?}");
        assert!(read_answer(&mut stream).is_none(), "{lengths:?}");
    }
}

#[test]
fn the_longest_body_and_one_more_byte() {
    let serve = serve();
    for (length, status) in [(BODY_BYTES_MAX, 200), (BODY_BYTES_MAX + 1, 413)] {
        let frame = r#"{"type":"email.open","data":""}"#;
        let body = frame.replace("\"\"", &format!("\"{}\"", "x".repeat(length - frame.len())));
        assert_eq!(body.len(), length);
        assert_eq!(serve.signed(&body).status, status, "{length}");
    }
}

#[test]
fn deep_wide_and_odd_json() {
    let serve = serve();
    let deep =
        |open: &str, close: &str, depth: usize| format!("{}{}", open.repeat(depth), close.repeat(depth));
    for (body, status) in [
        (deep("[", "]", 63), 200),
        (deep("[", "]", 65), 400),
        (deep("[", "]", 100_000), 400),
        ("[".repeat(250_000), 400),
        (deep("{\"a\":", "}", 40_000), 400),
        (format!(r#"{{"type":"email.open","data":{}}}"#, deep("[", "]", 60_000)), 400),
        (format!("[{}0]", "0,".repeat(100_000)), 200),
        (format!(r#"{{"type":{:?}}}"#, "x".repeat(100_000)), 200),
        (r#"{"type":1e999999}"#.to_owned(), 400),
        (r#"{"type":"x","data":1e999999}"#.to_owned(), 200),
        ("\u{feff}{}".to_owned(), 400),
        ("{\"type\":\"\\ud800\"}".to_owned(), 400),
        ("null".to_owned(), 200),
        ("\0".to_owned(), 400),
    ] {
        assert_eq!(serve.signed(&body).status, status, "{}", &body[..body.len().min(60)]);
    }
}

#[test]
fn heads_that_are_none() {
    let serve = serve();
    let many = "x: y\r\n".repeat(1000);
    let long = "y".repeat(1 << 20);
    for (bytes, what) in [
        (format!("POST / HTTP/1.1\r\nhost: x\r\n{many}\r\n"), "many headers"),
        (format!("POST / HTTP/1.1\r\nhost: x\r\nx: {long}\r\n\r\n"), "a long header"),
        (format!("POST /{long} HTTP/1.1\r\nhost: x\r\n\r\n"), "a long path"),
        (
            "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx".to_owned(),
            "two lengths",
        ),
        ("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n".to_owned(), "a negative length"),
        ("POST / HTTP/9.9\r\n\r\n".to_owned(), "another version"),
        ("\u{16}\u{3}\u{1}\u{2}\u{0}".to_owned(), "TLS"),
        ("\r\n\r\n\r\nquit\r\n".to_owned(), "no HTTP"),
    ] {
        let mut stream = connect(serve.address);
        // It may be cut off before all of it is sent.
        let _ = stream.write_all(bytes.as_bytes());
        let _ = stream.shutdown(std::net::Shutdown::Write);
        if let Some(answer) = read_answer(&mut stream) {
            assert!((400..500).contains(&answer.status), "{what}: {answer:?}");
        }
    }
    let claim = header_of(SECRET.as_bytes(), b"{}");
    assert_eq!(post(serve.address, "/", &[(HEADER, &claim)], b"{}").status, 200, "and goes on");
}
