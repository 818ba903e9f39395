//! A short day of incremental exports, through the program and another's eyes: `scripts/day`.

use std::path::Path;
use std::process::Command;

/// Medians of loads on a busy machine, of a program that is not optimised. The real limit is 2, over 1,440 minutes;
/// without merging, files alone are more than that after 60.
const RATIO: &str = "3";

#[test]
fn a_short_day_is_few_files_and_every_row() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/day");
    let mut command = Command::new(script);
    command
        .args(["60", "2"])
        .env("CSL_PROGRAM", env!("CARGO_BIN_EXE_csl-stream"))
        .env("CSL_DAY_RATIO", RATIO);
    let output = command.output().unwrap();
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    assert!(said.contains("1,200 rows each"), "{said}");
    println!("{said}");
}
