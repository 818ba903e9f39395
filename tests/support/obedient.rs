//! Programs that permissions bind, whoever runs the tests.

use std::path::Path;
use std::process::Command;

/// What lets the superuser pass over the modes of files.
const POWERS: &str = "-dac_override,-dac_read_search";

/// Runs `program` so that it must obey the modes of files: the superuser loses the power to pass over
/// them, anyone else has no such power. Without a way to lose it the test fails.
pub(crate) fn obedient(program: &Path) -> Command {
    if !is_superuser() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--bounding-set", POWERS, "--inh-caps", POWERS, "--"]);
    let probe = Command::new("setpriv").args(["--bounding-set", POWERS, "--", "true"]).status();
    assert!(
        probe.is_ok_and(|status| status.success()),
        "setpriv is missing or may not drop powers; fix it with: apt-get install util-linux, or run the \
         tests as a user without privileges"
    );
    command.arg(program);
    command
}

fn is_superuser() -> bool {
    use std::os::unix::fs::MetadataExt;
    // The owner of a process's own folder there is the user it runs as.
    std::fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0)
}
