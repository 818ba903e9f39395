//! A load under way, one that is killed, and sources that do not answer.

use crate::aws;
use crate::http::{between, first_event};
use crate::night::Night;
use crate::run::program;
use crate::server::Server;
use serde_json::Value;
use std::io::Write;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

const LONG: Duration = Duration::from_secs(120);
/// A page comes by then; a debug build on a busy machine may take longer.
const PAGE_MAX: Duration = Duration::from_secs(if cfg!(debug_assertions) { 5 } else { 2 });

/// Looks again until it is so.
fn until(what: &str, mut look: impl FnMut() -> Option<Value>) -> Value {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < LONG, "{what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_load_is_seen_while_it_runs_and_missed_when_it_is_killed() {
    let night = Night::empty(1);
    let mut command =
        night.command(&["backfill", "--table", "table_00", "--kind", "full", "--export", "-", "--quiet"]);
    let mut load = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut input = load.stdin.take().unwrap();
    input.write_all(b"id,born,email\n").unwrap();
    for id in 0..200_000 {
        writeln!(input, "{id},1971-02-03,somebody@example.org").unwrap();
    }
    let server = Server::start(night.dir(), &[]);
    let running =
        until("the load is seen", || server.json("/api/overview")["running"].as_array()?.first().cloned());
    assert_eq!(running["table"], "table_00");
    let html = server.page("/");
    assert!(
        html.contains(running["load_id"].as_str().unwrap()) && html.contains("http-equiv=\"refresh\""),
        "{html}"
    );
    let event = first_event(server.address, &[]);
    assert_eq!(event["loads"][0]["load_id"], running["load_id"], "{event}");
    assert!(server.page("/tables/table_00").contains("loading"));
    paused(&night, &server, &load);
    load.kill().unwrap();
    load.wait().unwrap();
    let need = until("it is missed", || {
        let overview = server.json("/api/overview");
        overview["needs"]
            .as_array()?
            .iter()
            .find(|need| need["what"] == "table_00: a load was killed")
            .cloned()
    });
    assert_eq!(need["command"], "csl-stream backfill --table table_00 --kind full");
    until("the page rests", || (!server.page("/").contains("http-equiv=\"refresh\"")).then_some(Value::Null));
    // The next one that ends well takes it away.
    std::fs::write(night.path("t.csv"), "id,born,email\n1,1971-02-03,x\n").unwrap();
    let output =
        night.run(&["backfill", "--table", "table_00", "--kind", "full", "--export", "t.csv", "--quiet"]);
    assert!(output.status.success(), "{output:?}");
    until("it is over", || {
        let overview = server.json("/api/overview");
        overview["needs"].as_array()?.iter().all(|need| need["tone"] != "bad").then_some(overview)
    });
}

/// A process that is paused, on a machine whose clock jumps, is a load under way all the same.
fn paused(night: &Night, server: &Server, load: &Child) {
    let send = |signal: &str| {
        let sent = Command::new("kill").args([signal, &load.id().to_string()]).status().unwrap();
        assert!(sent.success());
    };
    send("-STOP");
    let folder = night.path("warehouse/.progress");
    for jump in [-36_000i64, 36_000] {
        for item in std::fs::read_dir(&folder).unwrap().flatten() {
            let at = SystemTime::now();
            let hours = Duration::from_secs(jump.unsigned_abs());
            let at = if jump < 0 { at - hours } else { at + hours };
            std::fs::File::options().write(true).open(item.path()).unwrap().set_modified(at).unwrap();
        }
        // After what was said has been forgotten.
        std::thread::sleep(Duration::from_millis(1100));
        let overview = server.json("/api/overview");
        assert_eq!(overview["running"].as_array().unwrap().len(), 1, "{jump}: {overview:#}");
        assert!(overview["needs"].as_array().unwrap().is_empty(), "{jump}: {overview:#}");
        let killed = night.json(&["loads", "list", "--status", "killed", "--json"]);
        assert_eq!(killed, serde_json::json!([]), "{jump}");
    }
    send("-CONT");
}

#[test]
fn a_page_says_what_it_was_made_from() {
    let night = Night::empty(1);
    let server = Server::start(night.dir(), &[]);
    let event = || first_event(server.address, &[])["state"].as_str().unwrap().to_owned();
    let state_of = |path: &str| between(&server.page(path), "data-state=\"", "\"").to_owned();
    let before = event();
    for path in ["/", "/queue", "/settings"] {
        assert_eq!(state_of(path), before, "{path}: nothing has changed");
    }
    // A load between a page and its first event is a change.
    let page = state_of("/");
    std::fs::write(night.path("t.csv"), "id,born,email\n1,1971-02-03,x\n").unwrap();
    night.json(&["backfill", "--table", "table_00", "--kind", "full", "--export", "t.csv", "--json"]);
    until("the change is told", || (event() != page).then_some(Value::Null));
    let after = event();
    assert_eq!(state_of("/"), after, "the page that is made now is of now");
    assert_eq!(state_of("/tables/table_00"), after);
}

#[test]
fn a_source_that_does_not_answer_is_a_line() {
    let night = Night::empty(1);
    std::fs::write(night.path("t.csv"), "id,born,email\n1,1971-02-03,x\n").unwrap();
    let output =
        night.run(&["backfill", "--table", "table_00", "--kind", "full", "--export", "t.csv", "--quiet"]);
    assert!(output.status.success(), "{output:?}");
    // Takes connections, and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let settings = [
        ("CSL_QUEUE_URL", "https://sqs.us-east-1.amazonaws.com/123456789012/q"),
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
        ("AWS_ACCESS_KEY_ID", "AKIDTEST"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_REGION", "us-east-1"),
    ];
    let server = Server::start(night.dir(), &settings);
    for path in ["/", "/queue", "/tables/table_00", "/settings"] {
        let began = Instant::now();
        let html = server.page(path);
        assert!(began.elapsed() < PAGE_MAX, "{path}: {:?}", began.elapsed());
        if path == "/" || path == "/queue" {
            assert!(html.contains("queue: no answer within 1.2 s"), "{html}");
        }
    }
    assert!(server.page("/").contains("href=\"/tables/table_00\""), "what answers is shown");
}

#[test]
fn serve_has_the_pages_at_another_address() {
    let night = Night::empty(1);
    let settings = [("CSL_WEBHOOK_SIGNATURE", "unchecked")];
    let words = ["serve", "--listen", "127.0.0.1:0", "--status-listen", "127.0.0.1:0"];
    let server = Server::of(night.dir(), &words, &settings);
    assert!(server.page("/").contains("Overview"));
    drop(server);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let program = Command::new(program());
    let mut command = aws::beside("http://127.0.0.1:1", program);
    command
        .current_dir(night.dir())
        .env("CSL_WEBHOOK_SIGNATURE", "unchecked")
        .env("CSL_SCHEMA_SOURCE", "schema.json");
    let output =
        command.args(["serve", "--listen", "127.0.0.1:0", "--status-listen", &address]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && said.contains("status.listen"), "{said}");
}
