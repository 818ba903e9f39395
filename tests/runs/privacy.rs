//! Rules of privacy in whole runs: nothing of what they hide is anywhere, and another policy loads anew.

use super::{Answer, Place};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

const SCHEMA: &str = r#"{"tables": [{"table": {"name": "t", "columns": {
    "id": {"type": "integer", "sql_type": "bigint", "nullable": false},
    "email": {"type": "string", "sql_type": "character varying(20)", "nullable": false},
    "token": {"type": "string", "sql_type": "text"},
    "phone": {"type": "string", "sql_type": "text"},
    "ip": {"type": "inet", "sql_type": "inet"},
    "born": {"type": "date", "sql_type": "date", "nullable": false},
    "postcode": {"type": "string", "sql_type": "text"},
    "score": {"type": "integer", "sql_type": "integer"}}}}]}"#;
const HEADER: &str = "id,email,token,phone,ip,born,postcode,score\n";
const EXPORT: &str = "exports/full/t/20260301/t_20260301031500.csv";
/// What stands in columns with a rule, and must be nowhere; a date as a number would be 3,704 days, and none is shown.
const HIDDEN: &[&str] = &["MARKER", "marker", "1980-02-22", "198.51.100.7", "AB12 9"];
const RULES: &str = r#"
[privacy]
secret_file = "key"
[privacy.columns]
"t.email" = "hash"
"*.token" = "drop"
"t.phone" = "hash_exact"
"*.ip" = "network"
"t.born" = "null"
"t.postcode" = "prefix:4"
"*.*" = "keep"
"#;

/// A row; `n` is the score, which may be none.
fn row(id: u64, n: &str) -> String {
    format!(
        "{id},Marker{id}@Example.org,MARKER-token-{id},+44 MARKER {id},198.51.100.7,1980-02-22,AB12 9ZZ,{n}\n"
    )
}

