//! What a load does to the table and to the ledger.

use crate::answer::Answer;
use crate::world::{NIGHT, World};

const NEXT_NIGHT: &str = "20260302031500";
const OLD: &str = "2026-01-05 12:34:56.789";

#[test]
fn a_full_export_replaces_the_table_cell_by_cell() {
    let world = World::new();
    world.sql("INSERT INTO t (id, email, created_at) VALUES (1, 'old', '2020-01-01')");
    world.export("full", NIGHT, OLD, &[2, 3]);
    let report = world.loaded(&[]);
    assert_eq!((report["status"].as_str(), report["rows"]["loaded"].as_u64()), (Some("succeeded"), Some(2)));
    let cells =
        world.sql("SELECT id, email, created_at, score, params, active, petition_id FROM t ORDER BY id");
    assert_eq!(
        cells,
        "2|Ä, 2|2026-01-05 12:34:56.789|0.25|{\"n\": 2}|t|7\n3|Ä, 3|2026-01-05 12:34:56.789|0.25|{\"n\": 3}|t|7"
    );
    let id = report["load_id"].as_str().unwrap();
    let ledger = world.sql(
        "SELECT load_id, table_name, kind, source_uri, exported_at, rows_read, rows_accepted, rows_rejected, \
         rows_carried_over, rows_loaded, files FROM csl_stream_loads",
    );
    let uri = "s3://exports/org/full/t/20260301/t_20260301031500.csv";
    assert_eq!(ledger, format!("{id}|t|full|{uri}|{NIGHT}|2|2|0|0|2|1"));
    let staged = format!("stage/csl/t/{id}");
    let names = ["begun.json", "load.json", "manifest.json", "part-00000.snappy.parquet"];
    let names = names.map(|name| format!("{staged}/{name}"));
    assert_eq!(world.objects("stage"), [&["stage/csl/_profiles/t.json".to_owned()], &names[..]].concat());
    assert_eq!(world.objects("manifests"), [format!("manifests/manifests/t/{id}.json")]);
}

#[test]
fn the_same_export_is_skipped_and_an_older_one_refused() {
    let world = World::new();
    world.export("full", NIGHT, OLD, &[1]);
    let first = world.loaded(&[]);
    let again = world.loaded(&[]);
    assert_eq!(again["status"], "skipped");
    assert!(again["error"].as_str().unwrap().contains(first["load_id"].as_str().unwrap()), "{again}");
    // Other options make another load of the same export.
    assert_eq!(world.loaded(&["--empty-strings", "null"])["status"], "skipped");
    world.export("full", NEXT_NIGHT, OLD, &[1, 2]);
    assert_eq!(world.loaded(&[])["status"], "succeeded");
    world.export("full", NIGHT, OLD, &[9]);
    let older = world.loaded(&["--date", "20260301"]);
    assert_eq!(older["status"], "skipped");
    assert!(older["error"].as_str().unwrap().contains("newer full export"), "{older}");
    assert_eq!((world.ids(), world.sql("SELECT count(*) FROM csl_stream_loads")), ("1 2".into(), "2".into()));
}

#[test]
fn an_incremental_adds_what_is_not_there() {
    let world = World::new();
    world.export("full", NIGHT, OLD, &[1, 2]);
    world.loaded(&[]);
    world.export("incremental", "20260301040000", "2026-03-01 03:59:00", &[2, 3, 4]);
    let report = world.loaded(&["--kind", "incremental"]);
    assert_eq!((report["rows"]["accepted"].as_u64(), report["rows"]["loaded"].as_u64()), (Some(3), Some(2)));
    assert_eq!(world.ids(), "1 2 3 4");
    assert_eq!(world.loaded(&["--kind", "incremental"])["status"], "skipped");
    // Hours lie between a full export's snapshot and its name: what came in them may not be in it.
    for (at, id, status, ids) in [
        ("20260228211500", 5, "succeeded", "1 2 3 4 5"),
        ("20260228211459", 6, "skipped", "1 2 3 4 5"),
        ("20260301030000", 7, "succeeded", "1 2 3 4 5 7"),
    ] {
        world.export("incremental", at, "2026-02-28 21:14:00", &[2, id]);
        let export = format!("s3://exports/org/incremental/t/{}/t_{at}.csv", &at[..8]);
        let report = world.loaded(&["--kind", "incremental", "--export", &export]);
        assert_eq!((report["status"].as_str(), world.ids().as_str()), (Some(status), ids), "{at}");
    }
}

