//! `backfill` into a folder, run again and again as cron does: each cause once, and once when it is over.

use crate::listener::{Listeners, SECRET};
use crate::world::{World, schema_of};
use std::process::Command;
use std::time::{Duration, Instant};

const NIGHT: &str = "20260301031500";
const SOUND: &str = "id,name\n1,Jo\n";

struct Nights {
    world: World,
    listeners: Listeners,
}

impl Nights {
    fn new() -> Self {
        Self { world: World::unsigned(&schema_of(&["t"])), listeners: Listeners::start() }
    }

    fn export(&self, kind: &str, at: &str, csv: &[u8]) {
        let path = self.world.path(&format!("exports/{kind}/t/{}/t_{at}.csv", &at[..8]));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, csv).unwrap();
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = self.world.command(words);
        command.envs(self.listeners.variables()).env("CSL_EXPORTS_ROOT", "exports");
        command
    }

    fn backfill(&self, more: &[&str], code: i32) {
        let output = self.command(&[&["backfill", "--table", "t"], more].concat()).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{output:?}");
    }
}

#[test]
fn each_cause_is_told_once_and_once_when_it_is_over() {
    let cut = "id,name\n1,jo@example.org";
    let cases: &[(&str, &str, i32, &str)] = &[
        (
            "rejects",
            "id,name\njo@example.org,x\n",
            5,
            "1 record rejected; the first breaks the rule integer in column id (record 1, line 2)",
        ),
        ("schema", "id,jo@example.org\n1,x\n", 4, "do not fit each other"),
        // Without a header its first row stands in the header's place.
        ("schema", "1,jo@example.org\n2,x\n", 4, "do not fit each other"),
        ("input", cut, 1, "damaged, cut off, or changed"),
    ];
    for (cause, csv, code, reason) in cases {
        let nights = Nights::new();
        for at in ["20260301031500", "20260302031500", "20260302031500"] {
            nights.export("full", at, csv.as_bytes());
            nights.backfill(&[], *code);
        }
        let said = nights.listeners.all();
        assert_eq!(said.len(), 1, "{cause}: {said:#?}");
        let json: serde_json::Value = serde_json::from_str(&said[0].body).unwrap();
        assert_eq!((&json["event"], &json["state"]), (&"failure".into(), &"open".into()), "{json:#}");
        assert_eq!((&json["table"], &json["cause"]), (&"t".into(), &(*cause).into()), "{json:#}");
        let [what, now, advice, place] = &said[0].lines[..] else { panic!("{said:#?}") };
        assert!(what.starts_with("t: the full export was not loaded") && what.contains(reason), "{what}");
        assert!(now.contains("holds what it held before") && !advice.is_empty(), "{said:#?}");
        assert!(
            place.contains("csl-stream loads show ") && place.contains("t_20260301031500.csv"),
            "{place}"
        );

        nights.export("full", "20260303031500", SOUND.as_bytes());
        nights.backfill(&[], 0);
        let said = nights.listeners.all();
        assert_eq!(said.len(), 1, "{cause}: {said:#?}");
        assert!(said[0].body.contains(r#""state":"over""#), "{said:#?}");
        assert!(said[0].lines[0].starts_with("t: over: it is loaded again"), "{said:#?}");
        assert!(
            said[0].lines[1].contains("1 rows of this export") || said[0].lines[1].contains("1 row"),
            "{said:#?}"
        );
        nights.backfill(&[], 0);
        nights.export("full", "20260304031500", SOUND.as_bytes());
        nights.backfill(&[], 0);
        assert!(nights.listeners.all().is_empty(), "{cause}: nothing is wrong any more");
    }
}

#[test]
fn an_export_that_is_missing_is_told_once() {
    let nights = Nights::new();
    nights.backfill(&[], 3);
    nights.backfill(&[], 3);
    assert_eq!(nights.listeners.all().len(), 1);
    nights.export("full", NIGHT, SOUND.as_bytes());
    nights.backfill(&[], 0);
    assert_eq!(nights.listeners.all().len(), 1);
}

#[test]
fn what_one_listener_did_not_hear_it_is_told_again() {
    let nights = Nights::new();
    nights.export("full", NIGHT, b"id,name\nx,y\n");
    // Once more at once after a 503, and no more after a 404.
    nights.listeners.answers("slack", &[503]);
    nights.listeners.answers("teams", &[404]);
    nights.backfill(&[], 5);
    assert_eq!(nights.listeners.said("slack").len(), 1);
    assert_eq!((nights.listeners.said("teams").len(), nights.listeners.asked("teams")), (0, 1));
    assert_eq!(nights.listeners.said("webhook").len(), 1);
    nights.backfill(&[], 5);
    assert_eq!(["slack", "teams", "webhook"].map(|name| nights.listeners.said(name).len()), [0, 1, 0]);
    // The all-clear likewise.
    nights.listeners.answers("webhook", &[400]);
    nights.export("full", "20260302031500", SOUND.as_bytes());
    nights.backfill(&[], 0);
    assert_eq!(["slack", "teams", "webhook"].map(|name| nights.listeners.said(name).len()), [1, 1, 0]);
    nights.export("full", "20260303031500", SOUND.as_bytes());
    nights.backfill(&[], 0);
    assert_eq!(["slack", "teams", "webhook"].map(|name| nights.listeners.said(name).len()), [0, 0, 1]);
}

#[test]
fn a_dead_listener_changes_neither_the_end_nor_the_exit_code() {
    let nights = Nights::new();
    nights.listeners.is_silent("slack");
    nights.export("full", NIGHT, b"id,name\nx,y\n");
    let began = Instant::now();
    nights.backfill(&[], 5);
    let limit = csl_stream::notify::FINISH_TIME_MAX + Duration::from_secs(30);
    assert!(began.elapsed() < limit, "{:?}", began.elapsed());
    assert_eq!(nights.listeners.said("webhook").len(), 1, "the others are told all the same");
    // Nobody at the address at all.
    let mut command = nights.command(&["backfill", "--table", "t", "--json"]);
    let gone = [("CSL_ALERTS_SLACK_URL", "http://127.0.0.1:1/HUSH"), ("CSL_ALERTS_ON", "failure,drift")];
    let output = command.envs(gone).output().unwrap();
    assert_eq!(output.status.code(), Some(5), "{output:?}");
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(log.contains("an alert was not heard") && !log.contains("HUSH"), "{log}");
}

#[test]
fn two_processes_at_once_tell_once() {
    let nights = Nights::new();
    nights.export("full", NIGHT, b"id,name\nx,y\n");
    let children: Vec<_> =
        (0..4).map(|_| nights.command(&["backfill", "--table", "t"]).spawn().unwrap()).collect();
    for mut child in children {
        // One may wait for another's lock of the table, and give up.
        assert!(matches!(child.wait().unwrap().code(), Some(5 | 7)));
    }
    let said = nights.listeners.all();
    let rejected = said.iter().filter(|said| said.body.contains(r#""cause":"rejects""#)).count();
    assert_eq!(rejected, 1, "{said:#?}");
}

#[test]
fn the_documented_example_confirms_a_message() {
    let nights = Nights::new();
    nights.export("full", NIGHT, b"id,name\nx,y\n");
    nights.backfill(&[], 5);
    let said = nights.listeners.all().remove(0);
    let page =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/how-to/alerts-and-metrics.md"));
    let page = page.unwrap();
    let example = page.split("```python\n").nth(1).unwrap().split("```").next().unwrap();
    let forged = said.body.replace("rejects", "schemas");
    for (body, secret, age, good) in [
        (&said.body, SECRET, 0, true),
        (&forged, SECRET, 0, false),
        (&said.body, "another", 0, false),
        (&said.body, SECRET, 3600, false),
    ] {
        let code = format!(
            "{example}\nimport sys, time\nnow = time.time() + {age}\n\
             sys.exit(0 if confirmed(sys.argv[1], sys.argv[2].encode(), sys.argv[3], now) else 1)"
        );
        let run =
            Command::new("python3").args(["-c", &code, secret, body, &said.signature]).status().unwrap();
        assert_eq!(run.success(), good, "{secret} {age} {body}");
    }
}

#[test]
fn check_sends_a_test_if_it_is_asked_to() {
    let nights = Nights::new();
    nights.export("full", NIGHT, SOUND.as_bytes());
    let check = |words: &[&str], sign: &str| {
        let output = nights.command(&[&["check", "--table", "t"], words].concat()).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.contains(sign) && !said.contains("HUSH"), "{said}");
        output.status.success()
    };
    assert!(check(&[], "✔ alerts: slack, teams, webhook; --alerts sends each a test"));
    assert!(nights.listeners.all().is_empty());
    assert!(check(&["--alerts"], "✔ alerts: teams has got a test"));
    let said = nights.listeners.all();
    assert!(said.len() == 1 && said[0].lines[0].contains("this is a test"), "{said:#?}");
    nights.listeners.answers("slack", &[404]);
    assert!(!check(&["--alerts"], "✖ alerts: slack was not told"));
}

#[test]
fn a_webhook_without_a_secret_is_refused() {
    let nights = Nights::new();
    let mut command = nights.command(&["backfill", "--table", "t"]);
    let output = command.env_remove("CSL_ALERTS_WEBHOOK_SECRET").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && said.contains("alerts.webhook_secret is not"), "{said}");
    assert!(!said.contains("HUSH"), "{said}");
}
