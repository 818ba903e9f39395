//! Rules of privacy on the way into Redshift: its table, its ledger, what is staged, what is said.

use crate::answer::Answer;
use crate::world::{NIGHT, SCHEMA, TABLE, World};
use serde_json::Value;
use std::process::Command;

const HEAD: &str = "email,created_at,score,params,active,petition_id,id\n";
const RULES: &[(&str, &str)] = &[
    ("CSL_PRIVACY_COLUMNS", "t.email=hash,t.params=drop,t.petition_id=null,*.*=keep"),
    ("CSL_PRIVACY_SECRET_FILE", "key"),
];
/// What is in columns with a rule.
const MARKER: &str = "MARKER";
const KEY: &str = "a key that nobody can guess";

fn row(id: i64, score: &str) -> String {
    format!(
        "{MARKER}{id}@Example.org,2026-01-05 12:34:56,{score},\"{{\"\"n\"\": \"\"{MARKER}\"\"}}\",t,4711,{id}\n"
    )
}

fn world(table: &str) -> World {
    let world = World::with(table);
    std::fs::write(world.dir.path().join("key"), format!("{KEY}\n")).unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(
        world.dir.path().join("key"),
        std::os::unix::fs::PermissionsExt::from_mode(0o600),
    )
    .unwrap();
    world.put("full", NIGHT, &[HEAD, &row(1, "0.25"), &row(2, "0.5")].concat());
    world
}

fn run(world: &World, words: &[&str], settings: &[(&str, &str)]) -> Answer {
    let mut command: Command = world.command(words);
    let answer = Answer::of(command.envs(settings.iter().copied()).env("CSL_LOG", "trace").output().unwrap());
    assert!(!answer.out.contains(MARKER) && !answer.err.contains(MARKER), "{answer:#?}");
    answer
}

fn load(world: &World, settings: &[(&str, &str)], more: &[&str]) -> Value {
    let answer = run(world, &[&["backfill", "--table", "t", "--json"], more].concat(), settings);
    assert_eq!(answer.code, Some(0), "{answer:#?}");
    answer.json()
}

/// Objects that this program wrote and that hold a marker.
fn leaks(world: &World) -> Vec<String> {
    let holds = |name: &String| {
        let bytes = world.s3.get(name).unwrap();
        bytes.windows(MARKER.len()).any(|window| window == MARKER.as_bytes())
    };
    world.s3.names().into_iter().filter(|name| !name.starts_with("exports/")).filter(holds).collect()
}

const ROWS: &str = "SELECT string_agg(concat_ws(' ', id, email, coalesce(params, '-'), coalesce(petition_id::text, '-'), score), ', ' \
    ORDER BY id) FROM t";

fn hashed(world: &World, value: &str) -> String {
    world.sql(&format!("SELECT encode(sha256('{KEY}{value}'::bytea), 'hex')"))
}

#[test]
fn the_table_gets_what_the_rules_leave() {
    let world = world(TABLE);
    let plan = run(&world, &["plan", "--table", "t"], RULES);
    assert_eq!(plan.code, Some(0), "{plan:#?}");
    assert!(plan.out.contains("4 rules)") && plan.out.contains("t.params"), "{plan:#?}");
    let report = load(&world, RULES, &[]);
    let expected: Vec<_> = [(1, "0.25"), (2, "0.50")]
        .map(|(id, score)| format!("{id} {} - - {score}", hashed(&world, &format!("marker{id}@example.org"))))
        .into();
    assert_eq!(world.sql(ROWS), expected.join(", "));
    assert_eq!(leaks(&world), Vec::<String>::new());
    assert!(!report["warnings"].to_string().contains("privacy"), "{report}");
    for more in [&[][..], &["--exports", "s3://exports/org"]] {
        let verified = run(&world, &[&["verify", "--table", "t", "--json"], more].concat(), RULES);
        assert_eq!(verified.code, Some(0), "{verified:#?}");
    }
    let check = run(&world, &["check", "--table", "t"], RULES);
    assert!(check.out.contains("4 rules: 3 columns not loaded as they are"), "{check:#?}");
}