#[test]
fn what_has_no_id_or_a_time_to_come_is_not_put_back() {
    let world = World::with(&crate::world::TABLE.replace("id BIGINT NOT NULL", "id BIGINT"));
    world.sql(
        "INSERT INTO t (id, email, created_at) VALUES (NULL, 'no id', '2026-03-01 03:00'), \
         (8, 'a wrong clock', '2199-01-01'), (9, 'of the night', '2026-03-01 03:10')",
    );
    world.export("full", NIGHT, OLD, &[1, 2]);
    assert_eq!(world.loaded(&[])["rows"]["carried_over"], 1);
    assert_eq!(world.sql("SELECT count(*) FROM t"), "3");
    assert_eq!(world.ids(), "1 2 9");
}

#[test]
fn an_export_that_would_shrink_the_table_stops_before_the_switch() {
    let world = World::new();
    let ids: Vec<i64> = (1..=10).collect();
    world.export("full", NIGHT, OLD, &ids);
    world.loaded(&[]);
    for (ids, code) in [(&[][..], 5), (&[1, 2, 3, 4], 5), (&[1, 2, 3, 4, 5], 0)] {
        world.export("full", NEXT_NIGHT, OLD, ids);
        let answer = world.backfill(&[]);
        assert_eq!(answer.code, Some(code), "{ids:?}: {answer:#?}");
        if code == 0 {
            assert_eq!(world.ids(), "1 2 3 4 5");
            continue;
        }
        assert!(answer.err.contains("would replace 10: the table would be"), "{ids:?}: {answer:#?}");
        assert_eq!(world.sql("SELECT count(*) FROM t"), "10", "{ids:?}");
        let id = answer.json()["load_id"].as_str().unwrap().to_owned();
        assert_eq!(world.run(&["loads", "retry", &id]).code, Some(5), "{ids:?}: a retry is no way round");
        // It has read nothing, and never came to the commit.
        let shown = world.run(&["loads", "show", &id, "--json"]).json();
        let stages = shown["report"]["stages"].as_object().unwrap();
        assert_eq!(stages.keys().collect::<Vec<_>>(), ["find", "copy"], "{ids:?}: {shown:#}");
        assert_eq!(world.sql("SELECT count(*) FROM csl_stream_loads"), "1", "{ids:?}");
    }
}

#[test]
fn a_table_may_shrink_for_one_run_or_by_the_configuration() {
    let world = World::new();
    let all: Vec<i64> = (1..=10).collect();
    world.export("full", NIGHT, OLD, &all);
    world.loaded(&[]);
    world.export("full", NEXT_NIGHT, OLD, &[1, 2, 3, 4]);
    let stopped = world.backfill(&[]);
    assert_eq!(stopped.code, Some(5), "{stopped:#?}");
    let id = stopped.json()["load_id"].as_str().unwrap().to_owned();
    let retried = world.run(&["loads", "retry", &id, "--allow-shrink"]);
    assert!(retried.code == Some(0) && world.ids() == "1 2 3 4", "{retried:#?}");

    let limited = |percent: &str, more: &[&str]| {
        let words = [&["backfill", "--table", "t", "--json"], more].concat();
        let output = world.command(&words).env("CSL_LOAD_SHRINK_MAX_PERCENT", percent).output();
        Answer::of(output.unwrap())
    };
    for (at, ids, percent, more, code) in [
        ("20260303031500", &[1, 2, 3][..], "24", &[][..], 5),
        ("20260303031500", &[1, 2, 3], "25", &[], 0),
        ("20260304031500", &[1], "66", &[], 5),
        ("20260304031500", &[], "100", &[], 5),
        ("20260304031500", &[], "0", &["--allow-shrink"], 0),
    ] {
        world.export("full", at, OLD, ids);
        let answer = limited(percent, more);
        assert_eq!(answer.code, Some(code), "{at} {percent} {more:?}: {answer:#?}");
    }
    assert_eq!(world.ids(), "");
}

#[test]
fn an_export_without_rows_empties_no_table_that_was_filled_otherwise() {
    for (made, code) in [("2020-01-01", 5), ("2026-03-01 03:10", 0)] {
        let world = World::new();
        world.sql(&format!("INSERT INTO t (id, created_at) VALUES (77, '{made}')"));
        world.export("full", NIGHT, OLD, &[]);
        let answer = world.backfill(&[]);
        assert_eq!((answer.code, world.ids().as_str()), (Some(code), "77"), "{made}: {answer:#?}");
    }
    let world = World::new();
    world.export("full", NIGHT, OLD, &[]);
    assert_eq!(world.loaded(&[])["status"], "succeeded", "an empty table stays empty");
}

