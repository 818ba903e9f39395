//! A real PostgreSQL for tests: what it says is the truth that we are compared with.
//!
//! ```text
//! test process ──stdin pipe──▶ scripts/postgres ──▶ initdb, postgres (own folder, Unix socket)
//!      │                        pipe closes: fast shutdown, folder removed
//!      └── psql ─────────────────────────────────▶ SQL, COPY … TO STDOUT
//! ```
//!
//! One server for each test process. It needs no clean-up here: when the process ends, however it
//! ends, the pipe closes.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;

/// A running server. Dropped, it is stopped.
pub(crate) struct Server {
    bin: PathBuf,
    socket: String,
    hold: Option<ChildStdin>,
    script: Child,
}

/// The server of this test process, started at first use.
pub(crate) fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(Server::start)
}

/// The root of the package.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

impl Server {
    fn start() -> Self {
        let mut script = Command::new(root().join("scripts/postgres"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("scripts/postgres starts");
        let mut said = String::new();
        BufReader::new(script.stdout.take().expect("piped")).read_line(&mut said).expect("readable");
        let Some((bin, socket)) = said.trim_end().split_once(' ') else {
            let output = script.wait_with_output().expect("its end is known");
            panic!("{}", String::from_utf8_lossy(&output.stderr).trim_end());
        };
        // A test runner waits for whoever holds the test's own stderr; this pipe is ours.
        drop(script.stderr.take());
        Self { bin: bin.into(), socket: socket.into(), hold: script.stdin.take(), script }
    }

    /// The folder of its socket.
    #[allow(dead_code, reason = "not every test connects by itself")]
    pub(crate) fn socket(&self) -> &str {
        &self.socket
    }

    /// The folder of its programs.
    #[allow(dead_code, reason = "not every test runs them by itself")]
    pub(crate) fn bin(&self) -> &Path {
        &self.bin
    }

    /// A database of its own, with the functions of `fixtures/sql/lib.sql`.
    pub(crate) fn database(&self, name: &str) -> Database<'_> {
        let database = Database { server: self, name: name.to_owned() };
        let create = format!("DROP DATABASE IF EXISTS {name}; CREATE DATABASE {name}");
        for statement in create.split("; ") {
            Database { server: self, name: "postgres".to_owned() }.run(statement);
        }
        let lib = std::fs::read_to_string(root().join("fixtures/sql/lib.sql")).expect("lib.sql is readable");
        database.run(&lib);
        database
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.hold.take());
        self.script.wait().ok();
    }
}

/// One database of the server.
pub(crate) struct Database<'a> {
    server: &'a Server,
    name: String,
}

impl Database<'_> {
    fn psql(&self) -> Command {
        let mut psql = Command::new(self.server.bin.join("psql"));
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", &self.server.socket])
            .args(["-U", "postgres", "-f", "-", &self.name])
            .current_dir(root())
            .env_remove("PGTZ")
            .env("PGOPTIONS", "--client-min-messages=warning");
        psql
    }

    /// Runs a script and gives what it printed, or what PostgreSQL had against it.
    pub(crate) fn try_run(&self, sql: &str) -> Result<Vec<u8>, String> {
        let mut child = self
            .psql()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("psql starts");
        let mut stdin = child.stdin.take().expect("piped");
        let script = sql.as_bytes().to_vec();
        let writer = std::thread::spawn(move || stdin.write_all(&script));
        let output = child.wait_with_output().expect("psql ends");
        // A script with an error is not read to its end.
        writer.join().expect("the writer does not panic").ok();
        match output.status.success() {
            true => Ok(output.stdout),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    }

    /// Runs a script that PostgreSQL must accept, and gives what it printed.
    pub(crate) fn run(&self, sql: &str) -> Vec<u8> {
        self.try_run(sql).unwrap_or_else(|error| panic!("{error}\n{}", &sql[..sql.len().min(4000)]))
    }

    /// Runs a query for one text.
    pub(crate) fn text(&self, sql: &str) -> String {
        let bytes = self.run(sql);
        let text = String::from_utf8(bytes).expect("PostgreSQL prints UTF-8");
        text.strip_suffix('\n').map(str::to_owned).unwrap_or(text)
    }

    /// What `COPY … TO STDOUT CSV HEADER` prints for a table or a query in brackets, into a file, from a session in the time zone `zone`.
    pub(crate) fn copy_out_to(&self, relation: &str, zone: &str, path: &Path) {
        self.run_to(
            &format!("SET timezone = '{zone}';\nCOPY {relation} TO STDOUT (FORMAT csv, HEADER);"),
            path,
        );
    }

    /// The table's truth, as `csl_truth` of `fixtures/sql/lib.sql` writes it, into a file.
    pub(crate) fn truth_to(&self, table: &str, path: &Path) {
        let query = self.text(&format!("SELECT csl_truth('{table}')"));
        self.run_to(&format!("COPY ({query}) TO STDOUT;"), path);
    }

    fn run_to(&self, sql: &str, path: &Path) {
        let file = std::fs::File::create(path).expect("the file can be made");
        let mut child = self
            .psql()
            .stdin(Stdio::piped())
            .stdout(file)
            .stderr(Stdio::piped())
            .spawn()
            .expect("psql starts");
        child.stdin.take().expect("piped").write_all(sql.as_bytes()).expect("psql reads its script");
        let output = child.wait_with_output().expect("psql ends");
        assert!(output.status.success(), "{}\n{sql}", String::from_utf8_lossy(&output.stderr));
    }
}
