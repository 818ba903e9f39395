//! Every number on the pages is that of the ledger and of the reports.

use crate::http::{between, words};
use crate::night::{End, Night, SOMEBODY, TABLES, end_of, name_of};
use crate::server::Server;
use crate::stages::assert_bars;
use csl_stream::queue::{LoadOrder, Queue, QueueSettings, Reason};
use csl_stream::report::words::{count, size};
use csl_stream::store::ExportKind;
use serde_json::Value;
use std::time::Duration;

/// A message that became a dead letter, and two that wait.
fn queue(night: &Night) {
    let settings = QueueSettings { url: None, dead_letter_url: None, path: night.path("queue.db") };
    let queue = Queue::open(&settings).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        for (table, at) in [("table_01", "01"), ("table_02", "02"), ("table_02", "03")] {
            let download_url = format!("https://h/{table}_202603{at}031500.csv?Signature=SECRET");
            let order = LoadOrder { download_url, table: table.to_owned(), s3: None, kind: ExportKind::Full };
            queue.send(&order).await.unwrap();
        }
        let taken = queue.receive(1, Duration::ZERO).await.unwrap();
        let error = csl_stream::Error::access("the export is gone").help("ask for a new one");
        queue.bury(&taken[0], &Reason::of(&error)).await.unwrap();
    });
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value}"))
}

/// The words of a table's line on the overview.
fn line_of(html: &str, table: &str) -> String {
    let row = html.split("<tr>").skip(1).find(|row| row.contains(&format!("href=\"/tables/{table}\"")));
    words(row.unwrap_or_else(|| panic!("no {table}")))
}

#[test]
fn a_night_of_all_kinds_of_ends() {
    let night = Night::played();
    queue(&night);
    let server = Server::start(night.dir(), &[]);
    let (html, overview) = (server.page("/"), server.json("/api/overview"));
    let loads = night.loads();
    assert_eq!(loads.len(), 2 * TABLES);
    let tables = overview["tables"].as_array().unwrap();
    assert_eq!(tables.len(), TABLES);
    for (at, table) in tables.iter().enumerate() {
        let name = name_of(at);
        assert_eq!(table["table"], name.as_str());
        let own: Vec<&Value> = loads.iter().filter(|load| load["table"] == name.as_str()).collect();
        let newest_loaded = own.iter().find(|load| load["status"] == "succeeded").unwrap();
        assert_eq!(table["rows"], newest_loaded["rows"]["loaded"], "{name}");
        assert_eq!(table["last"]["load_id"], own[0]["load_id"], "{name}");
        let word = match end_of(at) {
            End::Failed => "failed",
            // All of it is old: of 2026, and worse than what was rejected.
            _ => table["state"]["word"].as_str().unwrap(),
        };
        let line = line_of(&html, &name);
        let rows = count(number(&table["rows"]));
        assert!(line.contains(&format!("{word} {name}")), "{line}");
        assert!(line.contains(&format!(" old {rows} ")), "{line}");
        assert!(line.contains(own[0]["started"].as_str().unwrap()), "{line}");
        table_page(&server, &name, &own);
        nights(table, &own);
    }
    needs(&overview);
    // What was given up is not in its table, which is not fine then.
    assert_eq!(tables[1]["state"]["word"], "dead letters");
    let failed = (0..TABLES).filter(|at| end_of(*at) == End::Failed).count();
    assert!(
        words(&html).contains(&format!("{TABLES} tables: 1 with dead letters, {failed} failed, ")),
        "{html}"
    );
    let of_table = server.json("/api/tables/table_01");
    assert_eq!(of_table["needs"][0]["command"], "csl-stream dead-letters redrive 1", "{of_table:#}");
    for load in &loads {
        load_page(&server, &night, load);
    }
    queue_page(&server, &night);
    assert!(!html.contains(SOMEBODY));
}

/// The last of the thirty nights is today's, and has both loads.
fn nights(table: &Value, own: &[&Value]) {
    let nights = table["nights"].as_array().unwrap();
    assert_eq!(nights.len(), 30);
    // The test may run over midnight.
    let sum = |what: &str| nights.iter().map(|night| number(&night[what])).sum::<u64>();
    let of = |what: &str| own.iter().map(|load| number(&load["rows"][what])).sum::<u64>();
    assert_eq!((sum("loads"), sum("rows"), sum("rejected")), (2, of("loaded"), of("rejected")), "{table}");
    assert_eq!(sum("failed"), own.iter().filter(|load| load["status"] == "failed").count() as u64);
}

fn needs(overview: &Value) {
    let needs = overview["needs"].as_array().unwrap();
    let failed = (0..TABLES).filter(|at| end_of(*at) == End::Failed).count();
    let bad: Vec<&Value> = needs.iter().filter(|need| need["tone"] == "bad").collect();
    assert_eq!(bad.len(), failed + 1, "the failed ones and the dead letter");
    assert!(needs[..bad.len()].iter().all(|need| need["tone"] == "bad"), "the worst first");
    assert!(needs.iter().all(|need| need["command"].as_str().unwrap().starts_with("csl-stream ")));
    let dead = needs.iter().find(|need| need["what"] == "1 message of table_01 could not be loaded").unwrap();
    assert_eq!(dead["command"], "csl-stream dead-letters redrive 1");
    let is_as_before = |need: &&Value| need["why"].as_str().unwrap().contains("The table is as before");
    assert_eq!(bad.iter().filter(|need| is_as_before(need)).count(), failed);
    assert_eq!(bad.iter().filter(|need| need["is_in_queue"] == true).count(), 1);
    assert!(dead["why"].as_str().unwrap().contains("the export is gone; ask for a new one"));
    // All exports are of March 2026, so every table is old; and some is told in a number alone.
    let all = needs.len() as u64 + number(&overview["needs_more"]);
    let looks = (0..TABLES).map(|at| match end_of(at) {
        End::Fine => 1,
        _ => 2,
    });
    assert_eq!(all, looks.sum::<u64>() + 1, "{overview:#}");
}

