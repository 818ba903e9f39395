//! SNS, SQS, DynamoDB and Glue for tests: moto's server, which knows their calls and keeps what they put.
//!
//! ```text
//! test process ──stdin pipe──▶ python: moto on a free port       pipe closes: it ends
//!      │                          ▲
//!      ├── the program ───────────┤ AWS_ENDPOINT_URL_SNS …
//!      └── python: boto3 ─────────┘ another client than ours sets up and reads back
//! ```

use crate::postgres::root;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;

/// Serves until nobody holds its standard input any more.
const SERVE: &str = "import sys\n\
    from moto.server import ThreadedMotoServer\n\
    server = ThreadedMotoServer(ip_address='127.0.0.1', port=0, verbose=False)\n\
    server.start()\n\
    print(server.get_host_and_port()[1], flush=True)\n\
    sys.stdin.read()\n";
/// What every question can use.
const CLIENTS: &str = "import boto3, json, sys, urllib.request\n\
    url = sys.argv[1]\n\
    def client(name): return boto3.client(name, endpoint_url=url, region_name='us-east-1', \
    aws_access_key_id='a', aws_secret_access_key='b')\n\
    sns, sqs, dynamodb, glue = (client(n) for n in ('sns', 'sqs', 'dynamodb', 'glue'))\n";

/// The environment variable that names the server of the process above.
pub(crate) const SHARED: &str = "CSL_TEST_MOTO";

/// A running server.
pub(crate) struct Moto {
    python: String,
    endpoint: String,
    /// None if another process holds the server.
    _hold: Option<(ChildStdin, Child)>,
}

/// The server of this test process, started at first use.
pub(crate) fn moto() -> &'static Moto {
    static SERVER: OnceLock<Moto> = OnceLock::new();
    SERVER.get_or_init(Moto::start)
}

impl Moto {
    fn start() -> Self {
        let python = python();
        if let Ok(endpoint) = std::env::var(SHARED) {
            return Self { python, endpoint, _hold: None };
        }
        let mut server = Command::new(&python)
            .args(["-c", SERVE])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("python starts");
        let mut port = String::new();
        BufReader::new(server.stdout.take().expect("piped")).read_line(&mut port).expect("readable");
        let endpoint = format!("http://127.0.0.1:{}", port.trim());
        let hold = server.stdin.take().expect("piped");
        Self { python, endpoint, _hold: Some((hold, server)) }
    }

    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Runs Python with `sns`, `sqs`, `dynamodb`, `glue` and `url`; gives what it prints.
    pub(crate) fn ask(&self, code: &str) -> String {
        let asked = Command::new(&self.python)
            .args(["-c", &format!("{CLIENTS}{code}"), &self.endpoint])
            .output()
            .expect("python starts");
        assert!(asked.status.success(), "{code}\n{}", String::from_utf8_lossy(&asked.stderr));
        String::from_utf8(asked.stdout).expect("text").trim().to_owned()
    }
}

fn python() -> String {
    let made = Command::new(root().join("scripts/venv")).output().expect("scripts/venv starts");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    String::from_utf8(made.stdout).expect("a path").trim().to_owned()
}
