//! The program that serves the pages.

use crate::http::{self, Answer};
use crate::run::{program, without_settings};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    child: Child,
}

impl Server {
    /// Serves in a folder, with these settings of the environment.
    pub(crate) fn start(dir: &Path, settings: &[(&str, &str)]) -> Self {
        Self::of(dir, &["status", "--listen", "127.0.0.1:0"], settings)
    }

    pub(crate) fn of(dir: &Path, words: &[&str], settings: &[(&str, &str)]) -> Self {
        let mut command = without_settings(Command::new(program()));
        command.args(words).current_dir(dir).envs(settings.iter().copied());
        Self::run(command)
    }

    /// Runs a command that serves them.
    pub(crate) fn run(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let mut all = String::new();
        let address = loop {
            let mut line = String::new();
            assert!(said.read_line(&mut line).unwrap() > 0, "{all}");
            all += &line;
            if let Some((_, address)) = line.split_once("status pages on http://") {
                break address.trim().parse().unwrap();
            }
        };
        // What it goes on to say must not fill the pipe.
        std::thread::spawn(move || said.lines().map_while(Result::ok).for_each(drop));
        Self { address, child }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.get_with(path, &[])
    }

    pub(crate) fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send("GET", path, headers, "")
    }

    /// Sends with the address as host, unless another is named.
    pub(crate) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let host = self.address.to_string();
        let mut all = vec![("host", host.as_str())];
        all.retain(|_| !headers.iter().any(|(name, _)| *name == "host"));
        all.extend(headers);
        http::send(self.address, method, path, &all, body)
    }

    /// A page that must be there.
    pub(crate) fn page(&self, path: &str) -> String {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {answer:#?}");
        answer.body
    }

    /// JSON that must be there.
    pub(crate) fn json(&self, path: &str) -> serde_json::Value {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {answer:#?}");
        answer.json()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
