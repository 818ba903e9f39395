//! Local files: pinned while read, whole when written, newest export found.

#![allow(clippy::unwrap_used)]

#[path = "support/sources.rs"]
mod sources;

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

use bytes::Bytes;
use csl_stream::Error;
use csl_stream::store::{self, ExportKind, Location};
use sources::read_all;

fn local(path: &Path) -> Location {
    Location::Local(path.to_owned())
}

fn append(path: &Path, bytes: &[u8]) {
    OpenOptions::new().append(true).open(path).unwrap().write_all(bytes).unwrap();
}

#[test]
fn a_file_is_read_whole_and_named_by_its_version() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.csv");
    fs::write(&path, b"0123456789").unwrap();
    let mut source = store::open(&local(&path)).unwrap();
    let first = source.info().clone();
    assert_eq!((first.uri.as_str(), first.bytes), (path.to_str().unwrap(), Some(10)));
    assert_eq!(read_all(&mut *source, 3).unwrap(), b"0123456789");
    assert_eq!(store::open(&local(&path)).unwrap().info(), &first);

    append(&path, b"x");
    assert_ne!(store::open(&local(&path)).unwrap().info().etag, first.etag);
}

#[test]
fn a_file_is_read_on_from_any_byte_while_it_is_of_its_length_and_time() {
    let dir = tempfile::tempdir().unwrap();
    let (path, copy) = (dir.path().join("a.csv"), dir.path().join("b.csv"));
    fs::write(&path, b"0123456789").unwrap();
    let pinned = store::open(&local(&path)).unwrap().info().clone();
    for (from, rest) in [(0, &b"0123456789"[..]), (4, b"456789"), (9, b"9"), (10, b"")] {
        for hint in [0, 3, 100] {
            let mut source = store::open_range(&local(&path), &pinned, from, hint).unwrap();
            assert_eq!(read_all(&mut *source, 3).unwrap(), rest, "from {from}");
        }
    }
    let open = |path: &Path, from| store::open_range(&local(path), &pinned, from, 9).map(drop);
    assert_eq!(open(&path, 11).expect_err("behind the end").exit_code(), 2);
    // The same file as another machine sees it has another number.
    fs::write(&copy, b"0123456789").unwrap();
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    OpenOptions::new().append(true).open(&copy).unwrap().set_modified(modified).unwrap();
    assert!(open(&copy, 4).is_ok());
    append(&copy, b"x");
    assert!(open(&copy, 4).expect_err("it grew").to_string().contains("changed while it was read"));
    let stdin = store::open_range(&Location::Stdin, &pinned, 0, 9).map(drop);
    assert_eq!(stdin.expect_err("it has no middle").exit_code(), 2);
}

#[test]
fn a_file_that_changes_while_it_is_read_is_an_error() {
    type Change = fn(&Path);
    let changes: [(&str, Change); 3] = [
        ("grows", |path| append(path, b"x")),
        ("shrinks", |path| OpenOptions::new().write(true).open(path).unwrap().set_len(2).unwrap()),
        ("is rewritten in place", |path| {
            let file = OpenOptions::new().write(true).open(path).unwrap();
            file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
        }),
    ];
    for (name, change) in changes {
        for bytes_before in [0, 4, 10] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("a.csv");
            fs::write(&path, b"0123456789").unwrap();
            let mut source = store::open(&local(&path)).unwrap();
            let mut buf = vec![0; bytes_before];
            source.read(&mut buf).unwrap();
            change(&path);
            let error = read_all(&mut *source, 64).expect_err(name);
            assert!(matches!(error, Error::Input(_)), "{name}: {error:?}");
            assert!(error.to_string().contains("changed while it was read"), "{name}: {error}");
        }
    }
}

#[test]
fn a_file_that_is_replaced_is_read_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.csv");
    fs::write(&path, b"old").unwrap();
    let mut source = store::open(&local(&path)).unwrap();
    fs::write(dir.path().join("b"), b"newer").unwrap();
    fs::rename(dir.path().join("b"), &path).unwrap();
    assert_eq!(read_all(&mut *source, 64).unwrap(), b"old");
}

#[test]
fn what_cannot_be_read_says_why() {
    let dir = tempfile::tempdir().unwrap();
    for (path, code, part) in
        [(dir.path().join("absent.csv"), 3, "cannot open"), (dir.path().to_owned(), 2, "is a folder")]
    {
        let error = store::open(&local(&path)).err().unwrap();
        assert_eq!(error.exit_code(), code, "{error}");
        assert!(error.to_string().contains(part), "{error}");
    }
    let error = store::sink(&Location::Stdin).err().unwrap();
    assert_eq!(error.exit_code(), 2);
}

#[cfg(not(feature = "aws"))]
#[test]
fn without_the_cloud_feature_remote_places_are_wrong_usage() {
    for typed in ["s3://bucket/key", "https://host/key?Signature=SECRET"] {
        let location = Location::parse(typed).unwrap();
        let error = store::open(&location).err().unwrap();
        assert_eq!(error.exit_code(), 2);
        let text = error.to_string();
        assert!(text.contains("needs the aws feature") && !text.contains("SECRET"), "{text}");
    }
}

