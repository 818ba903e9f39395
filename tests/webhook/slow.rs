//! Clients that take their time: cut off when they hold something up, left alone when they are only silent.

use crate::http::{answer, connect, head, read_answer};
use crate::world::{SECRET, export, serve};
use csl_stream::webhook::signature::{HEADER, header_of};
use csl_stream::webhook::{BODY_TIMEOUT, HEAD_TIMEOUT};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

const SILENT: usize = 10_000;
/// Memory of one silent connection in the program; the system's own buffers are not in it.
const BYTES_EACH_MAX: u64 = 8 << 10;
/// Longer than any limit, should a machine be busy.
const SLACK: Duration = Duration::from_secs(10);

/// Sends a byte a second until the other side has had enough; says for how long it was listened to, and
/// the status it got.
fn drip(mut stream: TcpStream, begin: &str) -> (Duration, Option<u16>) {
    let began = Instant::now();
    stream.write_all(begin.as_bytes()).unwrap();
    let mut reader = stream.try_clone().unwrap();
    let answered = std::thread::spawn(move || read_answer(&mut reader).map(|answer| answer.status));
    while !answered.is_finished() && stream.write_all(b"x").is_ok() {
        std::thread::sleep(Duration::from_millis(250));
    }
    (began.elapsed(), answered.join().unwrap())
}

#[test]
fn slow_heads_and_bodies_are_cut_off() {
    let serve = serve();
    let claim = header_of(SECRET.as_bytes(), b"");
    let address = serve.address;
    let cases = [
        ("POST / HTTP/1.1\r\nx: ".to_owned(), HEAD_TIMEOUT, None),
        ("P".to_owned(), HEAD_TIMEOUT, None),
        (head("/", &[(HEADER, &claim)], 100_000), BODY_TIMEOUT, Some(408)),
    ];
    let dripping: Vec<_> = cases
        .into_iter()
        .map(|(begin, limit, status)| {
            let shown = begin.clone();
            (shown, limit, status, std::thread::spawn(move || drip(connect(address), &begin)))
        })
        .collect();
    for (begin, limit, status, thread) in dripping {
        let (took, found) = thread.join().unwrap();
        // A request that is no HTTP may be answered with 400 instead of silence.
        assert!(found == status || (status.is_none() && found == Some(400)), "{begin:?}: {found:?}");
        assert!(took < limit + SLACK, "{begin:?}: {took:?}");
    }
    assert_eq!(serve.signed(&export("petitions", "full", 1)).status, 200);
}

#[test]
fn ten_thousand_silent_connections_are_held() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
    let most = usize::try_from(limit.maximum.unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
    let count = SILENT.min(most.saturating_sub(500));
    let serve = serve();
    let before = serve.memory();
    let silent: Vec<TcpStream> = (0..count).map(|_| connect(serve.address)).collect();
    let began = Instant::now();
    while serve.metric("csl_stream_connections").parse::<usize>().unwrap() < count {
        assert!(began.elapsed() < 2 * SLACK, "{}", serve.metric("csl_stream_connections"));
        std::thread::sleep(Duration::from_millis(20));
    }
    let after = serve.memory();
    println!("{count} connections: {} KiB", (after - before) >> 10);
    assert!(after - before < count as u64 * BYTES_EACH_MAX, "from {before} to {after}");
    let began = Instant::now();
    assert_eq!(serve.signed(&export("petitions", "full", 1)).status, 200);
    assert!(began.elapsed() < SLACK, "{:?}", began.elapsed());
    // Each of them is still there and can be used.
    for mut stream in silent.into_iter().step_by(997) {
        stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
        assert_eq!(answer(&mut stream).status, 200);
    }
}

#[test]
fn a_stop_waits_for_the_request_under_way() {
    let mut serve = serve();
    let body = export("petitions", "full", 1);
    let claim = header_of(SECRET.as_bytes(), body.as_bytes());
    let mut silent = connect(serve.address);
    let mut stream = connect(serve.address);
    let (first, last) = body.as_bytes().split_at(body.len() / 2);
    stream.write_all(head("/webhook", &[(HEADER, &claim)], body.len()).as_bytes()).unwrap();
    stream.write_all(first).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    let stopping = std::thread::spawn(move || {
        let code = serve.stop();
        (code, serve)
    });
    std::thread::sleep(Duration::from_millis(300));
    stream.write_all(last).unwrap();
    assert_eq!(answer(&mut stream).status, 200);
    let (code, serve) = stopping.join().unwrap();
    assert_eq!(code, Some(0));
    assert_eq!(silent.read(&mut [0]).unwrap_or(0), 0, "the silent one was let go");
    assert_eq!(serve.orders().len(), 1);
}
