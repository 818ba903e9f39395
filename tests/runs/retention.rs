//! What is kept for a while goes when its time is over, by whoever comes next; what is younger stays.

use super::{Answer, BAD, Place, backfill};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// A load id of so many days ago.
fn id_of(days: u32) -> String {
    let at = (SystemTime::now() - days * DAY).duration_since(UNIX_EPOCH).unwrap();
    let millis = u64::try_from(at.as_millis()).unwrap();
    uuid::Builder::from_unix_timestamp_millis(millis, &[7; 10]).into_uuid().to_string()
}

fn aged(path: &Path, days: u32) {
    let file = std::fs::File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::now() - days * DAY).unwrap();
}

/// A report and a pair of rejects of each age, and dead letters of each.
fn fill(place: &Place, days: &[u32]) {
    let reports = place.path("warehouse/t/.loads");
    let own = std::fs::read_dir(&reports).unwrap().next().unwrap().unwrap().path();
    let text = std::fs::read_to_string(&own).unwrap();
    let own_id = own.file_stem().unwrap().to_str().unwrap();
    let queue = rusqlite::Connection::open(place.path("queue.db")).unwrap();
    for &days in days {
        let id = id_of(days);
        place.write(&format!("warehouse/t/.loads/{id}.json"), &text.replace(own_id, &id));
        let reason =
            r#"{"record":1,"line":2,"byte":8,"column":"id","rule":"integer","value":null,"value_bytes":1}"#;
        place.write(&format!("t-{id}.rejects.csv"), "id,name\nx,b\n");
        place.write(&format!("t-{id}.rejects.jsonl"), &format!("{reason}\n"));
        for ending in ["csv", "jsonl"] {
            aged(&place.path(&format!("t-{id}.rejects.{ending}")), days);
        }
        let died = (SystemTime::now() - days * DAY).duration_since(UNIX_EPOCH).unwrap().as_millis();
        let insert =
            "INSERT INTO dead (body, reason, exit_code, tries, died_ms) VALUES ('{}', 'r', 1, 1, ?1)";
        queue.execute(insert, [i64::try_from(died).unwrap()]).unwrap();
    }
}

/// Of these ages those that are left: of reports, of rejects, of dead letters.
fn left(place: &Place, days: &[u32]) -> [Vec<u32>; 3] {
    let there = |name: String| place.path(&name).exists();
    let of = |is_there: &dyn Fn(u32) -> bool| days.iter().copied().filter(|&days| is_there(days)).collect();
    let queue = rusqlite::Connection::open(place.path("queue.db")).unwrap();
    let mut died = queue.prepare("SELECT died_ms FROM dead").unwrap();
    let died: Vec<i64> = died.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    let ages: Vec<u32> =
        died.iter().map(|&at| ((now - u128::try_from(at).unwrap()) / DAY.as_millis()) as u32).collect();
    [
        of(&|days| there(format!("warehouse/t/.loads/{}.json", id_of_same(place, days)))),
        of(&|days| pair(place, days)),
        of(&|days| ages.contains(&days)),
    ]
}

/// The id that [`fill`] gave: ids of the same day have the same first digits.
fn id_of_same(place: &Place, days: u32) -> String {
    let day = |id: &str| u64::from_str_radix(&id.replace('-', "")[..12], 16).unwrap() / 1_000 / 3_600;
    let wanted = day(&id_of(days));
    let names = std::fs::read_dir(place.path("warehouse/t/.loads")).unwrap();
    let ids = names.map(|name| name.unwrap().file_name().into_string().unwrap().replace(".json", ""));
    ids.into_iter().find(|id| day(id).abs_diff(wanted) < 2).unwrap_or_else(|| "gone".to_owned())
}

fn pair(place: &Place, days: u32) -> bool {
    let day = |id: &str| u64::from_str_radix(&id.replace('-', "")[..12], 16).unwrap() / 1_000 / 3_600;
    let wanted = day(&id_of(days));
    let mut ids = place
        .left()
        .into_iter()
        .filter_map(|name| Some(name.strip_prefix("t-")?.strip_suffix(".rejects.csv")?.to_owned()));
    ids.any(|id| day(&id).abs_diff(wanted) < 2)
}

#[test]
fn every_load_and_the_worker_sweep_what_is_over_its_time() {
    const AGES: &[u32] = &[1, 6, 8, 89, 91, 399, 401];
    type Run = fn(&Place) -> Answer;
    let by: [(&str, Run); 2] = [
        ("a load", |place| place.run(&backfill(&["--again"]))),
        ("the worker", |place| place.run(&["work", "--once"])),
    ];
    for (who, run) in by {
        let place = Place::new();
        assert_eq!(place.run(&backfill(&[])).code, Some(0));
        assert_eq!(place.run(&["work", "--once"]).code, Some(0));
        fill(&place, AGES);
        let answer = run(&place);
        assert_eq!(answer.code, Some(0), "{who}: {answer:?}");
        let expected = [vec![1, 6, 8, 89, 91, 399], vec![1, 6], vec![1, 6, 8, 89]];
        assert_eq!(left(&place, AGES), expected, "{who}");
    }
}

#[test]
fn the_times_are_keys_and_none_is_for_ever() {
    const AGES: &[u32] = &[1, 3, 4_000];
    for (days, expected) in [("2", vec![1]), ("0", AGES.to_vec())] {
        let place = Place::new();
        assert_eq!(place.run(&backfill(&[])).code, Some(0));
        assert_eq!(place.run(&["work", "--once"]).code, Some(0));
        fill(&place, AGES);
        let mut command = place.command(&["work", "--once"]);
        for key in ["CSL_WAREHOUSE_REPORT_DAYS", "CSL_LOAD_REJECTS_DAYS", "CSL_QUEUE_DEAD_LETTER_DAYS"] {
            command.env(key, days);
        }
        let answer = Answer::of(command.output().unwrap());
        assert_eq!(answer.code, Some(0), "{answer:?}");
        assert_eq!(left(&place, AGES), [expected.clone(), expected.clone(), expected], "{days}");
    }
}

#[test]
fn versions_are_swept_by_the_worker_and_check_says_how_long_each_stays() {
    let place = Place::new();
    for _ in 0..4 {
        assert_eq!(place.run(&backfill(&["--again", "--keep-versions", "9"])).code, Some(0));
    }
    let versions = || {
        std::fs::read_dir(place.path("warehouse/t"))
            .unwrap()
            .flatten()
            .filter(|entry| {
                entry.file_type().unwrap().is_dir() && !entry.file_name().to_string_lossy().starts_with('.')
            })
            .count()
    };
    assert_eq!(versions(), 4);
    assert_eq!(place.run(&["work", "--once"]).code, Some(0));
    assert_eq!(versions(), 2);
    place.write("t.csv", BAD);
    let answer = place.run(&["check", "--table", "t"]);
    for line in [
        "✔ versions are kept: 2 of each table, the current one among them, in ./warehouse",
        "✔ run reports are kept: 400 days, in ./warehouse/<table>/.loads",
        "✔ rejects are kept: 7 days, in .\n",
        "✔ dead letters are kept: 90 days, in ./queue.db",
    ] {
        assert!(answer.out.contains(line), "{line}: {answer:?}");
    }
}
