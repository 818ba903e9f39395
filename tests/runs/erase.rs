//! People who are erased: gone from all bytes, and out of whatever is loaded later.

use super::{Answer, Place};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const SCHEMA: &str = r#"{"tables": [{"table": {"name": "t", "columns": {
    "id": {"type": "integer", "sql_type": "bigint", "nullable": false},
    "email": {"type": "string", "sql_type": "character varying(63)"},
    "note": {"type": "string", "sql_type": "text"}}}}]}"#;
/// Stands in every row of the person who goes, in two spellings.
const MARKER: &str = "marker-ann@example.org";
const SPELT: &str = "Marker-Ann@Example.org";
/// Text that only their rows have.
const NOTE: &str = "a note of ann's alone";
/// A load that died.
const DEAD: &str = "019371c2-0000-7000-8000-000000000000";
/// Places in a run at which it is killed.
const KILLS: u32 = 40;

/// Rows of these ids; those in `hers` are the person's.
fn csv(ids: impl IntoIterator<Item = u32>, hers: &[u32]) -> String {
    let mut csv = "id,email,note\n".to_owned();
    for id in ids {
        csv += &match hers.iter().position(|&her| her == id) {
            Some(at) => format!("{id},{},\"{NOTE}, {id}\"\n", if at % 2 == 0 { MARKER } else { SPELT }),
            None => format!("{id},person{id}@example.org,\"said \"\"{id}\"\"\"\n"),
        };
    }
    csv
}

fn export(kind: &str, at: &str) -> String {
    format!("exports/{kind}/t/{}/t_{at}.csv", &at[..8])
}

const LOAD: &[&str] = &["backfill", "--table", "t", "--keep-versions", "9", "--codec", "none", "--json"];

fn loaded(place: &Place, more: &[&str]) -> Value {
    let answer = place.run(&[LOAD, more].concat());
    assert_eq!(answer.code, Some(0), "{more:?}: {answer:?}");
    // Of several exports each has a line.
    serde_json::from_str(answer.out.lines().last().unwrap()).unwrap()
}

/// Three versions and more, two incrementals, rejects, a dead load, and a report with a value.
fn world() -> Place {
    let place = Place::new();
    std::fs::remove_dir_all(place.path("exports")).unwrap();
    place.write("schema.json", SCHEMA);
    place.write(&export("full", "20260301031500"), &csv(1..=50, &[7]));
    loaded(&place, &["--date", "20260301"]);
    place.write(&export("incremental", "20260301120000"), &csv(51..=55, &[52]));
    place.write(&export("incremental", "20260301180000"), &csv([60, 61], &[61]));
    loaded(&place, &["--kind", "incremental", "--date", "20260301"]);
    place.write(
        &export("incremental", "20260301200000"),
        &format!("id,email,note\n70,p@x.org,\nx,{MARKER},\"{NOTE}\"\n"),
    );
    let report = loaded(&place, &["--kind", "incremental", "--date", "20260301", "--max-rejects", "5"]);
    assert_eq!(report["rows"]["rejected"], 1, "{report}");
    place.write(&export("full", "20260302031500"), &csv((1..=55).chain([60, 61, 70]), &[7, 52, 61]));
    loaded(&place, &["--date", "20260302"]);
    place.write(
        &format!("warehouse/t/.staging-{DEAD}/{DEAD}-part-00000.parquet"),
        &format!("PAR1{MARKER}PAR1"),
    );
    let reports = place.path("warehouse/t/.loads");
    let with_reject = std::fs::read_dir(reports)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| std::fs::read_to_string(path).unwrap().contains("\"value_bytes\": 1"));
    let path = with_reject.expect("a report of the reject");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("\"value\": null", &format!("\"value\": \"{MARKER}\""))).unwrap();
    place
}

/// Every file below a folder with its bytes, and links with where they lead.
fn all_below(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let metadata = std::fs::symlink_metadata(&path).unwrap();
        if metadata.is_dir() {
            found.extend(all_below(&path));
        } else if metadata.is_symlink() {
            let to = std::fs::read_link(&path).unwrap();
            found.insert(path.display().to_string(), to.display().to_string().into_bytes());
        } else {
            found.insert(path.display().to_string(), std::fs::read(&path).unwrap());
        }
    }
    found
}