fn table_page(server: &Server, name: &str, own: &[&Value]) {
    let html = server.page(&format!("/tables/{name}"));
    let page = server.json(&format!("/api/tables/{name}"));
    assert_eq!(number(&page["loads_in_all"]), own.len() as u64);
    for (line, load) in page["loads"].as_array().unwrap().iter().zip(own) {
        assert_eq!((&line["load_id"], &line["loaded"]), (&load["load_id"], &load["rows"]["loaded"]));
        assert_eq!(line["rejected"], load["rows"]["rejected"]);
    }
    let current = page["versions"].as_array().unwrap().iter().filter(|version| version["is_current"] == true);
    assert_eq!(current.map(|version| &version["rows"]).collect::<Vec<_>>(), [&page["line"]["rows"]]);
    let text = words(&html);
    for load in own {
        let (loaded, rejected) = (number(&load["rows"]["loaded"]), number(&load["rows"]["rejected"]));
        let cells = format!("full {} {} ", count(loaded), count(rejected));
        assert!(text.contains(&cells), "{cells}: {text}");
    }
    if page["drift"].as_array().unwrap().is_empty() {
        assert!(!text.contains("drift"), "{text}");
    } else {
        assert!(
            text.contains("column \"email\" is empty in every row")
                || text.contains("column \"email\" is NULL in every row"),
            "{text}"
        );
    }
    assert!(!html.contains(SOMEBODY) && !html.contains("1971-02"), "{html}");
}

fn load_page(server: &Server, night: &Night, load: &Value) {
    let id = load["load_id"].as_str().unwrap();
    let shown = night.json(&["loads", "show", id, "--json"]);
    let report = &shown["report"];
    let html = server.page(&format!("/loads/{id}"));
    let rows = &report["rows"];
    let cells = words(between(&html, "<dl class=\"facts numbers\">", "</dl>"));
    let staged: u64 = report["files"].as_array().unwrap().iter().map(|file| number(&file["rows"])).sum();
    let expected = format!(
        "Read {} Accepted {} Rejected {} In its files {} Loaded {} Kept from before {} Values cut {}",
        count(number(&rows["read"])),
        count(number(&rows["accepted"])),
        count(number(&rows["rejected"])),
        count(staged),
        count(number(&rows["loaded"])),
        count(number(&rows["carried_over"])),
        count(number(&rows["truncated_values"])),
    );
    assert_eq!(cells, expected);
    let text = words(&html);
    assert_eq!(text.contains("the counts agree"), report["status"] == "succeeded");
    assert!(text.contains(report["source"]["uri"].as_str().unwrap()), "{text}");
    assert!(text.contains(&size(number(&report["source"]["bytes"]))), "{text}");
    for file in report["files"].as_array().unwrap() {
        assert!(text.contains(file["uri"].as_str().unwrap()), "{text}");
    }
    let page = server.json(&format!("/api/loads/{id}"));
    let faults: u64 = page["rejects"].as_array().unwrap().iter().map(|one| number(&one["faults"])).sum();
    assert_eq!(faults, report["rejects"]["first"].as_array().unwrap().len() as u64);
    assert_eq!(page["seconds"], report["seconds"]["total"]);
    assert_bars(&page, report);
    let downloaded = server.get(&format!("/api/loads/{id}/report"));
    assert!(downloaded.header("content-disposition").contains(id));
    assert_eq!(downloaded.json()["rows"], *rows);
    for text in [&html, &downloaded.body, &page.to_string()] {
        assert!(!text.contains(SOMEBODY) && !text.contains("1971-02"), "{text}");
    }
}

fn queue_page(server: &Server, night: &Night) {
    let letters = night.json(&["dead-letters", "list", "--json"]);
    let (html, page) = (server.page("/queue"), server.json("/api/queue"));
    assert_eq!((number(&page["waiting"]), number(&page["taken"]), number(&page["dead"])), (2, 0, 1));
    assert_eq!(page["lanes"][0]["table"], "table_02");
    assert_eq!(number(&page["lanes"][0]["waiting"]), 2);
    for field in ["id", "table", "kind", "export", "reason", "exit_code", "tries", "died_at"] {
        assert_eq!(page["letters"][0][field], letters[0][field], "{field}");
    }
    let text = words(&html);
    assert!(text.contains("Waiting 2 Taken 0 ") && text.contains("Dead letters 1 "), "{text}");
    assert!(text.contains("csl-stream dead-letters redrive 1"), "{text}");
    assert!(!html.contains("SECRET") && !html.contains("<form"), "no button without a token: {html}");
}
