//! What a person at a terminal asks: lists of runs, loads by short names, faults of an export, SQL from files, answers
//! into files, colours and pages.

use super::{Answer, BACKFILL, BAD, GOOD, Place, backfill};
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long a process may take to get somewhere, on a busy machine.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// The command in a terminal of its own, whose output is what the terminal gets.
fn in_terminal(place: &Place, words: &[&str], variables: &[(&str, &str)]) -> Answer {
    let command = place.command(words);
    let words = [command.get_program()].into_iter().chain(command.get_args());
    let quoted: Vec<String> = words.map(|word| format!("'{}'", word.to_str().unwrap())).collect();
    let mut terminal = Command::new("script");
    // A terminal that nobody sees has no size.
    let line = format!("stty cols 160 rows 50; {}", quoted.join(" "));
    terminal.args(["-qec", &line, "/dev/null"]).current_dir(place.path("."));
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "PAGER", "LESS", "CI"] {
        terminal.env_remove(name);
    }
    terminal.env("TERM", "xterm").env("CSL_SCHEMA_SOURCE", "schema.json").env("CSL_EXPORTS_ROOT", "exports");
    terminal.envs(variables.iter().copied());
    Answer::of(terminal.stdin(Stdio::null()).output().unwrap())
}

fn ids(place: &Place) -> Vec<String> {
    let loads = place.run(&["loads", "list", "--json"]).json();
    loads.as_array().unwrap().iter().map(|load| load["load_id"].as_str().unwrap().to_owned()).collect()
}