/// Files of what the program has made that hold something of hers; exports are ControlShift's.
fn hers(place: &Place) -> Vec<String> {
    let mut found = Vec::new();
    for (path, bytes) in all_below(&place.path("")) {
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        let in_values =
            path.ends_with(".parquet") && read(Path::new(&path)).to_lowercase().contains("marker-ann");
        if !path.contains("/exports/")
            && (in_values || text.contains("marker-ann") || text.contains("of ann's alone"))
        {
            found.push(path);
        }
    }
    found
}

/// All values of a Parquet file, by a reader that is not the program's.
fn read(path: &Path) -> String {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    let Ok(reader) = SerializedFileReader::new(std::fs::File::open(path).unwrap()) else {
        return String::new();
    };
    reader.get_row_iter(None).unwrap().map(|row| format!("{}\n", row.unwrap())).collect()
}

fn table(place: &Place) -> Vec<String> {
    let answer = place.run(&["query", "--format", "csv", "select id, email, note from t order by id"]);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    answer.out.lines().map(str::to_owned).collect()
}

fn without_her(rows: Vec<String>) -> Vec<String> {
    rows.into_iter().filter(|row| !row.to_lowercase().contains(MARKER)).collect()
}

const ERASE: &[&str] = &["erase", "--table", "t", "--email", SPELT];

#[test]
fn a_person_goes_out_of_every_byte_and_does_not_come_back() {
    let place = world();
    let (before, rows) = (hers(&place), table(&place));
    for part in [".parquet", ".rejects.csv", ".loads/", ".staging-"] {
        assert!(before.iter().any(|path| path.contains(part)), "{part} {before:?}");
    }
    // Who has the lock writes its name into it.
    let as_it_is = || {
        let mut all = all_below(&place.path(""));
        all.retain(|path, _| !path.ends_with("/.lock"));
        all
    };
    let bytes = as_it_is();
    let planned = place.run(&[ERASE, &["--dry-run", "--json"]].concat());
    assert_eq!(planned.code, Some(0), "{planned:?}");
    assert!(as_it_is() == bytes, "a dry run changes nothing");
    let erased = place.run(&[ERASE, &["--json"]].concat());
    assert_eq!(erased.code, Some(0), "{erased:?}");
    let outcome = erased.json();
    assert_eq!((&outcome["rows"], &outcome["rows_left"]), (&3.into(), &55.into()), "{outcome}");
    // The plan has told of each place, but for the version that was to be replaced.
    let places = |outcome: &Value| -> Vec<String> {
        let of = |touched: &Value| format!("{} {}", touched["place"], touched["rows"]);
        let touched = outcome["touched"].as_array().unwrap().iter();
        touched.filter(|touched| touched["what"] != "replaced version").map(of).collect()
    };
    assert_eq!(places(&planned.json()), places(&outcome));
    assert_eq!(hers(&place), [""; 0], "of {before:?}");
    assert_eq!(table(&place), without_her(rows.clone()), "all others stay as they were");
    let told = format!("{}{}", erased.out, erased.err).to_lowercase();
    assert!(!told.contains("marker-ann"), "{told}");
    // Again: there is nothing left to do.
    let again = place.run(&[ERASE, &["--json"]].concat()).json();
    assert_eq!(again["rows"], 0, "{again}");
    // Older exports, full and incremental, and a newer one in which ControlShift still has her.
    let older = loaded(&place, &["--date", "20260301", "--again"]);
    assert_eq!((&older["rows"]["erased"], &older["rows"]["accepted"]), (&1.into(), &49.into()), "{older}");
    for at in ["20260301120000", "20260301180000"] {
        let report = loaded(&place, &["--export", &export("incremental", at), "--again"]);
        assert_eq!(report["rows"]["erased"], 1, "{report}");
    }
    place.write(&export("full", "20260303031500"), &csv((1..=55).chain([60, 61, 70]), &[7, 52, 61]));
    let newer = loaded(&place, &["--date", "20260303"]);
    let of = |name: &str| newer["rows"][name].as_u64().unwrap();
    assert_eq!((of("read"), of("accepted"), of("rejected"), of("erased")), (58, 55, 0, 3), "{newer}");
    assert_eq!(hers(&place), [""; 0]);
    assert_eq!(without_her(rows).len(), table(&place).len());
    let verified = place.run(&["verify", "--table", "t", "--export", &export("full", "20260303031500")]);
    assert_eq!(verified.code, Some(0), "{verified:?}");
    let loads = place.run(&["loads", "list", "--json"]).json();
    let run = loads.as_array().unwrap().iter().find(|run| run["load_id"] == outcome["erase_id"]).unwrap();
    assert_eq!((&run["source"], &run["rows"]["erased"]), (&"csl-stream erase".into(), &3.into()), "{run}");
}

