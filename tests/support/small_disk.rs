//! A disk of a few megabytes that only one process sees.
//!
//! ```text
//! the test ──▶ unshare: a mount namespace ──▶ mount: the small disk ──▶ the same program, one test of it
//! ```

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

/// Runs the test `name` of this program on a disk of so many bytes, whose folder is in `variable`; what it
/// prints is printed here too.
pub(crate) fn on_a_small_disk(bytes: usize, name: &str, variable: &str) {
    let dir = tempfile::tempdir().expect("a temporary folder can be made");
    // The superuser needs no user namespace, and may be where none can be made.
    let own_namespace = "exec unshare --mount --propagation private -- \"$@\"";
    let users_namespace = "exec unshare --map-root-user --mount --propagation private -- \"$@\"";
    let mount = format!("mount -t tmpfs -o size={bytes} small \"$0\"");
    let way = [own_namespace, users_namespace].into_iter().find(|way| {
        let probe = in_shell(way, &["sh", "-c", &mount], dir.path()).output();
        probe.is_ok_and(|output| output.status.success())
    });
    let way = way.expect(
        "no small disk can be mounted; fix it with: apt-get install util-linux mount, and run the tests as \
         root (in a container with --cap-add SYS_ADMIN) or allow user namespaces: \
         sysctl kernel.unprivileged_userns_clone=1 kernel.apparmor_restrict_unprivileged_userns=0",
    );
    let program = std::env::current_exe().expect("this program is a file");
    let mount = format!("{mount} && exec \"$1\" --exact {name} --nocapture");
    let mut child = in_shell(way, &["sh", "-c", &mount], dir.path());
    let child = child.arg(program).env(variable, dir.path()).stdout(Stdio::piped());
    let mut child = child.spawn().expect("sh starts");
    let mut has_run = false;
    for line in BufReader::new(child.stdout.take().expect("piped")).lines() {
        let line = line.expect("it prints text");
        println!("{line}");
        has_run |= line.contains("1 passed");
    }
    let status = child.wait().expect("its end is known");
    assert!(status.success() && has_run, "{name} on a small disk: {status}");
}

/// `words` and the folder, run by a shell's `way`.
fn in_shell(way: &str, words: &[&str], dir: &Path) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", way, "sh"]).args(words).arg(dir);
    command
}
