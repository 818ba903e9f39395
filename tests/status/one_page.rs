//! A load as one file, for mails and tickets.

use crate::night::{Night, SOMEBODY};
use crate::run::said;

fn export(night: &Night, rows: usize) {
    let mut csv = "id,born,email\n".to_owned();
    for row in 0..rows {
        csv += &format!("{row},1971-02-03,{SOMEBODY}\n");
    }
    csv += &format!("{SOMEBODY},1971-02-03,x\n");
    std::fs::write(night.path("t.csv"), csv).unwrap();
}

const LOAD: [&str; 10] = [
    "backfill",
    "--table",
    "table_00",
    "--kind",
    "full",
    "--export",
    "t.csv",
    "--max-rejects",
    "1",
    "--again",
];

#[test]
fn a_load_is_one_page_that_refers_to_nothing() {
    let night = Night::empty(1);
    export(&night, 1234);
    for name in ["page.html", "page.md"] {
        let output = night.run(&[&LOAD[..], &["--report", name]].concat());
        assert!(output.status.success(), "{}", said(&output));
        let page = std::fs::read_to_string(night.path(name)).unwrap();
        assert!(page.contains("1,235 read = 1,234 accepted + 1 rejected"), "{page}");
        assert!(page.contains("1,234 accepted = 1,234 loaded"), "{page}");
        assert!(!page.contains(SOMEBODY) && !page.contains("1971-02"), "no value: {page}");
        for elsewhere in ["http:", "https:", "href=", "src=", "url(", "@import", "<script"] {
            assert!(!page.contains(elsewhere), "{elsewhere} in {page}");
        }
        // From the ledger the same.
        let id = night.json(&["loads", "list", "--json", "--limit", "1"])[0]["load_id"]
            .as_str()
            .unwrap()
            .to_owned();
        let shown = format!("shown-{name}");
        let output = night.run(&["loads", "show", &id, "--html", &shown]);
        assert!(output.status.success(), "{}", said(&output));
        let shown = std::fs::read_to_string(night.path(&shown)).unwrap();
        assert!(shown.contains("1,235 read = 1,234 accepted + 1 rejected") && shown.contains(&id), "{shown}");
        assert!(page.contains(&id), "{page}");
        // The next run replaces it, and nothing of a longer one stays.
        export(&night, 700);
        let output = night.run(&[&LOAD[..], &["--report", name]].concat());
        assert!(output.status.success(), "{}", said(&output));
        let page = std::fs::read_to_string(night.path(name)).unwrap();
        assert!(
            page.contains("701 read = 700 accepted + 1 rejected") && !page.contains("1,235 read"),
            "{page}"
        );
        export(&night, 1234);
    }
}

#[test]
fn only_a_page_of_ours_is_replaced() {
    let night = Night::empty(1);
    export(&night, 1);
    for name in ["mine.html", "mine.md"] {
        std::fs::write(night.path(name), "<!doctype html>\n<p>mine</p>\n").unwrap();
        let output = night.run(&[&LOAD[..], &["--report", name]].concat());
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(std::fs::read_to_string(night.path(name)).unwrap().contains("mine"));
    }
    let output = night.run(&LOAD);
    assert!(output.status.success(), "{}", said(&output));
    let id = night.json(&["loads", "list", "--json"])[0]["load_id"].as_str().unwrap().to_owned();
    for name in ["mine.html", "page.json"] {
        let output = night.run(&["loads", "show", &id, "--html", name]);
        assert_eq!(output.status.code(), Some(2), "{name}: {}", said(&output));
    }
}

#[test]
fn several_loads_are_pages_of_one_file() {
    let night = Night::empty(2);
    for table in ["table_00", "table_01"] {
        let folder = night.path(&format!("exports/full/{table}/20260301"));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{table}_20260301031500.csv")), "id,born,email\n1,1971-02-03,x\n")
            .unwrap();
    }
    let output = night.run(&["backfill", "--all", "--exports", "exports", "--report", "all.html"]);
    assert!(output.status.success(), "{}", said(&output));
    let page = std::fs::read_to_string(night.path("all.html")).unwrap();
    assert_eq!(page.matches("<h1>").count(), 2, "{page}");
    assert_eq!(page.matches("<!doctype html>").count(), 1);
    let ids: Vec<&str> = page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let mut each: Vec<&str> = ids.clone();
    each.sort_unstable();
    each.dedup();
    assert_eq!(each.len(), ids.len(), "{ids:?}");
}
