//! The program as it runs for an operator: a folder, an environment, a port, a log.

use crate::http::{Answer, post};
use csl_stream::queue::{LoadOrder, Queue, QueueSettings};
use csl_stream::webhook::signature::{HEADER, header_of};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub const SECRET: &str = "the-first-secret-of-the-endpoint";
pub const BUCKET: &str = "agra-data-exports-production";

/// A running `csl-stream serve`.
pub struct Serve {
    pub address: SocketAddr,
    pub dir: TempDir,
    pub child: Child,
    /// From the start of the process to the port.
    pub start: Duration,
    log: Arc<Mutex<String>>,
}

/// The program in a folder of its own, without the caller's settings.
pub fn program(dir: &TempDir, environment: &[(&str, &str)]) -> Command {
    // Another build of it can be measured with the same tests.
    let built = std::env::var_os("CSL_TEST_PROGRAM");
    let mut command = Command::new(built.unwrap_or_else(|| env!("CARGO_BIN_EXE_csl-stream").into()));
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("CSL_") || name.starts_with("AWS_") {
            command.env_remove(name);
        }
    }
    command.current_dir(dir.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command.env("AWS_EC2_METADATA_DISABLED", "true").envs(environment.iter().copied());
    command
}

/// A receiver with [`SECRET`] in its environment.
pub fn serve() -> Serve {
    serve_with(&[("CSL_WEBHOOK_SECRETS", SECRET)])
}

/// A file of secrets that nobody else can read: any other is refused.
pub fn write_secret(path: &std::path::Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

pub fn serve_with(environment: &[(&str, &str)]) -> Serve {
    serve_in(tempfile::tempdir().unwrap(), environment)
}

pub fn serve_in(dir: TempDir, environment: &[(&str, &str)]) -> Serve {
    let command = program(&dir, environment);
    start(dir, command)
}

/// A receiver that may open this many files.
pub fn serve_limited(files: usize) -> Serve {
    let dir = tempfile::tempdir().unwrap();
    let built = program(&dir, &[]);
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit -n {files}; exec \"$0\" \"$@\"")]).arg(built.get_program());
    command.current_dir(dir.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command.env("CSL_WEBHOOK_SECRETS", SECRET);
    start(dir, command)
}

fn start(dir: TempDir, mut command: Command) -> Serve {
    command.args(["serve", "--listen", "127.0.0.1:0", "-vv"]);
    let began = Instant::now();
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let log = Arc::new(Mutex::new(String::new()));
    let address = loop {
        let line = lines.next().expect("the program says where it listens").unwrap();
        *log.lock().unwrap() += &format!("{line}\n");
        if let Some(address) = line.strip_prefix("listening on http://") {
            break address.parse().unwrap();
        }
    };
    let start = began.elapsed();
    let kept = Arc::clone(&log);
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            *kept.lock().unwrap() += &format!("{line}\n");
        }
    });
    Serve { address, dir, child, start, log }
}

impl Serve {
    /// Posts a body signed with [`SECRET`].
    pub fn signed(&self, body: &str) -> Answer {
        self.signed_with(SECRET, body)
    }

    pub fn signed_with(&self, secret: &str, body: &str) -> Answer {
        let signature = header_of(secret.as_bytes(), body.as_bytes());
        post(self.address, "/webhook", &[(HEADER, &signature)], body.as_bytes())
    }

    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Waits until the log has this text.
    pub fn logged(&self, text: &str) {
        let began = Instant::now();
        while !self.log().contains(text) {
            assert!(began.elapsed() < Duration::from_secs(10), "no {text} in {}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Every order that waits, taken out of the queue.
    pub fn orders(&self) -> Vec<LoadOrder> {
        orders(&self.dir)
    }

    /// Resident memory in bytes.
    pub fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10
    }

    pub fn metric(&self, name: &str) -> String {
        let text = crate::http::get(self.address, "/metrics").body;
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{text}"));
        line.rsplit(' ').next().unwrap().to_owned()
    }

    /// Asks it to end, and gives its exit code.
    pub fn stop(&mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Every order that waits in a folder's local queue, taken out of it; duplicates may have joined.
pub fn orders(dir: &TempDir) -> Vec<LoadOrder> {
    let settings = QueueSettings { url: None, dead_letter_url: None, path: dir.path().join("queue.db") };
    let queue = Queue::open(&settings).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut orders = Vec::new();
        loop {
            let messages = queue.receive(10, Duration::ZERO).await.unwrap();
            if messages.is_empty() {
                return orders;
            }
            for message in messages {
                orders.push(LoadOrder::parse(&message.body).unwrap());
                queue.delete(&message).await.unwrap();
            }
        }
    })
}

/// A webhook of ControlShift's for an export that is as it should be.
pub fn export(table: &str, kind: &str, minute: u32) -> String {
    let key = format!("my-org/{kind}/{table}/20260301/{table}_202603010{minute:05}.csv.bz2");
    let words = if kind == "full" { "full_table" } else { "incremental_table" };
    let url = format!(
        "https://{BUCKET}.s3.amazonaws.com/{key}?AWSAccessKeyId=AKIDTEST\\u0026Expires=1438711490\\u0026Signature=TOPSECRET%3D"
    );
    format!(
        r#"{{"type":"data.{words}_exported","data":{{"url":"{url}","table":"{table}","s3":{{"bucket":"{BUCKET}","key":"/{key}"}},"compression_format":"bzip2"}},"jid":"cf0f50d7d225e20a188be328"}}"#
    )
}