/// A load that is killed in the middle, in a table of its own folder.
fn killed(place: &Place) {
    let mut command = place.command(&backfill(&["--export", "-"]));
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let started = Instant::now();
    let begun = || {
        let runs = std::fs::read_dir(place.path("warehouse/t/.loads"));
        runs.is_ok_and(|mut runs| {
            runs.any(|run| {
                let run = run.unwrap();
                run.file_name().to_string_lossy().ends_with(".begun") && run.metadata().unwrap().len() > 0
            })
        })
    };
    while !begun() {
        assert!(started.elapsed() < WAIT_MAX, "no load has begun");
        std::thread::sleep(Duration::from_millis(10));
    }
    // While it goes on it is no killed one.
    assert_eq!(place.run(&["loads", "list", "--status", "killed", "--json"]).json(), serde_json::json!([]));
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn the_list_of_loads_says_why_and_shows_killed_ones() {
    let place = Place::new();
    assert_eq!(place.run(BACKFILL).code, Some(0));
    place.write("bad.csv", BAD);
    assert_eq!(place.run(&backfill(&["--export", "bad.csv"])).code, Some(5));
    assert_eq!(place.run(BACKFILL).code, Some(0), "skipped");
    killed(&place);

    let list = place.run(&["loads", "list"]);
    assert!(
        list.out.contains("\n    stopped at the first rejected record (--max-rejects 0); it breaks the rule"),
        "{list:?}"
    );
    assert!(list.out.contains("\n    this export is in the table already, by load "), "{list:?}");
    assert!(
        list.out.contains("  killed  ") && list.out.contains(" was killed, or its machine stopped"),
        "{list:?}"
    );
    for (status, count) in [("succeeded", 1), ("failed", 2), ("skipped", 1), ("killed", 1)] {
        let loads = place.run(&["loads", "list", "--status", status, "--json"]).json();
        let loads = loads.as_array().unwrap().clone();
        assert_eq!(loads.len(), count, "{status}: {loads:?}");
        let word = if status == "killed" { "failed" } else { status };
        assert!(loads.iter().all(|load| load["status"] == word), "{status}: {loads:?}");
    }
    let one = place.run(&["loads", "list", "--status", "failed", "--limit", "1", "--json"]).json();
    assert_eq!((one.as_array().unwrap().len(), &one[0]["killed"]), (1, &true.into()));
    assert!(place.run(&["loads", "list", "--table", "t", "--status", "killed"]).out.contains("killed"));
    assert_eq!(place.run(&["loads", "list", "--status", "nonsense"]).code, Some(2));
    let shown = place.run(&["loads", "show", "last"]);
    assert!(shown.out.contains("killed"), "{shown:?}");
    // The next load does not forget it, and is not hindered by it.
    assert_eq!(place.run(&backfill(&["--again"])).code, Some(0));
    assert_eq!(
        place.run(&["loads", "list", "--status", "killed", "--json"]).json().as_array().unwrap().len(),
        1
    );
}

#[test]
fn a_run_that_ends_leaves_no_beginning() {
    let place = Place::new();
    place.write("bad.csv", BAD);
    for (words, code) in
        [(BACKFILL.to_vec(), 0), (backfill(&["--export", "bad.csv"]), 5), (BACKFILL.to_vec(), 0)]
    {
        assert_eq!(place.run(&words).code, Some(code));
        let runs = std::fs::read_dir(place.path("warehouse/t/.loads")).unwrap();
        let begun =
            runs.filter(|run| run.as_ref().unwrap().file_name().to_string_lossy().ends_with(".begun"));
        assert_eq!(begun.count(), 0, "{words:?}");
    }
}

#[test]
fn a_load_is_named_by_the_beginning_of_its_id_or_as_the_last() {
    let place = Place::new();
    assert_eq!(place.run(BACKFILL).code, Some(0));
    std::thread::sleep(Duration::from_millis(5));
    assert_eq!(place.run(BACKFILL).code, Some(0));
    let ids = ids(&place);
    let shown = |given: &str| place.run(&["loads", "show", given, "--json"]);
    for (given, id) in [
        ("last", &ids[0]),
        (&ids[1], &ids[1]),
        (&ids[1][..20], &ids[1]),
        (&ids[0].to_uppercase()[..22], &ids[0]),
    ] {
        assert_eq!(&shown(given).json()["run"]["load_id"], id, "{given}");
    }
    let answer = place.run(&["loads", "show", &ids[0][..6]]);
    assert_eq!(answer.code, Some(2), "{answer:?}");
    assert!(answer.err.contains("2 loads have an id that begins with"), "{answer:?}");
    assert!(ids.iter().all(|id| answer.err.contains(&format!("{id} (t, "))), "{answer:?}");
    let answer = place.run(&["loads", "show", "zzz"]);
    assert!(answer.code == Some(2) && answer.err.contains("there is no load \"zzz\""), "{answer:?}");
    let answer = Place::new().run(&["loads", "show", "last"]);
    assert!(answer.code == Some(2) && answer.err.contains("there is no load yet"), "{answer:?}");
    let answer = place.run(&["loads", "retry", "last"]);
    assert!(
        answer.code == Some(2) && answer.err.contains("leaves nothing that could be retried"),
        "{answer:?}"
    );
}

#[test]
fn a_rollback_is_told_by_every_load_after_it() {
    let place = Place::new();
    assert_eq!(place.run(BACKFILL).code, Some(0));
    place.write("exports/full/t/20260302/t_20260302031500.csv", "id,name\n7,x\n8,y\n9,z\n");
    assert_eq!(place.run(BACKFILL).code, Some(0));
    let dry = place.run(&["rollback", "--table", "t", "--dry-run"]);
    assert!(dry.code == Some(0) && dry.out.contains("would be rolled back from load "), "{dry:?}");
    let done = place.run(&["rollback", "--table", "t", "--json"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    let done = done.json();
    assert_eq!(
        (&done["rows_before"], &done["rows"], &done["dry_run"]),
        (&3.into(), &4.into(), &false.into())
    );
    let id = done["rollback_id"].as_str().unwrap();
    let listed = place.run(&["loads", "show", "last", "--json"]).json();
    assert_eq!(listed["run"]["load_id"], id, "it is in the ledger");
    let list = place.run(&["loads", "list", "--json"]).json();
    let standing: Vec<&str> =
        list.as_array().unwrap().iter().map(|load| load["standing"].as_str().unwrap()).collect();
    assert_eq!(standing, ["current", "kept", "current"]);

    // The next night finds the same export: nothing is undone, and it says why.
    for words in [BACKFILL, &["plan", "--table", "t"]] {
        let answer = place.run(words);
        assert!(answer.code == Some(0) && answer.out.contains(&format!("(rollback {id})")), "{answer:?}");
        assert!(answer.out.contains("--again"), "{answer:?}");
    }
    // The one after finds a newer one, and says what it ends.
    place.write("exports/full/t/20260303/t_20260303031500.csv", GOOD);
    let answer = place.run(&backfill(&["--json"])).json();
    assert_eq!(answer["status"], "succeeded");
    let warnings = answer["warnings"].to_string();
    assert!(warnings.contains(id) && warnings.contains("takes the place"), "{warnings}");
    // What drifted is measured against what the table held, not against what was rolled back.
    assert_eq!(answer["changes"]["rows_before"], 4, "{answer}");
}

#[test]
fn incremental_exports_that_were_rolled_back_are_counted() {
    let place = Place::new();
    assert_eq!(place.run(BACKFILL).code, Some(0));
    for hour in ["04", "05"] {
        place.write(
            &format!("exports/incremental/t/20260301/t_20260301{hour}0000.csv"),
            &format!("id,name\n1{hour},x\n"),
        );
    }
    let row = ["backfill", "--table", "t", "--kind", "incremental"];
    assert_eq!(place.run(&row).code, Some(0));
    assert_eq!(place.run(&["rollback", "--table", "t"]).code, Some(0));
    let answer = place.run(&row);
    let last = answer.out.lines().last().unwrap();
    assert!(
        last.contains("0 exports loaded, 1 was loaded already") && last.contains("rolled back from 1"),
        "{answer:?}"
    );
    let plan = place.run(&[&row[..], &["--dry-run"]].concat());
    assert!(plan.out.contains("the table was rolled back from 1 export"), "{plan:?}");
}

#[test]
fn all_faults_of_an_export_are_counted_and_nothing_is_loaded() {
    let place = Place::new();
    let many: String =
        (0..20_000).map(|n| if n % 2 == 0 { "1,a\n".to_owned() } else { format!("hush{n},b\n") }).collect();
    place.write("many.csv", &format!("id,name\n{many}3,c,d\n99999999999999999999,e\n"));
    place.write("good.csv", GOOD);
    place.write("cut.csv", "id,name\nx,a\n2,b");
    place.write("strange.csv", "id,nom\n");
    let check = |file: &str, more: &[&str]| {
        place.run(&[&["check", "--table", "t", "--export", file, "--quiet"], more].concat())
    };
    for (file, code, part) in [
        ("good.csv", 0, "t: sound: 4 records read, 0 rejected"),
        ("many.csv", 5, "t: not sound: 20,002 records read, 10,002 rejected"),
        ("cut.csv", 1, "it could not be read to its end"),
        ("strange.csv", 4, ""),
        ("missing.csv", 3, ""),
    ] {
        let answer = check(file, &[]);
        assert_eq!(answer.code, Some(code), "{file}: {answer:?}");
        assert!(answer.out.contains(part), "{file}: {answer:?}");
        assert!(!answer.out.contains("hush") && !answer.err.contains("hush"), "{file}: a value is shown");
    }
    let answer = check("many.csv", &["--json", "--threads", "2"]);
    let found: Vec<(String, String, u64, u64)> = answer.json()["faults"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| {
            let word = |key: &str| fault[key].as_str().unwrap_or("-").to_owned();
            (
                word("rule"),
                word("column"),
                fault["faults"].as_u64().unwrap(),
                fault["first_record"].as_u64().unwrap(),
            )
        })
        .collect();
    let expected = [("integer", "id", 10_000, 2), ("fields", "-", 1, 20_001), ("range", "id", 1, 20_002)];
    let expected: Vec<_> = expected
        .map(|(rule, column, count, first)| (rule.to_owned(), column.to_owned(), count, first))
        .into();
    assert_eq!(found, expected);
    assert_eq!(place.left(), ["cut.csv", "good.csv", "many.csv", "strange.csv"], "nothing is written");
    // What a load says of one, in the same words.
    let report =
        place.run(&backfill(&["--export", "many.csv", "--max-rejects", "20000", "--json", "--allow-shrink"]));
    assert_eq!(report.json()["rejects"]["counts"], answer.json()["faults"], "{report:?}");
    for words in [
        &["check", "--export", "good.csv"][..],
        &["check", "--table", "t", "--threads", "1"],
        &["check", "--table", "t", "--export", "good.csv", "--alerts"],
        &["check", "--table", "t,u", "--export", "good.csv"],
    ] {
        assert_eq!(place.run(words).code, Some(2), "{words:?}");
    }
}

#[test]
fn an_error_is_json_where_json_is_asked_for() {
    let place = Place::new();
    for (words, class, code) in [
        (&["loads", "show", "x", "--json"][..], "usage", 2),
        (&["schema", "show", "--schema", "absent.json", "--json"], "access", 3),
        (&["verify", "--table", "t", "--export", "absent.csv", "--json"], "usage", 2),
        (&["rollback", "--table", "t", "--json"], "usage", 2),
        (&["check", "--table", "t", "--export", "absent.csv", "--json"], "access", 3),
        (&["backfill", "--nonsense", "--json"], "usage", 2),
        (&["nonsense", "--json"], "usage", 2),
    ] {
        let answer = place.run(words);
        assert_eq!(answer.code, Some(code), "{words:?}: {answer:?}");
        let error = &answer.json()["error"];
        assert_eq!(
            (&error["class"], &error["exit_code"]),
            (&class.into(), &code.into()),
            "{words:?}: {answer:?}"
        );
        assert!(error["message"].as_str().is_some_and(|text| !text.is_empty()), "{answer:?}");
        assert!(answer.err.starts_with("error: "), "people read it too: {answer:?}");
    }
    // Where a result says it, there is one line alone.
    place.write("damaged.csv", "id,name\n1,\"a");
    place.write("bad.csv", BAD);
    for (file, code, class) in [("damaged.csv", 1, "input"), ("bad.csv", 5, "rejects")] {
        let answer = place.run(&backfill(&["--export", file, "--json"]));
        let report = answer.json();
        assert_eq!((&report["exit_code"], &report["status"]), (&code.into(), &"failed".into()), "{class}");
        assert_eq!(report["warnings"], serde_json::json!([]));
    }
    let report = place.run(&backfill(&["--json"])).json();
    assert_eq!((&report["exit_code"], &report["warnings"]), (&0.into(), &serde_json::json!([])));
    let report = place.run(&backfill(&["--report", "-"])).json();
    assert_eq!((&report["status"], &report["exit_code"]), (&"skipped".into(), &0.into()));
    assert!(!place.path("-").exists());
}

#[test]
fn convert_takes_folders_and_goes_on_after_a_failure() {
    let place = Place::new();
    for (name, text) in
        [("in/a.csv", GOOD), ("in/b.csv", BAD), ("in/deep/c.csv", GOOD), ("in/notes.txt", "x")]
    {
        place.write(name, text);
    }
    let convert = ["convert", "--table", "t", "--quiet", "--out"];
    for (out, inputs, code, made) in [
        ("o1", &["in"][..], 5, &["a", "c"][..]),
        ("o2", &["in/*.csv"], 5, &["a"]),
        ("o3", &["in/deep"], 0, &["c"]),
        ("o4", &["absent.csv", "in/b.csv", "in/a.csv"], 3, &["a"]),
        ("o5", &["in/*.bz2"], 3, &[]),
        ("o6", &["in/a.csv"], 0, &["part-00000.snappy.parquet"]),
    ] {
        let answer = place.run(&[&convert[..], &[out], inputs].concat());
        assert_eq!(answer.code, Some(code), "{inputs:?}: {answer:?}");
        let names = std::fs::read_dir(place.path(out)).into_iter().flatten();
        let mut names: Vec<String> = names
            .map(|item| item.unwrap())
            .filter(|item| !item.path().is_dir() || std::fs::read_dir(item.path()).unwrap().count() > 0)
            .map(|item| item.file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, *made, "{inputs:?}: {answer:?}");
    }
    let answer = place.run(&[&convert[..], &["o7", "in"]].concat());
    assert_eq!(answer.err.matches("error: ").count(), 2, "{answer:?}");
    assert!(answer.err.contains("error: 1 of 3 inputs failed"), "{answer:?}");
}

#[test]
fn schemas_that_differ_have_an_exit_code_if_it_is_asked_for() {
    let place = Place::new();
    place.write("new.json", &super::SCHEMA.replace("\"name\": {", "\"nom\": {"));
    for (new, more, code) in
        [("new.json", &[][..], 0), ("new.json", &["--exit-code"], 4), ("schema.json", &["--exit-code"], 0)]
    {
        let answer = place.run(&[&["schema", "diff", "schema.json", new], more].concat());
        assert_eq!(answer.code, Some(code), "{new}: {answer:?}");
    }
}

#[test]
fn the_version_says_what_it_was_built_of() {
    let place = Place::new();
    let long = place.run(&["--version"]).out;
    assert!(long.starts_with(concat!("csl-stream ", env!("CARGO_PKG_VERSION"), " (")), "{long}");
    for (feature, built) in [("aws", cfg!(feature = "aws")), ("query", cfg!(feature = "query"))] {
        assert_eq!(long.contains(feature), built, "{long}");
    }
    assert_eq!(long.contains("commit "), option_env!("CSL_COMMIT").is_some_and(|commit| !commit.is_empty()));
    assert_eq!(place.run(&["-V"]).out, concat!("csl-stream ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[cfg(feature = "serve")]
#[test]
fn a_mistyped_table_of_the_worker_is_told() {
    let place = Place::new();
    for (tables, told) in [("nosuch", true), ("t", false), ("all", false)] {
        let answer =
            Answer::of(place.command(&["work", "--once"]).env("CSL_WORK_TABLES", tables).output().unwrap());
        assert_eq!(answer.code, Some(0), "{answer:?}");
        assert_eq!(
            answer.err.contains("work.tables names what the schema lacks: nosuch"),
            told,
            "{answer:?}"
        );
    }
}

#[test]
fn colours_are_shown_where_others_show_them() {
    let place = Place::new();
    let red = "\u{1b}[31m";
    let words = ["loads", "show", "x"];
    for (variables, flag, coloured) in [
        (&[][..], "auto", true),
        (&[("NO_COLOR", "1")], "auto", false),
        (&[("NO_COLOR", "")], "auto", true),
        (&[("TERM", "dumb")], "auto", false),
        (&[("NO_COLOR", "1")], "always", true),
        (&[], "never", false),
        (&[("CLICOLOR_FORCE", "1")], "never", false),
    ] {
        let answer = in_terminal(&place, &[&words[..], &["--color", flag]].concat(), variables);
        assert_eq!(answer.out.contains(red), coloured, "{variables:?} {flag}: {answer:?}");
    }
    for (variables, coloured) in [(&[][..], false), (&[("CLICOLOR_FORCE", "1")], true)] {
        let mut command = place.command(&words);
        command.env_remove("NO_COLOR").envs(variables.iter().copied());
        let answer = Answer::of(command.output().unwrap());
        assert_eq!(answer.err.contains(red), coloured, "a pipe, {variables:?}: {answer:?}");
    }
    // JSON is never painted.
    let answer =
        Answer::of(place.command(&["loads", "list", "--json"]).env("CLICOLOR_FORCE", "1").output().unwrap());
    assert_eq!(answer.out, "[]\n");
}

#[test]
fn long_lists_go_through_the_pager_on_a_terminal() {
    let place = Place::new();
    let pager = "sed s/^/PAGED:/";
    // `config` prints more lines than any terminal shows; `loads list` prints one.
    for (words, variables, paged) in [
        (&["config"][..], &[("PAGER", pager)][..], true),
        (&["config", "--no-pager"], &[("PAGER", pager)], false),
        (&["config", "--json"], &[("PAGER", pager)], false),
        (&["config"], &[("PAGER", "cat")], false),
        (&["config"], &[("PAGER", "")], false),
        (&["config"], &[("PAGER", "/no/such/pager")], false),
        (&["loads", "list"], &[("PAGER", pager)], false),
    ] {
        let answer = in_terminal(&place, words, variables);
        assert_eq!(answer.code, Some(0), "{words:?} {variables:?}: {answer:?}");
        assert_eq!(answer.out.contains("PAGED:"), paged, "{words:?} {variables:?}: {answer:?}");
        let key = if words[0] == "config" { "warehouse.keep_versions" } else { "no loads in" };
        assert!(answer.out.contains(key), "all is shown: {words:?} {variables:?}: {answer:?}");
    }
    let piped = Answer::of(place.command(&["config"]).env("PAGER", pager).output().unwrap());
    assert!(!piped.out.contains("PAGED:") && piped.out.contains("warehouse.keep_versions"), "{piped:?}");
    // Whoever leaves the pager early has seen enough.
    let left = in_terminal(&place, &["config"], &[("PAGER", "head -1 >/dev/null")]);
    assert_eq!(left.code, Some(0), "{left:?}");
}

#[test]
fn a_load_that_waits_says_for_whom() {
    let place = Place::new();
    let mut first = place.command(&backfill(&["--export", "-", "--quiet"]));
    let mut first = first.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let started = Instant::now();
    while !std::fs::read_to_string(place.path("warehouse/t/.lock")).is_ok_and(|text| text.contains(" since "))
    {
        assert!(started.elapsed() < WAIT_MAX, "nobody holds the lock");
        std::thread::sleep(Duration::from_millis(10));
    }
    let mut second = place.command(BACKFILL);
    let second = second.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_secs(1));
    first.stdin.take().unwrap().write_all(GOOD.as_bytes()).unwrap();
    assert!(first.wait().unwrap().success());
    let answer = Answer::of(second.wait_with_output().unwrap());
    assert_eq!(answer.code, Some(0), "{answer:?}");
    let told =
        answer.err.lines().find(|line| line.contains("waiting for the table: load ")).unwrap_or_default();
    assert!(
        told.contains(&format!("in process {} on ", first.id())) && told.contains(" since 20"),
        "{answer:?}"
    );
}

#[test]
fn several_tables_have_a_bar_each() {
    let place = Place::new();
    let columns = r#""columns": {"id": {"type": "integer", "sql_type": "bigint"}, "name": {"type": "string", "sql_type": "text"}}"#;
    let table = |name: &str| format!(r#"{{"table": {{"name": "{name}", {columns}}}}}"#);
    place.write("schema.json", &format!(r#"{{"tables": [{}, {}]}}"#, table("t"), table("u")));
    let rows: String = (0..400_000).map(|id| format!("{id},a name\n")).collect();
    for name in ["t", "u"] {
        let file = format!("exports/full/{name}/20260301/{name}_20260301031500.csv");
        place.write(&file, &format!("id,name\n{rows}"));
    }
    let answer = in_terminal(&place, &["backfill", "--all", "--threads", "2"], &[]);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    // Between two clearings of the screen both are drawn.
    let is_bar = |line: &&str, name: &str| line.contains(&format!("{name}: ")) && line.contains(" left, ");
    for name in ["t", "u"] {
        assert!(answer.out.split(['\r', '\n']).any(|line| is_bar(&line, name)), "{name}: {:?}", answer.out);
    }
    assert!(answer.out.contains("2 tables loaded"), "{:?}", answer.out);
}