fn place(rules: &str) -> Place {
    let place = Place::new();
    place.write("schema.json", SCHEMA);
    place.write(EXPORT, &[HEADER, &row(1, "5"), &row(2, "6"), "3,\"\",,,,1980-02-22,,\n"].concat());
    place.write("key", "a key that nobody can guess\n");
    #[cfg(unix)]
    fs::set_permissions(place.path("key"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    place.write("csl-stream.toml", rules);
    place
}

fn load(place: &Place, more: &[&str]) -> Answer {
    let words = [&["backfill", "--table", "t", "--json", "-vv"], more].concat();
    Answer::of(place.command(&words).env("CSL_LOG", "trace").output().unwrap())
}

fn rows(place: &Place) -> String {
    place.run(&["query", "select * from t order by id", "--format", "csv"]).out
}

/// Files below a folder that hold a marker, but for what was given.
fn leaks(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_symlink() || entry.ends_with("exports") {
            continue;
        }
        if entry.is_dir() {
            found.extend(leaks(&entry));
            continue;
        }
        let bytes = fs::read(&entry).unwrap();
        let holds = |marker: &&&str| bytes.windows(marker.len()).any(|window| window == marker.as_bytes());
        found.extend(HIDDEN.iter().find(holds).map(|marker| format!("{marker} in {}", entry.display())));
    }
    found
}

fn said_nothing(answer: &Answer) {
    for marker in HIDDEN {
        assert!(!answer.err.contains(marker) && !answer.out.contains(marker), "{marker}: {answer:#?}");
    }
}

/// `printf '%s' "$key$value" | sha256sum`, by the program that everybody has.
fn sha256(text: &str) -> String {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let mut child = Command::new("sha256sum").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()[..64].to_owned()
}

#[test]
fn the_table_holds_what_the_rules_leave_and_nothing_else_is_anywhere() {
    let place = place(RULES);
    let answer = load(&place, &[]);
    assert_eq!(answer.code, Some(0), "{answer:#?}");
    said_nothing(&answer);
    let hash = |value: &str| sha256(&format!("a key that nobody can guess{value}"));
    let expected = [
        "id,email,phone,ip,born,postcode,score".to_owned(),
        format!("1,{},{},198.51.100.0/24,,AB12,5", hash("marker1@example.org"), hash("+44 MARKER 1")),
        format!("2,{},{},198.51.100.0/24,,AB12,6", hash("marker2@example.org"), hash("+44 MARKER 2")),
        format!("3,{},,,,,", hash("")),
    ];
    assert_eq!(rows(&place).lines().collect::<Vec<_>>(), expected);
    let report = answer.json();
    let of = |name: &str| -> Value {
        report["columns"].as_array().unwrap().iter().find(|column| column["name"] == name).unwrap().clone()
    };
    let rules: Vec<_> =
        report["columns"].as_array().unwrap().iter().map(|column| column["privacy"].clone()).collect();
    assert_eq!(json!(rules), json!(["keep", "hash", "hash_exact", "network", "null", "prefix:4", "keep"]));
    assert_eq!((&of("born")["min"], &of("born")["nulls"]), (&Value::Null, &3.into()));
    assert_eq!((&of("email")["bytes"], &of("email")["empties"]), (&192.into(), &0.into()));
    assert_eq!(leaks(&place.path(".")), Vec::<String>::new());
    // The table is what the export says under the rules.
    for more in [&[][..], &["--export", EXPORT]] {
        let verified = place.run(&[&["verify", "--table", "t", "--json"], more].concat());
        assert_eq!(verified.code, Some(0), "{verified:#?}");
        said_nothing(&verified);
    }
}

/// What a table holds may be older than the rule: its figures are not shown either.
#[test]
fn a_comparison_shows_no_figure_of_a_hidden_column() {
    let place = place("");
    load(&place, &[]);
    place.write("csl-stream.toml", "[privacy.columns]\n\"t.born\" = \"null\"\n\"t.score\" = \"hash\"\n[privacy]\nsecret_file = \"key\"\n");
    for more in [&[][..], &["--export", EXPORT]] {
        for json in [&[][..], &["--json"]] {
            let answer = place.run(&[&["verify", "--table", "t"], more, json].concat());
            assert!(!answer.out.contains("1980-02-22") && !answer.err.contains("1980-02-22"), "{answer:#?}");
            assert_eq!(answer.code, Some(if more.is_empty() { 0 } else { 6 }), "{answer:#?}");
        }
    }
}

#[test]
fn another_policy_loads_anew_and_the_same_does_not() {
    let place = place("");
    let status = |rules: &str| {
        place.write("csl-stream.toml", rules);
        let answer = load(&place, &[]);
        assert_eq!(answer.code, Some(0), "{answer:#?}");
        answer.json()["status"].as_str().unwrap().to_owned()
    };
    let nulled = "[privacy.columns]\n\"t.phone\" = \"null\"\n";
    assert_eq!([status(""), status("")], ["succeeded", "skipped"]);
    // Rules that come to nothing for this table are none.
    assert_eq!(status("[privacy.columns]\n\"u.phone\" = \"null\"\n\"*.id\" = \"keep\"\n"), "skipped");
    assert_eq!([status(RULES), status(RULES)], ["succeeded", "skipped"]);
    place.write("key", "another key that nobody can guess\n");
    assert_eq!([status(RULES), status(RULES)], ["succeeded", "skipped"]);
    assert_eq!([status(nulled), status(nulled)], ["succeeded", "skipped"]);
    assert_eq!(status("[privacy.columns]\n\"*.ph*\" = \"null\"\n\"u.x\" = \"drop\"\n"), "skipped");
    assert_eq!([status(""), status("")], ["succeeded", "skipped"]);
    let entry = fs::read_to_string(place.path("warehouse/t/current/_load.json")).unwrap();
    assert!(!entry.contains("privacy"), "{entry}");
    status(nulled);
    let entry = fs::read_to_string(place.path("warehouse/t/current/_load.json")).unwrap();
    let entry: Value = serde_json::from_str(&entry).unwrap();
    let id = &entry["parts"][0]["privacy"];
    let shown = place.run(&["loads", "show", entry["load_id"].as_str().unwrap()]);
    let line = format!("rules of privacy: {} (1 rule)", id["digest"].as_str().unwrap());
    assert!(shown.out.contains(&line), "{shown:#?}");
    assert_eq!((id["digest"].as_str().unwrap().len(), id["name"].as_str()), (16, Some("1 rule")), "{entry}");
}

/// A full export that keeps what it may lack keeps it as it was made, and tells; the same incremental export under the
/// new rules takes the place of the old one.
#[test]
fn what_another_policy_made_is_told_until_it_is_loaded_anew() {
    let place = place("");
    place.write("exports/incremental/t/20260301/t_20260301051500.csv", &[HEADER, &row(9, "5")].concat());
    load(&place, &[]);
    load(&place, &["--kind", "incremental"]);
    place.write("csl-stream.toml", "[privacy.columns]\n\"t.phone\" = \"null\"\n");
    let told = |report: &Value| {
        report["warnings"].to_string().contains("rows of 1 load that another policy of privacy has made")
    };
    let report = load(&place, &[]).json();
    assert!(told(&report), "{report}");
    let phones = || place.run(&["query", "select id from t where phone is not null", "--format", "csv"]).out;
    assert_eq!(phones(), "id\n9\n");
    let report = load(&place, &["--kind", "incremental"]).json();
    assert_eq!((report["status"].as_str(), told(&report)), (Some("succeeded"), false), "{report}");
    assert_eq!(phones(), "id\n");
    assert_eq!(load(&place, &["--kind", "incremental"]).json()["status"], "skipped");
}

/// What was there is in older versions alone.
#[test]
fn a_column_that_a_rule_drops_is_in_no_new_version() {
    let place = place("");
    load(&place, &[]);
    assert!(rows(&place).contains("MARKER-token-1"));
    place.write(
        "csl-stream.toml",
        "[privacy.columns]\n\"*.token\" = \"drop\"\n[load]\nunknown_columns = \"drop\"\n",
    );
    let report = load(&place, &[]).json();
    assert_eq!(report["status"], "succeeded");
    assert_eq!(report["warnings"], json!([]), "{report}");
    let now = rows(&place);
    assert!(
        !now.contains("MARKER-token") && now.lines().next() == Some("id,email,phone,ip,born,postcode,score"),
        "{now}"
    );
}

#[test]
fn rejects_hold_what_the_rules_leave_and_can_be_mended() {
    let place = place(RULES);
    let bad = format!("{HEADER}{}{}{}", row(1, "x"), row(2, "6"), "4,Marker@Example.org,MARKER\n");
    place.write(EXPORT, &bad);
    let failed = load(&place, &["--rejects", "r.csv"]);
    assert_eq!(failed.code, Some(5), "{failed:#?}");
    said_nothing(&failed);
    assert_eq!(leaks(&place.path(".")), Vec::<String>::new());
    let answer = load(&place, &["--max-rejects", "2", "--rejects", "r.csv"]);
    assert_eq!(answer.code, Some(0), "{answer:#?}");
    said_nothing(&answer);
    assert_eq!(leaks(&place.path(".")), Vec::<String>::new());
    let kept = fs::read_to_string(place.path("r.csv")).unwrap();
    let hash = |value: &str| sha256(&format!("a key that nobody can guess{value}"));
    let (email, phone) = (hash("marker1@example.org"), hash("+44 MARKER 1"));
    let names =
        ["id", "email:hash", "token", "phone:hash_exact", "ip:network", "born", "postcode:prefix:4", "score"];
    let header = names.map(|name| format!("\"{name}\"")).join(",");
    let record = format!("1,\"{email}\",,\"{phone}\",\"198.51.100.0/24\",,\"AB12\",x");
    // Of the second nobody can tell which field is which: its place alone is told.
    assert_eq!(kept.lines().collect::<Vec<_>>(), [&header, &record, ""]);
    place.write("mended.csv", &format!("{header}\n{}\n", record.replace(",x", ",7")));
    let mended = load(&place, &["--export", "mended.csv", "--kind", "incremental"]);
    assert_eq!(mended.code, Some(0), "{mended:#?}");
    let text = rows(&place);
    assert!(text.contains(&format!("1,{email},{phone},198.51.100.0/24,,AB12,7")), "{text}");
}

/// Whose a hashed record is cannot be told by the mark of somebody who was erased: it is refused, and why is said.
#[test]
fn a_hidden_column_by_which_people_were_erased_cannot_be_mended() {
    let place = place(RULES);
    assert_eq!(load(&place, &[]).code, Some(0));
    let erased = place.run(&["erase", "--table", "t", "--email", "marker2@example.org", "--json"]);
    assert_eq!(erased.code, Some(0), "{erased:#?}");
    for (email, told) in [
        ("email:hash", "a rule of privacy has hidden whose its records are"),
        ("mail", "load an export that has the column"),
    ] {
        place.write("mended.csv", &format!("id,{email},born,score\n9,{},,7\n", sha256("x")));
        let words = [
            &["--export", "mended.csv", "--kind", "incremental"][..],
            &["--missing-columns", "null", "--unknown-columns", "drop"],
        ];
        let answer = load(&place, &words.concat());
        assert_eq!(answer.code, Some(4), "{answer:#?}");
        assert!(answer.err.contains("the file lacks email") && answer.err.contains(told), "{answer:#?}");
    }
}

#[test]
fn values_without_a_rule_may_be_reported_and_others_never() {
    let rules = format!("[load]\nreport_values = true\n{RULES}");
    let place = place(&rules.replace("\"t.born\" = \"null\"\n", "\"t.born\" = \"hash\"\n"));
    place.write(EXPORT, &format!("{HEADER}{}", row(1, "seven").replace("1,Marker1@Example.org", "1,")));
    let answer = load(&place, &[]);
    assert_eq!(answer.code, Some(5), "{answer:#?}");
    said_nothing(&answer);
    let report = answer.json();
    let shown: Vec<_> = report["rejects"]["first"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| (fault["column"].as_str().unwrap(), fault["value"].as_str()))
        .collect();
    assert_eq!(shown, [("email", None), ("score", Some("seven"))]);
}

#[test]
fn commands_say_what_becomes_of_columns() {
    let place = place(RULES);
    let show = place.run(&["privacy", "show"]);
    assert_eq!(show.code, Some(0), "{show:#?}");
    let lines: Vec<_> = show.out.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).collect();
    assert_eq!(lines[1][..4], ["t.email", "hash", "rule", "t.email"]);
    assert_eq!(lines[7][..4], ["t.score", "keep", "rule", "*.*"]);
    let check = place.run(&["privacy", "check"]);
    assert_eq!(check.code, Some(0), "{check:#?}");
    place.write("csl-stream.toml", &RULES.replace("\"*.*\" = \"keep\"", "\"t.gone\" = \"drop\""));
    let check = place.run(&["privacy", "check"]);
    assert_eq!(check.code, Some(4), "{check:#?}");
    for part in ["the rule t.gone matches no column", "2 undecided"] {
        assert!(check.out.contains(part), "{check:#?}");
    }
    assert!(check.err.contains("nobody has decided about 2 columns: t.id, t.score"), "{check:#?}");
    let plan = place.run(&["plan", "--table", "t"]);
    assert_eq!(plan.code, Some(0), "{plan:#?}");
    for part in ["7 rules)", "t.token", "drop", "rule *.token"] {
        assert!(plan.out.contains(part), "{part}: {plan:#?}");
    }
    for untold in ["is in the schema, not in the export", "is in the export, not in the schema"] {
        assert!(!plan.out.contains(untold), "{plan:#?}");
    }
    let ddl = place.run(&["schema", "ddl"]);
    assert!(!ddl.out.contains("token") && ddl.out.contains("\"born\" DATE,"), "{ddl:#?}");
    let asked = place.run(&["check", "--table", "t"]);
    assert!(asked.out.contains("7 rules: 6 columns not loaded as they are"), "{asked:#?}");
}

