//! Scheduler, executors and driver as processes of their own, on loopback.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// After how long a silent executor is given up: the least that is allowed, for tests.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(6);
/// How long a scheduler, or a first executor, is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// How long anything may take.
pub(crate) const WAIT: Duration = Duration::from_secs(120);
/// A secret that no plan, log or setting may hold.
pub(crate) const SECRET: &str = "wJalrXUtnFEMIxK7MDENGxbPxRfiCYEXAMPLEKEY";
pub(crate) const KEY_ID: &str = "AKIAIOSFODNN7EXAMPLE";

const SCHEMA: &str = r#"{"tables":[{"table":{"name":"signatures","columns":{
    "id":{"type":"integer","sql_type":"bigint"},"email":{"type":"string","sql_type":"character varying(40)"},
    "at":{"type":"datetime","sql_type":"timestamp without time zone"},"note":{"type":"text","sql_type":"text"},
    "part":{"type":"float","sql_type":"double precision"}}}}]}"#;

/// Records of an export; some are faulty, if there are to be rejects.
fn csv(seed: u64, records: u64, faulty: bool) -> String {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut csv = "id,email,at,note,part\n".to_owned();
    for id in 0..records {
        let note = ["", "plain", "\"x,y\"", "\"a\nb\"", "\"say \"\"no\"\"\""][rng.usize(..5)];
        let id = if faulty && id % 4_001 == 7 { "none".to_owned() } else { id.to_string() };
        csv += &format!("{id},p{id}@example.org,2026-03-01 03:15:{:02},{note},{}\n", rng.u8(..60), rng.f64());
    }
    csv
}

pub(crate) struct World {
    dir: tempfile::TempDir,
    endpoint: Option<String>,
}

impl World {
    pub(crate) fn new(records: u64, faulty: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("schema.json"), SCHEMA).unwrap();
        fs::write(dir.path().join("signatures.csv"), csv(records, records, faulty)).unwrap();
        Self { dir, endpoint: None }
    }

    pub(crate) fn on_s3(self, endpoint: String) -> Self {
        Self { endpoint: Some(endpoint), ..self }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Packs the export; small streams one behind the other, as lbzip2 leaves them, or one.
    pub(crate) fn bzip2(&self) {
        let packed =
            Command::new("bzip2").args(["-k", "-1", "signatures.csv"]).current_dir(self.dir.path()).status();
        assert!(packed.unwrap().success());
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_csl-stream"));
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CSL_")) {
            command.env_remove(name);
        }
        command.args(words).current_dir(self.dir.path());
        command.env("CSL_CLUSTER_EXECUTOR_TIMEOUT_SECONDS", TIMEOUT.as_secs().to_string());
        command.env("CSL_CLUSTER_WAIT_SECONDS", PATIENCE.as_secs().to_string());
        command.env("AWS_ACCESS_KEY_ID", KEY_ID).env("AWS_SECRET_ACCESS_KEY", SECRET);
        command.env("AWS_REGION", "us-east-1").env("AWS_EC2_METADATA_DISABLED", "true");
        if let Some(endpoint) = &self.endpoint {
            command.env("AWS_ENDPOINT_URL", endpoint);
        }
        command
    }

    /// A conversion of small units into `out`.
    pub(crate) fn convert(&self, input: &str, out: &str, more: &[&str]) -> Command {
        let mut command = self.command(&["convert", "--table", "signatures", "--schema", "schema.json"]);
        command.args(["--segment-size", "128KiB", "--max-rejects", "100", "--out", out, input]).args(more);
        command
    }

    /// Names and contents of a folder.
    pub(crate) fn files(&self, folder: &str) -> BTreeMap<String, Vec<u8>> {
        files(&self.path(folder))
    }
}

pub(crate) fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let Ok(listing) = fs::read_dir(folder) else { return BTreeMap::new() };
    let listing = listing.map(|item| item.unwrap());
    listing
        .map(|item| {
            (item.file_name().to_string_lossy().into_owned(), fs::read(item.path()).unwrap_or_default())
        })
        .collect()
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The processes of a cluster; whoever drops it ends them.
pub(crate) struct Cluster<'a> {
    world: &'a World,
    pub(crate) address: String,
    scheduler: Option<Child>,
    pub(crate) executors: Vec<Child>,
    begun: usize,
    tls: Vec<String>,
}

