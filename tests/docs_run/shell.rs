//! Runs the blocks of one page, in order, in a folder of its own.
//!
//! ```text
//! page ─▶ steps ─▶ a bash for each, with the folder and the variables of the one before ─▶ faults
//! ```

use crate::compare;
use crate::page::{self, Block, Step};
use std::ffi::OsString;
use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What the reader's folder is called in the documents.
const HOME: &str = "/home/me";
/// Ports in the documents; where the pages are run, they may be taken.
const PORTS: [&str; 2] = ["8080", "9000"];
/// How long something in the background has to say what the page says.
const BACKGROUND_SECONDS: u64 = 30;
/// Around a block: where the one before was, and what it set.
const BEFORE: &str = "set -aeuo pipefail\n[ ! -e \"$STATE\" ] || . \"$STATE\"\n\
    trap 'code=$?; { export -p; printf \"cd %q\\n\" \"$PWD\"; } >\"$STATE\"; exit $code' EXIT\n";

/// What a page came to.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// What is wrong with it.
    pub(crate) faults: Vec<String>,
    /// Blocks that were run.
    pub(crate) runs: usize,
    /// The outputs that are not what was printed: the place in the page, and what should be there.
    pub(crate) news: Vec<(std::ops::Range<usize>, String)>,
}

/// Runs a page.
pub(crate) fn run(text: &str) -> Outcome {
    let (steps, faults) = page::steps(text);
    let mut outcome = Outcome { faults, ..Outcome::default() };
    let mut shell = Shell::new();
    for step in steps {
        let (line, fault) = match &step {
            Step::Run { code, .. } => (code.line, shell.step(&step, &mut outcome)),
            Step::Config(block) => (block.line, shell.config(block)),
            Step::Json(block) => (
                block.line,
                serde_json::from_str::<serde_json::Value>(&block.text).err().map(|e| e.to_string()),
            ),
        };
        outcome.faults.extend(fault.map(|fault| format!("line {line}: {fault}")));
    }
    outcome.faults.extend(shell.end());
    outcome
}

struct Shell {
    /// Temporary: the home of the page, and beside it what the reader does not see.
    folder: tempfile::TempDir,
    /// Those of `PORTS`, and what they are here.
    ports: [(&'static str, String); 2],
    background: Vec<(Child, usize)>,
    count: usize,
}

impl Shell {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir(folder.path().join("home")).expect("a folder");
        fs::create_dir(folder.path().join("bin")).expect("a folder");
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_csl-stream"), folder.path().join("bin/csl-stream"))
            .expect("a link to the program");
        // All held until all are known, so that they differ.
        let free = PORTS.map(|port| (port, TcpListener::bind("127.0.0.1:0").expect("a port")));
        let ports = free
            .each_ref()
            .map(|(port, listener)| (*port, listener.local_addr().expect("an address").port().to_string()));
        Self { folder, ports, background: Vec::new(), count: 0 }
    }

    fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// A command with nothing of the caller's settings, accounts and network.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let mut path = OsString::from(self.folder.path().join("bin"));
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if ["CSL_", "AWS_", "HTTP", "http", "NO_PROXY"].iter().any(|start| name.starts_with(start)) {
                command.env_remove(name);
            }
        }
        command
            .envs([("TZ", "UTC"), ("LC_ALL", "C.UTF-8"), ("AWS_EC2_METADATA_DISABLED", "true")])
            // Nobody listens there: what wants the network fails at once.
            .envs([("HTTPS_PROXY", "http://127.0.0.1:9"), ("NO_PROXY", "127.0.0.1,localhost")])
            .env("PATH", path)
            .env("HOME", self.home())
            .env("STATE", self.folder.path().join("state"))
            .current_dir(self.home())
            .stdin(Stdio::null());
        command
    }

    /// Starts a block; what it prints goes to the file.
    fn start(&mut self, code: &Block, language: &str) -> (Child, PathBuf) {
        self.count += 1;
        let printed = self.folder.path().join(format!("printed-{}", self.count));
        let file = File::create(&printed).expect("a file");
        let text = self.ports.iter().fold(code.text.clone(), |text, (port, here)| text.replace(port, here));
        let script = if language == "python" {
            let file = self.folder.path().join(format!("block-{}.py", self.count));
            fs::write(&file, text).expect("a file");
            format!("{BEFORE}{} {}\n", interpreter().display(), file.display())
        } else {
            format!("{BEFORE}{text}")
        };
        let mut command = self.command("bash");
        command.args(["-c", &script]).stderr(file.try_clone().expect("a file")).stdout(file);
        // Stopped with all that it started.
        command.process_group(0);
        (command.spawn().expect("bash starts"), printed)
    }

    /// What was printed, as the reader would see it.
    fn shown(&self, printed: &Path) -> String {
        let text = String::from_utf8_lossy(&fs::read(printed).expect("what was printed")).into_owned();
        let home = fs::canonicalize(self.home()).expect("the home");
        let text = compare::without_progress(&text.replace(&*home.to_string_lossy(), HOME));
        self.ports.iter().fold(text, |text, (port, here)| text.replace(here, port))
    }

    fn step(&mut self, step: &Step, outcome: &mut Outcome) -> Option<String> {
        let Step::Run { code, language, exit, background, output } = step else { return None };
        outcome.runs += 1;
        let (mut child, printed) = self.start(code, language);
        if *background {
            self.background.push((child, code.line));
            let until = Instant::now() + Duration::from_secs(BACKGROUND_SECONDS);
            while output.as_ref().is_some_and(|output| !compare::same(&output.text, &self.shown(&printed)))
                && Instant::now() < until
            {
                std::thread::sleep(Duration::from_millis(20));
            }
        } else {
            let code = child.wait().expect("bash ends").code();
            if code != Some(*exit) {
                return Some(format!("exit code {code:?} in place of {exit}:\n{}", self.shown(&printed)));
            }
        }
        let (output, shown) = (output.as_ref()?, self.shown(&printed));
        if compare::same(&output.text, &shown) {
            return None;
        }
        outcome.news.push((output.range.clone(), compare::blessed(&output.text, &shown)));
        Some(format!("the page says:\n{}\nprinted was:\n{shown}", output.text))
    }

    fn config(&self, block: &Block) -> Option<String> {
        let file = self.folder.path().join("block.toml");
        fs::write(&file, &block.text).expect("a file");
        let output = self
            .command("csl-stream")
            .arg("--config")
            .arg(&file)
            .arg("config")
            .output()
            .expect("csl-stream starts");
        (!output.status.success()).then(|| String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// Stops what runs in the background, as its reader would.
    fn end(&mut self) -> Vec<String> {
        let mut faults = Vec::new();
        for (mut child, line) in std::mem::take(&mut self.background) {
            let group = rustix::process::Pid::from_child(&child);
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::TERM);
            let status = child.wait().expect("it ends");
            // bash itself is ended by the signal, or hands on what its command ended with.
            if !(status.success() || status.code().is_none() || status.code() == Some(143)) {
                faults.push(format!("line {line}: in the background it ended with {status}"));
            }
        }
        faults
    }
}

/// The Python of the tests that read Parquet.
fn interpreter() -> PathBuf {
    let venv = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/venv");
    let output = Command::new(venv).output().expect("scripts/venv starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("a path").trim().into()
}