/// Whoever has no rules is told which columns are credentials.
#[test]
fn credentials_are_named_until_somebody_decides() {
    let schema =
        SCHEMA.replace("\"name\": \"t\"", "\"name\": \"users\"").replace("\"token\"", "\"unlock_token\"");
    let place = place("");
    place.write("schema.json", &schema);
    place.write(
        "exports/full/users/20260301/users_20260301031500.csv",
        &[&HEADER.replace("token", "unlock_token"), row(1, "5").as_str()].concat(),
    );
    for (rules, told) in [
        ("", true),
        ("[privacy.columns]\n\"*.email\" = \"null\"\n", true),
        ("[privacy.columns]\n\"*.unlock_token\" = \"keep\"\n", false),
        ("[privacy]\npreset = \"controlshift\"\n", false),
        ("[privacy]\nnew_columns = \"drop\"\n[privacy.columns]\n\"*.id\" = \"keep\"\n", false),
    ] {
        place.write("csl-stream.toml", rules);
        for words in [&["plan", "--table", "users"][..], &["check", "--table", "users"]] {
            let answer = place.run(words);
            assert_eq!(
                answer.out.contains("users.unlock_token is a credential"),
                told,
                "{rules}: {answer:#?}"
            );
        }
    }
}

#[test]
fn a_policy_that_cannot_be_is_refused_before_anything_is_read() {
    let place = place("");
    for (rules, told) in [
        ("[privacy.columns]\n\"t.email\" = \"md5\"\n", "\"md5\" is no rule"),
        ("[privacy.columns]\n\"email\" = \"null\"\n", "names no columns"),
        ("[privacy.columns]\n\"t.email\" = \"hash\"\n", "the rule hash needs a key"),
        (
            "[privacy]\nsecret_file = \"none\"\n[privacy.columns]\n\"t.email\" = \"hash\"\n",
            "cannot read the key of hashes",
        ),
        ("[privacy]\nsecret_file = \"csl-stream.toml\"\nsecret_arn = \"a\"\n", "exclude each other"),
        ("[privacy.columns]\n\"t.score\" = \"prefix:2\"\n", "the rule prefix:2 of t.score: it is for texts"),
        ("[privacy.columns]\nt = { email = \"null\" }\n", "privacy.columns must be texts under names"),
        ("[privacy]\npreset = \"gdpr\"\n", "one of none, controlshift"),
    ] {
        place.write("csl-stream.toml", rules);
        let answer = load(&place, &[]);
        assert!(matches!(answer.code, Some(2 | 3)) && answer.err.contains(told), "{rules}: {answer:#?}");
        assert!(!place.path("warehouse/t/current").exists());
    }
    place.write("key", "short\n");
    place.write("csl-stream.toml", RULES);
    let answer = load(&place, &[]);
    assert!(answer.err.contains("the key of hashes has 5 bytes, and 16 are the least"), "{answer:#?}");
    #[cfg(unix)]
    {
        fs::set_permissions(place.path("key"), std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
        let answer = load(&place, &[]);
        assert!(answer.err.contains("the key of hashes can be read by every user"), "{answer:#?}");
    }
}

/// Rules come by the environment too, in their order.
#[test]
fn the_environment_has_rules_in_order() {
    let place = place("");
    let shown = |rules: &str| {
        let answer = Answer::of(
            place.command(&["privacy", "show", "--json"]).env("CSL_PRIVACY_COLUMNS", rules).output().unwrap(),
        );
        answer
            .json()
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["rule"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(shown("t.email=keep, t.e*=null,*.*=drop")[..3], ["drop", "keep", "drop"]);
    assert_eq!(shown("*.*=drop,t.email=keep")[..3], ["drop", "drop", "drop"]);
}

/// Each schema that ControlShift has published is classified; `CSL_TEST_SCHEMAS` names a folder of more.
#[test]
fn the_preset_knows_every_column_of_the_published_schemas() {
    let place = place("[privacy]\npreset = \"controlshift\"\n");
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/schema");
    let folders = [Some(own), std::env::var_os("CSL_TEST_SCHEMAS").map(Into::into)];
    let files = folders.into_iter().flatten().flat_map(|folder| fs::read_dir(folder).unwrap());
    let files: Vec<_> = files
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "json"))
        .collect();
    assert!(!files.is_empty());
    let check = |file: &Path| place.run(&["privacy", "check", "--json", "--schema", file.to_str().unwrap()]);
    for file in &files {
        let answer = check(file);
        assert_eq!(answer.code, Some(0), "{}: {answer:#?}", file.display());
        let examined = answer.json();
        println!("{}: {} columns", file.display(), examined["columns"]);
        assert_eq!(
            (&examined["undecided"], &examined["credentials"]),
            (&json!([]), &json!([])),
            "{}",
            file.display()
        );
        assert!(examined["columns"].as_u64().unwrap() > 500, "{examined}");
    }
    // One column more, and somebody has to decide.
    let more = fs::read_to_string(&files[0]).unwrap().replacen(
        "\"columns\":",
        "\"columns\": {\"shoe_size\": {\"type\": \"integer\", \"sql_type\": \"integer\"}}, \"was\":",
        1,
    );
    place.write("more.json", &more);
    let answer = check(&place.path("more.json"));
    assert!(
        answer.code == Some(4) && answer.err.contains("about 1 column") && answer.err.contains(".shoe_size"),
        "{answer:#?}"
    );
}

/// On somebody's own terminal the first rejected value is shown, escaped, unless a rule hides its column.
#[cfg(target_os = "linux")]
#[test]
fn a_terminal_shows_the_first_rejected_value() {
    use std::process::Command;
    for (rules, shown) in [("", true), ("[privacy.columns]\n\"t.id\" = \"null\"\n", false)] {
        let place = place(rules);
        place.write(EXPORT, &[HEADER, &row(1, "5"), "\"x\"\u{1b}[31mAnn,a,,,,1980-02-22,,\n"].concat());
        let plain = place.run(&["backfill", "--table", "t"]);
        assert_eq!(plain.code, Some(5), "{plain:#?}");
        assert!(!plain.err.contains("Ann"), "{plain:#?}");
        // `script` (util-linux) gives the program a terminal.
        let program = format!("{} backfill --table t", env!("CARGO_BIN_EXE_csl-stream"));
        let mut command = Command::new("script");
        command.args(["-qec", &program, "/dev/null"]).current_dir(place.path(""));
        command
            .env("CSL_SCHEMA_SOURCE", "schema.json")
            .env("CSL_EXPORTS_ROOT", "exports")
            .env_remove("CSL_LOG");
        let said = String::from_utf8(command.output().unwrap().stdout).unwrap();
        let value = r#"the first rejected value, of record 2, column "id": "\"x\"\u{1b}[31mAnn""#;
        assert_eq!(said.contains(value), shown, "{said}");
        assert_eq!(said.contains("Ann"), shown, "{said}");
    }
}