/// `row_key` numbers the rows itself; what is put back is numbered anew.
#[test]
fn an_identity_of_the_table_is_left_to_it() {
    let table =
        crate::world::TABLE.replace("(id BIGINT", "(row_key BIGINT GENERATED ALWAYS AS IDENTITY, id BIGINT");
    let world = World::with(&table);
    world.sql("INSERT INTO t (id, email, created_at) VALUES (4, 'later@example.org', '2026-03-01 03:10:00')");
    world.export("full", NIGHT, OLD, &[1, 2, 3]);
    let plan = world.run(&["plan", "--table", "t"]);
    assert!(plan.code == Some(0) && plan.out.contains("numbers the rows itself"), "{plan:#?}");
    assert_eq!(world.loaded(&[])["rows"]["carried_over"], 1);
    assert_eq!(
        world.sql("SELECT count(DISTINCT row_key), string_agg(id::text, ' ' ORDER BY id) FROM t"),
        "4|1 2 3 4"
    );
    world.export("incremental", "20260301040000", "2026-03-01 03:59:00", &[3, 5]);
    world.loaded(&["--kind", "incremental"]);
    assert_eq!(world.ids(), "1 2 3 4 5");
}

#[test]
fn an_identity_that_the_export_would_fill_is_a_misfit_unless_it_takes_values() {
    for (identity, code) in [("GENERATED ALWAYS AS IDENTITY", 4), ("GENERATED BY DEFAULT AS IDENTITY", 0)] {
        let world =
            World::with(&crate::world::TABLE.replace("id BIGINT NOT NULL", &format!("id BIGINT {identity}")));
        world.export("full", NIGHT, OLD, &[7]);
        let answer = world.backfill(&[]);
        assert_eq!(answer.code, Some(code), "{identity}: {answer:#?}");
        assert_eq!(world.ids(), if code == 0 { "7" } else { "" }, "{identity}");
        assert!(code == 0 || answer.err.contains("GENERATED BY DEFAULT"), "{answer:#?}");
    }
}

#[test]
fn only_a_full_load_is_tidied_up_after_and_a_refusal_is_told() {
    let world = World::new();
    world.export("full", NIGHT, OLD, &[1]);
    let refused = world.backfill(&[]);
    assert!(refused.code == Some(0) && refused.err.contains("must be owner of table"), "{refused:#?}");
    let told = refused.json()["warnings"].to_string();
    assert!(told.contains("VACUUM") && told.contains("ANALYZE") && told.contains("owner"), "{told}");
    let tidied = || world.redshift.sent().iter().filter(|sent| sent.sql.starts_with("VACUUM")).count();
    assert_eq!(tidied(), 1);
    world.export("incremental", "20260301040000", "2026-03-01 03:59:00", &[2]);
    let quiet = world.backfill(&["--kind", "incremental"]);
    assert!(quiet.code == Some(0) && !quiet.err.contains("must be owner"), "{quiet:#?}");
    assert_eq!(tidied(), 1);
    world.sql(&format!("ALTER TABLE t OWNER TO {}", world.loader()));
    world.export("full", NEXT_NIGHT, OLD, &[1, 2]);
    let owned = world.backfill(&[]);
    assert!(owned.code == Some(0) && !owned.err.contains("must be owner"), "{owned:#?}");
    assert_eq!(tidied(), 2);
}

#[test]
fn rows_added_during_a_full_export_are_there_afterwards_once() {
    let world = World::new();
    world.sql(
        "INSERT INTO t (id, email, created_at) VALUES (1, 'deleted at the source', '2026-02-01'), \
         (2, 'in the export', '2026-03-01 03:00'), (3, 'added meanwhile', '2026-03-01 03:10'), \
         (4, 'added later', '2026-03-01 04:00')",
    );
    world.export("full", NIGHT, OLD, &[2, 9]);
    let report = world.loaded(&[]);
    assert_eq!(report["rows"]["carried_over"], 2);
    assert_eq!(world.ids(), "2 3 4 9");
    assert_eq!(world.sql("SELECT email FROM t WHERE id IN (2, 4) ORDER BY id"), "Ä, 2\nadded later");
}