#[test]
fn another_policy_loads_anew_and_the_ledger_tells_them_apart() {
    let world = world(TABLE);
    let nulled: &[(&str, &str)] = &[("CSL_PRIVACY_COLUMNS", "*.email=null")];
    let elsewhere: &[(&str, &str)] = &[("CSL_PRIVACY_COLUMNS", "u.email=null,*.id=keep")];
    let status = |settings| load(&world, settings, &[])["status"].as_str().unwrap().to_owned();
    assert_eq!([status(&[]), status(&[]), status(elsewhere)], ["succeeded", "skipped", "skipped"]);
    assert_eq!([status(RULES), status(RULES)], ["succeeded", "skipped"]);
    assert_eq!([status(nulled), status(nulled)], ["succeeded", "skipped"]);
    assert_eq!([status(&[]), status(&[])], ["succeeded", "skipped"]);
    let ledger = world.sql("SELECT string_agg(coalesce(substring(privacy from 18), '-'), '; ' ORDER BY sequence) FROM csl_stream_loads");
    assert_eq!(ledger, "-; (4 rules); (1 rule); -");
    let digests = world.sql("SELECT count(DISTINCT substring(privacy from 1 for 16)) FROM csl_stream_loads");
    assert_eq!(digests, "2");
    let ids = world.sql("SELECT count(DISTINCT load_id) FROM csl_stream_loads");
    assert_eq!(ids, "4", "each policy is another load");
}

/// The rows of a full export are as the policy before made them: whoever adds to them is told.
#[test]
fn rows_of_another_policy_are_told() {
    let world = world(TABLE);
    load(&world, &[], &[]);
    world.put("incremental", "20260301051500", &[HEAD, &row(3, "1")].concat());
    let report = load(&world, RULES, &["--kind", "incremental"]);
    let warnings = report["warnings"].to_string();
    assert!(warnings.contains("rows of 1 load that another policy of privacy has made"), "{report}");
    world.put("full", "20260302031500", &[HEAD, &row(3, "1"), &row(4, "1")].concat());
    let report = load(&world, RULES, &[]);
    let warnings = report["warnings"].to_string();
    assert!(!warnings.contains("another policy of privacy has made"), "{report}");
    assert!(warnings.contains("has the rule of privacy hash, and had keep in load"), "{report}");
}

/// Erasing takes rows away under any policy: it has made none.
#[test]
fn an_erasure_is_no_load_of_another_policy() {
    let world = world(TABLE);
    load(&world, RULES, &[]);
    let erased = run(&world, &["erase", "--table", "t", "--id", "2", "--json"], RULES);
    assert_eq!(erased.code, Some(0), "{erased:#?}");
    world.put("incremental", "20260301051500", &[HEAD, &row(3, "1")].concat());
    let report = load(&world, RULES, &["--kind", "incremental"]);
    assert!(!report["warnings"].to_string().contains("another policy of privacy"), "{report}");
    assert_eq!(world.sql("SELECT string_agg(id::text, ' ' ORDER BY id) FROM t"), "1 3");
}

/// Nothing tells the rows of an export from its rows under other rules where they have no id.
#[test]
fn an_incremental_without_ids_is_not_added_twice_under_other_rules() {
    let world = world(&TABLE.replace("id BIGINT NOT NULL, ", ""));
    let id = ",\n    \"id\": {\"type\": \"integer\", \"sql_type\": \"bigint\", \"nullable\": false}";
    std::fs::write(world.dir.path().join("schema.json"), SCHEMA.replace(id, "")).unwrap();
    let csv = |ids: &[i64]| {
        let lines = ids.iter().map(|&id| row(id, "1"));
        let lines = std::iter::once(HEAD.to_owned()).chain(lines);
        lines.map(|line| line.rsplit_once(',').unwrap().0.to_owned() + "\n").collect::<String>()
    };
    world.put("full", NIGHT, &csv(&[1, 2]));
    world.put("incremental", "20260301051500", &csv(&[3]));
    load(&world, &[], &[]);
    let nulled: &[(&str, &str)] = &[("CSL_PRIVACY_COLUMNS", "*.email=null")];
    let told: Vec<_> = [&[], &[], RULES, nulled]
        .map(|rules: &[(&str, &str)]| load(&world, rules, &["--kind", "incremental"])["status"].clone())
        .into();
    assert_eq!(told, ["succeeded", "skipped", "skipped", "skipped"]);
    assert_eq!(world.sql("SELECT count(*) FROM t"), "3");
}

