//! One run's folders, services and processes, and everything that they said.
//!
//! ```text
//! in/    schema, exports, keys: what the run is given          not searched
//! run/   where the program runs; run/tmp is its TMPDIR         searched, as S3, Redshift, AWS, said, arguments are
//! ```

use crate::aws;
use crate::draw::{Draw, Trouble};
use crate::gather::{Piece, Place};
use crate::listeners::Heard;
use crate::postgres::{self, Database};
use crate::redshift::{Redshift, Setup};
use crate::s3::S3Server;
use crate::table::SCHEMA;
use std::cell::RefCell;
use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The query of every signed URL.
pub(crate) const SIGNED: &str =
    "X-Amz-Expires=21600&X-Amz-Credential=HUSH9CREDENTIAL1&X-Amz-Signature=HUSH9SIGNED1";
pub(crate) const WEBHOOK_SECRET: &str = "HUSH9WEBHOOK1-the-secret-of-the-endpoint";
const KEY: &str = "HUSH9KEY1-of-hashes-0123456789\n";
pub(crate) const AT: &str = "20260301031500";
/// How long a process may take before it is killed.
const PATIENCE: Duration = Duration::from_secs(40);
/// Signals whose default is a core dump, as far as runs send them (signal(7)).
const DUMPS_CORE: [&str; 2] = ["ABRT", "SEGV"];
/// How long a process may take to come to its own first line; then the signal is sent all the same.
const LOADED_AFTER_MAX: Duration = Duration::from_secs(10);
/// How often arguments are looked at.
const SAMPLE_EVERY: Duration = Duration::from_millis(2);

pub(crate) struct Bench {
    dir: TempDir,
    pub(crate) s3: S3Server,
    pub(crate) mirror: Option<Mirror>,
    pub(crate) heard: Heard,
    /// What was said by processes, seen of their arguments, answered.
    pub(crate) said: RefCell<Vec<Piece>>,
    /// The exit codes of the processes, in turn.
    pub(crate) codes: RefCell<Vec<Option<i32>>>,
}

pub(crate) struct Mirror {
    pub(crate) redshift: Redshift,
    pub(crate) database: Database<'static>,
    name: String,
}

impl Mirror {
    fn new(s3: &S3Server) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("leaks_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let server = postgres::server();
        let database = server.database(&name);
        let redshift = Redshift::start(Setup::new(server.socket(), &name, &s3.endpoint()));
        let loader = format!("{name}_loader");
        database.run(&format!(
            "CREATE ROLE {loader}; REVOKE ALL ON DATABASE {name} FROM PUBLIC; REVOKE ALL ON SCHEMA public FROM PUBLIC; \
             GRANT USAGE, CREATE ON SCHEMA public TO {loader}; GRANT TEMP, CREATE ON DATABASE {name} TO {loader}"
        ));
        redshift.run_as(Some(&loader));
        Self { redshift, database, name }
    }
}