#[test]
fn types_that_need_sql_pass_a_stage() {
    let world = World::with(
        "SET search_path = public; CREATE TABLE t (id BIGINT, email VARCHAR(255), created_at TIMESTAMP, score DECIMAL(3,2), params super, \
         active BOOLEAN, petition_id INTEGER)",
    );
    world.export("full", NIGHT, OLD, &[1, 2]);
    world.loaded(&[]);
    assert_eq!(world.sql("SELECT id, params->>'n' FROM t ORDER BY id"), "1|1\n2|2");
    world.export("incremental", "20260301040000", "2026-03-01 03:59:00", &[2, 3]);
    world.loaded(&["--kind", "incremental"]);
    world.export("full", NEXT_NIGHT, OLD, &[5, 6]);
    world.loaded(&[]);
    assert_eq!(world.sql("SELECT id, params->>'n' FROM t ORDER BY id"), "5|5\n6|6");
}

#[test]
fn many_segments_are_one_load() {
    let world = World::new();
    let ids: Vec<i64> = (1..=5000).collect();
    world.export("full", NIGHT, OLD, &ids);
    let report = world.loaded(&["--segment-size", "64KiB", "--row-group-size", "32KiB"]);
    assert!(report["files"].as_array().unwrap().len() > 2, "{report}");
    assert_eq!(world.sql("SELECT count(*), count(DISTINCT id), min(id), max(id) FROM t"), "5000|5000|1|5000");
}

#[test]
fn text_is_held_to_the_targets_bytes() {
    let world = World::with(&crate::world::TABLE.replace("email VARCHAR(255)", "email VARCHAR(3)"));
    world.put(
        "full",
        NIGHT,
        "email,created_at,score,params,active,petition_id,id\nääbc,,,,,,1\nabc,,,,,,2\n",
    );
    let report = world.loaded(&[]);
    assert_eq!(report["rows"]["truncated_values"], 1);
    assert_eq!(world.sql("SELECT email FROM t ORDER BY id"), "ä\nabc");
    world.put("full", NEXT_NIGHT, "email,created_at,score,params,active,petition_id,id\nääbc,,,,,,1\n");
    assert_eq!(world.backfill(&["--overlong", "reject"]).code, Some(5));
    assert_eq!(world.ids(), "1 2");
}

#[test]
fn what_has_a_form_is_rejected_before_the_copy_if_it_is_too_long() {
    let text = |letters: usize| format!("{{\"\"a\"\": \"\"{}\"\"}}", "p".repeat(letters));
    let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    for (params, value, fits) in [
        ("VARCHAR(256)", text(300), false),
        ("VARCHAR(256)", text(200), true),
        ("super", text(70_000), false),
        ("super", text(60_000), true),
        ("super", deep(1_001), false),
        ("super", deep(1_000), true),
    ] {
        let table = crate::world::TABLE.replace("params VARCHAR(65535)", &format!("params {params}"));
        let world = World::with(&format!("SET search_path = public; {table}"));
        let header = "email,created_at,score,params,active,petition_id,id";
        world.put("full", NIGHT, &format!("{header}\n,,,\"{value}\",,,1\n,,,\"{{}}\",,,2\n"));
        let answer = world.backfill(&[]);
        let what = format!("{} bytes for {params}: {}", value.len(), answer.err);
        assert_eq!(answer.code, Some(if fits { 0 } else { 5 }), "{what}");
        assert!(fits || answer.err.contains("rule overlong") && answer.err.contains("\"params\""), "{what}");
        if !fits {
            assert_eq!(world.loaded(&["--max-rejects", "1"])["rows"]["rejected"], 1, "{what}");
            assert_eq!(world.ids(), "2", "{what}");
        }
    }
}

#[test]
fn the_ledger_is_listed_and_shown() {
    let world = World::new();
    let none = world.run(&["loads", "list"]);
    assert_eq!((none.code, none.out.contains("no loads in redshift://wg/")), (Some(0), true), "{none:?}");
    world.export("full", NIGHT, OLD, &[1, 2]);
    let id = world.loaded(&[])["load_id"].as_str().unwrap().to_owned();
    let list = world.run(&["loads", "list"]);
    assert!(list.out.contains(&id) && list.out.contains("20260301/t_20260301031500.csv"), "{list:?}");
    let shown = world.run(&["loads", "show", &id]);
    assert!(shown.out.contains("t: 2 rows loaded"), "{shown:?}");
    assert_eq!(world.run(&["loads", "show", "absent"]).code, Some(2));
    assert_eq!(world.run(&["loads", "retry", "absent"]).code, Some(2));
}