/// A ledger of an earlier program cannot keep the policy: what it has is taken for loaded without one, and a load is
/// known again by its own id.
#[test]
fn an_earlier_ledger_gets_the_column_or_is_told() {
    let world = world(TABLE);
    load(&world, &[], &[]);
    world.sql("ALTER TABLE csl_stream_loads DROP COLUMN privacy");
    let status = |settings| load(&world, settings, &[])["status"].as_str().unwrap().to_owned();
    assert_eq!(status(&[]), "skipped");
    assert_eq!([status(RULES), status(RULES)], ["succeeded", "skipped"]);
    let columns =
        "SELECT count(*) FROM svv_columns WHERE table_name = 'csl_stream_loads' AND column_name = 'privacy'";
    assert_eq!(world.sql(columns), "0");
    world.sql(&format!("ALTER TABLE csl_stream_loads OWNER TO {}", world.loader()));
    let nulled: &[(&str, &str)] = &[("CSL_PRIVACY_COLUMNS", "*.email=null")];
    assert_eq!([status(nulled), status(nulled)], ["succeeded", "skipped"]);
    assert_eq!(world.sql(columns), "1");
    assert_eq!(world.sql("SELECT count(*) FROM csl_stream_loads WHERE privacy IS NOT NULL"), "1");
}

#[test]
fn a_column_that_is_too_narrow_for_a_hash_is_refused_or_widened() {
    for (is_owner, code) in [(false, 4), (true, 0)] {
        let world = world(&TABLE.replace("VARCHAR(255)", "VARCHAR(63)"));
        if is_owner {
            world.sql(&format!("ALTER TABLE t OWNER TO {}", world.loader()));
        }
        let answer = run(&world, &["backfill", "--table", "t"], RULES);
        assert_eq!(answer.code, Some(code), "{answer:#?}");
        if is_owner {
            assert_eq!(
                world.sql("SELECT character_maximum_length FROM svv_columns WHERE column_name = 'email'"),
                "64"
            );
        } else {
            assert!(answer.err.contains("what the rule hash makes is not cut"), "{answer:#?}");
        }
    }
}

/// What a rule shortens may be cut further where texts may be; half a domain is another one.
#[test]
fn what_a_rule_shortens_is_cut_as_asked() {
    for (rule, overlong, code, email) in [
        ("prefix:4", "reject", 5, ""),
        ("prefix:4", "truncate", 0, "MAR"),
        ("prefix:3", "reject", 0, "MAR"),
        ("domain", "truncate", 5, ""),
        ("domain", "reject", 5, ""),
    ] {
        let world = world(&TABLE.replace("VARCHAR(255)", "VARCHAR(3)"));
        let rules = format!("t.email={rule},t.params=drop");
        let words = ["backfill", "--table", "t", "--overlong", overlong];
        let answer = run(&world, &words, &[("CSL_PRIVACY_COLUMNS", &rules)]);
        assert_eq!(answer.code, Some(code), "{rule} {overlong}: {answer:#?}");
        let found = world.sql("SELECT coalesce(max(email), '') FROM t");
        assert_eq!(found, email, "{rule} {overlong}");
    }
}

#[test]
fn a_table_that_is_made_has_the_types_that_the_rules_make() {
    let world = world("");
    let report = load(
        &world,
        &[RULES, &[("CSL_PRIVACY_COLUMNS", "t.id=hash,t.params=drop,t.email=null")]].concat(),
        &["--create-table"],
    );
    assert_eq!(report["status"], "succeeded");
    let columns = "SELECT string_agg(column_name || ' ' || data_type, ', ' ORDER BY ordinal_position) FROM svv_columns \
                   WHERE table_name = 't'";
    let columns = world.sql(columns);
    assert!(columns.contains("id character varying") && !columns.contains("params"), "{columns}");
    assert_eq!(world.sql("SELECT id FROM t ORDER BY score LIMIT 1"), hashed(&world, "1"));
    assert!(SCHEMA.contains("params"));
}

#[test]
fn rejects_and_faults_of_redshift_hold_no_value() {
    let world = world(TABLE);
    world.put("full", NIGHT, &[HEAD, &row(1, "x"), &row(2, "0.5"), "MARKER,too,few\n"].concat());
    let failed = run(&world, &["backfill", "--table", "t", "--json"], RULES);
    assert_eq!(failed.code, Some(5), "{failed:#?}");
    assert_eq!(leaks(&world), Vec::<String>::new());
    load(&world, RULES, &["--max-rejects", "2"]);
    assert_eq!(leaks(&world), Vec::<String>::new());

    world.put("full", "20260302031500", &[HEAD, &row(5, "1")].concat());
    let said = "ERROR: null value in column \"id\" violates not-null constraint DETAIL: Failing row contains (MARKER, 1).";
    world.redshift.fail_statement("COPY", said, 9);
    let failed = run(&world, &["backfill", "--table", "t", "--json"], &[]);
    assert!(failed.code != Some(0) && failed.err.contains("Failing row contains …"), "{failed:#?}");
    assert_eq!(leaks(&world).iter().filter(|name| !name.contains(".parquet")).count(), 0);
}
