//! `/metrics` of `work` and `serve`: what it counts, and that promtool has nothing to say against it.

use crate::postgres::root;
use crate::world::{World, csv, schema_of, signal, until};
use csl_stream::store::ExportKind;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A process that says where it answers.
struct Watched {
    child: Child,
    address: String,
}

impl Watched {
    fn start(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = loop {
            let line = lines.next().expect("it says where").unwrap();
            if let Some((_, rest)) = line.split_once(" on http://") {
                break rest.split('/').next().unwrap().to_owned();
            }
        };
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address }
    }

    /// The content type and the text.
    fn metrics(&self, accept: &str) -> (String, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(stream, "GET /metrics HTTP/1.1\r\nhost: x\r\naccept: {accept}\r\nconnection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        let kind = head.lines().find_map(|line| line.strip_prefix("content-type: ")).unwrap();
        (kind.to_owned(), body.to_owned())
    }

    fn value(&self, series: &str) -> Option<f64> {
        let (_, text) = self.metrics("*/*");
        text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
    }

    fn stop(mut self) {
        signal(&self.child, "TERM");
        self.child.wait().unwrap();
    }
}

/// What promtool says against a text.
fn promtool(text: &str) -> (bool, String) {
    let made = Command::new(root().join("scripts/promtool")).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let path = String::from_utf8(made.stdout).unwrap();
    let mut tool = Command::new(path.trim())
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    tool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = tool.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

fn assert_clean(text: &str) {
    let (clean, said) = promtool(text);
    assert!(clean && said.trim().is_empty(), "{said}\n{text}");
}

#[test]
fn promtool_finds_what_is_wrong() {
    let open = "# HELP a Of a.\n# TYPE a counter\na_total 1\n# EOF\n";
    let (clean, said) = promtool(open);
    assert!(!clean && !said.is_empty(), "OpenMetrics is not what it reads");
    assert_clean("# HELP a_total Of a.\n# TYPE a_total counter\na_total 1\n# EOF\n");
}

#[test]
fn a_worker_shows_its_loads_and_its_queue() {
    let world = World::new(&schema_of(&["a", "b"]));
    world.send(&world.export(ExportKind::Full, "a", "20260301031500", csv(1..=3).as_bytes(), false));
    world.send(&world.export(ExportKind::Full, "b", "20260301031500", b"id,name\nx,y\n", false));
    let worker = Watched::start(world.command(&["work", "--metrics-listen", "127.0.0.1:0"]));
    until("both are done", Duration::from_secs(60), || worker.value("csl_stream_dead_letters") == Some(1.0));
    until("a is loaded", Duration::from_secs(60), || {
        worker.value(r#"csl_stream_loads_total{table="a",kind="full",end="succeeded"}"#) == Some(1.0)
    });
    for (series, expected) in [
        (r#"csl_stream_loads_total{table="b",kind="full",end="failed"}"#, 1.0),
        (r#"csl_stream_rows_loaded_total{table="a"}"#, 3.0),
        (r#"csl_stream_rows_rejected_total{table="b"}"#, 1.0),
        (r#"csl_stream_load_seconds_count{stage="load"}"#, 1.0),
        (r#"csl_stream_queue_messages{state="waiting"}"#, 0.0),
        (r#"csl_stream_queue_messages{state="taken"}"#, 0.0),
    ] {
        assert_eq!(worker.value(series), Some(expected), "{series}\n{}", worker.metrics("").1);
    }
    let age = worker.value(r#"csl_stream_table_data_age_seconds{table="a"}"#).unwrap();
    assert!(age > 3600.0, "{age}");
    let (kind, text) = worker.metrics("*/*");
    assert_eq!(kind, "text/plain; version=0.0.4; charset=utf-8");
    assert_clean(&text);
    let (kind, open) = worker.metrics("application/openmetrics-text;version=1.0.0,*/*;q=0.1");
    assert!(kind.starts_with("application/openmetrics-text") && open.ends_with("# EOF\n"), "{kind}\n{open}");
    worker.stop();

    // Another worker knows the age from the ledger, before it has loaded anything.
    let next = Watched::start(world.command(&["work", "--metrics-listen", "127.0.0.1:0"]));
    let later = next.value(r#"csl_stream_table_data_age_seconds{table="a"}"#).unwrap();
    assert!(later >= age, "{later} {age}");
    next.stop();
}

#[test]
fn a_receiver_shows_its_queue_beside_its_webhooks() {
    let world = World::new(&schema_of(&["a"]));
    world.send(&world.export(ExportKind::Full, "a", "20260301031500", csv([1]).as_bytes(), false));
    let mut command = world.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("CSL_WEBHOOK_SIGNATURE", "unchecked");
    let receiver = Watched::start(command);
    assert_eq!(receiver.value(r#"csl_stream_queue_messages{state="waiting"}"#), Some(1.0));
    assert!(receiver.value("csl_stream_queue_oldest_message_age_seconds").unwrap() >= 0.0);
    assert_eq!(receiver.value(r#"csl_stream_webhooks_refused_total{reason="host"}"#), Some(0.0));
    assert_clean(&receiver.metrics("*/*").1);
    receiver.stop();
}

#[test]
fn an_address_that_is_taken_ends_the_worker_at_once() {
    let world = World::new(&schema_of(&["a"]));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let answer = world.run_with(&["work", "--once"], &[("CSL_METRICS_LISTEN", &address)]);
    assert!(answer.code == Some(2) && answer.err.contains("metrics.listen"), "{answer:#?}");
}