#[test]
fn rejected_records_of_hers_are_left_out_too_and_others_keep_their_places() {
    let place = world();
    assert_eq!(place.run(ERASE).code, Some(0));
    // A sound record, two of hers that are broken in ways of their own, and another's broken one.
    let text = format!(
        "id,email,note\n80,a@x.org,\n81,{MARKER},\"{NOTE}\"\ny,{SPELT},\nz,b@x.org,\n82,{MARKER},x,\n"
    );
    place.write("late.csv", &text);
    let late = ["--export", "late.csv", "--kind", "incremental", "--max-rejects", "9"];
    let report = loaded(&place, &late);
    let rows = &report["rows"];
    assert_eq!(
        (&rows["erased"], &rows["rejected"], &rows["accepted"]),
        (&3.into(), &1.into(), &1.into()),
        "{report}"
    );
    let first = &report["rejects"]["first"][0];
    assert_eq!((&first["record"], &first["line"]), (&4.into(), &5.into()), "{report}");
    assert_eq!(hers(&place), ["late.csv"].map(|name| place.path(name).display().to_string()));
}

#[test]
fn whoever_cannot_be_told_is_not_erased_by_halves() {
    let place = world();
    for (words, code, part) in [
        (&["--table", "t", "--id", ""][..], 2, "empty"),
        (&["--table", "t"], 2, "--id"),
        (&["--table", "t", "--id", "7", "--email", "a@b"], 2, "cannot be used with"),
        (&["--table", "t", "--email", "ann"], 2, "has no @"),
        (&["--table", "t", "--email", "a@b", "--email-column", "mail"], 2, "no column"),
        (&["--table", "u", "--id", "7"], 2, "no table"),
        (&["--table", "t", "--id", "@absent"], 3, "absent"),
    ] {
        let answer = place.run(&[&["erase"], words].concat());
        assert_eq!(answer.code, Some(code), "{words:?}: {answer:?}");
        assert!(answer.err.contains(part), "{words:?}: {answer:?}");
        assert!(!place.path("warehouse/t/.erased.json").exists() && !place.path("warehouse/u").exists());
    }
    // What the marks say must be known before a load.
    assert_eq!(place.run(ERASE).code, Some(0));
    place.write("warehouse/t/.erased.json", "{");
    let answer = place.run(&[LOAD, &["--date", "20260301", "--again"]].concat());
    assert_eq!(answer.code, Some(1), "{answer:?}");
    assert!(answer.err.contains("who was erased is damaged"), "{answer:?}");
}

#[test]
fn ids_come_from_a_file_and_an_export_must_tell_them() {
    let place = world();
    place.write("ids", "7\n\n 52 \n61\n");
    let outcome = place.run(&["erase", "--table", "t", "--id", "@ids", "--json"]).json();
    assert_eq!((&outcome["rows"], &outcome["values"]), (&3.into(), &3.into()), "{outcome}");
    assert!(table(&place).iter().all(|row| !row.to_lowercase().contains(MARKER)));
    place.write("x.csv", "email,note\na@b,\n");
    let words = ["backfill", "--table", "t", "--export", "x.csv", "--kind", "incremental"];
    let mut command = place.command(&words);
    command.env("CSL_LOAD_MISSING_COLUMNS", "null");
    let answer = Answer::of(command.output().unwrap());
    assert_eq!(answer.code, Some(4), "{answer:?}");
    assert!(answer.err.contains("lacks id, by which people were erased"), "{answer:?}");
}

