//! What a run does.

use crate::bench::{AT, Bench, SIGNED, WEBHOOK_SECRET};
use crate::draw::{Draw, Entry};
use crate::function::{Function, record, v2};
use crate::gather::Place;
use crate::listeners::webhook;
use crate::table::packed;
use crate::trouble;
use crate::webhook_http::post;
use csl_stream::queue::{LoadOrder, ObjectName, Queue, QueueSettings};
use csl_stream::store::ExportKind;
use csl_stream::webhook::signature::{HEADER, header_of};
use fastrand::Rng;
use serde_json::json;
use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

/// The key of the export in its bucket.
fn key(draw: &Draw) -> String {
    let table = &draw.table.name;
    format!("org/full/{table}/{}/{table}_{AT}.csv{}", &AT[..8], draw.ending)
}

/// Puts the export where each kind of run looks for it; whether it is spoilt as was drawn.
fn put(bench: &Bench, draw: &Draw) {
    let mut rng = Rng::with_seed(draw.seed);
    let (csv, _) = draw.table.export(&mut rng, draw.data, draw.rows);
    let bytes = packed(&csv, draw.ending);
    bench.give(&format!("exports/{}", key(draw).trim_start_matches("org/")), &bytes);
    bench.s3.put(&format!("exports/{}", key(draw)), bytes);
    bench.give("url", format!("{}/exports/{}?{SIGNED}\n", bench.s3.endpoint(), key(draw)).as_bytes());
}

fn order(bench: &Bench, draw: &Draw) -> LoadOrder {
    let object = ObjectName { bucket: "exports".to_owned(), key: key(draw) };
    LoadOrder {
        download_url: format!("{}/exports/{}?{SIGNED}", bench.s3.endpoint(), key(draw)),
        table: draw.table.name.clone(),
        s3: draw.seed.is_multiple_of(2).then_some(object),
        kind: ExportKind::Full,
    }
}

pub(crate) fn act(bench: &Bench, draw: &Draw) {
    put(bench, draw);
    trouble::set(draw, &bench.s3, bench.mirror.as_ref().map(|mirror| &mirror.redshift));
    let table = draw.table.name.as_str();
    match draw.entry {
        Entry::Backfill => {
            let out = if draw.json { Place::Report } else { Place::Told };
            let words = ["backfill", "--table", table, "--report", "report.json", "--json"];
            bench.run(draw, &words[..if draw.json { 6 } else { 5 }], out);
        }
        Entry::Signed => {
            let url = bench.run_dir().parent().unwrap().join("in/url");
            let export = format!("@{}", url.display());
            bench.run(draw, &["backfill", "--table", table, "--export", &export], Place::Told);
        }
        Entry::Convert => {
            let input = bench.run_dir().parent().unwrap().join("in/url");
            let input = format!("@{}", input.display());
            bench.run(
                draw,
                &["convert", "--table", table, "--out", "out", "--report", "report.json", &input],
                Place::Told,
            );
        }
        Entry::Verify => {
            bench.run(draw, &["check", "--table", table], Place::Told);
            bench.run(draw, &["plan", "--table", table], Place::Told);
            bench.run(draw, &["backfill", "--table", table], Place::Told);
            // It compares figures of columns that no rule hides.
            bench.run(draw, &["verify", "--table", table], Place::Report);
        }
        Entry::Worker => {
            send(bench, &order(bench, draw));
            bench.run(draw, &["work", "--once"], Place::Told);
        }
        Entry::WorkerSqs => {
            bench.heard.send(&order(bench, draw).body());
            let mut command = bench.command(draw, &["work", "--once"]);
            command.env("CSL_QUEUE_URL", bench.heard.queue("load"));
            command.env("CSL_QUEUE_DEAD_LETTER_URL", bench.heard.queue("dead"));
            bench.run_command(draw, command, "work", Place::Told);
        }
        Entry::Lambda => lambda(bench, draw),
        Entry::LambdaWebhook => lambda_webhook(bench, draw),
        Entry::Serve => {
            serve(bench, draw);
            bench.run(draw, &["work", "--once"], Place::Told);
        }
    }
    afterwards(bench, draw);
}

