//! People who are erased from a table of Redshift, from what is staged, and from what was rejected.

use crate::answer::Answer;
use crate::redshift::{At, Call};
use crate::s3::Fault;
use crate::world::{NIGHT, OLD, SECONDS_MAX, World};
use serde_json::Value;
use std::io::Write;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Hers, in two spellings; it stands in nobody else's rows.
const MARKER: &str = "marker-ann@example.org";
const SPELT: &str = " Marker-Ann@Example.org";
const ERASE: &[&str] = &["erase", "--table", "t", "--email", "MARKER-ann@example.org"];
/// Places in a run at which it is killed.
const KILLS: u32 = 12;

/// Rows of these ids; those in `hers` are the person's.
fn csv(ids: &[i64], hers: &[i64]) -> String {
    let mut csv = "email,created_at,score,params,active,petition_id,id\n".to_owned();
    for id in ids {
        let email = match hers.iter().position(|her| her == id) {
            Some(at) => if at % 2 == 0 { MARKER } else { SPELT }.to_owned(),
            None => format!("p{id}@example.org"),
        };
        csv += &format!("{email},{OLD},0.25,\"{{\"\"n\"\": {id}}}\",t,7,{id}\n");
    }
    csv
}

/// A full export, two incrementals, a reject, and all that they have staged.
fn world() -> World {
    let world = World::new();
    world.put("full", NIGHT, &csv(&[1, 2, 3], &[2]));
    world.loaded(&["--codec", "none"]);
    world.put("incremental", "20260301120000", &csv(&[4, 5], &[5]));
    world.put("incremental", "20260301130000", &(csv(&[6], &[]) + &format!("{MARKER},{OLD},0.25,,t,7,x\n")));
    let words =
        ["backfill", "--table", "t", "--kind", "incremental", "--codec", "none", "--max-rejects", "3"];
    let answer = world.run(&words);
    assert_eq!(answer.code, Some(0), "{answer:#?}");
    assert_eq!(world.ids(), "1 2 3 4 5 6");
    world
}

/// Objects that this program has made and that hold something of hers.
fn hers(world: &World) -> Vec<String> {
    let is_hers = |name: &String| {
        let text = world.s3.get(name).unwrap();
        String::from_utf8_lossy(&text).to_lowercase().contains("marker-ann")
    };
    let own = world.s3.names().into_iter().filter(|name| !name.starts_with("exports/"));
    own.filter(is_hers).collect()
}

fn all(world: &World) -> String {
    world.sql("SELECT string_agg(t::text, '|' ORDER BY id) FROM t")
}

fn others(world: &World) -> String {
    world.sql("SELECT string_agg(t::text, '|' ORDER BY id) FROM t WHERE lower(trim(email)) <> 'marker-ann@example.org'")
}

fn erased(world: &World, more: &[&str]) -> Value {
    let answer = world.run(&[ERASE, &["--json"], more].concat());
    assert_eq!(answer.code, Some(0), "{answer:#?}");
    answer.json()
}

