//! The path of a load into the local warehouse, stage by stage, from its report to its page.

use crate::night::Night;
use crate::run::said;
#[cfg(feature = "serve")]
use crate::stages::assert_bars;
use crate::stages::{STAGES, assert_whole_path};
use serde_json::Value;

fn report_of(night: &Night, id: &str) -> Value {
    night.json(&["loads", "show", id, "--json"])["report"].clone()
}

#[test]
fn a_load_says_when_each_stage_began_and_ended() {
    let night = Night::empty(1);
    let folder = night.path("exports/full/table_00/20260301");
    std::fs::create_dir_all(&folder).unwrap();
    let rows: String = (0..50_000).map(|row| format!("{row},1971-02-03,x\n")).collect();
    std::fs::write(folder.join("table_00_20260301031500.csv"), format!("id,born,email\n{rows}")).unwrap();
    let load = ["backfill", "--table", "table_00", "--kind", "full", "--exports", "exports", "--json"];
    let told = night.json(&load);
    assert_whole_path(&told);
    let id = told["load_id"].as_str().unwrap();
    assert_eq!(report_of(&night, id)["stages"], told["stages"], "the ledger has the same");
    #[cfg(feature = "serve")]
    {
        let server = crate::server::Server::start(night.dir(), &[]);
        assert_bars(&server.json(&format!("/api/loads/{id}")), &told);
        let html = server.page(&format!("/loads/{id}"));
        assert_eq!(html.matches("class=\"waterfall\"").count(), STAGES.len(), "{html}");
        assert!(html.contains("Reading, converting and staging overlap"), "{html}");
        assert_eq!(server.json(&format!("/api/loads/{id}/report"))["stages"], told["stages"]);
    }
    for name in ["page.html", "page.md"] {
        let output = night.run(&["loads", "show", id, "--html", name]);
        assert!(output.status.success(), "{}", said(&output));
        let page = std::fs::read_to_string(night.path(name)).unwrap();
        for stage in STAGES {
            assert!(page.contains(&format!("{stage}: ")), "{stage} in {page}");
        }
    }
    // What is in the table already is looked for, and no more.
    let skipped = night.json(&load);
    assert_eq!(skipped["status"], "skipped");
    let stages = skipped["stages"].as_object().unwrap();
    assert_eq!(stages.keys().collect::<Vec<_>>(), ["find"], "{skipped:#}");
}

#[test]
fn a_load_that_failed_has_the_stages_that_it_came_to() {
    let night = Night::empty(1);
    std::fs::write(night.path("t.csv"), "id,born,email\nx,1971-02-03,x\n").unwrap();
    let load = ["backfill", "--table", "table_00", "--kind", "full", "--export", "t.csv", "--json"];
    let output = night.run(&load);
    assert_eq!(output.status.code(), Some(5), "{}", said(&output));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let stages = told["stages"].as_object().unwrap();
    let came: Vec<&str> = STAGES.into_iter().filter(|stage| stages.contains_key(*stage)).collect();
    assert_eq!(came, ["find", "read", "convert", "stage"], "{told:#}");
}
