use super::*;

#[test]
fn only_loads_that_are_long_over_are_swept() {
    const MAX: Duration = Duration::from_secs(7 * 24 * 3_600);
    let now = SystemTime::UNIX_EPOCH + 3 * MAX;
    for (age, over) in [
        (Duration::ZERO, false),
        (Duration::from_secs(24 * 3600), false),
        (MAX, false),
        (MAX + Duration::from_secs(1), true),
    ] {
        assert_eq!(is_over(now - age, now, MAX), over, "{age:?}");
    }
    assert!(!is_over(now + Duration::from_secs(60), now, MAX), "a clock that is behind sweeps nothing");
}

#[test]
fn only_names_that_a_load_gives_are_its_own() {
    let id = "018df74f-8400-7abc-8def-0123456789ab";
    for (name, ours) in [
        (format!("t/{id}/load.json"), true),
        (format!("t/{id}/manifest.json"), true),
        (format!("t/{id}/begun.json"), true),
        (format!("t/{id}/part-00000.snappy.parquet"), true),
        (format!("t/{id}/part-100000.zstd.parquet"), true),
        (format!("t/{id}/part-00000.parquet"), true),
        (format!("t/{id}/part-00012_1.snappy.parquet"), true),
        (format!("t/{id}/part-00012_.snappy.parquet"), false),
        (format!("t/{id}/part-00012_x.snappy.parquet"), false),
        (format!("t/{id}/part-_1.snappy.parquet"), false),
        (".check/x/y".to_owned(), true),
        (".check-0".to_owned(), true),
        ("_catalog/t/x".to_owned(), true),
        ("load.json".to_owned(), false),
        ("t/load.json".to_owned(), false),
        (format!("{id}/load.json"), false),
        (format!("t/{id}/part-0.snappy.parquet"), false),
        (format!("t/{id}/part-0000x.snappy.parquet"), false),
        (format!("t/{id}/part-00000.snappy.parquet.bak"), false),
        (format!("t/{id}/Load.json"), false),
        (format!("t/{id}/x/load.json"), false),
        (format!("t/{}/load.json", id.to_uppercase()), false),
        (format!("t/{}/load.json", id.replace('-', "")), false),
        ("t/018df74f-8400-4abc-8def-0123456789ab/load.json".to_owned(), false),
        ("t/2026-03-01/part-00000.snappy.parquet".to_owned(), false),
    ] {
        assert_eq!(is_ours(&name), ours, "{name}");
    }
}

/// As long a record as one of the most files is read back.
#[test]
fn a_record_of_the_most_files_can_be_read() {
    assert_eq!(number_of("part-49999.snappy.parquet"), Some(FILES_MAX - 1));
    assert_eq!(number_of("part-00012_1.snappy.parquet"), Some(12));
    assert_eq!(number_of("manifest.json"), None);
    let uri = format!("s3://{}/part-00000.snappy.parquet", "b".repeat(200));
    let file = FileReport { uri, rows: u64::MAX, bytes: u64::MAX };
    let one = serde_json::to_vec_pretty(&[&file]).unwrap().len() + 40;
    assert!(one * FILES_MAX < RECORD_BYTES_MAX, "{one}");
}

#[test]
fn a_kept_segment_must_be_as_long_as_the_one_that_would_be_written() {
    for (written, fits) in [(3, true), (2, false), (4, false)] {
        let object = StoredObject { uri: "s3://b/k".into(), name: "k".into(), bytes: 3 };
        let mut kept = Kept::new(object);
        kept.append(vec![0; written].into()).unwrap();
        assert_eq!(Box::new(kept).finish().is_ok(), fits, "{written}");
    }
}

#[test]
fn files_for_redshift_are_staged_in_s3_alone() {
    for (typed, fits) in [("s3://b/p", true), ("s3://b", true), ("./x", false), ("https://h/x", false)] {
        assert_eq!(StagingPlace::new(Location::parse(typed).unwrap()).is_ok(), fits, "{typed}");
    }
}
