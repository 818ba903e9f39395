//! Incremental exports come in rows: all that the table lacks are loaded, oldest first.

use super::{Answer, BACKFILL, Place};

const INCREMENTAL: &[&str] = &["backfill", "--table", "t", "--kind", "incremental"];

fn incremental(more: &[&'static str]) -> Vec<&'static str> {
    [INCREMENTAL, more].concat()
}

/// An incremental export of this time that brings one row.
fn put(place: &Place, at: &str, row: &str) {
    place.write(&format!("exports/incremental/t/{}/t_{at}.csv", &at[..8]), &format!("id,name\n{row}\n"));
}

/// A full export of 03:15 with the ids 1 to 4, and four incremental ones: the first is covered by the full one,
/// the second lies in its window.
fn night() -> Place {
    let place = Place::new();
    for (at, row) in [
        ("20260228120000", "10,x"),
        ("20260301020000", "11,b"),
        ("20260301040000", "12,c"),
        ("20260302050000", "13,d"),
    ] {
        put(&place, at, row);
    }
    assert_eq!(place.run(BACKFILL).code, Some(0));
    place
}

fn ids(place: &Place) -> String {
    let answer = place.run(&["query", "select id from t order by id", "--format", "csv"]);
    answer.out.lines().skip(1).collect::<Vec<_>>().join(" ")
}

fn sources(place: &Place, status: &str) -> Vec<String> {
    let loads = place.run(&["loads", "list", "--json"]).json();
    let of = loads.as_array().unwrap().iter().filter(|load| load["status"] == status);
    let names = of.map(|load| load["source"].as_str().unwrap().rsplit('/').next().unwrap().to_owned());
    names.collect::<Vec<_>>().into_iter().rev().collect()
}

fn reports(text: &str) -> Vec<serde_json::Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn all_that_the_table_lacks_are_loaded_oldest_first() {
    let place = night();
    let answer = place.run(&incremental(&["--report", "report.jsonl"]));
    assert_eq!(answer.code, Some(0), "{answer:?}");
    let last = answer.out.lines().last().unwrap();
    let expected = "t: 3 exports loaded, 0 were loaded already, 1 was covered by the full export";
    assert_eq!(last, expected, "{answer:?}");
    assert_eq!(ids(&place), "1 2 3 4 11 12 13");
    let loaded =
        ["t_20260301031500.csv", "t_20260301020000.csv", "t_20260301040000.csv", "t_20260302050000.csv"];
    assert_eq!(sources(&place, "succeeded"), loaded);
    // A report of each, one line each, in the file and on stdout.
    let written = std::fs::read_to_string(place.path("report.jsonl")).unwrap();
    assert_eq!(reports(&written).len(), 3, "{written}");

    // A later one is loaded alone; the others are not touched.
    put(&place, "20260302060000", "14,e");
    let answer = place.run(&incremental(&["--json"]));
    let loaded = reports(&answer.out);
    assert_eq!((loaded.len(), &loaded[0]["rows"]["loaded"]), (1, &1.into()), "{answer:?}");
    assert_eq!(ids(&place), "1 2 3 4 11 12 13 14");

    // Nothing is left: the newest says why it is skipped.
    let answer = place.run(&incremental(&["--json"]));
    assert_eq!((answer.code, &answer.json()["status"]), (Some(0), &"skipped".into()), "{answer:?}");
    let told = place.run(INCREMENTAL);
    assert!(told.out.contains("t: 0 exports loaded, 4 were loaded already, 1 was covered"), "{told:?}");
}

#[test]
fn the_first_failure_ends_the_row_and_says_what_is_left() {
    let place = night();
    put(&place, "20260301040000", "twelve,c");
    let answer = place.run(INCREMENTAL);
    assert_eq!(answer.code, Some(5), "{answer:?}");
    assert!(answer.err.contains("1 later export was not begun"), "{answer:?}");
    assert_eq!(ids(&place), "1 2 3 4 11", "what was loaded before it stays");
    assert_eq!(sources(&place, "failed"), ["t_20260301040000.csv"]);
    put(&place, "20260301040000", "12,c");
    let answer = place.run(INCREMENTAL);
    assert!(answer.out.contains("2 exports loaded, 1 was loaded already, 1 was covered"), "{answer:?}");
    assert_eq!(ids(&place), "1 2 3 4 11 12 13");
    // One that was copied under another name is known when it has been read.
    put(&place, "20260302070000", "13,d");
    put(&place, "20260302080000", "15,f");
    let answer = place.run(INCREMENTAL);
    assert!(answer.out.contains("1 export loaded, 4 were loaded already, 1 was covered"), "{answer:?}");
}

#[test]
fn a_plan_lists_the_row_and_flags_of_one_load_are_refused() {
    let place = night();
    let plan = ["plan", "--table", "t", "--kind", "incremental"];
    let text = place.run(&plan).out;
    assert!(
        text.contains("3 to load, oldest first; 0 loaded already, 1 covered by the full export"),
        "{text}"
    );
    let json = place.run(&[&plan[..], &["--json"]].concat()).json();
    let planned = json["incrementals"]["to_load"].as_array().unwrap();
    let times: Vec<_> = planned.iter().map(|source| source["exported_at"].as_str().unwrap()).collect();
    assert_eq!(times, ["20260301020000", "20260301040000", "20260302050000"]);
    assert_eq!((&json["action"], &json["source"]["exported_at"]), (&"load".into(), &times[0].into()));
    for flag in [&["--rejects", "r.csv"][..], &["--again"]] {
        let answer = place.run(&incremental(flag));
        assert_eq!(answer.code, Some(2), "{flag:?}: {answer:?}");
    }
    assert_eq!(ids(&place), "1 2 3 4", "nothing has changed");
    // A day's alone, and one that is named.
    assert_eq!(place.run(&incremental(&["--date", "20260302", "--rejects", "r.csv"])).code, Some(0));
    assert_eq!(ids(&place), "1 2 3 4 13");
    let named = "exports/incremental/t/20260301/t_20260301040000.csv";
    assert_eq!(place.run(&["backfill", "--table", "t", "--export", named]).code, Some(0));
    assert_eq!(ids(&place), "1 2 3 4 12 13");
}

#[test]
fn without_a_full_export_the_whole_row_is_loaded_and_one_time_is_one_export() {
    let place = Place::new();
    for at in ["20260301010000", "20260301020000"] {
        put(&place, at, &format!("{},x", &at[9..10]));
    }
    // The same export, compressed and plain.
    std::fs::copy(
        place.path("exports/incremental/t/20260301/t_20260301020000.csv"),
        place.path("exports/incremental/t/20260301/t_20260301020000.csv.gz"),
    )
    .unwrap();
    let answer = place.run(INCREMENTAL);
    assert!(answer.out.contains("t: 2 exports loaded, 0 were loaded already"), "{answer:?}");
    assert_eq!(ids(&place), "1 2");
}

#[test]
fn hours_that_an_export_takes_decide_what_is_covered() {
    for (hours, covered) in [("0", 2), ("1", 2), ("2", 1), ("24", 0)] {
        let place = night();
        let mut command = place.command(INCREMENTAL);
        command.env("CSL_LOAD_RECENT_HOURS", hours);
        let answer = Answer::of(command.output().unwrap());
        assert_eq!(answer.code, Some(0), "{hours}: {answer:?}");
        let told = format!("t: {} exports loaded, 0 were loaded already", 4 - covered);
        assert!(answer.out.contains(&told), "{hours}: {answer:?}");
    }
    let place = Place::new();
    let mut command = place.command(BACKFILL);
    let answer = Answer::of(command.env("CSL_LOAD_RECENT_HOURS", "169").output().unwrap());
    assert_eq!(answer.code, Some(2), "{answer:?}");
}

#[cfg(feature = "aws")]
#[test]
fn a_row_in_a_bucket() {
    let (place, server) = (Place::new(), super::server::S3Server::start());
    for (at, row) in [("20260301020000", "11,b"), ("20260301040000", "12,c"), ("20260302050000", "13,d")] {
        let key = format!("b/org/incremental/t/{}/t_{at}.csv", &at[..8]);
        server.put(&key, format!("id,name\n{row}\n"));
    }
    let run = || {
        let mut command = place.command(INCREMENTAL);
        command.env("CSL_EXPORTS_ROOT", "s3://b/org").env("AWS_ENDPOINT_URL", server.endpoint());
        command.env("AWS_REGION", "us-east-1").env("AWS_EC2_METADATA_DISABLED", "true");
        command.env("AWS_ACCESS_KEY_ID", "AKIDTEST").env("AWS_SECRET_ACCESS_KEY", "secret");
        Answer::of(command.output().unwrap())
    };
    let answer = run();
    assert!(answer.out.contains("t: 3 exports loaded, 0 were loaded already"), "{answer:?}");
    let answer = run();
    assert!(answer.out.contains("t: 0 exports loaded, 3 were loaded already"), "{answer:?}");
    assert_eq!(ids(&place), "11 12 13");
}