#[test]
fn small_files_have_a_limit() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("schema.json");
    fs::write(&path, b"12345").unwrap();
    assert_eq!(store::fetch_small(&local(&path), 5).unwrap(), b"12345");
    let error = store::fetch_small(&local(&path), 4).unwrap_err();
    assert!(error.to_string().contains("larger than 4 bytes"), "{error}");
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_segment_shows_only_when_it_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("made/on/the/way");
    let sink = store::sink(&local(&folder)).unwrap();
    let mut writer = sink.create("part-00000.snappy.parquet").unwrap();
    writer.append(Bytes::from_static(b"0123456789")).unwrap();
    assert!(names(&folder).iter().all(|name| name.starts_with('.')), "{:?}", names(&folder));
    let object = writer.finish().unwrap();
    assert_eq!((object.name.as_str(), object.bytes), ("part-00000.snappy.parquet", 10));
    assert_eq!(names(&folder), ["part-00000.snappy.parquet"]);
    for (bytes, expected) in [(0, &b""[..]), (4, b"6789"), (10, b"0123456789"), (99, b"0123456789")] {
        assert_eq!(sink.read_tail(&object, bytes).unwrap(), expected);
    }
    fs::write(&object.uri, b"other").unwrap();
    assert_eq!(sink.read_tail(&object, 4).unwrap_err().exit_code(), 6);
}

#[test]
fn a_segment_that_is_dropped_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let sink = store::sink(&local(dir.path())).unwrap();
    let mut writer = sink.create("part").unwrap();
    writer.append(vec![7; 1 << 20].into()).unwrap();
    drop(writer);
    assert!(names(dir.path()).is_empty());
}

#[test]
fn a_segment_replaces_an_older_one_of_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let sink = store::sink(&local(dir.path())).unwrap();
    for content in [&b"first"[..], b"second"] {
        let mut writer = sink.create("part").unwrap();
        writer.append(Bytes::from_static(content)).unwrap();
        writer.finish().unwrap();
        assert_eq!(fs::read(dir.path().join("part")).unwrap(), content);
    }
}

#[test]
fn segment_names_stay_in_their_folder() {
    let dir = tempfile::tempdir().unwrap();
    let sink = store::sink(&local(dir.path())).unwrap();
    for name in ["", ".", "..", ".hidden", "../up", "a/b", "/root", "a\\b"] {
        assert!(sink.create(name).is_err(), "{name}");
    }
}

#[cfg(unix)]
#[test]
fn segments_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let sink = store::sink(&local(&dir.path().join("made"))).unwrap();
    sink.create("part").unwrap().finish().unwrap();
    let mode = |name: &str| fs::metadata(dir.path().join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("made"), mode("made/part")), (0o700, 0o600));
}

fn export_tree() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for path in [
        "full/signatures/20261121/signatures_20261121034512.csv.bz2",
        "full/signatures/20261122/signatures_20261122034410.csv",
        "full/signatures/20261122/signatures_20261122101500.csv.gz",
        "full/signatures/20261122/signatures_20261122101500.csv.gz.part",
        "full/signatures/20261122/.signatures_20261122235959.csv",
        "full/signatures/20261123/_SUCCESS",
        "full/signatures/notes/signatures_20261124000000.csv",
        "full/petitions/20261122/petitions_20261122034410.csv",
        "incremental/signatures/20261122/signatures_20261122101600.csv",
    ] {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, b"id\n1\n").unwrap();
    }
    dir
}

#[test]
fn the_newest_export_is_found() {
    let dir = export_tree();
    let root = local(dir.path());
    for (kind, date, key, exported_at) in [
        (
            ExportKind::Full,
            None,
            "full/signatures/20261122/signatures_20261122101500.csv.gz",
            "20261122101500",
        ),
        (
            ExportKind::Full,
            Some("20261121"),
            "full/signatures/20261121/signatures_20261121034512.csv.bz2",
            "20261121034512",
        ),
        (
            ExportKind::Incremental,
            None,
            "incremental/signatures/20261122/signatures_20261122101600.csv",
            "20261122101600",
        ),
    ] {
        let found = store::discover(&root, kind, "signatures", date).unwrap();
        assert_eq!((found.key.as_str(), found.exported_at.as_str()), (key, exported_at));
        assert_eq!(found.bytes, Some(5));
        assert_eq!(found.location, local(&dir.path().join(key)));
    }
}

#[test]
fn what_is_not_found_names_what_is_there() {
    let dir = export_tree();
    let root = local(dir.path());
    let elsewhere = local(&dir.path().join("full"));
    for (root, table, date, code, parts) in [
        (
            &root,
            "signature",
            None,
            3,
            &["no full exports of table \"signature\"", "signatures, petitions"][..],
        ),
        (&root, "signatures", Some("20261101"), 3, &["of 20261101", "20261123, 20261122, 20261121"]),
        (&root, "signatures", Some("20261123"), 3, &["named like an export", "20261123"]),
        (&root, "signatures", Some("2026-11-22"), 2, &["not a date", "YYYYMMDD"]),
        (&root, "../signatures", None, 2, &["cannot be a table name"]),
        (&elsewhere, "signatures", None, 3, &["the root must be the folder"]),
        (&Location::Stdin, "signatures", None, 2, &["neither a folder nor a prefix"]),
    ] {
        let error = store::discover(root, ExportKind::Full, table, date).unwrap_err();
        let text = format!("{error}; {}", error.detail().unwrap().help);
        assert_eq!(error.exit_code(), code, "{text}");
        assert!(parts.iter().all(|part| text.contains(part)), "{text}");
    }
}