/// The last row of all: a table without rows has its columns still.
#[test]
fn a_table_of_her_alone_is_empty_then() {
    let place = Place::new();
    std::fs::remove_dir_all(place.path("exports")).unwrap();
    place.write("schema.json", SCHEMA);
    place.write(&export("full", "20260301031500"), &csv([7], &[7]));
    loaded(&place, &[]);
    let outcome = place.run(&["erase", "--table", "t", "--id", "7", "--json"]).json();
    assert_eq!((&outcome["rows"], &outcome["rows_left"]), (&1.into(), &0.into()), "{outcome}");
    assert_eq!(table(&place), ["id,email,note"]);
    assert_eq!(hers(&place), [""; 0]);
    place.write(&export("full", "20260302031500"), &csv([7, 8], &[7]));
    assert_eq!(loaded(&place, &[])["rows"]["loaded"], 1);
    assert_eq!(table(&place).len(), 2);
}

/// A version that somebody reads stays, and is told; the next run takes it.
#[test]
fn a_version_that_is_read_is_told() {
    let place = world();
    let current = std::fs::canonicalize(place.path("warehouse/t/current")).unwrap();
    let held = std::fs::File::open(current.join("_load.json")).unwrap();
    held.lock_shared().unwrap();
    let answer = place.run(&[ERASE, &["--json"]].concat());
    assert_eq!(answer.code, Some(7), "{answer:?}");
    let left: Vec<_> = answer.json()["touched"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|touched| touched["done"] == "left")
        .cloned()
        .collect();
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(
        left[0]["place"].as_str().unwrap().contains(current.file_name().unwrap().to_str().unwrap()),
        "{left:?}"
    );
    assert!(table(&place).iter().all(|row| !row.to_lowercase().contains(MARKER)), "readers see the new one");
    drop(held);
    assert_eq!(place.run(ERASE).code, Some(0));
    assert_eq!(hers(&place), [""; 0]);
}

/// A folder that somebody has put there is not ours to look into.
#[test]
fn what_is_not_ours_stays_and_is_told() {
    let place = world();
    place.write("warehouse/t/backup/x.parquet", MARKER);
    let answer = place.run(ERASE);
    assert_eq!(answer.code, Some(7), "{answer:?}");
    assert!(answer.out.contains("LEFT") && answer.out.contains("warehouse/t/backup"), "{answer:?}");
    assert_eq!(hers(&place), [place.path("warehouse/t/backup/x.parquet").display().to_string()]);
}

/// What of an outcome stays as it was.
fn left(answer: &Answer, what: &str) -> String {
    let outcome = answer.json();
    let touched = outcome["touched"].as_array().unwrap().iter();
    let is_left = |touched: &&Value| touched["done"] == "left" && touched["what"] == what;
    touched.filter(is_left).map(|touched| format!("{} {}", touched["place"], touched["why"])).collect()
}

