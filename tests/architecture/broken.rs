//! The rules against a small sound tree, and against the same tree broken in each way.

use super::document::differences;
use super::plan::{Module, Plan, faults};
use super::rules::{RULES, files_are_small, no_file_circle};
use std::path::Path;

/// Names and texts.
type Files<'a> = &'a [(&'a str, &'a str)];

const SMALL: Plan = Plan {
    modules: &[
        Module::new("main", &["cli"]),
        Module::new("cli", &["path", "base"]),
        Module::new("path", &["base"]).may_be_unsafe(),
        Module::new("lib", &["base"]),
        Module::new("base", &[]).pure(),
    ],
    circles_left: &[],
};

/// Sound, and full of what must not be taken for an arrow.
const SOUND: Files<'_> = &[
    ("src/main.rs", "fn main() { csl_stream::cli::run(); }"),
    ("src/lib.rs", "pub mod base; pub mod cli; pub mod path; pub use base::Thing;"),
    ("src/cli.rs", "mod words; use crate::path; pub fn run() { path::go(words::WORD); }"),
    ("src/cli/words.rs", "use super::super::base::Kind; pub const WORD: Kind = Kind;"),
    (
        "src/path.rs",
        "/// Not [`crate::cli::run`].
        pub fn go(_: crate::base::Kind) { // crate::cli
            let _ = (\"crate::cli::run\", unsafe { crate::Thing::new_unchecked() }, cli::run());
            mod cli { pub fn run() { super::go(crate::base::Kind) } }
        }",
    ),
    ("src/base/mod.rs", "mod kind; mod leaf; mod made; mod spare; #[cfg(test)] mod tests; pub use self::{kind::Kind, made::Thing};"),
    ("src/base/kind.rs", "pub struct Kind; #[cfg(test)] impl Kind { fn of(_: super::Thing) {} }"),
    (
        "src/base/made.rs",
        "use super::Kind; pub struct Thing(pub Kind); pub type Made = Thing; pub const MADE: Made = Thing(Kind);
        pub mod inner { pub use super::Thing; pub struct Deep; }
        pub use inner::Deep; pub use self::inner::Deep as Deeper; pub use super::leaf::*; pub use std::fmt::Debug;
        #[cfg(all(test, unix))] mod tests { use super::*; use crate::cli::run; use std::fs; }",
    ),
    ("src/base/leaf.rs", "pub struct Leaf;"),
    ("src/base/spare.rs", "pub fn spare() {}"),
    ("src/base/tests.rs", "use crate::cli::run; use std::time::Instant;"),
];

/// The faults that all rules find in the sound tree with these files in place of its own.
fn faults_with(plan: &Plan, changes: Files<'_>) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), SOUND);
    write(folder.path(), changes);
    RULES.iter().flat_map(|rule| rule(folder.path(), plan)).collect()
}