#[test]
fn a_person_goes_out_of_the_table_and_of_s3_and_does_not_come_back() {
    let world = world();
    let (before, rows) = (hers(&world), all(&world));
    for part in ["/t/", "/rejects/"] {
        assert!(before.iter().any(|name| name.contains(part)), "{part} {before:?}");
    }
    let objects = world.s3.names();
    let planned = erased(&world, &["--dry-run"]);
    assert_eq!((&planned["rows"], world.s3.names(), all(&world)), (&2.into(), objects, rows));
    assert_eq!(world.sql("SELECT count(*) FROM csl_stream_erased"), "0");
    let left = others(&world);
    let outcome = erased(&world, &[]);
    assert_eq!((&outcome["rows"], &outcome["rows_left"]), (&2.into(), &4.into()), "{outcome}");
    assert_eq!((world.ids().as_str(), all(&world)), ("1 3 4 6", left));
    assert_eq!(hers(&world), [""; 0], "of {before:?}");
    assert_eq!(world.objects("stage/csl/_profiles"), [""; 0], "figures of the last full load are gone");
    let id = outcome["erase_id"].as_str().unwrap();
    let row = world.sql(&format!(
        "SELECT kind, source_uri, rows_read, rows_accepted, rows_loaded, rows_carried_over FROM csl_stream_loads WHERE load_id = '{id}'"
    ));
    assert_eq!(row, "incremental|csl-stream erase|2|0|0|0");
    let marks = world.sql("SELECT table_name, column_name, length(hash), erase_id FROM csl_stream_erased");
    assert_eq!(marks, format!("t|email|64|{id}"));
    assert!(!world.sql("SELECT * FROM csl_stream_erased").contains("ann"));
    // Again, and an older export, and a newer one in which ControlShift still has her.
    assert_eq!(erased(&world, &[])["rows"], 0);
    assert_eq!(world.sql("SELECT count(*) FROM csl_stream_erased"), "1", "one mark for her");
    let again = world.loaded(&[
        "--kind",
        "incremental",
        "--export",
        "s3://exports/org/incremental/t/20260301/t_20260301120000.csv",
        "--again",
    ]);
    assert_eq!((&again["rows"]["erased"], &again["rows"]["loaded"]), (&1.into(), &0.into()), "{again}");
    let older = world.loaded(&["--date", "20260301", "--again"]);
    assert_eq!((&older["rows"]["erased"], &older["rows"]["accepted"]), (&1.into(), &2.into()), "{older}");
    world.put("full", "20260302031500", &csv(&[1, 2, 3, 4, 5, 6], &[2, 5]));
    let newer = world.loaded(&[]);
    assert_eq!((&newer["rows"]["erased"], &newer["rows"]["loaded"]), (&2.into(), &4.into()), "{newer}");
    assert_eq!((world.ids().as_str(), hers(&world)), ("1 3 4 6", Vec::new()));
    let verified = world.run(&[
        "verify",
        "--table",
        "t",
        "--export",
        "s3://exports/org/full/t/20260302/t_20260302031500.csv",
    ]);
    assert_eq!(verified.code, Some(0), "{verified:#?}");
}

#[test]
fn by_ids_in_a_table_without_marks_before() {
    let world = World::without_ledger();
    world.sql("INSERT INTO t (id, email) VALUES (1, 'a'), (2, 'b'), (3, NULL)");
    let answer = world.run(&["erase", "--table", "t", "--id", "2,3", "--json"]);
    assert_eq!((answer.code, &answer.json()["rows"]), (Some(0), &2.into()), "{answer:#?}");
    assert_eq!(
        (world.ids().as_str(), world.sql("SELECT count(*) FROM csl_stream_erased").as_str()),
        ("1", "2")
    );
    for (words, code, part) in [
        (&["--id", "2", "--table", "u"][..], 4, "no table"),
        (&["--email", "a@b", "--email-column", "mail", "--table", "t"], 2, "no column"),
        (&["--email", "a@b", "--email-column", "Email", "--table", "t"], 2, "no column"),
    ] {
        let answer = world.run(&[&["erase"], words].concat());
        assert_eq!(answer.code, Some(code), "{words:?}: {answer:#?}");
        assert!(answer.err.contains(part), "{words:?}: {answer:#?}");
    }
}

/// Who may not remember her must not erase her; who may not read who was erased must not load.
#[test]
fn without_a_grant_nothing_is_done() {
    let world = world();
    world.sql(&format!("REVOKE INSERT ON csl_stream_erased FROM {}", world.loader()));
    let rows = all(&world);
    let answer = world.run(ERASE);
    assert_eq!((answer.code, all(&world)), (Some(3), rows), "{answer:#?}");
    world.sql(&format!("REVOKE SELECT ON csl_stream_erased FROM {}", world.loader()));
    world.put("full", "20260302031500", &csv(&[1, 2, 3, 4, 5, 6], &[2, 5]));
    let answer = world.backfill(&[]);
    assert_eq!(answer.code, Some(3), "{answer:#?}");
    assert!(answer.err.contains("csl_stream_erased"), "{answer:#?}");
    let answer = world.run(&["check", "--table", "t"]);
    assert_eq!(answer.code, Some(3), "{answer:#?}");
    assert!(answer.out.contains("SELECT ON \"public\".\"csl_stream_erased\""), "{answer:#?}");
}