/// What an operator looks at then, when nothing is in the way any more.
fn afterwards(bench: &Bench, draw: &Draw) {
    let codes = bench.codes.borrow().clone();
    let calm = Draw { trouble: crate::draw::Trouble::None, ..draw.clone() };
    bench.s3.clear_faults();
    if let Some(mirror) = &bench.mirror {
        mirror.redshift.clear_script();
    }
    bench.run(&calm, &["loads", "list", "--json"], Place::Report);
    bench.run(&calm, &["config", "show"], Place::Told);
    if matches!(draw.entry, Entry::Worker | Entry::Serve) {
        bench.run(&calm, &["dead-letters", "list", "--json"], Place::Told);
    }
    *bench.codes.borrow_mut() = codes;
}

pub(crate) fn send(bench: &Bench, order: &LoadOrder) {
    let settings = QueueSettings { url: None, dead_letter_url: None, path: bench.run_dir().join("queue.db") };
    let queue = Queue::open(&settings).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(queue.send(order)).unwrap();
}

fn function(bench: &Bench, draw: &Draw) -> (Function, std::path::PathBuf) {
    let told = bench.give("function.err", b"");
    let mut command = bench.command(draw, &[]);
    command.env("CSL_QUEUE_URL", bench.heard.queue("load"));
    command.env("CSL_QUEUE_DEAD_LETTER_URL", bench.heard.queue("dead"));
    command.env("CSL_QUEUE_OTHERS_URL", bench.heard.queue("others"));
    let file = || std::fs::File::options().append(true).open(&told).unwrap();
    command.stdout(file()).stderr(file());
    (Function::start(&mut command), told)
}

fn answered(bench: &Bench, function: Function, told: &std::path::Path, events: Vec<serde_json::Value>) {
    for event in events {
        let (_, answer) = function.ask(event);
        bench.note(Place::Told, "the answer of a function", answer.to_string().into_bytes());
    }
    drop(function);
    bench.note(Place::Told, "the log of a function", std::fs::read(told).unwrap());
}

fn lambda(bench: &Bench, draw: &Draw) {
    let (function, told) = function(bench, draw);
    let batch = json!({ "Records": [
        record("1", &order(bench, draw).body(), 1),
        record("2", "no message HUSH9SIGNED2", 1),
    ]});
    answered(bench, function, &told, vec![batch]);
}

fn lambda_webhook(bench: &Bench, draw: &Draw) {
    let (function, told) = function(bench, draw);
    let body = webhook(&key(draw), &draw.table.name);
    let signed = |body: &str| v2(body, &header_of(WEBHOOK_SECRET.as_bytes(), body.as_bytes()));
    let events = vec![
        signed(&body),
        v2(&body, "sha256:00"),
        signed(&format!("{body} {}", crate::table::text(0, 1))),
        signed(&body.replace("exports.s3", "foreign.s3")),
    ];
    answered(bench, function, &told, events);
}

fn serve(bench: &Bench, draw: &Draw) {
    let mut command = bench.command(draw, &["serve", "--listen", "127.0.0.1:0"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut told = BufReader::new(child.stderr.take().unwrap());
    let mut all = String::new();
    let address = loop {
        let mut line = String::new();
        if told.read_line(&mut line).unwrap() == 0 {
            break None;
        }
        all += &line;
        if let Some(address) = line.strip_prefix("listening on http://") {
            break address.trim().parse().ok();
        }
    };
    let reader = std::thread::spawn(move || {
        let mut rest = Vec::new();
        told.read_to_end(&mut rest).map(|_| rest)
    });
    if let Some(address) = address {
        let body = webhook(&key(draw), &draw.table.name);
        for (secret, body) in [
            (WEBHOOK_SECRET, body.clone()),
            ("guess", body.clone()),
            (WEBHOOK_SECRET, body.replace("https", "ftp")),
            (WEBHOOK_SECRET, format!("{body} {}", crate::table::text(0, 1))),
        ] {
            let header = header_of(secret.as_bytes(), body.as_bytes());
            let answer = post(address, "/webhook", &[(HEADER, &header)], body.as_bytes());
            bench.note(
                Place::Told,
                "the answer of serve",
                format!("{}{}", answer.head, answer.body).into_bytes(),
            );
        }
    }
    bench.stop(draw, child);
    all += &String::from_utf8_lossy(&reader.join().unwrap().unwrap());
    bench.note(Place::Told, "stderr of serve", all.into_bytes());
}