fn write(root: &Path, files: Files<'_>) {
    for (name, text) in files {
        let path = root.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

#[test]
fn a_sound_tree_has_no_fault() {
    assert_eq!(faults_with(&SMALL, &[]), Vec::<String>::new());
    assert_eq!(faults(&SMALL), Vec::<String>::new());
}

#[test]
fn each_break_is_the_expected_fault() {
    let long = "\n".repeat(501);
    let cases: &[(&str, Files<'_>, &[&str])] = &[
        (
            "a circle between two files of a module",
            &[("src/base/kind.rs", "use super::Thing; pub struct Kind; pub fn of(_: Thing) {}")],
            &["files in a circle: base/kind.rs → base/made.rs → base/kind.rs \
               (base/kind.rs takes Thing from base/made.rs; base/made.rs takes Kind from base/kind.rs)"],
        ),
        (
            "a circle through what mod.rs defines and passes on",
            &[
                (
                    "src/base/mod.rs",
                    "mod kind; mod leaf; mod made; mod spare; pub use self::{kind::Kind, made::Thing}; const MOST: u8 = 1;",
                ),
                ("src/base/kind.rs", "pub struct Kind; pub const MOST: u8 = super::MOST;"),
            ],
            &[
                "files in a circle: base/kind.rs → base/mod.rs → base/kind.rs \
               (base/kind.rs takes MOST from base/mod.rs; base/mod.rs takes Kind from base/kind.rs)",
                "files in a circle: base/kind.rs → base/mod.rs → base/made.rs → base/kind.rs \
               (base/kind.rs takes MOST from base/mod.rs; base/mod.rs takes Thing from base/made.rs; \
               base/made.rs takes Kind from base/kind.rs)",
            ],
        ),
        (
            "a circle between modules, though between no two files",
            &[("src/base/spare.rs", "pub fn spare(kind: super::Kind) { crate::path::go(kind) }")],
            &[
                "base/spare.rs: base may not import path (go)",
                "modules in a circle: base → path → base \
               (base takes go in base/spare.rs from path; path takes Kind in path.rs, Thing in path.rs from base)",
            ],
        ),
        (
            "an arrow that the plan forbids",
            &[("src/main.rs", "fn main() { let _ = csl_stream::Thing; csl_stream::cli::run(); }")],
            &["main.rs: main may not import base (Thing)"],
        ),
        (
            "impure words in a pure module",
            &[(
                "src/base/spare.rs",
                "use std::{fs::{self as files, File}, time}; pub fn spare() { aws_config::load() }",
            )],
            &[
                "base/spare.rs: base is pure, but takes aws_",
                "base/spare.rs: base is pure, but takes std::fs",
                "base/spare.rs: base is pure, but takes std::time",
            ],
        ),
        (
            "unsafe outside its modules, be it in a macro or a test",
            &[("src/base/tests.rs", "#[test] fn f() { assert!(unsafe { std::mem::zeroed::<bool>() }); }")],
            &["base/tests.rs: unsafe code"],
        ),
        ("a file too long", &[("tests/long.rs", &long)], &["tests/long.rs: 501 lines, 500 allowed"]),
        (
            "a module that the plan does not know",
            &[
                (
                    "src/lib.rs",
                    "pub mod base; pub mod cli; pub mod extra; pub mod path; pub use base::Thing;",
                ),
                ("src/extra/mod.rs", ""),
            ],
            &["the module extra is not in the plan"],
        ),
        (
            "a module that has gone",
            &[
                ("src/lib.rs", "pub mod base; pub mod cli; pub use base::Thing;"),
                ("src/cli.rs", "mod words; pub fn run() { words::WORD; }"),
            ],
            &["the module path is in the plan alone"],
        ),
    ];
    for (what, changes, expected) in cases {
        assert_eq!(faults_with(&SMALL, changes), *expected, "{what}");
    }
}

/// `made.rs` takes from `kind.rs`; each of these takes something back.
#[test]
fn no_way_to_take_a_name_is_overlooked() {
    let ways = [
        "use super::made::Thing; pub struct Kind;",
        "use super::made::{self, Thing as Other}; pub struct Kind;",
        "use super::made; pub struct Kind; fn f(_: made::Thing) {}",
        "use super::made::*; pub struct Kind;",
        "use super::*; pub struct Kind;",
        "use crate::Thing; pub struct Kind;",
        "use crate::base::{self, Kind as Me}; pub struct Kind; fn f(_: base::Thing) {}",
        "use super::super::base::made::inner::Thing; pub struct Kind;",
        "use super::made::Deep; pub struct Kind;",
        "use super::made::Deeper; pub struct Kind;",
        "pub struct Kind(Option<Box<crate::base::made::Made>>);",
        "pub struct Kind; fn f() { println!(\"{:?}\", [super::made::MADE]) }",
        "pub struct Kind; fn f(x: u8) { matches!(x, u8::MAX if super::made::MADE.0) }",
        "pub struct Kind; impl From<super::Thing> for Kind {}",
        "pub struct Kind; fn f() { let super::made::Thing(_) = <super::Thing as Default>::default(); }",
        "pub struct Kind; mod inner { use super::super::made::Thing; }",
        "pub struct Kind; mod inner { fn f(_: super::super::Thing) {} }",
        "pub struct Kind; fn f() { use super::made::MADE as LOCAL; }",
        "#[derive(Deserialize)] pub struct Kind { #[serde(default = \"super::made::made\")] x: u8 }",
        "#[derive(Parser)] pub struct Kind { #[arg(value_parser = super::made::parse)] x: u8 }",
        "pub struct Kind; #[cfg(not(test))] fn f(_: super::Thing) {}",
    ];
    for way in ways {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), SOUND);
        write(folder.path(), &[("src/base/kind.rs", way)]);
        let faults = no_file_circle(folder.path(), &SMALL);
        let circle = "files in a circle: base/kind.rs → base/made.rs → base/kind.rs (";
        assert!(faults.iter().any(|fault| fault.starts_with(circle)), "{way}: {faults:?}");
    }
}

#[test]
fn a_module_of_two_files_is_seen_in_both() {
    let chosen = "mod kind; mod leaf; mod spare; #[cfg_attr(not(unix), path = \"made_absent.rs\")] mod made; pub use self::{kind::Kind, made::Thing};";
    let faults = faults_with(
        &SMALL,
        &[
            ("src/base/mod.rs", chosen),
            ("src/base/made_absent.rs", "pub use super::spare::spare; pub struct Thing;"),
            ("src/base/spare.rs", "pub fn spare(_: super::Thing) {}"),
        ],
    );
    let circle = "files in a circle: base/made_absent.rs → base/spare.rs → base/made_absent.rs \
                  (base/made_absent.rs takes spare from base/spare.rs; base/spare.rs takes Thing from base/made_absent.rs)";
    assert_eq!(faults, [circle]);
}

#[test]
fn what_is_taken_through_a_face_is_the_faces() {
    let changes = [
        ("src/path.rs", "pub use crate::base::Kind; mod part; pub fn go(_: Kind) {}"),
        ("src/path/part.rs", "use crate::base::Thing; pub(crate) fn part(_: Thing) {}"),
        ("src/cli.rs", "use crate::path::{self, Kind}; pub fn run() { path::go(Kind) }"),
    ];
    const STRICT: Plan = Plan {
        modules: &[
            Module::new("main", &["cli"]),
            Module::new("cli", &["path"]),
            Module::new("path", &["base"]),
            Module::new("lib", &["base"]),
            Module::new("base", &[]).pure(),
        ],
        ..SMALL
    };
    const FACED: Plan = Plan {
        modules: &[
            Module::new("main", &["cli"]),
            Module::new("cli", &["path"]),
            Module::new("path", &["base"]).face(),
            Module::new("lib", &["base"]),
            Module::new("base", &[]).pure(),
        ],
        ..SMALL
    };
    assert_eq!(faults_with(&STRICT, &changes), ["cli.rs: cli may not import base (Kind)"]);
    assert!(faults_with(&FACED, &changes).is_empty());
    let past =
        [changes[0], changes[1], ("src/cli.rs", "pub fn run() { crate::path::go(crate::base::Kind) }")];
    assert_eq!(faults_with(&FACED, &past), ["cli.rs: cli may not import base (Kind)"]);
}

#[test]
fn a_known_circle_passes_until_it_has_gone() {
    let known = Plan { circles_left: &["base/kind.rs → base/made.rs → base/kind.rs"], ..SMALL };
    let circle = [("src/base/kind.rs", "use super::Thing; pub struct Kind;")];
    assert_eq!(faults_with(&known, &circle), Vec::<String>::new());
    let gone = "no circle any more, take it off the list: base/kind.rs → base/made.rs → base/kind.rs";
    assert_eq!(faults_with(&known, &[]), [gone]);
}

#[test]
fn a_file_may_have_as_many_lines_as_it_may() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &[("benches/a.rs", &"\n".repeat(500)), ("fuzz/target/b.rs", &"\n".repeat(501))]);
    assert_eq!(files_are_small(folder.path(), &SMALL), Vec::<String>::new());
}