/// What another policy has made of her address is not known; her id is.
#[test]
fn rows_that_were_made_under_other_rules_are_told() {
    let place = Place::new();
    std::fs::remove_dir_all(place.path("exports")).unwrap();
    place.write("schema.json", SCHEMA);
    place.write("key", "a key that nobody can guess\n");
    #[cfg(unix)]
    std::fs::set_permissions(place.path("key"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let rules = |rule: &str| {
        format!(
            "[privacy]\nsecret_file = \"key\"\n[privacy.columns]\n\"t.email\" = \"{rule}\"\n\"*.*\" = \"keep\"\n"
        )
    };
    place.write("csl-stream.toml", &rules("hash_exact"));
    // Hers in letters that hash and hash_exact tell apart.
    place.write(&export("full", "20260301031500"), &csv(1..=9, &[99, 7]));
    loaded(&place, &[]);
    for (rule, words, code, rows) in [
        ("hash_exact", &["--email", "nobody@x.org"][..], 0, 0),
        ("hash", &["--email", MARKER], 7, 0),
        ("keep", &["--email", MARKER], 7, 0),
        ("keep", &["--id", "7"], 0, 1),
    ] {
        place.write("csl-stream.toml", &rules(rule));
        let answer = place.run(&[&["erase", "--table", "t", "--json"], words].concat());
        assert_eq!((answer.code, &answer.json()["rows"]), (Some(code), &rows.into()), "{rule}: {answer:?}");
        assert_eq!(left(&answer, "rows").contains("1 load made under other rules"), code == 7, "{answer:?}");
    }
}

/// A version from before the column came: her rows are in it by id alone.
#[test]
fn a_version_without_the_column_stays_and_is_told() {
    let place = Place::new();
    std::fs::remove_dir_all(place.path("exports")).unwrap();
    place.write(
        "schema.json",
        &SCHEMA.replace("\"email\": {\"type\": \"string\", \"sql_type\": \"character varying(63)\"},", ""),
    );
    place.write(&export("full", "20260301031500"), "id,note\n7,x\n8,y\n");
    let old = loaded(&place, &[])["load_id"].as_str().unwrap().to_owned();
    place.write("schema.json", SCHEMA);
    place.write(&export("full", "20260302031500"), &csv([7, 8], &[7]));
    loaded(&place, &["--date", "20260302"]);
    let answer = place.run(&[ERASE, &["--json"]].concat());
    assert_eq!((answer.code, &answer.json()["rows"]), (Some(7), &1.into()), "{answer:?}");
    assert!(left(&answer, "older version").contains(&old), "{answer:?}");
    assert!(place.path(&format!("warehouse/t/{old}/_load.json")).exists());
    assert_eq!(place.run(&["erase", "--table", "t", "--id", "7"]).code, Some(0));
    assert!(!place.path(&format!("warehouse/t/{old}")).exists());
}

/// What others hold is not hers for a digit that is in it.
#[test]
fn rejects_of_others_stay() {
    let place = Place::new();
    std::fs::remove_dir_all(place.path("exports")).unwrap();
    place.write("schema.json", SCHEMA);
    place.write(&export("full", "20260301031500"), &csv(1..=9, &[7]));
    loaded(&place, &[]);
    // Its reasons name record 7 of line 7 or so.
    place.write(&export("incremental", "20260301120000"), "id,email,note\nx,p17@x.org,70\n7x,p7@x.org,7\n");
    let incremental = ["--kind", "incremental", "--max-rejects", "5"];
    assert_eq!(loaded(&place, &incremental)["rows"]["rejected"], 2);
    let rejects = || place.left().into_iter().filter(|name| name.contains(".rejects.")).count();
    assert_eq!((rejects(), place.run(&["erase", "--table", "t", "--id", "1,7"]).code), (2, Some(0)));
    assert_eq!(rejects(), 2);
}

fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(status.success());
}

/// Killed at forty places of its way: the table is as it was or without her, and running it again ends it.
#[test]
fn whoever_kills_it_leaves_it_done_or_not_begun() {
    let first = world();
    let (with, without) = (table(&first), without_her(table(&first)));
    let began = Instant::now();
    let trial = tempfile::tempdir().unwrap();
    let whole = Place(trial);
    let fill = |place: &Place| {
        for name in ["warehouse", "schema.json", "exports"] {
            copy(&first.path(name), &place.path(name));
        }
        for name in first.left().iter().filter(|name| name.contains(".rejects.")) {
            copy(&first.path(name), &place.path(name));
        }
    };
    fill(&whole);
    let started = Instant::now();
    assert_eq!(whole.run(ERASE).code, Some(0));
    let took = started.elapsed().max(Duration::from_millis(20));
    let mut ends = BTreeMap::<&str, u32>::new();
    for kill in 0..KILLS {
        let place = Place(tempfile::tempdir().unwrap());
        fill(&place);
        let mut child = place.command(ERASE).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(took * kill / KILLS);
        let _ = child.kill();
        child.wait().unwrap();
        let rows = table(&place);
        let end = if rows == with { "not begun" } else { "done" };
        *ends.entry(end).or_default() += 1;
        assert!(rows == with || rows == without, "{kill}: {rows:?}");
        assert_eq!(place.run(ERASE).code, Some(0), "{kill}");
        assert_eq!(hers(&place), [""; 0], "{kill}");
        assert_eq!(table(&place), without, "{kill}");
    }
    println!("{ends:?} in {:?}", began.elapsed());
    assert!(ends.contains_key("not begun"), "{ends:?}");
}
