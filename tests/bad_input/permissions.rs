//! Files and folders that the user may not read or write.

use crate::bench::{Answer, Bench, Expected};
use crate::exports::good;
use crate::obedient::obedient;
use crate::run::program;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

type Case = (&'static str, fn(&Bench) -> PathBuf, u32, &'static [&'static str]);

#[test]
fn no_permission() {
    let cases: &[Case] = &[
        ("an export that may not be read", Bench::bad_export, 0o000, &["cannot open the file", "EXPORT"]),
        (
            "a warehouse that may not be written",
            Bench::table_dir,
            0o555,
            &["cannot make the staging folder", "/warehouse/t/.staging-"],
        ),
    ];
    for (case, closed, mode, told) in cases {
        let bench = Bench::new();
        fs::write(bench.bad_export(), good(5..9)).unwrap();
        let (path, mut answer) = (closed(&bench), None);
        with_mode(&path, *mode, || {
            let mut command = bench.backfill_by(obedient(Path::new(&program())), &[]);
            answer = Some(Answer::of(command.output().unwrap()));
        });
        let help = "grant this user access to the path";
        bench.check_failure(case, &answer.unwrap(), &Expected { code: 3, told, help });
        bench.check_recovery(case);
    }
}

fn with_mode(path: &Path, mode: u32, then: impl FnOnce()) {
    let before = fs::metadata(path).unwrap().permissions();
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    then();
    fs::set_permissions(path, before).unwrap();
}