#[test]
fn a_plan_that_does_not_run_one_way_is_none() {
    const UP: &[Module] = &[Module::new("a", &[]), Module::new("b", &["a"])];
    const OUTWARD: &[Module] =
        &[Module::new("main", &["cli"]), Module::new("ops", &["cli"]), Module::new("cli", &[])];
    for (modules, expected) in [
        (UP, "plan: b may import a, which does not stand below it"),
        (OUTWARD, "plan: ops may not import cli: main alone does"),
    ] {
        assert_eq!(faults(&Plan { modules, ..SMALL }), [expected]);
    }
}

#[test]
fn a_document_that_differs_is_told_where() {
    let row = |name: &str, about: &str, imports: &str| format!("| {name} | {about} | {imports} |\n");
    let document = |base: String| {
        let head = row("module", "what it is for", "may import") + "|---|---|---|\n";
        let above = row("`main`", "the program", "`cli`") + &row("`cli`", "words", "`base`, `path`");
        head + &above
            + &row("`path`", "the way, with `unsafe`", "`base`")
            + &row("`lib`", "", "`base`")
            + &base
            + "\n| x |\n"
    };
    let sound = document(row("`base`", "things. Pure", "nothing"));
    assert_eq!(differences(&sound, &SMALL), Vec::<String>::new());
    for (base, expected) in [
        (row("`base`", "things", "nothing"), "base: is pure: false in the document, true in the plan"),
        (row("`base`", "Pure, `unsafe`", ""), "base: has unsafe: true in the document, false in the plan"),
        (row("`base`", "Pure", "`error`"), "base: may import {\"error\"} in the document, {} in the plan"),
        (
            String::new(),
            "the document has the modules [\"main\", \"cli\", \"path\", \"lib\"], \
             the plan [\"main\", \"cli\", \"path\", \"lib\", \"base\"]",
        ),
    ] {
        assert_eq!(differences(&document(base), &SMALL), [expected]);
    }
    assert_eq!(differences("no table", &SMALL).len(), 1);
}