impl<'a> Cluster<'a> {
    pub(crate) fn start(world: &'a World, executors: usize, tls: &[&str]) -> Self {
        let tls = tls.iter().map(|&word| word.to_owned()).collect();
        let address = format!("127.0.0.1:{}", free_port());
        let mut cluster = Self { world, address, scheduler: None, executors: Vec::new(), begun: 0, tls };
        cluster.start_scheduler();
        (0..executors).for_each(|_| cluster.add_executor());
        cluster
    }

    fn process(&mut self, words: &[&str]) -> Child {
        self.begun += 1;
        let log = File::create(self.world.path(&format!("process-{}.log", self.begun))).unwrap();
        let mut command = self.world.command(words);
        command
            .args(&self.tls)
            .env("CSL_LOG", "trace")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        command.spawn().unwrap()
    }

    pub(crate) fn start_scheduler(&mut self) {
        let address = self.address.clone();
        self.scheduler = Some(self.process(&["cluster", "scheduler", "--listen", &address]));
        reached(&address);
    }

    pub(crate) fn kill_scheduler(&mut self) {
        let mut scheduler = self.scheduler.take().unwrap();
        scheduler.kill().unwrap();
        scheduler.wait().unwrap();
    }

    pub(crate) fn add_executor(&mut self) {
        let (address, port) = (self.address.clone(), free_port().to_string());
        let words = ["cluster", "executor", "--scheduler", &address, "--port", &port, "--cores", "1"];
        let child = self.process(&words);
        reached(&format!("127.0.0.1:{port}"));
        self.executors.push(child);
    }

    pub(crate) fn kill_executor(&mut self, at: usize) {
        let mut executor = self.executors.remove(at);
        executor.kill().unwrap();
        executor.wait().unwrap();
    }

    /// What all processes have said so far.
    pub(crate) fn logs(&self) -> String {
        let read = |at| fs::read_to_string(self.world.path(&format!("process-{at}.log"))).unwrap();
        (1..=self.begun).map(read).collect()
    }

    /// How often each unit was begun.
    pub(crate) fn begun(&self) -> BTreeMap<u64, usize> {
        let mut begun = BTreeMap::new();
        for line in self.logs().lines().filter(|line| line.contains("unit begins")) {
            let number = line.split("unit=").nth(1).unwrap().split(' ').next().unwrap();
            *begun.entry(number.parse().unwrap()).or_insert(0) += 1;
        }
        begun
    }

    pub(crate) fn driver(&self, input: &str, out: &str) -> Command {
        let mut command = self.world.convert(input, out, &["--cluster", &self.address]);
        if let [_, folder] = &self.tls[..] {
            command.args(["--cluster-tls", folder]);
        }
        command
    }

    /// Waits until so many files are in a folder.
    pub(crate) fn staged(&self, out: &str, count: usize) {
        let began = Instant::now();
        let parquet = || self.world.files(out).keys().filter(|name| name.ends_with(".parquet")).count();
        while parquet() < count {
            assert!(began.elapsed() < WAIT, "nothing is converted");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Cluster<'_> {
    fn drop(&mut self) {
        for process in self.executors.iter_mut().chain(&mut self.scheduler) {
            let _ = process.kill();
            let _ = process.wait();
        }
        if std::thread::panicking() {
            let logs = self.logs();
            let lines: Vec<_> = logs.lines().filter(|line| !line.contains("TRACE")).collect();
            eprintln!("{}", lines[lines.len().saturating_sub(80)..].join("\n"));
        }
    }
}

fn reached(address: &str) {
    let began = Instant::now();
    while std::net::TcpStream::connect(address).is_err() {
        assert!(began.elapsed() < WAIT, "nobody listens on {address}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub(crate) fn signal(child: &Child, signal: &str) {
    let sent = Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status();
    assert!(sent.unwrap().success());
}

/// Whatever the process says and how it ends, within [`WAIT`].
pub(crate) fn ended(mut child: Child) -> Output {
    let began = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if began.elapsed() > WAIT {
            let _ = child.kill();
            panic!("it does not end: {}", said(&child.wait_with_output().unwrap()));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.wait_with_output().unwrap()
}

pub(crate) fn spawned(mut command: Command) -> Child {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