impl Bench {
    pub(crate) fn new(draw: &Draw) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for folder in ["in", "run/tmp", "run/home"] {
            std::fs::create_dir_all(dir.path().join(folder)).unwrap();
        }
        let s3 = S3Server::start();
        let mirror = draw.is_redshift.then(|| Mirror::new(&s3));
        let bench = Self {
            dir,
            s3,
            mirror,
            heard: Heard::start(draw),
            said: RefCell::default(),
            codes: RefCell::default(),
        };
        bench.give("schema.json", SCHEMA.as_bytes());
        bench.give("key", KEY.as_bytes());
        bench
    }

    pub(crate) fn run_dir(&self) -> PathBuf {
        self.dir.path().join("run")
    }

    /// Puts a file among what the run is given.
    pub(crate) fn give(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.dir.path().join("in").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    pub(crate) fn note(&self, place: Place, name: &str, bytes: Vec<u8>) {
        self.said.borrow_mut().push(Piece { place, name: name.to_owned(), bytes });
    }

    /// The program with all settings of the run; in a shell that lets it leave a core.
    pub(crate) fn command(&self, draw: &Draw, words: &[&str]) -> Command {
        let mut limits = "ulimit -c unlimited; ".to_owned();
        if let Trouble::FullDisk(blocks) = draw.trouble {
            write!(limits, "ulimit -f {blocks}; ").unwrap();
        }
        let mut command = aws::beside(&self.s3.endpoint(), Command::new("sh"));
        command.args(["-c", &format!("{limits}exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_csl-stream")]);
        command.args(words);
        if let Some(verbose) = draw.verbose.filter(|_| !words.is_empty()) {
            command.arg(verbose);
        }
        let run = self.run_dir();
        let given = |name: &str| self.dir.path().join("in").join(name).display().to_string();
        command.current_dir(&run).env("TMPDIR", run.join("tmp")).env("HOME", run.join("home"));
        command.envs([
            ("AWS_ACCESS_KEY_ID", "AKIDHUSH9ACCESS1"),
            ("AWS_SECRET_ACCESS_KEY", "HUSH9SECRETKEY1"),
            ("AWS_SESSION_TOKEN", "HUSH9TOKEN1"),
            ("HTTPS_PROXY", "http://user:HUSH9PROXY1@127.0.0.1:9"),
            ("NO_PROXY", "127.0.0.1"),
            ("RUST_BACKTRACE", "full"),
            ("CSL_WEBHOOK_SECRETS", WEBHOOK_SECRET),
            ("CSL_PRIVACY_SECRET_FILE", &given("key")),
            ("CSL_SCHEMA_SOURCE", &given("schema.json")),
            ("CSL_EXPORTS_ROOT", &given("exports")),
            ("CSL_EXPORTS_BUCKETS", "exports"),
            ("CSL_WORK_TABLES", "all"),
            ("CSL_WORK_KINDS", "full,incremental"),
            ("CSL_LOAD_MAX_REJECTS", &draw.max_rejects.to_string()),
            ("CSL_LOAD_OVERLONG", draw.overlong),
            ("CSL_LOAD_REPORT_VALUES", if draw.report_values { "true" } else { "false" }),
        ]);
        let policy = &draw.policy;
        let rules: Vec<String> =
            policy.rules.iter().map(|(column, rule)| format!("{column}={rule}")).collect();
        if !rules.is_empty() {
            command.env("CSL_PRIVACY_COLUMNS", rules.join(","));
        }
        command.env("CSL_PRIVACY_PRESET", if policy.preset { "controlshift" } else { "none" });
        command.env("CSL_PRIVACY_NEW_COLUMNS", if policy.drops_new { "drop" } else { "keep" });
        if let Some(mirror) = &self.mirror {
            command.envs([
                ("AWS_ENDPOINT_URL_REDSHIFT_DATA", mirror.redshift.endpoint().as_str()),
                ("CSL_WAREHOUSE_TO", "redshift"),
                ("CSL_REDSHIFT_WORKGROUP", "wg"),
                ("CSL_REDSHIFT_DATABASE", &mirror.name),
                ("CSL_STAGING_URL", "s3://stage/csl"),
                ("CSL_MANIFEST_URL", "s3://manifests"),
                ("CSL_LOAD_CREATE_TABLE", "true"),
            ]);
        }
        command.envs(self.heard.variables()).envs(draw.log.iter().copied());
        command
    }

    /// Runs it to its end, or to the end that the run's trouble makes.
    pub(crate) fn run(&self, draw: &Draw, words: &[&str], out: Place) {
        let command = self.command(draw, words);
        self.run_command(draw, command, words.first().copied().unwrap_or_default(), out);
    }

    pub(crate) fn run_command(&self, draw: &Draw, mut command: Command, name: &str, out: Place) {
        let paths = ["out", "err"].map(|end| self.dir.path().join(format!("in/said.{end}")));
        let file = |path: &Path| std::fs::File::create(path).unwrap();
        command.stdout(file(&paths[0])).stderr(file(&paths[1]));
        let child = command.stdin(Stdio::null()).spawn().unwrap();
        let code = self.end(draw, child);
        self.codes.borrow_mut().push(code);
        let [said, told] = paths.map(|path| std::fs::read(path).unwrap());
        self.note(out, &format!("stdout of {name}"), said);
        self.note(Place::Told, &format!("stderr of {name}"), told);
    }

    /// Waits, looks at arguments meanwhile, and sends the run's signal.
    fn end(&self, draw: &Draw, mut child: Child) -> Option<i32> {
        let began = Instant::now();
        let mut to_send = match draw.trouble {
            Trouble::Signal(name, after) => Some((name, Duration::from_millis(after))),
            _ => None,
        };
        loop {
            self.look_at_arguments(child.id());
            if let Some(status) = child.try_wait().unwrap() {
                return status.code();
            }
            if let Some((name, after)) = to_send
                && began.elapsed() > after
                && (!DUMPS_CORE.contains(&name)
                    || catches_term(child.id())
                    || began.elapsed() > after + LOADED_AFTER_MAX)
            {
                to_send = None;
                signal(child.id(), name);
            }
            if began.elapsed() > PATIENCE {
                // What lasts is tried for longer than a test can wait.
                child.kill().unwrap();
            }
            std::thread::sleep(SAMPLE_EVERY);
        }
    }

    /// What everybody on the machine can see of a process, and of those that it starts.
    pub(crate) fn look_at_arguments(&self, process: u32) {
        let seen = std::fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        let is_new = |said: &Vec<Piece>| !said.iter().any(|piece| piece.bytes == seen);
        if !seen.is_empty() && is_new(&self.said.borrow()) {
            self.note(Place::Arguments, &format!("arguments of {process}"), seen);
        }
        let children = std::fs::read_to_string(format!("/proc/{process}/task/{process}/children"));
        for child in children.unwrap_or_default().split_whitespace().filter_map(|child| child.parse().ok()) {
            self.look_at_arguments(child);
        }
    }

    /// Signals a program that serves until then.
    pub(crate) fn stop(&self, draw: &Draw, child: Child) {
        let name = if let Trouble::Signal(name, _) = draw.trouble { name } else { "TERM" };
        self.look_at_arguments(child.id());
        signal(child.id(), name);
        let calm = Draw { trouble: Trouble::None, ..draw.clone() };
        let code = self.end(&calm, child);
        self.codes.borrow_mut().push(code);
    }
}

/// Whether a process has come to its own signal handlers. Before the first line of `main` (on a busy machine the linker takes
/// longer than the delay) nothing can keep the kernel from dumping what the process was started with, its environment.
fn catches_term(process: u32) -> bool {
    const TERM: u64 = 1 << (15 - 1);
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & TERM != 0)
}

fn signal(process: u32, name: &str) {
    // It may have ended by itself.
    Command::new("kill")
        .args([&format!("-{name}"), &process.to_string()])
        .stderr(Stdio::null())
        .status()
        .ok();
}
