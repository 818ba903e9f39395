//! How many signed webhooks a second, each safe in the local queue before it is answered.
//!
//! `scripts/receiver-bench` runs this for longer and holds the program to its figures; here it is short, and
//! the bounds are those of any machine that builds something else meanwhile.

use crate::world::{SECRET, Serve, export, serve_with};
use csl_stream::webhook::signature::{HEADER, header_of};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const PROCESSED: &[u8] = br#"{"status":"processed"}"#;

/// Webhooks that are made and signed for each second before it begins: the machine is to be the program's.
const PREPARED_PER_SECOND: u64 = 15_000;

/// A number of the environment, or its default.
fn set(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap())
}

/// Answer times, sorted.
struct Figures {
    micros: Vec<u32>,
    seconds: f64,
}

impl Figures {
    fn per_second(&self) -> f64 {
        self.micros.len() as f64 / self.seconds
    }

    fn at(&self, share: f64) -> f64 {
        let last = self.micros.len() - 1;
        f64::from(self.micros[(last as f64 * share) as usize]) / 1000.0
    }
}

/// Signed requests, each for a new export.
fn requests(from: u64, count: u64) -> Vec<String> {
    let request = |minute: u64| {
        let body = export("signatures", "incremental", u32::try_from(minute).unwrap());
        let claim = header_of(SECRET.as_bytes(), body.as_bytes());
        crate::http::head("/webhook", &[(HEADER, &claim)], body.len()) + &body
    };
    (from..from + count).map(request).collect()
}

/// Sends one request after the other until the time is over; gives the answer times.
async fn send(serve: std::net::SocketAddr, requests: Vec<String>, end: Instant) -> Vec<u32> {
    let mut stream = TcpStream::connect(serve).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (mut micros, mut buffer) = (Vec::with_capacity(requests.len()), vec![0; 4096]);
    for request in requests {
        let sent = Instant::now();
        if sent >= end {
            break;
        }
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut length = 0;
        while !buffer[..length].ends_with(PROCESSED) {
            let count = stream.read(&mut buffer[length..]).await.unwrap();
            assert!(count > 0, "{}", String::from_utf8_lossy(&buffer[..length]));
            length += count;
        }
        micros.push(u32::try_from(sent.elapsed().as_micros()).unwrap());
    }
    micros
}

/// Connections that each send one webhook after the other.
fn load(serve: &Serve, connections: u64, seconds: u64) -> Figures {
    let each = PREPARED_PER_SECOND * seconds / connections;
    let prepared: Vec<_> = (0..connections).map(|number| requests(number * each, each)).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let began = Instant::now();
    let end = began + Duration::from_secs(seconds);
    let mut micros = runtime.block_on(async {
        let tasks: Vec<_> =
            prepared.into_iter().map(|requests| tokio::spawn(send(serve.address, requests, end))).collect();
        let mut all = Vec::new();
        for task in tasks {
            all.extend(task.await.unwrap());
        }
        all
    });
    micros.sort_unstable();
    Figures { micros, seconds: began.elapsed().as_secs_f64() }
}

#[test]
fn signed_webhooks_a_second() {
    let (seconds, connections) = (set("CSL_BENCH_SECONDS", 1), set("CSL_BENCH_CONNECTIONS", 64));
    let (least, p99_most) = (set("CSL_BENCH_LEAST", 50), set("CSL_BENCH_P99_MS", 5_000));
    // Without -v, as an operator runs it.
    let serve = serve_with(&[("CSL_WEBHOOK_SECRETS", SECRET), ("CSL_LOG", "csl_stream=info")]);
    let figures = load(&serve, connections, seconds);
    let (half, p99, most) = (figures.at(0.5), figures.at(0.99), figures.at(1.0));
    println!(
        "{:.0} signed webhooks a second over {connections} connections, {:.1} s: p50 {half:.2} ms, p99 {p99:.2} ms, \
         max {most:.1} ms; listening after {:.1} ms; {} MiB",
        figures.per_second(),
        figures.seconds,
        serve.start.as_secs_f64() * 1000.0,
        serve.memory() >> 20,
    );
    assert!(figures.per_second() >= least as f64, "fewer than {least} a second");
    assert!(p99 <= p99_most as f64, "p99 over {p99_most} ms");
    let counted: usize = serve.metric("csl_stream_webhooks_total{outcome=\"processed\"}").parse().unwrap();
    assert_eq!(counted, figures.micros.len());
}