/// An erasure waits for a load that is in its transaction, and takes out what that has brought.
#[test]
fn a_load_that_is_under_way_does_not_bring_her_back() {
    let world = world();
    world.put("full", "20260302031500", &csv(&[1, 2, 3, 4, 5, 6, 7], &[2, 5, 7]));
    let gate = world.redshift.hold(At::Statement("COPY".to_owned()));
    let mut load = world.spawn(&["backfill", "--table", "t"]);
    assert!(gate.reached(SECONDS_MAX), "nobody came");
    let erase =
        world.command(&[ERASE, &["--json"]].concat()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    std::thread::sleep(Duration::from_millis(500));
    gate.open();
    let (ended, answer) =
        (load.wait().unwrap().code(), Answer::of(erase.unwrap().wait_with_output().unwrap()));
    assert_eq!((ended, answer.code), (Some(0), Some(0)), "{answer:#?}");
    assert_eq!((world.ids().as_str(), &answer.json()["rows"]), ("1 3 4 6", &3.into()), "{answer:#?}");
    assert_eq!(hers(&world), [""; 0]);
}

/// Files that were written before her erasure are not copied after it, whoever kept them: also if those alone are left
/// that a load wrote after its others were removed.
#[test]
fn what_was_staged_before_is_not_loaded_after() {
    for parts_alone in [false, true] {
        staged_before(parts_alone);
    }
}

fn staged_before(parts_alone: bool) {
    let world = world();
    world.put("full", "20260302031500", &csv(&[1, 2, 3, 4, 5, 6], &[2, 5]));
    world.redshift.script(
        At::Statement("COPY".to_owned()),
        crate::redshift::Act::Fail("ERROR: no".to_owned()),
        1,
    );
    let answer = world.backfill(&["--codec", "none"]);
    assert_ne!(answer.code, Some(0), "{answer:#?}");
    let id = answer.json()["load_id"].as_str().unwrap().to_owned();
    let names = world.objects(&format!("stage/csl/t/{id}"));
    let kept: Vec<_> = names.iter().map(|name| (name.clone(), world.s3.get(name).unwrap())).collect();
    assert!(kept.len() > 2, "{names:?}");
    erased(&world, &[]);
    let answer = world.run(&["loads", "retry", &id]);
    assert_eq!(answer.code, Some(2), "nothing is staged: {answer:#?}");
    for (name, bytes) in kept.iter().filter(|(name, _)| !parts_alone || name.contains("/part-")) {
        world.s3.put(name, bytes.to_vec());
    }
    let answer = world.run(&["loads", "retry", &id]);
    assert_eq!(answer.code, Some(if parts_alone { 2 } else { 7 }), "{answer:#?}");
    assert_eq!(answer.err.contains("people were erased from the table"), !parts_alone, "{answer:#?}");
    assert_eq!(world.ids(), "1 3 4 6");
    // The same load run again takes none of them, and writes its own.
    let report = world.loaded(&["--codec", "none"]);
    assert_eq!((&report["load_id"], &report["rows"]["erased"]), (&id.into(), &2.into()), "{report}");
    assert_eq!((world.ids().as_str(), hers(&world)), ("1 3 4 6", Vec::new()));
}

/// It ends as what is run again, not as what is wrong, and leaves nothing of hers.
#[test]
fn a_load_that_is_staging_meanwhile_is_to_be_run_again() {
    let world = world();
    let csv = csv(&(1..=60_000).collect::<Vec<_>>(), &[2, 59_999]);
    let (first, rest) = csv.split_at(csv.len() / 2);
    let before = world.objects("stage/csl/t/").len();
    let words = ["backfill", "--table", "t", "--export", "-", "--kind", "incremental", "--codec", "none"];
    let sizes = ["--segment-size", "64KiB", "--row-group-size", "32KiB", "--json"];
    let mut load = world.command(&[&words[..], &sizes].concat());
    let mut load = load.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut export = load.stdin.take().unwrap();
    export.write_all(first.as_bytes()).unwrap();
    // Until it has staged all that it has, and waits for more.
    let (began, mut staged) = (Instant::now(), 0);
    while staged < before + 3 || staged < world.objects("stage/csl/t/").len() {
        assert!(began.elapsed() < SECONDS_MAX, "no segment is staged");
        staged = world.objects("stage/csl/t/").len();
        std::thread::sleep(Duration::from_millis(500));
    }
    erased(&world, &[]);
    export.write_all(rest.as_bytes()).unwrap();
    drop(export);
    let answer = Answer::of(load.wait_with_output().unwrap());
    assert_eq!(answer.code, Some(7), "{answer:#?}");
    assert!(answer.err.contains("people were erased from the table"), "{answer:#?}");
    assert_eq!((world.ids().as_str(), hers(&world)), ("1 3 4 6", Vec::new()));
}

/// The first erasure of all, after a load has asked whether there ever was one.
#[test]
fn the_first_erasure_stops_a_load_that_has_seen_none() {
    let world = World::without_ledger();
    world.put("full", NIGHT, &csv(&[1, 2, 3], &[2]));
    world.redshift.fail_statement("COPY", "ERROR: no", 1);
    let answer = world.backfill(&["--codec", "none"]);
    assert_ne!(answer.code, Some(0), "{answer:#?}");
    let id = answer.json()["load_id"].as_str().unwrap().to_owned();
    let names = world.objects(&format!("stage/csl/t/{id}"));
    let kept: Vec<_> = names.iter().map(|name| (name.clone(), world.s3.get(name).unwrap())).collect();
    let gate = world.redshift.hold(At::Statement("MAX(claim)".to_owned()));
    let retry = world.command(&["loads", "retry", &id]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    // It asks once whether there is a ledger, and once more before its transaction.
    assert!(gate.reached(SECONDS_MAX), "nobody came");
    let last = world.redshift.hold(At::Statement("MAX(claim)".to_owned()));
    gate.open();
    assert!(last.reached(SECONDS_MAX), "nobody came again");
    erased(&world, &[]);
    for (name, bytes) in &kept {
        world.s3.put(name, bytes.to_vec());
    }
    last.open();
    let answer = Answer::of(retry.unwrap().wait_with_output().unwrap());
    assert_eq!((answer.code, world.ids().as_str()), (Some(7), ""), "{answer:#?}");
}

/// Rows that were erased are not lost: what the ledger says of the table goes on counting.
#[test]
fn a_table_of_her_alone_begins_no_new_life() {
    let world = World::new();
    world.put("full", NIGHT, &csv(&[2], &[2]));
    world.loaded(&[]);
    assert_eq!(erased(&world, &[])["rows_left"], 0);
    world.put("full", "20260228031500", &csv(&[9], &[]));
    let older = world.loaded(&["--date", "20260228"]);
    assert_eq!((older["status"].as_str(), world.ids().as_str()), (Some("skipped"), ""), "{older}");
    world.put("full", "20260302031500", &csv(&[2, 3], &[2]));
    let newer = world.loaded(&[]);
    assert!(!newer["warnings"].to_string().contains("was empty"), "{newer}");
    assert_eq!(world.sql("SELECT max(generation) FROM csl_stream_loads"), "0");
    // What is lost is lost, whoever was erased before.
    world.sql("DELETE FROM t");
    let again = world.loaded(&["--date", "20260302"]);
    assert!(again["warnings"].to_string().contains("was empty"), "{again}");
}

/// What of an outcome stays as it was.
fn left(answer: &Answer, what: &str) -> String {
    let outcome = answer.json();
    let touched = outcome["touched"].as_array().unwrap().iter();
    let is_left = |touched: &&Value| touched["done"] == "left" && touched["what"] == what;
    touched.filter(is_left).map(|touched| touched["why"].to_string()).collect()
}

#[test]
fn rejects_that_may_not_be_read_are_told() {
    let world = world();
    world.s3.fault(Fault::Withheld { prefix: "stage/csl/rejects/", status: 403, times: 1_000 });
    let answer = world.run(&[ERASE, &["--json"]].concat());
    assert_eq!(answer.code, Some(7), "{answer:#?}");
    assert!(left(&answer, "rejects").contains("let it be read"), "{answer:#?}");
    world.s3.clear_faults();
    erased(&world, &[]);
    assert_eq!(hers(&world), [""; 0]);
}

/// A run that was killed after its transaction has not tidied up, and a report that cannot be read may say anything.
#[test]
fn running_it_again_tidies_up() {
    let world = world();
    erased(&world, &[]);
    world.s3.put("stage/csl/_profiles/t.json", "{");
    world.redshift.forget();
    assert_eq!(erased(&world, &[])["rows"], 0);
    assert!(world.redshift.sent().iter().any(|sent| sent.sql.starts_with("VACUUM DELETE ONLY")));
    assert_eq!(world.objects("stage/csl/_profiles"), [""; 0]);
}

/// What another policy has made of her address is not known.
#[test]
fn rows_of_another_policy_are_told() {
    let world = world();
    std::fs::write(world.dir.path().join("key"), "a key that nobody can guess\n").unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(
        world.dir.path().join("key"),
        std::os::unix::fs::PermissionsExt::from_mode(0o600),
    )
    .unwrap();
    let rules = [("CSL_PRIVACY_COLUMNS", "t.email=hash,*.*=keep"), ("CSL_PRIVACY_SECRET_FILE", "key")];
    world.put("full", "20260302031500", &csv(&[1, 2, 3], &[2]));
    let mut load = world.command(&["backfill", "--table", "t"]);
    assert!(load.envs(rules).stdout(Stdio::null()).status().unwrap().success());
    for (words, under_rules, code) in
        [(&["erase", "--table", "t", "--id", "77"][..], false, 0), (ERASE, false, 7), (ERASE, true, 0)]
    {
        let mut erase = world.command(&[words, &["--json"]].concat());
        if under_rules {
            // All that is left is of this policy.
            world.put("full", "20260303031500", &csv(&[1, 2, 3], &[2]));
            let mut load = world.command(&["backfill", "--table", "t"]);
            assert!(load.envs(rules).stdout(Stdio::null()).status().unwrap().success());
            erase.envs(rules);
        }
        let answer = Answer::of(erase.output().unwrap());
        assert_eq!(answer.code, Some(code), "{words:?}: {answer:#?}");
        assert_eq!(left(&answer, "rows").contains("cannot be told"), code == 7, "{words:?}: {answer:#?}");
    }
}

#[test]
fn an_answer_that_is_lost_erases_once() {
    let world = world();
    world.redshift.drop_answer(Call::BatchExecuteStatement, 1);
    assert_eq!(erased(&world, &[])["rows"], 2);
    let rows = world.sql("SELECT count(*) FROM csl_stream_loads WHERE source_uri = 'csl-stream erase'");
    assert_eq!((world.ids().as_str(), rows.as_str()), ("1 3 4 6", "1"));
}

/// Killed at twelve places of its way: done or not begun, and running it again ends it.
#[test]
fn whoever_kills_it_leaves_it_done_or_not_begun() {
    let whole = world();
    let started = Instant::now();
    erased(&whole, &[]);
    let took = started.elapsed();
    let mut done = 0;
    for kill in 0..KILLS {
        let world = world();
        let (with, without) = (all(&world), others(&world));
        let mut child = world.spawn(ERASE);
        std::thread::sleep(took * kill / KILLS);
        let _ = child.kill();
        child.wait().unwrap();
        // A statement that was submitted ends without whoever submitted it.
        let began = Instant::now();
        while world.redshift.active() > 0 {
            assert!(began.elapsed() < SECONDS_MAX, "the statement does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
        let rows = all(&world);
        assert!(rows == with || rows == without, "{kill}: {rows}");
        let marks = world.sql("SELECT count(*) FROM csl_stream_erased");
        assert_eq!(marks == "1", rows == without, "{kill}: the mark is in the table's own transaction");
        done += u32::from(rows == without);
        erased(&world, &[]);
        assert_eq!((all(&world), hers(&world)), (without, Vec::new()), "{kill}");
    }
    println!("{done} of {KILLS} were done");
}
