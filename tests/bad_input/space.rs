//! A disk that is full.

use crate::bench::{Bench, Expected};
use crate::exports::HEADER;
use crate::small_disk::on_a_small_disk;
use std::fmt::Write;
use std::fs;
use std::path::Path;

const DIR_VARIABLE: &str = "CSL_TEST_SMALL_DISK";
/// Takes the old table and not the new one.
const DISK_BYTES: usize = 2 << 20;

#[test]
fn no_space() {
    on_a_small_disk(DISK_BYTES, "space::child_has_a_small_disk", DIR_VARIABLE);
}

/// Not a test of its own: what happens on the small disk. Without its variable it returns at once.
#[test]
fn child_has_a_small_disk() {
    let Some(disk) = std::env::var_os(DIR_VARIABLE) else { return };
    let disk = Path::new(&disk);
    // Finished files and an unfinished one, all of which must go again; and one large file.
    let cases: &[(&str, &[&str], &str)] = &[
        (
            "no space, many files",
            &["--segment-size", "500kB", "--row-group-size", "200kB"],
            ".snappy.parquet",
        ),
        ("no space, one file", &[], "part-00000.snappy.parquet"),
    ];
    for (case, sizes, told) in cases {
        let warehouse = disk.join("warehouse");
        let bench = Bench::with_warehouse(Some(&warehouse));
        fs::write(bench.bad_export(), incompressible(4 * DISK_BYTES)).unwrap();
        let told = &["cannot ", told, "No space left on device"];
        let help = "free some space or write to another disk";
        let answer = bench.backfill(&[*sizes, &["--threads", "2"]].concat());
        bench.check_failure(case, &answer, &Expected { code: 1, told, help });
        bench.check_recovery(case);
        fs::remove_dir_all(warehouse).unwrap();
    }
}

fn incompressible(bytes: usize) -> String {
    let mut random = fastrand::Rng::with_seed(7);
    let mut csv = HEADER.to_owned();
    for id in 0.. {
        if csv.len() >= bytes {
            break;
        }
        let note: String = (0..100).map(|_| random.alphanumeric()).collect();
        writeln!(csv, "{id},,,,{note}").unwrap();
    }
    csv
}
