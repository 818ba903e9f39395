//! What is remembered of each run.

use super::segments::{full, incremental, load};
use csl_stream::Error;
use csl_stream::ledger::{self, Standing};
use csl_stream::report::{Changes, RejectsReport, Rows, RunReport, Seconds, SourceReport, Stages, Status};
use csl_stream::warehouse::{LoadRequest, LocalWarehouse};

fn report(request: &LoadRequest, status: Status) -> RunReport {
    RunReport {
        load_id: request.load_id.clone(),
        table: request.table.clone(),
        kind: request.kind,
        status,
        source: SourceReport { uri: request.source.uri.clone(), ..SourceReport::default() },
        rows: Rows::default(),
        files: Vec::new(),
        columns: Vec::new(),
        changes: Changes::default(),
        rejects: RejectsReport::default(),
        seconds: Seconds::default(),
        stages: Stages::default(),
        error: (status == Status::Failed).then(|| "5 rejects".to_owned()),
        exit_code: u8::from(status == Status::Failed),
        warnings: Vec::new(),
    }
}

#[test]
fn lists_every_run_and_where_its_rows_are() {
    let dir = tempfile::tempdir().unwrap();
    let warehouse = LocalWarehouse::new(dir.path());
    let failed = full("a", None);
    ledger::record(dir.path(), &report(&failed, Status::Failed)).unwrap();
    assert!(warehouse.tables().unwrap().is_empty(), "a failed first load makes no table");
    assert_eq!(ledger::list(dir.path(), None).unwrap().len(), 1);

    let loads = [full("a", None), full("b", None), incremental("i", None), incremental("j", None)];
    for request in &loads {
        load(&warehouse, request, &[&[1]]);
    }
    // The last of them died before it could write its report.
    for request in &loads[..3] {
        ledger::record(dir.path(), &report(request, Status::Succeeded)).unwrap();
    }
    let runs = ledger::list(dir.path(), Some("signatures")).unwrap();
    let standing: Vec<_> = runs.iter().map(|run| (run.load_id.as_str(), run.status, run.standing)).collect();
    let expected = [
        (loads[3].load_id.as_str(), Status::Succeeded, Standing::Current),
        (&loads[2].load_id, Status::Succeeded, Standing::Current),
        (&loads[1].load_id, Status::Succeeded, Standing::Current),
        (&loads[0].load_id, Status::Succeeded, Standing::Gone),
        (&failed.load_id, Status::Failed, Standing::Gone),
    ];
    assert_eq!(standing, expected);
    assert!(runs.iter().all(|run| run.started.is_some()));
}

#[test]
fn a_version_that_was_never_switched_to_is_no_load() {
    let dir = tempfile::tempdir().unwrap();
    let table_dir = dir.path().join("signatures");
    let warehouse = LocalWarehouse::new(dir.path());
    let (first, second) = (full("a", None), full("b", None));
    load(&warehouse, &first, &[&[1]]);
    load(&warehouse, &second, &[&[2]]);
    // The process died between the version's place and the switch.
    std::fs::remove_file(table_dir.join("current")).unwrap();
    std::os::unix::fs::symlink(&first.load_id, table_dir.join("current")).unwrap();
    let listed = |dir| -> Vec<_> {
        let runs = ledger::list(dir, None).unwrap();
        runs.into_iter().map(|run| (run.load_id, run.status, run.standing)).collect()
    };
    let loaded = (first.load_id, Status::Succeeded, Standing::Current);
    assert_eq!(listed(dir.path()), std::slice::from_ref(&loaded));
    assert!(matches!(ledger::show(dir.path(), &second.load_id), Err(Error::Usage(_))));
    // The process lived, and told that the switch failed.
    ledger::record(dir.path(), &report(&second, Status::Failed)).unwrap();
    let failed = (second.load_id.clone(), Status::Failed, Standing::Gone);
    assert_eq!(listed(dir.path()), [failed, loaded]);
    assert_eq!(ledger::show(dir.path(), &second.load_id).unwrap().entry, None);
}

#[test]
fn a_version_before_the_current_one_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let warehouse = LocalWarehouse::new(dir.path()).keep_versions(3);
    let loads = ["a", "b", "c", "d"].map(|export| full(export, None));
    loads.iter().for_each(|request| drop(load(&warehouse, request, &[&[1]])));
    let runs = ledger::list(dir.path(), None).unwrap();
    let standing: Vec<_> = runs.iter().map(|run| (run.load_id.as_str(), run.standing)).collect();
    let expected = [
        (loads[3].load_id.as_str(), Standing::Current),
        (&loads[2].load_id, Standing::Kept),
        (&loads[1].load_id, Standing::Kept),
    ];
    assert_eq!(standing, expected);
}

#[test]
fn shows_one_run_with_all_that_is_known() {
    let dir = tempfile::tempdir().unwrap();
    let request = full("a", Some("20240301000000"));
    load(&LocalWarehouse::new(dir.path()), &request, &[&[1, 2]]);
    let shown = ledger::show(dir.path(), &request.load_id).unwrap();
    let entry = shown.entry.unwrap();
    assert_eq!((entry.rows.accepted, entry.rows.loaded, shown.report), (2, 2, None));
    assert_eq!(entry.exported_at.as_deref(), Some("20240301000000"));
    ledger::record(dir.path(), &report(&request, Status::Succeeded)).unwrap();
    assert!(ledger::show(dir.path(), &request.load_id).unwrap().report.is_some());
    assert!(matches!(ledger::show(dir.path(), "none"), Err(Error::Usage(_))));
}

#[test]
fn one_damaged_report_does_not_hide_the_others() {
    let dir = tempfile::tempdir().unwrap();
    ledger::record(dir.path(), &report(&full("a", None), Status::Failed)).unwrap();
    std::fs::write(dir.path().join("signatures/.loads/0-damaged.json"), "{").unwrap();
    assert_eq!(ledger::list(dir.path(), None).unwrap().len(), 1);
    assert!(ledger::list(&dir.path().join("not/there"), None).unwrap().is_empty());
}

#[test]
fn a_run_report_cannot_leave_the_warehouse() {
    let dir = tempfile::tempdir().unwrap();
    for (table, load_id) in [("../a", "x"), ("a", "../x"), ("a", ""), ("", "x")] {
        let mut report = report(&full("a", None), Status::Failed);
        (report.table, report.load_id) = (table.to_owned(), load_id.to_owned());
        assert!(matches!(ledger::record(dir.path(), &report), Err(Error::Usage(_))), "{table:?} {load_id:?}");
    }
}
