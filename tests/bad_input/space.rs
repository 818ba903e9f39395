//! A disk that is full.
//!
//! ```text
//! the test ──▶ unshare: a mount namespace ──▶ mount: a disk of a few megabytes ──▶ the test's child
//! ```

use crate::bench::{Bench, Expected};
use crate::exports::HEADER;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

const DIR_VARIABLE: &str = "CSL_TEST_SMALL_DISK";
/// Takes the old table and not the new one.
const DISK_BYTES: usize = 2 << 20;

#[test]
fn no_space() {
    let dir = tempfile::tempdir().unwrap();
    // The superuser needs no user namespace, and may be where none can be made.
    let own_namespace = "exec unshare --mount --propagation private -- \"$@\"";
    let users_namespace = "exec unshare --map-root-user --mount --propagation private -- \"$@\"";
    let mount = format!("mount -t tmpfs -o size={DISK_BYTES} small \"$0\"");
    let way = [own_namespace, users_namespace].into_iter().find(|way| {
        let probe = in_shell(way, &["sh", "-c", &mount], dir.path()).output();
        probe.is_ok_and(|output| output.status.success())
    });
    let way = way.expect(
        "no small disk can be mounted; fix it with: apt-get install util-linux mount, and run the tests as \
         root (in a container with --cap-add SYS_ADMIN) or allow user namespaces: \
         sysctl kernel.unprivileged_userns_clone=1 kernel.apparmor_restrict_unprivileged_userns=0",
    );
    let program = std::env::current_exe().unwrap();
    let mount = format!("{mount} && exec \"$1\" --exact space::child_has_a_small_disk --nocapture");
    let mut child = in_shell(way, &["sh", "-c", &mount], dir.path());
    let output = child.arg(program).env(DIR_VARIABLE, dir.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    print!("{said}");
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// `words` and the folder, run by a shell's `way`.
fn in_shell(way: &str, words: &[&str], dir: &Path) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", way, "sh"]).args(words).arg(dir);
    command
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
