//! Rejects that stay: where they are, how long, and how mended ones come into the table.

use super::{Answer, BACKFILL, BAD, Place};
use std::path::Path;
use std::time::SystemTime;

/// A load that leaves one record out.
const TOLERANT: &[&str] = &["backfill", "--table", "t", "--max-rejects", "1"];
const ID: &str = "018df74f-8400-7abc-8def-0123456789ab";
const REASON: &str =
    "{\"record\":1,\"line\":2,\"byte\":8,\"column\":\"id\",\"rule\":\"integer\",\"value\":\"x\"}\n";

/// A place whose full export has a bad record, and whose rejects go into the folder `kept`.
fn bad_night() -> Place {
    let place = Place::new();
    place.write("exports/full/t/20260301/t_20260301031500.csv", BAD);
    place.write("csl-stream.toml", "[load]\nrejects = \"kept/here\"\n");
    place
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The name of the only file of rejected records in the folder.
fn records(place: &Place) -> String {
    let found = names(&place.path("kept/here"));
    let records: Vec<_> = found.iter().filter(|name| name.ends_with(".rejects.csv")).collect();
    let [records] = records[..] else { panic!("{found:?}") };
    format!("kept/here/{records}")
}

fn ids(place: &Place) -> String {
    let answer = place.run(&["query", "select id from t order by id", "--format", "csv"]);
    answer.out.lines().skip(1).collect::<Vec<_>>().join(" ")
}

/// Loads one file that was named, and what else is given.
fn load(place: &Place, file: &str, more: &[&str]) -> Answer {
    place.run(&[&["backfill", "--table", "t", "--json", "--export", file], more].concat())
}

fn mend(place: &Place, records: &str, bad: &str, good: &str) {
    let text = std::fs::read_to_string(place.path(records)).unwrap();
    std::fs::write(place.path(records), text.replace(bad, good)).unwrap();
}

#[test]
fn they_go_where_the_configuration_says_under_the_loads_name() {
    let place = bad_night();
    let failed = place.run(BACKFILL);
    assert_eq!(failed.code, Some(5), "{failed:?}");
    let first = records(&place);
    assert!(failed.err.contains(&format!("see {first} and its .jsonl")), "{failed:?}");
    std::fs::remove_dir_all(place.path("kept")).unwrap();

    let answer = place.run(TOLERANT);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    let second = records(&place);
    let id = second.strip_prefix("kept/here/t-").unwrap().strip_suffix(".rejects.csv").unwrap();
    assert_eq!(
        names(&place.path("kept/here")),
        [format!("t-{id}.rejects.csv"), format!("t-{id}.rejects.jsonl")]
    );
    assert_eq!(std::fs::read_to_string(place.path(&second)).unwrap(), "id,name\nx,b\n");
    let shown = place.run(&["loads", "show", id]);
    assert!(shown.out.contains(&format!("rejected records: {second}")), "{shown:?}");
    assert_eq!(names(&place.path(".")).iter().filter(|name| name.contains("rejects")).count(), 0);
}

/// What is as old as can be, and only our own pairs go.
#[test]
fn old_pairs_are_swept_and_nothing_else() {
    let place = bad_night();
    let old = |name: &str, text: &str| {
        place.write(&format!("kept/here/{name}"), text);
        let file =
            std::fs::File::options().write(true).open(place.path(&format!("kept/here/{name}"))).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    };
    let id = |last: u32| format!("018df74f-8400-7abc-8def-{last:012}");
    let named = |table: &str, last: u32, ending: &str| format!("{table}-{}.rejects.{ending}", id(last));
    let swept = [
        (named("t", 1, "csv"), "id,name\nx,b\n"),
        (named("t", 1, "jsonl"), REASON),
        (named("petitions", 2, "csv"), "id\nx\n"),
        (named("petitions", 2, "jsonl"), REASON),
        // A sweep that was broken off.
        (named("t", 3, "jsonl"), REASON),
    ];
    let kept = [
        // Records alone, reasons that are not ours, names that are not ours.
        (named("t", 10, "csv"), "id,name\n"),
        (named("t", 11, "csv"), "id,name\n"),
        (named("t", 11, "jsonl"), "{\"mine\": 1}\n"),
        (named("t", 12, "jsonl"), ""),
        ("t-rejects.jsonl".to_owned(), REASON),
        ("notes.rejects.csv".to_owned(), "mine"),
        ("notes.rejects.jsonl".to_owned(), REASON),
        (format!("t-{}.rejects.jsonl", ID.to_uppercase()), REASON),
        (format!("t-{ID}.rejects.jsonl.bak"), REASON),
        (format!("t-{ID}.jsonl"), REASON),
        (named("t", 13, "csv.gz"), "packed"),
        (format!("deep/{}", named("t", 14, "jsonl")), REASON),
        // Somebody mends these.
        (named("t", 15, "jsonl"), REASON),
    ];
    swept.iter().chain(&kept).for_each(|(name, text)| old(name, text));
    place.write(&format!("kept/here/{}", named("t", 15, "csv")), "id,name\n1,mended\n");
    std::fs::create_dir_all(place.path(&format!("kept/here/{}", named("t", 16, "jsonl")))).unwrap();
    old("elsewhere", REASON);
    #[cfg(unix)]
    std::os::unix::fs::symlink("elsewhere", place.path(&format!("kept/here/{}", named("t", 17, "jsonl"))))
        .unwrap();

    let run = |days: &str| {
        let mut command = place.command(&[TOLERANT, &["--again"]].concat());
        assert!(command.env("CSL_LOAD_REJECTS_DAYS", days).output().unwrap().status.success());
    };
    let there = |name: &str| std::fs::symlink_metadata(place.path(&format!("kept/here/{name}"))).is_ok();
    run("0");
    run("40000");
    assert!(swept.iter().all(|(name, _)| there(name)), "not old enough");
    run("7");
    for (name, _) in &swept {
        assert!(!there(name), "{name} is swept");
    }
    let more =
        [named("t", 15, "csv"), named("t", 16, "jsonl"), named("t", 17, "jsonl"), "elsewhere".to_owned()];
    for name in kept.iter().map(|(name, _)| name).chain(&more) {
        assert!(there(name) || (name == &more[2] && !cfg!(unix)), "{name} stays");
    }
    // And those of the three loads themselves.
    let ours = names(&place.path("kept/here"));
    assert_eq!(
        ours.iter()
            .filter(|name| name.starts_with("t-0") && !name[2..].to_lowercase().starts_with("018df74f"))
            .count(),
        6
    );
}

#[test]
fn mended_rejects_are_added_to_the_table_once() {
    let place = bad_night();
    assert_eq!(place.run(TOLERANT).code, Some(0));
    assert_eq!(ids(&place), "1 3");
    let records = records(&place);

    let refused = load(&place, &records, &["--kind", "full"]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.err.contains("they would replace the table"), "{refused:?}");
    let other = place.run(&["backfill", "--table", "u", "--export", &records]);
    assert!(matches!(other.code, Some(2 | 4)), "{other:?}");
    // Before they are mended they are rejected once more.
    assert_eq!(load(&place, &records, &[]).code, Some(5));
    assert_eq!(ids(&place), "1 3");

    mend(&place, &records, "x,b", "2,b");
    let report = load(&place, &records, &[]).json();
    assert_eq!(
        (&report["status"], &report["kind"]),
        (&"succeeded".into(), &"incremental".into()),
        "{report}"
    );
    assert_eq!(ids(&place), "1 2 3");
    let again = load(&place, &records, &[]).json();
    assert_eq!(again["status"], "skipped", "{again}");
    assert_eq!(ids(&place), "1 2 3");
}

/// Rows that a full export lacked are of that export: a newer one makes them needless, an older one does not.
#[test]
fn a_newer_full_export_makes_rejects_needless() {
    for (newer, expected, table) in [
        ("20260301021500", "succeeded", "1 2 3"),
        ("20260301041500", "skipped", "7 8"),
        ("20260302031500", "skipped", "7 8"),
    ] {
        let place = bad_night();
        assert_eq!(place.run(TOLERANT).code, Some(0));
        let records = records(&place);
        place.write(&format!("exports/full/t/{}/t_{newer}.csv", &newer[..8]), "id,name\n7,x\n8,y\n");
        let other = place.run(&[
            "backfill",
            "--table",
            "t",
            "--export",
            &format!("exports/full/t/{}/t_{newer}.csv", &newer[..8]),
        ]);
        assert_eq!(other.code, Some(0), "{other:?}");
        mend(&place, &records, "x,b", "2,b");
        let report = load(&place, &records, &[]).json();
        assert_eq!(
            (report["status"].as_str(), ids(&place).as_str()),
            (Some(expected), table),
            "{newer}: {report}"
        );
    }
}

/// Those of an incremental export belong to that one, and stay when the full export of the same night comes.
#[test]
fn rejects_of_an_incremental_export_go_by_its_time() {
    let place = bad_night();
    place.write("exports/full/t/20260301/t_20260301031500.csv", "id,name\n1,a\n3,c\n");
    assert_eq!(place.run(BACKFILL).code, Some(0));
    place.write("exports/incremental/t/20260301/t_20260301040000.csv", "id,name\n5,e\nx,b\n");
    let incremental = "exports/incremental/t/20260301/t_20260301040000.csv";
    assert_eq!(load(&place, incremental, &["--max-rejects", "1"]).code, Some(0));
    let records = records(&place);
    mend(&place, &records, "x,b", "6,b");
    assert_eq!(load(&place, &records, &[]).json()["status"], "succeeded");
    assert_eq!(ids(&place), "1 3 5 6");
    // A full export that may lack both keeps both; one that has them by its time has the last word.
    for (at, table) in [("20260301050000", "1 3 5 6"), ("20260303031500", "1 3")] {
        place.write(&format!("exports/full/t/{}/t_{at}.csv", &at[..8]), "id,name\n1,a\n3,c\n");
        let answer = place.run(&[BACKFILL, &["--allow-shrink"]].concat());
        assert_eq!((answer.code, ids(&place).as_str()), (Some(0), table), "{at}: {answer:?}");
    }
}

/// Nobody knows the load any more: another warehouse, a copy of the file. They are rows to add all the same.
#[test]
fn rejects_of_an_unknown_load_are_rows_to_add() {
    let place = Place::new();
    assert_eq!(place.run(BACKFILL).code, Some(0));
    for (name, id) in [(format!("t-{ID}.rejects.csv"), 21), ("mended.rejects.csv".to_owned(), 22)] {
        place.write(&name, &format!("id,name\n{id},x\n"));
        let report = load(&place, &name, &[]).json();
        assert_eq!(
            (&report["status"], &report["kind"]),
            (&"succeeded".into(), &"incremental".into()),
            "{report}"
        );
        let refused = load(&place, &name, &["--kind", "full", "--again"]);
        assert_eq!(refused.code, Some(2), "{refused:?}");
    }
    assert_eq!(ids(&place), "1 2 3 4 21 22");
}

/// A sound load whose rejects would be lost is none.
#[test]
fn a_load_whose_rejects_cannot_be_kept_leaves_the_table() {
    let place = Place::new();
    assert_eq!(place.run(BACKFILL).code, Some(0));
    place.write("exports/full/t/20260302/t_20260302031500.csv", BAD);
    place.write("csl-stream.toml", "[load]\nrejects = \"schema.json/kept\"\n");
    let failed = place.run(TOLERANT);
    assert_eq!(failed.code, Some(1), "{failed:?}");
    assert!(failed.err.contains("cannot write the rejects"), "{failed:?}");
    assert_eq!(ids(&place), "1 2 3 4");
}

/// What the program needs to reach this S3.
#[cfg(feature = "aws")]
fn in_s3(place: &Place, server: &crate::server::S3Server, words: &[&str]) -> Answer {
    let mut command = place.command(words);
    command.env("AWS_ENDPOINT_URL", server.endpoint()).env("AWS_REGION", "us-east-1");
    command.env("AWS_ACCESS_KEY_ID", "AKIDTEST").env("AWS_SECRET_ACCESS_KEY", "secret");
    command.env("AWS_EC2_METADATA_DISABLED", "true");
    Answer::of(command.output().unwrap())
}

#[cfg(feature = "aws")]
#[test]
fn in_s3_they_are_whole_or_the_load_leaves_the_table() {
    use crate::server::{Fault, Kind, S3Server};
    let (place, server) = (Place::new(), S3Server::start());
    assert_eq!(place.run(BACKFILL).code, Some(0));
    place.write("exports/full/t/20260302/t_20260302031500.csv", BAD);
    place.write("csl-stream.toml", "[load]\nrejects = \"s3://kept/r\"\n");
    for (status, code) in [(403, 3), (503, 7)] {
        server.fault(Fault::Answer { kind: Kind::Put, status, times: 999 });
        let failed = in_s3(&place, &server, TOLERANT);
        assert_eq!(failed.code, Some(code), "{failed:?}");
        assert!(failed.err.contains("cannot write the rejects"), "{failed:?}");
        // A load that fails anyway says so first, and names no place where there is nothing.
        let refused = in_s3(&place, &server, BACKFILL);
        assert_eq!(refused.code, Some(5), "{refused:?}");
        assert!(!refused.err.contains("see s3://"), "{refused:?}");
        server.clear_faults();
        assert_eq!((ids(&place).as_str(), server.names().len()), ("1 2 3 4", 0));
    }
    for (name, text) in [
        (format!("kept/r/petitions-{ID}.rejects.csv"), "id\nx\n"),
        (format!("kept/r/petitions-{ID}.rejects.jsonl"), REASON),
        (format!("kept/r/u-{ID}.rejects.csv"), "id\nx\n"),
        (format!("kept/r/u-{ID}.rejects.jsonl"), "mine\n"),
        (format!("kept/r/v-{ID}.rejects.jsonl"), ""),
        (format!("kept/r/deep/t-{ID}.rejects.jsonl"), REASON),
        (format!("kept/t-{ID}.rejects.jsonl"), REASON),
    ] {
        server.put_old(&name, text.to_owned());
    }
    let answer = in_s3(&place, &server, &[TOLERANT, &["--json"]].concat());
    let report = answer.json();
    let uri = report["rejects"]["uri"].as_str().unwrap();
    let load_id = report["load_id"].as_str().unwrap();
    assert_eq!(uri, format!("s3://kept/r/t-{load_id}.rejects.csv"));
    let mut left = [
        uri.strip_prefix("s3://").unwrap().to_owned(),
        format!("kept/r/t-{load_id}.rejects.jsonl"),
        format!("kept/r/u-{ID}.rejects.csv"),
        format!("kept/r/u-{ID}.rejects.jsonl"),
        format!("kept/r/v-{ID}.rejects.jsonl"),
        format!("kept/r/deep/t-{ID}.rejects.jsonl"),
        format!("kept/t-{ID}.rejects.jsonl"),
    ];
    left.sort();
    assert_eq!(server.names(), left);
    assert_eq!(
        server.get(&left.iter().find(|name| name.contains(load_id)).unwrap().clone()).unwrap(),
        "id,name\nx,b\n"
    );
}
