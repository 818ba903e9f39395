//! A full export that would empty the table, or leave little of it, is stopped before the switch.

use super::local::ids;
use super::segments::{accepted, full, incremental, load, put};
use csl_stream::Error;
use csl_stream::warehouse::{LoadRequest, LocalWarehouse, ShrinkGuard, Warehouse};

fn guarded(request: LoadRequest, guard: ShrinkGuard) -> LoadRequest {
    LoadRequest { shrink: guard, ..request }
}

fn try_load(warehouse: &LocalWarehouse, request: &LoadRequest, rows: &[i64]) -> csl_stream::Result<u64> {
    let staging = warehouse.stage(request)?;
    let file = put(&*staging, "part-00000.snappy.parquet", rows);
    staging.load(&[file], &accepted(rows.len() as u64)).map(|receipt| receipt.loaded)
}

#[test]
fn stops_and_leaves_the_table_as_it_was() {
    let rows: Vec<i64> = (0..100).collect();
    let default = ShrinkGuard::default();
    for (left, guard, passes) in [
        (100, default, true),
        (50, default, true),
        (49, default, false),
        (0, default, false),
        (0, ShrinkGuard { max_percent: Some(100) }, false),
        (1, ShrinkGuard { max_percent: Some(100) }, true),
        (0, ShrinkGuard { max_percent: None }, true),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let warehouse = LocalWarehouse::new(dir.path());
        // The first load of a table can lose nothing.
        try_load(&warehouse, &guarded(full("empty", None), default), &[]).unwrap();
        try_load(&warehouse, &guarded(full("a", None), default), &rows).unwrap();
        let next = guarded(full("b", None), guard);
        let result = try_load(&warehouse, &next, &rows[..left]);
        match passes {
            true => assert_eq!(result.unwrap(), left as u64),
            false => {
                let error = result.unwrap_err();
                assert_eq!(error.exit_code(), 5, "{left} {guard:?}: {error}");
                assert!(error.detail().unwrap().help.contains("--allow-shrink"), "{error}");
            }
        }
        let expected = if passes { &rows[..left] } else { &rows[..] };
        assert_eq!(ids(dir.path(), "signatures").unwrap(), expected, "{left} {guard:?}");
        // Nothing of the stopped load stays, and a good one passes.
        let left = std::fs::read_dir(dir.path().join("signatures")).unwrap().flatten();
        let staging = left.filter(|item| item.file_name().to_string_lossy().starts_with(".staging-"));
        assert_eq!(staging.count(), 0);
        try_load(&warehouse, &guarded(full("c", None), default), &rows).unwrap();
    }
}

#[test]
fn compares_with_all_that_is_replaced_and_minds_full_ones_alone() {
    let dir = tempfile::tempdir().unwrap();
    let warehouse = LocalWarehouse::new(dir.path());
    let default = ShrinkGuard::default();
    // Only incrementals so far: what is there is a part of what a full export holds.
    load(&warehouse, &incremental("i", None), &[&[1, 2, 3, 4]]);
    let small = guarded(full("a", None), default);
    assert!(matches!(try_load(&warehouse, &small, &[1]), Err(Error::Rejects(_))));
    try_load(&warehouse, &guarded(full("b", None), default), &[1, 2]).unwrap();
    // Rows that came after the last full load count as well: a full export holds them too.
    load(&warehouse, &incremental("j", None), &[&[3, 4, 5, 6, 7, 8]]);
    let few = guarded(full("c", None), default);
    assert!(matches!(try_load(&warehouse, &few, &[1, 2, 3]), Err(Error::Rejects(_))));
    try_load(&warehouse, &guarded(full("d", None), default), &[1, 2, 3, 4]).unwrap();
    // An incremental may be as small as it likes.
    try_load(&warehouse, &guarded(incremental("k", None), default), &[]).unwrap();
    assert_eq!(ids(dir.path(), "signatures"), Some(vec![1, 2, 3, 4]));
}

#[test]
fn incrementals_that_came_before_their_full_export_do_not_stop_it() {
    let dir = tempfile::tempdir().unwrap();
    let warehouse = LocalWarehouse::new(dir.path());
    load(&warehouse, &incremental("i", Some("20260302120000")), &[&[2, 3, 4, 5, 6]]);
    load(&warehouse, &incremental("j", Some("20260301000000")), &[&[1]]);
    let late = guarded(full("a", Some("20260302110000")), ShrinkGuard::default());
    try_load(&warehouse, &late, &[1]).unwrap();
    assert_eq!(ids(dir.path(), "signatures"), Some(vec![1, 2, 3, 4, 5, 6]));
}
