//! Markup in every text that may come from outside, and how it stands on the pages: as text.

use crate::night::Night;
use crate::server::Server;
use csl_stream::queue::{LoadOrder, Queue, QueueSettings, Reason};
use csl_stream::report::RunReport;
use csl_stream::store::{ExportKind, ObjectInfo};
use serde_json::json;
use std::time::Duration;

const MARKUP: &str = "\"><script>alert(1)</script><img src=x onerror='alert(2)'>&amp;`${x}`";

/// A report as a program without scruples would leave it: every text of it is markup.
fn report(night: &Night, id: &str, table: &str, status: &str) {
    let folder = night.path(&format!("warehouse/{table}/.loads"));
    std::fs::create_dir_all(&folder).unwrap();
    let report = json!({
        "load_id": id, "table": table, "kind": "full", "status": status,
        "source": { "uri": MARKUP, "etag": MARKUP, "bytes": 1, "compression": MARKUP },
        "rows": { "read": 3, "accepted": 2, "rejected": 1, "truncated_values": 0, "carried_over": 0, "loaded": 2 },
        "files": [{ "uri": MARKUP, "rows": 2, "bytes": 3 }],
        "columns": [{ "name": MARKUP, "nulls": 1, "truncated": 0, "bytes": 1 }],
        "changes": {
            "added_columns": [MARKUP], "widened_columns": [MARKUP], "rows_before": 2,
            "drift": [{ "measure": "nulls", "column": MARKUP, "before": 1.0, "now": 100.0 }],
        },
        "rejects": { "uri": MARKUP, "first": [
            { "record": 1, "line": 2, "byte": 3, "column": MARKUP, "rule": MARKUP, "value": "somebody", "value_bytes": 8 }] },
        "seconds": { "total": 1.0, "convert": 0.5, "load": 0.25 },
        "error": MARKUP, "warnings": [MARKUP],
    });
    std::fs::write(folder.join(format!("{id}.json")), report.to_string()).unwrap();
}

fn dead_letter(night: &Night) {
    let settings = QueueSettings { url: None, dead_letter_url: None, path: night.path("queue.db") };
    let queue = Queue::open(&settings).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        for dies in [true, false] {
            let download_url = format!("https://h/{MARKUP}{dies}");
            let order =
                LoadOrder { download_url, table: MARKUP.to_owned(), s3: None, kind: ExportKind::Full };
            queue.send(&order).await.unwrap();
            if dies {
                let taken = queue.receive(1, Duration::ZERO).await.unwrap();
                queue.bury(&taken[0], &Reason::of(&csl_stream::Error::input(MARKUP))).await.unwrap();
            }
        }
    });
}

/// A load under way, of which all is markup but what no folder can be called by.
fn going(night: &Night) -> csl_stream::ledger::Going {
    let id = uuid::Uuid::now_v7().to_string();
    let report = RunReport::begin(&id, "v", ExportKind::Full, &ObjectInfo::default());
    let going = csl_stream::ledger::begin(&night.path("warehouse"), &report).unwrap();
    let progress = json!({
        "load_id": id, "table": "v", "source": MARKUP, "began": MARKUP, "seconds": 1.0, "bytes": 10, "bytes_read": 5,
        "records": 1, "rejected": 0, "waits_for": MARKUP, "process": 1,
    });
    std::fs::create_dir_all(night.path("warehouse/.progress")).unwrap();
    std::fs::write(night.path(&format!("warehouse/.progress/{id}.json")), progress.to_string()).unwrap();
    going
}

#[test]
fn what_comes_from_outside_is_text() {
    let night = Night::empty(1);
    let (failed, loaded) = (uuid::Uuid::now_v7().to_string(), uuid::Uuid::now_v7().to_string());
    report(&night, &failed, "t", "failed");
    report(&night, &loaded, "u", "succeeded");
    dead_letter(&night);
    let _going = going(&night);
    let settings = [("CSL_EXPORTS_SLUG", MARKUP), ("CSL_EXPORTS_ROOT", "/x/<script>")];
    let server = Server::start(night.dir(), &settings);
    let (failed, loaded) = (format!("/loads/{failed}"), format!("/loads/{loaded}"));
    let mut seen = 0;
    for path in ["/", "/queue", "/settings", "/tables/t", "/tables/u", &failed, &loaded] {
        let html = server.page(path);
        for raw in ["<script>alert", "<img", "onerror='", "/x/<script>"] {
            assert!(!html.contains(raw), "{path}: {raw}\n{html}");
        }
        seen += html.matches("alert(1)").count();
        assert!(!html.contains("somebody"), "{path}: a value");
    }
    assert!(seen > 20, "the markup is shown: {seen}");
    // In an address too, and none of it comes back.
    for path in [
        "/tables/%3Cscript%3Ealert(1)%3C%2Fscript%3E",
        "/loads/%22%3E%3Cscript%3E",
        "/..%2F..%2Fetc%2Fpasswd",
        "/loads/..%2f..%2f",
    ] {
        let answer = server.get(path);
        assert!(answer.status == 404 && !answer.body.contains("<script>alert"), "{path}: {answer:#?}");
    }
    let event = crate::http::first_event(server.address, &[]);
    assert!(event["loads"][0]["text"].as_str().unwrap().contains("alert(1)"), "{event}");
    // The same on one page, and as Markdown.
    let id = loaded.trim_start_matches("/loads/");
    for name in ["page.html", "page.md"] {
        let output = night.run(&["loads", "show", id, "--html", name]);
        assert!(output.status.success(), "{output:?}");
        let text = std::fs::read_to_string(night.path(name)).unwrap();
        // What is code in Markdown is no markup.
        let outside = text.replace(&format!("`` {MARKUP} ``"), "");
        assert!(
            !outside.contains("<script>") && !outside.contains("<img") && text.contains("alert(1)"),
            "{text}"
        );
        assert!(!text.contains("somebody"), "{text}");
    }
}
