//! The status pages over Redshift's ledger.

use crate::http::words;
use crate::server::Server;
use crate::stages::{assert_bars, assert_whole_path};
use crate::world::{NIGHT, World};

#[test]
fn the_pages_say_what_the_ledger_says() {
    let world = World::before_the_night();
    let full = world.loaded(&[]);
    world.export("incremental", "20260301090000", "2026-03-01 08:00:00", &[3, 4, 5]);
    let incremental = world.loaded(&["--kind", "incremental"]);
    let server = Server::run(world.command(&["status", "--listen", "127.0.0.1:0"]));
    // The first answer of Redshift may take longer than a page waits.
    let began = std::time::Instant::now();
    let overview = loop {
        let overview = server.json("/api/overview");
        if overview["silent"].as_array().unwrap().is_empty() {
            break overview;
        }
        assert!(began.elapsed() < crate::world::SECONDS_MAX, "{overview:#}");
    };
    let table = &overview["tables"][0];
    let rows: u64 = world.sql("SELECT count(*) FROM t").parse().unwrap();
    assert_eq!((table["table"].as_str(), table["rows"].as_u64()), (Some("t"), Some(rows)), "{table:#}");
    assert_eq!(table["last"]["load_id"], incremental["load_id"]);
    assert!(table["exported_at"].as_str().unwrap() >= NIGHT);
    for report in [&full, &incremental] {
        assert_whole_path(report);
        let id = report["load_id"].as_str().unwrap();
        let load = loop {
            let answer = server.get(&format!("/api/loads/{id}"));
            if answer.status == 200 {
                break answer.json();
            }
            assert!(answer.status == 503 && began.elapsed() < crate::world::SECONDS_MAX, "{answer:#?}");
        };
        for count in ["read", "accepted", "rejected", "loaded"] {
            assert_eq!(load["rows"][count], report["rows"][count], "{count}: {load:#}");
        }
        assert_eq!(load["rows"]["add_up"], true, "{load:#}");
        assert!(words(&server.page(&format!("/loads/{id}"))).contains("the counts agree"));
        // The ledger has no times; the report of a table's last full load is kept, and of no incremental one.
        match report["kind"].as_str() {
            Some("full") => assert_bars(&load, report),
            _ => assert_eq!(load["path"].as_array().map(Vec::len), Some(0), "{load:#}"),
        }
    }
    let page = server.json("/api/tables/t");
    assert_eq!(page["profile_of"], full["load_id"], "{page:#}");
    assert!(page["columns"].as_array().unwrap().iter().any(|column| column["name"] == "email"), "{page:#}");
    assert!(!page.to_string().contains("Ä"), "no value");
}
