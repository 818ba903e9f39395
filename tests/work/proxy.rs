//! Where only a proxy leads out, every client goes through it: a real CONNECT proxy on loopback writes down
//! where to.

use crate::aws;
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Hosts that were asked for with CONNECT; each is refused.
struct Proxy {
    address: SocketAddr,
    asked: Arc<Mutex<BTreeSet<String>>>,
}

impl Proxy {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, asked) = (listener.local_addr().unwrap(), Arc::default());
        let kept: Arc<Mutex<BTreeSet<String>>> = Arc::clone(&asked);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                let mut head = [0; 4096];
                let count = stream.read(&mut head).unwrap_or(0);
                let head = String::from_utf8_lossy(&head[..count]).into_owned();
                let first = head.lines().next().unwrap_or_default();
                kept.lock().unwrap().insert(first.trim_end_matches(" HTTP/1.1").to_owned());
                let _ = stream.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n");
            }
        });
        Self { address, asked }
    }

    /// What a run of the program asked for, beyond its proxy.
    fn run(&self, words: &[&str], variables: &[(&str, &str)], no_proxy: &str) -> BTreeSet<String> {
        self.asked.lock().unwrap().clear();
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("token"), "token").unwrap();
        std::fs::write(dir.path().join("schema.json"), crate::world::schema_of(&["t"])).unwrap();
        let program = Command::new(env!("CARGO_BIN_EXE_csl-stream"));
        let mut command = aws::beside("", program);
        command.env_remove("AWS_ENDPOINT_URL_S3").current_dir(dir.path()).args(words);
        for name in ["HTTP_PROXY", "http_proxy", "https_proxy", "ALL_PROXY", "all_proxy", "no_proxy"] {
            command.env_remove(name);
        }
        command.env("HTTPS_PROXY", format!("http://{}", self.address)).env("NO_PROXY", no_proxy);
        command.env("AWS_MAX_ATTEMPTS", "1").envs(variables.iter().copied());
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        let mut child = command.spawn().unwrap();
        let began = Instant::now();
        // A refusal is tried again for a while; the first question is enough.
        while child.try_wait().unwrap().is_none() && began.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = child.kill();
        child.wait().unwrap();
        self.asked.lock().unwrap().clone()
    }
}

const SCHEMA: (&str, &str) = ("CSL_SCHEMA_SOURCE", "schema.json");
const QUEUE: [(&str, &str); 2] = [
    ("CSL_QUEUE_URL", "https://sqs.us-east-1.amazonaws.com/1/q"),
    ("CSL_QUEUE_DEAD_LETTER_URL", "https://sqs.us-east-1.amazonaws.com/1/d"),
];
const ROLE: [(&str, &str); 6] = [
    QUEUE[0],
    QUEUE[1],
    ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/r"),
    ("AWS_WEB_IDENTITY_TOKEN_FILE", "token"),
    ("AWS_ACCESS_KEY_ID", ""),
    ("AWS_SECRET_ACCESS_KEY", ""),
];

#[test]
fn every_client_goes_through_the_proxy() {
    let proxy = Proxy::start();
    for (words, variables, hosts) in [
        (&["dead-letters", "list"][..], &QUEUE[..], &["sqs.us-east-1.amazonaws.com"][..]),
        (&["dead-letters", "list"], &ROLE, &["sts.us-east-1.amazonaws.com"]),
        (
            &["backfill", "--table", "t", "--export", "s3://exports/o/t_20260301.csv"],
            &[SCHEMA],
            &["exports.s3"],
        ),
        (
            &["backfill", "--table", "t", "--export", "https://h.example/t_20260301.csv?Signature=S"],
            &[SCHEMA],
            &["h.example"],
        ),
    ] {
        let asked = proxy.run(words, variables, "");
        for host in hosts {
            let connected = asked.iter().any(|line| line.starts_with(&format!("CONNECT {host}")));
            assert!(connected, "{words:?} {host}: {asked:?}");
        }
        assert!(asked.iter().all(|line| line.starts_with("CONNECT ")), "{words:?}: {asked:?}");
    }
    let spared = proxy.run(&["dead-letters", "list"], &QUEUE, "example.org,.amazonaws.com");
    assert!(spared.is_empty(), "{spared:?}");
}
