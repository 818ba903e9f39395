//! Keeps the structure as ARCHITECTURE.md draws it: imports run one way, pure modules stay pure, files stay small.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What each module may import. A module that is not here may not exist.
const MODULES: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("bzip2", &[]),
    ("csv", &[]),
    ("names", &["error"]),
    ("schema", &["error", "names"]),
    ("values", &["schema"]),
    ("pages", &["csv", "error", "schema", "values"]),
    ("store", &["error", "names"]),
    ("report", &["error", "store"]),
    ("notify", &["error", "ledger", "report", "store"]),
    ("glue", &["error", "report", "store"]),
    ("queue", &["error", "ledger", "store"]),
    ("webhook", &["error", "queue", "schema", "store", "work"]),
    ("lambda", &["error", "queue", "store", "webhook", "work"]),
    ("work", &["error", "ledger", "queue", "report", "store"]),
    ("ledger", &["error", "names", "report", "store"]),
    ("warehouse", &["error", "ledger", "report", "schema", "store"]),
    ("pipeline", &["bzip2", "csv", "error", "pages", "report", "schema", "store", "values", "warehouse"]),
    ("config", &["error", "names", "pages", "pipeline", "schema", "store"]),
    ("telemetry", &["error"]),
    (
        "cli",
        &[
            "config",
            "error",
            "glue",
            "lambda",
            "ledger",
            "names",
            "notify",
            "pages",
            "pipeline",
            "queue",
            "report",
            "schema",
            "store",
            "telemetry",
            "warehouse",
            "webhook",
            "work",
        ],
    ),
    ("lib", &["error"]),
    ("main", &[]),
];

/// Rooms without I/O, clock or async.
const PURE: &[&str] = &["csv", "schema", "values", "pages", "names"];
const IMPURE_WORDS: &[&str] = &[
    "tokio",
    "aws_",
    "object_store",
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::thread",
    "std::time",
    "SystemTime",
];

/// Lines that a file may have.
const LINES_MAX: usize = 500;

fn rust_files(dir: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(dir);
    let mut files = Vec::new();
    let mut dirs = vec![root];
    while let Some(dir) = dirs.pop() {
        let Ok(entries) = std::fs::read_dir(dir) else { continue };
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
                dirs.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                files.push(path);
            }
        }
    }
    assert!(!files.is_empty() || dir == "fuzz", "no Rust files in {dir}");
    files
}

fn module_of(path: &Path) -> String {
    let inside = path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap();
    let first = inside.iter().next().unwrap().to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

/// The code without comments, which may speak of any module.
fn code(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// Every `crate::module`, also those in braces: `use crate::{a::B, c::D}`.
fn imports(code: &str) -> Vec<String> {
    let mut modules = Vec::new();
    for after in code.split("crate::").skip(1) {
        match after.strip_prefix('{') {
            Some(list) => {
                let (mut depth, mut item) = (0, String::new());
                for letter in list.chars() {
                    match letter {
                        '}' if depth == 0 => break,
                        '{' => depth += 1,
                        '}' => depth -= 1,
                        ',' if depth == 0 => modules.push(std::mem::take(&mut item)),
                        _ => item.push(letter),
                    }
                }
                modules.push(item);
            }
            None => modules.push(after.to_owned()),
        }
    }
    let first_word = |text: &String| -> String {
        text.trim().chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect()
    };
    // `crate::Error`, `crate::Result` and `crate::Place` are the error module's.
    let rename = |word: String| if word.starts_with(char::is_uppercase) { "error".to_owned() } else { word };
    modules.iter().map(first_word).filter(|word| !word.is_empty()).map(rename).collect()
}

#[test]
fn imports_run_one_way() {
    let allowed: BTreeMap<_, _> = MODULES.iter().copied().collect();
    let mut faults = Vec::new();
    for path in rust_files("src") {
        let module = module_of(&path);
        let Some(allowed) = allowed.get(module.as_str()) else {
            faults.push(format!("{}: the module {module} is not in the plan", path.display()));
            continue;
        };
        for import in imports(&code(&path)) {
            if import != module && !allowed.contains(&import.as_str()) {
                faults.push(format!("{}: {module} may not import {import}", path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn the_plan_itself_has_no_circle() {
    let plan: BTreeMap<_, _> = MODULES.iter().copied().collect();
    fn visit<'a>(module: &'a str, plan: &BTreeMap<&'a str, &'a [&'a str]>, path: &mut Vec<&'a str>) {
        assert!(!path.contains(&module), "a circle: {path:?} → {module}");
        path.push(module);
        plan[module].iter().for_each(|next| visit(next, plan, path));
        path.pop();
    }
    MODULES.iter().for_each(|(module, _)| visit(module, &plan, &mut Vec::new()));
}

#[test]
fn pure_modules_stay_pure() {
    let mut faults = Vec::new();
    for path in rust_files("src").into_iter().filter(|path| PURE.contains(&module_of(path).as_str())) {
        // Tests may read a seed from the environment, in a module at the end or in a file of their own.
        let name = path.file_name().unwrap().to_string_lossy();
        if name == "properties.rs" || name.ends_with("tests.rs") {
            continue;
        }
        let code = code(&path);
        let code = code.split("#[cfg(test)]").next().unwrap_or_default();
        faults.extend(
            IMPURE_WORDS
                .iter()
                .filter(|word| code.contains(*word))
                .map(|word| format!("{}: {word}", path.display())),
        );
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn unsafe_stays_in_its_modules() {
    let modules = ["csv", "pages", "bzip2"];
    for path in rust_files("src") {
        if !modules.contains(&module_of(&path).as_str()) {
            let code = code(&path);
            let has_unsafe = ["unsafe {", "unsafe fn", "unsafe impl"].iter().any(|word| code.contains(word));
            assert!(!has_unsafe, "{} has unsafe code", path.display());
        }
    }
}

#[test]
fn files_stay_small() {
    for dir in ["src", "tests", "benches", "fuzz"] {
        for path in rust_files(dir) {
            let lines = std::fs::read_to_string(&path).unwrap().lines().count();
            assert!(lines <= LINES_MAX, "{} has {lines} lines, {LINES_MAX} allowed", path.display());
        }
    }
}

#[test]
fn the_checks_themselves_see_what_they_should() {
    assert_eq!(
        imports("use crate::{csv::Block, store::{A, B}};\nlet x = crate::Error::usage;"),
        ["csv", "store", "error"]
    );
    assert_eq!(imports("pub(crate) fn x() { crate::values::date(b\"\"); }"), ["values"]);
}
